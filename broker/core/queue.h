/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.h - a named queue: the tickets that wait on it and the ring of lanes that have free credit.
 *
 * Invariant: `waiting` tickets and their bytes are counted; `returned` of them were held before. The ring holds exactly
 * the ready lanes with free credit, in the order in which their turn comes. The queue stands in the core's list of
 * runnable ones exactly while both are not empty.
 * Cost: O(1) each; a queue lives as long as its run.
 */
#ifndef EMP_CORE_QUEUE_H
#define EMP_CORE_QUEUE_H

#include "../../common/name.h"
#include "core.h"
#include "index.h"
#include "list.h"
#include "pool.h"

typedef struct core_ticket core_ticket_t;

typedef struct core_queue {
    core_slot_t slot;
    core_link_t in_all;
    core_link_t in_runnable;
    core_link_t in_touched;     /* what follows from this step is not yet drawn for it */
    core_link_t in_hungry;      /* keeps back put credit until hungry_due, see feed.h */
    core_link_t in_suspicious;  /* has suspects, or a reserved lane */
    core_list_t tickets;        /* waiting, the next to be pushed first; suspects have a list of their own */
    core_list_t suspects;       /* waiting too, but to be pushed alone: poison.h */
    core_list_t ring;           /* lanes with free credit */
    core_list_t lanes;          /* all, in order of opening */
    core_list_t feeds;          /* all that have not ended, in order of opening */
    core_list_t dry;            /* feeds without credit, the longest waiting first */
    core_list_t low;            /* feeds with little credit */
    struct core_lane *reserved; /* gets nothing more until it is empty, for a suspect */
    uint32_t suspects_out;      /* lanes that hold one */
    uint64_t waiting;
    uint64_t waiting_bytes;
    uint64_t returned;    /* of the waiting ones: those that came back */
    uint64_t open;        /* waiting or held */
    uint64_t outstanding; /* put credit given out and not used, over all feeds */
    uint64_t average;     /* bytes of a ticket lately; 0: no ticket was put yet */
    uint64_t bytes_max;   /* 0: no bound */
    uint32_t maxsize;
    uint32_t lane_count;
    uint32_t feed_count;
    uint32_t manager_feeds; /* of these: the manager's */
    uint32_t dry_count;
    uint32_t leaving; /* feeds that wait no longer and have not been told what they have */
    bool shares_grew; /* a feed has ended in this step */
    bool manager_fed; /* a feed of the manager has been open here */
    bool worker_fed;  /* a feed of a worker */
    bool stop_said;
    bool stopped;
    uint64_t put, answered, dead;  /* tickets, since the start */
    uint64_t rows_put, rows_ended; /* rows of these that were put, answered or dead */
    uint64_t reissued;
    emp_usec_t hungry_due;
    emp_usec_t pace;  /* a ticket takes so long, on average of the last ones; 0: none has ended */
    core_node_t node; /* its key is the hash of the name */
    char name[EMP_NAME_MAX + 1];
} core_queue_t;

/* EMP_OK, EMP_INVALID (name or maxsize), EMP_EXISTS (*ret_queue is that one), EMP_FULL, EMP_NOMEM. */
emp_status_t core_queue_new (emp_core_t *self, const char *name, uint32_t maxsize, uint64_t bytes_max,
                             core_queue_t **ret_queue);
/* By name, or NULL. */
core_queue_t *core_queue_find (const emp_core_t *self, const char *name);
uint32_t core_queue_id (const emp_core_t *self, const core_queue_t *queue);

void core_queue_add_tail (emp_core_t *self, core_queue_t *queue, core_ticket_t *ticket);
void core_queue_add_head (emp_core_t *self, core_queue_t *queue, core_ticket_t *ticket);
void core_queue_remove (emp_core_t *self, core_queue_t *queue, core_ticket_t *ticket);
/* After its tickets or its ring became empty or not. */
void core_queue_refresh (emp_core_t *self, core_queue_t *queue);
/* At the end of this step credit and stop are looked at. */
void core_queue_touch (emp_core_t *self, core_queue_t *queue);

#endif
