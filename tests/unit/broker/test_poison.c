/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tickets that kill their workers, copies of slow ones, and who comes too late. The language is scene.h's.
 */
#include "scene.h"

TestSuite (poison, .timeout = 20);

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
    config.dead_after = 0;
    s = scene_of_two_workers (&config, window);
}

/* A worker that was not there yet, with its lane on q. */
static void arrive (char name, const char *pushed)
{
    char lines[200];
    snprintf (lines, sizeof lines, "hello %c => ...\nlane %c 2 => ...\nready %c => %s", name, name, name, pushed);
    scene (s, lines);
}

/* ---- suspects ---------------------------------------------------------------------------------------------------- */

Test (poison, a_ticket_that_killed_goes_alone_to_a_lane_that_is_kept_free_for_it)
{
    begin (2);
    scene (s, "put a 7 => keep a1, keep a2, keep a3, keep a4, keep a5, keep a6, keep a7, "
              "push a1#1 A, push a2#1 B, push a3#1 A, push a4#1 B\n"
              "lost A exit 1 at a1 => closed A, gone A exit 1 took 2\n" /* B holds two: it is reserved */
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "done B a4#1 => result 3 a4#1 done, free a4, push a1#2 B\n"
              "credit B 5 =>\n" /* alone */
              "done B a1#2 => result 4 a1#2 done, free a1, push a3#2 B, push a5#1 B, push a6#1 B, push a7#1 B");
    scene_end (s);
}

Test (poison, a_lane_that_was_kept_free_and_has_ended_is_kept_no_more)
{
    begin (2);
    scene (s, "put a 4 => keep a1, keep a2, keep a3, keep a4, push a1#1 A, push a2#1 B, push a3#1 A, push a4#1 B\n"
              "lost A exit 1 at a1 => closed A, gone A exit 1 took 2\n" /* B is reserved */
              "lost B signal 9 at a2 => closed B, gone B signal 9 took 2");
    arrive ('C', "push a1#2 C");
    scene_end (s);
}

Test (poison, while_others_wait_one_suspect_is_out_at_a_time)
{
    begin (1);
    scene (s, "put a 4 => keep a1, keep a2, keep a3, keep a4, push a1#1 A, push a2#1 B\n"
              "lost A exit 1 at a1 => closed A, gone A exit 1 took 1\n"
              "lost B exit 1 at a2 => closed B, gone B exit 1 took 1");
    arrive ('C', "push a2#2 C");
    arrive ('D', "push a3#1 D, push a4#1 D"); /* not a1 */
    scene (s, "done D a3#1 => result 2 a3#1 done, free a3");
    scene (s, "done D a4#1 => result 3 a4#1 done, free a4, push a1#2 D"); /* nobody else waits */
    scene_end (s);
}

Test (poison, a_suspect_that_waited_for_the_others_goes_with_the_last_of_them)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    config.backlog_max = 3;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 4 => keep a1, keep a2, keep a3, keep a4, push a1#1 A, push a2#1 B\n"
              "lost A exit 1 at a1 => closed A, gone A exit 1 took 1\n"
              "lost B exit 1 at a2 => closed B, gone B exit 1 took 1\n"
              "hello C => welcome C\nlane C 1 => lane C ok\nready C => push a2#2 C\n"
              "hello D => welcome D\nlane D 1 => lane D ok\nready D => push a3#1 D\n"
              "done D a3#1 => result 2 a3#1 done, free a3, push a4#1 D\n"
              "done D a4#1 => result 3 a4#1 done, free a4\n" /* the backlog is full */
              "hello E => welcome E\nlane E 1 => lane E ok\nready E =>\n"
              "put a 1 => keep a5\n"
              "ack 3 => push a5#1 D, push a1#2 E");
    scene_end (s);
}

Test (poison, what_is_killed_from_outside_or_refused_or_silent_is_no_suspect)
{
    begin (2);
    scene (s, "credit B 0 =>\n"
              "put a 2 rows 8 => keep a1, keep a2, push a1#1 A, push a2#1 A\n"
              "lost A signal 9 at a1 => closed A, gone A signal 9 took 2\n"
              "credit B 2 => push a1#2 B, push a2#2 B\n"
              "refuse B a1#2 => push a1#3 B\n"
              "lost B silence 0 at a1 => closed B, result 2 a1#3 dead silence 0, free a1, gone B silence 0 took 2");
    cr_assert_eq (stats ().halved, 0);
    scene_end (s);
}

