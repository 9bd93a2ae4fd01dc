/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results.h - the ticket dictionary (B28): what came back, in order of arrival, and which tickets never did.
 *
 * Invariant: of each (feed, number) at most one ending, answered or dead, is taken; a second one is a counted no-op. A ticket
 * that was halved ends in several parts, each of other rows (halves.h); it has ended with the last of them, and an entry is a part.
 * Values are kept packed. Up to a bound entries and values are in memory (results_memory.h); past it all of them move to one
 * file and it grows there (results_file.h). What finds no room on the disk is counted, not kept (`not_kept`), and the run says
 * so and exits 1.
 * Cost: O(1) an entry, 44 bytes and its values each in memory; at most a bit a ticket for "seen" (seen.h). One writer, feeds
 * may begin and end in other threads; readers after it is done, one at a time.
 */
#ifndef EMP_RESULTS_H
#define EMP_RESULTS_H

#include "../common/buf.h"
#include "../common/wire.h"
#include "books.h"
#include "history.h"

typedef struct emp_results emp_results_t;

#define EMP_RESULTS_FEEDS_MAX 65536 /* feeds of one run */

/* store false: answers are counted, not kept; only dead tickets have an entry. NULL when out of memory. */
emp_results_t *emp_results_new (uint64_t bytes_max, bool store);
void emp_results_destroy (emp_results_t **self);
/* Where what is beyond bytes_max goes, before the first part: to a scratch file in `folder` (NULL: $TMPDIR or /var/tmp), or to
 * the empty SQLite file at `path` when that is not NULL. EMP_NOMEM. */
emp_status_t emp_results_overflow (emp_results_t *self, const char *folder, const char *path);

/* Who worked, by session: numbers of workers in the entries are of it, and publish writes it. Before the first part; it lives as
 * long as the dictionary. Without one nobody is known. */
void emp_results_history (emp_results_t *self, emp_history_t *history);
/* What time it is, for the entries of the parts that are taken from now on: milliseconds since 1970; 0: not known. In the
 * thread that takes. */
void emp_results_clock (emp_results_t *self, uint64_t now);

/* A feeder begins: its id at the broker and its label, the dictionary's key. Feeds of one label share a key. Any thread.
 * EMP_EXISTS: that id is here already; EMP_FULL: EMP_RESULTS_FEEDS_MAX; EMP_NOMEM. */
emp_status_t emp_results_feed (emp_results_t *self, uint32_t feed, const char *label, const char *queue);
/* A feed that a worker opened, of which nobody told: the same, or EMP_OK when it is here already. What it put and what
 * gave no value was a message between two ends: it is counted, and is no entry. */
emp_status_t emp_results_worker_feed (emp_results_t *self, uint32_t feed, const char *label);
/* The feed cuts its rows evenly: so many a ticket, but for its last one. So what a missing ticket had is known. Any thread. */
void emp_results_feed_rows (emp_results_t *self, uint32_t feed, uint32_t rows_each);
/* The feeder has ended having made so many tickets and rows. Any thread. */
void emp_results_feed_end (emp_results_t *self, uint32_t feed, uint64_t tickets, uint64_t rows);
/* Takes one part of a RESULTS message; `payload` is that part's own bytes. Values are scanned first; malformed ones
 * count as dead with that reason.
 * EMP_STALE: that ticket has ended already, or some of these rows have. EMP_UNKNOWN: no such feed. EMP_MALFORMED: a number that
 * the feed cannot have made, rows that the ticket cannot have, an outcome that is no end. EMP_NOMEM. Nothing is changed by these but the counts twice and refused. */
emp_status_t emp_results_take (emp_results_t *self, uint32_t feed, const emp_part_t *part, const uint8_t *payload);

/* The same, and what was taken, for who goes on with it. */
typedef struct {
    uint32_t place; /* of its feed, in the order in which feeds began */
    uint32_t total; /* rows of its ticket */
    bool silent;    /* dead, or a message between workers: nothing is to be said of it */
} emp_ended_t;
emp_status_t emp_results_end (emp_results_t *self, uint32_t feed, const emp_part_t *part, const uint8_t *payload,
                              emp_ended_t *ret_ended);
/* The label of the feed at such a place. Any thread. */
void emp_results_label_at (emp_results_t *self, uint32_t place, char ret_label[EMP_LABEL_MAX + 1]);

/* Whether that feed is here. Any thread. */
bool emp_results_has_feed (emp_results_t *self, uint32_t feed);

