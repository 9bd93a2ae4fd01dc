/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ledger.c - see ledger.h. What may happen is a table, states.def; here is how it is done.
 */
#include "poison.h"
#include "state.h"
#include "states.def"

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef enum { CORE_STATES } state_t;

typedef enum { CORE_HAPPENINGS } happening_t;

typedef enum { CORE_VERDICTS } verdict_t;

/* An ended ticket has no record, so its row is the caller's: a handle that finds nothing is stale. */
#define CORE_ROW(state, happening, verdict)                                                                            \
    _Static_assert ((state) != ENDED || (verdict) == IS_STALE || (verdict) == CANNOT_BE, "nobody looks that up");
CORE_STATE_TABLE (CORE_ROW)
#undef CORE_ROW

static verdict_t judge (state_t state, happening_t happening)
{
    static const verdict_t table[ENDED + 1][OLD_REFUSAL + 1] = {
#define CORE_ROW(state, happening, verdict) [state][happening] = verdict,
        CORE_STATE_TABLE (CORE_ROW)
#undef CORE_ROW
    };
    verdict_t verdict = table[state][happening];
    assert (verdict != CANNOT_BE);
    return verdict;
}

static state_t state_of (const core_ticket_t *self)
{
    return !self->lane ? WAITING : self->copy ? SHARED : HELD;
}

/* ---- what others learn ------------------------------------------------------------------------------------------- */

void core_ticket_tell (const emp_core_t *self, const core_ticket_t *ticket, uint32_t attempt, emp_attempt_end_t ended,
                       const core_end_t *end, emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_ATTEMPT);
    effect->ticket = core_ticket_handle (self, ticket);
    effect->feed = core_feed_id (self, ticket->feed);
    effect->number = ticket->number;
    effect->attempt = attempt;
    effect->from = ticket->from;
    effect->part = ticket->part;
    effect->session = end->session;
    effect->ended = ended;
    effect->how = end->how;
    effect->code = end->code;
}

/* A holder that has not said a word yet, and need not any more. */
static void revoke (const emp_core_t *self, const core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt,
                    emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_REVOKE);
    effect->session = lane->session->node.key;
    effect->lane = core_lane_id (self, lane);
    effect->ticket = core_ticket_handle (self, ticket);
    effect->attempt = attempt;
    effect->number = ticket->number;
    effect->feed = core_feed_id (self, ticket->feed);
}

/* ---- moves ------------------------------------------------------------------------------------------------------- */

/* One of two holders has it no more; the other is left as the only one. */
static void leave_to_the_other (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane)
{
    core_lane_t *copy = ticket->copy;
    core_lane_release (self, lane, ticket);
    ticket->copy = NULL;
    if (lane == copy)
        return;
    ticket->lane = copy;
    ticket->held_attempt = ticket->attempt;
    core_lane_keep_copy (copy, ticket);
}

static void to_waiting_at_head (emp_core_t *self, core_ticket_t *ticket)
{
    core_lane_release (self, ticket->lane, ticket);
    ticket->lane = NULL;
    self->counts.held--;
    self->counts.waiting++;
    core_queue_add_head (self, ticket->feed->queue, ticket);
}

/* Out of whichever lists it is in. */
static void take_out (emp_core_t *self, core_ticket_t *ticket)
{
    core_queue_t *queue = ticket->feed->queue;
    if (ticket->copy)
        core_lane_release (self, ticket->copy, ticket);
    if (ticket->lane) {
        core_lane_release (self, ticket->lane, ticket);
        self->counts.held--;
        core_queue_touch (self, queue);
    } else {
        core_queue_remove (self, queue, ticket);
        self->counts.waiting--;
    }
}

/* Gives the record back. */
static void forget (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx)
{
    core_effects_add (fx, EMP_FX_FREE)->ticket = core_ticket_handle (self, ticket);
    if (ticket->family && --ticket->family->parts == 0)
        core_pool_give (&self->families, ticket->family);
    self->struck_out -= core_poison_is_out (self, ticket);
    ticket->feed->queue->open--;
    core_feed_settle (self, ticket->feed);
    core_pool_give (&self->tickets, ticket);
}

void core_ticket_end (emp_core_t *self, core_ticket_t *ticket, emp_outcome_t outcome, const core_end_t *end,
                      uint64_t size, emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_RESULT);
    effect->serial = core_backlog_add (&self->backlog, size);
    effect->ticket = core_ticket_handle (self, ticket);
    effect->queue = core_queue_id (self, ticket->feed->queue);
    effect->feed = core_feed_id (self, ticket->feed);
    effect->number = ticket->number;
    effect->rows = ticket->part;
    effect->from = ticket->from;
    if (ticket->family)
        effect->left = ticket->family->rows_left -= ticket->part;
    effect->session = end->session;
    /* A ticket that was handed over has more attempts than failures; a half has those of what it is a half of. */
    effect->attempt = outcome == EMP_OUTCOME_DEAD ? ticket->failures : end->attempt;
    effect->outcome = outcome;
    effect->how = end->how;
    effect->code = end->code;
    core_queue_t *queue = ticket->feed->queue;
    self->counts.answered += outcome == EMP_OUTCOME_DONE;
    self->counts.dead += outcome == EMP_OUTCOME_DEAD;
    queue->answered += outcome == EMP_OUTCOME_DONE;
    queue->dead += outcome == EMP_OUTCOME_DEAD;
    queue->rows_ended += ticket->part;
    /* Nobody could keep room for a result that came while its ticket waited. */
    self->backlog.over += state_of (ticket) == WAITING;
    take_out (self, ticket);
    forget (self, ticket, fx);
}

