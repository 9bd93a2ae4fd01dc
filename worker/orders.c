/* SPDX-License-Identifier: BSD-3-Clause
 *
 * orders.c - see orders.h.
 */
#include "orders.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool emp_orders_init (emp_orders_t *self, size_t slots)
{
    *self = (emp_orders_t){.count = slots};
    pthread_mutex_init (&self->lock, NULL);
    self->bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->sessions = calloc (slots, sizeof *self->sessions);
    self->slots = calloc (slots, sizeof *self->slots);
    return self->bell >= 0 && self->sessions && self->slots;
}

void emp_orders_release (emp_orders_t *self)
{
    if (self->bell >= 0)
        close (self->bell);
    self->bell = -1;
    free (self->sessions);
    free (self->slots);
    self->sessions = NULL;
    self->slots = NULL;
    pthread_mutex_destroy (&self->lock);
}

void emp_orders_expect (emp_orders_t *self, size_t slot, uint64_t session)
{
    pthread_mutex_lock (&self->lock);
    self->sessions[slot] = session;
    self->slots[slot] = (emp_slot_orders_t){0};
    pthread_mutex_unlock (&self->lock);
}

static void order (emp_orders_t *self, uint64_t session, emp_slot_orders_t what)
{
    pthread_mutex_lock (&self->lock);
    for (size_t i = 0; i < self->count; i++)
        if (self->sessions[i] == session) {
            self->slots[i].kill |= what.kill;
            self->slots[i].kill_at = what.kill_at ? what.kill_at : self->slots[i].kill_at;
            self->slots[i].fenced |= what.fenced;
        }
    pthread_mutex_unlock (&self->lock);
}

void emp_orders_hear (void *arg, const emp_control_t *message)
{
    emp_orders_t *self = arg;
    if (!message)
        atomic_store (&self->down, true);
    else if (message->kind == EMP_MSG_KILL && message->session)
        order (self, message->session, (emp_slot_orders_t){.kill = message->window == 0, .kill_at = message->window});
    else if (message->kind == EMP_MSG_KILL)
        atomic_store (&self->kill_all, true);
    else if (message->kind == EMP_MSG_GONE && message->session)
        order (self, message->session, (emp_slot_orders_t){.fenced = true});
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

emp_slot_orders_t emp_orders_take (emp_orders_t *self, size_t slot)
{
    pthread_mutex_lock (&self->lock);
    emp_slot_orders_t what = self->slots[slot];
    self->slots[slot] = (emp_slot_orders_t){0};
    pthread_mutex_unlock (&self->lock);
    return what;
}
