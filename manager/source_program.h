/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source_program.h - a program whose standard output is read: started in a process group of its own with nothing as its
 * input, waited for, ended early with all that it started.
 */
#ifndef EMP_SOURCE_PROGRAM_H
#define EMP_SOURCE_PROGRAM_H

#include <sys/types.h>

#include "../common/eisenmp.h"

typedef struct {
    pid_t pid;      /* 0: not running, or waited for already */
    char name[256]; /* argv[0], for sentences */
} emp_source_program_t;

#define EMP_SOURCE_PROGRAM_ERROR_MAX 512

/* Starts argv (searched in $PATH) in `directory` (NULL: the present one). *ret_output is the reading end of its
 * standard output, the caller's. EMP_SYSTEM with a sentence in `ret_error`. */
emp_status_t emp_source_program_start (emp_source_program_t *self, char *const *argv, const char *directory,
                                       int *ret_output, char *ret_error);
/* Waits for its end, or until `wake` is readable: EMP_STOPPED. EMP_SYSTEM with a sentence when it exited with anything
 * but 0. */
emp_status_t emp_source_program_wait (emp_source_program_t *self, int wake, char *ret_error);
/* Ends it when it still runs: SIGTERM to its group, SIGKILL to what is left once it is gone or a second has passed. */
void emp_source_program_end (emp_source_program_t *self);

#endif