void core_ticket_replace (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx)
{
    take_out (self, ticket);
    forget (self, ticket, fx);
}

void core_ticket_come_back (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx)
{
    to_waiting_at_head (self, ticket);
    if (self->draining)
        core_ticket_drop (self, ticket, fx);
}

/* ---- what others say --------------------------------------------------------------------------------------------- */

core_ticket_t *core_ticket_find (const emp_core_t *self, uint64_t ticket)
{
    return core_pool_find (&self->tickets, ticket);
}

uint64_t core_ticket_handle (const emp_core_t *self, const core_ticket_t *ticket)
{
    return core_pool_handle (&self->tickets, &ticket->slot);
}

core_ticket_t *core_ticket_put (emp_core_t *self, core_feed_t *feed, uint64_t number, const emp_part_t *part)
{
    core_ticket_t *ticket = core_pool_take (&self->tickets);
    ticket->feed = feed;
    ticket->number = number;
    ticket->size = part->length;
    ticket->rows = ticket->part = part->rows;
    feed->open++;
    feed->queue->open++;
    feed->queue->put++;
    feed->queue->rows_put += part->rows;
    self->counts.put++;
    self->counts.rows_put += part->rows;
    self->counts.waiting++;
    core_queue_add_tail (self, feed->queue, ticket);
    return ticket;
}

static void push_effect (const emp_core_t *self, const core_ticket_t *ticket, const core_lane_t *lane,
                         emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_PUSH);
    effect->session = lane->session->node.key;
    effect->ticket = core_ticket_handle (self, ticket);
    effect->queue = core_queue_id (self, lane->queue);
    effect->lane = core_lane_id (self, lane);
    effect->feed = core_feed_id (self, ticket->feed);
    effect->attempt = ticket->attempt;
    effect->number = ticket->number;
    effect->rows = ticket->rows;
    effect->from = ticket->from;
    effect->part = ticket->part;
}

void core_ticket_push (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, emp_effects_t *fx)
{
    verdict_t verdict = judge (state_of (ticket), PUSHED);
    assert (verdict == IS_HELD);
    (void) verdict;
    core_queue_remove (self, ticket->feed->queue, ticket);
    self->counts.waiting--;
    self->counts.held++;
    self->counts.reissued += ticket->attempt > 0;
    lane->queue->reissued += ticket->attempt > 0;
    ticket->held_attempt = ++ticket->attempt;
    ticket->lane = lane;
    core_lane_hold (self, lane, ticket);
    push_effect (self, ticket, lane, fx);
}

void core_ticket_copy (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, emp_effects_t *fx)
{
    verdict_t verdict = judge (state_of (ticket), COPIED);
    assert (verdict == IS_SHARED);
    (void) verdict;
    core_end_t end = {.session = ticket->lane->session->node.key};
    core_ticket_tell (self, ticket, ticket->held_attempt, EMP_ATTEMPT_COPIED, &end, fx);
    self->counts.copied++;
    ticket->attempt++;
    ticket->copy = lane;
    core_lane_hold_copy (self, lane, ticket);
    push_effect (self, ticket, lane, fx);
}

void core_ticket_hand_over (emp_core_t *self, core_ticket_t *ticket, core_lane_t *to, emp_effects_t *fx)
{
    assert (!ticket->copy); /* which is always the first of its lane, and alone in hand there */
    revoke (self, ticket, ticket->lane, ticket->attempt, fx);
    ticket->handed_attempt = ticket->attempt;
    ticket->handed_from = ticket->lane->session->node.key;
    core_end_t end = {.session = ticket->handed_from};
    core_ticket_tell (self, ticket, ticket->attempt, EMP_ATTEMPT_HANDED, &end, fx);
    to_waiting_at_head (self, ticket);
    core_ticket_push (self, ticket, to, fx);
}

/* Whether a lane can have had this attempt: of those that are held it is known, of an older one only the queue is. */
static bool may_speak (const core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt)
{
    if (lane->queue != ticket->feed->queue || attempt == 0 || attempt > ticket->attempt)
        return false;
    if (ticket->copy && attempt == ticket->attempt)
        return lane == ticket->copy;
    if (ticket->lane && attempt == ticket->held_attempt)
        return lane == ticket->lane;
    return true;
}

