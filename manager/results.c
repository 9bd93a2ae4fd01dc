/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results.c - the ticket dictionary: feeds with the set of their tickets that have ended, entries and values in blocks.
 *
 * Invariants: a ticket is in its feed's set if and only if it was counted as answered or dead; nothing that was handed out ever
 * moves but keys and feeds, which move only while feeds begin; bytes <= bytes_max.
 * Cost: taking a part is a scan of its bytes, a lock, a bit, a copy; all else is amortised over 4096 and more of them.
 */
#include "results.h"

#include "../common/scan.h"
#include "seen.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (1024u * 1024)
#define BLOCK_ALONE (BLOCK_BYTES / 16) /* a larger value gets its own block: at most a sixteenth of a block is wasted */
#define RECORDS_FIRST 4096u            /* entries of the first block; each next one has room for twice as many */
#define RECORDS_BLOCKS 40
#define ATTEMPT_MAX 511u
#define NO_ENTRY UINT64_MAX

/* What is kept of a ticket. */
typedef struct {
    const uint8_t *data; /* NULL: not kept */
    uint64_t number : 40, feed : 24;
    uint64_t size : 29, rows : 25, attempt : 9, dead : 1;
} record_t;
_Static_assert (sizeof (record_t) == 24, "an entry is 24 bytes");
_Static_assert (EMP_WIRE_PAYLOAD_MAX < 1u << 29, "a part's length fits its field");
_Static_assert (EMP_ROWS_MAX_LIMIT < 1u << 25, "a part's rows fit their field");
_Static_assert (EMP_RESULTS_FEEDS_MAX < 1u << 24, "a feed's place fits its field");

typedef struct block {
    struct block *next;
    size_t used, room;
    uint8_t data[];
} block_t;

typedef struct {
    char label[EMP_LABEL_MAX + 1];
    bool arrived;
    uint64_t first, last; /* its answered entries lie between these; NO_ENTRY: it has none */
} dict_key_t;

typedef struct {
    uint32_t id;
    uint32_t key; /* place in keys */
    char queue[EMP_NAME_MAX + 1];
    bool ended;
    bool workers;     /* opened by a worker */
    uint64_t tickets; /* once it has ended */
    emp_seen_t seen;  /* numbers of the tickets that have ended */
} feed_t;

struct emp_results {
    pthread_mutex_t lock;
    uint64_t bytes_max, bytes;
    bool store;
    size_t room;     /* of the five tables here */
    feed_t *feeds;   /* in the order in which they began */
    uint32_t *by_id; /* places in feeds, sorted by id */
    size_t feeds_count;
    size_t found;       /* place of the feed that was found last */
    dict_key_t *keys;   /* in the order in which they were first named */
    uint32_t *by_label; /* places in keys, sorted by label */
    size_t keys_count;
    uint32_t *arrived; /* places in keys, in order of their first answer */
    size_t arrived_count;
    record_t *records[RECORDS_BLOCKS];
    uint64_t records_count;
    block_t *open;  /* the block that is being filled, then the full ones */
    block_t *alone; /* blocks of one large value */
    emp_results_counts_t counts;
};

/* ---- birth and death --------------------------------------------------------------------------------------- */

emp_results_t *emp_results_new (uint64_t bytes_max, bool store)
{
    emp_results_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    if (pthread_mutex_init (&self->lock, NULL)) {
        free (self);
        return NULL;
    }
    self->bytes_max = bytes_max;
    self->store = store;
    return self;
}

static void destroy_blocks (block_t *block)
{
    while (block) {
        block_t *next = block->next;
        free (block);
        block = next;
    }
}

void emp_results_destroy (emp_results_t **self_p)
{
    assert (self_p);
    emp_results_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->feeds_count; i++)
        emp_seen_release (&self->feeds[i].seen);
    for (size_t i = 0; i < RECORDS_BLOCKS; i++)
        free (self->records[i]);
    destroy_blocks (self->open);
    destroy_blocks (self->alone);
    free (self->feeds);
    free (self->by_id);
    free (self->keys);
    free (self->by_label);
    free (self->arrived);
    pthread_mutex_destroy (&self->lock);
    free (self);
    *self_p = NULL;
}

