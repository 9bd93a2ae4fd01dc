/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child.h - a process of the page: `eisenmp run JOB` with its two streams in pipes.
 */
#ifndef EMP_CHILD_H
#define EMP_CHILD_H

#include "../../../common/eisenmp.h"

#include <sys/types.h>

/* Starts program with argv in a process group of its own, so that a Ctrl-C in our terminal is ours to hand on; nothing on
 * its standard input, all other files closed, signals as from a fresh shell. It is killed when this thread ends, however.
 * ret_outputs: what it writes to stdout and stderr, non-blocking, for the caller to close. EMP_SYSTEM with errno; that the
 * program cannot be executed is said on its stderr and is exit status 127. Not to be called with other threads about. */
emp_status_t emp_child_start (const char *program, char *const *argv, pid_t *ret_pid, int ret_outputs[2]);

#endif
