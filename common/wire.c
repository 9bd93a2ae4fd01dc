/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wire.c - headers of data messages, the hot path.
 *
 * A header is written into an array on the stack that holds the longest one there can be, and appended once; so nothing
 * is checked between two numbers. Each kind has a put and a get that read like its line of the grammar.
 */
#include "wire.h"

#include <assert.h>
#include <string.h>

#include "scan.h"

/* The longest: a list's head, at most nine numbers and a label, and the parts. */
#define NUMBER_MAX 9
#define PART_MAX (9 * NUMBER_MAX)
#define FRAME_MAX (3 + 9 * NUMBER_MAX + 2 + EMP_LABEL_MAX + EMP_WIRE_PARTS_MAX * PART_MAX)
_Static_assert (FRAME_MAX <= EMP_WIRE_HEADER_MAX, "a header has room for as many parts as a message may have");
_Static_assert (EMP_LABEL_MAX <= UINT8_MAX, "a label's length is written in one byte");

/* Values of a header's list: in front of the parts, and for each part. */
typedef struct {
    uint32_t head, part;
} shape_t;

static const shape_t shapes[] = {
    [EMP_WIRE_PUT] = {9, 2},     [EMP_WIRE_DONE] = {8, 5},    [EMP_WIRE_CHUNKS] = {6, 7},
    [EMP_WIRE_STOPPED] = {5, 0}, [EMP_WIRE_RESULTS] = {7, 9},
};

/* ---- encode: each put writes at `at`, which has room, and returns what is behind it ------------------------------ */

/* The `bits` lower bits of a value, behind a first byte. */
static inline uint8_t *put_wide (uint8_t *at, uint8_t first, uint64_t value, unsigned bits)
{
    *at++ = first;
    while (bits > 0) {
        bits -= 8;
        *at++ = (uint8_t) (value >> bits);
    }
    return at;
}

/* An unsigned integer in its shortest form. */
static inline uint8_t *put (uint8_t *at, uint64_t value)
{
    if (value < 0x80) {
        *at = (uint8_t) value;
        return at + 1;
    }
    if (value <= UINT8_MAX)
        return put_wide (at, 0xcc, value, 8);
    if (value <= UINT16_MAX)
        return put_wide (at, 0xcd, value, 16);
    if (value <= UINT32_MAX)
        return put_wide (at, 0xce, value, 32);
    return put_wide (at, 0xcf, value, 64);
}

static inline uint8_t *put_bool (uint8_t *at, bool value)
{
    *at = value ? 0xc3 : 0xc2;
    return at + 1;
}

static uint8_t *put_label (uint8_t *at, const char *label)
{
    size_t size = strnlen (label, EMP_LABEL_MAX + 1);
    assert (size <= EMP_LABEL_MAX);
    at = put_wide (at, 0xd9, size, 8);
    memcpy (at, label, size);
    return at + size;
}

static uint8_t *put_put (uint8_t *at, const emp_wire_t *self)
{
    at = put (at, self->session);
    at = put (at, self->feed);
    at = put (at, self->first);
    at = put (at, self->skipped);
    at = put_bool (at, self->end);
    at = put (at, self->count);
    for (const emp_part_t *part = self->parts; part < self->parts + self->count; part++) {
        at = put (at, part->length);
        at = put (at, part->rows);
    }
    return at;
}

static uint8_t *put_done (uint8_t *at, const emp_wire_t *self)
{
    at = put (at, self->session);
    at = put (at, self->lane);
    at = put (at, self->window);
    at = put (at, self->puts);
    at = put (at, self->count);
    for (const emp_part_t *part = self->parts; part < self->parts + self->count; part++) {
        at = put (at, part->ticket);
        at = put (at, part->attempt);
        at = put (at, part->outcome);
        at = put (at, part->length);
        at = put (at, part->hash);
    }
    return at;
}

static uint8_t *put_chunks (uint8_t *at, const emp_wire_t *self)
{
    at = put (at, self->lane);
    at = put_label (at, self->label);
    at = put (at, self->count);
    for (const emp_part_t *part = self->parts; part < self->parts + self->count; part++) {
        at = put (at, part->ticket);
        at = put (at, part->attempt);
        at = put (at, part->number);
        at = put (at, part->length);
        at = put (at, part->rows);
        at = put (at, part->from);
        at = put (at, part->count);
    }
    return at;
}

