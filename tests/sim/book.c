/* SPDX-License-Identifier: BSD-3-Clause
 *
 * book.c - what is true, as somebody outside of the core sees it: kept from events and effects alone, with no look into the core.
 *
 * Each effect is compared with it. At the end every row that was put has ended once, answered or dead with a reason that the book
 * knows too, or dropped by a drain.
 * Strikes: how often a holder of a record was lost, or refused it, while it may have been at it; at the most, since nobody knows at
 * what a silent one was. `certain` are those where it is known.
 */
#include "sim.h"

#include <stdio.h>

static record_t *record_of (world_t *self, uint64_t handle)
{
    record_t *record = &self->books.records[handle & (TICKETS_MAX - 1)];
    return record->handle == handle && handle ? record : NULL;
}

static book_t *book_of (world_t *self, uint32_t feed)
{
    for (uint32_t i = self->books.book_count; i-- > 0;)
        if (self->books.books[i]->feed == feed)
            return self->books.books[i];
    return NULL;
}

static void broken (world_t *self, const record_t *record, const char *sentence)
{
    char text[200];
    snprintf (text, sizeof text, "%s", sentence);
    world_say (self, "about ticket %u of book %u, rows %u+%u, attempt %u, %u strikes", record->number, record->book,
               record->from, record->part, record->attempt, record->strikes);
    world_break (self, text);
}

static uint32_t bits (uint32_t from, uint32_t part)
{
    return (part >= 32 ? UINT32_MAX : (UINT32_C (1) << part) - 1) << from;
}

int book_poison (const world_t *self, uint32_t feed, uint32_t number, uint32_t from, uint32_t part)
{
    int found = -1;
    book_t *book = book_of ((world_t *) self, feed);
    for (uint32_t i = 0; book && i < self->plan->poisons; i++) {
        const poison_t *poison = &self->plan->poison[i];
        bool in = (int) poison->feed == book->plan && poison->number == number && poison->row >= from &&
                  poison->row < from + part;
        if (in && (found < 0 || poison->row < self->plan->poison[found].row))
            found = (int) i;
    }
    return found;
}

/* ---- strikes ------------------------------------------------------------------------------------------------------- */

static bool is_crash (emp_how_t how, uint32_t code)
{
    bool from_outside = code == 1 || code == 2 || code == 3 || code == 9 || code == 15;
    return how == EMP_HOW_EXIT || (how == EMP_HOW_SIGNAL && !from_outside);
}

static bool holds (const record_t *record, uint64_t session)
{
    for (uint32_t i = 0; i < record->holder_count; i++)
        if (record->holders[i].session == session)
            return true;
    return false;
}

static bool holds_attempt (const record_t *record, const emp_event_t *event)
{
    for (uint32_t i = 0; i < record->holder_count; i++)
        if (record->holders[i].session == event->session && record->holders[i].attempt == event->attempt)
            return true;
    return false;
}

static void strike (record_t *record, bool crash, bool certain)
{
    record->strikes++;
    record->certain += certain;
    record->crashes += crash;
    record->sure_crashes += crash && certain;
    record->last_crash = crash;
}

/* Before its effects: of a session that is given up everything that it held may have been what it was at. */
static void strike_lost (world_t *self, const emp_event_t *event, const emp_effect_t *gone)
{
    bool known = event->kind == EMP_EV_LOST && event->session == gone->session && event->ticket;
    bool crash = is_crash (gone->how, gone->code);
    for (uint32_t i = 0; i < TICKETS_MAX && !known; i++) {
        record_t *record = &self->books.records[i];
        if (record->handle && holds (record, gone->session))
            strike (record, crash, false);
    }
    record_t *record = known ? record_of (self, event->ticket) : NULL;
    if (record && (holds (record, gone->session) || record->handed_from == gone->session))
        strike (record, crash, holds (record, gone->session) && !self->books.draining);
}

/* ---- holders ------------------------------------------------------------------------------------------------------- */

