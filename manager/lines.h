/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lines.h - results as lines of a text: what RESULTS_FILE and RESULTS_STREAM have in common.
 *
 *   jsonl   a line a result:  {"queue":"mp_input_q (default)","ticket":7,"header":"mp_input_q (default);_TID_7;","value":[1,2]}
 *   csv     RFC 4180, a record a result behind queue,ticket,value: a text is itself, all else JSON (json.h)
 * A ticket answered with nothing has the value null, in CSV an empty field (an empty text is "").
 */
#ifndef EMP_LINES_H
#define EMP_LINES_H

#include "../common/buf.h"

typedef enum { EMP_LINES_JSONL, EMP_LINES_CSV } emp_lines_kind_t;

#define EMP_LINES_MAX (SIZE_MAX / 2) /* of a buffer of them: bounded by a result, six bytes for one at the most */
#define EMP_LINES_PIECE 65536u       /* when so many bytes of lines are there, they are worth a write */

/* What stands before the first result. */
void emp_lines_begin (emp_lines_kind_t kind, emp_buf_t *out);
/* Adds the lines of one ticket's results, packed back to back and scanned before. At the end of each line `line_end` may write what
 * is there and clear the buffer, since all lines together take a hundred times as many bytes as results of one byte; what it
 * returns beside EMP_OK ends it. EMP_NOMEM, EMP_TOOBIG: not all of them. */
emp_status_t emp_lines_add (emp_lines_kind_t kind, emp_buf_t *out, const char *label, uint64_t number, const void *data,
                            size_t size, emp_status_t (*line_end) (void *arg), void *arg);

#endif
