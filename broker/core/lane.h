/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lane.h - one consumer on one queue, and the tickets that it holds.
 *
 * Invariant: `held` is the length of `tickets`, and one more when it holds a copy; held <= window_most, the largest window it ever granted; it stands in its queue's ring exactly while it is
 * ready and held < window; free is what it may still take.
 * Cost: O(1) each.
 */
#ifndef EMP_CORE_LANE_H
#define EMP_CORE_LANE_H

#include "queue.h"

typedef struct core_session core_session_t;

#define CORE_OVERTAKEN_MAX 4u

typedef struct core_lane {
    core_slot_t slot;
    core_link_t in_session;
    core_link_t in_queue;
    core_link_t in_ring;
    core_list_t tickets;        /* held, in the order in which they were pushed */
    struct core_ticket *copied; /* one more, of which another lane is the first holder; NULL: none */
    /* Handles of tickets that others have answered while it may be at one of them: it gets nothing before it has said what became
     * of these. Of more than fit the one in hand is among them; the others lie behind that and are passed over. */
    uint64_t overtaken_by[CORE_OVERTAKEN_MAX];
    emp_usec_t overtaken_at; /* the last time */
    core_session_t *session;
    core_queue_t *queue;
    uint32_t overtaken; /* handles in overtaken_by */
    uint32_t held;
    uint32_t window;
    uint32_t window_most;
    uint32_t free;
    emp_usec_t since;       /* when it ended a ticket last, or began to hold some */
    emp_usec_t pace;        /* from one ended ticket to the next, on average */
    bool idle;              /* counted so: ready, with credit, and holds nothing */
    bool overtaken_in_hand; /* the first of overtaken_by was in hand when it was answered */
    bool ready;             /* its consumer has connected */
    bool told;              /* that the queue has stopped */
    bool alone;             /* it holds a suspect: nothing else until that has ended */
    bool reserved;          /* it gets nothing until it is empty */
} core_lane_t;

static inline bool core_lane_may_take (const core_lane_t *self)
{
    return self->ready && !self->alone && !self->reserved && !self->overtaken && self->held < self->window;
}

/* Tickets that its consumer is at or has before it, that one included which another has answered meanwhile. */
static inline uint32_t core_lane_load (const core_lane_t *self)
{
    return self->held + (self->overtaken != 0);
}

/* EMP_OK, EMP_EXISTS (*ret_lane is that one), EMP_FULL, EMP_NOMEM. */
emp_status_t core_lane_new (emp_core_t *self, core_session_t *session, core_queue_t *queue, uint32_t window,
                            core_lane_t **ret_lane);
core_lane_t *core_lane_find (const emp_core_t *self, uint32_t lane);
uint32_t core_lane_id (const emp_core_t *self, const core_lane_t *lane);
void core_lane_set_ready (emp_core_t *self, core_lane_t *lane);
void core_lane_set_window (emp_core_t *self, core_lane_t *lane, uint32_t window);
/* A ticket comes to the lane's end, or leaves it. */
void core_lane_hold (emp_core_t *self, core_lane_t *lane, core_ticket_t *ticket);
void core_lane_release (emp_core_t *self, core_lane_t *lane, core_ticket_t *ticket);
/* The same for a copy. */
void core_lane_hold_copy (emp_core_t *self, core_lane_t *lane, core_ticket_t *ticket);
/* Its copy is the only holder now. */
void core_lane_keep_copy (core_lane_t *lane, core_ticket_t *ticket);
void core_lane_reserve (emp_core_t *self, core_lane_t *lane, bool reserved);
/* Another has answered a ticket of it. */
void core_lane_overtake (emp_core_t *self, core_lane_t *lane, const core_ticket_t *ticket);
/* It has come to the end of this ticket, which others may have answered. */
void core_lane_catch_up (emp_core_t *self, core_lane_t *lane, uint64_t ticket);
/* It is at none of what others have answered, or is ended for that. */
void core_lane_forget_overtaken (emp_core_t *self, core_lane_t *lane);
/* Its consumer has ended a ticket. */
void core_lane_worked (const emp_core_t *self, core_lane_t *lane);
/* Its turn is over: the last of the ring when it still has free credit. */
void core_lane_rotate (core_lane_t *lane);
/* Tells its consumer, once, that the queue has stopped, when it has, and when the consumer can hear it. */
void core_lane_tell (const emp_core_t *self, core_lane_t *lane, emp_effects_t *fx);
/* Gives the record back; it holds nothing any more. */
void core_lane_close (emp_core_t *self, core_lane_t *lane);

#endif
