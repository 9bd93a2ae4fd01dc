/* SPDX-License-Identifier: BSD-3-Clause
 *
 * check.c - walks everything a core knows and says in one sentence what is broken, or NULL.
 *
 * For tests, the simulator and the fuzzer, after a step. O(everything), allocates nothing, changes nothing.
 */
#include "poison.h"
#include "state.h"

/* Sums that no single record knows. */
typedef struct {
    uint64_t waiting, held, open_of_feeds, free_credit, put, answered, dead, rows_put, reissued;
    uint32_t struck_out, lanes, open_feeds, manager_feeds, queues, said, stopped;
} sums_t;

static uint64_t length_of (const core_list_t *list)
{
    uint64_t length = 0;
    for (core_link_t *link = core_list_first (list); link; link = core_list_next (list, link))
        length++;
    return length;
}

static bool is_in (const core_list_t *list, const core_link_t *wanted)
{
    for (core_link_t *link = core_list_first (list); link; link = core_list_next (list, link))
        if (link == wanted)
            return true;
    return false;
}

/* ---- pools ------------------------------------------------------------------------------------------------------- */

static const char *check_pool (const core_pool_t *self)
{
    uint32_t taken = 0;
    for (uint32_t slot = 0; slot < self->used; slot++) {
        const core_slot_t *record = core_pool_at (self, slot);
        if (record->slot != slot)
            return "a record does not know its slot";
        if (!core_slot_is_taken (record))
            continue;
        taken++;
        if (core_pool_find (self, core_pool_handle (self, record)) != record)
            return "a record is not found by its handle";
    }
    if (taken != self->taken || taken + self->free_count != self->used || self->used > self->room)
        return "a pool's counts do not add up";
    return taken > self->max ? "a pool is over its maximum" : NULL;
}

static const char *check_pools (const emp_core_t *self)
{
    const core_pool_t *pools[] = {&self->tickets, &self->families, &self->lanes,
                                  &self->feeds,   &self->queues,   &self->sessions};
    const char *broken = NULL;
    for (size_t i = 0; i < sizeof pools / sizeof *pools && !broken; i++)
        broken = check_pool (pools[i]);
    return broken;
}

/* ---- tickets of one list ----------------------------------------------------------------------------------------- */

static const char *check_ticket (const emp_core_t *self, const core_ticket_t *ticket, const core_queue_t *queue,
                                 const core_lane_t *lane)
{
    if (core_ticket_find (self, core_ticket_handle (self, ticket)) != ticket)
        return "a ticket in a list has been given back";
    if (ticket->lane != lane)
        return lane ? "a held ticket does not know its lane" : "a waiting ticket has a lane";
    if (ticket->copy && (!lane || ticket->copy == lane || ticket->copy->copied != ticket))
        return "a ticket and the lane that holds its copy do not agree";
    if (ticket->from + (uint64_t) ticket->part > ticket->rows || (!ticket->family && ticket->part != ticket->rows))
        return "a ticket has rows that its chunk does not have";
    if (ticket->family && (!core_slot_is_taken (&ticket->family->slot) || ticket->family->rows_left < ticket->part))
        return "the parts of a ticket have more rows than are left";
    if (ticket->feed->queue != queue)
        return "a ticket is on another queue than its feed's";
    if (!core_slot_is_taken (&ticket->feed->slot) || ticket->feed->open == 0 ||
        ticket->number >= ticket->feed->next + ticket->feed->skipped)
        return "a ticket's feed does not know it";
    if (lane && ticket->attempt == 0)
        return "a ticket is held that was never pushed";
    return ticket->strikes >= self->config.attempts_max && !ticket->copy && !ticket->lane ? "a ticket should be dead"
                                                                                          : NULL;
}

/* ---- lanes ------------------------------------------------------------------------------------------------------- */

