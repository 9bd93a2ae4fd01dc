/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cmd_status.c - `eisenmp status` and `eisenmp top`: how a run stands, once, or again and again.
 *
 * The same loop: a first overview, which the rates begin at, then one a turn; `status` has one turn.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/net/dial.h"
#include "asker.h"
#include "commands.h"
#include "standing.h"
#include "terminal.h"
#include "wall.h"

#define BASE_MS 300u /* between the first two overviews */
#define PATIENCE_S 5.0
#define TEXT_MAX (64u * 1024 * 1024)

typedef struct {
    bool top;
    const char *run, *connect, *broker_key;
    bool insecure, json;
    double interval, patience;
    uint64_t count; /* 0: until it ends */
} options_t;

/* Whom we ask. */
typedef struct {
    char endpoint[EMP_ENDPOINT_MAX + 1];
    emp_run_info_t info;
    bool local; /* `info` is known */
    emp_curve_t curve;
} target_t;

typedef struct {
    const options_t *options;
    const target_t *target;
    emp_terminal_t terminal;
    emp_standing_form_t form;
    emp_asker_t *asker;
    emp_overview_t before, now;
    bool known; /* `before` is */
    emp_buf_t text;
    char why[EMP_ASKER_WHY_MAX];
} watch_t;

/* ---- whom ------------------------------------------------------------------------------------------------------------ */

static emp_standing_form_t form_of (const options_t *options)
{
    return options->json ? STANDING_JSON : isatty (STDOUT_FILENO) ? STANDING_TABLE : STANDING_LINES;
}

/* Prints the runs, for one to be chosen. */
static int choose (const options_t *options, const emp_run_info_t *runs, size_t count)
{
    emp_buf_t text;
    emp_buf_init (&text, TEXT_MAX);
    emp_standing_runs (runs, count, (int64_t) (emp_wall_us () / 1000000),
                       options->top ? STANDING_TABLE : form_of (options), &text);
    fwrite (text.data, 1, text.size, options->top ? stderr : stdout);
    emp_buf_release (&text);
    if (options->top)
        fprintf (stderr, "eisenmp: %zu runs are on, which one? --run NAME or --run PID\n", count);
    return options->top ? 2 : 0;
}

/* "eisenmp-AbCdEf", its folder, "AbCdEf", or the pid of its manager. */
static bool is_called (const emp_run_info_t *run, const char *name)
{
    char *end;
    long long pid = strtoll (name, &end, 10);
    if (*name && !*end && pid == run->pid)
        return true;
    return strcmp (run->name, name) == 0 || strcmp (run->path, name) == 0 ||
           strcmp (strchr (run->name, '-') + 1, name) == 0;
}

/* -1: *target is set. Else the exit code. */
static int find_local (const options_t *options, target_t *target)
{
    emp_run_info_t *runs = calloc (EMP_RUNLIST_MAX, sizeof *runs);
    if (!runs) {
        fprintf (stderr, "eisenmp: out of memory\n");
        return 1;
    }
    size_t count = emp_runlist (runs, EMP_RUNLIST_MAX), found = 0, last = 0;
    for (size_t i = 0; i < count; i++)
        if (!options->run || is_called (&runs[i], options->run)) {
            last = i;
            found++;
        }
    int code = -1;
    if (found == 1) {
        target->info = runs[last];
        target->local = true;
        snprintf (target->endpoint, sizeof target->endpoint, "ipc://%s/door", runs[last].path);
    } else if (found > 1)
        code = choose (options, runs, count);
    else {
        code = 2;
        if (options->run)
            fprintf (stderr,
                     "eisenmp: --run: found \"%s\", expected one of the %zu runs that are on (eisenmp status)\n",
                     options->run, count);
        else
            fprintf (stderr, "eisenmp: no run of this user is on here; --connect URL asks another host\n");
    }
    free (runs);
    return code;
}

