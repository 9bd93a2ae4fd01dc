/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ends: of holders, of queues (B20), of runs. The language is scene.h's.
 */
#include "scene.h"

TestSuite (end, .timeout = 10);

static scene_t *s;

static emp_core_stats_t stats (void)
{
    emp_core_stats_t stats;
    emp_core_stats (s->core, &stats);
    return stats;
}

static void begin (unsigned window)
{
    emp_core_config_t config = scene_config ();
    s = scene_of_two_workers (&config, window);
}

/* ---- holders ----------------------------------------------------------------------------------------------------- */

Test (end, what_a_leaver_holds_goes_to_the_head_in_its_order_and_nothing_fails)
{
    begin (3);
    scene (s, "put a 9 => keep a1, keep a2, keep a3, keep a4, keep a5, keep a6, keep a7, keep a8, keep a9, "
              "push a1#1 A, push a2#1 B, push a3#1 A, push a4#1 B, push a5#1 A, push a6#1 B\n"
              "bye A => closed A, gone A bye 0 took 3\n"
              "credit B 8 => push a1#2 B, push a3#2 B, push a5#2 B, push a7#1 B, push a8#1 B");
    cr_assert_eq (stats ().sessions_lost, 0);
    cr_assert_eq (stats ().reissued, 3);
    scene_end (s);
}

Test (end, a_chunk_that_kills_its_workers_takes_no_neighbour_along)
{
    begin (3);
    scene (s, "credit B 0 =>\n"
              "put a 3 => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 A, push a3#1 A\n"
              "lost A signal 11 => closed A, gone A signal 11 took 3\n" /* not known: at the oldest */
              "credit B 3 => push a1#2 B\n"                             /* a suspect goes alone */
              "lost B signal 11 at a1 => closed B, gone B signal 11 took 1\n"
              "hello C => welcome C\n"
              "lane C 3 => lane C ok\n"
              "ready C => push a1#3 C\n"
              "lost C signal 11 => closed C, result 2 a1#3 dead signal 11, free a1, gone C signal 11 took 1\n"
              "hello D => welcome D\n"
              "lane D 3 => lane D ok\n"
              "ready D => push a2#2 D, push a3#2 D\n"
              "done D a2#2 => result 3 a2#2 done, free a2\n"
              "done D a3#2 => result 4 a3#2 done, free a3");
    scene_end (s);
}

Test (end, when_not_known_the_oldest_ticket_of_each_lane_fails)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    s = scene_of_one_queue (&config);
    scene (s, "declare r 100 => queue r ok\n"
              "feed M r => feed b 5\n"
              "hello A => welcome A\n"
              "lane A 2 => lane A ok\n"
              "lane A r 2 => lane A:r ok\n"
              "ready A =>\n"
              "ready A:r =>\n"
              "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 A\n"
              "put b 2 => keep b0, keep b1, push b0#1 A:r, push b1#1 A:r, credit b 96\n"
              "lost A exit 1 => closed A, result 2 a1#1 dead exit 1, free a1, "
              "closed A:r, result 3 b0#1 dead exit 1, free b0, gone A exit 1 took 4");
    cr_assert_eq (stats ().waiting, 2);
    scene_end (s);
}

Test (end, a_worker_that_died_at_a_ticket_that_is_answered_fails_none)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    s = scene_of_two_workers (&config, 2);
    scene (s, "credit B 0 =>\n"
              "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 A\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "lost A exit 1 at a1 => closed A, gone A exit 1 took 1\n"
              "credit B 1 => push a2#2 B");
    scene_end (s);
}

Test (end, a_worker_that_died_at_anothers_ticket_fails_none)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "lost A exit 1 at a2 => closed A, gone A exit 1 took 1\n"
              "done B a2#1 => result 2 a2#1 done, free a2, push a1#2 B");
    scene_end (s);
}

/* Puts and ends so many tickets of a feed, none of which is acknowledged. */
static void answer (char feed, const char *lane, unsigned from, unsigned count)
{
    char lines[100];
    for (unsigned i = from; i < from + count; i++) {
        snprintf (lines, sizeof lines, "put %c 1 => ...\ndone %s %c%u#1 => ...", feed, lane, feed, i);
        scene (s, lines);
    }
}

