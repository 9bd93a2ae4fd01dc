/* SPDX-License-Identifier: BSD-3-Clause
 *
 * arena_make.c - how an arena is made. See arena.h.
 *
 * What is known before it is built: how many bytes its texts take, so these go first, straight behind the head, read or
 * copied to where they stay; the row of objects comes behind them. Of a file's lines the number is known only when the
 * file is in, so the arena grows once, before the first pointer is written.
 */
#include "arena.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_form.h"
#include "tree.h"

/* Between what a loader takes for programs and heaps (from 0x55… on x86-64, 0xaaaa… on arm64) and the low addresses, clear of
 * the shadow of the address sanitizer below and of its heap at 0x60…. Where addresses are shorter, the kernel picks one. */
#define LOWEST UINT64_C (0x200000000000)
#define RANGE UINT64_C (0x200000000000)
#define STEP (UINT64_C (2) << 20) /* so that large pages may be used */
#define TRIES 8
#define HEAD sizeof (emp_arena_head_t)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3; where vm.memfd_noexec is 2, nothing else is let through */
#endif

typedef struct {
    int fd;
    uint8_t *base;
    uint64_t size;
    uint64_t held; /* bytes of memory that it has */
    char *error;   /* the caller's */
} maker_t;

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static emp_status_t fail_errno (maker_t *self, const char *what)
{
    return emp_arena_fail (EMP_SYSTEM, self->error, "%s %llu bytes of shared memory: %s", what,
                           (unsigned long long) self->size, strerror (errno));
}

/* What the kernel thinks it can give without swapping; 0: it does not say. */
static uint64_t available (void)
{
    unsigned long long kib = 0;
    char line[128];
    FILE *file = fopen ("/proc/meminfo", "re");
    while (file && fgets (line, sizeof line, file))
        if (sscanf (line, "MemAvailable: %llu kB", &kib) == 1)
            break;
    if (file)
        fclose (file);
    return (uint64_t) kib * 1024;
}

/* Asked before, since the kernel would rather kill somebody than refuse. */
static emp_status_t check_size (maker_t *self, uint64_t size)
{
    uint64_t free = available ();
    if (size > EMP_ARENA_BYTES_MAX)
        return emp_arena_fail (EMP_TOOBIG, self->error,
                               "found a value that takes %llu bytes of shared memory, expected at most %llu",
                               (unsigned long long) size, (unsigned long long) EMP_ARENA_BYTES_MAX);
    if (free && size > free && size - self->held > free)
        return emp_arena_fail (EMP_TOOBIG, self->error,
                               "found a value that takes %llu bytes of shared memory, this host has %llu to spare",
                               (unsigned long long) size, (unsigned long long) (free + self->held));
    return EMP_OK;
}

static void *map_at_random (const maker_t *self)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t number;
        if (getrandom (&number, sizeof number, 0) != (ssize_t) sizeof number)
            continue;
        void *wanted = (void *) (uintptr_t) (LOWEST + number % (RANGE / STEP) * STEP);
        void *base = mmap (wanted, self->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
        if (base == wanted)
            return base;
        if (base != MAP_FAILED)
            munmap (base, self->size);
    }
    return mmap (NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
}

static void unmap (maker_t *self)
{
    if (self->base)
        munmap (self->base, self->size);
    self->base = NULL;
}

/* Makes it `size` bytes long; it may be elsewhere afterwards. Memory is taken here and not when it is touched, where the
 * want of it would be a signal. */
static emp_status_t resize (maker_t *self, uint64_t size)
{
    unmap (self);
    emp_status_t status = check_size (self, size);
    if (status)
        return status;
    int rc = ftruncate (self->fd, (off_t) size);
    self->size = size;
    while (rc == 0 && (rc = fallocate (self->fd, 0, 0, (off_t) size)) != 0 && errno == EINTR)
        rc = 0;
    if (rc != 0)
        return fail_errno (self, "cannot get");
    self->held = size;
    void *base = map_at_random (self);
    if (base == MAP_FAILED)
        return fail_errno (self, "cannot map");
    self->base = base;
    return EMP_OK;
}

