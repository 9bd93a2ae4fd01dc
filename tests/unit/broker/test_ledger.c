/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every cell of the table of a ticket's states (core.h), and what goes with it. The language is scene.h's.
 */
#include "scene.h"

TestSuite (ledger, .timeout = 10);

static scene_t *s;

static void begin (unsigned window)
{
    emp_core_config_t config = scene_config ();
    s = scene_of_two_workers (&config, window);
}

static emp_core_stats_t stats (void)
{
    emp_core_stats_t stats;
    emp_core_stats (s->core, &stats);
    return stats;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

Test (ledger, a_waiting_ticket_that_is_pushed_is_held)
{
    begin (1);
    scene (s, "put a 3 => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B");
    cr_assert_eq (stats ().waiting, 1);
    cr_assert_eq (stats ().held, 2);
    scene (s, "credit B 2 => push a3#1 B");
    cr_assert_eq (stats ().waiting, 0);
    cr_assert_eq (stats ().held, 3);
    scene_end (s);
}

Test (ledger, a_waiting_ticket_is_answered_by_who_had_it_before)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "credit A 0 =>\n"
              "credit B 0 =>\n"
              "refuse A a1#1 =>\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "credit B 1 =>");
    cr_assert_eq (stats ().answered, 2);
    cr_assert_eq (stats ().waiting, 0);
    scene_end (s);
}

Test (ledger, a_waiting_ticket_that_was_never_pushed_cannot_be_done)
{
    begin (1);
    scene (s, "put a 3 => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B\n"
              "done A a3#1 => stale\n"
              "done A a3#0 => stale\n"
              "done A a3#4294967295 => stale\n"
              "refuse A a3#0 => stale\n"
              "refuse A a3#1 => stale");
    cr_assert_eq (stats ().stale, 5);
    cr_assert_eq (stats ().waiting, 1);
    scene_end (s);
}

Test (ledger, a_waiting_ticket_is_not_refused_twice)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "credit A 0 =>\n"
              "credit B 0 =>\n"
              "refuse A a1#1 =>\n"
              "refuse A a1#1 => stale\n"
              "refuse A a1#1 => stale\n"
              "refuse A a1#1 => stale\n"
              "credit A 1 => push a1#2 A");
    scene_end (s);
}

/* ---- held -------------------------------------------------------------------------------------------------------- */

Test (ledger, a_held_ticket_that_is_done_is_answered_and_its_lane_takes_the_next)
{
    begin (1);
    scene (s, "put a 3 => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2, push a3#1 B\n"
              "done A a1#1 => result 3 a1#1 done, free a1\n"
              "done B a3#1 => result 4 a3#1 done, free a3");
    cr_assert_eq (stats ().answered, 4);
    scene_end (s);
}

Test (ledger, a_held_ticket_is_answered_by_a_late_result_of_an_older_attempt)
{
    begin (1);
    scene (s, "credit A 2 =>\n"
              "put a 1 => keep a1, push a1#1 A\n"
              "credit A 0 =>\n"
              "refuse A a1#1 => push a1#2 B\n"
              "done A a1#1 => revoke a1#2 B, result 2 a1#1 done, free a1\n"
              "done B a1#2 => stale\n"
              "put a 1 => keep a2, push a2#1 B"); /* it has left B's lane */
    scene_end (s);
}

Test (ledger, a_held_ticket_is_not_done_by_a_lane_that_was_never_pushed_this_attempt)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "done B a1#1 => stale\n"
              "refuse B a1#1 => stale\n"
              "done A a1#2 => stale\n"
              "done A a1#0 => stale\n"
              "done A a1#1 => result 2 a1#1 done, free a1");
    scene_end (s);
}

Test (ledger, a_refused_ticket_waits_at_the_head_and_is_pushed_again)
{
    begin (1);
    scene (s, "put a 4 => keep a1, keep a2, keep a3, keep a4, push a1#1 A, push a2#1 B\n"
              "refuse A a1#1 => push a1#2 A\n"
              "credit A 0 =>\n"
              "refuse A a1#2 =>\n"
              "done B a2#1 => result 2 a2#1 done, free a2, push a1#3 B\n"
              "done B a1#3 => result 3 a1#3 done, free a1, push a3#1 B");
    cr_assert_eq (stats ().reissued, 2);
    scene_end (s);
}

Test (ledger, a_ticket_refused_attempts_max_times_is_dead_and_says_that_it_was_refused)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "refuse A a1#1 => push a1#2 B\n"
              "refuse B a1#2 => push a1#3 A\n"
              "refuse A a1#3 bytes 40 => result 2 a1#3 dead bye 0, free a1");
    cr_assert_eq (stats ().dead, 1);
    cr_assert_eq (stats ().backlog_bytes, 40);
    scene_end (s);
}

