/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.h - what every handle of a queue has, on either side: its full name and its label.
 *
 * A side embeds this struct as the first member of its own handle. Names are fixed at birth. Only a side that consumes
 * gives a `get`; a manager's handle has none as yet, and emp_queue_get on it says NULL.
 */
#ifndef EMP_QUEUE_H
#define EMP_QUEUE_H

#include "name.h"

struct emp_queue {
    char name[EMP_NAME_MAX + 1];
    char label[EMP_LABEL_MAX + 1];
    emp_chunk_t *(*get) (emp_queue_t *self); /* NULL: this side does not consume */
};

/* `name` is a full name of 1 to EMP_NAME_MAX bytes; a longer one is the caller's bug. */
void emp_queue_init (emp_queue_t *self, const char *name, emp_chunk_t *(*get) (emp_queue_t *self));

#endif
