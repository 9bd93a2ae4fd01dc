/* SPDX-License-Identifier: BSD-3-Clause
 *
 * launcher.c - this host's workers. See launcher.h.
 */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/how.h"
#include "../common/net/socket.h"
#include "../common/tag.h"
#include "../common/thread.h"

#define STARTS_MAX 3          /* a supervisor that is killed so often is not meant to live, */
#define LONG_LIFE_US 10000000 /* unless it has lived so long before */
#define KILL_AFTER_US 1000000u

struct emp_launcher {
    emp_launcher_config_t config;
    char program[4096];
    char endpoint[EMP_ENDPOINT_MAX + 1];
    char directory[EMP_ENDPOINT_MAX + 1];
    pthread_t thread;
    sem_t started;
    int started_errno;
    int bell; /* eventfd: look at `kill`, `slay` and `given_up` */
    _Atomic bool drain, kill, slay;
    _Atomic uint64_t given_up; /* session of a supervisor that the broker has given up */
    _Atomic uint64_t session;  /* of the supervisor that runs */
    uint64_t started_us;
    pid_t pid;
    int pidfd;
};

/* ---- one process --------------------------------------------------------------------------------------------------- */

static int spawn_tagged (emp_launcher_t *self, char *const *environment)
{
    char procs[16], grace[24], parent[16], session[24], run[24];
    snprintf (procs, sizeof procs, "%u", self->config.procs);
    snprintf (grace, sizeof grace, "%u.%03u", self->config.grace_ms / 1000, self->config.grace_ms % 1000);
    snprintf (parent, sizeof parent, "%d", (int) getpid ());
    snprintf (session, sizeof session, "%016llx", (unsigned long long) self->session);
    snprintf (run, sizeof run, "%016llx", (unsigned long long) self->config.run);
    char *argv[] = {self->program, "--connect", self->endpoint, "--procs", procs,         "--run",         run,
                    "--grace",     grace,       "--child-of",   parent,    "--directory", self->directory, "--session",
                    session,       NULL};
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset (&none);
    sigfillset (&all);
    posix_spawn_file_actions_t files;
    int error = posix_spawnattr_init (&attributes);
    if (error)
        return error;
    posix_spawnattr_setsigmask (&attributes, &none);
    posix_spawnattr_setsigdefault (&attributes, &all);
    posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init (&files);
    posix_spawn_file_actions_addopen (&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2 (&files, STDERR_FILENO, STDOUT_FILENO); /* stdout is the report's alone */
    error = posix_spawn (&self->pid, self->program, &files, &attributes, argv, environment);
    posix_spawn_file_actions_destroy (&files);
    posix_spawnattr_destroy (&attributes);
    if (error)
        return error;
    self->pidfd = (int) syscall (SYS_pidfd_open, self->pid, 0);
    if (self->pidfd >= 0)
        return 0;
    error = errno;
    kill (self->pid, SIGKILL);
    waitpid (self->pid, NULL, 0);
    return error;
}

static int spawn (emp_launcher_t *self)
{
    char tag[EMP_TAG_MAX];
    self->session = emp_random_id ();
    self->started_us = emp_now ();
    emp_tag_text (EMP_TAG_SUPERVISOR, self->session, tag);
    char **environment = emp_tag_environment (tag);
    int error = environment ? spawn_tagged (self, environment) : ENOMEM;
    free (environment);
    return error;
}

static void signal_supervisor (emp_launcher_t *self, int number)
{
    syscall (SYS_pidfd_send_signal, self->pidfd, number, NULL, 0);
}

/* Waits for the end of the process, and sees that it comes when it shall. Returns waitpid's status. */
static int watch (emp_launcher_t *self)
{
    uint64_t deadline = 0;
    for (;;) {
        struct pollfd fds[] = {{.fd = self->pidfd, .events = POLLIN}, {.fd = self->bell, .events = POLLIN}};
        uint64_t now = emp_now ();
        if (deadline && now >= deadline) {
            signal_supervisor (self, SIGKILL);
            deadline = now + KILL_AFTER_US;
        }
        int timeout = deadline ? (int) ((deadline - now) / 1000 + 1) : -1;
        if (poll (fds, 2, timeout) < 0 && errno != EINTR)
            abort (); /* poll of two descriptors of our own */
        if (fds[0].revents) {
            int status = 0;
            /* ECHILD: the program ignores SIGCHLD, so nobody knows how it ended; well, for all that can be told. */
            while (waitpid (self->pid, &status, 0) < 0 && errno == EINTR)
                ;
            close (self->pidfd);
            return status;
        }
        uint64_t count;
        if (fds[1].revents)
            (void) !read (self->bell, &count, sizeof count);
        if (atomic_load (&self->given_up) == self->session || atomic_load (&self->slay))
            signal_supervisor (self, SIGKILL);
        if (atomic_load (&self->kill) && !deadline) {
            signal_supervisor (self, SIGQUIT);
            deadline = emp_now () + KILL_AFTER_US;
        }
    }
}

/* ---- the thread ------------------------------------------------------------------------------------------------------ */

/* It was killed: its slots die with it, but what they had started is nobody's now. */
static void sweep_up (const emp_launcher_t *self)
{
    char tag[EMP_TAG_MAX];
    emp_tag_text (EMP_TAG_SUPERVISOR, self->session, tag);
    emp_tag_sweep (tag);
}

static bool start_again (emp_launcher_t *self, unsigned *starts)
{
    if (emp_now () - self->started_us > LONG_LIFE_US)
        *starts = 0;
    if ((*starts)++ >= STARTS_MAX || atomic_load (&self->drain) || atomic_load (&self->kill))
        return false;
    return spawn (self) == 0;
}

static void *launcher_thread (void *arg)
{
    emp_launcher_t *self = arg;
    self->started_errno = spawn (self);
    bool good = self->started_errno == 0;
    sem_post (&self->started);
    if (!good)
        return NULL;
    unsigned starts = 1;
    int code;
    do {
        int status = watch (self);
        bool known = atomic_load (&self->given_up) == self->session;
        code = WIFEXITED (status) ? WEXITSTATUS (status) : -1;
        if (WIFSIGNALED (status) && !known)
            self->config.lost (self->config.arg, self->session, self->pid, EMP_HOW_SIGNAL,
                               (uint32_t) WTERMSIG (status));
        else if (code && !known)
            self->config.lost (self->config.arg, self->session, self->pid, EMP_HOW_EXIT, (uint32_t) code);
        if (code < 0)
            sweep_up (self);
    } while ((code < 0 || code == EMP_WORKER_GIVEN_UP) && start_again (self, &starts));
    self->config.ended (self->config.arg, code);
    return NULL;
}

emp_status_t emp_launcher_new (const emp_launcher_config_t *config, emp_launcher_t **ret_self)
{
    emp_launcher_t *self = calloc (1, sizeof *self);
    if (!self)
        return EMP_NOMEM;
    self->config = *config;
    snprintf (self->program, sizeof self->program, "%s", config->program);
    snprintf (self->endpoint, sizeof self->endpoint, "%s", config->endpoint);
    snprintf (self->directory, sizeof self->directory, "%s", config->directory);
    sem_init (&self->started, 0, 0);
    self->bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = 0;
    if (self->bell < 0 || !emp_thread_start (&self->thread, "emp-launcher", launcher_thread, self))
        error = errno;
    if (!error) {
        while (sem_wait (&self->started) != 0)
            ;
        error = self->started_errno;
        if (!error) {
            *ret_self = self;
            return EMP_OK;
        }
        pthread_join (self->thread, NULL);
    }
    if (self->bell >= 0)
        close (self->bell);
    sem_destroy (&self->started);
    free (self);
    errno = error;
    return EMP_SYSTEM;
}

void emp_launcher_drain (emp_launcher_t *self)
{
    atomic_store (&self->drain, true);
}

static void ring (emp_launcher_t *self)
{
    uint64_t one = 1;
    (void) !write (self->bell, &one, sizeof one);
}

bool emp_launcher_given_up (emp_launcher_t *self, uint64_t session)
{
    if (session != atomic_load (&self->session))
        return false;
    atomic_store (&self->given_up, session);
    ring (self);
    return true;
}

void emp_launcher_kill (emp_launcher_t *self)
{
    atomic_store (&self->kill, true);
    ring (self);
}

void emp_launcher_slay (emp_launcher_t *self)
{
    atomic_store (&self->slay, true);
    emp_launcher_kill (self);
}

void emp_launcher_destroy (emp_launcher_t **self_p)
{
    emp_launcher_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    emp_launcher_kill (self);
    pthread_join (self->thread, NULL);
    close (self->bell);
    sem_destroy (&self->started);
    free (self);
}
