/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_write.c - the records of a run that is on: gathered, and written in groups. See journal.h.
 *
 * Three threads' records meet here. The collector's answers are its own; what feeders and the broker's client tell waits under
 * the lock, and goes into the file before the answers of the same group: an answer never stands there without the hashes of
 * the chunks that were made before its own.
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_inner.h"
#include "wall.h"

#define GROUP_ROOM_MAX (32u * 1024 * 1024)
#define HISTORY_ROOM_MAX (16u * 1024 * 1024) /* of what waits, while no answer comes */

const char *emp_journal_why (const emp_journal_t *self)
{
    return self->why;
}

/* The first reason stays. Behind it `failed` is set, whoever of two that fail at once has set it. */
static void fail (emp_journal_t *self, const char *what, int error)
{
    pthread_mutex_lock (&self->failing);
    if (!atomic_load (&self->failed))
        snprintf (self->why, sizeof self->why, "journal %.1000s: %s: %s: what was not written does not count",
                  self->path, what, strerror (error));
    atomic_store (&self->failed, true);
    pthread_mutex_unlock (&self->failing);
}

/* ---- what waits --------------------------------------------------------------------------------------------------- */

static void note (emp_journal_t *self, const emp_journal_record_t *record)
{
    if (!emp_journal_encode (&self->pending, record))
        fail (self, "a record", ENOMEM);
}

void emp_journal_note (emp_journal_t *self, const emp_journal_record_t *record)
{
    pthread_mutex_lock (&self->lock);
    note (self, record);
    pthread_mutex_unlock (&self->lock);
}

/* Workers that come and go, attempts that fail, while no ticket ends and so no group is written: it has a bound. */
static void note_history (emp_journal_t *self, const emp_journal_record_t *record)
{
    if (self->pending.size < HISTORY_ROOM_MAX)
        note (self, record);
    else
        self->forgotten++;
}

void emp_journal_worker (emp_journal_t *self, uint64_t session, const char *name, const char *host, uint32_t pid)
{
    const emp_journal_record_t record = {.kind = EMP_JOURNAL_WORKER,
                                         .session = session,
                                         .pid = pid,
                                         .name = name,
                                         .name_size = (uint32_t) strlen (name),
                                         .host = host,
                                         .host_size = (uint32_t) strlen (host)};
    pthread_mutex_lock (&self->lock);
    note_history (self, &record);
    pthread_mutex_unlock (&self->lock);
}

static uint32_t place_of (emp_journal_t *self, uint32_t id)
{
    if (self->found < self->places_count && self->places[self->found].begun && self->places[self->found].id == id)
        return (uint32_t) self->found;
    for (size_t i = 0; i < self->places_count; i++)
        if (self->places[i].begun && self->places[i].id == id) {
            self->found = i;
            return (uint32_t) i;
        }
    return EMP_JOURNAL_NO_PLACE;
}

void emp_journal_attempt (emp_journal_t *self, const emp_control_t *attempt)
{
    emp_journal_record_t record = {.kind = EMP_JOURNAL_ATTEMPT,
                                   .number = attempt->window,
                                   .attempt = attempt->attempt,
                                   .rows = attempt->rows,
                                   .from = attempt->from,
                                   .session = attempt->session,
                                   .fate = attempt->ended,
                                   .how = attempt->how,
                                   .code = attempt->code,
                                   .when_us = emp_wall_us (),
                                   .data = (const uint8_t *) attempt->text,
                                   .size = strlen (attempt->text)};
    pthread_mutex_lock (&self->lock);
    record.place = place_of (self, attempt->id);
    note_history (self, &record);
    pthread_mutex_unlock (&self->lock);
}

/* The hash of the next chunk of a place. They follow each other but for those that are known from earlier runs. */
static void add_put (emp_journal_t *self, uint32_t place, uint64_t number, uint64_t hash)
{
    emp_journal_place_t *feed = &self->places[place];
    if (feed->puts.size && feed->first + feed->puts.size / 8 != number) {
        note (self, &(emp_journal_record_t){.kind = EMP_JOURNAL_PUTS,
                                            .place = place,
                                            .number = feed->first,
                                            .data = feed->puts.data,
                                            .size = feed->puts.size});
        feed->puts.size = 0;
    }
    if (feed->puts.size == 0)
        feed->first = number;
    hash = htole64 (hash);
    if (!emp_journal_reserve (&feed->puts, sizeof hash)) {
        fail (self, "a chunk's hash", ENOMEM);
        return;
    }
    memcpy (feed->puts.data + feed->puts.size, &hash, sizeof hash);
    feed->puts.size += sizeof hash;
}