static int find_remote (const options_t *options, target_t *target)
{
    char why[EMP_KEYRING_WHY_MAX];
    snprintf (target->endpoint, sizeof target->endpoint, "%s", options->connect);
    if (strncmp (options->connect, "ipc://", 6) == 0 && access (options->connect + 6, F_OK) != 0) {
        fprintf (stderr, "eisenmp: --connect: %s: %s\n", options->connect, strerror (errno));
        return 2;
    }
    emp_status_t status = emp_dial_set (options->broker_key, options->insecure, why);
    if (status == EMP_OK)
        status = emp_dial_keys (target->endpoint, &target->curve, why);
    if (status == EMP_OK)
        return -1;
    fprintf (stderr, "eisenmp: %s\n", why);
    return 2;
}

/* ---- watching -------------------------------------------------------------------------------------------------------- */

static bool is_given_up (void *arg)
{
    watch_t *self = arg;
    return !emp_terminal_wait (&self->terminal, 0);
}

static emp_status_t show (watch_t *self)
{
    size_t lines = 0, columns = 0;
    if (self->terminal.live)
        emp_terminal_size (&lines, &columns);
    emp_standing_t standing = {.now = &self->now,
                               .before = self->known ? &self->before : NULL,
                               .info = self->target->local ? &self->target->info : NULL,
                               .endpoint = self->target->endpoint,
                               .run = emp_asker_run (self->asker)};
    emp_buf_clear (&self->text);
    emp_standing_write (&standing, self->form, lines, columns, &self->text);
    if (!self->text.broken && self->options->top && self->form == STANDING_LINES)
        emp_buf_append (&self->text, "\n", 1); /* between two blocks */
    if (self->text.broken) {
        snprintf (self->why, sizeof self->why, "out of memory");
        return EMP_NOMEM;
    }
    emp_status_t status = emp_terminal_draw (&self->terminal, &self->text);
    if (status == EMP_SYSTEM && errno == EPIPE)
        return EMP_STATE; /* nobody reads any more */
    if (status == EMP_SYSTEM)
        snprintf (self->why, sizeof self->why, "standard output: %s", strerror (errno));
    return status;
}

static void keep (watch_t *self)
{
    emp_overview_release (&self->before);
    self->before = self->now;
    self->now = (emp_overview_t){0};
    self->known = true;
}

/* Waits until the next turn; a window of another size is drawn at once. */
static emp_status_t rest (watch_t *self, uint32_t ms)
{
    uint64_t until = emp_now () + (uint64_t) ms * 1000;
    for (uint64_t now; (now = emp_now ()) < until;) {
        if (!emp_terminal_wait (&self->terminal, (uint32_t) ((until - now + 999) / 1000)))
            return EMP_STATE;
        if (self->terminal.resized && self->now.time) {
            self->terminal.resized = false;
            emp_status_t status = show (self);
            if (status != EMP_OK)
                return status;
        }
    }
    return EMP_OK;
}

/* A run that ends behind the first overview is shown as that had it. */
static emp_status_t turns (watch_t *self)
{
    emp_status_t status = emp_asker_ask (self->asker, &self->now, self->why);
    if (status == EMP_OK)
        status = rest (self, BASE_MS);
    for (uint64_t turn = 0; status == EMP_OK;) {
        keep (self);
        status = emp_asker_ask (self->asker, &self->now, self->why);
        if (status == EMP_STOPPED && turn == 0 && !self->options->top) {
            self->now = self->before;
            self->before = (emp_overview_t){0};
            self->known = false;
            return show (self);
        }
        if (status == EMP_OK)
            status = show (self);
        if (status == EMP_OK && ++turn == self->options->count)
            return EMP_OK;
        if (status == EMP_OK)
            status = rest (self, (uint32_t) (self->options->interval * 1000));
    }
    return status;
}

/* What is to be said when it has ended so; the exit code. */
static int verdict (const watch_t *self, emp_status_t status, bool connected)
{
    if (status == EMP_OK || status == EMP_STATE)
        return 0;
    fprintf (stderr, "eisenmp: %s\n", self->why);
    if (status == EMP_STOPPED)
        return self->options->top && connected ? 0 : 2;
    return status == EMP_REFUSED || status == EMP_INVALID ? 2 : 1;
}