Test (end, who_is_lost_may_be_blamed_for_a_ticket_that_waits_while_none_is_held)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    s = scene_of_one_queue (&config);
    scene (s, "hello A => ...\nlane A 1 => ...\nready A => ...");
    answer ('a', "A", 1, 63);
    scene (s, "credit A 2 => ...\n"
              "put a 2 => keep a64, keep a65, push a64#1 A, push a65#1 A\n"
              "hello B => ...\nlane B 1 => ...\nready B => ...\n"
              "at 60000\nalive A =>\nalive B =>\n"
              "tick => revoke a65#1 A, push a65#2 B\n"
              "credit A 0 => ...\n"
              "done A a64#1 => ...\n"
              "bye B => closed B, gone B bye 0 took 1\n" /* a65 waits, and was A's */
              "declare r 100 => ...\nfeed M r => ...\nhello C => ...\nlane C r 1 => ...\nready C:r => ...");
    answer ('b', "C:r", 0,
            64); /* the row of results not acknowledged is full, and as long as it can be without growing */
    scene (s,
           "lost A signal 11 at a65 => result 130 a65#1 dead signal 11, free a65, closed A, gone A signal 11 took 0");
    scene_end (s);
}

Test (end, a_session_is_not_lost_twice)
{
    begin (1);
    scene (s, "lost A exit 1 => closed A, gone A exit 1 took 0\n"
              "lost A exit 1 => unknown\n"
              "bye A => unknown\n"
              "alive A => unknown");
    scene_end (s);
}

Test (end, whoever_comes_back_after_being_lost_is_fenced)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "at 1000\n"
              "alive B =>\n"
              "tick => closed A, gone A silence 0 took 1, push a1#2 B\n"
              "done A a1#2 => stale\n"        /* B's */
              "done A a1#1 puts 1 => stale\n" /* what it put was dropped */
              "refuse A a1#1 => stale\n"
              "hello A => welcome A\n"
              "done A a1#1 => stale\n"
              "lane A 1 => lane A' ok\n"
              "ready A' =>\n"
              "done A a1#1 => stale\n"  /* the lane of before */
              "done A' a1#2 => stale\n" /* not its attempt */
              "refuse A' a1#1 => stale\n"
              "credit A 9 => stale\n"
              "done B a1#2 => result 2 a1#2 done, free a1");
    scene_end (s);
}

Test (end, a_result_of_an_older_attempt_is_taken_from_who_is_known_again)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "lost A silence 0 => closed A, gone A silence 0 took 1, push a1#2 B\n"
              "hello A => welcome A\n"
              "lane A 1 => lane A' ok\n"
              "ready A' =>\n"
              "done A' a1#1 => revoke a1#2 B, result 2 a1#1 done, free a1\n"
              "done B a1#2 => stale");
    scene_end (s);
}

Test (end, a_lost_supervisors_children_are_lost_with_it)
{
    begin (1);
    scene (s, "hello S => welcome S\n"
              "hello C of S => welcome C\n"
              "hello D of T => welcome D\n"
              "hello E of S => welcome E\n"
              "lane C 1 => lane C ok\n"
              "ready C =>\n"
              "put a 3 => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B, push a3#1 C\n"
              "lost S signal 9 => gone S signal 9 took 0, closed C, gone C signal 9 took 1, gone E signal 9 took 0\n"
              "done A a1#1 => result 2 a1#1 done, free a1, push a3#2 A");
    cr_assert_eq (stats ().sessions_lost, 3);
    scene_end (s);
}

Test (end, the_ticket_that_a_lost_supervisor_is_said_to_have_been_at_is_not_its_childrens)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    s = scene_of_one_queue (&config);
    scene (s, "hello S => welcome S\n"
              "hello C of S => welcome C\n"
              "lane C 2 => lane C ok\n"
              "ready C =>\n"
              "put a 2 => keep a1, keep a2, push a1#1 C, push a2#1 C\n"
              "lost S exit 1 at a2 => gone S exit 1 took 0, "
              "closed C, result 2 a1#1 dead signal 9, free a1, gone C signal 9 took 2");
    scene_end (s);
}