static void lane_loses (world_t *self, record_t *record, uint32_t i)
{
    uint32_t slot = record->holders[i].lane & 0xffff;
    if (self->books.lanes[slot].id == record->holders[i].lane) {
        self->books.lanes[slot].held--;
        self->books.lanes[slot].suspect = false;
    }
    record->holders[i] = record->holders[--record->holder_count];
}

static void release (world_t *self, record_t *record, uint32_t lane)
{
    for (uint32_t i = 0; i < record->holder_count; i++)
        if (record->holders[i].lane == lane) {
            lane_loses (self, record, i);
            return;
        }
}

static void release_all (world_t *self, record_t *record)
{
    while (record->holder_count)
        lane_loses (self, record, 0);
}

static void close_lane (world_t *self, uint32_t lane)
{
    for (uint32_t i = 0; i < TICKETS_MAX && self->books.lanes[lane & 0xffff].held; i++)
        if (self->books.records[i].handle)
            release (self, &self->books.records[i], lane);
    if (self->books.lanes[lane & 0xffff].held)
        world_break (self, "a lane was left holding something");
    self->books.lanes[lane & 0xffff].id = 0;
}

static void take_push (world_t *self, const emp_effect_t *fx)
{
    record_t *record = record_of (self, fx->ticket);
    uint32_t slot = fx->lane & 0xffff;
    if (!record || record->result) {
        world_break (self, "a ticket is handed out that has ended");
        return;
    }
    if (fx->attempt != record->attempt + 1)
        broken (self, record, "an attempt is not the next");
    if (fx->from != record->from || fx->part != record->part)
        broken (self, record, "other rows are handed out than the ticket has");
    if (record->certain >= self->plan->config.attempts_max && record->holder_count == 0)
        broken (self, record, "a ticket is handed out that has failed too often");
    if (record->holder_count && (record->half || record->certain))
        broken (self, record, "a ticket is copied that has failed");
    if (record->holder_count == 2 || holds (record, fx->session))
        broken (self, record, "a ticket is handed out to too many, or twice to one");
    if (self->books.lanes[slot].id != fx->lane || self->books.lanes[slot].held >= self->books.lanes[slot].window_most)
        broken (self, record, "a worker gets more than it asked for");
    bool suspect = record->half || record->sure_crashes > 0;
    if ((suspect && self->books.lanes[slot].held) || self->books.lanes[slot].suspect)
        broken (self, record, "a suspect is not alone");
    if (self->books.draining)
        broken (self, record, "something is handed out though the run drains");
    record->attempt = fx->attempt;
    self->books.lanes[slot].held++;
    self->books.lanes[slot].suspect = suspect;
    record->holders[record->holder_count].lane = fx->lane;
    record->holders[record->holder_count].attempt = fx->attempt;
    record->holders[record->holder_count++].session = fx->session;
}

/* ---- the life of a ticket ------------------------------------------------------------------------------------------ */

static void take_ticket (world_t *self, const emp_event_t *event, const emp_effect_t *fx)
{
    record_t *record = &self->books.records[fx->ticket & (TICKETS_MAX - 1)];
    book_t *book = book_of (self, event->feed);
    if ((fx->ticket & 0xffffffff) >= TICKETS_MAX || record->handle || !book || fx->number >= NUMBERS_MAX) {
        world_break (self, "a ticket has a slot that is taken, or no feed");
        return;
    }
    if (book->numbers[fx->number].put)
        world_break (self, "a number was put twice");
    if (self->books.sink_stopped)
        world_break (self, "a ticket is taken behind the end");
    const emp_part_t *part = &event->parts[fx->index];
    book->numbers[fx->number].put = true;
    book->numbers[fx->number].row_count = part->rows;
    book->accepted++;
    self->books.rows_put += part->rows;
    *record = (record_t){.handle = fx->ticket, .number = (uint32_t) fx->number, .part = part->rows};
    for (uint32_t i = 0; i < self->books.book_count; i++)
        if (self->books.books[i] == book)
            record->book = i;
}