/* ---- feeds and keys ---------------------------------------------------------------------------------------- */

/* Room for one more feed, and for a key of its own. */
static bool reserve_feed (emp_results_t *self)
{
    if (self->feeds_count < self->room)
        return true;
    size_t room = self->room ? self->room * 2 : 4;
    feed_t *feeds = realloc (self->feeds, room * sizeof *feeds);
    self->feeds = feeds ? feeds : self->feeds;
    uint32_t *by_id = realloc (self->by_id, room * sizeof *by_id);
    self->by_id = by_id ? by_id : self->by_id;
    dict_key_t *keys = realloc (self->keys, room * sizeof *keys);
    self->keys = keys ? keys : self->keys;
    uint32_t *by_label = realloc (self->by_label, room * sizeof *by_label);
    self->by_label = by_label ? by_label : self->by_label;
    uint32_t *arrived = realloc (self->arrived, room * sizeof *arrived);
    self->arrived = arrived ? arrived : self->arrived;
    if (!feeds || !by_id || !keys || !by_label || !arrived)
        return false;
    self->room = room;
    return true;
}

/* Makes a hole at `place` of a sorted table of `count` and puts `value` there. */
static void insert (uint32_t *table, size_t count, size_t place, size_t value)
{
    memmove (table + place + 1, table + place, (count - place) * sizeof *table);
    table[place] = (uint32_t) value;
}

