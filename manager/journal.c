/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal.c - a journal is made, or opened for a run that goes on. See journal.h.
 *
 * Invariant: until everything that opening could refuse was looked at, nothing of the file is changed; later records are only added.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_inner.h"
#include "journal_read.h"
#include "wall.h"

#define HISTORY_MAX 65536u         /* records of attempts and deaths that a rewritten file keeps */
#define SLACK (UINT64_C (1) << 20) /* bytes of no use that are no reason to rewrite a file */
#define DAMAGES_MAX 4096u          /* places that are put aside; with more the file stays as it is */
#define PIECE (1024u * 1024)

static ssize_t system_write (int fd, const void *data, size_t size, off_t offset)
{
    return pwrite (fd, data, size, offset);
}

const emp_journal_system_t emp_journal_libc = {system_write, fdatasync, realloc};

/* ---- words -------------------------------------------------------------------------------------------------------- */

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

static emp_status_t refuse (char *why, emp_status_t status, const char *format, ...) EMP_PRINTF (3, 4);

static emp_status_t refuse (char *why, emp_status_t status, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (why, EMP_JOURNAL_WHY_MAX, format, args);
    va_end (args);
    return status;
}

static emp_status_t no_memory (char *why)
{
    return refuse (why, EMP_NOMEM, "JOURNAL: out of memory");
}

static emp_status_t broken (const emp_journal_t *self, char *why, const char *what)
{
    return refuse (why, EMP_SYSTEM, "JOURNAL: %.1000s: %s: %s", self->path, what, strerror (errno));
}

static void say (const emp_journal_t *self, const char *format, ...) EMP_PRINTF (2, 3);

static void say (const emp_journal_t *self, const char *format, ...)
{
    char sentence[EMP_JOURNAL_WHY_MAX];
    int size = snprintf (sentence, sizeof sentence, "eisenmp: journal %.1000s: ", self->path);
    va_list args;
    va_start (args, format);
    vsnprintf (sentence + size, sizeof sentence - (size_t) size, format, args);
    va_end (args);
    self->say (self->arg, sentence);
}

/* ---- a file's first records --------------------------------------------------------------------------------------- */

uint64_t emp_journal_random (void)
{
    uint64_t number = 0;
    if (getrandom (&number, sizeof number, 0) != (ssize_t) sizeof number)
        number = emp_wall_us () * UINT64_C (0x9e3779b97f4a7c15);
    return number;
}

static bool encode_header (emp_journal_bytes_t *out, const emp_journal_record_t *like, uint64_t nonce)
{
    emp_journal_record_t header = *like;
    header.kind = EMP_JOURNAL_HEADER;
    header.version = EMP_JOURNAL_VERSION;
    header.nonce = nonce;
    return emp_journal_encode (out, &header) && emp_journal_encode (out, &header);
}

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
        return broken (journal, self->why, "writing");
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
    bool good = (!header || encode_header (&bytes, &like, journal->nonce)) && encode_begin (self, &bytes);
    emp_status_t status = good ? append (self, &bytes) : no_memory (self->why);
    emp_journal_release (&bytes);
    return status;
}

