/* SPDX-License-Identifier: BSD-3-Clause
 *
 * answers.h - the dictionary of a run, read from the .db that it wrote (--results): one line a ticket, "queue ticket
 * outcome value", in order of queue and ticket, the same bytes for the same answers whatever the order in which they
 * came.
 */
#ifndef KIT_ANSWERS_H
#define KIT_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char **lines;
    size_t count, size;
} answers_t;

typedef struct {
    size_t missing, doubled, wrong; /* wrong: of other values than expected, or not expected at all */
} answers_difference_t;

/* False when the file cannot be read, which is said on stdout; then there are none. */
bool answers_read (const char *path, answers_t *ret_answers);
void answers_free (answers_t *self);
bool answers_equal (const answers_t *self, const answers_t *other);
answers_difference_t answers_compare (const answers_t *expected, const answers_t *found);

#endif
