/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tag.c - see tag.h.
 */
#include "tag.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOKS 5 /* a millisecond apart, at an environment that is empty */
#define SWEEP_US 1000000u

void emp_tag_text (const char *name, uint64_t session, char *ret_tag)
{
    snprintf (ret_tag, EMP_TAG_MAX, "%s=%016" PRIx64, name, session);
}

char **emp_tag_environment (char *tag)
{
    size_t count = 0, to = 0, name = strcspn (tag, "=") + 1;
    while (environ[count])
        count++;
    char **list = calloc (count + 2, sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        if (strncmp (environ[i], tag, name) != 0)
            list[to++] = environ[i];
    if (list)
        list[to] = tag;
    return list;
}

/* ---- who has it -------------------------------------------------------------------------------------------------- */

/* *ret_any: it has an environment at all. */
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

/* A thread of the kernel's, and who is dead and not collected, have no program. */
static bool has_program (pid_t pid)
{
    char path[64], byte;
    snprintf (path, sizeof path, "/proc/%d/exe", (int) pid);
    return readlink (path, &byte, 1) > 0;
}

/* In the middle of an exec the kernel shows no environment; a moment later it does. */
bool emp_tag_is_on (pid_t pid, const char *tag)
{
    bool any = false, found = false;
    for (int look = 0; look < LOOKS && !any; look++) {
        if (look && !has_program (pid))
            return false;
        if (look)
            poll (NULL, 0, 1);
        found = environment_has (pid, tag, &any);
    }
    return found;
}

/* ---- the sweep --------------------------------------------------------------------------------------------------- */

static uint64_t now (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * 1000000u + (uint64_t) time.tv_nsec / 1000;
}

void emp_tag_await_end (int pidfd, uint64_t deadline)
{
    uint64_t time = now ();
    struct pollfd item = {.fd = pidfd, .events = POLLIN};
    if (pidfd < 0)
        poll (NULL, 0, 1);
    else if (time < deadline)
        poll (&item, 1, (int) ((deadline - time + 999) / 1000));
}

/* The pidfd is there before the environment is read: whoever has the number by then, only the one whose environment it
 * was, or nobody, gets the signal. */
static bool kill_tagged (pid_t pid, const char *tag, uint64_t deadline)
{
    int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
    bool found = emp_tag_is_on (pid, tag);
    if (found && pidfd >= 0)
        found = syscall (SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0;
    else if (found)
        found = kill (pid, SIGKILL) == 0;
    if (found)
        emp_tag_await_end (pidfd, deadline);
    if (pidfd >= 0)
        close (pidfd);
    return found;
}

static unsigned pass (const char *tag, uint64_t deadline)
{
    unsigned killed = 0;
    DIR *processes = opendir ("/proc");
    if (!processes)
        return 0;
    for (const struct dirent *entry; (entry = readdir (processes)) && now () < deadline;) {
        pid_t pid = (pid_t) strtol (entry->d_name, NULL, 10);
        if (pid > 0 && pid != getpid ())
            killed += kill_tagged (pid, tag, deadline);
    }
    closedir (processes);
    return killed;
}

unsigned emp_tag_sweep (const char *tag)
{
    unsigned killed = 0, more = 1;
    for (uint64_t deadline = now () + SWEEP_US; more && now () < deadline;) {
        more = pass (tag, deadline);
        killed += more;
    }
    return killed;
}

void emp_tag_sweep_feeds (pid_t manager)
{
    char tag[EMP_TAG_MAX];
    emp_tag_text (EMP_TAG_FEED, (uint64_t) manager, tag);
    emp_tag_sweep (tag);
}
