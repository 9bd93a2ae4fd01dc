/* SPDX-License-Identifier: BSD-3-Clause
 *
 * link.c - data connections: to sockets of their own on one host; over tcp to the door's host and port, so that a firewall has one
 * port to let through and NAT nothing to guess.
 *
 * libzmq dials again by itself, but what a broken connection carried is lost, and nobody else can tell. So each is watched by the
 * session's I/O thread. A link is added and taken off by the owner of its socket, and read under the session's lock.
 */
#include <errno.h>
#include <unistd.h>

#include "session_inner.h"

static void add (emp_session_t *self, emp_link_t *link)
{
    uint64_t one = 1;
    pthread_mutex_lock (&self->lock);
    link->next = self->links;
    self->links = link;
    pthread_mutex_unlock (&self->lock);
    (void) !write (self->bell, &one, sizeof one); /* its descriptor is not polled yet */
}

static void take_off (emp_session_t *self, emp_link_t *link)
{
    pthread_mutex_lock (&self->lock);
    for (emp_link_t **at = &self->links; *at; at = &(*at)->next)
        if (*at == link) {
            *at = link->next;
            break;
        }
    pthread_mutex_unlock (&self->lock);
}

zsock_t *emp_session_connect (emp_session_t *self, int type, const char *endpoint, emp_link_t *link)
{
    zsock_t *socket = emp_socket_new (self->remote ? ZMQ_DEALER : type, EMP_WIRE_PAYLOAD_MAX);
    bool good = socket != NULL;
    if (good && self->remote)
        good = emp_socket_be_client (socket, &self->curve) == EMP_OK && (link->watch = emp_watch_new (socket));
    if (good && self->remote)
        add (self, link);
    if (good && emp_socket_connect (socket, self->remote ? self->endpoint : endpoint) == EMP_OK)
        return socket;
    int saved = errno;
    emp_session_disconnect (self, &socket, link);
    errno = saved;
    return NULL;
}

void emp_session_disconnect (emp_session_t *self, zsock_t **socket, emp_link_t *link)
{
    if (link->watch)
        take_off (self, link);
    emp_watch_destroy (&link->watch);
    zsock_destroy (socket);
}

emp_status_t emp_session_attach (emp_session_t *self, zsock_t *socket, uint32_t id)
{
    if (!self->remote)
        return EMP_OK;
    emp_control_t message = {.kind = EMP_MSG_ATTACH, .run = emp_session_run (self), .session = self->id, .id = id};
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    emp_status_t status = emp_control_encode (&message, &frame);
    if (status == EMP_OK && zmq_send (zsock_resolve (socket), frame.data, frame.size, 0) == -1)
        status = EMP_SYSTEM;
    emp_buf_release (&frame);
    return status;
}

size_t emp_session_link_fds (emp_session_t *self, int *ret_fds, size_t room)
{
    size_t count = 0;
    pthread_mutex_lock (&self->lock);
    for (const emp_link_t *link = self->links; link && count < room; link = link->next)
        ret_fds[count++] = emp_watch_fd (link->watch);
    pthread_mutex_unlock (&self->lock);
    return count;
}

bool emp_session_links_broke (emp_session_t *self)
{
    bool broke = false;
    pthread_mutex_lock (&self->lock);
    for (const emp_link_t *link = self->links; link; link = link->next)
        for (emp_watch_event_t event; (event = emp_watch_read (link->watch)) != EMP_WATCH_NOTHING;)
            broke |= event == EMP_WATCH_BROKE || event == EMP_WATCH_REFUSED;
    pthread_mutex_unlock (&self->lock);
    return broke;
}
