/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/child.h"
#include "worker/stray.h"

static void become_reaper (void)
{
    prctl (PR_SET_CHILD_SUBREAPER, 1);
}

TestSuite (child, .timeout = 60, .init = become_reaper);

static emp_child_t child;
static char output[4096];
static size_t output_size;

static void start_program (const char *program, char *const argv[])
{
    cr_assert_eq (emp_child_start (&child, program, argv, 0xabcdef, -1), EMP_OK, "%s", strerror (errno));
}

static void start (const char *script)
{
    char *argv[] = {"sh", "-c", (char *) script, NULL};
    start_program ("/bin/sh", argv);
}

static void wait_for (int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    cr_assert_eq (poll (&item, 1, 30000), 1);
}

/* Reads until the text is there. */
static void await (const char *text)
{
    while (!strstr (output, text)) {
        wait_for (child.pipe);
        ssize_t rc = read (child.pipe, output + output_size, sizeof output - 1 - output_size);
        cr_assert_gt (rc, 0, "the pipe ended: %s", output);
        output_size += (size_t) rc;
    }
}

static emp_end_t end;

static void collect (emp_how_t how, uint32_t code)
{
    wait_for (child.pidfd);
    cr_assert (emp_child_collect (&child, &end));
    cr_assert_eq (end.how, how);
    cr_assert_eq (end.code, code);
    cr_assert_eq (child.pid, 0);
}

static bool is_child (void *arg, pid_t pid)
{
    (void) arg;
    return pid == child.pid;
}

/* A process is gone when its number means nobody, or, before it was collected, when it is dead. */
static bool is_gone (pid_t pid)
{
    char path[64], state = 0;
    snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
    FILE *file = fopen (path, "r");
    if (!file)
        return true;
    int rc = fscanf (file, "%*d (%*[^)]) %c", &state);
    fclose (file);
    return rc != 1 || state == 'Z' || state == 'X';
}

Test (child, an_exit_status_is_reported)
{
    start ("exit 3");
    collect (EMP_HOW_EXIT, 3);
    emp_child_release (&child);
}

Test (child, a_signal_is_reported)
{
    start ("kill -SEGV $$");
    collect (EMP_HOW_SIGNAL, SIGSEGV);
    emp_child_release (&child);
}

/* 64 MiB that were written are seen, and of one that had none of that little. */
Test (child, its_peak_of_memory_is_reported)
{
    start ("exit 0");
    collect (EMP_HOW_EXIT, 0);
    cr_assert_gt (end.peak, 100 * 1024);
    uint64_t little = end.peak;
    emp_child_release (&child);
    char *argv[] = {"dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1", NULL};
    start_program ("/bin/dd", argv);
    collect (EMP_HOW_EXIT, 0);
    cr_assert_geq (end.peak, 64u << 20);
    cr_assert_gt (end.peak, little);
    emp_child_release (&child);
}

Test (child, that_runs_is_not_collected)
{
    start ("read nothing </proc/self/fd/1; sleep 1000");
    cr_assert (!emp_child_collect (&child, &end));
    emp_child_signal (&child, SIGKILL);
    collect (EMP_HOW_SIGNAL, SIGKILL);
    emp_child_release (&child);
}

Test (child, that_cannot_be_started_is_an_error_with_its_number)
{
    char *argv[] = {"nothing", NULL};
    emp_child_t untouched = {.pid = 42};
    cr_assert_eq (emp_child_start (&untouched, "/nowhere/nothing", argv, 1, -1), EMP_SYSTEM);
    cr_assert_eq (errno, ENOENT);
    cr_assert_eq (untouched.pid, 42);
}

Test (child, writes_both_outputs_into_one_pipe_and_reads_nothing)
{
    start ("cat; echo out; echo err >&2; echo end");
    await ("end\n");
    cr_assert_str_eq (output, "out\nerr\nend\n");
    collect (EMP_HOW_EXIT, 0);
    emp_child_release (&child);
}

Test (child, knows_its_session_and_has_a_group_of_its_own)
{
    setenv ("EISENMP_SLOT", "of another run", 1);
    start ("env | grep EISENMP_SLOT; [ \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ ] && echo own group; echo end");
    await ("end\n");
    cr_assert_str_eq (output, "EISENMP_SLOT=0000000000abcdef\nown group\nend\n");
    collect (EMP_HOW_EXIT, 0);
    emp_child_release (&child);
}

