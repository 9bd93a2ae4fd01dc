/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queues.c - a manager program that puts, gets, asks and kills; queues.sh runs it. Prints what it found.
 *
 *   queues commands <module>   B14, B19: commands to each worker's own queue, answers on a shared one
 *   queues full <module>       B13, B16: full, empty, size; a put that does not wait
 *   queues kill <module>       B23, B30: workers that never return, one killed, then all
 *   queues gone <module>       a thread waits for a chunk when the manager is destroyed
 *   queues deserted <module>   B13, B14: a put and a get that wait, without emp_wait, when the workers cannot start
 *   queues stopped <module>    the same when another thread says emp_stop
 *   queues late <module>       emp_wait while another thread waits in a put
 *   queues feeders <module>    as many feeders as there may be open files for, or 300
 *   queues hang <module>       a generator that never comes back, destroyed without a wait
 *   queues processes <module>  B9: the same by mp_process_q
 */
#include <eisenmp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 3
#define COMMANDS 20

static void must (emp_t *emp, emp_status_t status, const char *what)
{
    if (status == EMP_OK)
        return;
    fprintf (stderr, "%s: %s: %s\n", what, emp_status_text (status), emp_error (emp));
    exit (1);
}

static emp_status_t put_number (emp_queue_t *queue, uint64_t number, int timeout_ms)
{
    msgpack_sbuffer rows;
    msgpack_packer pk;
    msgpack_sbuffer_init (&rows);
    msgpack_packer_init (&pk, &rows, msgpack_sbuffer_write);
    msgpack_pack_uint64 (&pk, number);
    emp_status_t status = emp_queue_put_wait (queue, rows.data, rows.size, timeout_ms);
    msgpack_sbuffer_destroy (&rows);
    return status;
}

static emp_t *manager (const char *module, const char *ref, int workers)
{
    emp_t *emp = emp_new ();
    must (emp, emp_config_set_int (emp, "PROCS_MAX", workers), "PROCS_MAX");
    must (emp, emp_config_add_module (emp, module, ref), "module");
    return emp;
}

static void commands (const char *module)
{
    emp_t *emp = manager (module, "answer", WORKERS);
    const emp_queue_spec_t specs[] = {
        {NULL, "com_in_0", 5}, {NULL, "com_in_1", 5}, {NULL, "com_in_2", 5}, {NULL, "com_out", 2}};
    must (emp, emp_queues_create (emp, specs, 4), "queues");
    must (emp, emp_start (emp), "start");
    uint64_t sum = 0, got = 0;
    for (uint64_t i = 0; i < COMMANDS; i++) {
        for (unsigned worker = 0; worker < WORKERS; worker++) {
            char name[32];
            snprintf (name, sizeof name, "com_in_%u", worker);
            must (emp, put_number (emp_queue (emp, name), i, -1), "put");
        }
        for (unsigned worker = 0; worker < WORKERS; worker++) {
            emp_chunk_t *chunk = emp_queue_get (emp_queue (emp, "com_out"));
            sum += emp_chunk_row (chunk, 0)->via.u64;
            got++;
            emp_chunk_done (&chunk);
        }
    }
    must (emp, emp_wait (emp), "wait");
    emp_chunk_t *none = emp_queue_get (emp_queue (emp, "com_out"));
    emp_summary_t summary;
    emp_summary (emp, &summary);
    printf ("got %llu sum %llu after %s tickets %llu answered %llu\n", (unsigned long long) got,
            (unsigned long long) sum, none ? "more" : "nothing", (unsigned long long) summary.tickets,
            (unsigned long long) summary.answered);
    emp_destroy (&emp);
}

static bool hundred (emp_generator_t *generator, msgpack_packer *row)
{
    msgpack_pack_uint64 (row, emp_generator_index (generator));
    return emp_generator_index (generator) < 100;
}

static emp_status_t get_now (emp_queue_t *queue)
{
    emp_chunk_t *chunk;
    return emp_queue_get_wait (queue, 0, &chunk);
}

