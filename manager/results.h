/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results.h - the ticket dictionary (B28): what came back, in order of arrival, and which tickets never did.
 *
 * Invariant: of each (feed, number) at most one ending, answered or dead, is taken; a second one is a counted no-op.
 * Values are kept packed, in blocks, up to a bound; past it tickets are still counted but their values are not kept
 * (`not_kept`), and the run says so and exits 1.
 * Cost: O(1) an entry, 24 bytes and its values each; at most a bit a ticket for "seen" (seen.h). One writer, feeds may
 * begin and end in other threads; readers after it is done.
 */
#ifndef EMP_RESULTS_H
#define EMP_RESULTS_H

#include "../common/buf.h"
#include "../common/wire.h"

typedef struct emp_results emp_results_t;

#define EMP_RESULTS_FEEDS_MAX 65536 /* feeds of one run */

/* store false: answers are counted, not kept; only dead tickets have an entry. NULL when out of memory. */
emp_results_t *emp_results_new (uint64_t bytes_max, bool store);
void emp_results_destroy (emp_results_t **self);

/* A feeder begins: its id at the broker and its label, the dictionary's key. Feeds of one label share a key. Any thread.
 * EMP_EXISTS: that id is here already; EMP_FULL: EMP_RESULTS_FEEDS_MAX; EMP_NOMEM. */
emp_status_t emp_results_feed (emp_results_t *self, uint32_t feed, const char *label, const char *queue);
/* A feed that a worker opened, of which nobody told: the same, or EMP_OK when it is here already. What it put and what
 * gave no value was a message between two ends: it is counted, and is no entry. */
emp_status_t emp_results_worker_feed (emp_results_t *self, uint32_t feed, const char *label);
/* The feeder has ended having made so many tickets and rows. Any thread. */
void emp_results_feed_end (emp_results_t *self, uint32_t feed, uint64_t tickets, uint64_t rows);
/* Takes one part of a RESULTS message; `payload` is that part's own bytes. Values are scanned first; malformed ones
 * count as dead with that reason.
 * EMP_STALE: that ticket has ended already. EMP_UNKNOWN: no such feed. EMP_MALFORMED: a number that the feed cannot have
 * made, an outcome that is no end. EMP_NOMEM. Nothing is changed by these but the counts twice and refused. */
emp_status_t emp_results_take (emp_results_t *self, uint32_t feed, const emp_part_t *part, const uint8_t *payload);

typedef struct {
    uint64_t answered, dead, rows_answered, values;
    uint64_t not_kept;      /* answered tickets whose values found no room; 0 when nothing was to be stored */
    uint64_t twice;         /* ends of a ticket that had ended already */
    uint64_t refused;       /* parts that no feed of ours can have caused */
    uint64_t tickets, rows; /* made by the feeds that have ended */
} emp_results_counts_t;
void emp_results_counts (emp_results_t *self, emp_results_counts_t *ret_counts); /* any thread */

/* One ticket's entry. */
typedef struct {
    const char *label; /* the dictionary's key */
    const char *queue;
    uint64_t number;
    uint32_t attempt; /* 511 stands for more, too */
    uint32_t rows;
    emp_outcome_t outcome; /* done or dead */
    const uint8_t *data;   /* packed values back to back, or one text: the reason. NULL when not kept */
    size_t size;
} emp_entry_t;
/* The i-th entry in order of arrival; false behind the last. */
bool emp_results_at (const emp_results_t *self, uint64_t i, emp_entry_t *ret_entry);
uint64_t emp_results_count (const emp_results_t *self);

/* The i-th key of the dictionary, in order of its first answer, stored or not; NULL behind the last. */
const char *emp_results_key (const emp_results_t *self, size_t i);
/* The next answered entry of the i-th key. *cursor is 0 before the first call and belongs to this function. */
bool emp_results_next (const emp_results_t *self, size_t i, uint64_t *cursor, emp_entry_t *ret_entry);

/* Calls fn for each ticket that was made and has no end, in order of feed and number. Returns how many. fn may be
 * NULL. Of a feed that has not ended the tickets up to the last one seen are known. */
uint64_t emp_results_missing (const emp_results_t *self, void (*fn) (void *arg, const char *label, uint64_t number),
                              void *arg);

#endif
