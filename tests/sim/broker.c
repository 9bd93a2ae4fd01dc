/* SPDX-License-Identifier: BSD-3-Clause
 *
 * broker.c - the real core in the simulator's shell: the same rules as broker/door.c, intake.c, parked.c and effect.c, with
 * simulated wires for sockets. What goes out by one lane within a moment goes out together, as in one turn.
 *
 * emp_core_check () runs after every step, and the book sees every effect.
 */
#include "sim.h"

#include <stdlib.h>

static const char *const queue_names[QUEUES] = {"in", "out"};

static process_t *process_of (const world_t *self, uint64_t session)
{
    process_t *process = session && session <= self->process_count ? self->processes[session] : NULL;
    return process && process->known ? process : NULL;
}

static void answer (world_t *self, process_t *process, message_t *message)
{
    if (process)
        wire_send (self, &process->down, message);
}

static uint32_t queue_of (const world_t *self, uint32_t id)
{
    const char *name = emp_core_queue_name (self->broker.core, id);
    return name && name[0] == 'o';
}

/* ---- what goes out ------------------------------------------------------------------------------------------------- */

static void send_batch (world_t *self, outlet_t *outlet, say_t say, wire_t *wire)
{
    uint32_t begin = 0;
    while (begin < outlet->batch.count) { /* one message is of one feed */
        uint32_t end = begin;
        while (end < outlet->batch.count && outlet->batch.pieces[end].feed == outlet->batch.pieces[begin].feed)
            end++;
        message_t *message = message_new (self, say, end - begin);
        message->id = outlet->id;
        message->count = end - begin;
        for (uint32_t i = begin; i < end; i++)
            message->pieces[i - begin] = outlet->batch.pieces[i];
        message->serial = outlet->batch.since + begin;
        wire_send (self, wire, message);
        begin = end;
    }
    outlet->batch.count = 0;
}

static void flush_outlet (world_t *self, outlet_t *outlet, say_t say, wire_t *wire)
{
    send_batch (self, outlet, say, wire);
    if (!outlet->stop)
        return;
    message_t *message = message_new (self, SAY_STOPPED, 0);
    message->id = outlet->id;
    wire_send (self, wire, message);
    outlet->stop = false;
}

static void flush (world_t *self, void *arg)
{
    broker_t *broker = &self->broker;
    (void) arg;
    broker->flush_planned = false;
    for (uint32_t i = 0; i < broker->dirty_count; i++) {
        broker->dirty[i]->dirty = false;
        if (broker->dirty[i]->id) /* it is there still */
            flush_outlet (self, broker->dirty[i], SAY_CHUNKS, &broker->dirty[i]->lane->chunks);
    }
    broker->dirty_count = 0;
    if (broker->sink.ready)
        flush_outlet (self, &broker->sink, SAY_RESULTS, &self->manager->sink);
}

static void plan_flush (world_t *self, outlet_t *outlet)
{
    broker_t *broker = &self->broker;
    if (!outlet->dirty && outlet != &broker->sink) {
        outlet->dirty = true;
        broker->dirty[broker->dirty_count++] = outlet;
    }
    if (self->broker.flush_planned)
        return;
    self->broker.flush_planned = true;
    world_at (self, self->now + chance (self->plan->seed, self->order) % 60, flush, NULL);
}

static void gather (world_t *self, outlet_t *outlet, say_t say, wire_t *wire, const emp_part_t *part, uint32_t feed)
{
    if (outlet->batch.count == PARTS_MAX)
        send_batch (self, outlet, say, wire);
    outlet->batch.pieces[outlet->batch.count++] = (piece_t){.part = *part, .feed = feed};
    plan_flush (self, outlet);
}

static void push (world_t *self, const emp_effect_t *fx)
{
    outlet_t *outlet = &self->broker.outlets[fx->lane & 0xffff];
    emp_part_t part = {.ticket = fx->ticket,
                       .number = fx->number,
                       .attempt = fx->attempt,
                       .rows = fx->rows,
                       .from = fx->from,
                       .count = fx->part,
                       .length = 10};
    if (outlet->id != fx->lane || !outlet->ready) {
        world_break (self, "a chunk for a lane that has no consumer");
        return;
    }
    gather (self, outlet, SAY_CHUNKS, &outlet->lane->chunks, &part, fx->feed);
}

