/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pool.h - records of one size in numbered slots, known to the outside by handles that grow stale.
 *
 * A handle is generation << bits | slot. A slot's generation goes up when its record is taken and when it is given
 * back, so it is odd exactly while the slot is taken: a handle is never 0, and one of an earlier record, or a guessed
 * one of a free slot, finds nothing. The same handle comes again after 2^(bits-1) uses of its slot at the earliest;
 * free slots are used again in the order in which they came back, which spreads the uses.
 *
 * Invariant: taken + free + never used == slots in the blocks. Records never move. Cost: O(1); memory grows by blocks
 * of CORE_POOL_BLOCK records up to the maximum and is kept until release.
 */
#ifndef EMP_CORE_POOL_H
#define EMP_CORE_POOL_H

#include "../../common/eisenmp.h"

#define CORE_POOL_BLOCK 256u /* records */

/* The first member of every record. */
typedef struct {
    uint32_t slot;
    uint32_t generation;
} core_slot_t;

typedef struct {
    size_t record_size;
    unsigned bits;
    uint32_t max;
    uint32_t taken;
    uint32_t used; /* slots below were taken at least once */
    uint32_t room; /* slots in the blocks */
    uint32_t free_count;
    uint32_t free_first; /* a slot; of no meaning when free_count is 0 */
    uint32_t free_last;
    char **blocks;
    size_t blocks_room;
} core_pool_t;

/* bits is 32 or 16; record_size at least 12. Allocates nothing. */
void core_pool_init (core_pool_t *self, size_t record_size, unsigned bits, uint32_t max);
void core_pool_release (core_pool_t *self);
/* Makes sure that the next `count` takes succeed. EMP_OK, EMP_FULL or EMP_NOMEM. */
emp_status_t core_pool_reserve (core_pool_t *self, uint32_t count);
/* A record that is zero but for its slot. Room was reserved. */
void *core_pool_take (core_pool_t *self);
void core_pool_give (core_pool_t *self, void *record);

/* A taken or free record by its slot, slot < used. */
static inline core_slot_t *core_pool_at (const core_pool_t *self, uint32_t slot)
{
    return (core_slot_t *) (void *) (self->blocks[slot / CORE_POOL_BLOCK] + slot % CORE_POOL_BLOCK * self->record_size);
}

static inline bool core_slot_is_taken (const core_slot_t *self)
{
    return self->generation & 1;
}

static inline uint64_t core_pool_handle (const core_pool_t *self, const core_slot_t *record)
{
    return (uint64_t) record->generation << self->bits | record->slot;
}

/* The record, or NULL when the handle is stale or never was one. */
static inline void *core_pool_find (const core_pool_t *self, uint64_t handle)
{
    uint32_t slot = (uint32_t) (handle & ((UINT64_C (1) << self->bits) - 1));
    if (slot >= self->used)
        return NULL;
    core_slot_t *record = core_pool_at (self, slot);
    return core_slot_is_taken (record) && record->generation == handle >> self->bits ? record : NULL;
}

/* Every allocation of the core goes through this pointer: realloc (), unless a test replaces it. free () frees. */
extern void *(*core_realloc) (void *memory, size_t size);

#endif
