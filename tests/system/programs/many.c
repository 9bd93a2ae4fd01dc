/* SPDX-License-Identifier: BSD-3-Clause
 *
 * many.c - B31: many managers in one program; many.sh runs it. Prints what it found.
 *
 *   many series <module> <runs>   one after the other: memory, files and threads after the tenth and after the last
 *   many crowd <module>           several at once, ended in another order than started
 *   many apart <module>           a second run knows nothing of the first
 *   many torn <module> <runs>     managers that are destroyed before their run is over, or before it began
 */
#include <dirent.h>
#include <eisenmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CROWD 8
#define WARM 10         /* runs after which nothing may grow any more */
#define SETTLE_MS 10000 /* what a run has closed is gone by then: libzmq closes sockets in a thread of its own */
#define WARM_MS 300     /* the same for the count that all others are measured by */
#define ROOM_KIB 1024   /* that memory may differ by */

static void must (emp_t *emp, emp_status_t status, const char *what)
{
    if (status == EMP_OK)
        return;
    fprintf (stderr, "%s: %s: %s\n", what, emp_status_text (status), emp_error (emp));
    exit (1);
}

/* ---- what the process has ---------------------------------------------------------------------------------- */

typedef struct {
    size_t files, threads;
    long rss_kib;
} usage_t;

static size_t entries (const char *path)
{
    DIR *folder = opendir (path);
    size_t count = 0;
    while (folder && readdir (folder))
        count++;
    if (folder)
        closedir (folder);
    return count;
}

static usage_t usage_now (void)
{
    usage_t usage = {entries ("/proc/self/fd"), entries ("/proc/self/task"), 0};
    FILE *file = fopen ("/proc/self/statm", "r");
    long pages = 0;
    if (file && fscanf (file, "%*d %ld", &pages) == 1)
        usage.rss_kib = pages * (sysconf (_SC_PAGESIZE) / 1024);
    if (file)
        fclose (file);
    return usage;
}

/* What it has once nothing of the last run is left: asks until it has no more than `bound`, at most `ms_max`. */
static usage_t usage_settled (usage_t bound, int ms_max)
{
    usage_t usage = usage_now ();
    for (int ms = 0; ms < ms_max && (usage.files > bound.files || usage.threads > bound.threads); ms++) {
        nanosleep (&(struct timespec){0, 1000000}, NULL);
        usage = usage_now ();
    }
    return usage;
}

/* ---- runs -------------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t first, count;
} numbers_t;

static bool next_number (emp_generator_t *generator, msgpack_packer *row)
{
    const numbers_t *numbers = emp_generator_arg (generator);
    if (emp_generator_index (generator) == numbers->count)
        return false;
    msgpack_pack_uint64 (row, numbers->first + emp_generator_index (generator));
    return true;
}

static bool endless (emp_generator_t *generator, msgpack_packer *row)
{
    msgpack_pack_uint64 (row, emp_generator_index (generator));
    return true;
}

/* One worker, queue q, chunks of a row. */
static emp_t *manager (const char *module, const char *ref)
{
    emp_t *emp = emp_new ();
    if (!emp)
        exit (1);
    must (emp, emp_config_set_int (emp, "PROCS_MAX", 1), "PROCS_MAX");
    must (emp, emp_config_set_int (emp, "ROWS_MAX", 1), "ROWS_MAX");
    must (emp, emp_config_add_module (emp, module, ref), "module");
    must (emp, emp_queue_create (emp, "q", 3), "queue");
    return emp;
}

static emp_t *started (const char *module, numbers_t *numbers)
{
    emp_t *emp = manager (module, "echo_q");
    must (emp, emp_start (emp), "start");
    must (emp, emp_run_q_feeder (emp, next_number, numbers, emp_queue (emp, "q"), NULL), "feeder");
    return emp;
}

/* Waits for its end and destroys it. The sum of its results; each ticket's result is its row. */
static uint64_t ended (emp_t *emp)
{
    must (emp, emp_wait (emp), "wait");
    uint64_t sum = 0;
    emp_result_t result;
    for (uint64_t i = 0; emp_result_at (emp, i, &result); i++)
        sum += result.value->via.u64;
    emp_destroy (&emp);
    return sum;
}

