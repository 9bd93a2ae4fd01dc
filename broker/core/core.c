/* SPDX-License-Identifier: BSD-3-Clause
 *
 * core.c - birth, end and counters of a core. What it decides begins in step.c.
 */
#include <stdlib.h>

#include "state.h"

const emp_core_config_t emp_core_config_default = {
    .attempts_max = EMP_ATTEMPTS_MAX_DEFAULT,
    .dead_after = 10 * 1000 * 1000,
    .backlog_max = 131072,
    .backlog_bytes_max = UINT64_C (256) * 1024 * 1024,
    .sessions_max = 8192,
    .queues_max = 1024,
    .feeds_max = 8192,
    .lanes_max = 16384,
    .window_max = 1024,
    .halve = true,
    .speculate = true,
};

static void init_pools (emp_core_t *self)
{
    const emp_core_config_t *config = &self->config;
    core_pool_init (&self->tickets, sizeof (core_ticket_t), 32, UINT32_MAX);
    core_pool_init (&self->families, sizeof (core_family_t), 32, UINT32_MAX);
    core_pool_init (&self->lanes, sizeof (core_lane_t), 16, config->lanes_max);
    core_pool_init (&self->feeds, sizeof (core_feed_t), 16, config->feeds_max);
    core_pool_init (&self->queues, sizeof (core_queue_t), 16, config->queues_max);
    core_pool_init (&self->sessions, sizeof (core_session_t), 32, config->sessions_max);
}

static void init_lists (emp_core_t *self)
{
    core_list_init (&self->all_sessions);
    core_list_init (&self->doomed);
    core_list_init (&self->gone_sessions);
    core_list_init (&self->all_queues);
    core_list_init (&self->runnable);
    core_list_init (&self->suspicious);
    core_list_init (&self->touched);
    core_list_init (&self->hungry);
    core_list_init (&self->ended_feeds);
}

emp_core_t *emp_core_new (const emp_core_config_t *config)
{
    emp_core_t *self = core_realloc (NULL, sizeof *self);
    if (!self)
        return NULL;
    *self = (emp_core_t){.config = *config, .silence_due = UINT64_MAX, .balance_due = UINT64_MAX};
    if (self->config.attempts_max == 0)
        self->config.attempts_max = 1;
    core_backlog_init (&self->backlog, config->backlog_max, config->backlog_bytes_max);
    init_pools (self);
    init_lists (self);
    if (core_index_init (&self->by_id, config->sessions_max) != EMP_OK ||
        core_index_init (&self->by_name, config->queues_max) != EMP_OK)
        emp_core_destroy (&self);
    return self;
}

void emp_core_destroy (emp_core_t **self_p)
{
    emp_core_t *self = *self_p;
    if (!self)
        return;
    core_index_release (&self->by_id);
    core_index_release (&self->by_name);
    core_backlog_release (&self->backlog);
    core_pool_release (&self->tickets);
    core_pool_release (&self->families);
    core_pool_release (&self->lanes);
    core_pool_release (&self->feeds);
    core_pool_release (&self->queues);
    core_pool_release (&self->sessions);
    free (self);
    *self_p = NULL;
}

emp_usec_t emp_core_next_due (const emp_core_t *self)
{
    core_link_t *link = core_list_first (&self->hungry);
    emp_usec_t credit_due = link ? CORE_OF (link, core_queue_t, in_hungry)->hungry_due : UINT64_MAX;
    emp_usec_t due = credit_due < self->silence_due ? credit_due : self->silence_due;
    return due < self->balance_due ? due : self->balance_due;
}

void emp_core_stats (const emp_core_t *self, emp_core_stats_t *ret_stats)
{
    const core_counts_t *counts = &self->counts;
    *ret_stats = (emp_core_stats_t){
        .put = counts->put,
        .halved = counts->halved,
        .copied = counts->copied,
        .overtaken = counts->overtaken,
        .fenced = counts->fenced,
        .late = counts->late,
        .waiting = counts->waiting,
        .held = counts->held,
        .answered = counts->answered,
        .dead = counts->dead,
        .dropped_by_drain = counts->dropped,
        .workers_put = counts->workers_put,
        .rows_put = counts->rows_put,
        .reissued = counts->reissued,
        .stale = self->stale,
        .refused_puts = self->refused_puts,
        .sessions = self->session_count,
        .sessions_lost = self->sessions_lost,
        .lanes = self->lanes.taken,
        .feeds = self->feed_count,
        .queues = self->queues.taken,
        .serial = self->backlog.serial,
        .acked = self->backlog.acked,
        .backlog_bytes = self->backlog.bytes,
    };
}

bool emp_core_queue_count (const emp_core_t *self, const char *name, uint64_t *ret_waiting, uint32_t *ret_maxsize)
{
    const core_queue_t *queue = core_queue_find (self, name);
    if (!queue)
        return false;
    *ret_waiting = queue->waiting;
    *ret_maxsize = queue->maxsize;
    return true;
}

const char *emp_core_queue_name (const emp_core_t *self, uint32_t queue)
{
    const core_queue_t *found = core_pool_find (&self->queues, queue);
    return found ? found->name : NULL;
}

bool emp_core_lane (const emp_core_t *self, uint32_t lane, uint32_t *ret_queue, uint64_t *ret_session)
{
    const core_lane_t *found = core_lane_find (self, lane);
    if (!found)
        return false;
    *ret_queue = core_queue_id (self, found->queue);
    *ret_session = found->session->node.key;
    return true;
}

bool emp_core_feed (const emp_core_t *self, uint32_t feed, uint32_t *ret_queue, uint64_t *ret_session)
{
    const core_feed_t *found = core_feed_find (self, feed);
    if (!found)
        return false;
    *ret_queue = core_queue_id (self, found->queue);
    *ret_session = found->session_id;
    return true;
}
