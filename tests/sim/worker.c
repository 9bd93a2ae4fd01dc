/* SPDX-License-Identifier: BSD-3-Clause
 *
 * worker.c - a worker process: the real consumer and producer cores, the rules of common/net (lane.c, feed.c, batch.c, port.c)
 * about sending and waiting, and a module that gets a chunk, works at its rows, puts some to the second queue, and ends it.
 *
 * One chunk is in hand at a time. What the I/O thread does (beats, batches that are stale, hearing) happens whenever it is due;
 * what the module does is one thing behind the other.
 */
#include "sim.h"

#define BEATS 5            /* in the time after which one is given up */
#define PATIENCE 3000      /* µs, with a put */
#define ANSWER_US 2000000u /* for the broker's answers */

static void go_on (world_t *self, process_t *process);

/* ---- sending ------------------------------------------------------------------------------------------------------- */

static message_t *of_process (world_t *self, const process_t *process, say_t say, uint32_t pieces)
{
    message_t *message = message_new (self, say, pieces);
    message->session = process->session;
    return message;
}

static void flush_lane (world_t *self, process_t *process, lane_t *lane)
{
    if (lane->batch.count == 0)
        return;
    message_t *message = of_process (self, process, SAY_DONE, lane->batch.count);
    message->id = lane->consumer.lane;
    message->queue = UINT32_C (65536) + lane->queue; /* the intake that it goes to */
    message->window = lane->consumer.window;
    message->puts = process->puts;
    message->count = lane->batch.count;
    for (uint32_t i = 0; i < lane->batch.count; i++)
        message->pieces[i] = lane->batch.pieces[i];
    lane->batch.count = 0;
    lane->window_most = message->window > lane->window_most ? message->window : lane->window_most;
    wire_send (self, &lane->dones, message);
    if (process->crash_behind_done)
        worker_end (self, process, EMP_HOW_SIGNAL, 11);
}

static void flush_feed (world_t *self, process_t *process)
{
    feed_t *feed = process->feed;
    if (!feed || feed->batch.count == 0)
        return;
    message_t *message = of_process (self, process, SAY_PUT, feed->batch.count);
    message->id = feed->id;
    message->first = feed->first;
    message->count = feed->batch.count;
    for (uint32_t i = 0; i < feed->batch.count; i++)
        message->pieces[i] = feed->batch.pieces[i];
    feed->first += feed->batch.count;
    feed->batch.count = 0;
    wire_send (self, &feed->puts, message);
}

/* The I/O thread's look after what is kept back. */
static void look (world_t *self, void *arg)
{
    process_t *process = arg;
    if (process->life != LIVES)
        return;
    if (!process_is_awake (self, process)) {
        world_at (self, process->frozen_until, look, process);
        return;
    }
    for (uint32_t i = 0; i < process->lane_count; i++) {
        lane_t *lane = process->lanes[i];
        if (lane->batch.count && emp_gather_is_stale (lane->batch.since, self->now))
            flush_lane (self, process, lane);
        if (process->life != LIVES)
            return;
    }
    if (process->feed && process->feed->batch.count && emp_gather_is_stale (process->feed->batch.since, self->now))
        flush_feed (self, process);
}

static void plan_look (world_t *self, process_t *process)
{
    world_at (self, self->now + EMP_GATHER_STALE_US + chance (self->plan->seed, self->order) % 1000, look, process);
}

