/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Put credit: B13, maxsize bounds the queue as a whole, and nobody waits for ever. The language is scene.h's.
 */
#include "scene.h"

TestSuite (credit, .timeout = 20);

static scene_t *s;

static void begin (const char *lines)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    s = scene_with (&config);
    scene (s, "hello M quiet => welcome M\n"
              "hello N quiet => welcome N\n"
              "hello A quiet => welcome A");
    scene (s, lines);
}

static uint64_t waiting (void)
{
    emp_core_stats_t stats;
    emp_core_stats (s->core, &stats);
    return stats.waiting;
}

/* Puts as much as it may, one ticket a step; returns how many. */
static unsigned put_all (char feed)
{
    unsigned count = 0;
    char line[40];
    do {
        snprintf (line, sizeof line, "put %c 1 => ...", feed);
        scene (s, line);
        count++;
    } while (strcmp (s->shown, "full") != 0);
    return count - 1;
}

/* The same, and waits for what is kept back. */
static unsigned put_all_in_time (char feed)
{
    unsigned count = put_all (feed);
    while (emp_core_next_due (s->core) != UINT64_MAX) {
        s->now = emp_core_next_due (s->core);
        scene (s, "tick => ...");
        count += put_all (feed);
    }
    return count;
}

/* ---- the bound --------------------------------------------------------------------------------------------------- */

Test (credit, b13_one_feed_may_fill_its_queue_to_maxsize_and_no_further)
{
    static const unsigned sizes[] = {1, 2, 3, 5, 16, 17, 100, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char line[40];
        snprintf (line, sizeof line, "declare q %u => ...\nfeed M => ...", sizes[i]);
        begin (line);
        cr_assert_eq (put_all_in_time ('a'), sizes[i]);
        cr_assert_eq (waiting (), sizes[i]);
        scene_end (s);
    }
}

Test (credit, b13_several_feeds_fill_a_queue_together_to_maxsize_and_no_further)
{
    begin ("declare q 10 => ...\nfeed M => ...\nfeed N => ...\nfeed A => ...");
    unsigned put = 0, some;
    do {
        some = put_all_in_time ('a') + put_all_in_time ('b') + put_all_in_time ('c');
        put += some;
    } while (some);
    cr_assert_eq (put, 10);
    scene_end (s);
}

Test (credit, tickets_that_come_back_may_be_more_than_maxsize_and_then_nothing_is_granted)
{
    begin ("declare q 3 => queue q ok\n"
           "feed M => feed a 1\n"
           "lane A 3 => lane A ok\n"
           "ready A =>\n"
           "put a 1 => keep a0, push a0#1 A, credit a 3\n"
           "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 A, credit a 5\n"
           "put a 2 => keep a3, keep a4, credit a 6\n"
           "put a 1 => keep a5\n"
           "bye A => closed A, gone A bye 0 took 3"); /* six wait now */
    cr_assert_eq (waiting (), 6);
    scene (s, "put a 1 => full\n"
              "hello A quiet => welcome A\n"
              "lane A 3 => lane A' ok\n"
              "ready A' => push a0#2 A', push a1#2 A', push a2#2 A'\n"
              "done A' a0#2 => result 1 a0#2 done, free a0, push a3#1 A', credit a 7");
    scene_end (s);
}

/* ---- few messages ------------------------------------------------------------------------------------------------ */

Test (credit, a_feed_on_a_queue_of_1000_that_is_worked_off_at_once_is_told_once_in_500_tickets)
{
    begin ("declare q 1000 => queue q ok\n"
           "feed M => feed a 16\n"
           "lane A 4000 => lane A ok\n"
           "ready A =>");
    unsigned told = 0;
    for (int i = 0; i < 1000; i++) {
        scene (s, "put a 1 => ...");
        told += strstr (s->shown, "credit a") != NULL;
    }
    cr_assert_eq (told, 3, "told %u times", told); /* at the first ticket, then after each half of its share */
    scene_end (s);
}

Test (credit, a_feed_that_is_faster_than_its_consumer_is_told_once_in_500_tickets)
{
    begin ("declare q 1000 => queue q ok\n"
           "feed M => feed a 16\n"
           "lane A 1 => lane A ok\n"
           "ready A =>");
    put_all_in_time ('a');
    unsigned told = 0;
    for (int i = 0; i < 2000; i++) {
        char line[40];
        snprintf (line, sizeof line, "done A a%d#1 => ...", i);
        scene (s, line);
        if (strstr (s->shown, "credit a")) {
            told++;
            cr_assert_eq (put_all ('a'), 469); /* half of 15/16 of 1000 */
        }
    }
    cr_assert_eq (told, 4, "told %u times", told);
    scene_end (s);
}

