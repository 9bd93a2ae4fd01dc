/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slot.h - the process in which worker modules run. One session, one toolbox, one page shared with its supervisor.
 *
 * It is killed when its supervisor ends. SIGTERM: it leaves after the chunk in hand. It ends by _exit, since threads of
 * modules may run on: nothing of theirs, of czmq's or of libc's exit list is run, but what was written is flushed.
 */
#ifndef EMP_WORKER_SLOT_H
#define EMP_WORKER_SLOT_H

#include "../common/control.h"
#include "job.h"

typedef struct {
    const char *endpoint;
    const char *directory; /* of the run, or NULL */
    uint64_t run;
    uint64_t session;
    uint64_t parent; /* the supervisor's session */
    unsigned number; /* START_SEQUENCE_NUM */
    int page_fd;
    int parent_pid;
    int job_fd;           /* -1, or the job as this host's supervisor has made it of the one in WELCOME */
    const emp_job_t *job; /* the job that it was forked with, or NULL: that of its session */
} emp_slot_config_t;

/* "Process-<number + 1>" into EMP_SLOT_NAME_MAX bytes. */
#define EMP_SLOT_NAME_MAX 32
void emp_slot_name (unsigned number, char *ret_name);

/* From now on this process is killed when its parent ends, which must be that one. */
void emp_slot_tie (int parent_pid);

/* Runs to the end of the process. Exit status 0 and page->left: in good order; EMP_EXIT_UNFIT: cannot connect or
 * cannot load a module, one line on stderr says why; 1: the broker is gone, or a queue failed. */
_Noreturn void emp_slot_run (const emp_slot_config_t *config);

#endif