static void overtake (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, uint32_t attempt, emp_effects_t *fx)
{
    core_end_t end = {.session = lane->session->node.key};
    core_ticket_tell (self, ticket, attempt, EMP_ATTEMPT_OVERTAKEN, &end, fx);
    revoke (self, ticket, lane, attempt, fx);
    core_lane_overtake (self, lane, ticket);
}

/* Holders other than the one who has answered work on in vain. */
static void overtake_holders (emp_core_t *self, core_ticket_t *ticket, uint32_t attempt, emp_effects_t *fx)
{
    if (ticket->copy && attempt != ticket->attempt)
        overtake (self, ticket, ticket->copy, ticket->attempt, fx);
    if (ticket->lane && attempt != ticket->held_attempt)
        overtake (self, ticket, ticket->lane, ticket->held_attempt, fx);
}

emp_status_t core_ticket_done (emp_core_t *self, core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt,
                               uint64_t size, emp_effects_t *fx)
{
    if (!may_speak (ticket, lane, attempt) || judge (state_of (ticket), DONE) != IS_ANSWERED)
        return EMP_STALE;
    core_end_t end = {.session = lane->session->node.key, .attempt = attempt};
    overtake_holders (self, ticket, attempt, fx);
    core_ticket_end (self, ticket, EMP_OUTCOME_DONE, &end, size, fx);
    return EMP_OK;
}

emp_status_t core_ticket_refused (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, uint32_t attempt,
                                  uint64_t size, emp_effects_t *fx)
{
    bool holds = (ticket->lane == lane && attempt == ticket->held_attempt) ||
                 (ticket->copy == lane && ticket->copy && attempt == ticket->attempt);
    verdict_t verdict = judge (state_of (ticket), holds ? REFUSED : OLD_REFUSAL);
    bool taken_back = attempt == ticket->handed_attempt && lane->session->node.key == ticket->handed_from;
    if (verdict == IS_STALE && taken_back)
        return EMP_OK; /* it was told not to begin it, and says so */
    if (!may_speak (ticket, lane, attempt) || verdict == IS_STALE)
        return EMP_STALE;
    core_end_t end = {.how = EMP_HOW_BYE, .session = lane->session->node.key};
    core_ticket_tell (self, ticket, attempt, EMP_ATTEMPT_REFUSED, &end, fx);
    if (verdict == FAILS)
        core_poison_fail (self, ticket, &end, size, fx);
    else {
        core_poison_strikes_out (self, ticket, &end); /* the other holder decides */
        leave_to_the_other (self, ticket, lane);
    }
    return EMP_OK;
}

emp_status_t core_ticket_late (emp_core_t *self, core_ticket_t *ticket, const emp_event_t *event, emp_effects_t *fx)
{
    /* What it has put was dropped with its session, so its word on the ticket cannot count. */
    bool others =
        (ticket->lane && event->attempt == ticket->held_attempt) || (ticket->copy && event->attempt == ticket->attempt);
    if (event->outcome != EMP_OUTCOME_DONE || event->number > 0 || others || event->attempt == 0 ||
        event->attempt > ticket->attempt || event->queue != core_queue_id (self, ticket->feed->queue))
        return EMP_STALE;
    core_end_t end = {.session = event->session, .attempt = event->attempt};
    core_ticket_tell (self, ticket, event->attempt, EMP_ATTEMPT_LATE, &end, fx);
    overtake_holders (self, ticket, event->attempt, fx);
    self->counts.late++;
    core_ticket_end (self, ticket, EMP_OUTCOME_DONE, &end, event->size, fx);
    return EMP_OK;
}

void core_ticket_lose (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, bool failed, const core_end_t *end,
                       emp_effects_t *fx)
{
    verdict_t verdict = judge (state_of (ticket), LOST);
    uint32_t attempt = lane == ticket->copy ? ticket->attempt : ticket->held_attempt;
    core_ticket_tell (self, ticket, attempt, failed ? EMP_ATTEMPT_FAILED : EMP_ATTEMPT_RETURNED, end, fx);
    failed = failed && !self->draining;
    if (verdict == STAYS) {
        if (failed)
            core_poison_strikes_out (self, ticket, end); /* the other holder decides */
        leave_to_the_other (self, ticket, lane);
    } else if (failed)
        core_poison_fail (self, ticket, end, 0, fx);
    else
        core_poison_return (self, ticket, end, fx);
}

void core_ticket_blame (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, emp_effects_t *fx)
{
    core_ticket_tell (self, ticket, ticket->handed_attempt, EMP_ATTEMPT_FAILED, end, fx);
    if (self->draining)
        return;
    bool out = core_poison_strikes_out (self, ticket, end);
    if (ticket->lane)
        return; /* its holder decides */
    if (out)
        core_poison_out (self, ticket, end, 0, fx);
    else {
        core_queue_remove (self, ticket->feed->queue, ticket); /* to where it stands now */
        core_queue_add_head (self, ticket->feed->queue, ticket);
    }
}

void core_ticket_drop (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx)
{
    self->counts.dropped++;
    take_out (self, ticket);
    forget (self, ticket, fx);
}
