/* SPDX-License-Identifier: BSD-3-Clause
 *
 * attributes.c - an ordered dictionary from names to packed msgpack values or arenas.
 *
 * Entries stand in an array in order; a hash table of their numbers finds them. Nothing is ever taken out, so the table
 * needs no tombstones: an empty slot ends a search.
 */
#include "attributes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 32768u /* a power of two, more than three times EMP_ATTRIBUTES_MAX */
#define OVERHEAD 10  /* bytes of msgpack headers that an entry may take in the blob */

typedef struct {
    char *name;
    void *data; /* NULL: an arena */
    size_t size;
    emp_arena_t *arena;
} entry_t;

struct emp_attributes {
    entry_t *entries;
    size_t count, room;
    size_t bytes, arenas;
    uint16_t slots[SLOTS]; /* number of an entry + 1; 0: empty */
};

emp_attributes_t *emp_attributes_new (void)
{
    return calloc (1, sizeof (emp_attributes_t));
}

void emp_attributes_destroy (emp_attributes_t **self_p)
{
    emp_attributes_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        free (self->entries[i].name);
        free (self->entries[i].data);
        emp_arena_destroy (&self->entries[i].arena);
    }
    free (self->entries);
    free (self);
    *self_p = NULL;
}

/* FNV-1a: names are short, and whoever writes them hurts nobody else by collisions. */
static uint32_t hash (const char *name)
{
    uint32_t value = 2166136261u;
    for (; *name; name++)
        value = (value ^ (uint8_t) *name) * 16777619u;
    return value;
}

/* The slot that holds `name`, or the empty one where it belongs. */
static size_t slot_of (const emp_attributes_t *self, const char *name)
{
    size_t slot = hash (name) % SLOTS;
    while (self->slots[slot] && strcmp (self->entries[self->slots[slot] - 1].name, name) != 0)
        slot = (slot + 1) % SLOTS;
    return slot;
}

static emp_status_t append (emp_attributes_t *self, size_t slot, const char *name)
{
    if (self->count == EMP_ATTRIBUTES_MAX)
        return EMP_TOOBIG;
    if (self->count == self->room) {
        size_t room = self->room ? self->room * 2 : 32;
        entry_t *entries = realloc (self->entries, room * sizeof *entries);
        if (!entries)
            return EMP_NOMEM;
        self->entries = entries;
        self->room = room;
    }
    entry_t *entry = &self->entries[self->count];
    *entry = (entry_t){.name = strdup (name)};
    if (!entry->name)
        return EMP_NOMEM;
    self->count++;
    self->bytes += strlen (name) + OVERHEAD;
    self->slots[slot] = (uint16_t) self->count;
    return EMP_OK;
}

/* Makes room for a value of `size` bytes under that name. The old value stays, and what there is of a new entry is
 * whole, but for its value. */
static emp_status_t reserve (emp_attributes_t *self, const char *name, size_t size, entry_t **ret_entry)
{
    size_t slot = slot_of (self, name);
    size_t present = self->slots[slot] ? self->entries[self->slots[slot] - 1].size : 0;
    size_t more = self->slots[slot] ? 0 : strlen (name) + OVERHEAD;
    if (size > EMP_ATTRIBUTES_BYTES_MAX || self->bytes - present + more + size > EMP_ATTRIBUTES_BYTES_MAX)
        return EMP_TOOBIG;
    emp_status_t status = self->slots[slot] ? EMP_OK : append (self, slot, name);
    if (!status)
        *ret_entry = &self->entries[self->slots[slot] - 1];
    return status;
}

/* Takes data or arena, whichever is not NULL. */
static void replace (emp_attributes_t *self, entry_t *entry, void *data, emp_arena_t *arena, size_t size)
{
    self->arenas -= entry->arena != NULL;
    self->arenas += arena != NULL;
    self->bytes += size - entry->size;
    free (entry->data);
    emp_arena_destroy (&entry->arena);
    entry->data = data;
    entry->arena = arena;
    entry->size = size;
}

emp_status_t emp_attributes_set (emp_attributes_t *self, const char *name, const void *data, size_t size)
{
    assert (size > 0);
    entry_t *entry;
    void *copy = size <= EMP_ATTRIBUTES_BYTES_MAX ? malloc (size) : NULL;
    if (!copy)
        return size <= EMP_ATTRIBUTES_BYTES_MAX ? EMP_NOMEM : EMP_TOOBIG;
    emp_status_t status = reserve (self, name, size, &entry);
    if (status) {
        free (copy);
        return status;
    }
    memcpy (copy, data, size);
    replace (self, entry, copy, NULL, size);
    return EMP_OK;
}

emp_status_t emp_attributes_set_arena (emp_attributes_t *self, const char *name, emp_arena_t **arena)
{
    entry_t *entry;
    if (self->arenas == EMP_ATTRIBUTES_ARENAS_MAX && !emp_attributes_arena (self, name))
        return EMP_TOOBIG;
    emp_status_t status = reserve (self, name, EMP_ARENA_PLACE_BYTES, &entry);
    if (status)
        return status;
    replace (self, entry, NULL, *arena, EMP_ARENA_PLACE_BYTES);
    *arena = NULL;
    return EMP_OK;
}

const void *emp_attributes_get (const emp_attributes_t *self, const char *name, size_t *ret_size)
{
    size_t slot = slot_of (self, name);
    if (!self->slots[slot])
        return NULL;
    const entry_t *entry = &self->entries[self->slots[slot] - 1];
    *ret_size = entry->size;
    return entry->data;
}

size_t emp_attributes_arenas (const emp_attributes_t *self)
{
    return self->arenas;
}

const emp_arena_t *emp_attributes_arena (const emp_attributes_t *self, const char *name)
{
    size_t slot = slot_of (self, name);
    return self->slots[slot] ? self->entries[self->slots[slot] - 1].arena : NULL;
}

size_t emp_attributes_count (const emp_attributes_t *self)
{
    return self->count;
}

const char *emp_attributes_at (const emp_attributes_t *self, size_t i, const void **ret_data, size_t *ret_size)
{
    assert (i < self->count);
    *ret_data = self->entries[i].data;
    *ret_size = self->entries[i].size;
    return self->entries[i].name;
}
