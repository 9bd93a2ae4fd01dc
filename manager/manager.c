/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - the course of a run: start in order, wait, end in order whatever happens. See manager.h.
 */
#include "manager.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/programs.h"
#include "../common/thread.h"
#include "attributes.h"
#include "bigdata.h"
#include "tools.h"

#define ANSWER_MS 10000u
#define QUEUE_BYTES_MAX (64u * 1024 * 1024) /* waiting on one queue, besides maxsize */
#define FILES_A_WORKER 8u
#define FILES_BESIDE 128u
#define LOOK_US 200000u /* how often progress is shown */

static _Atomic bool left_behind;

/* ---- facts that other threads learn ------------------------------------------------------------------------------ */

static void feeder_ended (void *arg)
{
    emp_t *self = arg;
    pthread_mutex_lock (&self->lock);
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

static void collector_ended (void *arg, emp_status_t status)
{
    emp_t *self = arg;
    pthread_mutex_lock (&self->lock);
    self->collected = true;
    if (status != EMP_STOPPED)
        self->broker_gone = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

static void supervisor_lost (void *arg, uint64_t session, pid_t pid, emp_how_t how, uint32_t code)
{
    emp_t *self = arg;
    emp_control_t lost = {.kind = EMP_MSG_LOST, .session = session, .pid = (uint32_t) pid, .how = how, .code = code};
    if (how == EMP_HOW_SIGNAL)
        snprintf (lost.name, sizeof lost.name, "supervisor");
    emp_session_send (self->session, &lost);
}

static void workers_ended (void *arg, int code)
{
    emp_t *self = arg;
    pthread_mutex_lock (&self->lock);
    self->workers_gone = true;
    self->workers_code = code;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

static void note_loss (emp_t *self, const emp_control_t *gone)
{
    if (self->kill_said || self->workers_unwanted || gone->how == EMP_HOW_BYE)
        return; /* we did that, or it left by itself */
    if (self->losses_count == EMP_LOSSES_MAX) {
        self->losses_more++;
        return;
    }
    emp_loss_t *loss = &self->losses[self->losses_count++];
    memcpy (loss->name, gone->name, sizeof loss->name);
    loss->pid = gone->pid;
    loss->how = gone->how;
    loss->code = gone->code;
    loss->taken_back = gone->window;
    loss->tail = gone->text[0] ? strdup (gone->text) : NULL;
}

static void broker_says (void *arg, const emp_control_t *message)
{
    emp_t *self = arg;
    if (message && message->kind == EMP_MSG_PRINT) {
        emp_screen_say (self->screen, message->blob, message->blob_size);
        return;
    }
    if (message && message->kind == EMP_MSG_INFO) {
        atomic_fetch_add (&self->rows_told, message->window);
        return;
    }
    bool killed = message && (message->kind == EMP_MSG_JOINED || message->kind == EMP_MSG_GONE) &&
                  emp_procs_heard (&self->procs, message);
    pthread_mutex_lock (&self->lock);
    if (!message)
        self->broker_gone = true;
    else if (message->kind == EMP_MSG_GONE && !killed)
        note_loss (self, message);
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

/* ---- start ---------------------------------------------------------------------------------------------------------- */

static uint32_t cores (void)
{
    cpu_set_t set;
    if (sched_getaffinity (0, sizeof set, &set) == 0)
        return (uint32_t) CPU_COUNT (&set);
    long n = sysconf (_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t) n : 1;
}

static uint32_t procs_of (const emp_t *self)
{
    return self->config.procs_max ? self->config.procs_max : cores ();
}

/* A worker costs the broker a lane, a connection to it, one to each intake and one to the door; and a share of what
 * libzmq keeps beside. */
static emp_status_t raise_files (emp_t *self)
{
    uint64_t needed = FILES_A_WORKER * (uint64_t) procs_of (self) + FILES_BESIDE + 4 * self->config.queues_count +
                      emp_attributes_arenas (self->config.attributes);
    uint64_t limit = emp_thread_files (needed);
    if (limit >= needed)
        return EMP_OK;
    return emp_fail (self, EMP_INVALID,
                     "PROCS_MAX: %u worker processes need %llu open files, the limit is %llu "
                     "(ulimit -n)",
                     procs_of (self), (unsigned long long) needed, (unsigned long long) limit);
}

static emp_status_t start_broker (emp_t *self)
{
    if (emp_rundir_new (self->directory, &self->directory_lock) != EMP_OK)
        return emp_fail (self, EMP_SYSTEM, "cannot make a folder for sockets in %s: %s", emp_rundir_base (),
                         strerror (errno));
    char door[EMP_ENDPOINT_MAX + 1];
    snprintf (door, sizeof door, "ipc://%s/door", self->directory);
    emp_broker_config_t config = {
        .directory = self->directory, .listen = door, .beat_ms = self->config.beat_ms, .core = emp_core_config_default};
    config.core.attempts_max = self->config.attempts_max;
    config.core.dead_after = (emp_usec_t) self->config.dead_after_ms * 1000;
    emp_status_t status;
    self->broker = emp_broker_new (&config, &status);
    if (!self->broker)
        return emp_fail (self, status, "cannot start the broker: %s",
                         status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
    emp_session_config_t session = {.endpoint = emp_broker_inproc (self->broker),
                                    .role = EMP_ROLE_MANAGER,
                                    .name = "manager",
                                    .timeout_ms = ANSWER_MS,
                                    .on_message = broker_says,
                                    .arg = self};
    status = emp_session_new (&session, &self->session, NULL);
    self->client.session = self->session;
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "the broker does not answer");
}

static emp_status_t declare_queues (emp_t *self)
{
    for (size_t i = 0; i < self->config.queues_count; i++) {
        const emp_queue_decl_t *queue = &self->config.queues[i];
        emp_status_t status = emp_session_declare (self->session, queue->name, queue->maxsize, QUEUE_BYTES_MAX);
        if (status != EMP_OK)
            return emp_fail (self, status, "queue %s: %s", queue->name, emp_status_text (status));
    }
    emp_buf_t job;
    emp_buf_init (&job, EMP_BLOB_MAX);
    emp_status_t status = emp_config_pack (&self->config, &job);
    emp_control_t message = {.kind = EMP_MSG_JOB, .blob = job.data, .blob_size = job.size};
    if (status == EMP_OK)
        status = emp_session_send (self->session, &message);
    emp_buf_release (&job);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "configuration: %s", emp_status_text (status));
}

static emp_status_t start_workers (emp_t *self)
{
    char program[EMP_PATH_MAX];
    if (emp_programs_find ("eisenmp-worker", program) != EMP_OK)
        return emp_fail (self, EMP_UNKNOWN,
                         "the program eisenmp-worker is neither beside this program nor beside the library nor in "
                         "$PATH; $EISENMP_EXEC_PATH may name its folder");
    emp_launcher_config_t config = {.program = program,
                                    .endpoint = emp_broker_endpoint (self->broker),
                                    .directory = self->directory,
                                    .run = emp_broker_run (self->broker),
                                    .procs = procs_of (self),
                                    .grace_ms = self->config.stop_grace_ms,
                                    .lost = supervisor_lost,
                                    .ended = workers_ended,
                                    .arg = self};
    if (emp_launcher_new (&config, &self->launcher) != EMP_OK)
        return emp_fail (self, EMP_SYSTEM, "cannot start %s: %s", program, strerror (errno));
    return EMP_OK;
}

/* Before anything is started: what cannot be written is known now. */
static emp_status_t start_output (emp_t *self)
{
    if (!self->config.results_file)
        return EMP_OK;
    if (!self->config.results_store)
        return emp_fail (self, EMP_INVALID,
                         "RESULTS_FILE: found RESULTS_STORE: false, expected true: there is nothing "
                         "to write");
    emp_status_t status = emp_output_open (self->config.results_file, &self->output, self->output_why);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "RESULTS_FILE: %s", self->output_why);
}

/* A run whose workers could not even start has nothing to say: the old file stays. */
static void end_output (emp_t *self)
{
    if (self->output && self->workers_code != 2)
        self->output_failed = emp_output_write (self->output, self->results, self->output_why) != EMP_OK;
}

static emp_status_t start_collector (emp_t *self)
{
    self->results = emp_results_new (self->config.results_bytes_max, self->config.results_store);
    if (!self->results)
        return emp_fail (self, EMP_NOMEM, "out of memory");
    if (self->output && emp_results_overflow (self->results, emp_output_folder (self->output),
                                              emp_output_database (self->output)) != EMP_OK)
        return emp_fail (self, EMP_NOMEM, "out of memory");
    emp_status_t status = emp_collector_new (self->session, self->results, collector_ended, self, &self->collector);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "results: %s", emp_status_text (status));
}

static emp_status_t start_feeder (emp_t *self, emp_source_t **source_p, const char *queue, const char *header_msg,
                                  uint32_t rows_max)
{
    if (self->feeders_count == EMP_FEEDERS_MAX)
        return emp_fail (self, EMP_FULL, "at most %d feeders", EMP_FEEDERS_MAX);
    char label[EMP_LABEL_MAX + 1];
    emp_name_label (queue, label);
    emp_feeder_config_t config = {.session = self->session,
                                  .results = self->results,
                                  .queue = queue,
                                  .label = header_msg ? header_msg : label,
                                  .rows_max = rows_max ? rows_max : self->config.rows_max,
                                  .ended = feeder_ended,
                                  .arg = self};
    emp_status_t status = emp_feeder_new (&config, source_p, &self->feeders[self->feeders_count]);
    if (status != EMP_OK)
        return emp_fail (self, status, "a feeder on queue %s: %s", queue, emp_status_text (status));
    self->feeder_queues[self->feeders_count] = emp_queues_find (self, queue);
    self->feeders_count++;
    return EMP_OK;
}

static emp_status_t start_feeds (emp_t *self)
{
    for (size_t i = 0; i < self->config.feeds_count; i++) {
        const emp_feed_decl_t *feed = &self->config.feeds[i];
        char why[EMP_TEXT_MAX + 1];
        emp_source_t *source;
        emp_status_t status = emp_source_open (&feed->source, &self->config, &source, why);
        if (status != EMP_OK)
            return emp_fail (self, status, "%s", why);
        status = start_feeder (self, &source, feed->queue, feed->header_msg, feed->rows_max);
        emp_source_close (&source);
        if (status != EMP_OK)
            return status;
    }
    return EMP_OK;
}

emp_status_t emp_start (emp_t *self)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "this manager has been started before");
    if (self->config.modules_count == 0)
        return emp_fail (self, EMP_INVALID, "worker_modules: found none, expected at least one module");
    char modules[EMP_PATH_MAX];
    const char *folder = emp_programs_modules (modules) == EMP_OK ? modules : NULL;
    emp_status_t status = emp_config_find_modules (&self->config, NULL, folder);
    if (status == EMP_OK)
        status = emp_bigdata_share (&self->config);
    if (status != EMP_OK)
        return emp_fail (self, status, "%s", self->config.error);
    status = start_output (self);
    if (status != EMP_OK)
        return status;
    self->started_us = emp_now ();
    self->stage = EMP_RUNNING;
    status = raise_files (self);
    if (status == EMP_OK)
        status = start_broker (self);
    if (status == EMP_OK)
        status = declare_queues (self);
    if (status == EMP_OK)
        status = emp_tools_start (self);
    if (status == EMP_OK)
        status = start_workers (self);
    if (status == EMP_OK)
        status = start_collector (self);
    if (status == EMP_OK)
        status = start_feeds (self);
    if (status != EMP_OK)
        self->stage = EMP_FAILED;
    return status;
}

