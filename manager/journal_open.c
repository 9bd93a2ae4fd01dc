/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_open.c - a journal is made, or opened for a run that goes on. See journal.h.
 *
 * Invariant: until everything that opening could refuse was looked at, nothing of the file is changed; later records are only added.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_inner.h"
#include "journal_read.h"
#include "wall.h"

#define DAMAGES_MAX 4096u /* places that are put aside; with more the file stays as it is */
#define PIECE (1024u * 1024)

typedef struct {
    uint64_t offset, size;
} damage_t;

/* What opening knows beside the journal. */
typedef struct {
    emp_journal_t *journal;
    const emp_journal_config_t *config;
    char *why;
    uint64_t size; /* of the file as it was found */
    emp_journal_record_t header;
    damage_t *damages;
    size_t damages_count, damages_room;
    uint64_t damaged; /* bytes, also of those beyond DAMAGES_MAX */
    bool untold;      /* there are such */
} opening_t;

/* ---- a file's first records --------------------------------------------------------------------------------------- */

static emp_journal_record_t feed_record (uint32_t place, const emp_journal_decl_t *feed)
{
    return (emp_journal_record_t){.kind = EMP_JOURNAL_FEED,
                                  .place = place,
                                  .rows = feed->rows_max,
                                  .name = feed->label,
                                  .name_size = (uint32_t) strlen (feed->label),
                                  .host = feed->queue,
                                  .host_size = (uint32_t) strlen (feed->queue)};
}

/* This run begins: feeds that are not named in the file, and the run itself. */
static bool encode_begin (const opening_t *self, emp_journal_bytes_t *out)
{
    const emp_journal_index_t *index = &self->journal->index;
    bool good = true;
    for (uint32_t i = 0; i < self->config->feeds_count && good; i++)
        if (i >= index->feeds_count || !index->feeds[i].named) {
            emp_journal_record_t feed = feed_record (i, &self->config->feeds[i]);
            good = emp_journal_encode (out, &feed);
        }
    const emp_journal_record_t run = {
        .kind = EMP_JOURNAL_RUN, .run = self->journal->run, .attempt = index->runs, .when_us = emp_wall_us ()};
    return good && emp_journal_encode (out, &run);
}

/* Appends, durably: a file that begins is whole or is none. */
static emp_status_t append (opening_t *self, emp_journal_bytes_t *bytes)
{
    emp_journal_t *journal = self->journal;
    emp_journal_seal (bytes->data, bytes->size, journal->nonce, journal->end);
    bool good = emp_journal_write (&journal->system, journal->fd, bytes->data, bytes->size, journal->end) &&
                journal->system.sync (journal->fd) == 0;
    if (!good) {
        int error = errno;
        (void) !ftruncate (journal->fd, (off_t) journal->end);
        errno = error;
        return emp_journal_broken (journal, self->why, "writing");
    }
    journal->end += bytes->size;
    return EMP_OK;
}

static emp_status_t begin_run (opening_t *self, bool header)
{
    emp_journal_t *journal = self->journal;
    emp_journal_bytes_t bytes = {.grow = journal->system.grow};
    journal->first_run = header ? journal->run : self->header.run;
    const emp_journal_record_t like = {.run = journal->run,
                                       .rows = self->config->rows_max,
                                       .count = self->config->feeds_count,
                                       .when_us = emp_wall_us ()};
    bool good = (!header || emp_journal_encode_header (&bytes, &like, journal->nonce)) && encode_begin (self, &bytes);
    emp_status_t status = good ? append (self, &bytes) : emp_journal_no_memory (self->why);
    emp_journal_release (&bytes);
    return status;
}

