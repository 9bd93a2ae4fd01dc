/* SPDX-License-Identifier: BSD-3-Clause
 *
 * thread.h - what a process of ours is given: threads, named and deaf to signals, which belong to the threads of the
 * program; files it may open; standard streams.
 */
#ifndef EMP_THREAD_H
#define EMP_THREAD_H

#include <pthread.h>

#include "eisenmp.h"

/* Starts a joinable thread with every signal blocked; `name` has at most 15 bytes. False with errno. */
bool emp_thread_start (pthread_t *ret_thread, const char *name, void *(*run) (void *), void *arg);
/* A condition that waits by the monotonic clock. */
void emp_thread_cond_init (pthread_cond_t *self);
/* Raises the soft limit of open files to at least `needed`, as far as the hard one goes. Returns the limit now. */
uint64_t emp_thread_files (uint64_t needed);
/* Opens /dev/null in the place of standard streams that are closed, so that no socket of ours becomes one. First thing
 * in main (). */
void emp_thread_reserve_streams (void);

#endif
