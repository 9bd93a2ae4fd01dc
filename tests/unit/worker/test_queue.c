/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <sched.h>

#include "fixture.h"

static fixture_t here;

static void start (void)
{
    fixture_start (&here);
}

static void stop (void)
{
    fixture_end (&here);
}

TestSuite (queue, .timeout = 60, .init = start, .fini = stop);

Test (queue, B18_has_a_name_and_a_label)
{
    cr_assert_str_eq (emp_queue_name (here.queue), "mp_input_q");
    cr_assert_str_eq (emp_queue_label (here.queue), "mp_input_q (default)");
    emp_queue_t *other = emp_toolbox_queue (here.toolbox, "batch_1|audio_lg");
    cr_assert_str_eq (emp_queue_name (other), "batch_1|audio_lg");
    cr_assert_str_eq (emp_queue_label (other), "batch_1|audio_lg");
}

Test (queue, opens_its_lane_at_the_first_get_and_once)
{
    cr_assert_eq (fake.opened, 0);
    fake_integers (2, 1);
    for (int i = 0; i < 2; i++) {
        emp_chunk_t *chunk = emp_queue_get (here.queue);
        cr_assert_eq (emp_chunk_done (&chunk), EMP_OK);
    }
    cr_assert_eq (fake.opened, 1);
    cr_assert_eq (fake.window, 1);
    cr_assert_str_eq (fake.queue, "mp_input_q");
}

Test (queue, gives_the_rows_the_header_and_the_ticket)
{
    fake_integers (2, 42);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_OK);
    chunk = emp_queue_get (here.queue);
    cr_assert_eq (emp_chunk_rows (chunk), 42);
    for (size_t i = 0; i < 42; i++)
        cr_assert_eq (emp_chunk_row (chunk, i)->via.u64, 10 + i);
    cr_assert_eq (emp_chunk_ticket (chunk), 1);
    cr_assert_eq (emp_chunk_attempt (chunk), 1);
    cr_assert_str_eq (emp_chunk_header (chunk), "mp_input_q (default);_TID_1;");
    emp_chunk_done (&chunk);
}

Test (queue, B27_what_a_module_packs_is_the_ticket_s_result)
{
    fake_integers (1, 3);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    msgpack_pack_int (emp_chunk_result (chunk), 7);
    pack_text (emp_chunk_result (chunk), "ok");
    cr_assert_eq (emp_chunk_done (&chunk), EMP_OK);
    cr_assert_null (chunk);
    cr_assert_eq (fake.ended, 1);
    cr_assert_eq (fake.ends[0].ticket, 1000);
    cr_assert_eq (fake.ends[0].outcome, EMP_OUTCOME_DONE);
    cr_assert_eq (fake.ends[0].size, 4);
    cr_assert_eq (memcmp (fake.ends[0].bytes, "\x07\xa2ok", 4), 0);
    cr_assert_eq (emp_toolbox_perf_current_eta (here.toolbox), 3);
}

Test (queue, a_message_is_given_back_with_its_chunk_however_that_ends)
{
    fake_integers (4, 1);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_eq (fake.frames, 1);
    emp_chunk_done (&chunk);
    cr_assert_eq (fake.frames, 0);
    chunk = emp_queue_get (here.queue);
    emp_chunk_fail (&chunk, "no");
    cr_assert_eq (fake.frames, 0);
    emp_chunk_t *dropped = emp_queue_get (here.queue);
    chunk = emp_queue_get (here.queue);
    cr_assert_eq (fake.frames, 2);
    emp_chunk_done (&dropped);
    cr_assert_eq (fake.frames, 1);
    emp_toolbox_close (here.toolbox);
    emp_chunk_done (&chunk);
    cr_assert_eq (fake.frames, 0);
    cr_assert_eq (fake.closed, 1);
}

Test (queue, a_ticket_may_have_no_result)
{
    fake_integers (1, 3);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_OK);
    cr_assert_eq (fake.ends[0].outcome, EMP_OUTCOME_DONE);
    cr_assert_eq (fake.ends[0].size, 0);
}

Test (queue, results_of_one_chunk_are_not_those_of_the_next)
{
    fake_integers (2, 3);
    for (int i = 0; i < 2; i++) {
        emp_chunk_t *chunk = emp_queue_get (here.queue);
        msgpack_pack_int (emp_chunk_result (chunk), i);
        emp_chunk_done (&chunk);
        cr_assert_eq (fake.ends[i].size, 1);
        cr_assert_eq (fake.ends[i].bytes[0], i);
    }
}

