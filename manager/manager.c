/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - a run is started in order, and ended in order whatever happens; course.c is what lies between. See manager.h.
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
#include "spool.h"
#include "tools.h"
#include "wall.h"

#define ANSWER_MS 10000u
#define QUEUE_BYTES_MAX (64u * 1024 * 1024) /* waiting on one queue, besides maxsize */
#define FILES_A_WORKER 8u
#define FILES_BESIDE 128u
#define FILES_A_QUEUE 8u
#define FILES_A_FEED 2u

static _Atomic bool left_behind;

/* ---- facts that other threads learn ------------------------------------------------------------------------------ */

static void feeder_ended (void *arg)
{
    emp_t *self = arg;
    pthread_mutex_lock (&self->lock);
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

static void journal_failed (void *arg)
{
    emp_t *self = arg;
    pthread_mutex_lock (&self->lock);
    self->unkept = true;
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

/* Who was given up as silent is told once more when its process has ended. True: that was it. */
static bool noted_before (emp_t *self, const emp_control_t *gone)
{
    for (size_t i = self->losses_count; i-- > 0;) {
        emp_loss_t *loss = &self->losses[i];
        if (loss->session != gone->session)
            continue;
        loss->peak = gone->size > loss->peak ? gone->size : loss->peak;
        if (!loss->tail && gone->text[0])
            loss->tail = strdup (gone->text);
        return true;
    }
    return false;
}

static void note_loss (emp_t *self, const emp_control_t *gone)
{
    if (noted_before (self, gone) || self->kill_said || self->workers_unwanted || gone->how == EMP_HOW_BYE)
        return; /* we did that, or it left by itself */
    if (self->losses_count == EMP_LOSSES_MAX) {
        self->losses_more++;
        return;
    }
    emp_loss_t *loss = &self->losses[self->losses_count++];
    loss->session = gone->session;
    loss->peak = gone->size;
    memcpy (loss->name, gone->name, sizeof loss->name);
    loss->pid = gone->pid;
    loss->how = gone->how;
    loss->code = gone->code;
    loss->taken_back = gone->window;
    loss->tail = gone->text[0] ? strdup (gone->text) : NULL;
}

static void journal_hears (emp_journal_t *journal, const emp_control_t *message)
{
    if (message->kind == EMP_MSG_JOINED)
        emp_journal_worker (journal, message->session, message->name, message->host, message->pid);
    if (message->kind == EMP_MSG_ATTEMPT)
        emp_journal_attempt (journal, message);
}

/* It was given up, is killed and replaced; its slots are told of as losses, each by itself. */
static bool is_own_supervisor (const emp_t *self, const emp_control_t *gone)
{
    return gone->how == EMP_HOW_SILENCE && self->launcher && emp_launcher_given_up (self->launcher, gone->session);
}

/* In the session's thread: what another host asks for is read and sent at once, so memory is needed for one piece only. */
static void send_piece (emp_t *self, const emp_control_t *question)
{
    static _Thread_local uint8_t bytes[EMP_CONTENT_PIECE_MAX];
    char why[EMP_CONTENT_ERROR_MAX];
    emp_control_t piece = {
        .kind = EMP_MSG_PIECE, .session = question->session, .window = question->window, .status = EMP_UNKNOWN};
    memcpy (piece.text, question->text, sizeof piece.text);
    if (self->contents)
        piece.status = emp_contents_read (self->contents, question->text, question->window, bytes, sizeof bytes,
                                          &piece.blob_size, &piece.size, why);
    piece.blob = bytes;
    if (piece.status != EMP_OK)
        piece.blob_size = 0;
    emp_session_send (self->session, &piece);
}

static void broker_says (void *arg, const emp_control_t *message)
{
    emp_t *self = arg;
    if (message && message->kind == EMP_MSG_FETCH) {
        send_piece (self, message);
        return;
    }
    if (message && message->kind == EMP_MSG_PRINT) {
        emp_screen_say (self->screen, message->blob, message->blob_size);
        return;
    }
    if (message && message->kind == EMP_MSG_INFO) {
        atomic_fetch_add (&self->rows_told, message->window);
        return;
    }
    if (message && self->journal)
        journal_hears (self->journal, message);
    if (message && message->kind == EMP_MSG_ATTEMPT) {
        emp_history_attempt (self->history, message, emp_wall_ms ());
        return;
    }
    if (message && message->kind == EMP_MSG_JOINED)
        emp_history_joined (self->history, message->session, message->name, message->host, message->pid);
    bool killed = message && (message->kind == EMP_MSG_JOINED || message->kind == EMP_MSG_GONE) &&
                  emp_procs_heard (&self->procs, message);
    pthread_mutex_lock (&self->lock);
    if (!message)
        self->broker_gone = true;
    else if (message->kind == EMP_MSG_GONE && !killed && !is_own_supervisor (self, message))
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
    if (self->config.remote_only)
        return 0;
    return self->config.procs_max ? self->config.procs_max : cores ();
}

/* A queue costs it an intake with a socket to listen at, and the same for each of its lanes, a connection to each, and
 * the manager's own ends. A worker costs the broker a lane, a connection to it, one to each intake and one to the door; and a share of what
 * libzmq keeps beside. */
static emp_status_t raise_files (emp_t *self, size_t feeds)
{
    uint64_t needed = FILES_A_WORKER * (uint64_t) procs_of (self) + FILES_BESIDE +
                      FILES_A_QUEUE * self->config.queues_count + FILES_A_FEED * feeds +
                      emp_attributes_arenas (self->config.attributes);
    uint64_t limit = emp_thread_files (needed);
    if (limit >= needed)
        return EMP_OK;
    return emp_fail (self, EMP_INVALID,
                     "PROCS_MAX: %u worker processes and %zu feeders need %llu open files, the limit is %llu "
                     "(ulimit -n)",
                     procs_of (self), feeds, (unsigned long long) needed, (unsigned long long) limit);
}

/* The program may consume, too. */
static void join_history (emp_t *self)
{
    char host[EMP_HOST_MAX + 1] = "";
    if (gethostname (host, sizeof host) != 0)
        host[0] = 0;
    emp_history_joined (self->history, emp_session_id (self->session), "manager", host, (uint32_t) getpid ());
}

static void gate_says (void *arg, const char *sentence)
{
    char line[EMP_KEYRING_WHY_MAX + 16];
    snprintf (line, sizeof line, "eisenmp: %s", sentence);
    emp_say (arg, line);
}

static emp_status_t open_gate (emp_t *self)
{
    char why[EMP_KEYRING_WHY_MAX];
    if (!self->config.listen && self->config.remote_only)
        return emp_fail (self, EMP_INVALID,
                         "REMOTE_ONLY: found true and no LISTEN, expected a way in for workers of other hosts");
    if (!self->config.listen)
        return EMP_OK;
    emp_status_t status = emp_gate_new (self->config.listen, self->config.insecure, gate_says, self, &self->gate, why);
    if (status == EMP_UNKNOWN)
        return emp_fail (self, EMP_INVALID, "LISTEN: %s; `eisenmp keys new` makes one, INSECURE does without", why);
    return status == EMP_OK ? EMP_OK : emp_fail (self, EMP_INVALID, "LISTEN: %s", why);
}

/* How a worker of another host gets here, for who reads it there. */
static void say_gate (emp_t *self)
{
    char line[2 * EMP_ENDPOINT_MAX + EMP_KEY_SIZE + 128], host[EMP_HOST_MAX + 1] = "localhost";
    const char *key = emp_gate_public_key (self->gate), *at = self->config.listen + strlen ("tcp://");
    int width = (int) (strrchr (at, ':') - at);
    bool any = strncmp (at, "*:", 2) == 0 || strncmp (at, "0.0.0.0:", 8) == 0 || strncmp (at, "[::]:", 5) == 0;
    if (any && gethostname (host, sizeof host) == 0)
        host[sizeof host - 1] = '\0';
    snprintf (line, sizeof line, "eisenmp: workers of other hosts: eisenmp worker --connect tcp://%.*s%s%s%s%s",
              any ? (int) sizeof host : width, any ? host : at, strrchr (emp_broker_gate (self->broker), ':'),
              *key ? " --broker-key '" : " --insecure", key, *key ? "'" : "");
    emp_say (self, line);
}

static emp_status_t start_broker (emp_t *self)
{
    char directory[EMP_RUNDIR_MAX + 1];
    int directory_lock;
    if (emp_rundir_new (directory, &directory_lock) != EMP_OK)
        return emp_fail (self, EMP_SYSTEM, "cannot make a folder for sockets in %s: %s", emp_rundir_base (),
                         strerror (errno));
    pthread_mutex_lock (&self->lock); /* emp_sweep removes what this names: whole or not at all */
    memcpy (self->directory, directory, sizeof directory);
    self->directory_lock = directory_lock;
    pthread_mutex_unlock (&self->lock);
    char door[EMP_ENDPOINT_MAX + 1];
    snprintf (door, sizeof door, "ipc://%s/door", self->directory);
    emp_broker_config_t config = {
        .directory = self->directory, .listen = door, .beat_ms = self->config.beat_ms, .core = emp_core_config_default};
    config.core.attempts_max = self->config.attempts_max;
    config.core.halve = self->config.halve;
    config.core.speculate = self->config.speculate;
    config.core.dead_after = (emp_usec_t) self->config.dead_after_ms * 1000;
    if (self->gate)
        config.gate = emp_gate_config (self->gate);
    emp_status_t status;
    self->broker = emp_broker_new (&config, &status);
    if (!self->broker)
        return emp_fail (self, status, "cannot start the broker%s%s: %s", self->gate ? " at " : "",
                         self->gate ? self->config.listen : "",
                         status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
    if (self->gate)
        say_gate (self);
    emp_runlist_tell (self->directory, *self->job ? self->job : program_invocation_short_name);
    emp_session_config_t session = {.endpoint = emp_broker_inproc (self->broker),
                                    .role = EMP_ROLE_MANAGER,
                                    .name = "manager",
                                    .timeout_ms = ANSWER_MS,
                                    .on_message = broker_says,
                                    .arg = self};
    status = emp_session_new (&session, &self->session, NULL);
    self->client.session = self->session;
    if (status == EMP_OK)
        join_history (self);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "the broker does not answer");
}

/* Hosts that have not our files ask for them by their hash, which takes a second a GiB to make: so only when some may come. */
static emp_status_t offer_contents (emp_t *self, emp_buf_t *out)
{
    char why[EMP_CONTENT_ERROR_MAX];
    if (!self->gate)
        return EMP_OK;
    self->contents = emp_contents_new ();
    if (!self->contents)
        return emp_fail (self, EMP_NOMEM, "out of memory");
    emp_status_t status = emp_contents_pack (self->contents, &self->config, out, why);
    if (status != EMP_OK)
        emp_buf_release (out);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "LISTEN: %s", why);
}

static emp_status_t declare_queues (emp_t *self)
{
    for (size_t i = 0; i < self->config.queues_count; i++) {
        const emp_queue_decl_t *queue = &self->config.queues[i];
        emp_status_t status = emp_session_declare (self->session, queue->name, queue->maxsize, QUEUE_BYTES_MAX);
        if (status != EMP_OK)
            return emp_fail (self, status, "queue %s: %s", queue->name, emp_status_text (status));
    }
    emp_buf_t job, contents;
    emp_buf_init (&job, EMP_BLOB_MAX);
    emp_buf_init (&contents, EMP_BLOB_MAX);
    emp_status_t status = offer_contents (self, &contents);
    if (status != EMP_OK)
        return status;
    status = emp_config_pack (&self->config, self->gate ? &contents : NULL, &job);
    emp_buf_release (&contents);
    emp_control_t message = {.kind = EMP_MSG_JOB, .blob = job.data, .blob_size = job.size};
    if (status == EMP_OK)
        status = emp_session_send (self->session, &message);
    emp_buf_release (&job);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "configuration: %s", emp_status_text (status));
}

