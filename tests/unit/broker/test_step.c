/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sessions, queues, lanes and who gets which ticket. The language is scene.h's.
 */
#include "scene.h"

TestSuite (step, .timeout = 10);

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

static void begin_empty (void)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

Test (step, a_session_that_says_hello_is_taken)
{
    begin_empty ();
    scene (s, "hello A => welcome A\n"
              "alive A =>\n"
              "alive B => unknown");
    cr_assert_eq (stats ().sessions, 1);
    cr_assert_eq (stats ().stale, 1);
    scene_end (s);
}

Test (step, a_session_that_says_hello_again_keeps_what_it_has)
{
    begin (1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "hello A => welcome A\n"
              "done A a1#1 => result 2 a1#1 done, free a1");
    cr_assert_eq (stats ().sessions, 3);
    scene_end (s);
}

Test (step, a_session_does_not_come_again_in_another_role)
{
    begin_empty ();
    scene (s, "hello A => welcome A\n"
              "hello A as S => stale\n"
              "hello A => welcome A");
    scene_end (s);
}

Test (step, a_session_without_an_id_is_not_taken)
{
    begin_empty ();
    emp_event_t event = {.kind = EMP_EV_HELLO, .role = EMP_ROLE_WORKER, .name = "nobody"};
    cr_assert_eq (scene_step (s, &event), EMP_STALE);
    cr_assert_eq (s->fx.count, 0);
    scene_end (s);
}