Test (ledger, a_ticket_that_killed_attempts_max_workers_is_dead_and_says_of_what)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "lost A signal 11 at a1 => closed A, gone A signal 11 took 1, push a1#2 B\n"
              "lost B exit 3 at a1 => closed B, gone B exit 3 took 1\n"
              "hello C => welcome C\n"
              "lane C 1 => lane C ok\n"
              "ready C => push a1#3 C\n"
              "lost C signal 6 => closed C, result 2 a1#3 dead signal 6, free a1, gone C signal 6 took 1");
    cr_assert_eq (stats ().dead, 1);
    cr_assert_eq (stats ().sessions_lost, 3);
    scene_end (s);
}

Test (ledger, a_refusal_of_an_older_attempt_is_stale)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "credit A 0 =>\n"
              "refuse A a1#1 => push a1#2 B\n"
              "refuse A a1#1 => stale\n"
              "done B a1#2 => result 2 a1#2 done, free a1");
    scene_end (s);
}

Test (ledger, a_ticket_that_comes_back_from_a_lost_holder_waits_as_it_was)
{
    begin (3);
    scene (s, "credit B 0 =>\n"
              "put a 3 => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 A, push a3#1 A\n"
              "lost A signal 9 at a2 => closed A, gone A signal 9 took 3\n"
              "credit B 3 => push a1#2 B, push a2#2 B, push a3#2 B\n"
              "refuse B a1#2 => push a1#3 B\n"
              "refuse B a1#3 => push a1#4 B\n" /* two failures: the loss was none of its */
              "refuse B a2#2 => push a2#3 B\n"
              "refuse B a2#3 => result 2 a2#3 dead bye 0, free a2\n"); /* three */
    scene_end (s);
}

/* ---- answered, dead ---------------------------------------------------------------------------------------------- */

Test (ledger, nothing_is_answered_twice)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "done A a1#1 => stale\n"
              "refuse A a1#1 =>\n" /* so says who was told not to begin it */
              "done B a1#1 => stale");
    cr_assert_eq (stats ().answered, 2);
    cr_assert_eq (stats ().stale, 2);
    scene_end (s);
}

Test (ledger, a_dead_ticket_stays_dead)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "refuse A a1#1 => push a1#2 B\n"
              "refuse B a1#2 => push a1#3 A\n"
              "refuse A a1#3 => result 2 a1#3 dead bye 0, free a1\n"
              "done B a1#2 => stale\n"
              "done A a1#3 => stale\n"
              "refuse A a1#3 =>");
    scene_end (s);
}

Test (ledger, an_ended_tickets_handle_never_hits_the_ticket_in_its_place)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "done A a1#1 => result 2 a1#1 done, free a1");
    uint64_t slot = s->feeds[0].tickets[1] & 0xffffffff;
    uint64_t next = 2;
    do { /* until another ticket stands in the slot of a1 */
        char lines[300];
        snprintf (lines, sizeof lines, "put a 1 => ...\ndone A a1#1 => stale\ndone B a%d#1 => ...\ndone A a%d#1 => ...",
                  (int) next, (int) next);
        scene (s, lines);
    } while ((s->feeds[0].tickets[next++] & 0xffffffff) != slot);
    cr_assert_neq (s->feeds[0].tickets[next - 1], s->feeds[0].tickets[1]);
    scene_end (s);
}

/* ---- who may speak ----------------------------------------------------------------------------------------------- */

Test (ledger, a_ticket_of_another_queue_is_not_this_lanes)
{
    begin (1);
    scene (s, "declare r 10 => queue r ok\n"
              "lane A r 1 => lane A:r ok\n"
              "ready A:r =>\n"
              "put a 1 => keep a1, push a1#1 A\n"
              "done A:r a1#1 => stale\n"
              "refuse A:r a1#1 => stale\n"
              "done A a1#1 => result 2 a1#1 done, free a1");
    scene_end (s);
}

Test (ledger, a_lane_is_spoken_for_by_its_own_session_only)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "done A a1#1 by B => stale\n"
              "credit A 5 by B => stale\n"
              "done A a1#1 by Z => stale\n"
              "credit A 5 by Z => unknown\n"
              "done A a1#1 => result 2 a1#1 done, free a1");
    scene_end (s);
}

Test (ledger, a_result_carries_the_feeds_number_and_the_rows_and_its_bytes_are_counted)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "done A a1#1 bytes 123 => result 2 a1#1 done, free a1");
    cr_assert_eq (s->fx.list[0].kind, EMP_FX_RESULT);
    cr_assert_eq (s->fx.list[0].rows, 1);
    cr_assert_eq (s->fx.list[0].number, 1);
    cr_assert_eq (stats ().backlog_bytes, 123);
    scene_end (s);
}
