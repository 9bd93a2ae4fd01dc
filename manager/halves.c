/* SPDX-License-Identifier: BSD-3-Clause
 *
 * halves.c - a sorted table of tickets, each with the stretches of its rows that have ended. See halves.h.
 */
#include "halves.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Rows [from, to), none in two stretches, no two that touch. */
typedef struct {
    uint32_t from, to;
} stretch_t;

typedef struct emp_half {
    uint64_t number;
    uint32_t feed;
    uint32_t total, ended, dead; /* rows */
    stretch_t *stretches;
    uint32_t count, room;
} half_t;

void emp_halves_init (emp_halves_t *self)
{
    *self = (emp_halves_t){0};
}

void emp_halves_release (emp_halves_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->list[i].stretches);
    free (self->list);
    *self = (emp_halves_t){0};
}

/* Where a ticket is, or belongs. */
static size_t place_of (const emp_halves_t *self, uint32_t feed, uint64_t number)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const half_t *half = &self->list[middle];
        if (half->feed < feed || (half->feed == feed && half->number < number))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static half_t *find (const emp_halves_t *self, uint32_t feed, uint64_t number)
{
    size_t place = place_of (self, feed, number);
    bool there = place < self->count && self->list[place].feed == feed && self->list[place].number == number;
    return there ? &self->list[place] : NULL;
}

/* The first stretch that ends at `from` or behind it. */
static uint32_t stretch_at (const half_t *half, uint32_t from)
{
    uint32_t low = 0, high = half->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (half->stretches[middle].to < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool overlaps (const half_t *half, const emp_part_t *part)
{
    uint32_t i = stretch_at (half, part->from + 1);
    return i < half->count && half->stretches[i].from < part->from + part->rows;
}

bool emp_halves_is_part (const emp_halves_t *self, uint32_t feed, const emp_part_t *part)
{
    return part->from > 0 || part->left > 0 || (self->count > 0 && find (self, feed, part->number));
}

static bool require_ticket (emp_halves_t *self)
{
    if (self->count < self->room)
        return true;
    size_t room = self->room ? self->room * 2 : 16;
    half_t *list = realloc (self->list, room * sizeof *list);
    if (!list)
        return false;
    self->list = list;
    self->room = room;
    return true;
}

static bool require_stretch (half_t *half)
{
    if (half->count < half->room)
        return true;
    uint32_t room = half->room ? half->room * 2 : 4;
    stretch_t *stretches = realloc (half->stretches, room * sizeof *stretches);
    if (!stretches)
        return false;
    half->stretches = stretches;
    half->room = room;
    return true;
}

/* A place for a new ticket, which knows of no row that has ended. */
static half_t *begin (emp_halves_t *self, uint32_t feed, const emp_part_t *part)
{
    if (!require_ticket (self))
        return NULL;
    size_t place = place_of (self, feed, part->number);
    half_t *half = &self->list[place];
    memmove (half + 1, half, (self->count - place) * sizeof *half);
    *half = (half_t){.number = part->number, .feed = feed, .total = part->rows + part->left};
    self->count++;
    return half;
}

static void forget (emp_halves_t *self, half_t *half)
{
    free (half->stretches);
    size_t behind = self->count - (size_t) (half - self->list) - 1;
    memmove (half, half + 1, behind * sizeof *half);
    self->count--;
}

emp_status_t emp_halves_reserve (emp_halves_t *self, uint32_t feed, const emp_part_t *part)
{
    half_t *half = find (self, feed, part->number);
    uint64_t open = (uint64_t) part->rows + part->left; /* rows, this part's included */
    uint64_t total = half ? half->total : open;
    if (part->rows == 0 || total > EMP_ROWS_MAX_LIMIT || (uint64_t) part->from + part->rows > total)
        return EMP_MALFORMED;
    if (half && overlaps (half, part))
        return EMP_STALE;
    if (half ? open != half->total - half->ended : part->left == 0)
        return EMP_MALFORMED;
    bool fresh = !half;
    if (fresh)
        half = begin (self, feed, part);
    if (!half)
        return EMP_NOMEM;
    if (require_stretch (half))
        return EMP_OK;
    if (fresh)
        forget (self, half);
    return EMP_NOMEM;
}

/* Puts the part's rows where they belong, as one with stretches that they touch. */
static void cover (half_t *half, uint32_t from, uint32_t to)
{
    uint32_t i = stretch_at (half, from);
    stretch_t *at = half->stretches + i;
    bool before = i < half->count && at->to == from;
    const stretch_t *behind = at + before;
    bool touches = i + before < half->count && behind->from == to;
    if (before && touches) {
        at->to = behind->to;
        memmove (at + 1, at + 2, (half->count - i - 2) * sizeof *at);
        half->count--;
    } else if (before)
        at->to = to;
    else if (touches)
        at->from = from;
    else {
        assert (half->count < half->room);
        memmove (at + 1, at, (half->count - i) * sizeof *at);
        *at = (stretch_t){from, to};
        half->count++;
    }
}

emp_half_state_t emp_halves_add (emp_halves_t *self, uint32_t feed, const emp_part_t *part, bool dead)
{
    half_t *half = find (self, feed, part->number);
    assert (half && !overlaps (half, part));
    cover (half, part->from, part->from + part->rows);
    half->ended += part->rows;
    half->dead += dead ? part->rows : 0;
    emp_half_state_t state = {
        .rows = half->ended, .dead = half->dead, .total = half->total, .over = half->ended == half->total};
    if (state.over)
        forget (self, half);
    return state;
}

uint64_t emp_halves_rows (const emp_halves_t *self, uint32_t feed)
{
    uint64_t rows = 0;
    for (size_t i = place_of (self, feed, 0); i < self->count && self->list[i].feed == feed; i++)
        rows += self->list[i].ended;
    return rows;
}
