/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child.h - one process of a supervisor: started as a program of its own, or forked on its behalf by a template, watched
 * by a pidfd, collected with its group.
 *
 * It gets /dev/null as stdin, one pipe as stdout and stderr, a shared page as descriptor EMP_CHILD_PAGE_FD, if wanted one
 * file more as EMP_CHILD_EXTRA_FD, a process group of its own, and EISENMP_SLOT=<session> in its environment (tag.h). Signals
 * are at their defaults but SIGTERM, which is blocked: the child asks for it when it is ready to leave. Only the
 * thread that lives as long as the supervisor may start it: PR_SET_PDEATHSIG fires when that thread ends.
 */
#ifndef EMP_WORKER_CHILD_H
#define EMP_WORKER_CHILD_H

#include <sys/types.h>

#include "../common/control.h"
#include "../common/slotpage.h"
#include "../common/tag.h"
#include "fate.h"

#define EMP_CHILD_PAGE_FD 3
#define EMP_CHILD_EXTRA_FD 4

typedef struct {
    pid_t pid; /* 0: none */
    int pidfd; /* -1 where the kernel, or a sandbox, has none: SIGCHLD must do */
    int pipe;  /* what it writes; not blocking */
    emp_slotpage_t *page;
} emp_child_t;

/* `extra`: a file above EMP_CHILD_EXTRA_FD that stays the caller's, or -1. EMP_SYSTEM with errno: the system refuses. */
emp_status_t emp_child_start (emp_child_t *ret_self, const char *program, char *const argv[], uint64_t session,
                              int extra);
/* Makes a process that is our child and has these files: 0 and its id, or an error number. */
typedef int (emp_child_make_fn) (void *arg, int page, int output, pid_t *ret_pid);
/* A child whose process somebody else makes. Errors as above. */
emp_status_t emp_child_adopt (emp_child_t *ret_self, emp_child_make_fn *make, void *arg);
/* A descriptor above those that a child has fixed places for, closed at an exec; takes `fd`, which may be -1. */
int emp_child_move_up (int fd);
/* This very program, by its name where that still leads to it. */
#define EMP_CHILD_PROGRAM_MAX 4096
const char *emp_child_program (char *room);
void emp_child_signal (const emp_child_t *self, int number);
/* When it has ended: kills what is left of its group, then collects it, and says how it ended, with which peak of memory
 * (that of children which it waited for included; never below ours, whose memory a spawned process has until its exec),
 * and what its page says. False: it has not ended. */
bool emp_child_collect (emp_child_t *self, emp_end_t *ret_end);
/* Closes pipe, pidfd and page. The process must have been collected. */
void emp_child_release (emp_child_t *self);

#endif
