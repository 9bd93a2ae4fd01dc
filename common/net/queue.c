/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.c - see queue.h.
 */
#include "queue.h"

#include <assert.h>
#include <string.h>

#include "socket.h"

void emp_queue_init (emp_queue_t *self, const char *name, const emp_queue_calls_t *calls)
{
    size_t size = strlen (name);
    assert (size > 0 && size <= EMP_NAME_MAX);
    memcpy (self->name, name, size + 1);
    emp_name_label (name, self->label);
    self->calls = calls;
}

const char *emp_queue_name (const emp_queue_t *queue)
{
    return queue->name;
}

const char *emp_queue_label (const emp_queue_t *queue)
{
    return queue->label;
}

/* ---- get, put ---------------------------------------------------------------------------------------------------- */

static uint64_t until (int timeout_ms)
{
    if (timeout_ms < 0)
        return UINT64_MAX;
    return timeout_ms == 0 ? 0 : emp_now () + (uint64_t) timeout_ms * 1000;
}

emp_chunk_t *emp_queue_get (emp_queue_t *queue)
{
    emp_chunk_t *chunk = NULL;
    emp_queue_get_wait (queue, -1, &chunk);
    return chunk;
}

emp_status_t emp_queue_get_wait (emp_queue_t *queue, int timeout_ms, emp_chunk_t **ret_chunk)
{
    *ret_chunk = NULL;
    return queue->calls->get (queue, until (timeout_ms), ret_chunk);
}

emp_status_t emp_queue_put (emp_queue_t *queue, const void *rows, size_t size)
{
    return emp_queue_put_wait (queue, rows, size, -1);
}

emp_status_t emp_queue_put_wait (emp_queue_t *queue, const void *rows, size_t size, int timeout_ms)
{
    return queue->calls->put (queue, rows, size, until (timeout_ms));
}

/* ---- how full ---------------------------------------------------------------------------------------------------- */

emp_status_t emp_queue_count (emp_queue_t *queue, uint64_t *ret_waiting, uint64_t *ret_maxsize)
{
    *ret_waiting = *ret_maxsize = 0;
    return queue->calls->count (queue, ret_waiting, ret_maxsize);
}

uint64_t emp_queue_size (emp_queue_t *queue)
{
    uint64_t waiting, maxsize;
    emp_queue_count (queue, &waiting, &maxsize);
    return waiting;
}

bool emp_queue_empty (emp_queue_t *queue)
{
    return emp_queue_size (queue) == 0;
}

bool emp_queue_full (emp_queue_t *queue)
{
    uint64_t waiting, maxsize;
    return emp_queue_count (queue, &waiting, &maxsize) == EMP_OK && waiting >= maxsize;
}
