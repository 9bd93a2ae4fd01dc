/* SPDX-License-Identifier: BSD-3-Clause
 *
 * index.h - records found by a 64 bit key: sessions by their id, queues by the hash of their name.
 *
 * Chains through nodes inside the records, in a number of buckets that is fixed at birth. Used to find only, never to
 * walk, so no decision depends on the order of hashes. Cost: O(1) expected; adding allocates nothing.
 */
#ifndef EMP_CORE_INDEX_H
#define EMP_CORE_INDEX_H

#include "../../common/eisenmp.h"

typedef struct core_node {
    struct core_node *next;
    uint64_t key;
} core_node_t;

typedef struct {
    core_node_t **buckets;
    unsigned shift; /* 64 - log2 of their number */
} core_index_t;

/* For about `expected` records. EMP_NOMEM leaves an index that may be released. */
emp_status_t core_index_init (core_index_t *self, size_t expected);
void core_index_release (core_index_t *self);
void core_index_add (core_index_t *self, core_node_t *node, uint64_t key);
void core_index_remove (core_index_t *self, core_node_t *node);
/* The first node of this key, and the next of the same key; NULL when there is none. */
core_node_t *core_index_first (const core_index_t *self, uint64_t key);
core_node_t *core_index_next (const core_node_t *node);
/* A key for a text (FNV-1a). Texts may share one: compare them. */
uint64_t core_index_key (const char *text);

#endif
