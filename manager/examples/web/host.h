/* SPDX-License-Identifier: BSD-3-Clause
 *
 * host.h - the processes of the runs: started, listened to, signalled, waited for as runs.h decides. One thread.
 */
#ifndef EMP_HOST_H
#define EMP_HOST_H

#include <poll.h>

#include "../catalogue.h"
#include "../runs.h"

#define EMP_HOST_POLLED_MAX (2u * EMP_RUNS_MAX)

typedef struct {
    const emp_catalogue_t *catalogue;
    char *program; /* path of eisenmp */
    emp_runs_t runs;
    int (*outputs)[2]; /* of each run; -1: closed */
    bool changed;      /* something happened since the caller set it to false */
} emp_host_t;

/* Borrows the catalogue and the path. EMP_NOMEM. */
emp_status_t emp_host_init (emp_host_t *self, const emp_catalogue_t *catalogue, char *program);
/* No run may be on. */
void emp_host_release (emp_host_t *self);
/* EMP_EXISTS, EMP_FULL, EMP_STATE as emp_runs_may_start; EMP_SYSTEM. */
emp_status_t emp_host_start (emp_host_t *self, size_t which);
/* EMP_STATE: it does not run. */
emp_status_t emp_host_stop (emp_host_t *self, size_t which);
/* What to wait for, beside SIGCHLD; the number of entries. */
size_t emp_host_polled (const emp_host_t *self, struct pollfd ret_polled[EMP_HOST_POLLED_MAX]);
/* Reads what was written, waits for who has ended, signals whose time it is. Never blocks. */
void emp_host_turn (emp_host_t *self, uint64_t now);

#endif
