/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stray.h - processes that a slot started and that outlived it: they become children of the supervisor (a subreaper),
 * also those that took a session of their own, and die here.
 *
 * Cost: O(children) a call. On a kernel without /proc/<pid>/task/<tid>/children nothing is found.
 */
#ifndef EMP_WORKER_STRAY_H
#define EMP_WORKER_STRAY_H

#include <stdbool.h>
#include <sys/types.h>

/* True for the children that the caller started itself: they are left alone. */
typedef bool (emp_stray_is_own_fn) (void *arg, pid_t pid);

/* Collects strays that have ended by themselves. */
void emp_stray_collect (emp_stray_is_own_fn *is_own, void *arg);
/* Kills and collects the strays that have `tag` ("NAME=value") in their environment, NULL: all of them, and what
 * comes up when they die. Gives up after a second. Returns how many it killed. */
unsigned emp_stray_sweep (const char *tag, emp_stray_is_own_fn *is_own, void *arg);

#endif
