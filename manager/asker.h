/* SPDX-License-Identifier: BSD-3-Clause
 *
 * asker.h - asks a broker how its run stands: a session of a watcher, and questions with a time limit.
 *
 * One thread. A question waits in short steps, so that the end of a local run, killed managers included, and a signal are
 * seen at once.
 */
#ifndef EMP_ASKER_H
#define EMP_ASKER_H

#include "../common/net/session.h"
#include "../common/overview.h"

#define EMP_ASKER_WHY_MAX (EMP_TEXT_MAX + EMP_ENDPOINT_MAX + 128)

typedef struct {
    const char *endpoint;         /* of the door */
    const char *folder;           /* of a local run; NULL: a remote one */
    const emp_curve_t *curve;     /* keys for a tcp:// endpoint; NULL: none */
    uint32_t patience_ms;         /* for each question, and for the welcome */
    bool (*gives_up) (void *arg); /* asked between the steps; NULL: never */
    void *arg;
} emp_asker_config_t;

typedef struct emp_asker emp_asker_t;

/* EMP_OK; EMP_TIMEOUT: nobody answers; EMP_STOPPED: the run is over; EMP_REFUSED: not let in; EMP_INVALID: no endpoint; EMP_SYSTEM,
 * EMP_NOMEM. With a sentence in ret_why (EMP_ASKER_WHY_MAX bytes). */
emp_status_t emp_asker_new (const emp_asker_config_t *config, emp_asker_t **ret_self, char *ret_why);
void emp_asker_destroy (emp_asker_t **self);
/* How it stands now, whole; to be released. EMP_OK; EMP_STOPPED: the run is over; EMP_TIMEOUT; EMP_STATE: gives_up said so;
 * EMP_SYSTEM: the connection broke; EMP_MALFORMED, EMP_NOMEM. With a sentence. */
emp_status_t emp_asker_ask (emp_asker_t *self, emp_overview_t *ret_overview, char *ret_why);
/* The run's id. */
uint64_t emp_asker_run (emp_asker_t *self);

#endif
