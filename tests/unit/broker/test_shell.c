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
#include "common/hash.h"
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

static uint64_t put (emp_feed_t *feed, const char *bytes)
{
    emp_buf_t chunk;
    emp_buf_init (&chunk, 1 << 20);
    emp_buf_append (&chunk, bytes, strlen (bytes));
    uint64_t number;
    cr_assert_eq (emp_feed_put (feed, &chunk, 1, UINT64_MAX, &number), EMP_OK);
    emp_buf_release (&chunk);
    return number;
}

static void finish (emp_lane_t *lane, emp_lane_chunk_t *chunk, const char *result, uint64_t busy_us)
{
    emp_buf_t bytes;
    emp_buf_init (&bytes, 1 << 20);
    emp_buf_append (&bytes, result, strlen (result));
    emp_lane_end_t end = {.ticket = chunk->ticket,
                          .attempt = chunk->attempt,
                          .outcome = EMP_OUTCOME_DONE,
                          .hash = emp_hash (chunk->data, chunk->size),
                          .busy_us = busy_us};
    cr_assert_eq (emp_lane_done (lane, &end, &bytes), EMP_OK);
    emp_buf_release (&bytes);
    emp_lane_release (chunk->frame);
}

static void say (emp_session_t *session, emp_kind_t kind)
{
    emp_control_t message = {.kind = kind};
    cr_assert_eq (emp_session_send (session, &message), EMP_OK);
}

/* Of the first queue that was declared. */
static zsock_t *intake_of (const house_t *house)
{
    zsock_t *intake = emp_socket_new (ZMQ_PUSH, 1 << 20);
    char endpoint[128];
    snprintf (endpoint, sizeof endpoint, "inproc://eisenmp-%016llx-in%u",
              (unsigned long long) emp_broker_run (house->broker), 65536u);
    cr_assert_eq (emp_socket_connect (intake, endpoint), EMP_OK);
    return intake;
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
    cr_assert (chunk.from == 0 && chunk.count == 1, "all rows of a chunk that was not halved");
    finish (lane, &chunk, "result", 5000);
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    cr_assert (wire->count == 1 && wire->parts[0].number == 0 && wire->parts[0].outcome == EMP_OUTCOME_DONE);
    cr_assert (wire->parts[0].length == 6 && memcmp (payload, "result", 6) == 0);
    cr_assert (wire->parts[0].rows == 1 && wire->parts[0].from == 0 && wire->parts[0].left == 0);
    cr_assert_eq (wire->parts[0].session, emp_session_id (one));
    cr_assert_eq (wire->parts[0].hash, emp_hash ("chunk", 5));
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

Test (shell, B13_a_put_that_does_not_wait_succeeds_where_there_is_room)
{
    house_t house = build (1000, 60000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    cr_assert_eq (emp_session_declare (house.manager, "small", 3, 0), EMP_OK);
    cr_assert_eq (emp_feed_new (one, "small", "small", &feed), EMP_OK);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (try_put (feed, 0), EMP_OK);
    cr_assert_eq (try_put (feed, 0), EMP_TIMEOUT);
    cr_assert_eq (try_put (feed, emp_now () + 20000), EMP_TIMEOUT, "it is full");
    emp_feed_destroy (&feed);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, B13_a_put_that_gave_up_waiting_leaves_the_place_to_others)
{
    house_t house = build (1000, 60000000);
    emp_session_t *one = worker (&house, "Process-1"), *two = worker (&house, "Process-2");
    emp_feed_t *first, *second;
    emp_lane_t *lane;
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_session_declare (house.manager, "single", 1, 0), EMP_OK);
    cr_assert_eq (emp_feed_new (one, "single", "single", &first), EMP_OK);
    cr_assert_eq (emp_feed_new (two, "single", "single", &second), EMP_OK);
    cr_assert_eq (try_put (first, 0), EMP_OK);
    cr_assert_eq (try_put (first, emp_now () + 20000), EMP_TIMEOUT);
    cr_assert_eq (try_put (first, 0), EMP_TIMEOUT);
    cr_assert_eq (emp_lane_new (two, "single", 1, &lane), EMP_OK);
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_OK);
    cr_assert_eq (try_put (second, emp_now () + 5000000), EMP_OK, "the first one's that waits no longer");
    finish (lane, &chunk, "result", 5000);
    emp_feed_destroy (&first);
    emp_feed_destroy (&second);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    emp_session_destroy (&two);
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

Test (shell, a_lost_workers_ticket_goes_to_another_and_of_their_results_one_is_taken)
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
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    cr_assert (wire->parts[0].attempt == 1 && memcmp (payload, "from the dead", 13) == 0);
    finish (second, &again, "result", 5000);
    say (house.manager, EMP_MSG_STOP);
    emp_feed_end (feed);
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_STOPPED, "the ticket ended once");
    emp_core_stats_t stats;
    emp_broker_stats (house.broker, &stats);
    cr_assert (stats.late + stats.fenced > 0);
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
               {"\x93\x02\x12\x00", 4},
               {"\x93\x02\x01\x00", 4},
               {"\x93\x01\x12\x00", 4}, /* of version 1 */
               {"\xc1", 1},
               {"\x99\x02\x20\x00\x00\x00\x00\x00\xc2\x00", 10}};

