/* SPDX-License-Identifier: BSD-3-Clause
 *
 * session_inner.h - what session.c, lane.c, feed.c and sink.c know of each other; nobody else includes it.
 *
 * Everything below `lock` is guarded by it but the atomics, which other threads may look at in passing.
 */
#ifndef EMP_SESSION_INNER_H
#define EMP_SESSION_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "../producer.h"
#include "session.h"
#include "watch.h"

/* A data connection of a remote session; a member of what it serves (link.c). */
typedef struct emp_link {
    struct emp_link *next; /* of the session's; under its lock */
    emp_watch_t *watch;    /* NULL: it is local, or not there */
} emp_link_t;

/* Parts on their way to one intake; a member of the feed or lane it serves. */
typedef struct emp_batch {
    struct emp_batch *next; /* of the session's; under its lock */
    emp_session_t *session;
    zsock_t *push;
    void *handle;
    emp_link_t link;
    _Atomic uint64_t window; /* DONE: the credit that the next message tells */
    pthread_mutex_t lock;    /* everything below */
    emp_wire_t wire;
    emp_buf_t payload, header;
    uint64_t since_us; /* when the first part that is kept back was added */
} emp_batch_t;

/* All zero before; EMP_SYSTEM leaves nothing to release. */
emp_status_t emp_batch_init (emp_batch_t *self, emp_session_t *session, emp_wire_kind_t kind, const char *intake);
/* Sends what is kept back, closes. All zero is fine. */
void emp_batch_release (emp_batch_t *self);
/* Adds one part, its bytes taken (the buffer is empty afterwards); keep: it may wait for others. */
emp_status_t emp_batch_add (emp_batch_t *self, const emp_part_t *part, emp_buf_t *bytes, bool keep, uint64_t now);
emp_status_t emp_batch_flush (emp_batch_t *self);
/* Sends what is kept back for too long; false when nothing is. Never waits for the owner. */
bool emp_batch_flush_stale (emp_batch_t *self, uint64_t now);

struct emp_session {
    zsock_t *door; /* the I/O thread's alone, once that runs */
    pthread_t thread;
    bool running;
    int bell; /* eventfd: the outbox has something for the I/O thread */
    int wake; /* eventfd: once rung never silent again; ends the waits of lanes and the sink */
    uint64_t id;
    emp_role_t role;
    char endpoint[EMP_ENDPOINT_MAX + 1];
    bool remote; /* over tcp: data go by connections to the door as well */
    emp_curve_t curve;
    emp_watch_t *watch; /* of the door, remote ones only; the I/O thread's */
    bool stands;        /* the I/O thread's */
    bool hello_said;    /* by a connection that stands or stood; the I/O thread's */
    void (*on_message) (void *arg, const emp_control_t *message);
    void *arg;
    uint32_t timeout_ms;

    _Atomic bool down;          /* the broker is gone, refused us, or we are leaving */
    _Atomic bool over;          /* and that is why: the run is over */
    _Atomic bool cut;           /* and that is why: a connection broke */
    _Atomic bool leave;         /* lanes shall end */
    _Atomic bool feeds_stopped; /* feeds shall end */
    _Atomic bool looking;       /* the I/O thread looks after batches every LOOK_US */
    _Atomic uint64_t dropped;
    _Atomic uint64_t puts; /* tickets put so far, over all feeds; every DONE announces it */
    _Atomic uint64_t run;

