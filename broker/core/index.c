/* SPDX-License-Identifier: BSD-3-Clause
 *
 * index.c - see index.h.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "pool.h"

emp_status_t core_index_init (core_index_t *self, size_t expected)
{
    size_t count = 16;
    self->shift = 60;
    while (count < expected && count < 65536) {
        count *= 2;
        self->shift--;
    }
    self->buckets = core_realloc (NULL, count * sizeof (core_node_t *));
    if (!self->buckets)
        return EMP_NOMEM;
    memset (self->buckets, 0, count * sizeof (core_node_t *));
    return EMP_OK;
}

void core_index_release (core_index_t *self)
{
    free (self->buckets);
    self->buckets = NULL;
}

/* Ids are not always random: multiplying by the golden ratio spreads 1, 2, 3… over the high bits. */
static core_node_t **bucket_of (const core_index_t *self, uint64_t key)
{
    return &self->buckets[key * UINT64_C (0x9e3779b97f4a7c15) >> self->shift];
}

void core_index_add (core_index_t *self, core_node_t *node, uint64_t key)
{
    core_node_t **bucket = bucket_of (self, key);
    node->key = key;
    node->next = *bucket;
    *bucket = node;
}

void core_index_remove (core_index_t *self, core_node_t *node)
{
    core_node_t **at = bucket_of (self, node->key);
    while (*at != node) {
        assert (*at);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
}

static core_node_t *skip_others (core_node_t *node, uint64_t key)
{
    while (node && node->key != key)
        node = node->next;
    return node;
}

core_node_t *core_index_first (const core_index_t *self, uint64_t key)
{
    return skip_others (*bucket_of (self, key), key);
}

core_node_t *core_index_next (const core_node_t *node)
{
    return skip_others (node->next, node->key);
}

uint64_t core_index_key (const char *text)
{
    uint64_t key = UINT64_C (0xcbf29ce484222325);
    for (; *text; text++)
        key = (key ^ (unsigned char) *text) * UINT64_C (0x100000001b3);
    return key;
}
