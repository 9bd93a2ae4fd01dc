/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rows.c - see rows.h.
 */
#include "rows.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- flat rows --------------------------------------------------------------------------------------------------- */

/* The big-endian number in the `width` bytes at `at`, which are there: 1, 2, 4 or 8. */
static inline uint64_t load (const uint8_t *at, size_t width)
{
    uint64_t eight;
    uint32_t four;
    uint16_t two;
    switch (width) {
    case 8: memcpy (&eight, at, 8); return be64toh (eight);
    case 4: memcpy (&four, at, 4); return be32toh (four);
    case 2: memcpy (&two, at, 2); return be16toh (two);
    default: return *at;
    }
}

static void set_signed (msgpack_object *object, int64_t value)
{
    object->type = value < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER;
    object->via.i64 = value;
}

/* Reads what stands behind the first byte of a number. */
static void set_number (msgpack_object *object, uint8_t first, const uint8_t *at, size_t width)
{
    uint64_t bits = load (at, width);
    if (first == 0xca) {
        uint32_t half = (uint32_t) bits;
        float value;
        memcpy (&value, &half, sizeof value);
        object->type = MSGPACK_OBJECT_FLOAT32;
        object->via.f64 = value;
    } else if (first == 0xcb) {
        object->type = MSGPACK_OBJECT_FLOAT64;
        memcpy (&object->via.f64, &bits, sizeof bits);
    } else if (first < 0xd0) {
        object->type = MSGPACK_OBJECT_POSITIVE_INTEGER;
        object->via.u64 = bits;
    } else
        set_signed (object, (int64_t) (bits << (64 - 8 * width)) >> (64 - 8 * width));
}

/* A text or binary of `size` bytes at `at`; both have the same shape in a msgpack_object. */
static const uint8_t *set_bytes (msgpack_object *object, msgpack_object_type type, const uint8_t *at, size_t left,
                                 uint64_t size)
{
    if (size > left)
        return NULL;
    object->type = type;
    object->via.str.ptr = (const char *) at;
    object->via.str.size = (uint32_t) size;
    return at + size;
}

/* Reads one row at `at`, of which `left` > 0 bytes are there. NULL: it is not flat, or not whole. */
static const uint8_t *flat_row (msgpack_object *object, const uint8_t *at, size_t left)
{
    /* Bytes of the number behind 0xc4 … 0xdb: a length, or the value itself; 0: neither flat nor a number. */
    static const uint8_t widths[] = {1, 2, 4, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4};
    uint8_t first = *at++;
    left--;
    if (first < 0x80 || first >= 0xe0) {
        set_signed (object, (int8_t) first);
        return at;
    }
    if (first >= 0xa0 && first < 0xc0)
        return set_bytes (object, MSGPACK_OBJECT_STR, at, left, first & 0x1f);
    if (first == 0xc0 || first == 0xc2 || first == 0xc3) {
        object->type = first == 0xc0 ? MSGPACK_OBJECT_NIL : MSGPACK_OBJECT_BOOLEAN;
        object->via.u64 = 0;
        object->via.boolean = first == 0xc3;
        return at;
    }
    size_t width = first >= 0xc4 && first <= 0xdb ? widths[first - 0xc4] : 0;
    if (width == 0 || width > left)
        return NULL;
    if (first < 0xc7 || first > 0xd8)
        return set_bytes (object, first < 0xc7 ? MSGPACK_OBJECT_BIN : MSGPACK_OBJECT_STR, at + width, left - width,
                          load (at, width));
    set_number (object, first, at, width);
    return at + width;
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
