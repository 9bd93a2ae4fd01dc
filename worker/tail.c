/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tail.c - see tail.h.
 */
#include "tail.h"

#include <string.h>

void emp_tail_init (emp_tail_t *self)
{
    self->fill = 0;
    self->kept[0] = 0;
    self->size = 0;
    self->lines = 0;
}

static void drop_first (emp_tail_t *self)
{
    const char *newline = memchr (self->kept, '\n', self->size);
    size_t gone = (size_t) (newline - self->kept) + 1; /* every kept line has one */
    self->size -= gone;
    self->lines--;
    memmove (self->kept, self->kept + gone, self->size);
}

/* The beginning of a line says most: one that is too long loses its end. */
static void keep (emp_tail_t *self, const char *line, size_t size)
{
    if (size > EMP_TAIL_KEPT_MAX)
        size = EMP_TAIL_KEPT_MAX;
    while (self->lines == EMP_TAIL_LINES_MAX || self->size + size > EMP_TAIL_KEPT_MAX)
        drop_first (self);
    char *to = self->kept + self->size;
    memcpy (to, line, size);
    for (char *zero = to; (zero = memchr (zero, 0, (size_t) (to + size - zero)));)
        *zero = '?';
    to[size - 1] = '\n';
    to[size] = 0;
    self->size += size;
    self->lines++;
}

/* The line in hand is whole. */
static void end_line (emp_tail_t *self, emp_tail_line_fn *fn, void *arg)
{
    self->line[self->fill++] = '\n';
    keep (self, self->line, self->fill);
    if (fn)
        fn (arg, self->line, self->fill);
    self->fill = 0;
}

void emp_tail_feed (emp_tail_t *self, const char *data, size_t size, emp_tail_line_fn *fn, void *arg)
{
    while (size > 0) {
        const char *newline = memchr (data, '\n', size);
        size_t piece = newline ? (size_t) (newline - data) : size;
        if (piece > EMP_TAIL_LINE_MAX - self->fill)
            piece = EMP_TAIL_LINE_MAX - self->fill;
        memcpy (self->line + self->fill, data, piece);
        self->fill += piece;
        data += piece;
        size -= piece;
        if (size > 0) { /* the line's end, or no room for more of it */
            if (*data == '\n') {
                data++;
                size--;
            }
            end_line (self, fn, arg);
        }
    }
}

void emp_tail_end (emp_tail_t *self, emp_tail_line_fn *fn, void *arg)
{
    if (self->fill > 0)
        end_line (self, fn, arg);
}