emp_journal_check_t emp_journal_check (emp_journal_t *self, uint32_t place, uint64_t number, uint64_t hash)
{
    assert (place < EMP_JOURNAL_FEEDS_MAX && hash);
    bool answered = false;
    uint64_t known = 0;
    if (place < self->index.feeds_count) {
        emp_journal_feed_t *feed = &self->index.feeds[place];
        if (feed->ended && number >= feed->tickets)
            return EMP_JOURNAL_DIFFERS;
        emp_journal_index_pass (feed, number);
        known = emp_journal_index_look (feed, number, &answered);
    }
    if (known)
        return known != hash ? EMP_JOURNAL_DIFFERS : answered ? EMP_JOURNAL_SKIPS : EMP_JOURNAL_RUNS;
    pthread_mutex_lock (&self->lock);
    add_put (self, place, number, hash);
    pthread_mutex_unlock (&self->lock);
    return EMP_JOURNAL_RUNS;
}

bool emp_journal_feed_end (emp_journal_t *self, uint32_t place, uint64_t tickets, uint64_t rows, uint64_t *ret_number)
{
    if (place < self->index.feeds_count) {
        const emp_journal_feed_t *feed = &self->index.feeds[place];
        *ret_number = tickets;
        if (feed->beyond > tickets || (feed->ended && feed->tickets > tickets))
            return false;
        if (feed->ended)
            return true;
    }
    emp_journal_note (self, &(emp_journal_record_t){
                                .kind = EMP_JOURNAL_FEED_END, .place = place, .count = tickets, .rows_total = rows});
    return true;
}

/* ---- the group ---------------------------------------------------------------------------------------------------- */

/* How many parts of this ticket were written in this run; one more after it, none when it has ended. */
static uint32_t count_part (emp_journal_t *self, uint32_t place, const emp_part_t *part)
{
    emp_journal_open_t *open = (emp_journal_open_t *) (void *) self->open.data;
    size_t count = self->open.size / sizeof *open;
    for (size_t i = 0; i < count; i++)
        if (open[i].place == place && open[i].number == part->number) {
            uint32_t parts = open[i].parts++;
            if (part->left == 0) {
                open[i] = open[count - 1];
                self->open.size -= sizeof *open;
            }
            return parts;
        }
    if (part->left && emp_journal_reserve (&self->open, sizeof *open)) {
        const emp_journal_open_t first = {.place = place, .parts = 1, .number = part->number};
        memcpy (self->open.data + self->open.size, &first, sizeof first);
        self->open.size += sizeof first;
    } else if (part->left)
        fail (self, "a part of a ticket", ENOMEM);
    return 0;
}

void emp_journal_foreign (emp_journal_t *self, const char *queue)
{
    if (atomic_exchange (&self->foreign, true))
        return;
    emp_journal_note (self, &(emp_journal_record_t){
                                .kind = EMP_JOURNAL_FOREIGN, .name = queue, .name_size = (uint32_t) strlen (queue)});
    char sentence[EMP_JOURNAL_WHY_MAX];
    snprintf (
        sentence, sizeof sentence,
        "eisenmp: journal %.1000s: tickets come to %s from others than feeders, whose input cannot be made again: "
        "this run goes on, but cannot be resumed",
        self->path, queue);
    self->say (self->arg, sentence);
}

bool emp_journal_add (emp_journal_t *self, uint32_t feed, const char *label, const emp_part_t *part,
                      const uint8_t *payload)
{
    if (atomic_load_explicit (&self->failed, memory_order_relaxed))
        return false;
    pthread_mutex_lock (&self->lock);
    uint32_t place = place_of (self, feed);
    pthread_mutex_unlock (&self->lock);
    if (place == EMP_JOURNAL_NO_PLACE)
        emp_journal_foreign (self, label);
    emp_journal_record_t record = {
        .kind = part->outcome == EMP_OUTCOME_DONE ? EMP_JOURNAL_ANSWER : EMP_JOURNAL_DEAD,
        .place = place,
        .number = part->number,
        .attempt = part->attempt,
        .rows = part->rows,
        .from = part->from,
        .left = part->left,
        .parts = part->left || self->open.size ? count_part (self, place, part) : 0,
        .session = part->session,
        .hash = part->hash,
        .when_us = emp_wall_us (),
        .data = payload,
        .size = part->length,
    };
    if (!emp_journal_reserve (&self->ids, sizeof feed) || !emp_journal_encode (&self->group, &record)) {
        fail (self, "an answer", ENOMEM);
        return false;
    }
    memcpy (self->ids.data + self->ids.size, &feed, sizeof feed);
    self->ids.size += sizeof feed;
    return true;
}

