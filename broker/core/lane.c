/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lane.c - see lane.h.
 */
#include "poison.h"
#include "state.h"

static core_lane_t *lane_of (const core_session_t *session, const core_queue_t *queue)
{
    for (core_link_t *link = core_list_first (&session->lanes); link; link = core_list_next (&session->lanes, link)) {
        core_lane_t *lane = CORE_OF (link, core_lane_t, in_session);
        if (lane->queue == queue)
            return lane;
    }
    return NULL;
}

/* After readiness, window or held changed. */
static void refresh (emp_core_t *self, core_lane_t *lane)
{
    uint32_t now_free = core_lane_may_take (lane) ? lane->window - lane->held : 0;
    self->free_credit += now_free;
    self->free_credit -= lane->free;
    lane->free = now_free;
    bool idle = now_free > 0 && lane->held == 0;
    if (idle != lane->idle) {
        lane->idle = idle;
        self->idle_lanes += idle ? 1 : (uint32_t) -1;
        self->balanced = self->balanced && !idle;
    }
    if ((now_free > 0) == core_link_is_in (&lane->in_ring))
        return;
    if (now_free > 0)
        core_list_add_tail (&lane->queue->ring, &lane->in_ring);
    else
        core_link_remove (&lane->in_ring);
    core_queue_refresh (self, lane->queue);
}

emp_status_t core_lane_new (emp_core_t *self, core_session_t *session, core_queue_t *queue, uint32_t window,
                            core_lane_t **ret_lane)
{
    core_lane_t *there = lane_of (session, queue);
    if (there) {
        *ret_lane = there;
        return EMP_EXISTS;
    }
    emp_status_t status = core_pool_reserve (&self->lanes, 1);
    if (status != EMP_OK)
        return status;
    core_lane_t *lane = core_pool_take (&self->lanes);
    core_list_init (&lane->tickets);
    lane->session = session;
    lane->queue = queue;
    core_list_add_tail (&session->lanes, &lane->in_session);
    core_list_add_tail (&queue->lanes, &lane->in_queue);
    queue->lane_count++;
    core_lane_set_window (self, lane, window);
    *ret_lane = lane;
    return EMP_OK;
}

core_lane_t *core_lane_find (const emp_core_t *self, uint32_t lane)
{
    return core_pool_find (&self->lanes, lane);
}

uint32_t core_lane_id (const emp_core_t *self, const core_lane_t *lane)
{
    return (uint32_t) core_pool_handle (&self->lanes, &lane->slot);
}

void core_lane_set_ready (emp_core_t *self, core_lane_t *lane)
{
    lane->ready = true;
    refresh (self, lane);
    core_queue_touch (self, lane->queue);
}

void core_lane_set_window (emp_core_t *self, core_lane_t *lane, uint32_t window)
{
    lane->window = window < self->config.window_max ? window : self->config.window_max;
    if (lane->window == 0)
        core_poison_unreserve (self, lane);
    if (lane->window > lane->window_most)
        lane->window_most = lane->window;
    refresh (self, lane);
}

static void hold (emp_core_t *self, core_lane_t *lane)
{
    if (lane->held++ == 0)
        lane->since = self->now;
    else
        self->balanced = false;
    refresh (self, lane);
}

void core_lane_hold (emp_core_t *self, core_lane_t *lane, core_ticket_t *ticket)
{
    core_list_add_tail (&lane->tickets, &ticket->link);
    if (ticket->suspect) {
        assert (lane->held == 0);
        lane->alone = true;
        lane->queue->suspects_out++;
    }
    hold (self, lane);
}

void core_lane_hold_copy (emp_core_t *self, core_lane_t *lane, core_ticket_t *ticket)
{
    assert (!lane->copied && lane->held == 0);
    lane->copied = ticket;
    hold (self, lane);
}