/* The file of that name is the one that is open: it may have been renamed, or another made in its place. */
static bool is_ours (const emp_journal_t *self, const char *path)
{
    struct stat ours, named;
    return fstat (self->fd, &ours) == 0 && stat (path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

static emp_status_t lock (const emp_journal_t *self, char *why)
{
    if (flock (self->fd, LOCK_EX | LOCK_NB) == 0)
        return EMP_OK;
    if (errno != EWOULDBLOCK)
        return broken (self, why, "locking");
    return refuse (why, EMP_INVALID, "JOURNAL: %.1000s: another run is at work on it", self->path);
}

bool emp_journal_sync_folder (const emp_journal_system_t *system, const char *path)
{
    char folder[EMP_JOURNAL_SIDE_MAX];
    const char *slash = strrchr (path, '/');
    snprintf (folder, sizeof folder, "%.*s", slash ? (int) (slash - path + 1) : 1, slash ? path : ".");
    int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good =
        system->sync (fd) == 0 || errno == EINVAL || errno == ENOTSUP; /* some file systems cannot, and need not */
    int error = errno;
    close (fd);
    errno = error;
    return good;
}

static emp_status_t make_file (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    journal->fd = open (journal->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (journal->fd < 0 && errno == EEXIST)
        return refuse (
            self->why, EMP_INVALID,
            "JOURNAL: found %.1000s there already, expected no file: --resume goes on with the run that it is "
            "of; for a new one name another, or remove it",
            journal->path);
    if (journal->fd < 0)
        return refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found \"%s\", expected a file to write",
                       journal->path, strerror (errno));
    emp_status_t status = lock (journal, self->why);
    if (status == EMP_INVALID)
        return status; /* of one that found it, empty, before we had the lock */
    if (status == EMP_OK)
        status = begin_run (self, true);
    if (status == EMP_OK && !emp_journal_sync_folder (&journal->system, journal->path))
        status = broken (journal, self->why, "writing its folder");
    if (status != EMP_OK && is_ours (journal, journal->path))
        unlink (journal->path);
    journal->fresh = status == EMP_OK;
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static emp_journal_input_t input_of (emp_journal_t *self, uint64_t size)
{
    return emp_journal_file (&self->fd, self->system.grow, size);
}

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
    emp_journal_input_t input = input_of (journal, self->size);
    emp_status_t status = emp_journal_find_header (&input, &self->header);
    if (status == EMP_UNKNOWN)
        return refuse (self->why, EMP_INVALID,
                       "JOURNAL: found no journal of eisenmp in %.1000s, expected one to resume", journal->path);
    if (status == EMP_TOOBIG)
        return refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found a journal of version %u, expected %u",
                       journal->path, self->header.version, EMP_JOURNAL_VERSION);
    if (status == EMP_OK) {
        const emp_journal_walk_t walk = {.record = take_record, .damage = note_damage, .arg = self};
        journal->nonce = self->header.nonce;
        status = emp_journal_scan (&input, journal->nonce, 0, &walk, &journal->end);
    }
    if (status == EMP_OK)
        status = emp_journal_index_end (&journal->index);
    return status == EMP_OK      ? EMP_OK
           : status == EMP_NOMEM ? no_memory (self->why)
                                 : broken (journal, self->why, "reading");
}

/* ---- is it of this job? ------------------------------------------------------------------------------------------- */

static emp_status_t compare_feed (const emp_journal_t *self, uint32_t place, const emp_journal_decl_t *feed, char *why)
{
    const emp_journal_feed_t *old = place < self->index.feeds_count ? &self->index.feeds[place] : NULL;
    if (!old || !old->named)
        return EMP_OK;
    if (strcmp (old->label, feed->label) != 0)
        return refuse (why, EMP_INVALID, "JOURNAL: %.1000s: feed %u: found the label \"%s\", expected \"%s\" as before",
                       self->path, place, feed->label, old->label);
    if (strcmp (old->queue, feed->queue) != 0)
        return refuse (why, EMP_INVALID, "JOURNAL: %.1000s: feed %u: found the queue \"%s\", expected \"%s\" as before",
                       self->path, place, feed->queue, old->queue);
    if (old->rows_max != feed->rows_max)
        return refuse (why, EMP_INVALID, "JOURNAL: %.1000s: feed %u (%s): found ROWS_MAX %u, expected %u as before",
                       self->path, place, feed->label, feed->rows_max, old->rows_max);
    return EMP_OK;
}

static emp_status_t compare (const opening_t *self)
{
    const emp_journal_t *journal = self->journal;
    if (journal->index.foreign[0])
        return refuse (
            self->why, EMP_INVALID,
            "JOURNAL: %.1000s: tickets came to \"%s\" from others than feeders, and cannot be made again: this "
            "run cannot be resumed",
            journal->path, journal->index.foreign);
    if (self->header.count != self->config->feeds_count)
        return refuse (self->why, EMP_INVALID,
                       "JOURNAL: %.1000s: found %zu feeds in the job, expected %" PRIu64 " as before", journal->path,
                       self->config->feeds_count, self->header.count);
    if (self->header.rows != self->config->rows_max)
        return refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found ROWS_MAX %u, expected %u as before",
                       journal->path, self->config->rows_max, self->header.rows);
    emp_status_t status = EMP_OK;
    for (uint32_t i = 0; i < self->config->feeds_count && status == EMP_OK; i++)
        status = compare_feed (journal, i, &self->config->feeds[i], self->why);
    return status;
}

