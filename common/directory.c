/* SPDX-License-Identifier: BSD-3-Clause
 *
 * directory.c - see directory.h.
 */
#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_ours (int fd)
{
    struct stat status;
    return fstat (fd, &status) == 0 && status.st_uid == geteuid () && (status.st_mode & 077) == 0;
}

static void empty (DIR *directory)
{
    int fd = dirfd (directory);
    for (const struct dirent *entry; (entry = readdir (directory));) {
        struct stat status;
        if (fstatat (fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISREG (status.st_mode) || S_ISSOCK (status.st_mode)))
            unlinkat (fd, entry->d_name, 0);
    }
}

emp_status_t emp_directory_remove (const char *path)
{
    int fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? EMP_OK : EMP_REFUSED;
    DIR *directory = is_ours (fd) ? fdopendir (fd) : NULL;
    if (!directory) {
        close (fd);
        return EMP_REFUSED;
    }
    empty (directory);
    closedir (directory);
    return rmdir (path) == 0 || errno == ENOENT ? EMP_OK : EMP_SYSTEM;
}