Test (step, a_name_that_is_too_long_or_missing_harms_nobody)
{
    begin_empty ();
    char name[1000];
    memset (name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    emp_event_t event = {.kind = EMP_EV_HELLO, .session = 'A', .role = EMP_ROLE_WORKER, .name = name};
    cr_assert_eq (scene_step (s, &event), EMP_OK);
    event = (emp_event_t){.kind = EMP_EV_HELLO, .session = 'B', .role = EMP_ROLE_WORKER};
    cr_assert_eq (scene_step (s, &event), EMP_OK);
    emp_effects_clear (&s->fx);
    event = (emp_event_t){.kind = EMP_EV_BYE, .session = 'A'};
    cr_assert_eq (emp_core_step (s->core, &event, 0, &s->fx), EMP_OK);
    cr_assert_eq (strlen (s->fx.list[0].name), EMP_LABEL_MAX);
    scene_end (s);
}

Test (step, more_sessions_than_sessions_max_are_not_taken)
{
    emp_core_config_t config = scene_config ();
    config.sessions_max = 2;
    s = scene_with (&config);
    scene (s, "hello A => welcome A\n"
              "hello B => welcome B\n"
              "hello C => full\n"
              "hello A => welcome A\n"
              "bye A => gone A bye 0 took 0\n"
              "hello C => welcome C");
    scene_end (s);
}

Test (step, whoever_is_unknown_changes_nothing)
{
    begin (1);
    scene (s, "bye Z => unknown\n"
              "lost Z exit 1 => unknown\n"
              "lane Z 1 => unknown\n"
              "feed Z => unknown\n"
              "sink Z => unknown\n"
              "ready Z => stale\n"
              "put z 1 by Z => unknown\n"
              "put z 1 by A => stale\n"
              "credit Z 1 => unknown\n"
              "done Z a0#1 => stale");
    cr_assert_eq (stats ().stale, 10);
    scene_end (s);
}

/* ---- silence ----------------------------------------------------------------------------------------------------- */

Test (step, a_session_that_is_silent_for_dead_after_is_lost_of_silence)
{
    begin_empty ();
    scene (s, "at 100\nhello A => welcome A");
    cr_assert_eq (emp_core_next_due (s->core), 1100);
    scene (s, "at 1099\ntick =>\n"
              "at 1100\ntick => gone A silence 0 took 0");
    cr_assert_eq (emp_core_next_due (s->core), UINT64_MAX);
    cr_assert_eq (stats ().sessions_lost, 1);
    scene_end (s);
}

Test (step, any_event_of_a_session_counts_as_life)
{
    begin (1);
    static const char *const lines[] = {
        "alive A =>",
        "hello A => welcome A",
        "lane A 1 => lane A exists",
        "lane A nowhere 1 => lane none unknown",
        "credit A 1 =>",
        "put a 1 => keep a1, push a1#1 A",
        "done A a1#1 => result 2 a1#1 done, free a1",
        "done A a1#1 => stale",
        "put a 1 by A => stale",
        "feed A => feed b 0",
        "sink A => sink A exists",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        s->now += 900;
        scene (s, "alive B =>");
        scene (s, strncmp (lines[i], "put a 1 =>", 10) == 0 ? "alive A =>" : "tick =>");
        scene (s, lines[i]);
        scene (s, "tick =>");
    }
    s->now += 999;
    scene (s, "alive B =>\ntick =>");
    s->now += 1;
    scene (s, "tick => closed A, gone A silence 0 took 0");
    scene_end (s);
}

Test (step, any_event_of_a_manager_elsewhere_counts_as_life)
{
    begin_empty ();
    scene (s, "hello N => welcome N\n"
              "at 900\n"
              "declare q 10 by N => queue q ok\n"
              "at 1800\n"
              "tick =>\n"
              "feed N => feed a 1\n"
              "at 2700\n"
              "tick =>\n"
              "put a 1 => keep a0, credit a 10\n"
              "at 3600\n"
              "tick =>\n"
              "ack 0 by N =>\n"
              "at 4500\n"
              "tick =>\n"
              "ack 9 by N => stale\n"
              "at 5499\n"
              "tick =>\n"
              "at 5500\n"
              "tick => gone N silence 0 took 0");
    scene_end (s);
}

Test (step, a_session_of_the_shells_own_process_is_never_silent)
{
    begin_empty ();
    scene (s, "hello M quiet => welcome M");
    cr_assert_eq (emp_core_next_due (s->core), UINT64_MAX);
    scene (s, "at 1000000\ntick =>\nalive M =>");
    scene_end (s);
}

Test (step, a_session_that_comes_again_and_is_not_quiet_any_more_may_become_silent)
{
    begin_empty ();
    scene (s, "hello A quiet => welcome A\n"
              "at 5000\nhello A => welcome A\n"
              "at 6000\ntick => gone A silence 0 took 0");
    scene_end (s);
}

Test (step, nobody_is_lost_by_silence_when_dead_after_is_0)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    s = scene_with (&config);
    scene (s, "hello A => welcome A");
    cr_assert_eq (emp_core_next_due (s->core), UINT64_MAX);
    scene (s, "at 1000000000000\ntick =>");
    scene_end (s);
}

Test (step, next_due_is_never_later_than_the_first_silence)
{
    begin_empty ();
    scene (s, "hello A => welcome A\n"
              "at 500\nhello B => welcome B");
    cr_assert_eq (emp_core_next_due (s->core), 1000);
    scene (s, "alive A =>\n"
              "at 1000\ntick =>"); /* a tick that was too early finds the next time */
    cr_assert_eq (emp_core_next_due (s->core), 1500);
    scene (s, "at 1500\ntick => gone A silence 0 took 0, gone B silence 0 took 0");
    scene_end (s);
}

/* ---- queues, lanes, feeds, the sink ------------------------------------------------------------------------------ */

Test (step, b12_a_queue_that_exists_is_not_declared_again)
{
    begin_empty ();
    scene (s, "declare q 5 => queue q ok\n"
              "declare r 5 => queue r ok\n"
              "declare q 9 => queue q exists");
    cr_assert_eq (stats ().queues, 2);
    scene_end (s);
}

