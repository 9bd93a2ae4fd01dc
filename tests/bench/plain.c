/* SPDX-License-Identifier: BSD-3-Clause
 *
 * plain.c - the limit of a run of primes: plain loops in two processes, half of the numbers each, no messages at all.
 *
 * Halves and not every other number: half of those would be even. A child waits for a byte, counts, and writes back one
 * count a ticket when it is done.
 */
#include "common.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tickets [first, behind) of one half. */
typedef struct {
    uint64_t first, behind;
    int go[2], back[2];
} half_t;

static _Noreturn void child (const bench_args_t *args, const half_t *half)
{
    char go;
    uint64_t count = half->behind - half->first;
    uint64_t *sums = calloc (count + 1, sizeof *sums);
    if (!sums || write (half->back[1], "!", 1) != 1 || read (half->go[0], &go, 1) != 1)
        _exit (1);
    for (uint64_t ticket = half->first; ticket < half->behind; ticket++) {
        uint64_t number = BENCH_FIRST + ticket * args->chunk;
        for (uint32_t i = 0; i < bench_ticket_rows (args, ticket); i++)
            sums[ticket - half->first] += bench_is_prime (number + i);
    }
    for (uint64_t i = 0; i < count; i++)
        if (write (half->back[1], &sums[i], sizeof sums[i]) != sizeof sums[i])
            _exit (1);
    pause (); /* until its CPU time has been read */
    _exit (0);
}

int main (int argc, char **argv)
{
    bench_args_t args;
    bench_run_t run;
    half_t halves[BENCH_WORKERS];
    char ready;
    pid_t pids[BENCH_WORKERS];

    bench_args (&args, argc, argv);
    bench_run_init (&run, &args);
    for (uint64_t i = 0; i < BENCH_WORKERS; i++) {
        half_t *half = &halves[i];
        half->first = bench_tickets (&args) * i / BENCH_WORKERS;
        half->behind = bench_tickets (&args) * (i + 1) / BENCH_WORKERS;
        if (pipe (half->go) != 0 || pipe (half->back) != 0)
            bench_die ("pipe");
        if ((pids[i] = bench_fork ()) == 0)
            child (&args, half);
        if (read (half->back[0], &ready, 1) != 1)
            bench_die ("child");
    }

    bench_run_begin (&run);
    for (int i = 0; i < BENCH_WORKERS; i++)
        if (write (halves[i].go[1], "!", 1) != 1)
            bench_die ("write");
    for (int i = 0; i < BENCH_WORKERS; i++)
        for (uint64_t ticket = halves[i].first; ticket < halves[i].behind; ticket++) {
            uint64_t sum;
            if (read (halves[i].back[0], &sum, sizeof sum) != sizeof sum)
                bench_die ("read");
            bench_run_file (&run, ticket, sum);
        }
    bench_run_end (&run);

    for (int i = 0; i < BENCH_WORKERS; i++)
        kill (pids[i], SIGKILL);
    while (wait (NULL) > 0)
        ;
    bench_run_report (&run);
    return 0;
}
