/* SPDX-License-Identifier: BSD-3-Clause
 *
 * clocks.c - for each line of stdin a line with the seconds of every clock: clock_gettime, gettimeofday, time, timespec_get,
 * then the monotonic one.
 */
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

int main (void)
{
    char line[256];
    while (fgets (line, sizeof line, stdin)) {
        struct timespec wall, standard, steady;
        struct timeval day;
        clock_gettime (CLOCK_REALTIME, &wall);
        gettimeofday (&day, NULL);
        timespec_get (&standard, TIME_UTC);
        time_t seconds = time (NULL);
        clock_gettime (CLOCK_MONOTONIC, &steady);
        printf ("%lld %lld %lld %lld %lld\n", (long long) wall.tv_sec, (long long) day.tv_sec, (long long) seconds,
                (long long) standard.tv_sec, (long long) steady.tv_sec);
        fflush (stdout);
    }
    return 0;
}
