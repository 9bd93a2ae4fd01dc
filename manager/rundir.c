/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rundir.c - the folder of one run's ipc sockets. See rundir.h.
 */
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../common/directory.h"

#define PREFIX "eisenmp-"
#define LOCK_NAME EMP_RUNDIR_LOCK
#define YOUNG_S 10 /* a folder this young may not have its lock yet */

size_t emp_rundir_bases (const char *ret_bases[EMP_RUNDIR_BASES])
{
    const char *names[] = {"XDG_RUNTIME_DIR", "TMPDIR"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *base = getenv (names[i]);
        if (base && base[0] == '/' && strlen (base) + sizeof "/" PREFIX "XXXXXX" <= EMP_RUNDIR_MAX &&
            access (base, W_OK | X_OK) == 0)
            ret_bases[count++] = base;
    }
    ret_bases[count++] = "/tmp";
    return count;
}

const char *emp_rundir_base (void)
{
    const char *bases[EMP_RUNDIR_BASES];
    emp_rundir_bases (bases);
    return bases[0];
}

bool emp_rundir_is_name (const char *name)
{
    return strncmp (name, PREFIX, sizeof PREFIX - 1) == 0 && strlen (name) == sizeof PREFIX - 1 + 6;
}

/* Removes a folder of ours that no manager holds any more. One without a lock is nobody's either: who made it was killed before it
 * had one, or who removed it when the lock had gone. */
static void sweep_one (const char *base_path, int base, const char *name)
{
    int folder = openat (base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    struct stat info;
    errno = 0;
    int lock = openat (folder, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    bool bare = lock < 0 && errno == ENOENT;
    if (fstat (folder, &info) == 0 && info.st_uid == geteuid () && time (NULL) - info.st_mtime >= YOUNG_S &&
        (bare || (lock >= 0 && flock (lock, LOCK_EX | LOCK_NB) == 0))) {
        char path[EMP_RUNDIR_MAX + 1];
        snprintf (path, sizeof path, "%s/%s", base_path, name);
        emp_directory_remove (path);
    }
    if (lock >= 0)
        close (lock);
    close (folder);
}

static void sweep (const char *base_path)
{
    DIR *dir = opendir (base_path);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir (dir));)
        if (emp_rundir_is_name (entry->d_name))
            sweep_one (base_path, dirfd (dir), entry->d_name);
    closedir (dir);
}

emp_status_t emp_rundir_new (char *ret_path, int *ret_lock)
{
    const char *base = emp_rundir_base ();
    sweep (base);
    char path[EMP_RUNDIR_MAX + 1];
    snprintf (path, sizeof path, "%s/" PREFIX "XXXXXX", base);
    if (!mkdtemp (path))
        return EMP_SYSTEM;
    char name[EMP_RUNDIR_MAX + sizeof "/" LOCK_NAME];
    snprintf (name, sizeof name, "%s/" LOCK_NAME, path);
    int lock = open (name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (lock < 0 || flock (lock, LOCK_EX | LOCK_NB) != 0) {
        int saved = errno;
        emp_rundir_remove (path, lock);
        errno = saved;
        return EMP_SYSTEM;
    }
    memcpy (ret_path, path, sizeof path);
    *ret_lock = lock;
    return EMP_OK;
}

void emp_rundir_remove (const char *path, int lock)
{
    emp_directory_remove (path);
    if (lock >= 0)
        close (lock);
}
