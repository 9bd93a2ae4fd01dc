/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_books.c - what was put in is what came of it: the sums by themselves, then a dictionary that was told wrong.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/manager.h"

TestSuite (books, .timeout = 60);

static char why[EMP_BOOKS_WHY_MAX];

/* 10 tickets of 100 rows but for the last of 7: 6 answered, 1 dead, 1 in part (40 rows), 2 missing, the last one of them. */
static emp_feed_books_t sample (void)
{
    return (emp_feed_books_t){.label = "q",
                              .ended = true,
                              .tickets = 10,
                              .rows = 907,
                              .answered = 6,
                              .dead = 1,
                              .partly = 1,
                              .missing = 2,
                              .rows_answered = 640,
                              .rows_dead = 160,
                              .rows_each = 100,
                              .last_missing = true};
}

Test (books, a_feed_balances)
{
    emp_feed_books_t feed = sample ();
    cr_assert_eq (emp_books_rows_missing (&feed), 107);
    cr_assert (emp_books_feed_agrees (&feed, why), "%s", why);
    feed.rows_begun = 30; /* the missing ones had begun to end */
    feed.rows_answered += 30;
    cr_assert_eq (emp_books_rows_missing (&feed), 77);
    cr_assert (emp_books_feed_agrees (&feed, why), "%s", why);
    feed = sample ();
    feed.last_missing = false;
    feed.rows_answered -= 93;
    cr_assert_eq (emp_books_rows_missing (&feed), 200);
    cr_assert (emp_books_feed_agrees (&feed, why), "%s", why);
    feed = (emp_feed_books_t){.label = "q", .ended = true, .rows_each = 5};
    cr_assert (emp_books_feed_agrees (&feed, why), "nothing of nothing");
}

static void expect_wrong (const emp_feed_books_t *feed, const char *word)
{
    why[0] = 0;
    cr_assert_not (emp_books_feed_agrees (feed, why), "%s", word);
    cr_assert_not_null (strstr (why, "the books do not balance"));
    cr_assert_not_null (strstr (why, word), "%s", why);
}

/* One too many or too few of each of its figures. */
Test (books, every_figure_of_a_feed_counts)
{
    for (int more = -1; more <= 1; more += 2) {
        uint64_t one = (uint64_t) (int64_t) more;
        emp_feed_books_t feed = sample ();
        feed.tickets += one;
        expect_wrong (&feed, "tickets");
        feed = sample ();
        feed.answered += one;
        expect_wrong (&feed, "tickets");
        feed = sample ();
        feed.dead += one;
        expect_wrong (&feed, "tickets");
        feed = sample ();
        feed.partly += one;
        expect_wrong (&feed, "tickets");
        feed = sample ();
        feed.missing += one;
        expect_wrong (&feed, "tickets");
        feed = sample ();
        feed.rows_answered += one;
        expect_wrong (&feed, "rows");
        feed = sample ();
        feed.rows_dead += one;
        expect_wrong (&feed, "rows");
        feed = sample ();
        feed.rows += one;
        feed.last_missing = false;
        expect_wrong (&feed, "rows");
    }
}

Test (books, of_puts_of_any_size_nothing_may_be_left_when_nothing_is_missing)
{
    emp_feed_books_t feed = {.label = "q", .ended = true, .tickets = 2, .rows = 9, .answered = 2, .rows_answered = 9};
    cr_assert (emp_books_feed_agrees (&feed, why));
    feed.rows_answered = 8;
    expect_wrong (&feed, "rows");
    feed.rows_answered = 10;
    expect_wrong (&feed, "rows");
    feed = (emp_feed_books_t){
        .label = "q", .ended = true, .tickets = 3, .rows = 9, .answered = 1, .missing = 2, .rows_answered = 4};
    cr_assert_eq (emp_books_rows_missing (&feed), 5);
    cr_assert (emp_books_feed_agrees (&feed, why));
    feed.rows_answered = 8;
    expect_wrong (&feed, "rows");
}

Test (books, a_workers_feed_and_one_that_has_not_ended_say_nothing)
{
    emp_feed_books_t feed = sample ();
    feed.answered++;
    feed.workers = true;
    cr_assert (emp_books_feed_agrees (&feed, why));
    feed.workers = false;
    feed.ended = false;
    cr_assert (emp_books_feed_agrees (&feed, why));
}

