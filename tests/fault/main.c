/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - a small run again and again, in which one call after the other fails: each place of the program's code that
 * allocates, writes, syncs or sends. See README.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kit/answers.h"
#include "../kit/traces.h"
#include "../kit/tree.h"
#include "fault.h"

#define PATH_SIZE 512
#define HANG_AFTER 45.0 /* a slot waits 30 s for its WELCOME */
#define LEAVE_MS 5000

static const char *const class_names[FAULT_CLASSES] = {"memory", "write", "sync", "send", "thread", "files"};
static const char *const role_names[FAULT_ROLES] = {"manager", "supervisor", "worker"};

/* What each class fails with; 0 in `error` ends them. */
static const struct {
    int error;
    bool partly;
} errors[FAULT_CLASSES][4] = {
    [FAULT_MEMORY] = {{ENOMEM, false}}, [FAULT_WRITE] = {{ENOSPC, false}, {EIO, false}, {ENOSPC, true}},
    [FAULT_SYNC] = {{EIO, false}},      [FAULT_SEND] = {{EAGAIN, false}, {EHOSTUNREACH, false}},
    [FAULT_THREAD] = {{EAGAIN, false}}, [FAULT_FILES] = {{EMFILE, false}},
};

typedef struct {
    fault_role_t role;
    fault_class_t fault_class;
    uint64_t place;
    uint32_t nth;
    bool onward, partly;
    int error;
} fault_t;

typedef struct {
    const char *folder, *bin, *modules, *preload;
    char page_path[PATH_SIZE], job[PATH_SIZE], journal[PATH_SIZE], results[PATH_SIZE], out[PATH_SIZE], err[PATH_SIZE],
        tmp[PATH_SIZE];
    int only_role, only_class; /* -1: all */
    unsigned every;            /* of so many places one */
    double seconds;            /* later no more are begun, of each role */
    uint64_t only_place;
    bool list, verbose;
    fault_page_t *page;
    answers_t quiet;
    unsigned runs, fired, good, partial, gave_up, bad, sites[FAULT_ROLES][FAULT_CLASSES],
        hit_sites[FAULT_ROLES][FAULT_CLASSES];
    double slowest;
} driver_t;

typedef struct {
    int status;
    bool hung;
    double seconds;
    int left;
    char why[200]; /* empty: as it shall be */
} outcome_t;

/* ---- one run ----------------------------------------------------------------------------------------------------- */

static void write_job (const driver_t *self)
{
    FILE *file = fopen (self->job, "we");
    if (file)
        fprintf (file,
                 "PROCS_MAX: 2\nROWS_MAX: 5\nSTOP_GRACE: 1\nBEAT: 0.2\nDEAD_AFTER: 2\nATTEMPTS_MAX: "
                 "3\nRESULTS_DICT_PRINT: true\n"
                 "worker_modules:\n  - {worker_path: %s/tally.so, worker_ref: worker_entrance}\nfeed:\n"
                 "  - {range: {start: 1, count: 100}}\n",
                 self->modules);
    if (!file || fclose (file) != 0) {
        perror (self->job);
        exit (2);
    }
}

static void run (driver_t *self, const fault_t *fault, outcome_t *ret_outcome)
{
    char program[PATH_SIZE];
    snprintf (program, sizeof program, "%s/eisenmp", self->bin);
    unlink (self->journal);
    unlink (self->results);
    unlink (self->err);
    char command[3 * PATH_SIZE];
    snprintf (command, sizeof command, "exec rm -rf '%s'/* '%s'.*", self->tmp, self->results);
    if (system (command) != 0)
        exit (2);
    fault_page_t *page = self->page;
    memset (page, 0, sizeof *page);
    page->role = fault->role;
    page->onward = fault->onward;
    page->partly = fault->partly;
    page->error = fault->error;
    page->place = fault->place;
    page->nth = fault->nth;
    char *argv[] = {program, "run",       "--journal",   self->journal, "--journal-sync",
                    "sync",  "--results", self->results, self->job,     NULL};
    setenv ("LD_PRELOAD", self->preload, 1);
    double begin = tree_now ();
    *ret_outcome = (outcome_t){0};
    pid_t manager = tree_start (argv, self->out, self->err);
    unsetenv ("LD_PRELOAD");
    while (!tree_reap (manager, &ret_outcome->status)) {
        tree_sleep_ms (1);
        if (tree_now () - begin < HANG_AFTER || ret_outcome->hung)
            continue;
        ret_outcome->hung = true;
        kill (manager, SIGKILL); /* ours, not reaped */
    }
    ret_outcome->seconds = tree_now () - begin;
    ret_outcome->left = tree_end (LEAVE_MS);
}