static void take_half (world_t *self, const emp_effect_t *fx)
{
    record_t *whole = record_of (self, fx->other);
    record_t *half = &self->books.records[fx->ticket & (TICKETS_MAX - 1)];
    if (!whole || half->handle || (fx->ticket & 0xffffffff) >= TICKETS_MAX) {
        world_break (self, "a half of nothing");
        return;
    }
    if (fx->from < whole->from || fx->from + fx->part > whole->from + whole->part || fx->part == 0)
        broken (self, whole, "a half has rows that the whole does not have");
    bool by_crash = whole->crashes && (whole->half || whole->crashes >= 2);
    if (!self->plan->config.halve || (!by_crash && whole->strikes < self->plan->config.attempts_max))
        broken (self, whole, "a ticket is halved for no reason");
    whole->halves_rows += fx->part;
    *half = (record_t){.handle = fx->ticket,
                       .book = whole->book,
                       .number = whole->number,
                       .from = fx->from,
                       .part = fx->part,
                       .attempt = whole->attempt,
                       .half = true};
}

/* That it is dead. */
static void check_reason (world_t *self, const record_t *record)
{
    const emp_core_config_t *config = &self->plan->config;
    bool by_its_half = config->halve && record->half && record->crashes;
    if (!by_its_half && record->strikes < config->attempts_max)
        broken (self, record, "a ticket is dead that has not failed often enough");
    if (config->halve && record->last_crash && record->part > 1 && record->certain == record->strikes)
        broken (self, record, "a ticket of several rows is dead, and was not halved");
}

/* What its worker had put by then must be here. */
static void check_puts (world_t *self, const emp_event_t *event)
{
    if (!self->books.draining && event->number > self->books.puts_seen[event->session])
        world_break (self, "a ticket is answered whose puts have not come");
}

static void check_late (world_t *self, const emp_event_t *event, const record_t *record)
{
    tally.late++;
    if (event->number)
        broken (self, record, "a result of a session that was given up is taken though what it put was dropped");
    for (uint32_t i = 0; i < record->holder_count; i++)
        if (record->holders[i].attempt == event->attempt)
            broken (self, record, "a result of a session that was given up is taken for another's attempt");
}

static void take_result (world_t *self, const emp_event_t *event, const emp_effect_t *fx)
{
    record_t *record = record_of (self, fx->ticket);
    if (fx->serial != ++self->books.serial)
        world_break (self, "serials are not consecutive");
    if (!record || record->result || self->books.sink_stopped) {
        world_break (self, "a ticket ends twice, or behind the end");
        return;
    }
    record->result = true;
    uint32_t rows = bits (fx->from, fx->rows);
    book_t *book = self->books.books[record->book];
    uint32_t *answered = &book->numbers[record->number].answered, *dead = &book->numbers[record->number].dead;
    if (fx->from != record->from || fx->rows != record->part || ((*answered | *dead) & rows))
        broken (self, record, "rows end twice, or others than the ticket has");
    *(fx->outcome == EMP_OUTCOME_DONE ? answered : dead) |= rows;
    self->books.rows_ended += fx->rows;
    uint32_t left =
        (uint32_t) __builtin_popcount (bits (0, book->numbers[record->number].row_count) & ~(*answered | *dead));
    if (fx->left != left)
        broken (self, record, "a result does not say how many rows are left");
    if (fx->outcome != EMP_OUTCOME_DONE) {
        check_reason (self, record);
        return;
    }
    if (event->kind != EMP_EV_DONE || event->outcome != EMP_OUTCOME_DONE || event->session != fx->session ||
        event->ticket != fx->ticket || event->attempt != fx->attempt || event->attempt > record->attempt)
        broken (self, record, "an answer that nobody gave");
    if (book_poison (self, fx->feed, record->number, record->from, record->part) >= 0)
        broken (self, record, "a row that kills was answered");
    if (self->processes[event->session]->known)
        check_puts (self, event);
    else
        check_late (self, event, record);
}

