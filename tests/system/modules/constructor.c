/* SPDX-License-Identifier: BSD-3-Clause
 *
 * constructor.c - for the tests of start methods: does when it is loaded what EMP_TEST_CONSTRUCTOR says. Its constructor
 * runs where the module is loaded: in each slot, or in the template.
 */
#include <eisenmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ready (emp_toolbox_t *toolbox);
bool stays (emp_toolbox_t *toolbox);

static pid_t loaded_in;

static void *idle (void *arg)
{
    for (;;)
        pause ();
    return arg;
}

/* In the template, a midwife of which is on its way. */
static void die_where_it_was_loaded (void)
{
    if (getpid () == loaded_in)
        kill (loaded_in, SIGKILL);
}

__attribute__ ((constructor)) static void construct (void)
{
    const char *what = getenv ("EMP_TEST_CONSTRUCTOR");
    pthread_t thread;
    loaded_in = getpid ();
    if (!what)
        return;
    if (strcmp (what, "dies") == 0)
        raise (SIGUSR1);
    if (strcmp (what, "exits with 0") == 0)
        exit (0);
    if (strcmp (what, "exits with 2") == 0)
        exit (2);
    if (strcmp (what, "never returns") == 0) {
        fprintf (stderr, "loading\n");
        idle (NULL);
    }
    if (strcmp (what, "starts a thread") == 0)
        pthread_create (&thread, NULL, idle, NULL);
    if (strcmp (what, "dies after a fork") == 0)
        pthread_atfork (NULL, die_where_it_was_loaded, NULL);
    if (strcmp (what, "writes") == 0)
        printf ("constructed, no end of a line");
}

bool ready (emp_toolbox_t *toolbox)
{
    printf ("%s was loaded %s, START_METHOD %s\n", emp_toolbox_worker_name (toolbox),
            loaded_in == getpid () ? "in it" : "before it", emp_toolbox_string (toolbox, "START_METHOD", "unknown"));
    return false;
}

bool stays (emp_toolbox_t *toolbox)
{
    (void) toolbox;
    usleep (1000);
    return true;
}