static emp_status_t begin (maker_t *self, uint64_t size, char *error)
{
    *self = (maker_t){.error = error, .size = size};
    self->fd = memfd_create ("eisenmp", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (self->fd < 0 && errno == EINVAL)
        self->fd = memfd_create ("eisenmp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (self->fd < 0)
        return fail_errno (self, "cannot make");
    return resize (self, size);
}

static void give_up (maker_t *self)
{
    unmap (self);
    if (self->fd >= 0)
        close (self->fd);
}

static msgpack_object *objects_at (const maker_t *self, uint64_t offset)
{
    return (msgpack_object *) (void *) (self->base + offset);
}

/* The first place behind `end` where objects may stand. */
static uint64_t behind (uint64_t end)
{
    return (end + sizeof (uint64_t) - 1) / sizeof (uint64_t) * sizeof (uint64_t);
}

static emp_status_t finish (maker_t *self, uint64_t objects, uint64_t count, emp_arena_t **ret_self)
{
    emp_arena_head_t head = {.form = EMP_ARENA_FORM,
                             .object_size = sizeof (msgpack_object),
                             .address = (uintptr_t) self->base,
                             .size = self->size,
                             .objects = objects,
                             .count = count};
    assert (objects + count * sizeof (msgpack_object) <= self->size);
    if (getrandom (&head.stamp, sizeof head.stamp, 0) != (ssize_t) sizeof head.stamp) {
        emp_status_t status = fail_errno (self, "cannot stamp");
        give_up (self);
        return status;
    }
    memcpy (self->base, &head, sizeof head);
    unmap (self); /* what is mapped for writing cannot be sealed */
    return emp_arena_take (self->fd, &head, ret_self, self->error);
}

/* ---- of values in memory ----------------------------------------------------------------------------------------- */

emp_status_t emp_arena_new (const void *packed, size_t size, emp_arena_t **ret_self, char *ret_error)
{
    maker_t self;
    emp_tree_size_t needs = emp_tree_measure (packed, size);
    uint64_t objects = behind (HEAD + needs.bytes);
    emp_status_t status = begin (&self, objects + needs.objects * sizeof (msgpack_object), ret_error);
    if (status) {
        give_up (&self);
        return status;
    }
    emp_tree_build (packed, size, objects_at (&self, objects), (char *) self.base + HEAD);
    return finish (&self, objects, needs.objects, ret_self);
}

/* One object, of the `size` bytes behind the head. */
static emp_status_t finish_bytes (maker_t *self, msgpack_object_type type, size_t size, emp_arena_t **ret_self)
{
    uint64_t objects = behind (HEAD + size + 1);
    msgpack_object *root = objects_at (self, objects);
    root->type = type;
    root->via.str.size = (uint32_t) size;
    root->via.str.ptr = (const char *) self->base + HEAD;
    return finish (self, objects, 1, ret_self);
}

static emp_status_t begin_bytes (maker_t *self, uint64_t size, char *error)
{
    if (size <= UINT32_MAX)
        return begin (self, behind (HEAD + size + 1) + sizeof (msgpack_object), error);
    *self = (maker_t){.fd = -1};
    return emp_arena_fail (EMP_TOOBIG, error, "found %llu bytes, expected fewer than 4 GiB in one text or binary",
                           (unsigned long long) size);
}

emp_status_t emp_arena_new_bytes (msgpack_object_type type, const void *data, size_t size, emp_arena_t **ret_self,
                                  char *ret_error)
{
    assert (type == MSGPACK_OBJECT_STR || type == MSGPACK_OBJECT_BIN);
    maker_t self;
    emp_status_t status = begin_bytes (&self, size, ret_error);
    if (status) {
        give_up (&self);
        return status;
    }
    if (size)
        memcpy (self.base + HEAD, data, size);
    return finish_bytes (&self, type, size, ret_self);
}

/* ---- of files ---------------------------------------------------------------------------------------------------- */

static const char *kind_of (mode_t mode)
{
    if (S_ISDIR (mode))
        return "a directory";
    return S_ISFIFO (mode) ? "a pipe" : "no regular file";
}

/* Not to wait for the other end of a pipe is why it is opened without blocking. */
static emp_status_t open_file (const char *path, int *ret_fd, uint64_t *ret_size, char *error)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return emp_arena_fail (EMP_INVALID, error, "'%s': found %s, expected a regular file", path,
                               errno == ENOENT ? "no such file" : strerror (errno));
    struct stat stat = {0};
    if (fstat (fd, &stat) == 0 && S_ISREG (stat.st_mode)) {
        *ret_fd = fd;
        *ret_size = (uint64_t) stat.st_size;
        return EMP_OK;
    }
    close (fd);
    return emp_arena_fail (EMP_INVALID, error, "'%s': found %s, expected a regular file", path, kind_of (stat.st_mode));
}

/* Reads up to *size bytes to behind the head. A file that is being cut meanwhile gives fewer. */
static emp_status_t read_file (maker_t *self, int fd, const char *path, uint64_t *size)
{
    uint64_t got = 0;
    while (got < *size) {
        ssize_t n = read (fd, self->base + HEAD + got, *size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return emp_arena_fail (EMP_INVALID, self->error, "'%s': found %s, expected a readable file", path,
                                   strerror (errno));
        if (n == 0)
            break;
        got += (uint64_t) n;
    }
    memset (self->base + HEAD + got, 0, *size - got);
    *size = got;
    return EMP_OK;
}

emp_status_t emp_arena_new_file (const char *path, emp_arena_t **ret_self, char *ret_error)
{
    int fd;
    uint64_t size;
    emp_status_t status = open_file (path, &fd, &size, ret_error);
    if (status)
        return status;
    maker_t self;
    status = begin_bytes (&self, size, ret_error);
    if (!status)
        status = read_file (&self, fd, path, &size);
    close (fd);
    if (!status)
        return finish_bytes (&self, MSGPACK_OBJECT_BIN, size, ret_self);
    give_up (&self);
    return status;
}

static uint64_t count_lines (const uint8_t *text, uint64_t size)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < size; i++)
        count += text[i] == '\n';
    return count + (size > 0 && text[size - 1] != '\n');
}

