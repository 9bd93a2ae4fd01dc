/* SPDX-License-Identifier: BSD-3-Clause
 *
 * feeder.c - turns a source into chunks on a queue. See feeder.h.
 */
#include "feeder.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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
    _Atomic bool over;
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
    if (self->chunk.size >= LIST_HEADER)
        for (int i = 0; i < 4; i++)
            self->chunk.data[1 + i] = (uint8_t) (rows >> (24 - 8 * i));
    return rows;
}

static void feed_all (emp_feeder_t *self)
{
    for (bool more = true; more;) {
        uint32_t rows = fill_chunk (self, &more);
        if (rows == 0)
            break;
        uint64_t number;
        emp_status_t status = emp_feed_put (self->feed, &self->chunk, rows, UINT64_MAX, &number);
        if (status == EMP_STOPPED)
            break;
        if (status != EMP_OK) {
            fail (self, emp_status_text (status));
            break;
        }
        atomic_fetch_add_explicit (&self->tickets, 1, memory_order_relaxed);
        atomic_fetch_add_explicit (&self->rows, rows, memory_order_relaxed);
    }
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

emp_status_t emp_feeder_new (const emp_feeder_config_t *config, emp_source_t **source_p, emp_feeder_t **ret_self)
{
    emp_feeder_t *self = calloc (1, sizeof *self);
    if (!self)
        return EMP_NOMEM;
    self->config = *config;
    snprintf (self->label, sizeof self->label, "%s", config->label);
    snprintf (self->queue, sizeof self->queue, "%s", config->queue);
    emp_buf_init (&self->chunk, EMP_CHUNK_BYTES_MAX);
    emp_status_t status = emp_feed_new (config->session, config->queue, self->label, &self->feed);
    if (status == EMP_OK)
        status = emp_results_feed (config->results, emp_feed_id (self->feed), self->label, config->queue);
    if (status == EMP_OK) {
        emp_results_feed_rows (config->results, emp_feed_id (self->feed), config->rows_max);
        self->source = *source_p;
        if (!emp_thread_start (&self->thread, "emp-feeder", feeder_thread, self)) {
            self->source = NULL;
            status = EMP_SYSTEM;
        }
    }
    if (status != EMP_OK) {
        emp_feed_destroy (&self->feed);
        free (self);
        return status;
    }
    *source_p = NULL;
    *ret_self = self;
    return EMP_OK;
}

void emp_feeder_cancel (emp_feeder_t *self)
{
    emp_source_cancel (self->source);
}

bool emp_feeder_is_over (const emp_feeder_t *self)
{
    return atomic_load (&self->over);
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
    pthread_join (self->thread, NULL);
    emp_source_close (&self->source);
    emp_feed_destroy (&self->feed);
    emp_buf_release (&self->chunk);
    free (self);
}
