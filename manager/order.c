/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order.c - puts parts in the order of tickets. See order.h.
 *
 * Of each feed: the place that is next, a heap of what waits in memory, and the first place of what waits on the disk. So whether
 * something's turn has come is two comparisons.
 */
#include "order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "order_file.h"

/* Where a part is in its feed. */
typedef struct {
    uint64_t number;
    uint32_t from;
} place_t;

/* A part that waits in memory. */
typedef struct {
    place_t place;
    uint32_t rows, total;
    bool silent;
    size_t size;
    uint8_t data[];
} held_t;

typedef struct {
    place_t next;
    held_t **heap; /* the first place on top */
    size_t count, room;
    place_t low;      /* the first on the disk, if there are some */
    uint64_t on_disk; /* how many */
    bool passed;      /* some that were read are there still */
} feed_t;

/* What was handed out last. */
typedef enum { NOTHING, FROM_MEMORY, FROM_DISK } shown_t;

struct emp_ordering {
    emp_ordering_config_t config;
    char *folder;
    feed_t *feeds;
    size_t feeds_count;
    uint64_t bytes; /* of memory that what waits takes */
    uint64_t waiting, on_disk;
    emp_order_file_t *file; /* NULL: nothing is on the disk */
    uint64_t passed;        /* parts, of all feeds, that were read and are there still */
    shown_t shown;
    uint32_t shown_feed;
    held_t *shown_held;
    size_t rest; /* the feed at which emp_ordering_rest is */
    char why[EMP_ORDERING_WHY_MAX];
};

#define FEEDS_FIRST 16u
#define PASSED_MAX 1000u /* parts that were read are removed when they are so many */
#define HEAP_FIRST 16u
#define HEAP_KEPT 1024u /* places of an empty heap that are not given back */
#define HELD_COST 48u   /* bytes of a part that waits, besides itself: the allocator's, and two places of the heap */

/* ---- birth and death --------------------------------------------------------------------------------------------------- */

emp_ordering_t *emp_ordering_new (const emp_ordering_config_t *config)
{
    emp_ordering_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->config = *config;
    if (!self->config.grow)
        self->config.grow = realloc;
    self->folder = config->folder ? strdup (config->folder) : NULL;
    if (config->folder && !self->folder)
        emp_ordering_destroy (&self);
    return self;
}

void emp_ordering_destroy (emp_ordering_t **self_p)
{
    emp_ordering_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < self->feeds_count; i++) {
        for (size_t k = 0; k < self->feeds[i].count; k++)
            free (self->feeds[i].heap[k]);
        free (self->feeds[i].heap);
    }
    free (self->feeds);
    free (self->shown_held);
    emp_order_file_destroy (&self->file);
    free (self->folder);
    free (self);
}

const char *emp_ordering_why (const emp_ordering_t *self)
{
    return self->why;
}

uint64_t emp_ordering_waiting (const emp_ordering_t *self, uint64_t *ret_on_disk)
{
    *ret_on_disk = self->on_disk;
    return self->waiting;
}

/* ---- places and feeds -------------------------------------------------------------------------------------------------- */

static bool is_before (place_t a, place_t b)
{
    return a.number < b.number || (a.number == b.number && a.from < b.from);
}

static bool is_same (place_t a, place_t b)
{
    return a.number == b.number && a.from == b.from;
}

static place_t behind (place_t place, uint32_t rows, uint32_t total)
{
    uint32_t from = place.from + rows;
    return from < total ? (place_t){place.number, from} : (place_t){place.number + 1, 0};
}

static emp_status_t fail (emp_ordering_t *self, emp_status_t status, const char *why)
{
    if (!*self->why)
        snprintf (self->why, sizeof self->why, "%s", why);
    return status;
}

static bool require_feed (emp_ordering_t *self, uint32_t feed)
{
    if (feed < self->feeds_count)
        return true;
    size_t count = self->feeds_count ? self->feeds_count : FEEDS_FIRST;
    while (count <= feed)
        count *= 2;
    feed_t *feeds = self->config.grow (self->feeds, count * sizeof *feeds);
    if (!feeds)
        return false;
    memset (feeds + self->feeds_count, 0, (count - self->feeds_count) * sizeof *feeds);
    self->feeds = feeds;
    self->feeds_count = count;
    return true;
}

