/* SPDX-License-Identifier: BSD-3-Clause
 *
 * broker.c - the broker's thread: its life, and its turn. See broker.h and shell.h.
 *
 * Polled are the door, the intakes, and lanes only until their peer has connected: afterwards a lane is written under
 * credit and needs no polling, so a turn costs as many poll entries as there are queues, not consumers. It polls the
 * sockets' descriptors (emp_socket_fd) and remembers which of them was not read empty.
 */
#include "broker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../common/thread.h"
#include "shell.h"

/* ---- a turn -------------------------------------------------------------------------------------------------------- */

static int poll_timeout (emp_broker_t *self)
{
    emp_usec_t due = emp_core_next_due (self->core);
    uint64_t now = emp_now () - self->clock.skipped;
    if (due == UINT64_MAX)
        return -1;
    /* Never longer than a beat, so that a stop of two beats shows (clock.h). */
    uint64_t sleep = due <= now ? 0 : (due - now + 999) / 1000;
    return (int) (sleep < self->config.beat_ms ? sleep : self->config.beat_ms);
}

/* One of the gate's says by itself that it is there. */
static bool is_waiting (const lane_t *lane)
{
    return lane && !lane->ready && lane->push;
}

/* Who dials before there is a job waits in the gate's socket until there is, or he would be welcomed to nothing. */
static bool hears_gate (const emp_broker_t *self)
{
    return self->gate && self->job;
}

/* Fills self->items: bell, door, gate, intakes, then the lanes that wait for their peer, the sink the last. */
static size_t poll_set (emp_broker_t *self)
{
    size_t room = 3 + self->intake_count + self->unready;
    if (room > self->items_room) {
        struct pollfd *items = realloc (self->items, room * sizeof *items);
        if (!items)
            broker_exhausted (); /* out of memory for the poll set: nothing can go on */
        self->items = items;
        self->items_room = room;
    }
    size_t n = 0;
    self->items[n++] = (struct pollfd){.fd = self->bell, .events = POLLIN};
    self->items[n++] = (struct pollfd){.fd = self->door_fd, .events = POLLIN};
    self->items[n++] = (struct pollfd){.fd = hears_gate (self) ? self->gate_fd : -1, .events = POLLIN};
    for (size_t i = 0; i < self->intake_count; i++)
        self->items[n++] = (struct pollfd){.fd = self->intake_list[i]->fd, .events = POLLIN};
    if (!self->unready)
        return n;
    for (size_t i = 0; i < self->lanes.room; i++)
        if (is_waiting (self->lanes.list[i]))
            self->items[n++] = (struct pollfd){.fd = ((lane_t *) self->lanes.list[i])->fd, .events = POLLIN};
    if (is_waiting (self->sink))
        self->items[n++] = (struct pollfd){.fd = self->sink->fd, .events = POLLIN};
    return n;
}

/* Something was not read empty: no descriptor will tell of it. */
static bool has_more (const emp_broker_t *self)
{
    bool more = self->door_more || (hears_gate (self) && self->gate_more);
    for (size_t i = 0; i < self->intake_count && !more; i++)
        more = self->intake_list[i]->more;
    return more;
}

static bool connected (lane_t *lane)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt (lane->handle, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLOUT);
}

static void greet_lanes (emp_broker_t *self)
{
    for (size_t i = 0; i < self->lanes.room && self->unready; i++) {
        lane_t *lane = self->lanes.list[i];
        if (!is_waiting (lane) || !connected (lane))
            continue;
        lane->ready = true;
        self->unready--;
        emp_event_t event = {.kind = EMP_EV_LANE_READY, .lane = lane->id};
        broker_step (self, &event);
    }
    if (is_waiting (self->sink) && connected (self->sink)) {
        self->sink->ready = true;
        self->unready--;
        outgoing_sink_ready (self);
    }
}

static void publish_stats (emp_broker_t *self)
{
    pthread_mutex_lock (&self->stats_lock);
    emp_core_stats (self->core, &self->stats);
    pthread_mutex_unlock (&self->stats_lock);
}

static bool turn (emp_broker_t *self)
{
    size_t n = poll_set (self);
    int timeout = has_more (self) ? 0 : poll_timeout (self);
    if (poll (self->items, (nfds_t) n, timeout) == -1 && errno != EINTR)
        return false;
    uint64_t meant = timeout < 0 ? UINT64_MAX : (uint64_t) timeout * 1000;
    self->now = broker_clock_turn (&self->clock, emp_now (), meant, (uint64_t) self->config.beat_ms * 1000);
    if (self->items[0].revents)
        return false;
    size_t intakes = self->intake_count; /* the door may bind more; they begin with `more` */
    if (self->items[1].revents || self->door_more)
        door_read (self);
    if (hears_gate (self) && (self->items[2].revents || self->gate_more))
        gate_read (self);
    for (size_t i = 0; i < intakes; i++)
        if (self->items[3 + i].revents || self->intake_list[i]->more)
            intake_read (self, self->intake_list[i]);
    if (self->unready)
        greet_lanes (self);
    if (self->gate)
        gate_look (self);
    if (self->now >= emp_core_next_due (self->core)) {
        emp_event_t tick = {.kind = EMP_EV_TICK};
        broker_step (self, &tick);
    }
    publish_stats (self); /* first: who gets what is sent now finds it counted */
    outgoing_flush (self);
    return true;
}

