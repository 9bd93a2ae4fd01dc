/* SPDX-License-Identifier: BSD-3-Clause
 *
 * state.h - all that a core knows. Only the files of this folder include it.
 */
#ifndef EMP_CORE_STATE_H
#define EMP_CORE_STATE_H

#include "backlog.h"
#include "feed.h"
#include "lane.h"
#include "ledger.h"
#include "session.h"

struct emp_core {
    emp_core_config_t config;
    core_pool_t tickets, families, lanes, feeds, queues, sessions;
    core_index_t by_id;   /* sessions */
    core_index_t by_name; /* queues */
    core_list_t all_sessions;
    core_list_t doomed;        /* sessions that this step ends */
    core_list_t gone_sessions; /* their names are borrowed by effects until the next step */
    core_list_t all_queues;
    core_list_t runnable;    /* queues where a push is possible, whose turn comes first first */
    core_list_t suspicious;  /* queues with suspects */
    core_list_t touched;     /* queues that this step changed */
    core_list_t hungry;      /* queues that keep back put credit, the first due first */
    uint32_t idle_lanes;     /* ready, with credit, and hold nothing */
    bool overtaken_lanes;    /* some lane may work at what another has answered */
    bool balanced;           /* the last look found nothing that an idle lane could take, and nothing changed since */
    emp_usec_t balance_due;  /* the next look; UINT64_MAX: none is needed */
    core_list_t ended_feeds; /* without open tickets, in order of last_serial */
    core_counts_t counts;
    uint32_t struck_out; /* open tickets that have failed as often as they may: each may be halved when it comes back */
    core_backlog_t backlog;
    core_session_t *sink; /* whose sink it is, or NULL */
    uint64_t free_credit; /* of all ready lanes */
    uint64_t stale, refused_puts, sessions_lost;
    uint32_t session_count, feed_count, manager_feeds, queues_said, queues_stopped;
    bool stop_all; /* STOP of all queues was said */
    bool draining;
    bool finished; /* every queue has stopped */
    bool sink_told;
    emp_usec_t now;   /* of this step */
    emp_usec_t began; /* when the first ticket was put; of no meaning before */
    emp_usec_t silence_due;
};

/* Room for `count` more effects. EMP_OK or EMP_NOMEM. */
emp_status_t core_effects_reserve (emp_effects_t *self, size_t count);
/* A new effect at the end, zero but for its kind. Room was reserved. */
emp_effect_t *core_effects_add (emp_effects_t *self, emp_effect_kind_t kind);

/* What follows from a step: pushes, put credit, ends. */
void core_settle (emp_core_t *self, emp_effects_t *fx);
/* STOP was said of all queues, no feed of the manager is open, no ticket is, and nothing is under way to become one. */
bool core_is_over (const emp_core_t *self);
/* The queue has stopped, or does so in this step. */
bool core_queue_is_over (const emp_core_t *self, const core_queue_t *queue);
#define CORE_BALANCE_US 10000u /* how often is looked, and what is slow: balance.c */
#define CORE_QUIET_US 50000u
#define CORE_COPY_US 250000u /* copy.c */
#define CORE_COPY_PACES 2u
#define CORE_COPY_END_US 1000000u
/* Looks when it is due; plans the next look. */
void core_balance (emp_core_t *self, emp_effects_t *fx);
/* An idle lane gets a copy of a ticket that another is at for far too long. True: one may have to, later. */
bool core_copy_queue (emp_core_t *self, core_queue_t *queue, emp_effects_t *fx);
/* All has ended: who is still at what another has answered is ended, a second later. */
void core_copy_end (emp_core_t *self, emp_effects_t *fx);
void core_balance_plan (emp_core_t *self);

#endif
