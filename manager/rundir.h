/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rundir.h - the folder of one run's ipc sockets: eisenmp-XXXXXX, mode 0700, in $XDG_RUNTIME_DIR, $TMPDIR or /tmp.
 *
 * It holds a locked file as long as its manager lives, so that a later run can tell a folder that was left behind (kill -9
 * of manager and supervisor together) from one in use, and removes it.
 */
#ifndef EMP_RUNDIR_H
#define EMP_RUNDIR_H

#include "../common/directory.h"

#define EMP_RUNDIR_MAX EMP_DIRECTORY_MAX

#define EMP_RUNDIR_LOCK "lock" /* the file in it */
#define EMP_RUNDIR_BASES 3

/* Where such folders may be. Returns how many; borrowed from the environment. */
size_t emp_rundir_bases (const char *ret_bases[EMP_RUNDIR_BASES]);
/* "eisenmp-XXXXXX". */
bool emp_rundir_is_name (const char *name);
/* Where it is made: the first of those that is there and may be written to. */
const char *emp_rundir_base (void);
/* Makes one, having removed those that were left behind. *ret_lock is the descriptor that keeps the lock. EMP_SYSTEM
 * with errno. ret_path has EMP_RUNDIR_MAX + 1 bytes. */
emp_status_t emp_rundir_new (char *ret_path, int *ret_lock);
/* Removes the files and sockets in it, and it. Nothing recursive: what we do not make is not ours to remove. */
void emp_rundir_remove (const char *path, int lock);

#endif
