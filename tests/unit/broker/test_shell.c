/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_shell.c - the broker's shell and its client together, in one process: real sockets, no worker processes.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "broker/broker.h"
#include "common/net/session.h"

TestSuite (shell, .timeout = 60);

typedef struct {
    char directory[64];
    emp_broker_t *broker;
    emp_session_t *manager;
} house_t;

static emp_session_t *join (const char *endpoint, emp_role_t role, const char *name, uint64_t run, emp_status_t *status)
{
    emp_session_config_t config = {.endpoint = endpoint, .role = role, .name = name, .run = run, .timeout_ms = 5000};
    emp_session_t *session = NULL;
    char reason[EMP_TEXT_MAX + 1];
    emp_status_t rc = emp_session_new (&config, &session, reason);
    if (status)
        *status = rc;
    else
        cr_assert_eq (rc, EMP_OK, "%s: %s %s", name, emp_status_text (rc), reason);
    return session;
}

static house_t build (uint32_t beat_ms, uint64_t dead_after_us)
{
    house_t house = {.directory = "/tmp/emp-shell-XXXXXX"};
    cr_assert (mkdtemp (house.directory) != NULL);
    char door[128];
    snprintf (door, sizeof door, "ipc://%s/door", house.directory);
    emp_broker_config_t config = {
        .directory = house.directory, .listen = door, .beat_ms = beat_ms, .core = emp_core_config_default};
    config.core.dead_after = dead_after_us;
    emp_status_t status;
    house.broker = emp_broker_new (&config, &status);
    cr_assert (house.broker != NULL);
    house.manager = join (emp_broker_inproc (house.broker), EMP_ROLE_MANAGER, "manager", 0, NULL);
    cr_assert_eq (emp_session_declare (house.manager, "q", 100, 1 << 20), EMP_OK);
    return house;
}

static void tear_down (house_t *house)
{
    emp_session_destroy (&house->manager);
    emp_broker_destroy (&house->broker);
    cr_assert_eq (rmdir (house->directory), 0, "the broker left something in its folder");
}

static emp_session_t *worker (house_t *house, const char *name)
{
    return join (emp_broker_endpoint (house->broker), EMP_ROLE_WORKER, name, emp_broker_run (house->broker), NULL);
}

static void put (emp_feed_t *feed, const char *bytes)
{
    emp_buf_t chunk;
    emp_buf_init (&chunk, 1 << 20);
    emp_buf_append (&chunk, bytes, strlen (bytes));
    uint64_t number;
    cr_assert_eq (emp_feed_put (feed, &chunk, 1, UINT64_MAX, &number), EMP_OK);
    emp_buf_release (&chunk);
}

static void finish (emp_lane_t *lane, emp_lane_chunk_t *chunk, const char *result, uint64_t busy_us)
{
    emp_buf_t bytes;
    emp_buf_init (&bytes, 1 << 20);
    emp_buf_append (&bytes, result, strlen (result));
    emp_lane_end_t end = {
        .ticket = chunk->ticket, .attempt = chunk->attempt, .outcome = EMP_OUTCOME_DONE, .busy_us = busy_us};
    cr_assert_eq (emp_lane_done (lane, &end, &bytes), EMP_OK);
    emp_buf_release (&bytes);
    emp_lane_release (chunk->frame);
}

static void say (emp_session_t *session, emp_kind_t kind)
{
    emp_control_t message = {.kind = kind};
    cr_assert_eq (emp_session_send (session, &message), EMP_OK);
}

