/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the core says of itself to who asks from outside. The language is scene.h's.
 */
#include "scene.h"

#include "broker/core/snapshot.h"

TestSuite (snapshot, .timeout = 10);

static scene_t *s;

static emp_core_queue_view_t queue_of (const char *name)
{
    emp_core_queue_view_t list[8];
    uint32_t slot = 0;
    size_t count = emp_core_view_queues (s->core, &slot, list, 8);
    cr_assert_eq (slot, 0);
    for (size_t i = 0; i < count; i++)
        if (strcmp (list[i].name, name) == 0)
            return list[i];
    cr_assert (false, "no queue %s", name);
    return (emp_core_queue_view_t){0};
}

/* Zero when it is not there. */
static emp_core_session_view_t session_of (char id)
{
    emp_core_session_view_t list[16];
    uint32_t slot = 0;
    size_t count = emp_core_view_sessions (s->core, s->now, &slot, list, 16);
    cr_assert_eq (slot, 0);
    for (size_t i = 0; i < count; i++)
        if (list[i].session == (uint64_t) id)
            return list[i];
    return (emp_core_session_view_t){0};
}

static emp_core_run_view_t run (void)
{
    emp_core_run_view_t view;
    emp_core_view_run (s->core, s->now, &view);
    return view;
}

Test (snapshot, it_says_what_waits_what_is_held_by_whom_and_for_how_long)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    s = scene_of_two_workers (&config, 2); /* a0 is answered */
    emp_core_queue_view_t before = queue_of ("q");
    scene (s, "at 1000\n"
              "put a 6 rows 3 => ...");
    emp_core_queue_view_t queue = queue_of ("q");
    cr_assert_eq (queue.put - before.put, 6);
    cr_assert_eq (queue.rows_put - before.rows_put, 18);
    cr_assert (queue.held == 4 && queue.waiting == 2 && queue.lanes == 2 && queue.feeds == 1 && !queue.stopped);
    cr_assert_gt (queue.maxsize, 0);
    s->now = 1700; /* it goes by the time that it is asked at */
    emp_core_session_view_t worker = session_of ('A');
    cr_assert (worker.held == 2 && worker.queue == queue.id && worker.number == 1 && worker.attempt == 1 &&
               worker.from == 0 && worker.rows == 3 && worker.in_hand == 700);
    cr_assert_eq (session_of ('B').number, 2);
    cr_assert (session_of ('M').queue == 0 && session_of ('M').held == 0);

    uint64_t answered = worker.answered;
    scene (s, "done A a1#1 => ...");
    worker = session_of ('A');
    cr_assert (worker.number == 3 && worker.in_hand == 0 && worker.answered == answered + 1,
               "its next one, from now on");
    queue = queue_of ("q");
    cr_assert (queue.waiting == 1 && queue.held == 4 && queue.answered == before.answered + 1);
    cr_assert_eq (queue.rows_ended - before.rows_ended, 3);
    scene_end (s);
}

Test (snapshot, a_lost_workers_tickets_wait_again_and_are_counted_as_issued_again)
{
    emp_core_config_t config = scene_config ();
    s = scene_of_two_workers (&config, 2);
    scene (s, "put a 4 => ...\n"
              "lost A signal 9 => ...");
    emp_core_queue_view_t queue = queue_of ("q");
    cr_assert (queue.waiting == 2 && queue.held == 2 && queue.reissued == 0 && queue.lanes == 1);
    cr_assert_eq (session_of ('A').session, 0);
    scene (s, "credit B 4 => ...");
    cr_assert_eq (queue_of ("q").reissued, 2 - queue_of ("q").waiting);
    scene_end (s);
}

Test (snapshot, of_several_lanes_the_one_that_holds_for_longest_is_told)
{
    static const char *const puts[] = {"at 100\nput b 1 => ...\nat 200\nput a 2 => ...",
                                       "at 100\nput a 2 => ...\nat 200\nput b 1 => ..."};
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    for (size_t i = 0; i < 2; i++) {
        s = scene_with (&config);
        scene (s, "hello M => ...\nhello A => ...\ndeclare q 1000 => ...\ndeclare r 1000 => ...\n"
                  "feed M q => ...\nfeed M r => ...\n"
                  "lane A q 2 => ...\nlane A r 2 => ...\nready A => ...\nready A:r => ...");
        scene (s, puts[i]);
        s->now = 300;
        emp_core_session_view_t worker = session_of ('A');
        cr_assert (worker.held == 3 && worker.queue == queue_of (i ? "q" : "r").id && worker.in_hand == 200);
        scene_end (s);
    }
}

