/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - eisenmp-broker: the broker as a process of its own.
 *
 * It serves one run and ends when that run's manager has left. Local clients only: the door is an ipc:// socket in a
 * folder of 0700, where lanes and intakes are made too.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/net/socket.h"
#include "../common/thread.h"
#include "broker.h"

EMP_API const char *argp_program_version = /* libc finds it by name */
    "eisenmp-broker " EMP_VERSION;

typedef struct {
    const char *directory;
} options_t;

static const struct argp_option option_list[] = {
    {"directory", 'd', "DIR", 0, "folder for the sockets; made with mode 0700 when it is not there", 0}, {0}};

static error_t take_option (int key, char *arg, struct argp_state *state)
{
    options_t *options = state->input;
    if (key == 'd')
        options->directory = arg;
    else if (key == ARGP_KEY_ARG)
        argp_error (state, "unexpected argument \"%s\"", arg);
    else if (key == ARGP_KEY_END && !options->directory)
        argp_error (state, "--directory is needed");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static void manager_left (void *arg)
{
    (void) arg;
    kill (getpid (), SIGTERM); /* main waits for it */
}

static bool require_directory (const char *path)
{
    if (mkdir (path, 0700) == 0)
        return true;
    struct stat info;
    if (errno != EEXIST || stat (path, &info) != 0) {
        fprintf (stderr, "eisenmp: %s: %s\n", path, strerror (errno));
        return false;
    }
    if (!S_ISDIR (info.st_mode) || info.st_uid != geteuid () || (info.st_mode & 0077)) {
        fprintf (stderr, "eisenmp: %s: expected a folder of our own with mode 0700\n", path);
        return false;
    }
    return true;
}

int main (int argc, char **argv)
{
    emp_thread_reserve_streams ();
    options_t options = {0};
    argp_err_exit_status = 2;
    const struct argp argp = {
        option_list, take_option, NULL, "Holds the queues of one run, for a manager and workers on this host.",
        NULL,        NULL,        NULL};
    argp_parse (&argp, argc, argv, 0, NULL, &options);
    sigset_t ends;
    sigemptyset (&ends);
    sigaddset (&ends, SIGINT);
    sigaddset (&ends, SIGTERM);
    sigprocmask (SIG_BLOCK, &ends, NULL);
    if (!require_directory (options.directory))
        return 2;
    char door[EMP_ENDPOINT_MAX + 1];
    snprintf (door, sizeof door, "ipc://%.200s/door", options.directory);
    emp_broker_config_t config = {.directory = options.directory,
                                  .listen = door,
                                  .beat_ms = 1000,
                                  .core = emp_core_config_default,
                                  .manager_left = manager_left};
    emp_status_t status;
    emp_broker_t *broker = emp_broker_new (&config, &status);
    if (!broker) {
        fprintf (stderr, "eisenmp: %s: %s\n", door, status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
        return 2;
    }
    fprintf (stderr, "eisenmp: broker at %s\n", emp_broker_endpoint (broker));
    int caught;
    sigwait (&ends, &caught);
    emp_broker_destroy (&broker);
    return 0;
}
