/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - runs of jobs whose processes are killed and stopped at random moments, compared with quiet ones. See
 * README.md.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run.h"

#define EXCESS_MAX 2.0
#define TRIES 3
#define HANG_AFTER 60.0 /* beyond what a run may take */

typedef struct {
    bool known;
    double seconds;
    long journal_size;
    answers_t answers;
} quiet_t;

typedef struct {
    uint64_t seed;
    unsigned runs;
    plan_job_t job;
    const char *folder;
    unsigned slow; /* than usual: under a sanitizer */
    bool strict;   /* a run that takes too long has failed */
    bool verbose;
    run_config_t config;
    quiet_t quiet[JOBS][PLAN_SIZES][2]; /* with one process, with several: there are two cores */
    double *excesses;
    unsigned excesses_count, failed, late, hits, planned;
    size_t tickets;
    answers_difference_t sum;
} chaos_t;

static void show_output (const chaos_t *self)
{
    char command[1024];
    fflush (stdout);
    snprintf (command, sizeof command, "tail -n 30 '%s/err' '%s/report'", self->folder, self->folder);
    if (system (command) != 0)
        printf ("(no output)\n");
}

static const quiet_t *quiet_of (chaos_t *self, const plan_t *plan, bool anew)
{
    quiet_t *quiet = &self->quiet[plan->job][plan->size][plan->procs > 1];
    if (quiet->known && !anew)
        return quiet;
    answers_free (&quiet->answers);
    plan_t calm;
    run_result_t result;
    plan_quiet (plan->job, plan->size, plan->procs > 1 ? 2 : 1, &calm);
    self->config.limit = HANG_AFTER * self->slow;
    self->config.journal_size = 0;
    run_plan (&calm, &self->config, &result);
    if (result.code != 0 || result.answers.count != plan_tickets (plan) || result.left || result.littered) {
        printf ("chaos: the quiet run of %s failed: exit code %d, %zu answers\n", plan_job_name (plan->job),
                result.code, result.answers.count);
        show_output (self);
        exit (1);
    }
    *quiet = (quiet_t){true, result.seconds, result.journal_size, result.answers};
    return quiet;
}

/* What the faults have cost at the most: nobody works who is stopped, and who is started anew takes time for that and
 * does again what it had in hand: a chunk that is worked at and one that waits, a process. */
static double lost_work (const plan_t *plan, const quiet_t *quiet, const run_result_t *result)
{
    double chunk = quiet->seconds * (plan->procs > 1 ? 2 : 1) / plan_tickets (plan);
    return result->stopped + result->starts * 2 * chunk * plan->procs;
}

typedef struct {
    answers_difference_t difference;
    double excess;
    bool right, late;
} verdict_t;

static verdict_t judge (const plan_t *plan, const quiet_t *quiet, const run_result_t *result)
{
    verdict_t verdict = {.difference = answers_compare (&quiet->answers, &result->answers),
                         .excess = result->seconds - quiet->seconds - lost_work (plan, quiet, result)};
    verdict.right = !result->hung && result->code == 0 && answers_equal (&quiet->answers, &result->answers) &&
                    !result->left && !result->littered && !result->unbalanced;
    verdict.late = verdict.excess > EXCESS_MAX;
    return verdict;
}

static void tell (const plan_t *plan, const quiet_t *quiet, const run_result_t *result, const verdict_t *verdict)
{
    printf ("chaos: seed %llu: %s: %s, %u processes, %s, %s; %.2f s, quiet %.2f s, stopped %.2f s, excess %.2f s; exit "
            "code %d, "
            "missing %zu, doubled %zu, wrong %zu%s%s%s%s\n",
            (unsigned long long) plan->seed,
            !verdict->right ? "FAILED"
            : verdict->late ? "LATE"
                            : "ok",
            plan_job_name (plan->job), plan->procs, plan->method, plan->sync, result->seconds, quiet->seconds,
            result->stopped, verdict->excess, result->code, verdict->difference.missing, verdict->difference.doubled,
            verdict->difference.wrong, result->hung ? ", HANGS" : "", result->left ? ", processes left" : "",
            result->littered ? ", files left" : "", result->unbalanced ? ", books do not balance" : "");
}

static void sum_up (chaos_t *self, const plan_t *plan, const run_result_t *result, const verdict_t *verdict)
{
    self->sum.missing += verdict->difference.missing;
    self->sum.doubled += verdict->difference.doubled;
    self->sum.wrong += verdict->difference.wrong;
    self->tickets += result->answers.count;
    self->hits += result->hits;
    self->planned += plan->faults_count;
}

static void show_failure (const chaos_t *self, const plan_t *plan)
{
    for (unsigned i = 0; i < plan->faults_count; i++)
        plan_fault_print (&plan->faults[i]);
    show_output (self);
    printf ("again: tests/chaos/run --seed %llu --runs 1\n", (unsigned long long) plan->seed);
}

/* The quiet run is made anew when a run was late, since the machine has perhaps become slower meanwhile; a run that is
 * late TRIES times is late. */
