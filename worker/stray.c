/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stray.c - see stray.h.
 */
#include "stray.h"

#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/net/socket.h"
#include "../common/tag.h"

#define SWEEP_US 1000000u
#define SWEEP_PASSES 100

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

typedef struct {
    const char *tag;
    uint64_t deadline;
    unsigned killed;
} sweep_t;

/* A killed process needs a moment to be gone; one that the kernel holds must not hold us. */
static void await_end (pid_t pid, uint64_t deadline)
{
    int fd = (int) syscall (SYS_pidfd_open, pid, 0);
    emp_tag_await_end (fd, deadline); /* where there are no pidfds the next pass looks again */
    if (fd >= 0)
        close (fd);
    waitpid (pid, NULL, WNOHANG);
}

static bool sweep_one (void *arg, pid_t stray)
{
    sweep_t *sweep = arg;
    if (collect (NULL, stray))
        return true; /* its children, if any, are ours now */
    if (sweep->tag && !emp_tag_is_on (stray, sweep->tag))
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
