/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_results.c - the ticket dictionary (B28).
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "manager/results.h"
#include "manager/results_memory.h"
#include "manager/seen.h"

#define PLENTY (1ull << 30)

TestSuite (results, .timeout = 60);

static emp_results_t *results;

/* Tickets of feed 1 are keyed by "mp_input_q (default)". */
static void begin (uint64_t bytes_max, bool store)
{
    results = emp_results_new (bytes_max, store);
    cr_assert_eq (emp_results_feed (results, 1, "mp_input_q (default)", "mp_input_q"), EMP_OK);
}

static void end (void)
{
    emp_results_destroy (&results);
    cr_assert_null (results);
    emp_results_destroy (&results);
}

static emp_status_t take (uint32_t feed, uint64_t number, uint32_t outcome, const void *data, size_t size)
{
    emp_part_t part = {.number = number, .attempt = 1, .outcome = outcome, .rows = 10, .length = (uint32_t) size};
    return emp_results_take (results, feed, &part, data);
}

/* Answers with one small integer. */
static emp_status_t answer (uint32_t feed, uint64_t number, uint8_t value)
{
    return take (feed, number, EMP_OUTCOME_DONE, &value, 1);
}

static emp_results_counts_t counts (void)
{
    emp_results_counts_t now;
    emp_results_counts (results, &now);
    return now;
}

static void expect_entry (uint64_t i, const char *label, uint64_t number, emp_outcome_t outcome, const char *data)
{
    emp_entry_t entry;
    cr_assert (emp_results_at (results, i, &entry));
    cr_assert_str_eq (entry.label, label);
    cr_assert_eq (entry.number, number);
    cr_assert_eq (entry.outcome, outcome);
    cr_assert_eq (entry.size, strlen (data));
    cr_assert_eq (memcmp (entry.data, data, entry.size), 0, "entry %llu", (unsigned long long) i);
}

Test (results, B28_entries_come_in_order_of_arrival)
{
    begin (PLENTY, true);
    cr_assert_eq (answer (1, 2, 22), EMP_OK);
    cr_assert_eq (take (1, 0, EMP_OUTCOME_DONE, "\x01\x02\xa2hi", 5), EMP_OK);
    cr_assert_eq (answer (1, 1, 11), EMP_OK);
    cr_assert_eq (emp_results_count (results), 3);
    expect_entry (0, "mp_input_q (default)", 2, EMP_OUTCOME_DONE, "\x16");
    expect_entry (1, "mp_input_q (default)", 0, EMP_OUTCOME_DONE, "\x01\x02\xa2hi");
    expect_entry (2, "mp_input_q (default)", 1, EMP_OUTCOME_DONE, "\x0b");
    emp_entry_t entry;
    cr_assert (emp_results_at (results, 0, &entry));
    cr_assert_str_eq (entry.queue, "mp_input_q");
    cr_assert_eq (entry.attempt, 1);
    cr_assert_eq (entry.rows, 10);
    cr_assert_not (emp_results_at (results, 3, &entry));
    emp_results_counts_t now = counts ();
    cr_assert_eq (now.answered, 3);
    cr_assert_eq (now.values, 5);
    cr_assert_eq (now.rows_answered, 30);
    cr_assert_eq (now.dead + now.twice + now.not_kept, 0);
    end ();
}

Test (results, a_ticket_ends_once)
{
    begin (PLENTY, true);
    cr_assert_eq (answer (1, 5, 1), EMP_OK);
    cr_assert_eq (answer (1, 5, 2), EMP_STALE);
    cr_assert_eq (take (1, 5, EMP_OUTCOME_DEAD, "\xa2no", 3), EMP_STALE);
    cr_assert_eq (take (1, 6, EMP_OUTCOME_DEAD, "\xa2no", 3), EMP_OK);
    cr_assert_eq (answer (1, 6, 2), EMP_STALE);
    cr_assert_eq (emp_results_count (results), 2);
    expect_entry (0, "mp_input_q (default)", 5, EMP_OUTCOME_DONE, "\x01");
    expect_entry (1, "mp_input_q (default)", 6, EMP_OUTCOME_DEAD, "\xa2no");
    emp_results_counts_t now = counts ();
    cr_assert_eq (now.answered, 1);
    cr_assert_eq (now.dead, 1);
    cr_assert_eq (now.rows_answered, 10);
    cr_assert_eq (now.twice, 3);
    end ();
}

