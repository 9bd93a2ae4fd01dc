/* SPDX-License-Identifier: BSD-3-Clause
 *
 * backlog.c - see backlog.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "backlog.h"
#include "pool.h"

void core_backlog_init (core_backlog_t *self, uint64_t max, uint64_t bytes_max)
{
    *self = (core_backlog_t){.max = max ? max : 1, .bytes_max = bytes_max};
}

void core_backlog_release (core_backlog_t *self)
{
    free (self->sizes);
    self->sizes = NULL;
    self->room = 0;
}

emp_status_t core_backlog_reserve (core_backlog_t *self, uint64_t count)
{
    uint64_t needed = core_backlog_count (self) + count;
    if (needed <= self->room)
        return EMP_OK;
    uint64_t room = self->room ? self->room : 64;
    while (room < needed)
        room *= 2;
    uint64_t *sizes = core_realloc (NULL, room * sizeof *sizes);
    if (!sizes)
        return EMP_NOMEM;
    for (uint64_t s = self->acked + 1; s <= self->serial; s++)
        sizes[s & (room - 1)] = self->sizes[s & (self->room - 1)];
    free (self->sizes);
    self->sizes = sizes;
    self->room = room;
    return EMP_OK;
}

uint64_t core_backlog_add (core_backlog_t *self, uint64_t size)
{
    assert (core_backlog_count (self) < self->room);
    uint64_t serial = ++self->serial;
    self->sizes[serial & (self->room - 1)] = size;
    self->bytes += size;
    return serial;
}

void core_backlog_ack (core_backlog_t *self, uint64_t serial)
{
    assert (serial >= self->acked && serial <= self->serial);
    while (self->acked < serial)
        self->bytes -= self->sizes[++self->acked & (self->room - 1)];
}