/* A part that came and cannot be taken: EMP_FULL, its feed found no room; EMP_NOMEM. It counts as not kept, but for a message. */
void emp_results_lose (emp_results_t *self, const emp_part_t *part, emp_status_t why);

typedef struct {
    uint64_t answered, dead, partly; /* tickets: all rows answered, all dead, some of each */
    uint64_t rows_answered, rows_dead, values;
    uint64_t parts;         /* taken: one a ticket, but for halved ones */
    uint64_t whole_dead;    /* of these, dead: tickets that were never halved, */
    uint64_t parts_dead;    /* and parts of halved ones */
    uint64_t lost;          /* parts that could not be taken at all */
    uint64_t not_kept;      /* tickets whose values, or reason, found no room */
    uint64_t twice;         /* ends of a ticket that had ended already */
    uint64_t refused;       /* parts that no feed of ours can have caused */
    uint64_t tickets, rows; /* made by the feeds that have ended */
} emp_results_counts_t;
void emp_results_counts (emp_results_t *self, emp_results_counts_t *ret_counts); /* any thread */

/* Why not_kept is not 0, or a file could not be read back: a sentence for a person. "" when all is well. */
const char *emp_results_why (const emp_results_t *self);

/* One ticket's entry. Data is borrowed until the next call of the function that gave it. */
typedef struct {
    const char *label; /* the dictionary's key */
    const char *queue;
    uint64_t number;
    uint32_t attempt;      /* 511 stands for more, too */
    uint32_t rows;         /* of it; of a halved one that ended with this part, */
    uint32_t from;         /* from this one on, counted from 0 */
    bool half;             /* there are other parts of it */
    uint32_t worker;       /* who worked at it last, a number of the history's; 0: not known */
    uint64_t hash;         /* of the chunk, 0: not known */
    uint64_t at;           /* milliseconds since 1970, 0: not known */
    emp_outcome_t outcome; /* done or dead */
    const uint8_t *data;   /* packed values back to back, or one text: the reason */
    size_t size;
} emp_entry_t;
/* The i-th entry in order of arrival; false behind the last, or when it cannot be read (emp_results_why). */
bool emp_results_at (emp_results_t *self, uint64_t i, emp_entry_t *ret_entry);
uint64_t emp_results_count (const emp_results_t *self);

/* The i-th key of the dictionary, in order of its first answer, stored or not; NULL behind the last. */
const char *emp_results_key (const emp_results_t *self, size_t i);
/* The next answered entry of the i-th key, in order of arrival. *cursor is 0 before the first call and belongs to this
 * function; false as with emp_results_at. */
bool emp_results_next (emp_results_t *self, size_t i, uint64_t *cursor, emp_entry_t *ret_entry);
/* The next dead entry, a ticket or a part, in order of arrival; the same cursor. */
bool emp_results_next_dead (emp_results_t *self, uint64_t *cursor, emp_entry_t *ret_entry);

/* A place in one of the walks below; all 0 before the first call. */
typedef struct {
    uint64_t entry, number;
    size_t key;
} emp_results_place_t;
/* The next answered entry in order of tickets: key by key in order of their first answer, then by number; tickets of one number
 * (several feeds of one label) in the order in which their feeds began; parts of a ticket in order of their rows. EMP_STOPPED
 * behind the last; EMP_NOMEM; EMP_SYSTEM: the file cannot be read. The first call sorts: in memory 16 bytes an entry while it
 * does, 8 from then on; in a file 16 bytes of it an entry. */
emp_status_t emp_results_next_ticket (emp_results_t *self, emp_results_place_t *place, emp_entry_t *ret_entry);

/* The next ticket that was made and has no end, in order of feed and number: the feed is the place's key. Of a feed that has not
 * ended the tickets up to the last one seen are known. */
bool emp_results_next_missing (emp_results_t *self, emp_results_place_t *place, const char **ret_label,
                               uint64_t *ret_number);
/* How many these are. */
uint64_t emp_results_missing (const emp_results_t *self);

/* The i-th feed's books (books.h), in the order in which feeds began; false behind the last. When all is taken. */
bool emp_results_feed_at (emp_results_t *self, size_t i, emp_feed_books_t *ret_books);
/* The label of a feed by its id at the broker, NULL: nobody has told of it. */
const char *emp_results_label (emp_results_t *self, uint32_t feed);

/* Makes the file at `path` whole: everything is there, also what is missing, for anybody to query. Once, after all is taken; the
 * dictionary is read from it from then on. Anything but EMP_OK: emp_results_why. */
emp_status_t emp_results_publish (emp_results_t *self);

#endif