static void result (world_t *self, const emp_effect_t *fx)
{
    outlet_t *sink = &self->broker.sink;
    emp_part_t part = {.number = fx->number,
                       .attempt = fx->attempt,
                       .rows = fx->rows,
                       .from = fx->from,
                       .left = fx->left,
                       .session = fx->session,
                       .outcome = (uint32_t) fx->outcome};
    if (sink->batch.count == PARTS_MAX)
        send_batch (self, sink, SAY_RESULTS, &self->manager->sink);
    if (sink->batch.count == 0)
        sink->batch.since = fx->serial;
    gather (self, sink, SAY_RESULTS, &self->manager->sink, &part, fx->feed);
}

/* ---- effects ------------------------------------------------------------------------------------------------------- */

void broker_lane_connects (world_t *self, void *arg)
{
    const lane_t *lane = arg;
    outlet_t *outlet = &self->broker.outlets[lane->consumer.lane & 0xffff];
    if (outlet->id != lane->consumer.lane || outlet->owner->life != LIVES || outlet->owner->up.limit != UINT64_MAX)
        return;
    outlet->ready = true;
    broker_step (self, &(emp_event_t){.kind = EMP_EV_LANE_READY, .lane = outlet->id});
}

static void lane_opened (world_t *self, const emp_effect_t *fx)
{
    process_t *process = process_of (self, fx->session);
    uint32_t queue = queue_of (self, fx->queue);
    outlet_t *outlet = &self->broker.outlets[fx->lane & 0xffff];
    message_t *message = message_new (self, SAY_LANE, 0);
    message->id = fx->lane;
    message->queue = queue;
    message->code = fx->status;
    if (fx->status == EMP_OK) {
        *outlet = (outlet_t){.id = fx->lane, .owner = process, .dirty = outlet->dirty};
        for (uint32_t i = 0; i < process->lane_count; i++)
            if (process->lanes[i]->queue == queue)
                outlet->lane = process->lanes[i];
    }
    answer (self, process, message);
}

static void feed_opened (world_t *self, const emp_effect_t *fx, const message_t *asked)
{
    process_t *process = process_of (self, fx->session);
    message_t *message = message_new (self, SAY_FEED, 0);
    message->id = fx->feed;
    message->code = fx->status;
    message->window = fx->credit;
    message->ticket = asked ? asked->ticket : 0;
    if (fx->status == EMP_OK)
        self->broker.feed_owner[fx->feed & 0xffff] = process;
    answer (self, process, message);
}

static void tell (world_t *self, process_t *process, say_t say, const emp_effect_t *fx)
{
    message_t *message = message_new (self, say, 0);
    message->session = fx->session;
    message->id = say == SAY_REVOKE ? fx->lane : fx->feed;
    message->window = fx->credit;
    message->ticket = fx->ticket;
    message->code = say == SAY_REVOKE ? fx->attempt : fx->code;
    message->how = fx->how;
    answer (self, process, message);
}

static void parked_forget (world_t *self, uint64_t session)
{
    broker_t *broker = &self->broker;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < broker->parked_count; i++)
        if (broker->parked[i]->session != session)
            broker->parked[kept++] = broker->parked[i];
    broker->parked_count = kept;
}

static void session_gone (world_t *self, const emp_effect_t *fx)
{
    process_t *process = self->processes[fx->session];
    process->known = false;
    parked_forget (self, fx->session);
    if (fx->how != EMP_HOW_SILENCE)
        return;
    process_t *parent = process->role == EMP_ROLE_SUPERVISOR ? self->manager : process->parent;
    if (parent && parent->known)
        tell (self, parent, SAY_GONE, fx);
}

static void kill_slot (world_t *self, const emp_effect_t *fx)
{
    process_t *process = process_of (self, fx->session);
    if (!process || !process->parent->known)
        return;
    process->unwanted = true;
    tell (self, process->parent, SAY_KILL, fx);
}

static void do_effect (world_t *self, const emp_effect_t *fx, const message_t *asked)
{
    process_t *process = process_of (self, fx->session);
    outlet_t *outlet = &self->broker.outlets[fx->lane & 0xffff];
    switch (fx->kind) {
    case EMP_FX_SESSION: tell (self, process, SAY_WELCOME, fx); return;
    case EMP_FX_SESSION_GONE: session_gone (self, fx); return;
    case EMP_FX_LANE: lane_opened (self, fx); return;
    case EMP_FX_LANE_CLOSED: outlet->id = 0; return;
    case EMP_FX_FEED: feed_opened (self, fx, asked); return;
    case EMP_FX_PUSH: push (self, fx); return;
    case EMP_FX_RESULT: result (self, fx); return;
    case EMP_FX_PUT_CREDIT: tell (self, self->broker.feed_owner[fx->feed & 0xffff], SAY_PUT_CREDIT, fx); return;
    case EMP_FX_FEED_OVER: tell (self, process, SAY_FEED_OVER, fx); return;
    case EMP_FX_REVOKE:
        outlet->lane->revoked++; /* the word of it and what comes instead go by different wires */
        tell (self, process, SAY_REVOKE, fx);
        return;
    case EMP_FX_KILL: kill_slot (self, fx); return;
    case EMP_FX_STOPPED:
        outlet->stop = true;
        plan_flush (self, outlet);
        return;
    case EMP_FX_SINK:
        self->broker.sink.ready = true;
        plan_flush (self, &self->broker.sink);
        return;
    case EMP_FX_SINK_STOPPED:
        self->broker.sink.stop = true;
        plan_flush (self, &self->broker.sink);
        return;
    case EMP_FX_SINK_CLOSED:
    case EMP_FX_DECLARED:
    case EMP_FX_TICKET:
    case EMP_FX_HALF:
    case EMP_FX_FREE:
    case EMP_FX_ATTEMPT: return; /* the book's */
    }
}

