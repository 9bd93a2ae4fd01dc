/* SPDX-License-Identifier: BSD-3-Clause
 *
 * session.c - the client side of the door: one I/O thread, and questions that wait for their answer. See session.h.
 *
 * The I/O thread alone touches the DEALER. Others hand it frames through the outbox and ring its bell, so nothing of
 * libzmq is shared; what it hears it writes under the lock.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../thread.h"
#include "session_inner.h"

#define BEAT_US_AT_FIRST 1000000u
#define LOOK_US 4000u  /* how often batches are looked after while parts are kept back */
#define LOOKS_IDLE 25u /* looks that find nothing before that ends */
#define OUTBOX_MAX (EMP_CONTROL_MAX + 1024u * 1024)
#define REMOTE_ANSWER_MS 20000 /* a PIECE on a slow link that others use as well */

static void ring (int bell)
{
    uint64_t one = 1;
    ssize_t rc;
    do
        rc = write (bell, &one, sizeof one);
    while (rc == -1 && errno == EINTR);
}

/* ---- going down ------------------------------------------------------------------------------------------------ */

static void go_down (emp_session_t *self, const char *reason)
{
    pthread_mutex_lock (&self->lock);
    bool first = !atomic_exchange (&self->down, true);
    bool wanted = self->closing;
    if (first && reason)
        snprintf (self->reason, sizeof self->reason, "%s", reason);
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
    ring (self->wake);
    if (first && !wanted && self->on_message)
        self->on_message (self->arg, NULL);
}

void emp_session_break (emp_session_t *self)
{
    atomic_store (&self->broken, true);
    ring (self->bell);
}

void emp_session_leave (emp_session_t *self)
{
    pthread_mutex_lock (&self->lock);
    atomic_store (&self->leave, true);
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
    ring (self->wake);
}

void emp_session_stop_feeds (emp_session_t *self)
{
    atomic_store (&self->feeds_stopped, true);
    emp_session_wake_feeds (self);
}

