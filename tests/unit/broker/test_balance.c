/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Balance: what a busy consumer holds and an idle one could do. The language is scene.h's.
 */
#include "scene.h"

TestSuite (balance, .timeout = 10);

static scene_t *s;

/* A holds a1, a2, a3, a4 and B is idle, its credit not yet given. */
static void begin (void)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    s = scene_of_two_workers (&config, 4);
    scene (s, "credit B 0 =>\n"
              "put a 4 => keep a1, keep a2, keep a3, keep a4, push a1#1 A, push a2#1 A, push a3#1 A, push a4#1 A");
}

Test (balance, an_idle_lane_gets_the_newest_of_what_a_slow_one_holds)
{
    begin ();
    scene (
        s,
        "credit B 4 =>\n"
        "at 50001\n"
        "tick => revoke a4#1 A, push a4#2 B, revoke a3#1 A, push a3#2 B\n"
        "done B a4#2 => result 2 a4#2 done, free a4\n"
        "done A a3#1 => revoke a3#2 B, result 3 a3#1 done, free a3"); /* it had begun after all: the first result wins */
    scene_end (s);
}

Test (balance, the_ticket_in_hand_is_never_taken)
{
    begin ();
    scene (s, "done A a1#1 => result 2 a1#1 done, free a1\n"
              "done A a2#1 => result 3 a2#1 done, free a2\n"
              "done A a3#1 => result 4 a3#1 done, free a3\n"
              "credit B 4 =>\n"
              "at 50001\n"
              "tick =>\n"
              "at 60002\n"
              "tick =>");
    scene_end (s);
}

Test (balance, nothing_is_taken_while_tickets_wait_or_the_run_drains)
{
    begin ();
    scene (s, "put a 2 => keep a5, keep a6\n"
              "at 50001\n"
              "tick =>\n"
              "drain => free a5, free a6\n"
              "credit B 4 =>\n"
              "at 60002\n"
              "tick =>");
    scene_end (s);
}

Test (balance, a_look_that_was_planned_before_the_run_drains_takes_nothing)
{
    begin ();
    scene (s, "credit B 4 =>\n"
              "drain =>\n"
              "at 50001\n"
              "tick =>");
    scene_end (s);
}

Test (balance, a_ticket_that_killed_its_old_holder_fails_where_it_is_now)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    config.attempts_max = 1;
    s = scene_of_two_workers (&config, 2);
    scene (s, "credit B 0 =>\n"
              "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 A\n"
              "credit B 2 =>\n"
              "at 50001\n"
              "tick => revoke a2#1 A, push a2#2 B\n"
              "lost A exit 1 at a2 => closed A, gone A exit 1 took 1, push a1#2 B\n" /* B may still answer it */
              "refuse B a2#2 => result 2 a2#2 dead bye 0, free a2");
    scene_end (s);
}

Test (balance, the_ticket_in_hand_stays_however_many_are_idle)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    scene_t *scene_here = scene_of_two_workers (&config, 2);
    scene (scene_here, "credit B 0 =>\n"
                       "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 A\n"
                       "credit B 2 =>\n"
                       "hello C => welcome C\nlane C 2 => lane C ok\nready C =>\n"
                       "at 60000\n"
                       "tick => revoke a2#1 A, push a2#2 B");
    scene_end (scene_here);
}

Test (balance, a_suspect_is_not_handed_over_behind_another)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    s = scene_of_two_workers (&config, 6);
    scene (s, "credit B 0 =>\n"
              "put a 6 => keep a1, keep a2, keep a3, keep a4, keep a5, keep a6, "
              "push a1#1 A, push a2#1 A, push a3#1 A, push a4#1 A, push a5#1 A, push a6#1 A\n"
              "credit B 4 =>\n"
              "at 50001\n"
              "tick => revoke a6#1 A, push a6#2 B, revoke a5#1 A, push a5#2 B, revoke a4#1 A, push a4#2 B\n"
              "done A a1#1 => ...\n"
              "done A a2#1 => ...\n"
              "done A a3#1 => ...\n"
              "lost A exit 1 at a4 => closed A, gone A exit 1 took 0\n" /* it had begun that before it heard */
              "put a 1 => keep a7, push a7#1 B\n"
              "hello C => welcome C\nlane C 2 => lane C ok\nready C =>\n"
              "at 120000\n"
              "tick => revoke a7#1 B, push a7#2 C\n"
              "done C a7#2 => result 5 a7#2 done, free a7\n"
              "at 190000\n"
              "tick => revoke a4#2 B, push a4#3 C\n"); /* alone */
    scene_end (s);
}

/* A holds a1 and a2, and has answered a3 and a4, which B was given meanwhile and is at: a4 first. */
static void overtake_b_twice (void)
{
    begin ();
    scene (s, "credit B 4 =>\n"
              "at 50001\n"
              "tick => revoke a4#1 A, push a4#2 B, revoke a3#1 A, push a3#2 B\n"
              "credit A 0 =>\n"
              "done A a1#1 => ...\n"
              "done A a2#1 => ...\n"
              "done A a3#1 => revoke a3#2 B, result 4 a3#1 done, free a3\n"
              "done A a4#1 => revoke a4#2 B, result 5 a4#1 done, free a4\n");
}

Test (balance, who_is_overtaken_twice_gets_nothing_before_it_has_answered_for_both)
{
    overtake_b_twice ();
    scene (s, "put a 1 => keep a5\n"
              "done B a4#2 => stale\n"
              "refuse B a3#2 => push a5#1 B");
    scene_end (s);
}

Test (balance, who_is_overtaken_twice_and_is_at_the_second_still_is_killed_in_the_end)
{
    overtake_b_twice ();
    scene (s, "put a 0 end =>\n"
              "stop => stopped A, stopped B, sink stopped\n"
              "done B a4#2 => stale\n" /* and it has begun a3 before it heard */
              "at 2000000\n"
              "tick => kill B");
    scene_end (s);
}

static bool kills_at (uint64_t ticket)
{
    for (size_t i = 0; i < s->fx.count; i++)
        if (s->fx.list[i].kind == EMP_FX_KILL && s->fx.list[i].ticket == ticket)
            return true;
    return false;
}

Test (balance, of_many_tickets_that_others_have_answered_the_one_in_hand_is_remembered)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    s = scene_of_two_workers (&config, 12);
    scene (s, "credit B 0 =>\n"
              "put a 12 end => ...\n"
              "credit B 6 =>\n"
              "at 50001\n"
              "tick => ...\n" /* a12 to a7, in this order */
              "done A a1#1 => ...\ndone A a2#1 => ...\ndone A a3#1 => ...\ndone A a4#1 => ...\ndone A a5#1 => ...\n"
              "done A a6#1 => ...\n"
              "done A a7#1 => ...\ndone A a8#1 => ...\ndone A a9#1 => ...\ndone A a10#1 => ...\n"
              "done A a12#1 => ...\n" /* in hand */
              "done A a11#1 => ...\n"
              "stop => ...\n"
              "at 2000000\n"
              "tick => kill B, kill B, kill B, kill B");
    cr_assert (kills_at (s->feeds[0].tickets[12]));
    scene_end (s);
}