/* ---- was it right? ----------------------------------------------------------------------------------------------- */

#define WRONG(outcome, ...) return (void) snprintf ((outcome)->why, sizeof (outcome)->why, __VA_ARGS__)

static void judge_answers (driver_t *self, outcome_t *outcome, int code)
{
    answers_t answers = {0};
    bool there = access (self->results, F_OK) == 0;
    if (there && !answers_read (self->results, &answers))
        WRONG (outcome, "the results cannot be read");
    answers_difference_t difference = answers_compare (&self->quiet, &answers);
    answers_free (&answers);
    if (difference.wrong || difference.doubled)
        WRONG (outcome, "%zu wrong, %zu doubled answers", difference.wrong, difference.doubled);
    if (code == 0 && difference.missing)
        WRONG (outcome, "exit code 0, and %zu answers are missing", difference.missing);
    self->good += code == 0;
    self->partial += code != 0 && there;
    self->gave_up += code != 0 && !there;
}

static void judge (driver_t *self, const fault_t *fault, outcome_t *outcome)
{
    char name[TRACES_NAME];
    int code = WIFEXITED (outcome->status) ? WEXITSTATUS (outcome->status) : -1;
    if (outcome->hung)
        WRONG (outcome, "hangs");
    if (code < 0)
        WRONG (outcome, "the manager died of signal %d", WTERMSIG (outcome->status));
    if (code > 2)
        WRONG (outcome, "exit code %d", code);
    if (outcome->left)
        WRONG (outcome, "%d processes left", outcome->left);
    if (code == 1 && traces_says (self->err, "the broker is out of memory"))
        return (void) self->gave_up++; /* as kill -9: a later run removes what it leaves */
    bool files =
        fault->fault_class == FAULT_FILES; /* who cannot open the run's folder cannot remove it, and a later run does */
    if ((!files && traces_left (self->tmp, NULL, name)) || traces_left (self->folder, "part", name))
        WRONG (outcome, "left lying about: %.100s", name);
    if (code && !traces_says (self->err, NULL))
        WRONG (outcome, "exit code %d without a word", code);
    if (traces_says (self->err, "books do not balance"))
        WRONG (outcome, "the books do not balance");
    if (traces_says (self->err, "killed by signal 6") || traces_says (self->out, "killed by signal 6") ||
        traces_says (self->err, "killed by signal 11") || traces_says (self->out, "killed by signal 11"))
        WRONG (outcome, "a process of ours crashed");
    judge_answers (self, outcome, code);
}

/* ---- all places -------------------------------------------------------------------------------------------------- */

static void print_place (const driver_t *self, const fault_t *fault)
{
    char command[2 * PATH_SIZE], text[512];
    snprintf (command, sizeof command, "addr2line -s -p -f -i -e %s/eisenmp%s 0x%llx", self->bin,
              fault->role == FAULT_MANAGER ? "" : "-worker", (unsigned long long) fault->place - 1);
    FILE *pipe = popen (command, "re");
    while (pipe && fgets (text, sizeof text, pipe))
        printf ("    %s", text);
    if (pipe)
        pclose (pipe);
}

