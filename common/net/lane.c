/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lane.c - a consumer's end of a queue: chunks come by a PULL, endings go by a PUSH to the queue's intake.
 *
 * Credit follows the work. A consumer asks to hold one chunk more than it can work off in WORK_AHEAD_US, so a fast one
 * never waits for the wire and a slow one hoards nothing; from LONG_CHUNK_US on the round trip is lost in the
 * chunk's own time and it holds one chunk only. Figures: common/net/README.md.
 * Endings of chunks faster than KEEP_BACK_US are sent together (batch.c), and at once when nothing is left to do.
 * One user at a time; no lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session_inner.h"

#define WORK_AHEAD_US 12000u
#define LONG_CHUNK_US 50000u
#define WINDOW_MAX 512u
#define REVOKED_MAX 1024u  /* twice what a lane can hold, so none that matters gives way */
#define KEEP_BACK_US 1500u /* a chunk slower than this reports at once */

/* The payload of one message, shared by the chunks in it. */
typedef struct {
    _Atomic uint32_t refs;
    zmq_msg_t payload;
} frame_t;

typedef struct {
    uint64_t ticket;
    uint32_t attempt;
} revoked_t;

struct emp_lane {
    emp_lane_t *next; /* of the session's; under its lock */
    _Atomic uint32_t revoked_count;
    uint32_t revoked_next;
    revoked_t revoked[REVOKED_MAX]; /* under the session's lock; a ring, the oldest entry gives way */
    emp_session_t *session;
    zsock_t *pull;
    void *pull_handle;
    int fd; /* of the PULL */
    uint32_t id;
    bool stopped;
    frame_t *frame; /* the message at hand, or NULL */
    uint32_t part;  /* its next part */
    size_t offset;  /* where that begins */
    emp_wire_t in;
    emp_batch_t out;
    bool measured;
    uint64_t average_us;
};

/* ---- credit ------------------------------------------------------------------------------------------------------ */

static uint32_t credit_for (uint64_t chunk_us)
{
    if (chunk_us >= LONG_CHUNK_US)
        return 1;
    uint64_t ahead = 1 + WORK_AHEAD_US / (chunk_us ? chunk_us : 1);
    return ahead < WINDOW_MAX ? (uint32_t) ahead : WINDOW_MAX;
}

static void measure (emp_lane_t *self, uint64_t busy_us)
{
    if (!self->measured)
        self->average_us = busy_us;
    else
        self->average_us = (self->average_us * 3 + busy_us) / 4;
    self->measured = true;
}

/* ---- endings ----------------------------------------------------------------------------------------------------- */

static void flush (emp_lane_t *self)
{
    /* What cannot be sent is lost with the connection, and its tickets are worked on again. */
    emp_batch_flush (&self->out);
}

