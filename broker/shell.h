/* SPDX-License-Identifier: BSD-3-Clause
 *
 * shell.h - what the files of the broker's shell share; nobody outside broker/ includes it.
 *
 * One thread owns all of this. A turn is: poll; read the door, then the intakes, a bounded number of messages each; step
 * the core for each; do its effects at once, but gather what goes out by a lane or the sink; send what was gathered.
 * So many small tickets travel in one message exactly when many are there.
 */
#ifndef EMP_SHELL_H
#define EMP_SHELL_H

#include <pthread.h>
#include <stdatomic.h>

#include "../common/directory.h"
#include "../common/net/socket.h"
#include "../common/net/watch.h"
#include "../common/overview.h"
#include "broker.h"
#include "clock.h"

/* ---- payloads (payload.c) -------------------------------------------------------------------------------------- */

/* One received payload frame, shared by the parts in it. */
typedef struct {
    uint32_t refs;
    zmq_msg_t msg;
} blob_t;

/* A part of it. blob NULL: no bytes. */
typedef struct {
    blob_t *blob;
    uint32_t offset, length;
} slice_t;

/* Takes the message's content; NULL when out of memory. The caller holds one reference. */
blob_t *blob_new (zmq_msg_t *msg);
void blob_release (blob_t *blob);
/* A slice holds a reference of its own. */
slice_t slice_of (blob_t *blob, size_t offset, size_t length);
void slice_release (slice_t *slice);
/* The slices back to back as one message: without a copy when they are one whole blob, else copied. */
emp_status_t slices_join (const slice_t *slices, size_t count, zmq_msg_t *ret_msg);

/* Messages gathered for one peer: a header under construction and the slices of its parts. */
typedef struct {
    emp_wire_t wire;
    slice_t slices[EMP_WIRE_PARTS_MAX];
    size_t bytes;
} batch_t;

/* ---- peers (peer.c) ---------------------------------------------------------------------------------------------- */

typedef enum { NEAR_INPROC, NEAR_IPC, NEAR_TCP } near_t;

/* A connection of a ROUTER. */
typedef struct {
    bool gate; /* the gate's, or the door's */
    size_t size;
    uint8_t bytes[256];
} route_t;

#define PEER_UNWANTED_MAX 4u

/* Who spoke at the door. */
typedef struct {
    uint64_t session;
    uint64_t parent; /* its supervisor's session, or 0 */
    /* Tickets at which it may be killed, since nobody needs it any more: that is no loss. Each of the last ones; 0: none. */
    uint64_t unwanted[PEER_UNWANTED_MAX];
    unsigned unwanted_next;
    emp_role_t role;
    near_t near;
    route_t route;
    char key[EMP_KEY_SIZE + 1]; /* that its connection has proven; "": none was asked for */
    char name[EMP_LABEL_MAX + 1];
    char host[EMP_HOST_MAX + 1];
    uint32_t pid;
    bool leaving; /* it has said BYE, and endings of it are parked */
} peer_t;

/* ---- sockets of queues and consumers -------------------------------------------------------------------------------- */

/* A queue's PULL, and what was said of it. */
typedef struct {
    uint32_t queue;
    zsock_t *pull;
    void *handle;
    int fd;    /* of the PULL */
    bool more; /* it was not read empty */
    char inproc[EMP_ENDPOINT_MAX + 1];
    char ipc[EMP_ENDPOINT_MAX + 1];
} intake_t;

/* A consumer's PUSH, or the sink's. */
typedef struct {
    uint32_t id;
    zsock_t *push; /* NULL: over tcp, by a connection of the gate: */
    route_t route; /* size 0: its consumer has not come there yet */
    void *handle;
    int fd;                          /* of the PUSH; looked at until its peer has connected */
    char path[EMP_ENDPOINT_MAX + 1]; /* of its ipc socket file, "" when there is none */
    bool ready;                      /* its peer has connected */
    bool dirty;                      /* stands in the list of those with something to send */
    bool stop;                       /* STOPPED follows what is gathered */
    bool drained;
    batch_t *batch;
} lane_t;

/* A feed's label, for headers and the dictionary. */
typedef struct {
    uint32_t id;
    char label[EMP_LABEL_MAX + 1];
} feed_t;