static emp_status_t start_workers (emp_t *self)
{
    if (procs_of (self) == 0) {
        workers_ended (self, 0); /* there are none here: those of other hosts come and go */
        return EMP_OK;
    }
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
    emp_launcher_t *launcher;
    if (emp_launcher_new (&config, &launcher) != EMP_OK)
        return emp_fail (self, EMP_SYSTEM, "cannot start %s: %s", program, strerror (errno));
    pthread_mutex_lock (&self->lock);
    self->launcher = launcher;
    pthread_mutex_unlock (&self->lock);
    return EMP_OK;
}

static bool workers_put (void *arg)
{
    emp_t *self = arg;
    emp_core_stats_t stats;
    emp_broker_stats (self->broker, &stats);
    return stats.workers_put > 0;
}

static emp_status_t start_collector (emp_t *self)
{
    self->results = emp_results_new (self->config.results_bytes_max, self->config.results_store);
    if (!self->results)
        return emp_fail (self, EMP_NOMEM, "out of memory");
    emp_results_history (self->results, self->history);
    if (self->output && emp_results_overflow (self->results, emp_output_folder (self->output),
                                              emp_output_database (self->output)) != EMP_OK)
        return emp_fail (self, EMP_NOMEM, "out of memory");
    if (self->stream)
        emp_stream_begin (self->stream, self->results);
    const emp_collector_config_t config = {.session = self->session,
                                           .results = self->results,
                                           .journal = self->journal,
                                           .sync = self->config.journal_sync,
                                           .history = self->history,
                                           .workers_put = workers_put,
                                           .stream = self->stream,
                                           .unkept = journal_failed,
                                           .ended = collector_ended,
                                           .arg = self};
    emp_status_t status = emp_collector_new (&config, &self->collector);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "results: %s", emp_status_text (status));
}