Test (credit, little_credit_is_kept_back_for_10_ms_and_then_given)
{
    begin ("declare q 1000 => queue q ok\n"
           "feed M => feed a 16\n"
           "lane A 1 => lane A ok\n"
           "ready A =>");
    cr_assert_eq (put_all_in_time ('a'), 1001);
    cr_assert_eq (emp_core_next_due (s->core), UINT64_MAX);
    scene (s, "at 105000\n"
              "done A a0#1 => result 1 a0#1 done, free a0, push a1#1 A");
    cr_assert_eq (emp_core_next_due (s->core), 115000);
    scene (s, "at 109000\n"
              "done A a1#1 => result 2 a1#1 done, free a1, push a2#1 A\n"
              "at 114999\n"
              "tick =>\n"
              "at 115000\n"
              "tick => credit a 1003");
    cr_assert_eq (emp_core_next_due (s->core), UINT64_MAX);
    scene (s, "put a 3 => full\n"
              "put a 2 => ...");
    scene_end (s);
}

Test (credit, what_is_kept_back_is_given_with_any_event_that_comes_when_it_is_due)
{
    begin ("declare q 100 => queue q ok\n"
           "feed M => feed a 5\n"
           "lane A 1 => lane A ok\n"
           "ready A =>");
    put_all_in_time ('a');
    scene (s, "at 100000\n"
              "done A a0#1 => result 1 a0#1 done, free a0, push a1#1 A\n"
              "at 120000\n"
              "alive M => credit a 102");
    scene_end (s);
}

Test (credit, of_two_queues_that_keep_some_back_the_first_is_looked_at_first)
{
    begin ("declare q 1000 => queue q ok\ndeclare r 1000 => queue r ok\n"
           "feed M => feed a 16\nfeed M r => feed b 16\n"
           "lane A 1 => lane A ok\nready A =>\nlane A r 1 => lane A:r ok\nready A:r =>");
    put_all_in_time ('a');
    put_all_in_time ('b');
    scene (s, "at 500000\n"
              "done A a0#1 => ...\n"
              "at 503000\n"
              "done A:r b0#1 => ...");
    cr_assert_eq (emp_core_next_due (s->core), 510000);
    scene (s, "at 510000\ntick => ...");
    cr_assert_eq (emp_core_next_due (s->core), 513000);
    scene_end (s);
}

Test (credit, a_managers_feed_that_asks_is_given_no_more_than_ever)
{
    emp_core_config_t config = scene_config ();
    s = scene_of_one_queue (&config);
    scene (s, "want a =>");
    scene_end (s);
}

Test (credit, nothing_is_kept_back_when_nothing_waits)
{
    begin ("declare q 100 => queue q ok\n"
           "lane A 1000 => lane A ok\n"
           "ready A =>\n"
           "feed M => feed a 5\n"
           "feed N => feed b 2\n"
           "put a 1 => keep a0, push a0#1 A, credit a 48\n"
           "put b 1 => keep b0, push b0#1 A, credit b 48\n" /* all but the reserve is promised to a and b */
           "feed M => feed c 1\n"
           "put c 1 => keep c0, push c0#1 A, credit c 2\n" /* one is little, and yet */
           "put c 1 => keep c1, push c1#1 A, credit c 3");
    scene_end (s);
}

/* ---- sharing ----------------------------------------------------------------------------------------------------- */

Test (credit, the_space_of_a_queue_is_shared_evenly_by_feeds_that_put)
{
    begin ("declare q 1000 => queue q ok\n"
           "lane A 1000 => lane A ok\n"
           "ready A =>\n"
           "feed M => feed a 16\n"
           "feed N => feed b 16\n"
           "put a 1 => keep a0, push a0#1 A, credit a 470\n"
           "put b 1 => keep b0, push b0#1 A, credit b 470");
    scene_end (s);
}

Test (credit, a_feed_that_has_put_nothing_yet_does_not_take_a_small_queue_for_itself)
{
    begin ("declare q 3 => queue q ok\n"
           "feed M => feed a 1\n"
           "feed N => feed b 1\n"
           "feed M => feed c 1\n"
           "put c 1 => keep c0\n"
           "put b 1 => keep b0\n"
           "put a 1 => keep a0");
    scene_end (s);
}

