/* SPDX-License-Identifier: BSD-3-Clause
 *
 * collector.h - the thread that takes every ticket's ending from the sink into the ticket dictionary.
 *
 * With a journal it takes all endings that are there, has them written as one group, and only then counts them and has them
 * acknowledged: what is counted is durable. Once a group could not be written nothing is counted any more.
 * What is counted goes to the stream too. A stream whose reader is slow holds it up, and by that, in the end, the workers.
 */
#ifndef EMP_COLLECTOR_H
#define EMP_COLLECTOR_H

#include "../common/net/session.h"
#include "journal.h"
#include "results.h"
#include "stream.h"

typedef struct emp_collector emp_collector_t;

typedef struct {
    emp_session_t *session;
    emp_results_t *results;
    emp_journal_t *journal; /* or NULL */
    emp_journal_sync_t sync;
    emp_history_t *history; /* of whom, and of what, earlier runs tell */
    /* In the collector's thread. With a journal: whether workers have put tickets by now, which the broker counts before it hears
     * of the end of the ticket while they held which they did. */
    bool (*workers_put) (void *arg);
    emp_stream_t *stream; /* or NULL */
    /* In the collector's thread. Once: the journal could not be written (emp_journal_why). */
    void (*unkept) (void *arg);
    /* Once: EMP_STOPPED behind the last ending, EMP_SYSTEM when the broker is gone. */
    void (*ended) (void *arg, emp_status_t status);
    void *arg;
} emp_collector_config_t;

emp_status_t emp_collector_new (const emp_collector_config_t *config, emp_collector_t **ret_self);
/* Takes what earlier runs have answered of the feeds first … beyond - 1 (emp_journal_replay). Any thread. */
emp_status_t emp_collector_replay (emp_collector_t *self, uint32_t first, uint32_t beyond);
/* What these came to, for the books. */
typedef struct {
    uint64_t parts, tickets, rows;
} emp_replayed_t;
void emp_collector_replayed (emp_collector_t *self, emp_replayed_t *ret_replayed);
/* Waits for the thread: its session must be down, or its end have come. */
void emp_collector_destroy (emp_collector_t **self);

#endif
