/* SPDX-License-Identifier: BSD-3-Clause
 *
 * orders.h - what the broker tells a supervisor: written by the session's thread, which then rings; read by the other.
 *
 * Bounded: as many orders on single slots as there was room made for; whoever sends more than there are slots, between two
 * looks, is not heard, and may say it again.
 */
#ifndef EMP_WORKER_ORDERS_H
#define EMP_WORKER_ORDERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "../common/control.h"

typedef enum {
    EMP_SLOT_KILL,  /* kill this slot and do not start it anew */
    EMP_SLOT_FENCED /* the broker has given it up, for its silence */
} emp_slot_order_kind_t;

typedef struct {
    emp_slot_order_kind_t kind;
    uint64_t session;
} emp_slot_order_t;

typedef struct {
    int bell; /* eventfd, -1: none */
    _Atomic bool kill_all;
    _Atomic bool drains; /* lanes are told by themselves; only nobody is started anew */
    _Atomic bool down;   /* the session has ended by itself */
    pthread_mutex_t lock;
    emp_slot_order_t *list;
    size_t count, room;
} emp_orders_t;

/* False with errno. Release it in either case. */
bool emp_orders_init (emp_orders_t *self, size_t room);
void emp_orders_release (emp_orders_t *self);
/* What a session calls (on_message), with the orders as its argument. */
void emp_orders_hear (void *self, const emp_control_t *message);
/* Silences the bell; takes the oldest order, in the order in which they came. False: there is none. */
void emp_orders_answer (emp_orders_t *self);
bool emp_orders_take (emp_orders_t *self, emp_slot_order_t *ret_order);

#endif
