/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - eisenmp: the front for all commands.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/name.h"
#include "../common/thread.h"
#include "commands.h"

EMP_API const char *argp_program_version = /* libc finds it by name */
    "eisenmp " EMP_VERSION;

static const struct {
    const char *name;
    emp_command_fn *run;
    const char *help;
} commands[] = {
    {"run", emp_cmd_run, "run a job file"},
    {"status", emp_cmd_status, "how a run stands: queues, hosts, slots and what they hold"},
    {"top", emp_cmd_top, "the same, again every second"},
    {"explain", emp_cmd_explain, "the life of a ticket of a run that is over: who tried it, when, what came of it"},
    {"settings", emp_cmd_settings, "list the keys of a job file, with type, range and default"},
    {"keys", emp_cmd_keys, "CURVE keys: this host's pair, and whom its broker lets in"},
    {"examples", emp_cmd_exec, "a menu of the examples, in the terminal or, --web, in the browser (eisenmp-examples)"},
    {"worker", emp_cmd_exec, "worker processes for a run (eisenmp-worker)"},
    {"broker", emp_cmd_exec, "a broker in a process of its own (eisenmp-broker)"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void help (FILE *out)
{
    fprintf (out, "Usage: eisenmp COMMAND [ARGUMENT...]\n\n"
                  "Cuts work into numbered tickets, has them worked on by processes, loses none.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf (out, "\n`eisenmp COMMAND --help` tells more; `eisenmp --version` the version.\n");
}

static int unknown (const char *word)
{
    const char *names[COMMANDS + 1] = {0};
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = emp_name_nearest (word, names);
    fprintf (stderr, "eisenmp: unknown command \"%s\"", word);
    if (nearest)
        fprintf (stderr, ", did you mean \"%s\"?", nearest);
    fprintf (stderr, "\n");
    return 2;
}

/* What was asked for was said, or could not be written. A command that failed has told why. */
static int said (int code)
{
    errno = 0;
    if (code != 0 || (fflush (stdout) == 0 && !ferror (stdout)))
        return code;
    fprintf (stderr, "eisenmp: standard output: %s\n", strerror (errno ? errno : EIO));
    return 1;
}

int main (int argc, char **argv)
{
    emp_thread_reserve_streams ();
    argp_err_exit_status = 2;
    if (argc < 2) {
        help (stderr);
        return 2;
    }
    if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0 || strcmp (argv[1], "help") == 0) {
        help (stdout);
        return said (0);
    }
    if (strcmp (argv[1], "--version") == 0 || strcmp (argv[1], "version") == 0) {
        printf ("%s\n", argp_program_version);
        return said (0);
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp (argv[1], commands[i].name) == 0) {
            char name[64];
            snprintf (name, sizeof name, "eisenmp %s", commands[i].name);
            argv[1] = name;
            return said (commands[i].run (argc - 1, argv + 1));
        }
    return unknown (argv[1]);
}
