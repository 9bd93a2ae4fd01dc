/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_index.h - what the records of a journal come to: which tickets of which feed have been answered, and the hash of
 * each chunk that was made.
 *
 * A ticket counts as answered once all of its rows were, each once, within one run: by one record, or, when it was halved, by
 * several, the last of which says that none are left; not when one of them is dead, its values are no whole msgpack, or it was worked at
 * anything but the chunk that was made (a worker that does not say at what is believed when that chunk is known). The first such end
 * counts.
 * Cost: 8 bytes and a bit a ticket that was made, in pieces of 4096, given back as they are passed (emp_journal_index_pass); 8
 * bytes an answer that does not count.
 * Pure; one owner, but for look and pass, which one thread a feed may call.
 */
#ifndef EMP_JOURNAL_INDEX_H
#define EMP_JOURNAL_INDEX_H

#include "journal_form.h"

typedef struct {
    bool named; /* its FEED record was read */
    uint32_t rows_max;
    char label[EMP_LABEL_MAX + 1], queue[EMP_NAME_MAX + 1];
    uint64_t beyond;   /* the highest number that is known, plus 1 */
    uint64_t answered; /* tickets */
    bool ended;        /* its end was reached once: it has so many */
    uint64_t tickets, rows;
    struct emp_journal_piece **pieces;
    size_t pieces_count;
} emp_journal_feed_t;

/* A part of a ticket that has not ended. */
typedef struct {
    uint32_t place;
    bool spoilt; /* it answers nothing */
    uint32_t from, rows, left;
    uint64_t number, offset, extent;
} emp_journal_part_t;

typedef struct {
    void *(*grow) (void *old, size_t size);
    emp_journal_feed_t *feeds; /* by place */
    size_t feeds_count;
    uint32_t runs;                   /* that have begun */
    bool idle;                       /* the run at hand has no answer and no history */
    uint64_t run_bytes;              /* of it: RUN, WORKER, CLOSE */
    uint64_t history;                /* records of attempts and deaths */
    char foreign[EMP_LABEL_MAX + 1]; /* queue on which others than feeders put; "" none */
    emp_journal_part_t *parts;       /* of this run */
    size_t parts_count, parts_room;
    uint64_t *useless; /* offsets of answers that do not count, in no order until emp_journal_index_end */
    size_t useless_count, useless_room;
    uint64_t useless_bytes;
} emp_journal_index_t;

void emp_journal_index_init (emp_journal_index_t *self, void *(*grow) (void *old, size_t size));
void emp_journal_index_release (emp_journal_index_t *self);

/* Takes the next record. EMP_OK; EMP_NOMEM; EMP_MALFORMED: a record that no run of ours can have written: it does not count. */
emp_status_t emp_journal_index_take (emp_journal_index_t *self, uint64_t offset, uint64_t extent,
                                     const emp_journal_record_t *record);
/* Behind the last record. EMP_NOMEM. */
emp_status_t emp_journal_index_end (emp_journal_index_t *self);
/* Behind that: does the answer at this offset count? */
bool emp_journal_index_counts (const emp_journal_index_t *self, uint64_t offset);

/* The hash of a ticket's chunk (0: not known), and whether it was answered. */
uint64_t emp_journal_index_look (const emp_journal_feed_t *self, uint64_t number, bool *ret_answered);
/* Numbers below this one are asked for no more. */
void emp_journal_index_pass (emp_journal_feed_t *self, uint64_t number);

#endif
