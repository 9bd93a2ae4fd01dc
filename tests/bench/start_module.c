/* SPDX-License-Identifier: BSD-3-Clause
 *
 * start_module.c - the worker module of start.c: says when it was called for the first time. BENCH_LOAD makes loading it
 * expensive: a number of milliseconds of work, or the name of a library, as if it were linked to it.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "eisenmp.h"

emp_worker_fn bench_born;

static uint64_t now (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * 1000000000u + (uint64_t) time.tv_nsec;
}

__attribute__ ((constructor)) static void load (void)
{
    const char *what = getenv ("BENCH_LOAD");
    char *end;
    if (!what || !*what)
        return;
    uint64_t until = now () + strtoull (what, &end, 10) * 1000000u;
    if (*end) {
        if (!dlopen (what, RTLD_NOW | RTLD_GLOBAL))
            abort ();
        return;
    }
    while (now () < until)
        ;
}

/* KiB of memory that no other process has. */
static unsigned long private_kib (void)
{
    char line[256];
    unsigned long sum = 0, kib;
    FILE *file = fopen ("/proc/self/smaps_rollup", "re");
    while (file && fgets (line, sizeof line, file))
        if (sscanf (line, "Private_Clean: %lu", &kib) == 1 || sscanf (line, "Private_Dirty: %lu", &kib) == 1)
            sum += kib;
    if (file)
        fclose (file);
    return sum;
}

bool bench_born (emp_toolbox_t *toolbox)
{
    uint64_t called = now ();
    (void) toolbox;
    printf ("%" PRIu64 " %lu\n", called, private_kib ());
    return false;
}
