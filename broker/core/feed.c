/* SPDX-License-Identifier: BSD-3-Clause
 *
 * feed.c - see feed.h.
 */
#include "state.h"

static uint64_t least (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most (uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* At least one: what is little is dealt in turn, not in nothings. */
static uint64_t some (uint64_t a)
{
    return a ? a : 1;
}

/* ---- how much ---------------------------------------------------------------------------------------------------- */

/* Tickets that the queue holds, by its bound in bytes as far as their size is known. */
static uint64_t capacity_of (const core_queue_t *queue)
{
    uint64_t capacity = queue->maxsize;
    if (queue->average && queue->bytes_max)
        capacity = least (capacity, some (queue->bytes_max / queue->average));
    return capacity;
}

/* Credit over all feeds that is not exceeded for those who have some already. */
static uint64_t ceiling_of (const core_queue_t *queue)
{
    uint64_t capacity = capacity_of (queue);
    return capacity > 1 ? capacity - some (capacity / 16) : 1;
}

/* What a feed gets that has put nothing yet, or when others sit on all but the reserve. */
static uint64_t first_of (const core_feed_t *feed)
{
    uint64_t first = some (ceiling_of (feed->queue) / feed->queue->feed_count / 16);
    return feed->queue->average ? first : least (first, CORE_CREDIT_UNSEEN);
}

/* Unspent credit that a feed should have at the most. */
static uint64_t target_of (const core_feed_t *feed)
{
    if (!feed->managers) /* of what all workers got at most a quarter lies unspent */
        return some (ceiling_of (feed->queue) / feed->queue->feed_count / 4);
    return feed->next == 0 ? first_of (feed) : some (ceiling_of (feed->queue) / feed->queue->feed_count);
}

/* Tickets that may still be promised by the queue's number, and by its bytes too. */
static uint64_t space_in_tickets (const core_queue_t *queue)
{
    uint64_t taken = queue->waiting + queue->outstanding;
    return queue->maxsize > taken ? queue->maxsize - taken : 0;
}

static uint64_t space_of (const core_queue_t *queue)
{
    uint64_t space = space_in_tickets (queue);
    if (!space || !queue->average || !queue->bytes_max)
        return space;
    uint64_t bytes = queue->waiting_bytes + queue->outstanding * queue->average;
    return queue->bytes_max > bytes ? least (space, (queue->bytes_max - bytes) / queue->average) : 0;
}

/* Credit that this feed may get now. One that has none may also have some of the reserve; and when nothing waits, one,
 * whatever its size will be: else a queue whose bound in bytes is small could stand still. */
static uint64_t fitting (const core_feed_t *feed, uint64_t target)
{
    const core_queue_t *queue = feed->queue;
    uint64_t unspent = core_feed_unspent (feed), space = space_of (queue), ceiling = ceiling_of (queue);
    uint64_t below = ceiling > queue->outstanding ? ceiling - queue->outstanding : 0;
    uint64_t grant = unspent < target ? least (target - unspent, least (space, below)) : 0;
    if (unspent == 0)
        grant = most (grant, least (first_of (feed), space));
    if (grant == 0 && unspent == 0 && queue->waiting == 0)
        grant = least (1, space_in_tickets (queue));
    return grant;
}

/* ---- lists of those that want some ------------------------------------------------------------------------------- */

static void unlist (core_feed_t *feed)
{
    if (!core_link_is_in (&feed->in_low))
        return;
    if (core_feed_unspent (feed) == 0)
        feed->queue->dry_count--;
    core_link_remove (&feed->in_low);
}

/* Puts it into the list that its credit asks for. It is in none. A worker may put now and then; credit that it sat on
 * would be missing to others, so it is given some when it waits for it, and is in no list before. */
static void enlist (core_feed_t *feed)
{
    core_queue_t *queue = feed->queue;
    if (!feed->managers && (!feed->wants || core_feed_unspent (feed) > 0))
        return;
    if (core_feed_unspent (feed) == 0) {
        core_list_add_tail (&queue->dry, &feed->in_low);
        queue->dry_count++;
    } else if (core_feed_unspent (feed) <= target_of (feed) / 2)
        core_list_add_tail (&queue->low, &feed->in_low);
}

/* Shares have become larger: some have little now that had enough. */
static void enlist_others (core_queue_t *queue)
{
    queue->shares_grew = false;
    for (core_link_t *link = core_list_first (&queue->feeds); link; link = core_list_next (&queue->feeds, link)) {
        core_feed_t *feed = CORE_OF (link, core_feed_t, in_queue);
        if (!core_link_is_in (&feed->in_low))
            enlist (feed);
    }
}

static void stay (core_feed_t *feed)
{
    feed->queue->leaving -= feed->leaves;
    feed->leaves = false;
}

static void give (core_feed_t *feed, uint64_t grant)
{
    unlist (feed);
    feed->granted += grant;
    feed->queue->outstanding += grant;
    feed->wants = feed->wants && grant == 0;
    if (grant)
        stay (feed);
    enlist (feed);
}

static void tell (const emp_core_t *self, const core_feed_t *feed, emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_PUT_CREDIT);
    effect->session = feed->session_id;
    effect->feed = core_feed_id (self, feed);
    effect->credit = feed->granted;
}

static void give_and_tell (const emp_core_t *self, core_feed_t *feed, uint64_t grant, emp_effects_t *fx)
{
    give (feed, grant);
    tell (self, feed, fx);
}

/* ---- granting ---------------------------------------------------------------------------------------------------- */

static void be_hungry (emp_core_t *self, core_queue_t *queue)
{
    if (core_link_is_in (&queue->in_hungry))
        return;
    queue->hungry_due = self->now + CORE_CREDIT_HOLD;
    core_list_add_tail (&self->hungry, &queue->in_hungry);
}

/* Dry feeds in turn; false when one of them stays dry. */
static bool grant_dry (emp_core_t *self, core_queue_t *queue, bool due, emp_effects_t *fx)
{
    bool at_once = due || queue->waiting == 0;
    core_link_t *link;
    while ((link = core_list_first (&queue->dry))) {
        core_feed_t *feed = CORE_OF (link, core_feed_t, in_low);
        uint64_t target = target_of (feed);
        uint64_t grant = fitting (feed, target);
        if (grant && !at_once && !feed->leaves && grant < some (target / 2)) {
            be_hungry (self, queue);
            return false;
        }
        if (grant == 0)
            break; /* the next push, or end of a feed, comes back here */
        if (at_once)
            grant = least (grant, some (space_of (queue) / queue->dry_count));
        give_and_tell (self, feed, grant, fx);
    }
    core_link_remove (&queue->in_hungry);
    return link == NULL;
}

/* Whoever waits no longer has got nothing in this turn, and shall get nothing later. */
static void let_go (const emp_core_t *self, core_queue_t *queue, emp_effects_t *fx)
{
    core_link_t *next;
    for (core_link_t *link = core_list_first (&queue->dry); link && queue->leaving; link = next) {
        next = core_list_next (&queue->dry, link);
        core_feed_t *feed = CORE_OF (link, core_feed_t, in_low);
        if (!feed->leaves)
            continue;
        unlist (feed);
        stay (feed);
        feed->wants = false;
        tell (self, feed, fx);
    }
}

static void grant_low (const emp_core_t *self, core_queue_t *queue, emp_effects_t *fx)
{
    core_link_t *link;
    while ((link = core_list_first (&queue->low))) {
        core_feed_t *feed = CORE_OF (link, core_feed_t, in_low);
        uint64_t target = target_of (feed);
        if (core_feed_unspent (feed) > target / 2) { /* shares have become smaller */
            unlist (feed);
            continue;
        }
        uint64_t grant = fitting (feed, target);
        if (grant < some (target / 2))
            return;
        give_and_tell (self, feed, grant, fx);
    }
}

void core_feed_grant (emp_core_t *self, core_queue_t *queue, bool due, emp_effects_t *fx)
{
    if (queue->shares_grew)
        enlist_others (queue);
    if (self->draining)
        core_link_remove (&queue->in_hungry);
    else {
        if (grant_dry (self, queue, due, fx))
            grant_low (self, queue, fx);
        let_go (self, queue, fx);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

emp_status_t core_feed_new (emp_core_t *self, core_session_t *session, core_queue_t *queue, core_feed_t **ret_feed)
{
    bool over = session->role == EMP_ROLE_MANAGER ? queue->stop_said : queue->stopped;
    if (over || self->draining)
        return EMP_STOPPED;
    emp_status_t status = core_pool_reserve (&self->feeds, 1);
    if (status != EMP_OK)
        return status;
    core_feed_t *feed = core_pool_take (&self->feeds);
    feed->session = session;
    feed->session_id = session->node.key;
    feed->queue = queue;
    core_list_add_tail (&session->feeds, &feed->in_session);
    core_list_add_tail (&queue->feeds, &feed->in_queue);
    queue->feed_count++;
    self->feed_count++;
    feed->managers = session->role == EMP_ROLE_MANAGER;
    queue->manager_feeds += feed->managers;
    self->manager_feeds += feed->managers;
    queue->manager_fed |= feed->managers;
    queue->worker_fed |= !feed->managers;
    bool its_turn = feed->managers && core_list_is_empty (&queue->dry);
    give (feed, its_turn ? fitting (feed, target_of (feed)) : 0);
    core_queue_touch (self, queue);
    *ret_feed = feed;
    return EMP_OK;
}

core_feed_t *core_feed_find (const emp_core_t *self, uint32_t feed)
{
    return core_pool_find (&self->feeds, feed);
}

uint32_t core_feed_id (const emp_core_t *self, const core_feed_t *feed)
{
    return (uint32_t) core_pool_handle (&self->feeds, &feed->slot);
}

void core_feed_spend (emp_core_t *self, core_feed_t *feed, uint32_t count)
{
    assert (count <= core_feed_unspent (feed));
    if (count == 0)
        return;
    unlist (feed);
    feed->next += count;
    feed->queue->outstanding -= count;
    enlist (feed);
    core_queue_touch (self, feed->queue);
}

void core_feed_want (emp_core_t *self, core_feed_t *feed)
{
    if (feed->managers || feed->wants)
        return;
    feed->wants = true; /* by another way than its last puts, which may still come */
    enlist (feed);
    core_queue_touch (self, feed->queue);
}

emp_status_t core_feed_unwant (emp_core_t *self, core_feed_t *feed, uint64_t put)
{
    if (feed->granted > put)
        return EMP_OK; /* what it waited for is on its way to it */
    if (!feed->wants || feed->granted < put)
        return EMP_STALE;
    feed->queue->leaving += !feed->leaves;
    feed->leaves = true;
    core_queue_touch (self, feed->queue);
    return EMP_OK;
}

void core_feed_saw (core_feed_t *feed, uint32_t size)
{
    core_queue_t *queue = feed->queue;
    queue->average = some (queue->average ? (queue->average * 7 + size) / 8 : size);
}

static void forget_when_acked (emp_core_t *self, core_feed_t *feed)
{
    feed->last_serial = self->backlog.serial;
    core_list_add_tail (&self->ended_feeds, &feed->in_queue);
}

void core_feed_tell_over (const emp_core_t *self, const core_feed_t *feed, emp_effects_t *fx)
{
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_FEED_OVER);
    effect->session = feed->session_id;
    effect->feed = core_feed_id (self, feed);
}

void core_feed_end (emp_core_t *self, core_feed_t *feed)
{
    assert (!feed->ended);
    core_queue_t *queue = feed->queue;
    unlist (feed);
    stay (feed);
    queue->outstanding -= core_feed_unspent (feed);
    feed->granted = feed->next;
    feed->ended = true;
    feed->session = NULL;
    core_link_remove (&feed->in_session);
    core_link_remove (&feed->in_queue);
    queue->feed_count--;
    self->feed_count--;
    queue->manager_feeds -= feed->managers;
    self->manager_feeds -= feed->managers;
    queue->shares_grew = true;
    self->balanced = false; /* what is held may be copied, if this was the last */
    core_queue_touch (self, queue);
    if (feed->open == 0)
        forget_when_acked (self, feed);
}

void core_feed_settle (emp_core_t *self, core_feed_t *feed)
{
    feed->open--;
    if (feed->ended && feed->open == 0)
        forget_when_acked (self, feed);
}

void core_feed_reap (emp_core_t *self)
{
    core_link_t *link;
    while ((link = core_list_first (&self->ended_feeds))) {
        core_feed_t *feed = CORE_OF (link, core_feed_t, in_queue);
        if (feed->last_serial > self->backlog.acked)
            return;
        core_link_remove (link);
        core_pool_give (&self->feeds, feed);
    }
}
