/* SPDX-License-Identifier: BSD-3-Clause
 *
 * batch.c - small parts to one intake, gathered into messages while they come fast: chunks of a feed, endings of a lane.
 *
 * A part that is kept back leaves when the message is full, when its owner is about to wait, or, if its owner is busy
 * elsewhere, when the session's I/O thread finds it EMP_GATHER_STALE_US old. So nothing is ever held up by more than that, and who is
 * slow or idle pays nothing.
 * Invariant: under `lock`, payload.size is the sum of the parts' lengths. Locks are taken session first, batch second.
 */
#include <stdlib.h>
#include <string.h>

#include "../producer.h"
#include "session_inner.h"

/* What is put and was not sent is not put, and its feeder knows; who holds a ticket and does not send its ending would hold it for
 * ever, and a feed whose end is not sent would be open for ever. */
static emp_status_t judged (emp_batch_t *self, emp_status_t status)
{
    if ((status == EMP_NOMEM || status == EMP_SYSTEM) && (self->wire.kind == EMP_WIRE_DONE || self->wire.end))
        emp_session_break (self->session);
    return status;
}

static emp_status_t flush_locked (emp_batch_t *self)
{
    emp_wire_t *wire = &self->wire;
    if (wire->count == 0 && !wire->end)
        return EMP_OK;
    wire->run = emp_session_run (self->session);
    wire->session = self->session->id;
    wire->window = atomic_load_explicit (&self->window, memory_order_relaxed);
    wire->puts = atomic_load (&self->session->puts);
    emp_buf_clear (&self->header);
    emp_status_t status = emp_wire_encode (wire, &self->header);
    size_t size = self->payload.size;
    zmq_msg_t payload;
    if (status == EMP_OK)
        status = emp_msg_of_buf (&payload, &self->payload);
    if (status == EMP_OK) {
        status = self->session->remote
                     ? emp_socket_send_cut (self->handle, self->header.data, self->header.size, &payload, EMP_FRAME_MAX)
                     : emp_socket_send (self->handle, self->header.data, self->header.size, &payload, true);
        if (status != EMP_OK)
            zmq_msg_close (&payload);
    }
    emp_buf_clear (&self->payload);
    if (status == EMP_OK)
        wire->first += wire->count; /* those that were not sent are not put */
    wire->count = 0;
    /* The next one will be about as large; its room is made at once, not by doubling. That there is none now is no fault of
     * what was sent. */
    if (status == EMP_OK && size <= EMP_WIRE_BATCH_BYTES && emp_buf_reserve (&self->payload, size + size / 4) != EMP_OK)
        self->payload.broken = EMP_OK;
    return judged (self, status);
}

emp_status_t emp_batch_flush (emp_batch_t *self)
{
    pthread_mutex_lock (&self->lock);
    emp_status_t status = flush_locked (self);
    pthread_mutex_unlock (&self->lock);
    return status;
}

/* Puts the bytes behind those that are there; a large first part is taken as it is. */
static emp_status_t add_bytes (emp_batch_t *self, emp_buf_t *bytes)
{
    if (self->wire.count == 0 && bytes->size > EMP_WIRE_BATCH_BYTES) {
        emp_buf_release (&self->payload);
        self->payload = *bytes;
        emp_buf_init (bytes, self->payload.max);
        self->payload.max = EMP_WIRE_PAYLOAD_MAX;
        return EMP_OK;
    }
    emp_status_t status = emp_buf_append (&self->payload, bytes->data, bytes->size);
    if (status == EMP_OK)
        emp_buf_clear (bytes);
    return judged (self, status);
}

emp_status_t emp_batch_add (emp_batch_t *self, const emp_part_t *part, emp_buf_t *bytes, bool keep, uint64_t now)
{
    size_t size = bytes->size;
    emp_status_t status = EMP_OK;
    pthread_mutex_lock (&self->lock);
    if (emp_gather_is_full (self->wire.count, self->payload.size, size))
        status = flush_locked (self);
    if (status == EMP_OK)
        status = add_bytes (self, bytes);
    if (status == EMP_OK) {
        self->wire.parts[self->wire.count] = *part;
        self->wire.parts[self->wire.count].length = (uint32_t) size;
        if (self->wire.count++ == 0)
            self->since_us = now;
        if (emp_gather_leaves (self->wire.count, self->payload.size, self->since_us, now, keep))
            status = flush_locked (self);
    }
    pthread_mutex_unlock (&self->lock);
    if (keep)
        emp_session_look (self->session);
    return status;
}

bool emp_batch_flush_stale (emp_batch_t *self, uint64_t now)
{
    if (pthread_mutex_trylock (&self->lock) != 0)
        return true; /* its owner is at it */
    bool pending = self->wire.count != 0;
    if (pending && emp_gather_is_stale (self->since_us, now))
        flush_locked (self); /* a failure shows at the owner's next part */
    pthread_mutex_unlock (&self->lock);
    return pending;
}

emp_status_t emp_batch_init (emp_batch_t *self, emp_session_t *session, emp_wire_kind_t kind, const char *intake)
{
    self->session = session;
    self->wire.kind = kind;
    emp_buf_init (&self->payload, EMP_WIRE_PAYLOAD_MAX);
    emp_buf_init (&self->header, EMP_WIRE_HEADER_MAX);
    self->push = emp_session_connect (session, ZMQ_PUSH, intake, &self->link);
    if (!self->push)
        return EMP_SYSTEM;
    self->handle = zsock_resolve (self->push);
    pthread_mutex_init (&self->lock, NULL);
    pthread_mutex_lock (&session->lock);
    self->next = session->batches;
    session->batches = self;
    pthread_mutex_unlock (&session->lock);
    return EMP_OK;
}

void emp_batch_release (emp_batch_t *self)
{
    if (!self->push)
        return; /* was never there */
    pthread_mutex_lock (&self->session->lock);
    for (emp_batch_t **at = &self->session->batches; *at; at = &(*at)->next)
        if (*at == self) {
            *at = self->next;
            break;
        }
    pthread_mutex_unlock (&self->session->lock);
    emp_batch_flush (self);
    emp_session_disconnect (self->session, &self->push, &self->link);
    emp_buf_release (&self->payload);
    emp_buf_release (&self->header);
    pthread_mutex_destroy (&self->lock);
}