static const char *check_lane (const emp_core_t *self, const core_queue_t *queue, const core_lane_t *lane)
{
    uint64_t held = 0;
    for (core_link_t *link = core_list_first (&lane->tickets); link; link = core_list_next (&lane->tickets, link)) {
        const char *broken = check_ticket (self, CORE_OF (link, core_ticket_t, link), queue, lane);
        if (broken)
            return broken;
        if (CORE_OF (link, core_ticket_t, link)->suspect && (!lane->alone || lane->held != 1))
            return "a suspect is not alone";
        held++;
    }
    if (lane->copied && (lane->copied->copy != lane || !core_slot_is_taken (&lane->copied->slot)))
        return "a lane holds a copy of a ticket that does not know it";
    held += lane->copied != NULL;
    if (lane->alone && held != 1)
        return "a lane is kept for a suspect that it does not hold";
    if (lane->reserved != (queue->reserved == lane))
        return "a lane is kept free for a suspect and its queue does not know it";
    if (held != lane->held)
        return "a lane does not know how many tickets it holds";
    if (held > lane->window_most || lane->window > lane->window_most || lane->window > self->config.window_max)
        return "a lane holds more than it ever granted";
    if (!lane->ready && held > 0)
        return "something was pushed to a lane before its consumer had connected";
    uint32_t free = core_lane_may_take (lane) ? lane->window - lane->held : 0;
    if (lane->free != free || (free > 0) != core_link_is_in (&lane->in_ring))
        return "a lane's free credit is not what its queue believes";
    if (lane->queue != queue || !is_in (&lane->session->lanes, &lane->in_session))
        return "a lane's session or queue does not know it";
    if (lane->told != (queue->stopped && lane->ready))
        return "a lane was not told, or too early, that its queue has stopped";
    return NULL;
}

static const char *check_lanes (const emp_core_t *self, const core_queue_t *queue, sums_t *sums)
{
    uint64_t with_credit = 0, alone = 0;
    if (length_of (&queue->lanes) != queue->lane_count)
        return "a queue's lanes are miscounted";
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link)) {
        const core_lane_t *lane = CORE_OF (link, core_lane_t, in_queue);
        const char *broken = check_lane (self, queue, lane);
        if (broken)
            return broken;
        for (core_link_t *held = core_list_first (&lane->tickets); held; held = core_list_next (&lane->tickets, held))
            sums->struck_out += core_poison_is_out (self, CORE_OF (held, core_ticket_t, link));
        with_credit += lane->free > 0;
        sums->free_credit += lane->free;
        sums->held += lane->held - (lane->copied != NULL);
        alone += lane->alone;
        sums->lanes++;
    }
    for (core_link_t *link = core_list_first (&queue->ring); link; link = core_list_next (&queue->ring, link))
        if (CORE_OF (link, core_lane_t, in_ring)->queue != queue)
            return "a lane is in the ring of another queue";
    if (alone != queue->suspects_out)
        return "suspects that are held are miscounted";
    return with_credit == length_of (&queue->ring) ? NULL : "a ring has other lanes than those with free credit";
}

/* ---- feeds ------------------------------------------------------------------------------------------------------- */

static const char *check_feed (const emp_core_t *self, const core_queue_t *queue, const core_feed_t *feed)
{
    if (feed->queue != queue || feed->ended || feed->next > feed->granted ||
        feed->open > feed->next + self->counts.halved)
        return "an open feed's numbers do not add up";
    if (feed->session_id != feed->session->node.key || !is_in (&feed->session->feeds, &feed->in_session))
        return "a feed's session does not know it";
    bool dry = core_feed_unspent (feed) == 0;
    if (feed->wants && feed->managers)
        return "a feed asks for credit that it always gets";
    if (feed->leaves && !feed->wants)
        return "a feed ends a wait that there is not";
    if (feed->leaves && dry && !self->draining)
        return "a feed without credit waits for a word on that";
    if (!feed->managers && (feed->wants && dry) != core_link_is_in (&feed->in_low))
        return "a worker's feed waits for credit and is in no list, or does not and is";
    if (dry && feed->managers && !core_link_is_in (&feed->in_low))
        return "a feed without credit is not in the list of those";
    return NULL;
}

