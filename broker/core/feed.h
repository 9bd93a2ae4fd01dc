/* SPDX-License-Identifier: BSD-3-Clause
 *
 * feed.h - one producer on one queue, and the put credit that keeps the queue within its bound.
 *
 * Credit is given out ahead and never taken back, so what is out counts as if it waited:
 *   waiting + outstanding <= maxsize + returned, always.
 * The free space is split evenly: a feed's target is an equal share of what the queue holds. Credit is given in large
 * steps, when a feed has spent at least half of its share and at least half of a share is free; so a queue of 1000
 * with one feed tells it about once in 500 tickets. A feed without any credit (dry) does not wait for that when nothing
 * waits on the queue, and never longer than CORE_CREDIT_HOLD; dry feeds take turns.
 * Who stops waiting says so, and is told at once: credit that came behind its back would be missing to others.
 * Since a feed may sit on its credit for ever, a sixteenth of the queue is a reserve for feeds that have none, and one
 * that has put nothing yet gets a sixteenth of a share.
 *
 * Life: open → ended, when its producer says so or is gone → forgotten, when its tickets have ended and their results
 * are acknowledged. Until then its id is known, so a result can be labelled.
 * Cost: O(1) amortised for a put or a grant, O(feeds of the queue) when one ends.
 */
#ifndef EMP_CORE_FEED_H
#define EMP_CORE_FEED_H

#include "queue.h"

#define CORE_CREDIT_HOLD 10000u /* microseconds */
#define CORE_CREDIT_UNSEEN 16u  /* credit of a feed at the most before the size of any ticket is known */

typedef struct core_session core_session_t;

typedef struct core_feed {
    core_slot_t slot;
    core_link_t in_session;
    core_link_t in_queue;    /* while open; then in the core's list of ended feeds once no ticket is open */
    core_link_t in_low;      /* in the queue's dry list when nothing is unspent, else in the low list, or in none */
    core_session_t *session; /* NULL when ended */
    core_queue_t *queue;
    uint64_t session_id;
    uint64_t next;        /* tickets that it has put */
    uint64_t skipped;     /* numbers that it has passed over: its next ticket is next + skipped */
    uint64_t granted;     /* so many may be put */
    uint64_t open;        /* tickets that have not ended */
    uint64_t last_serial; /* when ended and nothing open: no result of it has a later serial */
    bool managers;        /* the manager's own: it puts all the time, so some credit is given ahead */
    bool wants;           /* a worker's, that has used up what it had, as far as it knows */
    bool leaves;          /* wants, and not for longer than this moment */
    bool ended;
} core_feed_t;

/* Opens a feed with its first credit. EMP_OK, EMP_STOPPED, EMP_FULL, EMP_NOMEM. */
emp_status_t core_feed_new (emp_core_t *self, core_session_t *session, core_queue_t *queue, core_feed_t **ret_feed);
core_feed_t *core_feed_find (const emp_core_t *self, uint32_t feed);
uint32_t core_feed_id (const emp_core_t *self, const core_feed_t *feed);
/* Spends the credit of `count` tickets that were put. */
void core_feed_spend (emp_core_t *self, core_feed_t *feed, uint32_t count);
/* Of one ticket that was put: bytes, for the average. */
void core_feed_saw (core_feed_t *feed, uint32_t size);
/* It waits for credit. */
void core_feed_want (emp_core_t *self, core_feed_t *feed);
/* It waits no longer, and has put so many: with its last puts it is given what there is, or told that there is none.
 * EMP_STALE: it did not wait. */
emp_status_t core_feed_unwant (emp_core_t *self, core_feed_t *feed, uint64_t put);
/* Its owner learns that nothing it puts is taken any more. */
void core_feed_tell_over (const emp_core_t *self, const core_feed_t *feed, emp_effects_t *fx);
void core_feed_end (emp_core_t *self, core_feed_t *feed);
/* One of its tickets has ended. */
void core_feed_settle (emp_core_t *self, core_feed_t *feed);
/* Forgets ended feeds whose results are acknowledged. */
void core_feed_reap (emp_core_t *self);
/* Gives out what credit there is to give; `due`: also little. */
void core_feed_grant (emp_core_t *self, core_queue_t *queue, bool due, emp_effects_t *fx);

static inline uint64_t core_feed_unspent (const core_feed_t *self)
{
    return self->granted - self->next;
}

#endif