void emp_session_wake_feeds (emp_session_t *self)
{
    pthread_mutex_lock (&self->lock);
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

/* ---- what the broker says ------------------------------------------------------------------------------------------ */

static void take_welcome (emp_session_t *self, const emp_control_t *message)
{
    if (message->window == 0 || message->window > UINT32_MAX) { /* we would do nothing but beat, or never */
        atomic_fetch_add (&self->dropped, 1);
        return;
    }
    atomic_store (&self->run, message->run);
    self->welcomed = true;
    self->beat_us = message->window * 1000;
    self->dead_us = message->size * 1000;
    if (message->blob_size && !self->job && !self->has_job) {
        self->job = malloc (message->blob_size);
        if (self->job) {
            memcpy (self->job, message->blob, message->blob_size);
            self->job_size = message->blob_size;
        }
    }
}

static void take_put_credit (emp_session_t *self, const emp_control_t *message)
{
    for (emp_feed_t *feed = self->feeds; feed; feed = feed->next) {
        if (feed->id != message->id || !emp_producer_takes (atomic_load (&feed->credit), message->window))
            continue;
        feed->answered = true; /* no more than before: there is none */
        atomic_store (&feed->credit, message->window);
    }
    pthread_cond_broadcast (&self->changed);
}

static void feed_is_over (emp_session_t *self, uint32_t id)
{
    for (emp_feed_t *feed = self->feeds; feed; feed = feed->next)
        if (feed->id == id)
            atomic_store (&feed->over, true);
    pthread_cond_broadcast (&self->changed);
}

static void take_answer (emp_session_t *self, const emp_control_t *message)
{
    bool ours = message->kind == self->expect;
    if (!ours || (self->expect_name && strcmp (message->name, self->expect_name) != 0)) {
        atomic_fetch_add (&self->dropped, 1); /* an answer that nobody waits for any more */
        return;
    }
    *self->answer = *message;
    self->answer->blob = NULL;
    if (self->answer_room && message->blob_size <= self->answer_room_size) {
        memcpy (self->answer_room, message->blob, message->blob_size);
        self->answer->blob = self->answer_room;
    }
    if (self->expect_feed && message->status == EMP_OK) {
        self->expect_feed->id = message->id;
        atomic_store (&self->expect_feed->credit, message->window);
        self->expect_feed->next = self->feeds;
        self->feeds = self->expect_feed;
    }
    self->expect = 0;
    self->expect_name = NULL;
    self->answered = true;
    pthread_cond_broadcast (&self->changed);
}

static void hear (emp_session_t *self, const emp_control_t *message)
{
    bool pass_on = false;
    pthread_mutex_lock (&self->lock);
    switch (message->kind) {
    case EMP_MSG_WELCOME:
        take_welcome (self, message);
        if (self->welcomed)
            take_answer (self, message);
        break;
    case EMP_MSG_DECLARED:
    case EMP_MSG_LANE:
    case EMP_MSG_FEED:
    case EMP_MSG_COUNTED:
    case EMP_MSG_PIECE:
    case EMP_MSG_STATUS_IS:
    case EMP_MSG_SINK: take_answer (self, message); break;
    case EMP_MSG_PUT_CREDIT: take_put_credit (self, message); break;
    case EMP_MSG_TOOL:
        emp_session_take_tool (self, message->blob, message->blob_size);
        pthread_cond_broadcast (&self->changed);
        break;
    case EMP_MSG_FEED_OVER: feed_is_over (self, message->id); break;
    case EMP_MSG_REVOKE: emp_lane_revoke (self, message->id, message->window, message->code); break;
    case EMP_MSG_GONE:
    case EMP_MSG_JOINED:
    case EMP_MSG_PRINT:
    case EMP_MSG_INFO:
    case EMP_MSG_ATTEMPT:
    case EMP_MSG_FETCH:
    case EMP_MSG_DRAIN:
    case EMP_MSG_KILL: pass_on = true; break;
    case EMP_MSG_BEAT:
    case EMP_MSG_REFUSED: break;
    case EMP_MSG_HELLO:
    case EMP_MSG_ATTACH:
    case EMP_MSG_JOB:
    case EMP_MSG_DECLARE:
    case EMP_MSG_COUNT:
    case EMP_MSG_STATUS:
    case EMP_MSG_WANT:
    case EMP_MSG_UNWANT:
    case EMP_MSG_OPEN_LANE:
    case EMP_MSG_OPEN_FEED:
    case EMP_MSG_OPEN_SINK:
    case EMP_MSG_CREDIT:
    case EMP_MSG_ACK:
    case EMP_MSG_STOP:
    case EMP_MSG_BYE:
    case EMP_MSG_LOST:
        atomic_fetch_add (&self->dropped, 1); /* a client's words from a broker */
        break;
    }
    pthread_mutex_unlock (&self->lock);
    if (message->kind == EMP_MSG_REFUSED) {
        if (message->status == EMP_STOPPED)
            atomic_store (&self->over, true);
        go_down (self, message->text);
    }
    if (pass_on && self->on_message)
        self->on_message (self->arg, message);
}

static void read_door (emp_session_t *self, uint64_t *heard)
{
    void *handle = zsock_resolve (self->door);
    emp_control_t message;
    for (;;) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        int rc;
        do
            rc = zmq_msg_recv (&frame, handle, ZMQ_DONTWAIT);
        while (rc == -1 && errno == EINTR);
        if (rc == -1) {
            zmq_msg_close (&frame);
            return;
        }
        uint64_t run = atomic_load (&self->run);
        if (emp_control_decode (zmq_msg_data (&frame), zmq_msg_size (&frame), &message) == EMP_OK &&
            (message.run == run || run == 0 || message.kind == EMP_MSG_REFUSED)) {
            *heard = emp_now ();
            hear (self, &message);
        } else
            atomic_fetch_add (&self->dropped, 1);
        zmq_msg_close (&frame);
    }
}

/* ---- what we say ----------------------------------------------------------------------------------------------------- */

static void send_door (emp_session_t *self, const void *data, size_t size)
{
    void *handle = zsock_resolve (self->door);
    int rc;
    do
        rc = zmq_send (handle, data, size, ZMQ_DONTWAIT);
    while (rc == -1 && errno == EINTR);
    if (rc == -1)
        atomic_fetch_add (&self->dropped, 1); /* no connection: the silence of the broker ends us */
}

