/* SPDX-License-Identifier: BSD-3-Clause
 *
 * start.c - what a worker process costs, by START_METHOD: microseconds from the request until its module is called for
 * the first time, one slot after the other, and the memory that it has for itself then. Written against the rooms, since
 * only a supervisor knows when it asked.
 *
 *   start <eisenmp-worker> <start_module.so> [slots]
 */
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../broker/broker.h"
#include "../../common/net/session.h"
#include "../../manager/config.h"
#include "../../worker/nursery.h"
#include "common.h"

#define SLOTS_MAX 1000
#define TIMEOUT_MS 30000

extern char **environ;

typedef struct {
    const char *title;
    const char *load;  /* BENCH_LOAD */
    uint32_t integers; /* of an attribute */
} load_t;

static const load_t loads[] = {
    {"a module of nothing", "", 0},
    {"a constructor of 50 ms", "50", 0},
    {"linked to libcrypto (5 MiB)", "libcrypto.so.3", 0},
    {"an attribute of 1 000 000 integers (9 MiB packed)", "", 1000000},
};

typedef struct {
    char folder[32], door[EMP_ENDPOINT_MAX + 1];
    emp_broker_t *broker;
    emp_session_t *manager, *supervisor;
    emp_nursery_t nursery;
} world_t;

typedef struct {
    uint64_t called[SLOTS_MAX], asked[SLOTS_MAX], kib[SLOTS_MAX];
    int count;
} figures_t;

static void must (emp_status_t status, const char *what)
{
    if (status == EMP_OK)
        return;
    fprintf (stderr, "start: %s: %s\n", what, emp_status_text (status));
    exit (1);
}

/* ---- the world around the clock ---------------------------------------------------------------------------------- */

static void add_attribute (emp_config_t *config, uint32_t integers)
{
    emp_buf_t buf;
    msgpack_packer pk;
    emp_buf_init (&buf, EMP_BLOB_MAX);
    msgpack_packer_init (&pk, &buf, emp_buf_write);
    msgpack_pack_array (&pk, integers);
    for (uint32_t i = 0; i < integers; i++)
        msgpack_pack_uint64 (&pk, BENCH_FIRST + i);
    must (emp_config_set (config, "numbers", buf.data, buf.size), "attribute");
    emp_buf_release (&buf);
}

static void send_job (world_t *self, const char *module, uint32_t integers)
{
    emp_config_t config;
    emp_buf_t buf;
    emp_config_init (&config);
    add_attribute (&config, integers);
    must (emp_config_module (&config, module, "bench_born"), "module");
    emp_status_t status = emp_config_find_modules (&config, NULL, NULL);
    must (status, status == EMP_OK ? "" : config.error);
    emp_buf_init (&buf, EMP_BLOB_MAX);
    must (emp_config_pack (&config, NULL, &buf), "configuration");
    static emp_control_t job;
    job = (emp_control_t){.kind = EMP_MSG_JOB, .blob = buf.data, .blob_size = buf.size};
    must (emp_session_send (self->manager, &job), "job");
    /* An answer to what is said after it: the broker has it. */
    must (emp_session_declare (self->manager, BENCH_QUEUE, 1, EMP_CHUNK_BYTES_MAX), "queue");
    emp_buf_release (&buf);
    emp_config_release (&config);
}

static void open_world (world_t *self, const char *module, uint32_t integers)
{
    emp_status_t status = EMP_OK;
    *self = (world_t){.folder = "/tmp/bench-XXXXXX"};
    if (!mkdtemp (self->folder))
        bench_die (self->folder);
    snprintf (self->door, sizeof self->door, "ipc://%s/door", self->folder);
    emp_broker_config_t broker = {
        .directory = self->folder, .listen = self->door, .beat_ms = 1000, .core = emp_core_config_default};
    self->broker = emp_broker_new (&broker, &status);
    if (!self->broker)
        must (status, "broker");
    emp_session_config_t session = {.endpoint = emp_broker_inproc (self->broker),
                                    .role = EMP_ROLE_MANAGER,
                                    .name = "manager",
                                    .timeout_ms = TIMEOUT_MS};
    must (emp_session_new (&session, &self->manager, NULL), "manager");
    send_job (self, module, integers);
    session.role = EMP_ROLE_SUPERVISOR;
    session.name = "supervisor";
    must (emp_session_new (&session, &self->supervisor, NULL), "supervisor");
}

static void close_world (world_t *self)
{
    emp_session_destroy (&self->supervisor);
    emp_session_destroy (&self->manager);
    emp_broker_destroy (&self->broker);
    rmdir (self->folder);
}