Test (step, a_queue_for_no_tickets_or_with_no_name_or_too_long_a_name_is_invalid)
{
    begin_empty ();
    scene (s, "declare q 0 => queue none invalid\n"
              "declare q 16777216 => queue q ok\n"
              "declare r 16777217 => queue none invalid");
    char name[EMP_NAME_MAX + 2];
    memset (name, 'n', sizeof name);
    name[EMP_NAME_MAX + 1] = 0;
    emp_event_t event = {.kind = EMP_EV_DECLARE, .name = name, .maxsize = 1};
    cr_assert_eq (scene_step (s, &event), EMP_OK);
    cr_assert_eq (s->fx.list[0].status, EMP_INVALID);
    name[EMP_NAME_MAX] = 0;
    scene_step (s, &event);
    cr_assert_eq (s->fx.list[0].status, EMP_OK);
    cr_assert_str_eq (emp_core_queue_name (s->core, s->fx.list[0].queue), name);
    event.name = "";
    scene_step (s, &event);
    cr_assert_eq (s->fx.list[0].status, EMP_INVALID);
    event.name = NULL;
    scene_step (s, &event);
    cr_assert_eq (s->fx.list[0].status, EMP_INVALID);
    scene_end (s);
}

Test (step, what_is_more_than_its_maximum_is_answered_full)
{
    emp_core_config_t config = scene_config ();
    config.queues_max = 1;
    config.lanes_max = 1;
    config.feeds_max = 1;
    s = scene_with (&config);
    scene (s, "hello A => welcome A\n"
              "hello B => welcome B\n"
              "declare q 5 => queue q ok\n"
              "declare r 5 => queue none full\n"
              "lane A 1 => lane A ok\n"
              "lane B 1 => lane none full\n"
              "feed A => feed a 0\n"
              "feed B => feed none full\n"
              "bye A => closed A, gone A bye 0 took 0\n"
              "lane B 1 => lane B ok\n"
              "feed B => feed b 0");
    cr_assert_eq (stats ().stale, 0);
    scene_end (s);
}

Test (step, what_is_opened_on_an_unknown_queue_is_answered_so)
{
    begin_empty ();
    scene (s, "hello A => welcome A\n"
              "lane A nowhere 1 => lane none unknown\n"
              "feed A nowhere => feed none unknown\n"
              "stop nowhere => unknown");
    scene_end (s);
}

Test (step, a_session_has_one_lane_on_a_queue)
{
    begin (1);
    scene (s, "lane A 7 => lane A exists\n"
              "put a 3 => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B");
    cr_assert_eq (stats ().lanes, 2);
    scene_end (s);
}

Test (step, there_is_one_sink_and_another_may_follow)
{
    begin (1);
    scene (s, "sink A => sink A exists\n"
              "sink M => sink M exists\n"
              "bye M => sink closed, gone M bye 0 took 0\n"
              "hello N quiet => welcome N\n"
              "sink N => sink N ok");
    scene_end (s);
}

Test (step, whom_a_lane_or_feed_belongs_to_is_known_while_it_lives)
{
    begin (1);
    uint32_t lane = scene_lane (s, "A"), feed = s->feeds[0].id, queue = 0;
    uint64_t session = 0;
    cr_assert (emp_core_lane (s->core, lane, &queue, &session));
    cr_assert_eq (session, 'A');
    cr_assert_str_eq (emp_core_queue_name (s->core, queue), "q");
    session = 0;
    cr_assert (emp_core_feed (s->core, feed, &queue, &session));
    cr_assert_eq (session, 'M');
    scene (s, "bye A => closed A, gone A bye 0 took 0");
    queue = 7, session = 7;
    cr_assert_not (emp_core_lane (s->core, lane, &queue, &session));
    cr_assert_not (emp_core_lane (s->core, 0, &queue, &session));
    cr_assert_not (emp_core_feed (s->core, 0, &queue, &session));
    cr_assert (queue == 7 && session == 7);
    cr_assert_null (emp_core_queue_name (s->core, 0));
    scene_end (s);
}

