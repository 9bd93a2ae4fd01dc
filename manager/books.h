/* SPDX-License-Identifier: BSD-3-Clause
 *
 * books.h - the ledger as proof: that what was put in is what came of it, in tickets and in rows, or a sentence that says what
 * does not agree. Pure.
 *
 * Each of these holds at the end of every run, also of one that was drained, stopped or lost workers. The two sides are counted
 * in different places, so an error of one of them shows:
 *   of a feed of the manager's                        left: its feeder              right: the dictionary
 *     tickets = answered + dead + partly + missing    as it put                     as parts came; missing: numbers not in its set
 *     rows    = answered + dead + missing             as it put                     as parts came; missing: by ROWS_MAX
 *   of the run                                        left: the broker              right: the dictionary
 *     results sent = parts taken                      as the sink's serial counts   as parts came
 *   of the run                                        left: feeders and puts       right: the dictionary
 *     tickets, rows                                   as they counted               as it was told when each ended
 *   and of a run that was not drained                 left: the broker              right: the dictionary
 *     tickets put = ended, rows put = ended           as puts came, workers' too    as parts came
 *     tickets put >= those of the manager's feeds
 * Rows of a missing ticket are known when the feed cuts its rows evenly: ROWS_MAX, but for its last ticket. Of others (puts of the
 * program's own) only that they are as many as there are missing tickets, or more, and none when nothing is missing.
 */
#ifndef EMP_BOOKS_H
#define EMP_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMP_BOOKS_WHY_MAX 500 /* a sentence with a label, its NUL included */

typedef struct {
    const char *label;
    bool workers;           /* a worker opened it: nobody has told how many tickets it made */
    bool ended;             /* tickets and rows are what its feeder put */
    uint64_t tickets, rows; /* put */
    uint64_t answered, dead, partly, missing;
    uint64_t rows_answered, rows_dead;
    uint64_t rows_begun; /* of these, rows of missing tickets that have ended in part */
    uint32_t rows_each;  /* of every ticket but the last one; 0: they differ */
    bool last_missing;   /* its last ticket is */
} emp_feed_books_t;

/* Rows of the missing tickets: as they must be, or, where nobody can know, what is left. */
uint64_t emp_books_rows_missing (const emp_feed_books_t *self);
/* False, and the sentence. */
bool emp_books_feed_agrees (const emp_feed_books_t *self, char ret_why[EMP_BOOKS_WHY_MAX]);

/* The run: the broker's counts on one side, sums over all feeds of the dictionary on the other. */
typedef struct {
    bool drained;                 /* tickets may have been dropped, or be under way */
    uint64_t put, rows_put, sent; /* the broker's: tickets, their rows, results */
    uint64_t before,
        rows_before;       /* of a run that this one goes on with: tickets and rows that it never put, since they had */
    uint64_t parts_before; /* ended there, and the parts that were taken from there */
    uint64_t fed, rows_fed;     /* by the manager: its feeders and the program's own puts, as they counted */
    uint64_t known, rows_known; /* the same, as the dictionary was told */
    uint64_t parts;             /* taken */
    uint64_t ended;             /* tickets: answered, dead, partly; workers' included */
    uint64_t rows_ended;
} emp_run_books_t;

bool emp_books_run_agrees (const emp_run_books_t *self, char ret_why[EMP_BOOKS_WHY_MAX]);

#endif
