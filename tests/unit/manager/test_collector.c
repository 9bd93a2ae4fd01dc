/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The collector at a sink of the test's: what cannot be kept is counted as that.
 */
#include "../common/door.h"

#include "manager/collector.h"
#include "scratch.h"

TestSuite (collector, .timeout = 60, .init = scratch_make, .fini = scratch_remove);

static _Atomic int ended = -1;

static void end (void *arg, emp_status_t status)
{
    (void) arg;
    atomic_store (&ended, (int) status);
}

static bool nobody_put (void *arg)
{
    (void) arg;
    return false;
}

static void hush (void *arg, const char *sentence)
{
    (void) arg, (void) sentence;
}

static emp_results_t *full_results (void)
{
    emp_results_t *results = emp_results_new (1 << 20, true);
    for (uint32_t i = 0; i < EMP_RESULTS_FEEDS_MAX; i++)
        cr_assert_eq (emp_results_feed (results, i + 1, "q", "q"), EMP_OK);
    return results;
}

static emp_journal_t *new_journal (void)
{
    static const emp_journal_decl_t decl = {"q", "q", 10};
    char why[EMP_JOURNAL_WHY_MAX];
    emp_journal_t *journal;
    const emp_journal_config_t config = {.path = scratch_path ("j"),
                                         .say = hush,
                                         .sync = EMP_JOURNAL_NONE,
                                         .rows_max = 10,
                                         .feeds = &decl,
                                         .feeds_count = 1};
    cr_assert_eq (emp_journal_open (&config, &journal, why), EMP_OK, "%s", why);
    return journal;
}

/* One result of a feed of a worker's, which finds no room. */
static void lose_one (emp_journal_t *journal)
{
    static emp_wire_t wire, stopped = {.kind = EMP_WIRE_STOPPED, .run = RUN, .lane = 1};
    open_door ();
    emp_session_t *session;
    cr_assert_eq (knock (1000, &session), EMP_OK);
    zsock_t *push = open_sink ();
    pthread_t thread;
    cr_assert (emp_thread_start (&thread, "broker", opens_sink, NULL));
    emp_results_t *results = full_results ();
    const emp_collector_config_t config = {.session = session,
                                           .results = results,
                                           .journal = journal,
                                           .sync = EMP_JOURNAL_NONE,
                                           .workers_put = nobody_put,
                                           .ended = end};
    emp_collector_t *collector;
    cr_assert_eq (emp_collector_new (&config, &collector), EMP_OK);
    pthread_join (thread, NULL);
    wire = (emp_wire_t){.kind = EMP_WIRE_RESULTS, .run = RUN, .feed = 4000000, .label = "w", .serial = 1, .count = 1};
    wire.parts[0] = (emp_part_t){.attempt = 1, .rows = 1, .length = 1};
    send_to_sink (push, &wire);
    send_to_sink (push, &stopped);
    while (atomic_load (&ended) < 0)
        usleep (1000);
    emp_collector_destroy (&collector);
    emp_results_counts_t counts;
    emp_results_counts (results, &counts);
    cr_assert_eq (counts.lost, 1);
    cr_assert_eq (counts.refused, 0);
    emp_results_destroy (&results);
    emp_journal_destroy (&journal);
    emp_session_destroy (&session);
    close_sink (&push);
    close_door ();
}

Test (collector, a_part_whose_feed_finds_no_room_is_lost)
{
    lose_one (NULL);
}

Test (collector, a_part_whose_feed_finds_no_room_is_lost_with_a_journal_too)
{
    lose_one (new_journal ());
}
