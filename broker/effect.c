/* SPDX-License-Identifier: BSD-3-Clause
 *
 * effect.c - one step of the core, and what it says is done: answers at the door, sockets bound and closed, chunks and
 * results gathered. One short function an effect.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/scan.h"
#include "shell.h"

void broker_drop (emp_broker_t *self)
{
    atomic_fetch_add_explicit (&self->dropped, 1, memory_order_relaxed);
}

void broker_exhausted (void)
{
    static const char text[] =
        "eisenmp: the broker is out of memory, nothing can go on; what a journal has can be resumed\n";
    (void) !write (STDERR_FILENO, text, sizeof text - 1);
    _exit (1);
}

static void answer (emp_broker_t *self, uint64_t session, emp_control_t *message)
{
    peer_t *peer = peer_of_session (self, session);
    if (peer)
        peer_send (self, peer, message);
}

static void set_name (emp_broker_t *self, emp_control_t *message, uint32_t queue)
{
    const char *name = queue ? emp_core_queue_name (self->core, queue) : NULL;
    /* A refused answer may know no queue: then it repeats the question's name. */
    if (!name && self->control)
        name = self->control->name;
    snprintf (message->name, sizeof message->name, "%s", name ? name : "");
}

static void welcome (emp_broker_t *self, const emp_effect_t *fx)
{
    peer_t *peer = peer_of_session (self, fx->session);
    if (!peer)
        return;
    emp_control_t message = {
        .kind = EMP_MSG_WELCOME, .window = self->config.beat_ms, .size = self->config.core.dead_after / 1000};
    if (peer->role == EMP_ROLE_SUPERVISOR || peer->role == EMP_ROLE_WORKER) {
        message.blob = self->job;
        message.blob_size = self->job_size;
    }
    peer_send (self, peer, &message);
    if (peer->role != EMP_ROLE_WORKER)
        return;
    for (size_t i = 0; i < self->tools_count; i++) {
        emp_control_t tool = {.kind = EMP_MSG_TOOL, .blob = self->tools[i].data, .blob_size = self->tools[i].size};
        peer_send (self, peer, &tool);
    }
    emp_control_t joined = {.kind = EMP_MSG_JOINED, .session = peer->session, .pid = peer->pid};
    memcpy (joined.name, peer->name, sizeof joined.name);
    memcpy (joined.host, peer->host, sizeof joined.host);
    answer (self, self->manager, &joined);
}

static void declared (emp_broker_t *self, const emp_effect_t *fx)
{
    emp_control_t message = {.kind = EMP_MSG_DECLARED, .status = fx->status};
    set_name (self, &message, fx->queue);
    if (fx->status == EMP_OK && !intake_require (self, fx->queue))
        message.status = EMP_SYSTEM;
    if (self->peer)
        peer_send (self, self->peer, &message);
}

/* "": by the connection that it dials to the gate. */
static const char *intake_for (const intake_t *intake, const peer_t *peer)
{
    return peer->near == NEAR_INPROC ? intake->inproc : peer->near == NEAR_IPC ? intake->ipc : "";
}

/* The core has taken the lane; when its socket cannot be had the session cannot work and is told so. */
static void lane_opened (emp_broker_t *self, const emp_effect_t *fx)
{
    peer_t *peer = peer_of_session (self, fx->session);
    if (!peer)
        return;
    emp_control_t message = {.kind = EMP_MSG_LANE, .status = fx->status, .id = fx->lane};
    set_name (self, &message, fx->queue);
    if (fx->status == EMP_OK) {
        intake_t *intake = intake_require (self, fx->queue);
        lane_t *lane = intake ? lane_bind (self, fx->lane, peer->near) : NULL;
        if (lane && table_set (&self->lanes, fx->lane, lane) == EMP_OK) {
            memcpy (message.endpoint, lane->path, sizeof message.endpoint);
            snprintf (message.intake, sizeof message.intake, "%s", intake_for (intake, peer));
        } else {
            if (lane)
                lane_close (self, lane);
            message.status = EMP_SYSTEM;
        }
    }
    peer_send (self, peer, &message);
}

static void lane_closed (emp_broker_t *self, const emp_effect_t *fx)
{
    lane_t *lane = table_at (&self->lanes, fx->lane);
    if (!lane || lane->id != fx->lane)
        return; /* its socket could not be had */
    table_set (&self->lanes, fx->lane, NULL);
    lane_close (self, lane);
}