Test (queue, a_chunk_that_failed_carries_its_reason)
{
    fake_integers (1, 3);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    msgpack_pack_int (emp_chunk_result (chunk), 7);
    cr_assert_eq (emp_chunk_fail (&chunk, "row %d is odd", 2), EMP_OK);
    cr_assert_null (chunk);
    cr_assert_str_eq (fake_reason (0), "row 2 is odd");
    cr_assert_eq (emp_toolbox_perf_current_eta (here.toolbox), 0);
}

Test (queue, a_long_reason_is_cut_between_characters)
{
    static char text[6000];
    memset (text, 'x', sizeof text - 1);
    memcpy (text + EMP_TEXT_MAX - 1, "\xc3\xa4", 2); /* one character of two bytes over the limit */
    fake_integers (1, 3);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    emp_chunk_fail (&chunk, "%s", text);
    cr_assert_eq (strlen (fake_reason (0)), EMP_TEXT_MAX - 1);
}

Test (queue, garbage_for_a_result_is_refused_and_says_so)
{
    fake_integers (1, 3);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    emp_buf_append (emp_chunk_result (chunk)->data, "\xdd\x04\x00\x00\x00", 5);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_MALFORMED);
    cr_assert_null (chunk);
    cr_assert (strstr (fake_reason (0), "not whole msgpack values (5 bytes)"), "%s", fake_reason (0));
}

Test (queue, a_result_that_is_too_large_is_refused_and_says_so)
{
    static const char megabyte[1024 * 1024];
    fake_integers (2, 3);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    for (int i = 0; i < 257; i++)
        msgpack_pack_bin_with_body (emp_chunk_result (chunk), megabyte, sizeof megabyte);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_TOOBIG);
    cr_assert (strstr (fake_reason (0), "larger than 268435456 bytes"), "%s", fake_reason (0));
    chunk = emp_queue_get (here.queue);
    msgpack_pack_int (emp_chunk_result (chunk), 7);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_OK, "the next one is none the worse");
}

Test (queue, a_result_that_is_nested_too_deep_is_refused_and_says_so)
{
    fake_integers (1, 3);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    for (int i = 0; i < 100; i++)
        msgpack_pack_array (emp_chunk_result (chunk), 1);
    msgpack_pack_nil (emp_chunk_result (chunk));
    cr_assert_eq (emp_chunk_done (&chunk), EMP_TOOBIG);
    cr_assert (strstr (fake_reason (0), "nested deeper"), "%s", fake_reason (0));
}

Test (queue, chunks_that_cannot_be_unpacked_are_refused_and_passed_over)
{
    fake_bytes ("\xdd\x04\x00\x00\x00", 5, 67108864); /* a claim of 2 GiB */
    fake_bytes ("\x93\x01\x02", 3, 3);                /* cut off */
    fake_bytes ("\x01", 1, 1);                        /* no list */
    fake_bytes ("\x91\x01\x02", 3, 1);                /* a list and something behind it */
    fake_bytes ("\x92\x01\x02", 3, 3);                /* other than announced */
    fake_bytes ("", 0, 0);
    fake_integers (1, 2);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_eq (emp_chunk_ticket (chunk), 6);
    cr_assert_eq (emp_chunk_rows (chunk), 2);
    cr_assert_eq (fake.ended, 6);
    for (unsigned i = 0; i < 6; i++) {
        cr_assert_eq (fake.ends[i].ticket, 1000 + i);
        cr_assert (strstr (fake_reason (i), "cannot be unpacked"), "%s", fake_reason (i));
    }
    cr_assert_eq (fake.frames, 1);
    emp_chunk_done (&chunk);
}

Test (queue, a_chunk_without_rows_is_a_chunk)
{
    fake_bytes ("\x90", 1, 0);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_not_null (chunk);
    cr_assert_eq (emp_chunk_rows (chunk), 0);
    emp_chunk_done (&chunk);
}

Test (queue, B20_that_has_stopped_gives_NULL_for_ever)
{
    for (unsigned i = 1; i <= 3; i++) {
        cr_assert_null (emp_queue_get (here.queue));
        cr_assert_eq (emp_toolbox_refusals (here.toolbox), i);
    }
    cr_assert (!emp_toolbox_is_broken (here.toolbox));
    cr_assert_eq (fake.opened, 1);
}

