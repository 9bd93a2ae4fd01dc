/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rows.c - see rows.h.
 */
#include "rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../scalar.h"
#include "../scan.h"

#define ZONE_BYTES 8192
#define KEPT_ROWS 16384u /* of flat rows' room, 24 bytes each */

bool emp_rows_init (emp_rows_t *self)
{
    memset (self, 0, sizeof *self);
    return msgpack_zone_init (&self->zone, ZONE_BYTES);
}

void emp_rows_release (emp_rows_t *self)
{
    msgpack_zone_destroy (&self->zone);
    free (self->flat);
    self->flat = NULL;
}

void emp_rows_clear (emp_rows_t *self)
{
    self->list = NULL;
    self->count = 0;
    msgpack_zone_clear (&self->zone);
    if (self->room > KEPT_ROWS) {
        free (self->flat);
        self->flat = NULL;
        self->room = 0;
    }
}

void emp_rows_narrow (emp_rows_t *self, size_t from, size_t count)
{
    assert (from <= self->count && count <= self->count - from);
    if (from) /* no rows at all have no list */
        self->list += from;
    self->count = count;
}

/* ---- flat rows --------------------------------------------------------------------------------------------------- */

/* Reads one row at `at`, of which `left` > 0 bytes are there. NULL: it is not flat, or not whole. */
static const uint8_t *flat_row (msgpack_object *object, const uint8_t *at, size_t left)
{
    uint8_t first = *at;
    size_t fixed = emp_scan_fixed (first);
    if (fixed) {
        if (fixed > left)
            return NULL;
        emp_scalar_read (object, at, fixed);
        return at + fixed;
    }
    bool binary = first >= 0xc4 && first <= 0xc6;
    bool text = (first & 0xe0) == 0xa0 || (first >= 0xd9 && first <= 0xdb);
    emp_scan_head_t head;
    if ((!binary && !text) || !emp_scan_head (&at, at + left, &head))
        return NULL;
    object->type = binary ? MSGPACK_OBJECT_BIN : MSGPACK_OBJECT_STR; /* both have the same shape */
    object->via.str.ptr = (const char *) at;
    object->via.str.size = (uint32_t) head.body;
    return at + head.body;
}

static bool make_room (emp_rows_t *self, size_t count)
{
    if (count <= self->room)
        return true;
    free (self->flat);
    self->flat = malloc (count * sizeof *self->flat);
    self->room = self->flat ? count : 0;
    return self->flat;
}

/* False: not all rows are flat, or it is no list of rows at all. */
static bool unpack_flat (emp_rows_t *self, const void *data, size_t size, size_t expected)
{
    emp_cursor_t cursor;
    emp_cursor_init (&cursor, data, size);
    uint32_t count = emp_cursor_array (&cursor);
    /* A row has a byte at least, so a short message cannot ask for much memory. */
    if (cursor.status != EMP_OK || count != expected || count > (size_t) (cursor.end - cursor.at) ||
        count >= EMP_SCAN_OBJECTS_MAX || !make_room (self, count))
        return false;
    const uint8_t *at = cursor.at;
    for (uint32_t i = 0; i < count; i++)
        if (at == cursor.end || !(at = flat_row (&self->flat[i], at, (size_t) (cursor.end - at))))
            return false;
    if (at != cursor.end)
        return false;
    self->list = self->flat;
    self->count = count;
    return true;
}

/* ---- all rows ---------------------------------------------------------------------------------------------------- */

emp_status_t emp_rows_unpack (emp_rows_t *self, const void *data, size_t size, size_t expected)
{
    self->list = NULL;
    self->count = 0;
    if (unpack_flat (self, data, size, expected))
        return EMP_OK;
    emp_status_t status = emp_scan (data, size, EMP_SCAN_OBJECTS_MAX, NULL);
    if (status != EMP_OK)
        return status;
    msgpack_object list;
    size_t used = 0;
    msgpack_unpack_return rc = msgpack_unpack (data, size, &used, &self->zone, &list);
    if (rc == MSGPACK_UNPACK_NOMEM_ERROR)
        return EMP_NOMEM;
    /* no value, or more than one, is no success either */
    if (rc != MSGPACK_UNPACK_SUCCESS || list.type != MSGPACK_OBJECT_ARRAY || list.via.array.size != expected)
        return EMP_MALFORMED;
    self->list = list.via.array.ptr;
    self->count = list.via.array.size;
    return EMP_OK;
}
