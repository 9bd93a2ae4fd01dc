/* SPDX-License-Identifier: BSD-3-Clause
 *
 * flow.c - see flow.h.
 */
#include "flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void flow_init (flow_t *self, size_t max)
{
    *self = (flow_t){.max = max};
}

size_t flow_room (const flow_t *self)
{
    size_t used = self->held + sizeof (flow_piece_t);
    return used < self->max ? self->max - used : 0;
}

bool flow_push (flow_t *self, flow_kind_t kind, const void *data, size_t size, uint64_t due)
{
    flow_piece_t *piece = malloc (sizeof *piece + size);
    if (!piece)
        return false;
    *piece = (flow_piece_t){.due = due, .kind = kind, .size = size};
    if (size > 0)
        memcpy (piece->data, data, size);
    if (self->last)
        self->last->next = piece;
    else
        self->first = piece;
    self->last = piece;
    self->held += sizeof *piece + size;
    return true;
}

const flow_piece_t *flow_due (const flow_t *self, uint64_t now, uint64_t *ret_due)
{
    const flow_piece_t *piece = self->first;
    if (!piece || piece->due <= now)
        return piece;
    if (ret_due && piece->due < *ret_due)
        *ret_due = piece->due;
    return NULL;
}

void flow_take (flow_t *self, size_t size)
{
    flow_piece_t *piece = self->first;
    assert (piece && size <= piece->size - piece->at);
    piece->at += size;
    if (piece->at < piece->size)
        return;
    self->held -= sizeof *piece + piece->size;
    self->first = piece->next;
    if (!self->first)
        self->last = NULL;
    free (piece);
}

void flow_clear (flow_t *self)
{
    while (self->first)
        flow_take (self, self->first->size - self->first->at);
}
