/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.h - the consuming end of a named queue in a worker process, and what all of them share.
 *
 * A queue hands a process one chunk at a time: the next one comes when the one in hand is given back. So nothing waits
 * for credit that it holds itself, and what a crash is blamed for is clear. Other threads that ask meanwhile wait
 * their turn; a thread that asks for the next chunk while it holds the last one has dropped it: that one is refused in
 * its name, and emp_chunk_done on it says EMP_STALE. A handle lives as long as its worker; its lane opens at the first
 * get. Cost of a chunk: four uncontended locks, two readings of the clock, one scan.
 */
#ifndef EMP_WORKER_QUEUE_H
#define EMP_WORKER_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>

#include "../common/queue.h"
#include "chunk.h"
#include "slotpage.h"

#define EMP_ABANDONED_MAX 64 /* chunks a module may drop before its process ends */

typedef struct emp_worker_queue emp_worker_queue_t;

/* What a queue needs of the net; tests have one of their own. */
typedef struct {
    emp_status_t (*open) (emp_session_t *session, const char *queue, uint32_t window, emp_lane_t **ret_lane);
    emp_status_t (*next) (emp_lane_t *lane, bool wait, emp_lane_chunk_t *ret_chunk);
    void (*release) (void *frame);
    emp_status_t (*done) (emp_lane_t *lane, uint64_t ticket, uint32_t attempt, emp_outcome_t outcome, emp_buf_t *result,
                          uint64_t busy_us);
    void (*close) (emp_lane_t **lane);
} emp_lane_calls_t;
extern const emp_lane_calls_t emp_lane_calls;

/* What all queues of a process share. */
typedef struct {
    const emp_lane_calls_t *calls;
    emp_session_t *session;
    emp_slotpage_t *page;
    const char *name;     /* of the process, for messages */
    pthread_mutex_t lock; /* of `in_hand` */
    emp_chunk_t *in_hand; /* newest first */
    _Atomic uint64_t rows_done;
    _Atomic uint32_t abandoned;
    _Atomic bool closing; /* no lane opens any more, every get says NULL */
    _Atomic bool broken;  /* a queue failed, other than by stopping: the process did not end in good order */
} emp_worker_t;

void emp_worker_init (emp_worker_t *self, const emp_lane_calls_t *calls, emp_session_t *session, emp_slotpage_t *page,
                      const char *name);
void emp_worker_release (emp_worker_t *self);
/* One line on stderr, "eisenmp: <name>: …". */
void emp_worker_say (const emp_worker_t *self, const char *format, ...) EMP_PRINTF (2, 3);
/* The chunk that this thread got last and still has, or NULL; the header of the one it got last, or "". */
emp_chunk_t *emp_worker_last_chunk (const emp_worker_t *self);
const char *emp_worker_last_header (const emp_worker_t *self);
/* How often in a row the gets of this thread said NULL. */
uint32_t emp_worker_refusals (const emp_worker_t *self);

struct emp_worker_queue {
    emp_queue_t base;
    emp_worker_t *worker;
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    emp_lane_t *lane;   /* NULL until the first get */
    emp_status_t ended; /* EMP_OK, or why no chunk comes any more */
    emp_chunk_t *open;  /* the chunk in hand */
    emp_chunk_t *spare; /* for the next one */
};

/* NULL when out of memory. `name` is a full name. */
emp_worker_queue_t *emp_worker_queue_new (emp_worker_t *worker, const char *name);
/* Closes first. A chunk still in hand is freed too. */
void emp_worker_queue_destroy (emp_worker_queue_t **self);
/* Ends the lane; what it holds goes back with the session's BYE. Waits for a get that is in its lane, so end those
 * first (emp_session_leave). The handle stays valid: get says NULL, done EMP_STOPPED. */
void emp_worker_queue_close (emp_worker_queue_t *self);
/* Ends a chunk that a get gave: sends chunk->result with that outcome. The chunk is gone afterwards. EMP_STALE: it had
 * been abandoned; EMP_STOPPED: the queue is closed; or what the lane says. */
emp_status_t emp_worker_queue_end (emp_chunk_t *chunk, emp_outcome_t outcome);

#endif