/* ---- halves ------------------------------------------------------------------------------------------------------ */

Test (poison, a_chunk_that_kills_twice_is_halved_and_its_good_rows_are_answered)
{
    begin (1);
    scene (s, "credit B 0 =>\n"
              "put a 1 rows 3 => keep a1, push a1#1 A\n"
              "lost A signal 11 at a1 => closed A, gone A signal 11 took 1");
    arrive ('C', "push a1#2 C");
    scene (s, "lost C signal 11 at a1 => closed C, half a1/2+1, half a1/0+2, free a1, gone C signal 11 took 1");
    arrive ('D', "push a1/0+2#3 D");
    scene (s, "done D a1/0+2#3 => result 2 a1/0+2#3 done, left 1, free a1/0+2, push a1/2+1#3 D\n"
              "lost D signal 11 at a1/2+1 => closed D, result 3 a1/2+1#3 dead signal 11, free a1/2+1, gone D signal 11 "
              "took 1");
    cr_assert_eq (stats ().halved, 1);
    cr_assert_eq (stats ().put + stats ().halved, stats ().answered + stats ().dead);
    scene_end (s);
}

Test (poison, a_late_answer_to_the_whole_does_not_count_for_its_halves)
{
    begin (1);
    scene (s, "credit B 0 =>\n"
              "put a 1 rows 2 => keep a1, push a1#1 A\n"
              "lost A exit 3 at a1 => closed A, gone A exit 3 took 1");
    arrive ('C', "push a1#2 C");
    scene (s, "lost C exit 3 at a1 => closed C, half a1/1+1, half a1/0+1, free a1, gone C exit 3 took 1\n"
              "done A a1#1 => stale\n"
              "done C a1#2 => stale");
    cr_assert_eq (stats ().fenced, 2);
    scene_end (s);
}

/* Plays a chunk of so many rows of which one kills whoever has it; returns the attempts of that row. */
static uint32_t hunt (uint32_t rows, uint32_t bad)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    config.attempts_max = 5;
    emp_core_t *core = emp_core_new (&config);
    emp_effects_t fx = {0};
    emp_part_t part = {.length = 10, .rows = rows};
    emp_event_t begin[] = {{.kind = EMP_EV_HELLO, .session = 1, .role = EMP_ROLE_MANAGER, .quiet = true},
                           {.kind = EMP_EV_DECLARE, .name = "q", .maxsize = 10},
                           {.kind = EMP_EV_OPEN_SINK, .session = 1},
                           {.kind = EMP_EV_OPEN_FEED, .session = 1, .name = "q"}};
    for (size_t i = 0; i < 4; i++)
        emp_core_step (core, &begin[i], 0, &fx);
    emp_event_t put = {
        .kind = EMP_EV_PUT, .session = 1, .feed = fx.list[fx.count - 1].feed, .count = 1, .parts = &part};
    emp_core_step (core, &put, 0, &fx);
    uint32_t answered = 0, attempts = 0;
    for (uint64_t session = 2; !attempts; session++) {
        cr_assert_lt (session, 100u);
        emp_effects_clear (&fx);
        emp_event_t arrive[] = {{.kind = EMP_EV_HELLO, .session = session, .role = EMP_ROLE_WORKER},
                                {.kind = EMP_EV_OPEN_LANE, .session = session, .name = "q", .window = 3}};
        emp_core_step (core, &arrive[0], 0, &fx);
        emp_core_step (core, &arrive[1], 0, &fx);
        emp_event_t next = {.kind = EMP_EV_LANE_READY, .lane = fx.list[fx.count - 1].lane};
        uint32_t lane = next.lane;
        for (bool alive = true; alive && !attempts;) {
            emp_effects_clear (&fx);
            cr_assert_eq (emp_core_step (core, &next, 0, &fx), EMP_OK);
            cr_assert_null (emp_core_check (core), "%s", emp_core_check (core));
            const emp_effect_t *push = NULL;
            for (size_t i = 0; i < fx.count; i++) {
                push = fx.list[i].kind == EMP_FX_PUSH ? &fx.list[i] : push;
                answered += fx.list[i].kind == EMP_FX_RESULT ? fx.list[i].rows : 0;
            }
            cr_assert_not_null (push);
            bool kills = bad >= push->from && bad < push->from + push->part;
            emp_event_t done = {.kind = EMP_EV_DONE,
                                .session = session,
                                .lane = lane,
                                .ticket = push->ticket,
                                .attempt = push->attempt};
            next = done;
            if (!kills)
                continue;
            attempts = push->part == 1 ? push->attempt : 0;
            emp_event_t lost = {
                .kind = EMP_EV_LOST, .session = session, .how = EMP_HOW_SIGNAL, .code = 11, .ticket = push->ticket};
            emp_core_step (core, &lost, 0, &fx);
            alive = false;
        }
    }
    emp_core_stats_t stats;
    emp_core_stats (core, &stats);
    cr_assert_eq (stats.dead, 1);
    emp_core_destroy (&core);
    emp_effects_release (&fx);
    return attempts;
}

