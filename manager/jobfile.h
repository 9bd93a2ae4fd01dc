/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jobfile.h - a job file (YAML) into a configuration.
 *
 * Every error has file:line:column, the source line with a caret, what was found and what was expected; all errors of
 * the schema that can be found in one reading are reported, not only the first (up to 20).
 * Bounds: a file of at most 16 MiB, a million values, 64 levels, of which a value of the toolbox may use 30; 1000
 * anchors, 1000 aliases.
 */
#ifndef EMP_JOBFILE_H
#define EMP_JOBFILE_H

#include "config.h"

/* Reads `path` into `config` (already initialised; the file's keys are set over what is there) and finds its modules.
 * EMP_OK; EMP_INVALID with everything written to `messages` (stderr for the program; a memory stream in tests) and
 * the first of them in config->error. */
emp_status_t emp_jobfile_load (emp_config_t *config, const char *path, const char *modules_dir, FILE *messages);

#endif