static emp_status_t make_file (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    journal->fd = open (journal->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (journal->fd < 0 && errno == EEXIST)
        return emp_journal_refuse (
            self->why, EMP_INVALID,
            "JOURNAL: found %.1000s there already, expected no file: --resume goes on with the run that it is "
            "of; for a new one name another, or remove it",
            journal->path);
    if (journal->fd < 0)
        return emp_journal_refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found \"%s\", expected a file to write",
                                   journal->path, strerror (errno));
    emp_status_t status = emp_journal_lock (journal, self->why);
    if (status == EMP_INVALID)
        return status; /* of one that found it, empty, before we had the lock */
    if (status == EMP_OK)
        status = begin_run (self, true);
    if (status == EMP_OK && !emp_journal_sync_folder (&journal->system, journal->path))
        status = emp_journal_broken (journal, self->why, "writing its folder");
    if (status != EMP_OK && emp_journal_is_named (journal, journal->path))
        unlink (journal->path);
    journal->fresh = status == EMP_OK;
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static emp_status_t note_damage (void *arg, uint64_t offset, uint64_t size)
{
    opening_t *self = arg;
    self->damaged += size;
    self->untold = self->damages_count == DAMAGES_MAX;
    if (self->untold)
        return EMP_OK;
    if (self->damages_count == self->damages_room) {
        size_t room = self->damages_room ? self->damages_room * 2 : 16;
        damage_t *damages = self->journal->system.grow (self->damages, room * sizeof *damages);
        if (!damages)
            return EMP_NOMEM;
        self->damages = damages;
        self->damages_room = room;
    }
    self->damages[self->damages_count++] = (damage_t){offset, size};
    return EMP_OK;
}

static emp_status_t take_record (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    opening_t *self = arg;
    emp_status_t status = emp_journal_index_take (&self->journal->index, offset, extent, record);
    return status == EMP_MALFORMED ? note_damage (arg, offset, extent) : status;
}

static emp_status_t read_all (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    emp_journal_input_t input = emp_journal_input (journal, self->size);
    emp_status_t status = emp_journal_find_header (&input, &self->header);
    if (status == EMP_UNKNOWN)
        return emp_journal_refuse (self->why, EMP_INVALID,
                                   "JOURNAL: found no journal of eisenmp in %.1000s, expected one to resume",
                                   journal->path);
    if (status == EMP_TOOBIG)
        return emp_journal_refuse (self->why, EMP_INVALID,
                                   "JOURNAL: %.1000s: found a journal of version %u, expected %u", journal->path,
                                   self->header.version, EMP_JOURNAL_VERSION);
    if (status == EMP_OK) {
        const emp_journal_walk_t walk = {.record = take_record, .damage = note_damage, .arg = self};
        journal->nonce = self->header.nonce;
        status = emp_journal_scan (&input, journal->nonce, 0, &walk, &journal->end);
    }
    if (status == EMP_OK)
        status = emp_journal_index_end (&journal->index);
    return status == EMP_OK      ? EMP_OK
           : status == EMP_NOMEM ? emp_journal_no_memory (self->why)
                                 : emp_journal_broken (journal, self->why, "reading");
}

/* ---- is it of this job? ------------------------------------------------------------------------------------------- */

static emp_status_t compare_feed (const emp_journal_t *self, uint32_t place, const emp_journal_decl_t *feed, char *why)
{
    const emp_journal_feed_t *old = place < self->index.feeds_count ? &self->index.feeds[place] : NULL;
    if (!old || !old->named)
        return EMP_OK;
    if (strcmp (old->label, feed->label) != 0)
        return emp_journal_refuse (why, EMP_INVALID,
                                   "JOURNAL: %.1000s: feed %u: found the label \"%s\", expected \"%s\" as before",
                                   self->path, place, feed->label, old->label);
    if (strcmp (old->queue, feed->queue) != 0)
        return emp_journal_refuse (why, EMP_INVALID,
                                   "JOURNAL: %.1000s: feed %u: found the queue \"%s\", expected \"%s\" as before",
                                   self->path, place, feed->queue, old->queue);
    if (old->rows_max != feed->rows_max)
        return emp_journal_refuse (why, EMP_INVALID,
                                   "JOURNAL: %.1000s: feed %u (%s): found ROWS_MAX %u, expected %u as before",
                                   self->path, place, feed->label, feed->rows_max, old->rows_max);
    return EMP_OK;
}

static emp_status_t compare (const opening_t *self)
{
    const emp_journal_t *journal = self->journal;
    if (journal->index.foreign[0])
        return emp_journal_refuse (
            self->why, EMP_INVALID,
            "JOURNAL: %.1000s: tickets came to %s from others than feeders, and cannot be made again: this "
            "run cannot be resumed",
            journal->path, journal->index.foreign);
    if (self->header.count != self->config->feeds_count)
        return emp_journal_refuse (self->why, EMP_INVALID,
                                   "JOURNAL: %.1000s: found %zu feeds in the job, expected %" PRIu64 " as before",
                                   journal->path, self->config->feeds_count, self->header.count);
    if (self->header.rows != self->config->rows_max)
        return emp_journal_refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found ROWS_MAX %u, expected %u as before",
                                   journal->path, self->config->rows_max, self->header.rows);
    emp_status_t status = EMP_OK;
    for (uint32_t i = 0; i < self->config->feeds_count && status == EMP_OK; i++)
        status = compare_feed (journal, i, &self->config->feeds[i], self->why);
    return status;
}