/* Sends all that waits in the outbox, once there is a connection. Returns false when the session closes and all was said. */
static bool empty_outbox (emp_session_t *self)
{
    pthread_mutex_lock (&self->lock);
    if (!self->stands) {
        bool goes_on = !self->closing;
        pthread_mutex_unlock (&self->lock);
        return goes_on;
    }
    emp_buf_t box = self->outbox;
    emp_buf_init (&self->outbox, OUTBOX_MAX);
    bool closing = self->closing;
    pthread_mutex_unlock (&self->lock);
    for (size_t at = 0; at < box.size;) {
        uint32_t size;
        memcpy (&size, box.data + at, sizeof size);
        send_door (self, box.data + at + sizeof size, size);
        at += sizeof size + size;
    }
    self->hello_said |= box.size > 0; /* it is the first of all */
    emp_buf_release (&box);
    return !closing;
}

/* At once, and without waiting for a connection. */
static void say (emp_session_t *self, emp_control_t *message)
{
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    message->run = atomic_load (&self->run);
    if (emp_control_encode (message, &frame) == EMP_OK)
        send_door (self, frame.data, frame.size);
    emp_buf_release (&frame);
}

/* ---- batches -------------------------------------------------------------------------------------------------------- */

void emp_session_look (emp_session_t *self)
{
    if (!atomic_load_explicit (&self->looking, memory_order_relaxed) && !atomic_exchange (&self->looking, true))
        ring (self->bell);
}

/* One look; ends the looking when nothing was kept back for a while. A part that is kept back after the last look and
 * before `looking` is false would be forgotten, so there is one more look behind that. */
static void look_after_batches (emp_session_t *self, unsigned *idle)
{
    for (int again = 1; again--;) {
        bool pending = false;
        uint64_t now = emp_now ();
        pthread_mutex_lock (&self->lock);
        for (emp_batch_t *batch = self->batches; batch; batch = batch->next)
            pending |= emp_batch_flush_stale (batch, now);
        pthread_mutex_unlock (&self->lock);
        bool was_looking = atomic_load (&self->looking);
        *idle = pending ? 0 : *idle + 1;
        if (pending && !was_looking)
            atomic_store (&self->looking, true);
        if (*idle >= LOOKS_IDLE && was_looking) {
            atomic_store (&self->looking, false);
            *idle = 0;
            again = 1;
        }
    }
}

/* ---- over tcp ------------------------------------------------------------------------------------------------------- */

static const char refused_text[] = "the broker does not know this host's key (there: eisenmp keys allow KEY)";
static const char strange_text[] = "what answers there is no broker of eisenmp, or has another key";

/* A session that has lanes and feeds cannot know what it has missed. */
static void connection_broke (emp_session_t *self)
{
    if (!atomic_load (&self->down))
        atomic_store (&self->cut, true);
    go_down (self, "the connection to the broker broke");
}

static bool prepare_door (emp_session_t *self)
{
    return emp_socket_be_client (self->door, &self->curve) == EMP_OK &&
           (self->watch = emp_watch_new (self->door)) != NULL;
}

/* libzmq would dial again by itself, and send what was said in the meantime before ATTACH. (ZMQ_IMMEDIATE keeps it from that, and throws
 * away what has come and was not read yet, which may be that the run is over.) */
static bool open_door_anew (emp_session_t *self)
{
    emp_watch_destroy (&self->watch);
    zsock_set_linger (self->door, 0);
    zsock_destroy (&self->door);
    self->door = emp_socket_new (ZMQ_DEALER, EMP_CONTROL_MAX);
    return self->door && prepare_door (self) && emp_socket_connect (self->door, self->endpoint) == EMP_OK;
}

/* Its last words were read. False: there is no door any more. */
static bool door_broke (emp_session_t *self)
{
    self->stands = false;
    if (atomic_load (&self->down))
        return true;
    if (self->welcomed && self->role != EMP_ROLE_SUPERVISOR) {
        connection_broke (self);
        return true;
    }
    pthread_mutex_lock (&self->lock);
    self->missed = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
    if (!self->welcomed || open_door_anew (self))
        return true;
    go_down (self, strerror (errno));
    return false;
}

