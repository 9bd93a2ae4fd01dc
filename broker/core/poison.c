/* SPDX-License-Identifier: BSD-3-Clause
 *
 * poison.c - what becomes of a ticket that fails, and of one that is suspected to kill its workers.
 *
 * A failure is a refusal, or the loss of a holder that was at it. At attempts_max failures the ticket is dead. A holder that
 * dies of its own doing (a signal that nobody sends from outside, an exit) makes the ticket a suspect, and at the second time
 * it is halved, if it has several rows: the rows go on in two records of their own, and a half that kills is halved at
 * once, down to the one row that is dead. So the way to the bad row of a chunk of n is 2 + ceil (log2 n) attempts, and all
 * other rows are answered. Halves have handles of their own: a late answer to the whole finds nothing.
 * What is killed from outside (SIGKILL, SIGTERM), wedged or silent is tried whole, attempts_max times; what a signal ended each
 * time is halved then, and its halves the same, since a row that takes all memory ends so too, and the others are good.
 *
 * A suspect goes alone to a lane that holds nothing, so it takes no neighbour's work along, and one at a time while other tickets
 * wait, so it costs one worker at the most. When every lane is busy, one of them (the emptiest) is reserved: it gets nothing
 * more until it holds nothing.
 * Invariant: a lane that holds a suspect holds nothing else; a queue has at most one reserved lane, and none without suspects.
 * Cost: O(1) a failure; a look for a lane is O(lanes of the queue), made only while a suspect waits.
 */
#include "poison.h"

#include <signal.h>

#include "state.h"

/* ---- failing ----------------------------------------------------------------------------------------------------- */

/* The process died of what it did, and was not ended by somebody else: as far as a signal tells. */
static bool is_crash (const core_end_t *end)
{
    if (end->how == EMP_HOW_EXIT)
        return true;
    return end->how == EMP_HOW_SIGNAL && end->code != SIGKILL && end->code != SIGTERM && end->code != SIGINT &&
           end->code != SIGHUP && end->code != SIGQUIT;
}

static bool may_halve (const emp_core_t *self, const core_ticket_t *ticket, const core_end_t *end)
{
    return self->config.halve && ticket->part > 1 && (is_crash (end) || end->how == EMP_HOW_SIGNAL);
}

static void count (uint16_t *counter)
{
    if (*counter < UINT16_MAX)
        (*counter)++;
}

bool core_poison_is_out (const emp_core_t *self, const core_ticket_t *ticket)
{
    return ticket->strikes >= self->config.attempts_max;
}

bool core_poison_strikes_out (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end)
{
    self->struck_out -= core_poison_is_out (self, ticket);
    count (&ticket->failures);
    count (&ticket->strikes);
    bool crash = is_crash (end);
    if (crash && ticket->deaths < UINT8_MAX)
        ticket->deaths++;
    ticket->last_how = (uint8_t) end->how;
    ticket->last_code = (uint8_t) end->code;
    ticket->last_session = end->session;
    self->struck_out += core_poison_is_out (self, ticket);
    if (core_poison_is_out (self, ticket))
        return true;
    if (!crash || !self->config.halve)
        return false;
    return ticket->family ? true : ticket->part > 1 && ticket->deaths >= 2;
}

static core_ticket_t *half_of (emp_core_t *self, const core_ticket_t *whole, uint32_t from, uint32_t part,
                               emp_effects_t *fx)
{
    core_ticket_t *half = core_pool_take (&self->tickets);
    half->feed = whole->feed;
    half->family = whole->family;
    half->number = whole->number;
    half->size = whole->size;
    half->rows = whole->rows;
    half->attempt = whole->attempt;
    half->failures = whole->failures;
    half->from = from;
    half->part = part;
    half->family->parts++;
    half->feed->open++;
    half->feed->queue->open++;
    self->counts.waiting++;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_HALF);
    effect->ticket = core_ticket_handle (self, half);
    effect->other = core_ticket_handle (self, whole);
    effect->feed = core_feed_id (self, half->feed);
    effect->number = half->number;
    effect->from = from;
    effect->part = part;
    return half;
}

