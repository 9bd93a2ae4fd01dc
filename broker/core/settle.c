/* SPDX-License-Identifier: BSD-3-Clause
 *
 * settle.c - what follows from a step, always in this order: pushes, put credit, ends.
 *
 * After it the core is quiet: no waiting ticket beside a lane with free credit (unless the backlog is full or the run
 * drains), no credit kept back that is due, nobody untold. Cost: O(what it emits + queues the step changed).
 */
#include "state.h"

/* One ticket for each lane in turn, and one of each queue in turn. */
static void deal (emp_core_t *self, emp_effects_t *fx)
{
    core_link_t *link;
    while ((link = core_list_first (&self->runnable)) && core_backlog_has_room (&self->backlog, self->counts.held)) {
        core_queue_t *queue = CORE_OF (link, core_queue_t, in_runnable);
        core_ticket_t *ticket = CORE_OF (core_list_first (&queue->tickets), core_ticket_t, link);
        core_lane_t *lane = CORE_OF (core_list_first (&queue->ring), core_lane_t, in_ring);
        core_ticket_push (self, ticket, lane, fx);
        core_lane_rotate (lane);
        if (core_link_is_in (link)) {
            core_link_remove (link);
            core_list_add_tail (&self->runnable, link);
        }
    }
    if (core_backlog_count (&self->backlog) + self->counts.held <= self->backlog.max)
        self->backlog.over = 0;
}

static void grant_due (emp_core_t *self, emp_effects_t *fx)
{
    core_link_t *link;
    while ((link = core_list_first (&self->hungry))) {
        core_queue_t *queue = CORE_OF (link, core_queue_t, in_hungry);
        if (queue->hungry_due > self->now)
            return;
        core_feed_grant (self, queue, true, fx); /* takes it out of the list */
    }
}

static void stop_queue (emp_core_t *self, core_queue_t *queue, emp_effects_t *fx)
{
    bool fed = queue->feed_count > 0 && !self->draining;
    if (queue->stopped || !queue->stop_said || fed || queue->open > 0)
        return;
    queue->stopped = true;
    self->queues_stopped++;
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link))
        core_lane_tell (self, CORE_OF (link, core_lane_t, in_queue), fx);
}

static void stop_sink (emp_core_t *self, emp_effects_t *fx)
{
    if (self->queues_stopped == self->queues.taken && (self->queues.taken > 0 || self->stop_all || self->draining))
        self->finished = true;
    if (!self->finished || !self->sink || self->sink_told)
        return;
    self->sink_told = true;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_SINK_STOPPED);
    effect->session = self->sink->node.key;
    effect->drained = self->draining;
}

void core_settle (emp_core_t *self, emp_effects_t *fx)
{
    deal (self, fx);
    grant_due (self, fx);
    core_link_t *link;
    while ((link = core_list_first (&self->touched))) {
        core_queue_t *queue = CORE_OF (link, core_queue_t, in_touched);
        core_link_remove (link);
        core_feed_grant (self, queue, false, fx);
        stop_queue (self, queue, fx);
    }
    stop_sink (self, fx);
}
