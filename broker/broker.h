/* SPDX-License-Identifier: BSD-3-Clause
 *
 * broker.h - the shell around the core: a thread that polls, decodes, steps, encodes and sends.
 *
 * It owns one ROUTER, the door; a PULL per named queue, the intake (puts and results); a PUSH per queue and consumer, the
 * lane; a PUSH for the results, the sink. The same for a broker inside a manager and for one in a process of its own.
 * One run: a second manager is refused while the first is there.
 */
#ifndef EMP_BROKER_H
#define EMP_BROKER_H

#include "../common/control.h"
#include "core/core.h"

typedef struct emp_broker emp_broker_t;

/* The gate: a second door, for other hosts. */
typedef struct {
    const char *listen; /* tcp://…; NULL: there is none */
    const char *secret; /* our key as text; "": none, everybody is let in */
    /* Whether that key, 40 characters, may come in as this role. In the thread of the keys and in the broker's. */
    bool (*allows) (void *arg, const char *key, emp_role_t role);
    /* Looks whether anything has changed since: then sessions are asked about again. In the broker's thread, every beat. */
    bool (*has_changed) (void *arg);
    /* One line for who reads logs: somebody was turned away. In either thread. */
    void (*say) (void *arg, const char *sentence);
    void *arg;
} emp_gate_config_t;

typedef struct {
    /* Folder of our own, 0700, for the ipc sockets of lanes and intakes; NULL: only `listen` and inproc. */
    const char *directory;
    /* Endpoint of the door beside "inproc://eisenmp-<run>-door", or NULL. */
    const char *listen;
    emp_gate_config_t gate;
    uint64_t run;     /* 0: one is made */
    uint32_t beat_ms; /* beats every so often */
    emp_core_config_t core;
    /* In the broker's thread, when the manager's session has ended. May be NULL. */
    void (*manager_left) (void *arg);
    void *arg;
} emp_broker_config_t;

/* Starts the thread and waits until its sockets are bound. NULL with *ret_status (EMP_SYSTEM with errno: cannot bind). */
emp_broker_t *emp_broker_new (const emp_broker_config_t *config, emp_status_t *ret_status);
/* Ends the thread, closes and unlinks every socket. */
void emp_broker_destroy (emp_broker_t **self);
uint64_t emp_broker_run (const emp_broker_t *self);
/* "inproc://…" and what `listen` became. Borrowed; "" when there is none. */
const char *emp_broker_inproc (const emp_broker_t *self);
const char *emp_broker_endpoint (const emp_broker_t *self);
/* What the gate's `listen` became, the same. */
const char *emp_broker_gate (const emp_broker_t *self);
/* Messages that were malformed, foreign or late; any thread. */
uint64_t emp_broker_dropped (emp_broker_t *self);
/* Counters of the core, as of the last turn; any thread. */
void emp_broker_stats (emp_broker_t *self, emp_core_stats_t *ret_stats);

#endif