Test (end, a_child_that_came_before_its_supervisor_is_its_child)
{
    begin (1);
    scene (s, "hello C of S => welcome C\n"
              "hello S => welcome S\n"
              "lost S exit 0 => gone S exit 0 took 0, gone C signal 9 took 0");
    scene_end (s);
}

Test (end, supervisors_of_supervisors_and_of_themselves_end_once)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "hello S of T => welcome S\n"
              "hello T of S => welcome T\n"
              "hello A of T => welcome A\n"
              "lost S exit 2 => gone S exit 2 took 0, gone T signal 9 took 0, gone A signal 9 took 0\n"
              "hello S of S => welcome S\n"
              "lost S exit 2 => gone S exit 2 took 0");
    scene_end (s);
}

Test (end, a_silent_supervisor_takes_its_children_along_and_nothing_is_given_to_them_meanwhile)
{
    emp_core_config_t config = scene_config ();
    s = scene_of_one_queue (&config);
    scene (s, "hello A => welcome A\n"
              "hello S => welcome S\n"
              "hello C of S => welcome C\n"
              "lane A 1 => lane A ok\n"
              "lane C 1 => lane C ok\n"
              "ready A =>\n"
              "ready C =>\n"
              "put a 1 => keep a1, push a1#1 A\n"
              "at 900\n"
              "alive C =>\n"
              "at 1000\n"
              "tick => closed A, gone A silence 0 took 1, gone S silence 0 took 0, closed C, gone C silence 0 took 0");
    cr_assert_eq (stats ().waiting, 1);
    scene_end (s);
}

Test (end, children_of_a_supervisor_that_says_bye_stay)
{
    begin (1);
    scene (s, "hello S => welcome S\n"
              "hello C of S => welcome C\n"
              "bye S => gone S bye 0 took 0\n"
              "alive C =>");
    scene_end (s);
}

Test (end, a_lost_manager_loses_only_itself)
{
    begin (1);
    scene (s, "hello C of M => welcome C\n"
              "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "lost M signal 9 => sink closed, gone M signal 9 took 0\n"
              "put a 1 => unknown\n"
              "put a 1 by A => stale\n"
              "alive C =>\n"
              "done A a1#1 => result 2 a1#1 done, free a1"); /* the feed has ended, its tickets have not */
    cr_assert_eq (stats ().feeds, 0);
    scene_end (s);
}

/* ---- queues ------------------------------------------------------------------------------------------------------ */

Test (end, b20_every_lane_is_told_once_when_a_stopped_queue_has_no_open_ticket)
{
    begin (1);
    scene (s, "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "stop q =>\n"
              "put a 1 end => keep a3\n" /* its feeds may end first */
              "done A a1#1 => result 2 a1#1 done, free a1, push a3#1 A\n"
              "done B a2#1 => result 3 a2#1 done, free a2\n"
              "refuse A a3#1 => push a3#2 B\n"
              "done B a3#2 => result 4 a3#2 done, free a3, stopped A, stopped B, sink stopped\n"
              "stop q =>\n"
              "ready A =>\n"
              "credit A 5 =>");
    scene_end (s);
}

Test (end, b20_a_worker_that_dies_does_not_leave_the_others_waiting_for_the_stop)
{
    begin (1);
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "stop =>\n"
              "lost A signal 9 at a1 => closed A, gone A signal 9 took 1, push a1#2 B\n"
              "done B a1#2 => result 2 a1#2 done, free a1, stopped B, sink stopped");
    scene_end (s);
}

Test (end, b20_a_queue_that_several_feeders_share_stops_with_the_last)
{
    begin (1);
    scene (s, "feed M => feed b 29\n"
              "stop q =>\n"
              "put a 0 end => credit b 58\n"
              "put b 1 end => keep b0, push b0#1 A\n"
              "done A b0#1 => result 2 b0#1 done, free b0, stopped A, stopped B, sink stopped");
    scene_end (s);
}

Test (end, a_queue_does_not_stop_before_stop_is_said)
{
    begin (1);
    scene (s, "put a 0 end =>\n"
              "feed M => feed b 58\n"
              "put b 0 end =>\n"
              "stop q => stopped A, stopped B, sink stopped");
    scene_end (s);
}

