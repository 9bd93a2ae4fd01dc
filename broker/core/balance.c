/* SPDX-License-Identifier: BSD-3-Clause
 *
 * balance.c - takes back what a busy consumer holds and an idle one could do.
 *
 * Credit follows the time that chunks took; when they begin to take longer, or one never ends, a lane holds more than its
 * consumer will come to soon. So while a lane is idle on a queue where nothing waits, and another holds several tickets and is
 * slow, the newest of these go over to the idle one, as a new attempt without a failure. Their old holder is told not to
 * begin them (REVOKE); should it have begun, the first result wins and the other is stale, as ever.
 * Slow: by its pace it needs CORE_BALANCE_US for what it holds, or it has not ended a ticket for CORE_QUIET_US. That is
 * longer than it takes to learn of a crash, so that a chunk that kills its worker is not handed to the next one meanwhile.
 * The oldest ticket of a lane is never taken: it is the one in hand.
 * Cost: a look is O(lanes of the queues that have an idle one), at most every CORE_BALANCE_US, and none when there is
 * nothing to take.
 */
#include "poison.h"
#include "state.h"

static bool is_idle (const core_lane_t *lane)
{
    return lane->ready && lane->held == 0 && lane->free > 0;
}

static bool is_slow (const emp_core_t *self, const core_lane_t *lane)
{
    emp_usec_t quiet = self->now - lane->since;
    return quiet >= CORE_QUIET_US || lane->pace * core_lane_load (lane) >= CORE_BALANCE_US;
}

/* The fullest lane that holds several tickets, slow or not; *ret_idle is the number of idle ones. */
static core_lane_t *fullest_of (const core_queue_t *queue, uint32_t *ret_idle)
{
    core_lane_t *fullest = NULL;
    *ret_idle = 0;
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link)) {
        core_lane_t *lane = CORE_OF (link, core_lane_t, in_queue);
        *ret_idle += is_idle (lane);
        if (core_lane_load (lane) > 1 && (!fullest || core_lane_load (lane) > core_lane_load (fullest)))
            fullest = lane;
    }
    return fullest;
}

/* A ticket that killed an earlier holder stays where it is when that is told, beside others; it goes on alone only. */
static void hand_over (emp_core_t *self, core_lane_t *from, core_lane_t *to, uint32_t share, emp_effects_t *fx)
{
    while (share-- && to->free && core_lane_load (from) > 1 && !core_list_is_empty (&from->tickets)) {
        core_ticket_t *last = CORE_OF (core_list_last (&from->tickets), core_ticket_t, link);
        if (core_poison_suspects (last) && to->held > 0)
            return;
        core_ticket_hand_over (self, last, to, fx);
    }
}

static void balance_queue (emp_core_t *self, core_queue_t *queue, core_lane_t *from, uint32_t idle, emp_effects_t *fx)
{
    uint32_t share = core_lane_load (from) / (idle + 1);
    core_link_t *next;
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = next) {
        next = core_list_next (&queue->lanes, link);
        core_lane_t *lane = CORE_OF (link, core_lane_t, in_queue);
        if (is_idle (lane))
            hand_over (self, from, lane, share ? share : 1, fx);
    }
}

void core_balance (emp_core_t *self, emp_effects_t *fx)
{
    if (self->now < self->balance_due)
        return;
    self->balance_due = UINT64_MAX;
    self->balanced = true; /* until a lane becomes idle, or holds several again */
    core_copy_end (self, fx);
    if (self->draining)
        return;
    for (core_link_t *link = core_list_first (&self->all_queues); link;
         link = core_list_next (&self->all_queues, link)) {
        core_queue_t *queue = CORE_OF (link, core_queue_t, in_all);
        if (self->idle_lanes && core_copy_queue (self, queue, fx))
            self->balanced = false;
        uint32_t idle = 0;
        core_lane_t *from = queue->waiting || queue->open < 2 ? NULL : fullest_of (queue, &idle);
        if (!from || idle == 0)
            continue;
        self->balanced = false; /* look again, whether or not it is slow by now */
        if (is_slow (self, from))
            balance_queue (self, queue, from, idle, fx);
    }
}

void core_balance_plan (emp_core_t *self)
{
    bool unbalanced = !self->balanced && self->idle_lanes && self->counts.held > 0 && !self->draining;
    if ((unbalanced || (self->overtaken_lanes && self->finished)) && self->balance_due == UINT64_MAX)
        self->balance_due = self->now + CORE_BALANCE_US;
}