static void take_free (world_t *self, const emp_effect_t *fx)
{
    record_t *record = record_of (self, fx->ticket);
    if (!record) {
        world_break (self, "what is not kept is freed");
        return;
    }
    release_all (self, record);
    if (!record->result && record->halves_rows != record->part) {
        if (!self->books.draining)
            broken (self, record, "a ticket is lost");
        self->books.rows_ended += record->part;
    }
    *record = (record_t){0};
}

/* ---- one step ------------------------------------------------------------------------------------------------------ */

static void open_book (world_t *self, const emp_event_t *event, const emp_effect_t *fx)
{
    if (fx->status != EMP_OK)
        return;
    if (self->books.book_count == BOOKS_MAX) {
        world_break (self, "feeds are opened for ever");
        return;
    }
    book_t *book = world_alloc (self, sizeof *book);
    book->feed = fx->feed;
    book->session = event->session;
    book->plan = self->processes[event->session]->role == EMP_ROLE_MANAGER ? (int) self->books.book_count : -1;
    for (uint32_t i = 0; i < self->books.book_count && book->plan >= 0; i++)
        book->plan -= self->books.books[i]->plan < 0;
    self->books.books[self->books.book_count++] = book;
}

static void open_lane (world_t *self, const emp_event_t *event, const emp_effect_t *fx)
{
    uint32_t slot = fx->lane & 0xffff;
    if (fx->status != EMP_OK)
        return;
    if (self->books.lanes[slot].id)
        world_break (self, "a lane has a slot that is taken");
    self->books.lanes[slot].id = fx->lane;
    self->books.lanes[slot].held = 0;
    self->books.lanes[slot].suspect = false;
    self->books.lanes[slot].window_most = event->window;
}

void book_credit (world_t *self, uint32_t lane, uint64_t window)
{
    if (self->books.lanes[lane & 0xffff].id == lane && window > self->books.lanes[lane & 0xffff].window_most)
        self->books.lanes[lane & 0xffff].window_most = window;
}

static void look_at (world_t *self, const emp_event_t *event, const emp_effect_t *fx)
{
    record_t *record = record_of (self, fx->ticket);
    switch (fx->kind) {
    case EMP_FX_TICKET: take_ticket (self, event, fx); return;
    case EMP_FX_HALF: take_half (self, fx); return;
    case EMP_FX_PUSH: take_push (self, fx); return;
    case EMP_FX_RESULT: take_result (self, event, fx); return;
    case EMP_FX_FREE: take_free (self, fx); return;
    case EMP_FX_FEED: open_book (self, event, fx); return;
    case EMP_FX_LANE: open_lane (self, event, fx); return;
    case EMP_FX_LANE_CLOSED: close_lane (self, fx->lane); return;
    case EMP_FX_ATTEMPT:
        tally.handed += fx->ended == EMP_ATTEMPT_HANDED;
        if (record && fx->ended == EMP_ATTEMPT_HANDED) {
            record->handed_from = fx->session;
            release_all (self, record);
        } else if (record && (fx->ended == EMP_ATTEMPT_FAILED || fx->ended == EMP_ATTEMPT_REFUSED ||
                              fx->ended == EMP_ATTEMPT_RETURNED))
            for (uint32_t i = 0; i < record->holder_count; i++)
                if (record->holders[i].attempt == fx->attempt && record->holders[i].session == fx->session) {
                    lane_loses (self, record, i);
                    return;
                }
        return;
    case EMP_FX_SINK_STOPPED:
        if (self->books.sink_stopped)
            world_break (self, "the sink is told twice");
        self->books.sink_stopped = true;
        return;
    case EMP_FX_KILL:
        if (!self->books.sink_stopped)
            world_break (self, "somebody is killed before the end");
        return;
    case EMP_FX_FEED_OVER:
    case EMP_FX_STOPPED:
    case EMP_FX_REVOKE:
    case EMP_FX_PUT_CREDIT:
    case EMP_FX_SESSION:
    case EMP_FX_SESSION_GONE:
    case EMP_FX_SINK:
    case EMP_FX_SINK_CLOSED:
    case EMP_FX_DECLARED: return;
    }
}

