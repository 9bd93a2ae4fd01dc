/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wall.h - the time of the wall's clock, for what people read later; what waits goes by emp_now ().
 */
#ifndef EMP_WALL_H
#define EMP_WALL_H

#include <stdint.h>
#include <time.h>

/* Microseconds since 1970. It may jump. */
static inline uint64_t emp_wall_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static inline uint64_t emp_wall_ms (void)
{
    return emp_wall_us () / 1000;
}

#endif
