/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results.c - the ticket dictionary: feeds with the set of their tickets that have ended, and one of two stores behind them.
 *
 * Invariants: a ticket is in its feed's set if and only if it was counted as answered or dead; all entries are in `memory`, or
 * all in `file`. The stores belong to the one thread that takes, and to readers once it is done, so no lock is held while a
 * file is written: `lock` is for feeds, keys and counts.
 * Cost: taking a part is a scan of its bytes, a lock, a bit, a copy; all else is amortised over 4096 and more of them.
 */
#include "results.h"

#include "../common/scan.h"
#include "results_file.h"
#include "results_memory.h"
#include "seen.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NO_ENTRY UINT64_MAX

typedef struct {
    char label[EMP_LABEL_MAX + 1];
    bool arrived;
    uint64_t first, last; /* its answered entries in memory lie between these; NO_ENTRY: it has none there */
} dict_key_t;

typedef struct {
    uint32_t id;
    uint32_t key; /* place in keys */
    char queue[EMP_NAME_MAX + 1];
    bool ended;
    uint64_t tickets; /* once it has ended */
    emp_seen_t seen;  /* numbers of the tickets that have ended */
} feed_t;

struct emp_results {
    pthread_mutex_t lock;
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
    emp_memory_t *memory;
    emp_file_t *file; /* NULL: all is in memory */
    char *path;       /* of the file; NULL: a scratch file */
    char *folder;     /* of the scratch file, or NULL */
    bool full;        /* nothing more is kept, `why` says why */
    char why[EMP_FILE_WHY_MAX];
    uint64_t *by_ticket; /* answered entries in memory in order of key, number, arrival; made when first asked for */
    uint64_t by_ticket_count;
    emp_results_counts_t counts;
};

/* ---- birth and death --------------------------------------------------------------------------------------- */

emp_results_t *emp_results_new (uint64_t bytes_max, bool store)
{
    emp_results_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->memory = emp_memory_new (bytes_max);
    if (!self->memory || pthread_mutex_init (&self->lock, NULL)) {
        emp_memory_destroy (&self->memory);
        free (self);
        return NULL;
    }
    self->store = store;
    return self;
}

static bool copy (const char *text, char **ret_copy)
{
    free (*ret_copy);
    *ret_copy = text ? strdup (text) : NULL;
    return !text || *ret_copy;
}

emp_status_t emp_results_overflow (emp_results_t *self, const char *folder, const char *path)
{
    assert (self && !self->file);
    return copy (folder, &self->folder) && copy (path, &self->path) ? EMP_OK : EMP_NOMEM;
}

void emp_results_destroy (emp_results_t **self_p)
{
    assert (self_p);
    emp_results_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->feeds_count; i++)
        emp_seen_release (&self->feeds[i].seen);
    emp_memory_destroy (&self->memory);
    emp_file_destroy (&self->file);
    free (self->path);
    free (self->folder);
    free (self->by_ticket);
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

/* ---- memory, then the file ----------------------------------------------------------------------------------- */

static void give_up (emp_results_t *self, const char *why)
{
    if (!self->full)
        snprintf (self->why, sizeof self->why, "%s", why);
    self->full = true;
}

static emp_status_t fill_file (emp_results_t *self, emp_file_t *file)
{
    uint64_t count = emp_memory_count (self->memory);
    emp_status_t status = EMP_OK;
    for (uint64_t i = 0; i < count && status == EMP_OK; i++) {
        emp_record_t record;
        emp_memory_at (self->memory, i, &record);
        pthread_mutex_lock (&self->lock); /* a feed that begins may move the table */
        record.key = self->feeds[record.feed].key;
        pthread_mutex_unlock (&self->lock);
        status = emp_file_add (file, &record);
    }
    return status;
}

