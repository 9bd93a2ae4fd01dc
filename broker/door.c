/* SPDX-License-Identifier: BSD-3-Clause
 *
 * door.c - what comes in at the ROUTER: a control message into an event of the core, or passed to the manager.
 *
 * Only a HELLO may come from a route that is not known; anything else from one is dropped, and a beat is answered with
 * REFUSED, so that a worker that was given up learns it. What only a manager may say is dropped from others.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../common/content.h"
#include "shell.h"

#define DOOR_MESSAGES_A_TURN 256
#define SETTLE_ROUNDS 256 /* of an intake's messages a turn: far more than credit lets lie there */

void door_refuse (emp_broker_t *self, const route_t *route, emp_status_t status, const char *text)
{
    peer_t nobody = {.route = *route};
    emp_control_t message = {.kind = EMP_MSG_REFUSED, .status = status};
    snprintf (message.text, sizeof message.text, "%s", text);
    peer_send (self, &nobody, &message);
}

/* A session belongs to the key that it has come with; so does its supervisor. */
static bool is_of_key (emp_broker_t *self, uint64_t session, const char *key)
{
    const peer_t *peer = session ? peer_of_session (self, session) : NULL;
    return !peer || strcmp (peer->key, key) == 0;
}

static const char *unwelcome (emp_broker_t *self, const route_t *route, const char *key, const emp_control_t *message,
                              emp_status_t *ret_status)
{
    bool local = strncmp (message->endpoint, "inproc://", 9) == 0 || strncmp (message->endpoint, "ipc://", 6) == 0;
    *ret_status = EMP_STALE;
    if (message->run && message->run != self->run)
        return "this broker serves another run";
    *ret_status = EMP_FULL;
    if (message->role == EMP_ROLE_MANAGER && self->manager && self->manager != message->session)
        return "this broker serves another manager";
    *ret_status = EMP_INVALID;
    if (!route->gate && !local)
        return "this broker serves local workers only (inproc://, ipc://)";
    if (message->role == EMP_ROLE_WATCHER && message->parent)
        return "a watcher has no parent";
    *ret_status = EMP_REFUSED;
    if (route->gate && message->role == EMP_ROLE_MANAGER)
        return "a manager of another host is not served";
    if (route->gate && !gate_lets_in (self, key, message->role))
        return "this key is not allowed";
    if (!is_of_key (self, message->session, key) || !is_of_key (self, message->parent, key))
        return "this session belongs to another key";
    return NULL;
}

/* A supervisor that has started a worker anew has said LOST of the one before; if that went with a connection that broke, what the one
 * before had in hand would wait for its silence. */
static void end_predecessor (emp_broker_t *self, const peer_t *fresh)
{
    const peer_t *peer = fresh->route.gate && fresh->parent ? zhashx_first (self->by_session) : NULL;
    while (peer && (peer == fresh || peer->parent != fresh->parent || peer->role != fresh->role ||
                    strcmp (peer->name, fresh->name) != 0 || strcmp (peer->key, fresh->key) != 0))
        peer = zhashx_next (self->by_session);
    if (!peer)
        return;
    emp_event_t event = {
        .kind = EMP_EV_LOST, .session = peer->session, .how = EMP_HOW_SILENCE, .ticket = EMP_TICKET_NONE};
    broker_step (self, &event);
}

static void hello (emp_broker_t *self, const route_t *route, const char *key, const emp_control_t *message)
{
    emp_status_t why;
    const char *sentence = unwelcome (self, route, key, message, &why);
    if (sentence) {
        door_refuse (self, route, why, sentence);
        return;
    }
    const peer_t *known = peer_of_session (self, message->session);
    if (known && (known->role != message->role || known->route.gate != route->gate)) {
        broker_drop (self);
        return;
    }
    bool fresh = !known;
    peer_t *peer = peer_require (self, route, message);
    if (!peer) {
        broker_drop (self);
        return;
    }
    snprintf (peer->key, sizeof peer->key, "%s", key);
    self->peer = peer;
    emp_event_t event = {.kind = EMP_EV_HELLO,
                         .session = peer->session,
                         .parent = message->parent,
                         .role = peer->role,
                         .quiet = peer->near == NEAR_INPROC,
                         .name = peer->name,
                         .pid = (int) peer->pid};
    if (broker_step (self, &event) == EMP_OK) {
        if (peer->role == EMP_ROLE_MANAGER)
            self->manager = peer->session;
        if (fresh && peer->role == EMP_ROLE_WORKER)
            end_predecessor (self, peer);
        return;
    }
    door_refuse (self, route, EMP_FULL, "this broker takes no more sessions");
    if (fresh)
        peer_forget (self, message->session);
}