static uint8_t *put_stopped (uint8_t *at, const emp_wire_t *self)
{
    at = put (at, self->lane);
    return put_bool (at, self->end);
}

static uint8_t *put_results (uint8_t *at, const emp_wire_t *self)
{
    at = put (at, self->feed);
    at = put_label (at, self->label);
    at = put (at, self->serial);
    at = put (at, self->count);
    for (const emp_part_t *part = self->parts; part < self->parts + self->count; part++) {
        at = put (at, part->number);
        at = put (at, part->attempt);
        at = put (at, part->outcome);
        at = put (at, part->rows);
        at = put (at, part->length);
        at = put (at, part->from);
        at = put (at, part->left);
        at = put (at, part->session);
        at = put (at, part->hash);
    }
    return at;
}

emp_status_t emp_wire_encode (const emp_wire_t *self, emp_buf_t *out)
{
    uint8_t frame[FRAME_MAX];
    assert (self->kind >= EMP_WIRE_PUT && self->kind <= EMP_WIRE_RESULTS);
    shape_t shape = shapes[self->kind];
    uint32_t count = shape.part > 0 ? self->count : 0;
    assert (count <= EMP_WIRE_PARTS_MAX);
    assert (count > 0 || self->kind == EMP_WIRE_STOPPED || (self->kind == EMP_WIRE_PUT && self->end));
    uint8_t *at = put_wide (frame, 0xdc, shape.head + shape.part * count, 16);
    at = put (at, EMP_PROTOCOL_VERSION);
    at = put (at, self->kind);
    at = put (at, self->run);
    switch (self->kind) {
    case EMP_WIRE_PUT: at = put_put (at, self); break;
    case EMP_WIRE_DONE: at = put_done (at, self); break;
    case EMP_WIRE_CHUNKS: at = put_chunks (at, self); break;
    case EMP_WIRE_STOPPED: at = put_stopped (at, self); break;
    case EMP_WIRE_RESULTS: at = put_results (at, self); break;
    }
    return emp_buf_append (out, frame, (size_t) (at - frame));
}

/* ---- decode: the cursor remembers the first thing that is wrong -------------------------------------------------- */

static void check (emp_cursor_t *in, bool good)
{
    if (!good && in->status == EMP_OK)
        in->status = EMP_MALFORMED;
}

static uint32_t get_u32 (emp_cursor_t *in)
{
    return (uint32_t) emp_cursor_uint (in, UINT32_MAX);
}

/* n, of which there are `least` at least. What is returned fits parts[] in any case. */
static uint32_t get_count (emp_cursor_t *in, uint32_t least)
{
    uint32_t count = (uint32_t) emp_cursor_uint (in, EMP_WIRE_PARTS_MAX);
    check (in, count >= least);
    return count;
}

static uint32_t get_attempt (emp_cursor_t *in)
{
    uint32_t attempt = get_u32 (in);
    check (in, attempt > 0);
    return attempt;
}

/* DONE, or the one other outcome that the message knows. */
static uint32_t get_outcome (emp_cursor_t *in, emp_outcome_t other)
{
    uint32_t outcome = get_u32 (in);
    check (in, outcome == EMP_OUTCOME_DONE || outcome == other);
    return outcome;
}

static uint32_t get_length (emp_cursor_t *in)
{
    return (uint32_t) emp_cursor_uint (in, EMP_CHUNK_BYTES_MAX);
}

static uint32_t get_rows (emp_cursor_t *in)
{
    return (uint32_t) emp_cursor_uint (in, EMP_ROWS_MAX_LIMIT);
}

static void get_put (emp_cursor_t *in, emp_wire_t *self)
{
    self->session = emp_cursor_uint (in, UINT64_MAX);
    self->feed = get_u32 (in);
    self->first = emp_cursor_uint (in, UINT64_MAX - EMP_WIRE_PARTS_MAX);
    self->skipped = emp_cursor_uint (in, self->first);
    self->end = emp_cursor_bool (in);
    self->count = get_count (in, self->end ? 0 : 1);
    for (uint32_t i = 0; i < self->count; i++) {
        emp_part_t *part = &self->parts[i];
        part->number = self->first + i;
        part->length = get_length (in);
        part->rows = get_rows (in);
    }
}