/* Moves everything to the file. When that fails it stays where it is, and nothing more is kept. */
static void overflow (emp_results_t *self)
{
    char why[EMP_FILE_WHY_MAX];
    emp_file_t *file;
    emp_status_t status =
        self->path ? emp_file_open (self->path, &file, why) : emp_file_scratch (self->folder, &file, why);
    if (status == EMP_OK) {
        status = fill_file (self, file);
        snprintf (why, sizeof why, "%s", emp_file_why (file));
    }
    if (status == EMP_OK) {
        emp_memory_clear (self->memory);
        self->file = file;
        return;
    }
    emp_file_destroy (&file);
    give_up (self, why);
}

/* Keeps a record that memory has no room for. False: nor has the disk. */
static bool keep_in_file (emp_results_t *self, const emp_record_t *record)
{
    if (!self->file && !self->full)
        overflow (self);
    if (self->full)
        return false;
    if (emp_file_add (self->file, record) == EMP_OK)
        return true;
    give_up (self, emp_file_why (self->file));
    return false;
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

static void count (emp_results_t *self, const emp_part_t *part, const verdict_t *verdict)
{
    if (verdict->dead) {
        self->counts.dead++;
        return;
    }
    self->counts.answered++;
    self->counts.rows_answered += part->rows;
    self->counts.values += verdict->values;
}

/* Counts a ticket's end, under the lock. `here`: its entry will be in memory, at the end. */
static emp_status_t enter (emp_results_t *self, uint32_t id, const emp_part_t *part, const verdict_t *verdict,
                           bool here, emp_record_t *ret_record)
{
    feed_t *feed = find_feed (self, id);
    if (!feed)
        return EMP_UNKNOWN;
    if (feed->ended && part->number >= feed->tickets)
        return EMP_MALFORMED;
    emp_status_t status = emp_seen_reserve (&feed->seen, part->number);
    if (status)
        return status;
    emp_seen_add (&feed->seen, part->number);
    count (self, part, verdict);
    ret_record->feed = (uint32_t) (feed - self->feeds);
    ret_record->key = feed->key;
    if (verdict->dead)
        return EMP_OK;
    arrive (self, feed->key);
    if (here) {
        dict_key_t *key = &self->keys[feed->key];
        key->last = emp_memory_count (self->memory);
        if (key->first == NO_ENTRY)
            key->first = key->last;
    }
    return EMP_OK;
}

static void note_not_kept (emp_results_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->counts.not_kept++;
    pthread_mutex_unlock (&self->lock);
}

static emp_status_t take (emp_results_t *self, uint32_t feed, const emp_part_t *part, const verdict_t *verdict)
{
    bool wanted = self->store || verdict->dead;
    emp_status_t room =
        !wanted || self->full || self->file ? EMP_FULL : emp_memory_reserve (self->memory, verdict->size);
    if (room == EMP_NOMEM)
        return EMP_NOMEM;
    emp_record_t record = {.number = part->number,
                           .attempt = part->attempt < EMP_RESULTS_ATTEMPT_MAX ? part->attempt : EMP_RESULTS_ATTEMPT_MAX,
                           .rows = part->rows,
                           .dead = verdict->dead,
                           .data = verdict->data,
                           .size = verdict->size};
    pthread_mutex_lock (&self->lock);
    emp_status_t status = enter (self, feed, part, verdict, room == EMP_OK, &record);
    self->counts.twice += status == EMP_STALE;
    self->counts.refused += status == EMP_MALFORMED || status == EMP_UNKNOWN;
    pthread_mutex_unlock (&self->lock);
    if (status || !wanted)
        return status;
    if (room == EMP_OK)
        emp_memory_add (self->memory, &record);
    else if (!keep_in_file (self, &record))
        note_not_kept (self);
    return EMP_OK;
}

static void refuse (emp_results_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->counts.refused++;
    pthread_mutex_unlock (&self->lock);
}

emp_status_t emp_results_take (emp_results_t *self, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    assert (self && part && (payload || part->length == 0));
    verdict_t verdict;
    emp_status_t status = judge (part, payload, &verdict);
    if (status == EMP_OK)
        return take (self, feed, part, &verdict);
    refuse (self);
    return status;
}

void emp_results_counts (emp_results_t *self, emp_results_counts_t *ret_counts)
{
    assert (self && ret_counts);
    pthread_mutex_lock (&self->lock);
    *ret_counts = self->counts;
    pthread_mutex_unlock (&self->lock);
}

const char *emp_results_why (const emp_results_t *self)
{
    assert (self);
    return self->full ? self->why : self->file ? emp_file_why (self->file) : "";
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static void show (const emp_results_t *self, const emp_record_t *record, emp_entry_t *ret_entry)
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
        .size = record->size,
    };
}