/* ---- what is wrong with it ---------------------------------------------------------------------------------------- */

static bool copy_bytes (const emp_journal_t *self, const damage_t *damage, int to)
{
    uint8_t *piece = malloc (PIECE);
    bool good = piece != NULL;
    for (uint64_t done = 0; good && done < damage->size;) {
        uint64_t left = damage->size - done;
        ssize_t got = pread (self->fd, piece, left < PIECE ? (size_t) left : PIECE, (off_t) (damage->offset + done));
        good = got > 0 && write (to, piece, (size_t) got) == got;
        done += got > 0 ? (uint64_t) got : 0;
    }
    free (piece);
    return good;
}

/* Copies damaged bytes to FILE.quarantine. True when all of them are there, durably. */
static bool put_aside (const opening_t *self)
{
    const emp_journal_t *journal = self->journal;
    char path[EMP_JOURNAL_SIDE_MAX];
    if (self->damages_count == 0)
        return true;
    snprintf (path, sizeof path, "%.*s.quarantine", EMP_JOURNAL_PATH_MAX, journal->path);
    int to = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool all = to >= 0 && !self->untold;
    for (size_t i = 0; i < self->damages_count; i++) {
        bool good = to >= 0 && copy_bytes (journal, &self->damages[i], to);
        all &= good;
        say (journal, "%" PRIu64 " damaged bytes at offset %" PRIu64 " %s: what they told of is done again",
             self->damages[i].size, self->damages[i].offset,
             good ? "are put aside in the file of that name with .quarantine" : "could not be put aside");
    }
    if (self->untold)
        say (journal, "it is damaged in more than %u places: it is gone on with, but stays as it is", DAMAGES_MAX);
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
    say (journal, "a torn tail of %" PRIu64 " bytes is cut off", self->size - journal->end);
    if (ftruncate (journal->fd, (off_t) journal->end) != 0)
        return broken (journal, self->why, "cutting the torn tail");
    return EMP_OK;
}

/* ---- rewriting ---------------------------------------------------------------------------------------------------- */

typedef struct {
    emp_journal_t *journal;
    int fd;
    uint64_t nonce, end, history; /* records of it that are passed over */
    emp_journal_bytes_t bytes;
    /* The run at hand. What it tells of itself is kept for the sake of its answers and attempts. */
    emp_journal_record_t run;
    bool run_waits; /* it is not written, since nothing of it was kept yet */
    emp_journal_bytes_t workers;
    emp_journal_bytes_t named; /* sessions, u64, that a kept record names */
} rewrite_t;

static emp_status_t flush (rewrite_t *self)
{
    emp_journal_seal (self->bytes.data, self->bytes.size, self->nonce, self->end);
    if (!emp_journal_write (&self->journal->system, self->fd, self->bytes.data, self->bytes.size, self->end))
        return EMP_SYSTEM;
    self->end += self->bytes.size;
    self->bytes.size = 0;
    return EMP_OK;
}

/* Hashes are of use while one of their tickets has not been answered. */
static bool are_wanted (const emp_journal_t *self, const emp_journal_record_t *puts)
{
    for (uint64_t i = 0; i < puts->size / 8; i++) {
        bool answered;
        emp_journal_index_look (&self->index.feeds[puts->place], puts->number + i, &answered);
        if (!answered)
            return true;
    }
    return false;
}

static bool is_kept (rewrite_t *self, uint64_t offset, const emp_journal_record_t *record)
{
    switch (record->kind) {
    case EMP_JOURNAL_HEADER: return false; /* written already */
    case EMP_JOURNAL_PUTS:
        return record->place < self->journal->index.feeds_count && are_wanted (self->journal, record);
    case EMP_JOURNAL_ANSWER:
        return record->place < self->journal->index.feeds_count &&
               emp_journal_index_counts (&self->journal->index, offset);
    case EMP_JOURNAL_DEAD:
    case EMP_JOURNAL_ATTEMPT:
        if (self->history == 0)
            return true;
        self->history--;
        return false;
    default: return true;
    }
}

