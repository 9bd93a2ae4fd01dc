/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "worker/limit.h"

TestSuite (limit, .timeout = 60);

static uint64_t look;

static bool is_over (uint64_t since, uint64_t limit, uint64_t now)
{
    emp_limit_t self = {.since = since, .limit = limit};
    return emp_limit_is_over (&self, now, &look);
}

Test (limit, where_there_is_none_nobody_is_killed_and_nobody_looks)
{
    cr_assert (!is_over (1, 0, UINT64_MAX));
    cr_assert_eq (look, EMP_LIMIT_NEVER);
}

Test (limit, who_has_nothing_in_hand_is_looked_at_one_limit_later)
{
    cr_assert (!is_over (0, 1000, 5000000));
    cr_assert_eq (look, 5001000);
}

Test (limit, who_has_something_in_hand_is_looked_at_when_that_is_due)
{
    cr_assert (!is_over (5000000, 1000, 5000400));
    cr_assert_eq (look, 5001000);
}

Test (limit, is_over_at_its_moment_and_not_before)
{
    cr_assert (!is_over (5000000, 1000, 5000999));
    cr_assert (is_over (5000000, 1000, 5001000));
    cr_assert (is_over (5000000, 1000, UINT64_MAX));
}

Test (limit, a_chunk_of_after_now_is_not_over)
{
    cr_assert (!is_over (6000000, 1000, 5000000));
    cr_assert_eq (look, 6001000);
    cr_assert (!is_over (UINT64_MAX - 5, 1000, UINT64_MAX - 6), "what is in the page may be anything");
    cr_assert_eq (look, EMP_LIMIT_NEVER);
}

/* A slot that takes its next chunk right after each look is still killed at the right moment. */
Test (limit, looks_find_the_moment_however_chunks_and_looks_lie)
{
    for (uint64_t gap = 50; gap <= 1000; gap += 50) {
        cr_assert (!is_over (0, 1000, 10000));
        uint64_t taken = 10000 + gap;
        cr_assert (!is_over (taken, 1000, look));
        cr_assert_eq (look, taken + 1000);
        cr_assert (is_over (taken, 1000, look));
    }
}

Test (limit, who_was_given_up_has_six_times_DEAD_AFTER_and_half_a_minute)
{
    cr_assert_eq (emp_limit_fenced (0), 30000000);
    cr_assert_eq (emp_limit_fenced (5000000), 30000000);
    cr_assert_eq (emp_limit_fenced (10000000), 60000000);
    cr_assert_eq (emp_limit_fenced (UINT64_MAX / 2), EMP_LIMIT_NEVER);
}
