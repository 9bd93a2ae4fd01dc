/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ours.c - the same work through the public interface, as a manager program would do it: a generator, a queue whose
 * maxsize is the window, two worker processes, the ticket dictionary.
 *
 * Two feeders on one queue. The first feeds chunks of nothing until both workers have answered one; the second is the
 * run, and the clock starts when its generator is asked for the first row. The interface tells a program of no single
 * result, so that it looks at the summary every POLL_NS; that is how exact the end is.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common.h"
#include "eisenmp.h"

#define POLL_NS 1000000
#define PATIENCE_NS UINT64_C (120000000000)

typedef struct {
    bench_args_t args;
    bench_run_t run;
    bench_ready_t ready;
    _Atomic uint64_t warm; /* tickets of the first feeder, once it is done */
} ours_t;

static void must (emp_t *emp, emp_status_t status, const char *what)
{
    if (status == EMP_OK)
        return;
    fprintf (stderr, "ours: %s: %s: %s\n", what, emp_status_text (status), emp_error (emp));
    exit (1);
}

static bool warm_rows (emp_generator_t *generator, msgpack_packer *row)
{
    ours_t *self = emp_generator_arg (generator);
    uint64_t made = emp_generator_index (generator);
    if (made % self->args.chunk == 0 && bench_ready_all (&self->ready, made ? 1 : 0)) {
        atomic_store (&self->warm, made / self->args.chunk);
        return false;
    }
    msgpack_pack_nil (row);
    return true;
}

static bool rows (emp_generator_t *generator, msgpack_packer *row)
{
    ours_t *self = emp_generator_arg (generator);
    uint64_t made = emp_generator_index (generator);
    if (made == self->args.rows)
        return false;
    if (made == 0)
        bench_run_begin (&self->run);
    bench_pack_row (&self->args, made, row);
    return true;
}

/* Until `tickets` (a figure that may still be unknown: 0) are answered. */
static void await_answers (emp_t *emp, const _Atomic uint64_t *warm, uint64_t more)
{
    const struct timespec nap = {.tv_nsec = POLL_NS};
    uint64_t until = bench_now () + PATIENCE_NS;
    emp_summary_t summary;
    for (;;) {
        uint64_t known = atomic_load (warm);
        emp_summary (emp, &summary);
        if (known && summary.answered >= known + more)
            return;
        if (summary.dead || summary.workers_lost || bench_now () > until) {
            fprintf (stderr, "ours: %llu answered, %llu dead, %llu workers lost\n",
                     (unsigned long long) summary.answered, (unsigned long long) summary.dead,
                     (unsigned long long) summary.workers_lost);
            exit (1);
        }
        nanosleep (&nap, NULL);
    }
}

static void configure (emp_t *emp, const ours_t *self)
{
    must (emp, emp_config_set_int (emp, "PROCS_MAX", BENCH_WORKERS), "PROCS_MAX");
    must (emp, emp_config_set_int (emp, "ROWS_MAX", self->args.chunk), "ROWS_MAX");
    must (emp, emp_config_set_bool (emp, "RESULTS_STORE", true), "RESULTS_STORE");
    must (emp, emp_config_set_string (emp, "bench_ready", self->ready.path), "bench_ready");
    if (self->args.journal)
        must (emp, emp_config_set_string (emp, "JOURNAL", self->args.journal), "JOURNAL");
    if (self->args.sync)
        must (emp, emp_config_set_string (emp, "JOURNAL_SYNC", self->args.sync), "JOURNAL_SYNC");
    const char *listen = getenv ("BENCH_LISTEN"); /* workers of "another host": tests/bench/tcp */
    if (listen) {
        must (emp, emp_config_set_string (emp, "LISTEN", listen), "LISTEN");
        must (emp, emp_config_set_bool (emp, "REMOTE_ONLY", true), "REMOTE_ONLY");
    }
    must (emp, emp_config_add_module (emp, self->args.module, bench_worker_ref (&self->args)), "module");
    must (emp, emp_queue_create (emp, BENCH_QUEUE, self->args.window), "queue");
}

static void file_results (emp_t *emp, bench_run_t *run)
{
    emp_result_t result;
    for (uint64_t i = 0; emp_result_at (emp, i, &result); i++)
        if (strcmp (result.queue, "run") == 0)
            bench_run_file (run, result.ticket, result.value->via.u64);
}

int main (int argc, char **argv)
{
    static ours_t self;
    bench_args (&self.args, argc, argv);
    if (!self.args.module || self.args.latency) {
        fprintf (stderr, "ours: needs --module FILE; latency is another program\n");
        return 2;
    }
    bench_ready_open (&self.ready);
    bench_run_init (&self.run, &self.args);
    emp_t *emp = emp_new ();
    configure (emp, &self);
    emp_queue_t *queue = emp_queue (emp, BENCH_QUEUE);

    must (emp, emp_start (emp), "start");
    must (emp, emp_run_q_feeder (emp, warm_rows, &self, queue, "warm"), "feeder");
    await_answers (emp, &self.warm, 0);
    must (emp, emp_run_q_feeder (emp, rows, &self, queue, "run"), "feeder");
    await_answers (emp, &self.warm, bench_tickets (&self.args));
    bench_run_end (&self.run);
    must (emp, emp_wait (emp), "wait");

    file_results (emp, &self.run);
    emp_destroy (&emp);
    bench_ready_close (&self.ready);
    bench_run_report (&self.run);
    return 0;
}
