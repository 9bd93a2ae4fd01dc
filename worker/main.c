/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - eisenmp-worker: connects a host's worker processes to a broker. The same program is the supervisor and,
 * started by it with --slot, a slot, or with --template what slots are forked from.
 */
#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/thread.h"
#include "cache.h"
#include "../common/net/dial.h"
#include "../common/how.h"
#include "fate.h"
#include "slot.h"
#include "supervisor.h"
#include "template.h"
#include "writer.h"

#define GRACE_S 10.0
#define LAST_WORDS_MS 1000 /* for a reader of stderr who stands still */
#define WAIT_S 10.0
#define WAIT_AGAIN_S 60.0 /* once it was there: a switch, or a host, that starts anew takes as long */
#define CACHE_MIB_MAX (UINT64_C (1) << 30)
#define GRACE_S_MAX 1000000.0

typedef enum {
    OPTION_RUN = 256,
    OPTION_GRACE,
    OPTION_CHILD_OF,
    OPTION_DIRECTORY,
    OPTION_SESSION,
    OPTION_SLOT,
    OPTION_PARENT,
    OPTION_PAGE,
    OPTION_TEMPLATE,
    OPTION_START,
    OPTION_FENCED,
    OPTION_JOB,
    OPTION_BROKER_KEY,
    OPTION_INSECURE,
    OPTION_WAIT,
    OPTION_CACHE
} option_t;

typedef struct {
    const char *endpoint, *directory;
    uint64_t run, session, parent;
    uint32_t procs;
    double grace, fenced;
    bool is_slot;
    unsigned slot;
    int child_of, page_fd, socket, job_fd;
    const char *broker_key;
    bool insecure;
    double wait;
    uint64_t cache_mib;
    emp_start_method_t method;
} arguments_t;

static const struct argp_option options[] = {
    {"connect", 'c', "URL", 0, "Endpoint of the broker, for example tcp://manager:7654", 0},
    {"procs", 'p', "N", 0, "Worker processes; default one a CPU core", 0},
    {"run", OPTION_RUN, "ID", 0, "Take part in this run only; a hexadecimal number", 0},
    {"grace", OPTION_GRACE, "SECONDS", 0, "Time to finish the chunk in hand before leaving; default 10", 0},
    {"broker-key", OPTION_BROKER_KEY, "KEY", 0,
     "The broker's public key, as `eisenmp keys show` says there, or @FILE; over tcp:// it is needed", 0},
    {"insecure", OPTION_INSECURE, NULL, 0, "tcp:// without keys, as the broker was told, too", 0},
    {"wait", OPTION_WAIT, "SECONDS", 0,
     "How long to dial until a broker answers; default 10, and 60 for one that was there and is gone", 0},
    {"cache", OPTION_CACHE, "MIB", 0, "Bound of the cache of modules of other hosts; default 10240", 0},
    {"child-of", OPTION_CHILD_OF, "PID", OPTION_HIDDEN, NULL, 0},
    {"directory", OPTION_DIRECTORY, "DIR", OPTION_HIDDEN, NULL, 0},
    {"session", OPTION_SESSION, "ID", OPTION_HIDDEN, NULL, 0},
    {"slot", OPTION_SLOT, "K", OPTION_HIDDEN, NULL, 0},
    {"parent", OPTION_PARENT, "ID", OPTION_HIDDEN, NULL, 0},
    {"page", OPTION_PAGE, "FD", OPTION_HIDDEN, NULL, 0},
    {"template", OPTION_TEMPLATE, "FD", OPTION_HIDDEN, NULL, 0},
    {"start-method", OPTION_START, "METHOD", OPTION_HIDDEN, NULL, 0},
    {"job", OPTION_JOB, "FD", OPTION_HIDDEN, NULL, 0},
    {"fenced-grace", OPTION_FENCED, "SECONDS", OPTION_HIDDEN, NULL, 0},
    {0},
};

EMP_API const char *argp_program_version = /* libc finds it by name */
    "eisenmp-worker " EMP_VERSION;

