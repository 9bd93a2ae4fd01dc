/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.h - what every handle of a queue has, on either side: its full name, its label, and what can be done with it.
 *
 * A side embeds this struct as the first member of its own handle (net/port.h). Names are fixed at birth.
 */
#ifndef EMP_QUEUE_H
#define EMP_QUEUE_H

#include "../name.h"

/* `until`: the time of emp_now () at which to give up; 0: do not wait; UINT64_MAX: wait for ever. */
typedef struct {
    emp_status_t (*get) (emp_queue_t *self, uint64_t until, emp_chunk_t **ret_chunk);
    emp_status_t (*put) (emp_queue_t *self, const void *rows, size_t size, uint64_t until);
    emp_status_t (*count) (emp_queue_t *self, uint64_t *ret_waiting, uint64_t *ret_maxsize);
} emp_queue_calls_t;

struct emp_queue {
    char name[EMP_NAME_MAX + 1];
    char label[EMP_LABEL_MAX + 1];
    const emp_queue_calls_t *calls;
};

/* `name` is a full name of 1 to EMP_NAME_MAX bytes; a longer one is the caller's bug. */
void emp_queue_init (emp_queue_t *self, const char *name, const emp_queue_calls_t *calls);

#endif
