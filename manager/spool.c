/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spool.c - what was read of an input that cannot be read twice. See spool.h.
 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_inner.h"
#include "journal_read.h"

/* A place among the bytes of the input as they lie in the file. */
typedef struct {
    uint64_t offset; /* of the record behind the one that is held */
    emp_journal_bytes_t bytes;
    const uint8_t *data; /* what is left of the one that is held */
    size_t size;
} cursor_t;

struct emp_spool {
    char path[EMP_JOURNAL_SIDE_MAX];
    int fd;
    bool durable, complete;
    emp_journal_system_t system;
    uint64_t nonce, run;
    uint64_t end;           /* of the file */
    uint64_t past_end;      /* where what earlier runs read ends */
    uint64_t past;          /* bytes of the input in that */
    uint64_t total;         /* bytes of the input in it */
    uint64_t same;          /* bytes of the input that were compared */
    cursor_t ahead, behind; /* where it is read, where it is compared */
    char why[EMP_JOURNAL_SIDE_MAX + 128];
};

static void path_of (const char *journal, uint32_t place, char *ret_path, size_t size)
{
    snprintf (ret_path, size, "%.*s.spool-%u", EMP_JOURNAL_PATH_MAX, journal, place);
}

void emp_spool_remove (const char *journal, uint32_t place)
{
    char path[EMP_JOURNAL_SIDE_MAX];
    path_of (journal, place, path, sizeof path);
    unlink (path);
}

bool emp_spool_is_complete (const emp_spool_t *self)
{
    return self->complete;
}

uint64_t emp_spool_differs (const emp_spool_t *self)
{
    return self->same;
}

const char *emp_spool_why (const emp_spool_t *self)
{
    return *self->why ? self->why : NULL;
}

