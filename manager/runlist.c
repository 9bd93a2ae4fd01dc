/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runlist.c - see runlist.h.
 *
 * The lock is tried only where `info` lies: that comes behind the lock, so a manager that is about to take it is never in our way.
 */
#include "runlist.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/utf8.h"
#include "wall.h"

#define INFO_NAME "info"
#define PART_NAME "info.part"

/* The end of a text, of at most EMP_RUN_JOB_MAX bytes, fit for a terminal and for one line. */
static void clean (const char *text, char *ret_text)
{
    size_t size = strlen (text), cut = size > EMP_RUN_JOB_MAX ? size - EMP_RUN_JOB_MAX : 0;
    const uint8_t *at = (const uint8_t *) text + cut, *end = (const uint8_t *) text + size;
    while (at < end) {
        uint32_t code;
        size_t step = emp_utf8_step (at, end, &code);
        if (step == 0 || emp_utf8_is_control (code)) {
            *ret_text++ = '?';
            at += step ? step : 1;
        } else
            while (step--)
                *ret_text++ = (char) *at++;
    }
    *ret_text = 0;
}

emp_status_t emp_runlist_tell (const char *folder, const char *job)
{
    char part[EMP_RUNDIR_MAX + sizeof "/" PART_NAME], path[EMP_RUNDIR_MAX + sizeof "/" INFO_NAME];
    char name[EMP_RUN_JOB_MAX + 1];
    snprintf (part, sizeof part, "%s/" PART_NAME, folder);
    snprintf (path, sizeof path, "%s/" INFO_NAME, folder);
    clean (job, name);
    int fd = open (part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return EMP_SYSTEM;
    int written = dprintf (fd, "pid %" PRId64 "\nstarted %" PRIu64 "\njob %s\n", (int64_t) getpid (),
                           emp_wall_us () / 1000000, name);
    if (close (fd) == 0 && written > 0 && rename (part, path) == 0)
        return EMP_OK;
    int saved = errno;
    unlink (part);
    errno = saved;
    return EMP_SYSTEM;
}

static bool is_locked (int folder)
{
    int lock = openat (folder, EMP_RUNDIR_LOCK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0)
        return false;
    bool locked = flock (lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close (lock);
    return locked;
}

bool emp_runlist_is_on (const char *path)
{
    int folder = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool on = folder >= 0 && is_locked (folder);
    if (folder >= 0)
        close (folder);
    return on;
}

static bool read_info (int folder, emp_run_info_t *info)
{
    char text[EMP_RUN_JOB_MAX + 128], job[EMP_RUN_JOB_MAX + 1];
    int fd = openat (folder, INFO_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read (fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close (fd);
    if (size < 0)
        return false;
    text[size] = 0;
    job[0] = 0;
    if (sscanf (text, "pid %" SCNd64 "\nstarted %" SCNd64 "\njob %511[^\n]", &info->pid, &info->started, job) < 2)
        return false;
    clean (job, info->job);
    return true;
}

/* A folder of a run of this user that is on. */
static bool look (const char *base, int at, const char *name, emp_run_info_t *info)
{
    struct stat is;
    int folder = openat (at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool found = folder >= 0 && fstat (folder, &is) == 0 && is.st_uid == geteuid () && (is.st_mode & 077) == 0 &&
                 read_info (folder, info) && is_locked (folder);
    if (folder >= 0)
        close (folder);
    if (!found)
        return false;
    snprintf (info->path, sizeof info->path, "%.*s/%.*s", EMP_RUNDIR_MAX - EMP_RUN_NAME_MAX - 1, base, EMP_RUN_NAME_MAX,
              name); /* a base of which no more has room was none */
    snprintf (info->name, sizeof info->name, "%.*s", EMP_RUN_NAME_MAX, name);
    return true;
}

static size_t look_through (const char *base, emp_run_info_t *list, size_t count, size_t room)
{
    DIR *dir = opendir (base);
    if (!dir)
        return count;
    for (struct dirent *entry; count < room && (entry = readdir (dir));)
        if (emp_rundir_is_name (entry->d_name) && look (base, dirfd (dir), entry->d_name, &list[count]))
            count++;
    closedir (dir);
    return count;
}

static int younger_first (const void *a, const void *b)
{
    const emp_run_info_t *one = a, *other = b;
    return one->started != other->started ? (one->started < other->started ? 1 : -1) : strcmp (one->path, other->path);
}

size_t emp_runlist (emp_run_info_t *list, size_t room)
{
    const char *bases[EMP_RUNDIR_BASES];
    size_t bases_count = emp_rundir_bases (bases), count = 0;
    for (size_t i = 0; i < bases_count; i++) {
        bool again = false;
        struct stat one, other;
        for (size_t k = 0; k < i && !again; k++)
            again = stat (bases[i], &one) == 0 && stat (bases[k], &other) == 0 && one.st_dev == other.st_dev &&
                    one.st_ino == other.st_ino;
        if (!again)
            count = look_through (bases[i], list, count, room);
    }
    qsort (list, count, sizeof *list, younger_first);
    return count;
}