Test (credit, a_feed_can_put_though_another_sits_on_its_credit_for_ever)
{
    static const unsigned sizes[] = {2, 3, 16, 100, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char line[60];
        snprintf (line, sizeof line, "declare q %u => ...", sizes[i]);
        begin (line);
        scene (s, "lane A 4000 => ...\n"
                  "ready A => ...\n"
                  "feed M => ...\n"
                  "put a 1 => ..."); /* all that it wants, and nothing more comes of it */
        scene (s, "feed N => ...");
        for (unsigned put = 0; put < 300; put++) {
            scene (s, "put b 1 => ...");
            cr_assert (strcmp (s->shown, "full") != 0, "maxsize %u: refused at %u", sizes[i], put);
        }
        scene_end (s);
    }
}

Test (credit, feeds_on_a_queue_smaller_than_their_number_take_turns)
{
    begin ("declare q 2 => queue q ok\n"
           "lane A 1 => lane A ok\n"
           "ready A =>\n"
           "feed M => feed a 1\n"
           "feed M => feed b 1\n"
           "feed M => feed c 0\n"
           "feed N => feed d 0\n"
           "feed N => feed e 0");
    unsigned ended = 0, put[5] = {0}, next[5] = {0};
    for (int turn = 0; turn < 200; turn++) {
        char line[60];
        for (int f = 0; f < 5; f++) {
            snprintf (line, sizeof line, "put %c 1 => ...", 'a' + f);
            scene (s, line);
            put[f] += strcmp (s->shown, "full") != 0;
        }
        for (int f = 0; f < 5; f++) { /* whichever A holds */
            snprintf (line, sizeof line, "done A %c%u#1 => ...", 'a' + f, next[f]);
            scene (s, line);
            if (strcmp (s->shown, "stale") == 0)
                continue;
            next[f]++;
            ended++;
        }
    }
    for (int f = 0; f < 5; f++)
        cr_assert (put[f] > ended / 10, "feed %c put %u of %u", 'a' + f, put[f], ended);
    scene_end (s);
}

Test (credit, what_a_feed_has_not_spent_is_free_when_it_ends)
{
    begin ("declare q 2 => queue q ok\n"
           "feed M => feed a 1\n"
           "feed N => feed b 1\n"
           "feed M => feed c 0\n"
           "put a 0 end => credit c 1\n"
           "bye N => gone N bye 0 took 0\n"
           "put c 1 => keep c0, credit c 2");
    scene_end (s);
}

Test (credit, a_feed_is_given_more_when_shares_become_larger)
{
    begin ("declare q 100 => queue q ok\n"
           "lane A 1000 => lane A ok\n"
           "ready A =>\n"
           "feed M => feed a 5\n"
           "feed N => feed b 2\n"
           "put a 1 => keep a0, push a0#1 A, credit a 48\n"
           "put a 10 => ...\n"                            /* 37 are left of a share of 47 */
           "bye N => gone N bye 0 took 0, credit a 105"); /* 37 of 94 are little */
    scene_end (s);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

Test (credit, before_any_size_is_known_a_feed_gets_16_at_the_most)
{
    begin ("declare q 1000000 bytes 1000000 => queue q ok\n"
           "feed M => feed a 16");
    scene_end (s);
}

Test (credit, waiting_bytes_and_what_is_promised_stay_within_bytes_max)
{
    begin ("declare q 1000 bytes 1000 => queue q ok\n"
           "feed M => feed a 16\n"
           "put a 1 bytes 100 => keep a0");
    /* 15 more were promised before the size was known; from now on 10 of 100 bytes are all. */
    for (int i = 1; i < 16; i++)
        scene (s, "put a 1 bytes 100 => ...");
    scene (s, "put a 1 bytes 100 => full\n"
              "lane A 6 => lane A ok\n"
              "ready A => push a0#1 A, push a1#1 A, push a2#1 A, push a3#1 A, push a4#1 A, push a5#1 A\n" /* 10 wait */
              "credit A 9 => push a6#1 A, push a7#1 A, push a8#1 A\n" /* 7 wait; 3 of 9 are little */
              "credit A 10 => push a9#1 A, credit a 20");
    scene_end (s);
}

Test (credit, when_nothing_waits_a_feed_may_put_one_ticket_of_any_size)
{
    begin ("declare q 1000 bytes 1000 => queue q ok\n"
           "lane A 9 => lane A ok\n"
           "ready A =>\n"
           "feed M => feed a 16\n"
           "put a 16 bytes 5000 => ...\n"
           "credit A 15 => ...");
    cr_assert_eq (waiting (), 1);
    scene (s, "put a 1 bytes 5000 => full\n"
              "credit A 16 => push a15#1 A, credit a 17\n"
              "put a 1 bytes 5000 => keep a16\n"
              "put a 1 bytes 5000 => full\n"
              "credit A 17 => push a16#1 A, credit a 18");
    scene_end (s);
}

Test (credit, a_queue_with_feeds_never_stands_still_whatever_its_bounds_are)
{
    for (unsigned maxsize = 1; maxsize <= 4; maxsize++)
        for (unsigned bytes = 1; bytes <= 400; bytes += 133)
            for (unsigned feeds = 1; feeds <= 5; feeds++) {
                char line[100];
                snprintf (line, sizeof line, "declare q %u bytes %u => ...\nlane A 1 => ...\nready A => ...", maxsize,
                          bytes);
                begin (line);
                for (unsigned f = 0; f < feeds; f++)
                    scene (s, "feed M => ...");
                unsigned next[5] = {0}, ended = 0;
                for (unsigned turn = 0; turn < 30; turn++) {
                    for (unsigned f = 0; f < feeds; f++) {
                        snprintf (line, sizeof line, "put %c 1 bytes %u => ...", 'a' + f, (turn * 37 + f * 101) % 300);
                        scene (s, line);
                    }
                    for (unsigned f = 0; f < feeds; f++) {
                        snprintf (line, sizeof line, "done A %c%u#1 => ...", 'a' + f, next[f]);
                        if (next[f] < s->feeds[f].next)
                            scene (s, line);
                        if (next[f] < s->feeds[f].next && strcmp (s->shown, "stale") != 0) {
                            next[f]++;
                            ended++;
                        }
                    }
                }
                cr_assert (ended >= 29, "maxsize %u, bytes %u, feeds %u: %u", maxsize, bytes, feeds, ended);
                scene_end (s);
            }
}

/* ---- workers' feeds (B13, B14) ------------------------------------------------------------------------------------- */

Test (credit, B13_of_three_workers_that_put_now_and_then_none_sits_on_the_others_credit)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "declare q 2 => queue q ok\n"
              "hello A => welcome A\n"
              "hello B => welcome B\n"
              "hello C => welcome C\n"
              "feed A => feed a 0\n"
              "feed B => feed b 0\n"
              "feed C => feed c 0\n"
              "want a => credit a 1\n"
              "put a 1 => keep a0\n"
              "want b => credit b 1\n"
              "put b 1 => keep b0\n"
              "want c =>\n" /* two wait */
              "want c =>\n"
              "want a =>\n"
              "lane C 1 => lane C ok\n"
              "ready C => push a0#1 C, credit c 1\n"
              "put c 1 => keep c0\n"
              "done C a0#1 => result 1 a0#1 done, free a0, push b0#1 C, credit a 2");
    scene_end (s);
}

