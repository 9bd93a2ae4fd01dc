/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source_program.c - a program whose standard output is read.
 *
 * The group can be signalled for as long as its first process was not waited for: until then nobody else can get its
 * number. So waiting comes last.
 */
#include "source_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/how.h"
#include "../common/tag.h"
#include "sentence.h"

#define GRACE_MS 1000
#define LOOK_MS 50

_Static_assert (sizeof ((emp_source_program_t *) 0)->name == EMP_SENTENCE_MAX, "a name is a piece of a sentence");

/* ---- start ----------------------------------------------------------------------------------------------------- */

/* Whatever the manager blocks or ignores, the program starts as from a shell. */
static int prepare_attributes (posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset (&none);
    sigfillset (&all);
    int error =
        posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!error)
        error = posix_spawnattr_setpgroup (attributes, 0);
    if (!error)
        error = posix_spawnattr_setsigmask (attributes, &none);
    return error ? error : posix_spawnattr_setsigdefault (attributes, &all);
}

static int prepare_files (posix_spawn_file_actions_t *files, const char *directory, int output)
{
    int error = posix_spawn_file_actions_addopen (files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2 (files, output, STDOUT_FILENO);
    if (!error && directory)
        error = posix_spawn_file_actions_addchdir_np (files, directory);
    return error;
}

static int spawn (pid_t *ret_pid, char *const *argv, const char *directory, int output)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    int error = posix_spawnattr_init (&attributes);
    if (error)
        return error;
    error = posix_spawn_file_actions_init (&files);
    if (!error) {
        error = prepare_attributes (&attributes);
        if (!error)
            error = prepare_files (&files, directory, output);
        char tag[EMP_TAG_MAX];
        emp_tag_text (EMP_TAG_FEED, (uint64_t) getpid (), tag);
        char **environment = emp_tag_environment (tag);
        if (!error)
            error = environment ? posix_spawnp (ret_pid, argv[0], &files, &attributes, argv, environment) : ENOMEM;
        free (environment);
        posix_spawn_file_actions_destroy (&files);
    }
    posix_spawnattr_destroy (&attributes);
    return error;
}

static emp_status_t fail (const emp_source_program_t *self, const char *what, char *ret_error)
{
    snprintf (ret_error, EMP_SOURCE_PROGRAM_ERROR_MAX, "program %s: found \"%s\", expected a program that runs",
              self->name, what);
    return EMP_SYSTEM;
}

emp_status_t emp_source_program_start (emp_source_program_t *self, char *const *argv, const char *directory,
                                       int *ret_output, char *ret_error)
{
    int ends[2];
    self->pid = 0;
    emp_sentence_text (argv[0], strlen (argv[0]), self->name);
    if (pipe2 (ends, O_CLOEXEC) < 0)
        return fail (self, strerror (errno), ret_error);
    int error = spawn (&self->pid, argv, directory, ends[1]);
    close (ends[1]);
    if (!error) {
        *ret_output = ends[0];
        return EMP_OK;
    }
    self->pid = 0;
    close (ends[0]);
    return fail (self, strerror (error), ret_error);
}

/* ---- end ------------------------------------------------------------------------------------------------------- */

/* EMP_OK: it has ended, but was not waited for; EMP_STOPPED: `wake` (or -1) is readable; EMP_TIMEOUT (timeout_ms -1:
 * never). Looks again after 1, 2, 4… at most LOOK_MS: nearly always it has ended when its output has, so nothing better
 * pays. */
static emp_status_t watch (const emp_source_program_t *self, int wake, int timeout_ms)
{
    struct pollfd polled = {.fd = wake, .events = POLLIN};
    for (int waited = 0, step = 1;; waited += step, step = step < LOOK_MS / 2 ? step * 2 : LOOK_MS) {
        siginfo_t info = {.si_pid = 0};
        if (waitid (P_PID, (id_t) self->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
            return EMP_OK;
        if (timeout_ms >= 0 && waited >= timeout_ms)
            return EMP_TIMEOUT;
        if (poll (&polled, 1, step) > 0)
            return EMP_STOPPED;
    }
}

/* Waits for the first process and forgets it. */
static int reap (emp_source_program_t *self)
{
    int status = 0;
    while (waitpid (self->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    self->pid = 0;
    return status;
}

emp_status_t emp_source_program_wait (emp_source_program_t *self, int wake, char *ret_error)
{
    if (self->pid == 0)
        return EMP_OK;
    if (watch (self, wake, -1) != EMP_OK)
        return EMP_STOPPED;
    int status = reap (self);
    if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
        return EMP_OK;
    char how[EMP_HOW_TEXT_MAX + 1];
    bool killed = WIFSIGNALED (status);
    emp_how_text (killed ? EMP_HOW_SIGNAL : EMP_HOW_EXIT,
                  (uint32_t) (killed ? WTERMSIG (status) : WEXITSTATUS (status)), how);
    snprintf (ret_error, EMP_SOURCE_PROGRAM_ERROR_MAX, "program %s %s, expected exit status 0", self->name, how);
    return EMP_SYSTEM;
}

void emp_source_program_end (emp_source_program_t *self)
{
    if (self->pid == 0)
        return;
    kill (-self->pid, SIGTERM);
    watch (self, -1, GRACE_MS);
    kill (-self->pid, SIGKILL);
    reap (self);
}
