/* SPDX-License-Identifier: BSD-3-Clause
 *
 * plan.h - what a seed stands for: a job, its settings, and who is to be hit when.
 */
#ifndef CHAOS_PLAN_H
#define CHAOS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "../kit/tree.h"

#define PLAN_FAULTS_MAX 8
#define PLAN_SIZES 3 /* of chunks, a job */

typedef enum { JOB_PRIME, JOB_CSV, JOB_BYTES, JOBS } plan_job_t;

typedef struct {
    tree_role_t who;
    unsigned which;    /* of several, modulo how many there are */
    unsigned stop_ms;  /* SIGSTOP, and SIGCONT so much later; 0: SIGKILL */
    unsigned permille; /* when the journal has so much of its size at the end of the quiet run; 0: from the start */
    unsigned after_us; /* and so much later */
} plan_fault_t;

typedef struct {
    uint64_t seed;
    plan_job_t job;
    unsigned size; /* of chunks: 0 to PLAN_SIZES - 1 */
    unsigned procs;
    const char *method, *sync;
    unsigned beat_ms, dead_after_ms;
    bool speculate;
    plan_fault_t faults[PLAN_FAULTS_MAX]; /* in order of their moments */
    unsigned faults_count;
} plan_t;

/* job JOBS: the seed says which. Times that tell a frozen process from a slow one are `slow` times as long. */
void plan_draw (uint64_t seed, plan_job_t job, unsigned slow, plan_t *ret_plan);
/* As plan_draw's, without faults: what a run of this job, these chunks and so many processes is compared with. */
void plan_quiet (plan_job_t job, unsigned size, unsigned procs, plan_t *ret_plan);
/* Writes its job file. folder has the csv job's input; modules those of the examples and of the tests. False: errno. */
bool plan_write (const plan_t *self, const char *path, const char *folder, const char *examples, const char *tests);
unsigned plan_tickets (const plan_t *self);
const char *plan_job_name (plan_job_t job);
void plan_fault_print (const plan_fault_t *fault);

/* The csv job's input; the same bytes each time. */
bool plan_write_csv (const char *path);

#endif
