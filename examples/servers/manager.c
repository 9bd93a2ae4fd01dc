/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - what job.yaml says, as a program that ends its servers by itself.
 *
 *     cc -o example-servers manager.c $(pkg-config --cflags --libs eisenmp)
 *     example-servers [SECONDS [PORT]]        for so long, or (-) until Enter; from port 8301 on, 0: any free ones
 *
 * Exits 0: all 18 servers served; 1: some did not, the report names them; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "example-servers"
#define PROCESSES 3
#define SERVERS 6 /* in each */
#define PORT 8301
#define LOOK_MS 50

typedef struct {
    const char *queue;
    unsigned port; /* of the first server, or 0 */
} feed_t;

/* A generator packs one row a call. It runs in a thread of its own, so it reads nothing that changes. */
static bool next_port (emp_generator_t *generator, msgpack_packer *row)
{
    const feed_t *feed = emp_generator_arg (generator);
    uint64_t index = emp_generator_index (generator);
    if (index == SERVERS)
        return false;
    msgpack_pack_uint64 (row, feed->port ? feed->port + index : 0);
    return true;
}

static bool configure (emp_t *emp, const feed_t *feeds)
{
    int wrong = 0;
    wrong |= emp_config_set_string (emp, "RESULT_LABEL", "servers");
    wrong |= emp_config_set_int (emp, "PROCS_MAX", PROCESSES);
    wrong |= emp_config_set_int (emp, "ROWS_MAX", 1);
    wrong |= emp_config_set_bool (emp, "SERVE", true);
    wrong |= emp_config_set_bool (emp, "RESULTS_DICT_PRINT", true);
    wrong |= emp_config_add_module (emp, "servers.so", "start_and_stay");
    for (int i = 1; i < SERVERS; i++)
        wrong |= emp_config_add_module (emp, "servers.so", "start_one");
    for (int i = 0; i < PROCESSES; i++)
        wrong |= emp_queue_create (emp, feeds[i].queue, SERVERS);
    return !wrong;
}

static bool start (emp_t *emp, feed_t *feeds)
{
    if (!configure (emp, feeds) || emp_start (emp))
        return false;
    for (int i = 0; i < PROCESSES; i++)
        if (emp_run_q_feeder (emp, next_port, &feeds[i], emp_queue (emp, feeds[i].queue), NULL))
            return false;
    return true;
}

static int64_t now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Something, or an end, is on standard input within LOOK_MS. */
static bool is_told (void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll (&input, 1, LOOK_MS) > 0;
}

/* Until all ports are answered or dead. False when the run is over before: its workers are gone. */
static bool wait_for_servers (emp_t *emp)
{
    emp_summary_t sum = {0};
    while (sum.answered + sum.dead < PROCESSES * SERVERS) {
        if (emp_wait_for (emp, LOOK_MS) != EMP_TIMEOUT)
            return false;
        emp_summary (emp, &sum);
    }
    fprintf (stderr, PROGRAM ": %d servers serve\n", (int) sum.answered);
    return true;
}

/* For so many seconds, or until somebody says so. */
static void let_serve (emp_t *emp, double seconds)
{
    int64_t end = now_ms () + (int64_t) (seconds * 1000);
    if (seconds < 0)
        fprintf (stderr, PROGRAM ": Enter ends them\n");
    for (;;) {
        if (seconds < 0 ? is_told () : now_ms () >= end)
            return;
        if (emp_wait_for (emp, seconds < 0 ? 0 : LOOK_MS) != EMP_TIMEOUT)
            return; /* their end came without us */
    }
}

static void end_servers (emp_t *emp)
{
    emp_proc_t list[PROCESSES];
    size_t count = emp_proc_list (emp, list, PROCESSES);
    for (size_t i = 0; i < count && i < PROCESSES; i++)
        fprintf (stderr, PROGRAM ": kills %s, pid %d\n", list[i].name, list[i].pid);
    emp_proc_kill_all (emp); /* also one that is just being started anew */
}

static int run (emp_t *emp, feed_t *feeds, double seconds)
{
    if (!start (emp, feeds)) {
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
        return 2;
    }
    if (wait_for_servers (emp)) {
        let_serve (emp, seconds);
        end_servers (emp);
    }
    emp_status_t status = emp_wait (emp);
    emp_report (emp, stdout);
    if (status)
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
    return status == EMP_OK ? 0 : status == EMP_INVALID ? 2 : 1; /* invalid: the workers could not start */
}

int main (int argc, char **argv)
{
    char *end = "", *end_of_port = "";
    bool timed = argc > 1 && strcmp (argv[1], "-") != 0;
    double seconds = timed ? strtod (argv[1], &end) : -1;
    unsigned long port = argc > 2 ? strtoul (argv[2], &end_of_port, 10) : PORT;
    if (argc > 3 || *end || (timed && end == argv[1]) || *end_of_port || (argc > 2 && end_of_port == argv[2]) ||
        (timed && !(seconds >= 0 && seconds < 1e9)) || port > UINT16_MAX - 30) {
        fprintf (stderr, "usage: " PROGRAM " [SECONDS [PORT]]\n");
        return 2;
    }
    unsigned first = (unsigned) port;
    feed_t feeds[PROCESSES] = {
        {"blue_q_3", first}, {"red_q_3", first ? first + 10 : 0}, {"yellow_q_3", first ? first + 20 : 0}};
    emp_t *emp = emp_new ();
    if (!emp) {
        fprintf (stderr, PROGRAM ": out of memory\n");
        return 2;
    }
    int code = run (emp, feeds, seconds);
    emp_destroy (&emp);
    return code;
}
