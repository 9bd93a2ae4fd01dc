/* SPDX-License-Identifier: BSD-3-Clause
 *
 * intake.c - what comes in at a queue's PULL: puts of its feeds and endings of its consumers, into events of the core.
 *
 * A DONE brings the consumer's credit along; it is told to the core behind the endings, so that one message is one
 * refill. The core knows a strange session, an old lane or a late ticket; here only kinds and runs are checked.
 */
#include "shell.h"

#define INTAKE_MESSAGES_A_TURN 64

static void put (emp_broker_t *self, const emp_wire_t *wire)
{
    emp_event_t event = {.kind = EMP_EV_PUT,
                         .session = wire->session,
                         .feed = wire->feed,
                         .number = wire->first,
                         .skipped = wire->skipped,
                         .count = wire->count,
                         .parts = wire->parts,
                         .end = wire->end};
    self->part = 0;
    self->part_offset = 0;
    broker_step (self, &event);
}

static emp_status_t end_ticket (emp_broker_t *self, const emp_wire_t *wire, const emp_part_t *part, uint32_t queue)
{
    emp_event_t event = {.kind = EMP_EV_DONE,
                         .session = wire->session,
                         .lane = wire->lane,
                         .queue = queue,
                         .number = wire->puts,
                         .ticket = part->ticket,
                         .attempt = part->attempt,
                         .outcome = (emp_outcome_t) part->outcome,
                         .size = part->length};
    return broker_step (self, &event);
}

/* False: it has overtaken puts of its session, and nothing of it was taken. */
static bool done (emp_broker_t *self, const emp_wire_t *wire, uint32_t queue)
{
    self->part_offset = 0;
    for (self->part = 0; self->part < wire->count; self->part++) {
        const emp_part_t *part = &wire->parts[self->part];
        if (end_ticket (self, wire, part, queue) == EMP_STATE)
            return false; /* the first one: all of a message say the same of puts */
        self->part_offset += part->length;
    }
    emp_event_t credit = {.kind = EMP_EV_CREDIT,
                          .session = wire->session,
                          .lane = wire->lane,
                          .window = wire->window > UINT32_MAX ? UINT32_MAX : (uint32_t) wire->window};
    broker_step (self, &credit);
    return true;
}

intake_verdict_t intake_take (emp_broker_t *self, uint32_t queue, zmq_msg_t *header, blob_t *blob,
                              uint64_t *ret_session)
{
    static _Thread_local emp_wire_t wire;
    if (emp_wire_decode (zmq_msg_data (header), zmq_msg_size (header), zmq_msg_size (&blob->msg), &wire) != EMP_OK ||
        wire.run != self->run || (wire.kind != EMP_WIRE_PUT && wire.kind != EMP_WIRE_DONE)) {
        broker_drop (self);
        return INTAKE_TAKEN;
    }
    *ret_session = wire.session;
    self->blob = blob;
    self->wire = &wire;
    intake_verdict_t verdict = INTAKE_PUTS;
    if (wire.kind == EMP_WIRE_PUT)
        put (self, &wire);
    else
        verdict = done (self, &wire, queue) ? INTAKE_TAKEN : INTAKE_TOO_EARLY;
    self->wire = NULL;
    self->blob = NULL;
    return verdict;
}

void intake_message (emp_broker_t *self, uint32_t queue, zmq_msg_t *header, zmq_msg_t *payload)
{
    blob_t *blob = blob_new (payload);
    if (!blob)
        broker_exhausted (); /* out of memory with a ticket in hand */
    uint64_t session;
    intake_verdict_t verdict = intake_take (self, queue, header, blob, &session);
    if (verdict == INTAKE_TOO_EARLY)
        parked_keep (self, session, queue, header, blob);
    blob_release (blob);
    if (verdict == INTAKE_PUTS)
        parked_retry (self, session);
}

void intake_read (emp_broker_t *self, intake_t *intake)
{
    bool more = true;
    zmq_msg_t header, payload;
    zmq_msg_init (&header);
    zmq_msg_init (&payload);
    for (int i = 0; i < INTAKE_MESSAGES_A_TURN && more; i++) {
        emp_status_t status = emp_socket_recv (intake->handle, &header, &payload, false);
        if (status == EMP_OK)
            intake_message (self, intake->queue, &header, &payload);
        else if (status == EMP_MALFORMED)
            broker_drop (self);
        else
            more = false;
    }
    zmq_msg_close (&header);
    zmq_msg_close (&payload);
    intake->more = more;
}