/* Where in by_id a feed is, or belongs. */
static size_t place_of_id (const emp_results_t *self, uint32_t id)
{
    size_t low = 0, high = self->feeds_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->feeds[self->by_id[middle]].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static feed_t *find_feed (emp_results_t *self, uint32_t id)
{
    if (self->found < self->feeds_count && self->feeds[self->found].id == id)
        return &self->feeds[self->found];
    size_t place = place_of_id (self, id);
    if (place == self->feeds_count || self->feeds[self->by_id[place]].id != id)
        return NULL;
    self->found = self->by_id[place];
    return &self->feeds[self->found];
}

/* Where in by_label a key is, or belongs. */
static size_t place_of_label (const emp_results_t *self, const char *label)
{
    size_t low = 0, high = self->keys_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp (self->keys[self->by_label[middle]].label, label) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The place of a label's key, which is made when there is none; there is room for it. */
static uint32_t require_key (emp_results_t *self, const char *label)
{
    size_t place = place_of_label (self, label);
    if (place < self->keys_count && !strcmp (self->keys[self->by_label[place]].label, label))
        return self->by_label[place];

    dict_key_t *key = &self->keys[self->keys_count];
    *key = (dict_key_t){.first = NO_ENTRY, .last = NO_ENTRY};
    strcpy (key->label, label);
    insert (self->by_label, self->keys_count, place, self->keys_count);
    return (uint32_t) self->keys_count++;
}

static emp_status_t add_feed (emp_results_t *self, uint32_t id, const char *label, const char *queue)
{
    if (find_feed (self, id))
        return EMP_EXISTS;
    if (self->feeds_count == EMP_RESULTS_FEEDS_MAX)
        return EMP_FULL;
    if (!reserve_feed (self))
        return EMP_NOMEM;
    feed_t *feed = &self->feeds[self->feeds_count];
    *feed = (feed_t){.id = id, .key = require_key (self, label)};
    strcpy (feed->queue, queue);
    emp_seen_init (&feed->seen);
    insert (self->by_id, self->feeds_count, place_of_id (self, id), self->feeds_count);
    self->feeds_count++;
    return EMP_OK;
}

emp_status_t emp_results_feed (emp_results_t *self, uint32_t feed, const char *label, const char *queue)
{
    assert (self && label && strlen (label) <= EMP_LABEL_MAX && queue && strlen (queue) <= EMP_NAME_MAX);
    pthread_mutex_lock (&self->lock);
    emp_status_t status = add_feed (self, feed, label, queue);
    pthread_mutex_unlock (&self->lock);
    return status;
}

emp_status_t emp_results_worker_feed (emp_results_t *self, uint32_t feed, const char *label)
{
    assert (self && label && strlen (label) <= EMP_LABEL_MAX);
    pthread_mutex_lock (&self->lock);
    emp_status_t status = EMP_OK;
    if (!find_feed (self, feed)) {
        status = add_feed (self, feed, label, "");
        if (status == EMP_OK)
            find_feed (self, feed)->workers = true;
    }
    pthread_mutex_unlock (&self->lock);
    return status;
}

void emp_results_feed_end (emp_results_t *self, uint32_t id, uint64_t tickets, uint64_t rows)
{
    assert (self && tickets <= EMP_SEEN_NUMBER_MAX);
    pthread_mutex_lock (&self->lock);
    feed_t *feed = find_feed (self, id);
    assert (feed && !feed->ended);
    feed->ended = true;
    feed->tickets = tickets;
    self->counts.tickets += tickets;
    self->counts.rows += rows;
    pthread_mutex_unlock (&self->lock);
}

/* ---- entries and values ------------------------------------------------------------------------------------ */

static block_t *block_new (size_t room)
{
    block_t *block = malloc (sizeof *block + room);
    if (!block)
        return NULL;
    block->next = NULL;
    block->used = 0;
    block->room = room;
    return block;
}

/* A block with room for `size` more bytes, or NULL when out of memory. */
static block_t *require_block (emp_results_t *self, size_t size)
{
    if (self->open && self->open->room - self->open->used >= size)
        return self->open;
    bool alone = size > BLOCK_ALONE;
    block_t *block = block_new (alone ? size : BLOCK_BYTES);
    if (!block)
        return NULL;
    block_t **list = alone ? &self->alone : &self->open;
    block->next = *list;
    *list = block;
    return block;
}

/* The block of the i-th record, and its place in it: block k begins at RECORDS_FIRST * (2^k - 1). */
static unsigned block_of (uint64_t i, uint64_t *ret_place)
{
    unsigned block = 63u - (unsigned) __builtin_clzll (i / RECORDS_FIRST + 1);
    *ret_place = i - RECORDS_FIRST * ((UINT64_C (1) << block) - 1);
    return block;
}

/* Room for one more record; NULL when out of memory. */
static record_t *require_record (emp_results_t *self)
{
    uint64_t place = 0;
    unsigned block = block_of (self->records_count, &place);
    if (block >= RECORDS_BLOCKS)
        return NULL;
    if (!self->records[block])
        self->records[block] = malloc (((size_t) RECORDS_FIRST << block) * sizeof (record_t));
    return self->records[block] ? self->records[block] + place : NULL;
}

static const record_t *record_at (const emp_results_t *self, uint64_t i)
{
    uint64_t place = 0;
    unsigned block = block_of (i, &place);
    return self->records[block] + place;
}

/* ---- taking ------------------------------------------------------------------------------------------------ */

/* What a part says once its bytes were looked at. */
typedef struct {
    bool dead;
    const uint8_t *data;
    size_t size;
    size_t values;
    uint8_t reason[2 + 96]; /* a text of our own, packed */
} verdict_t;

static void condemn (verdict_t *self, const char *reason)
{
    size_t size = strlen (reason);
    assert (size <= sizeof self->reason - 2);
    self->dead = true;
    self->values = 0;
    self->reason[0] = 0xd9; /* str 8 */
    self->reason[1] = (uint8_t) size;
    memcpy (self->reason + 2, reason, size);
    self->data = self->reason;
    self->size = size + 2;
}

static bool is_text (uint8_t first)
{
    return (first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb);
}

static emp_status_t judge (const emp_part_t *part, const uint8_t *payload, verdict_t *ret_verdict)
{
    if (part->length > EMP_WIRE_PAYLOAD_MAX || part->rows > EMP_ROWS_MAX_LIMIT)
        return EMP_MALFORMED;
    ret_verdict->data = payload;
    ret_verdict->size = part->length;
    ret_verdict->values = 0;
    if (part->outcome == EMP_OUTCOME_DONE) {
        ret_verdict->dead = false;
        emp_status_t status = emp_scan (payload, part->length, EMP_SCAN_OBJECTS_MAX, &ret_verdict->values);
        if (status == EMP_TOOBIG)
            condemn (ret_verdict, "its results are nested too deep or are too many values");
        else if (status)
            condemn (ret_verdict, "its results are no whole msgpack values");
        return EMP_OK;
    }
    if (part->outcome != EMP_OUTCOME_DEAD)
        return EMP_MALFORMED;
    size_t size = 0;
    ret_verdict->dead = true;
    if (part->length == 0 || !is_text (payload[0]) || emp_scan_one (payload, part->length, 1, &size) ||
        size != part->length)
        condemn (ret_verdict, "for a reason that is no text");
    return EMP_OK;
}

static void arrive (emp_results_t *self, uint32_t key)
{
    if (self->keys[key].arrived)
        return;
    self->keys[key].arrived = true;
    self->arrived[self->arrived_count++] = key;
}

/* Writes down one ticket for which everything that can fail has been done. */
static void enter (emp_results_t *self, const feed_t *feed, const emp_part_t *part, const verdict_t *verdict,
                   record_t *record, const uint8_t *data)
{
    *record = (record_t){
        .data = data,
        .number = part->number & ((UINT64_C (1) << 40) - 1),
        .feed = (uint64_t) (feed - self->feeds) & 0xffffffu,
        .size = verdict->size & ((1u << 29) - 1),
        .rows = part->rows & ((1u << 25) - 1),
        .attempt = part->attempt < ATTEMPT_MAX ? part->attempt & ATTEMPT_MAX : ATTEMPT_MAX,
        .dead = verdict->dead,
    };
    if (!verdict->dead) {
        dict_key_t *key = &self->keys[feed->key];
        if (key->first == NO_ENTRY)
            key->first = self->records_count;
        key->last = self->records_count;
    }
    self->records_count++;
}

static void count (emp_results_t *self, const emp_part_t *part, const verdict_t *verdict, bool kept)
{
    if (verdict->dead) {
        self->counts.dead++;
        return;
    }
    self->counts.answered++;
    self->counts.rows_answered += part->rows;
    self->counts.values += verdict->values;
    if (self->store && !kept)
        self->counts.not_kept++;
}

/* Copies a part's bytes behind those that are kept already; NULL when there is no block for them. */
static const uint8_t *keep (emp_results_t *self, block_t *block, const verdict_t *verdict)
{
    if (!block)
        return NULL;
    uint8_t *data = block->data + block->used;
    if (verdict->size)
        memcpy (data, verdict->data, verdict->size);
    block->used += verdict->size;
    self->bytes += verdict->size;
    return data;
}

static emp_status_t take (emp_results_t *self, uint32_t id, const emp_part_t *part, const verdict_t *verdict)
{
    feed_t *feed = find_feed (self, id);
    if (!feed)
        return EMP_UNKNOWN;
    if (feed->ended && part->number >= feed->tickets)
        return EMP_MALFORMED;
    emp_status_t status = emp_seen_reserve (&feed->seen, part->number);
    if (status)
        return status;

    bool message = feed->workers && !verdict->dead && verdict->size == 0;
    bool entered = (self->store && !message) || verdict->dead;
    bool kept = entered && verdict->size <= self->bytes_max - self->bytes;
    record_t *record = entered ? require_record (self) : NULL;
    block_t *block = kept ? require_block (self, verdict->size) : NULL;
    if ((entered && !record) || (kept && !block))
        return EMP_NOMEM;

    emp_seen_add (&feed->seen, part->number);
    count (self, part, verdict, kept || message);
    if (!verdict->dead && !message)
        arrive (self, feed->key);
    if (entered)
        enter (self, feed, part, verdict, record, keep (self, block, verdict));
    return EMP_OK;
}

emp_status_t emp_results_take (emp_results_t *self, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    assert (self && part && (payload || part->length == 0));
    verdict_t verdict;
    emp_status_t status = judge (part, payload, &verdict);
    pthread_mutex_lock (&self->lock);
    if (!status)
        status = take (self, feed, part, &verdict);
    self->counts.twice += status == EMP_STALE;
    self->counts.refused += status == EMP_MALFORMED || status == EMP_UNKNOWN;
    pthread_mutex_unlock (&self->lock);
    return status;
}

void emp_results_counts (emp_results_t *self, emp_results_counts_t *ret_counts)
{
    assert (self && ret_counts);
    pthread_mutex_lock (&self->lock);
    *ret_counts = self->counts;
    pthread_mutex_unlock (&self->lock);
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

static void show (const emp_results_t *self, const record_t *record, emp_entry_t *ret_entry)
{
    const feed_t *feed = &self->feeds[record->feed];
    *ret_entry = (emp_entry_t){
        .label = self->keys[feed->key].label,
        .queue = feed->queue,
        .number = record->number,
        .attempt = record->attempt,
        .rows = record->rows,
        .outcome = record->dead ? EMP_OUTCOME_DEAD : EMP_OUTCOME_DONE,
        .data = record->data,
        .size = record->data ? record->size : 0,
    };
}

bool emp_results_at (const emp_results_t *self, uint64_t i, emp_entry_t *ret_entry)
{
    assert (self && ret_entry);
    if (i >= self->records_count)
        return false;
    show (self, record_at (self, i), ret_entry);
    return true;
}

uint64_t emp_results_count (const emp_results_t *self)
{
    assert (self);
    return self->records_count;
}

const char *emp_results_key (const emp_results_t *self, size_t i)
{
    assert (self);
    return i < self->arrived_count ? self->keys[self->arrived[i]].label : NULL;
}

bool emp_results_next (const emp_results_t *self, size_t i, uint64_t *cursor, emp_entry_t *ret_entry)
{
    assert (self && cursor && ret_entry && i < self->arrived_count);
    const dict_key_t *key = &self->keys[self->arrived[i]];
    if (key->first == NO_ENTRY)
        return false;
    for (uint64_t at = *cursor > key->first ? *cursor : key->first; at <= key->last; at++) {
        const record_t *record = record_at (self, at);
        if (record->dead || self->feeds[record->feed].key != self->arrived[i])
            continue;
        show (self, record, ret_entry);
        *cursor = at + 1;
        return true;
    }
    *cursor = key->last + 1;
    return false;
}

/* Passes a feed's missing numbers on with its label. */
typedef struct {
    void (*fn) (void *arg, const char *label, uint64_t number);
    void *arg;
    const char *label;
} teller_t;

static void tell (void *arg, uint64_t number)
{
    const teller_t *teller = arg;
    teller->fn (teller->arg, teller->label, number);
}

uint64_t emp_results_missing (const emp_results_t *self, void (*fn) (void *arg, const char *label, uint64_t number),
                              void *arg)
{
    assert (self);
    uint64_t total = 0;
    for (size_t i = 0; i < self->feeds_count; i++) {
        const feed_t *feed = &self->feeds[i];
        teller_t teller = {.fn = fn, .arg = arg, .label = self->keys[feed->key].label};
        total +=
            emp_seen_missing (&feed->seen, feed->ended ? feed->tickets : feed->seen.beyond, fn ? tell : NULL, &teller);
    }
    return total;
}
