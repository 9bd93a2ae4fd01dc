/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - what job.yaml says, as a program: a web server a core, until Enter.
 *
 *     cc -o example-server manager.c $(pkg-config --cflags --libs eisenmp)
 *     example-server [PORT]                   from port 8331 on; 0: any that are free
 *
 * Exits 0: all servers served; 1: some did not, the report names them; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define PROGRAM "example-server"
#define PORT 8331
#define LOOK_MS 50

typedef struct {
    uint64_t port, count;
} ports_t;

static bool next_port (emp_generator_t *generator, msgpack_packer *row)
{
    const ports_t *ports = emp_generator_arg (generator);
    uint64_t index = emp_generator_index (generator);
    if (index == ports->count)
        return false;
    msgpack_pack_uint64 (row, ports->port ? ports->port + index : 0);
    return true;
}

static bool start (emp_t *emp, ports_t *ports)
{
    int wrong = 0;
    wrong |= emp_config_set_string (emp, "RESULT_LABEL", "server");
    wrong |= emp_config_set_int (emp, "PROCS_MAX", (int64_t) ports->count);
    wrong |= emp_config_set_int (emp, "ROWS_MAX", 1);
    wrong |= emp_config_set_bool (emp, "SERVE", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_DICT_PRINT", true);
    wrong |= emp_config_set_int (emp, "patience", 2); /* no key of eisenmp: the module reads it */
    wrong |= emp_config_add_module (emp, "servers.so", "start_and_stay");
    return !wrong && !emp_start (emp) && !emp_run_q_feeder (emp, next_port, ports, NULL, NULL);
}

static int run (emp_t *emp, ports_t *ports)
{
    if (!start (emp, ports)) {
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
        return 2;
    }
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    emp_summary_t sum = {0};
    bool told = false;
    while ((!told || sum.answered + sum.dead < ports->count) && emp_wait_for (emp, told ? LOOK_MS : 0) == EMP_TIMEOUT) {
        told = told || poll (&input, 1, LOOK_MS) > 0;
        emp_summary (emp, &sum);
    }
    emp_proc_kill_all (emp);
    emp_status_t status = emp_wait (emp);
    emp_report (emp, stdout);
    if (status)
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
    return status == EMP_OK ? 0 : status == EMP_INVALID ? 2 : 1; /* invalid: the workers could not start */
}

int main (int argc, char **argv)
{
    char *end = "";
    unsigned long port = argc > 1 ? strtoul (argv[1], &end, 10) : PORT;
    long cores = sysconf (_SC_NPROCESSORS_ONLN);
    if (cores < 1 || cores > EMP_PROCS_MAX_LIMIT)
        cores = 1;
    if (argc > 2 || *end || (argc > 1 && end == argv[1]) || port > UINT16_MAX - (unsigned long) cores) {
        fprintf (stderr, "usage: " PROGRAM " [PORT]\n");
        return 2;
    }
    ports_t ports = {port, (uint64_t) cores};
    emp_t *emp = emp_new ();
    if (!emp) {
        fprintf (stderr, PROGRAM ": out of memory\n");
        return 2;
    }
    int code = run (emp, &ports);
    emp_destroy (&emp);
    return code;
}
