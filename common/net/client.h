/* SPDX-License-Identifier: BSD-3-Clause
 *
 * client.h - what all queues of one process share: its session, what it has in hand, what each thread got last.
 *
 * Any thread. The lock is held for a few stores, never while something waits.
 */
#ifndef EMP_CLIENT_H
#define EMP_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "queue.h"
#include "../slotpage.h"
#include "chunk.h"

#define EMP_ABANDONED_MAX 64 /* chunks a module may drop before its process ends */

/* What a queue needs of the net; tests have one of their own. `until`: emp_now () at which to give up, 0: do not wait,
 * UINT64_MAX: wait for ever. */
typedef struct {
    emp_status_t (*open) (emp_session_t *session, const char *queue, uint32_t window, emp_lane_t **ret_lane);
    emp_status_t (*next) (emp_lane_t *lane, uint64_t until, emp_lane_chunk_t *ret_chunk);
    void (*release) (void *frame);
    emp_status_t (*done) (emp_lane_t *lane, const emp_lane_end_t *end, emp_buf_t *result);
    void (*close) (emp_lane_t **lane);
} emp_lane_calls_t;
extern const emp_lane_calls_t emp_lane_calls;

typedef struct {
    const emp_lane_calls_t *calls;
    emp_session_t *session; /* NULL, for tests: nothing is put */
    emp_slotpage_t *page;   /* a supervisor's, or our own */
    emp_slotpage_t own_page;
    const char *name;     /* of the process, for messages */
    pthread_mutex_t lock; /* of `in_hand`, `oldest` and `users` */
    pthread_cond_t left;
    unsigned users;       /* that use the session now, between enter and leave */
    emp_chunk_t *in_hand; /* newest first */
    emp_chunk_t *oldest;  /* the last of them */
    _Atomic uint64_t rows_done;
    _Atomic uint32_t abandoned;
    _Atomic bool closing; /* no lane opens any more, every get says NULL */
    _Atomic bool broken;  /* a queue failed, other than by stopping: the process did not end in good order */
} emp_client_t;

/* `page` NULL: nobody looks. */
void emp_client_init (emp_client_t *self, const emp_lane_calls_t *calls, emp_session_t *session, emp_slotpage_t *page,
                      const char *name);
void emp_client_release (emp_client_t *self);
/* The session, for who is no lane or feed, until emp_client_leave; NULL: there is none, or none any more. */
emp_session_t *emp_client_enter (emp_client_t *self);
void emp_client_leave (emp_client_t *self);
/* Waits until all have left. Before the session is freed, behind `closing` and emp_session_close, which wakes them. */
void emp_client_wait (emp_client_t *self);
/* One line on stderr, "eisenmp: <name>: …". */
void emp_client_say (const emp_client_t *self, const char *format, ...) EMP_PRINTF (2, 3);
/* Sends a text for the manager's screen, cut to EMP_PRINT_MAX; without a session it goes to stderr. */
emp_status_t emp_client_print (emp_client_t *self, const char *text, size_t size);

/* The page names the ticket that the process was given last and has not given back, and the one that it has had for
 * longest, with chunk->got_us. */
void emp_client_take_in_hand (emp_client_t *self, emp_chunk_t *chunk);
void emp_client_put_out_of_hand (emp_client_t *self, emp_chunk_t *chunk);

/* A chunk that this thread got and has not given back, or NULL. */
const emp_chunk_t *emp_client_held (emp_client_t *self);
/* This thread got the chunk, or NULL; it has it no more. */
void emp_client_remember (const emp_client_t *self, emp_chunk_t *chunk);
void emp_client_forget (const emp_chunk_t *chunk);
/* The chunk that this thread got last and still has, or NULL; the header of the one it got last, or "". */
emp_chunk_t *emp_client_last_chunk (emp_client_t *self);
const char *emp_client_last_header (const emp_client_t *self);
/* How often in a row the gets of this thread said NULL because a queue has stopped. */
uint32_t emp_client_refusals (const emp_client_t *self);

#endif
