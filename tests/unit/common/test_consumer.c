/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "common/consumer.h"

TestSuite (consumer, .timeout = 60);

static emp_consumer_t consumer;
static emp_revokes_t revokes;

static void begin (void)
{
    emp_consumer_init (&consumer, 7);
    revokes = (emp_revokes_t){0};
}

/* What it asks for after so many chunks that took so long. */
static uint64_t window_after (unsigned chunks, uint64_t us)
{
    begin ();
    while (chunks--)
        emp_consumer_worked (&consumer, us);
    return consumer.window;
}

/* ---- credit -------------------------------------------------------------------------------------------------------- */

Test (consumer, asks_for_one_chunk_at_first)
{
    begin ();
    cr_assert_eq (consumer.window, 1);
}

Test (consumer, asks_for_one_more_a_chunk_up_to_what_it_works_off_in_12_ms_and_one_more)
{
    cr_assert_eq (window_after (1, 1000), 2);
    cr_assert_eq (window_after (2, 1000), 3);
    cr_assert_eq (window_after (12, 1000), 13);
    cr_assert_eq (window_after (100, 1000), 13);
    cr_assert_eq (window_after (100, 12000), 2);
    cr_assert_eq (window_after (100, 12001), 1);
    cr_assert_eq (window_after (100, 49999), 1);
}

Test (consumer, asks_for_no_more_than_512_however_fast_it_is)
{
    cr_assert_eq (window_after (511, 1), 512);
    cr_assert_eq (window_after (5000, 1), 512);
    cr_assert_eq (window_after (5000, 0), 512);
    cr_assert_eq (window_after (5000, 23), 512);
    cr_assert_eq (window_after (5000, 24), 501);
}

Test (consumer, asks_for_less_at_once_when_chunks_take_longer)
{
    window_after (100, 1000);
    emp_consumer_worked (&consumer, 41000); /* (1000 * 3 + 41000) / 4 */
    cr_assert_eq (consumer.average_us, 11000);
    cr_assert_eq (consumer.window, 2);
    emp_consumer_worked (&consumer, 167000);
    cr_assert_eq (consumer.average_us, 50000);
    cr_assert_eq (consumer.window, 1);
}

Test (consumer, believes_the_first_chunk_as_it_is_also_one_of_no_time)
{
    begin ();
    emp_consumer_worked (&consumer, 0);
    emp_consumer_worked (&consumer, 400);
    cr_assert_eq (consumer.average_us, 100);
}

Test (consumer, keeps_back_endings_of_chunks_up_to_1500_us_that_follow_such)
{
    begin ();
    cr_assert (emp_consumer_worked (&consumer, 1500));
    cr_assert_not (emp_consumer_worked (&consumer, 1501));
    begin ();
    cr_assert_not (emp_consumer_worked (&consumer, 9000));
    cr_assert_not (emp_consumer_worked (&consumer, 10), "one fast chunk behind slow ones");
}

/* ---- chunks -------------------------------------------------------------------------------------------------------- */

Test (consumer, reads_hands_out_part_by_part_and_reads_again)
{
    begin ();
    cr_assert_eq (emp_consumer_next (&consumer, false), EMP_CONSUMER_READS);
    cr_assert_eq (emp_consumer_hear (&consumer, EMP_WIRE_CHUNKS, 7, 2), EMP_OK);
    cr_assert_eq (emp_consumer_next (&consumer, false), EMP_CONSUMER_PART);
    cr_assert_eq (consumer.part, 0);
    cr_assert_eq (consumer.offset, 0);
    cr_assert_not (emp_consumer_pass (&consumer, 100));
    cr_assert_eq (emp_consumer_next (&consumer, false), EMP_CONSUMER_PART);
    cr_assert_eq (consumer.part, 1);
    cr_assert_eq (consumer.offset, 100);
    cr_assert (emp_consumer_pass (&consumer, 50));
    cr_assert_eq (emp_consumer_next (&consumer, false), EMP_CONSUMER_READS);
    cr_assert_eq (emp_consumer_hear (&consumer, EMP_WIRE_CHUNKS, 7, 1), EMP_OK);
    cr_assert_eq (consumer.part, 0);
    cr_assert_eq (consumer.offset, 0, "each message has a payload of its own");
}

Test (consumer, takes_nothing_that_is_another_lanes_or_not_for_consumers)
{
    begin ();
    cr_assert_eq (emp_consumer_hear (&consumer, EMP_WIRE_CHUNKS, 8, 1), EMP_STALE);
    cr_assert_eq (emp_consumer_hear (&consumer, EMP_WIRE_STOPPED, 8, 0), EMP_STALE);
    cr_assert_eq (emp_consumer_hear (&consumer, EMP_WIRE_CHUNKS, 7, 0), EMP_MALFORMED);
    cr_assert_eq (emp_consumer_hear (&consumer, EMP_WIRE_RESULTS, 7, 1), EMP_MALFORMED);
    cr_assert_eq (emp_consumer_next (&consumer, false), EMP_CONSUMER_READS);
}

Test (consumer, that_has_heard_the_stop_reads_no_more)
{
    begin ();
    cr_assert_eq (emp_consumer_hear (&consumer, EMP_WIRE_STOPPED, 7, 0), EMP_STOPPED);
    cr_assert_eq (emp_consumer_next (&consumer, false), EMP_CONSUMER_STOPPED);
}

Test (consumer, of_a_process_that_leaves_begins_nothing_that_it_holds)
{
    begin ();
    emp_consumer_hear (&consumer, EMP_WIRE_CHUNKS, 7, 2);
    cr_assert_eq (emp_consumer_next (&consumer, true), EMP_CONSUMER_LEAVES);
}

/* ---- chunks that others have now ----------------------------------------------------------------------------------- */

Test (consumer, does_not_begin_an_attempt_that_was_taken_back_and_only_that)
{
    begin ();
    cr_assert_not (emp_revokes_take (&revokes, 5, 1));
    emp_revokes_add (&revokes, 5, 1);
    emp_revokes_add (&revokes, 6, 3);
    cr_assert_eq (revokes.count, 2);
    cr_assert_not (emp_revokes_take (&revokes, 5, 2), "it came back, as another attempt");
    cr_assert_not (emp_revokes_take (&revokes, 7, 1));
    cr_assert (emp_revokes_take (&revokes, 6, 3));
    cr_assert (emp_revokes_take (&revokes, 5, 1));
    cr_assert_eq (revokes.count, 0);
    cr_assert_not (emp_revokes_take (&revokes, 5, 1), "once");
}

Test (consumer, remembers_the_last_1024_that_were_taken_back)
{
    begin ();
    for (uint64_t ticket = 1; ticket <= 1030; ticket++)
        emp_revokes_add (&revokes, ticket, 1);
    cr_assert_eq (revokes.count, 1024);
    cr_assert_not (emp_revokes_take (&revokes, 6, 1), "the oldest gave way");
    cr_assert (emp_revokes_take (&revokes, 7, 1));
    cr_assert (emp_revokes_take (&revokes, 1030, 1));
    cr_assert_eq (revokes.count, 1022);
}