void core_lane_keep_copy (core_lane_t *lane, core_ticket_t *ticket)
{
    assert (lane->copied == ticket);
    lane->copied = NULL;
    core_list_add_head (&lane->tickets, &ticket->link);
}

void core_lane_release (emp_core_t *self, core_lane_t *lane, core_ticket_t *ticket)
{
    if (lane->copied == ticket)
        lane->copied = NULL;
    else
        core_link_remove (&ticket->link);
    lane->held--;
    if (lane->alone) {
        lane->alone = false;
        lane->queue->suspects_out--;
    }
    refresh (self, lane);
}

void core_lane_reserve (emp_core_t *self, core_lane_t *lane, bool reserved)
{
    lane->reserved = reserved;
    refresh (self, lane);
}

/* Its consumer takes one after the other, in the order in which they were pushed. */
static bool is_first (const core_lane_t *lane, const core_ticket_t *ticket)
{
    return lane->copied ? lane->copied == ticket : core_list_first (&lane->tickets) == &ticket->link;
}

void core_lane_overtake (emp_core_t *self, core_lane_t *lane, const core_ticket_t *ticket)
{
    bool in_hand = !lane->overtaken_in_hand && is_first (lane, ticket);
    if (lane->overtaken == CORE_OVERTAKEN_MAX && in_hand)
        lane->overtaken--;
    if (lane->overtaken < CORE_OVERTAKEN_MAX)
        lane->overtaken_by[lane->overtaken++] = core_ticket_handle (self, ticket);
    if (in_hand) {
        uint64_t other = lane->overtaken_by[0];
        lane->overtaken_by[0] = lane->overtaken_by[lane->overtaken - 1];
        lane->overtaken_by[lane->overtaken - 1] = other;
        lane->overtaken_in_hand = true;
    }
    lane->overtaken_at = self->now;
    self->overtaken_lanes = true;
    refresh (self, lane);
}

void core_lane_catch_up (emp_core_t *self, core_lane_t *lane, uint64_t ticket)
{
    for (uint32_t i = 0; i < lane->overtaken; i++)
        if (lane->overtaken_by[i] == ticket) {
            lane->overtaken_by[i] = lane->overtaken_by[--lane->overtaken];
            lane->overtaken_in_hand = lane->overtaken_in_hand && i > 0;
            refresh (self, lane);
            return;
        }
}

void core_lane_forget_overtaken (emp_core_t *self, core_lane_t *lane)
{
    lane->overtaken = 0;
    lane->overtaken_in_hand = false;
    refresh (self, lane);
}

void core_lane_worked (const emp_core_t *self, core_lane_t *lane)
{
    emp_usec_t took = self->now - lane->since;
    core_queue_t *queue = lane->queue;
    lane->pace = (lane->pace * 3 + took) / 4;
    queue->pace = queue->pace ? (queue->pace * 7 + took) / 8 : took + 1;
    lane->since = self->now;
}

void core_lane_rotate (core_lane_t *lane)
{
    if (!core_link_is_in (&lane->in_ring))
        return;
    core_link_remove (&lane->in_ring);
    core_list_add_tail (&lane->queue->ring, &lane->in_ring);
}

void core_lane_tell (const emp_core_t *self, core_lane_t *lane, emp_effects_t *fx)
{
    if (!lane->queue->stopped || !lane->ready || lane->told)
        return;
    lane->told = true;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_STOPPED);
    effect->session = lane->session->node.key;
    effect->queue = core_queue_id (self, lane->queue);
    effect->lane = core_lane_id (self, lane);
    effect->drained = self->draining;
}

void core_lane_close (emp_core_t *self, core_lane_t *lane)
{
    assert (lane->held == 0);
    core_poison_unreserve (self, lane);
    lane->ready = false;
    refresh (self, lane);
    core_link_remove (&lane->in_session);
    core_link_remove (&lane->in_queue);
    lane->queue->lane_count--;
    core_queue_touch (self, lane->queue);
    core_pool_give (&self->lanes, lane);
}
