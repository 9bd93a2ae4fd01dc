/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cmd_run.c - `eisenmp run JOBFILE`: results on stdout, all else on stderr. With `--stream -` stdout is the stream, and the part of
 * the report that tells what went wrong goes to stderr.
 *
 * SIGINT, SIGTERM or SIGHUP once drains: nothing more is handed out, what is in work is finished, within STOP_GRACE. Twice
 * stops: workers are killed, which takes a second at the most. Both end with the report of what there is, and exit 1 when
 * tickets are missing. A third time kills at once, without a report, as the first does while the job file is read or the report
 * printed.
 */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "commands.h"
#include "manager.h"

typedef struct {
    const char *jobfile;
    long procs;                 /* -1: as the job file says */
    const char *results;        /* or NULL: the same */
    const char *journal, *sync; /* or NULL */
    bool resume;
    const char *stream; /* or NULL */
    bool keep_order;
    const char *listen; /* or NULL */
    bool insecure;
    bool quiet;
} options_t;

static const struct argp_option option_list[] = {
    {"procs", 'p', "N", 0, "worker processes, whatever PROCS_MAX says; 0: only those of other hosts (--listen)", 0},
    {"results", 'o', "FILE", 0, "write the results to FILE too: .db (SQLite), .jsonl or .csv", 0},
    {"stream", 'S', "FILE", 0, "write the results to FILE as they come: .jsonl or .csv; - is stdout, without a report",
     0},
    {"keep-order", 'k', NULL, 0, "the stream has each feed in the order of its tickets", 0},
    {"journal", 'j', "FILE", 0, "keep what was answered in FILE, so that the run can be resumed", 0},
    {"journal-sync", 's', "HOW", 0,
     "what a ticket waits for before it counts: that it is written (none), on the disk in groups of up to 10 ms "
     "(batch, the "
     "default), on the disk as soon as can be (sync)",
     0},
    {"resume", 'r', NULL, 0, "go on with the run that the journal is of", 0},
    {"listen", 'l', "URL", 0,
     "workers of other hosts may come in at tcp://ADDRESS:PORT (* for any): `eisenmp worker --connect` there", 0},
    {"insecure", 'I', NULL, 0, "--listen without keys: nothing is encrypted, everybody is let in", 0},
    {"quiet", 'q', NULL, 0, "no progress and no summary on stderr", 0},
    {0}};

