/* SPDX-License-Identifier: BSD-3-Clause
 *
 * commands.h - what `eisenmp COMMAND` can be: one file a command, one table in main.c.
 */
#ifndef EMP_COMMANDS_H
#define EMP_COMMANDS_H

/* argv[0] is "eisenmp COMMAND". Returns the exit code: 0 every ticket answered, 1 some not, 2 bad usage or
 * configuration. */
typedef int (emp_command_fn) (int argc, char **argv);

emp_command_fn emp_cmd_run;      /* cmd_run.c: a job file */
emp_command_fn emp_cmd_settings; /* cmd_run.c: the keys of a job file */
emp_command_fn emp_cmd_keys;     /* cmd_keys.c: CURVE keys */
emp_command_fn emp_cmd_explain;  /* cmd_explain.c: the life of a ticket */
emp_command_fn emp_cmd_status;   /* cmd_status.c: how a run stands */
emp_command_fn emp_cmd_top;      /* cmd_status.c: again and again */
emp_command_fn emp_cmd_exec;     /* cmd_exec.c: another program of ours, as git does with its own */

#endif