    pthread_mutex_t call_lock; /* one question at a time */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* an answer, put credit, down, stopped */
    emp_buf_t outbox;       /* frames for the door, each behind its 4 bytes of length */
    emp_buf_t hello;        /* of a remote session: said again as long as no welcome has come */
    _Atomic bool broken;    /* emp_session_break */
    bool closing;
    emp_kind_t expect;       /* kind of the answer that a caller waits for; 0 none */
    const char *expect_name; /* its name must be this one, if not NULL: the answer to an old question is not ours */
    emp_feed_t *expect_feed; /* becomes known to put credit in the moment of its answer */
    emp_control_t *answer;   /* the caller's; filled in */
    uint8_t *answer_room;    /* for its blob, or NULL: that is not kept */
    size_t answer_room_size;
    bool answered;
    bool missed;          /* the connection broke while it was waited for */
    emp_feed_t *feeds;    /* those that are open */
    emp_lane_t *lanes;    /* those that are open */
    emp_batch_t *batches; /* those that the I/O thread looks after */
    emp_link_t *links;    /* data connections that it watches */
    emp_buf_t *tools;     /* places of the objects of mp_tools_q, in order */
    size_t tools_count;
    bool tools_over; /* no more will come */
    bool welcomed, patient, has_job;
    uint64_t beat_us, dead_us;
    uint8_t *job;
    size_t job_size;
    char reason[EMP_TEXT_MAX + 1];
};

struct emp_feed {
    emp_feed_t *next;
    emp_session_t *session;
    emp_batch_t batch;
    uint32_t id;
    _Atomic bool over;        /* its queue has stopped */
    const _Atomic bool *stop; /* its owner ends it; or NULL */
    _Atomic uint64_t credit;  /* tickets that may have been put since the first */
    emp_producer_t producer;
    uint64_t last_us;    /* when the last chunk was put */
    uint64_t average_us; /* from chunk to chunk, waiting for credit left out */
    bool answered;       /* under the session's lock: it has said what there is since somebody asked */
};

/* Connects a data socket: of that type and endpoint, or, of a remote session, a DEALER to the door; *link is all zero. NULL
 * with errno. Both end together. */
zsock_t *emp_session_connect (emp_session_t *self, int type, const char *endpoint, emp_link_t *link);
void emp_session_disconnect (emp_session_t *self, zsock_t **socket, emp_link_t *link);
/* Over tcp the first message of a socket by which a lane or the sink is to be served; else nothing. */
emp_status_t emp_session_attach (emp_session_t *self, zsock_t *socket, uint32_t id);
/* The I/O thread's: adds the descriptors of all links, at most `room`; and reads them: true when a connection has ended. */
size_t emp_session_link_fds (emp_session_t *self, int *ret_fds, size_t room);
bool emp_session_links_broke (emp_session_t *self);
/* Under the session's lock: this attempt of a ticket shall not be begun. */
void emp_lane_revoke (emp_session_t *session, uint32_t lane, uint64_t ticket, uint32_t attempt);
/* An ending, or the end of a feed, is lost that the broker waits for: the session ends in a moment, so that it gives what is held here to others. Any thread,
 * also one that has the session's lock. */
void emp_session_break (emp_session_t *self);
/* Asks and waits for an answer of kind `expect`: EMP_OK and *answer, EMP_TIMEOUT, EMP_SYSTEM when down. */
emp_status_t emp_session_ask (emp_session_t *self, emp_control_t *question, emp_kind_t expect, emp_feed_t *feed,
                              emp_control_t *answer);
/* Parts are kept back from now on: the I/O thread shall look after them. Costs one atomic read when it does so already. */
void emp_session_look (emp_session_t *self);
/* Waits until there may be something to receive at a socket's descriptor (emp_socket_fd: it was read empty), or the
 * session's wake bell rings, or it is that time. */
void emp_session_wait (emp_session_t *self, int fd, uint64_t until);
/* tools.c: under the session's lock, a place that TOOL told, or, with size 0, that there are no more. */
void emp_session_take_tool (emp_session_t *self, const void *place, size_t size);
void emp_session_free_tools (emp_session_t *self);
/* Waits for the place of the i-th object. EMP_TIMEOUT, EMP_STOPPED, EMP_SYSTEM. */
emp_status_t emp_session_tool (emp_session_t *self, size_t i, uint64_t until, emp_buf_t *ret_place);
size_t emp_session_tools (emp_session_t *self);
/* A data frame's header read and checked against the run: EMP_OK or it was counted. */
emp_status_t emp_session_decode (emp_session_t *self, zmq_msg_t *header, zmq_msg_t *payload, emp_wire_t *ret_wire);

#endif
