/* SPDX-License-Identifier: BSD-3-Clause
 *
 * orders.c - see orders.h.
 */
#include "orders.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool emp_orders_init (emp_orders_t *self, size_t room)
{
    *self = (emp_orders_t){.room = room};
    pthread_mutex_init (&self->lock, NULL);
    self->bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->list = calloc (room, sizeof *self->list);
    return self->bell >= 0 && self->list;
}

void emp_orders_release (emp_orders_t *self)
{
    if (self->bell >= 0)
        close (self->bell);
    self->bell = -1;
    free (self->list);
    self->list = NULL;
    pthread_mutex_destroy (&self->lock);
}

static void add (emp_orders_t *self, emp_slot_order_kind_t kind, uint64_t session)
{
    pthread_mutex_lock (&self->lock);
    if (self->count < self->room)
        self->list[self->count++] = (emp_slot_order_t){.kind = kind, .session = session};
    pthread_mutex_unlock (&self->lock);
}

void emp_orders_hear (void *arg, const emp_control_t *message)
{
    emp_orders_t *self = arg;
    if (!message)
        atomic_store (&self->down, true);
    else if (message->kind == EMP_MSG_KILL && message->session)
        add (self, EMP_SLOT_KILL, message->session);
    else if (message->kind == EMP_MSG_KILL)
        atomic_store (&self->kill_all, true);
    else if (message->kind == EMP_MSG_GONE)
        add (self, EMP_SLOT_FENCED, message->session);
    else if (message->kind == EMP_MSG_DRAIN)
        atomic_store (&self->drains, true);
    uint64_t one = 1;
    (void) !write (self->bell, &one, sizeof one);
}

void emp_orders_answer (emp_orders_t *self)
{
    uint64_t count;
    (void) !read (self->bell, &count, sizeof count);
}

bool emp_orders_take (emp_orders_t *self, emp_slot_order_t *ret_order)
{
    pthread_mutex_lock (&self->lock);
    bool any = self->count > 0;
    if (any) {
        *ret_order = self->list[0];
        memmove (self->list, self->list + 1, --self->count * sizeof *self->list);
    }
    pthread_mutex_unlock (&self->lock);
    return any;
}
