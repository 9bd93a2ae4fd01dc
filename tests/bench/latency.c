/* SPDX-License-Identifier: BSD-3-Clause
 *
 * latency.c - ours, one ticket at a time. A program that uses the public interface learns of results at the end only,
 * so this one is written against the rooms themselves: an embedded broker, a manager's session with one feed and the
 * sink in one thread, and the worker program with its slots on the other side of an ipc door.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../broker/broker.h"
#include "../../common/net/session.h"
#include "../../common/scan.h"
#include "../../manager/config.h"
#include "common.h"

#define QUEUE_SIZE 1000
#define WARM_TICKETS (2 * BENCH_WORKERS)
#define TIMEOUT_MS 10000

typedef struct {
    bench_args_t args;
    bench_ready_t ready;
    char door[EMP_ENDPOINT_MAX + 1];
    emp_broker_t *broker;
    emp_session_t *session;
    emp_feed_t *feed;
    emp_sink_t *sink;
    pid_t supervisor;
} world_t;

static void must (emp_status_t status, const char *what)
{
    if (status == EMP_OK)
        return;
    fprintf (stderr, "latency: %s: %s\n", what, emp_status_text (status));
    exit (1);
}

/* ---- the world around the clock --------------------------------------------------------------------------------- */

static void start_broker (world_t *self)
{
    snprintf (self->door, sizeof self->door, "ipc://%s/door", self->ready.folder);
    emp_status_t status = EMP_OK;
    emp_broker_config_t config = {
        .directory = self->ready.folder, .listen = self->door, .beat_ms = 1000, .core = emp_core_config_default};
    self->broker = emp_broker_new (&config, &status);
    if (!self->broker)
        must (status, "broker");
}

/* The job that the workers get with their welcome. */
static void send_job (world_t *self)
{
    emp_config_t config;
    emp_buf_t buf;
    msgpack_packer pk;

    emp_config_init (&config);
    emp_buf_init (&buf, EMP_BLOB_MAX);
    msgpack_packer_init (&pk, &buf, emp_buf_write);
    msgpack_pack_str_with_body (&pk, self->ready.path, strlen (self->ready.path));
    must (emp_config_set (&config, "bench_ready", buf.data, buf.size), "configuration");
    must (emp_config_module (&config, self->args.module, bench_worker_ref (&self->args)), "module");
    must (emp_config_queue (&config, BENCH_QUEUE, QUEUE_SIZE), "queue");
    emp_status_t status = emp_config_find_modules (&config, NULL, NULL);
    must (status, status == EMP_OK ? "" : config.error);
    emp_buf_clear (&buf);
    must (emp_config_pack (&config, NULL, &buf), "configuration");
    static emp_control_t job;
    job = (emp_control_t){.kind = EMP_MSG_JOB, .blob = buf.data, .blob_size = buf.size};
    must (emp_session_send (self->session, &job), "job");
    emp_buf_release (&buf);
    emp_config_release (&config);
}

static void start_session (world_t *self)
{
    emp_session_config_t config = {.endpoint = emp_broker_inproc (self->broker),
                                   .role = EMP_ROLE_MANAGER,
                                   .name = "manager",
                                   .timeout_ms = TIMEOUT_MS};
    must (emp_session_new (&config, &self->session, NULL), "session");
    send_job (self);
    must (emp_session_declare (self->session, BENCH_QUEUE, QUEUE_SIZE, EMP_CHUNK_BYTES_MAX), "queue");
    must (emp_sink_new (self->session, &self->sink), "sink");
    must (emp_feed_new (self->session, BENCH_QUEUE, "latency", &self->feed), "feed");
}

static void start_workers (world_t *self)
{
    char procs[16];
    snprintf (procs, sizeof procs, "%d", BENCH_WORKERS);
    self->supervisor = bench_fork ();
    if (self->supervisor == 0) {
        execl (self->args.worker, self->args.worker, "--connect", self->door, "--procs", procs, (char *) NULL);
        perror (self->args.worker);
        _exit (127);
    }
}

static void end (world_t *self)
{
    kill (self->supervisor, SIGTERM);
    while (waitpid (self->supervisor, NULL, 0) < 0 && errno == EINTR)
        ;
    emp_feed_destroy (&self->feed);
    emp_sink_destroy (&self->sink);
    emp_session_destroy (&self->session);
    emp_broker_destroy (&self->broker);
    bench_ready_close (&self->ready);
}

/* ---- tickets ---------------------------------------------------------------------------------------------------- */

/* Makes a chunk of one row, `index`, or of nil, and puts it. */
static uint64_t put (world_t *self, uint64_t index, bool nil)
{
    emp_buf_t chunk;
    msgpack_packer pk;
    uint64_t number;
    emp_buf_init (&chunk, EMP_CHUNK_BYTES_MAX);
    msgpack_packer_init (&pk, &chunk, emp_buf_write);
    msgpack_pack_array (&pk, 1);
    if (nil)
        msgpack_pack_nil (&pk);
    else
        bench_pack_row (&self->args, index, &pk);
    must (emp_feed_put (self->feed, &chunk, 1, UINT64_MAX, &number), "put");
    emp_buf_release (&chunk);
    return number;
}

/* The next result: values of one uint each. Returns how many came in one message; the last one's number and value. */
static uint32_t take (world_t *self, uint64_t *ret_number, uint64_t *ret_value)
{
    const emp_wire_t *wire;
    const uint8_t *payload;
    must (emp_sink_next (self->sink, &wire, &payload), "result");
    for (uint32_t i = 0; i < wire->count; i++) {
        emp_cursor_t cursor;
        emp_cursor_init (&cursor, payload, wire->parts[i].length);
        *ret_value = emp_cursor_uint (&cursor, UINT64_MAX);
        *ret_number = wire->parts[i].number;
        if (wire->parts[i].outcome != EMP_OUTCOME_DONE || emp_cursor_end (&cursor) != EMP_OK)
            must (EMP_MALFORMED, "result");
        payload += wire->parts[i].length;
    }
    return wire->count;
}

/* Chunks of nothing until both workers have answered one. */
static void warm_up (world_t *self)
{
    uint64_t number, value;
    while (!bench_ready_all (&self->ready, 0)) {
        for (int i = 0; i < WARM_TICKETS; i++)
            put (self, 0, true);
        for (uint32_t left = WARM_TICKETS; left;)
            left -= take (self, &number, &value);
    }
}

static void measure (world_t *self, bench_run_t *run)
{
    uint64_t number, value;
    bench_run_begin (run);
    for (uint64_t i = 0; i < bench_tickets (&self->args); i++) {
        uint64_t began = bench_now ();
        uint64_t mine = put (self, i, false);
        if (take (self, &number, &value) != 1 || number != mine)
            must (EMP_STALE, "result");
        bench_run_file (run, i, value);
        bench_run_sample (run, i, began);
    }
    bench_run_end (run);
}

int main (int argc, char **argv)
{
    static world_t world;
    bench_run_t run;
    bench_args (&world.args, argc, argv);
    if (!world.args.module || !world.args.worker || world.args.chunk != 1) {
        fprintf (stderr, "latency: needs --module FILE --worker FILE --chunk 1\n");
        return 2;
    }
    bench_ready_open (&world.ready);
    bench_run_init (&run, &world.args);
    emp_net_init ();
    start_broker (&world);
    start_session (&world);
    start_workers (&world);
    warm_up (&world);
    measure (&world, &run);
    end (&world);
    bench_run_report (&run);
    return 0;
}