static int by_number (const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Sorts the sessions, each once. */
static void settle_named (emp_journal_bytes_t *named)
{
    uint64_t *sessions = (uint64_t *) (void *) named->data;
    size_t count = named->size / sizeof *sessions, kept = 0;
    if (count)
        qsort (sessions, count, sizeof *sessions, by_number);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || sessions[i] != sessions[kept - 1])
            sessions[kept++] = sessions[i];
    named->size = kept * sizeof *sessions;
}

static emp_status_t name_session (rewrite_t *self, uint64_t session)
{
    emp_journal_bytes_t *named = &self->named;
    if (named->size && memcmp (named->data + named->size - sizeof session, &session, sizeof session) == 0)
        return EMP_OK;
    if (named->room - named->size < sizeof session) {
        settle_named (named);
        if (!emp_journal_reserve (named, named->size > named->room / 2 ? named->size + sizeof session : sizeof session))
            return EMP_NOMEM;
    }
    memcpy (named->data + named->size, &session, sizeof session);
    named->size += sizeof session;
    return EMP_OK;
}

static emp_status_t write_record (rewrite_t *self, const emp_journal_record_t *record)
{
    if (!emp_journal_encode (&self->bytes, record))
        return EMP_NOMEM;
    return self->bytes.size < PIECE ? EMP_OK : flush (self);
}

/* Of the run's workers those that a kept record names. */
static emp_status_t end_run (rewrite_t *self)
{
    emp_status_t status = EMP_OK;
    settle_named (&self->named);
    for (size_t at = 0; at < self->workers.size && status == EMP_OK;) {
        emp_journal_record_t worker;
        uint8_t *head = self->workers.data + at;
        if (emp_journal_fields (head, self->workers.size - at, &worker) && self->named.size &&
            bsearch (&worker.session, self->named.data, self->named.size / sizeof worker.session, sizeof worker.session,
                     by_number))
            status = write_record (self, &worker);
        at += emp_journal_size_at (head);
    }
    self->workers.size = self->named.size = 0;
    self->run_waits = false;
    return status;
}

/* An answer or an attempt is kept: so is the run, and who it was. */
static emp_status_t keep_told (rewrite_t *self, const emp_journal_record_t *record)
{
    emp_journal_record_t kept = *record;
    emp_status_t status = self->run_waits ? write_record (self, &self->run) : EMP_OK;
    self->run_waits = false;
    if (kept.kind == EMP_JOURNAL_ANSWER && !kept.hash) /* of PUTS, which may not be kept */
        kept.hash = emp_journal_index_look (&self->journal->index.feeds[kept.place], kept.number, &(bool){0});
    if (status == EMP_OK)
        status = name_session (self, kept.session);
    return status == EMP_OK ? write_record (self, &kept) : status;
}

static emp_status_t rewrite_record (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    (void) extent;
    rewrite_t *self = arg;
    emp_status_t status;
    switch (record->kind) {
    case EMP_JOURNAL_RUN:
        status = end_run (self);
        self->run = *record;
        self->run_waits = true;
        return status;
    case EMP_JOURNAL_WORKER: return emp_journal_encode (&self->workers, record) ? EMP_OK : EMP_NOMEM;
    case EMP_JOURNAL_CLOSE: return self->run_waits ? EMP_OK : write_record (self, record);
    case EMP_JOURNAL_ANSWER:
    case EMP_JOURNAL_DEAD:
    case EMP_JOURNAL_ATTEMPT: return is_kept (self, offset, record) ? keep_told (self, record) : EMP_OK;
    default: return is_kept (self, offset, record) ? write_record (self, record) : EMP_OK;
    }
}