/* ---- in memory --------------------------------------------------------------------------------------------------------- */

static size_t cost_of (size_t size)
{
    return sizeof (held_t) + size + HELD_COST;
}

static bool require_heap (emp_ordering_t *self, feed_t *feed)
{
    if (feed->count < feed->room)
        return true;
    size_t room = feed->room ? feed->room * 2 : HEAP_FIRST;
    held_t **heap = self->config.grow (feed->heap, room * sizeof *heap);
    if (!heap)
        return false;
    feed->heap = heap;
    feed->room = room;
    return true;
}

static void push (feed_t *feed, held_t *held)
{
    size_t at = feed->count++;
    while (at > 0 && is_before (held->place, feed->heap[(at - 1) / 2]->place)) {
        feed->heap[at] = feed->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    feed->heap[at] = held;
}

/* The first one: the last takes its place on top, and sinks. */
static held_t *pop (feed_t *feed)
{
    held_t *first = feed->heap[0], *last = feed->heap[--feed->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < feed->count; at = child) {
        if (child + 1 < feed->count && is_before (feed->heap[child + 1]->place, feed->heap[child]->place))
            child++;
        if (!is_before (feed->heap[child]->place, last->place))
            break;
        feed->heap[at] = feed->heap[child];
    }
    if (feed->count > 0)
        feed->heap[at] = last;
    else if (feed->room > HEAP_KEPT) {
        free (feed->heap);
        feed->heap = NULL;
        feed->room = 0;
    }
    return first;
}

/* False: there is no room. */
static bool hold (emp_ordering_t *self, feed_t *feed, const emp_placed_t *part)
{
    if (self->bytes + cost_of (part->size) > self->config.bytes_max || !require_heap (self, feed))
        return false;
    held_t *held = self->config.grow (NULL, sizeof *held + part->size);
    if (!held)
        return false;
    *held = (held_t){.place = {part->number, part->from},
                     .rows = part->rows,
                     .total = part->total,
                     .silent = part->silent,
                     .size = part->size};
    if (part->size > 0)
        memcpy (held->data, part->data, part->size);
    push (feed, held);
    self->bytes += cost_of (part->size);
    return true;
}

/* ---- on the disk ------------------------------------------------------------------------------------------------------- */

static emp_status_t write_out (emp_ordering_t *self, feed_t *feed, const emp_placed_t *part)
{
    emp_status_t status = EMP_OK;
    char why[EMP_ORDERING_WHY_MAX];
    if (!self->file && (status = emp_order_file_new (self->folder, &self->file, why)) != EMP_OK)
        return fail (self, status, why);
    status = emp_order_file_add (self->file, part);
    if (status != EMP_OK)
        return fail (self, status, emp_order_file_why (self->file));
    place_t place = {part->number, part->from};
    if (feed->on_disk == 0 || is_before (place, feed->low))
        feed->low = place;
    feed->on_disk++;
    self->on_disk++;
    return EMP_OK;
}

/* The part at `low`, into ret_part; when it cannot be read the ordering is over. */
static bool read_low (emp_ordering_t *self, uint32_t number, emp_placed_t *ret_part)
{
    const feed_t *feed = &self->feeds[number];
    if (emp_order_file_next (self->file, number, feed->low.number, feed->low.from, ret_part))
        return true;
    const char *why = emp_order_file_why (self->file);
    fail (self, EMP_SYSTEM, *why ? why : "the scratch file has lost what was put in it");
    return false;
}

/* Of all feeds, whichever of them makes the number full: of two that take turns the other's would stay for ever. */
static void remove_passed (emp_ordering_t *self)
{
    for (size_t i = 0; i < self->feeds_count; i++) {
        feed_t *feed = &self->feeds[i];
        if (feed->passed)
            emp_order_file_remove (self->file, (uint32_t) i, feed->low.number, feed->low.from);
        feed->passed = false;
    }
    self->passed = 0;
}

static void retire_from_disk (emp_ordering_t *self, uint32_t number)
{
    feed_t *feed = &self->feeds[number];
    feed->on_disk--;
    self->on_disk--;
    if (self->on_disk == 0) {
        emp_order_file_destroy (&self->file); /* its room goes back to the disk */
        self->passed = 0;
        return;
    }
    feed->low.from++; /* the least that can follow */
    feed->passed = true;
    if (++self->passed >= PASSED_MAX)
        remove_passed (self);
    emp_placed_t first;
    if (feed->on_disk > 0 && read_low (self, number, &first))
        feed->low = (place_t){first.number, first.from};
}

/* What was handed out last is not wanted any more. */
static void retire (emp_ordering_t *self)
{
    if (self->shown == FROM_MEMORY) {
        self->bytes -= cost_of (self->shown_held->size);
        free (self->shown_held);
        self->shown_held = NULL;
    } else if (self->shown == FROM_DISK)
        retire_from_disk (self, self->shown_feed);
    self->waiting -= self->shown != NOTHING;
    self->shown = NOTHING;
}

/* ---- in and out -------------------------------------------------------------------------------------------------------- */

emp_status_t emp_ordering_take (emp_ordering_t *self, const emp_placed_t *part, bool *ret_now)
{
    assert (self && part && (part->data || part->size == 0));
    retire (self);
    *ret_now = false;
    if (*self->why)
        return EMP_SYSTEM;
    if (!require_feed (self, part->feed))
        return fail (self, EMP_NOMEM, "out of memory");
    feed_t *feed = &self->feeds[part->feed];
    place_t place = {part->number, part->from};
    if (is_before (place, feed->next))
        return EMP_STALE;
    if (is_same (place, feed->next)) {
        feed->next = behind (place, part->rows, part->total);
        *ret_now = true;
        return EMP_OK;
    }
    emp_status_t status = hold (self, feed, part) ? EMP_OK : write_out (self, feed, part);
    self->waiting += status == EMP_OK;
    return status;
}

static void show_held (emp_ordering_t *self, uint32_t number, emp_placed_t *ret_part)
{
    held_t *held = pop (&self->feeds[number]);
    self->shown = FROM_MEMORY;
    self->shown_held = held;
    *ret_part = (emp_placed_t){.feed = number,
                               .number = held->place.number,
                               .from = held->place.from,
                               .rows = held->rows,
                               .total = held->total,
                               .silent = held->silent,
                               .data = held->data,
                               .size = held->size};
}

/* Hands out the first part of a feed that is at `wanted`, or, when that is NULL, wherever it is. */
static bool show (emp_ordering_t *self, uint32_t number, const place_t *wanted, emp_placed_t *ret_part)
{
    feed_t *feed = &self->feeds[number];
    bool held = feed->count > 0, kept = feed->on_disk > 0;
    if (held && kept) {
        held = is_before (feed->heap[0]->place, feed->low);
        kept = !held;
    }
    if (!held && !kept)
        return false;
    if (wanted && !is_same (held ? feed->heap[0]->place : feed->low, *wanted))
        return false;
    if (held)
        show_held (self, number, ret_part);
    else {
        if (!read_low (self, number, ret_part))
            return false;
        self->shown = FROM_DISK;
    }
    self->shown_feed = number;
    feed->next = behind ((place_t){ret_part->number, ret_part->from}, ret_part->rows, ret_part->total);
    return true;
}

bool emp_ordering_next (emp_ordering_t *self, uint32_t feed, emp_placed_t *ret_part)
{
    assert (self && ret_part);
    retire (self);
    return !*self->why && feed < self->feeds_count && show (self, feed, &self->feeds[feed].next, ret_part);
}

bool emp_ordering_rest (emp_ordering_t *self, emp_placed_t *ret_part)
{
    assert (self && ret_part);
    retire (self);
    for (; self->rest < self->feeds_count && !*self->why; self->rest++)
        if (show (self, (uint32_t) self->rest, NULL, ret_part))
            return true;
    return false;
}
