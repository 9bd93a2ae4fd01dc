/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ventilator.c - what a user would write on bare ZeroMQ: the Guide's ventilator, workers and sink over PUSH/PULL and
 * ipc, with the window of the other programs. Nobody knows who holds what: a worker that dies takes its tickets along.
 *
 * Ventilator and sink are one thread of the client. The codec's bytes are one message, given to libzmq without a copy.
 */
#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

typedef struct {
    void *context, *push, *pull;
} sockets_t;

/* BENCH_TCP: over tcp and under CURVE; without an answerer of ZAP every key is let in, which costs the same. */
static struct {
    bool on;
    char server_public[41], server_secret[41], public[41], secret[41];
} curve;

static void be_server (void *socket)
{
    int one = 1;
    if (curve.on && (zmq_setsockopt (socket, ZMQ_CURVE_SERVER, &one, sizeof one) != 0 ||
                     zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, curve.server_secret, 41) != 0))
        bench_die ("CURVE");
}

static void be_client (void *socket)
{
    if (curve.on && (zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, curve.server_public, 41) != 0 ||
                     zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, curve.public, 41) != 0 ||
                     zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, curve.secret, 41) != 0))
        bench_die ("CURVE");
}

static void *socket_new (void *context, int type)
{
    int none = 0;
    void *self = zmq_socket (context, type);
    if (!self || zmq_setsockopt (self, ZMQ_LINGER, &none, sizeof none) != 0)
        bench_die ("zmq_socket");
    return self;
}

static void sockets_close (sockets_t *self)
{
    zmq_close (self->push);
    zmq_close (self->pull);
    zmq_ctx_term (self->context);
}

static void release (void *data, void *hint)
{
    (void) hint;
    free (data);
}

static void send_buf (void *push, bench_buf_t *buf)
{
    zmq_msg_t msg;
    if (zmq_msg_init_data (&msg, buf->data, buf->size, release, NULL) != 0 || zmq_msg_send (&msg, push, 0) < 0)
        bench_die ("zmq_msg_send");
    *buf = (bench_buf_t){0};
}

/* ---- worker ----------------------------------------------------------------------------------------------------- */

static _Noreturn void worker (bench_work_t work, const char *tickets, const char *results)
{
    void *context = zmq_ctx_new ();
    void *pull = socket_new (context, ZMQ_PULL);
    void *push = socket_new (context, ZMQ_PUSH);
    bench_buf_t out = {0};
    zmq_msg_t msg;
    msgpack_zone zone;
    msgpack_zone_init (&zone, MSGPACK_ZONE_CHUNK_SIZE);
    zmq_msg_init (&msg);
    be_client (pull);
    be_client (push);

    if (zmq_connect (pull, tickets) != 0 || zmq_connect (push, results) != 0)
        bench_die ("zmq_connect");
    while (zmq_msg_recv (&msg, pull, 0) >= 0) {
        out.size = 0;
        bench_answer (work, zmq_msg_data (&msg), zmq_msg_size (&msg), &zone, &out);
        if (zmq_send (push, out.data, out.size, 0) < 0)
            break;
    }
    _exit (1); /* its end is a signal */
}

/* ---- client ----------------------------------------------------------------------------------------------------- */

static void send_ticket (void *push, const bench_args_t *args, uint64_t ticket)
{
    bench_buf_t buf = {0};
    msgpack_packer pk;
    bench_buf_reserve (&buf, bench_ticket_room (args, ticket));
    msgpack_packer_init (&pk, &buf, bench_buf_write);
    bench_pack_ticket (args, ticket, &pk);
    send_buf (push, &buf);
}

/* One result; false when none is there and `wait` is false. */
static bool recv_result (void *pull, bool wait, msgpack_zone *zone, uint64_t *ret_ticket, uint64_t *ret_value)
{
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    if (zmq_msg_recv (&msg, pull, wait ? 0 : ZMQ_DONTWAIT) < 0) {
        if (errno != EAGAIN)
            bench_die ("zmq_msg_recv");
        return false;
    }
    bench_unpack_result (zmq_msg_data (&msg), zmq_msg_size (&msg), zone, ret_ticket, ret_value);
    zmq_msg_close (&msg);
    return true;
}

