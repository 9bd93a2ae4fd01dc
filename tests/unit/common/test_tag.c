/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/tag.h"

static char tag[EMP_TAG_MAX];

/* A number of our own, since processes of the whole host are looked at. */
static void choose (void)
{
    emp_tag_text ("EISENMP_TEST", (uint64_t) getpid () << 20, tag);
    prctl (PR_SET_CHILD_SUBREAPER, 1);
}

TestSuite (tag, .timeout = 60, .init = choose);

/* A shell with the tag in its environment that has said a line, and runs on. */
static pid_t start (const char *script)
{
    int ends[2];
    char byte;
    cr_assert_eq (pipe (ends), 0);
    char **environment = emp_tag_environment (tag);
    pid_t pid = fork ();
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        dup2 (ends[1], 1);
        close (ends[0]);
        execle ("/bin/sh", "sh", "-c", script, NULL, environment);
        _exit (127);
    }
    free (environment);
    close (ends[1]);
    cr_assert_eq (read (ends[0], &byte, 1), 1);
    close (ends[0]);
    return pid;
}

Test (tag, is_a_name_and_sixteen_digits)
{
    emp_tag_text (EMP_TAG_SLOT, 0xabcdef, tag);
    cr_assert_str_eq (tag, "EISENMP_SLOT=0000000000abcdef");
    emp_tag_text (EMP_TAG_SUPERVISOR, UINT64_MAX, tag);
    cr_assert_str_eq (tag, "EISENMP_SUPERVISOR=ffffffffffffffff");
}

Test (tag, takes_the_place_of_an_older_one)
{
    setenv ("EISENMP_TEST", "of another", 1);
    setenv ("EISENMP_TESTS", "is another name", 1);
    char **environment = emp_tag_environment (tag);
    unsigned same = 0, others = 0, all = 0;
    for (; environment[all]; all++) {
        same += strcmp (environment[all], tag) == 0;
        others += strncmp (environment[all], "EISENMP_TEST", 12) == 0;
    }
    cr_assert_eq (same, 1);
    cr_assert_eq (others, 2);
    free (environment);
}

Test (tag, is_on_who_was_started_with_it_and_on_nobody_else)
{
    pid_t pid = start ("echo x; exec sleep 1000");
    cr_assert (emp_tag_is_on (pid, tag));
    cr_assert (!emp_tag_is_on (getpid (), tag));
    tag[strlen (tag) - 1] ^= 1;
    cr_assert (!emp_tag_is_on (pid, tag));
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    cr_assert (!emp_tag_is_on (pid, tag));
}

/* Whoever looks sees the environment of before, none, or the one of after: none is no answer. */
Test (tag, is_on_who_is_in_the_middle_of_an_exec)
{
    pid_t pid = start ("echo x; again='exec sh -c \"$0\" \"$0\"'; exec sh -c \"$again\" \"$again\""); /* for ever */
    for (int look = 0; look < 2000; look++)
        cr_assert (emp_tag_is_on (pid, tag), "look %d", look);
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
}

Test (tag, is_not_on_who_has_no_environment)
{
    pid_t pid = start ("echo x; exec env -i sleep 1000");
    while (emp_tag_is_on (pid, tag))
        poll (NULL, 0, 1);
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
}

Test (tag, is_not_on_who_is_dead_and_not_collected)
{
    siginfo_t info;
    pid_t pid = start ("echo x");
    cr_assert_eq (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
    cr_assert (!emp_tag_is_on (pid, tag));
    waitpid (pid, NULL, 0);
}

Test (tag, a_sweep_kills_all_that_have_it_also_in_sessions_of_their_own)
{
    pid_t pid = start ("setsid sh -c 'setsid sleep 1000 & echo x; exec sleep 1000' & exec sleep 1000");
    cr_assert_geq (emp_tag_sweep (tag), 3);
    int status, killed = 0;
    for (pid_t one; (one = waitpid (-1, &status, 0)) > 0; killed++)
        cr_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL, "%d %d", (int) one, (int) pid);
    cr_assert_eq (killed, 3);
    cr_assert_eq (emp_tag_sweep (tag), 0);
}

Test (tag, a_sweep_kills_who_is_stopped_and_leaves_others_alone)
{
    pid_t pid = start ("echo x; exec sleep 1000");
    kill (pid, SIGSTOP);
    char other[EMP_TAG_MAX];
    strcpy (other, tag);
    other[strlen (other) - 1] ^= 1;
    cr_assert_eq (emp_tag_sweep (other), 0);
    cr_assert_eq (emp_tag_sweep (tag), 1);
    waitpid (pid, NULL, 0);
}
