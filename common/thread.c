/* SPDX-License-Identifier: BSD-3-Clause
 *
 * thread.c - see thread.h.
 */
#include "thread.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* gcc 12's thread sanitizer does not know pthread_mutex_clocklock, and takes what is done under it for unlocked. */
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define BEFORE_LOCK(mutex) __tsan_mutex_pre_lock (mutex, __tsan_mutex_try_lock)
#define BEHIND_LOCK(mutex, taken)                                                                                      \
    __tsan_mutex_post_lock (mutex, __tsan_mutex_try_lock | ((taken) ? 0 : __tsan_mutex_try_lock_failed), 0)
#else
#define BEFORE_LOCK(mutex)
#define BEHIND_LOCK(mutex, taken)
#endif

bool emp_thread_start (pthread_t *ret_thread, const char *name, void *(*run) (void *), void *arg)
{
    assert (strlen (name) < 16);
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create (&thread, NULL, run, arg);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    if (error) {
        errno = error;
        return false;
    }
    pthread_setname_np (thread, name); /* a thread that is over already needs no name */
    *ret_thread = thread;
    return true;
}

void emp_thread_cond_init (pthread_cond_t *self)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init (&monotonic);
    pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init (self, &monotonic);
    pthread_condattr_destroy (&monotonic);
}

static struct timespec time_of (uint64_t until)
{
    return (struct timespec){.tv_sec = (time_t) (until / 1000000), .tv_nsec = (long) (until % 1000000) * 1000};
}

bool emp_thread_wait (pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t until)
{
    if (until == UINT64_MAX)
        return pthread_cond_wait (condition, mutex) == 0;
    struct timespec deadline = time_of (until);
    return until > 0 && pthread_cond_timedwait (condition, mutex, &deadline) == 0;
}

bool emp_thread_lock (pthread_mutex_t *mutex, uint64_t until)
{
    if (until == UINT64_MAX)
        return pthread_mutex_lock (mutex) == 0;
    if (until == 0)
        return pthread_mutex_trylock (mutex) == 0;
    struct timespec deadline = time_of (until);
    BEFORE_LOCK (mutex);
    bool taken = pthread_mutex_clocklock (mutex, CLOCK_MONOTONIC, &deadline) == 0;
    BEHIND_LOCK (mutex, taken);
    return taken;
}

void emp_thread_reserve_streams (void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl (fd, F_GETFD) < 0)
            (void) !open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest that is free: fd */
}

uint64_t emp_thread_files (uint64_t needed)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
        return needed; /* nobody says there is one */
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = needed < limit.rlim_max ? (rlim_t) needed : limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}
