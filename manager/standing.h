/* SPDX-License-Identifier: BSD-3-Clause
 *
 * standing.h - how a run stands, written: for a person at a terminal, for a script, as JSON. Pure: two overviews in, text out.
 *
 * For a script (STANDING_LINES) it is a line a thing, with tabs between, the first word says of what; "-" is what is not known.
 * More fields may come behind these, and lines of other words; times are seconds.
 *
 *   run      name  pid  job  state  elapsed  left
 *   tickets  put  answered  dead  waiting  held  reissued  copied  dropped  rate
 *   queue    name  state  waiting  held  maxsize  answered  dead  reissued  rate  consumers  rows put  rows ended
 *   host     name  slots  held  answered
 *   slot     host  name  pid  held  answered  queue  ticket  attempt  seconds in hand  seconds silent
 *   lost     workers
 *   loss     host  name  pid  how  tickets  seconds ago
 *
 * A state of a run is starting, feeding, finishing, draining or over; of a queue open or stopped. A rate is tickets a second that
 * ended, between the two overviews. What is left is said by the mean since the first ticket, for the tickets that are there: while
 * the run is being fed it is a least.
 */
#ifndef EMP_STANDING_H
#define EMP_STANDING_H

#include "../common/overview.h"
#include "runlist.h"

typedef enum { STANDING_TABLE, STANDING_LINES, STANDING_JSON } emp_standing_form_t;

typedef struct {
    const emp_overview_t *now;
    const emp_overview_t *before; /* NULL: no rates */
    const emp_run_info_t *info;   /* NULL: of another host */
    const char *endpoint;
    uint64_t run;
} emp_standing_t;

/* Appends it. A table has at most `lines` lines (0: any) of `columns` columns (0: any); what has no room is counted in its last
 * line. What breaks `out` is for who looks. */
void emp_standing_write (const emp_standing_t *self, emp_standing_form_t form, size_t lines, size_t columns,
                         emp_buf_t *out);
/* The runs to choose from. */
void emp_standing_runs (const emp_run_info_t *runs, size_t count, int64_t now_s, emp_standing_form_t form,
                        emp_buf_t *out);

#endif
