/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Runs are found by their folders; what is not wholly ours, or not on any more, is not.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/runlist.h"

TestSuite (runlist, .timeout = 20);

static char base[64], path[EMP_RUNDIR_MAX + 1];
static int lock;
static emp_run_info_t list[EMP_RUNLIST_MAX];

static void begin (void)
{
    strcpy (base, "/tmp/emp-list-XXXXXX");
    cr_assert_not_null (mkdtemp (base));
    unsetenv ("XDG_RUNTIME_DIR");
    setenv ("TMPDIR", base, 1);
    cr_assert_eq (emp_rundir_new (path, &lock), EMP_OK);
}

static void end (void)
{
    emp_rundir_remove (path, lock);
    cr_assert_eq (rmdir (base), 0, "something is left");
}

/* Ours among those of this user, who may have others in /tmp; or NULL. */
static const emp_run_info_t *find (void)
{
    size_t count = emp_runlist (list, EMP_RUNLIST_MAX);
    for (size_t i = 0; i < count; i++)
        if (strcmp (list[i].path, path) == 0)
            return &list[i];
    return NULL;
}

Test (runlist, a_run_is_found_from_when_it_tells_until_its_lock_goes)
{
    begin ();
    cr_assert_null (find (), "it has not told yet");
    cr_assert (emp_runlist_is_on (path));
    cr_assert_eq (emp_runlist_tell (path, "a job\n\033[2J.yaml"), EMP_OK);
    const emp_run_info_t *found = find ();
    cr_assert_not_null (found);
    cr_assert (found->pid == getpid () && found->started > 1700000000);
    cr_assert_str_eq (found->job, "a job??[2J.yaml");
    cr_assert_str_eq (found->name, strrchr (path, '/') + 1);
    setenv ("XDG_RUNTIME_DIR", base, 1); /* the same place by two names is one */
    size_t count = emp_runlist (list, EMP_RUNLIST_MAX), same = 0;
    for (size_t i = 0; i < count; i++)
        same += strcmp (list[i].path, path) == 0;
    cr_assert_eq (same, 1);
    close (lock);
    lock = -1;
    cr_assert (!find () && !emp_runlist_is_on (path));
    end ();
    cr_assert (!emp_runlist_is_on (path));
}

Test (runlist, of_a_long_name_the_end_is_kept)
{
    begin ();
    char job[2000];
    memset (job, 'x', sizeof job);
    strcpy (job + sizeof job - 10, "/job.yaml");
    cr_assert_eq (emp_runlist_tell (path, job), EMP_OK);
    const emp_run_info_t *found = find ();
    cr_assert (found && strlen (found->job) == EMP_RUN_JOB_MAX);
    cr_assert_str_eq (found->job + EMP_RUN_JOB_MAX - 9, "/job.yaml");
    end ();
}

static void write_info (const char *text)
{
    char name[EMP_RUNDIR_MAX + 8];
    snprintf (name, sizeof name, "%s/info", path);
    FILE *file = fopen (name, "w");
    cr_assert (file && fputs (text, file) >= 0);
    fclose (file);
}

Test (runlist, folders_of_others_and_info_that_is_none_are_passed_over)
{
    begin ();
    static const char *const texts[] = {"", "pid\n", "pid x\nstarted 1\njob j\n", "started 1\npid 2\n", "\xff\xfe"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_info (texts[i]);
        cr_assert_null (find (), "%s", texts[i]);
    }
    write_info ("pid 12\nstarted 34\njob ");
    cr_assert (find () && find ()->pid == 12 && *find ()->job == 0);
    cr_assert_eq (chmod (path, 0750), 0);
    cr_assert_null (find (), "others may look into it");
    cr_assert_eq (chmod (path, 0700), 0);
    cr_assert_not_null (find ());
    cr_assert_eq (emp_runlist (list, 0), 0);
    end ();
}