/* Tells the manager how a worker ended. */
static void tell_gone (emp_broker_t *self, emp_control_t *gone)
{
    peer_t *manager = self->manager ? peer_of_session (self, self->manager) : NULL;
    if (!manager)
        return;
    gone->kind = EMP_MSG_GONE;
    peer_send (self, manager, gone);
}

/* Whose silence ended it may be frozen, and still be there: who started it sees to that. A supervisor is the manager's to
 * see to, when the manager has started it. */
static void tell_parent (emp_broker_t *self, const peer_t *peer, const emp_effect_t *fx)
{
    uint64_t session = fx->role == EMP_ROLE_SUPERVISOR ? self->manager : peer ? peer->parent : 0;
    peer_t *parent = session && fx->how == EMP_HOW_SILENCE ? peer_of_session (self, session) : NULL;
    if (!parent)
        return;
    emp_control_t gone = {.kind = EMP_MSG_GONE, .session = fx->session, .how = fx->how, .pid = (uint32_t) fx->pid};
    snprintf (gone.name, sizeof gone.name, "%s", fx->name ? fx->name : "");
    peer_send (self, parent, &gone);
}

/* Its supervisor was to kill it if it was at that ticket. One that was not, and came to another end later, is a loss. */
static bool was_unwanted (const peer_t *peer, const emp_control_t *lost)
{
    bool killed = (lost->how == EMP_HOW_SIGNAL && lost->code == SIGKILL) || lost->how == EMP_HOW_TIMEOUT;
    for (size_t i = 0; i < PEER_UNWANTED_MAX && killed && lost->window; i++)
        if (peer->unwanted[i] == lost->window)
            return true;
    return false;
}

void door_gone (emp_broker_t *self, const emp_effect_t *fx)
{
    const peer_t *peer = peer_of_session (self, fx->session);
    tell_parent (self, peer, fx);
    if (fx->role == EMP_ROLE_WORKER) {
        emp_control_t gone = {
            .session = fx->session, .how = fx->how, .code = fx->code, .window = fx->count, .pid = (uint32_t) fx->pid};
        snprintf (gone.name, sizeof gone.name, "%s", fx->name ? fx->name : "");
        const emp_control_t *lost = self->control;
        if (lost && lost->kind == EMP_MSG_LOST && lost->session == fx->session) {
            if (peer && was_unwanted (peer, lost))
                gone.how = EMP_HOW_BYE;
            gone.size = lost->size;
            memcpy (gone.text, lost->text, sizeof gone.text);
        }
        if (gone.how != EMP_HOW_BYE)
            overview_lost (self, &gone, peer ? peer->host : "");
        tell_gone (self, &gone);
    }
    if (self->manager == fx->session) {
        self->manager = 0;
        if (self->config.manager_left)
            self->config.manager_left (self->config.arg);
    }
    if (self->peer && self->peer->session == fx->session)
        self->peer = NULL;
    parked_forget (self, fx->session);
    peer_forget (self, fx->session);
}

/* Endings that were sent before a goodbye may lie in the intakes still, since those are other sockets. They are taken
 * first, so that work that was done is not done again. */
static void settle (emp_broker_t *self)
{
    const emp_control_t *control = self->control;
    self->control = NULL;
    for (size_t i = 0; i < self->intake_count; i++) {
        intake_t *intake = self->intake_list[i];
        intake->more = true;
        for (int rounds = 0; rounds < SETTLE_ROUNDS && intake->more; rounds++)
            intake_read (self, intake);
    }
    self->control = control;
}

/* A supervisor tells of its own slots, not of another host's. */
static bool may_tell (emp_broker_t *self, const emp_control_t *message)
{
    const peer_t *child = peer_of_session (self, message->session);
    return self->peer->role == EMP_ROLE_MANAGER || !child || child->parent == self->peer->session;
}

