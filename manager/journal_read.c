/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_read.c - walks over the records of a journal. See journal_read.h.
 */
#include "journal_read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WINDOW (1024u * 1024)
#define BLOCK 4096u /* what of a file is lost at least when one sector of it cannot be read */

static ssize_t read_file (void *arg, void *to, size_t size, uint64_t offset)
{
    return pread (*(const int *) arg, to, size, (off_t) offset);
}

emp_journal_input_t emp_journal_file (int *fd, void *(*grow) (void *old, size_t size), uint64_t size)
{
    return (emp_journal_input_t){.read = read_file, .grow = grow, .arg = fd, .size = size};
}

/* The bytes begin … begin + bytes.size of the file. */
typedef struct {
    const emp_journal_input_t *input;
    emp_journal_bytes_t bytes;
    uint64_t begin;
    bool strict; /* what cannot be read is a failure, and no damage */
    emp_status_t status;
} window_t;

/* Up to `room` bytes at the window's end. A block that the disk does not give is one of zeros, in which no record begins or goes on. */
static ssize_t read_on (window_t *self, size_t room)
{
    const emp_journal_input_t *input = self->input;
    uint8_t *to = self->bytes.data + self->bytes.size;
    uint64_t offset = self->begin + self->bytes.size;
    size_t block = BLOCK - (size_t) (offset % BLOCK);
    block = block < room ? block : room;
    ssize_t got = input->read (input->arg, to, room, offset);
    if (got < 0 && errno == EIO && !self->strict) {
        got = input->read (input->arg, to, block, offset); /* what is bad may lie behind it */
        if (got < 0 && errno == EIO) {
            memset (to, 0, block);
            return (ssize_t) block;
        }
    }
    return got;
}

static void fill (window_t *self, size_t size)
{
    uint64_t left = self->input->size - self->begin - self->bytes.size;
    size_t room = self->bytes.room - self->bytes.size;
    room = room < left ? room : (size_t) left;
    while (self->bytes.size < size && room) {
        ssize_t got = read_on (self, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            self->status = EMP_SYSTEM;
        if (got <= 0)
            return; /* it is shorter than it was */
        self->bytes.size += (size_t) got;
        room -= (size_t) got;
    }
}

/* The bytes at an offset, which only grows; NULL when the file has fewer, or self->status says why. */
static const uint8_t *bytes_at (window_t *self, uint64_t offset, uint64_t size)
{
    uint64_t end = self->begin + self->bytes.size;
    if (offset + size <= end)
        return self->bytes.data + (offset - self->begin);
    if (offset >= self->input->size || size > self->input->size - offset)
        return NULL;
    size_t keep = offset < end ? (size_t) (end - offset) : 0;
    if (keep && self->bytes.data)
        memmove (self->bytes.data, self->bytes.data + (offset - self->begin), keep);
    self->bytes.size = keep;
    self->begin = offset;
    size_t room = size > WINDOW ? (size_t) size : WINDOW;
    if (self->bytes.room < room && !emp_journal_reserve (&self->bytes, room - keep)) {
        self->status = EMP_NOMEM;
        return NULL;
    }
    fill (self, (size_t) size);
    return self->bytes.size >= size ? self->bytes.data : NULL;
}

/* The record that begins here, if one does: its extent, or 0. */
static uint64_t record_at (window_t *self, uint64_t nonce, uint64_t offset, emp_journal_record_t *ret_record)
{
    uint32_t length;
    const uint8_t *bytes = bytes_at (self, offset, EMP_JOURNAL_HEAD);
    if (!bytes || !emp_journal_head (bytes, nonce, offset, &length))
        return 0;
    uint64_t extent = emp_journal_extent (length);
    bytes = bytes_at (self, offset, extent);
    return bytes && emp_journal_decode (bytes, (size_t) extent, nonce, offset, ret_record) ? extent : 0;
}

static emp_status_t scan (const emp_journal_input_t *input, uint64_t nonce, uint64_t offset,
                          const emp_journal_walk_t *walk, bool strict, uint64_t *ret_end)
{
    window_t window = {.input = input, .bytes = {.grow = input->grow}, .strict = strict};
    emp_status_t status = EMP_OK;
    uint64_t good = offset; /* the end of the last record */
    while (offset < input->size && status == EMP_OK) {
        emp_journal_record_t record;
        uint64_t extent = record_at (&window, nonce, offset, &record);
        status = window.status;
        if (status == EMP_OK && extent) {
            if (good < offset && walk->damage)
                status = walk->damage (walk->arg, good, offset - good);
            if (status == EMP_OK)
                status = walk->record (walk->arg, offset, extent, &record);
            good = offset + extent;
        }
        offset += extent ? extent : 8;
    }
    emp_journal_release (&window.bytes);
    *ret_end = good;
    return status;
}

emp_status_t emp_journal_scan (const emp_journal_input_t *input, uint64_t nonce, uint64_t offset,
                               const emp_journal_walk_t *walk, uint64_t *ret_end)
{
    return scan (input, nonce, offset, walk, false, ret_end);
}

static emp_status_t take_header (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    (void) offset, (void) extent;
    emp_journal_record_t *header = arg;
    if (record->kind != EMP_JOURNAL_HEADER)
        return EMP_OK;
    *header = *record;
    return EMP_EXISTS;
}

/* Records that are no header may look like one only by a sum of 64 bits, since they are sealed with the nonce. */
emp_status_t emp_journal_find_header (const emp_journal_input_t *input, emp_journal_record_t *ret_header)
{
    emp_journal_walk_t walk = {.record = take_header, .arg = ret_header};
    emp_journal_input_t front = *input;
    front.size = front.size < 4096 ? front.size : 4096; /* both headers lie at the front */
    uint64_t end;
    emp_status_t status = scan (&front, 0, 0, &walk, true, &end);
    if (status == EMP_EXISTS)
        return ret_header->version == EMP_JOURNAL_VERSION ? EMP_OK : EMP_TOOBIG;
    return status == EMP_OK ? EMP_UNKNOWN : status;
}