Test (shell, B17_B20_a_chunk_goes_to_a_worker_its_result_to_the_sink_and_the_end_to_both)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    emp_lane_t *lane;
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "label", &feed), EMP_OK);
    cr_assert_eq (emp_lane_new (one, "q", 1, &lane), EMP_OK);
    put (feed, "chunk");
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_OK);
    cr_assert_eq (chunk.size, 5);
    cr_assert (memcmp (chunk.data, "chunk", 5) == 0);
    cr_assert_str_eq (chunk.label, "label");
    cr_assert (chunk.number == 0 && chunk.attempt == 1 && chunk.rows == 1);
    finish (lane, &chunk, "result", 5000);
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    cr_assert (wire->count == 1 && wire->parts[0].number == 0 && wire->parts[0].outcome == EMP_OUTCOME_DONE);
    cr_assert (wire->parts[0].length == 6 && memcmp (payload, "result", 6) == 0);
    emp_feed_end (feed);
    say (house.manager, EMP_MSG_STOP);
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_STOPPED);
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_STOPPED, "it says so again");
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_STOPPED);
    emp_sink_destroy (&sink);
    emp_feed_destroy (&feed);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, B5_a_session_that_has_the_job_already_keeps_no_other)
{
    house_t house = build (1000, 60000000);
    static emp_control_t job = {.kind = EMP_MSG_JOB, .blob = (const uint8_t *) "\x80", .blob_size = 1};
    cr_assert_eq (emp_session_send (house.manager, &job), EMP_OK);
    cr_assert_eq (emp_session_declare (house.manager, "later", 1, 1), EMP_OK, "the broker has heard all before this");
    emp_session_config_t config = {.endpoint = emp_broker_endpoint (house.broker),
                                   .role = EMP_ROLE_WORKER,
                                   .name = "Process-1",
                                   .timeout_ms = 5000};
    for (size_t expected = 2; expected-- > 0; config.has_job = true) {
        emp_session_t *session;
        size_t size;
        cr_assert_eq (emp_session_new (&config, &session, NULL), EMP_OK);
        emp_session_job (session, &size);
        cr_assert_eq (size, expected);
        emp_session_destroy (&session);
    }
    tear_down (&house);
}

static emp_status_t try_put (emp_feed_t *feed, uint64_t until)
{
    emp_buf_t chunk;
    emp_buf_init (&chunk, 64);
    emp_buf_append (&chunk, "\x91\x01", 2);
    uint64_t number;
    emp_status_t status = emp_feed_put (feed, &chunk, 1, until, &number);
    emp_buf_release (&chunk);
    return status;
}

Test (shell, B13_a_worker_that_did_not_wait_for_credit_asks_for_more_when_it_came)
{
    house_t house = build (1000, 60000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    cr_assert_eq (emp_session_declare (house.manager, "small", 3, 0), EMP_OK);
    cr_assert_eq (emp_feed_new (one, "small", "small", &feed), EMP_OK);
    cr_assert_eq (try_put (feed, 0), EMP_TIMEOUT, "none is given ahead");
    uint64_t waiting, maxsize, limit = emp_now () + 5000000;
    cr_assert_eq (emp_session_count (one, "small", &waiting, &maxsize), EMP_OK); /* the credit came before the answer */
    cr_assert_eq (try_put (feed, 0), EMP_OK);
    cr_assert_eq (try_put (feed, limit), EMP_OK, "the second");
    cr_assert_eq (try_put (feed, limit), EMP_OK, "the third");
    cr_assert_eq (try_put (feed, emp_now () + 20000), EMP_TIMEOUT, "it is full");
    emp_feed_destroy (&feed);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, endings_that_are_kept_back_leave_while_their_owner_is_busy_elsewhere)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    emp_lane_t *lane;
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    cr_assert_eq (emp_lane_new (one, "q", 1, &lane), EMP_OK);
    put (feed, "chunk");
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_OK);
    finish (lane, &chunk, "result", 0); /* so fast that it may wait for others; the lane is not asked again */
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    cr_assert_eq (wire->count, 1);
    emp_sink_destroy (&sink);
    emp_feed_destroy (&feed);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, a_lost_workers_ticket_goes_to_another_and_its_late_result_is_dropped)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1"), *two = worker (&house, "Process-2");
    emp_feed_t *feed;
    emp_lane_t *first, *second;
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    cr_assert_eq (emp_lane_new (one, "q", 1, &first), EMP_OK);
    put (feed, "chunk");
    emp_lane_chunk_t chunk, again;
    cr_assert_eq (emp_lane_next (first, UINT64_MAX, &chunk), EMP_OK);
    emp_control_t lost = {.kind = EMP_MSG_LOST,
                          .session = emp_session_id (one),
                          .how = EMP_HOW_SIGNAL,
                          .code = 9,
                          .window = chunk.ticket};
    cr_assert_eq (emp_session_send (house.manager, &lost), EMP_OK);
    cr_assert_eq (emp_lane_new (two, "q", 1, &second), EMP_OK);
    cr_assert_eq (emp_lane_next (second, UINT64_MAX, &again), EMP_OK);
    cr_assert (again.number == 0 && again.attempt == 2 && again.ticket == chunk.ticket);
    finish (first, &chunk, "from the dead", 5000);
    finish (second, &again, "result", 5000);
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    cr_assert (wire->parts[0].attempt == 2 && memcmp (payload, "result", 6) == 0);
    say (house.manager, EMP_MSG_STOP);
    emp_feed_end (feed);
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_STOPPED, "the ticket ended once");
    cr_assert (emp_broker_dropped (house.broker) > 0);
    emp_sink_destroy (&sink);
    emp_feed_destroy (&feed);
    emp_lane_destroy (&first);
    emp_lane_destroy (&second);
    emp_session_destroy (&one);
    emp_session_destroy (&two);
    tear_down (&house);
}