static void lost (emp_broker_t *self, const emp_control_t *message)
{
    if (!may_tell (self, message)) {
        broker_drop (self);
        return;
    }
    settle (self);
    emp_event_t event = {.kind = EMP_EV_LOST,
                         .session = message->session,
                         .how = message->how,
                         .code = message->code,
                         .ticket = message->window};
    if (broker_step (self, &event) == EMP_OK)
        return;
    /* It died before it said hello, or was given up before: there is nothing to take back, but it is told. */
    emp_control_t gone = {.session = message->session,
                          .how = message->how,
                          .code = message->code,
                          .pid = message->pid,
                          .size = message->size};
    memcpy (gone.name, message->name, sizeof gone.name);
    memcpy (gone.text, message->text, sizeof gone.text);
    if (message->name[0])
        tell_gone (self, &gone);
}

static void job (emp_broker_t *self, const emp_control_t *message)
{
    uint8_t *copy = malloc (message->blob_size ? message->blob_size : 1);
    if (!copy) {
        broker_drop (self);
        return;
    }
    if (message->blob_size)
        memcpy (copy, message->blob, message->blob_size);
    free (self->job);
    self->job = copy;
    self->job_size = message->blob_size;
    self->gate_more = true; /* nobody has listened there yet */
}

/* Every worker is told, also one that joins later (effect.c). */
static void tool (emp_broker_t *self, const emp_control_t *message)
{
    emp_buf_t *tools =
        self->tools_count <= EMP_TOOLS_MAX ? realloc (self->tools, (self->tools_count + 1) * sizeof *tools) : NULL;
    if (tools) {
        self->tools = tools;
        emp_buf_init (&tools[self->tools_count], EMP_CONTROL_MAX);
    }
    if (!tools || emp_buf_append (&tools[self->tools_count], message->blob, message->blob_size) != EMP_OK) {
        broker_drop (self);
        return;
    }
    self->tools_count++;
    for (peer_t *peer = zhashx_first (self->by_session); peer; peer = zhashx_next (self->by_session)) {
        emp_control_t copy = *message;
        if (peer->role == EMP_ROLE_WORKER)
            peer_send (self, peer, &copy);
    }
}

/* A supervisor must know of a drain, since slots that end now are not to be replaced. */
static void tell_supervisors (emp_broker_t *self, emp_kind_t kind, uint64_t session)
{
    for (peer_t *peer = zhashx_first (self->by_session); peer; peer = zhashx_next (self->by_session)) {
        emp_control_t message = {.kind = kind, .session = session};
        if (peer->role == EMP_ROLE_SUPERVISOR)
            peer_send (self, peer, &message);
    }
}

/* ---- what may be said, and by whom ----------------------------------------------------------------------------------- */

static uint32_t to_u32 (uint64_t value)
{
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t) value;
}

static void declare (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {
        .kind = EMP_EV_DECLARE, .name = message->name, .maxsize = to_u32 (message->window), .bytes_max = message->size};
    broker_step (self, &event);
}

static void count (emp_broker_t *self, const emp_control_t *message)
{
    uint64_t waiting = 0;
    uint32_t maxsize = 0;
    bool there = emp_core_queue_count (self->core, message->name, &waiting, &maxsize);
    emp_control_t answer = {
        .kind = EMP_MSG_COUNTED, .status = there ? EMP_OK : EMP_UNKNOWN, .window = waiting, .size = maxsize};
    memcpy (answer.name, message->name, sizeof answer.name);
    peer_send (self, self->peer, &answer);
}

static void open_sink (emp_broker_t *self, const emp_control_t *message)
{
    (void) message;
    emp_event_t event = {.kind = EMP_EV_OPEN_SINK, .session = self->peer->session};
    broker_step (self, &event);
}

static void ack (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {.kind = EMP_EV_ACK, .session = self->peer->session, .serial = message->window};
    broker_step (self, &event);
}

static void stop (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {.kind = EMP_EV_STOP, .name = message->name};
    broker_step (self, &event);
}

static void drain (emp_broker_t *self, const emp_control_t *message)
{
    (void) message;
    settle (self);
    emp_event_t event = {.kind = EMP_EV_DRAIN};
    broker_step (self, &event);
    tell_supervisors (self, EMP_MSG_DRAIN, 0);
}