/* Looks until it is enough, with signals and, where it shall be live, the screen taken. */
static emp_status_t look (watch_t *self, bool live)
{
    if (emp_terminal_open (&self->terminal) != EMP_OK) {
        snprintf (self->why, sizeof self->why, "cannot listen to signals: %s", strerror (errno));
        return EMP_SYSTEM;
    }
    if (live)
        emp_terminal_begin (&self->terminal);
    emp_status_t status = turns (self);
    emp_terminal_close (&self->terminal);
    if (live && status == EMP_STOPPED && self->text.size)
        emp_terminal_draw (&self->terminal, &self->text); /* the last that was seen stays */
    return status;
}

/* Until it is connected a signal just ends it. */
static int watch (const options_t *options, const target_t *target)
{
    watch_t self = {.options = options, .target = target, .form = form_of (options)};
    emp_buf_init (&self.text, TEXT_MAX);
    signal (SIGPIPE, SIG_IGN);
    emp_asker_config_t config = {.endpoint = target->endpoint,
                                 .folder = target->local ? target->info.path : NULL,
                                 .curve = *target->curve.server ? &target->curve : NULL,
                                 .patience_ms = (uint32_t) (options->patience * 1000),
                                 .gives_up = is_given_up,
                                 .arg = &self};
    emp_status_t status = emp_asker_new (&config, &self.asker, self.why);
    bool connected = status == EMP_OK;
    if (connected)
        status = look (&self, options->top && self.form == STANDING_TABLE);
    int code = verdict (&self, status, connected);
    emp_asker_destroy (&self.asker);
    emp_overview_release (&self.before);
    emp_overview_release (&self.now);
    emp_buf_release (&self.text);
    if (connected)
        emp_terminal_raise (&self.terminal);
    return code;
}

/* ---- words ----------------------------------------------------------------------------------------------------------- */

enum { OPTION_BROKER_KEY = 256, OPTION_INSECURE, OPTION_JSON, OPTION_PATIENCE };

#define OPTIONS_OF_BOTH                                                                                                \
    {"run", 'r', "NAME|PID", 0, "of several runs on this host the one of this name, or of the manager with this pid",  \
     0},                                                                                                               \
        {"connect", 'c', "URL", 0, "the broker of a run of another host, for example tcp://manager:7654", 0},          \
        {"broker-key",                                                                                                 \
         OPTION_BROKER_KEY,                                                                                            \
         "KEY",                                                                                                        \
         0,                                                                                                            \
         "the broker's public key, as `eisenmp keys show` says there, or @FILE; over tcp:// it is needed",             \
         0},                                                                                                           \
        {"insecure", OPTION_INSECURE, NULL, 0, "tcp:// without keys, as the broker was told, too", 0},                 \
        {"wait", OPTION_PATIENCE, "SECONDS", 0, "how long the broker may need for an answer; default 5", 0},           \
        {"json", 'j', NULL, 0, "as JSON, one object on one line", 0},

static const struct argp_option status_options[] = {OPTIONS_OF_BOTH{0}};
static const struct argp_option top_options[] = {
    OPTIONS_OF_BOTH{"interval", 'i', "SECONDS", 0, "from one look to the next; default 1", 0},
    {"count", 'n', "N", 0, "so many looks, then it ends", 0},
    {0}};

static double seconds_of (struct argp_state *state, const char *what, const char *text, double min)
{
    char *end;
    double value = strtod (text, &end);
    if (end == text || *end || !(value >= min && value <= 86400))
        argp_error (state, "--%s: found \"%s\", expected a number of seconds from %g to 86400", what, text, min);
    return value;
}

static void take_count (struct argp_state *state, options_t *options, const char *text)
{
    char *end;
    errno = 0;
    options->count = strtoull (text, &end, 10);
    if (errno || end == text || *end || strchr (text, '-') || options->count == 0)
        argp_error (state, "--count: found \"%s\", expected a number above 0", text);
}

