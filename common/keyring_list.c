/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyring_list.c - see keyring.h: the list of allowed keys in memory.
 *
 * Times of files have grains (some milliseconds before Linux 6.13, more on some file systems), so what changes twice within
 * one looks the same. A reading is final only when everything in it was older than SETTLED_S at its beginning; until then each
 * refresh reads anew. It goes by the times of change of state (ctime), which nobody can set.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyfile.h"
#include "keyring_inner.h"

#define SETTLED_S 1
#define TRIES 8 /* readings of a folder that changes meanwhile */
#define PROBLEM_MAX (EMP_KEYFILE_WHY_MAX + EMP_KEYFILE_PIECE_MAX + 32)

/* What one reading has found. */
typedef struct {
    emp_allowed_file_t *files; /* sorted by name */
    emp_allowed_key_t *keys;   /* of those that count, in the same order */
    uint32_t *by_key;          /* places in keys, sorted by key */
    size_t files_count, keys_count, problems_count;
    char problems[EMP_ALLOWED_PROBLEMS][PROBLEM_MAX];
    bool there;     /* the folder is */
    bool settled;   /* what has changed since can be told by its time */
    struct stat is; /* of the folder */
} reading_t;

struct emp_allowed {
    char directory[EMP_KEYRING_PATH_MAX];
    reading_t now;
    char failure[EMP_KEYRING_WHY_MAX];
};

static void empty (reading_t *self)
{
    free (self->files);
    free (self->keys);
    free (self->by_key);
    memset (self, 0, sizeof *self);
}

__attribute__ ((format (printf, 2, 3))) static void tell (reading_t *self, const char *format, ...)
{
    if (self->problems_count++ >= EMP_ALLOWED_PROBLEMS)
        return;
    va_list args;
    va_start (args, format);
    vsnprintf (self->problems[self->problems_count - 1], PROBLEM_MAX, format, args);
    va_end (args);
}

/* ---- one reading ---------------------------------------------------------------------------------------------------------- */

static int compare_names (const void *a, const void *b)
{
    return strcmp (((const emp_allowed_file_t *) a)->key.name, ((const emp_allowed_file_t *) b)->key.name);
}

/* The place of a new entry with this name, or what is wrong. */
static emp_status_t add_file (reading_t *self, const char *name, size_t *room)
{
    if (self->files_count == EMP_KEYS_ALLOWED_MAX)
        return EMP_TOOBIG;
    if (self->files_count == *room) {
        size_t more = *room ? *room * 2 : 16;
        emp_allowed_file_t *files = realloc (self->files, more * sizeof *files);
        if (!files)
            return EMP_NOMEM;
        self->files = files;
        *room = more;
    }
    emp_allowed_file_t *file = &self->files[self->files_count++];
    memset (file, 0, sizeof *file);
    strcpy (file->key.name, name);
    return EMP_OK;
}

/* Files of other names than <name>.key, and hidden ones, are nobody's business here. */
static emp_status_t read_names (reading_t *self, DIR *folder, const char *directory, char *ret_why)
{
    size_t room = 0, suffix = sizeof EMP_KEYRING_SUFFIX - 1;
    emp_status_t status = EMP_OK;
    for (const struct dirent *entry; status == EMP_OK && (errno = 0, entry = readdir (folder));) {
        size_t size = strlen (entry->d_name);
        if (*entry->d_name == '.' || size <= suffix || strcmp (entry->d_name + size - suffix, EMP_KEYRING_SUFFIX) != 0)
            continue;
        char name[sizeof entry->d_name], why[EMP_KEYRING_WHY_MAX];
        snprintf (name, sizeof name, "%.*s", (int) (size - suffix), entry->d_name);
        if (emp_key_check_name (name, why) == EMP_OK)
            status = add_file (self, name, &room);
        else
            tell (self, EMP_KEYRING_ALLOWED ": %.*s", PROBLEM_MAX - 16, why);
    }
    if (status == EMP_NOMEM)
        return emp_keyring_fail (status, ret_why, "out of memory");
    if (status == EMP_TOOBIG)
        return emp_keyring_fail (status, ret_why,
                                 "%s/" EMP_KEYRING_ALLOWED ": found more than %d keys, expected at most so many",
                                 directory, EMP_KEYS_ALLOWED_MAX);
    if (errno)
        return emp_keyring_fail (EMP_SYSTEM, ret_why, "%s/" EMP_KEYRING_ALLOWED ": %s", directory, strerror (errno));
    if (self->files_count)
        qsort (self->files, self->files_count, sizeof *self->files, compare_names);
    return EMP_OK;
}