/* The workers read mp_input_q only, so queue q fills. */
static void full (const char *module)
{
    emp_t *emp = manager (module, "count_down", 1);
    must (emp, emp_queue_create (emp, "q", 4), "queue");
    emp_queue_t *queue = emp_queue (emp, "q");
    printf ("before: put %s, get %s, over %d\n", emp_status_text (put_number (queue, 0, 0)),
            emp_status_text (get_now (queue)), emp_begin_proc_shutdown (emp));
    must (emp, emp_start (emp), "start");
    printf ("no feeder: %s: ", emp_status_text (emp_run_q_feeder (emp, NULL, NULL, NULL, NULL)));
    printf ("%s\n", emp_error (emp));
    printf ("feeder: %s: ",
            emp_status_text (emp_run_q_feeder (emp, hundred, NULL, emp_queue (emp, "mp_info_q"), NULL)));
    printf ("%s\n", emp_error (emp));
    bool empty = emp_queue_empty (queue);
    unsigned put = 0;
    while (put_number (queue, put, 50) == EMP_OK)
        put++;
    printf ("empty %d put %u full %d size %llu", empty, put, emp_queue_full (queue),
            (unsigned long long) emp_queue_size (queue));
    uint64_t sum = 0;
    emp_chunk_t *chunk;
    while (emp_queue_get_wait (queue, 200, &chunk) == EMP_OK) {
        sum += 1 + emp_chunk_row (chunk, 0)->via.u64;
        if (sum == 1)
            printf (", in hand: %s %d", emp_status_text (emp_wait (emp)), emp_begin_proc_shutdown (emp));
        emp_chunk_done (&chunk);
    }
    printf (" sum %llu empty %d then %s, bad %s\n", (unsigned long long) sum, emp_queue_empty (queue),
            emp_status_text (emp_queue_get_wait (queue, 0, &chunk)),
            emp_status_text (emp_queue_put (queue, "\xc1", 1)));
    char deep[EMP_ROW_DEPTH_MAX + 1];
    memset (deep, '\x91', sizeof deep);
    deep[sizeof deep - 1] = '\x90';
    printf ("deep: %s\n", emp_status_text (emp_queue_put (queue, deep, sizeof deep)));
    must (emp, emp_proc_kill_all (emp), "kill");
    must (emp, emp_wait (emp), "wait");
    emp_destroy (&emp);
}

static void *waits (void *arg)
{
    return emp_queue_get (arg); /* NULL */
}

static void gone (const char *module)
{
    emp_t *emp = manager (module, "answer", 1);
    const emp_queue_spec_t specs[] = {{NULL, "com_in_0", 5}, {NULL, "com_out", 2}};
    must (emp, emp_queues_create (emp, specs, 2), "queues");
    must (emp, emp_start (emp), "start");
    pthread_t thread;
    if (pthread_create (&thread, NULL, waits, emp_queue (emp, "com_out")) != 0)
        exit (1);
    usleep (200000);
    emp_destroy (&emp);
    void *chunk;
    pthread_join (thread, &chunk);
    printf ("destroyed%s\n", chunk ? ", with a chunk" : "");
}

static size_t procs (emp_t *emp, emp_proc_t *list, size_t expected)
{
    size_t count;
    while ((count = emp_proc_list (emp, list, 8)) != expected)
        if (emp_wait_for (emp, 5) != EMP_TIMEOUT)
            break;
    return count;
}