/* 10 tickets by feeders, 5 by workers; one was halved. */
static emp_run_books_t run (void)
{
    return (emp_run_books_t){.put = 15,
                             .rows_put = 1500,
                             .sent = 17,
                             .fed = 10,
                             .rows_fed = 1000,
                             .known = 10,
                             .rows_known = 1000,
                             .parts = 17,
                             .ended = 15,
                             .rows_ended = 1500};
}

static void expect_run (const emp_run_books_t *books, bool good)
{
    why[0] = 0;
    cr_assert_eq (emp_books_run_agrees (books, why), good, "%s", why);
    cr_assert_eq (why[0] == 0, good);
}

Test (books, every_figure_of_a_run_counts)
{
    emp_run_books_t books = run ();
    expect_run (&books, true);
    uint64_t *figures[] = {&books.put,   &books.rows_put,   &books.sent,  &books.fed,   &books.rows_fed,
                           &books.known, &books.rows_known, &books.parts, &books.ended, &books.rows_ended};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        for (int more = -1; more <= 1; more += 2) {
            *figures[i] += (uint64_t) (int64_t) more;
            expect_run (&books, false);
            books = run ();
        }
    books.fed = books.known = 16;
    expect_run (&books, false);
}

Test (books, a_drain_drops_tickets_and_no_result)
{
    emp_run_books_t books = run ();
    books.drained = true;
    books.ended = 9;
    books.rows_ended = 900;
    books.put = 12;
    expect_run (&books, true);
    books.parts--;
    expect_run (&books, false);
}

Test (books, what_an_earlier_run_has_ended_is_not_put_again)
{
    emp_run_books_t books = run ();
    books.put -= 4;
    books.rows_put -= 400;
    books.sent -= 5;
    expect_run (&books, false);
    books.before = 4;
    books.rows_before = 400;
    books.parts_before = 5;
    expect_run (&books, true);
}

/* ---- a dictionary ----------------------------------------------------------------------------------------------- */

static emp_results_t *results;

static emp_status_t take (uint64_t number, uint32_t outcome, uint32_t from, uint32_t rows, uint32_t left)
{
    emp_part_t part = {.number = number, .attempt = 1, .outcome = outcome, .from = from, .rows = rows, .left = left};
    part.length = outcome == EMP_OUTCOME_DEAD ? 2 : 1;
    return emp_results_take (results, 1, &part, (const uint8_t *) (outcome == EMP_OUTCOME_DEAD ? "\xa1x" : "\x01"));
}

/* Tickets of 20 rows, the last of 5. */
static void begin (uint64_t tickets)
{
    results = emp_results_new (1 << 20, true);
    cr_assert_eq (emp_results_feed (results, 1, "q", "q"), EMP_OK);
    emp_results_feed_rows (results, 1, 20);
    emp_results_feed_end (results, 1, tickets, (tickets - 1) * 20 + 5);
}

static bool agrees (emp_feed_books_t *ret_books)
{
    cr_assert (emp_results_feed_at (results, 0, ret_books));
    cr_assert_not (emp_results_feed_at (results, 1, ret_books));
    cr_assert (emp_results_feed_at (results, 0, ret_books));
    return emp_books_feed_agrees (ret_books, why);
}

Test (books, of_a_dictionary_with_all_that_can_happen)
{
    begin (6);
    cr_assert_eq (take (0, EMP_OUTCOME_DONE, 0, 20, 0), EMP_OK);
    cr_assert_eq (take (1, EMP_OUTCOME_DEAD, 0, 20, 0), EMP_OK);
    cr_assert_eq (take (2, EMP_OUTCOME_DONE, 0, 10, 10), EMP_OK);
    cr_assert_eq (take (2, EMP_OUTCOME_DONE, 11, 9, 1), EMP_OK);
    cr_assert_eq (take (3, EMP_OUTCOME_DONE, 10, 10, 10), EMP_OK); /* never gets whole */
    cr_assert_eq (take (2, EMP_OUTCOME_DEAD, 10, 1, 0), EMP_OK);
    cr_assert_eq (take (2, EMP_OUTCOME_DONE, 0, 20, 0), EMP_STALE);
    cr_assert_eq (take (3, EMP_OUTCOME_DONE, 10, 10, 0), EMP_STALE);
    emp_feed_books_t books;
    cr_assert (agrees (&books), "%s", why);
    cr_assert_eq (books.answered, 1);
    cr_assert_eq (books.dead, 1);
    cr_assert_eq (books.partly, 1);
    cr_assert_eq (books.missing, 3);
    cr_assert_eq (books.rows_answered, 49);
    cr_assert_eq (books.rows_dead, 21);
    cr_assert_eq (books.rows_begun, 10);
    cr_assert (books.last_missing);
    cr_assert_eq (emp_books_rows_missing (&books), 10 + 20 + 5);
    emp_results_destroy (&results);
}

