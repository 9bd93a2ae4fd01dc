/* SPDX-License-Identifier: BSD-3-Clause
 *
 * toolbox.h - what the modules of one process are called with (B25): attributes, queues, fields.
 *
 * Handles of queues are made when they are asked for, by binary search over the names of the job, so a thousand queues
 * cost a process that uses two of them nothing. Any thread may use it. After emp_toolbox_close all of it stays valid:
 * a module's thread may still run.
 */
#ifndef EMP_WORKER_TOOLBOX_H
#define EMP_WORKER_TOOLBOX_H

#include "job.h"
#include "../common/net/port.h"

#define EMP_FIELDS_MAX 1024

typedef struct {
    const emp_job_t *job;   /* borrowed, as all of these */
    emp_session_t *session; /* NULL, for tests: prints go to stderr, lanes only by `calls` */
    const emp_lane_calls_t *calls;
    emp_slotpage_t *page;
    unsigned start_sequence_num;
    const char *name;      /* "Process-1" */
    const char *directory; /* of the run, or NULL */
} emp_toolbox_config_t;

/* NULL when out of memory. */
emp_toolbox_t *emp_toolbox_new (const emp_toolbox_config_t *config);
/* Every get, also one that waits, says NULL from now on; the chunk in hand may still be given back. Any thread. */
void emp_toolbox_leave (emp_toolbox_t *self);
/* Ends all lanes, then the session: nobody uses it any more afterwards. */
void emp_toolbox_close (emp_toolbox_t *self);
/* Closes; no thread may use it any more. */
void emp_toolbox_destroy (emp_toolbox_t **self);

/* Leave was said. */
bool emp_toolbox_is_leaving (const emp_toolbox_t *self);
/* How often in a row the gets of this thread said NULL. */
uint32_t emp_toolbox_refusals (const emp_toolbox_t *self);
/* A queue failed in another way than by stopping. */
bool emp_toolbox_is_broken (const emp_toolbox_t *self);

#endif
