/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pool.c - see pool.h.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

void *(*core_realloc) (void *memory, size_t size) = realloc;

/* What a free record is. */
typedef struct {
    core_slot_t head;
    uint32_t next; /* free slot */
} free_record_t;

void core_pool_init (core_pool_t *self, size_t record_size, unsigned bits, uint32_t max)
{
    assert (bits == 16 || bits == 32);
    assert (record_size >= sizeof (free_record_t) && record_size % sizeof (void *) == 0);
    uint32_t slots = bits == 16 ? 65536 : UINT32_MAX - CORE_POOL_BLOCK;
    *self = (core_pool_t){.record_size = record_size, .bits = bits, .max = max < slots ? max : slots};
}

void core_pool_release (core_pool_t *self)
{
    for (size_t i = 0; i < self->room / CORE_POOL_BLOCK; i++)
        free (self->blocks[i]);
    free (self->blocks);
    self->blocks = NULL;
    self->blocks_room = 0;
    self->taken = self->used = self->room = self->free_count = 0;
}

static bool add_block (core_pool_t *self)
{
    size_t count = self->room / CORE_POOL_BLOCK;
    if (count == self->blocks_room) {
        size_t room = count ? count * 2 : 4;
        char **blocks = core_realloc (self->blocks, room * sizeof *blocks);
        if (!blocks)
            return false;
        self->blocks = blocks;
        self->blocks_room = room;
    }
    char *block = core_realloc (NULL, CORE_POOL_BLOCK * self->record_size);
    if (!block)
        return false;
    self->blocks[count] = block;
    self->room += CORE_POOL_BLOCK;
    return true;
}

emp_status_t core_pool_reserve (core_pool_t *self, uint32_t count)
{
    if (count > self->max - self->taken)
        return EMP_FULL;
    while (self->room - self->taken < count)
        if (!add_block (self))
            return EMP_NOMEM;
    return EMP_OK;
}

static core_slot_t *take_fresh (core_pool_t *self)
{
    core_slot_t *record = core_pool_at (self, self->used);
    *record = (core_slot_t){.slot = self->used++};
    return record;
}

static core_slot_t *take_free (core_pool_t *self)
{
    assert (self->free_count > 0);
    core_slot_t *record = core_pool_at (self, self->free_first);
    self->free_first = ((free_record_t *) (void *) record)->next;
    self->free_count--;
    return record;
}

static void next_generation (const core_pool_t *self, core_slot_t *record)
{
    record->generation++;
    if (self->bits == 16)
        record->generation &= 0xffff;
}

void *core_pool_take (core_pool_t *self)
{
    core_slot_t *record = self->used < self->room ? take_fresh (self) : take_free (self);
    memset (record + 1, 0, self->record_size - sizeof *record);
    next_generation (self, record);
    self->taken++;
    return record;
}

void core_pool_give (core_pool_t *self, void *record)
{
    free_record_t *given = record;
    assert (core_slot_is_taken (&given->head));
    next_generation (self, &given->head);
    if (self->free_count++)
        ((free_record_t *) (void *) core_pool_at (self, self->free_last))->next = given->head.slot;
    else
        self->free_first = given->head.slot;
    self->free_last = given->head.slot;
    self->taken--;
}