void door_kill (emp_broker_t *self, uint64_t session, uint64_t ticket)
{
    peer_t *peer = peer_of_session (self, session);
    peer_t *parent = peer && peer->parent ? peer_of_session (self, peer->parent) : NULL;
    if (!parent)
        return; /* nobody watches it: it hears that the run is over by itself */
    emp_control_t message = {.kind = EMP_MSG_KILL, .session = session, .window = ticket};
    peer->unwanted[peer->unwanted_next++ % PEER_UNWANTED_MAX] = ticket;
    peer_send (self, parent, &message);
}

static void kill_workers (emp_broker_t *self, const emp_control_t *message)
{
    tell_supervisors (self, message->kind, message->session);
}

static void open_lane (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {.kind = EMP_EV_OPEN_LANE,
                         .session = self->peer->session,
                         .name = message->name,
                         .window = to_u32 (message->window)};
    broker_step (self, &event);
}

static void open_feed (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {.kind = EMP_EV_OPEN_FEED, .session = self->peer->session, .name = message->name};
    broker_step (self, &event);
}

static void want (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {.kind = EMP_EV_WANT, .session = self->peer->session, .feed = message->id};
    broker_step (self, &event);
}

static void unwant (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {.kind = EMP_EV_WANT,
                         .session = self->peer->session,
                         .feed = message->id,
                         .end = true,
                         .number = message->window};
    broker_step (self, &event);
}

static void credit (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t event = {
        .kind = EMP_EV_CREDIT, .session = self->peer->session, .lane = message->id, .window = to_u32 (message->window)};
    broker_step (self, &event);
}

static void beat (emp_broker_t *self, const emp_control_t *message)
{
    (void) message;
    emp_control_t answer = {.kind = EMP_MSG_BEAT};
    peer_send (self, self->peer, &answer);
}

static void bye (emp_broker_t *self, const emp_control_t *message)
{
    (void) message;
    settle (self);
    if (!self->peer)
        return; /* it said so before, and what it waited for has just come */
    if (parked_any (self, self->peer->session)) {
        peer_of_session (self, self->peer->session)->leaving =
            true; /* until its puts are here, or it is silent for too long */
        return;
    }
    emp_event_t event = {.kind = EMP_EV_BYE, .session = self->peer->session};
    broker_step (self, &event);
}

/* A text for the screen, or rows done: the manager's to see. */
static void pass_on (emp_broker_t *self, const emp_control_t *message)
{
    peer_t *manager = self->manager ? peer_of_session (self, self->manager) : NULL;
    emp_control_t copy = *message;
    if (message->blob_size > EMP_PRINT_MAX)
        broker_drop (self);
    else if (manager)
        peer_send (self, manager, &copy);
}

/* A host asks for what it lacks; the manager has it. */
static void fetch (emp_broker_t *self, const emp_control_t *message)
{
    peer_t *manager = self->manager ? peer_of_session (self, self->manager) : NULL;
    emp_control_t copy = *message;
    copy.session = self->peer->session;
    if (manager)
        peer_send (self, manager, &copy);
}

static void piece (emp_broker_t *self, const emp_control_t *message)
{
    peer_t *host = peer_of_session (self, message->session);
    emp_control_t copy = *message;
    if (host && message->blob_size <= EMP_CONTENT_PIECE_MAX)
        peer_send (self, host, &copy);
    else
        broker_drop (self);
}

static void tell_overview (emp_broker_t *self, const emp_control_t *message)
{
    overview_answer (self, message);
}

#define OF(role) (1u << (role))
#define ANYBODY (OF (EMP_ROLE_MANAGER) | OF (EMP_ROLE_SUPERVISOR) | OF (EMP_ROLE_WORKER))

