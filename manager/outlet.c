/* SPDX-License-Identifier: BSD-3-Clause
 *
 * outlet.c - where a stream of results goes. See outlet.h.
 */
#include "outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/net/socket.h"

struct emp_outlet {
    int fd;
    int wake;     /* an eventfd: `until` has changed */
    mode_t kind;  /* S_IFREG, S_IFIFO… */
    bool own;     /* a plain file that we opened */
    bool patient; /* fd may block: it is written to when it is ready, and no more than always fits then */
    off_t size;   /* of what was written whole; of a file of our own */
    struct stat stat_of;
    _Atomic uint64_t until;
};

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

/* A descriptor of our own that does not block, since O_NONBLOCK of standard output would be that of all who share it. Not every
 * kind can be opened anew (a socket); a plain file would lose its place. */
static int open_stdout (emp_outlet_t *self)
{
    int flags = fcntl (STDOUT_FILENO, F_GETFL);
    if (flags < 0 || fstat (STDOUT_FILENO, &self->stat_of) != 0)
        return -1;
    if ((flags & O_ACCMODE) == O_RDONLY) { /* as it is when it was closed */
        errno = EBADF;
        return -1;
    }
    int fd = -1;
    if (S_ISFIFO (self->stat_of.st_mode) || S_ISCHR (self->stat_of.st_mode))
        fd = open ("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    self->patient = fd < 0;
    return fd >= 0 ? fd : fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static int open_file (emp_outlet_t *self, const char *path)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0 || fstat (fd, &self->stat_of) != 0)
        return fd;
    self->own = S_ISREG (self->stat_of.st_mode);
    if (self->own && flock (fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        close (fd);
        errno = why;
        return -1;
    }
    return fd;
}

emp_outlet_t *emp_outlet_open (const char *path)
{
    emp_outlet_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->until = UINT64_MAX;
    self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->fd = self->wake < 0 ? -1 : strcmp (path, "-") == 0 ? open_stdout (self) : open_file (self, path);
    self->kind = self->stat_of.st_mode & S_IFMT;
    if (self->fd >= 0)
        return self;
    int why = errno;
    emp_outlet_destroy (&self);
    errno = why;
    return NULL;
}

void emp_outlet_destroy (emp_outlet_t **self_p)
{
    emp_outlet_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->fd >= 0)
        close (self->fd);
    if (self->wake >= 0)
        close (self->wake);
    free (self);
}

bool emp_outlet_is (const emp_outlet_t *self, const char *path)
{
    struct stat other;
    return stat (path, &other) == 0 && S_ISREG (other.st_mode) && other.st_ino == self->stat_of.st_ino &&
           other.st_dev == self->stat_of.st_dev;
}

bool emp_outlet_begin (emp_outlet_t *self)
{
    return !self->own || ftruncate (self->fd, 0) == 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

void emp_outlet_until (emp_outlet_t *self, uint64_t until)
{
    uint64_t before = atomic_load (&self->until);
    while (until < before && !atomic_compare_exchange_weak (&self->until, &before, until))
        ;
    uint64_t one = 1;
    (void) !write (self->wake, &one, sizeof one);
}

/* Until it is ready, has an error, or somebody has something to say. */
static void wait_for_it (emp_outlet_t *self, uint64_t until)
{
    uint64_t now = emp_now (), left = until > now ? (until - now + 999) / 1000 : 0;
    struct pollfd fds[] = {{.fd = self->fd, .events = POLLOUT}, {.fd = self->wake, .events = POLLIN}};
    int timeout = until == UINT64_MAX ? -1 : left > INT_MAX ? INT_MAX : (int) left;
    if (poll (fds, 2, timeout) > 0 && fds[1].revents) {
        uint64_t told;
        (void) !read (self->wake, &told, sizeof told);
    }
}

static bool is_ready (const emp_outlet_t *self)
{
    struct pollfd ready = {.fd = self->fd, .events = POLLOUT};
    return poll (&ready, 1, 0) == 1;
}

/* As write, but with EAGAIN where that would wait. */
static ssize_t write_some (const emp_outlet_t *self, const uint8_t *data, size_t size)
{
    if (self->kind == S_IFREG)
        return write (self->fd, data, size);
    if (self->kind == S_IFSOCK)
        return send (self->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!self->patient)
        return write (self->fd, data, size);
    if (is_ready (self))
        return write (self->fd, data, size < PIPE_BUF ? size : PIPE_BUF);
    errno = EAGAIN;
    return -1;
}

static emp_status_t write_all (emp_outlet_t *self, const uint8_t *data, size_t size)
{
    while (size > 0) {
        uint64_t until = atomic_load (&self->until);
        if (until != UINT64_MAX && emp_now () >= until)
            return EMP_TIMEOUT;
        ssize_t written = write_some (self, data, size);
        if (written >= 0) {
            data += written;
            size -= (size_t) written;
        } else if (errno == EAGAIN)
            wait_for_it (self, until);
        else if (errno != EINTR)
            return EMP_SYSTEM;
    }
    return EMP_OK;
}

emp_status_t emp_outlet_write (emp_outlet_t *self, const void *data, size_t size)
{
    emp_status_t status = write_all (self, data, size);
    if (status == EMP_OK)
        self->size += (off_t) size;
    else if (self->own) {
        int why = errno;
        (void) !ftruncate (self->fd, self->size);
        errno = why;
    }
    return status;
}