emp_status_t emp_journal_feed (emp_journal_t *self, uint32_t place, uint32_t id, const emp_journal_decl_t *feed,
                               char ret_why[EMP_JOURNAL_WHY_MAX])
{
    if (place >= EMP_JOURNAL_FEEDS_MAX)
        return emp_journal_refuse (ret_why, EMP_INVALID, "JOURNAL: at most %u feeds", EMP_JOURNAL_FEEDS_MAX);
    emp_status_t status = compare_feed (self, place, feed, ret_why);
    if (status != EMP_OK)
        return status;
    if (place >= self->index.feeds_count || !self->index.feeds[place].named) {
        emp_journal_record_t record = feed_record (place, feed);
        emp_journal_note (self, &record);
    }
    pthread_mutex_lock (&self->lock);
    self->places[place].begun = true;
    self->places[place].id = id;
    if (self->places_count <= place)
        self->places_count = place + 1;
    pthread_mutex_unlock (&self->lock);
    return EMP_OK;
}

/* ---- what is wrong with it ---------------------------------------------------------------------------------------- */

typedef bool (piece_fn) (int to, const uint8_t *piece, size_t size, off_t at);

static bool write_piece (int to, const uint8_t *piece, size_t size, off_t at)
{
    return pwrite (to, piece, size, at) == (ssize_t) size;
}

static bool is_piece (int to, const uint8_t *piece, size_t size, off_t at)
{
    uint8_t there[4096];
    for (size_t done = 0; done < size;) {
        size_t step = size - done < sizeof there ? size - done : sizeof there;
        if (pread (to, there, step, at + (off_t) done) != (ssize_t) step || memcmp (there, piece + done, step) != 0)
            return false;
        done += step;
    }
    return true;
}

/* Takes the damaged bytes piece by piece to where they are, or shall be, from `at` on. */
static bool each_piece (const emp_journal_t *self, const damage_t *damage, int to, off_t at, piece_fn *fn)
{
    uint8_t *piece = malloc (PIECE);
    bool good = piece != NULL;
    for (uint64_t done = 0; good && done < damage->size;) {
        uint64_t left = damage->size - done;
        ssize_t got = pread (self->fd, piece, left < PIECE ? (size_t) left : PIECE, (off_t) (damage->offset + done));
        good = got > 0 && fn (to, piece, (size_t) got, at + (off_t) done);
        done += got > 0 ? (uint64_t) got : 0;
    }
    free (piece);
    return good;
}

/* A file that could not be written anew is as damaged when it is opened again; what is aside is the end of the other then. */
static bool is_aside (const opening_t *self, int to, off_t end)
{
    off_t size = 0;
    for (size_t i = 0; i < self->damages_count; i++)
        size += (off_t) self->damages[i].size;
    bool there = size <= end;
    off_t at = end - size;
    for (size_t i = 0; i < self->damages_count && there; i++) {
        there = each_piece (self->journal, &self->damages[i], to, at, is_piece);
        at += (off_t) self->damages[i].size;
    }
    return there;
}

/* To the end of the other file, or not at all. */
static bool copy_bytes (const emp_journal_t *self, const damage_t *damage, int to, off_t *end)
{
    if (!each_piece (self, damage, to, *end, write_piece)) {
        (void) !ftruncate (to, *end);
        return false;
    }
    *end += (off_t) damage->size;
    return true;
}

/* Copies damaged bytes to FILE.quarantine. True when all of them are there, durably. */
static bool put_aside (const opening_t *self)
{
    const emp_journal_t *journal = self->journal;
    char path[EMP_JOURNAL_SIDE_MAX];
    if (self->damages_count == 0)
        return true;
    snprintf (path, sizeof path, "%.*s.quarantine", EMP_JOURNAL_PATH_MAX, journal->path);
    int to = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    off_t end = to >= 0 ? lseek (to, 0, SEEK_END) : -1;
    bool all = end >= 0 && !self->untold, there = end >= 0 && is_aside (self, to, end);
    for (size_t i = 0; i < self->damages_count; i++) {
        bool good = end >= 0 && (there || copy_bytes (journal, &self->damages[i], to, &end));
        all &= good;
        emp_journal_tell (journal,
                          "%" PRIu64 " damaged bytes at offset %" PRIu64 " %s: what they told of is done again",
                          self->damages[i].size, self->damages[i].offset,
                          good ? "are put aside in the file of that name with .quarantine" : "could not be put aside");
    }
    if (self->untold)
        emp_journal_tell (journal, "it is damaged in more than %u places: it is gone on with, but stays as it is",
                          DAMAGES_MAX);
    all = all && journal->system.sync (to) == 0 && emp_journal_sync_folder (&journal->system, path);
    if (to >= 0)
        close (to);
    return all;
}

