/* SPDX-License-Identifier: BSD-3-Clause
 *
 * socket.h - the one place where sockets are made, and the few ways in which bytes cross them.
 *
 * Every option is set before bind or connect (later ones are ignored by libzmq): no HWM on lanes and intakes, credit is
 * the bound; ROUTER_MANDATORY; LINGER finite; MAXMSGSIZE where strangers may reach; IPv6.
 * EINTR is retried here and nowhere else. A socket belongs to one thread.
 */
#ifndef EMP_SOCKET_H
#define EMP_SOCKET_H

#include <czmq.h>

#include "../buf.h"
#include "../keyring.h"

/* Called once before the first socket of the process, from any thread, any number of times: takes czmq's hands off
 * SIGINT and the environment's off our options. */
void emp_net_init (void);

/* `type` is ZMQ_ROUTER, ZMQ_DEALER, ZMQ_PUSH or ZMQ_PULL. NULL with errno when the system refuses. */
zsock_t *emp_socket_new (int type, size_t message_max);
/* Binds; ret_endpoint (EMP_ENDPOINT_MAX + 1 bytes) gets the real address when `endpoint` has a wildcard. */
emp_status_t emp_socket_bind (zsock_t *self, const char *endpoint, char *ret_endpoint);
emp_status_t emp_socket_connect (zsock_t *self, const char *endpoint);

/* ---- over tcp ---------------------------------------------------------------------------------------------------- */


bool emp_endpoint_is_remote (const char *endpoint);
/* Keys of the two ends as text; the broker's is "" for a connection without keys. */
typedef struct {
    char server[EMP_KEY_SIZE + 1], public[EMP_KEY_SIZE + 1], secret[EMP_KEY_SIZE + 1];
} emp_curve_t;
/* Before connect: keepalives, so that a half-open connection ends, slower and slower dialling, and keys. */
emp_status_t emp_socket_be_client (zsock_t *self, const emp_curve_t *curve);
/* Before bind: the same, keys (secret "": none), a time limit for who does not prove his. `domain` names it to the ZAP
 * handler (zap.h). */
emp_status_t emp_socket_be_server (zsock_t *self, const char *secret, const char *domain);

/* The descriptor that becomes readable when something may have arrived, and stays so until it is looked at: a receive
 * that found nothing (EMP_TIMEOUT) must be the last thing that was done with the socket before its descriptor is waited
 * for; a send looks too, and may swallow the signal. Cheaper than zmq_poll, which looks at every socket of its set twice
 * a sleep, with a getpid and a poll each (libzmq 4.3.4). */
int emp_socket_fd (zsock_t *self);

/* Sends two frames, taking `payload` (NULL: an empty frame); header bytes are copied. EMP_OK; EMP_FULL when it would
 * block (nothing was sent, payload still the caller's); EMP_SYSTEM otherwise. */
emp_status_t emp_socket_send (void *handle, const void *header, size_t size, zmq_msg_t *payload, bool wait);
/* The same in frames of at most `max` bytes. */
emp_status_t emp_socket_send_cut (void *handle, const void *header, size_t size, zmq_msg_t *payload, size_t max);
/* Puts `route` before header and payload. Never waits. */
emp_status_t emp_socket_send_routed (void *handle, const void *route, size_t route_size, const void *header,
                                     size_t size, zmq_msg_t *payload);
/* A ROUTER's message: route and header, and all frames behind them joined in `payload`; *ret_frames: how many there were of
 * these. At most `max` bytes in all. EMP_OK; EMP_TIMEOUT; EMP_MALFORMED: it is dropped; EMP_NOMEM: the same; EMP_SYSTEM. */
emp_status_t emp_socket_recv_routed (void *handle, size_t max, zmq_msg_t *route, zmq_msg_t *header, zmq_msg_t *payload,
                                     size_t *ret_frames);
/* Receives two frames into two initialised messages. EMP_OK; EMP_TIMEOUT when `wait` is false and there is none;
 * EMP_MALFORMED when the message had not two frames (it is dropped); EMP_SYSTEM when the context ends. */
emp_status_t emp_socket_recv (void *handle, zmq_msg_t *header, zmq_msg_t *payload, bool wait);

/* Makes a message of a buffer's bytes without a copy; the buffer is empty afterwards. */
emp_status_t emp_msg_of_buf (zmq_msg_t *msg, emp_buf_t *buf);

/* Microseconds of the monotonic clock. */
uint64_t emp_now (void);
/* Random and never 0. */
uint64_t emp_random_id (void);

#endif