Test (books, of_a_dictionary_that_took_rows_which_its_ticket_never_had)
{
    begin (2);
    cr_assert_eq (take (0, EMP_OUTCOME_DONE, 0, 19, 0), EMP_OK);
    cr_assert_eq (take (1, EMP_OUTCOME_DONE, 0, 5, 0), EMP_OK);
    emp_feed_books_t books;
    cr_assert_not (agrees (&books));
    cr_assert_not_null (strstr (why, "25 rows, and 24 were answered"), "%s", why);
    emp_results_destroy (&results);
}

Test (books, of_a_dictionary_that_took_a_ticket_which_was_never_made)
{
    results = emp_results_new (1 << 20, true);
    cr_assert_eq (emp_results_feed (results, 1, "q", "q"), EMP_OK);
    cr_assert_eq (take (0, EMP_OUTCOME_DONE, 0, 20, 0), EMP_OK);
    cr_assert_eq (take (9, EMP_OUTCOME_DONE, 0, 20, 0), EMP_OK); /* the feed may still make so many */
    emp_results_feed_end (results, 1, 1, 20);
    emp_feed_books_t books;
    cr_assert_not (agrees (&books));
    cr_assert_not_null (strstr (why, "q put 1 tickets, and 2 were answered"), "%s", why);
    emp_results_destroy (&results);
}

/* ---- a manager ---------------------------------------------------------------------------------------------------- */

/* A run that is over, of a broker that has sent nothing. */
static emp_t *begin_manager (void)
{
    emp_t *emp = emp_new ();
    emp_broker_config_t config = {.beat_ms = 1000, .core = emp_core_config_default};
    emp_status_t status;
    emp->broker = emp_broker_new (&config, &status);
    cr_assert_eq (status, EMP_OK);
    emp->session = NULL;
    emp->results = emp_results_new (1 << 20, true);
    cr_assert_eq (emp_results_feed (emp->results, 1, "q", "q"), EMP_OK);
    emp->stage = EMP_OVER;
    return emp;
}

static void end_manager (emp_t *emp)
{
    emp->stage = EMP_CONFIGURING;
    emp_destroy (&emp);
}

Test (books, a_manager_compares_its_dictionary_with_its_broker_and_its_feeders)
{
    emp_t *emp = begin_manager ();
    emp_results_feed_end (emp->results, 1, 0, 0);
    cr_assert (emp_summary_agrees (emp, why), "%s", why);

    emp_part_t part = {.rows = 1, .attempt = 1, .length = 1};
    cr_assert_eq (emp_results_worker_feed (emp->results, 2, "w"), EMP_OK);
    cr_assert_eq (emp_results_take (emp->results, 2, &part, (const uint8_t *) "\x01"), EMP_OK);
    cr_assert_not (emp_summary_agrees (emp, why), "a result that the broker never sent");
    cr_assert_not_null (strstr (why, "results that the broker sent: 0, that were taken: 1"), "%s", why);
    emp->drain_said = true;
    cr_assert_not (emp_summary_agrees (emp, why), "nor may it when the run was drained");
    emp->broker_gone = true;
    cr_assert (emp_summary_agrees (emp, why), "a broker that was lost has no books");
    end_manager (emp);

    emp = begin_manager ();
    emp_results_feed_end (emp->results, 1, 1, 10);
    cr_assert_not (emp_summary_agrees (emp, why), "a feed that no feeder of ours has put");
    cr_assert_not_null (strstr (why, "tickets that feeders put: 0"), "%s", why);
    end_manager (emp);
}
