/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runs.h - one run for each example: not yet, under way, asked to end, over; and what it wrote. Pure: whoever starts and
 * signals processes asks here what is allowed and due, and tells what happened.
 *
 *   state      start      asked to stop           ended
 *   IDLE       RUNNING    -                       -
 *   RUNNING    -          STOPPING: SIGINT        OVER
 *   STOPPING   -          SIGINT, then SIGKILL    OVER
 *   OVER       RUNNING    -                       -
 *
 * `eisenmp run` drains at the first SIGINT, stops at the second.
 * Time is an argument, in microseconds of a clock that does not go back.
 */
#ifndef EMP_RUNS_H
#define EMP_RUNS_H

#include <sys/types.h>

#include "output.h"

#define EMP_RUNS_MAX 8             /* that run at once */
#define EMP_RUNS_DRAIN_US 5000000u /* from the first SIGINT to the second when all are to end */
#define EMP_RUNS_STOP_US 3000000u  /* from the second to SIGKILL */
#define EMP_RUNS_HOW_MAX 127       /* bytes of emp_run_how */

typedef enum { EMP_RUN_IDLE, EMP_RUN_RUNNING, EMP_RUN_STOPPING, EMP_RUN_OVER } emp_run_state_t;

typedef struct {
    emp_run_state_t state;
    uint64_t number; /* of the start, from 1, so that a reader sees that there was another one */
    pid_t pid;       /* while RUNNING or STOPPING */
    int status;      /* of waitpid, when OVER */
    unsigned asked;  /* how often it was asked to stop */
    uint64_t due;    /* when it is asked again; 0: when somebody wants it */
    emp_output_t output;
} emp_run_t;

typedef struct {
    emp_run_t *at;
    size_t count;
    bool ending; /* nothing is started any more */
} emp_runs_t;

emp_status_t emp_runs_init (emp_runs_t *self, size_t count);
void emp_runs_release (emp_runs_t *self);
bool emp_run_is_on (const emp_run_t *self);
size_t emp_runs_on (const emp_runs_t *self);
/* May it be started? EMP_EXISTS: it runs; EMP_FULL: EMP_RUNS_MAX do; EMP_STATE: all are to end. */
emp_status_t emp_runs_may_start (const emp_runs_t *self, size_t which);
/* It was started, which was allowed; what an earlier run wrote is forgotten. */
void emp_runs_started (emp_runs_t *self, size_t which, pid_t pid);
/* The signal that it now gets, 0 when it does not run. */
int emp_runs_stop (emp_runs_t *self, size_t which);
void emp_runs_over (emp_runs_t *self, size_t which, int status);
/* From now on all are to end; called again, what is due later is due now. */
void emp_runs_end (emp_runs_t *self, uint64_t now);
/* The signal that is due for a run when all are to end, 0 for none yet. */
int emp_runs_due (emp_runs_t *self, size_t which, uint64_t now);
/* When the next one is due, UINT64_MAX: never. */
uint64_t emp_runs_next_due (const emp_runs_t *self);
/* "exit 0", "killed by signal 9 (Killed)", "" while it is not over. */
void emp_run_how (const emp_run_t *self, char ret_text[EMP_RUNS_HOW_MAX + 1]);

#endif
