/* SPDX-License-Identifier: BSD-3-Clause
 *
 * snapshot.c - see snapshot.h.
 */
#include "snapshot.h"

#include "state.h"

static emp_usec_t since (emp_usec_t now, emp_usec_t then)
{
    return now > then ? now - then : 0;
}

void emp_core_view_run (const emp_core_t *self, emp_usec_t now, emp_core_run_view_t *ret_view)
{
    bool stop_said = self->queues.taken > 0 && self->queues_said == self->queues.taken;
    *ret_view = (emp_core_run_view_t){.feeding = !self->draining && !self->finished &&
                                                 (self->manager_feeds > 0 || !(stop_said || self->stop_all)),
                                      .draining = self->draining,
                                      .finished = self->finished,
                                      .elapsed = self->counts.put ? since (now, self->began) : 0};
}

static void view_queue (const emp_core_t *self, const core_queue_t *queue, emp_core_queue_view_t *ret_view)
{
    *ret_view = (emp_core_queue_view_t){.id = core_queue_id (self, queue),
                                        .name = queue->name,
                                        .maxsize = queue->maxsize,
                                        .feeds = queue->feed_count,
                                        .stopped = queue->stopped,
                                        .waiting = queue->waiting,
                                        .held = queue->open - queue->waiting,
                                        .put = queue->put,
                                        .answered = queue->answered,
                                        .dead = queue->dead,
                                        .reissued = queue->reissued,
                                        .rows_put = queue->rows_put,
                                        .rows_ended = queue->rows_ended,
                                        .lanes = queue->lane_count};
}

/* What is in hand there: of several lanes, that of the one who waits for its end for longest. */
static void look_at_lane (const emp_core_t *self, const core_lane_t *lane, emp_usec_t now,
                          emp_core_session_view_t *view)
{
    view->held += lane->held;
    emp_usec_t in_hand = since (now, lane->since);
    if (lane->held == 0 || (view->queue && in_hand <= view->in_hand))
        return;
    core_link_t *link = core_list_first (&lane->tickets);
    const core_ticket_t *ticket = link ? CORE_OF (link, core_ticket_t, link) : lane->copied;
    view->queue = core_queue_id (self, lane->queue);
    view->feed = core_feed_id (self, ticket->feed);
    view->number = ticket->number;
    view->attempt = ticket == lane->copied ? ticket->attempt : ticket->held_attempt;
    view->from = ticket->from;
    view->rows = ticket->part;
    view->in_hand = in_hand;
}

static void view_session (const emp_core_t *self, const core_session_t *session, emp_usec_t now,
                          emp_core_session_view_t *ret_view)
{
    *ret_view = (emp_core_session_view_t){
        .session = session->node.key, .silent = since (now, session->last), .answered = session->ended};
    for (core_link_t *link = core_list_first (&session->lanes); link; link = core_list_next (&session->lanes, link))
        look_at_lane (self, CORE_OF (link, core_lane_t, in_session), now, ret_view);
}

/* Where the next look begins: behind the last slot that was looked at, or nowhere. */
static uint32_t next_of (const core_pool_t *pool, uint32_t slot)
{
    return slot < pool->used ? slot : 0;
}

size_t emp_core_view_queues (const emp_core_t *self, uint32_t *slot, emp_core_queue_view_t *list, size_t room)
{
    size_t count = 0;
    uint32_t at = *slot;
    for (uint32_t looks = 0; at < self->queues.used && count < room && looks < EMP_CORE_VIEW_SLOTS; at++, looks++) {
        const core_slot_t *record = core_pool_at (&self->queues, at);
        if (core_slot_is_taken (record))
            view_queue (self, (const core_queue_t *) (const void *) record, &list[count++]);
    }
    *slot = next_of (&self->queues, at);
    return count;
}

size_t emp_core_view_sessions (const emp_core_t *self, emp_usec_t now, uint32_t *slot, emp_core_session_view_t *list,
                               size_t room)
{
    size_t count = 0;
    uint32_t at = *slot;
    for (uint32_t looks = 0; at < self->sessions.used && count < room && looks < EMP_CORE_VIEW_SLOTS; at++, looks++) {
        const core_slot_t *record = core_pool_at (&self->sessions, at);
        const core_session_t *session = (const core_session_t *) (const void *) record;
        if (core_slot_is_taken (record) && core_session_find (self, session->node.key) == session)
            view_session (self, session, now, &list[count++]);
    }
    *slot = next_of (&self->sessions, at);
    return count;
}
