/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scan.c - a bounded walk over msgpack bytes that come from outside.
 *
 * Every value is at least one byte long. So a list that claims n values, or a map that claims n pairs, is refused at
 * its header unless n (2n) bytes are left; a walk therefore never does more steps than there are bytes.
 */
#include "scan.h"

#include <assert.h>
#include <string.h>

/* What stands behind a first byte c0…df: `width` bytes of a big endian count, then `body` bytes. The count is of bytes
 * when `children` is 0, else of that many values each. The other first bytes have their count within. */
typedef struct {
    uint8_t width, body, children;
} form_t;

/* clang-format off */
static const form_t forms[32] = {
    [0xc4 - 0xc0] = {1, 0, 0},  [0xc5 - 0xc0] = {2, 0, 0}, [0xc6 - 0xc0] = {4, 0, 0},  /* bin */
    [0xc7 - 0xc0] = {1, 1, 0},  [0xc8 - 0xc0] = {2, 1, 0}, [0xc9 - 0xc0] = {4, 1, 0},  /* ext: its type, its bytes */
    [0xca - 0xc0] = {0, 4, 0},  [0xcb - 0xc0] = {0, 8, 0},                             /* float */
    [0xcc - 0xc0] = {0, 1, 0},  [0xcd - 0xc0] = {0, 2, 0}, [0xce - 0xc0] = {0, 4, 0},  [0xcf - 0xc0] = {0, 8, 0},
    [0xd0 - 0xc0] = {0, 1, 0},  [0xd1 - 0xc0] = {0, 2, 0}, [0xd2 - 0xc0] = {0, 4, 0},  [0xd3 - 0xc0] = {0, 8, 0},
    [0xd4 - 0xc0] = {0, 2, 0},  [0xd5 - 0xc0] = {0, 3, 0}, [0xd6 - 0xc0] = {0, 5, 0},  /* fixext */
    [0xd7 - 0xc0] = {0, 9, 0},  [0xd8 - 0xc0] = {0, 17, 0},
    [0xd9 - 0xc0] = {1, 0, 0},  [0xda - 0xc0] = {2, 0, 0}, [0xdb - 0xc0] = {4, 0, 0},  /* str */
    [0xdc - 0xc0] = {2, 0, 1},  [0xdd - 0xc0] = {4, 0, 1},                             /* list */
    [0xde - 0xc0] = {2, 0, 2},  [0xdf - 0xc0] = {4, 0, 2},                             /* map */
};                                                                                     /* and c0 nil, c2 c3 bool */
/* clang-format on */

typedef emp_scan_head_t head_t;

