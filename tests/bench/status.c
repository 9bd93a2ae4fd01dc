/* SPDX-License-Identifier: BSD-3-Clause
 *
 * status.c - what a STATUS costs the broker: its thread's processor time, and how long nothing else is done, for so many queues
 * and so many worker sessions, each with a lane that holds a ticket.
 *
 *     build/bench/status QUEUES SESSIONS ROUNDS
 *
 * The sessions are bare DEALERs of one thread, without threads or processes of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../broker/broker.h"
#include "../../common/net/session.h"
#include "../../common/overview.h"
#include "../../common/scan.h"

#define TIMEOUT_MS 60000

static void must (bool good, const char *what)
{
    if (good)
        return;
    fprintf (stderr, "status: %s\n", what);
    exit (1);
}

/* A worker that holds one ticket for ever. */
typedef struct {
    zsock_t *door, *pull;
} holder_t;

static void tell (zsock_t *socket, const emp_control_t *message)
{
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    must (emp_control_encode (message, &frame) == EMP_OK, "encode");
    must (zmq_send (zsock_resolve (socket), frame.data, frame.size, 0) != -1, "send");
    emp_buf_release (&frame);
}

static void hear (zsock_t *socket, emp_kind_t kind, emp_control_t *message)
{
    do {
        static char frame[65536];
        int size = zmq_recv (zsock_resolve (socket), frame, sizeof frame, 0);
        must (size > 0 && emp_control_decode (frame, (size_t) size, message) == EMP_OK, "receive");
    } while (message->kind != kind);
}

static holder_t hold (const char *endpoint, uint64_t run, uint64_t session, const char *queue)
{
    holder_t self = {.door = emp_socket_new (ZMQ_DEALER, EMP_CONTROL_MAX), .pull = emp_socket_new (ZMQ_PULL, 65536)};
    must (self.door && self.pull && emp_socket_connect (self.door, endpoint) == EMP_OK, "connect");
    static emp_control_t message;
    emp_control_t hello = {.kind = EMP_MSG_HELLO, .session = session, .role = EMP_ROLE_WORKER, .pid = 4711};
    snprintf (hello.name, sizeof hello.name, "Process-%u", (unsigned) session);
    snprintf (hello.host, sizeof hello.host, "a-host-%u", (unsigned) session / 32);
    snprintf (hello.endpoint, sizeof hello.endpoint, "%s", endpoint);
    tell (self.door, &hello);
    hear (self.door, EMP_MSG_WELCOME, &message);
    emp_control_t lane = {.kind = EMP_MSG_OPEN_LANE, .run = run, .window = 1};
    snprintf (lane.name, sizeof lane.name, "%s", queue);
    tell (self.door, &lane);
    hear (self.door, EMP_MSG_LANE, &message);
    must (message.status == EMP_OK && emp_socket_connect (self.pull, message.endpoint) == EMP_OK, "lane");
    char bytes[64];
    while (zmq_recv (zsock_resolve (self.pull), bytes, sizeof bytes, 0) == -1 &&
           errno == EINTR) /* its ticket's header */
        ;
    return self;
}

static int by_size (const void *a, const void *b)
{
    double one = *(const double *) a, other = *(const double *) b;
    return one < other ? -1 : one > other;
}

