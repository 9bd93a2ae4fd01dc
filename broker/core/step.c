/* SPDX-License-Identifier: BSD-3-Clause
 *
 * step.c - one short function for each event, named after its sentence; what follows from all of them is settle.c.
 *
 * A step first makes room for everything that it may emit or keep. So each function below either returns before it
 * changed anything, or cannot fail.
 */
#include "poison.h"
#include "state.h"

static uint64_t least (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

static emp_status_t a_session_says_hello (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    emp_status_t status = core_session_join (self, event);
    if (status != EMP_OK)
        return status;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_SESSION);
    effect->session = event->session;
    effect->role = event->role;
    return EMP_OK;
}

static emp_status_t a_session_is_alive (emp_core_t *self, const emp_event_t *event)
{
    return core_session_hear (self, event->session) ? EMP_OK : EMP_UNKNOWN;
}

static emp_status_t a_session_says_bye (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_session_t *session = core_session_find (self, event->session);
    if (!session)
        return EMP_UNKNOWN;
    core_session_end (self, session, (core_end_t){.how = EMP_HOW_BYE}, fx);
    return EMP_OK;
}

static emp_status_t a_session_is_lost (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_session_t *session = core_session_find (self, event->session);
    if (!session)
        return EMP_UNKNOWN;
    core_end_t end = {.lost = true, .how = event->how, .code = event->code, .ticket = event->ticket};
    core_session_end (self, session, end, fx);
    return EMP_OK;
}

/* Why an event of this session does not apply though its kind does. */
static emp_status_t stranger (emp_core_t *self, uint64_t session)
{
    return core_session_hear (self, session) ? EMP_STALE : EMP_UNKNOWN;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static emp_status_t a_queue_is_declared (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_queue_t *queue = NULL;
    emp_status_t status = core_queue_new (self, event->name, event->maxsize, event->bytes_max, &queue);
    if (status == EMP_NOMEM)
        return status;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_DECLARED);
    effect->session = event->session;
    effect->status = status;
    effect->queue = queue ? core_queue_id (self, queue) : 0;
    return EMP_OK;
}

static emp_status_t a_lane_is_opened (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_session_t *session = core_session_hear (self, event->session);
    if (!session)
        return EMP_UNKNOWN;
    core_queue_t *queue = core_queue_find (self, event->name);
    core_lane_t *lane = NULL;
    emp_status_t status = queue ? core_lane_new (self, session, queue, event->window, &lane) : EMP_UNKNOWN;
    if (status == EMP_NOMEM)
        return status;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_LANE);
    effect->session = event->session;
    effect->status = status;
    effect->queue = queue ? core_queue_id (self, queue) : 0;
    effect->lane = lane ? core_lane_id (self, lane) : 0;
    return EMP_OK;
}

static emp_status_t a_lanes_consumer_has_connected (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_lane_t *lane = core_lane_find (self, event->lane);
    if (!lane)
        return EMP_STALE;
    core_lane_set_ready (self, lane);
    core_lane_tell (self, lane, fx);
    return EMP_OK;
}

static emp_status_t a_feed_is_opened (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_session_t *session = core_session_hear (self, event->session);
    if (!session)
        return EMP_UNKNOWN;
    core_queue_t *queue = core_queue_find (self, event->name);
    core_feed_t *feed = NULL;
    emp_status_t status = queue ? core_feed_new (self, session, queue, &feed) : EMP_UNKNOWN;
    if (status == EMP_NOMEM)
        return status;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_FEED);
    effect->session = event->session;
    effect->status = status;
    effect->queue = queue ? core_queue_id (self, queue) : 0;
    effect->feed = feed ? core_feed_id (self, feed) : 0;
    effect->credit = feed ? feed->granted : 0;
    return EMP_OK;
}

static emp_status_t the_sink_is_opened (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_session_t *session = core_session_hear (self, event->session);
    if (!session)
        return EMP_UNKNOWN;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_SINK);
    effect->session = event->session;
    effect->status = self->sink ? EMP_EXISTS : EMP_OK;
    if (!self->sink)
        self->sink = session;
    return EMP_OK;
}

/* ---- tickets ----------------------------------------------------------------------------------------------------- */

static void keep_parts (emp_core_t *self, const emp_event_t *event, core_feed_t *feed, emp_effects_t *fx)
{
    for (uint32_t i = 0; i < event->count; i++) {
        core_feed_saw (feed, event->parts[i].length);
        const core_ticket_t *ticket = core_ticket_put (self, feed, event->number + i, &event->parts[i]);
        emp_effect_t *effect = core_effects_add (fx, EMP_FX_TICKET);
        effect->ticket = core_ticket_handle (self, ticket);
        effect->queue = core_queue_id (self, feed->queue);
        effect->feed = event->feed;
        effect->index = i;
        effect->number = ticket->number;
        effect->rows = ticket->rows;
    }
}

