/* SPDX-License-Identifier: BSD-3-Clause
 *
 * procs.h - the worker processes of a run, as the broker tells of them: who has joined and not gone (proc_list, B23).
 *
 * Under a lock of its own; told by the session's thread, asked by any. At most EMP_PROCS_MAX_LIMIT at a time are known.
 */
#ifndef EMP_PROCS_H
#define EMP_PROCS_H

#include "../common/control.h"
#include "../common/net/queue.h"

typedef struct {
    uint64_t session;
    int pid;
    bool killed; /* by the program */
    char name[EMP_LABEL_MAX + 1];
} emp_known_proc_t;

typedef struct {
    pthread_mutex_t lock;
    emp_known_proc_t *list;
    size_t count, room;
} emp_procs_t;

void emp_procs_init (emp_procs_t *self);
void emp_procs_release (emp_procs_t *self);
/* JOINED or GONE. True: it is gone because the program had it killed. */
bool emp_procs_heard (emp_procs_t *self, const emp_control_t *message);
/* What can be done with a manager's mp_process_q: put names of processes that shall end. */
const emp_queue_calls_t *emp_procs_calls (void);

#endif