static const char *check_feed_lists (const emp_core_t *self, const core_queue_t *queue)
{
    for (core_link_t *link = core_list_first (&queue->dry); link; link = core_list_next (&queue->dry, link))
        if (core_feed_unspent (CORE_OF (link, core_feed_t, in_low)) != 0)
            return "a feed with credit is in the list of those without";
    for (core_link_t *link = core_list_first (&queue->low); link; link = core_list_next (&queue->low, link))
        if (core_feed_unspent (CORE_OF (link, core_feed_t, in_low)) == 0)
            return "a feed without credit is in the list of those with little";
    if (length_of (&queue->dry) != queue->dry_count)
        return "feeds without credit are miscounted";
    bool space = queue->waiting + queue->outstanding < queue->maxsize;
    if (queue->dry_count && space && queue->waiting == 0 && !self->draining)
        return "a feed has no credit though nothing waits";
    if (core_link_is_in (&queue->in_hungry) && !queue->dry_count)
        return "credit is kept back that nobody waits for";
    return NULL;
}

static const char *check_feeds (const emp_core_t *self, const core_queue_t *queue, sums_t *sums)
{
    uint64_t outstanding = 0;
    uint32_t count = 0, managers = 0, leaving = 0;
    for (core_link_t *link = core_list_first (&queue->feeds); link; link = core_list_next (&queue->feeds, link)) {
        const core_feed_t *feed = CORE_OF (link, core_feed_t, in_queue);
        const char *broken = check_feed (self, queue, feed);
        if (broken)
            return broken;
        outstanding += core_feed_unspent (feed);
        managers += feed->managers;
        leaving += feed->leaves;
        count++;
    }
    sums->open_feeds += count;
    if (count != queue->feed_count || managers != queue->manager_feeds || leaving != queue->leaving ||
        outstanding != queue->outstanding)
        return "a queue's feeds or their credit are miscounted";
    return check_feed_lists (self, queue);
}

/* ---- queues ------------------------------------------------------------------------------------------------------ */

typedef struct {
    uint64_t waiting, bytes, returned;
} waiting_t;

static const char *check_list (const emp_core_t *self, const core_queue_t *queue, const core_list_t *list,
                               waiting_t *sums)
{
    for (core_link_t *link = core_list_first (list); link; link = core_list_next (list, link)) {
        const core_ticket_t *ticket = CORE_OF (link, core_ticket_t, link);
        const char *broken = check_ticket (self, ticket, queue, NULL);
        if (broken)
            return broken;
        if (ticket->suspect != (list == &queue->suspects) || ticket->suspect != core_poison_suspects (ticket))
            return "a suspect waits among the others, or another among the suspects";
        sums->waiting++;
        sums->bytes += ticket->size;
        sums->returned += ticket->attempt > 0;
    }
    return NULL;
}

static const char *check_waiting (const emp_core_t *self, const core_queue_t *queue)
{
    waiting_t sums = {0};
    const char *broken = check_list (self, queue, &queue->tickets, &sums);
    if (!broken)
        broken = check_list (self, queue, &queue->suspects, &sums);
    if (broken)
        return broken;
    uint64_t waiting = sums.waiting, bytes = sums.bytes, returned = sums.returned;
    if (waiting != queue->waiting || bytes != queue->waiting_bytes || returned != queue->returned)
        return "a queue's waiting tickets are miscounted";
    if (waiting + queue->outstanding > queue->maxsize + returned)
        return "a queue promised more than it may hold";
    return waiting && self->draining ? "a ticket waits though the run drains" : NULL;
}

static bool has_free_lane (const core_queue_t *queue)
{
    for (core_link_t *link = core_list_first (&queue->lanes); link; link = core_list_next (&queue->lanes, link)) {
        const core_lane_t *lane = CORE_OF (link, core_lane_t, in_queue);
        if (lane->ready && lane->window > 0 && core_lane_load (lane) == 0)
            return true;
    }
    return false;
}

