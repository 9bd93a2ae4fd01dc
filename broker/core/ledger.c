/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ledger.c - see ledger.h. First what may happen, as a table; then how it is done.
 */
#include "state.h"

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef enum { WAITING, HELD } state_t;

typedef enum { PUSHED, DONE, REFUSED, LOST, OLD_REFUSAL } happening_t;

typedef enum { IS_HELD, IS_ANSWERED, FAILS, COMES_BACK, IS_STALE } verdict_t;

/* state \ happening | pushed to a lane | done, any attempt | refused, this one | holder lost          | refused, older
 * waiting           | held             | answered          | stale             | -                    | stale
 * held              | -                | answered          | fails             | comes back, or fails | stale
 * ended             | -                | stale             | stale             | -                    | stale
 * fails: failures + 1, then dead at attempts_max, else it comes back. comes back: waiting, at the head. An ended ticket
 * has no record, so its row is the caller's: a handle that finds nothing is stale. */
static verdict_t judge (state_t state, happening_t happening)
{
    switch (state) {
    case WAITING:
        switch (happening) {
        case PUSHED: return IS_HELD;
        case DONE: return IS_ANSWERED;
        case REFUSED: return IS_STALE;
        case LOST: break;
        case OLD_REFUSAL: return IS_STALE;
        }
        break;
    case HELD:
        switch (happening) {
        case PUSHED: break;
        case DONE: return IS_ANSWERED;
        case REFUSED: return FAILS;
        case LOST: return COMES_BACK;
        case OLD_REFUSAL: return IS_STALE;
        }
        break;
    }
    assert (!"a ticket that waits has no holder to lose, and a held one is not pushed");
    return IS_STALE;
}

static state_t state_of (const core_ticket_t *self)
{
    return self->lane ? HELD : WAITING;
}

/* ---- moves ------------------------------------------------------------------------------------------------------- */

static void to_waiting_at_head (emp_core_t *self, core_ticket_t *ticket)
{
    core_lane_release (self, ticket->lane, ticket);
    ticket->lane = NULL;
    self->counts.held--;
    self->counts.waiting++;
    core_queue_add_head (self, ticket->feed->queue, ticket);
}

/* Out of whichever list it is in. */
static void take_out (emp_core_t *self, core_ticket_t *ticket)
{
    core_queue_t *queue = ticket->feed->queue;
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
    ticket->feed->queue->open--;
    core_feed_settle (self, ticket->feed);
    core_pool_give (&self->tickets, ticket);
}

static void end_with_result (emp_core_t *self, core_ticket_t *ticket, emp_outcome_t outcome, const core_end_t *end,
                             uint64_t size, emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_RESULT);
    effect->serial = core_backlog_add (&self->backlog, size);
    effect->ticket = core_ticket_handle (self, ticket);
    effect->queue = core_queue_id (self, ticket->feed->queue);
    effect->feed = core_feed_id (self, ticket->feed);
    effect->number = ticket->number;
    effect->rows = ticket->rows;
    effect->session = ticket->lane ? ticket->lane->session->node.key : end->session;
    effect->attempt =
        outcome == EMP_OUTCOME_DEAD ? ticket->failures : ticket->attempt; /* a ticket handed over has more */
    effect->outcome = outcome;
    effect->how = end->how;
    effect->code = end->code;
    /* Nobody could keep room for a result that came while its ticket waited. */
    self->backlog.over += state_of (ticket) == WAITING;
    take_out (self, ticket);
    forget (self, ticket, fx);
}

/* Waits again; when nothing is handed out any more, it ends without a result. */
static void come_back (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx)
{
    to_waiting_at_head (self, ticket);
    if (self->draining)
        core_ticket_drop (self, ticket, fx);
}

static void fail (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, uint64_t size, emp_effects_t *fx)
{
    ticket->failures++;
    if (ticket->failures < self->config.attempts_max) {
        come_back (self, ticket, fx);
        return;
    }
    self->counts.dead++;
    end_with_result (self, ticket, EMP_OUTCOME_DEAD, end, size, fx);
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
    ticket->rows = part->rows;
    feed->open++;
    feed->queue->open++;
    self->counts.put++;
    self->counts.rows_put += part->rows;
    self->counts.waiting++;
    core_queue_add_tail (self, feed->queue, ticket);
    return ticket;
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
    ticket->attempt++;
    ticket->lane = lane;
    core_lane_hold (self, lane, ticket);
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_PUSH);
    effect->session = lane->session->node.key;
    effect->ticket = core_ticket_handle (self, ticket);
    effect->queue = core_queue_id (self, lane->queue);
    effect->lane = core_lane_id (self, lane);
    effect->feed = core_feed_id (self, ticket->feed);
    effect->attempt = ticket->attempt;
    effect->number = ticket->number;
    effect->rows = ticket->rows;
    effect->part = ticket->rows;
}

void core_ticket_hand_over (emp_core_t *self, core_ticket_t *ticket, core_lane_t *to, emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_REVOKE);
    effect->session = ticket->lane->session->node.key;
    effect->lane = core_lane_id (self, ticket->lane);
    effect->ticket = core_ticket_handle (self, ticket);
    effect->attempt = ticket->attempt;
    effect->number = ticket->number;
    effect->feed = core_feed_id (self, ticket->feed);
    ticket->handed_from = effect->session;
    to_waiting_at_head (self, ticket);
    core_ticket_push (self, ticket, to, fx);
}

/* Whether a lane can have had this attempt: of the present one that is known, of an older one only the queue is. */
static bool may_speak (const core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt)
{
    if (lane->queue != ticket->feed->queue || attempt == 0 || attempt > ticket->attempt)
        return false;
    return attempt < ticket->attempt || !ticket->lane || ticket->lane == lane;
}

emp_status_t core_ticket_done (emp_core_t *self, core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt,
                               uint64_t size, emp_effects_t *fx)
{
    if (!may_speak (ticket, lane, attempt) || judge (state_of (ticket), DONE) != IS_ANSWERED)
        return EMP_STALE;
    self->counts.answered++;
    end_with_result (self, ticket, EMP_OUTCOME_DONE, &(core_end_t){0}, size, fx);
    return EMP_OK;
}

emp_status_t core_ticket_refused (emp_core_t *self, core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt,
                                  uint64_t size, emp_effects_t *fx)
{
    happening_t happening = attempt == ticket->attempt ? REFUSED : OLD_REFUSAL;
    if (!may_speak (ticket, lane, attempt) || judge (state_of (ticket), happening) != FAILS)
        return EMP_STALE;
    fail (self, ticket, &(core_end_t){.how = EMP_HOW_BYE}, size, fx);
    return EMP_OK;
}

void core_ticket_lose (emp_core_t *self, core_ticket_t *ticket, bool failed, const core_end_t *end, emp_effects_t *fx)
{
    verdict_t verdict = judge (state_of (ticket), LOST);
    assert (verdict == COMES_BACK);
    (void) verdict;
    if (failed && !self->draining)
        fail (self, ticket, end, 0, fx);
    else
        come_back (self, ticket, fx);
}

void core_ticket_blame (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, emp_effects_t *fx)
{
    if (self->draining || ++ticket->failures < self->config.attempts_max)
        return;
    self->counts.dead++;
    end_with_result (self, ticket, EMP_OUTCOME_DEAD, end, 0, fx);
}

void core_ticket_drop (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx)
{
    self->counts.dropped++;
    take_out (self, ticket);
    forget (self, ticket, fx);
}
