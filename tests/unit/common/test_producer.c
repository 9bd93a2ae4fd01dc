/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "common/producer.h"

TestSuite (producer, .timeout = 60);

Test (producer, of_a_worker_asks_once_until_it_has_heard)
{
    emp_producer_t producer = {0};
    cr_assert (emp_producer_is_dry (&producer, 0));
    cr_assert (emp_producer_asks (&producer));
    emp_producer_asked (&producer);
    cr_assert_not (emp_producer_asks (&producer));
    cr_assert_not (emp_producer_heard (&producer, 0, true), "a word that there is none ends no wait");
    emp_producer_settle (&producer, 0, true);
    cr_assert_not (emp_producer_asks (&producer));
    cr_assert (emp_producer_heard (&producer, 1, false));
    emp_producer_settle (&producer, 1, true);
    cr_assert_not (emp_producer_is_dry (&producer, 1));
    cr_assert_eq (emp_producer_put (&producer), 0);
    cr_assert (emp_producer_is_dry (&producer, 1));
    cr_assert (emp_producer_asks (&producer));
}

Test (producer, that_waits_no_longer_says_so_once_and_hears_what_there_is)
{
    emp_producer_t producer = {0};
    cr_assert_not (emp_producer_takes_back (&producer), "it did not wait");
    emp_producer_asked (&producer);
    cr_assert (emp_producer_takes_back (&producer));
    emp_producer_took_back (&producer);
    cr_assert_not (emp_producer_takes_back (&producer));
    cr_assert_not (emp_producer_heard (&producer, 0, false));
    emp_producer_settle (&producer, 0, false);
    cr_assert_not (emp_producer_asks (&producer), "what was asked for may still come");
    cr_assert (emp_producer_heard (&producer, 0, true));
    emp_producer_settle (&producer, 0, true);
    cr_assert (emp_producer_asks (&producer), "there was none, and it may want some again");
    cr_assert_not (emp_producer_takes_back (&producer));
}

Test (producer, of_a_manager_is_given_credit_ahead_and_asks_for_none)
{
    emp_producer_t producer = {.fed_ahead = true};
    cr_assert_not (emp_producer_asks (&producer));
}

Test (producer, believes_no_count_of_credit_that_is_older_than_the_last)
{
    cr_assert (emp_producer_takes (5, 6));
    cr_assert (emp_producer_takes (5, 5), "there is none");
    cr_assert_not (emp_producer_takes (5, 4));
}

Test (producer, numbers_its_tickets_behind_those_passed_over)
{
    emp_producer_t producer = {.fed_ahead = true};
    cr_assert_eq (emp_producer_put (&producer), 0);
    cr_assert_eq (emp_producer_skip (&producer), EMP_OK);
    cr_assert_eq (emp_producer_skip (&producer), EMP_OK);
    cr_assert_eq (emp_producer_put (&producer), 3);
    cr_assert_eq (producer.put, 2, "what is passed over costs no credit");
    producer.ended = true;
    cr_assert_eq (emp_producer_skip (&producer), EMP_STATE);
    cr_assert_eq (emp_producer_skip (&(emp_producer_t){0}), EMP_STATE, "a worker's");
}

Test (producer, parts_leave_when_there_are_64_or_64_KiB_or_one_is_4_ms_old_or_must_not_wait)
{
    cr_assert_not (emp_gather_leaves (63, 65535, 1000, 4999, true));
    cr_assert (emp_gather_leaves (64, 10, 1000, 1000, true));
    cr_assert (emp_gather_leaves (1, 65536, 1000, 1000, true));
    cr_assert (emp_gather_leaves (1, 10, 1000, 5000, true));
    cr_assert (emp_gather_leaves (1, 10, 1000, 1000, false));
    cr_assert_not (emp_gather_is_stale (1000, 4999));
    cr_assert (emp_gather_is_stale (1000, 5000));
}

Test (producer, a_part_that_does_not_fit_to_the_others_goes_behind_them)
{
    cr_assert_not (emp_gather_is_full (1, 65000, 536));
    cr_assert (emp_gather_is_full (1, 65000, 537));
    cr_assert_not (emp_gather_is_full (0, 0, 1000000), "alone it may be as large as it is");
}