Test (step, a_feeds_id_is_known_until_its_last_result_is_acknowledged)
{
    begin (1);
    uint32_t feed = s->feeds[0].id, queue;
    uint64_t session;
    scene (s, "put a 1 end => keep a1, push a1#1 A\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "alive A =>");
    cr_assert (emp_core_feed (s->core, feed, &queue, &session));
    cr_assert_eq (session, 'M');
    scene (s, "ack 2 =>\n"
              "alive A =>");
    cr_assert_not (emp_core_feed (s->core, feed, &queue, &session));
    scene_end (s);
}

/* ---- dealing ----------------------------------------------------------------------------------------------------- */

Test (step, nothing_is_pushed_before_the_consumer_has_connected)
{
    emp_core_config_t config = scene_config ();
    s = scene_of_one_queue (&config);
    scene (s, "hello A => welcome A\n"
              "lane A 2 => lane A ok\n"
              "put a 1 => keep a1\n"
              "credit A 3 =>\n"
              "ready A => push a1#1 A\n"
              "ready A =>"); /* it may connect again */
    scene_end (s);
}

Test (step, tickets_are_dealt_one_to_each_lane_in_turn_the_oldest_first)
{
    begin (3);
    scene (s, "put a 5 => keep a1, keep a2, keep a3, keep a4, keep a5, "
              "push a1#1 A, push a2#1 B, push a3#1 A, push a4#1 B, push a5#1 A\n"
              "put a 2 => keep a6, keep a7, push a6#1 B");
    scene_end (s);
}

Test (step, the_turn_goes_on_where_it_was)
{
    begin (9);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "put a 1 => keep a2, push a2#1 B\n"
              "put a 1 => keep a3, push a3#1 A\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "put a 1 => keep a4, push a4#1 B");
    scene_end (s);
}

Test (step, a_lane_holds_as_many_as_its_credit_says_and_no_more)
{
    begin (0);
    scene (s, "put a 6 => keep a1, keep a2, keep a3, keep a4, keep a5, keep a6\n"
              "credit A 2 => push a1#1 A, push a2#1 A\n"
              "credit A 3 => push a3#1 A\n"
              "credit A 1 =>\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "done A a2#1 => result 3 a2#1 done, free a2\n"
              "done A a3#1 => result 4 a3#1 done, free a3, push a4#1 A");
    scene_end (s);
}

Test (step, a_lanes_credit_is_cut_to_window_max)
{
    emp_core_config_t config = scene_config ();
    config.window_max = 2;
    s = scene_of_two_workers (&config, 4000000000u);
    scene (s, "put a 6 => keep a1, keep a2, keep a3, keep a4, keep a5, keep a6, "
              "push a1#1 A, push a2#1 B, push a3#1 A, push a4#1 B\n"
              "credit A 4000000000 =>");
    scene_end (s);
}

Test (step, queues_do_not_mix_and_take_turns)
{
    begin (0);
    scene (s, "declare r 100 => queue r ok\n"
              "feed M r => feed b 5\n"
              "lane A r 2 => lane A:r ok\n"
              "ready A:r =>\n"
              "put a 2 => keep a1, keep a2\n"
              "put b 1 => keep b0, push b0#1 A:r, credit b 95\n"
              "put b 2 => keep b1, keep b2, push b1#1 A:r\n"
              "credit B 1 => push a1#1 B\n"
              "done A:r b0#1 => result 2 b0#1 done, free b0, push b2#1 A:r");
    scene_end (s);
}

Test (step, the_backlog_stops_pushing_until_results_are_acknowledged)
{
    emp_core_config_t config = scene_config ();
    config.backlog_max = 3;
    s = scene_of_two_workers (&config, 4);
    scene (s, "put a 6 => keep a1, keep a2, keep a3, keep a4, keep a5, keep a6, push a1#1 A, push a2#1 B, push a3#1 A\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "done B a2#1 => result 3 a2#1 done, free a2\n"
              "ack 2 => push a4#1 B\n"
              "ack 1 => stale\n"
              "ack 4 => stale\n"
              "ack 2 =>\n"
              "ack 3 => push a5#1 A");
    scene_end (s);
}

Test (step, the_backlog_stops_pushing_when_it_has_too_many_bytes)
{
    emp_core_config_t config = scene_config ();
    config.backlog_bytes_max = 100;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 6 => keep a1, keep a2, keep a3, keep a4, keep a5, keep a6, push a1#1 A, push a2#1 B\n"
              "done A a1#1 bytes 100 => result 2 a1#1 done, free a1, push a3#1 A\n"
              "done A a3#1 bytes 1 => result 3 a3#1 done, free a3\n"
              "done B a2#1 bytes 50 => result 4 a2#1 done, free a2\n"
              "ack 2 => push a4#1 A, push a5#1 B");
    cr_assert_eq (stats ().backlog_bytes, 51);
    scene_end (s);
}