/* The socket learns of the connection that ended and of the one that stands when it looks, not when it sends: what is said before
 * goes with the old one. */
static void look_at_door (emp_session_t *self)
{
    int events;
    size_t size = sizeof events;
    (void) zmq_getsockopt (zsock_resolve (self->door), ZMQ_EVENTS, &events, &size);
}

/* The question for a welcome, or the welcome, may have gone with the connection before. */
static void door_stands (emp_session_t *self)
{
    self->stands = true;
    look_at_door (self);
    if (self->welcomed)
        say (self, &(emp_control_t){.kind = EMP_MSG_ATTACH, .session = self->id});
    else if (self->hello_said)
        send_door (self, self->hello.data, self->hello.size);
}

/* False: there is no door any more. What came before the end of a connection is heard before that end. */
static bool hear_links (emp_session_t *self, uint64_t *heard)
{
    bool good = true;
    for (emp_watch_event_t event; good && (event = emp_watch_read (self->watch)) != EMP_WATCH_NOTHING;)
        switch (event) {
        case EMP_WATCH_STANDS: door_stands (self); break;
        case EMP_WATCH_BROKE:
            read_door (self, heard);
            good = door_broke (self);
            break;
        case EMP_WATCH_REFUSED: go_down (self, refused_text); break;
        case EMP_WATCH_STRANGE:
            pthread_mutex_lock (&self->lock);
            snprintf (self->reason, sizeof self->reason, "%s", strange_text);
            pthread_mutex_unlock (&self->lock);
            break;
        case EMP_WATCH_NOTHING: break;
        }
    if (good && emp_session_links_broke (self)) {
        read_door (self, heard);
        connection_broke (self);
    }
    return good;
}

/* ---- the I/O thread -------------------------------------------------------------------------------------------------- */

#define LINKS_MAX 256 /* that are polled; those beyond are looked at once a beat */

typedef struct {
    uint64_t heard, turned, next_beat;
    unsigned idle; /* looks that found nothing */
} io_t;

static void judge_silence (emp_session_t *self, io_t *io)
{
    uint64_t now = emp_now ();
    /* Who did not listen cannot know of a silence: this process was stopped, or the machine slept. */
    if (now - io->turned > 2 * self->beat_us)
        io->heard = now;
    io->turned = now;
    if (self->welcomed && !self->patient && now - io->heard > self->dead_us && !atomic_load (&self->down))
        go_down (self, "the broker is silent");
}

