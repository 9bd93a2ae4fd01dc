/* SPDX-License-Identifier: BSD-3-Clause
 *
 * preload.c - LD_PRELOAD: counts the calls that the program itself makes of what can fail, and fails one of them as its
 * page says (fault.h). Calls that other libraries make are let through: libzmq and czmq end the process when memory
 * runs out, by design.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "fault.h"

static fault_page_t *page; /* NULL: this process is not the one */
static uintptr_t text_begin, text_end, base;

/* ---- who, and where ---------------------------------------------------------------------------------------------- */

/* The program's own code: the first object that is listed. */
static int see_program (struct dl_phdr_info *info, size_t size, void *arg)
{
    (void) size, (void) arg;
    base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            text_begin = base + info->dlpi_phdr[i].p_vaddr;
            text_end = text_begin + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

static size_t read_all (const char *path, char *text, size_t size)
{
    int file = open (path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read (file, text, size - 1);
    if (file >= 0)
        close (file);
    text[got > 0 ? got : 0] = 0;
    return got > 0 ? (size_t) got : 0;
}

/* A slot and a supervisor are the same program, told by its arguments. */
static fault_role_t role (void)
{
    char name[32], line[4096];
    read_all ("/proc/self/comm", name, sizeof name);
    size_t size = read_all ("/proc/self/cmdline", line, sizeof line);
    if (strcmp (name, "eisenmp\n") == 0)
        return FAULT_MANAGER;
    if (strcmp (name, "eisenmp-worker\n") != 0 && strcmp (name, "exe\n") != 0)
        return FAULT_ROLES;
    for (const char *at = line; at < line + size; at += strlen (at) + 1)
        if (strcmp (at, "--slot") == 0)
            return FAULT_SLOT;
    return FAULT_SUPERVISOR;
}

__attribute__ ((constructor)) static void begin (void)
{
    const char *path = getenv (FAULT_FILE);
    int file = path ? open (path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    fault_page_t *mapped = mmap (NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close (file);
    if (mapped == MAP_FAILED)
        return;
    dl_iterate_phdr (see_program, NULL);
    if (role () == mapped->role)
        page = mapped;
}

/* Counts the call that returns to there; true: it shall fail, and errno is set. */
static bool fails (fault_class_t fault_class, const void *there)
{
    uintptr_t at = (uintptr_t) there;
    if (!page || at < text_begin || at >= text_end)
        return false;
    uint64_t place = at - base;
    for (size_t i = 0; i < FAULT_SITES_MAX; i++) {
        fault_site_t *site = &page->sites[(place * 31 + i) % FAULT_SITES_MAX];
        uint64_t none = 0;
        if (atomic_load (&site->key) != place + 1 && !atomic_compare_exchange_strong (&site->key, &none, place + 1) &&
            none != place + 1)
            continue;
        atomic_store (&site->fault_class, fault_class);
        uint32_t call = atomic_fetch_add (&site->calls, 1) + 1;
        if (place != page->place || (page->onward ? call < page->nth : call != page->nth))
            return false;
        atomic_fetch_add (&page->failed, 1);
        errno = page->error;
        return true;
    }
    return false;
}

#define HERE __builtin_return_address (0)
#define NEXT(name)                                                                                                     \
    static __typeof__ (name) *next;                                                                                    \
    if (!next)                                                                                                         \
    next = (__typeof__ (name) *) dlsym (RTLD_NEXT, #name)
#define EXPORT __attribute__ ((visibility ("default")))

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* dlsym itself allocates, so glibc's other names for these. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *old, size_t size);

EXPORT void *malloc (size_t size)
{
    return fails (FAULT_MEMORY, HERE) ? NULL : __libc_malloc (size);
}

EXPORT void *calloc (size_t count, size_t size)
{
    return fails (FAULT_MEMORY, HERE) ? NULL : __libc_calloc (count, size);
}

EXPORT void *realloc (void *old, size_t size)
{
    return fails (FAULT_MEMORY, HERE) ? NULL : __libc_realloc (old, size);
}

#define FAILING(fault_class, type, name, parameters, arguments, failure)                                               \
    EXPORT type name parameters                                                                                        \
    {                                                                                                                  \
        NEXT (name);                                                                                                   \
        return fails (fault_class, HERE) ? (failure) : next arguments;                                                 \
    }

/* msgpack-c's; its header would define inline functions that call these. */
struct msgpack_zone;
bool msgpack_zone_init (struct msgpack_zone *zone, size_t size);
void *msgpack_zone_malloc_expand (struct msgpack_zone *zone, size_t size);

FAILING (FAULT_MEMORY, char *, strdup, (const char *text), (text), NULL)
FAILING (FAULT_MEMORY, char *, strndup, (const char *text, size_t size), (text, size), NULL)
FAILING (FAULT_MEMORY, char *, realpath, (const char *path, char *out), (path, out), NULL)
FAILING (FAULT_MEMORY, FILE *, open_memstream, (char **text, size_t *size), (text, size), NULL)
FAILING (FAULT_MEMORY, FILE *, fmemopen, (void *bytes, size_t size, const char *mode), (bytes, size, mode), NULL)
FAILING (FAULT_MEMORY, int, zmq_msg_init_size, (zmq_msg_t * message, size_t size), (message, size), -1)
FAILING (FAULT_MEMORY, int, zmq_msg_init_data,
         (zmq_msg_t * message, void *data, size_t size, zmq_free_fn *done, void *hint),
         (message, data, size, done, hint), -1)
FAILING (FAULT_MEMORY, bool, msgpack_zone_init, (struct msgpack_zone * zone, size_t size), (zone, size), false)
FAILING (FAULT_MEMORY, void *, msgpack_zone_malloc_expand, (struct msgpack_zone * zone, size_t size), (zone, size),
         NULL)

EXPORT int vasprintf (char **out, const char *format, va_list args)
{
    NEXT (vasprintf);
    return fails (FAULT_MEMORY, HERE) ? -1 : next (out, format, args);
}

EXPORT int asprintf (char **out, const char *format, ...)
{
    if (fails (FAULT_MEMORY, HERE))
        return -1;
    va_list args;
    va_start (args, format);
    int size = vasprintf (out, format, args);
    va_end (args);
    return size;
}

/* ---- writes, and that they are on the disk ----------------------------------------------------------------------- */

/* Writing eight bytes to an eventfd cannot fail. */
static bool is_bell (int fd)
{
    char path[64], what[64];
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t size = readlink (path, what, sizeof what - 1);
    return size > 0 && strncmp (what, "anon_inode:[event", 17) == 0;
}

EXPORT ssize_t write (int fd, const void *bytes, size_t size)
{
    NEXT (write);
    if (!page || is_bell (fd) || !fails (FAULT_WRITE, HERE))
        return next (fd, bytes, size);
    return page->partly ? next (fd, bytes, (size + 1) / 2) : -1;
}

EXPORT ssize_t pwrite (int fd, const void *bytes, size_t size, off_t at)
{
    NEXT (pwrite);
    if (!fails (FAULT_WRITE, HERE))
        return next (fd, bytes, size, at);
    return page->partly ? next (fd, bytes, (size + 1) / 2, at) : -1;
}

EXPORT int fclose (FILE *file)
{
    NEXT (fclose);
    bool failed = fails (FAULT_WRITE, HERE);
    int error = errno, rc = next (file);
    if (failed)
        errno = error;
    return failed ? EOF : rc;
}

FAILING (FAULT_WRITE, int, fflush, (FILE * file), (file), EOF)
FAILING (FAULT_WRITE, size_t, fwrite, (const void *bytes, size_t size, size_t count, FILE *file),
         (bytes, size, count, file), 0)
FAILING (FAULT_WRITE, int, ftruncate, (int fd, off_t size), (fd, size), -1)
FAILING (FAULT_WRITE, int, fallocate, (int fd, int mode, off_t from, off_t size), (fd, mode, from, size), -1)
FAILING (FAULT_WRITE, int, posix_fallocate, (int fd, off_t from, off_t size), (fd, from, size), ENOSPC)
FAILING (FAULT_WRITE, int, rename, (const char *from, const char *to), (from, to), -1)
FAILING (FAULT_SYNC, int, fsync, (int fd), (fd), -1)
FAILING (FAULT_SYNC, int, fdatasync, (int fd), (fd), -1)

/* ---- sending ----------------------------------------------------------------------------------------------------- */

FAILING (FAULT_SEND, int, zmq_send, (void *socket, const void *bytes, size_t size, int flags),
         (socket, bytes, size, flags), -1)
FAILING (FAULT_SEND, int, zmq_msg_send, (zmq_msg_t * message, void *socket, int flags), (message, socket, flags), -1)
FAILING (FAULT_SEND, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), -1)

/* ---- threads, files ---------------------------------------------------------------------------------------------- */

FAILING (FAULT_THREAD, int, pthread_create,
         (pthread_t * thread, const pthread_attr_t *attributes, void *(*run) (void *), void *arg),
         (thread, attributes, run, arg), EAGAIN)
FAILING (FAULT_THREAD, int, posix_spawn,
         (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
          char *const argv[], char *const environment[]),
         (pid, path, actions, attributes, argv, environment), EAGAIN)
FAILING (FAULT_FILES, int, eventfd, (unsigned count, int flags), (count, flags), -1)
FAILING (FAULT_FILES, int, pipe2, (int fds[2], int flags), (fds, flags), -1)
FAILING (FAULT_FILES, int, socketpair, (int domain, int type, int protocol, int fds[2]), (domain, type, protocol, fds),
         -1)
FAILING (FAULT_FILES, int, memfd_create, (const char *name, unsigned flags), (name, flags), -1)
FAILING (FAULT_FILES, void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t from),
         (at, size, prot, flags, fd, from), MAP_FAILED)
FAILING (FAULT_FILES, FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
FAILING (FAULT_FILES, FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
FAILING (FAULT_FILES, int, mkostemp, (char *template, int flags), (template, flags), -1)
FAILING (FAULT_FILES, char *, mkdtemp, (char *template), (template), NULL)
FAILING (FAULT_FILES, void *, zmq_socket, (void *context, int type), (context, type), NULL)

EXPORT int open (const char *path, int flags, ...)
{
    NEXT (open);
    va_list args;
    va_start (args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg (args, mode_t) : 0;
    va_end (args);
    return fails (FAULT_FILES, HERE) ? -1 : next (path, flags, mode);
}
