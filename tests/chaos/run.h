/* SPDX-License-Identifier: BSD-3-Clause
 *
 * run.h - one run of a plan: the manager is started, hit as planned, resumed when it was killed, until it ends by
 * itself.
 */
#ifndef CHAOS_RUN_H
#define CHAOS_RUN_H

#include "../kit/answers.h"
#include "plan.h"

typedef struct {
    const char *eisenmp;          /* the program */
    const char *examples, *tests; /* folders of modules */
    const char *folder;           /* for files; TMPDIR is a folder `tmp` in it, which has to be empty at the end */
    double limit;                 /* seconds after which a run hangs */
    long journal_size;            /* of the quiet run; 0: this is one */
} run_config_t;

typedef struct {
    bool hung;
    int code;        /* exit code, -1: a signal that was not ours */
    double seconds;  /* makespan, with all starts */
    double stopped;  /* of these, with somebody stopped */
    unsigned hits;   /* faults that found somebody */
    unsigned starts; /* again, of the supervisor and the manager: upper bound, by what was hit */
    int left;        /* processes */
    bool littered;   /* TMPDIR is not empty, also when a later run has swept */
    bool unbalanced; /* "the books do not balance" was said */
    long journal_size;
    answers_t answers;
} run_result_t;

void run_plan (const plan_t *plan, const run_config_t *config, run_result_t *ret_result);

#endif
