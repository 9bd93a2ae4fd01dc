/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tree.c - see tree.h.
 */
#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN_MAX 256

void tree_init (void)
{
    prctl (PR_SET_CHILD_SUBREAPER, 1);
}

static void redirect (const char *path, int flags, int to)
{
    int file = open (path, flags | O_CLOEXEC, 0600);
    if (file < 0 || dup2 (file, to) < 0)
        _exit (126);
}

pid_t tree_start (char *const argv[], const char *out, const char *err)
{
    pid_t pid = fork ();
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        redirect ("/dev/null", O_RDONLY, STDIN_FILENO);
        redirect (out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
        redirect (err, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
        execv (argv[0], argv);
        perror (argv[0]);
        _exit (127);
    }
    if (pid > 0)
        return pid;
    perror ("fork");
    exit (2);
}

/* ---- who is there ------------------------------------------------------------------------------------------------ */

/* Those of all threads: a supervisor is the child of its manager's launcher thread. */
static int children (pid_t pid, pid_t *ret_pids)
{
    char path[300];
    int count = 0;
    snprintf (path, sizeof path, "/proc/%d/task", (int) pid);
    DIR *threads = opendir (path);
    for (struct dirent *thread; threads && (thread = readdir (threads));) {
        snprintf (path, sizeof path, "/proc/%d/task/%s/children", (int) pid, thread->d_name);
        FILE *file = thread->d_name[0] == '.' ? NULL : fopen (path, "re");
        for (int child; file && count < CHILDREN_MAX && fscanf (file, "%d", &child) == 1;)
            ret_pids[count++] = child;
        if (file)
            fclose (file);
    }
    if (threads)
        closedir (threads);
    return count;
}

/* Its name and its parent; a name may have spaces and brackets. */
static bool look (pid_t pid, char ret_name[64], pid_t *ret_parent)
{
    char path[64], line[512];
    snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
    FILE *file = fopen (path, "re");
    bool read = file && fgets (line, sizeof line, file);
    if (file)
        fclose (file);
    char *name = read ? strchr (line, '(') : NULL, *end = read ? strrchr (line, ')') : NULL;
    int parent;
    char state;
    if (!name || !end || sscanf (end + 1, " %c %d", &state, &parent) != 2 || state == 'Z')
        return false;
    *end = 0;
    snprintf (ret_name, 64, "%s", name + 1);
    *ret_parent = parent;
    return true;
}

static bool is_worker (const char *name)
{
    return strncmp (name, "Process-", 8) == 0;
}

static bool is_other (const char *name)
{
    return strncmp (name, "eisenmp-", 8) == 0; /* a supervisor below a manager, a template below a supervisor */
}

/* The which-th child of a parent that is so named. */
static int open_child (pid_t parent, bool is_one (const char *name), unsigned which, pid_t *ret_pid)
{
    pid_t pids[CHILDREN_MAX], found[CHILDREN_MAX];
    int count = children (parent, pids), ones = 0;
    for (int i = 0; i < count; i++) {
        char name[64];
        pid_t above;
        if (look (pids[i], name, &above) && above == parent && is_one (name))
            found[ones++] = pids[i];
    }
    if (ones == 0)
        return -1;
    *ret_pid = found[which % (unsigned) ones];
    int pidfd = (int) syscall (SYS_pidfd_open, *ret_pid, 0);
    char name[64];
    pid_t above;
    if (pidfd >= 0 && look (*ret_pid, name, &above) && above == parent && is_one (name))
        return pidfd;
    if (pidfd >= 0)
        close (pidfd);
    return -1;
}

int tree_open (pid_t manager, tree_role_t role, unsigned which)
{
    pid_t supervisor, pid;
    if (role == TREE_MANAGER)
        return (int) syscall (SYS_pidfd_open, manager, 0); /* our own child, not reaped */
    int boss = open_child (manager, is_other, 0, &supervisor);
    if (role == TREE_SUPERVISOR || boss < 0)
        return boss;
    int pidfd = open_child (supervisor, role == TREE_WORKER ? is_worker : is_other, which, &pid);
    close (boss);
    return pidfd;
}

void tree_signal (int pidfd, int number)
{
    syscall (SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

bool tree_reap (pid_t pid, int *ret_status)
{
    int status;
    bool found = false;
    for (pid_t ended; (ended = waitpid (-1, &status, WNOHANG)) > 0;)
        if (ended == pid) {
            *ret_status = status;
            found = true;
        }
    return found;
}

static bool any_left (void)
{
    int status;
    tree_reap (-1, &status);
    siginfo_t info = {.si_pid = 0};
    return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int tree_end (unsigned limit_ms)
{
    double until = tree_now () + limit_ms / 1000.0;
    int killed = 0;
    while (any_left ()) {
        tree_sleep_ms (2);
        if (tree_now () < until)
            continue;
        pid_t pids[CHILDREN_MAX];
        int count = children (getpid (), pids);
        for (int i = 0; i < count; i++) {
            char name[64] = "?";
            pid_t above;
            look (pids[i], name, &above);
            printf ("left running: %d %s\n", (int) pids[i], name);
            kill (pids[i], SIGKILL); /* a child of ours that only we reap */
            killed++;
        }
        until = tree_now () + 1;
    }
    return killed;
}

void tree_sleep_ms (unsigned ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long) (ms % 1000) * 1000000};
    while (nanosleep (&left, &left) != 0)
        ;
}

double tree_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}