Test (poison, the_bad_row_of_a_chunk_is_found_within_log2_n_and_3_attempts)
{
    static const struct {
        uint32_t rows, most;
    } cases[] = {{2, 4}, {3, 4}, {10, 6}, {1000, 12}, {10000, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t bad = 0; bad < cases[i].rows; bad += 1 + cases[i].rows / 7)
            cr_assert_leq (hunt (cases[i].rows, bad), cases[i].most, "row %u of %u", bad, cases[i].rows);
}

Test (poison, without_leave_to_halve_the_whole_is_dead_at_last)
{
    emp_core_config_t config = scene_config ();
    config.halve = false;
    config.attempts_max = 2;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 1 rows 9 => keep a1, push a1#1 A\n"
              "lost A exit 1 at a1 => closed A, gone A exit 1 took 1, push a1#2 B\n"
              "lost B exit 1 at a1 => closed B, result 2 a1#2 dead exit 1, free a1, gone B exit 1 took 1");
    scene_end (s);
}

Test (poison, a_chunk_that_signals_from_outside_end_each_time_is_halved_then)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    config.attempts_max = 2;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 1 rows 2 => keep a1, push a1#1 A\n"
              "lost A signal 9 at a1 => closed A, gone A signal 9 took 1, push a1#2 B\n"
              "lost B signal 9 at a1 => closed B, half a1/1+1, half a1/0+1, free a1, gone B signal 9 took 1");
    arrive ('C', "push a1/0+1#3 C");
    scene (s, "done C a1/0+1#3 => result 2 a1/0+1#3 done, left 1, free a1/0+1, push a1/1+1#3 C\n"
              "lost C signal 9 at a1/1+1 => closed C, gone C signal 9 took 1");
    arrive ('D', "push a1/1+1#4 D");
    scene (
        s,
        "lost D signal 9 at a1/1+1 => closed D, result 3 a1/1+1#4 dead signal 9, free a1/1+1, gone D signal 9 took 1");
    scene_end (s);
}

/* ---- copies ------------------------------------------------------------------------------------------------------ */

Test (poison, nothing_is_copied_while_more_may_come)
{
    begin (1);
    scene (s, "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "at 300000\n"
              "tick =>\n" /* somebody might still put */
              "stop =>\n"
              "at 310001\n"
              "tick => push a1#2 B");
    scene_end (s);
}

Test (poison, the_copy_answers_first_and_its_holder_is_ended_when_all_is)
{
    begin (1);
    scene (s, "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\n"
              "at 10000\n"
              "tick =>\n"
              "at 300000\n"
              "tick => push a1#2 B\n"
              "done B a1#2 => revoke a1#1 A, result 3 a1#2 done, free a1, stopped A, stopped B, sink stopped\n"
              "at 1310001\n"
              "tick => kill A\n"
              "done A a1#1 => stale");
    cr_assert_eq (stats ().copied, 1);
    cr_assert_eq (stats ().overtaken, 1);
    scene_end (s);
}