/* EMP_STALE: it has gone since its name was read. */
static emp_status_t read_file (reading_t *self, int folder, emp_allowed_file_t *entry, const char *directory,
                               char *ret_why)
{
    char name[EMP_NAME_MAX + sizeof EMP_KEYRING_SUFFIX], why[EMP_KEYFILE_WHY_MAX];
    snprintf (name, sizeof name, "%s" EMP_KEYRING_SUFFIX, entry->key.name);
    emp_keyfile_t file;
    struct stat is;
    emp_status_t status = emp_keyfile_read (folder, name, false, &file, &is, why);
    if (status == EMP_UNKNOWN && fstatat (folder, name, &is, AT_SYMLINK_NOFOLLOW) != 0)
        return EMP_STALE; /* and not a link that leads nowhere */
    entry->inode = is.st_ino;
    entry->size = is.st_size;
    entry->changed = is.st_ctim;
    if (status == EMP_OK) {
        strcpy (entry->key.public_key, file.pair.public_key);
        entry->key.role = file.role ? file.role : EMP_KEY_WORKER;
        entry->key.since = file.since;
    } else if (status == EMP_NOMEM)
        return emp_keyring_fail (status, ret_why, "%s/" EMP_KEYRING_ALLOWED "/%s: %s", directory, name, why);
    else
        tell (self, EMP_KEYRING_ALLOWED "/%s: %s", name, why);
    return EMP_OK;
}

static int compare_keys (const void *a, const void *b, void *arg)
{
    const emp_allowed_key_t *keys = arg, *x = &keys[*(const uint32_t *) a], *y = &keys[*(const uint32_t *) b];
    int order = strcmp (x->public_key, y->public_key);
    return order ? order : strcmp (x->name, y->name);
}

/* Which files count: the first by name of each key. */
static bool choose (reading_t *self)
{
    if (!self->files_count)
        return true;
    emp_allowed_key_t *all = calloc (self->files_count, sizeof *all);
    self->keys = calloc (self->files_count, sizeof *self->keys);
    self->by_key = calloc (self->files_count, sizeof *self->by_key);
    if (!all || !self->keys || !self->by_key) {
        free (all);
        return false;
    }
    uint32_t count = (uint32_t) self->files_count, good = 0;
    for (uint32_t i = 0; i < count; i++) {
        all[i] = self->files[i].key;
        if (*all[i].public_key)
            self->by_key[good++] = i;
    }
    qsort_r (self->by_key, good, sizeof *self->by_key, compare_keys, all);
    for (uint32_t i = 1; i < good; i++) {
        const emp_allowed_key_t *last = &all[self->by_key[i - 1]], *key = &all[self->by_key[i]];
        if (strcmp (last->public_key, key->public_key) != 0)
            continue;
        self->files[self->by_key[i]].again = true;
        tell (self, EMP_KEYRING_ALLOWED "/%s.key: found the key of %s.key, expected another: it counts once", key->name,
              last->name);
    }
    for (uint32_t i = 0; i < count; i++)
        if (*all[i].public_key && !self->files[i].again) {
            self->by_key[self->keys_count] = (uint32_t) self->keys_count;
            self->keys[self->keys_count++] = all[i];
        }
    qsort_r (self->by_key, self->keys_count, sizeof *self->by_key, compare_keys, self->keys);
    free (all);
    return true;
}