void book_step (world_t *self, const emp_event_t *event, emp_status_t status)
{
    const emp_effects_t *fx = &self->broker.fx;
    if (status == EMP_NOMEM)
        world_break (self, "a step says that memory is out");
    self->books.draining = self->books.draining || event->kind == EMP_EV_DRAIN;
    if (event->kind == EMP_EV_PUT) {
        book_t *book = book_of (self, event->feed);
        bool fresh = book && event->number >= book->accepted + event->skipped;
        self->books.puts_seen[event->session] += fresh ? event->count : 0;
        tally.puts += event->count && self->processes[event->session]->role == EMP_ROLE_WORKER && status == EMP_OK;
    }
    record_t *refused =
        event->kind == EMP_EV_DONE && event->outcome == EMP_OUTCOME_REFUSED ? record_of (self, event->ticket) : NULL;
    if (refused && status == EMP_OK && holds_attempt (refused, event)) /* else it was taken back, and not begun */
        strike (refused, false, true);
    for (size_t i = 0; i < fx->count; i++)
        if (fx->list[i].kind == EMP_FX_SESSION_GONE && fx->list[i].how != EMP_HOW_BYE)
            strike_lost (self, event, &fx->list[i]);
    for (size_t i = 0; i < fx->count && !self->broken; i++)
        look_at (self, event, &fx->list[i]);
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

static void check_feeds (world_t *self)
{
    for (uint32_t b = 0; b < self->books.book_count; b++) {
        const book_t *book = self->books.books[b];
        if (book->plan >= 0 && book->accepted != self->plan->feed[book->plan].tickets)
            world_break (self, "not all is there that the manager has put");
        for (uint32_t n = 0; n < NUMBERS_MAX; n++)
            if (book->numbers[n].put &&
                (book->numbers[n].answered | book->numbers[n].dead) != bits (0, book->numbers[n].row_count))
                world_break (self, "a row has not ended");
    }
    for (uint32_t i = 0; i < self->plan->poisons; i++) {
        const poison_t *poison = &self->plan->poison[i];
        const book_t *book = NULL;
        for (uint32_t b = 0; b < self->books.book_count; b++)
            if (self->books.books[b]->plan == (int) poison->feed)
                book = self->books.books[b];
        bool found = false;
        for (uint32_t n = 0; book && n < NUMBERS_MAX; n++)
            found =
                found || (n == poison->number && book->numbers[n].put && (book->numbers[n].dead >> poison->row & 1));
        if (book && book->numbers[poison->number].put && !found)
            world_break (self, "a row that kills is not dead");
    }
}

void book_end (world_t *self)
{
    emp_core_stats_t stats;
    emp_core_stats (self->broker.core, &stats);
    if (!self->manager->over)
        world_break (self, "it hangs: nothing happens any more, and the sink was never told");
    if (self->living != 1)
        world_break (self, "it hangs: somebody is there still");
    if (self->manager->sink_serial != self->books.serial || self->manager->acked != self->books.serial)
        world_break (self, "not all results came to the sink");
    if (stats.waiting || stats.held || stats.lanes || stats.feeds || stats.sessions != 1)
        world_break (self, "tickets, lanes, feeds or sessions are left behind");
    if (stats.put + stats.halved != stats.answered + stats.dead + stats.dropped_by_drain)
        world_break (self, "tickets do not balance");
    uint64_t dropped = stats.rows_put - self->books.rows_put; /* never taken */
    if (dropped && !self->books.draining)
        world_break (self, "rows were dropped though nobody drained");
    if (self->books.rows_ended != self->books.rows_put)
        world_break (self, "rows do not balance");
    if (!self->books.draining)
        check_feeds (self);
    for (uint32_t i = 0; i < TICKETS_MAX; i++)
        if (self->books.records[i].handle)
            world_break (self, "a ticket is kept for ever");
}
