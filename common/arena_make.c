/* SPDX-License-Identifier: BSD-3-Clause
 *
 * arena_make.c - how an arena is made. See arena.h.
 *
 * Texts go straight behind the head, the row of objects behind them. A tree is built in a mapping, since its objects come in
 * any order. Bytes and lines come in order, so they are written: pages that are written whole are not cleared before, and
 * none is faulted in, which makes it twice as fast.
 */
#include "arena.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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
#define PIECE (UINT64_C (1) << 20) /* bytes read and written at once: small enough to stay in the cache */
#define ROW 8192                   /* objects written at once */
#define ASK (UINT64_C (256) << 20) /* bytes between two looks at the memory that is left */

#define SMALL (UINT64_C (16) << 20) /* bytes that nobody asks for */

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3; where vm.memfd_noexec is 2, nothing else is let through */
#endif

typedef struct {
    int fd;
    uint64_t address; /* where the pointers will hold */
    uint64_t size;
    uint8_t *base;  /* where it is mapped for writing, or NULL */
    uint64_t asked; /* bytes for which there was memory when somebody looked */
    char *error;    /* the caller's */
} maker_t;

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static emp_status_t fail_errno (maker_t *self, const char *what)
{
    int why = errno == ENOSPC ? ENOMEM : errno; /* it is no disk that is full */
    return emp_arena_fail (EMP_SYSTEM, self->error, "%s %llu bytes of shared memory: %s", what,
                           (unsigned long long) self->size, strerror (why));
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

/* It shall be `size` bytes long. Asked before, since the kernel would rather kill somebody than refuse; what it has
 * already may be among those that are not available any more. */
static emp_status_t grow (maker_t *self, uint64_t size)
{
    self->size = size;
    if (size > EMP_ARENA_BYTES_MAX)
        return emp_arena_fail (EMP_TOOBIG, self->error,
                               "found a value that takes %llu bytes of shared memory, expected at most %llu",
                               (unsigned long long) size, (unsigned long long) EMP_ARENA_BYTES_MAX);
    if (size <= self->asked)
        return EMP_OK;
    uint64_t more = size - self->asked, free = more > SMALL ? available () : 0;
    if (free && more > free)
        return emp_arena_fail (EMP_TOOBIG, self->error,
                               "found a value that takes %llu bytes of shared memory, this host has %llu to spare",
                               (unsigned long long) size, (unsigned long long) (free + self->asked));
    self->asked = size;
    return EMP_OK;
}

/* An address that is free here for `size` bytes; 0: there is none, or there are no such addresses. */
static uint64_t try_address (uint64_t size, void *wanted)
{
    void *base = mmap (wanted, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return 0;
    munmap (base, size);
    return !wanted || base == wanted ? (uintptr_t) base : 0;
}

static uint64_t pick_address (uint64_t size)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t number = 0;
        if (getrandom (&number, sizeof number, 0) != (ssize_t) sizeof number)
            continue;
        uint64_t address = LOWEST + number % (RANGE / STEP) * STEP;
        if (try_address (size, (void *) (uintptr_t) address))
            return address;
    }
    return try_address (size, NULL);
}

