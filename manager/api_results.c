/* SPDX-License-Identifier: BSD-3-Clause
 *
 * api_results.c - the manager's side of eisenmp.h that reads the ticket dictionary: walks and the report.
 */
#include <string.h>

#include "../common/scan.h"
#include "manager.h"

/* What the places of a walk are. */
enum { ENTRY, NUMBER, KEY, BYTE };

static emp_status_t unreadable (emp_t *self, emp_status_t status)
{
    const char *why = emp_results_why (self->results);
    return emp_fail (self, status, "%s", *why && status == EMP_SYSTEM ? why : emp_status_text (status));
}

/* Reads one value at *at. False: out of memory, since it was scanned when it came. */
static bool read_value (emp_t *self, const emp_entry_t *entry, size_t *at)
{
    msgpack_zone_clear (&self->zone);
    return msgpack_unpack ((const char *) entry->data, entry->size, at, &self->zone, &self->value) >= 0;
}

/* Who a number of the history's stands for. Most entries are of whom the last one was. */
static const emp_worker_t *worker_of (emp_t *self, uint32_t number)
{
    if (number != self->worker_number || !self->worker.name[0]) {
        emp_history_worker_at (self->history, number, &self->worker);
        self->worker_number = number;
    }
    return &self->worker;
}

static emp_result_t result_of (emp_t *self, const emp_entry_t *entry)
{
    const emp_worker_t *worker = worker_of (self, entry->worker);
    return (emp_result_t){.queue = entry->label,
                          .ticket = entry->number,
                          .value = &self->value,
                          .first_row = entry->from,
                          .rows = entry->rows,
                          .attempt = entry->attempt,
                          .worker = worker->name,
                          .host = worker->host,
                          .pid = (int) worker->pid,
                          .chunk_hash = entry->hash,
                          .at = entry->at};
}

/* ---- by number --------------------------------------------------------------------------------------------------------- */

static size_t values_of (const emp_entry_t *entry)
{
    size_t values = 0;
    bool good = entry->outcome == EMP_OUTCOME_DONE &&
                emp_scan (entry->data, entry->size, EMP_SCAN_OBJECTS_MAX, &values) == EMP_OK;
    return good ? values : 0;
}

/* Values are found entry by entry; going on from the last place makes a walk from 0 upward linear. */
bool emp_result_at (emp_t *self, uint64_t i, emp_result_t *ret_result)
{
    if (self->stage != EMP_OVER)
        return false;
    if (i < self->value_first) {
        self->value_first = 0;
        self->value_entry = 0;
    }
    emp_entry_t entry;
    for (;; self->value_entry++) {
        if (!emp_results_at (self->results, self->value_entry, &entry))
            return false;
        size_t values = values_of (&entry);
        if (i - self->value_first < values)
            break;
        self->value_first += values;
    }
    size_t at = 0;
    for (uint64_t n = self->value_first; n <= i; n++)
        if (!read_value (self, &entry, &at))
            return false;
    *ret_result = result_of (self, &entry);
    return true;
}

/* ---- walks ------------------------------------------------------------------------------------------------------------- */

/* The entry behind a place, which is then the new one. EMP_STOPPED behind the last. */
static emp_status_t next_entry (emp_t *self, emp_walk_t *walk, emp_entry_t *ret_entry)
{
    if (walk->order == EMP_ORDER_TICKET) {
        emp_results_place_t place = {walk->place[ENTRY], walk->place[NUMBER], (size_t) walk->place[KEY]};
        emp_status_t status = emp_results_next_ticket (self->results, &place, ret_entry);
        *walk = (emp_walk_t){walk->order, {place.entry, place.number, place.key, 0}};
        return status;
    }
    walk->place[BYTE] = 0;
    while (emp_results_at (self->results, walk->place[ENTRY], ret_entry)) {
        walk->place[ENTRY]++;
        if (ret_entry->outcome == EMP_OUTCOME_DONE)
            return EMP_OK;
    }
    return walk->place[ENTRY] < emp_results_count (self->results) ? EMP_SYSTEM : EMP_STOPPED;
}

static emp_status_t begin (emp_t *self)
{
    return self->stage == EMP_OVER ? EMP_OK : emp_fail (self, EMP_STATE, "the dictionary is read after emp_wait");
}