static void kill_some (const char *module)
{
    emp_t *emp = manager (module, "count_down", 3);
    must (emp, emp_config_set_int (emp, "ROWS_MAX", 10), "ROWS_MAX");
    must (emp, emp_start (emp), "start");
    must (emp, emp_run_q_feeder (emp, hundred, NULL, NULL, NULL), "feeder");
    emp_proc_t list[8];
    size_t count = procs (emp, list, 3);
    printf ("procs %zu %s", count, strncmp (list[0].name, "Process-", 8) == 0 ? "named" : list[0].name);
    must (emp, emp_proc_kill (emp, list[1].pid), "kill");
    printf (" then %zu", procs (emp, list, 2));
    emp_summary_t summary;
    do
        emp_summary (emp, &summary);
    while (summary.answered < 10 && emp_wait_for (emp, 5) == EMP_TIMEOUT);
    printf (" over %d", emp_begin_proc_shutdown (emp));
    must (emp, emp_proc_kill_all (emp), "kill all");
    must (emp, emp_wait (emp), "wait");
    emp_summary (emp, &summary);
    printf (" then %d answered %llu lost %llu\n", emp_begin_proc_shutdown (emp), (unsigned long long) summary.answered,
            (unsigned long long) summary.workers_lost);
    emp_destroy (&emp);
}

/* Kills one after the other, faster than the supervisor looks. */
static void kill_each (const char *module)
{
    enum { MANY = 80 };
    emp_t *emp = manager (module, "count_down", MANY);
    must (emp, emp_config_set_bool (emp, "SERVE", true), "SERVE");
    must (emp, emp_start (emp), "start");
    static emp_proc_t list[MANY];
    while (emp_proc_list (emp, list, MANY) < MANY && emp_wait_for (emp, 5) == EMP_TIMEOUT)
        ;
    printf ("procs %zu", emp_proc_list (emp, list, MANY));
    for (size_t i = 0; i < MANY; i++)
        must (emp, emp_proc_kill (emp, list[i].pid), "kill");
    must (emp, emp_wait (emp), "wait"); /* which nothing but their deaths ends */
    printf (" then %zu\n", emp_proc_list (emp, list, MANY));
    emp_destroy (&emp);
}

static void *stopper (void *arg)
{
    usleep (300000); /* most likely the other waits by then; if not it must end all the same */
    emp_stop (arg);
    return NULL;
}

/* A put and a get that wait, each in a run of its own; nobody is in emp_wait meanwhile. */
static void ended_early (const char *module, const char *ref, bool stop)
{
    for (int puts = 0; puts < 2; puts++) {
        emp_t *emp = manager (module, ref, 1);
        must (emp, emp_queue_create (emp, "q", 2), "queue");
        must (emp, emp_start (emp), "start");
        pthread_t thread;
        if (stop)
            pthread_create (&thread, NULL, stopper, emp);
        emp_chunk_t *chunk = NULL;
        emp_status_t status;
        if (puts)
            while ((status = put_number (emp_queue (emp, "q"), 1, -1)) == EMP_OK)
                ;
        else
            status = emp_queue_get_wait (emp_queue (emp, "q"), -1, &chunk);
        printf ("%s: %s, ", puts ? "put" : "get", emp_status_text (status));
        if (stop)
            pthread_join (thread, NULL);
        status = emp_wait (emp);
        printf ("%s: %s\n", emp_status_text (status), emp_error (emp));
        emp_destroy (&emp);
    }
}

static void *putter (void *arg)
{
    static emp_status_t status;
    while ((status = put_number (arg, 1, -1)) == EMP_OK)
        ;
    return &status;
}

static void late (const char *module)
{
    emp_t *emp = manager (module, "count_down", 1);
    must (emp, emp_queue_create (emp, "q", 2), "queue");
    must (emp, emp_start (emp), "start");
    pthread_t thread;
    pthread_create (&thread, NULL, putter, emp_queue (emp, "q"));
    while (!emp_queue_full (emp_queue (emp, "q")))
        usleep (1000);
    emp_status_t status = emp_wait_for (emp, 10); /* the worker never reads q, so the run has no end */
    void *put;
    pthread_join (thread, &put);
    printf ("wait: %s, put: %s", emp_status_text (status), emp_status_text (*(emp_status_t *) put));
    emp_stop (emp);
    printf (", %s", emp_status_text (emp_wait (emp)));
    printf (": %s\n", emp_error (emp));
    emp_destroy (&emp);
}