static void *broker_thread (void *arg)
{
    emp_broker_t *self = arg;
    self->clock.turned = emp_now ();
    while (turn (self))
        ;
    if (self->gate)
        gate_see_off (self);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static bool bind_door (emp_broker_t *self)
{
    self->door = emp_socket_new (ZMQ_ROUTER, EMP_CONTROL_MAX);
    if (!self->door)
        return false;
    self->door_handle = zsock_resolve (self->door);
    self->door_fd = emp_socket_fd (self->door);
    self->door_more = true; /* it was never looked at */
    snprintf (self->inproc, sizeof self->inproc, "inproc://eisenmp-%016llx-door", (unsigned long long) self->run);
    if (emp_socket_bind (self->door, self->inproc, NULL) != EMP_OK)
        return false;
    if (self->config.listen && emp_socket_bind (self->door, self->config.listen, self->endpoint) != EMP_OK)
        return false;
    return !self->config.gate.listen || gate_bind (self) == EMP_OK;
}

static void free_tables (emp_broker_t *self)
{
    for (size_t i = 0; i < self->lanes.room; i++)
        if (self->lanes.list[i])
            lane_close (self, self->lanes.list[i]);
    if (self->sink)
        lane_close (self, self->sink);
    for (size_t i = 0; i < self->feeds.room; i++)
        free (self->feeds.list[i]);
    for (size_t i = 0; i < self->intake_count; i++) {
        zsock_destroy (&self->intake_list[i]->pull);
        if (self->intake_list[i]->ipc[0])
            unlink (self->intake_list[i]->ipc + strlen ("ipc://"));
        free (self->intake_list[i]);
    }
    for (size_t i = 0; i < self->chunks_room; i++)
        slice_release (&self->chunks[i]);
    for (size_t i = 0; i < self->kept_count; i++)
        slice_release (&self->kept[i].slice);
    free (self->lanes.list);
    free (self->feeds.list);
    free (self->intakes.list);
    free (self->intake_list);
    free (self->dirty);
    free (self->chunks);
    free (self->kept);
    parked_release (self);
    free (self->items);
}

static void free_broker (emp_broker_t *self)
{
    free_tables (self);
    if (self->door_handle && self->by_session)
        door_close (self);
    zsock_destroy (&self->door);
    gate_close (self);
    if (strncmp (self->endpoint, "ipc://", 6) == 0)
        unlink (self->endpoint + 6);
    if (self->by_session)
        for (peer_t *peer = zhashx_first (self->by_session); peer; peer = zhashx_next (self->by_session))
            free (peer);
    zhashx_destroy (&self->by_route);
    zhashx_destroy (&self->by_session);
    emp_effects_release (&self->fx);
    emp_core_destroy (&self->core);
    if (self->bell >= 0)
        close (self->bell);
    pthread_mutex_destroy (&self->stats_lock);
    for (size_t i = 0; i < self->tools_count; i++)
        emp_buf_release (&self->tools[i]);
    free (self->tools);
    free (self->job);
    free (self);
}

emp_broker_t *emp_broker_new (const emp_broker_config_t *config, emp_status_t *ret_status)
{
    emp_net_init ();
    emp_broker_t *self = calloc (1, sizeof *self);
    if (!self) {
        *ret_status = EMP_NOMEM;
        return NULL;
    }
    self->config = *config;
    if (config->directory && strlen (config->directory) > EMP_DIRECTORY_MAX) {
        free (self);
        errno = ENAMETOOLONG;
        *ret_status = EMP_SYSTEM;
        return NULL;
    }
    if (config->directory) {
        snprintf (self->directory, sizeof self->directory, "%s", config->directory);
        self->config.directory = self->directory;
    }
    self->run = config->run ? config->run : emp_random_id ();
    pthread_mutex_init (&self->stats_lock, NULL);
    self->bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->core = emp_core_new (&config->core);
    self->by_route = zhashx_new ();
    self->by_session = zhashx_new ();
    if (!self->core || self->bell < 0 || !bind_door (self) ||
        !emp_thread_start (&self->thread, "emp-broker", broker_thread, self)) {
        int saved = errno;
        free_broker (self);
        errno = saved;
        *ret_status = EMP_SYSTEM;
        return NULL;
    }
    *ret_status = EMP_OK;
    return self;
}

void emp_broker_destroy (emp_broker_t **self_p)
{
    emp_broker_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    uint64_t one = 1;
    (void) !write (self->bell, &one, sizeof one);
    pthread_join (self->thread, NULL);
    free_broker (self);
}

uint64_t emp_broker_run (const emp_broker_t *self)
{
    return self->run;
}

const char *emp_broker_inproc (const emp_broker_t *self)
{
    return self->inproc;
}

const char *emp_broker_endpoint (const emp_broker_t *self)
{
    return self->endpoint;
}

const char *emp_broker_gate (const emp_broker_t *self)
{
    return self->gate_endpoint;
}

uint64_t emp_broker_dropped (emp_broker_t *self)
{
    return atomic_load_explicit (&self->dropped, memory_order_relaxed);
}

void emp_broker_stats (emp_broker_t *self, emp_core_stats_t *ret_stats)
{
    pthread_mutex_lock (&self->stats_lock);
    *ret_stats = self->stats;
    pthread_mutex_unlock (&self->stats_lock);
}