static inline uint64_t load (const uint8_t *at, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

/* Reads the head of a first byte c0…df; `*at_p` stands behind that byte. */
static bool read_form (const uint8_t **at_p, const uint8_t *end, uint8_t first, head_t *ret_head)
{
    const form_t *form = &forms[first - 0xc0];
    if (first == 0xc1 || (size_t) (end - *at_p) < form->width)
        return false;
    uint64_t count = load (*at_p, form->width);
    *at_p += form->width;
    ret_head->container = form->children > 0;
    ret_head->claim = count * form->children;
    ret_head->body = form->body + (form->children ? 0 : count);
    return true;
}

static inline bool read_head (const uint8_t **at_p, const uint8_t *end, head_t *ret_head)
{
    uint8_t first = *(*at_p)++;
    *ret_head = (head_t){0};
    if (first < 0x80 || first >= 0xe0) /* a small integer is its own first byte */
        return true;
    if (first >= 0xc0) {
        if (!read_form (at_p, end, first, ret_head))
            return false;
    } else if (first >= 0xa0)
        ret_head->body = first & 0x1fu;
    else {
        ret_head->container = true;
        ret_head->claim = (first & 0x0fu) * (first < 0x90 ? 2u : 1u);
    }
    size_t left = (size_t) (end - *at_p);
    return ret_head->body <= left && ret_head->claim <= left;
}

bool emp_scan_head (const uint8_t **at_p, const uint8_t *end, emp_scan_head_t *ret_head)
{
    return read_head (at_p, end, ret_head);
}

/* Walks at most `values_max` values at the top, from *at_p, which moves only when all is well. */
static emp_status_t walk (const uint8_t **at_p, const uint8_t *end, size_t values_max, size_t objects_max,
                          size_t *ret_values)
{
    uint64_t owed[EMP_SCAN_DEPTH_MAX]; /* values still to come in each open list or map */
    size_t depth = 0, objects = 0, values = 0;
    const uint8_t *at = *at_p;
    for (;;) {
        while (depth > 0 && owed[depth - 1] == 0)
            depth--;
        if (depth > 0)
            owed[depth - 1]--;
        else if (values < values_max && at < end)
            values++;
        else
            break;
        if (at == end)
            return EMP_MALFORMED;
        if (++objects > objects_max)
            return EMP_TOOBIG;
        size_t fixed = emp_scan_fixed (*at);
        if (fixed) {
            if ((size_t) (end - at) < fixed)
                return EMP_MALFORMED;
            at += fixed;
            continue;
        }
        head_t head;
        if (!read_head (&at, end, &head))
            return EMP_MALFORMED;
        at += head.body;
        if (head.container) {
            if (depth == EMP_SCAN_DEPTH_MAX)
                return EMP_TOOBIG;
            owed[depth++] = head.claim;
        }
    }
    *at_p = at;
    *ret_values = values;
    return EMP_OK;
}

emp_status_t emp_scan (const void *data, size_t size, size_t objects_max, size_t *ret_values)
{
    emp_cursor_t cursor; /* its init knows how to take NULL with size 0 */
    emp_cursor_init (&cursor, data, size);
    size_t values = 0;
    emp_status_t status = walk (&cursor.at, cursor.end, SIZE_MAX, objects_max, &values);
    if (status == EMP_OK && ret_values)
        *ret_values = values;
    return status;
}

emp_status_t emp_scan_one (const void *data, size_t size, size_t objects_max, size_t *ret_size)
{
    emp_cursor_t cursor;
    emp_cursor_init (&cursor, data, size);
    const uint8_t *begin = cursor.at;
    size_t values = 0;
    size_t fixed = begin < cursor.end ? emp_scan_fixed (*begin) : 0;
    if (fixed && fixed <= size && objects_max) { /* most rows are one number */
        *ret_size = fixed;
        return EMP_OK;
    }
    emp_status_t status = walk (&cursor.at, cursor.end, 1, objects_max, &values);
    if (status)
        return status;
    if (values == 0)
        return EMP_MALFORMED;
    *ret_size = (size_t) (cursor.at - begin);
    return EMP_OK;
}

/* ---- the cursor -------------------------------------------------------------------------------------------------- */

void emp_cursor_init (emp_cursor_t *self, const void *data, size_t size)
{
    assert (data || size == 0);
    self->at = data;
    self->end = size > 0 ? self->at + size : self->at;
    self->status = EMP_OK;
}

static void fail (emp_cursor_t *self, emp_status_t status)
{
    if (self->status == EMP_OK)
        self->status = status;
}

/* The first byte of the next value; c1, which no value has, when there is none or an earlier read failed. */
static inline uint8_t peek (const emp_cursor_t *self)
{
    return self->status == EMP_OK && self->at < self->end ? *self->at : 0xc1;
}

uint32_t emp_cursor_array (emp_cursor_t *self)
{
    uint8_t first = peek (self);
    bool list = (first & 0xf0) == 0x90 || first == 0xdc || first == 0xdd;
    head_t head;
    if (!list || !read_head (&self->at, self->end, &head)) {
        fail (self, EMP_MALFORMED);
        return 0;
    }
    return (uint32_t) head.claim; /* its field has four bytes at the most */
}

uint64_t emp_cursor_uint (emp_cursor_t *self, uint64_t max)
{
    uint8_t first = peek (self);
    unsigned width = 0;
    uint64_t value = first;
    if (first >= 0x80) {
        if (first < 0xcc || first > 0xd3)
            goto malformed;
        width = 1u << (first & 3); /* cc…cf unsigned, d0…d3 signed, of 1, 2, 4, 8 bytes */
        if ((size_t) (self->end - self->at - 1) < width)
            goto malformed;
        value = load (self->at + 1, width);
        if (first >= 0xd0 && value >> (8 * width - 1))
            goto malformed;
    }
    if (value > max)
        goto malformed;
    self->at += 1 + width;
    return value;

malformed:
    fail (self, EMP_MALFORMED);
    return 0;
}

bool emp_cursor_bool (emp_cursor_t *self)
{
    uint8_t first = peek (self);
    if (first != 0xc2 && first != 0xc3) {
        fail (self, EMP_MALFORMED);
        return false;
    }
    self->at++;
    return first == 0xc3;
}

void emp_cursor_str (emp_cursor_t *self, char *ret_text, size_t room)
{
    assert (room > 0);
    uint8_t first = peek (self);
    bool text = (first & 0xe0) == 0xa0 || (first >= 0xd9 && first <= 0xdb);
    head_t head;
    *ret_text = '\0';
    if (!text || !read_head (&self->at, self->end, &head))
        fail (self, EMP_MALFORMED);
    else if (head.body >= room)
        fail (self, EMP_TOOBIG);
    else if (memchr (self->at, '\0', head.body))
        fail (self, EMP_MALFORMED);
    else {
        memcpy (ret_text, self->at, head.body);
        ret_text[head.body] = '\0';
        self->at += head.body;
    }
}

const void *emp_cursor_bin (emp_cursor_t *self, size_t *ret_size)
{
    uint8_t first = peek (self);
    head_t head;
    *ret_size = 0;
    if (first < 0xc4 || first > 0xc6 || !read_head (&self->at, self->end, &head)) {
        fail (self, EMP_MALFORMED);
        return NULL;
    }
    const void *data = self->at;
    *ret_size = (size_t) head.body;
    self->at += head.body;
    return data;
}

emp_status_t emp_cursor_end (const emp_cursor_t *self)
{
    if (self->status)
        return self->status;
    return self->at == self->end ? EMP_OK : EMP_MALFORMED;
}
