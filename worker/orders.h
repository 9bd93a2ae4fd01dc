/* SPDX-License-Identifier: BSD-3-Clause
 *
 * orders.h - what the broker tells a supervisor: written by the session's thread, which then rings; read by the other.
 *
 * An order on one slot names its session. A session that is none of ours is another supervisor's, or an earlier life's, so
 * there are never more orders than slots. Cost: O(slots) an order.
 */
#ifndef EMP_WORKER_ORDERS_H
#define EMP_WORKER_ORDERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "../common/control.h"

typedef struct {
    bool kill;        /* kill this slot and do not start it anew */
    uint64_t kill_at; /* the same, if it is at this ticket; 0: none */
    bool fenced;      /* the broker has given it up, for its silence */
} emp_slot_orders_t;

typedef struct {
    int bell; /* eventfd, -1: none */
    _Atomic bool kill_all;
    _Atomic bool drains;  /* lanes are told by themselves; only nobody is started anew */
    _Atomic bool down;    /* the session has ended by itself */
    pthread_mutex_t lock; /* of the rest */
    uint64_t *sessions;   /* of each slot, 0: none yet */
    emp_slot_orders_t *slots;
    size_t count;
} emp_orders_t;

/* False with errno. Release it in either case. */
bool emp_orders_init (emp_orders_t *self, size_t slots);
void emp_orders_release (emp_orders_t *self);
/* A slot begins a life with this session; what was ordered before is void. */
void emp_orders_expect (emp_orders_t *self, size_t slot, uint64_t session);
/* What a session calls (on_message), with the orders as its argument. */
void emp_orders_hear (void *self, const emp_control_t *message);
/* Silences the bell. */
void emp_orders_answer (emp_orders_t *self);
/* What was ordered of a slot since this was asked last. */
emp_slot_orders_t emp_orders_take (emp_orders_t *self, size_t slot);

#endif
