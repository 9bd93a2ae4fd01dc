/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - a user's manager program: sums 0…99, 10 a chunk, with the module whose path it is given. */
#include <eisenmp.h>

static bool numbers (emp_generator_t *generator, msgpack_packer *row)
{
    uint64_t i = emp_generator_index (generator);
    if (i == 100)
        return false;
    msgpack_pack_uint64 (row, i);
    return true;
}

int main (int argc, char **argv)
{
    if (argc != 2)
        return 2;
    emp_t *emp = emp_new ();
    emp_config_add_module (emp, argv[1], "worker_entrance");
    emp_config_set_int (emp, "PROCS_MAX", 2);
    emp_config_set_int (emp, "ROWS_MAX", 10);
    emp_config_set_bool (emp, "RESULTS_STORE", true);
    emp_status_t status = emp_start (emp);
    if (status == EMP_OK)
        status = emp_run_q_feeder (emp, numbers, NULL, NULL, NULL);
    if (status == EMP_OK)
        status = emp_wait (emp);
    if (status != EMP_OK)
        fprintf (stderr, "%s: %s\n", emp_status_text (status), emp_error (emp));

    emp_result_t result;
    uint64_t sum = 0, i = 0;
    while (emp_result_at (emp, i, &result)) {
        sum += result.value->via.u64;
        i++;
    }
    printf ("%s: %llu results, sum %llu\n", emp_version (), (unsigned long long) i, (unsigned long long) sum);
    emp_destroy (&emp);
    return status == EMP_OK ? 0 : 1;
}