static bool is_older (const struct timespec *a, const struct timespec *than)
{
    return a->tv_sec + SETTLED_S < than->tv_sec ||
           (a->tv_sec + SETTLED_S == than->tv_sec && a->tv_nsec < than->tv_nsec);
}

static bool is_same (const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* EMP_STALE: the folder has changed meanwhile. */
static emp_status_t read_folder (reading_t *self, int fd, const char *directory, char *ret_why)
{
    struct timespec begin;
    struct stat after;
    clock_gettime (CLOCK_REALTIME, &begin);
    DIR *folder = fdopendir (fd);
    if (!folder || fstat (fd, &self->is) != 0) {
        int saved = errno;
        if (folder)
            closedir (folder);
        else
            close (fd);
        return emp_keyring_fail (saved == ENOMEM ? EMP_NOMEM : EMP_SYSTEM, ret_why, "%s/" EMP_KEYRING_ALLOWED ": %s",
                                 directory, strerror (saved));
    }
    self->there = true;
    self->settled = is_older (&self->is.st_ctim, &begin);
    emp_status_t status = read_names (self, folder, directory, ret_why);
    for (size_t i = 0; status == EMP_OK && i < self->files_count; i++) {
        status = read_file (self, fd, &self->files[i], directory, ret_why);
        self->settled = self->settled && is_older (&self->files[i].changed, &begin);
    }
    if (status == EMP_OK && (fstat (fd, &after) != 0 || !is_same (&after.st_ctim, &self->is.st_ctim)))
        status = EMP_STALE;
    closedir (folder);
    if (status == EMP_OK && !choose (self))
        status = emp_keyring_fail (EMP_NOMEM, ret_why, "out of memory");
    return status;
}

/* The folder; EMP_UNKNOWN: there is none. */
static emp_status_t open_folder (const char *directory, int *ret_fd, char *ret_why)
{
    int above;
    emp_status_t status = emp_keyring_open (AT_FDCWD, directory, directory, "", &above, ret_why);
    if (status != EMP_OK)
        return status;
    status = emp_keyring_open (above, EMP_KEYRING_ALLOWED, directory, "/" EMP_KEYRING_ALLOWED, ret_fd, ret_why);
    close (above);
    return status;
}

static emp_status_t read_ring (reading_t *self, const char *directory, char *ret_why)
{
    emp_status_t status = EMP_STALE;
    for (int i = 0; status == EMP_STALE && i < TRIES; i++) {
        int fd;
        empty (self);
        status = open_folder (directory, &fd, ret_why);
        if (status == EMP_UNKNOWN)
            return EMP_OK;
        if (status == EMP_OK)
            status = read_folder (self, fd, directory, ret_why);
    }
    if (status == EMP_STALE)
        status = emp_keyring_fail (EMP_SYSTEM, ret_why, "%s/" EMP_KEYRING_ALLOWED ": changes all the time", directory);
    if (status != EMP_OK)
        empty (self);
    return status;
}

/* ---- the list --------------------------------------------------------------------------------------------------------------- */

emp_status_t emp_allowed_new (const char *directory, emp_allowed_t **ret_self, char *ret_why)
{
    emp_allowed_t *self = calloc (1, sizeof *self);
    if (!self)
        return emp_keyring_fail (EMP_NOMEM, ret_why, "out of memory");
    emp_status_t status = EMP_OK;
    if (snprintf (self->directory, sizeof self->directory, "%s", directory) >= (int) sizeof self->directory)
        status = emp_keyring_fail (EMP_TOOBIG, ret_why, "the path of the folder for keys has more than %zu bytes",
                                   sizeof self->directory - 1);
    if (status == EMP_OK)
        status = read_ring (&self->now, self->directory, ret_why);
    if (status == EMP_OK)
        *ret_self = self;
    else
        free (self);
    return status;
}

void emp_allowed_destroy (emp_allowed_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    empty (&(*self_p)->now);
    free (*self_p);
    *self_p = NULL;
}

bool emp_allowed_find (const emp_allowed_t *self, const char *public_key, emp_allowed_key_t *ret_key)
{
    size_t low = 0, high = self->now.keys_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const emp_allowed_key_t *key = &self->now.keys[self->now.by_key[middle]];
        int order = strcmp (public_key, key->public_key);
        if (order == 0) {
            if (ret_key)
                *ret_key = *key;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* Nothing has changed since the last reading, as far as times tell. */
static bool is_as_it_was (const emp_allowed_t *self)
{
    char why[EMP_KEYRING_WHY_MAX];
    int fd;
    struct stat is;
    const reading_t *now = &self->now;
    emp_status_t status = open_folder (self->directory, &fd, why);
    if (status != EMP_OK)
        return status == EMP_UNKNOWN && !now->there;
    bool same = now->there && now->settled && fstat (fd, &is) == 0 && is.st_ino == now->is.st_ino &&
                is.st_dev == now->is.st_dev && is_same (&is.st_ctim, &now->is.st_ctim);
    for (size_t i = 0; same && i < now->files_count; i++) {
        const emp_allowed_file_t *file = &now->files[i];
        char name[EMP_NAME_MAX + sizeof EMP_KEYRING_SUFFIX];
        snprintf (name, sizeof name, "%s" EMP_KEYRING_SUFFIX, file->key.name);
        same = fstatat (fd, name, &is, 0) == 0 && is.st_ino == file->inode && is.st_size == file->size &&
               is_same (&is.st_ctim, &file->changed);
    }
    close (fd);
    return same;
}

static bool differ (const reading_t *a, const reading_t *b)
{
    if (a->keys_count != b->keys_count || a->problems_count != b->problems_count)
        return true;
    for (size_t i = 0; i < a->keys_count; i++) {
        const emp_allowed_key_t *x = &a->keys[i], *y = &b->keys[i];
        if (strcmp (x->public_key, y->public_key) != 0 || strcmp (x->name, y->name) != 0 || x->role != y->role ||
            x->since != y->since)
            return true;
    }
    for (size_t i = 0; i < a->problems_count && i < EMP_ALLOWED_PROBLEMS; i++)
        if (strcmp (a->problems[i], b->problems[i]) != 0)
            return true;
    return false;
}

bool emp_allowed_refresh (emp_allowed_t *self)
{
    char why[EMP_KEYRING_WHY_MAX] = "";
    if (!*self->failure && is_as_it_was (self))
        return false;
    reading_t next = {0};
    bool changed = false;
    if (read_ring (&next, self->directory, why) == EMP_OK) {
        changed = differ (&self->now, &next);
        empty (&self->now);
        self->now = next;
    }
    changed = changed || strcmp (why, self->failure) != 0;
    strcpy (self->failure, why);
    return changed;
}

const char *emp_allowed_failure (const emp_allowed_t *self)
{
    return self->failure;
}

size_t emp_allowed_count (const emp_allowed_t *self)
{
    return self->now.keys_count;
}

const emp_allowed_key_t *emp_allowed_at (const emp_allowed_t *self, size_t i)
{
    return i < self->now.keys_count ? &self->now.keys[i] : NULL;
}

size_t emp_allowed_problems (const emp_allowed_t *self)
{
    return self->now.problems_count;
}

const char *emp_allowed_problem_at (const emp_allowed_t *self, size_t i)
{
    return i < self->now.problems_count && i < EMP_ALLOWED_PROBLEMS ? self->now.problems[i] : NULL;
}

const emp_allowed_file_t *emp_allowed_files (const emp_allowed_t *self, size_t *ret_count)
{
    *ret_count = self->now.files_count;
    return self->now.files;
}
