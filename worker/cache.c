/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cache.c - see cache.h. What goes when there shall be room is in cache_room.c.
 *
 * Nothing is synced: what a loss of power leaves of a file is damaged, which is seen when it is required.
 */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache_inner.h"

#define USES_MAX 4096
#define ROUNDS 3 /* how often an entry that somebody else has made meanwhile may be damaged too */
#define LOCK_TRIES 1000
#define LOCK_PAUSE 10000 /* µs */

static emp_status_t fail_errno (const emp_cache_t *self, const char *what, char *why)
{
    int error = errno;
    return emp_content_fail (emp_fetch_status (error), why, "'%s': %s: %s", self->path, what, strerror (error));
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

/* Where it shall be; false: nobody says. A path of XDG_CACHE_HOME that is not absolute is none, as that standard has it. */
static bool find_path (char *ret_path, size_t room)
{
    const char *own = getenv ("EISENMP_CACHE"), *all = getenv ("XDG_CACHE_HOME"), *home = getenv ("HOME");
    int size;
    if (own && *own)
        size = snprintf (ret_path, room, "%s", own);
    else if (all && *all == '/')
        size = snprintf (ret_path, room, "%s/eisenmp", all);
    else if (home && *home)
        size = snprintf (ret_path, room, "%s/.cache/eisenmp", home);
    else
        return false;
    return size > 0 && (size_t) size < room;
}

/* With the folders above it. What cannot be made is found when it is opened. */
static void make_folder (char *path)
{
    for (char *at = path + 1; *at; at++)
        if (*at == '/') {
            *at = '\0';
            mkdir (path, 0700);
            *at = '/';
        }
    mkdir (path, 0700);
}

static emp_status_t open_folder (emp_cache_t *self, char *why)
{
    struct stat stat;
    make_folder (self->path);
    self->folder = open (self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->folder < 0 || fstat (self->folder, &stat) != 0)
        return fail_errno (self, "cannot be opened as a folder for what is fetched", why);
    if (stat.st_uid != geteuid ())
        return emp_content_fail (EMP_REFUSED, why, "'%s': found a folder of user %u, expected one of user %u",
                                 self->path, stat.st_uid, geteuid ());
    if (stat.st_mode & 022)
        return emp_content_fail (EMP_REFUSED, why,
                                 "'%s': found a folder that others may write to (mode %04o), "
                                 "expected mode 0700, since code is loaded from it",
                                 self->path, stat.st_mode & 07777);
    self->lock = openat (self->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return self->lock < 0 ? fail_errno (self, "cannot make the file 'lock' in it", why) : EMP_OK;
}

/* Never waits for ever: who has the lock may be stopped. */
static emp_status_t take_lock (emp_cache_t *self, char *why)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock (self->lock, LOCK_EX | LOCK_NB) == 0)
            return EMP_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail_errno (self, "cannot be locked", why);
        usleep (LOCK_PAUSE);
    }
    return emp_content_fail (EMP_TIMEOUT, why, "'%s': found it locked by another process for %d s", self->path,
                             LOCK_TRIES / (1000000 / LOCK_PAUSE));
}

static void give_lock (emp_cache_t *self)
{
    flock (self->lock, LOCK_UN);
}

emp_status_t emp_cache_open (const char *path, uint64_t bytes_max, emp_cache_t **ret_self, char *ret_why)
{
    emp_cache_t *self = calloc (1, sizeof *self);
    emp_status_t status = EMP_OK;
    if (!self)
        return emp_content_fail (EMP_NOMEM, ret_why, "%s", emp_status_text (EMP_NOMEM));
    self->folder = self->lock = -1;
    self->bytes_max = bytes_max;
    bool found = path ? (size_t) snprintf (self->path, sizeof self->path, "%s", path) < sizeof self->path
                      : find_path (self->path, sizeof self->path);
    if (!found)
        status = emp_content_fail (EMP_INVALID, ret_why,
                                   "found no usable EISENMP_CACHE, XDG_CACHE_HOME or HOME, expected "
                                   "a folder for modules that are fetched from the manager's host");
    else if (*self->path != '/')
        status =
            emp_content_fail (EMP_INVALID, ret_why, "EISENMP_CACHE: found '%s', expected an absolute path", self->path);
    if (!status)
        status = open_folder (self, ret_why);
    if (!status)
        status = take_lock (self, ret_why);
    if (!status) {
        emp_cache_make_room (self, 0, ret_why); /* what cannot go now goes when there must be room */
        give_lock (self);
        *ret_self = self;
    } else
        emp_cache_close (&self);
    return status;
}