static emp_status_t make_feeder (emp_t *self, emp_source_t **source_p, const char *queue, const char *header_msg,
                                 uint32_t rows_max)
{
    if (self->feeders_count == EMP_FEEDERS_MAX)
        return emp_fail (self, EMP_FULL, "at most %d feeders", EMP_FEEDERS_MAX);
    emp_status_t status =
        raise_files (self, self->feeders_count + 1); /* those of a program: nobody knew of it before */
    if (status != EMP_OK)
        return status;
    char label[EMP_LABEL_MAX + 1], why[EMP_JOURNAL_WHY_MAX];
    emp_name_label (queue, label);
    emp_feeder_config_t config = {.session = self->session,
                                  .results = self->results,
                                  .queue = queue,
                                  .label = header_msg ? header_msg : label,
                                  .rows_max = rows_max ? rows_max : self->config.rows_max,
                                  .journal = self->journal,
                                  .place = (uint32_t) self->feeders_count,
                                  .ended = feeder_ended,
                                  .arg = self};
    status = emp_feeder_new (&config, source_p, &self->feeders[self->feeders_count], why);
    const char *refusal = status == EMP_STOPPED ? emp_course_refusal (self) : NULL;
    if (refusal)
        return emp_fail (self, EMP_INVALID, "JOURNAL: %s: %s", self->config.journal, refusal);
    if (status != EMP_OK)
        return emp_fail (self, status, "%s", why);
    pthread_mutex_lock (&self->lock);
    self->feeder_queues[self->feeders_count] = emp_queues_find (self, queue);
    emp_feeder_t *feeder = self->feeders[self->feeders_count++];
    if (self->drain_begun) { /* too late: nothing of it will be put */
        emp_feeder_cancel (feeder);
        self->early = true;
    }
    pthread_mutex_unlock (&self->lock);
    return EMP_OK;
}

