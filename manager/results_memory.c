/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results_memory.c - entries and values in blocks. See results_memory.h.
 */
#include "results_memory.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "../common/wire.h"
#include "results.h"

#define BLOCK_BYTES (1024u * 1024)
#define BLOCK_ALONE (BLOCK_BYTES / 16) /* a larger value gets its own block: at most a sixteenth of a block is wasted */
#define ENTRIES_FIRST 4096u            /* entries of the first block; each next one has room for twice as many */
#define ENTRIES_BLOCKS 40

#define AT_BASE UINT64_C (1577836800000) /* 2020: a time from there on fits its field until 2054 */
#define AT_MAX ((UINT64_C (1) << 40) - 1)

/* Packed: without the 4 bytes behind it that would align the next one. */
typedef struct __attribute__ ((packed, aligned (4))) {
    const uint8_t *data;
    uint64_t number : 40, feed : 16, half : 1;
    uint64_t size : 29, rows : 25, attempt : 9, dead : 1;
    uint64_t from : 24, at : 40;
    uint64_t hash;
    uint32_t worker;
} entry_t;
_Static_assert (sizeof (entry_t) == EMP_MEMORY_ENTRY, "an entry is 44 bytes");
_Static_assert (EMP_WIRE_PAYLOAD_MAX < 1u << 29, "a part's length fits its field");
_Static_assert (EMP_ROWS_MAX_LIMIT < 1u << 25, "a part's rows fit their field");
_Static_assert (EMP_RESULTS_FEEDS_MAX <= 1u << 16, "a feed's place fits its field");
_Static_assert (EMP_ROWS_MAX_LIMIT <= 1u << 24, "a part's first row fits its field");
_Static_assert (EMP_RESULTS_ATTEMPT_MAX < 1u << 9, "an attempt fits its field");

typedef struct block {
    struct block *next;
    size_t room;
    uint8_t data[];
} block_t;

struct emp_memory {
    entry_t *entries[ENTRIES_BLOCKS];
    entry_t *next; /* where the next entry goes, with so many places left in its block */
    uint64_t left;
    uint8_t *at; /* where the next value goes, with so many bytes left in its block */
    size_t room;
    uint64_t count, free; /* entries, and bytes up to the bound */
    block_t *blocks;      /* of many values each, and of one large value each */
    block_t *spare;       /* for one large value that was never added, or NULL */
};

emp_memory_t *emp_memory_new (uint64_t max)
{
    emp_memory_t *self = calloc (1, sizeof *self);
    if (self)
        self->free = max;
    return self;
}

static void free_blocks (block_t *block)
{
    while (block) {
        block_t *next = block->next;
        free (block);
        block = next;
    }
}

static void free_all (emp_memory_t *self)
{
    for (size_t i = 0; i < ENTRIES_BLOCKS; i++)
        free (self->entries[i]);
    free_blocks (self->blocks);
    free (self->spare);
}

void emp_memory_destroy (emp_memory_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    free_all (*self_p);
    free (*self_p);
    *self_p = NULL;
}

/* malloc keeps what it got by growing its heap, and blocks of 1 MiB come from there once one has been freed. */
void emp_memory_clear (emp_memory_t *self)
{
    assert (self);
    free_all (self);
    *self = (emp_memory_t){0};
    malloc_trim (0);
}

static block_t *block_new (size_t room)
{
    block_t *block = malloc (sizeof *block + room);
    if (block)
        block->room = room;
    return block;
}

static void push (emp_memory_t *self, block_t *block)
{
    block->next = self->blocks;
    self->blocks = block;
}

/* Makes room for a value: in the block that is being filled, in a new one, or a spare of its own. */
static bool require_value (emp_memory_t *self, size_t size)
{
    if (size <= self->room && self->at)
        return true;
    if (size > BLOCK_ALONE) {
        if (self->spare && self->spare->room >= size)
            return true;
        free (self->spare);
        self->spare = block_new (size);
        return self->spare;
    }
    block_t *block = block_new (BLOCK_BYTES);
    if (!block)
        return false;
    push (self, block);
    self->at = block->data;
    self->room = block->room;
    return true;
}

/* Where a value goes for which there is room. */
static uint8_t *place_value (emp_memory_t *self, size_t size)
{
    uint8_t *data = self->at;
    if (size <= self->room) {
        self->at += size;
        self->room -= size;
        return data;
    }
    block_t *block = self->spare;
    assert (block && block->room >= size);
    self->spare = NULL;
    push (self, block);
    return block->data;
}

/* The block of the i-th entry, and its place in it: block k begins at ENTRIES_FIRST * (2^k - 1). */
static unsigned block_of (uint64_t i, uint64_t *ret_place)
{
    unsigned block = 63u - (unsigned) __builtin_clzll (i / ENTRIES_FIRST + 1);
    *ret_place = i - ENTRIES_FIRST * ((UINT64_C (1) << block) - 1);
    return block;
}

static bool require_entry (emp_memory_t *self)
{
    if (self->left > 0)
        return true;
    uint64_t place = 0;
    unsigned block = block_of (self->count, &place);
    assert (place == 0);
    if (block >= ENTRIES_BLOCKS)
        return false;
    uint64_t room = (uint64_t) ENTRIES_FIRST << block;
    self->entries[block] = self->next = malloc (room * sizeof (entry_t));
    self->left = self->next ? room : 0;
    return self->next;
}

emp_status_t emp_memory_reserve (emp_memory_t *self, size_t size)
{
    if (EMP_MEMORY_ENTRY + size > self->free)
        return EMP_FULL;
    return require_entry (self) && require_value (self, size) ? EMP_OK : EMP_NOMEM;
}

static uint64_t pack_time (uint64_t at)
{
    return at <= AT_BASE ? 0 : at - AT_BASE < AT_MAX ? at - AT_BASE : AT_MAX;
}

void emp_memory_add (emp_memory_t *self, const emp_record_t *record)
{
    uint8_t *data = place_value (self, record->size);
    if (record->size)
        memcpy (data, record->data, record->size);
    assert (self->left > 0);
    self->left--;
    *self->next++ = (entry_t){
        .data = data,
        .number = record->number & ((UINT64_C (1) << 40) - 1),
        .feed = record->feed & 0xffffu,
        .half = record->half,
        .size = record->size & ((1u << 29) - 1),
        .rows = record->rows & ((1u << 25) - 1),
        .attempt = record->attempt & EMP_RESULTS_ATTEMPT_MAX,
        .dead = record->dead,
        .from = record->from & 0xffffffu,
        .at = pack_time (record->at) & AT_MAX,
        .hash = record->hash,
        .worker = record->worker,
    };
    self->count++;
    self->free -= EMP_MEMORY_ENTRY + record->size;
}

uint64_t emp_memory_count (const emp_memory_t *self)
{
    return self->count;
}

void emp_memory_at (const emp_memory_t *self, uint64_t i, emp_record_t *ret_record)
{
    assert (i < self->count);
    uint64_t place = 0;
    unsigned block = block_of (i, &place);
    const entry_t *entry = self->entries[block] + place;
    ret_record->number = entry->number;
    ret_record->feed = (uint32_t) entry->feed;
    ret_record->attempt = (uint32_t) entry->attempt;
    ret_record->rows = (uint32_t) entry->rows;
    ret_record->dead = entry->dead;
    ret_record->from = (uint32_t) entry->from;
    ret_record->half = entry->half;
    ret_record->worker = entry->worker;
    ret_record->hash = entry->hash;
    ret_record->at = entry->at ? entry->at + AT_BASE : 0;
    ret_record->data = entry->data;
    ret_record->size = entry->size;
}