/* All missing tickets in one text. */
static const char *missing (void)
{
    static char text[256];
    emp_results_place_t place = {0};
    const char *label;
    uint64_t number, count = 0;
    for (text[0] = 0; emp_results_next_missing (results, &place, &label, &number); count++)
        snprintf (text + strlen (text), sizeof text - strlen (text), "%s;%llu ", label, (unsigned long long) number);
    cr_assert_eq (emp_results_missing (results), count);
    cr_assert_not (emp_results_next_missing (results, &place, &label, &number));
    return text;
}

Test (results, B28_a_missing_ticket_is_visible)
{
    begin (PLENTY, true);
    cr_assert_eq (emp_results_feed (results, 9, "blue", "blue_q_7"), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 4, "silent", "blue_q_7"), EMP_OK);
    cr_assert_eq (answer (9, 1, 1), EMP_OK);
    cr_assert_eq (answer (1, 0, 1), EMP_OK);
    cr_assert_eq (answer (1, 2, 1), EMP_OK);
    cr_assert_eq (take (1, 3, EMP_OUTCOME_DEAD, "\xa1x", 2), EMP_OK);
    emp_results_feed_end (results, 1, 5, 50);
    emp_results_feed_end (results, 9, 2, 20);
    cr_assert_str_eq (missing (), "mp_input_q (default);1 mp_input_q (default);4 blue;0 ");
    cr_assert_eq (counts ().tickets, 7);
    cr_assert_eq (counts ().rows, 70);
    end ();
}

Test (results, of_a_feed_that_has_not_ended_the_tickets_before_the_last_one_seen_are_known)
{
    begin (PLENTY, true);
    cr_assert_eq (answer (1, 3, 1), EMP_OK);
    cr_assert_str_eq (missing (), "mp_input_q (default);0 mp_input_q (default);1 mp_input_q (default);2 ");
    end ();
}

Test (results, feeds_of_one_label_share_a_key_and_keep_their_numbers_apart)
{
    begin (PLENTY, true);
    cr_assert_eq (emp_results_feed (results, 7, "mp_input_q (default)", "mp_input_q"), EMP_OK);
    cr_assert_eq (answer (1, 0, 1), EMP_OK);
    cr_assert_eq (answer (7, 0, 2), EMP_OK);
    cr_assert_eq (counts ().twice, 0);
    cr_assert_str_eq (emp_results_key (results, 0), "mp_input_q (default)");
    cr_assert_null (emp_results_key (results, 1));
    emp_entry_t entry;
    uint64_t cursor = 0;
    cr_assert (emp_results_next (results, 0, &cursor, &entry));
    cr_assert_eq (entry.data[0], 1);
    cr_assert (emp_results_next (results, 0, &cursor, &entry));
    cr_assert_eq (entry.data[0], 2);
    cr_assert_not (emp_results_next (results, 0, &cursor, &entry));
    cr_assert_not (emp_results_next (results, 0, &cursor, &entry));
    end ();
}

