/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tools.c - see tools.h.
 */
#include "tools.h"

#include <stdlib.h>
#include <string.h>

#include "../arena.h"
#include "../thread.h"
#include "session_inner.h"

/* ---- what the broker told ---------------------------------------------------------------------------------------- */

emp_status_t emp_session_tool (emp_session_t *self, size_t i, uint64_t until, emp_buf_t *ret_place)
{
    pthread_mutex_lock (&self->lock);
    bool in_time = true;
    while (i >= self->tools_count && !self->tools_over && !atomic_load (&self->down) && !atomic_load (&self->leave) &&
           in_time)
        in_time = emp_thread_wait (&self->changed, &self->lock, until);
    emp_status_t status = EMP_OK;
    if (i < self->tools_count)
        status = emp_buf_append (ret_place, self->tools[i].data, self->tools[i].size);
    else
        status = self->tools_over || atomic_load (&self->leave) ? EMP_STOPPED
                 : atomic_load (&self->down)                    ? EMP_SYSTEM
                                                                : EMP_TIMEOUT;
    pthread_mutex_unlock (&self->lock);
    return status;
}

size_t emp_session_tools (emp_session_t *self)
{
    pthread_mutex_lock (&self->lock);
    size_t count = self->tools_count;
    pthread_mutex_unlock (&self->lock);
    return count;
}

void emp_session_take_tool (emp_session_t *self, const void *place, size_t size)
{
    if (size == 0) {
        self->tools_over = true;
        return;
    }
    emp_buf_t *tools =
        self->tools_count < EMP_TOOLS_MAX ? realloc (self->tools, (self->tools_count + 1) * sizeof *tools) : NULL;
    if (!tools) {
        atomic_fetch_add (&self->dropped, 1);
        return;
    }
    self->tools = tools;
    emp_buf_init (&tools[self->tools_count], EMP_ARENA_PLACE_BYTES);
    if (emp_buf_append (&tools[self->tools_count], place, size) == EMP_OK)
        self->tools_count++;
    else
        atomic_fetch_add (&self->dropped, 1);
}

void emp_session_free_tools (emp_session_t *self)
{
    for (size_t i = 0; i < self->tools_count; i++)
        emp_buf_release (&self->tools[i]);
    free (self->tools);
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static emp_status_t open_place (emp_port_t *port, const emp_buf_t *packed, emp_arena_t **ret_arena)
{
    emp_arena_place_t place;
    char why[EMP_ARENA_ERROR_MAX];
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    size_t offset = 0;
    bool read =
        msgpack_unpack_next (&unpacked, (const char *) packed->data, packed->size, &offset) == MSGPACK_UNPACK_SUCCESS &&
        emp_arena_place_read (&unpacked.data, &place);
    emp_status_t status = read ? emp_arena_open (&place, ret_arena, why) : EMP_MALFORMED;
    if (status != EMP_OK)
        emp_client_say (port->client, "queue %s: %s", port->base.name, read ? why : emp_status_text (status));
    msgpack_unpacked_destroy (&unpacked);
    return status;
}

static emp_status_t next_tool (emp_port_t *port, uint64_t until, emp_chunk_t **ret_chunk)
{
    emp_session_t *session = emp_client_enter (port->client);
    if (!session)
        return EMP_STOPPED;
    emp_buf_t place;
    emp_buf_init (&place, EMP_ARENA_PLACE_BYTES);
    emp_status_t status = emp_session_tool (session, port->tools_count, until, &place);
    emp_client_leave (port->client);
    emp_chunk_t *chunk = NULL;
    if (status == EMP_OK) {
        emp_arena_t **tools = realloc (port->tools, (port->tools_count + 1) * sizeof (emp_arena_t *));
        if (tools)
            port->tools = tools;
        chunk = tools ? emp_chunk_new (port) : NULL;
        status = chunk ? open_place (port, &place, &port->tools[port->tools_count]) : EMP_NOMEM;
    }
    emp_buf_release (&place);
    if (status != EMP_OK) {
        emp_chunk_destroy (&chunk);
        return status;
    }
    chunk->number = port->tools_count;
    chunk->attempt = 1;
    chunk->rows.list = emp_arena_root (port->tools[port->tools_count++]);
    chunk->rows.count = 1;
    memcpy (chunk->label, port->base.label, sizeof chunk->label);
    *ret_chunk = chunk;
    return EMP_OK;
}

emp_status_t emp_tools_get (emp_queue_t *base, uint64_t until, emp_chunk_t **ret_chunk)
{
    emp_port_t *port = (emp_port_t *) base;
    if (!emp_thread_lock (&port->lock, until))
        return EMP_TIMEOUT;
    emp_status_t status = next_tool (port, until, ret_chunk);
    pthread_mutex_unlock (&port->lock);
    if (status != EMP_OK && status != EMP_STOPPED && status != EMP_TIMEOUT)
        atomic_store (&port->client->broken, true);
    if (status != EMP_OK && status != EMP_TIMEOUT)
        emp_client_remember (port->client, NULL);
    return status;
}

emp_status_t emp_tools_count (emp_queue_t *base, uint64_t *ret_waiting, uint64_t *ret_maxsize)
{
    emp_port_t *port = (emp_port_t *) base;
    emp_session_t *session = emp_client_enter (port->client);
    if (!session)
        return EMP_STATE;
    size_t got = atomic_load (&port->tools_count); /* before those that were told, so never more */
    *ret_waiting = emp_session_tools (session) - got;
    emp_client_leave (port->client);
    *ret_maxsize = EMP_TOOLS_MAX;
    return EMP_OK;
}

void emp_tools_release (emp_port_t *port)
{
    for (size_t i = 0; i < port->tools_count; i++)
        emp_arena_destroy (&port->tools[i]);
    free (port->tools);
}
