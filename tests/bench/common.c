/* SPDX-License-Identifier: BSD-3-Clause
 *
 * common.c - see common.h. CPU time is read from the clocks of the processes themselves, so that what they did before
 * and after the measured stretch does not count.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* program_invocation_short_name */
#endif
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIEVE_ROOT 1000101u /* its square is behind the last number of the longest run of primes */
#define PRIME_ROWS_MAX 200000u
#define BYTES_MAX (64u * 1024 * 1024)

void bench_die (const char *what)
{
    fprintf (stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror (errno));
    exit (1);
}

static void *must (void *pointer)
{
    if (!pointer)
        bench_die ("memory");
    return pointer;
}

/* ---- arguments -------------------------------------------------------------------------------------------------- */

static _Noreturn void usage (const char *what)
{
    fprintf (stderr, "%s: %s\n", program_invocation_short_name, what);
    exit (2);
}

static uint64_t number (const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull (text, &end, 10);
    if (errno || end == text || *end || n == 0 || n > max)
        usage ("a number is out of its range");
    return n;
}

static bench_work_t work_of (const char *text)
{
    if (strcmp (text, "sum") == 0)
        return BENCH_SUM;
    if (strcmp (text, "length") == 0)
        return BENCH_LENGTH;
    if (strcmp (text, "primes") != 0)
        usage ("--work is sum, length or primes");
    return BENCH_PRIMES;
}