static void drain_parts (emp_core_t *self, const emp_event_t *event, core_queue_t *queue)
{
    self->counts.put += event->count;
    self->counts.dropped += event->count;
    queue->put += event->count;
    for (uint32_t i = 0; i < event->count; i++) {
        self->counts.rows_put += event->parts[i].rows;
        queue->rows_put += event->parts[i].rows;
    }
}

static emp_status_t a_feed_puts (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_feed_t *feed = core_feed_find (self, event->feed);
    core_session_t *session = core_session_hear (self, event->session);
    bool own = feed && feed->session_id == event->session;
    bool again = own && event->number < feed->next + feed->skipped; /* it was seen before */
    if (session && !again)
        session->seen += event->count; /* taken or not: nobody needs to wait for it any more */
    if ((!feed || (own && feed->ended)) && event->end && event->count == 0)
        return session ? EMP_OK : EMP_UNKNOWN; /* a worker's ended with its queue */
    if (!own || feed->ended)
        return session ? EMP_STALE : EMP_UNKNOWN;
    bool may_skip = feed->managers && event->skipped >= feed->skipped;
    if ((event->skipped != feed->skipped && !may_skip) || event->number != feed->next + event->skipped)
        return EMP_STALE;
    if (event->count > core_feed_unspent (feed))
        return EMP_FULL;
    feed->skipped = event->skipped;
    self->counts.workers_put += feed->managers ? 0 : event->count;
    if (self->counts.put == 0)
        self->began = self->now;
    if (self->draining)
        drain_parts (self, event, feed->queue);
    else
        keep_parts (self, event, feed, fx);
    core_feed_spend (self, feed, event->count);
    if (event->end)
        core_feed_end (self, feed);
    return EMP_OK;
}

/* The lane of the event, whose owner sent it; or NULL. */
static core_lane_t *own_lane (emp_core_t *self, const emp_event_t *event)
{
    core_lane_t *lane = core_lane_find (self, event->lane);
    if (!lane || lane->session->node.key != event->session)
        return NULL;
    core_session_heard (self, lane->session);
    return lane;
}

static emp_status_t a_feed_waits_for_credit (emp_core_t *self, const emp_event_t *event)
{
    core_feed_t *feed = core_feed_find (self, event->feed);
    if (!feed || feed->ended || feed->session_id != event->session)
        return stranger (self, event->session);
    core_session_heard (self, feed->session);
    if (event->end)
        return core_feed_unwant (self, feed, event->number);
    core_feed_want (self, feed);
    return EMP_OK;
}

static emp_status_t a_lane_gets_credit (emp_core_t *self, const emp_event_t *event)
{
    core_lane_t *lane = own_lane (self, event);
    if (!lane)
        return stranger (self, event->session);
    core_lane_set_window (self, lane, event->window);
    return EMP_OK;
}

/* Its session is gone; it was frozen, or cut off, and did not know. */
static emp_status_t somebody_given_up_is_done (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    if (core_session_hear (self, event->session))
        return EMP_STALE; /* of another's lane */
    core_ticket_t *ticket = core_ticket_find (self, event->ticket);
    emp_status_t status = ticket ? core_ticket_late (self, ticket, event, fx) : EMP_STALE;
    self->counts.fenced += status != EMP_OK;
    return status;
}

/* Of a ticket that has ended. Who was told not to begin it says refused, as it should; who has begun it is too late. */
static emp_status_t something_ended_is_done (emp_core_t *self, const emp_event_t *event)
{
    if (event->outcome == EMP_OUTCOME_REFUSED)
        return EMP_OK;
    self->counts.overtaken++;
    return EMP_STALE;
}

static emp_status_t a_ticket_is_done (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane,
                                      const emp_event_t *event, emp_effects_t *fx)
{
    switch (event->outcome) {
    case EMP_OUTCOME_DONE: return core_ticket_done (self, ticket, lane, event->attempt, event->size, fx);
    case EMP_OUTCOME_REFUSED: return core_ticket_refused (self, ticket, lane, event->attempt, event->size, fx);
    case EMP_OUTCOME_DEAD: break; /* only a core says so */
    }
    return EMP_STALE;
}