emp_status_t emp_run_q_feeder (emp_t *self, emp_generator_fn *generator, void *arg, emp_queue_t *queue,
                               const char *header_msg)
{
    if (self->stage != EMP_RUNNING || self->queue_stop_said)
        return emp_fail (self, EMP_STATE, "a feeder may be started between emp_start and emp_wait");
    if (header_msg && (strlen (header_msg) > EMP_LABEL_MAX || strchr (header_msg, ';') || !*header_msg))
        return emp_fail (self, EMP_INVALID, "header_msg: found \"%.40s\", expected 1 to %d bytes without ';'",
                         header_msg, EMP_LABEL_MAX);
    emp_source_t *source;
    emp_status_t status = emp_source_of_generator (generator, arg, &self->config, &source);
    if (status != EMP_OK)
        return emp_fail (self, status, "generator: %s", emp_status_text (status));
    status = start_feeder (self, &source, queue ? queue->name : EMP_DEFAULT_QUEUE, header_msg, 0);
    emp_source_close (&source);
    return status;
}

/* ---- the course -------------------------------------------------------------------------------------------------------- */

static bool feeders_over (const emp_t *self)
{
    for (size_t i = 0; i < self->feeders_count; i++)
        if (!emp_feeder_is_over (self->feeders[i]))
            return false;
    return true;
}

