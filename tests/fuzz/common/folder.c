/* SPDX-License-Identifier: BSD-3-Clause
 *
 * folder.c - files for fuzzers whose subject wants a name. See fuzz.h.
 */
#include <fcntl.h>
#include <ftw.h>

#include "../fuzz.h"

static char folder[3000];
static pid_t owner;

static int take_away (const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void) stat, (void) kind, (void) ftw;
    return remove (path);
}

static void at_end (void)
{
    if (getpid () == owner)
        nftw (folder, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder (void)
{
    if (owner)
        return folder;
    const char *parent = getenv ("TMPDIR");
    snprintf (folder, sizeof folder, "%.2900s/eisenmp-fuzz-XXXXXX", parent && *parent ? parent : "/tmp");
    FUZZ_MUST (mkdtemp (folder));
    owner = getpid ();
    atexit (at_end);
    return folder;
}

const char *fuzz_write (const char *name, const void *data, size_t size)
{
    static char path[4096];
    snprintf (path, sizeof path, "%s/%s", fuzz_folder (), name);
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_MUST (fd >= 0 && (size == 0 || write (fd, data, size) == (ssize_t) size));
    close (fd);
    return path;
}

uint8_t *fuzz_read (const char *path, size_t *ret_size)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    FUZZ_MUST (fd >= 0);
    size_t size = (size_t) lseek (fd, 0, SEEK_END);
    uint8_t *data = malloc (size ? size : 1);
    FUZZ_MUST (data && pread (fd, data, size, 0) == (ssize_t) size);
    close (fd);
    *ret_size = size;
    return data;
}
