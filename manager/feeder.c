/* SPDX-License-Identifier: BSD-3-Clause
 *
 * feeder.c - turns a source into chunks on a queue. See feeder.h.
 */
#include "feeder.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../common/hash.h"
#include "../common/thread.h"

#define LIST_HEADER 5 /* bytes of msgpack's array 32, written when the number of rows is known */

struct emp_feeder {
    emp_feeder_config_t config;
    char label[EMP_LABEL_MAX + 1];
    char queue[EMP_NAME_MAX + 1];
    emp_source_t *source;
    emp_feed_t *feed;
    pthread_t thread;
    _Atomic uint64_t tickets, rows;
    _Atomic bool over, cancelled, refused; /* over, too, before it is started */
    bool started, cut;
    emp_buf_t chunk;
    bool failed;
    char error[EMP_TEXT_MAX + 1];
};

static void fail (emp_feeder_t *self, const char *why)
{
    self->failed = true;
    snprintf (self->error, sizeof self->error, "%s", why);
}

/* Fills the chunk with up to rows_max rows and its header. Returns the number of rows; *ret_more is false behind the
 * last one. Rows before a failure stay in the chunk: they were good. */
static uint32_t fill_chunk (emp_feeder_t *self, bool *ret_more)
{
    emp_buf_clear (&self->chunk);
    static const uint8_t header[LIST_HEADER] = {0xdd};
    emp_status_t status = emp_buf_append (&self->chunk, header, sizeof header);
    uint32_t rows = 0;
    if (status == EMP_OK)
        status = emp_source_rows (self->source, self->config.rows_max, &self->chunk, &rows);
    *ret_more = status == EMP_OK;
    if (self->chunk.broken == EMP_TOOBIG)
        fail (self, "a chunk of more than 256 MiB: a smaller ROWS_MAX is needed");
    else if (status != EMP_OK && status != EMP_STOPPED)
        fail (self, emp_source_error (self->source));
    self->refused = status == EMP_STALE;
    if (self->chunk.size >= LIST_HEADER)
        for (int i = 0; i < 4; i++)
            self->chunk.data[1 + i] = (uint8_t) (rows >> (24 - 8 * i));
    return rows;
}

static void refuse (emp_feeder_t *self, uint64_t number, const char *found)
{
    self->refused = self->failed = true;
    snprintf (self->error, sizeof self->error,
              "ticket _TID_%" PRIu64
              " of %s: found %s, expected the input as it was before; no earlier answer was changed",
              number, self->label, found);
}

/* What the journal says of the chunk that was made: it is put, or, since its ticket has ended, passed over. */
static emp_status_t put_or_skip (emp_feeder_t *self, uint32_t rows)
{
    uint64_t number = emp_feeder_tickets (self);
    if (self->config.journal)
        switch (emp_journal_check (self->config.journal, self->config.place, number,
                                   emp_hash (self->chunk.data, self->chunk.size))) {
        case EMP_JOURNAL_SKIPS: return emp_feed_skip (self->feed);
        case EMP_JOURNAL_DIFFERS: refuse (self, number, "other rows"); return EMP_STOPPED;
        case EMP_JOURNAL_RUNS: break;
        }
    return emp_feed_put (self->feed, &self->chunk, rows, UINT64_MAX, &number);
}

/* A chunk that was cut short is none that could be made again: by a drain, or, with a journal, by a failure. */
static bool is_cut (const emp_feeder_t *self)
{
    return self->config.journal && (self->failed || atomic_load (&self->cancelled));
}

/* Its rows were good, and are in nothing that is counted. */
static void say_cut (emp_feeder_t *self, uint32_t rows)
{
    size_t size = strlen (self->error);
    if (self->failed && !self->refused)
        snprintf (self->error + size, sizeof self->error - size,
                  "; its last %" PRIu32 " row%s not put, since a run that resumes this one reads them again", rows,
                  rows == 1 ? " was" : "s were");
}

/* False when it was ended early. */
static bool feed_source (emp_feeder_t *self)
{
    for (bool more = true; more;) {
        uint32_t rows = fill_chunk (self, &more);
        if (rows == 0)
            break;
        if (is_cut (self)) {
            say_cut (self, rows);
            return false;
        }
        emp_status_t status = put_or_skip (self, rows);
        if (status == EMP_STOPPED)
            return false;
        if (status != EMP_OK) {
            fail (self, emp_status_text (status));
            return false;
        }
        atomic_fetch_add_explicit (&self->tickets, 1, memory_order_relaxed);
        atomic_fetch_add_explicit (&self->rows, rows, memory_order_relaxed);
    }
    return !self->failed && !atomic_load (&self->cancelled);
}

/* Each of its tickets has ended in an earlier run, and its input need not be read. */
static void skip_all (emp_feeder_t *self, uint64_t tickets, uint64_t rows)
{
    for (uint64_t i = 0; i < tickets; i++)
        emp_feed_skip (self->feed);
    atomic_store (&self->tickets, tickets);
    atomic_store (&self->rows, rows);
}