static void series (const char *module, int runs)
{
    numbers_t numbers = {0, 10};
    usage_t warm = {0}, last;
    uint64_t sum = 0;
    for (int run = 1; run <= runs; run++) {
        sum += ended (started (module, &numbers));
        if (run == WARM)
            warm = usage_settled ((usage_t){0}, WARM_MS);
    }
    last = usage_settled (warm, SETTLE_MS);
    printf ("sum %llu files +%ld threads +%ld memory %s\n", (unsigned long long) sum,
            (long) last.files - (long) warm.files, (long) last.threads - (long) warm.threads,
            last.rss_kib - warm.rss_kib <= ROOM_KIB ? "flat" : "grows");
    fprintf (stderr, "after %d runs %ld KiB %zu files %zu threads, after %d %ld KiB %zu files %zu threads\n", WARM,
             warm.rss_kib, warm.files, warm.threads, runs, last.rss_kib, last.files, last.threads);
}

static void crowd (const char *module)
{
    static const int order[CROWD] = {3, 7, 0, 5, 1, 6, 2, 4};
    numbers_t numbers[CROWD];
    emp_t *emps[CROWD];
    for (uint64_t i = 0; i < CROWD; i++) {
        numbers[i] = (numbers_t){i * 1000, 20};
        emps[i] = started (module, &numbers[i]);
    }
    for (int i = 0; i < CROWD; i++)
        printf ("%llu ", (unsigned long long) ended (emps[order[i]]));
    printf ("\n");
}

/* The first run has an attribute, queues and feeds of its own names, and an error; the second asks for all of them. */
static void apart (const char *module)
{
    numbers_t first = {100, 5}, second = {0, 5};
    emp_t *a = manager (module, "echo_q");
    must (a, emp_queue_create (a, "of_a", 3), "of_a");
    must (a, emp_config_set_int (a, "add", 1000), "add");
    must (a, emp_start (a), "start");
    must (a, emp_run_q_feeder (a, next_number, &first, emp_queue (a, "q"), "FROM_A"), "feeder");
    emp_t *b = started (module, &second); /* a queue of the same name, at the same time */
    emp_queue_create (b, "late", 1);
    printf ("errors %d %d, queue of_a %d %d\n", *emp_error (a) != 0, *emp_error (b) != 0, !!emp_queue (a, "of_a"),
            !!emp_queue (b, "of_a"));
    printf ("first %llu second %llu", (unsigned long long) ended (a), (unsigned long long) ended (b));
    emp_t *c = started (module, &second);
    must (c, emp_wait (c), "wait");
    emp_result_t result = {0};
    emp_summary_t summary;
    emp_summary (c, &summary);
    emp_result_at (c, 0, &result);
    printf (" third error '%s' tickets %llu key %s\n", emp_error (c), (unsigned long long) summary.tickets,
            result.queue);
    emp_destroy (&c);
}

/* Each kind in turn: nothing set, configured only, started only, amidst an endless feed, over to the last ticket. */
static void torn (const char *module, int runs)
{
    numbers_t numbers = {0, 5};
    usage_t warm = {0}, last;
    for (int run = 1; run <= runs; run++) {
        emp_t *emp = run % 5 == 0 ? emp_new () : manager (module, "echo_q");
        if (run % 5 > 1)
            must (emp, emp_start (emp), "start");
        if (run % 5 > 2)
            must (emp,
                  emp_run_q_feeder (emp, run % 5 == 3 ? endless : next_number, &numbers, emp_queue (emp, "q"), NULL),
                  "feeder");
        emp_destroy (&emp);
        if (run == WARM)
            warm = usage_settled ((usage_t){0}, WARM_MS);
    }
    last = usage_settled (warm, SETTLE_MS);
    printf ("files +%ld threads +%ld memory %s\n", (long) last.files - (long) warm.files,
            (long) last.threads - (long) warm.threads, last.rss_kib - warm.rss_kib <= ROOM_KIB ? "flat" : "grows");
    fprintf (stderr, "after %d %ld KiB, after %d %ld KiB\n", WARM, warm.rss_kib, runs, last.rss_kib);
}

int main (int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int runs = argc > 3 ? atoi (argv[3]) : 0;
    if (strcmp (argv[1], "series") == 0)
        series (argv[2], runs);
    else if (strcmp (argv[1], "crowd") == 0)
        crowd (argv[2]);
    else if (strcmp (argv[1], "apart") == 0)
        apart (argv[2]);
    else
        torn (argv[2], runs);
    return 0;
}
