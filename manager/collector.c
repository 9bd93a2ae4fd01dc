/* SPDX-License-Identifier: BSD-3-Clause
 *
 * collector.c - the thread between the sink and the ticket dictionary. See collector.h.
 */
#include "collector.h"

#include <stdlib.h>

#include "../common/thread.h"
#include "wall.h"

struct emp_collector {
    emp_sink_t *sink;
    emp_results_t *results;
    void (*ended) (void *arg, emp_status_t status);
    void *arg;
    pthread_t thread;
};

/* A ticket that ended twice is counted there and shows in the summary; nothing else is to be done. */
static void take (emp_results_t *results, uint32_t feed, emp_status_t known, const emp_part_t *part,
                  const uint8_t *payload)
{
    emp_status_t status = known == EMP_OK ? emp_results_take (results, feed, part, payload) : known;
    if (status == EMP_FULL || status == EMP_NOMEM)
        emp_results_lose (results, part, status);
}

static void *collector_thread (void *arg)
{
    emp_collector_t *self = arg;
    const emp_wire_t *wire;
    const uint8_t *payload;
    emp_status_t status;
    while ((status = emp_sink_next (self->sink, &wire, &payload)) == EMP_OK) {
        /* One that is not known was opened by a worker: the manager's are announced before they put. */
        emp_status_t known = emp_results_worker_feed (self->results, wire->feed, wire->label);
        emp_results_clock (self->results, emp_wall_ms ());
        for (uint32_t i = 0; i < wire->count; i++) {
            take (self->results, wire->feed, known, &wire->parts[i], payload);
            payload += wire->parts[i].length;
        }
    }
    self->ended (self->arg, status);
    return NULL;
}

emp_status_t emp_collector_new (emp_session_t *session, emp_results_t *results,
                                void (*ended) (void *arg, emp_status_t status), void *arg, emp_collector_t **ret_self)
{
    emp_collector_t *self = calloc (1, sizeof *self);
    if (!self)
        return EMP_NOMEM;
    self->results = results;
    self->ended = ended;
    self->arg = arg;
    emp_status_t status = emp_sink_new (session, &self->sink);
    if (status == EMP_OK && !emp_thread_start (&self->thread, "emp-collector", collector_thread, self))
        status = EMP_SYSTEM;
    if (status != EMP_OK) {
        emp_sink_destroy (&self->sink);
        free (self);
        return status;
    }
    *ret_self = self;
    return EMP_OK;
}

void emp_collector_destroy (emp_collector_t **self_p)
{
    emp_collector_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_join (self->thread, NULL);
    emp_sink_destroy (&self->sink);
    free (self);
}
