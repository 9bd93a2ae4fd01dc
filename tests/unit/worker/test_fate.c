/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "worker/fate.h"

TestSuite (fate, .timeout = 60);

static const emp_end_t good = {.how = EMP_HOW_EXIT, .code = 0, .joined = true, .left = true, .chunks = 3};
static const emp_end_t crash_at_work = {.how = EMP_HOW_SIGNAL, .code = 11, .joined = true, .chunks = 3};
static const emp_end_t crash_at_once = {.how = EMP_HOW_SIGNAL, .code = 11, .joined = true, .chunks = 0};
static const emp_end_t cannot_load = {.how = EMP_HOW_EXIT, .code = 2, .joined = false};

Test (fate, who_left_in_good_order_stays_away)
{
    unsigned deaths = 4;
    cr_assert_eq (emp_fate_of (&good, false, true, &deaths), EMP_FATE_ENDED);
    cr_assert_eq (emp_fate_of (&good, true, true, &deaths), EMP_FATE_ENDED);
}

Test (fate, an_exit_of_0_that_was_not_announced_is_a_death)
{
    emp_end_t end = good;
    end.left = false;
    unsigned deaths = 0;
    cr_assert_eq (emp_fate_of (&end, false, true, &deaths), EMP_FATE_AGAIN);
}

Test (fate, a_signal_behind_a_good_end_is_a_death)
{
    emp_end_t end = good;
    end.how = EMP_HOW_SIGNAL;
    unsigned deaths = 0;
    cr_assert_eq (emp_fate_of (&end, false, true, &deaths), EMP_FATE_AGAIN);
    end.how = EMP_HOW_EXIT;
    end.code = 1;
    cr_assert_eq (emp_fate_of (&end, false, true, &deaths), EMP_FATE_AGAIN);
}

Test (fate, who_dies_at_work_is_started_again_for_ever)
{
    unsigned deaths = 0;
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (emp_fate_of (&crash_at_work, false, true, &deaths), EMP_FATE_AGAIN);
}

Test (fate, five_fruitless_lives_in_a_row_are_enough)
{
    unsigned deaths = 0;
    for (int i = 0; i < EMP_DEATHS_MAX - 1; i++)
        cr_assert_eq (emp_fate_of (&crash_at_once, false, true, &deaths), EMP_FATE_AGAIN);
    cr_assert_eq (emp_fate_of (&crash_at_once, false, true, &deaths), EMP_FATE_GIVEN_UP);
}

Test (fate, a_chunk_in_between_clears_the_count)
{
    unsigned deaths = 0;
    for (int i = 0; i < EMP_DEATHS_MAX - 1; i++)
        cr_assert_eq (emp_fate_of (&crash_at_once, false, true, &deaths), EMP_FATE_AGAIN);
    for (int i = 0; i < EMP_DEATHS_MAX - 1; i++)
        cr_assert_eq (emp_fate_of (i ? &crash_at_once : &crash_at_work, false, true, &deaths), EMP_FATE_AGAIN);
    cr_assert_eq (emp_fate_of (&crash_at_once, false, true, &deaths), EMP_FATE_GIVEN_UP);
}

Test (fate, nobody_is_started_when_the_run_ends)
{
    unsigned deaths = 0;
    cr_assert_eq (emp_fate_of (&crash_at_work, true, true, &deaths), EMP_FATE_DEAD);
    cr_assert_eq (emp_fate_of (&cannot_load, true, false, &deaths), EMP_FATE_DEAD);
    cr_assert_eq (deaths, 0);
}

Test (fate, a_job_that_no_slot_can_load_ends_all)
{
    unsigned deaths = 0;
    cr_assert_eq (emp_fate_of (&cannot_load, false, false, &deaths), EMP_FATE_UNFIT);
}

Test (fate, once_a_slot_has_worked_exit_2_is_a_death_as_any)
{
    unsigned deaths = 0;
    cr_assert_eq (emp_fate_of (&cannot_load, false, true, &deaths), EMP_FATE_AGAIN);
    emp_end_t module_said_2 = cannot_load;
    module_said_2.joined = true;
    cr_assert_eq (emp_fate_of (&module_said_2, false, false, &deaths), EMP_FATE_AGAIN);
}

Test (fate, who_was_killed_for_its_time_or_given_up_is_started_again_for_ever)
{
    unsigned deaths = 0;
    emp_end_t timeout = {.how = EMP_HOW_TIMEOUT, .code = 9, .joined = true, .overtime = true, .chunks = 1};
    emp_end_t frozen = {.how = EMP_HOW_SIGNAL, .code = 9, .joined = true, .overtime = true};
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (emp_fate_of (i % 2 ? &timeout : &frozen, false, true, &deaths), EMP_FATE_AGAIN);
    for (int i = 0; i < EMP_DEATHS_MAX - 1; i++)
        cr_assert_eq (emp_fate_of (&crash_at_once, false, true, &deaths), EMP_FATE_AGAIN);
    cr_assert_eq (emp_fate_of (&frozen, false, true, &deaths), EMP_FATE_AGAIN);
    cr_assert_eq (deaths, 0);
    cr_assert_eq (emp_fate_of (&frozen, true, true, &deaths), EMP_FATE_DEAD);
}

Test (fate, who_was_cut_off_is_started_again_for_ever)
{
    unsigned deaths = 0;
    emp_end_t cut = {.how = EMP_HOW_EXIT, .code = 1, .joined = true, .cut = true};
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (emp_fate_of (&cut, false, true, &deaths), EMP_FATE_AGAIN);
    cr_assert_eq (deaths, 0);
    cr_assert_eq (emp_fate_of (&cut, true, true, &deaths), EMP_FATE_DEAD);
    emp_end_t not_connected = {.how = EMP_HOW_EXIT, .code = EMP_EXIT_UNFIT, .cut = true};
    cr_assert_eq (emp_fate_of (&not_connected, false, false, &deaths), EMP_FATE_AGAIN);
}
