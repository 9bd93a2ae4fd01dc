/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gate_scale.c - what a ticket costs a broker, with few and with many workers of other hosts, over loopback TCP under CURVE.
 *
 *     gate_scale [TICKETS [WINDOW]]      10, 100 and 1000 workers
 *
 * The workers are light: all in one other process, two connections each, written against the sockets alone; they answer at
 * once. Counted is the processor time of the broker's thread and of libzmq's I/O thread in the broker's process.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/broker.h"
#include "common.h"
#include "common/net/session.h"
#include "common/thread.h"

static uint32_t window = 1; /* chunks that a worker holds: of slow work one */
#define BEAT_NS UINT64_C (1000000000)

typedef struct {
    char public[EMP_KEY_SIZE + 1], secret[EMP_KEY_SIZE + 1];
} pair_t;

static pair_t server, guest;

static void must (bool good, const char *what)
{
    if (!good)
        bench_die (what);
}

/* ---- the workers ---------------------------------------------------------------------------------------------------- */

typedef struct {
    void *door, *data;
    uint64_t session, run;
    uint32_t lane;
} light_t;

static void *dial (void *context, const char *endpoint)
{
    void *socket = zmq_socket (context, ZMQ_DEALER);
    must (socket && zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, server.public, EMP_KEY_SIZE + 1) == 0 &&
              zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, guest.public, EMP_KEY_SIZE + 1) == 0 &&
              zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, guest.secret, EMP_KEY_SIZE + 1) == 0 &&
              zmq_connect (socket, endpoint) == 0,
          "connect");
    return socket;
}

static void say (void *socket, emp_control_t *message)
{
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    must (emp_control_encode (message, &frame) == EMP_OK &&
              zmq_send (socket, frame.data, frame.size, 0) == (int) frame.size,
          "send");
    emp_buf_release (&frame);
}

static void hear (void *socket, emp_kind_t kind, emp_control_t *ret_message)
{
    uint8_t frame[16384];
    int size;
    do
        size = zmq_recv (socket, frame, sizeof frame, 0);
    while (size >= 0 &&
           (emp_control_decode (frame, (size_t) size, ret_message) != EMP_OK || ret_message->kind != kind));
    must (size >= 0, "receive");
}

static void join (light_t *self, void *context, const char *endpoint, unsigned number)
{
    static emp_control_t message;
    self->door = dial (context, endpoint);
    self->session = emp_random_id ();
    message = (emp_control_t){.kind = EMP_MSG_HELLO, .session = self->session, .role = EMP_ROLE_WORKER, .pid = 1};
    snprintf (message.name, sizeof message.name, "Process-%u", number);
    snprintf (message.endpoint, sizeof message.endpoint, "%s", endpoint);
    say (self->door, &message);
    hear (self->door, EMP_MSG_WELCOME, &message);
    self->run = message.run;
    message = (emp_control_t){.kind = EMP_MSG_OPEN_LANE, .run = self->run, .name = "q", .window = window};
    say (self->door, &message);
    hear (self->door, EMP_MSG_LANE, &message);
    self->lane = message.id;
    self->data = dial (context, endpoint);
    message = (emp_control_t){.kind = EMP_MSG_ATTACH, .run = self->run, .session = self->session, .id = self->lane};
    say (self->data, &message);
}

