/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A session at a door of the test's: what a broker may say that a sound one says never, or late.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/session.h"
#include "common/thread.h"

#define RUN 77u

TestSuite (session, .timeout = 30);

/* ---- the door ---------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/emp-session-XXXXXX";
static char endpoint[EMP_ENDPOINT_MAX + 1];
static zsock_t *door;
static uint8_t peer[64];
static size_t peer_size;
static emp_control_t heard;

static void open_door (void)
{
    cr_assert_not_null (mkdtemp (folder));
    snprintf (endpoint, sizeof endpoint, "ipc://%s/door", folder);
    door = emp_socket_new (ZMQ_ROUTER, EMP_CONTROL_MAX);
    cr_assert_eq (emp_socket_bind (door, endpoint, NULL), EMP_OK);
}

static void close_door (void)
{
    zsock_destroy (&door);
    unlink (strchr (endpoint, '/') + 2);
    rmdir (folder);
}

static void say (emp_control_t message)
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
static void hear (emp_kind_t kind)
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

static void *welcome (void *arg)
{
    hear (EMP_MSG_HELLO);
    say (*(emp_control_t *) arg);
    return NULL;
}

static emp_status_t knock (uint64_t beat_ms, emp_session_t **ret_session)
{
    emp_control_t answer = {.kind = EMP_MSG_WELCOME, .window = beat_ms, .size = 60000};
    pthread_t thread;
    cr_assert (emp_thread_start (&thread, "welcome", welcome, &answer));
    emp_session_config_t config = {.endpoint = endpoint, .role = EMP_ROLE_WORKER, .name = "w", .timeout_ms = 2000};
    emp_status_t status = emp_session_new (&config, ret_session, NULL);
    pthread_join (thread, NULL);
    return status;
}

Test (session, a_welcome_that_leaves_no_time_between_two_beats_is_none)
{
    emp_session_t *session;
    open_door ();
    cr_assert_eq (knock (0, &session), EMP_TIMEOUT);
    close_door ();
}

/* ---- late answers ------------------------------------------------------------------------------------------------ */

static void *asks (void *arg)
{
    uint64_t waiting, maxsize;
    cr_assert_eq (emp_session_count (arg, "q", &waiting, &maxsize), EMP_TIMEOUT);
    return NULL;
}

Test (session, an_answer_that_comes_when_its_asker_is_gone_is_dropped)
{
    open_door ();
    emp_session_t *session;
    cr_assert_eq (knock (1000, &session), EMP_OK);
    pthread_attr_t attributes;
    pthread_attr_init (&attributes);
    pthread_attr_setstacksize (&attributes, 64u << 20); /* not kept for a later thread: gone with its own */
    pthread_t thread;
    cr_assert_eq (pthread_create (&thread, &attributes, asks, session), 0);
    hear (EMP_MSG_COUNT);
    pthread_join (thread, NULL);
    say ((emp_control_t){.kind = EMP_MSG_COUNTED, .name = "q"});
    while (emp_session_dropped (session) == 0)
        usleep (1000);
    emp_session_destroy (&session);
    close_door ();
}

/* ---- a connection that breaks too early ---------------------------------------------------------------------------- */

static void open_port (const char *where)
{
    door = emp_socket_new (ZMQ_ROUTER, EMP_CONTROL_MAX);
    zsock_set_linger (door, 0);
    while (emp_socket_bind (door, where, endpoint) != EMP_OK) /* the one before is about to close it */
        usleep (1000);
}

static void reopen_port (void)
{
    char same[sizeof endpoint];
    memcpy (same, endpoint, sizeof same);
    zsock_destroy (&door);
    open_port (same);
}

static void *breaks_before_the_welcome (void *arg)
{
    hear (EMP_MSG_HELLO);
    reopen_port ();
    return welcome (arg);
}

static emp_session_t *join_by_tcp (emp_role_t role)
{
    emp_control_t answer = {.kind = EMP_MSG_WELCOME, .window = 1000, .size = 60000};
    pthread_t thread;
    emp_session_t *session;
    open_port ("tcp://127.0.0.1:*");
    emp_session_config_t config = {.endpoint = endpoint, .role = role, .name = "w", .timeout_ms = 20000};
    cr_assert (emp_thread_start (&thread, "breaks", breaks_before_the_welcome, &answer));
    cr_assert_eq (emp_session_new (&config, &session, NULL), EMP_OK);
    pthread_join (thread, NULL);
    return session;
}

Test (session, a_hello_is_said_again_when_its_connection_breaks)
{
    emp_session_t *session = join_by_tcp (EMP_ROLE_WORKER);
    cr_assert_not (emp_session_is_down (session));
    reopen_port ();
    while (!emp_session_is_down (session)) /* but behind the welcome nothing is: its lanes are gone */
        usleep (1000);
    cr_assert (emp_session_is_cut (session));
    emp_session_destroy (&session);
    zsock_destroy (&door);
}

static void *fetches (void *arg)
{
    char room[16] = "";
    size_t got = 0;
    uint64_t total = 0;
    cr_assert_eq (emp_session_fetch (arg, "abc", 5, room, sizeof room, &got, &total), EMP_OK);
    cr_assert_eq (got, 3);
    cr_assert_eq (total, 8);
    cr_assert_eq (memcmp (room, "xyz", 3), 0);
    return NULL;
}

Test (session, a_supervisor_comes_back_and_asks_for_its_piece_again)
{
    emp_session_t *session = join_by_tcp (EMP_ROLE_SUPERVISOR);
    pthread_t thread;
    cr_assert (emp_thread_start (&thread, "fetches", fetches, session));
    for (int i = 0; i < 3; i++) {
        hear (EMP_MSG_FETCH);
        reopen_port ();
        hear (EMP_MSG_ATTACH);
        cr_assert_eq (heard.id, 0);
    }
    hear (EMP_MSG_FETCH);
    emp_control_t piece = {
        .kind = EMP_MSG_PIECE, .window = 5, .size = 8, .blob = (const uint8_t *) "xyz", .blob_size = 3};
    strcpy (piece.text, "abc");
    say (piece);
    pthread_join (thread, NULL);
    cr_assert_not (emp_session_is_down (session));
    emp_session_destroy (&session);
    zsock_destroy (&door);
}