size_t emp_journal_group (const emp_journal_t *self, size_t *ret_bytes)
{
    *ret_bytes = self->group.size;
    return self->ids.size / sizeof (uint32_t);
}

bool emp_journal_write (const emp_journal_system_t *system, int fd, const uint8_t *data, size_t size, uint64_t offset)
{
    while (size) {
        ssize_t wrote = system->write (fd, data, size, (off_t) offset);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            errno = wrote ? errno : ENOSPC;
            return false;
        }
        data += wrote;
        size -= (size_t) wrote;
        offset += (uint64_t) wrote;
    }
    return true;
}

static void say_forgotten (emp_journal_t *self, uint64_t count)
{
    char sentence[EMP_JOURNAL_WHY_MAX];
    snprintf (sentence, sizeof sentence,
              "eisenmp: journal %.1000s: %" PRIu64
              " workers and failed attempts found no room while no ticket ended: they are not told of",
              self->path, count);
    self->say (self->arg, sentence);
}

/* What waits, taken over. */
static void take_pending (emp_journal_t *self)
{
    pthread_mutex_lock (&self->lock);
    for (uint32_t i = 0; i < self->places_count; i++) {
        emp_journal_bytes_t *puts = &self->places[i].puts;
        if (puts->size)
            note (self, &(emp_journal_record_t){.kind = EMP_JOURNAL_PUTS,
                                                .place = i,
                                                .number = self->places[i].first,
                                                .data = puts->data,
                                                .size = puts->size});
        puts->size = 0;
    }
    emp_journal_bytes_t taken = self->pending;
    self->pending = self->spare;
    self->spare = taken;
    uint64_t forgotten = self->forgotten;
    self->forgotten = 0;
    pthread_mutex_unlock (&self->lock);
    if (forgotten)
        say_forgotten (self, forgotten);
}

static bool write_both (emp_journal_t *self)
{
    emp_journal_seal (self->spare.data, self->spare.size, self->nonce, self->end);
    emp_journal_seal (self->group.data, self->group.size, self->nonce, self->end + self->spare.size);
    return emp_journal_write (&self->system, self->fd, self->spare.data, self->spare.size, self->end) &&
           emp_journal_write (&self->system, self->fd, self->group.data, self->group.size,
                              self->end + self->spare.size);
}

emp_status_t emp_journal_commit (emp_journal_t *self)
{
    take_pending (self);
    size_t size = self->spare.size + self->group.size;
    if (!atomic_load (&self->failed) && size) {
        if (!write_both (self))
            fail (self, "writing", errno);
        else if (self->sync != EMP_JOURNAL_NONE && self->system.sync (self->fd) != 0)
            fail (self, "fdatasync", errno);
    }
    self->spare.size = 0;
    if (!atomic_load (&self->failed)) {
        self->end += size;
        self->fresh = self->fresh && self->group.size == 0;
        return EMP_OK;
    }
    /* What may be there of this group shall not be found later: nobody was told that it counts. */
    (void) !ftruncate (self->fd, (off_t) self->end);
    self->group.size = self->ids.size = 0;
    return EMP_SYSTEM;
}

emp_status_t emp_journal_look_after (emp_journal_t *self)
{
    struct stat file;
    bool good = fstat (self->fd, &file) == 0 && file.st_nlink > 0 && (uint64_t) file.st_size >= self->end;
    if (!good)
        fail (self, "at the end of the run, removed or cut by somebody", ENOENT);
    return good ? EMP_OK : EMP_SYSTEM;
}

void emp_journal_each (emp_journal_t *self, emp_journal_take_fn *take, void *arg)
{
    const uint32_t *feed = (const uint32_t *) (const void *) self->ids.data;
    for (size_t at = 0; at < self->group.size; feed++) {
        emp_journal_record_t record;
        bool good = emp_journal_fields (self->group.data + at, self->group.size - at, &record);
        assert (good);
        (void) good;
        emp_part_t part;
        emp_journal_part_of (&record, &part);
        take (arg, *feed, &part, record.data);
        at += emp_journal_size_at (self->group.data + at);
    }
    self->group.size = self->ids.size = 0;
    if (self->group.room > GROUP_ROOM_MAX)
        emp_journal_release (&self->group); /* of a large result; the next need not be */
}
