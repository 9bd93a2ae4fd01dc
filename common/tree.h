/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tree.h - a packed value as msgpack_objects, in memory that the caller gives.
 *
 * Why not msgpack_unpack: it takes memory as it goes, by zones that cannot be placed, and recurses. Here the size is known
 * before, all objects stand in one row, the root first, and all bytes of texts in another; so a tree can be built in a
 * mapping, and moved by one pass over the row. The values are those of msgpack_unpack, with a NUL behind every text,
 * binary and extension besides.
 * Pure; no allocation, no recursion. O(bytes).
 */
#ifndef EMP_TREE_H
#define EMP_TREE_H

#include "eisenmp.h"

typedef struct {
    uint64_t objects; /* msgpack_objects, the root and the keys of maps included */
    uint64_t bytes;   /* of texts, binaries and extensions, with their NULs */
} emp_tree_size_t;

/* Both take exactly one whole value: emp_scan_one said EMP_OK, and that it is `size` bytes long. */
emp_tree_size_t emp_tree_measure (const void *data, size_t size);
/* Fills as many objects and bytes as measured; the root is objects[0]. Nothing points into `data` afterwards. */
void emp_tree_build (const void *data, size_t size, msgpack_object *objects, char *bytes);
/* Every pointer in the row of objects is `by` bytes further up from now on. */
void emp_tree_move (msgpack_object *objects, uint64_t count, ptrdiff_t by);

#endif
