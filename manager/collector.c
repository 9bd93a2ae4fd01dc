/* SPDX-License-Identifier: BSD-3-Clause
 *
 * collector.c - the thread between the sink and the ticket dictionary. See collector.h.
 */
#include "collector.h"

#include <stdlib.h>

#include "../common/thread.h"
#include "wall.h"

#define GATHER_US 10000u /* how long a group of JOURNAL_SYNC batch may wait for more */
#define GATHER_COUNT 1000u
#define GROUP_COUNT 32768u /* a quarter of what the broker lets be without acknowledgement */
#define GROUP_BYTES (8u * 1024 * 1024)

struct emp_collector {
    emp_collector_config_t config;
    emp_sink_t *sink;
    pthread_mutex_t lock; /* who takes into the dictionary */
    emp_replayed_t replayed;
    bool unkept;
    emp_status_t unmet; /* why a feed found no room, of which parts may wait in a group */
    pthread_t thread;
};

static void take (void *arg, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    emp_collector_t *self = arg;
    emp_ended_t ended;
    if (self->unmet != EMP_OK && !emp_results_has_feed (self->config.results, feed)) {
        emp_results_lose (self->config.results, part, self->unmet);
        return;
    }
    /* A ticket that ended twice is counted there and shows in the summary; nothing else is to be done. */
    emp_status_t status = emp_results_end (self->config.results, feed, part, payload, &ended);
    if (status == EMP_FULL || status == EMP_NOMEM)
        emp_results_lose (self->config.results, part, status);
    if (status == EMP_OK && self->config.stream)
        emp_stream_take (self->config.stream, &ended, part, payload);
}

static void flush (emp_collector_t *self)
{
    if (self->config.stream)
        emp_stream_flush (self->config.stream);
}

/* One that is not known was opened by a worker: the manager's are announced before they put. */
static emp_status_t meet_feed (emp_collector_t *self, const emp_wire_t *wire)
{
    return emp_results_worker_feed (self->config.results, wire->feed, wire->label);
}

static void take_all (emp_collector_t *self, const emp_wire_t *wire, const uint8_t *payload)
{
    emp_status_t known = meet_feed (self, wire);
    emp_results_clock (self->config.results, emp_wall_ms ());
    for (uint32_t i = 0; i < wire->count; i++) {
        if (known == EMP_OK)
            take (self, wire->feed, &wire->parts[i], payload);
        else
            emp_results_lose (self->config.results, &wire->parts[i], known);
        payload += wire->parts[i].length;
    }
    flush (self);
}

/* ---- with a journal ------------------------------------------------------------------------------------------------- */

static void gather (emp_collector_t *self, const emp_wire_t *wire, const uint8_t *payload)
{
    for (uint32_t i = 0; i < wire->count; i++) {
        if (!emp_journal_add (self->config.journal, wire->feed, wire->label, &wire->parts[i], payload))
            return;
        payload += wire->parts[i].length;
    }
    emp_status_t known = meet_feed (self, wire);
    if (known != EMP_OK)
        self->unmet = known;
}

/* What else is there goes into the same group; a batch waits for some more. */
static emp_status_t gather_more (emp_collector_t *self)
{
    const emp_wire_t *wire;
    const uint8_t *payload;
    uint64_t until = self->config.sync == EMP_JOURNAL_BATCH ? emp_now () + GATHER_US : 0;
    for (;;) {
        size_t bytes, count = emp_journal_group (self->config.journal, &bytes);
        if (count >= GROUP_COUNT || bytes >= GROUP_BYTES)
            return EMP_OK;
        emp_status_t status = emp_sink_more (self->sink, count >= GATHER_COUNT ? 0 : until, &wire, &payload);
        if (status != EMP_OK)
            return status == EMP_TIMEOUT ? EMP_OK : status;
        gather (self, wire, payload);
    }
}

