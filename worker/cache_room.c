/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cache_room.c - what of the cache goes when there shall be room. All of it runs under the cache's lock, so nobody takes an entry
 * in use meanwhile.
 */
#include "cache_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 65536 /* that are looked at when one shall go; more are counted, and go another time */

typedef unsigned long long number_t;

typedef struct {
    char hash[EMP_CONTENT_TEXT_MAX];
    uint64_t size;
    struct timespec used;
} entry_t;

typedef struct {
    entry_t *all;
    size_t count, room;
    uint64_t bytes; /* of all files, parts included */
} list_t;

/* Removes a file of which nobody has a lock. */
static bool remove_unused (int folder, const char *name)
{
    int fd = openat (folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool gone = fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0 && unlinkat (folder, name, 0) == 0;
    if (fd >= 0)
        close (fd);
    return gone;
}

static emp_status_t remember (list_t *list, const char *hash, const struct stat *stat)
{
    if (list->count == ENTRIES_MAX)
        return EMP_OK;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        entry_t *all = realloc (list->all, room * sizeof *all);
        if (!all)
            return EMP_NOMEM;
        list->all = all;
        list->room = room;
    }
    entry_t *entry = &list->all[list->count++];
    memcpy (entry->hash, hash, sizeof entry->hash);
    entry->size = (uint64_t) stat->st_size;
    entry->used = stat->st_mtim;
    return EMP_OK;
}

/* Other files are not ours and are left alone. */
static emp_status_t look_at (const emp_cache_t *self, list_t *list, const char *name)
{
    struct stat stat;
    bool is_part = strncmp (name, EMP_CACHE_PART, strlen (EMP_CACHE_PART)) == 0;
    bool is_entry = emp_content_is_hash (name, strlen (name));
    if ((!is_part && !is_entry) || fstatat (self->folder, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG (stat.st_mode) || (is_part && remove_unused (self->folder, name)))
        return EMP_OK;
    list->bytes += (uint64_t) stat.st_size;
    return is_entry ? remember (list, name, &stat) : EMP_OK;
}

static emp_status_t list_all (const emp_cache_t *self, list_t *list)
{
    int fd = openat (self->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a position of its own */
    DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close (fd);
        return EMP_SYSTEM;
    }
    emp_status_t status = EMP_OK;
    for (const struct dirent *entry; !status && (entry = readdir (folder));)
        status = look_at (self, list, entry->d_name);
    closedir (folder);
    return status;
}

static int by_use (const void *left_v, const void *right_v)
{
    const entry_t *left = left_v, *right = right_v;
    if (left->used.tv_sec != right->used.tv_sec)
        return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
    if (left->used.tv_nsec != right->used.tv_nsec)
        return left->used.tv_nsec < right->used.tv_nsec ? -1 : 1;
    return strcmp (left->hash, right->hash);
}

static void evict (const emp_cache_t *self, list_t *list, uint64_t size)
{
    if (list->count)
        qsort (list->all, list->count, sizeof *list->all, by_use);
    for (size_t i = 0; i < list->count && list->bytes > self->bytes_max - size; i++)
        if (remove_unused (self->folder, list->all[i].hash))
            list->bytes -= list->all[i].size;
}

emp_status_t emp_cache_make_room (emp_cache_t *self, uint64_t size, char *why)
{
    list_t list = {0};
    if (size > self->bytes_max)
        return emp_content_fail (EMP_FULL, why, "'%s': found a file of %llu bytes, expected at most %llu in all",
                                 self->path, (number_t) size, (number_t) self->bytes_max);
    emp_status_t status = list_all (self, &list);
    if (status)
        emp_content_fail (status, why, "'%s': cannot be listed: %s", self->path,
                          status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
    else
        evict (self, &list, size);
    free (list.all);
    if (!status && list.bytes > self->bytes_max - size)
        status = emp_content_fail (
            EMP_FULL, why, "'%s': found %llu bytes in use, expected at most %llu beside a file of %llu", self->path,
            (number_t) list.bytes, (number_t) (self->bytes_max - size), (number_t) size);
    return status;
}