static void show (driver_t *self, const fault_t *fault, const outcome_t *outcome)
{
    char command[3 * PATH_SIZE];
    printf ("%s: %s, %s, place 0x%llx, call %u%s, %s%s; %.1f s, exit status 0x%x\n",
            outcome->why[0] ? outcome->why : "ok", role_names[fault->role], class_names[fault->fault_class],
            (unsigned long long) fault->place, fault->nth, fault->onward ? " and on" : "", strerror (fault->error),
            fault->partly ? ", partly" : "", outcome->seconds, (unsigned) outcome->status);
    print_place (self, fault);
    fflush (stdout);
    snprintf (command, sizeof command, "tail -n 6 '%s' | cut -c 1-300; grep -h -A 3 'Workers lost' '%s'", self->err,
              self->out);
    if (system (command) < 0)
        printf ("(no output)\n");
    fflush (stdout);
}

/* True when the call came. */
static bool fail_one (driver_t *self, const fault_t *fault)
{
    outcome_t outcome;
    run (self, fault, &outcome);
    judge (self, fault, &outcome);
    bool fired = atomic_load (&self->page->failed) > 0;
    self->runs++;
    self->fired += fired;
    self->bad += outcome.why[0] != 0;
    if (outcome.seconds > self->slowest)
        self->slowest = outcome.seconds;
    if (outcome.why[0] || self->verbose)
        show (self, fault, &outcome);
    return fired;
}

/* The first call, that and all later ones, and the last, with each error; of a sample the first with the first. */
static void fail_site (driver_t *self, fault_t fault, uint32_t calls)
{
    bool fired = false;
    for (size_t i = 0; i < 4 && errors[fault.fault_class][i].error; i++) {
        fault.error = errors[fault.fault_class][i].error;
        fault.partly = errors[fault.fault_class][i].partly;
        fault.nth = 1;
        /* Who can send nothing any more is silent, and given up as frozen: a matter of minutes, and of frozen.sh. */
        for (int onward = 0; onward < 1 + (fault.fault_class != FAULT_SEND); onward++) {
            fault.onward = onward;
            fired |= fail_one (self, &fault);
            if (self->every > 1)
                return (void) (self->hit_sites[fault.role][fault.fault_class] += fired);
        }
        fault.onward = false;
        fault.nth = calls;
        /* The broker's sends fail when their peer has gone, which is told otherwise, too; to one that is there they
         * cannot. */
        if (calls > 1 && !(fault.role == FAULT_MANAGER && fault.fault_class == FAULT_SEND))
            fired |= fail_one (self, &fault);
    }
    self->hit_sites[fault.role][fault.fault_class] += fired;
}

static void fail_role (driver_t *self, fault_role_t role)
{
    outcome_t outcome;
    fault_t none = {.role = role};
    run (self, &none, &outcome);
    judge (self, &none, &outcome);
    if (outcome.status || outcome.why[0]) {
        printf ("fault: a run in which nothing fails: %s, status 0x%x\n", outcome.why, (unsigned) outcome.status);
        exit (1);
    }
    fault_page_t *seen = malloc (sizeof *seen);
    if (!seen)
        exit (2);
    memcpy (seen, self->page, sizeof *seen);
    unsigned n = 0;
    double begin = tree_now ();
    for (size_t i = 0; i < FAULT_SITES_MAX; i++) {
        const fault_site_t *site = &seen->sites[i];
        fault_t fault = {.role = role, .fault_class = site->fault_class, .place = site->key - 1};
        if (!site->key || (self->only_class >= 0 && (int) fault.fault_class != self->only_class) ||
            (self->only_place && self->only_place != fault.place))
            continue;
        self->sites[role][fault.fault_class]++;
        if (self->list) {
            printf ("%s, %s, place 0x%llx, %u calls\n", role_names[role], class_names[fault.fault_class],
                    (unsigned long long) fault.place, site->calls);
            print_place (self, &fault);
        } else if (n++ % self->every == 0 && tree_now () - begin < self->seconds)
            fail_site (self, fault, site->calls);
    }
    free (seen);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static void usage (void)
{
    fprintf (
        stderr,
        "usage: fault --folder DIR --preload FILE [--role manager|supervisor|worker] [--class memory|write|sync|send|"
        "thread|files]\n             [--every N] [--seconds N] [--place 0xN]\n             [--list] [--verbose]\n"
        "EMP_BIN, EMP_TEST_MODULES: folders of programs and of modules\n");
    exit (2);
}

static int index_of (const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp (name, names[i]) == 0)
            return i;
    usage ();
    return -1;
}