Test (results, keys_come_in_order_of_their_first_answer_and_a_dead_ticket_is_none)
{
    begin (PLENTY, true);
    cr_assert_eq (emp_results_feed (results, 2, "b", "q"), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 3, "a", "q"), EMP_OK);
    cr_assert_eq (take (1, 0, EMP_OUTCOME_DEAD, "\xa1x", 2), EMP_OK);
    cr_assert_eq (answer (2, 0, 1), EMP_OK);
    cr_assert_eq (answer (3, 0, 2), EMP_OK);
    cr_assert_eq (take (2, 1, EMP_OUTCOME_DEAD, "\xa1x", 2), EMP_OK);
    cr_assert_eq (answer (2, 2, 3), EMP_OK);
    cr_assert_str_eq (emp_results_key (results, 0), "b");
    cr_assert_str_eq (emp_results_key (results, 1), "a");
    cr_assert_null (emp_results_key (results, 2));
    const uint64_t expected[2][3] = {{0, 2}, {0}};
    const size_t length[2] = {2, 1};
    for (size_t key = 0; key < 2; key++) {
        emp_entry_t entry;
        uint64_t cursor = 0;
        for (size_t i = 0; i < length[key]; i++) {
            cr_assert (emp_results_next (results, key, &cursor, &entry));
            cr_assert_eq (entry.number, expected[key][i]);
            cr_assert_str_eq (entry.label, emp_results_key (results, key));
        }
        cr_assert_not (emp_results_next (results, key, &cursor, &entry));
    }
    end ();
}

Test (results, a_number_that_the_feed_cannot_have_made_is_malformed)
{
    begin (PLENTY, true);
    cr_assert_eq (answer (1, EMP_SEEN_AHEAD_MAX + 1, 1), EMP_MALFORMED);
    cr_assert_eq (answer (1, UINT64_MAX, 1), EMP_MALFORMED);
    emp_results_feed_end (results, 1, 3, 30);
    cr_assert_eq (answer (1, 3, 1), EMP_MALFORMED);
    cr_assert_eq (answer (1, 2, 1), EMP_OK);
    cr_assert_eq (answer (2, 0, 1), EMP_UNKNOWN);
    cr_assert_eq (emp_results_count (results), 1);
    cr_assert_eq (counts ().answered, 1);
    cr_assert_eq (counts ().refused, 4);
    end ();
}

Test (results, a_part_that_is_no_end_of_a_ticket_is_malformed)
{
    begin (PLENTY, true);
    cr_assert_eq (take (1, 0, EMP_OUTCOME_REFUSED, "\xa1x", 2), EMP_MALFORMED);
    cr_assert_eq (take (1, 0, 77, "\xa1x", 2), EMP_MALFORMED);
    emp_part_t part = {.rows = EMP_ROWS_MAX_LIMIT + 1, .length = 1};
    cr_assert_eq (emp_results_take (results, 1, &part, (const uint8_t *) "\x01"), EMP_MALFORMED);
    part = (emp_part_t){.length = EMP_WIRE_PAYLOAD_MAX + 1};
    cr_assert_eq (emp_results_take (results, 1, &part, (const uint8_t *) "\x01"), EMP_MALFORMED);
    cr_assert_eq (emp_results_count (results), 0);
    cr_assert_eq (counts ().refused, 4);
    cr_assert_eq (answer (1, 0, 1), EMP_OK, "nothing of it was taken");
    end ();
}

Test (results, malformed_results_make_the_ticket_dead)
{
    begin (PLENTY, true);
    cr_assert_eq (take (1, 0, EMP_OUTCOME_DONE, "\xdd\x04\x00\x00\x00", 5), EMP_OK);
    cr_assert_eq (take (1, 1, EMP_OUTCOME_DONE, "\x01\xc1", 2), EMP_OK);
    char deep[200];
    memset (deep, 0x91, sizeof deep);
    deep[sizeof deep - 1] = 0;
    cr_assert_eq (take (1, 2, EMP_OUTCOME_DONE, deep, sizeof deep), EMP_OK);
    expect_entry (0, "mp_input_q (default)", 0, EMP_OUTCOME_DEAD, "\xd9\x27its results are no whole msgpack values");
    expect_entry (1, "mp_input_q (default)", 1, EMP_OUTCOME_DEAD, "\xd9\x27its results are no whole msgpack values");
    expect_entry (2, "mp_input_q (default)", 2, EMP_OUTCOME_DEAD,
                  "\xd9\x36its results are nested too deep or are too many values");
    cr_assert_eq (counts ().dead, 3);
    cr_assert_eq (counts ().answered, 0);
    cr_assert_eq (counts ().values, 0);
    cr_assert_null (emp_results_key (results, 0));
    end ();
}