static void keep_group (emp_collector_t *self)
{
    if (self->config.workers_put (self->config.arg))
        emp_journal_foreign (self->config.journal, "a queue of workers");
    if (emp_journal_commit (self->config.journal) == EMP_OK) {
        pthread_mutex_lock (&self->lock);
        emp_results_clock (self->config.results, emp_wall_ms ());
        emp_journal_each (self->config.journal, take, self);
        flush (self);
        pthread_mutex_unlock (&self->lock);
    } else if (!self->unkept) {
        self->unkept = true;
        self->config.unkept (self->config.arg);
    }
}

static emp_status_t next_group (emp_collector_t *self, const emp_wire_t *wire, const uint8_t *payload)
{
    gather (self, wire, payload);
    emp_status_t status = gather_more (self);
    keep_group (self);
    return status;
}

static void *collector_thread (void *arg)
{
    emp_collector_t *self = arg;
    const emp_wire_t *wire;
    const uint8_t *payload;
    emp_status_t status;
    while ((status = emp_sink_next (self->sink, &wire, &payload)) == EMP_OK) {
        if (!self->config.journal)
            take_all (self, wire, payload);
        else if ((status = next_group (self, wire, payload)) != EMP_OK)
            break;
    }
    pthread_mutex_lock (&self->lock); /* a program's feeder may be about to replay */
    if (self->config.stream)
        emp_stream_end (self->config.stream);
    pthread_mutex_unlock (&self->lock);
    self->config.ended (self->config.arg, status);
    return NULL;
}

static void hear_clock (void *arg, uint64_t ms)
{
    const emp_collector_t *self = arg;
    emp_results_clock (self->config.results, ms);
}

static void hear_worker (void *arg, const emp_control_t *joined)
{
    const emp_collector_t *self = arg;
    emp_history_joined (self->config.history, joined->session, joined->name, joined->host, joined->pid);
}

static void hear_attempt (void *arg, const emp_control_t *attempt, uint64_t ms)
{
    const emp_collector_t *self = arg;
    emp_history_attempt (self->config.history, attempt, ms);
}

emp_status_t emp_collector_replay (emp_collector_t *self, uint32_t first, uint32_t beyond)
{
    pthread_mutex_lock (&self->lock);
    emp_results_counts_t before, after;
    emp_results_counts (self->config.results, &before);
    const emp_journal_hearer_t hearer = {take, hear_clock, hear_worker, hear_attempt, self};
    emp_status_t status = emp_journal_replay (self->config.journal, first, beyond, &hearer);
    flush (self);
    emp_results_counts (self->config.results, &after); /* nobody else takes meanwhile */
    self->replayed.parts += after.parts - before.parts;
    self->replayed.tickets +=
        after.answered + after.dead + after.partly - before.answered - before.dead - before.partly;
    self->replayed.rows += after.rows_answered + after.rows_dead - before.rows_answered - before.rows_dead;
    pthread_mutex_unlock (&self->lock);
    return status;
}

void emp_collector_replayed (emp_collector_t *self, emp_replayed_t *ret_replayed)
{
    pthread_mutex_lock (&self->lock);
    *ret_replayed = self->replayed;
    pthread_mutex_unlock (&self->lock);
}

emp_status_t emp_collector_new (const emp_collector_config_t *config, emp_collector_t **ret_self)
{
    emp_collector_t *self = calloc (1, sizeof *self);
    if (!self)
        return EMP_NOMEM;
    self->config = *config;
    pthread_mutex_init (&self->lock, NULL);
    emp_status_t status = emp_sink_new (config->session, &self->sink);
    if (status == EMP_OK && !emp_thread_start (&self->thread, "emp-collector", collector_thread, self))
        status = EMP_SYSTEM;
    if (status != EMP_OK) {
        emp_sink_destroy (&self->sink);
        pthread_mutex_destroy (&self->lock);
        free (self);
        return status;
    }
    *ret_self = self;
    return EMP_OK;
}

void emp_collector_destroy (emp_collector_t **self_p)
{
    emp_collector_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_join (self->thread, NULL);
    emp_sink_destroy (&self->sink);
    pthread_mutex_destroy (&self->lock);
    free (self);
}