Test (step, queues_share_a_full_backlog_evenly)
{
    emp_core_config_t config = scene_config ();
    config.backlog_max = 1;
    s = scene_of_one_queue (&config);
    scene (s, "declare r 1000 => queue r ok\n"
              "feed M r => feed b 16\n"
              "put a 3 => keep a1, keep a2, keep a3\n"
              "put b 3 => keep b0, keep b1, keep b2, credit b 941\n"
              "hello A => welcome A\n"
              "lane A 9 => lane A ok\n"
              "lane A r 9 => lane A:r ok\n"
              "ready A => push a1#1 A\n"
              "ready A:r =>\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n"
              "ack 2 => push a2#1 A\n"
              "done A a2#1 => result 3 a2#1 done, free a2\n"
              "ack 3 => push b0#1 A:r\n"
              "done A:r b0#1 => result 4 b0#1 done, free b0\n"
              "ack 4 => push a3#1 A\n"
              "done A a3#1 => result 5 a3#1 done, free a3\n"
              "ack 5 => push b1#1 A:r");
    scene_end (s);
}

Test (step, a_result_that_came_while_its_ticket_waited_may_be_over_the_backlog_and_holds_back_others)
{
    emp_core_config_t config = scene_config ();
    config.backlog_max = 2;
    s = scene_of_two_workers (&config, 1);
    scene (s, "put a 1 => keep a1, push a1#1 A\n"
              "credit A 0 =>\n"
              "credit B 0 =>\n"
              "refuse A a1#1 =>\n"
              "declare r 50 => queue r ok\n"
              "feed M r => feed b 2\n"
              "lane A r 3 => lane A:r ok\n"
              "ready A:r =>\n"
              "put b 2 => keep b0, keep b1, push b0#1 A:r, push b1#1 A:r, credit b 49\n"
              "put b 1 => keep b2\n"
              "done A a1#1 => result 2 a1#1 done, free a1\n" /* one result and two held */
              "done A:r b0#1 => result 3 b0#1 done, free b0\n"
              "ack 2 =>\n"
              "ack 3 => push b2#1 A:r");
    scene_end (s);
}

/* ---- puts -------------------------------------------------------------------------------------------------------- */

Test (step, a_put_out_of_turn_is_stale_and_changes_nothing)
{
    begin (0);
    scene (s, "put a 1 number 2 => stale\n"
              "put a 1 number 0 => stale\n"
              "put a 1 by B => stale\n"
              "put a 1 by Z => unknown\n"
              "put a 1 => keep a1");
    cr_assert_eq (stats ().put, 2);
    cr_assert_eq (stats ().stale, 4);
    cr_assert_eq (stats ().refused_puts, 0);
    scene_end (s);
}

Test (step, a_put_without_credit_is_refused_as_a_whole)
{
    begin (0);
    scene (s, "put a 939 => full\n"
              "put a 938 => ...\n"
              "put a 1 => full\n"
              "put a 1 end => full\n"
              "put a 0 =>");
    cr_assert_eq (stats ().put, 939);
    cr_assert_eq (stats ().waiting, 938);
    cr_assert_eq (stats ().refused_puts, 3);
    cr_assert_eq (stats ().stale, 0);
    cr_assert_eq (stats ().feeds, 1);
    scene_end (s);
}