Test (end, feeds_that_die_with_their_session_end)
{
    begin (1);
    scene (s, "hello N => welcome N\n"
              "feed N => feed b 29\n"
              "put a 0 end => credit b 58\n"
              "stop q =>\n"
              "lost N signal 9 => gone N signal 9 took 0, stopped A, stopped B, sink stopped");
    scene_end (s);
}

/* ---- queues that workers put to (B14, B20) ------------------------------------------------------------------------ */

/* Queue q is the manager's, r has A's lane and B puts on it. */
static void begin_pipeline (void)
{
    begin (1);
    scene (s, "declare r 10 => queue r ok\n"
              "lane A r 2 => lane A:r ok\n"
              "ready A:r =>");
}

Test (end, B14_a_queue_that_workers_put_to_ends_with_the_last_ticket_of_all)
{
    begin_pipeline ();
    scene (s, "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "stop =>\n"
              "feed B r => feed b 0\n"
              "want b => credit b 2\n"
              "put b 1 => keep b0, push b0#1 A:r\n"
              "done A:r b0#1 => result 2 b0#1 done, free b0\n"
              "done A a1#1 => result 3 a1#1 done, free a1\n" /* r is empty, and B may still put */
              "put b 1 => keep b1, push b1#1 A:r\n"
              "done B a2#1 puts 2 => result 4 a2#1 done, free a2, stopped A, stopped B\n" /* q is the manager's alone */
              "done A:r b1#1 => result 5 b1#1 done, free b1, over b, stopped A:r, sink stopped\n"
              "put b 1 => stale"); /* its feed has ended with the queue */
    scene_end (s);
}

Test (end, B20_a_ticket_is_held_until_the_puts_that_its_done_announces_are_here)
{
    begin_pipeline ();
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "stop =>\n"
              "feed A r => feed b 0\n"
              "want b => credit b 2\n"
              "done A a1#1 puts 1 => too early\n" /* it overtook the put */
              "put b 1 => keep b0, push b0#1 A:r\n"
              "done A a1#1 puts 1 => result 2 a1#1 done, free a1, stopped A, stopped B\n"
              "done A:r b0#1 puts 1 => result 3 b0#1 done, free b0, over b, stopped A:r, sink stopped");
    cr_assert_eq (stats ().stale, 0);
    scene_end (s);
}

Test (end, a_put_that_comes_twice_is_no_other_put_that_a_done_may_have_announced)
{
    begin_pipeline ();
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "stop =>\n"
              "feed A r => feed b 0\n"
              "want b => credit b 2\n"
              "put b 1 => keep b0, push b0#1 A:r\n"
              "put b 1 number 0 => stale\n"
              "done A a1#1 puts 2 => too early\n" /* b1 is under way */
              "put b 1 => keep b1, push b1#1 A:r\n"
              "done A a1#1 puts 2 => result 2 a1#1 done, free a1, stopped A, stopped B");
    scene_end (s);
}

Test (end, the_ticket_of_a_worker_whose_puts_never_came_is_done_again)
{
    begin_pipeline ();
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "stop =>\n"
              "feed A r => feed b 0\n"
              "want b => credit b 2\n"
              "done A a1#1 puts 1 => too early\n"
              "lost A signal 9 at a1 => closed A, closed A:r, gone A signal 9 took 1, push a1#2 B\n"
              "done B a1#2 => result 2 a1#2 done, free a1, stopped B, sink stopped");
    scene_end (s);
}

Test (end, puts_that_are_not_taken_are_waited_for_no_more)
{
    begin_pipeline ();
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "feed A r => feed b 0\n"
              "put b 1 => full\n" /* without credit */
              "done A a1#1 puts 1 => result 2 a1#1 done, free a1");
    scene_end (s);
}

Test (end, a_queue_that_a_worker_puts_to_beside_the_manager_ends_with_the_last_ticket_of_all)
{
    begin_pipeline ();
    scene (s, "feed M r => feed b 1\n"
              "put b 1 end => keep b0, push b0#1 A:r\n"
              "feed B => feed c 0\n" /* B gives work back to q */
              "put a 0 end =>\n"
              "stop =>\n"
              "want c => credit c 234\n"
              "put c 1 => keep c0, push c0#1 A\n"
              "done A c0#1 => result 2 c0#1 done, free c0\n" /* q is empty, b0 is not done */
              "done A:r b0#1 => result 3 b0#1 done, free b0, stopped A:r, over c, stopped A, stopped B, sink stopped");
    scene_end (s);
}

