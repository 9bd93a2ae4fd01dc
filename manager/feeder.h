/* SPDX-License-Identifier: BSD-3-Clause
 *
 * feeder.h - turns a source into chunks on a queue (B17): a thread beside the manager's own code.
 *
 * A chunk is one packed list of up to rows_max rows; a source whose rows divide evenly gives no empty chunk behind the
 * last. The queue's bound holds the feeder back. Memory: one chunk, whatever the length of the source.
 */
#ifndef EMP_FEEDER_H
#define EMP_FEEDER_H

#include "../common/net/session.h"
#include "journal.h"
#include "results.h"
#include "source.h"

typedef struct emp_feeder emp_feeder_t;

typedef struct {
    emp_session_t *session;
    emp_results_t *results;
    const char *queue; /* full name */
    const char *label; /* first field of headers */
    uint32_t rows_max;
    emp_journal_t *journal; /* or NULL */
    uint32_t place;         /* of the feed in the journal */
    /* In the feeder's thread, once, when it is over. */
    void (*ended) (void *arg);
    void *arg;
} emp_feeder_config_t;

/* Opens the feed and takes the source (nulls it) on EMP_OK; else what opening came to, with a sentence. A source of NULL: the journal
 * knows the whole feed. Nothing is put yet. */
emp_status_t emp_feeder_new (const emp_feeder_config_t *config, emp_source_t **source_p, emp_feeder_t **ret_self,
                             char ret_why[EMP_JOURNAL_WHY_MAX]);
/* Once. EMP_SYSTEM: there is no thread for it, and it is over. */
emp_status_t emp_feeder_start (emp_feeder_t *self);
/* Makes it end soon: no more rows are asked for. Any thread. */
void emp_feeder_cancel (emp_feeder_t *self);
/* True once its thread is over and nothing but destroy will touch it. */
bool emp_feeder_is_over (const emp_feeder_t *self);
/* Its input is not what it was before the run was resumed: emp_feeder_error says where. When it is over. */
bool emp_feeder_is_refused (const emp_feeder_t *self);
/* Why it failed, or NULL. When it is over. */
/* Behind its end: it came less far than an earlier run, whose tickets it counts as its own. */
bool emp_feeder_is_cut (const emp_feeder_t *self);
const char *emp_feeder_error (const emp_feeder_t *self);
const char *emp_feeder_label (const emp_feeder_t *self);
uint64_t emp_feeder_tickets (const emp_feeder_t *self); /* any thread */
uint64_t emp_feeder_rows (const emp_feeder_t *self);    /* any thread */
/* Cancels, waits for the thread, frees. */
void emp_feeder_destroy (emp_feeder_t **self);

#endif