Test (step, a_feed_that_has_ended_puts_nothing_more)
{
    begin (0);
    scene (s, "put a 1 end => keep a1\n"
              "put a 1 => stale\n"
              "put a 0 end =>");
    cr_assert_eq (stats ().feeds, 0);
    cr_assert_eq (stats ().put, 2);
    scene_end (s);
}

Test (step, tickets_of_a_feed_that_has_ended_are_worked_on)
{
    begin (1);
    scene (s, "put a 3 end => keep a1, keep a2, keep a3, push a1#1 A, push a2#1 B\n"
              "done A a1#1 => result 2 a1#1 done, free a1, push a3#1 A\n"
              "done A a3#1 => result 3 a3#1 done, free a3");
    scene_end (s);
}

Test (step, rows_are_counted)
{
    begin (0);
    emp_part_t parts[2] = {{.length = 5, .rows = 42}, {.length = 0, .rows = 7}};
    emp_event_t put = {
        .kind = EMP_EV_PUT, .session = 'M', .feed = s->feeds[0].id, .number = 1, .count = 2, .parts = parts};
    cr_assert_eq (scene_step (s, &put), EMP_OK);
    cr_assert_eq (s->fx.list[1].rows, 7);
    cr_assert_eq (s->fx.list[1].index, 1);
    cr_assert_eq (stats ().rows_put, 50);
    scene_end (s);
}

/* The next two are about room for effects: an assert of the core fails when there is too little. */
Test (step, everybody_may_die_of_silence_at_once)
{
    emp_core_config_t config = scene_config ();
    config.attempts_max = 1;
    config.window_max = 1;
    s = scene_of_one_queue (&config);
    for (char session = 'A'; session <= 'Z'; session++) {
        if (session == 'M' || session == 'W')
            continue;
        char lines[120];
        snprintf (lines, sizeof lines, "hello %c => ...\nlane %c 1 => ...\nready %c => ...\nput a 1 => ...", session,
                  session, session);
        scene (s, lines);
    }
    cr_assert_eq (stats ().held, 24);
    scene (s, "at 1000\ntick => ...");
    cr_assert_eq (s->fx.count, 5 * 24); /* closed, attempt, result, free, gone */
    cr_assert_eq (stats ().sessions, 1);
    scene_end (s);
}

Test (step, every_ticket_may_be_pushed_and_every_feed_get_credit_at_once)
{
    begin_empty ();
    scene (s, "hello M quiet => welcome M\n"
              "hello A quiet => welcome A\n"
              "declare q 40 => queue q ok\n"
              "lane A 0 => lane A ok\n"
              "ready A =>");
    for (int feed = 0; feed < 20; feed++)
        scene (s, "feed M => ...");
    for (int round = 0; round < 40; round++)
        for (char feed = 'a'; feed < 'a' + 20; feed++) {
            char line[40];
            snprintf (line, sizeof line, "put %c 1 => ...", feed);
            scene (s, line);
        }
    cr_assert_eq (stats ().waiting, 40);
    scene (s, "credit A 40 => ...");
    cr_assert_eq (s->fx.count, 60);
    scene_end (s);
}

Test (step, the_same_events_give_the_same_effects)
{
    static const char lines[] =
        "put a 9 => ...\nlost A signal 9 => ...\nhello C => ...\nlane C 3 => ...\nready C => ...\n"
        "refuse B a2#1 => ...\nfeed C => ...\nput b 1 => ...\nbye B => ...\ndone C a1#1 => ...";
    char shown[2][SCENE_TEXT];
    for (int i = 0; i < 2; i++) {
        begin (3);
        shown[i][0] = 0;
        char *line = strdup (lines), *rest = line, *one;
        while ((one = strsep (&rest, "\n"))) {
            scene (s, one);
            strcat (shown[i], s->shown);
        }
        free (line);
        scene_end (s);
    }
    cr_assert_str_eq (shown[0], shown[1]);
}