/* True: what is gathered leaves now. */
static bool add (world_t *self, process_t *process, batch_t *batch, const emp_part_t *part, bool keep)
{
    if (batch->count == 0)
        batch->since = self->now;
    batch->pieces[batch->count++] = (piece_t){.part = *part};
    bool leaves =
        emp_gather_leaves (batch->count, 10 * batch->count, batch->since, self->now, keep) || batch->count == PARTS_MAX;
    if (!leaves && batch->count == 1)
        plan_look (self, process);
    return leaves;
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

void worker_end (world_t *self, process_t *process, emp_how_t how, uint32_t code)
{
    if (process->life != LIVES)
        return;
    world_say (self, "worker %llu (slot %u) ends: %s %u, at %llx", (unsigned long long) process->session, process->slot,
               how == EMP_HOW_BYE      ? "left"
               : how == EMP_HOW_EXIT   ? "exit"
               : how == EMP_HOW_SIGNAL ? "signal"
                                       : "timeout",
               code, (unsigned long long) process->at_ticket);
    process->life = how == EMP_HOW_BYE ? EXITED : DIED;
    process->how = how;
    process->code = code;
    self->living--;
    if (process->life == DIED)
        process_cut (self, process);
    host_child_ended (self, process);
}

static void leave (world_t *self, process_t *process)
{
    for (uint32_t i = 0; i < process->lane_count; i++)
        flush_lane (self, process, process->lanes[i]);
    if (process->life != LIVES)
        return;
    flush_feed (self, process);
    if (process->given_up) {
        worker_end (self, process, EMP_HOW_EXIT, 0);
        return;
    }
    wire_send (self, &process->up, of_process (self, process, SAY_BYE, 0));
    worker_end (self, process, EMP_HOW_BYE, 0);
}

void beat (world_t *self, void *arg)
{
    process_t *process = arg;
    if (process->life != LIVES || process->given_up)
        return;
    if (!process_is_awake (self, process)) {
        world_at (self, process->frozen_until, beat, process);
        return;
    }
    wire_send (self, &process->up, of_process (self, process, SAY_BEAT, 0));
    world_at (self, self->now + self->plan->config.dead_after / BEATS, beat, process);
}

/* ---- work ---------------------------------------------------------------------------------------------------------- */

static void end_chunk (world_t *self, process_t *process)
{
    lane_t *lane = process->hand_lane;
    emp_part_t part = {.ticket = process->hand.part.ticket,
                       .attempt = process->hand.part.attempt,
                       .length = 5,
                       .outcome = process->refuses ? EMP_OUTCOME_REFUSED : EMP_OUTCOME_DONE};
    bool keep = emp_consumer_worked (&lane->consumer, self->now - process->hand_since);
    process->busy = process->refuses = false;
    process->at_ticket = 0;
    lane->ended++;
    if (add (self, process, &lane->batch, &part, keep))
        flush_lane (self, process, lane);
}

static void impatience (world_t *self, void *arg)
{
    process_t *process = arg;
    if (process->life == LIVES && process->blocked && emp_producer_takes_back (&process->feed->producer)) {
        message_t *message = of_process (self, process, SAY_UNWANT, 0);
        message->id = process->feed->id;
        message->puts = process->feed->producer.put;
        wire_send (self, &process->up, message);
        emp_producer_took_back (&process->feed->producer);
    }
}

/* As emp_feed_put: false when it has to wait for a word of the broker. */
static bool may_put (world_t *self, process_t *process, feed_t *feed)
{
    if (!feed->open) {
        if (!feed->asked) {
            message_t *message = of_process (self, process, SAY_OPEN_FEED, 0);
            message->queue = 1;
            wire_send (self, &process->up, message);
            feed->asked = true;
        }
        return feed->over;
    }
    if (feed->over)
        return true;
    if (!emp_producer_is_dry (&feed->producer, feed->credit)) {
        emp_producer_settle (&feed->producer, feed->credit, false);
        return true;
    }
    flush_feed (self, process);
    if (emp_producer_heard (&feed->producer, feed->credit, feed->answered))
        emp_producer_settle (&feed->producer, feed->credit, feed->answered); /* there was none: it tries again */
    if (emp_producer_asks (&feed->producer)) {
        feed->answered = false;
        message_t *message = of_process (self, process, SAY_WANT, 0);
        message->id = feed->id;
        wire_send (self, &process->up, message);
        emp_producer_asked (&feed->producer);
        if (self->plan->impatient)
            world_at (self, self->now + chance (self->plan->seed, self->order) % PATIENCE, impatience, process);
    }
    return false;
}

/* False: it waits. */
static bool put_all (world_t *self, process_t *process)
{
    feed_t *feed = process->feed;
    while (process->to_put) {
        if (!may_put (self, process, feed))
            return false;
        process->to_put--;
        if (feed->over)
            continue; /* nothing is taken any more: EMP_STOPPED */
        emp_producer_put (&feed->producer);
        process->puts++;
        emp_part_t part = {.rows = 2, .length = 12};
        if (add (self, process, &feed->batch, &part, chance (self->plan->seed, self->order) % 2))
            flush_feed (self, process);
    }
    return true;
}

static void is_worked (world_t *self, process_t *process)
{
    process->blocked = !put_all (self, process);
    if (process->blocked)
        return;
    end_chunk (self, process);
    go_on (self, process);
}

typedef struct {
    process_t *process;
    uint64_t works;
} work_t;

static bool is_present (world_t *self, work_t *work, happening_t again)
{
    if (work->process->life != LIVES || work->works != work->process->works)
        return false;
    if (process_is_awake (self, work->process))
        return true;
    world_at (self, work->process->frozen_until + 100, again, work);
    return false;
}

static void work_ends (world_t *self, void *arg)
{
    work_t *work = arg;
    if (is_present (self, work, work_ends))
        is_worked (self, work->process);
}

static void row_kills (world_t *self, void *arg)
{
    work_t *work = arg;
    if (is_present (self, work, row_kills))
        worker_end (self, work->process, EMP_HOW_SIGNAL, 11);
}

/* The supervisor's watch. */
static void takes_too_long (world_t *self, void *arg)
{
    work_t *work = arg;
    process_t *host = work->process->parent;
    if (work->process->life != LIVES || work->works != work->process->works || !work->process->busy ||
        host->life != LIVES)
        return;
    if (process_is_awake (self, host))
        worker_end (self, work->process, EMP_HOW_TIMEOUT, 9);
    else
        world_at (self, host->frozen_until, takes_too_long, work);
}

static void plan_work (world_t *self, process_t *process, uint64_t at, happening_t happening)
{
    work_t *work = world_alloc (self, sizeof *work);
    *work = (work_t){process, process->works};
    world_at (self, at, happening, work);
}

static void begin_chunk (world_t *self, process_t *process, lane_t *lane, const piece_t *piece)
{
    const plan_t *plan = self->plan;
    if (process->busy)
        world_break (self, "a worker works at two chunks at once");
    process->busy = true;
    process->works++;
    process->hand = *piece;
    process->hand_lane = lane;
    process->hand_since = self->now;
    process->at_ticket = piece->part.ticket;
    process->to_put = lane->queue == 0 ? plan->puts : 0;
    uint64_t row_us = plan->row_us[process->slot], draw = chance (plan->seed, self->order);
    int poison = book_poison (self, piece->feed, (uint32_t) piece->part.number, piece->part.from, piece->part.count);
    process->kills = poison >= 0;
    if (poison >= 0)
        plan_work (self, process,
                   self->now + row_us * (plan->poison[poison].row - piece->part.from) + plan->poison[poison].after,
                   row_kills);
    else
        plan_work (self, process, self->now + row_us * piece->part.count + draw % (row_us + 2), work_ends);
    if (plan->ticket_timeout)
        plan_work (self, process, self->now + plan->ticket_timeout, takes_too_long);
}

/* ---- the module's loop --------------------------------------------------------------------------------------------- */

/* As emp_lane_next that does not wait. EMP_OK: a chunk is in hand. */
static emp_status_t lane_next (world_t *self, process_t *process, lane_t *lane)
{
    for (;;) {
        switch (emp_consumer_next (&lane->consumer, process->leaves)) {
        case EMP_CONSUMER_PART: {
            const piece_t *piece = &lane->at_hand->pieces[lane->consumer.part];
            emp_consumer_pass (&lane->consumer, piece->part.length);
            if (emp_revokes_take (&lane->revokes, piece->part.ticket, piece->part.attempt)) {
                lane->ended++;
                emp_part_t end = {.ticket = piece->part.ticket,
                                  .attempt = piece->part.attempt,
                                  .length = 10,
                                  .outcome = EMP_OUTCOME_REFUSED}; /* not begun */
                if (add (self, process, &lane->batch, &end, true))
                    flush_lane (self, process, lane);
                if (process->life != LIVES)
                    return EMP_STOPPED;
                continue;
            }
            begin_chunk (self, process, lane, piece);
            return EMP_OK;
        }
        case EMP_CONSUMER_READS: {
            message_t *message = lane->unread;
            if (!message) {
                flush_lane (self, process, lane);
                return EMP_TIMEOUT;
            }
            lane->unread = message->next;
            emp_wire_kind_t kind = message->say == SAY_STOPPED ? EMP_WIRE_STOPPED : EMP_WIRE_CHUNKS;
            if (emp_consumer_hear (&lane->consumer, kind, message->id, message->count) == EMP_OK)
                lane->at_hand = message;
            continue;
        }
        case EMP_CONSUMER_LEAVES:
        case EMP_CONSUMER_STOPPED: flush_lane (self, process, lane); return EMP_STOPPED;
        }
    }
}

static void go_on (world_t *self, process_t *process)
{
    if (process->life != LIVES || process->busy)
        return;
    uint32_t stopped = 0;
    for (uint32_t i = 0; i < process->lane_count && process->life == LIVES; i++) {
        lane_t *lane = process->lanes[process->turn++ % process->lane_count];
        if (!lane->open)
            continue;
        emp_status_t status = lane_next (self, process, lane);
        if (status == EMP_OK)
            return;
        stopped += status == EMP_STOPPED;
    }
    if (process->life == LIVES && (stopped == process->lane_count || process->leaves))
        leave (self, process);
}

/* ---- what it hears ------------------------------------------------------------------------------------------------- */

static void open_lanes (world_t *self, process_t *process)
{
    for (uint32_t i = 0; i < process->lane_count; i++) {
        message_t *message = of_process (self, process, SAY_OPEN_LANE, 0);
        message->queue = process->lanes[i]->queue;
        message->window = process->lanes[i]->window_most = 1;
        wire_send (self, &process->up, message);
    }
}

static lane_t *lane_of (process_t *process, const message_t *message)
{
    for (uint32_t i = 0; i < process->lane_count; i++)
        if (process->lanes[i]->consumer.lane == message->id)
            return process->lanes[i];
    return NULL;
}

static void lane_is_open (world_t *self, process_t *process, const message_t *message)
{
    if (message->code != EMP_OK)
        world_break (self, "a lane is refused");
    for (uint32_t i = 0; i < process->lane_count; i++)
        if (process->lanes[i]->queue == message->queue && !process->lanes[i]->open) {
            process->lanes[i]->open = true;
            emp_consumer_init (&process->lanes[i]->consumer, message->id);
            world_at (self, self->now + 50 + chance (self->plan->seed, self->order) % 400, broker_lane_connects,
                      process->lanes[i]);
        }
}

static void lane_hears (world_t *self, process_t *process, message_t *message)
{
    lane_t *lane = lane_of (process, message);
    if (!lane) {
        world_break (self, "a chunk comes by a lane that its consumer does not know");
        return;
    }
    lane->got += message->count;
    /* What was taken back lies there until it is passed. */
    if (lane->got - lane->ended > lane->window_most + lane->revoked)
        world_break (self, "a worker got more chunks than it asked for");
    message->next = NULL;
    if (lane->unread)
        lane->unread_last->next = message;
    else
        lane->unread = message;
    lane->unread_last = message;
}

void worker_hear (world_t *self, process_t *process, message_t *message)
{
    feed_t *feed = process->feed;
    lane_t *lane = lane_of (process, message);
    world_say (self, "  worker %llu hears %s (id %x, %u parts)", (unsigned long long) process->session,
               say_name (message->say), message->id, message->count);
    switch (message->say) {
    case SAY_WELCOME: open_lanes (self, process); break;
    case SAY_LANE: lane_is_open (self, process, message); break;
    case SAY_CHUNKS:
    case SAY_STOPPED: lane_hears (self, process, message); break;
    case SAY_REVOKE:
        if (lane && !self->plan->deaf)
            emp_revokes_add (&lane->revokes, message->ticket, message->code);
        break;
    case SAY_FEED:
        feed->open = message->code == EMP_OK;
        feed->over = !feed->open;
        feed->id = message->id;
        feed->credit = message->window;
        break;
    case SAY_PUT_CREDIT:
        if (feed && feed->id == message->id && emp_producer_takes (feed->credit, message->window)) {
            feed->answered = true;
            feed->credit = message->window;
        }
        break;
    case SAY_FEED_OVER:
        if (feed && feed->id == message->id)
            feed->over = true;
        break;
    case SAY_REFUSED: /* it was given up: what is in hand is finished, then it leaves */
        process->given_up = process->leaves = true;
        if (feed)
            feed->over = true;
        break;
    default: break;
    }
    if (process->blocked)
        is_worked (self, process);
    else
        go_on (self, process);
}

/* ---- what goes wrong with it ----------------------------------------------------------------------------------------- */

void worker_fault (world_t *self, process_t *process, const fault_t *fault)
{
    wire_t *wires[] = {&process->up, &process->lanes[0]->dones,
                       process->feed ? &process->feed->puts : &process->parent->up, &self->manager->up, &process->down};
    switch (fault->kind) {
    case FAULT_CRASH: worker_end (self, process, EMP_HOW_SIGNAL, 11); break;
    case FAULT_EXIT: worker_end (self, process, EMP_HOW_EXIT, 3); break;
    case FAULT_KILL: worker_end (self, process, EMP_HOW_SIGNAL, 9); break;
    case FAULT_CRASH_BEHIND_DONE: process->crash_behind_done = true; break;
    case FAULT_FREEZE: process->frozen_until = self->now + fault->much; break;
    case FAULT_CUT: process_cut (self, process); break;
    case FAULT_TWICE: wires[fault->much % 5]->twice = true; break;
    case FAULT_REFUSE: process->refuses = process->busy; break;
    case FAULT_WEDGE:
        if (process->busy && !process->blocked) {
            process->works++; /* it is somewhere else than it was */
            plan_work (self, process, self->now + fault->much * 4, process->kills ? row_kills : work_ends);
            if (self->plan->ticket_timeout)
                plan_work (self, process, self->now + self->plan->ticket_timeout, takes_too_long);
        }
        break;
    case FAULT_LEAVE:
        process->leaves = true;
        if (process_is_awake (self, process))
            go_on (self, process);
        break;
    default: break;
    }
}

/* ---- birth --------------------------------------------------------------------------------------------------------- */

static lane_t *lane_new (world_t *self, process_t *process, uint32_t queue)
{
    lane_t *lane = world_alloc (self, sizeof *lane);
    lane->queue = queue;
    wire_init (self, &lane->chunks, queue ? "co" : "ci", process, false);
    wire_init (self, &lane->dones, queue ? "eo" : "ei", process, true);
    return lane;
}

/* Who gets no answer to what he asks at the door cannot work. */
static void is_unanswered (world_t *self, void *arg)
{
    process_t *process = arg;
    bool open = true;
    for (uint32_t i = 0; i < process->lane_count; i++)
        open = open && process->lanes[i]->open;
    if (process->life == LIVES && !process_is_awake (self, process))
        world_at (self, process->frozen_until + 1000, is_unanswered, process);
    else if (!open)
        worker_end (self, process, EMP_HOW_EXIT, 1);
}

process_t *worker_start (world_t *self, process_t *host, uint32_t slot)
{
    const plan_t *plan = self->plan;
    process_t *process = process_new (self, EMP_ROLE_WORKER, slot, host);
    bool last = slot + 1 == plan->slots;
    if (!plan->puts || !last)
        process->lanes[process->lane_count++] = lane_new (self, process, 0);
    if (plan->puts && slot)
        process->lanes[process->lane_count++] = lane_new (self, process, 1);
    if (plan->puts && !last) {
        process->feed = world_alloc (self, sizeof *process->feed);
        wire_init (self, &process->feed->puts, "puts", process, true);
    }
    wire_send (self, &process->up, of_process (self, process, SAY_HELLO, 0));
    world_at (self, self->now + plan->config.dead_after / BEATS, beat, process);
    world_at (self, self->now + ANSWER_US, is_unanswered, process);
    return process;
}