Test (end, a_worker_may_open_a_feed_until_its_queue_has_stopped)
{
    begin_pipeline ();
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "stop =>\n"
              "feed B r => feed b 0\n"
              "feed M r => feed none stopped\n"
              "done A a1#1 => result 2 a1#1 done, free a1, stopped A, stopped B, over b, stopped A:r, sink stopped\n"
              "feed A r => feed none stopped");
    scene_end (s);
}

Test (end, a_drain_tells_workers_that_their_puts_are_taken_no_more)
{
    begin_pipeline ();
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "feed A r => feed b 0\n"
              "want b => credit b 2\n"
              "drain => over b, drained A:r\n"
              "put b 1 =>\n" /* it was under way, and is dropped */
              "done A a1#1 => result 2 a1#1 done, free a1, drained A, drained B, sink stopped");
    cr_assert_eq (stats ().dropped_by_drain, 1);
    scene_end (s);
}

Test (end, no_feed_opens_on_a_queue_when_stop_was_said)
{
    begin (1);
    scene (s, "stop q =>\n"
              "feed M => feed none stopped\n"
              "put a 1 => keep a1, push a1#1 A"); /* that one is open still */
    scene_end (s);
}

Test (end, a_lane_that_opens_on_a_stopped_queue_is_told_when_it_can_hear_it)
{
    begin (1);
    scene (s, "put a 0 end =>\n"
              "hello C => welcome C\n"
              "lane C 1 => lane C ok\n"
              "stop q => stopped A, stopped B, sink stopped\n"
              "ready C => stopped C\n"
              "ready C =>\n"
              "hello D => welcome D\n"
              "lane D 1 => lane D ok\n"
              "ready D => stopped D");
    scene_end (s);
}

Test (end, the_sink_is_told_when_every_queue_has_stopped)
{
    begin (1);
    scene (s, "declare r 10 => queue r ok\n"
              "put a 1 end => keep a1, push a1#1 A\n"
              "stop r =>\n"
              "stop q =>\n"
              "done A a1#1 => result 2 a1#1 done, free a1, stopped A, stopped B, sink stopped");
    scene_end (s);
}

Test (end, the_sink_is_not_told_while_a_queue_may_go_on)
{
    begin (1);
    scene (s, "declare r 10 => queue r ok\n"
              "put a 0 end =>\n"
              "stop q => stopped A, stopped B\n"
              "feed M r => feed b 1\n"
              "stop r =>\n"
              "put b 0 end => sink stopped");
    scene_end (s);
}

Test (end, a_sink_that_opens_late_is_told_too)
{
    begin (1);
    scene (s, "bye M => sink closed, gone M bye 0 took 0\n"
              "stop => stopped A, stopped B\n"
              "hello N quiet => welcome N\n"
              "sink N => sink N ok, sink stopped\n"
              "bye N => sink closed, gone N bye 0 took 0\n"
              "hello M quiet => welcome M\n"
              "sink M => sink M ok, sink stopped");
    scene_end (s);
}

Test (end, stop_of_all_queues_counts_for_those_declared_later)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "hello M quiet => welcome M\n"
              "sink M => sink M ok\n"
              "stop => sink stopped\n"
              "declare q 10 => queue q ok\n"
              "feed M => feed none stopped\n"
              "lane M 1 => lane M ok\n"
              "ready M => stopped M");
    scene_end (s);
}

Test (end, a_queue_that_is_declared_after_the_end_is_a_stopped_one)
{
    begin (1);
    scene (s, "put a 0 end =>\n"
              "stop q => stopped A, stopped B, sink stopped\n"
              "declare r 5 => queue r ok\n"
              "feed M r => feed none stopped\n"
              "lane A r 1 => lane A:r ok\n"
              "ready A:r => stopped A:r");
    scene_end (s);
}

Test (end, nothing_is_told_before_there_is_a_queue)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "hello M => welcome M\n"
              "sink M => sink M ok\n"
              "tick =>\n"
              "declare q 10 => queue q ok");
    scene_end (s);
}