bool emp_results_at (emp_results_t *self, uint64_t i, emp_entry_t *ret_entry)
{
    assert (self && ret_entry);
    emp_record_t record;
    if (i >= emp_results_count (self))
        return false;
    if (!self->file)
        emp_memory_at (self->memory, i, &record);
    else if (!emp_file_next (self->file, i, &record))
        return false;
    show (self, &record, ret_entry);
    return true;
}

uint64_t emp_results_count (const emp_results_t *self)
{
    assert (self);
    return self->file ? emp_file_count (self->file) : emp_memory_count (self->memory);
}

const char *emp_results_key (const emp_results_t *self, size_t i)
{
    assert (self);
    return i < self->arrived_count ? self->keys[self->arrived[i]].label : NULL;
}

static bool next_in_memory (emp_results_t *self, size_t i, uint64_t *cursor, emp_record_t *ret_record)
{
    const dict_key_t *key = &self->keys[self->arrived[i]];
    if (key->first == NO_ENTRY)
        return false;
    for (uint64_t at = *cursor > key->first ? *cursor : key->first; at <= key->last; at++) {
        emp_memory_at (self->memory, at, ret_record);
        if (ret_record->dead || self->feeds[ret_record->feed].key != self->arrived[i])
            continue;
        *cursor = at + 1;
        return true;
    }
    *cursor = key->last + 1;
    return false;
}

bool emp_results_next (emp_results_t *self, size_t i, uint64_t *cursor, emp_entry_t *ret_entry)
{
    assert (self && cursor && ret_entry && i < self->arrived_count);
    emp_record_t record;
    if (self->file ? !emp_file_next_of_key (self->file, self->arrived[i], cursor, &record)
                   : !next_in_memory (self, i, cursor, &record))
        return false;
    show (self, &record, ret_entry);
    return true;
}

bool emp_results_next_dead (emp_results_t *self, uint64_t *cursor, emp_entry_t *ret_entry)
{
    assert (self && cursor && ret_entry);
    emp_record_t record = {.dead = false};
    if (self->counts.dead == 0)
        return false;
    if (self->file && !emp_file_next_dead (self->file, cursor, &record))
        return false;
    while (!record.dead) {
        if (*cursor >= emp_memory_count (self->memory))
            return false;
        emp_memory_at (self->memory, (*cursor)++, &record);
    }
    show (self, &record, ret_entry);
    return true;
}

/* ---- in order of tickets ------------------------------------------------------------------------------------- */

typedef struct {
    const emp_results_t *results;
    const uint32_t *ranks; /* of keys, in order of their first answer */
} sorting_t;

static int compare (const void *a, const void *b, void *arg)
{
    const sorting_t *sorting = arg;
    uint64_t i = *(const uint64_t *) a, j = *(const uint64_t *) b;
    emp_record_t x, y;
    emp_memory_at (sorting->results->memory, i, &x);
    emp_memory_at (sorting->results->memory, j, &y);
    uint32_t key_x = sorting->ranks[sorting->results->feeds[x.feed].key];
    uint32_t key_y = sorting->ranks[sorting->results->feeds[y.feed].key];
    if (key_x != key_y)
        return key_x < key_y ? -1 : 1;
    if (x.number != y.number)
        return x.number < y.number ? -1 : 1;
    return i < j ? -1 : 1;
}