static const char *check_quiet (const emp_core_t *self, const core_queue_t *queue)
{
    bool runnable = !core_list_is_empty (&queue->tickets) && !core_list_is_empty (&queue->ring);
    if (runnable != core_link_is_in (&queue->in_runnable))
        return "a queue is in the list of runnable ones, and is not, or the other way round";
    if (runnable && core_backlog_has_room (&self->backlog, self->counts.held))
        return "a ticket waits beside a lane with free credit";
    bool suspects = !core_list_is_empty (&queue->suspects);
    if (core_link_is_in (&queue->in_suspicious) != (suspects || queue->reserved))
        return "a queue is in the list of suspicious ones, and is not, or the other way round";
    if (queue->reserved && !suspects)
        return "a lane is kept free for nobody";
    if (queue->reserved && !is_in (&queue->lanes, &queue->reserved->in_queue))
        return "a lane is kept free that is closed";
    if (suspects && (queue->suspects_out == 0 || core_list_is_empty (&queue->tickets)) && has_free_lane (queue) &&
        core_backlog_has_room (&self->backlog, self->counts.held))
        return "a suspect waits beside a lane that holds nothing";
    if (core_link_is_in (&queue->in_touched))
        return "something that follows from a step was not done";
    if (queue->stopped && (!queue->stop_said || queue->open > 0 || (queue->feed_count > 0 && !self->draining)))
        return "a queue has stopped too early";
    return core_queue_is_over (self, queue) && !queue->stopped ? "a queue has not stopped" : NULL;
}