static void tick (world_t *self, void *arg)
{
    (void) arg;
    self->broker.tick_at = UINT64_MAX;
    if (self->now >= emp_core_next_due (self->broker.core))
        broker_step (self, &(emp_event_t){.kind = EMP_EV_TICK});
    else
        broker_step (self, NULL);
}

/* The thread polls until then, and a little longer. */
static void plan_tick (world_t *self)
{
    uint64_t due = emp_core_next_due (self->broker.core);
    if (due >= self->broker.tick_at)
        return;
    self->broker.tick_at = due;
    world_at (self, due + chance (self->plan->seed, self->order) % 1000, tick, NULL);
}

static emp_status_t step_of (world_t *self, const emp_event_t *event, const message_t *asked)
{
    broker_t *broker = &self->broker;
    emp_effects_clear (&broker->fx);
    emp_status_t status = emp_core_step (broker->core, event, self->now, &broker->fx);
    const char *broken = emp_core_check (broker->core);
    if (broken)
        world_break (self, broken);
    else
        book_step (self, event, status);
    for (size_t i = 0; i < broker->fx.count && !self->broken; i++)
        do_effect (self, &broker->fx.list[i], asked);
    return status;
}

emp_status_t broker_step (world_t *self, const emp_event_t *event)
{
    emp_status_t status = event ? step_of (self, event, NULL) : EMP_OK;
    plan_tick (self);
    return status;
}

/* ---- endings that came too early ----------------------------------------------------------------------------------- */

static bool done (world_t *self, const message_t *message)
{
    for (uint32_t i = 0; i < message->count; i++) {
        const emp_part_t *part = &message->pieces[i].part;
        emp_event_t event = {.kind = EMP_EV_DONE,
                             .session = message->session,
                             .lane = message->id,
                             .queue = message->queue,
                             .number = message->puts,
                             .ticket = part->ticket,
                             .attempt = part->attempt,
                             .outcome = (emp_outcome_t) part->outcome,
                             .size = part->length};
        if (broker_step (self, &event) == EMP_STATE)
            return false;
    }
    book_credit (self, message->id, message->window);
    broker_step (self, &(emp_event_t){.kind = EMP_EV_CREDIT,
                                      .session = message->session,
                                      .lane = message->id,
                                      .window = (uint32_t) message->window});
    return true;
}

/* It came twice (FAULT_TWICE), and the other waits already. */
static bool is_parked (const world_t *self, const message_t *message)
{
    for (uint32_t i = 0; i < self->broker.parked_count; i++) {
        const message_t *other = self->broker.parked[i];
        const emp_part_t *part = &message->pieces[0].part, *same = &other->pieces[0].part;
        if (other->session == message->session && part->ticket == same->ticket && part->attempt == same->attempt)
            return true;
    }
    return false;
}

static void parked_keep (world_t *self, message_t *message)
{
    emp_core_stats_t stats;
    emp_core_stats (self->broker.core, &stats);
    if (is_parked (self, message))
        return; /* a real wire brings nothing twice, so a shell's bound need not have room for it */
    if (self->broker.parked_count >= stats.lanes * self->plan->config.window_max ||
        self->broker.parked_count == TICKETS_MAX) {
        world_break (self, "an ending that came too early is dropped");
        return;
    }
    tally.parked++;
    self->broker.parked[self->broker.parked_count++] = message;
}

static bool parked_any (const world_t *self, uint64_t session)
{
    for (uint32_t i = 0; i < self->broker.parked_count; i++)
        if (self->broker.parked[i]->session == session)
            return true;
    return false;
}

static void bye (world_t *self, process_t *process)
{
    process->leaving = parked_any (self, process->session);
    if (!process->leaving)
        broker_step (self, &(emp_event_t){.kind = EMP_EV_BYE, .session = process->session});
}