/* Rows of pointers found by the low bits of an id of the core. */
typedef struct {
    void **list;
    size_t room;
} table_t;

/* A result that has no ready sink yet. */
typedef struct {
    emp_part_t part;
    uint32_t feed;
    uint64_t serial;
    slice_t slice;
} kept_t;

/* A DONE that waits for its session's puts (parked.c). */
typedef struct {
    uint64_t session;
    uint32_t queue; /* that it came by */
    zmq_msg_t header;
    blob_t *blob;
} parked_t;

struct emp_broker {
    emp_broker_config_t config;
    char directory[EMP_DIRECTORY_MAX + 1];
    char inproc[EMP_ENDPOINT_MAX + 1];
    char endpoint[EMP_ENDPOINT_MAX + 1];
    uint64_t run;
    pthread_t thread;
    int bell; /* eventfd: end */
    pthread_mutex_t stats_lock;
    emp_core_stats_t stats;
    _Atomic uint64_t dropped;

    emp_core_t *core;
    emp_effects_t fx;
    emp_effect_t unfed; /* FEED of one whose socket could not be had: to be ended; feed 0: none */
    uint64_t now;       /* of the core */
    broker_clock_t clock;
    zsock_t *door;
    void *door_handle;
    int door_fd;
    bool door_more; /* it was not read empty, or something was sent since: emp_socket_fd */
    zsock_t *gate;  /* a ROUTER too, NULL: none */
    void *gate_handle;
    int gate_fd;
    bool gate_more;
    bool gate_over; /* the run is over, and who comes is told so */
    char gate_endpoint[EMP_ENDPOINT_MAX + 1];
    struct emp_zap *gate_zap;
    emp_watch_t *gate_watch;                              /* who fails to prove a key */
    uint64_t gate_looked;                                 /* when the allowed keys were asked about */
    unsigned gate_strange;                                /* connections since then that did not speak our protocol */
    zhashx_t *by_route, *by_session;                      /* peer_t; hex of route and of session */
    uint64_t manager;                                     /* its session, 0: none */
    uint64_t losses;                                      /* workers, since the start */
    emp_overview_loss_t last_losses[EMP_OVERVIEW_LOSSES]; /* the n-th at n % EMP_OVERVIEW_LOSSES; `ago`: when it was */
    uint8_t *job;
    size_t job_size;
    emp_buf_t *tools; /* places, told to each worker that joins; an empty one: no more will come */
    size_t tools_count;

    table_t intakes, lanes, feeds; /* by queue, lane and feed id */
    intake_t **intake_list;        /* in order of binding, for polling */
    size_t intake_count, intake_room;
    lane_t **dirty; /* lanes with something gathered */
    size_t dirty_count, dirty_room;
    size_t unready;  /* lanes whose peer has not connected, the sink included */
    slice_t *chunks; /* by slot of the ticket's handle */
    size_t chunks_room;
    lane_t *sink;
    uint64_t sink_session;
    kept_t *kept; /* results before the sink was ready, in order */
    size_t kept_count, kept_room;
    uint32_t sinks;   /* opened so far: the last one's id */
    parked_t *parked; /* in order of arrival */
    size_t parked_count, parked_room;

    struct pollfd *items;
    size_t items_room;

    /* the message that is being stepped, for its effects */
    const emp_control_t *control; /* or NULL */
    const peer_t *peer;           /* who sent it, or NULL */
    const emp_wire_t *wire;       /* or NULL */
    blob_t *blob;                 /* of wire */
    uint32_t part;                /* of a DONE: which one */
    size_t part_offset;
};

/* table: what stands at an id's slot, or NULL; the caller compares ids. */
void *table_at (const table_t *self, uint32_t id);
emp_status_t table_set (table_t *self, uint32_t id, void *item);

peer_t *peer_of_route (emp_broker_t *self, const route_t *route);
peer_t *peer_of_session (emp_broker_t *self, uint64_t session);
peer_t *peer_require (emp_broker_t *self, const route_t *route, const emp_control_t *hello);
/* It speaks by another connection from now on. */
void peer_move (emp_broker_t *self, peer_t *peer, const route_t *route);
void peer_forget (emp_broker_t *self, uint64_t session);
/* Sends to a peer by its route; a peer that is gone or full loses it, its silence is noticed elsewhere. */
void peer_send (emp_broker_t *self, const peer_t *peer, emp_control_t *message);

