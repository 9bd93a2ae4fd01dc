/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results_read.c - the ticket dictionary as it is read, from whichever store has it, and published.
 */
#include "results_inner.h"

#include <assert.h>
#include <stdlib.h>

const char *emp_results_why (const emp_results_t *self)
{
    assert (self);
    return *self->why ? self->why : self->file ? emp_file_why (self->file) : "";
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static void show (const emp_results_t *self, const emp_record_t *record, emp_entry_t *ret_entry)
{
    const emp_dict_feed_t *feed = &self->feeds[record->feed];
    *ret_entry = (emp_entry_t){
        .label = self->keys[feed->key].label,
        .queue = feed->queue,
        .number = record->number,
        .attempt = record->attempt,
        .rows = record->rows,
        .from = record->from,
        .half = record->half,
        .worker = record->worker,
        .hash = record->hash,
        .at = record->at,
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
    const emp_dict_key_t *key = &self->keys[self->arrived[i]];
    if (key->first == EMP_NO_ENTRY)
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
    if (self->counts.whole_dead + self->counts.parts_dead == 0)
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
    if (x.feed != y.feed)
        return x.feed < y.feed ? -1 : 1;
    return x.from < y.from ? -1 : 1;
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

static uint64_t end_of (const emp_dict_feed_t *feed)
{
    return feed->ended ? feed->tickets : feed->seen.beyond;
}

bool emp_results_next_missing (emp_results_t *self, emp_results_place_t *place, const char **ret_label,
                               uint64_t *ret_number)
{
    assert (self && place && ret_label && ret_number);
    for (; place->key < self->feeds_count; *place = (emp_results_place_t){.key = place->key + 1}) {
        const emp_dict_feed_t *feed = &self->feeds[place->key];
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

/* ---- books --------------------------------------------------------------------------------------------------- */

bool emp_results_feed_at (emp_results_t *self, size_t i, emp_feed_books_t *ret_books)
{
    assert (self && ret_books);
    if (i >= self->feeds_count)
        return false;
    const emp_dict_feed_t *feed = &self->feeds[i];
    uint64_t end = end_of (feed);
    *ret_books = (emp_feed_books_t){
        .label = self->keys[feed->key].label,
        .workers = feed->workers,
        .ended = feed->ended,
        .tickets = feed->ended ? feed->tickets : 0,
        .rows = feed->rows,
        .answered = feed->answered,
        .dead = feed->dead,
        .partly = feed->partly,
        .missing = emp_seen_missing (&feed->seen, end),
        .rows_answered = feed->rows_answered,
        .rows_dead = feed->rows_dead,
        .rows_begun = emp_halves_rows (&self->halves, (uint32_t) i),
        .rows_each = feed->rows_each,
        .last_missing = end > 0 && emp_seen_next (&feed->seen, end - 1, end) < end,
    };
    return true;
}

/* ---- publishing ---------------------------------------------------------------------------------------------- */

/* Who worked, and what became of attempts. One at a feed that is not known, a worker's of which nothing came back, has no queue. */
static emp_status_t publish_history (emp_results_t *self)
{
    emp_status_t status = EMP_OK;
    uint32_t workers = emp_history_workers (self->history);
    for (uint32_t i = 1; i <= workers && status == EMP_OK; i++) {
        emp_worker_t worker;
        emp_history_worker_at (self->history, i, &worker);
        status = emp_file_add_worker (self->file, i, &worker);
    }
    emp_try_t attempt;
    for (uint64_t i = 0; status == EMP_OK && emp_history_attempt_at (self->history, i, &attempt); i++) {
        uint32_t place, key;
        emp_results_place (self, attempt.feed, &place, &key);
        status = emp_file_add_attempt (self->file, place, key, &attempt);
    }
    uint64_t more = 0;
    emp_history_attempts (self->history, &more);
    return status == EMP_OK ? emp_file_add_fact (self->file, "attempts_not_kept", more) : status;
}

emp_status_t emp_results_publish (emp_results_t *self)
{
    assert (self && self->path);
    if (!self->file && !self->full)
        emp_results_move (self);
    if (!self->file)
        return EMP_SYSTEM;
    emp_status_t status = EMP_OK;
    for (size_t i = 0; i < self->keys_count && status == EMP_OK; i++)
        status = emp_file_add_queue (self->file, (uint32_t) i, self->keys[i].label);
    if (status == EMP_OK)
        status = emp_file_add_fact (self->file, "version", EMP_FILE_VERSION);
    if (status == EMP_OK && self->history)
        status = publish_history (self);
    emp_results_place_t place = {0};
    const char *label;
    uint64_t number;
    while (status == EMP_OK && emp_results_next_missing (self, &place, &label, &number))
        status = emp_file_add_missing (self->file, (uint32_t) place.key, self->feeds[place.key].key, number);
    return status == EMP_OK ? emp_file_publish (self->file) : status;
}
