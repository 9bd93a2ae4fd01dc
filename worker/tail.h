/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tail.h - cuts a stream of bytes into whole lines and keeps the last few of them.
 *
 * For what a process writes on its stderr: lines are passed on whole, so that those of two processes never mix, and the
 * last ones are there when it has died. Bounded: a line that gets longer than EMP_TAIL_LINE_MAX is cut in two. Pure.
 * Cost: O(bytes), and a move of the kept text a line.
 */
#ifndef EMP_WORKER_TAIL_H
#define EMP_WORKER_TAIL_H

#include <stddef.h>

#define EMP_TAIL_LINE_MAX 8192 /* bytes of a line, its end not counted */
#define EMP_TAIL_LINES_MAX 10
#define EMP_TAIL_KEPT_MAX 4000 /* bytes */

/* A whole line with its newline. */
typedef void (emp_tail_line_fn) (void *arg, const char *line, size_t size);

typedef struct {
    char line[EMP_TAIL_LINE_MAX + 1]; /* the one that has no end yet */
    size_t fill;
    char kept[EMP_TAIL_KEPT_MAX + 1]; /* whole lines, NUL behind; bytes of zero are shown as '?' */
    size_t size;
    unsigned lines;
} emp_tail_t;

void emp_tail_init (emp_tail_t *self);
/* Calls `fn` (may be NULL) for each line that ends in these bytes. */
void emp_tail_feed (emp_tail_t *self, const char *data, size_t size, emp_tail_line_fn *fn, void *arg);
/* The stream has ended: what is left over is a line. */
void emp_tail_end (emp_tail_t *self, emp_tail_line_fn *fn, void *arg);

#endif
