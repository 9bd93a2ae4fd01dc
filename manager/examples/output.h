/* SPDX-License-Identifier: BSD-3-Clause
 *
 * output.h - the last EMP_OUTPUT_MAX bytes of what a run wrote, as pieces that know their stream; any number of readers.
 *
 * A ring of pieces, each with a head of 4 bytes that counts too. A piece that finds no room drops the oldest ones: who
 * writes never waits for who reads. A reader keeps its place itself; what was dropped before it came is told as a number.
 * Pure but for the ring's memory, which is taken with the first piece. Not thread safe.
 */
#ifndef EMP_OUTPUT_H
#define EMP_OUTPUT_H

#include "../../common/eisenmp.h"

#define EMP_OUTPUT_MAX (1u << 20)
#define EMP_OUTPUT_PIECE_MAX 4096u

typedef struct {
    uint8_t *ring;       /* EMP_OUTPUT_MAX bytes, or NULL before the first piece */
    uint64_t begin, end; /* of the pieces, counted from the first byte ever; begin is that of a piece */
    uint64_t dropped;    /* bytes of output, without heads, that are before begin */
} emp_output_t;

typedef struct {
    uint64_t at;   /* where the next piece begins */
    uint64_t seen; /* bytes of output before it, read or lost */
} emp_output_reader_t;

/* One piece, of stream 1 or 2, 1 to EMP_OUTPUT_PIECE_MAX bytes. EMP_NOMEM: it is not kept, emp_output_lose tells that. */
emp_status_t emp_output_add (emp_output_t *self, unsigned stream, const void *bytes, size_t size);
/* A piece of so many bytes was written and cannot be kept, nor what is before it: readers are told that it is lost. */
void emp_output_lose (emp_output_t *self, size_t size);
/* Empty again; readers begin anew too. */
void emp_output_release (emp_output_t *self);
/* The next piece of a reader ({0} at first): its bytes, 0 when there is none. *ret_lost: bytes that were dropped since
 * the last call. */
size_t emp_output_read (const emp_output_t *self, emp_output_reader_t *reader, unsigned *ret_stream,
                        uint8_t ret_bytes[EMP_OUTPUT_PIECE_MAX], uint64_t *ret_lost);

#endif
