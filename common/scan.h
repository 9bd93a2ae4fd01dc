/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scan.h - a bounded walk over msgpack bytes that come from outside.
 *
 * Why: msgpack-c believes a header's claim; five bytes `dd 04 00 00 00` make it reserve 2 GiB. So nothing is
 * unpacked before emp_scan said OK, and small headers are read with the cursor and never unpacked at all.
 * Pure: no allocation, no recursion deeper than EMP_SCAN_DEPTH_MAX, reads no byte behind `size`. O(bytes).
 */
#ifndef EMP_SCAN_H
#define EMP_SCAN_H

#include "eisenmp.h"

#define EMP_SCAN_DEPTH_MAX 30          /* nested lists and maps; msgpack-c itself stops at 32 */
#define EMP_SCAN_OBJECTS_MAX 50331648u /* values in one payload, map keys included: 24 bytes each once unpacked */

/* Walks `size` bytes. EMP_OK when they are a row of zero or more whole msgpack values, none deeper than
 * EMP_SCAN_DEPTH_MAX and all together at most `objects_max` values; *ret_values (may be NULL) is then the number of
 * values at the top. EMP_MALFORMED: cut off, a count larger than the bytes left, the reserved byte c1.
 * EMP_TOOBIG: too deep or too many. */
emp_status_t emp_scan (const void *data, size_t size, size_t objects_max, size_t *ret_values);
/* Skips exactly one value: *ret_size is its length in bytes. Same errors. Extra bytes behind it are fine. */
emp_status_t emp_scan_one (const void *data, size_t size, size_t objects_max, size_t *ret_size);

/* A value's head as read: `body` bytes follow that belong to it (of an extension, its type is the first), or, in a
 * container, `claim` values. */
typedef struct {
    uint64_t body, claim;
    bool container;
} emp_scan_head_t;

/* Reads the head at *at_p < end and moves behind it. False when it is cut off, or what it claims is. */
bool emp_scan_head (const uint8_t **at_p, const uint8_t *end, emp_scan_head_t *ret_head);

/* Bytes of a value that is the same length whatever it says, its first byte included; 0: others. Most rows are such
 * values, so a walk steps over them without reading a head. */
static inline size_t emp_scan_fixed (uint8_t first)
{
    static const uint8_t of_form[32] = {
        [0x00] = 1, [0x02] = 1, [0x03] = 1, [0x0a] = 5, [0x0b] = 9, [0x0c] = 2, [0x0d] = 3,
        [0x0e] = 5, [0x0f] = 9, [0x10] = 2, [0x11] = 3, [0x12] = 5, [0x13] = 9};
    if (first < 0x80 || first >= 0xe0)
        return 1;
    return first >= 0xc0 ? of_form[first - 0xc0] : 0;
}

/* A cursor reads a flat header value by value. The first failure sticks: all later reads fail too and leave their
 * results at zero/empty, so a decoder reads all fields and asks once at the end. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    emp_status_t status;
} emp_cursor_t;

void emp_cursor_init (emp_cursor_t *self, const void *data, size_t size);
/* Count of the list that starts here; EMP_MALFORMED when it is none, or claims more values than bytes are left. */
uint32_t emp_cursor_array (emp_cursor_t *self);
/* An unsigned integer of at most `max`, else EMP_MALFORMED. Accepts non-negative signed encodings. */
uint64_t emp_cursor_uint (emp_cursor_t *self, uint64_t max);
bool emp_cursor_bool (emp_cursor_t *self);
/* Text without NUL bytes, copied into `room` bytes with a NUL behind it; EMP_TOOBIG when it does not fit. */
void emp_cursor_str (emp_cursor_t *self, char *ret_text, size_t room);
/* Binary, borrowed: points into the scanned bytes. */
const void *emp_cursor_bin (emp_cursor_t *self, size_t *ret_size);
/* EMP_OK when all reads were good and no byte is left. */
emp_status_t emp_cursor_end (const emp_cursor_t *self);

#endif
