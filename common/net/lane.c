/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lane.c - a consumer's end of a queue: chunks come by a PULL, endings go by a PUSH to the queue's intake.
 *
 * What it decides is ../consumer.c; here are the sockets, the lock and the memory of it.
 * Endings of fast chunks are sent together (batch.c), and at once when nothing is left to do.
 * One user at a time; no lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../consumer.h"
#include "session_inner.h"

/* The payload of one message, shared by the chunks in it. */
typedef struct {
    _Atomic uint32_t refs;
    zmq_msg_t payload;
} frame_t;

struct emp_lane {
    emp_lane_t *next;               /* of the session's; under its lock */
    emp_revokes_t revokes;          /* under the session's lock */
    _Atomic uint32_t revoked_count; /* of these, for a look without it */
    emp_session_t *session;
    zsock_t *pull;
    emp_link_t link;
    void *pull_handle;
    int fd; /* of the PULL */
    emp_consumer_t consumer;
    frame_t *frame; /* the message at hand, or NULL */
    emp_wire_t in;  /* its header */
    emp_batch_t out;
};

/* ---- endings ----------------------------------------------------------------------------------------------------- */

static void flush (emp_lane_t *self)
{
    /* What cannot be sent is lost with the connection, and its tickets are worked on again. */
    emp_batch_flush (&self->out);
}

emp_status_t emp_lane_done (emp_lane_t *self, const emp_lane_end_t *end, emp_buf_t *result)
{
    bool keep = emp_consumer_worked (&self->consumer, end->busy_us);
    emp_part_t part = {
        .ticket = end->ticket, .attempt = end->attempt, .outcome = (uint32_t) end->outcome, .hash = end->hash};
    atomic_store_explicit (&self->out.window, self->consumer.window, memory_order_relaxed);
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
        if (lane->consumer.lane == id) {
            emp_revokes_add (&lane->revokes, ticket, attempt);
            atomic_store (&lane->revoked_count, lane->revokes.count);
        }
}

/* True when another has this ticket now. */
static bool is_revoked (emp_lane_t *self, const emp_part_t *part)
{
    if (atomic_load_explicit (&self->revoked_count, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock (&self->session->lock);
    bool found = emp_revokes_take (&self->revokes, part->ticket, part->attempt);
    atomic_store (&self->revoked_count, self->revokes.count);
    pthread_mutex_unlock (&self->session->lock);
    return found;
}

static void drop_part (emp_lane_t *self)
{
    if (emp_consumer_pass (&self->consumer, self->in.parts[self->consumer.part].length)) {
        emp_lane_release (self->frame);
        self->frame = NULL;
    }
}

static void take_part (emp_lane_t *self, emp_lane_chunk_t *ret_chunk)
{
    const emp_part_t *part = &self->in.parts[self->consumer.part];
    *ret_chunk =
        (emp_lane_chunk_t){.ticket = part->ticket,
                           .number = part->number,
                           .attempt = part->attempt,
                           .rows = part->rows,
                           .from = part->from,
                           .count = part->count,
                           .label = self->in.label,
                           .data = (const uint8_t *) zmq_msg_data (&self->frame->payload) + self->consumer.offset,
                           .size = part->length,
                           .frame = self->frame};
    atomic_fetch_add (&self->frame->refs, 1);
    drop_part (self);
}

/* Every part gets an answer, so that the broker knows who is at what. What cannot be sent is lost with the connection. */
static void say_not_begun (emp_lane_t *self, const emp_part_t *part)
{
    static const char reason[] = "\xa9not begun";
    emp_part_t end = {.ticket = part->ticket, .attempt = part->attempt, .outcome = EMP_OUTCOME_REFUSED};
    emp_buf_t text;
    emp_buf_init (&text, sizeof reason);
    if (emp_buf_append (&text, reason, sizeof reason - 1) == EMP_OK)
        (void) emp_batch_add (&self->out, &end, &text, true, emp_now ());
    emp_buf_release (&text);
}

static frame_t *frame_new (zmq_msg_t *payload)
{
    frame_t *frame = malloc (sizeof *frame);
    if (!frame)
        return NULL;
    atomic_init (&frame->refs, 1);
    zmq_msg_init (&frame->payload);
    zmq_msg_move (&frame->payload, payload);
    return frame;
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
    if (status == EMP_OK)
        status = emp_consumer_hear (&self->consumer, self->in.kind, self->in.lane, self->in.count);
    if (status == EMP_OK && !(self->frame = frame_new (&payload))) {
        self->consumer.count = 0; /* it is lost with the session, which its user gives up */
        status = EMP_NOMEM;
    }
    zmq_msg_close (&header);
    zmq_msg_close (&payload);
    return status;
}

emp_status_t emp_lane_next (emp_lane_t *self, uint64_t until, emp_lane_chunk_t *ret_chunk)
{
    for (;;) {
        emp_status_t status = EMP_STOPPED;
        switch (emp_consumer_next (&self->consumer, atomic_load (&self->session->leave))) {
        case EMP_CONSUMER_PART:
            if (is_revoked (self, &self->in.parts[self->consumer.part])) {
                say_not_begun (self, &self->in.parts[self->consumer.part]);
                drop_part (self);
                continue;
            }
            take_part (self, ret_chunk);
            return EMP_OK;
        case EMP_CONSUMER_READS: status = read_message (self); break;
        case EMP_CONSUMER_LEAVES:
        case EMP_CONSUMER_STOPPED: break;
        }
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
    emp_consumer_init (&self->consumer, answer.id);
    if (emp_batch_init (&self->out, session, EMP_WIRE_DONE, answer.intake) != EMP_OK ||
        !(self->pull = emp_session_connect (session, ZMQ_PULL, answer.endpoint, &self->link)) ||
        emp_session_attach (session, self->pull, answer.id) != EMP_OK) {
        emp_lane_destroy (&self);
        return EMP_SYSTEM;
    }
    self->out.wire.lane = self->consumer.lane;
    self->out.window = self->consumer.window;
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
    emp_session_disconnect (self->session, &self->pull, &self->link);
    free (self);
}
