/* SPDX-License-Identifier: BSD-3-Clause
 *
 * collector.h - the thread that takes every ticket's ending from the sink into the ticket dictionary.
 */
#ifndef EMP_COLLECTOR_H
#define EMP_COLLECTOR_H

#include "../common/net/session.h"
#include "results.h"

typedef struct emp_collector emp_collector_t;

/* `ended` is called once, in its thread: EMP_STOPPED behind the last ending, EMP_SYSTEM when the broker is gone. */
emp_status_t emp_collector_new (emp_session_t *session, emp_results_t *results,
                                void (*ended) (void *arg, emp_status_t status), void *arg, emp_collector_t **ret_self);
/* Waits for the thread: its session must be down, or its end have come. */
void emp_collector_destroy (emp_collector_t **self);

#endif
