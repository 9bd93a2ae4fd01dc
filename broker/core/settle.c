/* SPDX-License-Identifier: BSD-3-Clause
 *
 * settle.c - what follows from a step, always in this order: pushes, put credit, ends.
 *
 * After it the core is quiet: no waiting ticket beside a lane with free credit (unless the backlog is full or the run
 * drains), no credit kept back that is due, nobody untold. Cost: O(what it emits + queues the step changed).
 */
#include "poison.h"
#include "state.h"

/* One ticket for each lane in turn, and one of each queue in turn. True: some were dealt. */
static bool deal_tickets (emp_core_t *self, emp_effects_t *fx)
{
    bool some = false;
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
        some = true;
    }
    return some;
}

/* Suspects first. One that had to wait for the others need not any more when the last of these is dealt. */
static void deal (emp_core_t *self, emp_effects_t *fx)
{
    do
        core_poison_deal (self, fx);
    while (deal_tickets (self, fx) && !core_list_is_empty (&self->suspicious));
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

bool core_is_over (const emp_core_t *self)
{
    return self->queues_said == self->queues.taken && self->manager_feeds == 0 && self->counts.waiting == 0 &&
           self->counts.held == 0;
}

bool core_queue_is_over (const emp_core_t *self, const core_queue_t *queue)
{
    if (!queue->stop_said || queue->open > 0)
        return false;
    if (self->draining || self->finished)
        return true;
    bool managers_alone = queue->manager_fed && !queue->worker_fed;
    return managers_alone ? queue->manager_feeds == 0 : core_is_over (self);
}

static void end_feeds (emp_core_t *self, core_queue_t *queue, emp_effects_t *fx)
{
    core_link_t *link;
    while ((link = core_list_first (&queue->feeds))) {
        core_feed_t *feed = CORE_OF (link, core_feed_t, in_queue);
        core_feed_tell_over (self, feed, fx);
        core_feed_end (self, feed);
    }
}

static void stop_queue (emp_core_t *self, core_queue_t *queue, emp_effects_t *fx)
{
    if (queue->stopped || !core_queue_is_over (self, queue))
        return;
    if (!self->draining)
        end_feeds (self, queue, fx); /* of workers that may put no more */
    queue->stopped = true;
    self->queues_stopped++;
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link))
        core_lane_tell (self, CORE_OF (link, core_lane_t, in_queue), fx);
}

/* The last ticket of the run has ended: queues that others than the manager may have fed end with it. */
static void stop_all (emp_core_t *self, emp_effects_t *fx)
{
    if (self->queues_stopped == self->queues.taken || !core_is_over (self))
        return;
    for (core_link_t *link = core_list_first (&self->all_queues); link; link = core_list_next (&self->all_queues, link))
        stop_queue (self, CORE_OF (link, core_queue_t, in_all), fx);
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
    stop_all (self, fx);
    while ((link = core_list_first (&self->touched))) /* by feeds that ended with their queues */
        core_link_remove (link);
    stop_sink (self, fx);
}