static void run_one (chaos_t *self, uint64_t seed)
{
    plan_t plan;
    plan_draw (seed, self->job, self->slow, &plan);
    verdict_t verdict = {.late = true, .right = true};
    for (unsigned i = 0; i < TRIES && verdict.late && verdict.right; i++) {
        run_result_t result;
        const quiet_t *quiet = quiet_of (self, &plan, i > 0);
        self->config.journal_size = quiet->journal_size;
        self->config.limit = HANG_AFTER * self->slow + quiet->seconds;
        run_plan (&plan, &self->config, &result);
        verdict = judge (&plan, quiet, &result);
        sum_up (self, &plan, &result, &verdict);
        if (i == 0)
            self->excesses[self->excesses_count++] = verdict.excess;
        if (!verdict.right || verdict.late || self->verbose)
            tell (&plan, quiet, &result, &verdict);
        answers_free (&result.answers);
    }
    self->late += verdict.late;
    if (!verdict.right || (verdict.late && self->strict)) {
        self->failed++;
        show_failure (self, &plan);
    }
    fflush (stdout);
}

static int by_size (const void *one, const void *other)
{
    double a = *(const double *) one, b = *(const double *) other;
    return (a > b) - (a < b);
}

static void summarize (chaos_t *self)
{
    qsort (self->excesses, self->excesses_count, sizeof *self->excesses, by_size);
    unsigned n = self->excesses_count, late = 0;
    for (unsigned i = 0; i < n; i++)
        late += self->excesses[i] > EXCESS_MAX;
    printf (
        "chaos: %u runs, %u failed; %u of %u faults hit somebody; %zu tickets, %zu missing, %zu doubled, %zu wrong\n",
        n, self->failed, self->hits, self->planned, self->tickets, self->sum.missing, self->sum.doubled,
        self->sum.wrong);
    printf ("chaos: beyond the quiet run and the lost work: median %.2f s, nine tenths %.2f s, worst %.2f s; %u over "
            "%.0f s, %u of them "
            "%d times in a row\n",
            self->excesses[n / 2], self->excesses[n * 9 / 10], self->excesses[n - 1], late, EXCESS_MAX, self->late,
            TRIES);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static void usage (void)
{
    fprintf (
        stderr,
        "usage: chaos --folder DIR [--seed S] [--runs N] [--job prime|csv|bytes] [--slow N] [--strict] [--verbose]\n"
        "EMP_BIN, EMP_MODULES, EMP_TEST_MODULES: folders of programs and modules\n");
    exit (2);
}

static plan_job_t job_of (const char *name)
{
    for (plan_job_t job = 0; job < JOBS; job++)
        if (strcmp (name, plan_job_name (job)) == 0)
            return job;
    usage ();
    return JOBS;
}

static unsigned number_of (const char *text)
{
    char *end;
    unsigned long number = strtoul (text, &end, 10);
    if (!*text || *end || number == 0 || number > 1000000000)
        usage ();
    return (unsigned) number;
}

static void read_options (chaos_t *self, int argc, char **argv)
{
    static const struct option options[] = {{"seed", 1, NULL, 's'},    {"runs", 1, NULL, 'n'}, {"job", 1, NULL, 'j'},
                                            {"folder", 1, NULL, 'f'},  {"slow", 1, NULL, 'w'}, {"strict", 0, NULL, 't'},
                                            {"verbose", 0, NULL, 'v'}, {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long (argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 's': self->seed = number_of (optarg); break;
        case 'n': self->runs = number_of (optarg); break;
        case 'j': self->job = job_of (optarg); break;
        case 'f': self->folder = optarg; break;
        case 'w': self->slow = number_of (optarg); break;
        case 't': self->strict = true; break;
        case 'v': self->verbose = true; break;
        default: usage ();
        }
    if (optind != argc || !self->folder)
        usage ();
}

int main (int argc, char **argv)
{
    chaos_t self = {.seed = 1, .runs = 1, .job = JOBS, .slow = 1};
    char program[512], csv[512];
    read_options (&self, argc, argv);
    const char *bin = getenv ("EMP_BIN"), *examples = getenv ("EMP_MODULES"), *tests = getenv ("EMP_TEST_MODULES");
    self.excesses = calloc (self.runs, sizeof *self.excesses);
    if (!bin || !examples || !tests || !self.excesses)
        usage ();
    snprintf (program, sizeof program, "%s/eisenmp", bin);
    snprintf (csv, sizeof csv, "%s/values.csv", self.folder);
    self.config = (run_config_t){.eisenmp = program, .examples = examples, .tests = tests, .folder = self.folder};
    if (!plan_write_csv (csv)) {
        perror (csv);
        return 2;
    }
    tree_init ();
    for (unsigned i = 0; i < self.runs; i++)
        run_one (&self, self.seed + i);
    summarize (&self);
    for (unsigned i = 0; i < JOBS * PLAN_SIZES * 2; i++)
        answers_free (&self.quiet[i / (PLAN_SIZES * 2)][i / 2 % PLAN_SIZES][i % 2].answers);
    free (self.excesses);
    return self.failed ? 1 : 0;
}
