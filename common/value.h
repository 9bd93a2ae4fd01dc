/* SPDX-License-Identifier: BSD-3-Clause
 *
 * value.h - a msgpack value as text, written as Python writes it, since the users of the original read it so:
 * None, True, -3, 0.1 (shortest text that reads back the same double, always with a point, an exponent, inf or nan),
 * 'text' (escapes \' \\ \n \r \t \xNN; printable UTF-8 as it is), b'\x00' , [1, 2], {'a': 1}. Extension types:
 * ExtType(code, b'…'). Pure but for the FILE it writes to.
 */
#ifndef EMP_VALUE_H
#define EMP_VALUE_H

#include "eisenmp.h"

#define EMP_VALUE_DOUBLE_MAX 48
/* A double as both write it, with a NUL behind it; returns its length. */
size_t emp_value_double (double value, char ret_text[EMP_VALUE_DOUBLE_MAX]);
/* As repr () writes it: texts in quotes. */
void emp_value_repr (FILE *out, const msgpack_object *value);
/* As str () writes it: a text at the top without quotes; all else like repr. */
void emp_value_str (FILE *out, const msgpack_object *value);
/* A text in quotes, as repr. */
void emp_value_repr_text (FILE *out, const char *text, size_t size);

#endif
