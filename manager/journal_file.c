/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_file.c - a journal's file as the system has it: its lock, its name, and what is said of them. See journal_inner.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_inner.h"
#include "wall.h"

static ssize_t system_write (int fd, const void *data, size_t size, off_t offset)
{
    return pwrite (fd, data, size, offset);
}

const emp_journal_system_t emp_journal_libc = {system_write, fdatasync, realloc};

uint64_t emp_journal_random (void)
{
    uint64_t number = 0;
    if (getrandom (&number, sizeof number, 0) != (ssize_t) sizeof number)
        number = emp_wall_us () * UINT64_C (0x9e3779b97f4a7c15);
    return number;
}

emp_journal_input_t emp_journal_input (emp_journal_t *self, uint64_t size)
{
    return emp_journal_file (&self->fd, self->system.grow, size);
}

/* ---- words -------------------------------------------------------------------------------------------------------- */

emp_status_t emp_journal_refuse (char *why, emp_status_t status, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (why, EMP_JOURNAL_WHY_MAX, format, args);
    va_end (args);
    return status;
}

emp_status_t emp_journal_no_memory (char *why)
{
    return emp_journal_refuse (why, EMP_NOMEM, "JOURNAL: out of memory");
}

emp_status_t emp_journal_broken (const emp_journal_t *self, char *why, const char *what)
{
    return emp_journal_refuse (why, EMP_SYSTEM, "JOURNAL: %.1000s: %s: %s", self->path, what, strerror (errno));
}

void emp_journal_tell (const emp_journal_t *self, const char *format, ...)
{
    char sentence[EMP_JOURNAL_WHY_MAX];
    int size = snprintf (sentence, sizeof sentence, "eisenmp: journal %.1000s: ", self->path);
    va_list args;
    va_start (args, format);
    vsnprintf (sentence + size, sizeof sentence - (size_t) size, format, args);
    va_end (args);
    self->say (self->arg, sentence);
}

/* ---- its name ----------------------------------------------------------------------------------------------------- */

bool emp_journal_is_named (const emp_journal_t *self, const char *path)
{
    struct stat ours, named;
    return fstat (self->fd, &ours) == 0 && stat (path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

emp_status_t emp_journal_lock (const emp_journal_t *self, char *why)
{
    if (flock (self->fd, LOCK_EX | LOCK_NB) == 0)
        return EMP_OK;
    if (errno != EWOULDBLOCK)
        return emp_journal_broken (self, why, "locking");
    return emp_journal_refuse (why, EMP_INVALID, "JOURNAL: %.1000s: another run is at work on it", self->path);
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
