/* SPDX-License-Identifier: BSD-3-Clause
 *
 * progress.h - one line on a terminal while a run goes on (B7): percent and time left, from the rows that workers report
 * done against the target value (INFO_THREAD_MAX, or what the feeders made once they have ended).
 *
 *      42 % 4200 of 10000 rows, 100 of 239 tickets, 1 dead, 0:38 left
 *     4200 rows, 100 tickets, 0:12                                       when nobody knows the target
 *
 * The line is made by a pure function; the shell part around it writes it over itself, at most 5 times a second, and
 * nothing at all where the stream is no terminal. Time is an argument. One owner.
 */
#ifndef EMP_PROGRESS_H
#define EMP_PROGRESS_H

#include "../common/eisenmp.h"

#define EMP_PROGRESS_LINE_MAX 240
#define EMP_PROGRESS_EVERY_MS 200

typedef struct {
    uint64_t rows_done, rows_expected; /* expected 0: not known */
    uint64_t tickets_done;             /* answered or dead */
    uint64_t tickets_made;             /* 0: not known, feeders are at work */
    uint64_t tickets_dead;
    uint64_t elapsed_ms; /* since the first row could be done */
} emp_progress_state_t;

/* Writes the line, without its end, into ret_line (EMP_PROGRESS_LINE_MAX + 1 bytes). 100 percent are not said before all
 * expected rows are done, and never more. */
void emp_progress_line (const emp_progress_state_t *state, char *ret_line);

/* 0:07, 12:40, 3:02:01; what is beyond 1000 hours is no forecast. */
void emp_progress_time (double seconds, char *ret_text, size_t room);

typedef struct {
    FILE *out;
    bool live; /* out is a terminal and progress is wanted */
    bool begun;
    uint64_t last_ms; /* when the line was written last */
    size_t width;     /* columns that are written now, to be covered or erased */
} emp_progress_t;

/* enabled: INFO_ENABLE. `out` is borrowed. */
void emp_progress_init (emp_progress_t *self, FILE *out, bool enabled);
/* Writes the line when it is time to; cut to the terminal's width. now_ms is of any clock that does not go back. */
void emp_progress_show (emp_progress_t *self, const emp_progress_state_t *state, uint64_t now_ms);
/* Takes the line away: at the end, and before anything else is written to that terminal; the next show writes it
 * again. */
void emp_progress_erase (emp_progress_t *self);

#endif