static void take_endpoint (struct argp_state *state, options_t *options, const char *text)
{
    bool known = strncmp (text, "tcp://", 6) == 0 || strncmp (text, "ipc://", 6) == 0;
    if (!known || strlen (text) > EMP_ENDPOINT_MAX)
        argp_error (state, "--connect: found \"%s\", expected tcp://HOST:PORT or ipc://PATH", text);
    options->connect = text;
}

static error_t take_option (int key, char *arg, struct argp_state *state)
{
    options_t *options = state->input;
    switch (key) {
    case 'r': options->run = arg; return 0;
    case 'c': take_endpoint (state, options, arg); return 0;
    case OPTION_BROKER_KEY: options->broker_key = arg; return 0;
    case OPTION_INSECURE: options->insecure = true; return 0;
    case OPTION_PATIENCE: options->patience = seconds_of (state, "wait", arg, 0.1); return 0;
    case 'j': options->json = true; return 0;
    case 'i': options->interval = seconds_of (state, "interval", arg, 0.1); return 0;
    case 'n': take_count (state, options, arg); return 0;
    case ARGP_KEY_ARG: argp_error (state, "found \"%s\", expected no argument; --run names a run", arg); return 0;
    case ARGP_KEY_END:
        if (options->run && options->connect)
            argp_error (state, "found --run and --connect, expected one of them");
        if (!options->connect && (options->broker_key || options->insecure))
            argp_error (state, "--broker-key and --insecure are for --connect");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

#define FORMS                                                                                                          \
    "On a terminal a table; else a line a thing, with tabs between, the first word says of what (\"-\": not known; "   \
    "times in seconds):\n"                                                                                             \
    "  run      name pid job state elapsed left\n"                                                                     \
    "  tickets  put answered dead waiting held reissued copied dropped rate\n"                                         \
    "  queue    name state waiting held maxsize answered dead reissued rate consumers rows-put rows-ended\n"           \
    "  host     name slots held answered\n"                                                                            \
    "  slot     host name pid held answered queue ticket attempt in-hand silent\n"                                     \
    "  lost     workers\n"                                                                                             \
    "  loss     host name pid how tickets ago\n"                                                                       \
    "More fields may come behind these. What is left is, while the run is being fed, of the tickets that were put so " \
    "far. "

static int act (const struct argp *argp, options_t *options, int argc, char **argv)
{
    target_t target = {0};
    argp_parse (argp, argc, argv, 0, NULL, options);
    int code = options->connect ? find_remote (options, &target) : find_local (options, &target);
    if (code < 0)
        code = watch (options, &target);
    explicit_bzero (&target.curve, sizeof target.curve);
    return code;
}

int emp_cmd_status (int argc, char **argv)
{
    static const struct argp argp = {
        status_options,
        take_option,
        NULL,
        "Tells how a run stands: queues, hosts, slots and what they hold, losses. Of several runs on this host it "
        "lists "
        "those.\v" FORMS "Rates are of the 0.3 s between two looks.\n"
        "Exit status: 0 it was told, 1 the broker does not answer, 2 bad usage, no such run, or not let in.",
        NULL,
        NULL,
        NULL};
    options_t options = {.count = 1, .patience = PATIENCE_S};
    return act (&argp, &options, argc, argv);
}

int emp_cmd_top (int argc, char **argv)
{
    static const struct argp argp = {
        top_options,
        take_option,
        NULL,
        "Shows how a run stands, again every second; q or Ctrl-C ends it.\v" FORMS
        "When it does not write to a terminal, a block a look, with an empty line behind it. The end of the run ends "
        "it.\n"
        "Exit status: 0 it was shown, 1 the broker does not answer, 2 bad usage, no such run, or not let in.",
        NULL,
        NULL,
        NULL};
    options_t options = {.top = true, .interval = 1, .patience = PATIENCE_S};
    return act (&argp, &options, argc, argv);
}
