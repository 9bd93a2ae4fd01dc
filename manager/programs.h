/* SPDX-License-Identifier: BSD-3-Clause
 *
 * programs.h - where the project's other programs and its modules are, seen from whoever asks.
 *
 * Looked for, in this order: $EISENMP_EXEC_PATH; the folder of the running program; bin beside the folder of the loaded
 * library; $PATH. Modules: ../lib/eisenmp seen from the programs.
 */
#ifndef EMP_PROGRAMS_H
#define EMP_PROGRAMS_H

#include "../common/eisenmp.h"

#define EMP_PATH_MAX 4096

/* Full path of a program of ours ("eisenmp-worker") into ret_path (EMP_PATH_MAX bytes); EMP_UNKNOWN. */
emp_status_t emp_programs_find (const char *name, char *ret_path);
/* The modules folder into ret_path (EMP_PATH_MAX bytes); EMP_UNKNOWN when the programs are not found. */
emp_status_t emp_programs_modules (char *ret_path);

#endif