Test (queue, a_chunk_clears_the_count_of_refusals)
{
    cr_assert_null (emp_queue_get (here.queue));
    fake_integers (1, 1);
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (here.toolbox, "blue_q_7"));
    cr_assert_eq (emp_toolbox_refusals (here.toolbox), 0);
    emp_chunk_done (&chunk);
}

Test (queue, a_session_that_is_down_is_no_good_end)
{
    fake.next_status = EMP_SYSTEM;
    cr_assert_null (emp_queue_get (here.queue));
    cr_assert (emp_toolbox_is_broken (here.toolbox));
}

Test (queue, a_lane_that_cannot_be_opened_is_no_good_end)
{
    fake.open_status = EMP_FULL;
    cr_assert_null (emp_queue_get (here.queue));
    cr_assert_null (emp_queue_get (here.queue));
    cr_assert_eq (fake.opened, 1, "asked once");
    cr_assert (emp_toolbox_is_broken (here.toolbox));
}

Test (queue, the_page_names_the_ticket_in_hand)
{
    fake_integers (1, 1);
    cr_assert_eq (here.page.ticket, 0);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_eq (here.page.ticket, 1000);
    cr_assert_eq (here.page.chunks, 1);
    emp_chunk_done (&chunk);
    cr_assert_eq (here.page.ticket, 0);
    cr_assert_eq (here.page.chunks, 1);
}

Test (queue, of_chunks_of_several_queues_the_page_names_the_newest_that_is_in_hand)
{
    fake_integers (3, 1);
    emp_chunk_t *a = emp_queue_get (here.queue);
    emp_chunk_t *b = emp_queue_get (emp_toolbox_queue (here.toolbox, "blue_q_7"));
    emp_chunk_t *c = emp_queue_get (emp_toolbox_queue (here.toolbox, "batch_1|audio_lg"));
    cr_assert_eq (here.page.ticket, 1002);
    emp_chunk_done (&b);
    cr_assert_eq (here.page.ticket, 1002);
    emp_chunk_done (&c);
    cr_assert_eq (here.page.ticket, 1000);
    emp_chunk_done (&a);
    cr_assert_eq (here.page.ticket, 0);
}

/* The time limit looks at the one that is in hand for longest. */
static uint64_t expect_oldest (uint64_t expected)
{
    uint64_t ticket, since;
    cr_assert (emp_slotpage_oldest (&here.page, &ticket, &since));
    cr_assert_eq (ticket, expected);
    cr_assert_leq (since, emp_now ());
    return since;
}

static void expect_none (void)
{
    uint64_t ticket, since;
    cr_assert (!emp_slotpage_oldest (&here.page, &ticket, &since));
    cr_assert_eq (since, 0);
}

Test (queue, the_page_says_since_when_the_oldest_chunk_is_in_hand)
{
    fake_integers (5, 1);
    emp_queue_t *blue = emp_toolbox_queue (here.toolbox, "blue_q_7");
    expect_none ();
    uint64_t before = emp_now ();
    emp_chunk_t *a = emp_queue_get (here.queue);
    uint64_t first = expect_oldest (1000);
    cr_assert_geq (first, before);
    while (emp_now () == first)
        ;
    emp_chunk_t *b = emp_queue_get (blue);
    cr_assert_eq (expect_oldest (1000), first, "a second one changes nothing");
    emp_chunk_done (&b);
    cr_assert_eq (expect_oldest (1000), first, "nor does its end");
    b = emp_queue_get (blue);
    emp_chunk_done (&a);
    cr_assert_gt (expect_oldest (1002), first, "the oldest has ended, and the next has its own time");
    a = emp_queue_get (here.queue);
    expect_oldest (1002);
    emp_chunk_done (&b);
    expect_oldest (1003);
    emp_chunk_done (&a);
    expect_none ();
}

Test (queue, a_chunk_that_was_dropped_is_not_in_hand_any_more)
{
    fake_integers (2, 1);
    emp_chunk_t *dropped = emp_queue_get (here.queue);
    emp_chunk_t *next = emp_queue_get (here.queue);
    expect_oldest (1001);
    emp_chunk_done (&next);
    expect_none ();
    emp_chunk_done (&dropped);
}

