/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gate.c - the door for other hosts: one ROUTER on one port, under CURVE, for control and data alike.
 *
 * A client dials it several times: once for control, and once for each lane, feed and sink, so that a large chunk on a slow link does
 * not hold up a beat. A message of one frame is control, one of more is data, payload in pieces of at most EMP_FRAME_MAX: who
 * has proven no key yet can claim no more than that. Whoever speaks for a session has to have its key (User-Id of the ZAP reply).
 */
#include <stdarg.h>
#include <string.h>

#include "shell.h"
#include "zap.h"

#define GATE_MESSAGES_A_TURN 256
#define SINKS_FROM 0x80000000u /* ids of sinks: effect.c */

void gate_say (emp_broker_t *self, const char *format, ...)
{
    char sentence[1024];
    va_list args;
    va_start (args, format);
    vsnprintf (sentence, sizeof sentence, format, args);
    va_end (args);
    if (self->config.gate.say)
        self->config.gate.say (self->config.gate.arg, sentence);
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static bool has_keys (const emp_broker_t *self)
{
    return self->config.gate.secret && *self->config.gate.secret;
}

emp_status_t gate_bind (emp_broker_t *self)
{
    char domain[EMP_ZAP_DOMAIN_MAX];
    self->gate = emp_socket_new (ZMQ_ROUTER, EMP_FRAME_MAX + EMP_WIRE_HEADER_MAX);
    if (!self->gate)
        return EMP_SYSTEM;
    emp_zap_domain (self->run, domain);
    /* Who is let in is known before anybody can come. */
    if (has_keys (self) && !(self->gate_zap = emp_zap_register (domain, &self->config.gate)))
        return EMP_SYSTEM;
    if (emp_socket_be_server (self->gate, has_keys (self) ? self->config.gate.secret : "", domain) != EMP_OK ||
        !(self->gate_watch = emp_watch_new (self->gate)))
        return EMP_SYSTEM;
    self->gate_handle = zsock_resolve (self->gate);
    self->gate_fd = emp_socket_fd (self->gate);
    self->gate_more = true; /* it was never looked at */
    return emp_socket_bind (self->gate, self->config.gate.listen, self->gate_endpoint);
}

/* A supervisor of another host may still have slots that have not come yet: nobody else tells it that none need come. */
static void say_over (emp_broker_t *self)
{
    for (peer_t *peer = zhashx_first (self->by_session); peer; peer = zhashx_next (self->by_session))
        if (peer->route.gate)
            door_refuse (self, &peer->route, EMP_STOPPED, "the run is over");
}

void gate_close (emp_broker_t *self)
{
    if (self->gate_handle && self->by_session)
        say_over (self);
    emp_watch_destroy (&self->gate_watch);
    zsock_destroy (&self->gate);
    emp_zap_unregister (&self->gate_zap);
}

/* ---- who speaks ------------------------------------------------------------------------------------------------------ */

static const char *key_of (emp_broker_t *self, zmq_msg_t *message)
{
    const char *key = has_keys (self) ? zmq_msg_gets (message, "User-Id") : "";
    return key ? key : "?"; /* no session has this one */
}

static peer_t *owner_of (emp_broker_t *self, uint64_t session, const char *key)
{
    peer_t *peer = peer_of_session (self, session);
    return peer && peer->route.gate && strcmp (peer->key, key) == 0 ? peer : NULL;
}

/* ---- ATTACH ------------------------------------------------------------------------------------------------------------ */

static void attach_lane (emp_broker_t *self, lane_t *lane, const route_t *route)
{
    lane->route = *route;
    lane->handle = self->gate_handle;
    lane->ready = true;
    self->unready--;
    if (lane == self->sink) {
        outgoing_sink_ready (self);
        return;
    }
    emp_event_t event = {.kind = EMP_EV_LANE_READY, .lane = lane->id};
    broker_step (self, &event);
}

void gate_attach (emp_broker_t *self, const route_t *route, const char *key, const emp_control_t *message)
{
    peer_t *peer = owner_of (self, message->session, key);
    if (message->id == 0 && peer) {
        peer_move (self, peer, route);
        return;
    }
    if (message->id == 0) {
        door_refuse (self, route, EMP_STALE, "this session was given up");
        return;
    }
    lane_t *lane = message->id >= SINKS_FROM ? self->sink : table_at (&self->lanes, message->id);
    uint64_t session = self->sink_session;
    uint32_t queue;
    bool known = lane && lane->id == message->id &&
                 (lane == self->sink || emp_core_lane (self->core, lane->id, &queue, &session));
    /* One that has come already: it dialled again, and nobody knows what was under way. Its client gives the session up. */
    if (!peer || !known || session != peer->session || lane->push || lane->ready)
        broker_drop (self);
    else
        attach_lane (self, lane, route);
}

/* ---- data ---------------------------------------------------------------------------------------------------------------- */

static void take_data (emp_broker_t *self, const char *key, zmq_msg_t *header, zmq_msg_t *payload)
{
    static _Thread_local emp_wire_t wire;
    uint32_t queue = 0;
    uint64_t session;
    bool good = emp_wire_decode (zmq_msg_data (header), zmq_msg_size (header), zmq_msg_size (payload), &wire) == EMP_OK;
    if (good && wire.kind == EMP_WIRE_PUT)
        good = emp_core_feed (self->core, wire.feed, &queue, &session);
    else if (good && wire.kind == EMP_WIRE_DONE && !emp_core_lane (self->core, wire.lane, &queue, &session))
        queue = 0; /* of a session that was given up: the ticket may still be open */
    if (!good || (wire.kind != EMP_WIRE_PUT && wire.kind != EMP_WIRE_DONE) ||
        (peer_of_session (self, wire.session) && !owner_of (self, wire.session, key)))
        broker_drop (self);
    else
        intake_message (self, queue, header, payload);
}

void gate_read (emp_broker_t *self)
{
    zmq_msg_t from, header, payload;
    zmq_msg_init (&from);
    zmq_msg_init (&header);
    zmq_msg_init (&payload);
    bool more = true;
    for (int i = 0; i < GATE_MESSAGES_A_TURN && more; i++) {
        size_t frames;
        emp_status_t status =
            emp_socket_recv_routed (self->gate_handle, EMP_WIRE_PAYLOAD_MAX, &from, &header, &payload, &frames);
        char key[EMP_KEY_SIZE + 1];
        route_t route;
        if (status == EMP_TIMEOUT || status == EMP_SYSTEM) {
            more = false;
            continue;
        }
        if (status == EMP_NOMEM)
            broker_exhausted (); /* out of memory with a ticket in hand */
        if (status != EMP_OK || !route_of (&from, true, &route)) {
            broker_drop (self);
            continue;
        }
        snprintf (key, sizeof key, "%s", key_of (self, &header));
        if (frames == 0)
            door_take (self, &route, key, &header);
        else
            take_data (self, key, &header, &payload);
    }
    self->gate_more = more;
    zmq_msg_close (&from);
    zmq_msg_close (&header);
    zmq_msg_close (&payload);
}

/* ---- once a beat ---------------------------------------------------------------------------------------------------------- */

static void end_revoked (emp_broker_t *self)
{
    const emp_gate_config_t *gate = &self->config.gate;
    for (;;) {
        peer_t *peer = zhashx_first (self->by_session);
        while (peer && (!peer->route.gate || gate->allows (gate->arg, peer->key, peer->role)))
            peer = zhashx_next (self->by_session);
        if (!peer)
            return;
        gate_say (self, "%s on %s is sent away: its key is allowed no more", peer->name, peer->host);
        door_refuse (self, &peer->route, EMP_REFUSED, "this key is allowed no more");
        emp_event_t event = {.kind = EMP_EV_BYE, .session = peer->session};
        uint64_t session = peer->session;
        if (broker_step (self, &event) != EMP_OK || peer_of_session (self, session))
            peer_forget (self, session); /* the core did not know it: not looked at for ever */
    }
}

void gate_look (emp_broker_t *self)
{
    const emp_gate_config_t *gate = &self->config.gate;
    unsigned strange = 0;
    for (emp_watch_event_t event; (event = emp_watch_read (self->gate_watch)) != EMP_WATCH_NOTHING;)
        strange += event == EMP_WATCH_STRANGE;
    if (strange)
        gate_say (self, "%u connection%s to %s did not speak our protocol, or had another key for us: not let in",
                  strange, strange == 1 ? "" : "s", self->gate_endpoint);
    if (self->now - self->gate_looked < (uint64_t) self->config.beat_ms * 1000)
        return;
    self->gate_looked = self->now;
    if (has_keys (self) && gate->has_changed (gate->arg))
        end_revoked (self);
}