Test (poison, who_is_overtaken_and_comes_to_an_end_is_left_alone)
{
    begin (1);
    scene (s, "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n"
              "done A a1#1 => revoke a1#2 B, result 3 a1#1 done, free a1, stopped A, stopped B, sink stopped\n"
              "done B a1#2 => stale\n"
              "at 1400000\n"
              "tick =>");
    scene_end (s);
}

Test (poison, of_two_holders_one_may_die_and_the_other_goes_on)
{
    begin (1);
    scene (s, "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n"
              "lost A signal 9 => closed A, gone A signal 9 took 1\n"
              "refuse B a1#2 => push a1#3 B\n"
              "done B a1#3 => result 3 a1#3 done, free a1, stopped B, sink stopped");
    scene_end (s);
}

Test (poison, of_a_ticket_that_two_hold_an_older_refusal_changes_nothing)
{
    begin (1);
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "bye A => closed A, gone A bye 0 took 1, push a1#2 B\n"
              "stop =>\n"
              "hello D => welcome D\nlane D 1 => lane D ok\nready D =>\n"
              "at 300000\ntick => push a1#3 D\n"
              "refuse D a1#1 => stale\n"
              "done B a1#2 => revoke a1#3 D, result 2 a1#2 done, free a1, stopped B, stopped D, sink stopped");
    scene_end (s);
}

Test (poison, what_has_failed_is_not_copied_again)
{
    begin (1);
    scene (s, "put a 2 rows 1 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n"
              "lost B exit 0 at a1 => closed B, gone B exit 0 took 1\n"
              "hello D => welcome D\nlane D 1 => lane D ok\nready D =>\n"
              "at 900000\ntick =>\n"
              "lost A exit 0 at a1 => closed A, gone A exit 0 took 1, push a1#3 D\n"
              "at 1900000\ntick =>\n"
              "done D a1#3 => result 3 a1#3 done, free a1, stopped D, sink stopped");
    scene_end (s);
}

Test (poison, what_comes_to_the_holder_of_a_copy_is_handed_over_and_not_copied)
{
    begin (2);
    scene (s, "hello D => welcome D\nlane D 1 => lane D ok\nready D =>\n"
              "put a 3 end => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B, push a3#1 D\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n" /* of the two the one that came first */
              "credit A 1 =>\n"
              "bye D => closed D, gone D bye 0 took 1, push a3#2 B\n" /* behind the copy */
              "hello E => welcome E\nlane E 2 => lane E ok\nready E =>\n"
              "at 900000\n"
              "tick => revoke a3#2 B, push a3#3 E\n"
              "refuse B a3#2 =>\n"
              "done E a3#3 => result 3 a3#3 done, free a3\n"
              "done A a1#1 => revoke a1#2 B, result 4 a1#1 done, free a1, stopped A, stopped B, stopped E, sink "
              "stopped");
    cr_assert_eq (stats ().copied, 1);
    scene_end (s);
}

Test (poison, who_is_overtaken_gets_nothing_until_it_says_what_became_of_that)
{
    begin (1);
    scene (s, "hello D => welcome D\nlane D 1 => lane D ok\nready D =>\n"
              "put a 3 end => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B, push a3#1 D\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n"
              "done B a1#2 => revoke a1#1 A, result 3 a1#2 done, free a1\n"
              "lost D exit 1 at a3 => closed D, gone D exit 1 took 1, push a3#2 B\n" /* a suspect: not to A */
              "lost B exit 1 at a3 => closed B, gone B exit 1 took 1\n"
              "refuse A a1#1 => push a3#3 A\n"
              "done A a3#3 => result 4 a3#3 done, free a3, stopped A, sink stopped");
    scene_end (s);
}

Test (poison, who_is_overtaken_gets_nothing_that_comes_back)
{
    begin (1);
    scene (s, "hello D => welcome D\nlane D 1 => lane D ok\nready D =>\n"
              "put a 3 end => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B, push a3#1 D\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n"
              "done B a1#2 => revoke a1#1 A, result 3 a1#2 done, free a1\n"
              "credit B 0 =>\n"
              "bye D => closed D, gone D bye 0 took 1\n"
              "refuse A a1#1 => push a3#2 A\n"
              "done A a3#2 => result 4 a3#2 done, free a3, stopped A, stopped B, sink stopped");
    scene_end (s);
}

