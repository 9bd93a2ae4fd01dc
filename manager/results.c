/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results.c - the ticket dictionary as it fills: feeds with the set of their tickets that have ended, and one of two stores
 * behind them.
 *
 * Cost: taking a part is a scan of its bytes, a lock, a bit, a copy; all else is amortised over 4096 and more of them.
 */
#include "../common/scan.h"
#include "results_inner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

void emp_results_history (emp_results_t *self, emp_history_t *history)
{
    assert (self);
    self->history = history;
}

void emp_results_clock (emp_results_t *self, uint64_t now)
{
    assert (self);
    self->now = now;
}

void emp_results_destroy (emp_results_t **self_p)
{
    assert (self_p);
    emp_results_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->feeds_count; i++)
        emp_seen_release (&self->feeds[i].seen);
    emp_halves_release (&self->halves);
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
    emp_dict_feed_t *feeds = realloc (self->feeds, room * sizeof *feeds);
    self->feeds = feeds ? feeds : self->feeds;
    uint32_t *by_id = realloc (self->by_id, room * sizeof *by_id);
    self->by_id = by_id ? by_id : self->by_id;
    emp_dict_key_t *keys = realloc (self->keys, room * sizeof *keys);
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
        assert (self->feeds && self->by_id); /* there are some */
        if (self->feeds[self->by_id[middle]].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static emp_dict_feed_t *find_feed (emp_results_t *self, uint32_t id)
{
    if (self->feeds && self->found < self->feeds_count && self->feeds[self->found].id == id)
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

    emp_dict_key_t *key = &self->keys[self->keys_count];
    *key = (emp_dict_key_t){.first = EMP_NO_ENTRY, .last = EMP_NO_ENTRY};
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
    assert (self->feeds); /* room was made */
    emp_dict_feed_t *feed = &self->feeds[self->feeds_count];
    *feed = (emp_dict_feed_t){.id = id, .key = require_key (self, label)};
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

bool emp_results_has_feed (emp_results_t *self, uint32_t feed)
{
    pthread_mutex_lock (&self->lock);
    bool there = find_feed (self, feed) != NULL;
    pthread_mutex_unlock (&self->lock);
    return there;
}

void emp_results_feed_rows (emp_results_t *self, uint32_t id, uint32_t rows_each)
{
    assert (self);
    pthread_mutex_lock (&self->lock);
    emp_dict_feed_t *feed = find_feed (self, id);
    assert (feed);
    feed->rows_each = rows_each;
    pthread_mutex_unlock (&self->lock);
}

void emp_results_place (emp_results_t *self, uint32_t id, uint32_t *ret_feed, uint32_t *ret_key)
{
    const emp_dict_feed_t *feed = find_feed (self, id);
    *ret_feed = feed ? (uint32_t) (feed - self->feeds) : UINT32_MAX;
    *ret_key = feed ? feed->key : UINT32_MAX;
}

const char *emp_results_label (emp_results_t *self, uint32_t id)
{
    assert (self);
    const emp_dict_feed_t *feed = find_feed (self, id);
    return feed ? self->keys[feed->key].label : NULL;
}

void emp_results_label_at (emp_results_t *self, uint32_t place, char ret_label[EMP_LABEL_MAX + 1])
{
    pthread_mutex_lock (&self->lock); /* a feed that begins may move the tables */
    assert (place < self->feeds_count);
    strcpy (ret_label, self->keys[self->feeds[place].key].label);
    pthread_mutex_unlock (&self->lock);
}

void emp_results_feed_end (emp_results_t *self, uint32_t id, uint64_t tickets, uint64_t rows)
{
    assert (self && tickets <= EMP_SEEN_NUMBER_MAX);
    pthread_mutex_lock (&self->lock);
    emp_dict_feed_t *feed = find_feed (self, id);
    assert (feed && !feed->ended);
    feed->ended = true;
    feed->tickets = tickets;
    feed->rows = rows;
    self->counts.tickets += tickets;
    self->counts.rows += rows;
    pthread_mutex_unlock (&self->lock);
}

/* ---- memory, then the file ----------------------------------------------------------------------------------- */

static void give_up (emp_results_t *self, const char *why)
{
    if (!*self->why)
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

void emp_results_move (emp_results_t *self)
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
        emp_results_move (self);
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
    if (part->length > EMP_WIRE_PAYLOAD_MAX || part->rows > EMP_ROWS_MAX_LIMIT || part->from >= EMP_ROWS_MAX_LIMIT)
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

static void count_part (emp_results_t *self, emp_dict_feed_t *feed, const emp_part_t *part, const verdict_t *verdict,
                        bool half)
{
    self->counts.parts++;
    self->counts.values += verdict->values;
    if (verdict->dead) {
        self->counts.rows_dead += part->rows;
        feed->rows_dead += part->rows;
        self->counts.whole_dead += !half;
        self->counts.parts_dead += half;
    } else {
        self->counts.rows_answered += part->rows;
        feed->rows_answered += part->rows;
    }
}

/* A ticket has ended, so many of its rows dead. */
static void count_ticket (emp_results_t *self, emp_dict_feed_t *feed, uint64_t number, bool all_dead, bool none_dead)
{
    emp_seen_add (&feed->seen, number);
    bool partly = !all_dead && !none_dead;
    self->counts.dead += all_dead;
    feed->dead += all_dead;
    self->counts.answered += none_dead;
    feed->answered += none_dead;
    self->counts.partly += partly;
    feed->partly += partly;
}

/* Counts a part, and its ticket's end when it is the last one. */
static emp_status_t count (emp_results_t *self, emp_dict_feed_t *feed, const emp_part_t *part, const verdict_t *verdict,
                           bool *ret_half, uint32_t *ret_total)
{
    uint32_t place = (uint32_t) (feed - self->feeds);
    *ret_half = emp_halves_is_part (&self->halves, place, part);
    if (!*ret_half) {
        count_part (self, feed, part, verdict, false);
        count_ticket (self, feed, part->number, verdict->dead, !verdict->dead);
        *ret_total = part->rows;
        return EMP_OK;
    }
    emp_status_t status = emp_halves_reserve (&self->halves, place, part);
    if (status)
        return status;
    count_part (self, feed, part, verdict, true);
    emp_half_state_t state = emp_halves_add (&self->halves, place, part, verdict->dead);
    if (state.over)
        count_ticket (self, feed, part->number, state.dead == state.rows, state.dead == 0);
    *ret_total = state.total;
    return EMP_OK;
}

/* Counts a part, under the lock. `here`: its entry will be in memory, at the end. */
static emp_status_t enter (emp_results_t *self, uint32_t id, const emp_part_t *part, const verdict_t *verdict,
                           bool here, emp_record_t *ret_record, emp_ended_t *ret_ended)
{
    emp_dict_feed_t *feed = find_feed (self, id);
    if (!feed)
        return EMP_UNKNOWN;
    if (feed->ended && part->number >= feed->tickets)
        return EMP_MALFORMED;
    emp_status_t status = emp_seen_reserve (&feed->seen, part->number);
    if (status)
        return status;
    status = count (self, feed, part, verdict, &ret_record->half, &ret_ended->total);
    if (status)
        return status;
    ret_record->feed = (uint32_t) (feed - self->feeds);
    ret_record->key = feed->key;
    ret_ended->place = ret_record->feed;
    ret_ended->silent = verdict->dead || (feed->workers && verdict->size == 0);
    if (ret_ended->silent)
        return EMP_OK;
    arrive (self, feed->key);
    if (here) {
        emp_dict_key_t *key = &self->keys[feed->key];
        key->last = emp_memory_count (self->memory);
        if (key->first == EMP_NO_ENTRY)
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

/* What a worker has put and what gave no value was a message between two ends, and is no entry. */
static bool is_message (emp_results_t *self, uint32_t id, const verdict_t *verdict)
{
    if (verdict->dead || verdict->size)
        return false;
    pthread_mutex_lock (&self->lock);
    const emp_dict_feed_t *feed = find_feed (self, id);
    bool workers = feed && feed->workers;
    pthread_mutex_unlock (&self->lock);
    return workers;
}

/* The number of who worked at it. Most parts come from whom the last one came. */
static uint32_t worker_of (emp_results_t *self, uint64_t session)
{
    if (self->history && session != self->session) {
        self->worker = emp_history_worker (self->history, session);
        self->session = session;
    }
    return self->worker;
}

static emp_status_t take (emp_results_t *self, uint32_t feed, const emp_part_t *part, const verdict_t *verdict,
                          emp_ended_t *ret_ended)
{
    bool wanted = verdict->dead || (self->store && !is_message (self, feed, verdict));
    emp_status_t room =
        !wanted || self->full || self->file ? EMP_FULL : emp_memory_reserve (self->memory, verdict->size);
    if (room == EMP_NOMEM)
        return EMP_NOMEM;
    emp_record_t record = {.number = part->number,
                           .attempt = part->attempt < EMP_RESULTS_ATTEMPT_MAX ? part->attempt : EMP_RESULTS_ATTEMPT_MAX,
                           .rows = part->rows,
                           .from = part->from,
                           .worker = worker_of (self, part->session),
                           .hash = part->hash,
                           .at = self->now,
                           .dead = verdict->dead,
                           .data = verdict->data,
                           .size = verdict->size};
    pthread_mutex_lock (&self->lock);
    emp_status_t status = enter (self, feed, part, verdict, room == EMP_OK, &record, ret_ended);
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

emp_status_t emp_results_end (emp_results_t *self, uint32_t feed, const emp_part_t *part, const uint8_t *payload,
                              emp_ended_t *ret_ended)
{
    assert (self && part && (payload || part->length == 0));
    verdict_t verdict;
    emp_status_t status = judge (part, payload, &verdict);
    if (status == EMP_OK)
        return take (self, feed, part, &verdict, ret_ended);
    refuse (self);
    return status;
}

emp_status_t emp_results_take (emp_results_t *self, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    emp_ended_t ended;
    return emp_results_end (self, feed, part, payload, &ended);
}

void emp_results_lose (emp_results_t *self, const emp_part_t *part, emp_status_t why)
{
    assert (self && part && why);
    pthread_mutex_lock (&self->lock);
    self->counts.lost++;
    pthread_mutex_unlock (&self->lock);
    if (part->outcome == EMP_OUTCOME_DONE && part->length == 0)
        return;
    if (!*self->why && why == EMP_FULL)
        snprintf (self->why, sizeof self->why, "more than %d feeds", EMP_RESULTS_FEEDS_MAX);
    else if (!*self->why)
        snprintf (self->why, sizeof self->why, "%s", emp_status_text (why));
    note_not_kept (self);
}

void emp_results_counts (emp_results_t *self, emp_results_counts_t *ret_counts)
{
    assert (self && ret_counts);
    pthread_mutex_lock (&self->lock);
    *ret_counts = self->counts;
    pthread_mutex_unlock (&self->lock);
}
