/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - the manager: it declares the queues, opens the sink and the feeds, puts what the plan says under the credit of the real
 * producer core, acknowledges results, starts the supervisor (again), says STOP, or DRAIN.
 */
#include "sim.h"

static void feed_goes_on (world_t *self, void *feed);

static void say (world_t *self, say_t what, uint32_t queue)
{
    message_t *message = message_new (self, what, 0);
    message->session = self->manager->session;
    message->queue = queue;
    wire_send (self, &self->manager->up, message);
}

/* ---- feeds --------------------------------------------------------------------------------------------------------- */

static void send_puts (world_t *self, feed_t *feed, bool end)
{
    message_t *message = message_new (self, SAY_PUT, feed->batch.count);
    message->session = self->manager->session;
    message->id = feed->id;
    message->first = feed->first;
    message->skipped = feed->producer.skipped;
    message->count = feed->batch.count;
    message->end = end;
    for (uint32_t i = 0; i < feed->batch.count; i++)
        message->pieces[i] = feed->batch.pieces[i];
    feed->first += feed->batch.count;
    feed->batch.count = 0;
    wire_send (self, &feed->puts, message);
}

static void say_stop (world_t *self, void *arg)
{
    (void) arg;
    process_t *manager = self->manager;
    if (manager->stop_said)
        return;
    manager->stop_said = true;
    bool all = chance (self->plan->seed, 5) % 2;
    message_t *message = message_new (self, SAY_STOP, 0);
    message->end = all;
    wire_send (self, &manager->up, message);
    if (all)
        return;
    message = message_new (self, SAY_STOP, 0);
    message->queue = 1;
    wire_send (self, &manager->up, message);
}

static void end_feed (world_t *self, feed_t *feed)
{
    feed->producer.ended = true;
    if (feed->batch.count && chance (self->plan->seed, self->order) % 2) {
        send_puts (self, feed, true);
    } else {
        if (feed->batch.count)
            send_puts (self, feed, false);
        send_puts (self, feed, true);
    }
    feed->end_said = true;
    if (++self->manager->feeds_ended == self->plan->feeds)
        world_at (self, self->now + chance (self->plan->seed, self->order) % 20000, say_stop, NULL);
}

/* Numbers of an earlier run are passed over before those that are put. */
static void skip_some (world_t *self, feed_t *feed)
{
    uint32_t skips = self->plan->feed[feed->plan].skips;
    while (feed->producer.skipped < skips && chance (self->plan->seed, self->order + feed->producer.skipped) % 3 == 0) {
        if (feed->batch.count)
            send_puts (self, feed, false);
        emp_producer_skip (&feed->producer);
        feed->first++;
    }
}

static void feed_goes_on (world_t *self, void *arg)
{
    feed_t *feed = arg;
    if (feed->producer.ended)
        return;
    uint32_t tickets = self->plan->feed[feed->plan].tickets, batch = self->plan->feed[feed->plan].batch;
    bool stops = self->manager->drained || feed->over;
    while (!stops && feed->producer.put < tickets && feed->batch.count < batch &&
           !emp_producer_is_dry (&feed->producer, feed->credit)) {
        skip_some (self, feed);
        feed->batch.pieces[feed->batch.count++].part =
            (emp_part_t){.rows = self->plan->feed[feed->plan].rows, .length = 20};
        emp_producer_put (&feed->producer);
    }
    if (stops || feed->producer.put == tickets)
        end_feed (self, feed);
    else if (feed->batch.count)
        send_puts (self, feed, false);
    if (!feed->producer.ended && !emp_producer_is_dry (&feed->producer, feed->credit))
        world_at (self, self->now + self->plan->feed[feed->plan].pace, feed_goes_on, feed);
}

static void feed_is_open (world_t *self, process_t *manager, const message_t *message)
{
    feed_t *feed = manager->feeds[message->ticket];
    feed->id = message->id;
    feed->credit = message->window;
    feed->over = message->code != EMP_OK;
    feed->open = true;
    if (feed->over)
        world_break (self, "the manager's feed is refused");
    if (!self->host)
        self->host = host_start (self); /* the queues are there */
    world_at (self, self->now + self->plan->feed[feed->plan].pace, feed_goes_on, feed);
    if (++manager->feeds_open == self->plan->feeds && self->plan->stop_early)
        world_at (self, self->now + chance (self->plan->seed, self->order) % 20000, say_stop, NULL);
}

/* ---- results ------------------------------------------------------------------------------------------------------- */

static void acknowledge (world_t *self, void *arg)
{
    process_t *manager = arg;
    if (manager->sink_stands_until > self->now) {
        world_at (self, manager->sink_stands_until, acknowledge, manager);
        return;
    }
    manager->ack_planned = false;
    manager->acked = manager->sink_serial;
    message_t *message = message_new (self, SAY_ACK, 0);
    message->session = manager->session;
    message->serial = manager->acked;
    wire_send (self, &manager->up, message);
}