/* Who had the ticket at last whose result is an effect of the last step. */
static char blamed (void)
{
    for (size_t i = 0; i < s->fx.count; i++)
        if (s->fx.list[i].kind == EMP_FX_RESULT)
            return (char) s->fx.list[i].session;
    return 0;
}

Test (poison, a_ticket_that_comes_back_with_all_its_failures_is_dead)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    config.attempts_max = 1;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n"
              "lost A signal 9 at a1 => closed A, gone A signal 9 took 1\n"
              "bye B => closed B, result 3 a1#1 dead signal 9, free a1, gone B bye 0 took 1, sink stopped");
    cr_assert_eq (blamed (), 'A'); /* whose death that was */
    scene_end (s);
}

/* B holds a4 and a3, which killed A and had all its failures then; every record is in use. */
static void come_back_to_be_halved (const char *event)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    s = scene_of_two_workers (&config, 4);
    scene (s, "credit B 0 =>\n"
              "put a 4 rows 2 => keep a1, keep a2, keep a3, keep a4, "
              "push a1#1 A, push a2#1 A, push a3#1 A, push a4#1 A\n"
              "credit B 2 =>\n"
              "at 50001\n"
              "alive A =>\nalive B =>\n"
              "tick => revoke a4#1 A, push a4#2 B, revoke a3#1 A, push a3#2 B\n"
              "lost A signal 9 at a3 => closed A, gone A signal 9 took 2\n" /* it had begun that before it heard */
              "put a 252 => ...\n"
              "at 60000\n");
    scene (s, event);
    cr_assert_eq (stats ().halved, 1);
    scene_end (s);
}

Test (poison, who_leaves_with_a_ticket_that_is_halved_then_finds_room_for_the_halves)
{
    come_back_to_be_halved ("bye B => closed B, half a3/1+1, half a3/0+1, free a3, gone B bye 0 took 2");
}

Test (poison, who_is_silent_with_a_ticket_that_is_halved_then_finds_room_for_the_halves)
{
    come_back_to_be_halved ("tick => closed B, half a3/1+1, half a3/0+1, free a3, result 2 a4#1 dead silence 0, "
                            "free a4, gone B silence 0 took 2");
}

Test (poison, a_worker_that_did_not_begin_what_another_has_answered_is_not_killed)
{
    begin (1);
    scene (s, "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "done B a2#1 => result 2 a2#1 done, free a2\n"
              "stop =>\nat 300000\ntick => push a1#2 B\n"
              "done A a1#1 => revoke a1#2 B, result 3 a1#1 done, free a1, stopped A, stopped B, sink stopped\n"
              "refuse B a1#2 =>\n"
              "at 1400000\ntick =>");
    scene_end (s);
}

Test (poison, nothing_is_copied_once_workers_put)
{
    begin (1);
    scene (s, "feed A => feed b 0\nwant b => credit b 29\n"
              "put a 2 end => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "put b 1 end => keep b0\n"
              "done B a2#1 => result 2 a2#1 done, free a2, push b0#1 B\ndone B b0#1 => result 3 b0#1 done, free b0\n"
              "stop =>\nat 300000\ntick =>\nat 900000\ntick =>");
    cr_assert_eq (stats ().copied, 0);
    cr_assert_eq (stats ().workers_put, 1);
    scene_end (s);
}

Test (poison, nothing_is_copied_when_work_must_not_run_twice)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    config.speculate = false;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "stop =>\nat 900000\ntick =>");
    scene_end (s);
}

/* ---- the late ---------------------------------------------------------------------------------------------------- */

Test (poison, a_frozen_workers_result_is_taken_while_nobody_else_has_answered)
{
    emp_core_config_t config = scene_config ();
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 2 => keep a1, keep a2, push a1#1 A, push a2#1 B\n"
              "at 1000\nalive B =>\n"
              "tick => closed A, gone A silence 0 took 1\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "done A a1#1 => stale");
    cr_assert_eq (stats ().late, 1);
    cr_assert_eq (stats ().fenced, 1);
    scene_end (s);
}
