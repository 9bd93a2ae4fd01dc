/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.c - see queue.h.
 */
#include "queue.h"

#include <assert.h>
#include <string.h>

void emp_queue_init (emp_queue_t *self, const char *name, emp_chunk_t *(*get) (emp_queue_t *self))
{
    size_t size = strlen (name);
    assert (size > 0 && size <= EMP_NAME_MAX);
    memcpy (self->name, name, size + 1);
    emp_name_label (name, self->label);
    self->get = get;
}

const char *emp_queue_name (const emp_queue_t *queue)
{
    return queue->name;
}

const char *emp_queue_label (const emp_queue_t *queue)
{
    return queue->label;
}

emp_chunk_t *emp_queue_get (emp_queue_t *queue)
{
    return queue->get ? queue->get (queue) : NULL;
}