static emp_status_t rewrite (rewrite_t *self, const emp_journal_record_t *header, const char *path, const char *real)
{
    const emp_journal_walk_t walk = {.record = rewrite_record, .arg = self};
    emp_journal_t *journal = self->journal;
    emp_journal_input_t input = input_of (journal, journal->end);
    uint64_t end;
    if (flock (self->fd, LOCK_EX | LOCK_NB) != 0)
        return EMP_SYSTEM;
    emp_status_t status = encode_header (&self->bytes, header, self->nonce) ? EMP_OK : EMP_NOMEM;
    if (status == EMP_OK)
        status = emp_journal_scan (&input, journal->nonce, 0, &walk, &end);
    if (status == EMP_OK)
        status = end_run (self);
    if (status == EMP_OK)
        status = flush (self);
    if (status == EMP_OK && (journal->system.sync (self->fd) != 0 || rename (path, real) != 0))
        status = EMP_SYSTEM;
    return status;
}

/* True when a rewrite of this very journal that was killed has left the file, which nobody needs. */
static bool is_left_over (const opening_t *self, const char *path)
{
    struct stat file;
    emp_journal_record_t header;
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    bool regular = fd >= 0 && fstat (fd, &file) == 0 && S_ISREG (file.st_mode);
    bool ours = regular && file.st_size == 0;
    if (regular && !ours) {
        const emp_journal_input_t input = emp_journal_file (&fd, self->journal->system.grow, (uint64_t) file.st_size);
        ours = emp_journal_find_header (&input, &header) == EMP_OK && header.run == self->header.run;
    }
    if (fd >= 0)
        close (fd);
    return ours;
}

/* A file beside the journal, of its owner and mode; -1 with errno. */
static int make_copy (const opening_t *self, const char *path)
{
    static const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    struct stat like, copy;
    int fd = open (path, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        if (is_left_over (self, path) && unlink (path) == 0)
            fd = open (path, flags, 0600);
        else
            errno = EEXIST;
    }
    if (fd < 0)
        return -1;
    if (fstat (self->journal->fd, &like) == 0 && fstat (fd, &copy) == 0 &&
        ((like.st_uid == copy.st_uid && like.st_gid == copy.st_gid) || fchown (fd, like.st_uid, like.st_gid) == 0) &&
        fchmod (fd, like.st_mode & 07777) == 0)
        return fd;
    int error = errno;
    unlink (path);
    close (fd);
    errno = error;
    return -1;
}

/* Says why not. */
static emp_status_t rewrite_at (opening_t *self, rewrite_t *copy, const char *real)
{
    char path[EMP_JOURNAL_SIDE_MAX];
    if (real && snprintf (path, sizeof path, "%s.eisenmp-tmp", real) >= (int) sizeof path)
        errno = ENAMETOOLONG;
    else if (real && !is_ours (self->journal, real))
        errno = ESTALE;
    else if (real)
        copy->fd = make_copy (self, path);
    emp_status_t status = copy->fd < 0 ? EMP_SYSTEM : rewrite (copy, &self->header, path, real);
    if (status == EMP_OK)
        return status;
    say (self->journal, "could not be rewritten without what is of no use any more: %s%s",
         status == EMP_NOMEM ? "out of memory" : strerror (errno),
         copy->fd < 0 && errno == EEXIST ? " (the file of that name with .eisenmp-tmp)" : "");
    if (copy->fd >= 0) {
        unlink (path);
        close (copy->fd);
    }
    return status;
}

/* Writes what is of use to a new file, which takes the place of the old one, wherever a link leads to it, when it is whole. What
 * fails before changes nothing. */
static emp_status_t compact (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    rewrite_t copy = {.journal = journal,
                      .fd = -1,
                      .nonce = emp_journal_random (),
                      .history = journal->index.history > HISTORY_MAX ? journal->index.history - HISTORY_MAX : 0,
                      .bytes = {.grow = journal->system.grow},
                      .workers = {.grow = journal->system.grow},
                      .named = {.grow = journal->system.grow}};
    char *real = realpath (journal->path, NULL);
    emp_status_t status = rewrite_at (self, &copy, real);
    emp_journal_release (&copy.bytes);
    emp_journal_release (&copy.workers);
    emp_journal_release (&copy.named);
    if (status == EMP_OK) {
        close (journal->fd);
        journal->fd = copy.fd;
        journal->nonce = copy.nonce;
        journal->end = copy.end;
        journal->index.useless_count = 0; /* they lay in the old file */
        if (!emp_journal_sync_folder (&journal->system, real))
            status = broken (journal, self->why, "writing its folder");
    } else
        status = EMP_OK;
    free (real);
    return status;
}

