/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cmd_exec.c - `eisenmp worker …` is `eisenmp-worker …`; so of broker and examples.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/programs.h"
#include "commands.h"

int emp_cmd_exec (int argc, char **argv)
{
    (void) argc;
    char name[64], path[EMP_PATH_MAX];
    snprintf (name, sizeof name, "eisenmp-%s", strrchr (argv[0], ' ') + 1);
    if (emp_programs_find (name, path) != EMP_OK) {
        fprintf (stderr, "eisenmp: %s is neither beside this program nor in $PATH\n", name);
        return 2;
    }
    argv[0] = name;
    execv (path, argv);
    fprintf (stderr, "eisenmp: %s: %s\n", path, strerror (errno));
    return 2;
}