Test (shell, a_worker_that_is_silent_too_long_loses_its_ticket_to_another)
{
    house_t house = build (1000, 300000); /* clients are told to beat once a second: too seldom to live */
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    emp_lane_t *first, *second;
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    cr_assert_eq (emp_lane_new (one, "q", 1, &first), EMP_OK);
    put (feed, "chunk");
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_lane_next (first, UINT64_MAX, &chunk), EMP_OK);
    emp_lane_release (chunk.frame);
    emp_core_stats_t stats;
    do
        emp_broker_stats (house.broker, &stats);
    while (stats.sessions_lost == 0);
    emp_session_t *two = worker (&house, "Process-2");
    cr_assert_eq (emp_lane_new (two, "q", 1, &second), EMP_OK);
    cr_assert_eq (emp_lane_next (second, UINT64_MAX, &chunk), EMP_OK);
    cr_assert_eq (chunk.attempt, 2);
    emp_lane_release (chunk.frame);
    emp_feed_destroy (&feed);
    emp_lane_destroy (&first);
    emp_lane_destroy (&second);
    emp_session_destroy (&one);
    emp_session_destroy (&two);
    tear_down (&house);
}

static _Atomic uint64_t told_gone; /* a session, by GONE */

static void hear_gone (void *arg, const emp_control_t *message)
{
    (void) arg;
    if (message && message->kind == EMP_MSG_GONE && message->how == EMP_HOW_SILENCE)
        atomic_store (&told_gone, message->session);
}

Test (shell, a_supervisor_is_told_of_its_worker_that_is_silent_and_of_no_other_end)
{
    house_t house = build (1000, 300000);
    /* Within the broker's process, so its own silence is none. */
    emp_session_config_t config = {.endpoint = emp_broker_inproc (house.broker),
                                   .role = EMP_ROLE_SUPERVISOR,
                                   .name = "supervisor",
                                   .timeout_ms = 5000,
                                   .on_message = hear_gone};
    emp_session_t *supervisor, *one, *two;
    cr_assert_eq (emp_session_new (&config, &supervisor, NULL), EMP_OK);
    emp_session_config_t slot = {.endpoint = emp_broker_endpoint (house.broker),
                                 .role = EMP_ROLE_WORKER,
                                 .name = "Process-1",
                                 .parent = emp_session_id (supervisor),
                                 .timeout_ms = 5000};
    cr_assert_eq (emp_session_new (&slot, &one, NULL), EMP_OK);
    emp_control_t lost = {.kind = EMP_MSG_LOST, .session = emp_session_id (one), .how = EMP_HOW_SIGNAL, .code = 9};
    cr_assert_eq (emp_session_send (supervisor, &lost), EMP_OK);
    cr_assert_eq (emp_session_new (&slot, &two, NULL), EMP_OK);
    while (atomic_load (&told_gone) == 0)
        poll (NULL, 0, 1);
    cr_assert_eq (atomic_load (&told_gone), emp_session_id (two));
    emp_session_destroy (&one);
    emp_session_destroy (&two);
    emp_session_destroy (&supervisor);
    tear_down (&house);
}

