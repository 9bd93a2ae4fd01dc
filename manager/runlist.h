/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runlist.h - the runs of this user that are on, on this host: their folders, and the file `info` that each manager leaves there.
 *
 * A run is on as long as its manager holds the folder's lock (rundir.h). Whatever is not wholly ours is passed over.
 */
#ifndef EMP_RUNLIST_H
#define EMP_RUNLIST_H

#include "rundir.h"

#define EMP_RUNLIST_MAX 256 /* runs that are found */
#define EMP_RUN_JOB_MAX 511 /* bytes of a job's name; of a longer one the end is kept */
#define EMP_RUN_NAME_MAX 14 /* "eisenmp-XXXXXX" */

typedef struct {
    char path[EMP_RUNDIR_MAX + 1];
    char name[EMP_RUN_NAME_MAX + 1];
    int64_t pid;                   /* of its manager */
    int64_t started;               /* seconds since 1970 */
    char job[EMP_RUN_JOB_MAX + 1]; /* the job file, or the program; for people: control characters are '?' */
} emp_run_info_t;

/* Leaves `info` in a run's folder: this process, now. EMP_OK, EMP_SYSTEM with errno: then nobody finds the run, and nothing else. */
emp_status_t emp_runlist_tell (const char *folder, const char *job);
/* The runs that are on, in $XDG_RUNTIME_DIR, $TMPDIR and /tmp, the youngest first; at most `room`. */
size_t emp_runlist (emp_run_info_t *list, size_t room);
/* Whether the run of this folder is on still. */
bool emp_runlist_is_on (const char *folder);

#endif