Test (results, a_reason_that_is_no_text_is_replaced)
{
    begin (PLENTY, true);
    const char *expected = "\xd9\034for a reason that is no text";
    cr_assert_eq (take (1, 0, EMP_OUTCOME_DEAD, "", 0), EMP_OK);
    cr_assert_eq (take (1, 1, EMP_OUTCOME_DEAD, "\x05", 1), EMP_OK);
    cr_assert_eq (take (1, 2, EMP_OUTCOME_DEAD, "\xa5hi", 3), EMP_OK);
    cr_assert_eq (take (1, 3, EMP_OUTCOME_DEAD, "\xa1xx", 3), EMP_OK);
    for (uint64_t i = 0; i < 4; i++)
        expect_entry (i, "mp_input_q (default)", i, EMP_OUTCOME_DEAD, expected);
    end ();
}

Test (results, a_ticket_may_be_answered_with_nothing)
{
    begin (PLENTY, true);
    cr_assert_eq (take (1, 0, EMP_OUTCOME_DONE, NULL, 0), EMP_OK);
    emp_entry_t entry;
    cr_assert (emp_results_at (results, 0, &entry));
    cr_assert_eq (entry.size, 0);
    cr_assert_not_null (entry.data, "it is kept: there is nothing of it");
    cr_assert_eq (counts ().answered, 1);
    cr_assert_eq (counts ().not_kept, 0);
    end ();
}

Test (results, B6_past_the_bound_all_of_it_moves_to_a_file_and_nothing_is_lost)
{
    begin (2 * EMP_MEMORY_ENTRY + 6, true);
    cr_assert_eq (take (1, 0, EMP_OUTCOME_DONE, "\243abc", 4), EMP_OK);
    cr_assert_eq (take (1, 1, EMP_OUTCOME_DONE, "\xa1x", 2), EMP_OK);
    cr_assert_eq (take (1, 2, EMP_OUTCOME_DONE, "\x07", 1), EMP_OK, "entries count too: this is beyond");
    cr_assert_eq (take (1, 3, EMP_OUTCOME_DEAD, "\xa1x", 2), EMP_OK);
    cr_assert_eq (answer (1, 1, 1), EMP_STALE);
    const char *label = "mp_input_q (default)";
    expect_entry (0, label, 0, EMP_OUTCOME_DONE, "\243abc");
    expect_entry (1, label, 1, EMP_OUTCOME_DONE, "\xa1x");
    expect_entry (2, label, 2, EMP_OUTCOME_DONE, "\x07");
    expect_entry (3, label, 3, EMP_OUTCOME_DEAD, "\xa1x");
    emp_results_counts_t now = counts ();
    cr_assert_eq (now.answered, 3);
    cr_assert_eq (now.values, 3);
    cr_assert_eq (now.not_kept, 0);
    cr_assert_eq (now.dead, 1);
    cr_assert_str_eq (emp_results_why (results), "");
    end ();
}

Test (results, without_room_anywhere_tickets_are_counted_and_what_was_kept_stays)
{
    begin (2 * (EMP_MEMORY_ENTRY + 1), true);
    cr_assert_eq (emp_results_overflow (results, "/nowhere/at/all", NULL), EMP_OK);
    for (uint64_t number = 0; number < 5; number++)
        cr_assert_eq (answer (1, number, 7), EMP_OK);
    cr_assert_eq (answer (1, 4, 7), EMP_STALE);
    cr_assert_eq (emp_results_count (results), 2);
    expect_entry (1, "mp_input_q (default)", 1, EMP_OUTCOME_DONE, "\x07");
    cr_assert_eq (counts ().answered, 5);
    cr_assert_eq (counts ().not_kept, 3);
    cr_assert_not_null (strstr (emp_results_why (results), "/nowhere/at/all: "));
    cr_assert_not_null (strstr (emp_results_why (results), "No such file or directory"));
    end ();
}

