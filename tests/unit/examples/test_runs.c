/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_runs.c - what may be started and what is signalled when (E8).
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "manager/examples/runs.h"

TestSuite (runs, .timeout = 10);

static emp_runs_t runs;

static void make (void)
{
    cr_assert_eq (emp_runs_init (&runs, 20), EMP_OK);
}

static void drop (void)
{
    emp_runs_release (&runs);
}

Test (runs, one_of_an_example_and_eight_of_all_run_at_once, .init = make, .fini = drop)
{
    for (size_t i = 0; i < EMP_RUNS_MAX; i++) {
        cr_assert_eq (emp_runs_may_start (&runs, i), EMP_OK);
        emp_runs_started (&runs, i, 100 + (pid_t) i);
        cr_assert_eq (emp_runs_may_start (&runs, i), EMP_EXISTS);
    }
    cr_assert_eq (emp_runs_may_start (&runs, EMP_RUNS_MAX), EMP_FULL);
    emp_runs_over (&runs, 3, 0);
    cr_assert_eq (emp_runs_may_start (&runs, EMP_RUNS_MAX), EMP_OK);
    cr_assert_eq (emp_runs_may_start (&runs, 3), EMP_OK);
}

Test (runs, a_second_start_has_another_number_and_no_output_of_the_first, .init = make, .fini = drop)
{
    emp_runs_started (&runs, 0, 100);
    cr_assert_eq (emp_output_add (&runs.at[0].output, 1, "x", 1), EMP_OK);
    cr_assert_eq (emp_runs_stop (&runs, 0), SIGINT);
    emp_runs_over (&runs, 0, 0);
    emp_runs_started (&runs, 0, 101);
    cr_assert_eq (runs.at[0].number, 2);
    cr_assert_eq (runs.at[0].asked, 0);
    cr_assert_eq (runs.at[0].output.end, 0);
}

Test (runs, stop_drains_then_stops_then_kills, .init = make, .fini = drop)
{
    cr_assert_eq (emp_runs_stop (&runs, 0), 0);
    emp_runs_started (&runs, 0, 100);
    cr_assert_eq (emp_runs_stop (&runs, 0), SIGINT);
    cr_assert_eq (runs.at[0].state, EMP_RUN_STOPPING);
    cr_assert_eq (emp_runs_stop (&runs, 0), SIGINT);
    cr_assert_eq (emp_runs_stop (&runs, 0), SIGKILL);
    emp_runs_over (&runs, 0, SIGKILL);
    cr_assert_eq (emp_runs_stop (&runs, 0), 0);
}

Test (runs, nobody_is_signalled_until_somebody_wants_an_end, .init = make, .fini = drop)
{
    emp_runs_started (&runs, 0, 100);
    cr_assert_eq (emp_runs_due (&runs, 0, UINT64_MAX), 0);
    cr_assert_eq (emp_runs_next_due (&runs), UINT64_MAX);
}

Test (runs, at_the_end_each_gets_its_time_and_then_the_next_signal, .init = make, .fini = drop)
{
    uint64_t now = 1000;
    emp_runs_started (&runs, 0, 100);
    emp_runs_end (&runs, now);
    cr_assert_eq (emp_runs_may_start (&runs, 1), EMP_STATE);
    cr_assert_eq (emp_runs_next_due (&runs), now);
    cr_assert_eq (emp_runs_due (&runs, 1, now), 0);
    cr_assert_eq (emp_runs_due (&runs, 0, now), SIGINT);
    cr_assert_eq (emp_runs_next_due (&runs), now + EMP_RUNS_DRAIN_US);
    cr_assert_eq (emp_runs_due (&runs, 0, now + EMP_RUNS_DRAIN_US - 1), 0);
    now += EMP_RUNS_DRAIN_US;
    cr_assert_eq (emp_runs_due (&runs, 0, now), SIGINT);
    cr_assert_eq (emp_runs_due (&runs, 0, now + EMP_RUNS_STOP_US - 1), 0);
    cr_assert_eq (emp_runs_due (&runs, 0, now + EMP_RUNS_STOP_US), SIGKILL);
    emp_runs_over (&runs, 0, SIGKILL);
    cr_assert_eq (emp_runs_next_due (&runs), UINT64_MAX);
    cr_assert_eq (emp_runs_on (&runs), 0);
}

Test (runs, whoever_wants_the_end_again_does_not_wait, .init = make, .fini = drop)
{
    emp_runs_started (&runs, 0, 100);
    emp_runs_end (&runs, 0);
    cr_assert_eq (emp_runs_due (&runs, 0, 1), SIGINT);
    emp_runs_end (&runs, 2);
    cr_assert_eq (emp_runs_due (&runs, 0, 2), SIGINT);
    emp_runs_end (&runs, 3);
    cr_assert_eq (emp_runs_due (&runs, 0, 3), SIGKILL);
}

Test (runs, how_it_ended_is_said_in_words, .init = make, .fini = drop)
{
    char how[EMP_RUNS_HOW_MAX + 1];
    emp_run_how (&runs.at[0], how);
    cr_assert_str_eq (how, "");
    emp_runs_started (&runs, 0, 100);
    emp_runs_over (&runs, 0, 2 << 8);
    emp_run_how (&runs.at[0], how);
    cr_assert_str_eq (how, "exit 2");
    emp_runs_started (&runs, 0, 100);
    emp_runs_over (&runs, 0, SIGKILL);
    emp_run_how (&runs.at[0], how);
    cr_assert_str_eq (how, "killed by signal 9 (Killed)");
}
