/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child.c - see child.h.
 */
#include "child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define KIB 1024 /* the unit of ru_maxrss */
#define OWN_PROGRAM "/proc/self/exe"

static_assert (sizeof (emp_slotpage_t) <= PAGE_BYTES, "a slot's page is one page");

/* ---- what it is started with ------------------------------------------------------------------------------------- */

static bool set_attributes (posix_spawnattr_t *attributes)
{
    sigset_t all, blocked;
    sigfillset (&all);
    sigemptyset (&blocked);
    sigaddset (&blocked, SIGTERM);
    return posix_spawnattr_setflags (attributes,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP) == 0 &&
           posix_spawnattr_setsigmask (attributes, &blocked) == 0 &&
           posix_spawnattr_setsigdefault (attributes, &all) == 0 && posix_spawnattr_setpgroup (attributes, 0) == 0;
}

static bool set_files (posix_spawn_file_actions_t *files, int page, int output, int extra)
{
    return posix_spawn_file_actions_addopen (files, 0, "/dev/null", O_RDONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2 (files, output, 1) == 0 &&
           posix_spawn_file_actions_adddup2 (files, output, 2) == 0 &&
           posix_spawn_file_actions_adddup2 (files, page, EMP_CHILD_PAGE_FD) == 0 &&
           (extra < 0 || posix_spawn_file_actions_adddup2 (files, extra, EMP_CHILD_EXTRA_FD) == 0);
}

typedef struct {
    const char *program;
    char *const *argv, *const *environment;
    int extra;
} program_t;

static int spawn (void *arg, int page, int output, pid_t *ret_pid)
{
    const program_t *self = arg;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    if (posix_spawnattr_init (&attributes) != 0)
        return ENOMEM;
    if (posix_spawn_file_actions_init (&files) != 0) {
        posix_spawnattr_destroy (&attributes);
        return ENOMEM;
    }
    int rc = ENOMEM;
    if (set_attributes (&attributes) && set_files (&files, page, output, self->extra))
        rc = posix_spawn (ret_pid, self->program, &files, &attributes, self->argv, self->environment);
    posix_spawn_file_actions_destroy (&files);
    posix_spawnattr_destroy (&attributes);
    return rc;
}

/* ---- its life ---------------------------------------------------------------------------------------------------- */

static void close_fd (int *fd)
{
    if (*fd >= 0)
        close (*fd);
    *fd = -1;
}

int emp_child_move_up (int fd)
{
    int high = fd < 0 ? -1 : fcntl (fd, F_DUPFD_CLOEXEC, EMP_CHILD_EXTRA_FD + 1);
    close_fd (&fd);
    return high;
}

static bool make_page (emp_child_t *self, int *ret_fd)
{
    *ret_fd = emp_child_move_up (memfd_create ("eisenmp-slot", MFD_CLOEXEC));
    if (*ret_fd < 0 || ftruncate (*ret_fd, PAGE_BYTES) != 0)
        return false;
    void *page = mmap (NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
    if (page == MAP_FAILED)
        return false;
    self->page = page;
    return true;
}

static bool make_pipe (emp_child_t *self, int *ret_output)
{
    int ends[2];
    if (pipe2 (ends, O_CLOEXEC) != 0)
        return false;
    self->pipe = emp_child_move_up (ends[0]);
    *ret_output = emp_child_move_up (ends[1]);
    return self->pipe >= 0 && *ret_output >= 0 && fcntl (self->pipe, F_SETFL, O_NONBLOCK) == 0;
}

emp_status_t emp_child_adopt (emp_child_t *ret_self, emp_child_make_fn *make, void *arg)
{
    emp_child_t self = {.pidfd = -1, .pipe = -1};
    int page = -1, output = -1;
    int rc = 0;
    if (!make_page (&self, &page) || !make_pipe (&self, &output))
        rc = errno;
    else
        rc = make (arg, page, output, &self.pid);
    close_fd (&page);
    close_fd (&output);
    if (rc != 0) {
        self.pid = 0;
        emp_child_release (&self);
        errno = rc;
        return EMP_SYSTEM;
    }
    self.pidfd = (int) syscall (SYS_pidfd_open, self.pid, 0);
    *ret_self = self;
    return EMP_OK;
}

emp_status_t emp_child_start (emp_child_t *ret_self, const char *program, char *const argv[], uint64_t session,
                              int extra)
{
    char tag[EMP_TAG_MAX];
    emp_tag_text (EMP_TAG_SLOT, session, tag);
    char **environment = emp_tag_environment (tag);
    if (!environment) {
        errno = ENOMEM;
        return EMP_SYSTEM;
    }
    program_t arg = {.program = program, .argv = argv, .environment = environment, .extra = extra};
    emp_status_t status = emp_child_adopt (ret_self, spawn, &arg);
    int error = errno;
    free (environment);
    errno = error;
    return status;
}

/* Tools that run a program inside their own (valgrind) know it by name only. Once it was replaced by another version
 * the kernel names it "… (deleted)", and nothing is there. */
const char *emp_child_program (char *room)
{
    ssize_t length = readlink (OWN_PROGRAM, room, EMP_CHILD_PROGRAM_MAX - 1);
    if (length <= 0)
        return OWN_PROGRAM;
    room[length] = 0;
    return access (room, X_OK) == 0 ? room : OWN_PROGRAM;
}

void emp_child_signal (const emp_child_t *self, int number)
{
    if (self->pidfd >= 0)
        syscall (SYS_pidfd_send_signal, self->pidfd, number, NULL, 0);
    else
        kill (self->pid, number); /* not collected yet, so the number is still its own */
}

bool emp_child_collect (emp_child_t *self, emp_end_t *ret_end)
{
    struct rusage usage = {0};
    siginfo_t info = {.si_pid = 0};
    /* Not collected yet, it still holds its process id, so the group of that number is its own. */
    if (waitid (P_PID, (id_t) self->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return false;
    kill (-self->pid, SIGKILL);
    wait4 (self->pid, NULL, 0, &usage);
    *ret_end = (emp_end_t){.how = info.si_code == CLD_EXITED ? EMP_HOW_EXIT : EMP_HOW_SIGNAL,
                           .code = (uint32_t) info.si_status,
                           .peak = (uint64_t) usage.ru_maxrss * KIB,
                           .joined = atomic_load (&self->page->joined),
                           .chunks = atomic_load (&self->page->chunks)};
    self->pid = 0;
    return true;
}

void emp_child_release (emp_child_t *self)
{
    assert (self->pid == 0);
    close_fd (&self->pidfd);
    close_fd (&self->pipe);
    if (self->page)
        munmap (self->page, PAGE_BYTES);
    self->page = NULL;
}
