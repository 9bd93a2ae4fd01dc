/* SPDX-License-Identifier: BSD-3-Clause
 *
 * how.h - how a process ended, in words for a person. Pure.
 */
#ifndef EMP_HOW_H
#define EMP_HOW_H

#include "control.h"

#define EMP_HOW_TEXT_MAX 127

/* Exit status of a supervisor, for the manager that started it, which starts another: the broker has given up the
 * supervisor itself, for its silence. */
#define EMP_WORKER_GIVEN_UP 3

/* "killed by signal 9 (Killed)", "exited with 3", "was silent", "left"; cut to EMP_HOW_TEXT_MAX bytes.
 * ret_text has EMP_HOW_TEXT_MAX + 1 bytes. */
void emp_how_text (emp_how_t how, uint32_t code, char *ret_text);

/* ", peak memory 12.3 MiB", to go behind that; "" when it is not known (0). ret_text has EMP_HOW_PEAK_MAX + 1 bytes. */
#define EMP_HOW_PEAK_MAX 47
void emp_how_peak (uint64_t bytes, char *ret_text);

/* Why a ticket failed whose worker could not say it: "worker killed by signal 11 (Segmentation fault), peak memory 12.3 MiB;
 * its last lines: one | two". Of the lines (may be "") the last that fit are there. ret_text has EMP_TEXT_MAX + 1 bytes. */
void emp_how_death (emp_how_t how, uint32_t code, uint64_t peak, const char *lines, char *ret_text);

#endif
