/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sink.c - the collector's end: every ticket's ending comes by one PULL, and is acknowledged in groups.
 *
 * The broker stops handing out work when too many endings are not acknowledged, so ACK_PARTS and ACK_BYTES stay far
 * below its backlog (broker/core/core.h). One user at a time.
 */
#include <stdlib.h>

#include "session_inner.h"

#define ACK_PARTS 512u
#define ACK_BYTES (1024u * 1024)
#define SAY_AGAIN_US 10000u /* until the outbox may have room again */

struct emp_sink {
    emp_session_t *session;
    zsock_t *pull;
    emp_link_t link;
    void *handle;
    int fd; /* of the PULL */
    bool stopped;
    emp_wire_t wire;
    zmq_msg_t header, payload;
    uint64_t serial; /* the last one that came */
    uint64_t acked;
    uint64_t bytes; /* since the last acknowledgement */
    uint64_t owed;  /* the serial of an acknowledgement that found no room; 0: none */
};

static void say_owed (emp_sink_t *self)
{
    emp_control_t message = {.kind = EMP_MSG_ACK, .window = self->owed};
    if (emp_session_send (self->session, &message) != EMP_OK)
        return;
    self->acked = self->owed;
    self->owed = 0;
}

static void acknowledge (emp_sink_t *self)
{
    if (!self->owed && self->serial - self->acked < ACK_PARTS && self->bytes < ACK_BYTES)
        return;
    self->owed = self->serial;
    self->bytes = 0;
    say_owed (self);
}

/* One that is owed may be what the broker waits for to send more. */
static void wait_for_more (emp_sink_t *self, uint64_t until)
{
    uint64_t again = emp_now () + SAY_AGAIN_US;
    emp_session_wait (self->session, self->fd, self->owed && again < until ? again : until);
    if (self->owed)
        say_owed (self);
}

static emp_status_t read_message (emp_sink_t *self)
{
    emp_status_t status = emp_socket_recv (self->handle, &self->header, &self->payload, false);
    if (status == EMP_OK)
        status = emp_session_decode (self->session, &self->header, &self->payload, &self->wire);
    if (status != EMP_OK)
        return status;
    if (self->wire.kind == EMP_WIRE_STOPPED) {
        self->stopped = true;
        return EMP_STOPPED;
    }
    if (self->wire.kind != EMP_WIRE_RESULTS || self->wire.serial != self->serial + 1)
        return EMP_MALFORMED;
    self->serial += self->wire.count;
    self->bytes += zmq_msg_size (&self->payload);
    return EMP_OK;
}

emp_status_t emp_sink_next (emp_sink_t *self, const emp_wire_t **ret_wire, const uint8_t **ret_payload)
{
    acknowledge (self);
    return emp_sink_more (self, UINT64_MAX, ret_wire, ret_payload);
}

emp_status_t emp_sink_more (emp_sink_t *self, uint64_t until, const emp_wire_t **ret_wire, const uint8_t **ret_payload)
{
    for (;;) {
        emp_status_t status = self->stopped ? EMP_STOPPED : read_message (self);
        if (status == EMP_STOPPED || status == EMP_SYSTEM)
            return status;
        if (status == EMP_OK) {
            *ret_wire = &self->wire;
            *ret_payload = zmq_msg_data (&self->payload);
            return EMP_OK;
        }
        if (status != EMP_TIMEOUT)
            continue; /* dropped and counted */
        if (atomic_load (&self->session->down) || atomic_load (&self->session->leave))
            return EMP_SYSTEM; /* nothing waits then, so nothing may ask again */
        if (until != UINT64_MAX && emp_now () >= until)
            return EMP_TIMEOUT;
        wait_for_more (self, until);
    }
}

emp_status_t emp_sink_new (emp_session_t *session, emp_sink_t **ret_self)
{
    emp_control_t question = {.kind = EMP_MSG_OPEN_SINK};
    emp_control_t answer;
    emp_status_t status = emp_session_ask (session, &question, EMP_MSG_SINK, NULL, &answer);
    if (status != EMP_OK || answer.status != EMP_OK)
        return status != EMP_OK ? status : answer.status;
    emp_sink_t *self = calloc (1, sizeof *self);
    if (!self)
        return EMP_NOMEM;
    self->session = session;
    zmq_msg_init (&self->header);
    zmq_msg_init (&self->payload);
    self->pull = emp_session_connect (session, ZMQ_PULL, answer.endpoint, &self->link);
    if (!self->pull || emp_session_attach (session, self->pull, answer.id) != EMP_OK) {
        emp_sink_destroy (&self);
        return EMP_SYSTEM;
    }
    self->handle = zsock_resolve (self->pull);
    self->fd = emp_socket_fd (self->pull);
    *ret_self = self;
    return EMP_OK;
}

void emp_sink_destroy (emp_sink_t **self_p)
{
    emp_sink_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    zmq_msg_close (&self->header);
    zmq_msg_close (&self->payload);
    emp_session_disconnect (self->session, &self->pull, &self->link);
    free (self);
}
