/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.c - see queue.h.
 */
#include <string.h>

#include "poison.h"
#include "state.h"

static emp_status_t check_arguments (const char *name, uint32_t maxsize)
{
    size_t length = name ? strlen (name) : 0;
    bool good = length >= 1 && length <= EMP_NAME_MAX && maxsize >= 1 && maxsize <= EMP_QUEUE_MAXSIZE_LIMIT;
    return good ? EMP_OK : EMP_INVALID;
}

static void init_lists (core_queue_t *self)
{
    core_list_init (&self->tickets);
    core_list_init (&self->suspects);
    core_list_init (&self->ring);
    core_list_init (&self->lanes);
    core_list_init (&self->feeds);
    core_list_init (&self->dry);
    core_list_init (&self->low);
}

emp_status_t core_queue_new (emp_core_t *self, const char *name, uint32_t maxsize, uint64_t bytes_max,
                             core_queue_t **ret_queue)
{
    emp_status_t status = check_arguments (name, maxsize);
    if (status != EMP_OK)
        return status;
    core_queue_t *there = core_queue_find (self, name);
    if (there) {
        *ret_queue = there;
        return EMP_EXISTS;
    }
    status = core_pool_reserve (&self->queues, 1);
    if (status != EMP_OK)
        return status;
    core_queue_t *queue = core_pool_take (&self->queues);
    init_lists (queue);
    memcpy (queue->name, name, strlen (name) + 1);
    queue->maxsize = maxsize;
    queue->bytes_max = bytes_max;
    /* After the end no queue can begin again. */
    queue->stop_said = self->stop_all || self->finished || self->draining;
    self->queues_said += queue->stop_said;
    core_list_add_tail (&self->all_queues, &queue->in_all);
    core_index_add (&self->by_name, &queue->node, core_index_key (name));
    core_queue_touch (self, queue);
    *ret_queue = queue;
    return EMP_OK;
}

core_queue_t *core_queue_find (const emp_core_t *self, const char *name)
{
    core_node_t *node = name ? core_index_first (&self->by_name, core_index_key (name)) : NULL;
    for (; node; node = core_index_next (node)) {
        core_queue_t *queue = CORE_OF (node, core_queue_t, node);
        if (strcmp (queue->name, name) == 0)
            return queue;
    }
    return NULL;
}

uint32_t core_queue_id (const emp_core_t *self, const core_queue_t *queue)
{
    return (uint32_t) core_pool_handle (&self->queues, &queue->slot);
}

static void count_in (emp_core_t *self, core_queue_t *queue, const core_ticket_t *ticket)
{
    queue->waiting++;
    queue->waiting_bytes += ticket->size;
    queue->returned += ticket->attempt > 0;
    core_queue_refresh (self, queue);
    core_queue_touch (self, queue);
}

void core_queue_add_tail (emp_core_t *self, core_queue_t *queue, core_ticket_t *ticket)
{
    core_list_add_tail (&queue->tickets, &ticket->link);
    count_in (self, queue, ticket);
}

void core_queue_add_head (emp_core_t *self, core_queue_t *queue, core_ticket_t *ticket)
{
    bool suspect = core_poison_suspects (ticket);
    ticket->suspect = suspect;
    core_list_add_head (suspect ? &queue->suspects : &queue->tickets, &ticket->link);
    if (suspect && !core_link_is_in (&queue->in_suspicious))
        core_list_add_tail (&self->suspicious, &queue->in_suspicious);
    count_in (self, queue, ticket);
}

void core_queue_remove (emp_core_t *self, core_queue_t *queue, core_ticket_t *ticket)
{
    core_link_remove (&ticket->link);
    queue->waiting--;
    queue->waiting_bytes -= ticket->size;
    queue->returned -= ticket->attempt > 0;
    core_queue_refresh (self, queue);
    core_queue_touch (self, queue);
}

void core_queue_refresh (emp_core_t *self, core_queue_t *queue)
{
    bool runnable = !core_list_is_empty (&queue->tickets) && !core_list_is_empty (&queue->ring);
    if (runnable == core_link_is_in (&queue->in_runnable))
        return;
    if (runnable)
        core_list_add_tail (&self->runnable, &queue->in_runnable);
    else
        core_link_remove (&queue->in_runnable);
}

void core_queue_touch (emp_core_t *self, core_queue_t *queue)
{
    if (!core_link_is_in (&queue->in_touched))
        core_list_add_tail (&self->touched, &queue->in_touched);
}
