/* SPDX-License-Identifier: BSD-3-Clause
 *
 * programs.h - where the project's other programs, its modules and its examples are, seen from whoever asks.
 *
 * Looked for, in this order: $EISENMP_EXEC_PATH; the folder of the running program; bin beside the folder of the loaded
 * library; $PATH. Modules: ../lib/eisenmp seen from the programs. Examples: $EISENMP_EXAMPLES, else
 * ../share/eisenmp/examples seen from the programs; a build has a link to the source's there.
 */
#ifndef EMP_PROGRAMS_H
#define EMP_PROGRAMS_H

#include "eisenmp.h"

#define EMP_PATH_MAX 4096

/* Full path of a program of ours ("eisenmp-worker") into ret_path (EMP_PATH_MAX bytes); EMP_UNKNOWN. */
emp_status_t emp_programs_find (const char *name, char *ret_path);
/* The modules folder into ret_path (EMP_PATH_MAX bytes); EMP_UNKNOWN when the programs are not found. */
emp_status_t emp_programs_modules (char *ret_path);
/* The examples folder, without links, into ret_path (EMP_PATH_MAX bytes); EMP_UNKNOWN when there is none: then ret_path is
 * where it was looked for, "" when the programs are not found. */
emp_status_t emp_programs_examples (char *ret_path);

#endif