/* ---- drain ------------------------------------------------------------------------------------------------------- */

Test (end, a_drain_drops_what_waits_and_lets_end_what_is_held)
{
    begin (1);
    scene (s, "put a 4 => keep a1, keep a2, keep a3, keep a4, push a1#1 A, push a2#1 B\n"
              "drain => free a3, free a4\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "credit A 5 =>\n"
              "done B a2#1 => result 3 a2#1 done, free a2, drained A, drained B, sink stopped\n"
              "drain =>\n"
              "stop q =>");
    cr_assert_eq (stats ().dropped_by_drain, 2);
    cr_assert_eq (stats ().put, 5);
    scene_end (s);
}

Test (end, a_drain_with_nothing_held_is_over_at_once)
{
    begin (0);
    scene (s, "put a 1 => keep a1\n"
              "drain => free a1, drained A, drained B, sink stopped");
    scene_end (s);
}

Test (end, puts_during_a_drain_are_counted_as_drained)
{
    begin (1);
    scene (s, "drain => drained A, drained B, sink stopped\n"
              "put a 3 =>\n"
              "put a 1 number 9 => stale\n"
              "put a 2 end =>\n"
              "put a 1 => stale");
    cr_assert_eq (stats ().put, 6);
    cr_assert_eq (stats ().rows_put, 6);
    cr_assert_eq (stats ().dropped_by_drain, 5);
    scene_end (s);
}

Test (end, no_credit_is_given_during_a_drain)
{
    begin (1);
    scene (s, "drain => drained A, drained B, sink stopped\n"
              "put a 938 =>\n"
              "put a 1 => full\n"
              "at 50000\n"
              "alive M =>");
    scene_end (s);
}

Test (end, credit_that_was_kept_back_is_forgotten_by_a_drain)
{
    begin (1);
    scene (s, "put a 938 => ...\n"
              "done A a1#1 => ...");
    cr_assert_neq (emp_core_next_due (s->core), UINT64_MAX);
    scene (s, "bye A => ...\n"
              "bye B => ...\n"
              "drain => ...");
    cr_assert_eq (emp_core_next_due (s->core), 1000); /* silence only */
    scene_end (s);
}

Test (end, a_held_ticket_whose_holder_goes_during_a_drain_is_dropped)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    s = scene_of_two_workers (&config, 2);
    scene (s, "put a 4 => keep a1, keep a2, keep a3, keep a4, push a1#1 A, push a2#1 B, push a3#1 A, push a4#1 B\n"
              "drain =>\n"
              "lost A signal 9 => closed A, free a3, free a1, gone A signal 9 took 2\n"
              "bye B => closed B, free a4, free a2, gone B bye 0 took 2, sink stopped");
    cr_assert_eq (stats ().dropped_by_drain, 4);
    cr_assert_eq (stats ().dead, 0);
    scene_end (s);
}

Test (end, a_ticket_refused_during_a_drain_is_dropped_or_dead)
{
    begin (2);
    scene (s, "credit B 0 =>\n"
              "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 A\n"
              "refuse A a1#1 => push a1#2 A\n"
              "refuse A a1#2 => push a1#3 A\n"
              "drain =>\n"
              "refuse A a2#1 => free a2\n"
              "refuse A a1#3 => result 2 a1#3 dead bye 0, free a1, drained A, drained B, sink stopped");
    scene_end (s);
}

Test (end, what_opens_during_a_drain_is_told_that_it_is_one)
{
    begin (1);
    scene (s, "put a 0 end =>\n"
              "stop q => stopped A, stopped B, sink stopped\n"
              "drain =>\n"
              "feed M => feed none stopped\n"
              "declare r 5 => queue r ok\n"
              "hello C => welcome C\n"
              "lane C 1 => lane C ok\n"
              "lane C r 1 => lane C:r ok\n"
              "ready C => drained C\n"
              "ready C:r => drained C:r");
    scene_end (s);
}

Test (end, a_drain_of_an_empty_core_tells_the_sink)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    scene (s, "hello M => welcome M\n"
              "drain =>\n"
              "sink M => sink M ok, sink stopped");
    scene_end (s);
}
