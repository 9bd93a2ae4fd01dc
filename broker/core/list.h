/* SPDX-License-Identifier: BSD-3-Clause
 *
 * list.h - doubly linked lists through links that lie inside the records.
 *
 * Invariant: a link is in one list, or in none and then zero. A record may have several links, so be in several lists.
 * A list must not be moved in memory once it was initialised. Cost: everything O(1); nothing is allocated.
 */
#ifndef EMP_CORE_LIST_H
#define EMP_CORE_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct core_link {
    struct core_link *prev, *next;
} core_link_t;

/* The ends of the ring are one link that belongs to no record. */
typedef struct {
    core_link_t ends;
} core_list_t;

/* The record that a link lies in. */
#define CORE_OF(link, type, member) ((type *) (void *) ((char *) (link) -offsetof (type, member)))

static inline void core_list_init (core_list_t *self)
{
    self->ends.prev = self->ends.next = &self->ends;
}

static inline bool core_list_is_empty (const core_list_t *self)
{
    return self->ends.next == &self->ends;
}

/* NULL when there is none. */
static inline core_link_t *core_list_first (const core_list_t *self)
{
    return core_list_is_empty (self) ? NULL : self->ends.next;
}

static inline core_link_t *core_list_last (const core_list_t *self)
{
    return core_list_is_empty (self) ? NULL : self->ends.prev;
}

/* NULL behind the last. */
static inline core_link_t *core_list_next (const core_list_t *self, const core_link_t *link)
{
    return link->next == &self->ends ? NULL : link->next;
}

static inline bool core_link_is_in (const core_link_t *self)
{
    return self->next != NULL;
}

static inline void core_link_between (core_link_t *self, core_link_t *prev, core_link_t *next)
{
    assert (!core_link_is_in (self));
    self->prev = prev;
    self->next = next;
    prev->next = self;
    next->prev = self;
}

static inline void core_list_add_tail (core_list_t *self, core_link_t *link)
{
    core_link_between (link, self->ends.prev, &self->ends);
}

static inline void core_list_add_head (core_list_t *self, core_link_t *link)
{
    core_link_between (link, &self->ends, self->ends.next);
}

/* Takes the link out of whatever list it is in; none is fine. */
static inline void core_link_remove (core_link_t *self)
{
    if (!core_link_is_in (self))
        return;
    self->prev->next = self->next;
    self->next->prev = self->prev;
    self->prev = self->next = NULL;
}

#endif