/* Answers one message of chunks with as many results of one byte. False: none is there. */
static bool answer (light_t *self)
{
    static emp_wire_t wire;
    static uint8_t nils[EMP_WIRE_PARTS_MAX];
    zmq_msg_t header, payload;
    zmq_msg_init (&header);
    zmq_msg_init (&payload);
    bool there = emp_socket_recv (self->data, &header, &payload, false) == EMP_OK;
    if (there &&
        emp_wire_decode (zmq_msg_data (&header), zmq_msg_size (&header), zmq_msg_size (&payload), &wire) == EMP_OK &&
        wire.kind == EMP_WIRE_CHUNKS) {
        emp_buf_t out;
        emp_buf_init (&out, EMP_WIRE_HEADER_MAX);
        memset (nils, 0xc0, sizeof nils);
        wire.kind = EMP_WIRE_DONE;
        wire.session = self->session;
        wire.window = window;
        wire.puts = 0;
        for (uint32_t i = 0; i < wire.count; i++) {
            wire.parts[i].outcome = EMP_OUTCOME_DONE;
            wire.parts[i].length = 1;
            wire.parts[i].hash = 0;
        }
        must (emp_wire_encode (&wire, &out) == EMP_OK && zmq_send (self->data, out.data, out.size, ZMQ_SNDMORE) >= 0 &&
                  zmq_send (self->data, nils, wire.count, 0) >= 0,
              "answer");
        emp_buf_release (&out);
    }
    zmq_msg_close (&header);
    zmq_msg_close (&payload);
    return there;
}

static _Noreturn void work (unsigned count, const char *endpoint)
{
    void *context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 8192);
    light_t *all = calloc (count, sizeof *all);
    int poll = epoll_create1 (EPOLL_CLOEXEC);
    must (all && poll >= 0, "workers");
    for (unsigned i = 0; i < count; i++) {
        int fd;
        join (&all[i], context, endpoint, i + 1);
        must (zmq_getsockopt (all[i].data, ZMQ_FD, &fd, &(size_t){sizeof fd}) == 0 &&
                  epoll_ctl (poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.u32 = i}) == 0,
              "epoll");
    }
    for (uint64_t beat = 0;;) {
        struct epoll_event events[256];
        int n = epoll_wait (poll, events, 256, 100);
        for (int k = 0; k < n; k++)
            while (answer (&all[events[k].data.u32])) /* until it finds nothing: emp_socket_fd */
                ;
        uint64_t now = bench_now ();
        for (unsigned i = 0; i < count && now - beat > BEAT_NS; i++) {
            emp_control_t alive = {.kind = EMP_MSG_BEAT, .run = all[i].run};
            say (all[i].door, &alive);
            while (answer (&all[i]))
                ;
        }
        beat = now - beat > BEAT_NS ? now : beat;
    }
}

/* ---- the broker ------------------------------------------------------------------------------------------------------- */

static bool allows (void *arg, const char *key, emp_role_t role)
{
    (void) arg, (void) role;
    return strcmp (key, guest.public) == 0;
}

static bool has_changed (void *arg)
{
    (void) arg;
    return false;
}