static double seconds (clockid_t clock)
{
    struct timespec now;
    clock_gettime (clock, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

int main (int argc, char **argv)
{
    unsigned queues = argc > 1 ? (unsigned) atoi (argv[1]) : 1, sessions = argc > 2 ? (unsigned) atoi (argv[2]) : 1,
             rounds = argc > 3 ? (unsigned) atoi (argv[3]) : 100;
    char directory[] = "/tmp/emp-bench-XXXXXX", door[128];
    must (mkdtemp (directory) != NULL && queues && rounds, "QUEUES SESSIONS ROUNDS");
    snprintf (door, sizeof door, "ipc://%s/door", directory);
    emp_broker_config_t config = {
        .directory = directory, .listen = door, .beat_ms = 60000, .core = emp_core_config_default};
    config.core.dead_after = UINT64_C (3600) * 1000000; /* holders do not beat */
    emp_status_t status;
    emp_broker_t *broker = emp_broker_new (&config, &status);
    must (broker != NULL, "broker");
    emp_session_config_t manager_config = {.endpoint = emp_broker_inproc (broker),
                                           .role = EMP_ROLE_MANAGER,
                                           .name = "manager",
                                           .timeout_ms = TIMEOUT_MS},
                         watcher_config = {
                             .endpoint = door, .role = EMP_ROLE_WATCHER, .name = "watcher", .timeout_ms = TIMEOUT_MS};
    emp_session_t *manager, *watcher;
    must (emp_session_new (&manager_config, &manager, NULL) == EMP_OK, "manager");
    char name[EMP_NAME_MAX + 1] = "queue 0";
    for (unsigned i = 0; i < queues; i++) {
        snprintf (name, sizeof name, "queue %u", i);
        must (emp_session_declare (manager, name, 1000, 0) == EMP_OK, "declare");
    }
    emp_feed_t *feed;
    must (emp_feed_new (manager, "queue 0", "queue 0 (default)", &feed) == EMP_OK, "feed");
    holder_t *holders = calloc (sessions + 1, sizeof *holders);
    for (unsigned i = 0; i < sessions; i++) {
        emp_buf_t chunk;
        uint64_t number;
        emp_buf_init (&chunk, 16);
        emp_buf_append (&chunk, "\x91\x01", 2);
        must (emp_feed_put (feed, &chunk, 1, UINT64_MAX, &number) == EMP_OK, "put");
        emp_buf_release (&chunk);
        holders[i] = hold (door, emp_broker_run (broker), i + 1, "queue 0");
    }
    must (emp_session_new (&watcher_config, &watcher, NULL) == EMP_OK, "watcher");

    static uint8_t page[EMP_OVERVIEW_MAX];
    double *walls = calloc (rounds, sizeof *walls), *worst = calloc (rounds, sizeof *worst);
    size_t bytes = 0, pages = 0, held = 0;
    double reading = 0, before = seconds (CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < rounds; i++) {
        emp_overview_t overview = {0};
        uint64_t from = 0;
        do {
            size_t size;
            double begin = seconds (CLOCK_MONOTONIC), took;
            must (emp_session_overview (watcher, from, page, sizeof page, &size) == EMP_OK, "overview");
            took = seconds (CLOCK_MONOTONIC) - begin;
            walls[i] += took;
            worst[i] = took > worst[i] ? took : worst[i];
            bytes += size;
            pages++;
            begin = seconds (CLOCK_THREAD_CPUTIME_ID);
            must (emp_overview_add (&overview, page, size, &from) == EMP_OK, "page");
            reading += seconds (CLOCK_THREAD_CPUTIME_ID) - begin;
        } while (from);
        held = overview.held;
        emp_overview_release (&overview);
    }
    double processor = seconds (CLOCK_PROCESS_CPUTIME_ID) - before - reading;
    double *counts = calloc (rounds, sizeof *counts); /* the smallest question, for comparison */
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t waiting, maxsize;
        double begin = seconds (CLOCK_MONOTONIC);
        must (emp_session_count (manager, "queue 0", &waiting, &maxsize) == EMP_OK, "count");
        counts[i] = seconds (CLOCK_MONOTONIC) - begin;
    }
    qsort (counts, rounds, sizeof *counts, by_size);
    qsort (walls, rounds, sizeof *walls, by_size);
    qsort (worst, rounds, sizeof *worst, by_size);
    printf ("queues %u, sessions %u (held %zu): %.1f pages, %zu bytes; %.0f us of processor in all but reading, of the "
            "answers' way %.0f us in all, %.0f us the longest page (medians of %u); reading %.0f us; a COUNT %.0f us\n",
            queues, sessions, held, (double) pages / rounds, bytes / rounds, processor / rounds * 1e6,
            walls[rounds / 2] * 1e6, worst[rounds / 2] * 1e6, rounds, reading / rounds * 1e6, counts[rounds / 2] * 1e6);
    for (unsigned i = 0; i < sessions; i++) {
        zsock_destroy (&holders[i].door);
        zsock_destroy (&holders[i].pull);
    }
    emp_session_destroy (&watcher);
    emp_feed_destroy (&feed);
    emp_session_destroy (&manager);
    emp_broker_destroy (&broker);
    rmdir (directory);
    free (holders);
    free (walls);
    free (worst);
    free (counts);
    return 0;
}
