/* SPDX-License-Identifier: BSD-3-Clause
 *
 * plan.c - see plan.h.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each fault takes a ticket at most one attempt, so a ticket can legitimately fail nine times; this is far from it, and
 * from ever. */
#define ATTEMPTS_MAX 20

/* A manager does not start a supervisor anew that dies for a third time within 10 s: more of these would be a right
 * failure. */
#define SUPERVISOR_DEATHS_MAX 2
/* A slot that dies five times in a row without a chunk in between is given up, rightly too. */
#define WORKER_DEATHS_MAX 4
#define MANAGER_DEATHS_MAX 3

static const struct {
    const char *name;
    unsigned rows, sizes[PLAN_SIZES]; /* rows, and rows a chunk */
} jobs[JOBS] = {
    {"prime", 48000, {42, 150, 600}},
    {"csv", 2400000, {2000, 8000, 40000}},
    {"bytes", 8000, {3, 10, 50}},
};

typedef struct {
    uint64_t seed, n;
} dice_t;

/* splitmix64 */
static unsigned throw (dice_t * dice, unsigned sides)
{
    uint64_t z = dice->seed + ++dice->n * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned) ((z ^ (z >> 31)) % sides);
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

typedef struct {
    unsigned supervisors, workers, managers; /* deaths that this plan has in it */
} deaths_t;

/* Shorter than the limit by a good piece, or longer: what lies between depends on the moment of the last beat. */
static unsigned draw_stop (dice_t *dice, unsigned dead_after_ms, bool *ret_long)
{
    *ret_long = throw (dice, 2);
    unsigned percent = *ret_long ? 130 + throw (dice, 120) : 10 + throw (dice, 50);
    return dead_after_ms * percent / 100;
}

static bool draw_fault (dice_t *dice, const plan_t *plan, deaths_t *deaths, plan_fault_t *fault)
{
    static const tree_role_t likely[] = {TREE_WORKER,     TREE_WORKER,  TREE_WORKER,  TREE_WORKER,
                                         TREE_SUPERVISOR, TREE_MANAGER, TREE_MANAGER, TREE_TEMPLATE};
    bool is_long = false;
    fault->who = likely[throw (dice, sizeof likely / sizeof *likely)];
    fault->which = throw (dice, 1000);
    fault->stop_ms = throw (dice, 2) ? draw_stop (dice, plan->dead_after_ms, &is_long) : 0;
    fault->permille = throw (dice, 4) ? throw (dice, 1000) : 0;
    fault->after_us = throw (dice, fault->permille ? 10000 : 100000);
    bool kills = fault->stop_ms == 0;
    if (fault->who == TREE_WORKER && kills)
        return deaths->workers++ < WORKER_DEATHS_MAX;
    if (fault->who == TREE_MANAGER && kills)
        return deaths->managers++ < MANAGER_DEATHS_MAX;
    /* A manager that was stopped for long finds its supervisor gone. */
    if (fault->who == TREE_SUPERVISOR || fault->who == TREE_MANAGER)
        return !(kills || is_long) || deaths->supervisors++ < SUPERVISOR_DEATHS_MAX;
    return true;
}

static int earlier (const void *one, const void *other)
{
    const plan_fault_t *a = one, *b = other;
    return a->permille != b->permille ? (a->permille > b->permille) - (a->permille < b->permille)
                                      : (a->after_us > b->after_us) - (a->after_us < b->after_us);
}

void plan_draw (uint64_t seed, plan_job_t job, unsigned slow, plan_t *ret_plan)
{
    static const char *const methods[] = {"spawn", "fork", "forkserver"}, *const syncs[] = {"none", "batch", "sync"};
    dice_t dice = {.seed = seed};
    deaths_t deaths = {0};
    plan_t *plan = ret_plan;
    *plan = (plan_t){.seed = seed};
    plan_job_t drawn = (plan_job_t) throw (&dice, JOBS);
    plan->job = job == JOBS ? drawn : job;
    plan->size = throw (&dice, PLAN_SIZES);
    plan->procs = 1 + throw (&dice, 4);
    plan->method = methods[throw (&dice, 3)];
    plan->sync = syncs[throw (&dice, 3)];
    plan->beat_ms = (50 + throw (&dice, 100)) * slow;
    plan->dead_after_ms = (500 + throw (&dice, 500)) * slow;
    plan->speculate = throw (&dice, 4);
    unsigned wanted = 1 + throw (&dice, PLAN_FAULTS_MAX);
    for (unsigned i = 0; i < wanted && plan->faults_count < PLAN_FAULTS_MAX; i++) {
        plan_fault_t *fault = &plan->faults[plan->faults_count];
        if (!draw_fault (&dice, plan, &deaths, fault))
            continue;
        plan->faults_count++;
        bool again = fault->who == TREE_MANAGER && !fault->stop_ms && throw (&dice, 2);
        if (!again || plan->faults_count == PLAN_FAULTS_MAX || deaths.managers++ >= MANAGER_DEATHS_MAX)
            continue;
        fault[1] = fault[0]; /* while it is being resumed */
        fault[1].after_us = fault[0].after_us + throw (&dice, 150000);
        plan->faults_count++;
    }
    qsort (plan->faults, plan->faults_count, sizeof *plan->faults, earlier);
}