static void say (emp_t *self, emp_kind_t kind)
{
    emp_control_t message = {.kind = kind};
    emp_session_send (self->session, &message);
}

static void begin_drain (emp_t *self, uint64_t now)
{
    self->drain_said = true;
    self->early = !self->stop_said && !(self->workers_unwanted && feeders_over (self));
    self->deserted = self->workers_gone && !self->drain_wanted && !self->stop_wanted && !self->workers_unwanted;
    emp_launcher_drain (self->launcher);
    emp_session_stop_feeds (self->session);
    for (size_t i = 0; i < self->feeders_count; i++)
        emp_feeder_cancel (self->feeders[i]);
    say (self, EMP_MSG_DRAIN);
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
        self->queue_stop_said[i] = true;
        emp_control_t message = {.kind = EMP_MSG_STOP};
        snprintf (message.name, sizeof message.name, "%s", self->config.queues[i].name);
        emp_session_send (self->session, &message);
    }
}

/* Looks at the facts and does what follows. Returns true when the run is over. Called under the lock, again whenever a
 * fact or the time has changed; nothing in it waits.
 *
 *   feeders of a queue are over                      say STOP of it: it ends when it is empty and nobody can put to it
 *   wanted: drain or stop; or all workers have gone  say DRAIN: nothing more is handed out; workers have STOP_GRACE
 *   wanted: stop; or time is up                      kill the workers
 *   the last ending came                             workers have STOP_GRACE to confirm their stop
 *   the last ending came, no worker is left,
 *   no feeder is at work, or stop, or time is up     over */