Test (credit, a_worker_that_asks_twice_is_given_once)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "declare q 100 => queue q ok\n"
              "hello A => welcome A\n"
              "feed A => feed a 0\n"
              "want a => credit a 23\n"
              "want a =>\n" /* its puts may be on their way */
              "put a 20 => ...\n"
              "put a 3 => keep a20, keep a21, keep a22, credit a 46\n"
              "put a 0 end =>");
    scene_end (s);
}

Test (credit, B13_a_worker_that_waits_no_longer_leaves_the_credit_to_others)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "declare q 1 => queue q ok\n"
              "hello A => welcome A\n"
              "hello B => welcome B\n"
              "hello C => welcome C\n"
              "feed A => feed a 0\n"
              "feed B => feed b 0\n"
              "want a => credit a 1\n"
              "put a 1 => keep a0\n"
              "want a =>\n"
              "want b =>\n"
              "want a end => credit a 1\n"
              "want a end => stale\n"
              "lane C 1 => lane C ok\n"
              "ready C => push a0#1 C, credit b 1\n"
              "want b end number 0 =>\n" /* some is on its way */
              "put b 1 => keep b0\n"
              "want b =>\n"
              "want b end number 7 => stale\n"
              "want b end number 1 => credit b 1\n"
              "put b 0 end =>");
    scene_end (s);
}

Test (credit, B13_a_worker_that_waits_no_longer_gets_what_there_is_once_its_puts_have_come)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "declare q 100 => queue q ok\n"
              "hello A => welcome A\n"
              "feed A => feed a 0\n"
              "want a => credit a 23\n"
              "want a =>\n"
              "want a end number 23 =>\n"
              "put a 22 => ...\n"
              "put a 1 => keep a22, credit a 46\n"
              "put a 23 => ...\n"
              "want a => credit a 69\n"
              "put a 23 => ...\n"
              "want a => credit a 92\n"
              "put a 23 => ...\n"
              "want a =>\n" /* little, and kept back */
              "want a end => credit a 100\n"
              "want a end number 92 =>\n"
              "put a 8 => ...\n"
              "want a end number 100 => stale\n"
              "put a 0 end =>");
    scene_end (s);
}
