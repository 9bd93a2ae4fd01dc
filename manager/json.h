/* SPDX-License-Identifier: BSD-3-Clause
 *
 * json.h - a msgpack value as JSON (RFC 8259), nothing lost: what JSON has no word for stands in an object whose one key begins
 * with '$'.
 *
 *   binary                                        {"$bin": "<base64>"}
 *   text that is no UTF-8                         {"$str": "<base64>"}
 *   nan, inf, -inf                                {"$double": "nan"}
 *   extension type 5                              {"$ext": [5, "<base64>"]}
 *   a map with a key that is no UTF-8 text,       {"$map": [[key, value], ...]}
 *   or one that begins with '$'
 * Integers are written whole, up to 64 bits; a reader that knows doubles only rounds them. No white space.
 * Recursion is as deep as the value, which emp_scan bounds. A buffer that is full is `broken`, as always.
 */
#ifndef EMP_JSON_H
#define EMP_JSON_H

#include "../common/buf.h"

void emp_json_value (emp_buf_t *out, const msgpack_object *value);
/* A text in quotes, or its marker when it is no UTF-8. */
void emp_json_text (emp_buf_t *out, const char *text, size_t size);
/* True when all of it is UTF-8. */
bool emp_json_is_text (const char *text, size_t size);

#endif
