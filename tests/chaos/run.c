/* SPDX-License-Identifier: BSD-3-Clause
 *
 * run.c - see run.h.
 */
#include "run.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kit/traces.h"

#define PATH_SIZE 512
#define LEAVE_MS 30000 /* for what outlives a manager that was killed: two seconds on an idle machine */

typedef struct {
    int pidfd; /* -1: it goes on again */
    double until;
} stop_t;

typedef struct {
    const plan_t *plan;
    const run_config_t *config;
    run_result_t *result;
    char job[PATH_SIZE], journal[PATH_SIZE], results[PATH_SIZE], out[PATH_SIZE], err[PATH_SIZE], tmp[PATH_SIZE];
    pid_t manager;
    bool killed; /* by us */
    bool any_killed;
    unsigned next;  /* fault */
    double next_at; /* when it is due, 0: its part of the run has not come yet */
    stop_t stops[PLAN_FAULTS_MAX];
    unsigned stops_count;
    double woken; /* when this was looked at last */
} run_t;

static void start (run_t *self, bool resume)
{
    char *argv[] = {
        (char *) self->config->eisenmp, "run", "--journal", self->journal, "--results", self->results, self->job,
        resume ? "--resume" : NULL,     NULL};
    self->killed = false;
    self->manager = tree_start (argv, self->out, self->err);
}

static void prepare (run_t *self)
{
    const char *folder = self->config->folder;
    snprintf (self->job, PATH_SIZE, "%s/job.yaml", folder);
    snprintf (self->journal, PATH_SIZE, "%s/journal", folder);
    snprintf (self->results, PATH_SIZE, "%s/out.db", folder);
    snprintf (self->out, PATH_SIZE, "%s/report", folder);
    snprintf (self->err, PATH_SIZE, "%s/err", folder);
    snprintf (self->tmp, PATH_SIZE, "%s/tmp", folder);
    unlink (self->journal);
    unlink (self->results);
    unlink (self->err);
    char command[PATH_SIZE + 32];
    snprintf (command, sizeof command, "exec rm -rf '%s'", self->tmp); /* of a run that failed */
    if (system (command) != 0 || mkdir (self->tmp, 0700) != 0) {
        perror (self->tmp);
        exit (2);
    }
    setenv ("TMPDIR", self->tmp, 1);
    unsetenv ("XDG_RUNTIME_DIR");
    if (!plan_write (self->plan, self->job, folder, self->config->examples, self->config->tests)) {
        perror (self->job);
        exit (2);
    }
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static void hit (run_t *self, const plan_fault_t *fault, double now)
{
    int pidfd = tree_open (self->manager, fault->who, fault->which);
    if (pidfd < 0)
        return;
    run_result_t *result = self->result;
    result->hits++;
    result->starts += fault->stop_ms == 0 || fault->stop_ms > self->plan->dead_after_ms * 3 / 5;
    tree_signal (pidfd, fault->stop_ms ? SIGSTOP : SIGKILL);
    if (fault->stop_ms) {
        self->stops[self->stops_count++] = (stop_t){pidfd, now + fault->stop_ms / 1000.0};
        return;
    }
    close (pidfd);
    if (fault->who == TREE_MANAGER)
        self->killed = self->any_killed = true;
}

/* Wakes up whose time is over; all of them when `all`. Several that are stopped at the same time cost it once. */
static void wake (run_t *self, double now, bool all)
{
    bool any = false;
    for (unsigned i = 0; i < self->stops_count; i++)
        any = any || self->stops[i].pidfd >= 0;
    if (any)
        self->result->stopped += now - self->woken;
    self->woken = now;
    for (unsigned i = 0; i < self->stops_count; i++) {
        stop_t *stop = &self->stops[i];
        if (stop->pidfd < 0 || (now < stop->until && !all))
            continue;
        tree_signal (stop->pidfd, SIGCONT);
        close (stop->pidfd);
        stop->pidfd = -1;
    }
}

static long size_of (const char *path)
{
    struct stat info;
    return stat (path, &info) == 0 ? (long) info.st_size : 0;
}

/* One fault after the other, each when the run has come so far; one that comes while the manager is dead waits for the
 * next. */
static void see_to_faults (run_t *self, double now)
{
    if (self->next == self->plan->faults_count || self->killed)
        return;
    const plan_fault_t *fault = &self->plan->faults[self->next];
    bool due =
        fault->permille == 0 || size_of (self->journal) >= self->config->journal_size / 1000 * (long) fault->permille;
    if (self->next_at == 0 && due)
        self->next_at = now + fault->after_us / 1e6;
    if (self->next_at == 0 || now < self->next_at)
        return;
    hit (self, fault, now);
    self->next++;
    self->next_at = 0;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* What is left of a manager that was killed together with its supervisor, or before it had one, goes with a later run,
 * ten seconds old. So it is made that old. */
static void age (const char *path)
{
    DIR *folder = opendir (path);
    for (struct dirent *entry; folder && (entry = readdir (folder));)
        if (strncmp (entry->d_name, "eisenmp-", 8) == 0) {
            struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
            utimensat (dirfd (folder), entry->d_name, old, 0);
        }
    if (folder)
        closedir (folder);
}

/* A resumed run of which all is done: answers the same, and sweeps. */
static void sweep (run_t *self)
{
    int status = 0;
    age (self->tmp);
    start (self, true);
    while (!tree_reap (self->manager, &status))
        tree_sleep_ms (2);
    if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
        self->result->code = -1;
    self->result->left += tree_end (LEAVE_MS);
}

static void look_back (run_t *self)
{
    run_result_t *result = self->result;
    char name[TRACES_NAME];
    result->left = tree_end (LEAVE_MS);
    result->journal_size = size_of (self->journal);
    if (self->any_killed && !result->hung && result->code == 0 && traces_left (self->tmp, NULL, name))
        sweep (self);
    result->littered = traces_left (self->tmp, NULL, name);
    if (result->littered)
        printf ("left lying about: %s\n", name);
    result->unbalanced = traces_says (self->err, "books do not balance");
    if (result->code >= 0 && !answers_read (self->results, &result->answers))
        result->code = -1;
}

void run_plan (const plan_t *plan, const run_config_t *config, run_result_t *ret_result)
{
    run_t self = {.plan = plan, .config = config, .result = ret_result};
    *ret_result = (run_result_t){.code = -1};
    prepare (&self);
    double begin = tree_now (), now = begin;
    self.woken = begin;
    start (&self, false);
    for (;;) {
        int status;
        now = tree_now ();
        if (tree_reap (self.manager, &status)) {
            if (!self.killed || !WIFSIGNALED (status)) {
                ret_result->code = WIFEXITED (status) ? WEXITSTATUS (status) : -1;
                break;
            }
            start (&self, true);
        }
        if (now - begin > config->limit) {
            ret_result->hung = true;
            break;
        }
        wake (&self, now, false);
        see_to_faults (&self, now);
        tree_sleep_ms (1);
    }
    ret_result->seconds = now - begin;
    wake (&self, now, true);
    if (ret_result->hung)
        kill (self.manager, SIGABRT); /* ours, not reaped; its core may tell */
    look_back (&self);
}
