/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tree.c - a packed value as msgpack_objects, in memory that the caller gives.
 *
 * Values stand in the order in which a walk meets them, so a stack of open lists and maps is all that is remembered. The
 * children of one list must stand side by side: it takes their places from the row when its head is read.
 */
#include "tree.h"

#include <assert.h>
#include <string.h>

#include "scalar.h"
#include "scan.h"

/* A pair of a map is two objects in a row, and all that have a pointer have it at the same place. */
_Static_assert (sizeof (msgpack_object_kv) == 2 * sizeof (msgpack_object), "a map's pairs are a row of objects");
_Static_assert (offsetof (msgpack_object_kv, val) == sizeof (msgpack_object), "the key goes before its value");
_Static_assert (offsetof (msgpack_object, via.ext.ptr) == offsetof (msgpack_object, via.str.ptr) &&
                        offsetof (msgpack_object, via.bin.ptr) == offsetof (msgpack_object, via.str.ptr) &&
                        offsetof (msgpack_object, via.array.ptr) == offsetof (msgpack_object, via.str.ptr) &&
                        offsetof (msgpack_object, via.map.ptr) == offsetof (msgpack_object, via.str.ptr),
                "one place for every pointer");

/* The list or map whose children are being read: where the next one goes, and how many are still to come. */
typedef struct {
    msgpack_object *at;
    uint64_t left;
} open_t;

typedef struct {
    const uint8_t *at, *end;
    msgpack_object *next; /* in the row of objects */
    char *bytes;          /* in the row of bytes */
} build_t;

static bool is_ext (uint8_t first)
{
    return (first >= 0xc7 && first <= 0xc9) || (first >= 0xd4 && first <= 0xd8);
}

emp_tree_size_t emp_tree_measure (const void *data, size_t size)
{
    emp_tree_size_t sum = {0};
    for (const uint8_t *at = data, *end = at + size; at < end; sum.objects++) {
        uint8_t first = *at;
        size_t fixed = emp_scan_fixed (first);
        at += fixed;
        if (fixed)
            continue;
        emp_scan_head_t head;
        bool whole = emp_scan_head (&at, end, &head);
        assert (whole);
        (void) whole;
        if (!head.container) /* an extension's type goes, its NUL comes */
            sum.bytes += head.body + (is_ext (first) ? 0 : 1);
        at += head.body;
    }
    return sum;
}

/* ---- texts, lists and their like ----------------------------------------------------------------------------------- */

/* `body` bytes at self->at. */
static void set_bytes (build_t *self, msgpack_object *object, uint8_t first, uint64_t body)
{
    const uint8_t *from = self->at;
    self->at += body;
    if (is_ext (first)) {
        object->type = MSGPACK_OBJECT_EXT;
        object->via.ext.type = (int8_t) *from++;
        object->via.ext.size = (uint32_t) --body;
        object->via.ext.ptr = self->bytes;
    } else { /* a text and a binary have the same shape */
        object->type = first >= 0xc4 && first <= 0xc6 ? MSGPACK_OBJECT_BIN : MSGPACK_OBJECT_STR;
        object->via.str.size = (uint32_t) body;
        object->via.str.ptr = self->bytes;
    }
    memcpy (self->bytes, from, body);
    self->bytes[body] = '\0';
    self->bytes += body + 1;
}

static open_t set_container (build_t *self, msgpack_object *object, uint8_t first, uint64_t claim)
{
    open_t children = {claim ? self->next : NULL, claim};
    self->next += claim;
    if ((first & 0xf0) == 0x80 || first >= 0xde) {
        object->type = MSGPACK_OBJECT_MAP;
        object->via.map.size = (uint32_t) (claim / 2);
        object->via.map.ptr = (msgpack_object_kv *) children.at;
    } else {
        object->type = MSGPACK_OBJECT_ARRAY;
        object->via.array.size = (uint32_t) claim;
        object->via.array.ptr = children.at;
    }
    return children;
}

void emp_tree_build (const void *data, size_t size, msgpack_object *objects, char *bytes)
{
    build_t self = {.at = data, .end = (const uint8_t *) data + size, .next = objects + 1, .bytes = bytes};
    open_t open[EMP_SCAN_DEPTH_MAX + 1] = {{objects, 1}};
    for (size_t depth = 1; depth > 0;) {
        open_t *parent = &open[depth - 1];
        if (parent->left == 0) {
            depth--;
            continue;
        }
        parent->left--;
        msgpack_object *object = parent->at++;
        uint8_t first = *self.at;
        size_t fixed = emp_scan_fixed (first);
        if (fixed) {
            emp_scalar_read (object, self.at, fixed);
            self.at += fixed;
            continue;
        }
        emp_scan_head_t head;
        bool whole = emp_scan_head (&self.at, self.end, &head);
        assert (whole && (!head.container || depth <= EMP_SCAN_DEPTH_MAX));
        (void) whole;
        if (head.container)
            open[depth++] = set_container (&self, object, first, head.claim);
        else
            set_bytes (&self, object, first, head.body);
    }
    assert (self.at == self.end);
}

void emp_tree_move (msgpack_object *objects, uint64_t count, ptrdiff_t by)
{
    for (msgpack_object *object = objects; object < objects + count; object++)
        switch (object->type) {
        case MSGPACK_OBJECT_NIL:
        case MSGPACK_OBJECT_BOOLEAN:
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64: break;
        case MSGPACK_OBJECT_STR:
        case MSGPACK_OBJECT_BIN:
        case MSGPACK_OBJECT_EXT:
        case MSGPACK_OBJECT_ARRAY:
        case MSGPACK_OBJECT_MAP: /* an empty list has no pointer */
            if (object->via.str.ptr)
                object->via.str.ptr = (const char *) ((uintptr_t) object->via.str.ptr + (uintptr_t) by);
            break;
        }
}
