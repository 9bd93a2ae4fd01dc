/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source_reader.c - bytes of a file or pipe in a buffer of its own, a line at a time.
 */
#include "source_reader.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"

#define ROOM_FIRST (256u * 1024)

emp_status_t emp_reader_open (emp_reader_t *self, int fd, int wake)
{
    struct stat stat;
    *self = (emp_reader_t){.fd = fd, .wake = wake, .room = ROOM_FIRST};
    self->waits = fstat (fd, &stat) < 0 || !S_ISREG (stat.st_mode);
    self->data = malloc (self->room);
    if (self->data)
        return EMP_OK;
    emp_reader_close (self);
    return EMP_NOMEM;
}

void emp_reader_close (emp_reader_t *self)
{
    if (self->fd > STDIN_FILENO)
        close (self->fd);
    free (self->data);
    *self = (emp_reader_t){.fd = -1, .wake = -1};
}

/* At least one free byte behind `end`. */
static emp_status_t make_room (emp_reader_t *self)
{
    if (self->begin > 0) {
        memmove (self->data, self->data + self->begin, self->end - self->begin);
        self->end -= self->begin;
        self->begin = 0;
    }
    if (self->end > EMP_SOURCE_LINE_MAX)
        return EMP_TOOBIG;
    if (self->end < self->room)
        return EMP_OK;
    assert (self->room >= ROOM_FIRST);
    uint8_t *data = realloc (self->data, self->room * 2);
    if (!data)
        return EMP_NOMEM;
    self->data = data;
    self->room *= 2;
    return EMP_OK;
}

static emp_status_t wait_for_input (const emp_reader_t *self)
{
    struct pollfd polled[] = {{.fd = self->fd, .events = POLLIN}, {.fd = self->wake, .events = POLLIN}};
    while (poll (polled, 2, -1) < 0)
        if (errno != EINTR)
            return EMP_SYSTEM;
    return polled[1].revents ? EMP_STOPPED : EMP_OK;
}

/* What earlier runs read, before the input is asked at all. *ret_more: there was some, or the input has ended with it. */
static emp_status_t read_spool (emp_reader_t *self, bool *ret_more)
{
    size_t got;
    emp_status_t status = emp_spool_read (self->spool, self->data + self->end, self->room - self->end, &got);
    self->end += got;
    self->ahead = got > 0;
    self->eof = status == EMP_OK && got == 0 && emp_spool_is_complete (self->spool);
    *ret_more = status != EMP_OK || got > 0 || self->eof;
    return status;
}

/* What the input gave just now lies behind the end: what is new of it, if any is, stays. */
static emp_status_t keep (emp_reader_t *self, size_t got, bool *ret_more)
{
    size_t new = got;
    uint8_t *data = self->data + self->end;
    emp_status_t status = self->spool ? emp_spool_take (self->spool, data, got, &new) : EMP_OK;
    if (status == EMP_OK) {
        memmove (data, data + got - new, new);
        self->end += new;
        *ret_more = new > 0;
    }
    return status;
}

emp_status_t emp_reader_more (emp_reader_t *self)
{
    emp_status_t status = make_room (self);
    bool more = false;
    if (!status && self->ahead && !self->eof)
        status = read_spool (self, &more);
    while (!status && !more && !self->eof) {
        if (self->waits && (status = wait_for_input (self)))
            break;
        ssize_t got = read (self->fd, self->data + self->end, self->room - self->end);
        if (got > 0)
            status = keep (self, (size_t) got, &more);
        else if (got == 0) {
            self->eof = true;
            status = self->spool ? emp_spool_end (self->spool) : EMP_OK;
        } else if (errno != EINTR && errno != EAGAIN)
            status = EMP_SYSTEM;
    }
    return status;
}

emp_status_t emp_reader_line (emp_reader_t *self, const uint8_t **ret_line, size_t *ret_size)
{
    size_t looked = 0; /* bytes behind `begin` that hold no \n */
    for (;;) {
        const uint8_t *line = self->data + self->begin;
        size_t size = self->end - self->begin;
        const uint8_t *newline = looked < size ? memchr (line + looked, '\n', size - looked) : NULL;
        size = newline ? (size_t) (newline - line) : size;
        if (newline || self->eof) {
            if (size > EMP_SOURCE_LINE_MAX)
                return EMP_TOOBIG;
            if (!newline && size == 0)
                return EMP_STOPPED;
            self->begin += size + (newline != NULL);
            *ret_line = line;
            *ret_size = size;
            return EMP_OK;
        }
        looked = size;
        emp_status_t status = emp_reader_more (self);
        if (status)
            return status;
    }
}