void emp_cache_close (emp_cache_t **self_p)
{
    emp_cache_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < self->uses_count; i++)
        close (self->uses[i].fd);
    free (self->uses);
    if (self->lock >= 0)
        close (self->lock);
    if (self->folder >= 0)
        close (self->folder);
    free (self);
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

/* Opens one with a shared lock; *ret_fd is -1 when there is none. Under the lock nobody has an exclusive one of it. */
static emp_status_t open_entry (emp_cache_t *self, const char *hash, int *ret_fd, char *why)
{
    int fd = openat (self->folder, hash, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    *ret_fd = fd;
    if (fd < 0)
        return errno == ENOENT ? EMP_OK : fail_errno (self, "an entry cannot be opened", why);
    if (flock (fd, LOCK_SH | LOCK_NB) == 0)
        return EMP_OK;
    emp_status_t status = fail_errno (self, "an entry cannot be locked", why);
    close (fd);
    *ret_fd = -1;
    return status;
}

static emp_status_t look_up (emp_cache_t *self, const char *hash, int *ret_fd, char *why)
{
    emp_status_t status = take_lock (self, why);
    if (status)
        return status;
    status = open_entry (self, hash, ret_fd, why);
    give_lock (self);
    return status;
}

static bool is_whole (int fd, const char *hash, uint64_t size)
{
    struct stat stat;
    char found[EMP_CONTENT_TEXT_MAX];
    uint64_t length = 0;
    return fstat (fd, &stat) == 0 && S_ISREG (stat.st_mode) && (uint64_t) stat.st_size == size &&
           emp_content_of_file (fd, found, &length) == EMP_OK && strcmp (found, hash) == 0;
}

/* The name is this open file's, and not another's by now. */
static bool is_named (const emp_cache_t *self, const char *hash, int fd)
{
    struct stat ours, named;
    return fstat (fd, &ours) == 0 && fstatat (self->folder, hash, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Takes the open file of a damaged entry, and its name. Who has it loaded keeps the file. */
static emp_status_t throw_away (emp_cache_t *self, const char *hash, int fd, char *why)
{
    emp_status_t status = take_lock (self, why);
    if (!status) {
        if (is_named (self, hash, fd) && unlinkat (self->folder, hash, 0) != 0)
            status = fail_errno (self, "a damaged entry cannot be removed", why);
        give_lock (self);
    }
    close (fd);
    return status;
}

/* Takes the open file. Of an entry that is used already the newer one stays. */
static emp_status_t use (emp_cache_t *self, const char *hash, int fd, char *why)
{
    futimens (fd, NULL); /* used now; where that fails, the time of the fetching counts */
    for (size_t i = 0; i < self->uses_count; i++)
        if (strcmp (self->uses[i].hash, hash) == 0) {
            close (self->uses[i].fd);
            self->uses[i].fd = fd;
            return EMP_OK;
        }
    emp_cache_use_t *uses =
        self->uses_count < USES_MAX ? realloc (self->uses, (self->uses_count + 1) * sizeof *uses) : NULL;
    if (!uses) {
        emp_status_t status = self->uses_count < USES_MAX ? EMP_NOMEM : EMP_FULL;
        close (fd);
        return emp_content_fail (status, why, "'%s': %zu entries are used: %s", self->path, self->uses_count,
                                 emp_status_text (status));
    }
    self->uses = uses;
    uses[self->uses_count].fd = fd;
    memcpy (uses[self->uses_count++].hash, hash, EMP_CONTENT_TEXT_MAX);
    return EMP_OK;
}

/* ---- fetching ---------------------------------------------------------------------------------------------------- */

typedef struct {
    char name[EMP_CACHE_PART_MAX];
    int fd; /* has the exclusive lock */
} part_t;

/* Takes the room on the disk before anything is fetched, where the file system can do that; else the bound counts it at least. */
static emp_status_t reserve (emp_cache_t *self, int fd, uint64_t size, char *why)
{
    int rc = 0;
    do
        rc = size ? fallocate (fd, 0, 0, (off_t) size) : 0;
    while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return EMP_OK;
    if ((errno == EOPNOTSUPP || errno == ENOSYS) && ftruncate (fd, (off_t) size) == 0)
        return EMP_OK;
    char what[64];
    snprintf (what, sizeof what, "no room for a file of %llu bytes", (unsigned long long) size);
    return fail_errno (self, what, why);
}

/* Under the lock, so nobody finds it without its own. */
static emp_status_t make_part (emp_cache_t *self, uint64_t size, part_t *part, char *why)
{
    uint64_t number = 0;
    emp_status_t status = emp_cache_make_room (self, size, why);
    if (status)
        return status;
    if (getrandom (&number, sizeof number, 0) != (ssize_t) sizeof number)
        return fail_errno (self, "no random number", why);
    snprintf (part->name, sizeof part->name, EMP_CACHE_PART "%016llx", (unsigned long long) number);
    part->fd = openat (self->folder, part->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (part->fd < 0)
        return fail_errno (self, "cannot make a file in it", why);
    if (flock (part->fd, LOCK_EX | LOCK_NB) != 0)
        status = fail_errno (self, "cannot lock a file in it", why);
    else
        status = reserve (self, part->fd, size, why);
    if (status) {
        unlinkat (self->folder, part->name, 0);
        close (part->fd);
    }
    return status;
}

/* Gives it the name of its hash and opens it for use, under the lock; *ret_fd is -1 when somebody else was faster. */
static emp_status_t publish (emp_cache_t *self, const char *hash, part_t *part, int *ret_fd, char *why)
{
    struct stat stat;
    if (fstatat (self->folder, hash, &stat, AT_SYMLINK_NOFOLLOW) == 0)
        return EMP_OK;
    if (fchmod (part->fd, 0400) != 0 || renameat (self->folder, part->name, self->folder, hash) != 0)
        return fail_errno (self, "cannot name a file in it", why);
    *part->name = '\0';
    close (part->fd); /* and its lock goes */
    part->fd = -1;
    return open_entry (self, hash, ret_fd, why);
}

static void drop_part (emp_cache_t *self, const part_t *part)
{
    if (*part->name)
        unlinkat (self->folder, part->name, 0);
    if (part->fd >= 0)
        close (part->fd);
}

static emp_status_t fetch_part (emp_cache_t *self, const char *hash, uint64_t size, emp_fetch_fn *fetch, void *arg,
                                int fd, char *why)
{
    char what[EMP_CONTENT_ERROR_MAX];
    emp_status_t status = emp_fetch (fetch, arg, hash, size, fd, what);
    return status ? emp_content_fail (status, why, "'%s/%s': %s", self->path, hash, what) : EMP_OK;
}

/* *ret_fd: the entry, ready for use; -1: another process has one under that name by now. */
static emp_status_t bring (emp_cache_t *self, const char *hash, uint64_t size, emp_fetch_fn *fetch, void *arg,
                           int *ret_fd, char *why)
{
    part_t part = {.fd = -1};
    emp_status_t status = take_lock (self, why);
    if (status)
        return status;
    status = make_part (self, size, &part, why);
    give_lock (self);
    if (status)
        return status;
    status = fetch_part (self, hash, size, fetch, arg, part.fd, why);
    if (!status)
        status = take_lock (self, why);
    if (!status) {
        status = publish (self, hash, &part, ret_fd, why);
        give_lock (self);
    }
    drop_part (self, &part);
    return status;
}

emp_status_t emp_cache_require (emp_cache_t *self, const char *hash, uint64_t size, emp_fetch_fn *fetch, void *arg,
                                char *ret_path, char *ret_why)
{
    int fd = -1;
    emp_status_t status = emp_fetch_check (hash, size, ret_why);
    for (int round = 0; !status && fd < 0 && round < ROUNDS; round++) {
        status = look_up (self, hash, &fd, ret_why);
        if (!status && fd >= 0 && !is_whole (fd, hash, size)) {
            status = throw_away (self, hash, fd, ret_why);
            fd = -1;
        }
        if (!status && fd < 0)
            status = bring (self, hash, size, fetch, arg, &fd, ret_why);
    }
    if (!status && fd < 0)
        status = emp_content_fail (EMP_SYSTEM, ret_why, "'%s': found %s damaged again and again", self->path, hash);
    if (!status)
        status = use (self, hash, fd, ret_why);
    if (!status)
        snprintf (ret_path, PATH_MAX, "%s/%s", self->path, hash);
    return status;
}

/* ---- code -------------------------------------------------------------------------------------------------------- */

emp_status_t emp_cache_check_loadable (const char *path, char *ret_why)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return emp_content_fail (EMP_SYSTEM, ret_why, "'%s': %s", path, strerror (errno));
    void *page = mmap (NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    int error = errno;
    close (fd);
    if (page != MAP_FAILED) {
        munmap (page, 1);
        return EMP_OK;
    }
    if (error == EPERM || error == EACCES)
        return emp_content_fail (EMP_REFUSED, ret_why,
                                 "'%s': found a file system from which no code is loaded (mounted noexec?), expected "
                                 "another one; EISENMP_CACHE says where",
                                 path);
    return emp_content_fail (EMP_SYSTEM, ret_why, "'%s': cannot be mapped: %s", path, strerror (error));
}