Test (results, without_a_store_answers_are_counted_and_only_dead_tickets_have_an_entry)
{
    begin (PLENTY, false);
    cr_assert_eq (answer (1, 0, 1), EMP_OK);
    cr_assert_eq (answer (1, 0, 1), EMP_STALE);
    cr_assert_eq (take (1, 1, EMP_OUTCOME_DEAD, "\xa2no", 3), EMP_OK);
    emp_results_feed_end (results, 1, 3, 30);
    cr_assert_eq (emp_results_count (results), 1);
    expect_entry (0, "mp_input_q (default)", 1, EMP_OUTCOME_DEAD, "\xa2no");
    cr_assert_str_eq (emp_results_key (results, 0), "mp_input_q (default)");
    emp_entry_t entry;
    uint64_t cursor = 0;
    cr_assert_not (emp_results_next (results, 0, &cursor, &entry));
    cr_assert_eq (emp_results_missing (results), 1);
    cr_assert_eq (counts ().answered, 1);
    cr_assert_eq (counts ().not_kept, 0);
    end ();
}

Test (results, many_entries_and_large_values_stay_where_they_are)
{
    begin (PLENTY, true);
    static uint8_t large[2 * 1024 * 1024 + 5];
    large[0] = 0xc6;
    large[2] = 0x20; /* bin 32 of 2 MiB */
    memset (large + 5, 'x', sizeof large - 5);
    cr_assert_eq (answer (1, 0, 42), EMP_OK);
    emp_entry_t first;
    cr_assert (emp_results_at (results, 0, &first));

    for (uint64_t number = 1; number <= 30000; number++) {
        uint8_t value[3] = {0xcd, (uint8_t) (number >> 8), (uint8_t) number};
        cr_assert_eq (take (1, number, EMP_OUTCOME_DONE, value, 3), EMP_OK);
        if (number % 10000 == 0)
            cr_assert_eq (take (1, 40000 + number, EMP_OUTCOME_DONE, large, sizeof large), EMP_OK);
    }
    emp_entry_t entry;
    uint64_t found = 0;
    for (uint64_t i = 0; emp_results_at (results, i, &entry); i++) {
        if (entry.number > 40000)
            cr_assert (entry.size == sizeof large && !memcmp (entry.data, large, sizeof large));
        else if (entry.number > 0) {
            cr_assert_eq ((uint64_t) (entry.data[1] << 8 | entry.data[2]), entry.number);
            cr_assert_eq (entry.number, ++found);
        }
    }
    cr_assert_eq (found, 30000);
    cr_assert (emp_results_at (results, 0, &entry));
    cr_assert_eq (entry.data, first.data);
    cr_assert_eq (entry.data[0], 42);
    end ();
}

Test (results, values_of_half_a_block_are_kept_whole)
{
    begin (PLENTY, true);
    static uint8_t value[60000];
    for (unsigned n = 0; n < 100; n++) {
        memset (value, (int) n, sizeof value); /* 60000 small integers */
        cr_assert_eq (take (1, n, EMP_OUTCOME_DONE, value, sizeof value - n), EMP_OK);
    }
    for (unsigned n = 0; n < 100; n++) {
        memset (value, (int) n, sizeof value);
        emp_entry_t entry;
        cr_assert (emp_results_at (results, n, &entry));
        cr_assert_eq (entry.size, sizeof value - n);
        cr_assert_eq (memcmp (entry.data, value, entry.size), 0);
    }
    cr_assert_eq (counts ().values, 100 * 60000 - 99 * 100 / 2);
    end ();
}

