/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_api_results.c - the dictionary as a manager program walks it, from memory and from a file.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/manager.h"

TestSuite (api_results, .timeout = 60);

static emp_t *emp;

/* A run that is over, without one having been: walks look at its results and at nothing else. */
static void begin (uint64_t bytes_max)
{
    static const struct {
        uint32_t feed, outcome, length;
        uint64_t number;
        const char *data;
    } parts[] = {{2, EMP_OUTCOME_DONE, 1, 1, "\x15"},     {1, EMP_OUTCOME_DONE, 3, 2, "\x01\xa1x"},
                 {1, EMP_OUTCOME_DEAD, 4, 1, "\xa3why"},  {1, EMP_OUTCOME_DONE, 0, 3, ""},
                 {2, EMP_OUTCOME_DONE, 2, 0, "\x16\x17"}, {1, EMP_OUTCOME_DONE, 1, 0, "\x02"}};
    emp = emp_new ();
    emp->results = emp_results_new (bytes_max, true);
    cr_assert_eq (emp_results_feed (emp->results, 1, "one", "q"), EMP_OK);
    cr_assert_eq (emp_results_feed (emp->results, 2, "two", "q"), EMP_OK);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        emp_part_t part = {
            .number = parts[i].number, .attempt = 5, .outcome = parts[i].outcome, .length = parts[i].length};
        cr_assert_eq (emp_results_take (emp->results, parts[i].feed, &part, (const uint8_t *) parts[i].data), EMP_OK);
    }
    emp_results_feed_end (emp->results, 1, 6, 6);
    emp_results_feed_end (emp->results, 2, 3, 3);
    emp->stage = EMP_OVER;
}

static void end (void)
{
    emp->stage = EMP_CONFIGURING;
    emp_destroy (&emp);
}

static void expect_result (const emp_result_t *result, const char *queue, uint64_t ticket, uint64_t value)
{
    cr_assert_str_eq (result->queue, queue);
    cr_assert_eq (result->ticket, ticket);
    if (value == 'x') {
        cr_assert_eq (result->value->type, MSGPACK_OBJECT_STR);
        cr_assert_eq (result->value->via.str.ptr[0], 'x');
    } else
        cr_assert_eq (result->value->via.u64, value);
}

typedef struct {
    const char *queue;
    uint64_t ticket, value;
} expected_t;

static const expected_t by_arrival[] = {{"two", 1, 21}, {"one", 2, 1},  {"one", 2, 'x'},
                                        {"two", 0, 22}, {"two", 0, 23}, {"one", 0, 2}};
static const expected_t by_ticket[] = {{"two", 0, 22}, {"two", 0, 23}, {"two", 1, 21},
                                       {"one", 0, 2},  {"one", 2, 1},  {"one", 2, 'x'}};

static void expect_walk (emp_order_t order, const expected_t *expected)
{
    emp_walk_t walk = {.order = order};
    emp_result_t result;
    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq (emp_result_next (emp, &walk, &result), EMP_OK);
        expect_result (&result, expected[i].queue, expected[i].ticket, expected[i].value);
    }
    cr_assert_eq (emp_result_next (emp, &walk, &result), EMP_STOPPED);
    cr_assert_eq (emp_result_next (emp, &walk, &result), EMP_STOPPED);
}

Test (api_results, B27_B28_results_are_walked_in_order_of_arrival_and_of_tickets)
{
    for (uint64_t bytes_max = 0; bytes_max <= 1000; bytes_max += 1000) {
        begin (bytes_max);
        expect_walk (EMP_ORDER_ARRIVAL, by_arrival);
        expect_walk (EMP_ORDER_TICKET, by_ticket);
        emp_result_t result;
        for (uint64_t i = 0; i < 6; i++) {
            cr_assert (emp_result_at (emp, i, &result));
            expect_result (&result, by_arrival[i].queue, by_arrival[i].ticket, by_arrival[i].value);
        }
        cr_assert_not (emp_result_at (emp, 6, &result));
        cr_assert (emp_result_at (emp, 2, &result));
        expect_result (&result, "one", 2, 'x');
        end ();
    }
}

Test (api_results, several_walks_go_on_in_turns)
{
    for (uint64_t bytes_max = 0; bytes_max <= 1000; bytes_max += 1000) {
        begin (bytes_max);
        emp_walk_t walks[3] = {{.order = EMP_ORDER_TICKET}, {.order = EMP_ORDER_ARRIVAL}, {.order = EMP_ORDER_TICKET}};
        emp_result_t result;
        for (size_t i = 0; i < 7; i++)
            for (size_t w = 0; w < 3; w++) {
                size_t at = w == 2 ? i - 1 : i;
                if (at > 5)
                    continue;
                const expected_t *expected = walks[w].order == EMP_ORDER_TICKET ? &by_ticket[at] : &by_arrival[at];
                cr_assert_eq (emp_result_next (emp, &walks[w], &result), EMP_OK);
                expect_result (&result, expected->queue, expected->ticket, expected->value);
            }
        end ();
    }
}

