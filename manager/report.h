/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report.h - the printed report (B29).
 *
 *     <blank line>
 *     --- Result for [LABEL]---
 *     <result rows: one line a value; the elements of a list one line each>          RESULTS_PRINT
 *         --- END ---
 *     {'mp_input_q (default)': [                                                     RESULTS_DICT_PRINT
 *       ('_TID_0', [1000000000039, …]),
 *       ('_TID_1', …)]}
 * and only when something went wrong, behind it
 *     --- Workers lost ---
 *     Process-2 (pid 4711): killed by signal 9 (Killed), 2 tickets taken back
 *         | last lines of its stderr
 *     --- Tickets dead ---
 *     mp_input_q (default);_TID_17: 5 attempts: worker killed by signal 11 (Segmentation fault)
 *     --- Tickets answered in part, their dead rows ---
 *     mp_input_q (default);_TID_3 row 17: 2 attempts: worker killed by signal 11 (Segmentation fault)
 *     --- Tickets missing ---
 *     mp_input_q (default);_TID_18
 *     --- Values not kept ---
 *     3 tickets ended when there was no room: /var/tmp: No space left on device
 *     --- Results not whole ---
 *     /var/tmp: disk I/O error
 * Rows are counted from 0, in their chunk. When no halved ticket has an answer, that heading is "--- Rows dead ---".
 * Title, rows and END are left out when neither the rows nor the dictionary are wanted. Without the rows the two lines
 * are there still.
 * A ticket with several results stands once for each of them in the dictionary; a ticket answered with no result is
 * ('_TID_n', None). Further keys begin a line of their own, " 'key': [".
 * The dictionary is a Python literal: ast.literal_eval reads it, but for the doubles nan and inf, that Python itself
 * cannot write as literals, and for extension types.
 * LABEL without RESULT_LABEL: the dictionary's keys, comma separated, in order of first arrival.
 * Streams, from memory or from the file: nothing is held beyond one value. Long lists of lost workers, dead or missing tickets are cut at
 * 1000 lines with "and N more". Control characters of reasons and tails do not reach the terminal.
 */
#ifndef EMP_REPORT_H
#define EMP_REPORT_H

#include "../common/control.h"
#include "results.h"

#define EMP_REPORT_LINES_MAX 1000

/* A worker that was lost, as GONE told it. */
typedef struct {
    uint64_t session;
    char name[EMP_LABEL_MAX + 1];
    uint32_t pid;
    emp_how_t how;
    uint32_t code;
    uint64_t taken_back;
    uint64_t peak; /* the most memory it had, in bytes; 0: not known */
    char *tail;    /* last lines of its stderr, or NULL */
} emp_loss_t;

typedef struct {
    const char *label; /* RESULT_LABEL or NULL */
    bool rows, dictionary;
    emp_results_t *results;
    const emp_loss_t *losses;
    size_t losses_count;
    uint64_t losses_more; /* not in the list: beyond the first EMP_REPORT_LINES_MAX */
} emp_report_t;
void emp_report_print (const emp_report_t *self, FILE *out);
/* A text from outside on one line: what would move the cursor is a space, what is no UTF-8 a question mark. */
void emp_report_text (const char *text, size_t size, FILE *out);

#endif