static void halve (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, emp_effects_t *fx)
{
    core_ticket_tell (self, ticket, ticket->attempt, EMP_ATTEMPT_HALVED, end, fx);
    if (!ticket->family) {
        ticket->family = core_pool_take (&self->families);
        ticket->family->rows_left = ticket->part;
        ticket->family->parts = 1;
    }
    uint32_t first = ticket->part - ticket->part / 2;
    core_queue_t *queue = ticket->feed->queue;
    core_queue_add_head (self, queue, half_of (self, ticket, ticket->from + first, ticket->part - first, fx));
    core_queue_add_head (self, queue, half_of (self, ticket, ticket->from, first, fx));
    self->counts.halved++;
    core_ticket_replace (self, ticket, fx);
}

void core_poison_out (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, uint64_t size, emp_effects_t *fx)
{
    if (may_halve (self, ticket, end))
        halve (self, ticket, end, fx);
    else
        core_ticket_end (self, ticket, EMP_OUTCOME_DEAD, end, size, fx);
}

void core_poison_fail (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, uint64_t size, emp_effects_t *fx)
{
    if (core_poison_strikes_out (self, ticket, end))
        core_poison_out (self, ticket, end, size, fx);
    else
        core_ticket_come_back (self, ticket, fx);
}

void core_poison_return (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, emp_effects_t *fx)
{
    if (self->draining || !core_poison_is_out (self, ticket)) {
        core_ticket_come_back (self, ticket, fx);
        return;
    }
    core_end_t last = *end;
    last.how = (emp_how_t) ticket->last_how;
    last.code = ticket->last_code;
    last.session = ticket->last_session;
    core_poison_out (self, ticket, &last, 0, fx);
}

/* ---- dealing ----------------------------------------------------------------------------------------------------- */

static void reserve (emp_core_t *self, core_queue_t *queue, core_lane_t *lane)
{
    queue->reserved = lane;
    if (lane)
        core_lane_reserve (self, lane, true);
}

void core_poison_unreserve (emp_core_t *self, core_lane_t *lane)
{
    if (lane->queue->reserved != lane)
        return;
    lane->queue->reserved = NULL;
    core_lane_reserve (self, lane, false);
}

static bool is_free (const core_lane_t *lane)
{
    return lane->ready && lane->window > 0 && core_lane_load (lane) == 0;
}

/* A lane that holds nothing, or the emptiest one that takes anything at all; NULL: none. */
static core_lane_t *emptiest_of (const core_queue_t *queue)
{
    core_lane_t *found = NULL;
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link)) {
        core_lane_t *lane = CORE_OF (link, core_lane_t, in_queue);
        if (lane->ready && lane->window > 0 && !lane->alone &&
            (!found || core_lane_load (lane) < core_lane_load (found)))
            found = lane;
        if (found && core_lane_load (found) == 0)
            break;
    }
    return found;
}

/* The lane for the next suspect, when there is one now. Else one is reserved for it. */
static core_lane_t *lane_for (emp_core_t *self, core_queue_t *queue)
{
    if (queue->reserved && is_free (queue->reserved))
        return queue->reserved;
    if (queue->reserved && self->idle_lanes == 0)
        return NULL;
    core_lane_t *lane = emptiest_of (queue);
    if (!lane || core_lane_load (lane) == 0)
        return lane;
    if (!queue->reserved)
        reserve (self, queue, lane);
    return NULL;
}

static void deal_queue (emp_core_t *self, core_queue_t *queue, emp_effects_t *fx)
{
    core_link_t *link;
    while ((link = core_list_first (&queue->suspects)) && core_backlog_has_room (&self->backlog, self->counts.held)) {
        if (queue->suspects_out > 0 && !core_list_is_empty (&queue->tickets))
            break;
        core_lane_t *lane = lane_for (self, queue);
        if (!lane)
            return; /* a lane is kept free, if there is any */
        if (queue->reserved)
            core_poison_unreserve (self, queue->reserved);
        core_ticket_push (self, CORE_OF (link, core_ticket_t, link), lane, fx);
    }
    if (queue->reserved)
        core_poison_unreserve (self, queue->reserved);
}

void core_poison_deal (emp_core_t *self, emp_effects_t *fx)
{
    core_link_t *next;
    for (core_link_t *link = core_list_first (&self->suspicious); link; link = next) {
        next = core_list_next (&self->suspicious, link);
        core_queue_t *queue = CORE_OF (link, core_queue_t, in_suspicious);
        deal_queue (self, queue, fx);
        if (core_list_is_empty (&queue->suspects))
            core_link_remove (link);
    }
}