/* What earlier runs have answered of the feeders from `first` on enters the dictionary; then they begin. */
static emp_status_t start_feeders (emp_t *self, size_t first)
{
    emp_status_t status = EMP_OK;
    if (self->journal)
        status = emp_collector_replay (self->collector, (uint32_t) first, (uint32_t) self->feeders_count);
    if (status != EMP_OK)
        return emp_fail (self, status, "JOURNAL: %s: found \"%s\" while reading, expected more", self->config.journal,
                         status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
    for (size_t i = first; i < self->feeders_count && status == EMP_OK; i++)
        status = emp_feeder_start (self->feeders[i]);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "a feeder: %s", emp_status_text (status));
}

/* An input that cannot be read twice is kept beside the journal; one that is done with is not even opened. */
static emp_status_t open_source (emp_t *self, uint32_t place, emp_source_t **ret_source)
{
    const emp_source_spec_t *spec = &self->config.feeds[place].source;
    char why[EMP_TEXT_MAX + 1];
    emp_spool_t *spool = NULL;
    uint64_t tickets, rows;
    emp_status_t status = EMP_OK;
    *ret_source = NULL;
    if (self->journal && emp_source_needs_spool (spec)) {
        if (emp_journal_is_whole (self->journal, place, &tickets, &rows)) {
            char sentence[EMP_LABEL_MAX + 200];
            snprintf (sentence, sizeof sentence,
                      "eisenmp: feed %u of queue %s: all of it was answered before, its input is not read", place,
                      self->config.feeds[place].queue);
            emp_say (self, sentence);
            return EMP_OK;
        }
        emp_journal_keep (self->journal);
        const emp_spool_config_t config = {.journal = self->config.journal,
                                           .place = place,
                                           .run = emp_journal_id (self->journal),
                                           .resume = self->config.resume,
                                           .durable = self->config.journal_sync != EMP_JOURNAL_NONE,
                                           .say = emp_journal_says,
                                           .arg = self};
        status = emp_spool_open (&config, &spool, why);
    }
    if (status == EMP_OK)
        status = emp_source_open_spooled (spec, &self->config, &spool, ret_source, why);
    emp_spool_destroy (&spool);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "%s", why);
}

