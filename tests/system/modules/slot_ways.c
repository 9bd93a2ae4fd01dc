/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slot_ways.c - for the tests of slots and their supervisor: the ways in which a module can end its process, or not.
 */
#include <eisenmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAY(name)                                                                                                      \
    bool name (emp_toolbox_t *toolbox);                                                                                \
    bool name (emp_toolbox_t *toolbox)

WAY (done_at_once)
{
    printf ("%s has number %u\n", emp_toolbox_worker_name (toolbox), emp_toolbox_start_sequence_num (toolbox));
    return false;
}

WAY (dies_of_a_signal)
{
    for (int i = 1; i <= 12; i++)
        fprintf (stderr, "line %d of %s\n", i, emp_toolbox_worker_name (toolbox));
    return raise (SIGUSR1) == 0;
}

/* More than a pipe has room for, and than anybody keeps. */
WAY (talks_and_dies)
{
    (void) toolbox;
    for (int i = 0; i < 20000; i++)
        fprintf (stderr, "line %d of many that nobody reads\n", i);
    return raise (SIGUSR1) == 0;
}

WAY (exits_with_0)
{
    (void) toolbox;
    printf ("not flushed by the module");
    exit (0);
}

WAY (exits_with_2)
{
    (void) toolbox;
    exit (2);
}

WAY (never_returns)
{
    (void) toolbox;
    printf ("running\n");
    for (;;)
        pause ();
}

WAY (ticks)
{
    (void) toolbox;
    usleep (1000);
    return true;
}

/* Waits for chunks until there are no more. */
WAY (waits_for_chunks)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, "mp_input_q"));
    bool more = chunk != NULL;
    emp_chunk_done (&chunk);
    return more;
}

WAY (dies_of_a_chunk)
{
    if (emp_queue_get (emp_toolbox_queue (toolbox, "mp_input_q")))
        raise (SIGUSR1);
    return false;
}

/* Never gives a chunk back. */
WAY (wedges_at_a_chunk)
{
    if (emp_queue_get (emp_toolbox_queue (toolbox, "mp_input_q")))
        for (;;)
            pause ();
    return false;
}

/* Gives it back when somebody has sent SIGUSR2. */
static volatile sig_atomic_t may_go_on;

static void go_on (int number)
{
    (void) number;
    may_go_on = 1;
}

WAY (holds_its_chunk)
{
    signal (SIGUSR2, go_on);
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, "mp_input_q"));
    if (!chunk)
        return false;
    printf ("has it\n");
    while (!may_go_on)
        usleep (1000);
    emp_chunk_done (&chunk);
    return true;
}

/* Does not understand that there are no more. */
WAY (never_has_enough)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, "mp_input_q"));
    emp_chunk_done (&chunk);
    return true;
}

WAY (leaves_a_daemon)
{
    (void) toolbox;
    if (system ("setsid sh -c 'echo daemon $$; exec sleep 1000' &") != 0)
        return false;
    for (;;)
        pause ();
}

static char order[64];

WAY (mate_one)
{
    (void) toolbox;
    strcat (order, "one ");
    return true;
}

WAY (mate_two)
{
    (void) toolbox;
    strcat (order, "two ");
    return false; /* of a mate this means nothing */
}

WAY (says_the_order)
{
    (void) toolbox;
    printf ("mates: %s\n", order);
    return false;
}

/* A mate whose threads outlive the first module, and ask at the queues in the moment of its end. */
static void *asks_on (void *arg)
{
    for (;;)
        emp_queue_size (emp_toolbox_queue (arg, "mp_input_q"));
    return NULL;
}

static void *tells_on (void *arg)
{
    for (;;)
        emp_queue_put (emp_toolbox_queue (arg, "mp_info_q"), "\1", 1);
    return NULL;
}

static void *fetches_on (void *arg)
{
    for (;;) {
        emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (arg, "mp_tools_q"));
        emp_chunk_done (&chunk);
    }
    return NULL;
}

WAY (has_threads_that_ask)
{
    pthread_t thread;
    return pthread_create (&thread, NULL, asks_on, toolbox) == 0 &&
           pthread_create (&thread, NULL, tells_on, toolbox) == 0 &&
           pthread_create (&thread, NULL, fetches_on, toolbox) == 0;
}

/* A mate whose thread outlives the first module. */
static void *runs_on (void *arg)
{
    for (;;)
        emp_toolbox_print (arg, "still here\n");
    return NULL;
}

WAY (has_a_thread)
{
    pthread_t thread;
    return pthread_create (&thread, NULL, runs_on, toolbox) == 0;
}
