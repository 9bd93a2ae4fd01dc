/* SPDX-License-Identifier: BSD-3-Clause
 *
 * summary.c - what a run has come to: its counts, and whether its books balance (books.h).
 *
 * What feeders and the program's own puts made, they have counted. What workers put nobody here has: it is what came to the
 * broker beyond that. So a ticket that a worker put and a drain dropped is missing, though the dictionary has no name for it.
 */
#include "manager.h"

/* What feeders and the program's own puts have counted. `settled`: of those that count no more. */
static void count_fed (const emp_t *self, bool settled, uint64_t *ret_tickets, uint64_t *ret_rows)
{
    *ret_tickets = *ret_rows = 0;
    for (size_t i = 0; i < self->feeders_count; i++)
        if (!settled || emp_feeder_is_over (self->feeders[i])) {
            *ret_tickets += emp_feeder_tickets (self->feeders[i]);
            *ret_rows += emp_feeder_rows (self->feeders[i]);
        }
    for (size_t i = 0; i < self->ports_room; i++)
        if (self->ports[i]) {
            *ret_tickets += atomic_load (&self->ports[i]->tickets);
            *ret_rows += atomic_load (&self->ports[i]->rows);
        }
}

static uint64_t beyond (uint64_t all, uint64_t part)
{
    return all > part ? all - part : 0;
}

/* What an earlier run has answered was never put in this one. */
static emp_replayed_t replayed (const emp_t *self)
{
    emp_replayed_t before = {0};
    if (self->collector)
        emp_collector_replayed (self->collector, &before);
    return before;
}

/* What is missing of the manager's feeds, by name, and of workers', by count. */
static void count_missing (emp_t *self, const emp_core_stats_t *core, emp_summary_t *sum)
{
    uint64_t ended = 0, rows_ended = 0; /* of what workers put */
    emp_feed_books_t feed;
    for (size_t i = 0; emp_results_feed_at (self->results, i, &feed); i++)
        if (feed.workers) {
            ended += feed.answered + feed.dead + feed.partly;
            rows_ended += feed.rows_answered + feed.rows_dead;
        } else {
            sum->missing += feed.missing;
            sum->rows_missing += emp_books_rows_missing (&feed);
        }
    emp_replayed_t before = replayed (self);
    uint64_t lost = beyond (core->put + before.tickets, sum->tickets + ended);
    uint64_t rows_lost = beyond (core->rows_put + before.rows, sum->rows_in + rows_ended);
    sum->missing += lost;
    sum->rows_missing += rows_lost;
    sum->tickets += ended + lost;
    sum->rows_in += rows_ended + rows_lost;
}

void emp_summary (emp_t *self, emp_summary_t *ret_summary)
{
    *ret_summary = (emp_summary_t){0};
    if (self->stage == EMP_CONFIGURING || !self->results)
        return;
    emp_results_counts_t counts;
    emp_results_counts (self->results, &counts);
    emp_core_stats_t core;
    emp_broker_stats (self->broker, &core);
    emp_summary_t sum = {.answered = counts.answered,
                         .dead = counts.dead,
                         .partly = counts.partly,
                         .rows_answered = counts.rows_answered,
                         .rows_dead = counts.rows_dead,
                         .results = counts.values,
                         .fenced = core.fenced,
                         .reissued = core.reissued};
    count_fed (self, false, &sum.tickets, &sum.rows_in);
    if (self->stage == EMP_OVER)
        count_missing (self, &core, &sum);
    uint64_t ended = sum.answered + sum.dead + sum.partly;
    sum.tickets = sum.tickets < ended ? ended : sum.tickets; /* before it is over: workers have put some, too */
    pthread_mutex_lock (&self->lock);
    sum.workers_lost = self->losses_count + self->losses_more;
    pthread_mutex_unlock (&self->lock);
    uint64_t more;
    sum.attempts = emp_history_attempts (self->history, &more);
    sum.dropped =
        emp_broker_dropped (self->broker) + emp_session_dropped (self->session) + counts.twice + counts.refused;
    *ret_summary = sum;
}

/* ---- the books ------------------------------------------------------------------------------------------------------ */

static bool feeds_agree (emp_t *self, emp_run_books_t *ret_run, char *ret_why)
{
    emp_feed_books_t feed;
    for (size_t i = 0; emp_results_feed_at (self->results, i, &feed); i++) {
        if (!emp_books_feed_agrees (&feed, ret_why))
            return false;
        ret_run->known += feed.tickets;
        ret_run->rows_known += feed.rows;
    }
    return true;
}

/* A broker that was lost has no books; a feeder that hangs may still count, so of those that are over only. */
bool emp_summary_agrees (emp_t *self, char ret_why[EMP_BOOKS_WHY_MAX])
{
    emp_run_books_t run = {.drained = self->drain_begun};
    for (size_t i = 0; i < self->feeders_count; i++)
        run.drained |= emp_feeder_is_over (self->feeders[i]) && emp_feeder_is_cut (self->feeders[i]);
    if (!feeds_agree (self, &run, ret_why))
        return false;
    if (self->broker_gone)
        return true;
    emp_results_counts_t counts;
    emp_results_counts (self->results, &counts);
    emp_core_stats_t core;
    emp_broker_stats (self->broker, &core);
    emp_replayed_t before = replayed (self);
    run.before = before.tickets;
    run.rows_before = before.rows;
    run.parts_before = before.parts;
    run.put = core.put;
    run.rows_put = core.rows_put;
    run.sent = core.serial;
    run.parts = counts.parts + counts.lost;
    run.drained |= counts.lost > 0; /* those have ended, and are missing here */
    run.ended = counts.answered + counts.dead + counts.partly;
    run.rows_ended = counts.rows_answered + counts.rows_dead;
    count_fed (self, true, &run.fed, &run.rows_fed);
    return emp_books_run_agrees (&run, ret_why);
}
