/* SPDX-License-Identifier: BSD-3-Clause
 *
 * port.h - a named queue as a client of the broker has it: its consuming end (a lane) and its producing end (a feed).
 *
 * Get hands a process one chunk at a time: the next one comes when the one in hand is given back. So nothing waits
 * for credit that it holds itself, and what a crash is blamed for is clear. Other threads that ask meanwhile wait
 * their turn; a thread that asks for the next chunk while it holds the last one has dropped it: that one is refused in
 * its name, and emp_chunk_done on it says EMP_STALE. A handle lives as long as its client; its lane opens at the first
 * get, its feed at the first put. Cost of a chunk: four uncontended locks, two readings of the clock, one scan.
 */
#ifndef EMP_PORT_H
#define EMP_PORT_H

#include "client.h"

typedef struct emp_port {
    emp_queue_t base;
    emp_client_t *client;
    /* the consuming end */
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    emp_lane_t *lane;   /* NULL until the first get */
    emp_status_t ended; /* EMP_OK, or why no chunk comes any more */
    emp_chunk_t *open;  /* the chunk in hand */
    emp_chunk_t *spare; /* for the next one */
    /* the producing end */
    pthread_mutex_t put_lock;
    _Atomic bool put_stop;          /* a put shall leave, also one that waits; without the lock */
    emp_feed_t *feed;               /* NULL until the first put */
    emp_status_t put_ended;         /* EMP_OK, or why nothing can be put any more */
    _Atomic uint64_t tickets, rows; /* put so far */
    /* mp_tools_q: what it has got */
    struct emp_arena **tools;
    _Atomic size_t tools_count;
    /* Tells whoever counts tickets of a feed that was opened, before the first put; NULL: nobody. */
    emp_status_t (*opened) (void *arg, struct emp_port *self, uint32_t feed);
    void *arg;
} emp_port_t;

/* NULL when out of memory. `name` is a full name. */
emp_port_t *emp_port_new (emp_client_t *client, const char *name);
/* Closes first. A chunk still in hand is freed too. */
void emp_port_destroy (emp_port_t **self);
/* Ends lane and feed; what the lane holds goes back with the session's BYE. Waits for a get that is at work, so end that
 * first (emp_session_leave). The handle stays valid: get and put say EMP_STOPPED. */
void emp_port_close (emp_port_t *self);
/* No more puts: one that waits in another thread says EMP_STOPPED, the feed ends. Returns its id; 0: there was none. */
uint32_t emp_port_end_puts (emp_port_t *self);
/* Ends a chunk that a get gave: sends chunk->result with that outcome. The chunk is gone afterwards. EMP_STALE: it had
 * been abandoned; EMP_STOPPED: the queue is closed; or what the lane says. */
emp_status_t emp_port_end_chunk (emp_chunk_t *chunk, emp_outcome_t outcome);

#endif