static uint64_t number_of (struct argp_state *state, const char *what, const char *text, int base, uint64_t min,
                           uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull (text, &end, base);
    if (errno || end == text || *end || strchr (text, '-') || value < min || value > max) {
        if (base == 16)
            argp_error (state, "--%s: \"%s\" is no hexadecimal number above 0", what, text);
        else
            argp_error (state, "--%s: \"%s\" is no number from %llu to %llu", what, text, (unsigned long long) min,
                        (unsigned long long) max);
    }
    return value;
}

static double seconds_of (struct argp_state *state, const char *what, const char *text)
{
    char *end;
    double value = strtod (text, &end);
    if (end == text || *end || !(value >= 0 && value <= GRACE_S_MAX))
        argp_error (state, "--%s: \"%s\" is no number of seconds from 0 to %.0f", what, text, GRACE_S_MAX);
    return value;
}

static error_t parse (int key, char *text, struct argp_state *state)
{
    arguments_t *self = state->input;
    switch (key) {
    case 'c':
        if (!*text || strlen (text) > EMP_ENDPOINT_MAX)
            argp_error (state, "--connect: an endpoint has 1 to %d bytes", EMP_ENDPOINT_MAX);
        self->endpoint = text;
        return 0;
    case 'p': self->procs = (uint32_t) number_of (state, "procs", text, 10, 1, EMP_PROCS_MAX_LIMIT); return 0;
    case OPTION_RUN: self->run = number_of (state, "run", text, 16, 1, UINT64_MAX); return 0;
    case OPTION_GRACE: self->grace = seconds_of (state, "grace", text); return 0;
    case OPTION_JOB: self->job_fd = (int) number_of (state, "job", text, 10, 3, INT32_MAX); return 0;
    case OPTION_BROKER_KEY: self->broker_key = text; return 0;
    case OPTION_INSECURE: self->insecure = true; return 0;
    case OPTION_CACHE: self->cache_mib = number_of (state, "cache", text, 10, 1, CACHE_MIB_MAX); return 0;
    case OPTION_WAIT: self->wait = seconds_of (state, "wait", text); return 0;
    case OPTION_FENCED: self->fenced = seconds_of (state, "fenced-grace", text); return 0;
    case OPTION_CHILD_OF: self->child_of = (int) number_of (state, "child-of", text, 10, 1, INT32_MAX); return 0;
    case OPTION_DIRECTORY: self->directory = text; return 0;
    case OPTION_SESSION: self->session = number_of (state, "session", text, 16, 1, UINT64_MAX); return 0;
    case OPTION_SLOT:
        self->is_slot = true;
        self->slot = (unsigned) number_of (state, "slot", text, 10, 0, EMP_PROCS_MAX_LIMIT - 1);
        return 0;
    case OPTION_PARENT: self->parent = number_of (state, "parent", text, 16, 1, UINT64_MAX); return 0;
    case OPTION_PAGE: self->page_fd = (int) number_of (state, "page", text, 10, 3, INT32_MAX); return 0;
    case OPTION_TEMPLATE: self->socket = (int) number_of (state, "template", text, 10, 3, INT32_MAX); return 0;
    case OPTION_START:
        if (!emp_start_of (text, strlen (text), &self->method))
            argp_error (state, "--start-method: \"%s\" is none", text);
        return 0;
    case ARGP_KEY_ARG: argp_error (state, "\"%s\" is no option", text); return 0;
    case ARGP_KEY_END:
        if (!self->endpoint)
            argp_error (state, "--connect URL is missing");
        if (self->is_slot && (!self->session || !self->parent || self->page_fd < 0 || !self->child_of))
            argp_error (state, "--slot is for the supervisor alone");
        if (self->socket >= 0 && (!self->parent || !self->child_of || self->method == EMP_START_SPAWN))
            argp_error (state, "--template is for the supervisor alone");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* As many as this process may run on, which in a container is not all that the machine has. */
static uint32_t cores (void)
{
    cpu_set_t set;
    if (sched_getaffinity (0, sizeof set, &set) == 0 && CPU_COUNT (&set) > 0)
        return (uint32_t) CPU_COUNT (&set);
    return 1;
}

static _Noreturn void run_template (const arguments_t *arguments)
{
    emp_template_config_t config = {.endpoint = arguments->endpoint,
                                    .directory = arguments->directory,
                                    .run = arguments->run,
                                    .parent = arguments->parent,
                                    .parent_pid = arguments->child_of,
                                    .socket = arguments->socket,
                                    .method = arguments->method};
    emp_template_run (&config);
}

static _Noreturn void run_slot (const arguments_t *arguments)
{
    emp_slot_config_t config = {.endpoint = arguments->endpoint,
                                .directory = arguments->directory,
                                .run = arguments->run,
                                .session = arguments->session,
                                .parent = arguments->parent,
                                .number = arguments->slot,
                                .page_fd = arguments->page_fd,
                                .job_fd = arguments->job_fd,
                                .parent_pid = arguments->child_of};
    emp_slot_run (&config);
}

static uint32_t milliseconds (double seconds, double otherwise)
{
    return (uint32_t) ((seconds < 0 ? otherwise : seconds) * 1000);
}

/* The way to the broker was cut, or the broker was killed: it, or another at that place, may come back. */
static int supervise (emp_supervisor_config_t *config, uint32_t wait_again_ms)
{
    int code = emp_supervisor_run (config);
    if (config->child_of || code != EMP_WORKER_GIVEN_UP)
        return code;
    config->wait_ms = wait_again_ms;
    while (code == EMP_WORKER_GIVEN_UP)
        code = emp_supervisor_run (config);
    return code == EMP_EXIT_UNFIT ? 1 : code;
}

int main (int argc, char **argv)
{
    emp_thread_reserve_streams ();
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .doc = "Runs the worker processes of this host for an eisenmp run.\v"
                                            "SIGINT or SIGTERM: the worker processes leave after what they are at, "
                                            "within --grace; once more, or SIGQUIT: they are killed at once, and all "
                                            "that they have started. Exit status: 0 all ended in good order, 1 "
                                            "one was given up or they were killed, 2 bad usage, cannot connect, "
                                            "cannot load a worker module."};
    arguments_t arguments = {.grace = GRACE_S,
                             .wait = -1,
                             .cache_mib = EMP_CACHE_BYTES_DEFAULT >> 20,
                             .page_fd = -1,
                             .socket = -1,
                             .job_fd = -1};
    char why[EMP_KEYRING_WHY_MAX];
    argp_err_exit_status = 2;
    argp_parse (&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.is_slot || arguments.socket >= 0)
        setvbuf (stdout, NULL, _IOLBF, 0); /* a pipe to the supervisor, which shows lines */
    if (arguments.is_slot)
        run_slot (&arguments);
    if (arguments.socket >= 0)
        run_template (&arguments);
    if (emp_dial_set (arguments.broker_key, arguments.insecure, why) != EMP_OK) {
        fprintf (stderr, "eisenmp: %s\n", why);
        return 2;
    }
    emp_supervisor_config_t config = {.endpoint = arguments.endpoint,
                                      .procs = arguments.procs ? arguments.procs : cores (),
                                      .run = arguments.run,
                                      .session = arguments.session,
                                      .grace_ms = (uint32_t) (arguments.grace * 1000),
                                      .fenced_ms = (uint32_t) (arguments.fenced * 1000),
                                      .child_of = arguments.child_of,
                                      .cache_bytes = arguments.cache_mib << 20,
                                      .wait_ms = milliseconds (arguments.wait, WAIT_S),
                                      .directory = arguments.directory};
    emp_writer_start (STDERR_FILENO);
    int code = supervise (&config, milliseconds (arguments.wait, WAIT_AGAIN_S));
    emp_writer_end (LAST_WORDS_MS);
    return code;
}