Test (shell, rubbish_at_door_and_intake_is_counted_and_stops_nobody)
{
    house_t house = build (1000, 5000000);
    emp_feed_t *feed;
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    zsock_t *door = emp_socket_new (ZMQ_DEALER, 1 << 20), *intake = intake_of (&house);
    cr_assert_eq (emp_socket_connect (door, emp_broker_endpoint (house.broker)), EMP_OK);
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

/* ---- numbers that are passed over -------------------------------------------------------------------------------- */

/* The next chunks and their results have these numbers, in this order; a chunk's one byte is its number, and its result. */
static void expect_numbers (emp_lane_t *lane, emp_sink_t *sink, const char *numbers)
{
    size_t count = strlen (numbers), seen = 0;
    for (size_t i = 0; i < count; i++) {
        emp_lane_chunk_t chunk;
        cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_OK);
        cr_assert (chunk.size == 1 && chunk.number == (uint64_t) (*(const char *) chunk.data - '0'));
        finish (lane, &chunk, (char[]){*(const char *) chunk.data, '\0'}, 5000);
    }
    while (seen < count) {
        const emp_wire_t *wire;
        const uint8_t *payload;
        cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
        for (uint32_t i = 0; i < wire->count; i++, seen++)
            cr_assert (wire->parts[i].number == (uint64_t) (numbers[seen] - '0') &&
                       payload[i] == (uint8_t) numbers[seen]);
    }
    cr_assert_eq (seen, count);
}

Test (shell, numbers_that_are_skipped_are_no_tickets_and_all_others_come_back_with_theirs)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    emp_lane_t *lane;
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    cr_assert_eq (emp_lane_new (one, "q", 1, &lane), EMP_OK);
    cr_assert_eq (emp_feed_skip (feed), EMP_OK);
    cr_assert_eq (emp_feed_skip (feed), EMP_OK);
    cr_assert_eq (put (feed, "2"), 2);
    cr_assert_eq (put (feed, "3"), 3);
    cr_assert_eq (emp_feed_skip (feed), EMP_OK);
    cr_assert_eq (put (feed, "5"), 5);
    expect_numbers (lane, sink, "235");
    cr_assert_eq (emp_feed_skip (feed), EMP_OK, "also behind the last");
    emp_feed_end (feed);
    cr_assert_eq (emp_feed_skip (feed), EMP_STATE, "it has ended");
    say (house.manager, EMP_MSG_STOP);
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_STOPPED, "nobody waits for those that were skipped");
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_STOPPED);
    emp_core_stats_t stats;
    emp_broker_stats (house.broker, &stats);
    cr_assert (stats.put == 3 && stats.answered == 3);
    cr_assert_eq (emp_broker_dropped (house.broker), 0);
    emp_sink_destroy (&sink);
    emp_feed_destroy (&feed);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, B13_numbers_that_are_skipped_use_no_credit)
{
    house_t house = build (1000, 5000000);
    emp_feed_t *feed;
    cr_assert_eq (emp_session_declare (house.manager, "small", 2, 0), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "small", "small", &feed), EMP_OK);
    for (uint64_t number = 0; number < 1000; number++)
        cr_assert_eq (emp_feed_skip (feed), EMP_OK);
    cr_assert_eq (put (feed, "0"), 1000);
    for (uint64_t number = 0; number < 1000; number++)
        cr_assert_eq (emp_feed_skip (feed), EMP_OK);
    cr_assert_eq (put (feed, "1"), 2001);
    emp_core_stats_t stats;
    do
        emp_broker_stats (house.broker, &stats);
    while (stats.put < 2);
    cr_assert_eq (try_put (feed, 0), EMP_TIMEOUT, "a third has no room");
    cr_assert_eq (emp_broker_dropped (house.broker), 0);
    emp_feed_destroy (&feed);
    tear_down (&house);
}

