/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A session at a door of the test's: what a broker may say that a sound one says never, or late.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "door.h"

TestSuite (session, .timeout = 30);

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

/* ---- feeds that the broker has opened ---------------------------------------------------------------------------- */

static void *leads_nowhere (void *arg)
{
    (void) arg;
    hear (EMP_MSG_OPEN_FEED);
    say ((emp_control_t){.kind = EMP_MSG_FEED, .name = "q", .id = 65536, .window = 1, .intake = "nowhere"});
    return NULL;
}

Test (session, a_feed_that_is_open_at_the_broker_alone_ends_its_session)
{
    open_door ();
    emp_session_t *session;
    cr_assert_eq (knock (1000, &session), EMP_OK);
    pthread_t thread;
    cr_assert (emp_thread_start (&thread, "broker", leads_nowhere, NULL));
    emp_feed_t *feed = NULL;
    cr_assert_eq (emp_feed_new (session, "q", "q", &feed), EMP_SYSTEM);
    pthread_join (thread, NULL);
    uint64_t until = emp_now () + 5000000;
    while (!emp_session_is_down (session) && emp_now () < until)
        usleep (1000);
    cr_assert (emp_session_is_down (session), "the broker waits for the end of that feed for ever");
    emp_session_destroy (&session);
    close_door ();
}

/* ---- an acknowledgement that finds no room ---------------------------------------------------------------------- */

/* As many as are acknowledged in one word, and one more. */
static void send_results (zsock_t *push)
{
    static emp_wire_t wire;
    for (uint64_t serial = 1; serial <= 513; serial += 256) {
        wire = (emp_wire_t){.kind = EMP_WIRE_RESULTS, .run = RUN, .serial = serial, .count = serial < 513 ? 256 : 1};
        for (unsigned p = 0; p < wire.count; p++)
            wire.parts[p] = (emp_part_t){.number = serial + p, .attempt = 1, .rows = 1};
        send_to_sink (push, &wire);
    }
}

static void *hears_ack (void *arg)
{
    static emp_wire_t stopped = {.kind = EMP_WIRE_STOPPED, .run = RUN, .lane = 1};
    hear (EMP_MSG_ACK);
    cr_assert_eq (heard.window, 512, "the last one may not be kept yet");
    send_to_sink (arg, &stopped);
    return NULL;
}

/* The broker hands out nothing while its backlog is full, so nothing comes that would have it said. */
Test (session, an_acknowledgement_that_finds_no_room_is_said_while_nothing_comes)
{
    open_door ();
    door_heard = door_stand_still;
    emp_session_t *session;
    cr_assert_eq (knock (1000, &session), EMP_OK);
    zsock_t *push = open_sink ();
    pthread_t thread;
    cr_assert (emp_thread_start (&thread, "broker", opens_sink, NULL));
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (session, &sink), EMP_OK);
    pthread_join (thread, NULL);
    send_results (push);
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    door_stuff (session);
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK); /* would acknowledge the first two */
    door_let_go ();
    cr_assert (emp_thread_start (&thread, "broker", hears_ack, push));
    cr_assert_eq (emp_sink_more (sink, emp_now () + 5000000, &wire, &payload), EMP_STOPPED);
    pthread_join (thread, NULL);
    emp_sink_destroy (&sink);
    emp_session_destroy (&session);
    close_sink (&push);
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