static bool is_worth_rewriting (const opening_t *self)
{
    const emp_journal_index_t *index = &self->journal->index;
    return self->damaged || index->history > 2 * HISTORY_MAX ||
           (index->useless_bytes > SLACK && index->useless_bytes > self->size / 4);
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

/* The file of that name, locked. One that was renamed over while we waited for the lock is not it. */
static emp_status_t lock_file (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    struct stat ours;
    emp_status_t status = lock (journal, self->why);
    if (status != EMP_OK)
        return status;
    if (!is_ours (journal, journal->path))
        return refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: another run is at work on it", journal->path);
    if (fstat (journal->fd, &ours) != 0 || !S_ISREG (ours.st_mode))
        return refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found no regular file, expected one", journal->path);
    self->size = (uint64_t) ours.st_size;
    return EMP_OK;
}

static emp_status_t go_on (opening_t *self)
{
    emp_journal_t *journal = self->journal;
    emp_status_t status = lock_file (self);
    if (status == EMP_OK && self->size == 0) {
        say (journal, "it is empty: the run starts anew");
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
    if (aside && is_worth_rewriting (self)) /* what was not put aside would be lost */
        status = compact (self);
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
        return refuse (self->why, EMP_INVALID, "JOURNAL: %.1000s: found \"%s\", expected a file to go on with",
                       journal->path, strerror (errno));
    say (journal, "there is none: the run starts anew");
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
        return no_memory (ret_why);
    emp_status_t status = strlen (config->path) > EMP_JOURNAL_PATH_MAX
                              ? refuse (ret_why, EMP_INVALID, "JOURNAL: found a path of %zu bytes, expected at most %d",
                                        strlen (config->path), EMP_JOURNAL_PATH_MAX)
                              : open_file (&opening);
    free (opening.damages);
    if (status == EMP_OK)
        *ret_self = opening.journal;
    else
        emp_journal_destroy (&opening.journal);
    return status;
}

emp_status_t emp_journal_feed (emp_journal_t *self, uint32_t place, uint32_t id, const emp_journal_decl_t *feed,
                               char ret_why[EMP_JOURNAL_WHY_MAX])
{
    if (place >= EMP_JOURNAL_FEEDS_MAX)
        return refuse (ret_why, EMP_INVALID, "JOURNAL: at most %u feeds", EMP_JOURNAL_FEEDS_MAX);
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
    emp_journal_take_fn *take;
    void *arg;
} replay_t;

static emp_status_t replay_record (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    (void) extent;
    const replay_t *self = arg;
    if (record->kind != EMP_JOURNAL_ANSWER || record->place < self->first || record->place >= self->beyond ||
        !emp_journal_index_counts (&self->journal->index, offset))
        return EMP_OK;
    emp_part_t part;
    emp_journal_part_of (record, &part);
    self->take (self->arg, self->journal->places[record->place].id, &part, record->data);
    return EMP_OK;
}

emp_status_t emp_journal_replay (emp_journal_t *self, uint32_t first, uint32_t beyond, emp_journal_take_fn *take,
                                 void *arg)
{
    uint64_t answered = 0, end;
    for (uint32_t i = first; i < beyond && i < self->index.feeds_count; i++)
        answered += self->index.feeds[i].answered;
    if (answered == 0)
        return EMP_OK;
    replay_t replay = {.journal = self, .first = first, .beyond = beyond, .take = take, .arg = arg};
    const emp_journal_walk_t walk = {.record = replay_record, .arg = &replay};
    emp_journal_input_t input = input_of (self, self->past);
    return emp_journal_scan (&input, self->nonce, 0, &walk, &end);
}

/* ---- end ---------------------------------------------------------------------------------------------------------- */

emp_status_t emp_journal_close (emp_journal_t *self, bool whole)
{
    emp_journal_note (
        self, &(emp_journal_record_t){.kind = EMP_JOURNAL_CLOSE, .code = whole ? 0 : 1, .when_us = emp_wall_us ()});
    bool fresh = self->fresh;
    emp_status_t status = emp_journal_commit (self);
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
    if (self->fresh && is_ours (self, self->path))
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
