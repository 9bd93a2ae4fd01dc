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
/* Waits, or locks, until a time of emp_now () at the latest; 0: not at all, UINT64_MAX: for ever. False: it is that
 * time, and what was waited for may or may not have happened; the mutex is not locked by a lock that failed. */
bool emp_thread_wait (pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t until);
bool emp_thread_lock (pthread_mutex_t *mutex, uint64_t until);
/* Raises the soft limit of open files to at least `needed`, as far as the hard one goes. Returns the limit now. */
uint64_t emp_thread_files (uint64_t needed);
/* Opens /dev/null in the place of standard streams that are closed, so that no socket of ours becomes one; the wrong way
 * round, so that it is an error to read or write there, as if they were closed still. First thing in main (). */
void emp_thread_reserve_streams (void);

#endif
