/* SPDX-License-Identifier: BSD-3-Clause
 *
 * arena.c - how an arena is found, mapped and given back. See arena.h; how it is made is in arena_make.c.
 *
 * It is always opened anew for reading, also by its maker: a kernel before 6.7 refuses a shared mapping, even a read-only
 * one, of a memfd that is sealed against writing when the file was opened for writing.
 */
#include "arena.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_form.h"
#include "tree.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

struct emp_arena {
    uint8_t *base;
    int fd; /* of its maker, who keeps it for others to open; -1: a reader */
    bool moved;
    emp_arena_head_t head;
};

emp_status_t emp_arena_fail (emp_status_t status, char *ret_error, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (ret_error, EMP_ARENA_ERROR_MAX, format, args);
    va_end (args);
    return status;
}

/* ---- mapping ----------------------------------------------------------------------------------------------------- */

/* The address is a hint, which the kernel takes when it is free. MAP_FIXED_NOREPLACE would save the second call, but the
 * thread sanitizer, which lets nobody have addresses that it does not know, ends the process for it. */
static bool map_in_place (emp_arena_t *self, int fd)
{
    void *wanted = (void *) (uintptr_t) self->head.address;
    void *base = mmap (wanted, self->head.size, PROT_READ, MAP_SHARED, fd, 0);
    if (base != wanted && base != MAP_FAILED)
        munmap (base, self->head.size);
    if (base == wanted)
        self->base = base;
    return base == wanted;
}

/* A page is copied when a pointer in it is changed; those of the texts stay as they are, everybody's. */
static bool map_elsewhere (emp_arena_t *self, int fd)
{
    void *base = mmap (NULL, self->head.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED)
        return false;
    self->base = base;
    self->moved = true;
    ptrdiff_t by = (ptrdiff_t) ((uintptr_t) base - (uintptr_t) self->head.address);
    emp_tree_move ((msgpack_object *) (void *) (self->base + self->head.objects), self->head.count, by);
    return mprotect (base, self->head.size, PROT_READ) == 0;
}

static emp_arena_t *map (int fd, const emp_arena_head_t *head)
{
    emp_arena_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->head = *head;
    self->fd = -1;
    if (!map_in_place (self, fd) && !map_elsewhere (self, fd)) {
        int why = errno;
        emp_arena_destroy (&self);
        errno = why;
    }
    return self;
}

void emp_arena_destroy (emp_arena_t **self_p)
{
    emp_arena_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->base)
        munmap (self->base, self->head.size);
    if (self->fd >= 0)
        close (self->fd);
    free (self);
}

/* ---- the maker's ------------------------------------------------------------------------------------------------- */

/* Closes a memfd, sealed and opened anew for reading; -1 with errno. */
static int seal (int fd)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    int reading = fcntl (fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0 ? open (path, O_RDONLY | O_CLOEXEC) : -1;
    int why = errno;
    close (fd);
    errno = why;
    return reading;
}

static emp_status_t fail_seal (char *ret_error)
{
    return emp_arena_fail (EMP_SYSTEM, ret_error, "cannot seal shared memory and open it by /proc/self/fd: %s",
                           strerror (errno));
}

emp_status_t emp_arena_take (int fd, const emp_arena_head_t *head, emp_arena_t **ret_self, char *ret_error)
{
    int reading = seal (fd);
    if (reading < 0)
        return fail_seal (ret_error);
    emp_arena_t *self = map (reading, head);
    if (!self) {
        int why = errno;
        close (reading);
        return emp_arena_fail (EMP_SYSTEM, ret_error, "cannot map %llu bytes of shared memory: %s",
                               (unsigned long long) head->size, strerror (why));
    }
    self->fd = reading;
    *ret_self = self;
    return EMP_OK;
}