/* Nanoseconds on a processor of the threads whose name begins so. */
static uint64_t time_of (const char *name)
{
    uint64_t sum = 0;
    DIR *tasks = opendir ("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir (tasks));) {
        char path[300], comm[32] = "";
        uint64_t ns = 0;
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen (path, "r");
        if (file && fgets (comm, sizeof comm, file) && strncmp (comm, name, strlen (name)) == 0) {
            fclose (file);
            snprintf (path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
            file = fopen (path, "r");
            if (file && fscanf (file, "%lu", &ns) == 1)
                sum += ns;
        }
        if (file)
            fclose (file);
    }
    closedir (tasks);
    return sum;
}

typedef struct {
    emp_feed_t *feed;
    uint64_t tickets;
} feeder_t;

static void *feed (void *arg)
{
    feeder_t *self = arg;
    emp_buf_t chunk;
    uint64_t number;
    emp_buf_init (&chunk, 1024);
    for (uint64_t i = 0; i < self->tickets; i++) {
        emp_buf_append (&chunk, "\x91\xc0", 2);
        must (emp_feed_put (self->feed, &chunk, 1, UINT64_MAX, &number) == EMP_OK, "put");
    }
    emp_buf_release (&chunk);
    return NULL;
}

static void until_joined (emp_broker_t *broker, unsigned count)
{
    emp_core_stats_t stats;
    do {
        usleep (1000);
        emp_broker_stats (broker, &stats);
    } while (stats.lanes < count);
}

static double measure (unsigned count, uint64_t tickets)
{
    emp_broker_config_t config = {
        .beat_ms = 1000,
        .core = emp_core_config_default,
        .gate = {.listen = "tcp://127.0.0.1:*", .secret = server.secret, .allows = allows, .has_changed = has_changed}};
    int ends[2];
    char endpoint[EMP_ENDPOINT_MAX + 1] = "";
    must (pipe (ends) == 0, "pipe");
    pid_t pid = bench_fork (); /* before there is a context */
    if (pid == 0) {
        must (read (ends[0], endpoint, sizeof endpoint) > 0, "endpoint");
        work (count, endpoint);
    }
    emp_status_t status;
    emp_broker_t *broker = emp_broker_new (&config, &status);
    must (broker && write (ends[1], emp_broker_gate (broker), strlen (emp_broker_gate (broker)) + 1) > 0, "broker");
    emp_session_t *manager;
    emp_sink_t *sink;
    feeder_t feeder = {.tickets = tickets};
    pthread_t thread;
    emp_session_config_t session = {
        .endpoint = emp_broker_inproc (broker), .role = EMP_ROLE_MANAGER, .name = "manager", .timeout_ms = 5000};
    must (emp_session_new (&session, &manager, NULL) == EMP_OK &&
              emp_session_declare (manager, "q", 100000, UINT64_C (1) << 30) == EMP_OK &&
              emp_sink_new (manager, &sink) == EMP_OK && emp_feed_new (manager, "q", "q", &feeder.feed) == EMP_OK,
          "manager");
    emp_control_t job = {.kind = EMP_MSG_JOB, .blob = "\x80", .blob_size = 1}; /* before it other hosts are not heard */
    must (emp_session_send (manager, &job) == EMP_OK, "job");
    until_joined (broker, count);
    uint64_t before = time_of ("emp-broker") + time_of ("ZMQbg/IO"), began = bench_now ();
    must (emp_thread_start (&thread, "bench-feed", feed, &feeder), "thread");
    const emp_wire_t *wire;
    const uint8_t *payload;
    for (uint64_t got = 0; got < tickets; got += wire->count)
        must (emp_sink_next (sink, &wire, &payload) == EMP_OK, "results");
    double ns = (double) (time_of ("emp-broker") + time_of ("ZMQbg/IO") - before) / (double) tickets;
    printf ("%4u workers: %.0f ns of the broker's processor time a ticket, %.0f k tickets/s\n", count, ns,
            (double) tickets * 1e6 / (double) (bench_now () - began));
    pthread_join (thread, NULL);
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    emp_feed_destroy (&feeder.feed);
    emp_sink_destroy (&sink);
    emp_session_destroy (&manager);
    emp_broker_destroy (&broker);
    return ns;
}

int main (int argc, char **argv)
{
    uint64_t tickets = argc > 1 ? strtoull (argv[1], NULL, 10) : 500000;
    window = argc > 2 ? (uint32_t) strtoul (argv[2], NULL, 10) : window;
    static const unsigned counts[] = {10, 100, 1000};
    emp_thread_files (16384);
    must (zmq_curve_keypair (server.public, server.secret) == 0 && zmq_curve_keypair (guest.public, guest.secret) == 0,
          "keys");
    double ns[3];
    for (size_t i = 0; i < 3; i++) {
        /* A process each: a context lives as long as its process. */
        int ends[2];
        must (pipe (ends) == 0, "pipe");
        fflush (stdout);
        pid_t pid = fork ();
        if (pid == 0) {
            ns[i] = measure (counts[i], tickets);
            fflush (stdout);
            (void) !write (ends[1], &ns[i], sizeof ns[i]);
            _exit (0);
        }
        must (pid > 0 && read (ends[0], &ns[i], sizeof ns[i]) == sizeof ns[i], "a measurement");
        waitpid (pid, NULL, 0);
        close (ends[0]);
        close (ends[1]);
    }
    printf ("1000 workers against 10: %.2f\n", ns[2] / ns[0]);
    return 0;
}
