/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stray.c - see stray.h.
 */
#include "stray.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/net/socket.h"

#define SWEEP_US 1000000u
#define SWEEP_PASSES 100
#define LOOKS 5 /* a millisecond apart, at an environment that is empty */

typedef bool (visit_fn) (void *arg, pid_t stray);

/* Calls `visit` for each stray; true when one of the calls said so. */
static bool each_stray (emp_stray_is_own_fn *is_own, void *own, visit_fn *visit, void *arg)
{
    char path[64];
    /* Orphans go to the first thread of their new parent, and slots are started by it. */
    snprintf (path, sizeof path, "/proc/self/task/%d/children", (int) getpid ());
    FILE *list = fopen (path, "re");
    if (!list)
        return false;
    bool any = false;
    for (int pid; fscanf (list, "%d", &pid) == 1;)
        if (!is_own (own, pid) && visit (arg, pid))
            any = true;
    fclose (list);
    return any;
}

static bool collect (void *arg, pid_t stray)
{
    (void) arg;
    return waitpid (stray, NULL, WNOHANG) == stray;
}

void emp_stray_collect (emp_stray_is_own_fn *is_own, void *arg)
{
    each_stray (is_own, arg, collect, NULL);
}

/* Whether the process carries the tag; *ret_any: it has an environment at all. */
static bool environment_has (pid_t pid, const char *tag, bool *ret_any)
{
    char path[64], *line = NULL;
    size_t room = 0;
    *ret_any = false;
    snprintf (path, sizeof path, "/proc/%d/environ", (int) pid);
    FILE *environment = fopen (path, "re");
    if (!environment)
        return false;
    bool found = false;
    while (!found && getdelim (&line, &room, 0, environment) > 0) {
        *ret_any = true;
        found = strcmp (line, tag) == 0;
    }
    free (line);
    fclose (environment);
    return found;
}

/* In the middle of an exec the kernel shows no environment; a moment later it does. */
static bool has_tag (pid_t pid, const char *tag)
{
    bool any = false, found = false;
    for (int look = 0; look < LOOKS && !any; look++) {
        if (look)
            poll (NULL, 0, 1);
        found = environment_has (pid, tag, &any);
    }
    return found;
}

typedef struct {
    const char *tag;
    uint64_t deadline;
    unsigned killed;
} sweep_t;

/* A killed process needs a moment to be gone; one that the kernel holds must not hold us. */
static void await_end (pid_t pid, uint64_t deadline)
{
    int fd = (int) syscall (SYS_pidfd_open, pid, 0);
    uint64_t now = emp_now ();
    struct pollfd item = {.fd = fd, .events = POLLIN};
    if (fd >= 0 && now < deadline)
        poll (&item, 1, (int) ((deadline - now + 999) / 1000));
    if (fd >= 0)
        close (fd);
    else
        poll (NULL, 0, 1); /* no pidfds here; the next pass looks again */
    waitpid (pid, NULL, WNOHANG);
}

static bool sweep_one (void *arg, pid_t stray)
{
    sweep_t *sweep = arg;
    if (collect (NULL, stray))
        return true; /* its children, if any, are ours now */
    if (sweep->tag && !has_tag (stray, sweep->tag))
        return false;
    kill (stray, SIGKILL); /* a child that was not collected: the number is still its own */
    await_end (stray, sweep->deadline);
    sweep->killed++;
    return true;
}

unsigned emp_stray_sweep (const char *tag, emp_stray_is_own_fn *is_own, void *arg)
{
    sweep_t sweep = {.tag = tag, .deadline = emp_now () + SWEEP_US};
    for (int pass = 0; pass < SWEEP_PASSES && emp_now () < sweep.deadline; pass++)
        if (!each_stray (is_own, arg, sweep_one, &sweep))
            break;
    return sweep.killed;
}