static void feed_opened (emp_broker_t *self, const emp_effect_t *fx)
{
    emp_control_t message = {.kind = EMP_MSG_FEED, .status = fx->status, .id = fx->feed, .window = fx->credit};
    set_name (self, &message, fx->queue);
    peer_t *peer = peer_of_session (self, fx->session);
    if (!peer)
        return;
    if (fx->status == EMP_OK) {
        intake_t *intake = intake_require (self, fx->queue);
        feed_t *feed = table_at (&self->feeds, fx->feed), *fresh = feed ? NULL : calloc (1, sizeof *feed);
        feed = feed ? feed : fresh;
        if (intake && feed && table_set (&self->feeds, fx->feed, feed) == EMP_OK) {
            feed->id = fx->feed;
            snprintf (feed->label, sizeof feed->label, "%.*s", EMP_LABEL_MAX, self->control ? self->control->text : "");
            snprintf (message.intake, sizeof message.intake, "%s", intake_for (intake, peer));
        } else {
            message.status = EMP_SYSTEM;
            message.id = 0;
            message.window = 0;
            self->unfed = *fx; /* nobody else knows of that feed, or could end it */
            free (fresh);
        }
    }
    peer_send (self, peer, &message);
}

static void sink_closed (emp_broker_t *self)
{
    if (self->sink)
        lane_close (self, self->sink);
    self->sink = NULL;
}

static void sink_opened (emp_broker_t *self, const emp_effect_t *fx)
{
    peer_t *peer = peer_of_session (self, fx->session);
    if (!peer)
        return;
    emp_control_t message = {.kind = EMP_MSG_SINK, .status = fx->status};
    if (fx->status == EMP_OK) {
        sink_closed (self);
        message.id = 0x80000000u + ++self->sinks; /* never the id of a lane that binds a socket at the same time */
        self->sink = lane_bind (self, message.id, peer->near);
        self->sink_session = peer->session;
        if (self->sink)
            memcpy (message.endpoint, self->sink->path, sizeof message.endpoint);
        else
            message.status = EMP_SYSTEM;
    }
    peer_send (self, peer, &message);
}

/* Where a ticket's bytes are kept. */
static slice_t *chunk_at (emp_broker_t *self, uint64_t ticket)
{
    size_t slot = ticket & 0xffffffffu;
    if (slot >= self->chunks_room) {
        size_t room = self->chunks_room ? self->chunks_room : 256;
        while (room <= slot)
            room *= 2;
        slice_t *chunks = realloc (self->chunks, room * sizeof *chunks);
        if (!chunks)
            broker_exhausted (); /* out of memory with a ticket in hand; bounded by the queues' maxima */
        assert (chunks);
        memset (chunks + self->chunks_room, 0, (room - self->chunks_room) * sizeof *chunks);
        self->chunks = chunks;
        self->chunks_room = room;
    }
    return &self->chunks[slot];
}

static void keep_chunk (emp_broker_t *self, const emp_effect_t *fx)
{
    slice_t *chunk = chunk_at (self, fx->ticket);
    assert (!chunk->blob);
    size_t offset = self->part_offset;
    for (uint32_t i = self->part; i < fx->index; i++)
        offset += self->wire->parts[i].length;
    self->part = fx->index;
    self->part_offset = offset;
    *chunk = slice_of (self->blob, offset, self->wire->parts[fx->index].length);
}

static void share_chunk (emp_broker_t *self, const emp_effect_t *fx)
{
    slice_t *half = chunk_at (self, fx->ticket);
    const slice_t *whole = chunk_at (self, fx->other);
    assert (!half->blob);
    *half = *whole;
    if (half->blob)
        half->blob->refs++;
}

/* The text of a refusal, which is the part that is being stepped; "" when it is none that a text has room for. */
static void refusal_text (const emp_broker_t *self, char *ret_text, size_t room)
{
    emp_cursor_t in;
    const uint8_t *said = (const uint8_t *) zmq_msg_data (&self->blob->msg) + self->part_offset;
    emp_cursor_init (&in, said, self->wire->parts[self->part].length);
    emp_cursor_str (&in, ret_text, room);
}

static void tell_attempt (emp_broker_t *self, const emp_effect_t *fx)
{
    emp_control_t message = {.kind = EMP_MSG_ATTEMPT,
                             .id = fx->feed,
                             .window = fx->number,
                             .attempt = fx->attempt,
                             .from = fx->from,
                             .rows = fx->part,
                             .session = fx->session,
                             .ended = fx->ended,
                             .how = fx->how,
                             .code = fx->code};
    if (fx->ended == EMP_ATTEMPT_REFUSED && self->wire)
        refusal_text (self, message.text, sizeof message.text);
    if (self->manager)
        answer (self, self->manager, &message);
}