Test (shell, a_feed_that_only_skips_ends_and_so_does_its_queue)
{
    house_t house = build (1000, 5000000);
    emp_feed_t *feed;
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    for (uint64_t number = 0; number < 3; number++)
        cr_assert_eq (emp_feed_skip (feed), EMP_OK);
    emp_feed_end (feed);
    say (house.manager, EMP_MSG_STOP);
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_STOPPED);
    cr_assert_eq (emp_broker_dropped (house.broker), 0);
    emp_sink_destroy (&sink);
    emp_feed_destroy (&feed);
    tear_down (&house);
}

/* A PUT of one chunk, as anybody could write it; the chunk is the ticket's number. */
static void put_raw (zsock_t *intake, const house_t *house, uint64_t session, const emp_feed_t *feed, uint64_t first,
                     uint64_t skipped)
{
    static emp_wire_t wire;
    wire = (emp_wire_t){.kind = EMP_WIRE_PUT,
                        .run = emp_broker_run (house->broker),
                        .session = session,
                        .feed = emp_feed_id (feed),
                        .first = first,
                        .skipped = skipped,
                        .count = 1};
    wire.parts[0] = (emp_part_t){.length = 1, .rows = 1};
    emp_buf_t header;
    emp_buf_init (&header, EMP_WIRE_HEADER_MAX);
    cr_assert_eq (emp_wire_encode (&wire, &header), EMP_OK);
    zmq_msg_t payload;
    zmq_msg_init_size (&payload, 1);
    *(char *) zmq_msg_data (&payload) = (char) ('0' + first);
    cr_assert_eq (emp_socket_send (zsock_resolve (intake), header.data, header.size, &payload, true), EMP_OK);
    emp_buf_release (&header);
}

static void await_dropped (const house_t *house, uint64_t count)
{
    while (emp_broker_dropped (house->broker) < count)
        ;
    cr_assert_eq (emp_broker_dropped (house->broker), count);
}

static void await_put (const house_t *house, uint64_t count)
{
    emp_core_stats_t stats;
    do
        emp_broker_stats (house->broker, &stats);
    while (stats.put < count);
    cr_assert_eq (stats.put, count);
}

/* An ending that says that one ticket was put. */
static void done_raw (zsock_t *intake, const house_t *house, uint64_t session, const emp_lane_chunk_t *chunk,
                      uint64_t ticket)
{
    emp_wire_t wire = {.kind = EMP_WIRE_DONE,
                       .run = emp_broker_run (house->broker),
                       .session = session,
                       .lane = 65536, /* the first lane of all */
                       .window = 1,
                       .puts = 1,
                       .count = 1};
    wire.parts[0] = (emp_part_t){.ticket = ticket, .attempt = chunk->attempt};
    emp_buf_t header;
    emp_buf_init (&header, EMP_WIRE_HEADER_MAX);
    cr_assert_eq (emp_wire_encode (&wire, &header), EMP_OK);
    zmq_msg_t payload;
    zmq_msg_init (&payload);
    cr_assert_eq (emp_socket_send (zsock_resolve (intake), header.data, header.size, &payload, true), EMP_OK);
    emp_buf_release (&header);
}