emp_status_t emp_lane_done (emp_lane_t *self, const emp_lane_end_t *end, emp_buf_t *result)
{
    measure (self, end->busy_us);
    emp_part_t part = {
        .ticket = end->ticket, .attempt = end->attempt, .outcome = (uint32_t) end->outcome, .hash = end->hash};
    /* It grows by one a chunk, which doubles it in a round trip (TCP's slow start), and shrinks at once. */
    uint64_t window = atomic_load_explicit (&self->out.window, memory_order_relaxed),
             wanted = credit_for (self->average_us);
    atomic_store_explicit (&self->out.window, wanted > window ? window + 1 : wanted, memory_order_relaxed);
    bool keep = self->average_us <= KEEP_BACK_US && end->busy_us <= KEEP_BACK_US;
    return emp_batch_add (&self->out, &part, result, keep, emp_now ());
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

void emp_lane_release (void *frame_p)
{
    frame_t *frame = frame_p;
    if (!frame || atomic_fetch_sub (&frame->refs, 1) != 1)
        return;
    zmq_msg_close (&frame->payload);
    free (frame);
}

void emp_lane_revoke (emp_session_t *session, uint32_t id, uint64_t ticket, uint32_t attempt)
{
    for (emp_lane_t *lane = session->lanes; lane; lane = lane->next)
        if (lane->id == id) {
            revoked_t *entry = &lane->revoked[lane->revoked_next++ % REVOKED_MAX];
            if (entry->ticket == 0)
                atomic_fetch_add (&lane->revoked_count, 1);
            *entry = (revoked_t){.ticket = ticket, .attempt = attempt};
        }
}

/* True when another has this ticket now. An attempt is never handed out twice, so an entry that came too late harms
 * nobody. */
static bool is_revoked (emp_lane_t *self, const emp_part_t *part)
{
    if (atomic_load_explicit (&self->revoked_count, memory_order_relaxed) == 0)
        return false;
    bool found = false;
    pthread_mutex_lock (&self->session->lock);
    uint32_t count = self->revoked_next < REVOKED_MAX ? self->revoked_next : REVOKED_MAX;
    for (uint32_t i = 0; i < count && !found; i++) {
        revoked_t *entry = &self->revoked[i];
        found = entry->ticket == part->ticket && entry->attempt == part->attempt;
        if (found) {
            entry->ticket = 0; /* no ticket has that handle */
            atomic_fetch_sub (&self->revoked_count, 1);
        }
    }
    pthread_mutex_unlock (&self->session->lock);
    return found;
}

static void drop_part (emp_lane_t *self)
{
    self->offset += self->in.parts[self->part++].length;
    if (self->part == self->in.count) {
        emp_lane_release (self->frame);
        self->frame = NULL;
    }
}

static void take_part (emp_lane_t *self, emp_lane_chunk_t *ret_chunk)
{
    const emp_part_t *part = &self->in.parts[self->part];
    *ret_chunk = (emp_lane_chunk_t){.ticket = part->ticket,
                                    .number = part->number,
                                    .attempt = part->attempt,
                                    .rows = part->rows,
                                    .from = part->from,
                                    .count = part->count,
                                    .label = self->in.label,
                                    .data = (const uint8_t *) zmq_msg_data (&self->frame->payload) + self->offset,
                                    .size = part->length,
                                    .frame = self->frame};
    atomic_fetch_add (&self->frame->refs, 1);
    drop_part (self);
}

/* Reads one message. EMP_OK: a frame of chunks is at hand; EMP_STOPPED; EMP_TIMEOUT: none there; EMP_MALFORMED and
 * EMP_STALE: one was dropped and counted. */
static emp_status_t read_message (emp_lane_t *self)
{
    zmq_msg_t header, payload;
    zmq_msg_init (&header);
    zmq_msg_init (&payload);
    emp_status_t status = emp_socket_recv (self->pull_handle, &header, &payload, false);
    if (status == EMP_OK)
        status = emp_session_decode (self->session, &header, &payload, &self->in);
    if (status == EMP_OK && self->in.lane != self->id)
        status = EMP_STALE;
    if (status == EMP_OK && self->in.kind == EMP_WIRE_STOPPED) {
        self->stopped = true;
        status = EMP_STOPPED;
    } else if (status == EMP_OK && self->in.kind == EMP_WIRE_CHUNKS && self->in.count > 0) {
        frame_t *frame = malloc (sizeof *frame);
        if (frame) {
            atomic_init (&frame->refs, 1);
            zmq_msg_init (&frame->payload);
            zmq_msg_move (&frame->payload, &payload);
            self->frame = frame;
            self->part = 0;
            self->offset = 0;
        } else
            status = EMP_NOMEM;
    } else if (status == EMP_OK)
        status = EMP_MALFORMED;
    zmq_msg_close (&header);
    zmq_msg_close (&payload);
    return status;
}

emp_status_t emp_lane_next (emp_lane_t *self, uint64_t until, emp_lane_chunk_t *ret_chunk)
{
    for (;;) {
        if (atomic_load (&self->session->leave)) {
            flush (self);
            return EMP_STOPPED;
        }
        if (self->frame && is_revoked (self, &self->in.parts[self->part])) {
            drop_part (self);
            continue;
        }
        if (self->frame) {
            take_part (self, ret_chunk);
            return EMP_OK;
        }
        emp_status_t status = self->stopped ? EMP_STOPPED : read_message (self);
        if (status == EMP_STOPPED || status == EMP_SYSTEM || status == EMP_NOMEM) {
            flush (self);
            return status;
        }
        if (status != EMP_TIMEOUT)
            continue; /* a frame of chunks, or a message that was dropped */
        flush (self);
        if (atomic_load (&self->session->down))
            return EMP_SYSTEM;
        if (until == 0 || (until != UINT64_MAX && emp_now () >= until))
            return EMP_TIMEOUT;
        emp_session_wait (self->session, self->fd, until);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

emp_status_t emp_lane_new (emp_session_t *session, const char *queue, uint32_t window, emp_lane_t **ret_self)
{
    if (!session)
        return EMP_STATE;
    emp_control_t question = {.kind = EMP_MSG_OPEN_LANE, .window = window};
    snprintf (question.name, sizeof question.name, "%s", queue);
    emp_control_t answer;
    emp_status_t status = emp_session_ask (session, &question, EMP_MSG_LANE, NULL, &answer);
    if (status != EMP_OK || answer.status != EMP_OK)
        return status != EMP_OK ? status : answer.status;
    emp_lane_t *self = calloc (1, sizeof *self);
    if (!self)
        return EMP_NOMEM;
    self->session = session;
    self->id = answer.id;
    self->pull = emp_socket_new (ZMQ_PULL, EMP_WIRE_PAYLOAD_MAX);
    if (!self->pull || emp_batch_init (&self->out, session, EMP_WIRE_DONE, answer.intake) != EMP_OK ||
        emp_socket_connect (self->pull, answer.endpoint) != EMP_OK) {
        emp_lane_destroy (&self);
        return EMP_SYSTEM;
    }
    self->out.wire.lane = self->id;
    self->out.window = 1;
    self->pull_handle = zsock_resolve (self->pull);
    self->fd = emp_socket_fd (self->pull);
    pthread_mutex_lock (&session->lock);
    self->next = session->lanes;
    session->lanes = self;
    pthread_mutex_unlock (&session->lock);
    *ret_self = self;
    return EMP_OK;
}

void emp_lane_destroy (emp_lane_t **self_p)
{
    emp_lane_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&self->session->lock);
    for (emp_lane_t **at = &self->session->lanes; *at; at = &(*at)->next)
        if (*at == self) {
            *at = self->next;
            break;
        }
    pthread_mutex_unlock (&self->session->lock);
    emp_batch_release (&self->out);
    emp_lane_release (self->frame);
    zsock_destroy (&self->pull);
    free (self);
}
