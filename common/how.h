/* SPDX-License-Identifier: BSD-3-Clause
 *
 * how.h - how a process ended, in words for a person. Pure.
 */
#ifndef EMP_HOW_H
#define EMP_HOW_H

#include "control.h"

#define EMP_HOW_TEXT_MAX 127

/* "killed by signal 9 (Killed)", "exited with 3", "was silent", "left"; cut to EMP_HOW_TEXT_MAX bytes.
 * ret_text has EMP_HOW_TEXT_MAX + 1 bytes. */
void emp_how_text (emp_how_t how, uint32_t code, char *ret_text);

#endif
