/* SPDX-License-Identifier: BSD-3-Clause
 *
 * course.c - the course of a run: it waits for facts, does what follows from them, and says in the end what it came to.
 * See manager.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/tag.h"
#include "../common/thread.h"
#include "manager.h"
#include "spool.h"
#include "tools.h"

#define LOOK_US 200000u /* how often progress is shown */
#define SLAY_US 1000000u
#define SAY_AGAIN_US 10000u /* until what found no room, or no memory, is said again */
#define STREAM_US 500000u   /* how long a stop lets the stream's reader take what is there */

bool emp_course_fed (const emp_t *self)
{
    for (size_t i = 0; i < self->feeders_count; i++)
        if (!emp_feeder_is_over (self->feeders[i]))
            return false;
    return true;
}

/* False: it could not be said, and is to be said again in a moment. */
static bool say (emp_t *self, emp_kind_t kind, const char *queue)
{
    emp_control_t message = {.kind = kind};
    snprintf (message.name, sizeof message.name, "%s", queue);
    bool said = emp_session_send (self->session, &message) == EMP_OK;
    self->unsaid |= !said;
    return said;
}

/* No worker is left, and none will come: with LISTEN others may, unless those of this host cannot load the modules. */
static bool is_deserted (const emp_t *self)
{
    return self->workers_gone && (!self->gate || self->workers_code == 2);
}

static void begin_drain (emp_t *self, uint64_t now)
{
    self->drain_begun = true;
    self->early = self->early || !emp_course_fed (self);
    self->deserted = is_deserted (self) && !self->drain_wanted && !self->stop_wanted && !self->workers_unwanted;
    if (self->launcher)
        emp_launcher_drain (self->launcher);
    emp_session_stop_feeds (self->session);
    for (size_t i = 0; i < self->feeders_count; i++)
        emp_feeder_cancel (self->feeders[i]);
    self->deadline_us = now + (uint64_t) self->config.stop_grace_ms * 1000;
}

/* STOP for each queue that no feeder is at work on. Queues end one by one, since a worker that reads two of them may wait
 * at the end of the shorter one while the longer one's feeder waits for it. */
static void stop_queues (emp_t *self)
{
    for (size_t i = 0; i < self->config.queues_count; i++)
        self->queue_fed[i] = false;
    for (size_t i = 0; i < self->feeders_count; i++)
        if (!emp_feeder_is_over (self->feeders[i]))
            self->queue_fed[self->feeder_queues[i]] = true;
    for (size_t i = 0; i < self->config.queues_count; i++) {
        if (self->queue_fed[i] || self->queue_stop_said[i])
            continue;
        self->queue_stop_said[i] = say (self, EMP_MSG_STOP, self->config.queues[i].name);
    }
}

static void kill_workers (emp_t *self)
{
    self->kill_said = !self->gate || say (self, EMP_MSG_KILL, ""); /* those of other hosts, by their supervisors */
    if (self->launcher)
        emp_launcher_kill (self->launcher);
}

/* Who resumes a run with other input gets nothing of it: what was begun is ended at once. */
static void look_at_inputs (emp_t *self)
{
    for (size_t i = 0; i < self->feeders_count && !self->refused; i++)
        self->refused = emp_feeder_is_over (self->feeders[i]) && emp_feeder_is_refused (self->feeders[i]);
    self->stop_wanted |= self->refused;
    self->drain_wanted |= self->unkept || self->unstreamed;
    if (self->refused && self->stream)
        emp_stream_until (self->stream, 0);
}

/* Looks at the facts and does what follows. Returns true when the run is over. Called under the lock, again whenever a
 * fact or the time has changed; nothing in it waits. Before emp_wait nothing is over: feeders may follow.
 *
 *   feeders of a queue are over                      say STOP of it: it ends when it is empty and nobody can put to it
 *   the journal, or the stream, cannot be written    wanted: drain
 *   a feeder's input is not what it was              wanted: stop
 *   wanted: drain or stop; or all workers have gone  say DRAIN: nothing more is handed out; workers have STOP_GRACE
 *   wanted: stop; or time is up                      kill the workers, of other hosts too
 *   the last ending came                             workers have STOP_GRACE to confirm their stop
 *   the last ending came, no worker is left,
 *   no feeder is at work, or stop, or time is up     over */
