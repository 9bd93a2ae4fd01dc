/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queues.c - the manager's side of the queues (B9 to B16): made before the start, used between start and end.
 *
 * What a manager puts is counted as a feeder's chunks are: its tickets are in the dictionary, and missing when they are.
 */
#include <stdlib.h>
#include <string.h>

#include "manager.h"
#include "procs.h"
#include "tools.h"

/* ---- making them ------------------------------------------------------------------------------------------------- */

emp_status_t emp_queue_create (emp_t *self, const char *name, int64_t maxsize)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "queue %s: queues are made before the start", name);
    if (emp_name_check (name) != EMP_OK)
        return emp_fail (self, EMP_INVALID, "queue \"%.140s\": expected 1 to %d printable bytes without ';' and '|'",
                         name, EMP_NAME_MAX);
    emp_status_t status = emp_config_queue (&self->config, name, maxsize);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "%s", self->config.error);
}

emp_status_t emp_category_create (emp_t *self, const char *category, const char *name, int64_t maxsize)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "queue %s|%s: queues are made before the start", category, name);
    char full[EMP_NAME_MAX + 1];
    emp_status_t status = emp_name_join (category, name, full);
    if (status != EMP_OK)
        return emp_fail (self, status, "queue \"%.140s|%.140s\": %s", category, name, emp_status_text (status));
    status = emp_config_queue (&self->config, full, maxsize);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "%s", self->config.error);
}

emp_status_t emp_queues_create (emp_t *self, const emp_queue_spec_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const emp_queue_spec_t *spec = &list[i];
        emp_status_t status = spec->category ? emp_category_create (self, spec->category, spec->name, spec->maxsize)
                                             : emp_queue_create (self, spec->name, spec->maxsize);
        if (status != EMP_OK)
            return status; /* those before it stay, those behind it are not made (B12) */
    }
    return EMP_OK;
}

/* ---- handles ----------------------------------------------------------------------------------------------------- */

static emp_status_t feed_opened (void *arg, emp_port_t *port, uint32_t feed)
{
    emp_t *self = arg;
    if (self->journal)
        emp_journal_foreign (self->journal, port->base.label);
    return emp_results_feed (self->results, feed, port->base.label, port->base.name);
}

size_t emp_queues_find (const emp_t *self, const char *name)
{
    size_t i = 0;
    while (i < self->config.queues_count && strcmp (self->config.queues[i].name, name) != 0)
        i++;
    return i;
}

/* Called under the lock. */
static emp_port_t *make_port (emp_t *self, const char *name)
{
    emp_port_t *port = emp_port_new (&self->client, name);
    if (!port)
        return NULL;
    port->opened = feed_opened;
    port->arg = self;
    if (strcmp (name, "mp_process_q") == 0)
        port->base.calls = emp_procs_calls ();
    if (strcmp (name, "mp_tools_q") == 0)
        port->base.calls = emp_tools_calls ();
    if (self->puts_ended)
        emp_port_end_puts (port); /* a feed that it opened would end with nothing */
    return port;
}

static bool make_room (emp_t *self)
{
    size_t room = self->config.queues_count;
    if (self->ports_room >= room)
        return true;
    emp_port_t **ports = realloc (self->ports, room * sizeof (emp_port_t *));
    if (!ports)
        return false;
    memset (ports + self->ports_room, 0, (room - self->ports_room) * sizeof (emp_port_t *));
    self->ports = ports;
    self->ports_room = room;
    return true;
}

emp_queue_t *emp_queue_at (emp_t *self, size_t i)
{
    if (i >= self->config.queues_count)
        return NULL;
    pthread_mutex_lock (&self->lock);
    emp_port_t *port = NULL;
    if (make_room (self)) {
        if (!self->ports[i])
            self->ports[i] = make_port (self, self->config.queues[i].name);
        port = self->ports[i];
    }
    pthread_mutex_unlock (&self->lock);
    return port ? &port->base : NULL;
}

emp_queue_t *emp_queue (emp_t *self, const char *name)
{
    emp_queue_t *queue = emp_queue_at (self, emp_queues_find (self, name));
    if (!queue)
        emp_fail (self, EMP_UNKNOWN, "queue %s: not there", name);
    return queue;
}

emp_queue_t *emp_category_queue (emp_t *self, const char *category, const char *name)
{
    char full[EMP_NAME_MAX + 1];
    if (emp_name_join (category, name, full) == EMP_OK)
        return emp_queue (self, full);
    emp_fail (self, EMP_UNKNOWN, "queue %.140s|%.140s: not there", category, name);
    return NULL;
}

/* ---- their end --------------------------------------------------------------------------------------------------- */

/* Others may make more of them meanwhile, and move the list. */
static emp_port_t *port_at (emp_t *self, size_t i)
{
    pthread_mutex_lock (&self->lock);
    emp_port_t *port = self->ports[i];
    pthread_mutex_unlock (&self->lock);
    return port;
}

void emp_queues_end_puts (emp_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->puts_ended = true;
    size_t count = self->ports_room; /* what others make from now on is made without puts */
    pthread_mutex_unlock (&self->lock);
    for (size_t i = 0; i < count; i++) {
        emp_port_t *port = port_at (self, i);
        if (!port)
            continue;
        uint32_t feed = emp_port_end_puts (port);
        if (feed)
            emp_results_feed_end (self->results, feed, atomic_load (&port->tickets), atomic_load (&port->rows));
    }
}

void emp_queues_close (emp_t *self)
{
    atomic_store (&self->client.closing, true);
    for (size_t i = 0; i < self->ports_room; i++)
        if (self->ports[i])
            emp_port_close (self->ports[i]);
}

void emp_queues_free (emp_t *self)
{
    for (size_t i = 0; i < self->ports_room; i++)
        emp_port_destroy (&self->ports[i]);
    free (self->ports);
    emp_tools_free (self);
    emp_client_release (&self->client);
}