/* Of a ticket that another has answered meanwhile an ending may lie there too, so there may be more of them than tickets held. */
Test (shell, endings_that_wait_for_puts_may_be_more_than_the_tickets_that_are_held)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed, *own;
    emp_lane_t *lane;
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    cr_assert_eq (emp_lane_new (one, "q", 1, &lane), EMP_OK);
    cr_assert_eq (emp_feed_new (one, "q", "q", &own), EMP_OK);
    put (feed, "chunk");
    emp_lane_chunk_t chunk;
    cr_assert_eq (emp_lane_next (lane, UINT64_MAX, &chunk), EMP_OK);
    zsock_t *intake = intake_of (&house);
    done_raw (intake, &house, emp_session_id (one), &chunk,
              chunk.ticket + (UINT64_C (2) << 32)); /* one that has ended */
    done_raw (intake, &house, emp_session_id (one), &chunk, chunk.ticket);
    put_raw (intake, &house, emp_session_id (one), own, 0, 0); /* without credit: not taken, and seen all the same */
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    cr_assert_eq (wire->parts[0].number, 0);
    emp_lane_release (chunk.frame);
    zsock_destroy (&intake);
    emp_sink_destroy (&sink);
    emp_feed_destroy (&own);
    emp_feed_destroy (&feed);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, a_workers_feed_may_not_skip)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    cr_assert_eq (emp_feed_new (one, "q", "q", &feed), EMP_OK);
    cr_assert_eq (emp_feed_skip (feed), EMP_STATE);
    cr_assert_eq (try_put (feed, 0), EMP_OK, "it asks for credit, and gets more than for one");
    await_put (&house, 1);
    zsock_t *intake = intake_of (&house);
    put_raw (intake, &house, emp_session_id (one), feed, 2, 1);
    await_dropped (&house, 1);
    put_raw (intake, &house, emp_session_id (one), feed, 1, 0); /* there is credit, and nothing else was wrong */
    await_put (&house, 2);
    cr_assert_eq (emp_broker_dropped (house.broker), 1);
    zsock_destroy (&intake);
    emp_feed_destroy (&feed);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, a_put_that_skips_fewer_than_before_or_is_out_of_turn_is_dropped)
{
    house_t house = build (1000, 5000000);
    emp_session_t *one = worker (&house, "Process-1");
    emp_feed_t *feed;
    emp_lane_t *lane;
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    zsock_t *intake = intake_of (&house);
    uint64_t manager = emp_session_id (house.manager);
    put_raw (intake, &house, manager, feed, 3, 3);
    put_raw (intake, &house, manager, feed, 3, 2); /* fewer, and 3 was put */
    put_raw (intake, &house, manager, feed, 1, 0);
    put_raw (intake, &house, manager, feed, 5, 3); /* 4 was neither put nor skipped */
    put_raw (intake, &house, manager, feed, 3, 3); /* again */
    put_raw (intake, &house, manager, feed, 4, 4); /* 3 was put, not skipped */
    await_dropped (&house, 5);
    put_raw (intake, &house, manager, feed, 4, 3);
    put_raw (intake, &house, manager, feed, 7, 5);
    await_put (&house, 3);
    cr_assert_eq (emp_lane_new (one, "q", 1, &lane), EMP_OK);
    expect_numbers (lane, sink, "347");
    cr_assert_eq (emp_broker_dropped (house.broker), 5);
    zsock_destroy (&intake);
    emp_sink_destroy (&sink);
    emp_feed_destroy (&feed);
    emp_lane_destroy (&lane);
    emp_session_destroy (&one);
    tear_down (&house);
}

Test (shell, a_feed_whose_socket_cannot_be_had_is_waited_for_by_nobody)
{
    house_t house = build (1000, 5000000);
    char away[80];
    snprintf (away, sizeof away, "%s-away", house.directory);
    cr_assert_eq (rename (house.directory, away), 0);
    cr_assert_eq (emp_session_declare (house.manager, "r", 100, 0), EMP_SYSTEM, "there is no folder for its socket");
    emp_feed_t *feed;
    cr_assert_eq (emp_feed_new (house.manager, "r", "r", &feed), EMP_SYSTEM);
    cr_assert_eq (rename (away, house.directory), 0);
    emp_sink_t *sink;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    say (house.manager, EMP_MSG_STOP);
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_more (sink, emp_now () + 5000000, &wire, &payload), EMP_STOPPED);
    emp_sink_destroy (&sink);
    tear_down (&house);
}

/* ---- who is killed in the end ------------------------------------------------------------------------------------ */