Test (snapshot, the_run_is_fed_until_stop_was_said_and_its_feeds_have_ended)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    cr_assert (run ().feeding && run ().elapsed == 0);
    scene (s,
           "hello M => ...\ndeclare q 1000 => ...\nfeed M q => ...\nhello A => ...\nlane A q 1 => ...\nready A => ...\n"
           "at 50\nput a 1 => ...\nat 80\nstop => ...");
    cr_assert (run ().feeding && run ().elapsed == 30);
    scene (s, "put a 0 end => ...");
    cr_assert (!run ().feeding && !run ().finished);
    scene (s, "done A a0#1 => ...");
    cr_assert (run ().finished && queue_of ("q").stopped);
    scene_end (s);

    s = scene_with (&config);
    scene (s, "hello M => ...\ndeclare q 1000 => ...\nfeed M q => ...\nput a 3 => ...\ndrain => ...");
    cr_assert (run ().draining && !run ().feeding);
    cr_assert (queue_of ("q").waiting == 0 && queue_of ("q").put == 3);
    scene_end (s);
}

Test (snapshot, pieces_by_slot_skip_nobody_who_stays_and_name_nobody_twice)
{
    emp_core_config_t config = scene_config ();
    config.dead_after = 0;
    s = scene_with (&config);
    emp_effects_t fx = {0};
    for (uint64_t id = 1; id <= 1000; id++) {
        emp_event_t hello = {.kind = EMP_EV_HELLO, .session = id, .role = EMP_ROLE_WORKER, .name = "w"};
        emp_effects_clear (&fx);
        cr_assert_eq (emp_core_step (s->core, &hello, 1, &fx), EMP_OK);
    }
    unsigned seen[1001] = {0};
    emp_core_session_view_t list[64];
    uint32_t slot = 0;
    uint64_t gone = 3;
    do {
        size_t count = emp_core_view_sessions (s->core, 1, &slot, list, 64);
        for (size_t i = 0; i < count; i++)
            seen[list[i].session]++;
        emp_event_t bye = {.kind = EMP_EV_BYE, .session = gone};
        emp_effects_clear (&fx);
        cr_assert_eq (emp_core_step (s->core, &bye, 1, &fx), EMP_OK);
        gone += 60; /* behind, and before, where the next piece begins */
    } while (slot);
    cr_assert_gt (gone, 500);
    for (uint64_t id = 1; id <= 1000; id++)
        cr_assert (id % 60 == 3 ? seen[id] <= 1 : seen[id] == 1, "%u times %u", seen[id], (unsigned) id);
    emp_effects_release (&fx);
    scene_end (s);
}

Test (snapshot, a_watcher_that_is_gone_is_no_loss)
{
    emp_core_config_t config = scene_config ();
    s = scene_with (&config);
    emp_effects_t fx = {0};
    emp_event_t hello = {.kind = EMP_EV_HELLO, .session = 7, .role = EMP_ROLE_WATCHER, .name = "status"};
    cr_assert_eq (emp_core_step (s->core, &hello, 0, &fx), EMP_OK);
    emp_event_t tick = {.kind = EMP_EV_TICK};
    emp_effects_clear (&fx);
    cr_assert_eq (emp_core_step (s->core, &tick, 2000, &fx), EMP_OK);
    cr_assert (fx.count == 1 && fx.list[0].kind == EMP_FX_SESSION_GONE && fx.list[0].how == EMP_HOW_SILENCE);
    emp_core_stats_t stats;
    emp_core_stats (s->core, &stats);
    cr_assert (stats.sessions == 0 && stats.sessions_lost == 0);
    emp_effects_release (&fx);
    scene_end (s);
}