Test (queue, a_chunk_that_its_thread_dropped_is_refused_in_its_name)
{
    fake_integers (2, 1);
    emp_chunk_t *dropped = emp_queue_get (here.queue);
    emp_chunk_t *next = emp_queue_get (here.queue);
    cr_assert_eq (emp_chunk_ticket (next), 1);
    cr_assert_eq (fake.ended, 1);
    cr_assert_eq (fake.ends[0].ticket, 1000);
    cr_assert (strstr (fake_reason (0), "had not given this one back"), "%s", fake_reason (0));
    cr_assert_eq (here.page.ticket, 1001);

    cr_assert_eq (emp_chunk_row (dropped, 0)->via.u64, 10, "who holds it may still look at it");
    msgpack_pack_int (emp_chunk_result (dropped), 7);
    cr_assert_eq (emp_chunk_done (&dropped), EMP_STALE);
    cr_assert_eq (fake.ended, 1);
    cr_assert_eq (here.page.ticket, 1001);
    cr_assert_eq (emp_chunk_done (&next), EMP_OK);
}

Test (queue, a_module_that_drops_all_its_chunks_ends_its_process)
{
    emp_chunk_t *chunks[EMP_ABANDONED_MAX + 1];
    fake_integers (EMP_ABANDONED_MAX + 1, 1);
    for (int i = 0; i < EMP_ABANDONED_MAX; i++)
        cr_assert_not_null (chunks[i] = emp_queue_get (here.queue));
    cr_assert (!emp_toolbox_is_broken (here.toolbox));
    cr_assert_null (emp_queue_get (here.queue));
    cr_assert (emp_toolbox_is_broken (here.toolbox));
    for (int i = 0; i < EMP_ABANDONED_MAX; i++)
        cr_assert_eq (emp_chunk_done (&chunks[i]), EMP_STALE);
}

static _Atomic bool asks, given_back;

static void *ask (void *arg)
{
    asks = true;
    emp_chunk_t *chunk = emp_queue_get (arg);
    cr_assert (given_back, "the queue's other chunk was still in hand");
    cr_assert_eq (emp_chunk_ticket (chunk), 1);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_OK);
    return NULL;
}

Test (queue, two_threads_on_one_queue_take_turns)
{
    fake_integers (2, 1);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    pthread_t thread;
    cr_assert_eq (pthread_create (&thread, NULL, ask, here.queue), 0);
    while (!asks)
        sched_yield ();
    for (int i = 0; i < 1000; i++)
        sched_yield ();
    given_back = true;
    cr_assert_eq (emp_chunk_done (&chunk), EMP_OK);
    pthread_join (thread, NULL);
    cr_assert_eq (fake.ends[0].outcome, EMP_OUTCOME_DONE);
    cr_assert_eq (fake.ended, 2);
}

static void *ask_in_vain (void *arg)
{
    asks = true;
    cr_assert_null (emp_queue_get (arg));
    return NULL;
}

Test (queue, the_end_of_the_toolbox_ends_the_wait_for_another_thread_s_chunk)
{
    fake_integers (2, 1);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    pthread_t thread;
    cr_assert_eq (pthread_create (&thread, NULL, ask_in_vain, here.queue), 0);
    while (!asks)
        sched_yield ();
    emp_toolbox_close (here.toolbox);
    pthread_join (thread, NULL);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_STOPPED);
    cr_assert_eq (fake.ended, 0);
}

Test (queue, after_the_end_of_the_toolbox_nothing_touches_a_lane)
{
    fake_integers (3, 1);
    emp_queue_t *other = emp_toolbox_queue (here.toolbox, "blue_q_7");
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_not_null (chunk);
    emp_toolbox_close (here.toolbox);
    cr_assert_eq (fake.closed, 1);
    cr_assert_null (emp_queue_get (other));
    cr_assert_null (emp_queue_get (emp_toolbox_queue (here.toolbox, "batch_1|audio_lg")));
    cr_assert_eq (fake.opened, 1);
    cr_assert_null (emp_queue_get (here.queue)); /* drops the chunk */
    cr_assert_eq (fake.ended, 0);
}

Test (queue, nothing_instead_of_a_chunk_is_taken_calmly)
{
    emp_chunk_t *none = NULL;
    cr_assert_eq (emp_chunk_done (&none), EMP_OK);
    cr_assert_eq (emp_chunk_fail (&none, "no reason"), EMP_OK);
    cr_assert_eq (fake.ended, 0);
}

Test (queue, what_the_lane_says_about_an_ending_is_said_to_the_module)
{
    fake_integers (1, 1);
    fake.done_status = EMP_SYSTEM;
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    cr_assert_eq (emp_chunk_done (&chunk), EMP_SYSTEM);
    cr_assert_null (chunk);
    cr_assert_eq (emp_toolbox_perf_current_eta (here.toolbox), 0);
}