static _Atomic int gone_how = -1;
static _Atomic bool told_kill;

static void hear_end (void *arg, const emp_control_t *message)
{
    (void) arg;
    if (message && message->kind == EMP_MSG_GONE)
        atomic_store (&gone_how, (int) message->how);
    if (message && message->kind == EMP_MSG_KILL)
        atomic_store (&told_kill, true);
}

static emp_session_t *enter (const house_t *house, emp_role_t role, uint64_t parent)
{
    emp_session_config_t config = {.endpoint = role == EMP_ROLE_WORKER ? emp_broker_endpoint (house->broker)
                                                                       : emp_broker_inproc (house->broker),
                                   .role = role,
                                   .name = "one",
                                   .parent = parent,
                                   .timeout_ms = 5000,
                                   .on_message = hear_end};
    emp_session_t *session;
    cr_assert_eq (emp_session_new (&config, &session, NULL), EMP_OK);
    return session;
}

/* A worker is at a ticket that another has answered when all is done, and its supervisor is told to kill it. Returns how it has
 * ended for the manager when it is told that it died so, at that ticket or at none. */
static int end_of_the_overtaken (uint32_t code, bool at_it)
{
    house_t house = build (1000, 5000000);
    emp_session_destroy (&house.manager);
    house.manager = enter (&house, EMP_ROLE_MANAGER, 0);
    emp_session_t *supervisor = enter (&house, EMP_ROLE_SUPERVISOR, 0);
    emp_session_t *slow = enter (&house, EMP_ROLE_WORKER, emp_session_id (supervisor));
    emp_session_t *fast = enter (&house, EMP_ROLE_WORKER, emp_session_id (supervisor));
    emp_sink_t *sink;
    emp_feed_t *feed;
    emp_lane_t *first, *second;
    emp_lane_chunk_t chunk, copy;
    const emp_wire_t *wire;
    const uint8_t *payload;
    cr_assert_eq (emp_sink_new (house.manager, &sink), EMP_OK);
    cr_assert_eq (emp_feed_new (house.manager, "q", "q", &feed), EMP_OK);
    cr_assert_eq (emp_lane_new (slow, "q", 1, &first), EMP_OK);
    put (feed, "chunk");
    emp_feed_destroy (&feed);
    say (house.manager, EMP_MSG_STOP);
    cr_assert_eq (emp_lane_next (first, UINT64_MAX, &chunk), EMP_OK);
    cr_assert_eq (emp_lane_new (fast, "q", 1, &second), EMP_OK);
    cr_assert_eq (emp_lane_next (second, UINT64_MAX, &copy), EMP_OK);
    finish (second, &copy, "result", 1000);
    cr_assert_eq (emp_sink_next (sink, &wire, &payload), EMP_OK);
    while (!atomic_load (&told_kill))
        poll (NULL, 0, 1);
    emp_control_t lost = {.kind = EMP_MSG_LOST,
                          .session = emp_session_id (slow),
                          .name = "one",
                          .how = EMP_HOW_SIGNAL,
                          .code = code,
                          .window = at_it ? chunk.ticket : EMP_TICKET_NONE};
    cr_assert_eq (emp_session_send (supervisor, &lost), EMP_OK);
    int how;
    while ((how = atomic_load (&gone_how)) < 0) /* the next one is of who leaves below */
        poll (NULL, 0, 1);
    emp_lane_release (chunk.frame);
    emp_sink_destroy (&sink);
    emp_lane_destroy (&first);
    emp_lane_destroy (&second);
    emp_session_destroy (&slow);
    emp_session_destroy (&fast);
    emp_session_destroy (&supervisor);
    tear_down (&house);
    return how;
}

Test (shell, who_is_killed_since_nobody_needs_it_is_no_loss)
{
    cr_assert_eq (end_of_the_overtaken (9, true), EMP_HOW_BYE);
}

Test (shell, who_was_to_be_killed_and_crashes_is_a_loss)
{
    cr_assert_eq (end_of_the_overtaken (11, true), EMP_HOW_SIGNAL);
}

Test (shell, who_was_to_be_killed_and_is_killed_later_at_something_else_is_a_loss)
{
    cr_assert_eq (end_of_the_overtaken (9, false), EMP_HOW_SIGNAL);
}