static emp_status_t start_feeds (emp_t *self)
{
    for (size_t i = 0; i < self->config.feeds_count; i++) {
        const emp_feed_decl_t *feed = &self->config.feeds[i];
        emp_source_t *source;
        emp_status_t status = open_source (self, (uint32_t) i, &source);
        if (status != EMP_OK)
            return status;
        status = make_feeder (self, &source, feed->queue, feed->header_msg, feed->rows_max);
        emp_source_close (&source);
        if (status != EMP_OK)
            return status;
    }
    return start_feeders (self, 0);
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
    status = open_gate (self);
    if (status == EMP_OK)
        status = emp_start_output (self);
    if (status == EMP_OK)
        status = emp_start_stream (self);
    if (status == EMP_OK)
        status = emp_start_journal (self);
    if (status != EMP_OK)
        return status;
    self->started_us = emp_now ();
    self->stage = EMP_RUNNING;
    status = raise_files (self, self->config.feeds_count);
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
    if (status == EMP_OK)
        status = emp_course_begin (self);
    if (status != EMP_OK) {
        self->stage = EMP_FAILED;
        atomic_store (&self->client.closing, true); /* a get would wait for ever */
    }
    return status;
}

emp_status_t emp_run_q_feeder (emp_t *self, emp_generator_fn *generator, void *arg, emp_queue_t *queue,
                               const char *header_msg)
{
    if (self->stage != EMP_RUNNING || self->waited)
        return emp_fail (self, EMP_STATE, "a feeder may be started between emp_start and emp_wait");
    if (!generator)
        return emp_fail (self, EMP_INVALID, "generator: found none, expected a function");
    if (header_msg && (strlen (header_msg) > EMP_LABEL_MAX || strchr (header_msg, ';') || !*header_msg))
        return emp_fail (self, EMP_INVALID, "header_msg: found \"%.40s\", expected 1 to %d bytes without ';'",
                         header_msg, EMP_LABEL_MAX);
    if (queue && emp_config_has_own_job (queue->name))
        return emp_fail (self, EMP_INVALID, EMP_OWN_JOB, queue->name);
    emp_source_t *source;
    emp_status_t status = emp_source_of_generator (generator, arg, &self->config, &source);
    if (status != EMP_OK)
        return emp_fail (self, status, "generator: %s", emp_status_text (status));
    size_t first = self->feeders_count;
    status = make_feeder (self, &source, queue ? queue->name : EMP_DEFAULT_QUEUE, header_msg, 0);
    emp_source_close (&source);
    return status == EMP_OK ? start_feeders (self, first) : status;
}