static void put_credit (emp_broker_t *self, const emp_effect_t *fx)
{
    uint64_t session;
    uint32_t queue;
    if (!emp_core_feed (self->core, fx->feed, &queue, &session))
        return;
    emp_control_t message = {.kind = EMP_MSG_PUT_CREDIT, .id = fx->feed, .window = fx->credit};
    answer (self, session, &message);
}

static void feed_over (emp_broker_t *self, const emp_effect_t *fx)
{
    emp_control_t message = {.kind = EMP_MSG_FEED_OVER, .id = fx->feed};
    answer (self, fx->session, &message);
}

static void take_back (emp_broker_t *self, const emp_effect_t *fx)
{
    emp_control_t message = {.kind = EMP_MSG_REVOKE, .id = fx->lane, .window = fx->ticket, .code = fx->attempt};
    answer (self, fx->session, &message);
}

static void stopped (emp_broker_t *self, const emp_effect_t *fx)
{
    lane_t *lane = table_at (&self->lanes, fx->lane);
    if (lane && lane->id == fx->lane)
        outgoing_stop (self, lane, fx->drained);
}

static void do_effect (emp_broker_t *self, const emp_effect_t *fx)
{
    switch (fx->kind) {
    case EMP_FX_SESSION: welcome (self, fx); return;
    case EMP_FX_SESSION_GONE: door_gone (self, fx); return;
    case EMP_FX_LANE: lane_opened (self, fx); return;
    case EMP_FX_LANE_CLOSED: lane_closed (self, fx); return;
    case EMP_FX_FEED: feed_opened (self, fx); return;
    case EMP_FX_SINK: sink_opened (self, fx); return;
    case EMP_FX_SINK_CLOSED: sink_closed (self); return;
    case EMP_FX_DECLARED: declared (self, fx); return;
    case EMP_FX_TICKET: keep_chunk (self, fx); return;
    case EMP_FX_PUSH: outgoing_chunk (self, fx); return;
    case EMP_FX_RESULT: outgoing_result (self, fx); return;
    case EMP_FX_FREE: slice_release (&self->chunks[fx->ticket & 0xffffffffu]); return;
    case EMP_FX_PUT_CREDIT: put_credit (self, fx); return;
    case EMP_FX_FEED_OVER: feed_over (self, fx); return;
    case EMP_FX_STOPPED: stopped (self, fx); return;
    case EMP_FX_REVOKE: take_back (self, fx); return;
    case EMP_FX_HALF: share_chunk (self, fx); return;
    case EMP_FX_ATTEMPT: tell_attempt (self, fx); return;
    case EMP_FX_KILL: door_kill (self, fx->session, fx->ticket); return;
    case EMP_FX_SINK_STOPPED:
        if (self->sink)
            outgoing_stop (self, self->sink, fx->drained);
        return;
    }
}

/* Behind the step that opened it: its effects are done. */
static void end_unfed (emp_broker_t *self)
{
    emp_event_t event = {.kind = EMP_EV_PUT, .session = self->unfed.session, .feed = self->unfed.feed, .end = true};
    self->unfed = (emp_effect_t){0};
    broker_step (self, &event);
}

emp_status_t broker_step (emp_broker_t *self, const emp_event_t *event)
{
    emp_effects_clear (&self->fx);
    emp_status_t status = emp_core_step (self->core, event, self->now, &self->fx);
    if (status == EMP_NOMEM)
        broker_exhausted (); /* the core has changed nothing, but its peer counts on what it sent */
    /* Foreseen, and in the core's count of what was stale: a ticket that was handed over while its first holder had begun
     * it is answered twice; a death is told of a session that has said BYE, or was given up. */
    bool foreseen =
        (event->kind == EMP_EV_DONE && status == EMP_STALE) || (event->kind == EMP_EV_LOST && status == EMP_UNKNOWN);
    if (status != EMP_OK && status != EMP_STATE && !foreseen)
        broker_drop (self);
    for (size_t i = 0; i < self->fx.count; i++)
        do_effect (self, &self->fx.list[i]);
    if (self->unfed.feed)
        end_unfed (self);
    return status;
}