/* outgoing.c */
intake_t *intake_require (emp_broker_t *self, uint32_t queue);
lane_t *lane_bind (emp_broker_t *self, uint32_t id, near_t near);
void lane_close (emp_broker_t *self, lane_t *lane);
void outgoing_chunk (emp_broker_t *self, const emp_effect_t *fx);
void outgoing_stop (emp_broker_t *self, lane_t *lane, bool drained);
void outgoing_result (emp_broker_t *self, const emp_effect_t *fx);
void outgoing_sink_ready (emp_broker_t *self);
void outgoing_flush (emp_broker_t *self);

/* effect.c: one step of the core and all of its effects. */
emp_status_t broker_step (emp_broker_t *self, const emp_event_t *event);
/* door.c, intake.c: read a bounded number of messages. */
/* door_more and an intake's `more` say afterwards whether there may be more. */
void door_read (emp_broker_t *self);
/* One message of either door; `key` is what its connection has proven. */
void door_take (emp_broker_t *self, const route_t *route, const char *key, zmq_msg_t *body);
void door_refuse (emp_broker_t *self, const route_t *route, emp_status_t status, const char *text);
/* False: longer than any that we have room for. */
bool route_of (zmq_msg_t *frame, bool gate, route_t *ret_route);
/* gate.c: the same for connections from other hosts, which bring data as well. */
emp_status_t gate_bind (emp_broker_t *self);
void gate_read (emp_broker_t *self);
/* Whether this key may come in as this role now; every one may where there are no keys. */
bool gate_lets_in (emp_broker_t *self, const char *key, emp_role_t role);
/* ATTACH: a connection serves a lane, or the sink, or is a session's control connection from now on. */
void gate_attach (emp_broker_t *self, const route_t *route, const char *key, const emp_control_t *message);
/* Once a beat: sessions whose key is allowed no more are ended; and who failed to prove one is told of. */
void gate_look (emp_broker_t *self);
/* The last of the thread: two seconds at most. */
void gate_see_off (emp_broker_t *self);
void gate_refuse_over (emp_broker_t *self, const route_t *route);
void gate_close (emp_broker_t *self);
void gate_say (emp_broker_t *self, const char *format, ...) EMP_PRINTF (2, 3);
/* Says to watchers at the door that the run is over. */
void door_close (emp_broker_t *self);
/* overview.c: the answer to STATUS; and a worker is lost. */
void overview_answer (emp_broker_t *self, const emp_control_t *question);
void overview_lost (emp_broker_t *self, const emp_control_t *gone, const char *host);
void door_gone (emp_broker_t *self, const emp_effect_t *fx);
/* Has its supervisor kill the slot of this session, and not start it again. */
void door_kill (emp_broker_t *self, uint64_t session, uint64_t ticket);
void intake_read (emp_broker_t *self, intake_t *intake);
typedef enum { INTAKE_TAKEN, INTAKE_PUTS, INTAKE_TOO_EARLY } intake_verdict_t;
/* A whole message of a queue's, wherever it came in; takes both frames. */
void intake_message (emp_broker_t *self, uint32_t queue, zmq_msg_t *header, zmq_msg_t *payload);
/* One message of a queue's intake; whose puts it brought, or on whose it has to wait, is *ret_session. */
intake_verdict_t intake_take (emp_broker_t *self, uint32_t queue, zmq_msg_t *header, blob_t *blob,
                              uint64_t *ret_session);
/* parked.c. Takes the header, and a reference of its own of the blob. */
void parked_keep (emp_broker_t *self, uint64_t session, uint32_t queue, zmq_msg_t *header, blob_t *blob);
/* Puts of this session have come. */
void parked_retry (emp_broker_t *self, uint64_t session);
bool parked_any (const emp_broker_t *self, uint64_t session);
/* The session is gone. */
void parked_forget (emp_broker_t *self, uint64_t session);
void parked_release (emp_broker_t *self);
/* Counts a message of a peer that is dropped. */
void broker_drop (emp_broker_t *self);
/* Out of memory where nothing can go on: says so, and ends the process with exit status 1. */
_Noreturn void broker_exhausted (void);

#endif