static bool run_course (emp_t *self, uint64_t now)
{
    bool fed = feeders_over (self);
    if (!self->stop_said) {
        stop_queues (self);
        self->stop_said = fed;
        if (fed)
            say (self, EMP_MSG_STOP);
    }
    bool want_drain =
        self->drain_wanted || self->stop_wanted || self->broker_gone || (self->workers_gone && !self->collected);
    if (want_drain && !self->drain_said)
        begin_drain (self, now);
    bool stay = self->config.serve && !self->drain_wanted; /* until somebody says so */
    if (self->collected && !self->deadline_us && !stay)
        self->deadline_us = now + (uint64_t) self->config.stop_grace_ms * 1000;
    bool late = (self->deadline_us && now >= self->deadline_us) || (self->collected && self->config.serve && !stay);
    if ((self->stop_wanted || late || self->broker_gone) && !self->workers_gone && !self->kill_said) {
        self->kill_said = true;
        emp_launcher_kill (self->launcher);
    }
    return self->collected && self->workers_gone && (fed || late || self->stop_wanted);
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
    bool fed = feeders_over (self);
    uint64_t told = atomic_load (&self->rows_told); /* by who reports within a chunk */
    emp_progress_state_t state = {.rows_done = told > counts.rows_answered ? told : counts.rows_answered,
                                  .rows_expected = fed ? rows : self->config.info_thread_max,
                                  .tickets_done = counts.answered + counts.dead,
                                  .tickets_made = fed ? tickets : 0,
                                  .tickets_dead = counts.dead,
                                  .elapsed_ms = (emp_now () - self->started_us) / 1000};
    emp_screen_progress (self->screen, &state);
}