static emp_status_t open_memory (maker_t *self, uint64_t size, char *error)
{
    *self = (maker_t){.fd = -1, .error = error};
    emp_status_t status = grow (self, size);
    if (status)
        return status;
    self->fd = memfd_create ("eisenmp", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (self->fd < 0 && errno == EINVAL)
        self->fd = memfd_create ("eisenmp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return self->fd < 0 ? fail_errno (self, "cannot make") : EMP_OK;
}

static emp_status_t begin (maker_t *self, uint64_t size, char *error)
{
    emp_status_t status = open_memory (self, size, error);
    if (status)
        return status;
    self->address = pick_address (size);
    return self->address ? EMP_OK : fail_errno (self, "found no room for");
}

/* Memory is taken here and not when it is touched, where the want of it would be a signal. */
static emp_status_t reserve (int fd, uint64_t size)
{
    int rc;
    do
        rc = fallocate (fd, 0, 0, (off_t) size);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? EMP_OK : EMP_SYSTEM;
}

static emp_status_t map_for_writing (maker_t *self)
{
    if (reserve (self->fd, self->size) != EMP_OK)
        return fail_errno (self, "cannot get");
    void *wanted = (void *) (uintptr_t) self->address;
    void *base = mmap (wanted, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
    if (base == MAP_FAILED)
        return fail_errno (self, "cannot map");
    self->base = base;
    self->address = (uintptr_t) base; /* the address was a hint: somebody may have been faster */
    return EMP_OK;
}

static emp_status_t put (maker_t *self, uint64_t offset, const void *data, uint64_t size)
{
    for (const uint8_t *at = data; size > 0;) {
        ssize_t n = pwrite (self->fd, at, size < PIECE ? size : PIECE, (off_t) offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno (self, "cannot get");
        at += n;
        offset += (uint64_t) n;
        size -= (uint64_t) n;
    }
    return EMP_OK;
}

static void unmap (maker_t *self)
{
    if (self->base)
        munmap (self->base, self->size);
    self->base = NULL;
}

static emp_status_t give_up (maker_t *self, emp_status_t status)
{
    unmap (self);
    if (self->fd >= 0)
        close (self->fd);
    return status;
}

emp_status_t emp_arena_memory (uint64_t size, int *ret_fd, char *ret_error)
{
    maker_t self;
    emp_status_t status = open_memory (&self, size, ret_error);
    if (!status && reserve (self.fd, size) != EMP_OK)
        status = fail_errno (&self, "cannot get");
    *ret_fd = self.fd;
    return status ? give_up (&self, status) : EMP_OK;
}

/* The first place behind `end` where objects may stand. */
static uint64_t behind (uint64_t end)
{
    return (end + sizeof (uint64_t) - 1) / sizeof (uint64_t) * sizeof (uint64_t);
}

/* `count` objects are at the offset `objects`. */
static emp_status_t finish (maker_t *self, uint64_t objects, uint64_t count, emp_arena_t **ret_self)
{
    emp_arena_head_t head = {.form = EMP_ARENA_FORM,
                             .object_size = sizeof (msgpack_object),
                             .address = self->address,
                             .size = self->size,
                             .objects = objects,
                             .count = count};
    assert (objects + count * sizeof (msgpack_object) <= self->size);
    unmap (self); /* what is mapped for writing cannot be sealed */
    if (getrandom (&head.stamp, sizeof head.stamp, 0) != (ssize_t) sizeof head.stamp ||
        ftruncate (self->fd, (off_t) self->size) != 0)
        return give_up (self, fail_errno (self, "cannot stamp"));
    emp_status_t status = put (self, 0, &head, sizeof head);
    return status ? give_up (self, status) : emp_arena_take (self->fd, &head, ret_self, self->error);
}

/* ---- of values in memory ----------------------------------------------------------------------------------------- */

emp_status_t emp_arena_new (const void *packed, size_t size, emp_arena_t **ret_self, char *ret_error)
{
    maker_t self;
    emp_tree_size_t needs = emp_tree_measure (packed, size);
    uint64_t objects = behind (HEAD + needs.bytes);
    emp_status_t status = begin (&self, objects + needs.objects * sizeof (msgpack_object), ret_error);
    if (!status)
        status = map_for_writing (&self);
    if (status)
        return give_up (&self, status);
    emp_tree_build (packed, size, (msgpack_object *) (void *) (self.base + objects), (char *) self.base + HEAD);
    return finish (&self, objects, needs.objects, ret_self);
}

static emp_status_t begin_bytes (maker_t *self, uint64_t size, char *error)
{
    *self = (maker_t){.fd = -1};
    if (size <= UINT32_MAX)
        return begin (self, behind (HEAD + size + 1) + sizeof (msgpack_object), error);
    return emp_arena_fail (EMP_TOOBIG, error, "found %llu bytes, expected fewer than 4 GiB in one text or binary",
                           (unsigned long long) size);
}

/* One object, of the `size` bytes behind the head. */
static emp_status_t finish_bytes (maker_t *self, msgpack_object_type type, uint64_t size, emp_arena_t **ret_self)
{
    msgpack_object root;
    memset (&root, 0, sizeof root);
    root.type = type;
    root.via.str.size = (uint32_t) size; /* a text and a binary have the same shape */
    root.via.str.ptr = (const char *) (uintptr_t) (self->address + HEAD);
    uint64_t objects = behind (HEAD + size + 1);
    emp_status_t status = put (self, objects, &root, sizeof root);
    return status ? give_up (self, status) : finish (self, objects, 1, ret_self);
}

emp_status_t emp_arena_new_bytes (msgpack_object_type type, const void *data, size_t size, emp_arena_t **ret_self,
                                  char *ret_error)
{
    assert (type == MSGPACK_OBJECT_STR || type == MSGPACK_OBJECT_BIN);
    maker_t self;
    emp_status_t status = begin_bytes (&self, size, ret_error);
    if (!status)
        status = put (&self, HEAD, data, size);
    return status ? give_up (&self, status) : finish_bytes (&self, type, size, ret_self);
}

/* ---- of files ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    int fd;
    uint64_t size; /* when it was opened; no more is read, and less when it is cut meanwhile */
    uint64_t got;
    char *piece; /* PIECE bytes */
} file_t;

static const char *kind_of (mode_t mode)
{
    if (S_ISDIR (mode))
        return "a directory";
    return S_ISFIFO (mode) ? "a pipe" : "no regular file";
}

/* Not to wait for the other end of a pipe is why it is opened without blocking. */
static emp_status_t open_file (file_t *self, const char *path, char *error)
{
    struct stat stat = {0};
    *self = (file_t){.path = path, .fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (self->fd < 0)
        return emp_arena_fail (EMP_INVALID, error, "'%s': found %s, expected a regular file", path,
                               errno == ENOENT ? "no such file" : strerror (errno));
    if (fstat (self->fd, &stat) != 0 || !S_ISREG (stat.st_mode))
        return emp_arena_fail (EMP_INVALID, error, "'%s': found %s, expected a regular file", path,
                               kind_of (stat.st_mode));
    self->size = (uint64_t) stat.st_size;
    self->piece = malloc (PIECE);
    return self->piece ? EMP_OK : emp_arena_fail (EMP_NOMEM, error, "%s", emp_status_text (EMP_NOMEM));
}

static void close_file (file_t *self)
{
    if (self->fd >= 0)
        close (self->fd);
    free (self->piece);
}

/* The next piece of the file; 0 bytes at its end. */
static emp_status_t read_piece (file_t *self, uint64_t *ret_size, char *error)
{
    uint64_t left = self->size - self->got;
    ssize_t n;
    do
        n = read (self->fd, self->piece, left < PIECE ? left : PIECE);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return emp_arena_fail (EMP_INVALID, error, "'%s': found %s, expected a readable file", self->path,
                               strerror (errno));
    self->got += (uint64_t) n;
    *ret_size = (uint64_t) n;
    return EMP_OK;
}

static emp_status_t copy_file (maker_t *self, file_t *file)
{
    for (;;) {
        uint64_t size = 0, before = file->got;
        emp_status_t status = read_piece (file, &size, self->error);
        if (status || size == 0)
            return status;
        status = put (self, HEAD + before, file->piece, size);
        if (status)
            return status;
    }
}

emp_status_t emp_arena_new_file (const char *path, emp_arena_t **ret_self, char *ret_error)
{
    maker_t self = {.fd = -1};
    file_t file;
    emp_status_t status = open_file (&file, path, ret_error);
    if (!status)
        status = begin_bytes (&self, file.size, ret_error);
    if (!status)
        status = copy_file (&self, &file);
    close_file (&file);
    return status ? give_up (&self, status) : finish_bytes (&self, MSGPACK_OBJECT_BIN, file.got, ret_self);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* The row of lines as it is written: the root's place is left free, and some objects wait until they are a piece. */
typedef struct {
    maker_t *maker;
    uint64_t objects; /* offset of the row */
    uint64_t count;   /* lines, those that wait included */
    uint64_t begin;   /* offset of the line that has no end yet */
    size_t waiting;
    msgpack_object *row; /* ROW of them */
} lines_t;

static emp_status_t write_row (lines_t *self)
{
    uint64_t end = self->objects + (1 + self->count) * sizeof (msgpack_object);
    uint64_t asked = self->maker->asked; /* looks for some more at once, and says what it takes by now */
    if (end > asked && grow (self->maker, end + ASK < EMP_ARENA_BYTES_MAX ? end + ASK : end))
        return EMP_TOOBIG;
    self->maker->size = end;
    uint64_t size = self->waiting * sizeof (msgpack_object);
    self->waiting = 0;
    return put (self->maker, end - size, self->row, size);
}

/* A line ends at that offset. */
static emp_status_t add_line (lines_t *self, uint64_t end)
{
    uint64_t size = end - self->begin;
    if (size > UINT32_MAX || self->count == UINT32_MAX)
        return emp_arena_fail (EMP_TOOBIG, self->maker->error, "found %s, expected fewer",
                               size > UINT32_MAX ? "a line of 4 GiB or more" : "2^32 lines or more");
    msgpack_object *line = &self->row[self->waiting++];
    line->type = MSGPACK_OBJECT_STR;
    line->via.str.size = (uint32_t) size;
    line->via.str.ptr = (const char *) (uintptr_t) (self->maker->address + self->begin);
    self->begin = end + 1;
    self->count++;
    return self->waiting == ROW ? write_row (self) : EMP_OK;
}

/* The `size` bytes of the piece go to `offset`; each \n in it becomes the NUL behind its line. */
static emp_status_t add_piece (lines_t *self, char *piece, uint64_t size, uint64_t offset)
{
    emp_status_t status = EMP_OK;
    char *end = piece + size, *stop;
    for (char *at = piece; !status && at < end && (stop = memchr (at, '\n', (size_t) (end - at))); at = stop + 1) {
        *stop = '\0';
        status = add_line (self, offset + (uint64_t) (stop - piece));
    }
    return status ? status : put (self->maker, offset, piece, size);
}

static emp_status_t add_file (lines_t *self, file_t *file)
{
    for (;;) {
        uint64_t size = 0, before = file->got;
        emp_status_t status = read_piece (file, &size, self->maker->error);
        if (!status && size > 0)
            status = add_piece (self, file->piece, size, HEAD + before);
        else if (!status && self->begin < HEAD + file->got)
            status = add_line (self, HEAD + file->got); /* a NUL is behind it: nothing was written there */
        if (status || size == 0)
            return status ? status : write_row (self);
    }
}

static emp_status_t write_root (const lines_t *self)
{
    msgpack_object root;
    memset (&root, 0, sizeof root);
    root.type = MSGPACK_OBJECT_ARRAY;
    root.via.array.size = (uint32_t) self->count;
    if (self->count)
        root.via.array.ptr = (msgpack_object *) (uintptr_t) (self->maker->address + self->objects) + 1;
    return put (self->maker, self->objects, &root, sizeof root);
}

emp_status_t emp_arena_new_lines (const char *path, emp_arena_t **ret_self, char *ret_error)
{
    maker_t self = {.fd = -1};
    lines_t lines = {.maker = &self, .begin = HEAD, .row = calloc (ROW, sizeof (msgpack_object))};
    file_t file;
    emp_status_t status = open_file (&file, path, ret_error);
    if (!status && !lines.row)
        status = emp_arena_fail (EMP_NOMEM, ret_error, "%s", emp_status_text (EMP_NOMEM));
    lines.objects = behind (HEAD + file.size + 1);
    if (!status)
        status = begin (&self, lines.objects + sizeof (msgpack_object), ret_error);
    if (!status)
        status = add_file (&lines, &file);
    if (!status)
        status = write_root (&lines);
    close_file (&file);
    free (lines.row);
    return status ? give_up (&self, status) : finish (&self, lines.objects, 1 + lines.count, ret_self);
}