static emp_status_t cut_tail (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    if (journal->end == self->size)
        return EMP_OK;
    emp_journal_tell (journal, "a torn tail of %" PRIu64 " bytes is cut off", self->size - journal->end);
    if (ftruncate (journal->fd, (off_t) journal->end) != 0)
        return emp_journal_broken (journal, self->why, "cutting the torn tail");
    return EMP_OK;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

/* The file of that name, locked. One that was renamed over while we waited for the lock is not it. */
static emp_status_t lock_file (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    struct stat ours;
    emp_status_t status = emp_journal_lock (journal, self->why);
    if (status != EMP_OK)
        return status;
    if (!emp_journal_is_named (journal, journal->path))
        return emp_journal_refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: another run is at work on it",
                                   journal->path);
    if (fstat (journal->fd, &ours) != 0 || !S_ISREG (ours.st_mode))
        return emp_journal_refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found no regular file, expected one",
                                   journal->path);
    self->size = (uint64_t) ours.st_size;
    return EMP_OK;
}

/* Power was lost while it was made: no run has got behind that, so nothing of it is lost. */
static bool is_torn_at_its_making (const opening_t *self)
{
    uint8_t front[EMP_JOURNAL_HEADER_SIZE];
    size_t size = (size_t) self->size;
    return self->size < sizeof front && pread (self->journal->fd, front, size, 0) == (ssize_t) size &&
           emp_journal_is_torn_header (front, size);
}

static emp_status_t go_on (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    emp_status_t status = lock_file (self);
    if (status == EMP_OK && is_torn_at_its_making (self)) {
        emp_journal_tell (journal, "it was torn when it was made, and has no whole header: the run starts anew");
        return begin_run (self, true);
    }
    if (status == EMP_OK && self->size == 0) {
        emp_journal_tell (journal, "it is empty: the run starts anew");
        return begin_run (self, true);
    }
    if (status == EMP_OK)
        status = read_all (self);
    if (status == EMP_OK)
        status = compare (self);
    bool aside = status == EMP_OK && put_aside (self);
    if (status == EMP_OK)
        status = cut_tail (self);
    if (status != EMP_OK)
        return status;
    if (aside && (self->damaged || emp_journal_is_wasteful (journal, self->size))) /* what is not aside would be lost */
        status = emp_journal_rewrite (journal, &self->header, self->why);
    journal->past = journal->end;
    return status == EMP_OK ? begin_run (self, false) : status;
}

static emp_status_t open_file (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    if (!self->config->resume)
        return make_file (self);
    journal->fd = open (journal->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (journal->fd >= 0)
        return go_on (self);
    if (errno != ENOENT)
        return emp_journal_refuse (self->why, EMP_INVALID,
                                   "JOURNAL: %.1000s: found \"%s\", expected a file to go on with", journal->path,
                                   strerror (errno));
    emp_journal_tell (journal, "there is none: the run starts anew");
    return make_file (self);
}

static emp_journal_t *new_journal (const emp_journal_config_t *config)
{
    emp_journal_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->system = config->system ? *config->system : emp_journal_libc;
    self->path = strdup (config->path);
    self->fd = -1;
    self->sync = config->sync;
    self->say = config->say;
    self->arg = config->arg;
    self->nonce = emp_journal_random ();
    self->run = emp_journal_random ();
    self->pending.grow = self->spare.grow = self->group.grow = self->ids.grow = self->open.grow = self->system.grow;
    for (size_t i = 0; i < EMP_JOURNAL_FEEDS_MAX; i++)
        self->places[i].puts.grow = self->system.grow;
    emp_journal_index_init (&self->index, self->system.grow);
    pthread_mutex_init (&self->lock, NULL);
    pthread_mutex_init (&self->failing, NULL);
    if (!self->path)
        emp_journal_destroy (&self);
    return self;
}

emp_status_t emp_journal_open (const emp_journal_config_t *config, emp_journal_t **ret_self,
                               char ret_why[EMP_JOURNAL_WHY_MAX])
{
    opening_t opening = {.journal = new_journal (config), .config = config, .why = ret_why};
    if (!opening.journal)
        return emp_journal_no_memory (ret_why);
    emp_status_t status =
        strlen (config->path) > EMP_JOURNAL_PATH_MAX
            ? emp_journal_refuse (ret_why, EMP_INVALID, "JOURNAL: found a path of %zu bytes, expected at most %d",
                                  strlen (config->path), EMP_JOURNAL_PATH_MAX)
            : open_file (&opening);
    free (opening.damages);
    if (status == EMP_OK)
        *ret_self = opening.journal;
    else
        emp_journal_destroy (&opening.journal);
    return status;
}