Test (api_results, B28_dead_and_missing_tickets_are_asked_for)
{
    for (uint64_t bytes_max = 0; bytes_max <= 1000; bytes_max += 1000) {
        begin (bytes_max);
        emp_unanswered_t ticket;
        emp_walk_t walk = {0};
        cr_assert_eq (emp_dead_next (emp, &walk, &ticket), EMP_OK);
        cr_assert_str_eq (ticket.queue, "one");
        cr_assert_eq (ticket.ticket, 1);
        cr_assert_eq (ticket.attempts, 5);
        cr_assert_str_eq (ticket.reason, "why");
        cr_assert_eq (emp_dead_next (emp, &walk, &ticket), EMP_STOPPED);
        static const expected_t missing[] = {{"one", 4, 0}, {"one", 5, 0}, {"two", 2, 0}};
        walk = (emp_walk_t){0};
        for (size_t i = 0; i < 3; i++) {
            cr_assert_eq (emp_missing_next (emp, &walk, &ticket), EMP_OK);
            cr_assert_str_eq (ticket.queue, missing[i].queue);
            cr_assert_eq (ticket.ticket, missing[i].ticket);
            cr_assert_eq (ticket.attempts, 0);
            cr_assert_null (ticket.reason);
        }
        cr_assert_eq (emp_missing_next (emp, &walk, &ticket), EMP_STOPPED);
        end ();
    }
}

Test (api_results, nothing_is_walked_before_the_run_is_over)
{
    begin (1000);
    emp->stage = EMP_RUNNING;
    emp_walk_t walk = {0};
    emp_result_t result;
    emp_unanswered_t ticket;
    cr_assert_eq (emp_result_next (emp, &walk, &result), EMP_STATE);
    cr_assert_eq (emp_dead_next (emp, &walk, &ticket), EMP_STATE);
    cr_assert_eq (emp_missing_next (emp, &walk, &ticket), EMP_STATE);
    cr_assert_not (emp_result_at (emp, 0, &result));
    cr_assert_str_eq (emp_error (emp), "the dictionary is read after emp_wait");
    end ();
}

Test (api_results, who_answered_and_what_was_tried_is_told)
{
    emp = emp_new ();
    emp->results = emp_results_new (1000, true);
    emp_results_history (emp->results, emp->history);
    cr_assert_eq (emp_results_feed (emp->results, 1, "one", "q"), EMP_OK);
    emp_history_joined (emp->history, 7, "Process-1", "here", 11);
    emp_results_clock (emp->results, UINT64_C (1700000000123));
    emp_part_t part = {.attempt = 2, .rows = 3, .left = 1, .session = 7, .hash = 5, .length = 1};
    cr_assert_eq (emp_results_take (emp->results, 1, &part, (const uint8_t *) "\x01"), EMP_OK);
    part = (emp_part_t){.attempt = 4, .rows = 1, .from = 3, .outcome = EMP_OUTCOME_DEAD, .length = 2};
    cr_assert_eq (emp_results_take (emp->results, 1, &part, (const uint8_t *) "\xa1x"), EMP_OK);
    emp_results_feed_end (emp->results, 1, 1, 4);
    emp_control_t message = {.kind = EMP_MSG_ATTEMPT, .id = 1, .attempt = 1, .rows = 4, .session = 7};
    message.ended = EMP_ATTEMPT_REFUSED;
    snprintf (message.text, sizeof message.text, "no");
    emp_history_attempt (emp->history, &message, 1000);
    emp_walk_t walk = {0};
    emp_result_t result;
    cr_assert_eq (emp_result_next (emp, &walk, &result), EMP_STATE);
    emp_attempt_t attempt;
    cr_assert_eq (emp_history_next (emp, &walk, &attempt), EMP_STATE);
    emp->stage = EMP_OVER;

    cr_assert_eq (emp_result_next (emp, &walk, &result), EMP_OK);
    cr_assert_str_eq (result.worker, "Process-1");
    cr_assert_str_eq (result.host, "here");
    cr_assert_eq (result.pid, 11);
    cr_assert_eq (result.first_row, 0);
    cr_assert_eq (result.rows, 3);
    cr_assert_eq (result.attempt, 2);
    cr_assert_eq (result.chunk_hash, 5);
    cr_assert_eq (result.at, UINT64_C (1700000000123));
    walk = (emp_walk_t){0};
    emp_unanswered_t dead;
    cr_assert_eq (emp_dead_next (emp, &walk, &dead), EMP_OK);
    cr_assert (dead.part);
    cr_assert_eq (dead.first_row, 3);
    cr_assert_eq (dead.rows, 1);
    walk = (emp_walk_t){0};
    cr_assert_eq (emp_history_next (emp, &walk, &attempt), EMP_OK);
    cr_assert_str_eq (attempt.queue, "one");
    cr_assert_str_eq (attempt.worker, "Process-1");
    cr_assert_str_eq (attempt.end, "refused");
    cr_assert_str_eq (attempt.reason, "no");
    cr_assert_eq (attempt.rows, 4);
    cr_assert_eq (attempt.at, 1000);
    cr_assert_eq (emp_history_next (emp, &walk, &attempt), EMP_STOPPED);
    end ();
}