Test (child, has_one_tag_also_when_its_parent_has_one_already)
{
    setenv ("EISENMP_SLOT", "of another run", 1);
    char *argv[] = {"grep", "-z", "-c", "^EISENMP_SLOT=", "/proc/self/environ", NULL};
    start_program ("/bin/grep", argv); /* a shell would keep one of two */
    await ("\n");
    cr_assert_str_eq (output, "1\n");
    collect (EMP_HOW_EXIT, 0);
    emp_child_release (&child);
}

Test (child, has_all_signals_at_their_defaults_but_SIGTERM_which_waits)
{
    sigset_t all;
    sigfillset (&all);
    sigprocmask (SIG_BLOCK, &all, NULL);
    signal (SIGPIPE, SIG_IGN);
    char *argv[] = {"grep", "-E", "Sig(Blk|Ign)|Cpus_allowed_list", "/proc/self/status", NULL};
    start_program ("/bin/grep", argv); /* a shell would change them */
    await ("Cpus_allowed_list");
    unsigned long long blocked, ignored;
    cr_assert_eq (sscanf (output, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2, "%s", output);
    cr_assert_eq (blocked, 1ull << (SIGTERM - 1));
    cr_assert_eq (ignored & 0x7fffffff, 0, "libc ignores two of its own above these");
    collect (EMP_HOW_EXIT, 0);
    emp_child_release (&child);
}

Test (child, its_page_is_shared_and_outlives_it)
{
    start ("printf x >&3");
    collect (EMP_HOW_EXIT, 0);
    cr_assert_eq (child.page->ticket, 'x');
    emp_child_release (&child);
    cr_assert_null (child.page);
}

Test (child, its_group_dies_with_it)
{
    start ("sleep 1000 & echo $!; echo end; kill -KILL $$");
    await ("end\n");
    pid_t grandchild = atoi (output);
    collect (EMP_HOW_SIGNAL, SIGKILL);
    int status = 0;
    cr_assert_eq (waitpid (grandchild, &status, 0), grandchild);
    cr_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    emp_child_release (&child);
}

#define TAG "EISENMP_SLOT=0000000000abcdef"
#define OTHER_TAG "EISENMP_SLOT=0000000000abcdee"

Test (child, a_grandchild_in_a_session_of_its_own_is_swept_up)
{
    start ("setsid sh -c 'echo $$; echo end; exec sleep 1000' & exec sleep 1000");
    await ("end\n");
    pid_t grandchild = atoi (output);
    cr_assert_eq (emp_stray_sweep (TAG, is_child, NULL), 0, "it is no orphan yet");
    emp_child_signal (&child, SIGKILL);
    collect (EMP_HOW_SIGNAL, SIGKILL);
    cr_assert (!is_gone (grandchild));
    cr_assert_eq (emp_stray_sweep (TAG, is_child, NULL), 1);
    cr_assert (is_gone (grandchild));
    emp_child_release (&child);
}

Test (child, what_another_child_has_started_is_left_alone_until_all_goes)
{
    start ("setsid sh -c 'echo $$; echo end; exec sleep 1000' & wait $!");
    await ("end\n");
    pid_t grandchild = atoi (output);
    emp_child_signal (&child, SIGKILL);
    collect (EMP_HOW_SIGNAL, SIGKILL);
    cr_assert_eq (emp_stray_sweep (OTHER_TAG, is_child, NULL), 0);
    cr_assert (!is_gone (grandchild));
    cr_assert_eq (emp_stray_sweep (NULL, is_child, NULL), 1);
    cr_assert (is_gone (grandchild));
    emp_child_release (&child);
}

Test (child, a_whole_tree_of_strays_is_swept_up)
{
    start ("setsid sh -c 'setsid sh -c \"setsid sleep 1000 & echo end; exec sleep 1000\" & exec sleep 1000' & "
           "exec sleep 1000");
    await ("end\n");
    emp_child_signal (&child, SIGKILL);
    collect (EMP_HOW_SIGNAL, SIGKILL);
    cr_assert_eq (emp_stray_sweep (NULL, is_child, NULL), 3);
    cr_assert_eq (emp_stray_sweep (NULL, is_child, NULL), 0);
    emp_child_release (&child);
}

Test (child, a_stray_that_ended_by_itself_is_collected)
{
    start ("setsid sh -c 'echo $$; echo end' & sleep 1000");
    await ("end\n");
    pid_t grandchild = atoi (output);
    emp_child_signal (&child, SIGKILL);
    collect (EMP_HOW_SIGNAL, SIGKILL);
    while (!is_gone (grandchild))
        wait_for (child.pipe);
    emp_stray_collect (is_child, NULL);
    cr_assert_eq (kill (grandchild, 0), -1);
    cr_assert_eq (errno, ESRCH);
    emp_child_release (&child);
}