static bool run_course (emp_t *self, uint64_t now)
{
    bool fed = emp_course_fed (self);
    self->unsaid = false;
    look_at_inputs (self);
    if (self->waited && !self->stop_said) {
        stop_queues (self);
        self->stop_said = fed && say (self, EMP_MSG_STOP, "");
    }
    bool want_drain =
        self->drain_wanted || self->stop_wanted || self->broker_gone || (is_deserted (self) && !self->collected);
    if (want_drain && !self->drain_begun)
        begin_drain (self, now);
    if (self->drain_begun && !self->drain_said)
        self->drain_said = say (self, EMP_MSG_DRAIN, "");
    bool stay = self->config.serve && !self->drain_wanted; /* until somebody says so */
    if (self->collected && !self->deadline_us && !stay)
        self->deadline_us = now + (uint64_t) self->config.stop_grace_ms * 1000;
    bool late = (self->deadline_us && now >= self->deadline_us) || (self->collected && self->config.serve && !stay);
    bool any = !self->workers_gone || (self->gate && !self->collected);
    if ((self->stop_wanted || late || self->broker_gone) && any && !self->kill_said)
        kill_workers (self);
    return self->waited && self->collected && self->workers_gone && (fed || late || self->stop_wanted);
}

static void show_progress (emp_t *self)
{
    emp_results_counts_t counts;
    emp_results_counts (self->results, &counts);
    uint64_t rows = 0, tickets = 0;
    for (size_t i = 0; i < self->feeders_count; i++) {
        rows += emp_feeder_rows (self->feeders[i]);
        tickets += emp_feeder_tickets (self->feeders[i]);
    }
    bool fed = emp_course_fed (self);
    uint64_t told = atomic_load (&self->rows_told); /* by who reports within a chunk */
    emp_progress_state_t state = {.rows_done = told > counts.rows_answered ? told : counts.rows_answered,
                                  .rows_expected = fed ? rows : self->config.info_thread_max,
                                  .tickets_done = counts.answered + counts.dead + counts.partly,
                                  .tickets_made = fed ? tickets : 0,
                                  .tickets_dead = counts.dead,
                                  .elapsed_ms = (emp_now () - self->started_us) / 1000};
    emp_screen_progress (self->screen, &state);
}

