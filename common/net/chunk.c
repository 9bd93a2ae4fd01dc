/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chunk.c - see chunk.h.
 */
#include "chunk.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../hash.h"
#include "../scan.h"
#include "port.h"

/* ---- life -------------------------------------------------------------------------------------------------------- */

emp_chunk_t *emp_chunk_new (emp_port_t *queue)
{
    emp_chunk_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    if (!emp_rows_init (&self->rows)) {
        free (self);
        return NULL;
    }
    self->queue = queue;
    emp_buf_init (&self->result, EMP_CHUNK_BYTES_MAX);
    msgpack_packer_init (&self->packer, &self->result, emp_buf_write);
    return self;
}

void emp_chunk_destroy (emp_chunk_t **self_p)
{
    emp_chunk_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    emp_rows_release (&self->rows);
    emp_buf_release (&self->result);
    free (self);
}

emp_status_t emp_chunk_fill (emp_chunk_t *self, const emp_lane_chunk_t *from)
{
    emp_status_t status = emp_rows_unpack (&self->rows, from->data, from->size, from->rows);
    if (status != EMP_OK) {
        emp_chunk_clear (self);
        return status;
    }
    emp_rows_narrow (&self->rows, from->from, from->count);
    self->hash = emp_hash (from->data, from->size);
    self->ticket = from->ticket;
    self->number = from->number;
    self->attempt = from->attempt;
    self->frame = from->frame;
    self->header[0] = 0;
    size_t size = strnlen (from->label, EMP_LABEL_MAX);
    memcpy (self->label, from->label, size);
    self->label[size] = 0;
    return EMP_OK;
}

void emp_chunk_clear (emp_chunk_t *self)
{
    emp_rows_clear (&self->rows);
    self->frame = NULL;
    if (self->result.room > EMP_CHUNK_KEPT_BYTES)
        emp_buf_release (&self->result);
    else
        emp_buf_clear (&self->result);
    self->result.max = EMP_CHUNK_BYTES_MAX; /* the lane may have given another buffer for the one it took */
}

/* ---- what a module sees ------------------------------------------------------------------------------------------ */

size_t emp_chunk_rows (const emp_chunk_t *chunk)
{
    return chunk->rows.count;
}

const msgpack_object *emp_chunk_row (const emp_chunk_t *chunk, size_t i)
{
    assert (i < chunk->rows.count);
    return &chunk->rows.list[i];
}

const char *emp_chunk_header (emp_chunk_t *chunk)
{
    if (!chunk->header[0])
        emp_name_header (chunk->label, chunk->number, chunk->header);
    return chunk->header;
}

uint64_t emp_chunk_ticket (const emp_chunk_t *chunk)
{
    return chunk->number;
}

unsigned emp_chunk_attempt (const emp_chunk_t *chunk)
{
    return chunk->attempt;
}

msgpack_packer *emp_chunk_result (emp_chunk_t *chunk)
{
    return &chunk->packer;
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

/* Bytes of a text that fit into `max` without cutting a UTF-8 character in two. */
static size_t fitting (const char *text, size_t max)
{
    size_t size = strnlen (text, max + 1);
    if (size <= max)
        return size;
    size = max;
    while (size > 0 && ((unsigned char) text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

void emp_chunk_set_reason (emp_buf_t *result, const char *reason)
{
    emp_buf_clear (result);
    msgpack_packer packer;
    msgpack_packer_init (&packer, result, emp_buf_write);
    size_t size = fitting (reason, EMP_TEXT_MAX);
    msgpack_pack_str (&packer, size);
    msgpack_pack_str_body (&packer, reason, size);
    if (result->broken != EMP_OK)
        emp_buf_clear (result); /* no memory for a reason: refused all the same */
}

/* A result that cannot be sent as it is becomes the reason why not. */
static emp_status_t check_result (emp_chunk_t *self)
{
    emp_buf_t *result = &self->result;
    emp_status_t status = result->broken;
    if (status == EMP_OK)
        status = emp_scan (result->data, result->size, EMP_SCAN_OBJECTS_MAX, NULL);
    if (status == EMP_OK)
        return EMP_OK;
    char reason[256];
    if (result->broken == EMP_TOOBIG)
        snprintf (reason, sizeof reason, "the module's results are larger than %u bytes", EMP_CHUNK_BYTES_MAX);
    else if (result->broken != EMP_OK)
        snprintf (reason, sizeof reason, "the module's results: %s", emp_status_text (status));
    else if (status == EMP_TOOBIG)
        snprintf (reason, sizeof reason, "the module's results are nested deeper than %d, or are more than %u values",
                  EMP_SCAN_DEPTH_MAX, EMP_SCAN_OBJECTS_MAX);
    else
        snprintf (reason, sizeof reason,
                  "the module's results are not whole msgpack values (%zu bytes); use the msgpack_pack_ functions",
                  result->size);
    emp_chunk_set_reason (result, reason);
    return status;
}

static emp_chunk_t *taken (emp_chunk_t **self_p)
{
    emp_chunk_t *self = *self_p;
    *self_p = NULL;
    return self;
}

emp_status_t emp_chunk_done (emp_chunk_t **chunk_p)
{
    emp_chunk_t *chunk = taken (chunk_p);
    if (!chunk)
        return EMP_OK;
    emp_status_t status = check_result (chunk);
    emp_status_t sent = emp_port_end_chunk (chunk, status == EMP_OK ? EMP_OUTCOME_DONE : EMP_OUTCOME_REFUSED);
    return status == EMP_OK ? sent : status;
}

emp_status_t emp_chunk_fail (emp_chunk_t **chunk_p, const char *format, ...)
{
    emp_chunk_t *chunk = taken (chunk_p);
    if (!chunk)
        return EMP_OK;
    char reason[EMP_TEXT_MAX + 8];
    va_list args;
    va_start (args, format);
    vsnprintf (reason, sizeof reason, format, args);
    va_end (args);
    emp_chunk_set_reason (&chunk->result, reason);
    return emp_port_end_chunk (chunk, EMP_OUTCOME_REFUSED);
}