/* PUSH deals to whom it knows: asks who is there until every worker has said so. */
static void await_workers (const sockets_t *sockets, msgpack_zone *zone, const pid_t *pids)
{
    bool here[BENCH_WORKERS] = {false};
    uint64_t ticket, pid;
    for (int missing = BENCH_WORKERS; missing;) {
        bench_buf_t buf = {0};
        bench_buf_write (&buf, "\x92\x00\x90", 3); /* [0, []] */
        send_buf (sockets->push, &buf);
        recv_result (sockets->pull, true, zone, &ticket, &pid);
        for (int i = 0; i < BENCH_WORKERS; i++)
            if ((uint64_t) pids[i] == pid && !here[i]) {
                here[i] = true;
                missing--;
            }
    }
}

static void throughput (const bench_args_t *args, const sockets_t *sockets, bench_run_t *run, msgpack_zone *zone)
{
    uint64_t tickets = bench_tickets (args), sent = 0, ticket, value;
    while (run->count < tickets) {
        while (sent < tickets && sent - run->count < args->window)
            send_ticket (sockets->push, args, sent++);
        for (bool wait = true; run->count < sent && recv_result (sockets->pull, wait, zone, &ticket, &value);
             wait = false)
            bench_run_file (run, ticket, value);
    }
}

static void latency (const bench_args_t *args, const sockets_t *sockets, bench_run_t *run, msgpack_zone *zone)
{
    uint64_t ticket, value;
    for (uint64_t i = 0; i < bench_tickets (args); i++) {
        uint64_t began = bench_now ();
        send_ticket (sockets->push, args, i);
        recv_result (sockets->pull, true, zone, &ticket, &value);
        bench_run_file (run, ticket, value);
        bench_run_sample (run, i, began);
    }
}

static void sockets_open (sockets_t *self, const char *tickets, const char *results)
{
    self->context = zmq_ctx_new ();
    self->push = socket_new (self->context, ZMQ_PUSH);
    self->pull = socket_new (self->context, ZMQ_PULL);
    be_server (self->push);
    be_server (self->pull);
    if (zmq_bind (self->push, tickets) != 0 || zmq_bind (self->pull, results) != 0)
        bench_die ("zmq_bind");
}

int main (int argc, char **argv)
{
    bench_args_t args;
    bench_run_t run;
    sockets_t sockets;
    pid_t pids[BENCH_WORKERS];
    msgpack_zone zone;
    char folder[] = "/tmp/bench-XXXXXX", tickets[64], results[64];

    bench_args (&args, argc, argv);
    if (!mkdtemp (folder))
        bench_die (folder);
    snprintf (tickets, sizeof tickets, "ipc://%s/tickets", folder);
    snprintf (results, sizeof results, "ipc://%s/results", folder);
    if (getenv ("BENCH_TCP")) {
        unsigned port = (unsigned) atoi (getenv ("BENCH_TCP"));
        curve.on = true;
        snprintf (tickets, sizeof tickets, "tcp://127.0.0.1:%u", port);
        snprintf (results, sizeof results, "tcp://127.0.0.1:%u", port + 1);
        if (zmq_curve_keypair (curve.server_public, curve.server_secret) != 0 ||
            zmq_curve_keypair (curve.public, curve.secret) != 0)
            bench_die ("CURVE");
    }
    for (int i = 0; i < BENCH_WORKERS; i++) /* before there is a context */
        if ((pids[i] = bench_fork ()) == 0)
            worker (args.work, tickets, results);
    bench_run_init (&run, &args);
    msgpack_zone_init (&zone, MSGPACK_ZONE_CHUNK_SIZE);
    sockets_open (&sockets, tickets, results);
    await_workers (&sockets, &zone, pids);

    bench_run_begin (&run);
    if (args.latency)
        latency (&args, &sockets, &run, &zone);
    else
        throughput (&args, &sockets, &run, &zone);
    bench_run_end (&run);

    for (int i = 0; i < BENCH_WORKERS; i++)
        kill (pids[i], SIGKILL);
    while (wait (NULL) > 0)
        ;
    sockets_close (&sockets);
    if (!curve.on) {
        unlink (tickets + strlen ("ipc://"));
        unlink (results + strlen ("ipc://"));
    }
    rmdir (folder);
    msgpack_zone_destroy (&zone);
    bench_run_report (&run);
    return 0;
}
