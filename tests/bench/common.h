/* SPDX-License-Identifier: BSD-3-Clause
 *
 * common.h - what every program of the benchmark shares: its arguments, the rows, the codec, the filing of results,
 * clocks and the one line that it prints.
 *
 * Invariant: all programs do the same work. Row i of a run is made the moment its ticket is packed, by bench_pack_row
 * and nothing else; it is read back by bench_row_value and nothing else; each ticket's result is filed once, by its
 * number, and checked against what it must be after the clock has stopped.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_FIRST 1000000000000u /* the first integer: 9 bytes packed */
#define BENCH_WORKERS 2
#define BENCH_QUEUE "bench_q"

/* What a worker does with each row; a ticket's result is the sum over its rows. */
typedef enum { BENCH_SUM, BENCH_LENGTH, BENCH_PRIMES } bench_work_t;

typedef struct {
    bench_work_t work;
    uint64_t rows;      /* of the whole run */
    uint32_t chunk;     /* rows a ticket; the last may have fewer */
    uint32_t bytes;     /* BENCH_LENGTH: of a row, minus the row's number modulo 7 so that each length can be told */
    uint32_t window;    /* tickets outstanding at the most */
    bool latency;       /* one ticket at a time */
    const char *module; /* ours: file of the worker module */
    const char *journal, *sync; /* ours: JOURNAL and JOURNAL_SYNC, or NULL */
    const char *worker;         /* ours, latency: file of the worker program */
} bench_args_t;

/* --work sum|length|primes --rows N --chunk N --bytes N --window N --latency --module FILE --worker FILE --journal FILE --sync MODE.
 * Exits with 2 when that makes no sense. */
void bench_args (bench_args_t *self, int argc, char **argv);
uint64_t bench_tickets (const bench_args_t *self);
/* Rows of one ticket. */
uint32_t bench_ticket_rows (const bench_args_t *self, uint64_t ticket);
/* "bench_sum", "bench_length", "bench_primes": the worker module's function. */
const char *bench_worker_ref (const bench_args_t *self);

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* Makes row `index` and packs it. */
void bench_pack_row (const bench_args_t *self, uint64_t index, msgpack_packer *pk);

/* Trial division by 2, 3 and all 6k - 1, 6k + 1. */
static inline bool bench_is_prime (uint64_t n)
{
    if (n < 4 || n % 2 == 0 || n % 3 == 0)
        return n == 2 || n == 3;
    for (uint64_t d = 5; d * d <= n; d += 6)
        if (n % d == 0 || n % (d + 2) == 0)
            return false;
    return true;
}

/* The worker's part: what one row adds to its ticket's result. */
static inline uint64_t bench_row_value (bench_work_t work, const msgpack_object *row)
{
    switch (work) {
    case BENCH_SUM: return row->via.u64;
    case BENCH_LENGTH: return row->via.bin.size;
    case BENCH_PRIMES: return bench_is_prime (row->via.u64);
    }
    return 0;
}

/* ---- the codec of the programs without a broker: [ticket, [row, …]] there, [ticket, result] back ---------------- */

typedef struct {
    char *data;
    size_t size, room;
} bench_buf_t;

/* Room for `size` more bytes; exits when there is no memory. */
void bench_buf_reserve (bench_buf_t *self, size_t size);
/* A msgpack_packer_write. */
int bench_buf_write (void *self, const char *data, size_t size);

/* The most bytes that a ticket's packing takes. */
size_t bench_ticket_room (const bench_args_t *self, uint64_t ticket);
void bench_pack_ticket (const bench_args_t *self, uint64_t ticket, msgpack_packer *pk);
/* A worker's whole turn: unpacks a ticket, works, packs the result. `zone` is the worker's own, emptied each time. A
 * ticket without rows asks who is there: its result is the process id. */
void bench_answer (bench_work_t work, const void *data, size_t size, msgpack_zone *zone, bench_buf_t *out);
void bench_unpack_result (const void *data, size_t size, msgpack_zone *zone, uint64_t *ret_ticket, uint64_t *ret_value);

/* ---- results and clocks ----------------------------------------------------------------------------------------- */

typedef struct {
    const bench_args_t *args;
    uint64_t *values; /* by ticket */
    uint8_t *seen;
    uint64_t count;                /* filed */
    uint64_t began, ended;         /* nanoseconds, CLOCK_MONOTONIC */
    uint64_t cpu_began, cpu_ended; /* nanoseconds of this process and all its descendants */
    uint32_t *samples;             /* latency: nanoseconds of each ticket */
} bench_run_t;

void bench_run_init (bench_run_t *self, const bench_args_t *args);
/* Around the work: from before the first row is made until the last result is filed. */
void bench_run_begin (bench_run_t *self);
void bench_run_end (bench_run_t *self);
/* Exits with 1 when the ticket is unknown or was filed before. */
void bench_run_file (bench_run_t *self, uint64_t ticket, uint64_t value);
/* Latency: one ticket took from `began` to now. */
void bench_run_sample (bench_run_t *self, uint64_t ticket, uint64_t began);
/* Checks every result, exits with 1 when one is missing or wrong, and prints the line of figures. */
void bench_run_report (bench_run_t *self);

/* ---- ready: a FIFO where each worker of ours says once that its lane is open ------------------------------------ */

typedef struct {
    char folder[32], path[48];
    int fd;
    bool here[BENCH_WORKERS];
} bench_ready_t;

void bench_ready_open (bench_ready_t *self);
void bench_ready_close (bench_ready_t *self);
/* Reads what was said; waits for more at most so long. True when every worker has said so. */
bool bench_ready_all (bench_ready_t *self, int wait_ms);

/* Nanoseconds of the monotonic clock. */
uint64_t bench_now (void);
/* Prints "<program>: <what>: <errno's text>" and exits with 1. */
void bench_die (const char *what) __attribute__ ((noreturn));
/* Forks; the child dies with its parent. */
pid_t bench_fork (void);

#endif