void bench_args (bench_args_t *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"work", required_argument, NULL, 'w'},
        {"rows", required_argument, NULL, 'r'},
        {"chunk", required_argument, NULL, 'c'},
        {"bytes", required_argument, NULL, 'b'},
        {"window", required_argument, NULL, 'o'},
        {"latency", no_argument, NULL, 'l'},
        {"module", required_argument, NULL, 'm'},
        {"journal", required_argument, NULL, 'j'},
        {"sync", required_argument, NULL, 's'},
        {"worker", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    *self = (bench_args_t){.work = BENCH_SUM, .rows = 42000, .chunk = 42, .bytes = 65536, .window = 1000};
    for (int option; (option = getopt_long (argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'w': self->work = work_of (optarg); break;
        case 'r': self->rows = number (optarg, UINT64_C (10000000000)); break;
        case 'c': self->chunk = (uint32_t) number (optarg, 1000000); break;
        case 'b': self->bytes = (uint32_t) number (optarg, BYTES_MAX); break;
        case 'o': self->window = (uint32_t) number (optarg, 1000000); break;
        case 'l': self->latency = true; break;
        case 'm': self->module = optarg; break;
        case 'j': self->journal = optarg; break;
        case 's': self->sync = optarg; break;
        case 'p': self->worker = optarg; break;
        default: exit (2);
        }
    if (optind != argc)
        usage ("takes options only");
    if (self->work == BENCH_PRIMES && self->rows > PRIME_ROWS_MAX)
        usage ("too many rows for primes");
    if (self->work == BENCH_LENGTH && self->bytes < 8)
        usage ("--bytes is 8 at the least");
    if (self->latency)
        self->window = 1;
}

uint64_t bench_tickets (const bench_args_t *self)
{
    return (self->rows + self->chunk - 1) / self->chunk;
}

uint32_t bench_ticket_rows (const bench_args_t *self, uint64_t ticket)
{
    uint64_t left = self->rows - ticket * self->chunk;
    return left < self->chunk ? (uint32_t) left : self->chunk;
}

const char *bench_worker_ref (const bench_args_t *self)
{
    static const char *const refs[] = {"bench_sum", "bench_length", "bench_primes"};
    return refs[self->work];
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static uint32_t row_bytes (const bench_args_t *self, uint64_t index)
{
    return self->bytes - (uint32_t) (index % 7);
}

void bench_pack_row (const bench_args_t *self, uint64_t index, msgpack_packer *pk)
{
    static char *bytes; /* one thread makes rows */
    if (self->work != BENCH_LENGTH) {
        msgpack_pack_uint64 (pk, BENCH_FIRST + index);
        return;
    }
    if (!bytes) {
        bytes = must (malloc (self->bytes));
        memset (bytes, 'r', self->bytes);
    }
    msgpack_pack_bin (pk, row_bytes (self, index));
    msgpack_pack_bin_body (pk, bytes, row_bytes (self, index));
}

/* ---- codec ------------------------------------------------------------------------------------------------------ */

void bench_buf_reserve (bench_buf_t *self, size_t size)
{
    if (self->room - self->size >= size)
        return;
    self->room = self->size + size + self->room / 2 + 256;
    self->data = must (realloc (self->data, self->room));
}

int bench_buf_write (void *arg, const char *data, size_t size)
{
    bench_buf_t *self = arg;
    bench_buf_reserve (self, size);
    memcpy (self->data + self->size, data, size);
    self->size += size;
    return 0;
}

size_t bench_ticket_room (const bench_args_t *self, uint64_t ticket)
{
    size_t row = self->work == BENCH_LENGTH ? self->bytes + (size_t) 5 : 9;
    return 32 + row * bench_ticket_rows (self, ticket);
}

void bench_pack_ticket (const bench_args_t *self, uint64_t ticket, msgpack_packer *pk)
{
    uint32_t rows = bench_ticket_rows (self, ticket);
    uint64_t first = ticket * self->chunk;

    msgpack_pack_array (pk, 2);
    msgpack_pack_uint64 (pk, ticket);
    msgpack_pack_array (pk, rows);
    for (uint32_t i = 0; i < rows; i++)
        bench_pack_row (self, first + i, pk);
}

/* Both directions are lists of two whose first is the ticket. */
static const msgpack_object *unpack (const void *data, size_t size, msgpack_zone *zone, msgpack_object *object)
{
    size_t at = 0;
    msgpack_zone_clear (zone);
    msgpack_unpack_return got = msgpack_unpack (data, size, &at, zone, object);
    if (got != MSGPACK_UNPACK_SUCCESS || object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != 2) {
        errno = EBADMSG;
        bench_die ("unpack");
    }
    return object->via.array.ptr;
}

void bench_answer (bench_work_t work, const void *data, size_t size, msgpack_zone *zone, bench_buf_t *out)
{
    msgpack_packer pk;
    msgpack_object object;
    const msgpack_object *pair = unpack (data, size, zone, &object);
    const msgpack_object_array *rows = &pair[1].via.array;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < rows->size; i++)
        sum += bench_row_value (work, &rows->ptr[i]);
    if (rows->size == 0)
        sum = (uint64_t) getpid ();
    msgpack_packer_init (&pk, out, bench_buf_write);
    msgpack_pack_array (&pk, 2);
    msgpack_pack_uint64 (&pk, pair[0].via.u64);
    msgpack_pack_uint64 (&pk, sum);
}

void bench_unpack_result (const void *data, size_t size, msgpack_zone *zone, uint64_t *ret_ticket, uint64_t *ret_value)
{
    msgpack_object object;
    const msgpack_object *pair = unpack (data, size, zone, &object);
    *ret_ticket = pair[0].via.u64;
    *ret_value = pair[1].via.u64;
}

/* ---- clocks ----------------------------------------------------------------------------------------------------- */

static uint64_t clock_read (clockid_t clock)
{
    struct timespec at;
    if (clock_gettime (clock, &at) != 0)
        return 0; /* a process that is gone */
    return (uint64_t) at.tv_sec * 1000000000u + (uint64_t) at.tv_nsec;
}

uint64_t bench_now (void)
{
    return clock_read (CLOCK_MONOTONIC);
}

/* CPU of a process, all its threads, and all its descendants that are alive. */
static uint64_t cpu_of (pid_t pid)
{
    clockid_t clock;
    char path[320];
    uint64_t sum = clock_getcpuclockid (pid, &clock) == 0 ? clock_read (clock) : 0;

    snprintf (path, sizeof path, "/proc/%d/task", (int) pid);
    DIR *tasks = opendir (path);
    for (struct dirent *task; tasks && (task = readdir (tasks));) {
        int child;
        snprintf (path, sizeof path, "/proc/%d/task/%s/children", (int) pid, task->d_name);
        FILE *children = task->d_name[0] == '.' ? NULL : fopen (path, "re");
        while (children && fscanf (children, "%d", &child) == 1)
            sum += cpu_of (child);
        if (children)
            fclose (children);
    }
    if (tasks)
        closedir (tasks);
    return sum;
}

/* ---- a run ------------------------------------------------------------------------------------------------------ */

void bench_run_init (bench_run_t *self, const bench_args_t *args)
{
    size_t tickets = bench_tickets (args);
    *self = (bench_run_t){.args = args};
    self->values = must (malloc (tickets * sizeof *self->values));
    self->seen = must (malloc (tickets));
    self->samples = must (malloc (tickets * sizeof *self->samples));
    /* Written, so that first touches of the pages are not in the clock. */
    memset (self->values, 0, tickets * sizeof *self->values);
    memset (self->seen, 0, tickets);
    memset (self->samples, 0, tickets * sizeof *self->samples);
}

void bench_run_begin (bench_run_t *self)
{
    self->cpu_began = cpu_of (getpid ());
    self->began = bench_now ();
}

void bench_run_end (bench_run_t *self)
{
    self->ended = bench_now ();
    self->cpu_ended = cpu_of (getpid ());
}

void bench_run_file (bench_run_t *self, uint64_t ticket, uint64_t value)
{
    if (ticket >= bench_tickets (self->args) || self->seen[ticket]) {
        errno = ERANGE;
        bench_die ("a ticket unknown or answered twice");
    }
    self->seen[ticket] = 1;
    self->values[ticket] = value;
    self->count++;
}

void bench_run_sample (bench_run_t *self, uint64_t ticket, uint64_t began)
{
    self->samples[ticket] = (uint32_t) (bench_now () - began);
}

/* Marks what is not prime among the run's numbers by a sieve: another way than the workers' own. */
static uint8_t *sieve (uint64_t rows)
{
    uint8_t *composite = must (calloc (rows + 1, 1));
    uint8_t *small = must (calloc (SIEVE_ROOT, 1));

    for (uint64_t p = 2; p < SIEVE_ROOT && rows; p++) {
        if (small[p])
            continue;
        for (uint64_t n = p * p; n < SIEVE_ROOT; n += p)
            small[n] = 1;
        for (uint64_t n = (BENCH_FIRST + p - 1) / p * p; n < BENCH_FIRST + rows; n += p)
            composite[n - BENCH_FIRST] = 1;
    }
    free (small);
    return composite;
}

static uint64_t expected (const bench_args_t *args, uint64_t ticket, const uint8_t *composite)
{
    uint64_t sum = 0;
    uint64_t first = ticket * args->chunk;
    for (uint64_t i = first; i < first + bench_ticket_rows (args, ticket); i++)
        switch (args->work) {
        case BENCH_SUM: sum += BENCH_FIRST + i; break;
        case BENCH_LENGTH: sum += row_bytes (args, i); break;
        case BENCH_PRIMES: sum += !composite[i]; break;
        }
    return sum;
}

static int by_size (const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
    return (left > right) - (left < right);
}

void bench_run_report (bench_run_t *self)
{
    uint64_t tickets = bench_tickets (self->args);
    uint8_t *composite = sieve (self->args->work == BENCH_PRIMES ? self->args->rows : 0);
    uint64_t sum = 0;

    for (uint64_t i = 0; i < tickets; i++) {
        if (!self->seen[i] || self->values[i] != expected (self->args, i, composite)) {
            fprintf (stderr, "%s: ticket %llu: %s\n", program_invocation_short_name, (unsigned long long) i,
                     self->seen[i] ? "wrong result" : "no result");
            exit (1);
        }
        sum += self->values[i];
    }
    qsort (self->samples, tickets, sizeof *self->samples, by_size);
    printf ("seconds=%.6f cpu=%.6f tickets=%llu rows=%llu result=%llu p50=%.1f p99=%.1f\n",
            (double) (self->ended - self->began) / 1e9, (double) (self->cpu_ended - self->cpu_began) / 1e9,
            (unsigned long long) tickets, (unsigned long long) self->args->rows, (unsigned long long) sum,
            self->samples[tickets / 2] / 1e3, self->samples[tickets - 1 - tickets / 100] / 1e3);
    free (composite);
    free (self->values);
    free (self->seen);
    free (self->samples);
}

/* ---- processes -------------------------------------------------------------------------------------------------- */

void bench_ready_open (bench_ready_t *self)
{
    *self = (bench_ready_t){.folder = "/tmp/bench-XXXXXX"};
    if (!mkdtemp (self->folder))
        bench_die (self->folder);
    snprintf (self->path, sizeof self->path, "%s/ready", self->folder);
    self->fd = mkfifo (self->path, 0600) == 0 ? open (self->path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
    if (self->fd < 0)
        bench_die (self->path);
}

void bench_ready_close (bench_ready_t *self)
{
    close (self->fd);
    unlink (self->path);
    rmdir (self->folder);
}

bool bench_ready_all (bench_ready_t *self, int wait_ms)
{
    uint8_t worker;
    struct pollfd fd = {.fd = self->fd, .events = POLLIN};
    if (poll (&fd, 1, wait_ms) > 0)
        while (read (self->fd, &worker, 1) == 1)
            if (worker < BENCH_WORKERS)
                self->here[worker] = true;
    bool all = true;
    for (int i = 0; i < BENCH_WORKERS; i++)
        all = all && self->here[i];
    return all;
}

pid_t bench_fork (void)
{
    pid_t parent = getpid ();
    pid_t pid = fork ();
    if (pid < 0)
        bench_die ("fork");
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () != parent)
            _exit (1);
    }
    return pid;
}
