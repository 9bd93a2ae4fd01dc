/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_rewrite.c - a journal without what is of no use any more: a copy of what counts, which takes its place. See
 * journal_inner.h.
 *
 * Invariant: the copy answers every question of journal_index.h as the old file did, and tells of each answer and attempt that it
 * has by whom and in which run it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_inner.h"
#include "journal_read.h"

#define HISTORY_MAX 65536u         /* records of attempts and deaths that a rewritten file keeps */
#define SLACK (UINT64_C (1) << 20) /* bytes of no use that are no reason to rewrite a file */
#define PIECE (1024u * 1024)

bool emp_journal_is_wasteful (const emp_journal_t *self, uint64_t size)
{
    const emp_journal_index_t *index = &self->index;
    return index->history > 2 * HISTORY_MAX || (index->useless_bytes > SLACK && index->useless_bytes > size / 4);
}

/* ---- what is kept ------------------------------------------------------------------------------------------------- */

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
    emp_journal_input_t input = emp_journal_input (journal, journal->end);
    uint64_t end;
    if (flock (self->fd, LOCK_EX | LOCK_NB) != 0)
        return EMP_SYSTEM;
    emp_status_t status = emp_journal_encode_header (&self->bytes, header, self->nonce) ? EMP_OK : EMP_NOMEM;
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

/* ---- the file ----------------------------------------------------------------------------------------------------- */

/* True when a rewrite of this very journal that was killed has left the file, which nobody needs. */
static bool is_left_over (const emp_journal_t *self, const emp_journal_record_t *like, const char *path)
{
    struct stat file;
    emp_journal_record_t header;
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    bool regular = fd >= 0 && fstat (fd, &file) == 0 && S_ISREG (file.st_mode);
    bool ours = regular && file.st_size == 0;
    if (regular && !ours) {
        const emp_journal_input_t input = emp_journal_file (&fd, self->system.grow, (uint64_t) file.st_size);
        ours = emp_journal_find_header (&input, &header) == EMP_OK && header.run == like->run;
    }
    if (fd >= 0)
        close (fd);
    return ours;
}

/* A file beside the journal, of its owner and mode; -1 with errno. */
static int make_copy (const emp_journal_t *self, const emp_journal_record_t *header, const char *path)
{
    static const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    struct stat like, copy;
    int fd = open (path, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        if (is_left_over (self, header, path) && unlink (path) == 0)
            fd = open (path, flags, 0600);
        else
            errno = EEXIST;
    }
    if (fd < 0)
        return -1;
    if (fstat (self->fd, &like) == 0 && fstat (fd, &copy) == 0 &&
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
static emp_status_t rewrite_at (rewrite_t *copy, const emp_journal_record_t *header, const char *real)
{
    const emp_journal_t *journal = copy->journal;
    char path[EMP_JOURNAL_SIDE_MAX];
    if (real && snprintf (path, sizeof path, "%s.eisenmp-tmp", real) >= (int) sizeof path)
        errno = ENAMETOOLONG;
    else if (real && !emp_journal_is_named (journal, real))
        errno = ESTALE;
    else if (real)
        copy->fd = make_copy (journal, header, path);
    emp_status_t status = copy->fd < 0 ? EMP_SYSTEM : rewrite (copy, header, path, real);
    if (status == EMP_OK)
        return status;
    emp_journal_tell (journal, "could not be rewritten without what is of no use any more: %s%s",
                      status == EMP_NOMEM ? "out of memory" : strerror (errno),
                      copy->fd < 0 && errno == EEXIST ? " (the file of that name with .eisenmp-tmp)" : "");
    if (copy->fd >= 0) {
        unlink (path);
        close (copy->fd);
    }
    return status;
}

emp_status_t emp_journal_rewrite (emp_journal_t *journal, const emp_journal_record_t *header, char *why)
{
    rewrite_t copy = {.journal = journal,
                      .fd = -1,
                      .nonce = emp_journal_random (),
                      .history = journal->index.history > HISTORY_MAX ? journal->index.history - HISTORY_MAX : 0,
                      .bytes = {.grow = journal->system.grow},
                      .workers = {.grow = journal->system.grow},
                      .named = {.grow = journal->system.grow}};
    char *real = realpath (journal->path, NULL);
    emp_status_t status = rewrite_at (&copy, header, real);
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
            status = emp_journal_broken (journal, why, "writing its folder");
    } else
        status = EMP_OK;
    free (real);
    return status;
}