static nfds_t watch_set (emp_session_t *self, struct pollfd *items)
{
    int fds[LINKS_MAX];
    size_t links = emp_session_link_fds (self, fds, LINKS_MAX);
    items[2] = (struct pollfd){.fd = emp_watch_fd (self->watch), .events = POLLIN};
    for (size_t i = 0; i < links; i++)
        items[3 + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    return (nfds_t) (3 + links);
}

static bool io_sleep (emp_session_t *self, io_t *io)
{
    uint64_t now = emp_now ();
    if (io->next_beat > now + self->beat_us)
        io->next_beat = now + self->beat_us; /* the welcome has just said how often */
    bool looking = atomic_load (&self->looking);
    uint64_t next = looking && io->next_beat > now + LOOK_US ? now + LOOK_US : io->next_beat;
    int timeout = next > now ? (int) ((next - now + 999) / 1000) : 0;
    if (atomic_load (&self->down))
        timeout = -1; /* nothing is left to do but to hear that the session closes */
    struct pollfd items[3 + LINKS_MAX] = {{.fd = emp_socket_fd (self->door), .events = POLLIN},
                                          {.fd = self->bell, .events = POLLIN}};
    nfds_t polled = self->remote ? watch_set (self, items) : 2;
    if (poll (items, polled, timeout) == -1 && errno != EINTR) {
        go_down (self, strerror (errno));
        return false;
    }
    if (items[1].revents) {
        uint64_t count;
        (void) !read (self->bell, &count, sizeof count);
    }
    if (looking)
        look_after_batches (self, &io->idle);
    return true;
}

/* What is sent is sent before the door is read, and the door is read before each sleep: emp_socket_fd. */
static void *io_thread (void *arg)
{
    emp_session_t *self = arg;
    uint64_t now = emp_now ();
    io_t io = {.heard = now, .turned = now, .next_beat = now + BEAT_US_AT_FIRST};
    for (;;) {
        /* First: what waits in the outbox for a connection has one now. */
        if ((self->remote && !hear_links (self, &io.heard)) || !empty_outbox (self))
            break;
        if (emp_now () >= io.next_beat && !atomic_load (&self->down)) {
            if (self->welcomed && self->stands)
                say (self, &(emp_control_t){.kind = EMP_MSG_BEAT});
            io.next_beat = emp_now () + self->beat_us;
        }
        read_door (self, &io.heard);
        if (atomic_load (&self->broken) && !atomic_load (&self->down))
            go_down (self, "what the broker waits for could not be sent: out of memory, or of descriptors");
        judge_silence (self, &io);
        if (!io_sleep (self, &io))
            break;
    }
    return NULL;
}

/* ---- what others say through it --------------------------------------------------------------------------------------- */

emp_status_t emp_session_send (emp_session_t *self, emp_control_t *message)
{
    message->run = atomic_load (&self->run);
    if (message->kind == EMP_MSG_HELLO)
        message->session = self->id;
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    emp_status_t status = emp_control_encode (message, &frame);
    if (status == EMP_OK) {
        uint32_t size = (uint32_t) frame.size;
        pthread_mutex_lock (&self->lock);
        status = emp_buf_reserve (&self->outbox, sizeof size + size);
        if (status == EMP_OK && self->remote && message->kind == EMP_MSG_HELLO)
            status = emp_buf_append (&self->hello, frame.data, frame.size);
        if (status == EMP_OK) {
            emp_buf_append (&self->outbox, &size, sizeof size);
            emp_buf_append (&self->outbox, frame.data, frame.size);
        } else if (status == EMP_TOOBIG) {
            self->outbox.broken = EMP_OK; /* only this one message did not fit */
            status = EMP_FULL;
        }
        pthread_mutex_unlock (&self->lock);
        ring (self->bell);
    }
    emp_buf_release (&frame);
    return status;
}

/* ---- questions --------------------------------------------------------------------------------------------------------- */

static void deadline_in (struct timespec *ret_deadline, uint32_t ms)
{
    clock_gettime (CLOCK_MONOTONIC, ret_deadline);
    ret_deadline->tv_sec += ms / 1000;
    ret_deadline->tv_nsec += (long) (ms % 1000) * 1000000;
    if (ret_deadline->tv_nsec >= 1000000000) {
        ret_deadline->tv_sec++;
        ret_deadline->tv_nsec -= 1000000000;
    }
}

emp_status_t emp_session_ask (emp_session_t *self, emp_control_t *question, emp_kind_t expect, emp_feed_t *feed,
                              emp_control_t *answer)
{
    pthread_mutex_lock (&self->call_lock);
    pthread_mutex_lock (&self->lock);
    self->expect = expect;
    self->expect_name = question->name[0] && question->kind != EMP_MSG_HELLO ? question->name : NULL;
    self->expect_feed = feed;
    self->answer = answer;
    self->answered = self->missed = false;
    pthread_mutex_unlock (&self->lock);

    emp_status_t status = emp_session_send (self, question);
    struct timespec deadline;
    deadline_in (&deadline, self->timeout_ms);
    pthread_mutex_lock (&self->lock);
    int rc = 0;
    bool again = expect == EMP_MSG_PIECE; /* who asks it asks it again */
    while (status == EMP_OK && !self->answered && !atomic_load (&self->down) && rc != ETIMEDOUT &&
           !(again && self->missed))
        rc = pthread_cond_timedwait (&self->changed, &self->lock, &deadline);
    if (status == EMP_OK && !self->answered)
        status = atomic_load (&self->down) ? EMP_SYSTEM : again && self->missed ? EMP_STALE : EMP_TIMEOUT;
    self->expect = 0;
    self->expect_name = NULL; /* the caller's, who goes */
    self->expect_feed = NULL;
    self->answer = NULL;
    pthread_mutex_unlock (&self->lock);
    pthread_mutex_unlock (&self->call_lock);
    return status;
}

emp_status_t emp_session_declare (emp_session_t *self, const char *queue, uint32_t maxsize, uint64_t bytes_max)
{
    emp_control_t question = {.kind = EMP_MSG_DECLARE, .window = maxsize, .size = bytes_max};
    snprintf (question.name, sizeof question.name, "%s", queue);
    emp_control_t answer;
    emp_status_t status = emp_session_ask (self, &question, EMP_MSG_DECLARED, NULL, &answer);
    return status == EMP_OK ? answer.status : status;
}

emp_status_t emp_session_count (emp_session_t *self, const char *queue, uint64_t *ret_waiting, uint64_t *ret_maxsize)
{
    emp_control_t question = {.kind = EMP_MSG_COUNT};
    snprintf (question.name, sizeof question.name, "%s", queue);
    emp_control_t answer;
    emp_status_t status = emp_session_ask (self, &question, EMP_MSG_COUNTED, NULL, &answer);
    if (status == EMP_OK)
        status = answer.status;
    if (status == EMP_OK) {
        *ret_waiting = answer.window;
        *ret_maxsize = answer.size;
    }
    return status;
}

void emp_session_set_timeout (emp_session_t *self, uint32_t timeout_ms)
{
    self->timeout_ms = timeout_ms;
}

/* ---- for lanes and the sink ---------------------------------------------------------------------------------------------- */

void emp_session_wait (emp_session_t *self, int fd, uint64_t until)
{
    uint64_t now = until == UINT64_MAX ? 0 : emp_now ();
    uint64_t left = until > now ? (until - now + 999) / 1000 : 0;
    int timeout = until == UINT64_MAX ? -1 : left < INT_MAX ? (int) left : INT_MAX;
    struct pollfd items[] = {{.fd = fd, .events = POLLIN}, {.fd = self->wake, .events = POLLIN}};
    poll (items, 2, timeout);
}

emp_status_t emp_session_decode (emp_session_t *self, zmq_msg_t *header, zmq_msg_t *payload, emp_wire_t *ret_wire)
{
    emp_status_t status =
        emp_wire_decode (zmq_msg_data (header), zmq_msg_size (header), zmq_msg_size (payload), ret_wire);
    if (status == EMP_OK && ret_wire->run != atomic_load (&self->run))
        status = EMP_STALE;
    if (status != EMP_OK)
        atomic_fetch_add (&self->dropped, 1);
    return status;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

static void free_session (emp_session_t *self)
{
    emp_watch_destroy (&self->watch);
    zsock_destroy (&self->door);
    if (self->bell >= 0)
        close (self->bell);
    if (self->wake >= 0)
        close (self->wake);
    emp_buf_release (&self->outbox);
    emp_buf_release (&self->hello);
    pthread_cond_destroy (&self->changed);
    pthread_mutex_destroy (&self->lock);
    pthread_mutex_destroy (&self->call_lock);
    emp_session_free_tools (self);
    free (self->job);
    free (self);
}

static emp_session_t *make_session (const emp_session_config_t *config)
{
    emp_session_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->id = config->session ? config->session : emp_random_id ();
    atomic_store (&self->run, config->run);
    self->role = config->role;
    self->on_message = config->on_message;
    self->arg = config->arg;
    self->timeout_ms = config->timeout_ms;
    self->beat_us = BEAT_US_AT_FIRST;
    self->patient = config->patient;
    self->has_job = config->has_job;
    snprintf (self->endpoint, sizeof self->endpoint, "%s", config->endpoint);
    self->remote = emp_endpoint_is_remote (config->endpoint);
    self->stands = !self->remote;
    if (config->curve)
        self->curve = *config->curve;
    emp_thread_cond_init (&self->changed);
    pthread_mutex_init (&self->lock, NULL);
    pthread_mutex_init (&self->call_lock, NULL);
    emp_buf_init (&self->outbox, OUTBOX_MAX);
    emp_buf_init (&self->hello, EMP_CONTROL_MAX);
    self->bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->door = emp_socket_new (ZMQ_DEALER, EMP_CONTROL_MAX);
    if (self->door && self->remote && !prepare_door (self))
        zsock_destroy (&self->door);
    return self;
}

static emp_status_t say_hello (emp_session_t *self, const emp_session_config_t *config, char *ret_reason)
{
    emp_control_t hello = {
        .kind = EMP_MSG_HELLO, .parent = config->parent, .role = config->role, .pid = (uint32_t) getpid ()};
    snprintf (hello.name, sizeof hello.name, "%s", config->name);
    if (gethostname (hello.host, sizeof hello.host) != 0)
        hello.host[0] = 0;
    memcpy (hello.endpoint, self->endpoint, sizeof hello.endpoint);
    emp_control_t answer;
    emp_status_t status = emp_session_ask (self, &hello, EMP_MSG_WELCOME, NULL, &answer);
    if (status != EMP_OK && ret_reason) {
        pthread_mutex_lock (&self->lock);
        memcpy (ret_reason, self->reason, sizeof self->reason);
        pthread_mutex_unlock (&self->lock);
    }
    if (status == EMP_SYSTEM)
        status = atomic_load (&self->over) ? EMP_STOPPED : EMP_REFUSED;
    return status;
}

emp_status_t emp_session_new (const emp_session_config_t *config, emp_session_t **ret_self, char *ret_reason)
{
    emp_session_t *self = make_session (config);
    if (!self)
        return EMP_NOMEM;
    if (ret_reason)
        ret_reason[0] = 0;
    if (!self->door || self->bell < 0 || self->wake < 0 || emp_socket_connect (self->door, self->endpoint) != EMP_OK ||
        !(self->running = emp_thread_start (&self->thread, "emp-session", io_thread, self))) {
        free_session (self);
        return EMP_SYSTEM;
    }
    emp_status_t status = say_hello (self, config, ret_reason);
    if (status != EMP_OK) {
        emp_session_destroy (&self);
        return status;
    }
    if (self->remote)
        self->timeout_ms = REMOTE_ANSWER_MS;
    *ret_self = self;
    return EMP_OK;
}

void emp_session_close (emp_session_t *self)
{
    if (!atomic_load (&self->down) || atomic_load (&self->over)) { /* who says that the run is over waits for it */
        emp_control_t bye = {.kind = EMP_MSG_BYE};
        emp_session_send (self, &bye);
    }
    pthread_mutex_lock (&self->lock);
    self->closing = true;
    atomic_store (&self->down, true);
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
    ring (self->wake);
    ring (self->bell);
    if (self->running)
        pthread_join (self->thread, NULL);
    self->running = false;
}

void emp_session_destroy (emp_session_t **self_p)
{
    emp_session_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    emp_session_close (self);
    free_session (self);
}

uint64_t emp_session_id (const emp_session_t *self)
{
    return self->id;
}

uint64_t emp_session_run (emp_session_t *self)
{
    return atomic_load (&self->run);
}

const void *emp_session_job (const emp_session_t *self, size_t *ret_size)
{
    *ret_size = self->job_size;
    return self->job;
}

bool emp_session_is_down (emp_session_t *self)
{
    return atomic_load (&self->down);
}

bool emp_session_is_over (emp_session_t *self)
{
    return atomic_load (&self->over);
}

bool emp_session_is_cut (emp_session_t *self)
{
    return atomic_load (&self->cut);
}

void emp_session_reason (emp_session_t *self, char *ret_reason)
{
    pthread_mutex_lock (&self->lock);
    memcpy (ret_reason, self->reason, sizeof self->reason);
    pthread_mutex_unlock (&self->lock);
}

uint64_t emp_session_dead_after (emp_session_t *self)
{
    pthread_mutex_lock (&self->lock);
    uint64_t us = self->dead_us;
    pthread_mutex_unlock (&self->lock);
    return us;
}

uint64_t emp_session_dropped (emp_session_t *self)
{
    return atomic_load (&self->dropped);
}
