/* SPDX-License-Identifier: BSD-3-Clause
 *
 * watch.c - see watch.h. An event of libzmq's is two frames: 16 bits of event and 32 of value, then an endpoint.
 */
#include "watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "socket.h"

#define EVENTS                                                                                                         \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |                        \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)

struct emp_watch {
    void *watched;
    zsock_t *pair;
    void *handle;
    int fd;
    bool stands;
};

emp_watch_t *emp_watch_new (zsock_t *watched)
{
    static _Atomic uint64_t count;
    char endpoint[64];
    emp_watch_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    snprintf (endpoint, sizeof endpoint, "inproc://eisenmp-watch-%llu",
              (unsigned long long) atomic_fetch_add (&count, 1));
    self->watched = zsock_resolve (watched);
    self->pair = emp_socket_new (ZMQ_PAIR, 1024);
    if (!self->pair || zmq_socket_monitor (self->watched, endpoint, EVENTS) != 0 ||
        emp_socket_connect (self->pair, endpoint) != EMP_OK) {
        int saved = errno;
        emp_watch_destroy (&self);
        errno = saved;
        return NULL;
    }
    self->handle = zsock_resolve (self->pair);
    self->fd = emp_socket_fd (self->pair);
    return self;
}

void emp_watch_destroy (emp_watch_t **self_p)
{
    emp_watch_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    zmq_socket_monitor (self->watched, NULL, 0);
    zsock_destroy (&self->pair);
    free (self);
}

int emp_watch_fd (const emp_watch_t *self)
{
    return self->fd;
}

static emp_watch_event_t meaning (emp_watch_t *self, uint16_t event)
{
    bool stood = self->stands;
    self->stands = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return EMP_WATCH_STANDS;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return EMP_WATCH_REFUSED;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return EMP_WATCH_STRANGE;
    case ZMQ_EVENT_DISCONNECTED: return stood ? EMP_WATCH_BROKE : EMP_WATCH_NOTHING;
    default: return EMP_WATCH_NOTHING; /* the watched socket is closed */
    }
}

emp_watch_event_t emp_watch_read (emp_watch_t *self)
{
    emp_watch_event_t event = EMP_WATCH_NOTHING;
    zmq_msg_t first, second;
    zmq_msg_init (&first);
    zmq_msg_init (&second);
    while (event == EMP_WATCH_NOTHING && emp_socket_recv (self->handle, &first, &second, false) == EMP_OK) {
        uint16_t number = 0;
        if (zmq_msg_size (&first) >= sizeof number)
            memcpy (&number, zmq_msg_data (&first), sizeof number);
        event = meaning (self, number);
    }
    zmq_msg_close (&first);
    zmq_msg_close (&second);
    return event;
}