Test (results, attempts_beyond_511_are_shown_as_511)
{
    begin (PLENTY, true);
    emp_part_t part = {.attempt = 511, .rows = EMP_ROWS_MAX_LIMIT, .length = 1};
    cr_assert_eq (emp_results_take (results, 1, &part, (const uint8_t *) "\x01"), EMP_OK);
    part.number = 1;
    part.attempt = 1024;
    cr_assert_eq (emp_results_take (results, 1, &part, (const uint8_t *) "\x01"), EMP_OK);
    for (uint64_t i = 0; i < 2; i++) {
        emp_entry_t entry;
        cr_assert (emp_results_at (results, i, &entry));
        cr_assert_eq (entry.attempt, 511);
        cr_assert_eq (entry.outcome, EMP_OUTCOME_DONE);
    }
    emp_entry_t entry;
    cr_assert (emp_results_at (results, 0, &entry));
    cr_assert_eq (entry.rows, EMP_ROWS_MAX_LIMIT);
    end ();
}

Test (results, B28_what_cannot_be_taken_is_counted_and_told)
{
    begin (PLENTY, true);
    emp_part_t message = {.outcome = EMP_OUTCOME_DONE}, result = {.outcome = EMP_OUTCOME_DONE, .length = 1};
    emp_results_lose (results, &message, EMP_FULL);
    cr_assert_eq (counts ().not_kept, 0);
    cr_assert_str_eq (emp_results_why (results), "");
    emp_results_lose (results, &result, EMP_FULL);
    emp_results_lose (results, &result, EMP_NOMEM);
    cr_assert_eq (counts ().not_kept, 2);
    cr_assert_eq (counts ().lost, 3, "so that the books balance");
    cr_assert_str_eq (emp_results_why (results), "more than 65536 feeds");
    cr_assert_eq (answer (1, 0, 7), EMP_OK);
    cr_assert_eq (emp_results_count (results), 1, "what can be kept is kept");
    end ();
}

Test (results, feeds_have_ids_of_any_order_and_a_bound)
{
    begin (PLENTY, true);
    cr_assert_eq (emp_results_feed (results, 1, "other", "q"), EMP_EXISTS);
    for (uint32_t i = 0; i < EMP_RESULTS_FEEDS_MAX - 1; i++) {
        uint32_t id = 2 + (i ^ 5u); /* unsorted, but no long way to move */
        char label[16];
        snprintf (label, sizeof label, "q%u", (unsigned) (i % 100));
        cr_assert_eq (emp_results_feed (results, id, label, "q"), EMP_OK, "%u", (unsigned) i);
    }
    cr_assert_eq (emp_results_feed (results, 4000000, "more", "q"), EMP_FULL);
    cr_assert_eq (emp_results_worker_feed (results, 4000000, "more"), EMP_FULL);
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq (answer (2 + (i ^ 5u), 0, 1), EMP_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        char label[16];
        snprintf (label, sizeof label, "q%u", (unsigned) (i % 100));
        emp_entry_t entry;
        cr_assert (emp_results_at (results, i, &entry));
        cr_assert_str_eq (entry.label, label);
    }
    cr_assert_null (emp_results_key (results, 100));
    end ();
}

static void *end_feeds (void *arg)
{
    (void) arg;
    for (uint32_t id = 100; id < 200; id++) {
        emp_results_feed (results, id, id % 2 ? "odd" : "even", "q");
        emp_results_feed_end (results, id, 1, 10);
    }
    return NULL;
}

Test (results, feeds_begin_and_end_in_another_thread)
{
    begin (PLENTY, true);
    pthread_t thread;
    cr_assert_eq (pthread_create (&thread, NULL, end_feeds, NULL), 0);
    for (uint64_t number = 0; number < 20000; number++)
        cr_assert_eq (answer (1, number, 1), EMP_OK);
    pthread_join (thread, NULL);
    emp_results_feed_end (results, 1, 20000, 200000);
    cr_assert_eq (counts ().tickets, 20100);
    cr_assert_eq (emp_results_missing (results), 100);
    end ();
}