static error_t take_option (int key, char *arg, struct argp_state *state)
{
    options_t *options = state->input;
    char *end;
    switch (key) {
    case 'p':
        options->procs = strtol (arg, &end, 10);
        if (*end || end == arg || options->procs < 0 || options->procs > EMP_PROCS_MAX_LIMIT)
            argp_error (state, "--procs: found \"%s\", expected an integer from 0 to %d", arg, EMP_PROCS_MAX_LIMIT);
        return 0;
    case 'o': options->results = arg; return 0;
    case 'j': options->journal = arg; return 0;
    case 's': options->sync = arg; return 0;
    case 'r': options->resume = true; return 0;
    case 'S': options->stream = arg; return 0;
    case 'k': options->keep_order = true; return 0;
    case 'l': options->listen = arg; return 0;
    case 'I': options->insecure = true; return 0;
    case 'q': options->quiet = true; return 0;
    case ARGP_KEY_ARG:
        if (options->jobfile)
            argp_error (state, "one job file at a time; found \"%s\" behind \"%s\"", arg, options->jobfile);
        options->jobfile = arg;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error (state, "a job file is needed"); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ---- signals ------------------------------------------------------------------------------------------------------ */

typedef struct {
    emp_t *manager;
    _Atomic bool reporting; /* the run is over */
    int signals, end;
    pthread_t thread;
} listener_t;

/* A terminal that stands still gets no word: the end does not wait for it. */
static void say_at_once (const char *text)
{
    struct pollfd terminal = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll (&terminal, 1, 0) == 1 && terminal.revents & POLLOUT)
        (void) !write (STDERR_FILENO, text, strlen (text));
}

static void *listen_thread (void *arg)
{
    listener_t *self = arg;
    pthread_setname_np (pthread_self (), "emp-signals");
    for (int heard = 0;;) {
        struct pollfd fds[] = {{.fd = self->signals, .events = POLLIN}, {.fd = self->end, .events = POLLIN}};
        if (poll (fds, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[1].revents)
            return NULL;
        struct signalfd_siginfo info;
        if (!fds[0].revents || read (self->signals, &info, sizeof info) != (ssize_t) sizeof info)
            continue;
        heard++;
        if (atomic_load (&self->reporting)) {
            say_at_once ("eisenmp: the run is over; the rest of its report is not printed\n");
            _exit (1);
        }
        if (heard == 1) {
            emp_drain (self->manager);
            emp_say (self->manager, "eisenmp: finishing what is in work; once more to stop");
        } else if (heard == 2) {
            emp_stop (self->manager);
            emp_say (self->manager, "eisenmp: stopping");
        } else {
            emp_slay (self->manager);
            _exit (1);
        }
    }
}

static bool listen_begin (listener_t *self, emp_t *manager, const sigset_t *ends)
{
    self->manager = manager;
    self->signals = signalfd (-1, ends, SFD_CLOEXEC);
    self->end = eventfd (0, EFD_CLOEXEC);
    return self->signals >= 0 && self->end >= 0 && pthread_create (&self->thread, NULL, listen_thread, self) == 0;
}

static void listen_end (listener_t *self)
{
    uint64_t one = 1;
    (void) !write (self->end, &one, sizeof one);
    pthread_join (self->thread, NULL);
    close (self->signals);
    close (self->end);
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

static void print_summary (const emp_t *manager, const emp_summary_t *sum)
{
    fprintf (stderr, "eisenmp: %llu of %llu tickets answered", (unsigned long long) sum->answered,
             (unsigned long long) sum->tickets);
    if (manager->journal && emp_journal_answered (manager->journal))
        fprintf (stderr, " (%llu of them in earlier runs)",
                 (unsigned long long) emp_journal_answered (manager->journal));
    fprintf (stderr, ", %llu rows, %llu results, %.3f s", (unsigned long long) sum->rows_answered,
             (unsigned long long) sum->results, (double) (emp_now () - manager->started_us) / 1e6);
    if (sum->dead || sum->missing || sum->partly)
        fprintf (stderr, "; %llu dead, %llu missing", (unsigned long long) sum->dead,
                 (unsigned long long) sum->missing);
    if (sum->partly)
        fprintf (stderr, ", %llu answered in part", (unsigned long long) sum->partly);
    if (sum->rows_dead || sum->rows_missing)
        fprintf (stderr, "; of %llu rows %llu dead, %llu missing", (unsigned long long) sum->rows_in,
                 (unsigned long long) sum->rows_dead, (unsigned long long) sum->rows_missing);
    if (sum->workers_lost)
        fprintf (stderr, "; %llu worker%s lost, %llu ticket%s handed out again", (unsigned long long) sum->workers_lost,
                 sum->workers_lost == 1 ? "" : "s", (unsigned long long) sum->reissued, sum->reissued == 1 ? "" : "s");
    if (sum->fenced)
        fprintf (stderr, "; %llu late result%s fenced off", (unsigned long long) sum->fenced,
                 sum->fenced == 1 ? "" : "s");
    if (sum->dropped)
        fprintf (stderr, "; %llu late or foreign messages dropped", (unsigned long long) sum->dropped);
    fprintf (stderr, "\n");
}

static int exit_code (emp_t *manager, emp_status_t status)
{
    if (status == EMP_OK)
        return 0;
    fprintf (stderr, "eisenmp: %s\n", emp_error (manager));
    return status == EMP_INVALID || status == EMP_UNKNOWN || status == EMP_EXISTS ? 2 : 1;
}

static int run_to_end (emp_t *manager, const options_t *options, listener_t *listener)
{
    emp_status_t status = emp_start (manager);
    if (status != EMP_OK)
        return exit_code (manager, status) == 2 ? 2 : 1;
    status = emp_wait (manager);
    atomic_store (&listener->reporting, true);
    if (status == EMP_INVALID)
        return exit_code (manager, status);
    const char *stream = manager->config.results_stream;
    emp_report (manager, stream && strcmp (stream, "-") == 0 ? stderr : stdout); /* then only what went wrong */
    errno = 0;
    bool written = fflush (stdout) == 0 && !ferror (stdout);
    int why = errno ? errno : EIO; /* an earlier write may have failed, whose reason nobody kept */
    emp_summary_t sum;
    emp_summary (manager, &sum);
    bool resumed = manager->journal && emp_journal_answered (manager->journal);
    bool trouble = status != EMP_OK || sum.workers_lost || sum.dropped || sum.fenced || resumed;
    if (!options->quiet && (trouble || isatty (STDERR_FILENO)))
        print_summary (manager, &sum);
    if (!options->quiet && status == EMP_OK && sum.tickets == 0)
        fprintf (stderr, "eisenmp: nothing was done: no feed gave a row\n");
    if (!written)
        fprintf (stderr, "eisenmp: standard output: %s\n", strerror (why));
    bool whole = !*emp_results_why (manager->results); /* else the report says why */
    int code = exit_code (manager, status);
    return code == 0 && !(written && whole) ? 1 : code;
}

int emp_cmd_run (int argc, char **argv)
{
    options_t options = {.procs = -1};
    const struct argp argp = {
        option_list,
        take_option,
        "JOBFILE",
        "Runs a job: cuts what its feeds make into tickets, has them worked on by processes on all "
        "cores, prints the report.\vSIGINT (Ctrl-C), SIGTERM or SIGHUP: what is in work is finished, within STOP_GRACE "
        "(10 s); "
        "once more: the workers are killed, within 1 s, and what there is is reported; a third time: all is killed at "
        "once. "
        "Exit status: 0 every ticket was answered, 1 some were not (they "
        "are listed), 2 bad usage or configuration.\n`eisenmp settings` lists the keys of a job file.",
        NULL,
        NULL,
        NULL};
    argp_parse (&argp, argc, argv, 0, NULL, &options);
    signal (SIGPIPE, SIG_IGN);
    signal (SIGXFSZ, SIG_IGN); /* a file beyond `ulimit -f` is an error as a full disk is, and no death */

    emp_t *manager = emp_new ();
    if (!manager) {
        fprintf (stderr, "eisenmp: out of memory\n");
        return 1;
    }
    emp_status_t status = emp_config_load (manager, options.jobfile);
    if (status == EMP_OK && options.procs == 0)
        status = emp_config_set_bool (manager, "REMOTE_ONLY", true);
    if (status == EMP_OK && options.procs > 0)
        status = emp_config_set_int (manager, "PROCS_MAX", options.procs);
    if (status == EMP_OK && options.results)
        status = emp_config_set_string (manager, "RESULTS_FILE", options.results);
    if (status == EMP_OK && options.stream)
        status = emp_config_set_string (manager, "RESULTS_STREAM", options.stream);
    if (status == EMP_OK && options.keep_order)
        status = emp_config_set_string (manager, "RESULTS_ORDER", "ticket");
    if (status == EMP_OK && options.journal)
        status = emp_config_set_string (manager, "JOURNAL", options.journal);
    if (status == EMP_OK && options.sync)
        status = emp_config_set_string (manager, "JOURNAL_SYNC", options.sync);
    if (status == EMP_OK && options.listen)
        status = emp_config_set_string (manager, "LISTEN", options.listen);
    if (status == EMP_OK && options.insecure)
        status = emp_config_set_bool (manager, "INSECURE", true);
    if (status == EMP_OK && options.resume)
        status = emp_config_set_bool (manager, "RESUME", true);
    if (status != EMP_OK) {
        fprintf (stderr, "%s\n", emp_error (manager));
        emp_destroy (&manager);
        return 2;
    }
    if (!options.quiet && manager->config.info_enable)
        emp_screen_enable_progress (manager->screen);
    sigset_t ends;
    sigemptyset (&ends);
    sigaddset (&ends, SIGINT);
    sigaddset (&ends, SIGTERM);
    sigaddset (&ends, SIGHUP);
    pthread_sigmask (SIG_BLOCK, &ends, NULL); /* not before: what is loaded may be a pipe that nobody writes to */
    listener_t listener = {0};
    int code = 1;
    if (listen_begin (&listener, manager, &ends)) {
        code = run_to_end (manager, &options, &listener);
        listen_end (&listener);
    } else
        fprintf (stderr, "eisenmp: cannot listen to signals: %s\n", strerror (errno));
    emp_destroy (&manager);
    if (emp_left_behind ())
        _exit (code); /* stdout was flushed with the report */
    return code;
}

int emp_cmd_settings (int argc, char **argv)
{
    static const struct argp argp = {NULL, NULL, NULL, "Lists the keys of a job file, with type, range and default.",
                                     NULL, NULL, NULL};
    argp_parse (&argp, argc, argv, 0, NULL, NULL);
    emp_config_help (stdout);
    return 0;
}