/* What a pipe gave is kept for the next run only when it is known to be the right one: compared with every chunk of before. */
static void take_back (emp_feeder_t *self)
{
    if (!self->refused && emp_feeder_tickets (self) >= emp_journal_known (self->config.journal, self->config.place))
        return;
    const char *path = emp_source_take_back (self->source);
    size_t size = strlen (self->error);
    if (self->refused && path)
        snprintf (self->error + size, sizeof self->error - size,
                  "; what earlier runs have read is in %s: remove it to give all of the input again", path);
}

/* Earlier runs came further than this one: what they have made is there, or is missing. */
static void count_made (emp_feeder_t *self)
{
    uint64_t tickets, rows;
    emp_journal_made (self->config.journal, self->config.place, &tickets, &rows);
    if (tickets <= emp_feeder_tickets (self))
        return;
    self->cut = true;
    atomic_store (&self->tickets, tickets);
    atomic_store (&self->rows, rows);
}

static void feed_all (emp_feeder_t *self)
{
    uint64_t tickets, rows;
    if (self->source) {
        bool whole = feed_source (self);
        if (whole && self->config.journal &&
            !emp_journal_feed_end (self->config.journal, self->config.place, atomic_load (&self->tickets),
                                   atomic_load (&self->rows), &tickets))
            refuse (self, tickets, "the end of the input");
        if (self->config.journal)
            take_back (self);
        if (!whole && self->config.journal)
            count_made (self);
    } else if (emp_journal_is_whole (self->config.journal, self->config.place, &tickets, &rows))
        skip_all (self, tickets, rows);
    emp_feed_end (self->feed);
    emp_results_feed_end (self->config.results, emp_feed_id (self->feed), atomic_load (&self->tickets),
                          atomic_load (&self->rows));
}

static void *feeder_thread (void *arg)
{
    emp_feeder_t *self = arg;
    feed_all (self);
    void (*ended) (void *) = self->config.ended;
    void *ended_arg = self->config.arg;
    atomic_store (&self->over, true);
    ended (ended_arg);
    return NULL;
}

static emp_status_t open_feed (emp_feeder_t *self, char *why)
{
    const emp_journal_decl_t decl = {self->label, self->queue, self->config.rows_max};
    emp_status_t status = emp_feed_new (self->config.session, self->queue, self->label, &self->feed);
    if (status == EMP_OK)
        status = emp_results_feed (self->config.results, emp_feed_id (self->feed), self->label, self->queue);
    if (status != EMP_OK)
        snprintf (why, EMP_JOURNAL_WHY_MAX, "a feeder on queue %s: %s", self->queue, emp_status_text (status));
    else
        emp_results_feed_rows (self->config.results, emp_feed_id (self->feed), self->config.rows_max);
    if (status == EMP_OK && self->config.journal)
        status = emp_journal_feed (self->config.journal, self->config.place, emp_feed_id (self->feed), &decl, why);
    return status;
}

emp_status_t emp_feeder_new (const emp_feeder_config_t *config, emp_source_t **source_p, emp_feeder_t **ret_self,
                             char ret_why[EMP_JOURNAL_WHY_MAX])
{
    emp_feeder_t *self = calloc (1, sizeof *self);
    if (!self)
        return snprintf (ret_why, EMP_JOURNAL_WHY_MAX, "out of memory"), EMP_NOMEM;
    self->config = *config;
    snprintf (self->label, sizeof self->label, "%s", config->label);
    snprintf (self->queue, sizeof self->queue, "%s", config->queue);
    emp_buf_init (&self->chunk, EMP_CHUNK_BYTES_MAX);
    emp_status_t status = open_feed (self, ret_why);
    if (status != EMP_OK) {
        emp_feed_destroy (&self->feed);
        free (self);
        return status;
    }
    self->source = *source_p;
    *source_p = NULL;
    atomic_store (&self->over, true); /* until it is started */
    *ret_self = self;
    return EMP_OK;
}

emp_status_t emp_feeder_start (emp_feeder_t *self)
{
    atomic_store (&self->over, false);
    self->started = emp_thread_start (&self->thread, "emp-feeder", feeder_thread, self);
    if (!self->started)
        atomic_store (&self->over, true);
    return self->started ? EMP_OK : EMP_SYSTEM;
}

void emp_feeder_cancel (emp_feeder_t *self)
{
    atomic_store (&self->cancelled, true);
    if (self->source)
        emp_source_cancel (self->source);
}

bool emp_feeder_is_over (const emp_feeder_t *self)
{
    return atomic_load (&self->over);
}

bool emp_feeder_is_refused (const emp_feeder_t *self)
{
    return self->refused;
}

bool emp_feeder_is_cut (const emp_feeder_t *self)
{
    return self->cut;
}

const char *emp_feeder_error (const emp_feeder_t *self)
{
    return self->failed ? self->error : NULL;
}

const char *emp_feeder_label (const emp_feeder_t *self)
{
    return self->label;
}

uint64_t emp_feeder_tickets (const emp_feeder_t *self)
{
    return atomic_load (&self->tickets);
}

uint64_t emp_feeder_rows (const emp_feeder_t *self)
{
    return atomic_load (&self->rows);
}

void emp_feeder_destroy (emp_feeder_t **self_p)
{
    emp_feeder_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    emp_feeder_cancel (self);
    if (self->started)
        pthread_join (self->thread, NULL);
    emp_source_close (&self->source);
    emp_feed_destroy (&self->feed);
    emp_buf_release (&self->chunk);
    free (self);
}