static uint64_t sooner (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wait_for_change (emp_t *self, uint64_t now)
{
    uint64_t until = UINT64_MAX;
    if (self->deadline_us > now)
        until = self->deadline_us; /* once it is past, all that it brings was done or is a fact to come */
    if (emp_screen_is_live (self->screen))
        until = sooner (until, now + LOOK_US);
    if (self->unsaid)
        until = sooner (until, now + SAY_AGAIN_US);
    emp_thread_wait (&self->changed, &self->lock, until);
}

static void *course_thread (void *arg)
{
    emp_t *self = arg;
    pthread_mutex_lock (&self->lock);
    while (!self->torn && !self->over) {
        uint64_t now = emp_now ();
        self->over = run_course (self, now);
        if (self->over)
            pthread_cond_broadcast (&self->changed);
        else {
            if (emp_screen_is_live (self->screen))
                show_progress (self);
            wait_for_change (self, now);
        }
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}

emp_status_t emp_course_begin (emp_t *self)
{
    self->queue_stop_said = calloc (self->config.queues_count, sizeof (bool));
    self->queue_fed = calloc (self->config.queues_count, sizeof (bool));
    if (!self->queue_stop_said || !self->queue_fed)
        return emp_fail (self, EMP_NOMEM, "out of memory");
    self->course_runs = emp_thread_start (&self->course, "emp-course", course_thread, self);
    return self->course_runs ? EMP_OK : emp_fail (self, EMP_SYSTEM, "cannot start a thread: %s", strerror (errno));
}

void emp_course_end (emp_t *self)
{
    if (!self->course_runs)
        return;
    pthread_mutex_lock (&self->lock);
    self->torn = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
    pthread_join (self->course, NULL);
}

/* ---- what it came to ----------------------------------------------------------------------------------------------- */

static const char *feeder_failure (const emp_t *self, const char **ret_label)
{
    for (size_t i = 0; i < self->feeders_count; i++)
        if (emp_feeder_is_over (self->feeders[i]) && emp_feeder_error (self->feeders[i]) &&
            (!self->refused || emp_feeder_is_refused (self->feeders[i]))) {
            *ret_label = emp_feeder_label (self->feeders[i]);
            return emp_feeder_error (self->feeders[i]);
        }
    return NULL;
}

const char *emp_course_refusal (emp_t *self)
{
    const char *label;
    pthread_mutex_lock (&self->lock);
    const char *why = self->refused ? feeder_failure (self, &label) : NULL;
    pthread_mutex_unlock (&self->lock);
    return why;
}

/* Workers that had nothing more to do may be seen gone before the last endings are collected, so that they are gone explains
 * only what has not ended. */
void emp_course_unanswered (const emp_summary_t *sum, bool deserted, char ret_text[EMP_COURSE_TEXT_MAX])
{
    unsigned long long open = sum->dead + sum->missing, partly = sum->partly, tickets = sum->tickets;
    if (open == 0) {
        snprintf (ret_text, EMP_COURSE_TEXT_MAX, "%llu of %llu tickets were answered only in part", partly, tickets);
        return;
    }
    char and_partly[64] = "";
    if (partly)
        snprintf (and_partly, sizeof and_partly, ", %llu only in part", partly);
    snprintf (ret_text, EMP_COURSE_TEXT_MAX, "%s%llu of %llu tickets were not answered%s",
              deserted && sum->missing ? "no worker process is left: " : "", open, tickets, and_partly);
}

static emp_status_t verdict (emp_t *self)
{
    const char *label;
    const char *why = feeder_failure (self, &label);
    emp_results_counts_t counts;
    emp_results_counts (self->results, &counts);
    emp_summary_t sum;
    emp_summary (self, &sum);
    if (self->too_few)
        return emp_fail (self, EMP_INVALID, "JOURNAL: %s: found %zu feeders, expected %u as before",
                         self->config.journal, self->feeders_count, emp_journal_feeds (self->journal));
    if (self->refused)
        return emp_fail (self, EMP_INVALID, "JOURNAL: %s: %s", self->config.journal, why ? why : "");
    if (self->unkept)
        return emp_fail (self, EMP_INCOMPLETE, "%s", emp_journal_why (self->journal));
    if (self->workers_code == 2)
        return emp_fail (self, EMP_INVALID, "the workers could not start");
    if (self->unstreamed)
        return emp_fail (self, EMP_INCOMPLETE, "RESULTS_STREAM: %s", emp_stream_why (self->stream));
    if (why)
        return emp_fail (self, EMP_INCOMPLETE, "the feeder of %s failed: %s", label, why);
    if (self->broker_gone)
        return emp_fail (self, EMP_INCOMPLETE, "the broker was lost");
    char books[EMP_BOOKS_WHY_MAX];
    if (!emp_summary_agrees (self, books))
        return emp_fail (self, EMP_INCOMPLETE, "%s", books);
    if (self->output_failed)
        return emp_fail (self, EMP_INCOMPLETE, "%s", self->output_why);
    if (sum.dead || sum.missing || sum.partly) {
        char text[EMP_COURSE_TEXT_MAX];
        emp_course_unanswered (&sum, self->deserted, text);
        return emp_fail (self, EMP_INCOMPLETE, "%s", text);
    }
    if (counts.not_kept)
        return emp_fail (self, EMP_INCOMPLETE, "the values of %llu tickets found no room: %s",
                         (unsigned long long) counts.not_kept, emp_results_why (self->results));
    if (self->early)
        return emp_fail (self, EMP_INCOMPLETE,
                         self->deserted ? "no worker process is left" : "the run was ended early");
    return EMP_OK;
}

/* ---- waiting ---------------------------------------------------------------------------------------------------------- */

/* A run whose workers could not even start has nothing to say: the old file stays. */
static void end_output (emp_t *self)
{
    if (self->output && self->workers_code != 2 && !self->refused)
        self->output_failed = emp_output_write (self->output, self->results, self->output_why) != EMP_OK;
}

/* Until the course is over, or a time of emp_now (). */
static bool is_over_by (emp_t *self, uint64_t until)
{
    pthread_mutex_lock (&self->lock);
    self->waited = true;
    pthread_cond_broadcast (&self->changed);
    bool in_time = true;
    while (!self->over && in_time)
        in_time = emp_thread_wait (&self->changed, &self->lock, until);
    bool over = self->over;
    pthread_mutex_unlock (&self->lock);
    return over;
}

static emp_status_t wait_until (emp_t *self, uint64_t until)
{
    if (self->stage != EMP_RUNNING)
        return self->stage == EMP_OVER ? self->verdict : emp_fail (self, EMP_STATE, "nothing was started");
    pthread_mutex_lock (&self->lock);
    /* One that is refused for its input may not have begun all of its feeders. */
    if (self->journal && !self->refused && self->feeders_count < emp_journal_feeds (self->journal))
        self->refused = self->too_few = true;
    pthread_mutex_unlock (&self->lock);
    const emp_chunk_t *held = emp_client_held (&self->client);
    if (held)
        return emp_fail (self, EMP_STATE, "a chunk of queue %s is still in hand: it would be waited for in vain",
                         held->queue->base.name);
    if (!self->waited) {
        emp_queues_end_puts (self);
        emp_tools_end (self);
    }
    if (!is_over_by (self, until))
        return EMP_TIMEOUT;
    emp_screen_flush (self->screen);
    self->stage = EMP_OVER;
    emp_sweep (self); /* no supervisor is left that would, should we die in the report */
    end_output (self);
    self->verdict = verdict (self);
    if (self->journal && emp_journal_close (self->journal, self->verdict == EMP_OK) != EMP_OK &&
        self->verdict == EMP_OK)
        self->verdict = emp_fail (self, EMP_INCOMPLETE, "%s", emp_journal_why (self->journal));
    /* The journal says all of a run that is done: its input is of no use any more. */
    for (uint32_t i = 0; self->journal && self->verdict == EMP_OK && i < self->config.feeds_count; i++)
        emp_spool_remove (self->config.journal, i);
    return self->verdict;
}

emp_status_t emp_wait (emp_t *self)
{
    return wait_until (self, UINT64_MAX);
}

emp_status_t emp_wait_for (emp_t *self, int timeout_ms)
{
    return wait_until (self, timeout_ms < 0 ? UINT64_MAX : emp_now () + (uint64_t) timeout_ms * 1000);
}

bool emp_begin_proc_shutdown (emp_t *self)
{
    wait_until (self, 0);
    return self->stage == EMP_OVER;
}

/* Before emp_wait feeders might have followed; to be ended is how a run that serves ends. */
static void end_early (emp_t *self)
{
    if (!self->waited && !self->config.serve)
        self->early = true;
}

/* A reader of the stream that takes nothing holds up the end no longer than workers may. */
static void limit_stream (emp_t *self, uint64_t us)
{
    if (self->stream)
        emp_stream_until (self->stream, emp_now () + us);
}

void emp_drain (emp_t *self)
{
    pthread_mutex_lock (&self->lock);
    end_early (self);
    limit_stream (self, (uint64_t) self->config.stop_grace_ms * 1000);
    self->drain_wanted = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

void emp_stop (emp_t *self)
{
    pthread_mutex_lock (&self->lock);
    end_early (self);
    limit_stream (self, STREAM_US);
    self->stop_wanted = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

void emp_slay (emp_t *self)
{
    uint64_t until = emp_now () + SLAY_US;
    pthread_mutex_lock (&self->lock);
    if (self->launcher)
        emp_launcher_slay (self->launcher);
    while (self->launcher && !self->workers_gone && emp_thread_wait (&self->changed, &self->lock, until))
        ;
    pthread_mutex_unlock (&self->lock);
    emp_tag_sweep_feeds (getpid ());
    emp_sweep (self);
}