static bool nothing (emp_generator_t *generator, msgpack_packer *row)
{
    (void) generator, (void) row;
    return false;
}

static void feeders (const char *module)
{
    emp_t *emp = manager (module, "texts", 1);
    must (emp, emp_start (emp), "start");
    emp_status_t status = EMP_OK;
    int count = 0;
    while (count < 300 && (status = emp_run_q_feeder (emp, nothing, NULL, NULL, NULL)) == EMP_OK)
        count++;
    printf ("%d feeders, %s\n", count, emp_error (emp));
    must (emp, emp_wait (emp), "wait");
    emp_destroy (&emp);
}

static bool stuck (emp_generator_t *generator, msgpack_packer *row)
{
    (void) row;
    while (emp_generator_index (generator) == 0)
        pause ();
    return false;
}

static void hang (const char *module)
{
    emp_t *emp = manager (module, "count_down", 1);
    must (emp, emp_config_set_double (emp, "STOP_GRACE", 0.2), "grace");
    must (emp, emp_start (emp), "start");
    must (emp, emp_run_q_feeder (emp, stuck, NULL, NULL, NULL), "feeder");
    emp_destroy (&emp);
    printf ("destroyed\n");
    fflush (stdout);
    _exit (0);
}

/* nil when there is no name: all of them. */
static emp_status_t put_name (emp_queue_t *queue, const char *name)
{
    msgpack_sbuffer rows;
    msgpack_packer pk;
    msgpack_sbuffer_init (&rows);
    msgpack_packer_init (&pk, &rows, msgpack_sbuffer_write);
    if (name)
        msgpack_pack_str_with_body (&pk, name, strlen (name));
    else
        msgpack_pack_nil (&pk);
    emp_status_t status = emp_queue_put (queue, rows.data, rows.size);
    msgpack_sbuffer_destroy (&rows);
    return status;
}

static void processes (const char *module)
{
    emp_t *emp = manager (module, "count_down", WORKERS);
    emp_queue_t *queue = emp_queue (emp, "mp_process_q");
    must (emp, emp_start (emp), "start");
    emp_proc_t list[8];
    procs (emp, list, WORKERS);
    printf ("unknown %s, number %s, nothing %s", emp_status_text (put_name (queue, "Process-9")),
            emp_status_text (put_number (queue, 2, -1)), emp_status_text (emp_queue_put (queue, "", 0)));
    must (emp, put_name (queue, "Process-2"), "Process-2");
    size_t left = procs (emp, list, WORKERS - 1);
    bool there = false;
    for (size_t i = 0; i < left; i++)
        there = there || strcmp (list[i].name, "Process-2") == 0;
    printf (" then %zu %s Process-2, all %s", left, there ? "with" : "without",
            emp_status_text (put_name (queue, NULL)));
    must (emp, emp_wait (emp), "wait");
    emp_summary_t summary;
    emp_summary (emp, &summary);
    printf (" then %d lost %llu\n", emp_begin_proc_shutdown (emp), (unsigned long long) summary.workers_lost);
    emp_destroy (&emp);
}

int main (int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (strcmp (argv[1], "commands") == 0)
        commands (argv[2]);
    else if (strcmp (argv[1], "full") == 0)
        full (argv[2]);
    else if (strcmp (argv[1], "each") == 0)
        kill_each (argv[2]);
    else if (strcmp (argv[1], "gone") == 0)
        gone (argv[2]);
    else if (strcmp (argv[1], "deserted") == 0)
        ended_early (argv[2], "worker_entrance", false);
    else if (strcmp (argv[1], "feeders") == 0)
        feeders (argv[2]);
    else if (strcmp (argv[1], "hang") == 0)
        hang (argv[2]);
    else if (strcmp (argv[1], "late") == 0)
        late (argv[2]);
    else if (strcmp (argv[1], "stopped") == 0)
        ended_early (argv[2], "count_down", true);
    else if (strcmp (argv[1], "processes") == 0)
        processes (argv[2]);
    else
        kill_some (argv[2]);
    return 0;
}
