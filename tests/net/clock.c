/* SPDX-License-Identifier: BSD-3-Clause
 *
 * clock.c - LD_PRELOAD: the wall clock of one process, and of what it starts, is off by as many seconds as the file says that
 * EMP_CLOCK_FILE names ("-3600"; no such file: 0). The file is read at each call: who changes it replaces it (mv), and
 * the clock jumps. Other clocks are left alone, and so are the kernel's own stamps and timers of the wall clock.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__ ((visibility ("default")))

typedef int (*clock_gettime_t) (clockid_t, struct timespec *);

static long long offset (void)
{
    int before = errno;
    char text[32] = "";
    const char *path = getenv ("EMP_CLOCK_FILE");
    int file = path ? open (path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        ssize_t size = read (file, text, sizeof text - 1);
        text[size > 0 ? size : 0] = 0;
        close (file);
    }
    errno = before;
    return strtoll (text, NULL, 10);
}

SHOWN int clock_gettime (clockid_t id, struct timespec *ret_time)
{
    static clock_gettime_t real;
    if (!real) /* two threads that are here at once find the same */
        real = (clock_gettime_t) dlsym (RTLD_NEXT, "clock_gettime");
    int rc = real (id, ret_time);
    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ret_time->tv_sec += offset ();
    return rc;
}

SHOWN int gettimeofday (struct timeval *restrict ret_time, void *restrict zone)
{
    (void) zone;
    struct timespec now;
    int rc = clock_gettime (CLOCK_REALTIME, &now);
    if (rc == 0)
        *ret_time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return rc;
}

SHOWN time_t time (time_t *ret_time)
{
    struct timespec now = {0};
    clock_gettime (CLOCK_REALTIME, &now);
    if (ret_time)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

SHOWN int timespec_get (struct timespec *ret_time, int base)
{
    return base == TIME_UTC && clock_gettime (CLOCK_REALTIME, ret_time) == 0 ? base : 0;
}
