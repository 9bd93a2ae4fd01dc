/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal.c - what a journal says of the runs before, and how it ends. See journal.h.
 */
#include "journal.h"

#include <stdlib.h>
#include <unistd.h>

#include "journal_inner.h"
#include "journal_read.h"
#include "wall.h"

bool emp_journal_is_whole (const emp_journal_t *self, uint32_t place, uint64_t *ret_tickets, uint64_t *ret_rows)
{
    const emp_journal_feed_t *feed = place < self->index.feeds_count ? &self->index.feeds[place] : NULL;
    if (!feed || !feed->ended || feed->answered != feed->tickets || feed->beyond > feed->tickets)
        return false;
    *ret_tickets = feed->tickets;
    *ret_rows = feed->rows;
    return true;
}

uint64_t emp_journal_known (const emp_journal_t *self, uint32_t place)
{
    return place < self->index.feeds_count ? self->index.feeds[place].beyond : 0;
}

void emp_journal_made (const emp_journal_t *self, uint32_t place, uint64_t *ret_tickets, uint64_t *ret_rows)
{
    *ret_tickets = *ret_rows = 0;
    if (place >= self->index.feeds_count)
        return;
    const emp_journal_feed_t *feed = &self->index.feeds[place];
    *ret_tickets = feed->ended ? feed->tickets : feed->beyond;
    *ret_rows = feed->ended ? feed->rows : feed->beyond * feed->rows_max;
}

uint32_t emp_journal_feeds (const emp_journal_t *self)
{
    uint32_t feeds = 0;
    for (uint32_t i = 0; i < self->index.feeds_count; i++)
        if (self->index.feeds[i].named)
            feeds = i + 1;
    return feeds;
}

uint64_t emp_journal_answered (const emp_journal_t *self)
{
    uint64_t answered = 0;
    for (size_t i = 0; i < self->index.feeds_count; i++)
        answered += self->index.feeds[i].answered;
    return answered;
}

/* ---- earlier answers ---------------------------------------------------------------------------------------------- */

typedef struct {
    const emp_journal_t *journal;
    uint32_t first, beyond;
    const emp_journal_hearer_t *hearer;
} replay_t;

static void tell_worker (const emp_journal_hearer_t *hearer, const emp_journal_record_t *record)
{
    emp_control_t joined = {.kind = EMP_MSG_JOINED, .session = record->session, .pid = record->pid};
    snprintf (joined.name, sizeof joined.name, "%.*s", (int) record->name_size, record->name);
    snprintf (joined.host, sizeof joined.host, "%.*s", (int) record->host_size, record->host);
    if (hearer->worker)
        hearer->worker (hearer->arg, &joined);
}

static void tell_attempt (const replay_t *self, const emp_journal_record_t *record)
{
    emp_control_t attempt = {.kind = EMP_MSG_ATTEMPT,
                             .id = self->journal->places[record->place].id,
                             .window = record->number,
                             .attempt = record->attempt,
                             .rows = record->rows,
                             .from = record->from,
                             .session = record->session,
                             .ended = (emp_attempt_end_t) record->fate,
                             .how = (emp_how_t) record->how,
                             .code = record->code};
    snprintf (attempt.text, sizeof attempt.text, "%.*s", (int) record->size, (const char *) record->data);
    if (self->hearer->attempt)
        self->hearer->attempt (self->hearer->arg, &attempt, record->when_us / 1000);
}

static void tell_answer (const replay_t *self, const emp_journal_record_t *record)
{
    emp_part_t part;
    emp_journal_part_of (record, &part);
    if (self->hearer->clock)
        self->hearer->clock (self->hearer->arg, record->when_us / 1000);
    self->hearer->take (self->hearer->arg, self->journal->places[record->place].id, &part, record->data);
}

static emp_status_t replay_record (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    (void) extent;
    const replay_t *self = arg;
    if (record->kind == EMP_JOURNAL_WORKER)
        tell_worker (self->hearer, record);
    bool of_ticket = record->kind == EMP_JOURNAL_ANSWER || record->kind == EMP_JOURNAL_ATTEMPT;
    if (!of_ticket || record->place < self->first || record->place >= self->beyond)
        return EMP_OK;
    if (record->kind == EMP_JOURNAL_ATTEMPT)
        tell_attempt (self, record);
    else if (emp_journal_index_counts (&self->journal->index, offset))
        tell_answer (self, record);
    return EMP_OK;
}

emp_status_t emp_journal_replay (emp_journal_t *self, uint32_t first, uint32_t beyond,
                                 const emp_journal_hearer_t *hearer)
{
    uint64_t answered = 0, end;
    for (uint32_t i = first; i < beyond && i < self->index.feeds_count; i++)
        answered += self->index.feeds[i].answered;
    if (answered == 0 && self->index.history == 0)
        return EMP_OK;
    replay_t replay = {.journal = self, .first = first, .beyond = beyond, .hearer = hearer};
    const emp_journal_walk_t walk = {.record = replay_record, .arg = &replay};
    emp_journal_input_t input = emp_journal_input (self, self->past);
    return emp_journal_scan (&input, self->nonce, 0, &walk, &end);
}

/* ---- end ---------------------------------------------------------------------------------------------------------- */

emp_status_t emp_journal_close (emp_journal_t *self, bool whole)
{
    emp_journal_note (
        self, &(emp_journal_record_t){.kind = EMP_JOURNAL_CLOSE, .code = whole ? 0 : 1, .when_us = emp_wall_us ()});
    bool fresh = self->fresh;
    emp_status_t status = emp_journal_commit (self);
    if (status == EMP_OK)
        status = emp_journal_look_after (self);
    self->fresh = fresh && (!whole || status != EMP_OK);
    return status;
}

uint64_t emp_journal_id (const emp_journal_t *self)
{
    return self->first_run;
}

void emp_journal_keep (emp_journal_t *self)
{
    self->fresh = false;
}

void emp_journal_destroy (emp_journal_t **self_p)
{
    emp_journal_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->fresh && emp_journal_is_named (self, self->path))
        unlink (self->path); /* it would only be in the way of the next run */
    if (self->fd >= 0)
        close (self->fd);
    emp_journal_release (&self->pending);
    emp_journal_release (&self->spare);
    emp_journal_release (&self->group);
    emp_journal_release (&self->ids);
    emp_journal_release (&self->open);
    for (size_t i = 0; i < self->places_count; i++)
        emp_journal_release (&self->places[i].puts);
    emp_journal_index_release (&self->index);
    pthread_mutex_destroy (&self->lock);
    pthread_mutex_destroy (&self->failing);
    free (self->path);
    free (self);
}