static emp_status_t fail (emp_spool_t *self, const char *what)
{
    snprintf (self->why, sizeof self->why, "%s: %s: %s", self->path, what, strerror (errno));
    return EMP_SYSTEM;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static emp_status_t append (emp_spool_t *self, const emp_journal_record_t *records, size_t count)
{
    emp_journal_bytes_t bytes = {.grow = self->system.grow};
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = emp_journal_encode (&bytes, &records[i]);
    emp_status_t status = good ? EMP_OK : EMP_NOMEM;
    if (good) {
        emp_journal_seal (bytes.data, bytes.size, self->nonce, self->end);
        if (!emp_journal_write (&self->system, self->fd, bytes.data, bytes.size, self->end) ||
            (self->durable && self->system.sync (self->fd) != 0))
            status = fail (self, "writing");
        else
            self->end += bytes.size;
    }
    emp_journal_release (&bytes);
    return status;
}

static emp_status_t begin (emp_spool_t *self)
{
    const emp_journal_record_t header = {
        .kind = EMP_JOURNAL_HEADER, .version = EMP_JOURNAL_VERSION, .nonce = self->nonce, .run = self->run};
    const emp_journal_record_t records[] = {header, header};
    self->end = 0;
    if (ftruncate (self->fd, 0) != 0)
        return EMP_SYSTEM;
    emp_status_t status = append (self, records, 2);
    if (status == EMP_OK && self->durable && !emp_journal_sync_folder (&self->system, self->path))
        status = EMP_SYSTEM;
    self->past_end = self->ahead.offset = self->behind.offset = self->end;
    return status;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

typedef struct {
    emp_spool_t *spool;
    uint64_t damaged, damage_size;
} reading_t;

static emp_status_t note_record (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    (void) offset, (void) extent;
    reading_t *self = arg;
    if (record->kind == EMP_JOURNAL_SPOOL)
        self->spool->total += record->size;
    if (record->kind == EMP_JOURNAL_SPOOL_END)
        self->spool->complete = record->count == self->spool->total;
    return EMP_OK;
}

static emp_status_t note_damage (void *arg, uint64_t offset, uint64_t size)
{
    reading_t *self = arg;
    self->damaged = offset;
    self->damage_size = size;
    return EMP_MALFORMED;
}

static emp_status_t refuse (const emp_spool_t *self, char *why, emp_status_t status, const char *what)
{
    snprintf (why, EMP_JOURNAL_WHY_MAX, "JOURNAL: %.1000s: %s", self->path, what);
    return status;
}

static emp_status_t read_back (emp_spool_t *self, const emp_spool_config_t *config, uint64_t size, char *why)
{
    const emp_journal_input_t input = emp_journal_file (&self->fd, self->system.grow, size);
    reading_t reading = {.spool = self};
    const emp_journal_walk_t walk = {.record = note_record, .damage = note_damage, .arg = &reading};
    char text[256];
    emp_journal_record_t header;
    emp_status_t status = emp_journal_find_header (&input, &header);
    if (status == EMP_UNKNOWN || status == EMP_TOOBIG || (status == EMP_OK && header.run != config->run))
        return refuse (self, why, EMP_INVALID,
                       "found no input of this run, expected what it had read: remove it to give all of "
                       "the input again");
    if (status == EMP_OK) {
        self->nonce = header.nonce;
        status = emp_journal_scan (&input, self->nonce, 0, &walk, &self->end);
    }
    snprintf (text, sizeof text,
              "found %" PRIu64 " damaged bytes at offset %" PRIu64
              ", expected the input as it was read: remove it to give all of the input again",
              reading.damage_size, reading.damaged);
    if (status == EMP_MALFORMED)
        return refuse (self, why, EMP_INVALID, text);
    if (status != EMP_OK)
        return refuse (self, why, status, status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
    if (self->end < size) {
        snprintf (why, EMP_JOURNAL_WHY_MAX, "eisenmp: %.1000s: a torn tail of %" PRIu64 " bytes is cut off", self->path,
                  size - self->end);
        config->say (config->arg, why);
        if (ftruncate (self->fd, (off_t) self->end) != 0)
            return refuse (self, why, EMP_SYSTEM, strerror (errno));
    }
    self->past_end = self->end;
    self->past = self->total;
    return EMP_OK;
}

static emp_status_t open_spool (emp_spool_t *self, const emp_spool_config_t *config, char *why)
{
    struct stat stat;
    self->fd = open (self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->fd < 0 || fstat (self->fd, &stat) != 0)
        return refuse (self, why, EMP_SYSTEM, strerror (errno));
    if (config->resume && stat.st_size > 0)
        return read_back (self, config, (uint64_t) stat.st_size, why);
    emp_status_t status = begin (self);
    return status == EMP_OK
               ? EMP_OK
               : refuse (self, why, status, status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
}

emp_status_t emp_spool_open (const emp_spool_config_t *config, emp_spool_t **ret_self,
                             char ret_why[EMP_JOURNAL_WHY_MAX])
{
    emp_spool_t *self = calloc (1, sizeof *self);
    if (!self)
        return snprintf (ret_why, EMP_JOURNAL_WHY_MAX, "out of memory"), EMP_NOMEM;
    self->fd = -1;
    self->durable = config->durable;
    self->system = config->system ? *config->system : emp_journal_libc;
    self->ahead.bytes.grow = self->behind.bytes.grow = self->system.grow;
    self->nonce = emp_journal_random ();
    self->run = config->run;
    path_of (config->journal, config->place, self->path, sizeof self->path);
    emp_status_t status = open_spool (self, config, ret_why);
    if (status == EMP_OK)
        *ret_self = self;
    else
        emp_spool_destroy (&self);
    return status;
}

void emp_spool_destroy (emp_spool_t **self_p)
{
    emp_spool_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->fd >= 0)
        close (self->fd);
    emp_journal_release (&self->ahead.bytes);
    emp_journal_release (&self->behind.bytes);
    free (self);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static bool read_whole (const emp_spool_t *self, uint8_t *to, uint64_t size, uint64_t offset)
{
    while (size) {
        ssize_t got = pread (self->fd, to, size, (off_t) offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got ? errno : EIO;
            return false;
        }
        to += got;
        size -= (uint64_t) got;
        offset += (uint64_t) got;
    }
    return true;
}

/* The record behind the one that is held. They were all whole when the file was opened. */
static emp_status_t advance (const emp_spool_t *self, cursor_t *cursor)
{
    emp_journal_record_t record = {0};
    uint32_t length;
    cursor->bytes.size = 0;
    if (!emp_journal_reserve (&cursor->bytes, EMP_JOURNAL_HEAD))
        return EMP_NOMEM;
    if (!read_whole (self, cursor->bytes.data, EMP_JOURNAL_HEAD, cursor->offset))
        return EMP_SYSTEM;
    bool good = emp_journal_head (cursor->bytes.data, self->nonce, cursor->offset, &length);
    uint64_t extent = good ? emp_journal_extent (length) : 0;
    if (good && !emp_journal_reserve (&cursor->bytes, (size_t) extent))
        return EMP_NOMEM;
    if (good && !read_whole (self, cursor->bytes.data, extent, cursor->offset))
        return EMP_SYSTEM;
    if (!good || !emp_journal_decode (cursor->bytes.data, (size_t) extent, self->nonce, cursor->offset, &record)) {
        errno = EIO;
        return EMP_SYSTEM;
    }
    cursor->offset += extent;
    cursor->data = record.data;
    cursor->size = record.kind == EMP_JOURNAL_SPOOL ? record.size : 0;
    return EMP_OK;
}

/* Something is held, or *ret_size is 0. */
static emp_status_t hold (emp_spool_t *self, cursor_t *cursor, size_t size, size_t *ret_size)
{
    emp_status_t status = EMP_OK;
    while (status == EMP_OK && cursor->size == 0 && cursor->offset < self->past_end)
        status = advance (self, cursor);
    *ret_size = status != EMP_OK ? 0 : cursor->size < size ? cursor->size : size;
    return status == EMP_SYSTEM ? fail (self, "reading") : status;
}

static void pass (cursor_t *cursor, size_t size)
{
    cursor->data += size;
    cursor->size -= size;
}

emp_status_t emp_spool_read (emp_spool_t *self, void *to, size_t size, size_t *ret_size)
{
    emp_status_t status = hold (self, &self->ahead, size, ret_size);
    if (*ret_size) {
        memcpy (to, self->ahead.data, *ret_size);
        pass (&self->ahead, *ret_size);
    }
    return status;
}

static uint64_t common_bytes (const uint8_t *a, const uint8_t *b, size_t size)
{
    size_t same = 0;
    while (same < size && a[same] == b[same])
        same++;
    return same;
}

emp_status_t emp_spool_take (emp_spool_t *self, const uint8_t *data, size_t size, size_t *ret_new)
{
    *ret_new = 0;
    while (size) {
        size_t held;
        emp_status_t status = hold (self, &self->behind, size, &held);
        if (status != EMP_OK)
            return status;
        if (held == 0)
            break;
        if (memcmp (data, self->behind.data, held) != 0) {
            self->same += common_bytes (data, self->behind.data, held);
            return EMP_STALE;
        }
        pass (&self->behind, held);
        self->same += held;
        data += held;
        size -= held;
    }
    *ret_new = size;
    if (size == 0)
        return EMP_OK;
    self->total += size;
    self->same += size;
    return append (self, &(emp_journal_record_t){.kind = EMP_JOURNAL_SPOOL, .data = data, .size = size}, 1);
}

emp_status_t emp_spool_end (emp_spool_t *self)
{
    if (self->complete)
        return EMP_OK;
    if (self->same < self->total)
        return EMP_STALE;
    self->complete = true;
    return append (self, &(emp_journal_record_t){.kind = EMP_JOURNAL_SPOOL_END, .count = self->total}, 1);
}

const char *emp_spool_take_back (emp_spool_t *self)
{
    bool good =
        ftruncate (self->fd, (off_t) self->past_end) == 0 && (!self->durable || self->system.sync (self->fd) == 0);
    return good && self->past == 0 ? NULL : self->path;
}
