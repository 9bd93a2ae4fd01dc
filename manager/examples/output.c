/* SPDX-License-Identifier: BSD-3-Clause
 *
 * output.c - the last of what a run wrote. See output.h.
 */
#include "output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 4u /* stream, 0, size in two bytes */

static void put (emp_output_t *self, const void *bytes, size_t size)
{
    size_t at = self->end % EMP_OUTPUT_MAX, first = EMP_OUTPUT_MAX - at;
    if (first > size)
        first = size;
    memcpy (self->ring + at, bytes, first);
    memcpy (self->ring, (const uint8_t *) bytes + first, size - first);
    self->end += size;
}

static void get (const emp_output_t *self, uint64_t from, void *ret_bytes, size_t size)
{
    size_t at = from % EMP_OUTPUT_MAX, first = EMP_OUTPUT_MAX - at;
    if (first > size)
        first = size;
    memcpy (ret_bytes, self->ring + at, first);
    memcpy ((uint8_t *) ret_bytes + first, self->ring, size - first);
}

static size_t head_at (const emp_output_t *self, uint64_t from, unsigned *ret_stream)
{
    uint8_t head[HEAD];
    get (self, from, head, HEAD);
    *ret_stream = head[0];
    return (size_t) head[2] << 8 | head[3];
}

static void drop_oldest (emp_output_t *self)
{
    unsigned ignored;
    size_t oldest = head_at (self, self->begin, &ignored);
    self->begin += HEAD + oldest;
    self->dropped += oldest;
}

emp_status_t emp_output_add (emp_output_t *self, unsigned stream, const void *bytes, size_t size)
{
    assert (size > 0 && size <= EMP_OUTPUT_PIECE_MAX && (stream == 1 || stream == 2));
    if (!self->ring && !(self->ring = malloc (EMP_OUTPUT_MAX)))
        return EMP_NOMEM;
    while (self->end - self->begin + HEAD + size > EMP_OUTPUT_MAX)
        drop_oldest (self);
    const uint8_t head[HEAD] = {(uint8_t) stream, 0, (uint8_t) (size >> 8), (uint8_t) size};
    put (self, head, HEAD);
    put (self, bytes, size);
    return EMP_OK;
}

void emp_output_lose (emp_output_t *self, size_t size)
{
    while (self->begin < self->end)
        drop_oldest (self);
    self->begin = self->end += HEAD;
    self->dropped += size;
}

void emp_output_release (emp_output_t *self)
{
    free (self->ring);
    *self = (emp_output_t){0};
}

size_t emp_output_read (const emp_output_t *self, emp_output_reader_t *reader, unsigned *ret_stream,
                        uint8_t ret_bytes[EMP_OUTPUT_PIECE_MAX], uint64_t *ret_lost)
{
    *ret_lost = 0;
    if (reader->at < self->begin) {
        *ret_lost = self->dropped - reader->seen;
        *reader = (emp_output_reader_t){.at = self->begin, .seen = self->dropped};
    }
    if (reader->at == self->end)
        return 0;
    size_t size = head_at (self, reader->at, ret_stream);
    get (self, reader->at + HEAD, ret_bytes, size);
    reader->at += HEAD + size;
    reader->seen += size;
    return size;
}