Test (shell, waits_end_when_the_broker_is_gone)
{
    house_t house = build (50, 300000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_lane_t *lane;
    cr_assert_eq (emp_lane_new (one, "q", 1, &lane), EMP_OK);
    emp_broker_destroy (&house.broker);
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_SYSTEM);
    cr_assert (emp_session_is_down (one));
    clock_t before = clock ();
    poll (NULL, 0, 200); /* what is measured: a session that is down does nothing */
    cr_assert_lt (clock () - before, CLOCKS_PER_SEC / 20);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, a_worker_that_leaves_ends_its_wait)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_lane_t *lane;
    cr_assert_eq (emp_lane_new (one, "q", 1, &lane), EMP_OK);
    emp_session_leave (one);
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_STOPPED);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, who_does_not_belong_here_is_refused)
{
    house_t house = build (1000, 5000000);
    emp_status_t status;
    cr_assert (!join (emp_broker_inproc (house.broker), EMP_ROLE_MANAGER, "another manager", 0, &status));
    cr_assert_eq (status, EMP_REFUSED);
    cr_assert (!join (emp_broker_endpoint (house.broker), EMP_ROLE_WORKER, "of another run", 4711, &status));
    cr_assert_eq (status, EMP_REFUSED);
    emp_session_t *one = worker (&house, "Process-1");
    emp_lane_t *lane;
    cr_assert_eq (emp_lane_new (one, "no such queue", 1, &lane), EMP_UNKNOWN);
    emp_session_destroy (&one);
    tear_down (&house);
}

/* What anybody may throw at a socket. */
static const struct {
    const char *bytes;
    size_t size;
} rubbish[] = {{"", 0},
               {"\xdd\x04\x00\x00\x00", 5},
               {"GET / HTTP/1.0\r\n\r\n", 18},
               {"\x93\x01\x12\x00", 4},
               {"\x93\x01\x01\x00", 4},
               {"\xc1", 1},
               {"\x98\x01\x20\x00\x00\x00\x00\xc2\x00", 9}};

Test (shell, rubbish_at_door_and_intake_is_counted_and_stops_nobody)
{
    house_t house = build (1000, 5000000);
    emp_feed_t *feed;
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    zsock_t *door = emp_socket_new (ZMQ_DEALER, 1 << 20), *intake = emp_socket_new (ZMQ_PUSH, 1 << 20);
    cr_assert_eq (emp_socket_connect (door, emp_broker_endpoint (house.broker)), EMP_OK);
    char endpoint[128];
    snprintf (endpoint, sizeof endpoint, "inproc://eisenmp-%016llx-in%u",
              (unsigned long long) emp_broker_run (house.broker), 65536u);
    cr_assert_eq (emp_socket_connect (intake, endpoint), EMP_OK);
    size_t sent = 0;
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        zmq_send (zsock_resolve (door), rubbish[i].bytes, rubbish[i].size, 0);
        zmq_send (zsock_resolve (intake), rubbish[i].bytes, rubbish[i].size, 0);
        zmq_msg_t empty;
        zmq_msg_init (&empty);
        emp_socket_send (zsock_resolve (intake), rubbish[i].bytes, rubbish[i].size, &empty, true);
        sent += 3;
    }
    while (emp_broker_dropped (house.broker) < sent)
        ;
    cr_assert_eq (emp_session_declare (house.manager, "another", 1, 0), EMP_OK, "the broker still answers");
    zsock_destroy (&door);
    zsock_destroy (&intake);
    emp_feed_destroy (&feed);
    tear_down (&house);
}

Test (shell, B13_a_full_queue_holds_its_producer_back_and_a_drain_lets_it_go)
{
    house_t house = build (1000, 5000000);
    cr_assert_eq (emp_session_declare (house.manager, "small", 2, 0), EMP_OK);
    emp_feed_t *feed;
    cr_assert_eq (emp_feed_new (house.manager, "small", "small", &feed), EMP_OK);
    put (feed, "0");
    put (feed, "1");
    emp_session_stop_feeds (house.manager);
    emp_buf_t chunk;
    emp_buf_init (&chunk, 100);
    emp_buf_append (&chunk, "2", 1);
    uint64_t number;
    cr_assert_eq (emp_feed_put (feed, &chunk, 1, UINT64_MAX, &number), EMP_STOPPED, "there was no credit for a third");
    emp_buf_release (&chunk);
    emp_core_stats_t stats;
    do
        emp_broker_stats (house.broker, &stats);
    while (stats.put < 2);
    cr_assert_eq (stats.waiting, 2);
    emp_feed_destroy (&feed);
    tear_down (&house);
}