static uint64_t sooner (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wait_for_change (emp_t *self, uint64_t now, uint64_t until)
{
    if (self->deadline_us)
        until = sooner (until, self->deadline_us > now ? self->deadline_us : now + LOOK_US);
    if (emp_screen_is_live (self->screen))
        until = sooner (until, now + LOOK_US);
    emp_thread_wait (&self->changed, &self->lock, until);
}

/* Until the run is over, or a time of emp_now (). */
static bool run_until (emp_t *self, uint64_t until)
{
    pthread_mutex_lock (&self->lock);
    bool over;
    for (;;) {
        uint64_t now = emp_now ();
        over = run_course (self, now);
        if (over || now >= until)
            break;
        if (emp_screen_is_live (self->screen))
            show_progress (self);
        wait_for_change (self, now, until);
    }
    pthread_mutex_unlock (&self->lock);
    return over;
}

static const char *feeder_failure (const emp_t *self, const char **ret_label)
{
    for (size_t i = 0; i < self->feeders_count; i++)
        if (emp_feeder_is_over (self->feeders[i]) && emp_feeder_error (self->feeders[i])) {
            *ret_label = emp_feeder_label (self->feeders[i]);
            return emp_feeder_error (self->feeders[i]);
        }
    return NULL;
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
                         .rows_answered = counts.rows_answered,
                         .results = counts.values,
                         .reissued = core.reissued};
    for (size_t i = 0; i < self->feeders_count; i++) {
        sum.tickets += emp_feeder_tickets (self->feeders[i]);
        sum.rows_in += emp_feeder_rows (self->feeders[i]);
    }
    for (size_t i = 0; i < self->ports_room; i++)
        if (self->ports[i]) {
            sum.tickets += atomic_load (&self->ports[i]->tickets);
            sum.rows_in += atomic_load (&self->ports[i]->rows);
        }
    if (self->stage == EMP_OVER)
        sum.missing = emp_results_missing (self->results);
    uint64_t ended = sum.answered + sum.dead + sum.missing;
    sum.tickets = sum.tickets < ended ? ended : sum.tickets; /* workers have put some, too */
    pthread_mutex_lock (&self->lock);
    sum.workers_lost = self->losses_count + self->losses_more;
    pthread_mutex_unlock (&self->lock);
    sum.dropped =
        emp_broker_dropped (self->broker) + emp_session_dropped (self->session) + counts.twice + counts.refused;
    *ret_summary = sum;
}

static emp_status_t verdict (emp_t *self)
{
    const char *label;
    const char *why = feeder_failure (self, &label);
    emp_results_counts_t counts;
    emp_results_counts (self->results, &counts);
    emp_summary_t sum;
    emp_summary (self, &sum);
    if (self->workers_code == 2)
        return emp_fail (self, EMP_INVALID, "the workers could not start");
    if (why)
        return emp_fail (self, EMP_INCOMPLETE, "the feeder of %s failed: %s", label, why);
    if (self->broker_gone)
        return emp_fail (self, EMP_INCOMPLETE, "the broker was lost");
    if (self->output_failed)
        return emp_fail (self, EMP_INCOMPLETE, "%s", self->output_why);
    if (sum.dead || sum.missing)
        return emp_fail (self, EMP_INCOMPLETE, "%s%llu of %llu tickets were not answered",
                         self->deserted ? "no worker process is left: " : "",
                         (unsigned long long) (sum.dead + sum.missing), (unsigned long long) sum.tickets);
    if (counts.not_kept)
        return emp_fail (self, EMP_INCOMPLETE, "the values of %llu tickets found no room: %s",
                         (unsigned long long) counts.not_kept, emp_results_why (self->results));
    if (self->early)
        return emp_fail (self, EMP_INCOMPLETE,
                         self->deserted ? "no worker process is left" : "the run was ended early");
    return EMP_OK;
}