static void open_nursery (world_t *self, const char *worker, emp_start_method_t method)
{
    emp_nursery_config_t config = {.program = worker,
                                   .endpoint = self->door,
                                   .run = emp_session_run (self->supervisor),
                                   .parent = emp_session_id (self->supervisor),
                                   .method = method};
    config.job = emp_session_job (self->supervisor, &config.job_size);
    emp_nursery_init (&self->nursery, &config);
    while (self->nursery.state == EMP_NURSERY_LOADING) {
        struct pollfd item = {.fd = self->nursery.socket, .events = POLLIN};
        if (poll (&item, 1, TIMEOUT_MS) != 1)
            must (EMP_TIMEOUT, "template");
        emp_nursery_hear (&self->nursery);
    }
    if ((self->nursery.state == EMP_NURSERY_SPAWNING) != (method == EMP_START_SPAWN))
        must (EMP_SYSTEM, "no template");
}

/* ---- the clock --------------------------------------------------------------------------------------------------- */

/* The line that the module writes: when it was called, and its memory. */
static void read_line (const emp_child_t *child, unsigned long long *ret_called, unsigned long *ret_kib)
{
    char text[200] = "";
    size_t size = 0;
    while (!strchr (text, '\n')) {
        struct pollfd item = {.fd = child->pipe, .events = POLLIN};
        ssize_t rc = poll (&item, 1, TIMEOUT_MS) == 1 ? read (child->pipe, text + size, sizeof text - 1 - size) : 0;
        if (rc <= 0)
            must (EMP_SYSTEM, "the slot says nothing");
        size += (size_t) rc;
    }
    if (sscanf (text, "%llu %lu", ret_called, ret_kib) != 2) {
        fprintf (stderr, "start: %s", text);
        exit (1);
    }
}

static void collect (emp_child_t *child)
{
    struct pollfd item = {.fd = child->pidfd, .events = POLLIN};
    emp_end_t end;
    if (poll (&item, 1, TIMEOUT_MS) != 1 || !emp_child_collect (child, &end) || end.how != EMP_HOW_EXIT || end.code)
        must (EMP_SYSTEM, "the slot did not end well");
    emp_child_release (child);
}

static void measure (world_t *self, figures_t *figures)
{
    emp_child_t child;
    unsigned long long called;
    unsigned long kib;
    for (int i = -1; i < figures->count; i++) { /* the first one warms up */
        uint64_t began = bench_now ();
        must (emp_nursery_slot (&self->nursery, 0, emp_random_id (), &child), "slot");
        uint64_t answered = bench_now ();
        read_line (&child, &called, &kib);
        collect (&child);
        if (i < 0)
            continue;
        figures->asked[i] = answered - began;
        figures->called[i] = called - began;
        figures->kib[i] = kib;
    }
}

static void measure_empty (figures_t *figures)
{
    char *argv[] = {"true", NULL};
    for (int i = 0; i < figures->count; i++) {
        pid_t pid;
        uint64_t began = bench_now ();
        if (posix_spawn (&pid, "/bin/true", NULL, NULL, argv, environ) != 0)
            bench_die ("/bin/true");
        figures->asked[i] = bench_now () - began;
        waitpid (pid, NULL, 0);
        figures->called[i] = bench_now () - began;
        figures->kib[i] = 0;
    }
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static int by_size (const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
    return (x > y) - (x < y);
}

static void print_row (const char *title, const char *method, figures_t *figures)
{
    int n = figures->count;
    qsort (figures->called, (size_t) n, sizeof *figures->called, by_size);
    qsort (figures->asked, (size_t) n, sizeof *figures->asked, by_size);
    qsort (figures->kib, (size_t) n, sizeof *figures->kib, by_size);
    printf ("| %s | %s | %.0f | %.0f to %.0f | %.0f | %.1f |\n", title, method, (double) figures->called[n / 2] / 1e3,
            (double) figures->called[n / 10] / 1e3, (double) figures->called[n - 1 - n / 10] / 1e3,
            (double) figures->asked[n / 2] / 1e3, (double) figures->kib[n / 2] / 1024);
    fflush (stdout);
}

int main (int argc, char **argv)
{
    static figures_t figures;
    static world_t world;
    figures.count = argc > 3 ? atoi (argv[3]) : 50;
    if (argc < 3 || figures.count < 1 || figures.count > SLOTS_MAX) {
        fprintf (stderr, "usage: start <eisenmp-worker> <start_module.so> [slots, 1 to %d]\n", SLOTS_MAX);
        return 2;
    }
    prctl (PR_SET_CHILD_SUBREAPER, 1);
    emp_net_init ();
    printf (
        "| loads | START_METHOD | µs until called, median | 10 %% to 90 %% | µs of the supervisor | MiB of its own |\n"
        "|---|---|---|---|---|---|\n");
    measure_empty (&figures);
    print_row ("/bin/true", "posix_spawn, until collected", &figures);
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        setenv ("BENCH_LOAD", loads[i].load, 1);
        open_world (&world, argv[2], loads[i].integers);
        for (emp_start_method_t method = EMP_START_SPAWN; method <= EMP_START_FORKSERVER; method++) {
            open_nursery (&world, argv[1], method);
            measure (&world, &figures);
            emp_nursery_close (&world.nursery);
            print_row (loads[i].title, emp_start_text (method), &figures);
        }
        close_world (&world);
    }
    return 0;
}
