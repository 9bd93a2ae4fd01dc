/* SPDX-License-Identifier: BSD-3-Clause
 *
 * door.h - a door of the test's: sessions see a broker that says what the test says, when it says it. One client at a time.
 */
#ifndef DOOR_H
#define DOOR_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/session.h"
#include "common/thread.h"

#define RUN 77u

static char folder[] = "/tmp/emp-session-XXXXXX";
static char endpoint[EMP_ENDPOINT_MAX + 1];
static zsock_t *door;
static uint8_t peer[64];
static size_t peer_size;
static emp_control_t heard;

static inline void open_door (void)
{
    cr_assert_not_null (mkdtemp (folder));
    snprintf (endpoint, sizeof endpoint, "ipc://%s/door", folder);
    door = emp_socket_new (ZMQ_ROUTER, EMP_CONTROL_MAX);
    cr_assert_eq (emp_socket_bind (door, endpoint, NULL), EMP_OK);
}

static inline void close_door (void)
{
    zsock_destroy (&door);
    unlink (strchr (endpoint, '/') + 2);
    rmdir (folder);
}

static inline void say (emp_control_t message)
{
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    message.run = RUN;
    cr_assert_eq (emp_control_encode (&message, &frame), EMP_OK);
    zmq_send (zsock_resolve (door), peer, peer_size, ZMQ_SNDMORE);
    zmq_send (zsock_resolve (door), frame.data, frame.size, 0);
    emp_buf_release (&frame);
}

/* The next message of that kind, in `heard`. */
static inline void hear (emp_kind_t kind)
{
    do {
        zmq_msg_t route, body;
        zmq_msg_init (&route);
        zmq_msg_init (&body);
        cr_assert_eq (emp_socket_recv (zsock_resolve (door), &route, &body, true), EMP_OK);
        peer_size = zmq_msg_size (&route);
        memcpy (peer, zmq_msg_data (&route), peer_size);
        cr_assert_eq (emp_control_decode (zmq_msg_data (&body), zmq_msg_size (&body), &heard), EMP_OK);
        zmq_msg_close (&route);
        zmq_msg_close (&body);
    } while (heard.kind != kind);
}

static inline void *welcome (void *arg)
{
    hear (EMP_MSG_HELLO);
    say (*(emp_control_t *) arg);
    return NULL;
}

static void (*door_heard) (void *arg, const emp_control_t *message); /* what the session passes on */

static inline emp_status_t knock (uint64_t beat_ms, emp_session_t **ret_session)
{
    emp_control_t answer = {.kind = EMP_MSG_WELCOME, .window = beat_ms, .size = 60000};
    pthread_t thread;
    cr_assert (emp_thread_start (&thread, "welcome", welcome, &answer));
    emp_session_config_t config = {
        .endpoint = endpoint, .role = EMP_ROLE_WORKER, .name = "w", .timeout_ms = 2000, .on_message = door_heard};
    emp_status_t status = emp_session_new (&config, ret_session, NULL);
    pthread_join (thread, NULL);
    return status;
}

/* ---- a sink --------------------------------------------------------------------------------------------------------- */

static char sink_endpoint[80];

static inline void *opens_sink (void *arg)
{
    (void) arg;
    hear (EMP_MSG_OPEN_SINK);
    emp_control_t answer = {.kind = EMP_MSG_SINK, .id = 1};
    snprintf (answer.endpoint, sizeof answer.endpoint, "%s", sink_endpoint);
    say (answer);
    return NULL;
}

static inline void send_to_sink (zsock_t *push, const emp_wire_t *wire)
{
    size_t size = 0; /* of the payload: zeros */
    for (uint32_t i = 0; wire->kind == EMP_WIRE_RESULTS && i < wire->count; i++)
        size += wire->parts[i].length;
    static uint8_t room[EMP_WIRE_HEADER_MAX];
    emp_buf_t header = {.data = room, .room = sizeof room, .max = sizeof room};
    cr_assert_eq (emp_wire_encode (wire, &header), EMP_OK);
    zmq_msg_t payload;
    zmq_msg_init_size (&payload, size);
    memset (zmq_msg_data (&payload), 0, size);
    cr_assert_eq (emp_socket_send (zsock_resolve (push), header.data, header.size, &payload, true), EMP_OK);
}

static inline zsock_t *open_sink (void)
{
    snprintf (sink_endpoint, sizeof sink_endpoint, "ipc://%s/sink", folder);
    zsock_t *push = emp_socket_new (ZMQ_PUSH, EMP_WIRE_PAYLOAD_MAX);
    cr_assert_eq (emp_socket_bind (push, sink_endpoint, NULL), EMP_OK);
    return push;
}

static inline void close_sink (zsock_t **push)
{
    zsock_destroy (push);
    unlink (strchr (sink_endpoint, '/') + 2);
}

/* ---- a session that can send nothing ------------------------------------------------------------------------------ */

static pthread_mutex_t door_gate = PTHREAD_MUTEX_INITIALIZER;

static inline void door_stand_still (void *arg, const emp_control_t *message)
{
    (void) arg;
    if (!message || message->kind != EMP_MSG_INFO)
        return;
    pthread_mutex_lock (&door_gate);
    pthread_mutex_unlock (&door_gate);
}

/* Of a session that was made with door_heard == door_stand_still: its thread stands still, and its outbox is full, until door_let_go. */
static inline void door_stuff (emp_session_t *session)
{
    static uint8_t text[60000];
    pthread_mutex_lock (&door_gate);
    say ((emp_control_t){.kind = EMP_MSG_INFO, .name = "w"});
    for (size_t size = sizeof text; size; size /= 8) {
        emp_control_t print = {.kind = EMP_MSG_PRINT, .blob = text, .blob_size = size};
        while (emp_session_send (session, &print) == EMP_OK)
            ;
    }
    emp_control_t beat = {.kind = EMP_MSG_BEAT};
    while (emp_session_send (session, &beat) == EMP_OK)
        ;
}

static inline void door_let_go (void)
{
    pthread_mutex_unlock (&door_gate);
}

#endif