/* The place stays before an entry until its last value was shown: the store gives the same entry again at no cost. */
emp_status_t emp_result_next (emp_t *self, emp_walk_t *walk, emp_result_t *ret_result)
{
    if (begin (self) != EMP_OK)
        return EMP_STATE;
    for (;;) {
        emp_walk_t behind = *walk;
        emp_entry_t entry;
        emp_status_t status = next_entry (self, &behind, &entry);
        if (status != EMP_OK)
            return status == EMP_STOPPED ? EMP_STOPPED : unreadable (self, status);
        size_t at = (size_t) walk->place[BYTE];
        if (at < entry.size) {
            if (!read_value (self, &entry, &at))
                return unreadable (self, EMP_NOMEM);
            walk->place[BYTE] = at;
            if (at == entry.size)
                *walk = behind;
            *ret_result = result_of (self, &entry);
            return EMP_OK;
        }
        *walk = behind;
    }
}

/* The text at hand with a NUL behind it, in the zone; NULL when out of memory. */
static const char *terminated (emp_t *self)
{
    const msgpack_object_str *text = &self->value.via.str;
    char *copy = msgpack_zone_malloc (&self->zone, text->size + 1);
    if (!copy)
        return NULL;
    if (text->size > 0)
        memcpy (copy, text->ptr, text->size);
    copy[text->size] = 0;
    return copy;
}

emp_status_t emp_dead_next (emp_t *self, emp_walk_t *walk, emp_unanswered_t *ret_ticket)
{
    if (begin (self) != EMP_OK)
        return EMP_STATE;
    emp_entry_t entry;
    uint64_t behind = walk->place[ENTRY];
    if (!emp_results_next_dead (self->results, &behind, &entry))
        return *emp_results_why (self->results) ? unreadable (self, EMP_SYSTEM) : EMP_STOPPED;
    size_t at = 0;
    const char *reason = read_value (self, &entry, &at) ? terminated (self) : NULL;
    if (!reason)
        return unreadable (self, EMP_NOMEM);
    walk->place[ENTRY] = behind;
    *ret_ticket = (emp_unanswered_t){.queue = entry.label,
                                     .ticket = entry.number,
                                     .attempts = entry.attempt,
                                     .reason = reason,
                                     .first_row = entry.from,
                                     .rows = entry.rows,
                                     .part = entry.half};
    return EMP_OK;
}

emp_status_t emp_missing_next (emp_t *self, emp_walk_t *walk, emp_unanswered_t *ret_ticket)
{
    if (begin (self) != EMP_OK)
        return EMP_STATE;
    emp_results_place_t place = {.number = walk->place[NUMBER], .key = (size_t) walk->place[KEY]};
    *ret_ticket = (emp_unanswered_t){0};
    bool there = emp_results_next_missing (self->results, &place, &ret_ticket->queue, &ret_ticket->ticket);
    walk->place[NUMBER] = place.number;
    walk->place[KEY] = place.key;
    return there ? EMP_OK : EMP_STOPPED;
}

emp_status_t emp_history_next (emp_t *self, emp_walk_t *walk, emp_attempt_t *ret_attempt)
{
    if (begin (self) != EMP_OK)
        return EMP_STATE;
    emp_try_t attempt;
    if (!emp_history_attempt_at (self->history, walk->place[ENTRY], &attempt))
        return EMP_STOPPED;
    walk->place[ENTRY]++;
    const emp_worker_t *worker = worker_of (self, attempt.worker);
    *ret_attempt = (emp_attempt_t){.queue = emp_results_label (self->results, attempt.feed),
                                   .ticket = attempt.number,
                                   .attempt = attempt.attempt,
                                   .first_row = attempt.from,
                                   .rows = attempt.rows,
                                   .worker = worker->name,
                                   .host = worker->host,
                                   .pid = (int) worker->pid,
                                   .end = emp_history_end_word (attempt.ended),
                                   .reason = attempt.reason,
                                   .at = attempt.at};
    return EMP_OK;
}

/* ---- report ------------------------------------------------------------------------------------------------------------ */

void emp_report (emp_t *self, FILE *out)
{
    if (self->stage != EMP_OVER)
        return;
    emp_summary_t sum;
    emp_summary (self, &sum);
    bool stdout_is_stream = self->config.results_stream && strcmp (self->config.results_stream, "-") == 0;
    emp_report_t report = {.label = self->config.result_label,
                           .rows = self->config.results_print && !stdout_is_stream,
                           .dictionary = self->config.results_dict_print && !stdout_is_stream,
                           .results = self->results,
                           .losses = self->losses,
                           .losses_count = self->losses_count,
                           .losses_more = self->losses_more,
                           .unnamed = sum.missing - emp_results_missing (self->results)};
    emp_report_print (&report, out);
}