static void read_options (driver_t *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"folder", 1, NULL, 'f'},  {"preload", 1, NULL, 'p'}, {"role", 1, NULL, 'r'},    {"class", 1, NULL, 'c'},
        {"every", 1, NULL, 'e'},   {"place", 1, NULL, 'a'},   {"seconds", 1, NULL, 's'}, {"list", 0, NULL, 'l'},
        {"verbose", 0, NULL, 'v'}, {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long (argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'f': self->folder = optarg; break;
        case 'p': self->preload = optarg; break;
        case 'r': self->only_role = index_of (optarg, role_names, FAULT_ROLES); break;
        case 'c': self->only_class = index_of (optarg, class_names, FAULT_CLASSES); break;
        case 'e': self->every = (unsigned) strtoul (optarg, NULL, 10); break;
        case 's': self->seconds = strtod (optarg, NULL); break;
        case 'a': self->only_place = strtoull (optarg, NULL, 16); break;
        case 'l': self->list = true; break;
        case 'v': self->verbose = true; break;
        default: usage ();
        }
    self->bin = getenv ("EMP_BIN");
    self->modules = getenv ("EMP_TEST_MODULES");
    if (optind != argc || !self->folder || !self->preload || !self->every || !self->bin || !self->modules)
        usage ();
}

static void prepare (driver_t *self)
{
    snprintf (self->page_path, PATH_SIZE, "%s/page", self->folder);
    snprintf (self->job, PATH_SIZE, "%s/job.yaml", self->folder);
    snprintf (self->journal, PATH_SIZE, "%s/journal", self->folder);
    snprintf (self->results, PATH_SIZE, "%s/out.db", self->folder);
    snprintf (self->out, PATH_SIZE, "%s/report", self->folder);
    snprintf (self->err, PATH_SIZE, "%s/err", self->folder);
    snprintf (self->tmp, PATH_SIZE, "%s/tmp", self->folder);
    mkdir (self->tmp, 0700);
    setenv ("TMPDIR", self->tmp, 1);
    unsetenv ("XDG_RUNTIME_DIR");
    setenv (FAULT_FILE, self->page_path, 1);
    int file = open (self->page_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate (file, sizeof *self->page) != 0 ||
        (self->page = mmap (NULL, sizeof *self->page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)) == MAP_FAILED) {
        perror (self->page_path);
        exit (2);
    }
    close (file);
    write_job (self);
    fault_t none = {.role = FAULT_ROLES};
    outcome_t outcome;
    run (self, &none, &outcome);
    if (outcome.status || !answers_read (self->results, &self->quiet)) {
        printf ("fault: the quiet run failed: status 0x%x\n", (unsigned) outcome.status);
        exit (1);
    }
}

int main (int argc, char **argv)
{
    driver_t self = {.only_role = -1, .only_class = -1, .every = 1, .seconds = 1e300};
    read_options (&self, argc, argv);
    tree_init ();
    prepare (&self);
    double begin = tree_now ();
    for (int role = 0; role < FAULT_ROLES; role++)
        if (self.only_role < 0 || role == self.only_role)
            fail_role (&self, (fault_role_t) role);
    for (int role = 0; role < FAULT_ROLES; role++)
        for (int class = 0; class < FAULT_CLASSES; class ++)
            if (self.sites[role][class])
                printf ("fault: %s, %s: %u places, %u of them failed\n", role_names[role], class_names[class],
                        self.sites[role][class], self.hit_sites[role][class]);
    printf ("fault: %u runs, %u with a failure: %u ended well, %u with a part of the answers, %u with none, %u wrong; "
            "slowest %.1f s, "
            "all %.0f s\n",
            self.runs, self.fired, self.good, self.partial, self.gave_up, self.bad, self.slowest, tree_now () - begin);
    answers_free (&self.quiet);
    return self.bad ? 1 : 0;
}
