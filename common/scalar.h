/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scalar.h - a packed value whose first byte says how long it is (emp_scan_fixed), as a msgpack_object.
 *
 * Nothing, booleans, integers, floats: most rows are such values, so this is inline, without a branch on how much is left:
 * the caller has seen that all of it is there. What it makes is what msgpack-c's own parser makes. Pure; O(1).
 */
#ifndef EMP_SCALAR_H
#define EMP_SCALAR_H

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "eisenmp.h"

/* The big-endian number in the `width` bytes at `at`: 1, 2, 4 or 8. */
static inline uint64_t emp_scalar_load (const uint8_t *at, size_t width)
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

static inline void emp_scalar_signed (msgpack_object *object, int64_t value)
{
    object->type = value < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER;
    object->via.i64 = value;
}

/* Reads what stands behind the first byte, which is 0xca to 0xd3. */
static inline void emp_scalar_number (msgpack_object *object, uint8_t first, const uint8_t *at, size_t width)
{
    assert (width > 0);
    uint64_t bits = emp_scalar_load (at, width);
    if (first == 0xca) {
        uint32_t half = (uint32_t) bits;
        float value;
        memcpy (&value, &half, sizeof value);
        object->type = MSGPACK_OBJECT_FLOAT32;
        object->via.f64 = (double) value;
    } else if (first == 0xcb) {
        object->type = MSGPACK_OBJECT_FLOAT64;
        memcpy (&object->via.f64, &bits, sizeof bits);
    } else if (first < 0xd0) {
        object->type = MSGPACK_OBJECT_POSITIVE_INTEGER;
        object->via.u64 = bits;
    } else
        emp_scalar_signed (object, (int64_t) (bits << (64 - 8 * width)) >> (64 - 8 * width));
}

/* The value at `at`, of `size` bytes, which is what emp_scan_fixed says of its first one and not 0. */
static inline void emp_scalar_read (msgpack_object *object, const uint8_t *at, size_t size)
{
    uint8_t first = *at;
    if (first < 0x80 || first >= 0xe0)
        emp_scalar_signed (object, (int8_t) first);
    else if (first == 0xc0)
        object->type = MSGPACK_OBJECT_NIL;
    else if (first <= 0xc3) {
        object->type = MSGPACK_OBJECT_BOOLEAN;
        object->via.boolean = first == 0xc3;
    } else
        emp_scalar_number (object, first, at + 1, size - 1);
}

#endif
