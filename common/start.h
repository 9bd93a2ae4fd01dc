/* SPDX-License-Identifier: BSD-3-Clause
 *
 * start.h - how worker processes are made (START_METHOD). What each is for: worker/README.md.
 */
#ifndef EMP_START_H
#define EMP_START_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { EMP_START_SPAWN, EMP_START_FORK, EMP_START_FORKSERVER } emp_start_method_t;

/* "spawn", "fork", "forkserver". */
const char *emp_start_text (emp_start_method_t self);
/* False when the text, which need not end in NUL, is none of them. */
bool emp_start_of (const char *text, size_t size, emp_start_method_t *ret_method);

#endif
