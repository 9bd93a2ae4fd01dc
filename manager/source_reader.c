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

emp_status_t emp_reader_more (emp_reader_t *self)
{
    emp_status_t status = make_room (self);
    while (!status && !self->eof) {
        if (self->waits && (status = wait_for_input (self)))
            break;
        ssize_t got = read (self->fd, self->data + self->end, self->room - self->end);
        if (got > 0) {
            self->end += (size_t) got;
            break;
        }
        if (got == 0)
            self->eof = true;
        else if (errno != EINTR && errno != EAGAIN)
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
