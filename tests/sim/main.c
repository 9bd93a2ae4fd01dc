/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - sim: runs schedules, and shows one that fails.
 *
 *     sim [--seed S] [--count N] [--brief]    schedules S, S + 1, …; exit 1 with the first that fails, shrunk and told; --brief: named
 *     sim --replay S [--shrink]               that one, told; --shrink: made smaller first if it fails
 *
 * An assert of a core, or its crash, is a failure like any other. Each 64th schedule runs twice and has to come out the same.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shrink.h"
#include "sim.h"

#define PATIENCE_S 60 /* for one step of a core, that is: forever */

static sigjmp_buf before;
static volatile sig_atomic_t guarded;
static uint64_t at_work;

static void dies (int number)
{
    if (guarded)
        siglongjmp (before, number);
    _exit (70);
}

static void hangs (int number)
{
    char text[100];
    (void) number;
    int size =
        snprintf (text, sizeof text, "sim: seed %llu: a step of a core does not end\n", (unsigned long long) at_work);
    _exit (write (STDERR_FILENO, text, (size_t) size) > 0 ? 1 : 70);
}

static const char *run (const plan_t *plan, bool tell, uint64_t *ret_digest)
{
    const char *broken = "a core ended the process: an assert, or a crash";
    at_work = plan->seed;
    guarded = true;
    if (sigsetjmp (before, 1) == 0)
        broken = world_run (plan, tell, ret_digest);
    guarded = false;
    return broken;
}

static const char *run_quietly (const plan_t *plan)
{
    alarm (PATIENCE_S);
    return run (plan, false, NULL);
}

static int show (const plan_t *plan, bool smaller)
{
    plan_t shown = *plan;
    if (smaller && run_quietly (&shown))
        printf ("sim: shrunk by %u schedules\n", shrink (&shown, run_quietly));
    plan_print (&shown);
    const char *broken = run (&shown, true, NULL);
    printf ("sim: seed %llu: %s\n", (unsigned long long) plan->seed, broken ? broken : "fine");
    return broken ? 1 : 0;
}

static void print_tally (double seconds)
{
    printf ("sim: %llu schedules in %.1f s (%.0f/s), %.0f steps each: %llu answered, %llu dead, %llu dropped; %llu "
            "halved, %llu "
            "copied, %llu handed over, %llu sessions lost, %llu late, %llu fenced, %llu overtaken, %llu parked, %llu "
            "doubled, %llu "
            "puts of workers\n",
            (unsigned long long) tally.schedules, seconds, (double) tally.schedules / seconds,
            (double) tally.steps / (double) tally.schedules, (unsigned long long) tally.answered,
            (unsigned long long) tally.dead, (unsigned long long) tally.dropped, (unsigned long long) tally.halved,
            (unsigned long long) tally.copied, (unsigned long long) tally.handed, (unsigned long long) tally.lost,
            (unsigned long long) tally.late, (unsigned long long) tally.fenced, (unsigned long long) tally.overtaken,
            (unsigned long long) tally.parked, (unsigned long long) tally.twice, (unsigned long long) tally.puts);
}

static double now (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static int run_many (uint64_t seed, uint64_t count, bool brief)
{
    double begin = now ();
    for (uint64_t i = 0; i < count; i++) {
        plan_t plan;
        plan_draw (&plan, seed + i);
        if (i % 256 == 0)
            alarm (PATIENCE_S);
        uint64_t digest = 0, again = 0;
        const char *broken = run (&plan, false, &digest);
        if (!broken && i % 64 == 0) {
            run (&plan, false, &again);
            broken = digest == again ? NULL : "the same seed came out in two ways";
        }
        if (!broken)
            continue;
        printf ("sim: seed %llu fails: %s\n", (unsigned long long) plan.seed, broken);
        fflush (stdout);
        if (brief)
            return 1;
        show (&plan, true);
        printf ("sim: once more: sim --replay %llu --shrink\n", (unsigned long long) plan.seed);
        return 1;
    }
    print_tally (now () - begin);
    return 0;
}

static uint64_t number (const char *option, const char *text)
{
    char *end = NULL;
    unsigned long long value = text ? strtoull (text, &end, 10) : 0;
    if (!text || end == text || *end) {
        fprintf (stderr, "sim: %s: a number is expected\n", option);
        exit (2);
    }
    return value;
}

int main (int argc, char **argv)
{
    uint64_t seed = 1, count = 1000;
    bool brief = false, replay = false, smaller = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp (argv[i], "--shrink") == 0) {
            smaller = true;
            continue;
        }
        if (strcmp (argv[i], "--brief") == 0) {
            brief = true;
            continue;
        }
        if (strcmp (argv[i], "--seed") == 0)
            seed = number (argv[i], value);
        else if (strcmp (argv[i], "--count") == 0)
            count = number (argv[i], value);
        else if (strcmp (argv[i], "--replay") == 0) {
            seed = number (argv[i], value);
            replay = true;
        } else {
            fprintf (stderr, "usage: sim [--seed S] [--count N] [--brief] | --replay S [--shrink]\n");
            return 2;
        }
        i++;
    }
    signal (SIGABRT, dies);
#if !defined(__SANITIZE_ADDRESS__)
    signal (SIGSEGV, dies);
#endif
    signal (SIGALRM, hangs);
    if (!replay)
        return run_many (seed, count, brief);
    plan_t plan;
    plan_draw (&plan, seed);
    return show (&plan, smaller);
}