static const struct {
    emp_kind_t kind;
    unsigned roles;
    void (*take) (emp_broker_t *self, const emp_control_t *message);
} words[] = {
    {EMP_MSG_JOB, OF (EMP_ROLE_MANAGER), job},
    {EMP_MSG_TOOL, OF (EMP_ROLE_MANAGER), tool},
    {EMP_MSG_DECLARE, OF (EMP_ROLE_MANAGER), declare},
    {EMP_MSG_OPEN_SINK, OF (EMP_ROLE_MANAGER), open_sink},
    {EMP_MSG_ACK, OF (EMP_ROLE_MANAGER), ack},
    {EMP_MSG_STOP, OF (EMP_ROLE_MANAGER), stop},
    {EMP_MSG_DRAIN, OF (EMP_ROLE_MANAGER), drain},
    {EMP_MSG_KILL, OF (EMP_ROLE_MANAGER), kill_workers},
    {EMP_MSG_FETCH, OF (EMP_ROLE_SUPERVISOR), fetch},
    {EMP_MSG_PIECE, OF (EMP_ROLE_MANAGER), piece},
    {EMP_MSG_LOST, OF (EMP_ROLE_MANAGER) | OF (EMP_ROLE_SUPERVISOR), lost},
    {EMP_MSG_OPEN_LANE, ANYBODY, open_lane},
    {EMP_MSG_OPEN_FEED, ANYBODY, open_feed},
    {EMP_MSG_CREDIT, ANYBODY, credit},
    {EMP_MSG_WANT, ANYBODY, want},
    {EMP_MSG_UNWANT, ANYBODY, unwant},
    {EMP_MSG_BEAT, ANYBODY | OF (EMP_ROLE_WATCHER), beat},
    {EMP_MSG_BYE, ANYBODY | OF (EMP_ROLE_WATCHER), bye},
    {EMP_MSG_STATUS, OF (EMP_ROLE_MANAGER) | OF (EMP_ROLE_WATCHER), tell_overview},
    {EMP_MSG_PRINT, ANYBODY, pass_on},
    {EMP_MSG_INFO, ANYBODY, pass_on},
    {EMP_MSG_COUNT, ANYBODY, count},
};

static void take (emp_broker_t *self, const emp_control_t *message)
{
    emp_event_t alive = {.kind = EMP_EV_ALIVE, .session = self->peer->session};
    broker_step (self, &alive);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].kind == message->kind && (words[i].roles & OF (self->peer->role))) {
            words[i].take (self, message);
            return;
        }
    broker_drop (self); /* not a client's word, or not this one's */
}

void door_take (emp_broker_t *self, const route_t *route, const char *key, zmq_msg_t *body)
{
    static _Thread_local emp_control_t message;
    if (emp_control_decode (zmq_msg_data (body), zmq_msg_size (body), &message) != EMP_OK) {
        broker_drop (self);
        return;
    }
    self->control = &message;
    self->peer = peer_of_route (self, route);
    if (message.kind == EMP_MSG_HELLO && self->gate_over)
        gate_refuse_over (self, route);
    else if (message.kind == EMP_MSG_HELLO)
        hello (self, route, key, &message);
    else if (message.kind == EMP_MSG_ATTACH && route->gate && message.run == self->run)
        gate_attach (self, route, key, &message);
    else if (!self->peer) {
        broker_drop (self);
        if (message.kind == EMP_MSG_BEAT)
            door_refuse (self, route, EMP_STALE, "this session was given up");
    } else if (message.run != self->run)
        broker_drop (self);
    else
        take (self, &message);
    self->control = NULL;
    self->peer = NULL;
}

void door_close (emp_broker_t *self)
{
    for (peer_t *peer = zhashx_first (self->by_session); peer; peer = zhashx_next (self->by_session))
        if (peer->role == EMP_ROLE_WATCHER && !peer->route.gate)
            door_refuse (self, &peer->route, EMP_STOPPED, "the run is over");
}

void door_read (emp_broker_t *self)
{
    zmq_msg_t from, body;
    zmq_msg_init (&from);
    zmq_msg_init (&body);
    bool more = true;
    for (int i = 0; i < DOOR_MESSAGES_A_TURN && more; i++) {
        emp_status_t status = emp_socket_recv (self->door_handle, &from, &body, false);
        route_t route;
        if (status == EMP_OK && route_of (&from, false, &route))
            door_take (self, &route, "", &body);
        else if (status == EMP_OK || status == EMP_MALFORMED)
            broker_drop (self);
        else
            more = false;
    }
    self->door_more = more;
    zmq_msg_close (&from);
    zmq_msg_close (&body);
}
