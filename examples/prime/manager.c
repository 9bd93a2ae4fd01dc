/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - what job.yaml says, as a program.
 *
 *     cc -o example-prime manager.c $(pkg-config --cflags --libs eisenmp)
 *     example-prime [START [COUNT]]
 *
 * Exits 0: every ticket was answered; 1: some were not, the report names them; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <errno.h>
#include <stdlib.h>

typedef struct {
    uint64_t start, count;
} range_t;

/* A generator packs one row a call. It runs in a thread of its own, so it reads nothing that changes. */
static bool next_number (emp_generator_t *generator, msgpack_packer *row)
{
    const range_t *range = emp_generator_arg (generator);
    uint64_t index = emp_generator_index (generator);
    if (index == range->count)
        return false;
    msgpack_pack_uint64 (row, range->start + index);
    return true;
}

static bool configure (emp_t *emp, const range_t *range)
{
    int wrong = 0;
    wrong |= emp_config_set_string (emp, "RESULT_LABEL", "prime numbers from 10^12");
    wrong |= emp_config_set_int (emp, "ROWS_MAX", 42);
    wrong |= emp_config_set_bool (emp, "RESULTS_STORE", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_PRINT", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_DICT_PRINT", true);
    wrong |= emp_config_set_uint (emp, "INFO_THREAD_MAX", range->count);
    wrong |= emp_config_add_module (emp, "prime.so", "worker_entrance");
    return !wrong;
}

/* Starts everything, waits for the end, prints the report. */
static int run (emp_t *emp, range_t *range)
{
    if (!configure (emp, range) || emp_start (emp) || emp_run_q_feeder (emp, next_number, range, NULL, NULL)) {
        fprintf (stderr, "example-prime: %s\n", emp_error (emp));
        return 2;
    }
    emp_status_t status = emp_wait (emp);
    emp_report (emp, stdout);
    if (status)
        fprintf (stderr, "example-prime: %s\n", emp_error (emp));
    return status == EMP_OK ? 0 : status == EMP_INVALID ? 2 : 1; /* invalid: the workers could not start */
}

static bool read_number (const char *text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull (text, &end, 10);
    if (errno || end == text || *end || *text == '-')
        return false;
    *ret_number = number;
    return true;
}

int main (int argc, char **argv)
{
    range_t range = {1000000000000, 10000};
    if (argc > 3 || (argc > 1 && !read_number (argv[1], &range.start)) ||
        (argc > 2 && !read_number (argv[2], &range.count)) || range.count > UINT64_MAX - range.start) {
        fprintf (stderr, "usage: example-prime [START [COUNT]]\n");
        return 2;
    }
    emp_t *emp = emp_new ();
    if (!emp) {
        fprintf (stderr, "example-prime: out of memory\n");
        return 2;
    }
    int code = run (emp, &range);
    emp_destroy (&emp);
    return code;
}