void emp_arena_describe (const emp_arena_t *self, emp_arena_place_t *ret_place)
{
    assert (self->fd >= 0);
    *ret_place = (emp_arena_place_t){.pid = (uint32_t) getpid (),
                                     .fd = (uint32_t) self->fd,
                                     .address = self->head.address,
                                     .size = self->head.size,
                                     .stamp = self->head.stamp};
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

void emp_arena_place_pack (const emp_arena_place_t *place, msgpack_packer *out)
{
    msgpack_pack_array (out, 5);
    msgpack_pack_uint32 (out, place->pid);
    msgpack_pack_uint32 (out, place->fd);
    msgpack_pack_uint64 (out, place->address);
    msgpack_pack_uint64 (out, place->size);
    msgpack_pack_uint64 (out, place->stamp);
}

bool emp_arena_place_read (const msgpack_object *object, emp_arena_place_t *ret_place)
{
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != 5)
        return false;
    const msgpack_object *numbers = object->via.array.ptr;
    for (int i = 0; i < 5; i++)
        if (numbers[i].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return false;
    if (numbers[0].via.u64 > INT32_MAX || numbers[1].via.u64 > INT32_MAX)
        return false;
    *ret_place = (emp_arena_place_t){.pid = (uint32_t) numbers[0].via.u64,
                                     .fd = (uint32_t) numbers[1].via.u64,
                                     .address = numbers[2].via.u64,
                                     .size = numbers[3].via.u64,
                                     .stamp = numbers[4].via.u64};
    return true;
}

/* ---- a reader's -------------------------------------------------------------------------------------------------- */

/* What is asked before anything is opened: a number that means something else by now may be a device, and to open one can
 * do things. */
static bool looks_right (const struct stat *stat, const emp_arena_place_t *place)
{
    return S_ISREG (stat->st_mode) && place->size >= sizeof (emp_arena_head_t) &&
           (uint64_t) stat->st_size == place->size;
}

static bool fits (const emp_arena_head_t *head, const emp_arena_place_t *place)
{
    return head->address == place->address && head->size == place->size && head->count > 0 &&
           head->address <= UINT64_MAX - head->size && head->objects % sizeof (uint64_t) == 0 &&
           head->objects >= sizeof *head && head->objects <= head->size &&
           head->count <= (head->size - head->objects) / sizeof (msgpack_object);
}

/* EMP_OK: it is the arena that was meant. Sealed, it cannot become shorter under a reader. */
static emp_status_t check (int fd, const emp_arena_place_t *place, emp_arena_head_t *ret_head)
{
    struct stat stat;
    emp_arena_head_t head;
    if (fstat (fd, &stat) != 0 || !looks_right (&stat, place) || (fcntl (fd, F_GET_SEALS) & SEALS) != SEALS ||
        pread (fd, &head, sizeof head, 0) != (ssize_t) sizeof head || head.stamp != place->stamp)
        return EMP_STALE;
    if (head.form != EMP_ARENA_FORM || head.object_size != sizeof (msgpack_object) || !fits (&head, place))
        return EMP_INVALID;
    *ret_head = head;
    return EMP_OK;
}

static emp_status_t open_and_map (int fd, const char *path, const emp_arena_place_t *place, emp_arena_t **ret_self,
                                  char *ret_error)
{
    emp_arena_head_t head;
    emp_status_t status = check (fd, place, &head);
    if (status == EMP_STALE)
        return emp_arena_fail (status, ret_error, "%s: found something else, expected the shared memory of this run",
                               path);
    if (status)
        return emp_arena_fail (status, ret_error, "%s: shared memory of another version of eisenmp or msgpack-c", path);
    *ret_self = map (fd, &head);
    if (!*ret_self)
        return emp_arena_fail (EMP_SYSTEM, ret_error, "%s: cannot map its %llu bytes: %s", path,
                               (unsigned long long) head.size, strerror (errno));
    return EMP_OK;
}

emp_status_t emp_arena_open (const emp_arena_place_t *place, emp_arena_t **ret_self, char *ret_error)
{
    char path[64];
    struct stat stat_;
    snprintf (path, sizeof path, "/proc/%u/fd/%u", place->pid, place->fd);
    if (stat (path, &stat_) == 0 && !looks_right (&stat_, place))
        return emp_arena_fail (EMP_STALE, ret_error, "%s: found something else, expected the shared memory of this run",
                               path);
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return emp_arena_fail (EMP_SYSTEM, ret_error, "%s: %s (shared memory is for the manager's own host and user)",
                               path, strerror (errno));
    emp_status_t status = open_and_map (fd, path, place, ret_self, ret_error);
    close (fd);
    return status;
}

/* ---- of another host --------------------------------------------------------------------------------------------- */

/* Takes a memfd that was filled. Sealed first, so what is checked is what is opened. */
static emp_status_t take_copy (int fd, const emp_arena_place_t *there, emp_arena_t **ret_self, char *ret_error)
{
    emp_arena_head_t head;
    int reading = seal (fd);
    if (reading < 0)
        return fail_seal (ret_error);
    if (check (reading, there, &head) != EMP_OK) {
        close (reading);
        return emp_arena_fail (EMP_INVALID, ret_error,
                               "found bytes that are no such shared memory, or of another version of eisenmp or "
                               "msgpack-c, or of another byte order");
    }
    emp_arena_t *self = calloc (1, sizeof *self);
    if (!self) {
        close (reading);
        return emp_arena_fail (EMP_NOMEM, ret_error, "%s", emp_status_text (EMP_NOMEM));
    }
    self->head = head;
    self->fd = reading;
    *ret_self = self;
    return EMP_OK;
}

emp_status_t emp_arena_new_copy (const emp_arena_place_t *there, emp_arena_fill_fn *fill, void *arg,
                                 emp_arena_t **ret_self, char *ret_error)
{
    int fd = -1;
    if (there->size < sizeof (emp_arena_head_t) + sizeof (msgpack_object))
        return emp_arena_fail (EMP_INVALID, ret_error, "found shared memory of %llu bytes, expected more",
                               (unsigned long long) there->size);
    emp_status_t status = emp_arena_memory (there->size, &fd, ret_error);
    if (status)
        return status;
    status = fill (arg, fd, ret_error);
    if (status) {
        close (fd);
        return status;
    }
    return take_copy (fd, there, ret_self, ret_error);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

const msgpack_object *emp_arena_root (const emp_arena_t *self)
{
    assert (self->base);
    return (const msgpack_object *) (const void *) (self->base + self->head.objects);
}

bool emp_arena_is_moved (const emp_arena_t *self)
{
    return self->moved;
}