static void get_done (emp_cursor_t *in, emp_wire_t *self)
{
    self->session = emp_cursor_uint (in, UINT64_MAX);
    self->lane = get_u32 (in);
    self->window = emp_cursor_uint (in, UINT64_MAX);
    self->puts = emp_cursor_uint (in, UINT64_MAX);
    self->count = get_count (in, 1);
    for (emp_part_t *part = self->parts; part < self->parts + self->count; part++) {
        part->ticket = emp_cursor_uint (in, UINT64_MAX);
        part->attempt = get_attempt (in);
        part->outcome = get_outcome (in, EMP_OUTCOME_REFUSED);
        part->length = get_length (in);
        part->hash = emp_cursor_uint (in, UINT64_MAX);
    }
}

static void get_chunks (emp_cursor_t *in, emp_wire_t *self)
{
    self->lane = get_u32 (in);
    emp_cursor_str (in, self->label, sizeof self->label);
    self->count = get_count (in, 1);
    for (emp_part_t *part = self->parts; part < self->parts + self->count; part++) {
        part->ticket = emp_cursor_uint (in, UINT64_MAX);
        part->attempt = get_attempt (in);
        part->number = emp_cursor_uint (in, UINT64_MAX);
        part->length = get_length (in);
        part->rows = get_rows (in);
        part->from = (uint32_t) emp_cursor_uint (in, part->rows);
        part->count = (uint32_t) emp_cursor_uint (in, part->rows - part->from);
    }
}

static void get_stopped (emp_cursor_t *in, emp_wire_t *self)
{
    self->lane = get_u32 (in);
    self->end = emp_cursor_bool (in);
    self->count = 0;
}

static void get_results (emp_cursor_t *in, emp_wire_t *self)
{
    self->feed = get_u32 (in);
    emp_cursor_str (in, self->label, sizeof self->label);
    self->serial = emp_cursor_uint (in, UINT64_MAX - EMP_WIRE_PARTS_MAX);
    check (in, self->serial > 0);
    self->count = get_count (in, 1);
    for (emp_part_t *part = self->parts; part < self->parts + self->count; part++) {
        part->number = emp_cursor_uint (in, UINT64_MAX);
        part->attempt = get_attempt (in);
        part->outcome = get_outcome (in, EMP_OUTCOME_DEAD);
        part->rows = get_rows (in);
        part->length = get_length (in);
        part->from = get_rows (in);
        part->left = get_rows (in);
        part->session = emp_cursor_uint (in, UINT64_MAX);
        part->hash = emp_cursor_uint (in, UINT64_MAX);
    }
}

static void get_fields (emp_cursor_t *in, emp_wire_t *self)
{
    switch (self->kind) {
    case EMP_WIRE_PUT: get_put (in, self); break;
    case EMP_WIRE_DONE: get_done (in, self); break;
    case EMP_WIRE_CHUNKS: get_chunks (in, self); break;
    case EMP_WIRE_STOPPED: get_stopped (in, self); break;
    case EMP_WIRE_RESULTS: get_results (in, self); break;
    }
}

/* The sum of at most EMP_WIRE_PARTS_MAX lengths of at most EMP_CHUNK_BYTES_MAX has room in 64 bits many times. */
static bool payload_is_whole (const emp_wire_t *self, uint64_t payload_size)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < self->count; i++)
        sum += self->parts[i].length;
    return sum == payload_size;
}

emp_status_t emp_wire_decode (const void *header, size_t size, size_t payload_size, emp_wire_t *ret_self)
{
    ret_self->count = 0;
    if (size > EMP_WIRE_HEADER_MAX || payload_size > EMP_WIRE_PAYLOAD_MAX)
        return EMP_TOOBIG;
    emp_cursor_t in;
    emp_cursor_init (&in, header, size);
    uint32_t values = emp_cursor_array (&in);
    check (&in, emp_cursor_uint (&in, EMP_PROTOCOL_VERSION) == EMP_PROTOCOL_VERSION);
    uint64_t kind = emp_cursor_uint (&in, UINT32_MAX);
    check (&in, kind >= EMP_WIRE_PUT && kind <= EMP_WIRE_RESULTS);
    if (in.status)
        return in.status;
    ret_self->kind = (emp_wire_kind_t) kind;
    ret_self->run = emp_cursor_uint (&in, UINT64_MAX);
    get_fields (&in, ret_self);
    check (&in, values == shapes[kind].head + shapes[kind].part * ret_self->count);
    check (&in, payload_is_whole (ret_self, payload_size));
    emp_status_t status = emp_cursor_end (&in);
    if (status)
        ret_self->count = 0;
    return status;
}