void plan_quiet (plan_job_t job, unsigned size, unsigned procs, plan_t *ret_plan)
{
    *ret_plan = (plan_t){.job = job,
                         .size = size,
                         .procs = procs,
                         .method = "spawn",
                         .sync = "batch",
                         .beat_ms = 1000,
                         .dead_after_ms = 60000,
                         .speculate = true};
}

/* ---- the job file ------------------------------------------------------------------------------------------------ */

static void write_feed (const plan_t *self, FILE *file, const char *folder, const char *examples, const char *tests)
{
    const char *name = jobs[self->job].name;
    fprintf (file, "worker_modules:\n  - {worker_path: %s/%s.so, worker_ref: worker_entrance}\nfeed:\n  - ",
             self->job == JOB_BYTES ? tests : examples, name);
    switch (self->job) {
    case JOB_CSV: fprintf (file, "{csv: %s/values.csv, column: value}\n", folder); break;
    case JOB_BYTES:
        fprintf (file, "{generator: %s/random_rows.so, generator_ref: random_rows}\ntoolbox: {rows_count: %u}\n", tests,
                 jobs[JOB_BYTES].rows);
        break;
    default: fprintf (file, "{range: {start: 1_000_000_000_000, count: %u}}\n", jobs[self->job].rows); break;
    }
}

bool plan_write (const plan_t *self, const char *path, const char *folder, const char *examples, const char *tests)
{
    FILE *file = fopen (path, "we");
    if (!file)
        return false;
    fprintf (file,
             "PROCS_MAX: %u\nROWS_MAX: %u\nSTART_METHOD: %s\nJOURNAL_SYNC: %s\nBEAT: %.3f\nDEAD_AFTER: %.3f\n"
             "SPECULATE: %s\nATTEMPTS_MAX: %d\nRESULTS_PRINT: false\n",
             self->procs, jobs[self->job].sizes[self->size], self->method, self->sync, self->beat_ms / 1000.0,
             self->dead_after_ms / 1000.0, self->speculate ? "true" : "false", ATTEMPTS_MAX);
    /* The others' answer is one a chunk, which two halves of it do not have. */
    fprintf (file, "HALVE: %s\n", self->job == JOB_BYTES ? "true" : "false");
    write_feed (self, file, folder, examples, tests);
    return fclose (file) == 0;
}

bool plan_write_csv (const char *path)
{
    FILE *file = fopen (path, "we");
    if (!file)
        return false;
    uint32_t x = 20240229;
    fputs ("id,value\n", file);
    for (unsigned i = 1; i <= jobs[JOB_CSV].rows; i++) {
        x = x * 1664525 + 1013904223;
        fprintf (file, "%u,%u.%03u\n", i, x >> 20, (x >> 8) % 1000);
    }
    return fclose (file) == 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

unsigned plan_tickets (const plan_t *self)
{
    unsigned rows = jobs[self->job].sizes[self->size];
    return (jobs[self->job].rows + rows - 1) / rows;
}

const char *plan_job_name (plan_job_t job)
{
    return jobs[job].name;
}

void plan_fault_print (const plan_fault_t *fault)
{
    static const char *const names[] = {"manager", "supervisor", "worker", "template"};
    if (fault->stop_ms)
        printf ("  stop %s for %u ms", names[fault->who], fault->stop_ms);
    else
        printf ("  kill %s", names[fault->who]);
    printf (" at %u/1000 + %u us\n", fault->permille, fault->after_us);
}