static void parked_retry (world_t *self, uint64_t session)
{
    broker_t *broker = &self->broker;
    for (uint32_t i = 0; i < broker->parked_count;) {
        message_t *message = broker->parked[i];
        if (message->session != session || !done (self, message)) {
            i++;
            continue;
        }
        broker->parked_count--;
        for (uint32_t k = i; k < broker->parked_count; k++)
            broker->parked[k] = broker->parked[k + 1];
    }
    process_t *process = process_of (self, session);
    if (process && process->leaving)
        bye (self, process);
}

/* ---- what comes in ------------------------------------------------------------------------------------------------- */

static void put (world_t *self, const message_t *message)
{
    emp_part_t parts[PARTS_MAX];
    for (uint32_t i = 0; i < message->count; i++)
        parts[i] = message->pieces[i].part;
    broker_step (self, &(emp_event_t){.kind = EMP_EV_PUT,
                                      .session = message->session,
                                      .feed = message->id,
                                      .number = message->first,
                                      .skipped = message->skipped,
                                      .count = message->count,
                                      .parts = parts,
                                      .end = message->end});
    parked_retry (self, message->session);
}

static void hello (world_t *self, process_t *process)
{
    process->known = true;
    char name[] = "P";
    broker_step (self, &(emp_event_t){.kind = EMP_EV_HELLO,
                                      .session = process->session,
                                      .parent = process->parent ? process->parent->session : 0,
                                      .role = process->role,
                                      .quiet = process->role == EMP_ROLE_MANAGER,
                                      .name = name,
                                      .pid = 1});
}

static void drain (world_t *self)
{
    broker_step (self, &(emp_event_t){.kind = EMP_EV_DRAIN});
    for (uint32_t i = 1; i <= self->process_count; i++)
        if (self->processes[i]->role == EMP_ROLE_SUPERVISOR)
            answer (self, process_of (self, i), message_new (self, SAY_DRAIN, 0));
}

static void door (world_t *self, message_t *message, process_t *process)
{
    emp_event_t event = {.session = process->session,
                         .name = queue_names[message->queue],
                         .window = (uint32_t) message->window,
                         .feed = message->id,
                         .number = message->puts};
    switch (message->say) {
    case SAY_OPEN_LANE: event.kind = EMP_EV_OPEN_LANE; break;
    case SAY_OPEN_FEED: event.kind = EMP_EV_OPEN_FEED; break;
    case SAY_OPEN_SINK: event.kind = EMP_EV_OPEN_SINK; break;
    case SAY_UNWANT: event.end = true; /* fall through */
    case SAY_WANT: event.kind = EMP_EV_WANT; break;
    case SAY_ACK:
        event.kind = EMP_EV_ACK;
        event.serial = message->serial;
        break;
    case SAY_STOP:
        event.kind = EMP_EV_STOP;
        event.name = message->end ? "" : event.name;
        break;
    case SAY_DECLARE:
        event.kind = EMP_EV_DECLARE;
        event.maxsize = self->plan->maxsize[message->queue];
        event.bytes_max = self->plan->bytes_max;
        break;
    case SAY_LOST:
        event = (emp_event_t){.kind = EMP_EV_LOST,
                              .session = message->session,
                              .how = message->how,
                              .code = message->code,
                              .ticket = message->ticket};
        break;
    case SAY_DRAIN: drain (self); return;
    case SAY_BYE: bye (self, process); return;
    default: return; /* BEAT: it was heard */
    }
    step_of (self, &event, message);
    plan_tick (self);
}

void broker_hear (world_t *self, message_t *message)
{
    process_t *process = message->wire->owner;
    if (message->say != SAY_BEAT)
        world_say (self, "  broker hears %s of %llu (id %x, %u parts)", say_name (message->say),
                   (unsigned long long) process->session, message->id, message->count);
    if (message->say == SAY_PUT)
        put (self, message);
    else if (message->say == SAY_DONE) {
        if (!done (self, message))
            parked_keep (self, message);
    } else if (message->say == SAY_HELLO)
        hello (self, process);
    else if (process->known) {
        broker_step (self, &(emp_event_t){.kind = EMP_EV_ALIVE, .session = process->session});
        if (process->known)
            door (self, message, process);
    } else if (message->say == SAY_BEAT)
        wire_send (self, &process->down, message_new (self, SAY_REFUSED, 0));
}

void broker_begin (world_t *self)
{
    self->broker.core = emp_core_new (&self->plan->config);
    if (!self->broker.core)
        abort ();
    self->broker.tick_at = UINT64_MAX;
    self->broker.sink.id = UINT32_C (0x80000001);
}
