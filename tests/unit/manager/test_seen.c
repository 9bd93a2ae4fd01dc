/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_seen.c - the set of a feed's tickets that have ended.
 */
#include <criterion/criterion.h>

#include "manager/seen.h"

TestSuite (seen, .timeout = 30);

static bool add (emp_seen_t *seen, uint64_t number)
{
    if (emp_seen_reserve (seen, number))
        return false;
    emp_seen_add (seen, number);
    return true;
}

Test (seen, an_empty_set_misses_every_number_and_holds_no_memory)
{
    emp_seen_t seen;
    emp_seen_init (&seen);
    cr_assert_eq (emp_seen_missing (&seen, 0), 0);
    cr_assert_eq (emp_seen_missing (&seen, 1000000), 1000000);
    cr_assert_null (seen.pieces);
    emp_seen_release (&seen);
}

Test (seen, a_number_is_added_once)
{
    emp_seen_t seen;
    emp_seen_init (&seen);
    cr_assert (add (&seen, 7));
    cr_assert_eq (emp_seen_reserve (&seen, 7), EMP_STALE);
    cr_assert_eq (emp_seen_reserve (&seen, 6), EMP_OK);
    cr_assert_eq (seen.count, 1);
    cr_assert_eq (seen.beyond, 8);
    emp_seen_release (&seen);
}

Test (seen, reserving_alone_adds_nothing)
{
    emp_seen_t seen;
    emp_seen_init (&seen);
    cr_assert_eq (emp_seen_reserve (&seen, 100), EMP_OK);
    cr_assert_eq (seen.count, 0);
    cr_assert_eq (seen.beyond, 0);
    cr_assert_eq (emp_seen_missing (&seen, 101), 101);
    emp_seen_release (&seen);
}

Test (seen, missing_numbers_come_in_order_over_words_and_pieces)
{
    emp_seen_t seen;
    emp_seen_init (&seen);
    const uint64_t absent[] = {0, 63, 64, 32767, 32768, 65537, 70000};
    for (uint64_t number = 70000; number-- > 0;) {
        bool is_absent = false;
        for (size_t i = 0; i < 7; i++)
            is_absent |= number == absent[i];
        if (!is_absent)
            cr_assert (add (&seen, number), "%llu", (unsigned long long) number);
    }
    cr_assert_eq (emp_seen_missing (&seen, 70001), 7);
    uint64_t from = 0;
    for (size_t i = 0; i < 7; i++) {
        from = emp_seen_next (&seen, from, 70001);
        cr_assert_eq (from++, absent[i]);
    }
    cr_assert_eq (emp_seen_next (&seen, from, 70001), 70001, "no more of them");
    cr_assert_eq (emp_seen_next (&seen, 1, 63), 63, "none below the end");
    cr_assert_eq (emp_seen_next (&seen, 200000, 200001), 200000, "where there is no piece");
    cr_assert_eq (emp_seen_missing (&seen, 70000), 6);
    cr_assert_eq (emp_seen_missing (&seen, 64), 2);
    cr_assert_eq (emp_seen_missing (&seen, 63), 1);
    emp_seen_release (&seen);
}

Test (seen, a_piece_that_is_full_is_given_back_and_still_counts)
{
    emp_seen_t seen;
    emp_seen_init (&seen);
    for (uint64_t number = 0; number < 32767; number++)
        cr_assert (add (&seen, number));
    void *piece = seen.pieces[0];
    cr_assert (add (&seen, 32767));
    cr_assert_neq ((void *) seen.pieces[0], piece);
    cr_assert_eq (emp_seen_reserve (&seen, 0), EMP_STALE);
    cr_assert_eq (emp_seen_reserve (&seen, 32767), EMP_STALE);
    cr_assert_eq (emp_seen_missing (&seen, 32769), 1);
    emp_seen_release (&seen);
}

Test (seen, a_number_too_far_ahead_is_malformed_and_takes_no_memory)
{
    emp_seen_t seen;
    emp_seen_init (&seen);
    cr_assert_eq (emp_seen_reserve (&seen, EMP_SEEN_AHEAD_MAX + 1), EMP_MALFORMED);
    cr_assert_eq (emp_seen_reserve (&seen, EMP_SEEN_NUMBER_MAX - 1), EMP_MALFORMED);
    cr_assert_eq (emp_seen_reserve (&seen, EMP_SEEN_NUMBER_MAX), EMP_MALFORMED);
    cr_assert_eq (emp_seen_reserve (&seen, UINT64_MAX), EMP_MALFORMED);
    cr_assert_null (seen.pieces);
    cr_assert (add (&seen, EMP_SEEN_AHEAD_MAX));
    cr_assert (add (&seen, EMP_SEEN_AHEAD_MAX + 1), "one more may be one further ahead");
    cr_assert_eq (emp_seen_missing (&seen, seen.beyond), EMP_SEEN_AHEAD_MAX);
    emp_seen_release (&seen);
}
