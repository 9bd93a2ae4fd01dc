/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life.h - a ticket's life as `eisenmp explain` tells it, from a file of a run that is over.
 *
 *     mp_input_q (default);_TID_3: 20 rows, answered in part: 19 answered, 1 dead
 *       attempt 1: Process-2 (pid 123) on host7: failed: killed by signal 11 (Segmentation fault), 2026-11-25 12:00:01.234
 *       …
 *       rows 0 to 16: answered by Process-1 (pid 122) on host7, attempt 4, chunk 8f0c…, 1 result, 2026-11-25 12:00:01.310
 *       row 17: dead after 4 attempts, at Process-3 (pid 130) on host7, …: worker killed by signal 11 (Segmentation fault), …
 *
 * Attempts come in the order in which the manager heard of them, then what came of the ticket in order of its rows. Times are
 * those of the manager's clock, in this process's time zone. Control characters do not reach the terminal.
 * A kind of file is a reader; cmd_explain.c has the table of them.
 */
#ifndef EMP_LIFE_H
#define EMP_LIFE_H

#include "../common/control.h"
#include "history.h"

#define EMP_LIFE_WHY_MAX 9000 /* a sentence with a path and a label, its NUL included */

/* What a ticket is called: "mp_input_q (default);_TID_7;" in full, with or without its end, also with what a report's line has
 * behind it; or "_TID_7" or "7" alone. */
typedef struct {
    char queue[EMP_LABEL_MAX + 1]; /* its label; "": not said */
    uint64_t number;
} emp_ticket_name_t;
bool emp_life_parse (const char *text, emp_ticket_name_t *ret_name);

typedef enum { EMP_LIFE_TRY, EMP_LIFE_ANSWERED, EMP_LIFE_DEAD, EMP_LIFE_RESUMED } emp_life_kind_t;

typedef struct {
    emp_life_kind_t kind;
    uint64_t attempt, from, rows; /* RESUMED has none of these, but `at` */
    bool half;                    /* of some of its rows */
    const char *end;              /* TRY: emp_history_end_word */
    const char *reason;           /* "" when there is none */
    size_t reason_size;
    uint64_t results, hash, at;
    const char *worker, *host; /* "": not known */
    uint64_t pid;
} emp_life_event_t;

/* What became of it, of its rows. */
typedef struct {
    const char *queue;
    uint64_t number;
    bool missing; /* then rows that are neither are not known */
    bool unkept;  /* it was tried, and nothing is known of its end */
    bool open;    /* its run may be on: what is missing may still come */
    bool damaged; /* so is the file: what is missing may be told where nothing can be read */
    uint64_t rows_answered, rows_dead;
} emp_life_sum_t;

void emp_life_print_sum (const emp_life_sum_t *sum, FILE *out);
void emp_life_print_event (const emp_life_event_t *event, FILE *out);

/* A reader prints the lives of all tickets of that name: one, but when several feeders have one label. EMP_OK: ret_why is "", or says
 * why that may not be all. EMP_INVALID: the file
 * is not what it looks like, or cannot be read; EMP_UNKNOWN: no such ticket, or several queues have one; EMP_NOMEM. The sentence
 * is in ret_why; nothing was printed, or, when the file cannot be read to its end, not all. */
typedef emp_status_t (emp_life_read_fn) (const char *path, const emp_ticket_name_t *name, FILE *out,
                                         char ret_why[EMP_LIFE_WHY_MAX]);

emp_life_read_fn emp_life_of_results; /* life_results.c: a .db of RESULTS_FILE */
emp_life_read_fn emp_life_of_journal; /* life_journal.c: a JOURNAL, also of a run that is on or was killed */

/* ---- for readers ----------------------------------------------------------------------------------------------------- */

/* A queue of a file. */
typedef struct {
    char label[EMP_LABEL_MAX + 1];
    bool has;           /* the ticket that is asked for */
    bool ranges;        /* the numbers of its tickets are known: */
    uint64_t low, high; /* from and to */
} emp_life_queue_t;

/* Which queue is meant: *ret_at is its place. EMP_UNKNOWN: none, or several; then `why` tells what there is instead. EMP_NOMEM. */
emp_status_t emp_life_pick (const emp_ticket_name_t *name, const emp_life_queue_t *queues, size_t count, size_t *ret_at,
                            char why[EMP_LIFE_WHY_MAX]);

#endif
