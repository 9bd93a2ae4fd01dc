/* SPDX-License-Identifier: BSD-3-Clause
 *
 * copy.c - a second copy of a ticket that takes far too long, at the end of a queue, for a lane that has nothing to do.
 *
 * The last tickets of a run decide when it ends, and one slow host holds all of it up. So when a queue will get nothing more,
 * nothing waits on it and a lane is idle, the ticket that is longest in hand, and for more than CORE_COPY_PACES times what one
 * takes there and CORE_COPY_US besides, is pushed a second time. The first result wins; the other holder is told not to begin
 * (REVOKE) and gets nothing more until it has answered; when all has ended and it is still at it a second later, it is killed: nobody waits for that.
 * (Backup tasks: J. Dean and S. Ghemawat, MapReduce, 2004.) What has failed once, or is a half, is never copied. Off for work
 * that must not run twice.
 * Cost: part of balance.c's look: O(lanes of a queue that has an idle one).
 */
#include "poison.h"
#include "state.h"

/* Whoever failed at it would be replaced by another copy, for ever: while two share a ticket, a failure of one decides
 * nothing. */
static bool may_copy (const core_ticket_t *ticket)
{
    return !ticket->copy && ticket->strikes == 0 && !ticket->family;
}

/* The lane that is longest at one ticket of its own; NULL: none. What lies behind others was not begun, and is handed over. */
static core_lane_t *slowest_of (const core_queue_t *queue)
{
    core_lane_t *slowest = NULL;
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link)) {
        core_lane_t *lane = CORE_OF (link, core_lane_t, in_queue);
        core_link_t *first = core_list_first (&lane->tickets);
        const core_ticket_t *ticket = first ? CORE_OF (first, core_ticket_t, link) : NULL;
        if (ticket && core_lane_load (lane) == 1 && may_copy (ticket) && (!slowest || lane->since < slowest->since))
            slowest = lane;
    }
    return slowest;
}

static core_lane_t *idle_of (const core_queue_t *queue)
{
    for (core_link_t *link = core_list_first (&queue->ring); link; link = core_list_next (&queue->ring, link)) {
        core_lane_t *lane = CORE_OF (link, core_lane_t, in_ring);
        if (lane->held == 0)
            return lane;
    }
    return NULL;
}

/* Nothing comes to the queue any more but what comes back. Once workers put, a copy would put the same again, and a queue that they
 * feed ends with the run only. */
static bool is_at_its_end (const emp_core_t *self, const core_queue_t *queue)
{
    return queue->stop_said && !queue->manager_feeds && !queue->waiting && self->counts.workers_put == 0;
}

bool core_copy_queue (emp_core_t *self, core_queue_t *queue, emp_effects_t *fx)
{
    if (!self->config.speculate || !is_at_its_end (self, queue))
        return false;
    for (;;) {
        core_lane_t *idle = idle_of (queue), *slow = idle ? slowest_of (queue) : NULL;
        if (!slow)
            return idle && queue->open > 0; /* what is held now was copied, or will be slow later */
        if (self->now - slow->since < CORE_COPY_US + CORE_COPY_PACES * queue->pace)
            return true;
        core_ticket_copy (self, CORE_OF (core_list_first (&slow->tickets), core_ticket_t, link), idle, fx);
    }
}

/* It is at one of them at the most; who kills it knows at which. */
static void kill_at (const core_lane_t *lane, emp_effects_t *fx)
{
    for (uint32_t i = 0; i < lane->overtaken; i++) {
        emp_effect_t *effect = core_effects_add (fx, EMP_FX_KILL);
        effect->session = lane->session->node.key;
        effect->ticket = lane->overtaken_by[i];
    }
}

void core_copy_end (emp_core_t *self, emp_effects_t *fx)
{
    if (!self->overtaken_lanes || !self->finished)
        return;
    self->overtaken_lanes = false;
    for (core_link_t *q = core_list_first (&self->all_queues); q; q = core_list_next (&self->all_queues, q)) {
        const core_queue_t *queue = CORE_OF (q, core_queue_t, in_all);
        for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link)) {
            core_lane_t *lane = CORE_OF (link, core_lane_t, in_queue);
            if (!lane->overtaken)
                continue;
            if (self->now - lane->overtaken_at < CORE_COPY_END_US) {
                self->overtaken_lanes = true;
                continue;
            }
            kill_at (lane, fx);
            core_lane_forget_overtaken (self, lane);
        }
    }
}