static const char *check_queue (const emp_core_t *self, const core_queue_t *queue, sums_t *sums)
{
    if (core_queue_find (self, queue->name) != queue)
        return "a queue is not found by its name";
    uint64_t held = sums->held;
    const char *broken = check_waiting (self, queue);
    if (!broken)
        broken = check_lanes (self, queue, sums);
    if (!broken)
        broken = check_feeds (self, queue, sums);
    if (!broken)
        broken = check_quiet (self, queue);
    if (broken)
        return broken;
    sums->waiting += queue->waiting;
    sums->queues++;
    sums->stopped += queue->stopped;
    sums->said += queue->stop_said;
    sums->manager_feeds += queue->manager_feeds;
    sums->put += queue->put;
    sums->answered += queue->answered;
    sums->dead += queue->dead;
    sums->rows_put += queue->rows_put;
    sums->reissued += queue->reissued;
    if (queue->rows_ended > queue->rows_put)
        return "more rows of a queue have ended than were put";
    return queue->open == queue->waiting + sums->held - held ? NULL : "a queue's open tickets are miscounted";
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

static const char *check_session (const emp_core_t *self, const core_session_t *session)
{
    if (core_session_find (self, session->node.key) != session)
        return "a session is not found by its id";
    for (core_link_t *link = core_list_first (&session->lanes); link; link = core_list_next (&session->lanes, link))
        if (CORE_OF (link, core_lane_t, in_session)->session != session)
            return "a lane does not know its session";
    for (core_link_t *link = core_list_first (&session->feeds); link; link = core_list_next (&session->feeds, link))
        if (CORE_OF (link, core_feed_t, in_session)->session != session)
            return "a feed does not know its session";
    emp_usec_t after = self->config.dead_after;
    if (!session->quiet && after && session->last < UINT64_MAX - after && self->silence_due > session->last + after)
        return "a session's silence may be noticed too late";
    return NULL;
}

static const char *check_sessions (const emp_core_t *self)
{
    uint32_t count = 0;
    for (core_link_t *link = core_list_first (&self->all_sessions); link;
         link = core_list_next (&self->all_sessions, link)) {
        const core_session_t *session = CORE_OF (link, core_session_t, in_all);
        const char *broken = check_session (self, session);
        if (broken)
            return broken;
        count++;
    }
    if (count != self->session_count || count + length_of (&self->gone_sessions) != self->sessions.taken)
        return "sessions are miscounted";
    if (self->sink && !is_in (&self->all_sessions, &self->sink->in_all))
        return "the sink's session is gone";
    return NULL;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static const char *check_all_feeds (const emp_core_t *self, sums_t *sums)
{
    for (uint32_t slot = 0; slot < self->feeds.used; slot++) {
        const core_feed_t *feed = (const core_feed_t *) (const void *) core_pool_at (&self->feeds, slot);
        if (!core_slot_is_taken (&feed->slot))
            continue;
        sums->open_of_feeds += feed->open;
        if (feed->ended && (feed->session || (feed->open == 0) != core_link_is_in (&feed->in_queue)))
            return "an ended feed is kept for no reason, or forgotten too early";
    }
    uint64_t before = 0;
    for (core_link_t *link = core_list_first (&self->ended_feeds); link;
         link = core_list_next (&self->ended_feeds, link)) {
        const core_feed_t *feed = CORE_OF (link, core_feed_t, in_queue);
        if (!feed->ended || feed->open || feed->last_serial < before || feed->last_serial > self->backlog.serial)
            return "the list of ended feeds is out of order";
        before = feed->last_serial;
    }
    return NULL;
}

static const char *check_backlog (const emp_core_t *self)
{
    const core_backlog_t *backlog = &self->backlog;
    if (backlog->acked > backlog->serial || core_backlog_count (backlog) > backlog->room)
        return "serials are out of order";
    uint64_t bytes = 0;
    for (uint64_t serial = backlog->acked + 1; serial <= backlog->serial; serial++)
        bytes += backlog->sizes[serial & (backlog->room - 1)];
    if (bytes != backlog->bytes)
        return "the backlog's bytes do not add up";
    uint64_t coming = core_backlog_count (backlog) + self->counts.held;
    if (coming > backlog->max + backlog->over || (backlog->over && coming <= backlog->max))
        return "more results are on their way than the backlog may hold";
    return NULL;
}

static const char *check_sums (const emp_core_t *self, const sums_t *sums)
{
    const core_counts_t *counts = &self->counts;
    if (counts->put + counts->halved !=
        counts->waiting + counts->held + counts->answered + counts->dead + counts->dropped)
        return "tickets have come or gone without being counted";
    if (counts->put != sums->put || counts->answered != sums->answered || counts->dead != sums->dead ||
        counts->rows_put != sums->rows_put || counts->reissued != sums->reissued)
        return "the queues' counts are not those of the run";
    if (counts->waiting != sums->waiting || counts->held != sums->held)
        return "waiting or held tickets are miscounted";
    if (self->tickets.taken != counts->waiting + counts->held || sums->open_of_feeds != self->tickets.taken)
        return "open tickets are miscounted";
    if (self->backlog.serial != counts->answered + counts->dead)
        return "a ticket has ended without a result, or twice";
    if (sums->lanes != self->lanes.taken || sums->queues != self->queues.taken || sums->open_feeds != self->feed_count)
        return "lanes, feeds or queues are miscounted";
    if (sums->manager_feeds != self->manager_feeds || sums->said != self->queues_said)
        return "the manager's feeds or queues that were told to stop are miscounted";
    if (sums->struck_out != self->struck_out)
        return "tickets that have failed as often as they may are miscounted";
    if (sums->free_credit != self->free_credit)
        return "free credit is miscounted";
    if (sums->stopped != self->queues_stopped || (self->sink_told && !self->finished) ||
        (self->finished && (sums->stopped != sums->queues || (self->sink && !self->sink_told))))
        return "the end was told too early, or not";
    return NULL;
}

static const char *check_hungry (const emp_core_t *self)
{
    emp_usec_t before = 0;
    for (core_link_t *link = core_list_first (&self->hungry); link; link = core_list_next (&self->hungry, link)) {
        const core_queue_t *queue = CORE_OF (link, core_queue_t, in_hungry);
        if (queue->hungry_due < before)
            return "queues that keep back credit are out of order";
        before = queue->hungry_due;
    }
    return NULL;
}

const char *emp_core_check (const emp_core_t *self)
{
    sums_t sums = {0};
    const char *broken = check_pools (self);
    for (core_link_t *link = core_list_first (&self->all_queues); link;
         link = core_list_next (&self->all_queues, link)) {
        if (broken)
            return broken;
        broken = check_queue (self, CORE_OF (link, core_queue_t, in_all), &sums);
    }
    if (!broken)
        broken = check_sessions (self);
    if (!broken)
        broken = check_all_feeds (self, &sums);
    if (!broken)
        broken = check_backlog (self);
    if (!broken)
        broken = check_sums (self, &sums);
    return broken ? broken : check_hungry (self);
}
