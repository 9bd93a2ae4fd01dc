/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_history.c - who has worked, and attempts that were no answers.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/history.h"

TestSuite (history, .timeout = 60);

static emp_history_t *history;

static void begin (void)
{
    history = emp_history_new ();
    cr_assert_not_null (history);
}

static void end (void)
{
    emp_history_destroy (&history);
    cr_assert_null (history);
    emp_history_destroy (&history);
}

Test (history, a_worker_has_one_number_whoever_tells_of_it_first)
{
    begin ();
    cr_assert_eq (emp_history_worker (history, 0), 0);
    uint32_t one = emp_history_worker (history, 77);
    cr_assert_eq (one, 1);
    emp_history_joined (history, 78, "Process-2", "b", 12);
    emp_history_joined (history, 77, "Process-1", "a", 11);
    cr_assert_eq (emp_history_worker (history, 77), one);
    cr_assert_eq (emp_history_worker (history, 78), 2);
    cr_assert_eq (emp_history_workers (history), 2);
    emp_worker_t worker;
    emp_history_worker_at (history, one, &worker);
    cr_assert_str_eq (worker.name, "Process-1");
    cr_assert_str_eq (worker.host, "a");
    cr_assert_eq (worker.pid, 11);
    cr_assert_eq (worker.session, 77);
    emp_history_worker_at (history, 0, &worker);
    cr_assert_str_eq (worker.name, "");
    emp_history_worker_at (history, 3, &worker);
    cr_assert_eq (worker.session, 0);
    end ();
}

Test (history, workers_are_bounded_and_those_behind_the_bound_have_no_number)
{
    begin ();
    for (uint64_t i = 1; i <= EMP_HISTORY_WORKERS_MAX; i++)
        cr_assert_eq (emp_history_worker (history, i * UINT64_C (0x9e3779b97f4a7c15)), i);
    cr_assert_eq (emp_history_worker (history, 1), 0);
    emp_history_joined (history, 1, "Process-1", "a", 1);
    cr_assert_eq (emp_history_workers (history), EMP_HISTORY_WORKERS_MAX);
    for (uint64_t i = 1; i <= EMP_HISTORY_WORKERS_MAX; i += 1001)
        cr_assert_eq (emp_history_worker (history, i * UINT64_C (0x9e3779b97f4a7c15)), i);
    end ();
}

static emp_control_t attempt (uint64_t number, emp_attempt_end_t ended, const char *reason)
{
    emp_control_t message = {.kind = EMP_MSG_ATTEMPT,
                             .id = 5,
                             .window = number,
                             .attempt = 3,
                             .from = 1,
                             .rows = 9,
                             .session = 77,
                             .ended = ended,
                             .how = EMP_HOW_SIGNAL,
                             .code = 11};
    snprintf (message.text, sizeof message.text, "%s", reason);
    return message;
}

Test (history, attempts_come_in_order_with_their_reason)
{
    begin ();
    emp_control_t one = attempt (4, EMP_ATTEMPT_FAILED, ""), two = attempt (5, EMP_ATTEMPT_REFUSED, "no\nthanks\n"),
                  three = attempt (6, EMP_ATTEMPT_RETURNED, "");
    emp_history_attempt (history, &one, 1000);
    emp_history_attempt (history, &two, 1001);
    emp_history_attempt (history, &three, 1002);
    emp_try_t found;
    cr_assert (emp_history_attempt_at (history, 0, &found));
    cr_assert_str_eq (found.reason, "killed by signal 11 (Segmentation fault)");
    cr_assert_eq (found.at, 1000);
    cr_assert_eq (found.feed, 5);
    cr_assert_eq (found.number, 4);
    cr_assert_eq (found.attempt, 3);
    cr_assert_eq (found.from, 1);
    cr_assert_eq (found.rows, 9);
    cr_assert_eq (found.worker, emp_history_worker (history, 77));
    cr_assert (emp_history_attempt_at (history, 1, &found));
    cr_assert_str_eq (found.reason, "no\nthanks");
    cr_assert_str_eq (emp_history_end_word (found.ended), "refused");
    cr_assert (emp_history_attempt_at (history, 2, &found));
    cr_assert_str_eq (found.reason, "");
    cr_assert_not (emp_history_attempt_at (history, 3, &found));
    end ();
}

Test (history, a_long_reason_is_cut_between_characters)
{
    begin ();
    char text[EMP_TEXT_MAX + 1];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy (text + i + 1, "\xc3\xa4", 2);
    text[0] = 'x';
    text[sizeof text - 2] = 0;
    emp_control_t long_one = attempt (1, EMP_ATTEMPT_REFUSED, text);
    emp_history_attempt (history, &long_one, 1);
    emp_try_t found;
    cr_assert (emp_history_attempt_at (history, 0, &found));
    cr_assert_eq (strlen (found.reason), EMP_HISTORY_REASON_MAX - 1);
    end ();
}

Test (history, attempts_and_their_text_are_bounded_and_the_excess_is_counted)
{
    begin ();
    char text[EMP_HISTORY_REASON_MAX + 1];
    memset (text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    emp_control_t message = attempt (1, EMP_ATTEMPT_REFUSED, text);
    for (uint32_t i = 0; i < EMP_HISTORY_ATTEMPTS_MAX + 7; i++)
        emp_history_attempt (history, &message, i);
    uint64_t more;
    cr_assert_eq (emp_history_attempts (history, &more), EMP_HISTORY_ATTEMPTS_MAX + 7);
    cr_assert_eq (more, 7);
    emp_try_t found;
    cr_assert (emp_history_attempt_at (history, EMP_HISTORY_ATTEMPTS_MAX - 1, &found));
    cr_assert_eq (found.at, EMP_HISTORY_ATTEMPTS_MAX - 1);
    cr_assert_str_eq (found.reason, "");
    cr_assert (emp_history_attempt_at (history, EMP_HISTORY_TEXT_MAX / EMP_HISTORY_REASON_MAX - 1, &found));
    cr_assert_eq (strlen (found.reason), EMP_HISTORY_REASON_MAX);
    cr_assert_not (emp_history_attempt_at (history, EMP_HISTORY_ATTEMPTS_MAX, &found));
    end ();
}