static void take_results (world_t *self, process_t *manager, const message_t *message)
{
    if (manager->over)
        world_break (self, "a result comes behind the last");
    if (message->serial != manager->sink_serial + 1)
        world_break (self, "the sink did not see each serial once");
    manager->sink_serial = message->serial + message->count - 1;
    if (manager->ack_planned)
        return;
    manager->ack_planned = true;
    world_at (self, self->now + chance (self->plan->seed, self->order) % 3000, acknowledge, manager);
}

/* ---- the supervisor -------------------------------------------------------------------------------------------------- */

static void start_host (world_t *self, void *arg)
{
    (void) arg;
    if (!self->manager->over && !self->manager->drained)
        self->host = host_start (self);
}

static void host_is_collected (world_t *self, void *arg)
{
    process_t *host = arg;
    if (host->life == DIED) {
        message_t *message = message_new (self, SAY_LOST, 0);
        message->session = host->session;
        message->how = EMP_HOW_SIGNAL;
        message->code = 9;
        wire_send (self, &self->manager->up, message);
    }
    if (host == self->host)
        world_at (self, self->now + 2000, start_host, NULL);
}

void manager_host_ended (world_t *self, process_t *host)
{
    world_at (self, self->now + 100 + chance (self->plan->seed, self->order) % 3000, host_is_collected, host);
}

/* ---- what it hears --------------------------------------------------------------------------------------------------- */

static void opens (world_t *self, process_t *manager)
{
    say (self, SAY_DECLARE, 0);
    say (self, SAY_DECLARE, 1);
    say (self, SAY_OPEN_SINK, 0);
    for (uint32_t i = 0; i < self->plan->feeds; i++) {
        feed_t *feed = world_alloc (self, sizeof *feed);
        feed->plan = i;
        feed->producer.fed_ahead = true;
        feed->queue = self->plan->feed[i].queue;
        wire_init (self, &feed->puts, "manager puts", manager, true);
        feed->puts.stream = chance (self->plan->seed, 900 + i);
        manager->feeds[i] = feed;
        message_t *message = message_new (self, SAY_OPEN_FEED, 0);
        message->queue = feed->queue;
        message->ticket = i;
        wire_send (self, &manager->up, message);
    }
}

void manager_hear (world_t *self, process_t *manager, message_t *message)
{
    world_say (self, "  manager hears %s (id %x, serial %llu, %u parts)", say_name (message->say), message->id,
               (unsigned long long) message->serial, message->count);
    process_t *about =
        message->session && message->session <= self->process_count ? self->processes[message->session] : NULL;
    switch (message->say) {
    case SAY_WELCOME: opens (self, manager); break;
    case SAY_FEED: feed_is_open (self, manager, message); break;
    case SAY_PUT_CREDIT:
        for (uint32_t i = 0; i < self->plan->feeds; i++) {
            feed_t *feed = manager->feeds[i];
            if (feed->id != message->id || !emp_producer_takes (feed->credit, message->window))
                continue;
            bool dry = emp_producer_is_dry (&feed->producer, feed->credit);
            feed->credit = message->window;
            if (dry)
                world_at (self, self->now + self->plan->feed[i].pace, feed_goes_on, feed);
        }
        break;
    case SAY_RESULTS: take_results (self, manager, message); break;
    case SAY_STOPPED:
        if (manager->over)
            world_break (self, "the sink is told twice that all has ended");
        manager->over = true;
        break;
    case SAY_GONE:
        if (about && about->role == EMP_ROLE_SUPERVISOR)
            host_die (self, about, 9);
        break;
    default: break;
    }
}

void manager_fault (world_t *self, const fault_t *fault)
{
    process_t *manager = self->manager;
    if (fault->kind == FAULT_SINK_STANDS) {
        manager->sink_stands_until = self->now + fault->much;
        return;
    }
    if (manager->feeds_open < self->plan->feeds || manager->drained)
        return;
    manager->drained = true;
    say (self, SAY_DRAIN, 0);
    for (uint32_t i = 0; i < self->plan->feeds; i++)
        world_at (self, self->now, feed_goes_on, manager->feeds[i]);
}

void manager_start (world_t *self)
{
    process_t *manager = process_new (self, EMP_ROLE_MANAGER, 0, NULL);
    self->manager = manager;
    wire_init (self, &manager->sink, "sink", manager, false);
    message_t *message = message_new (self, SAY_HELLO, 0);
    message->session = manager->session;
    wire_send (self, &manager->up, message);
}