static emp_status_t a_lane_is_done_with_a_ticket (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    core_lane_t *lane = own_lane (self, event);
    if (!lane)
        return somebody_given_up_is_done (self, event, fx);
    core_ticket_t *ticket = core_ticket_find (self, event->ticket);
    if (ticket && event->number > lane->session->seen)
        return EMP_STATE;
    core_lane_catch_up (self, lane, event->ticket);
    if (!ticket)
        return something_ended_is_done (self, event);
    bool in_hand = ticket->lane == lane || ticket->copy == lane;
    emp_status_t status = a_ticket_is_done (self, ticket, lane, event, fx);
    if (in_hand && status == EMP_OK)
        core_lane_worked (self, lane);
    lane->session->ended += status == EMP_OK && event->outcome == EMP_OUTCOME_DONE;
    return status;
}

static emp_status_t results_are_kept (emp_core_t *self, const emp_event_t *event)
{
    if (event->serial < self->backlog.acked || event->serial > self->backlog.serial)
        return EMP_STALE;
    core_backlog_ack (&self->backlog, event->serial);
    return EMP_OK;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void say_stop (emp_core_t *self, core_queue_t *queue)
{
    self->queues_said += !queue->stop_said;
    queue->stop_said = true;
    self->balanced = false; /* what is held may be copied now */
    core_queue_touch (self, queue);
}

static void say_stop_to_all (emp_core_t *self)
{
    self->stop_all = true;
    for (core_link_t *link = core_list_first (&self->all_queues); link; link = core_list_next (&self->all_queues, link))
        say_stop (self, CORE_OF (link, core_queue_t, in_all));
}

static emp_status_t a_queue_stops (emp_core_t *self, const emp_event_t *event)
{
    if (!event->name || !*event->name) {
        say_stop_to_all (self);
        return EMP_OK;
    }
    core_queue_t *queue = core_queue_find (self, event->name);
    if (!queue)
        return EMP_UNKNOWN;
    say_stop (self, queue);
    return EMP_OK;
}

static void drop_waiting (emp_core_t *self, const core_queue_t *queue, emp_effects_t *fx)
{
    core_link_t *link;
    while ((link = core_list_first (&queue->tickets)) || (link = core_list_first (&queue->suspects)))
        core_ticket_drop (self, CORE_OF (link, core_ticket_t, link), fx);
}

/* A worker may wait at a full queue, with a chunk in hand that is to be finished. */
static void tell_feeds (const emp_core_t *self, const core_queue_t *queue, emp_effects_t *fx)
{
    for (core_link_t *link = core_list_first (&queue->feeds); link; link = core_list_next (&queue->feeds, link)) {
        const core_feed_t *feed = CORE_OF (link, core_feed_t, in_queue);
        if (!feed->managers) /* that one has said it */
            core_feed_tell_over (self, feed, fx);
    }
}

static emp_status_t the_run_drains (emp_core_t *self, emp_effects_t *fx)
{
    self->draining = true;
    say_stop_to_all (self);
    for (core_link_t *link = core_list_first (&self->all_queues); link;
         link = core_list_next (&self->all_queues, link)) {
        drop_waiting (self, CORE_OF (link, core_queue_t, in_all), fx);
        tell_feeds (self, CORE_OF (link, core_queue_t, in_all), fx);
    }
    return EMP_OK;
}

/* ---- the step ---------------------------------------------------------------------------------------------------- */

static void time_has_passed (emp_core_t *self, emp_effects_t *fx)
{
    core_session_end_silent (self, fx);
    core_balance (self, fx);
}

static bool may_end_sessions (const emp_event_t *event)
{
    return event->kind == EMP_EV_BYE || event->kind == EMP_EV_LOST || event->kind == EMP_EV_TICK;
}

/* Tickets that one step may halve: those that come back having failed as often as they may; of who is lost one a lane, and one
 * that was handed over. */
static uint32_t halves_bound (const emp_core_t *self, const emp_event_t *event)
{
    return self->struck_out + (event->kind == EMP_EV_LOST ? self->lanes.taken + 1 : 0);
}

/* Effects of one step at the most: pushes; three grants a feed, and its end; a stop for each lane; the event's own. */
static size_t effects_bound (const emp_core_t *self, const emp_event_t *event)
{
    uint64_t count = event->kind == EMP_EV_PUT ? event->count : 0;
    uint64_t open = self->counts.waiting + self->counts.held + count;
    uint64_t credit = self->free_credit + self->config.window_max + 1;
    if (!core_list_is_empty (&self->suspicious))
        credit = open; /* lanes that were kept free may become free in any number */
    uint64_t bound = 8 + least (open, credit);
    bound += 4 * (uint64_t) (self->feed_count + 1) + self->lanes.taken + count;
    if (may_end_sessions (
            event)) /* of a held ticket: what became of it, its result, its record; of a halved one seven */
        bound += 3 * self->counts.held + 8 * ((uint64_t) self->lanes.taken + self->struck_out) + self->session_count;
    if (event->kind == EMP_EV_TICK) /* revoked, told, pushed; copied, killed */
        bound += 3 * self->counts.held + (2 + CORE_OVERTAKEN_MAX) * (uint64_t) self->lanes.taken;
    if (event->kind == EMP_EV_DRAIN)
        bound += self->counts.waiting;
    return bound;
}

static emp_status_t make_room (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    /* One more than are held: who is lost may be blamed for a ticket that was handed over and waits. */
    uint64_t results = event->kind == EMP_EV_DONE ? 1 : may_end_sessions (event) ? self->counts.held + 1 : 0;
    emp_status_t status = core_effects_reserve (fx, effects_bound (self, event));
    if (status == EMP_OK)
        status = core_backlog_reserve (&self->backlog, results);
    if (status == EMP_OK && event->kind == EMP_EV_PUT && !self->draining)
        status = core_pool_reserve (&self->tickets, event->count);
    if (status == EMP_OK && may_end_sessions (event) && self->config.halve) {
        status = core_pool_reserve (&self->tickets, CORE_HALVES * halves_bound (self, event));
        if (status == EMP_OK)
            status = core_pool_reserve (&self->families, halves_bound (self, event));
    }
    return status == EMP_FULL ? EMP_NOMEM : status; /* 2^32 tickets: memory has ended long before */
}

static emp_status_t take (emp_core_t *self, const emp_event_t *event, emp_effects_t *fx)
{
    switch (event->kind) {
    case EMP_EV_TICK: time_has_passed (self, fx); return EMP_OK;
    case EMP_EV_HELLO: return a_session_says_hello (self, event, fx);
    case EMP_EV_ALIVE: return a_session_is_alive (self, event);
    case EMP_EV_BYE: return a_session_says_bye (self, event, fx);
    case EMP_EV_LOST: return a_session_is_lost (self, event, fx);
    case EMP_EV_DECLARE: return a_queue_is_declared (self, event, fx);
    case EMP_EV_OPEN_LANE: return a_lane_is_opened (self, event, fx);
    case EMP_EV_LANE_READY: return a_lanes_consumer_has_connected (self, event, fx);
    case EMP_EV_OPEN_FEED: return a_feed_is_opened (self, event, fx);
    case EMP_EV_OPEN_SINK: return the_sink_is_opened (self, event, fx);
    case EMP_EV_PUT: return a_feed_puts (self, event, fx);
    case EMP_EV_WANT: return a_feed_waits_for_credit (self, event);
    case EMP_EV_CREDIT: return a_lane_gets_credit (self, event);
    case EMP_EV_DONE: return a_lane_is_done_with_a_ticket (self, event, fx);
    case EMP_EV_ACK: return results_are_kept (self, event);
    case EMP_EV_STOP: return a_queue_stops (self, event);
    case EMP_EV_DRAIN: return the_run_drains (self, fx);
    }
    assert (!"an event of a kind that there is not");
    return EMP_INVALID;
}

/* Events that a session need not sign, but may: it is alive then. */
static void hear_signature (emp_core_t *self, const emp_event_t *event)
{
    bool unsigned_kind = event->kind == EMP_EV_DECLARE || event->kind == EMP_EV_LANE_READY ||
                         event->kind == EMP_EV_ACK || event->kind == EMP_EV_STOP || event->kind == EMP_EV_DRAIN;
    if (unsigned_kind && event->session)
        core_session_hear (self, event->session);
}

emp_status_t emp_core_step (emp_core_t *self, const emp_event_t *event, emp_usec_t now, emp_effects_t *fx)
{
    core_session_reap (self);
    core_feed_reap (self);
    emp_status_t status = make_room (self, event, fx);
    if (status != EMP_OK)
        return status;
    self->now = now;
    hear_signature (self, event);
    status = take (self, event, fx);
    if (status == EMP_NOMEM)
        return status;
    if (event->kind == EMP_EV_PUT && status == EMP_FULL)
        self->refused_puts++;
    else if (status != EMP_OK && status != EMP_STATE)
        self->stale++;
    core_settle (self, fx);
    core_balance_plan (self);
    return status;
}
