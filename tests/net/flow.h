/* SPDX-License-Identifier: BSD-3-Clause
 *
 * flow.h - what is under way in one direction of one connection: first in, first out, each piece due at a time of its own.
 * The end of the stream and its reset are pieces too, so they stay behind the bytes that came before them.
 *
 * Bounded: who has asked flow_room before it pushes never holds more than the maximum, the list's own memory included. Pure:
 * no clock, no socket.
 */
#ifndef NET_FLOW_H
#define NET_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { FLOW_BYTES, FLOW_END, FLOW_RESET } flow_kind_t;

typedef struct flow_piece {
    struct flow_piece *next;
    uint64_t due; /* microseconds */
    flow_kind_t kind;
    size_t at, size; /* data[at..size) is left */
    uint8_t data[];
} flow_piece_t;

typedef struct {
    flow_piece_t *first, *last;
    size_t held, max; /* bytes */
} flow_t;

void flow_init (flow_t *self, size_t max);
/* How many bytes a push may have now. */
size_t flow_room (const flow_t *self);
/* False when out of memory. An end or a reset has no bytes, and room always. */
bool flow_push (flow_t *self, flow_kind_t kind, const void *data, size_t size, uint64_t due);
/* The first piece, when it is due; else NULL, and then *ret_due, unless it is NULL, is made earlier where that piece is
 * due before it. */
const flow_piece_t *flow_due (const flow_t *self, uint64_t now, uint64_t *ret_due);
/* So many bytes of the first piece are gone; with the last of them the piece is. */
void flow_take (flow_t *self, size_t size);
void flow_clear (flow_t *self);

#endif