/* ---- end ------------------------------------------------------------------------------------------------------------------ */

void emp_say (emp_t *self, const char *text)
{
    emp_screen_say (self->screen, text, strlen (text));
}

void emp_sweep (emp_t *self)
{
    pthread_mutex_lock (&self->lock);
    if (self->directory[0])
        emp_rundir_remove (self->directory, self->directory_lock);
    self->directory[0] = 0;
    self->directory_lock = -1;
    pthread_mutex_unlock (&self->lock);
}

emp_t *emp_new (void)
{
    emp_net_init ();
    emp_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->screen = emp_config_init (&self->config) == EMP_OK ? emp_screen_new (stderr) : NULL;
    self->history = emp_history_new ();
    bool zone = msgpack_zone_init (&self->zone, 8192);
    if (!self->screen || !self->history || !zone) {
        if (zone)
            msgpack_zone_destroy (&self->zone);
        emp_screen_destroy (&self->screen);
        emp_history_destroy (&self->history);
        emp_config_release (&self->config);
        free (self);
        return NULL;
    }
    emp_thread_cond_init (&self->changed);
    pthread_mutex_init (&self->lock, NULL);
    self->directory_lock = -1;
    emp_client_init (&self->client, &emp_lane_calls, NULL, NULL, "manager");
    emp_procs_init (&self->procs);
    return self;
}

/* Until no feeder is at work, or STOP_GRACE has passed, which a run that is over has given them already. */
static void wait_for_feeders (emp_t *self)
{
    uint64_t until = self->stage == EMP_OVER ? 0 : emp_now () + (uint64_t) self->config.stop_grace_ms * 1000;
    for (size_t i = 0; i < self->feeders_count; i++)
        emp_feeder_cancel (self->feeders[i]);
    pthread_mutex_lock (&self->lock);
    for (bool in_time = true; in_time && !emp_course_fed (self);)
        in_time = emp_thread_wait (&self->changed, &self->lock, until);
    pthread_mutex_unlock (&self->lock);
}

/* True when nothing of a feeder is left to run. One that hangs in a generator of the user's cannot be ended; what its
 * thread may touch, should it ever come back, then stays: feeder, session, results and configuration. */
static bool end_feeders (emp_t *self)
{
    wait_for_feeders (self);
    bool all = true;
    for (size_t i = 0; i < self->feeders_count; i++)
        if (!emp_feeder_is_over (self->feeders[i]))
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
    emp_stream_destroy (&self->stream);
    emp_journal_destroy (&self->journal);
    emp_results_destroy (&self->results);
    emp_history_destroy (&self->history);
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
    emp_course_end (self);
    if (self->session) {
        emp_session_leave (self->session); /* whoever waits in a get, which holds the queue's lock */
        emp_session_stop_feeds (self->session);
    }
    pthread_mutex_lock (&self->lock);
    emp_launcher_t *launcher = self->launcher;
    self->launcher = NULL; /* what the broker says of it now is for nobody */
    pthread_mutex_unlock (&self->lock);
    emp_launcher_destroy (&launcher);
    bool all = end_feeders (self);
    emp_queues_close (self);
    if (self->session)
        emp_session_close (self->session);
    emp_client_wait (&self->client);
    if (self->stream)
        emp_stream_until (self->stream, 0); /* else the collector may wait for a reader */
    emp_collector_destroy (&self->collector);
    emp_broker_destroy (&self->broker);
    emp_gate_destroy (&self->gate);
    emp_contents_destroy (&self->contents);
    emp_sweep (self);
    if (all)
        free_manager (self);
    else {
        emp_output_destroy (&self->output);
        emp_stream_destroy (&self->stream);
        atomic_store (&left_behind, true);
    }
}

bool emp_left_behind (void)
{
    return atomic_load (&left_behind);
}
