/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chunk.h - a chunk that came over a lane: its rows, unpacked, and the results that the module packs.
 *
 * Rows point into the message that brought them; room for their objects is kept from chunk to chunk, as is
 * the buffer of results, so a chunk of the usual size costs no malloc. A chunk belongs to the thread that got it; no
 * lock.
 */
#ifndef EMP_CHUNK_H
#define EMP_CHUNK_H

#include <pthread.h>

#include "session.h"
#include "rows.h"

#define EMP_CHUNK_KEPT_BYTES (1024u * 1024) /* a larger buffer of results is not kept for the next chunk */

struct emp_port;

struct emp_chunk {
    emp_chunk_t *before, *after; /* chunks that the process has in hand; see queue.c */
    struct emp_port *queue;      /* where it came from */
    pthread_t owner;
    bool abandoned; /* it was refused in its owner's name; only the owner still knows it */
    uint64_t ticket, number, got_us;
    uint32_t attempt;
    uint64_t hash; /* of its bytes */
    emp_rows_t rows;
    void *frame; /* the message; whoever took it from the lane gives it back */
    emp_buf_t result;
    msgpack_packer packer;
    char label[EMP_LABEL_MAX + 1];
    char header[EMP_HEADER_MAX + 1]; /* made when it is asked for */
};

/* NULL when out of memory. */
emp_chunk_t *emp_chunk_new (struct emp_port *queue);
/* The frame must be given back before. */
void emp_chunk_destroy (emp_chunk_t **self);
/* Takes over what a lane brought. EMP_MALFORMED: not one list of from->rows rows; EMP_TOOBIG; EMP_NOMEM: then the frame
 * is still the caller's. */
emp_status_t emp_chunk_fill (emp_chunk_t *self, const emp_lane_chunk_t *from);
/* Forgets rows and results, keeps a usual amount of memory. */
void emp_chunk_clear (emp_chunk_t *self);
/* The result becomes one text, a reason of at most EMP_TEXT_MAX bytes. */
void emp_chunk_set_reason (emp_buf_t *result, const char *reason);

#endif