static emp_status_t sort (emp_results_t *self)
{
    if (self->by_ticket)
        return EMP_OK;
    uint64_t count = emp_memory_count (self->memory);
    uint64_t *places = malloc ((count + 1) * sizeof *places);
    uint32_t *ranks = calloc (self->keys_count + 1, sizeof *ranks);
    if (!places || !ranks) {
        free (places);
        free (ranks);
        return EMP_NOMEM;
    }
    for (size_t i = 0; i < self->arrived_count; i++)
        ranks[self->arrived[i]] = (uint32_t) i;
    for (uint64_t i = 0; i < count; i++) {
        emp_record_t record;
        emp_memory_at (self->memory, i, &record);
        if (!record.dead)
            places[self->by_ticket_count++] = i;
    }
    sorting_t sorting = {self, ranks};
    qsort_r (places, self->by_ticket_count, sizeof *places, compare, &sorting);
    free (ranks);
    self->by_ticket = places;
    return EMP_OK;
}

static bool next_in_file (emp_results_t *self, emp_results_place_t *place, emp_record_t *ret_record)
{
    for (; place->key < self->arrived_count; *place = (emp_results_place_t){.key = place->key + 1})
        if (emp_file_next_ticket (self->file, self->arrived[place->key], &place->number, &place->entry, ret_record))
            return true;
    return false;
}

emp_status_t emp_results_next_ticket (emp_results_t *self, emp_results_place_t *place, emp_entry_t *ret_entry)
{
    assert (self && place && ret_entry);
    emp_record_t record;
    if (self->file) {
        if (!next_in_file (self, place, &record))
            return *emp_file_why (self->file) ? EMP_SYSTEM : EMP_STOPPED;
    } else {
        if (sort (self))
            return EMP_NOMEM;
        if (place->entry >= self->by_ticket_count)
            return EMP_STOPPED;
        emp_memory_at (self->memory, self->by_ticket[place->entry++], &record);
    }
    show (self, &record, ret_entry);
    return EMP_OK;
}

/* ---- missing tickets ----------------------------------------------------------------------------------------- */

static uint64_t end_of (const feed_t *feed)
{
    return feed->ended ? feed->tickets : feed->seen.beyond;
}

bool emp_results_next_missing (emp_results_t *self, emp_results_place_t *place, const char **ret_label,
                               uint64_t *ret_number)
{
    assert (self && place && ret_label && ret_number);
    for (; place->key < self->feeds_count; *place = (emp_results_place_t){.key = place->key + 1}) {
        const feed_t *feed = &self->feeds[place->key];
        uint64_t number = emp_seen_next (&feed->seen, place->number, end_of (feed));
        if (number == end_of (feed))
            continue;
        place->number = number + 1;
        *ret_label = self->keys[feed->key].label;
        *ret_number = number;
        return true;
    }
    return false;
}

uint64_t emp_results_missing (const emp_results_t *self)
{
    assert (self);
    uint64_t total = 0;
    for (size_t i = 0; i < self->feeds_count; i++)
        total += emp_seen_missing (&self->feeds[i].seen, end_of (&self->feeds[i]));
    return total;
}

/* ---- publishing ---------------------------------------------------------------------------------------------- */

emp_status_t emp_results_publish (emp_results_t *self)
{
    assert (self && self->path);
    if (!self->file && !self->full)
        overflow (self);
    if (!self->file)
        return EMP_SYSTEM;
    emp_status_t status = EMP_OK;
    for (size_t i = 0; i < self->feeds_count && status == EMP_OK; i++)
        status = emp_file_add_feed (self->file, (uint32_t) i, self->keys[self->feeds[i].key].label);
    emp_results_place_t place = {0};
    const char *label;
    uint64_t number;
    while (status == EMP_OK && emp_results_next_missing (self, &place, &label, &number))
        status = emp_file_add_missing (self->file, (uint32_t) place.key, number);
    return status == EMP_OK ? emp_file_publish (self->file) : status;
}