static emp_status_t wait_until (emp_t *self, uint64_t until)
{
    if (self->stage != EMP_RUNNING)
        return self->stage == EMP_OVER ? self->verdict : emp_fail (self, EMP_STATE, "nothing was started");
    const emp_chunk_t *held = emp_client_held (&self->client);
    if (held)
        return emp_fail (self, EMP_STATE, "a chunk of queue %s is still in hand: it would be waited for in vain",
                         held->queue->base.name);
    if (!self->queue_stop_said) {
        self->queue_stop_said = calloc (self->config.queues_count, sizeof (bool));
        self->queue_fed = calloc (self->config.queues_count, sizeof (bool));
        if (!self->queue_stop_said || !self->queue_fed)
            return emp_fail (self, EMP_NOMEM, "out of memory");
        emp_queues_end_puts (self);
        emp_tools_end (self);
    }
    if (!run_until (self, until))
        return EMP_TIMEOUT;
    emp_screen_flush (self->screen);
    self->stage = EMP_OVER;
    end_output (self);
    return self->verdict = verdict (self);
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
    return wait_until (self, 0) != EMP_TIMEOUT;
}

void emp_drain (emp_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->drain_wanted = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

void emp_stop (emp_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->stop_wanted = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

/* ---- end ------------------------------------------------------------------------------------------------------------------ */

void emp_say (emp_t *self, const char *text)
{
    emp_screen_say (self->screen, text, strlen (text));
}

emp_t *emp_new (void)
{
    emp_net_init ();
    emp_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->screen = emp_config_init (&self->config) == EMP_OK ? emp_screen_new (stderr) : NULL;
    if (!self->screen) {
        emp_config_release (&self->config);
        free (self);
        return NULL;
    }
    emp_thread_cond_init (&self->changed);
    pthread_mutex_init (&self->lock, NULL);
    self->directory_lock = -1;
    emp_client_init (&self->client, &emp_lane_calls, NULL, NULL, "manager");
    emp_procs_init (&self->procs);
    msgpack_zone_init (&self->zone, 8192);
    return self;
}

/* True when nothing of a feeder is left to run. One that hangs in a generator of the user's cannot be ended; what its
 * thread may touch, should it ever come back, then stays: feeder, session, results and configuration. */
static bool end_feeders (emp_t *self)
{
    bool all = true;
    for (size_t i = 0; i < self->feeders_count; i++)
        if (self->stage == EMP_OVER && !emp_feeder_is_over (self->feeders[i]))
            all = false;
        else
            emp_feeder_destroy (&self->feeders[i]);
    return all;
}

static void free_manager (emp_t *self)
{
    emp_session_destroy (&self->session);
    emp_screen_destroy (&self->screen);
    for (size_t i = 0; i < self->losses_count; i++)
        free (self->losses[i].tail);
    emp_queues_free (self);
    emp_procs_release (&self->procs);
    free (self->queue_stop_said);
    free (self->queue_fed);
    emp_results_destroy (&self->results);
    emp_output_destroy (&self->output);
    emp_config_release (&self->config);
    msgpack_zone_destroy (&self->zone);
    pthread_cond_destroy (&self->changed);
    pthread_mutex_destroy (&self->lock);
    free (self);
}

void emp_destroy (emp_t **self_p)
{
    emp_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->session)
        emp_session_stop_feeds (self->session);
    emp_launcher_destroy (&self->launcher);
    bool all = end_feeders (self);
    emp_queues_close (self);
    if (self->session)
        emp_session_close (self->session);
    emp_collector_destroy (&self->collector);
    emp_broker_destroy (&self->broker);
    if (self->directory[0])
        emp_rundir_remove (self->directory, self->directory_lock);
    if (all)
        free_manager (self);
    else {
        emp_output_destroy (&self->output);
        atomic_store (&left_behind, true);
    }
}

bool emp_left_behind (void)
{
    return atomic_load (&left_behind);
}
