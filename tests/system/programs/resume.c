/* SPDX-License-Identifier: BSD-3-Clause
 *
 * resume.c - a manager program with a journal, whose two feeders begin after the start, on one queue.
 *
 *   resume MODULE JOURNAL new|resume ROWS [die|one]     ROWS of the first feeder, half as many of the second; one: only the
 *                                                   first; die: by SIGKILL when some tickets were answered. Prints the exit's status, tickets, sum.
 */
#include <eisenmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool numbers (emp_generator_t *generator, msgpack_packer *row)
{
    const uint64_t *rows = emp_generator_arg (generator);
    uint64_t made = emp_generator_index (generator);
    if (made == *rows)
        return false;
    msgpack_pack_uint64 (row, made);
    return true;
}

static void die_soon (emp_t *emp)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    emp_summary_t summary = {0};
    while (summary.answered < 100) {
        emp_summary (emp, &summary);
        nanosleep (&nap, NULL);
    }
    fflush (stdout);
    raise (SIGKILL); /* the thread sanitizer has a look at threads in an _exit too */
}

int main (int argc, char **argv)
{
    if (argc < 5)
        return 2;
    bool die = argc > 5 && strcmp (argv[5], "die") == 0, one = argc > 5 && !die;
    uint64_t rows[2] = {strtoull (argv[4], NULL, 10), strtoull (argv[4], NULL, 10) / 2};
    emp_t *emp = emp_new ();
    emp_config_set_int (emp, "PROCS_MAX", 2);
    emp_config_set_int (emp, "ROWS_MAX", 10);
    emp_config_set_string (emp, "JOURNAL", argv[2]);
    emp_config_set_bool (emp, "RESUME", strcmp (argv[3], "resume") == 0);
    emp_config_set_int (emp, "chunk_us", die ? 1000 : 0);
    emp_config_add_module (emp, argv[1], "worker_entrance");
    emp_status_t status = emp_start (emp);
    for (int i = 0; i < (one ? 1 : 2) && status == EMP_OK; i++)
        status = emp_run_q_feeder (emp, numbers, &rows[i], NULL, i ? "second" : "first");
    if (die && status == EMP_OK)
        die_soon (emp);
    if (status == EMP_OK ||
        status == EMP_STOPPED) /* the run has ended before the second was there: why, is told here */
        status = emp_wait (emp);
    uint64_t sum = 0, results = 0;
    emp_result_t result;
    for (uint64_t i = 0; status == EMP_OK && emp_result_at (emp, i, &result); i++, results++)
        sum += result.value->via.u64;
    printf ("%s, %llu results, sum %llu: %s\n", emp_status_text (status), (unsigned long long) results,
            (unsigned long long) sum, status == EMP_OK ? "" : emp_error (emp));
    emp_destroy (&emp);
    return 0;
}