/* Each \n becomes the NUL behind its line; behind the last one stands a NUL of the arena's. */
static emp_status_t set_lines (maker_t *self, uint64_t size, msgpack_object *line)
{
    char *at = (char *) self->base + HEAD, *end = at + size;
    for (; at < end; line++) {
        char *stop = memchr (at, '\n', (size_t) (end - at));
        if (!stop)
            stop = end;
        *stop = '\0';
        if ((uint64_t) (stop - at) > UINT32_MAX)
            return emp_arena_fail (EMP_TOOBIG, self->error, "found a line of %llu bytes, expected fewer than 4 GiB",
                                   (unsigned long long) (stop - at));
        line->type = MSGPACK_OBJECT_STR;
        line->via.str.size = (uint32_t) (stop - at);
        line->via.str.ptr = at;
        at = stop + 1;
    }
    return EMP_OK;
}

/* `size` bytes are behind the head; makes the row of objects behind them. */
static emp_status_t add_lines (maker_t *self, uint64_t size, uint64_t *ret_objects, uint64_t *ret_count)
{
    uint64_t lines = count_lines (self->base + HEAD, size);
    uint64_t objects = behind (HEAD + size + 1);
    if (lines > UINT32_MAX)
        return emp_arena_fail (EMP_TOOBIG, self->error, "found %llu lines, expected fewer than 2^32",
                               (unsigned long long) lines);
    emp_status_t status = resize (self, objects + (lines + 1) * sizeof (msgpack_object));
    if (status)
        return status;
    msgpack_object *root = objects_at (self, objects);
    root->type = MSGPACK_OBJECT_ARRAY;
    root->via.array.size = (uint32_t) lines;
    root->via.array.ptr = lines ? root + 1 : NULL;
    *ret_objects = objects;
    *ret_count = lines + 1;
    return set_lines (self, size, root + 1);
}

emp_status_t emp_arena_new_lines (const char *path, emp_arena_t **ret_self, char *ret_error)
{
    int fd;
    uint64_t size, objects = 0, count = 0;
    emp_status_t status = open_file (path, &fd, &size, ret_error);
    if (status)
        return status;
    maker_t self;
    status = begin (&self, HEAD + size + 1, ret_error);
    if (!status)
        status = read_file (&self, fd, path, &size);
    close (fd);
    if (!status)
        status = add_lines (&self, size, &objects, &count);
    if (!status)
        return finish (&self, objects, count, ret_self);
    give_up (&self);
    return status;
}
