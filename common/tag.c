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

enum { START_CODE = 26, ENV_START = 50, ENV_END = 51 };
#define EXEC_US 200000u
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

static uint64_t now (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * 1000000u + (uint64_t) time.tv_nsec / 1000;
}

/* ---- who has it -------------------------------------------------------------------------------------------------- */

/* *ret_size: so many bytes of environment were there to be read. */
static bool environment_has (pid_t pid, const char *tag, uint64_t *ret_size)
{
    char path[64], *line = NULL;
    size_t room = 0;
    ssize_t size;
    bool found = false;
    *ret_size = 0;
    snprintf (path, sizeof path, "/proc/%d/environ", (int) pid);
    FILE *environment = fopen (path, "re");
    for (; environment && !found && (size = getdelim (&line, &room, 0, environment)) > 0; *ret_size += (uint64_t) size)
        found = strcmp (line, tag) == 0;
    free (line);
    if (environment)
        fclose (environment);
    return found;
}

/* Of the fields of /proc/pid/stat, proc(5), those from the third on, as numbers. */
static bool stat_of (pid_t pid, uint64_t *fields)
{
    char path[64], text[1024], *at;
    snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
    FILE *stat = fopen (path, "re");
    size_t size = stat ? fread (text, 1, sizeof text - 1, stat) : 0;
    if (stat)
        fclose (stat);
    text[size] = 0;
    at = strrchr (text, ')'); /* the end of the second, which may hold anything */
    for (int number = 3; at && number <= ENV_END; number++)
        if ((at = strchr (at + 1, ' ')))
            fields[number] = strtoull (at, NULL, 10);
    return at != NULL;
}

/* So many bytes are all there is. In the middle of an exec an environment has no bytes, then 0 between its start and its
 * end, and the start of the code is 0 to the last; and what was opened before the exec ends where the old program did,
 * also in the middle. A thread of the kernel's, and who is dead and not collected, have no program and nothing to read. */
static bool is_whole (pid_t pid, uint64_t size)
{
    char path[64], byte;
    uint64_t fields[ENV_END + 1];
    snprintf (path, sizeof path, "/proc/%d/exe", (int) pid);
    if (readlink (path, &byte, 1) <= 0 || !stat_of (pid, fields))
        return true;
    return fields[START_CODE] && fields[ENV_START] && fields[ENV_END] - fields[ENV_START] == size;
}

/* The way through an exec is as long as the disk and the scheduler make it. */
bool emp_tag_is_on (pid_t pid, const char *tag)
{
    uint64_t size, deadline = now () + EXEC_US;
    bool found = environment_has (pid, tag, &size);
    while (!found && !is_whole (pid, size) && now () < deadline) {
        poll (NULL, 0, 1);
        found = environment_has (pid, tag, &size);
    }
    return found;
}

/* ---- the sweep --------------------------------------------------------------------------------------------------- */

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
