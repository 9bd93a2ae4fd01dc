/* SPDX-License-Identifier: BSD-3-Clause
 *
 * peer.c - who stands at the door: a ROUTER's route beside the session that spoke by it.
 *
 * A session that comes back by another route (its connection broke) keeps its place; the newest route wins.
 * Cost: two hash look-ups a message of the door, which carries no data. The broker's thread only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"

static void hex (const void *data, size_t size, char *ret_text)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    ret_text[2 * size] = 0;
}

bool route_of (zmq_msg_t *frame, bool gate, route_t *ret_route)
{
    ret_route->gate = gate;
    ret_route->size = zmq_msg_size (frame);
    if (ret_route->size > sizeof ret_route->bytes)
        return false;
    memcpy (ret_route->bytes, zmq_msg_data (frame), ret_route->size);
    return true;
}

/* Two ROUTERs may give out the same route. */
static void route_key (const route_t *route, char *ret_key)
{
    ret_key[0] = route->gate ? 'g' : 'd';
    hex (route->bytes, route->size, ret_key + 1);
}

peer_t *peer_of_route (emp_broker_t *self, const route_t *route)
{
    char key[2 * 256 + 2];
    route_key (route, key);
    return zhashx_lookup (self->by_route, key);
}

peer_t *peer_of_session (emp_broker_t *self, uint64_t session)
{
    char key[2 * sizeof session + 1];
    hex (&session, sizeof session, key);
    return zhashx_lookup (self->by_session, key);
}

static void forget_route (emp_broker_t *self, const peer_t *peer)
{
    char key[2 * 256 + 2];
    route_key (&peer->route, key);
    zhashx_delete (self->by_route, key);
}

void peer_forget (emp_broker_t *self, uint64_t session)
{
    peer_t *peer = peer_of_session (self, session);
    if (!peer)
        return;
    forget_route (self, peer);
    char key[2 * sizeof session + 1];
    hex (&session, sizeof session, key);
    zhashx_delete (self->by_session, key);
    free (peer);
}

void peer_move (emp_broker_t *self, peer_t *peer, const route_t *route)
{
    char key[2 * 256 + 2];
    forget_route (self, peer);
    peer->route = *route;
    route_key (route, key);
    zhashx_insert (self->by_route, key, peer);
}

static near_t near_of (const route_t *route, const char *dialled)
{
    return route->gate ? NEAR_TCP : strncmp (dialled, "inproc://", 9) == 0 ? NEAR_INPROC : NEAR_IPC;
}

peer_t *peer_require (emp_broker_t *self, const route_t *route, const emp_control_t *hello)
{
    peer_t *other = peer_of_route (self, route);
    if (other && other->session != hello->session)
        return NULL; /* one route speaks for one session */
    peer_t *peer = peer_of_session (self, hello->session);
    char key[2 * sizeof hello->session + 1];
    if (!peer) {
        peer = calloc (1, sizeof *peer);
        if (!peer)
            return NULL;
        peer->session = hello->session;
        hex (&peer->session, sizeof peer->session, key);
        zhashx_insert (self->by_session, key, peer);
    }
    peer_move (self, peer, route);
    peer->role = hello->role;
    peer->parent = hello->parent;
    peer->pid = hello->pid;
    peer->near = near_of (route, hello->endpoint);
    snprintf (peer->name, sizeof peer->name, "%s", hello->name);
    snprintf (peer->host, sizeof peer->host, "%s", hello->host);
    return peer;
}

void peer_send (emp_broker_t *self, const peer_t *peer, emp_control_t *message)
{
    message->run = self->run;
    *(peer->route.gate ? &self->gate_more : &self->door_more) = true;
    void *handle = peer->route.gate ? self->gate_handle : self->door_handle;
    emp_buf_t frame;
    emp_buf_init (&frame, EMP_CONTROL_MAX);
    zmq_msg_t body;
    emp_status_t status = emp_control_encode (message, &frame);
    if (status == EMP_OK)
        status = emp_msg_of_buf (&body, &frame);
    if (status == EMP_OK) {
        status = emp_socket_send (handle, peer->route.bytes, peer->route.size, &body, false);
        if (status != EMP_OK)
            zmq_msg_close (&body);
    }
    if (status == EMP_NOMEM)
        broker_exhausted (); /* the peer is there, and would wait for it */
    if (status != EMP_OK)
        broker_drop (self);
    emp_buf_release (&frame);
}
