/* SPDX-License-Identifier: BSD-3-Clause
 *
 * socket.c - the one place where sockets are made, and the few ways in which bytes cross them. See socket.h.
 */
#include "socket.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../control.h"

#define LINGER_MS 1000 /* how long what was sent may need to leave when its socket closes */

/* libzmq is not built for the thread sanitizer, which so cannot see that a message sent is a message published. These
 * two say just that; without the sanitizer they are nothing. */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire (void *address);
void __tsan_release (void *address);
static char published;
#define PUBLISH() __tsan_release (&published)
#define OBSERVE() __tsan_acquire (&published)
#else
#define PUBLISH() ((void) 0)
#define OBSERVE() ((void) 0)
#endif

static void net_init (void)
{
    zsys_handler_set (NULL);
    zsys_init ();
    zsys_handler_set (NULL);
    zsys_set_io_threads (1);
    zsys_set_max_sockets (0); /* as many as the system gives */
    zsys_set_max_msgsz (INT_MAX);
    zsys_set_linger (LINGER_MS);
    zsys_set_sndhwm (0);
    zsys_set_rcvhwm (0);
    zsys_set_ipv6 (1);
    zsys_set_logstream (stderr);
    zsys_set_logsystem (false);
}

void emp_net_init (void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once (&once, net_init);
}

static bool set_int (void *handle, int option, int value)
{
    return zmq_setsockopt (handle, option, &value, sizeof value) == 0;
}

/* zsock_new aborts where there are no more files, so somebody asks before. Two that ask at once may both be told that there
 * is one: who opens many raises the limit. */
static bool is_one_left (int type)
{
    void *socket = zmq_socket (zsys_init (), type);
    if (socket)
        zmq_close (socket);
    return socket != NULL;
}

zsock_t *emp_socket_new (int type, size_t message_max)
{
    emp_net_init ();
    if (!is_one_left (type))
        return NULL;
    zsock_t *self = zsock_new (type);
    if (!self)
        return NULL;
    void *handle = zsock_resolve (self);
    int64_t max = (int64_t) message_max;
    bool good = set_int (handle, ZMQ_LINGER, LINGER_MS) && set_int (handle, ZMQ_SNDHWM, 0) &&
                set_int (handle, ZMQ_RCVHWM, 0) && set_int (handle, ZMQ_IPV6, 1) &&
                zmq_setsockopt (handle, ZMQ_MAXMSGSIZE, &max, sizeof max) == 0;
    if (type == ZMQ_ROUTER)
        good = good && set_int (handle, ZMQ_ROUTER_MANDATORY, 1);
    if (!good) {
        zsock_destroy (&self);
        return NULL;
    }
    return self;
}

emp_status_t emp_socket_bind (zsock_t *self, const char *endpoint, char *ret_endpoint)
{
    void *handle = zsock_resolve (self);
    if (zmq_bind (handle, endpoint) != 0)
        return EMP_SYSTEM;
    if (ret_endpoint) {
        char real[EMP_ENDPOINT_MAX + 1];
        size_t size = sizeof real;
        if (zmq_getsockopt (handle, ZMQ_LAST_ENDPOINT, real, &size) != 0)
            return EMP_SYSTEM;
        memcpy (ret_endpoint, real, sizeof real);
    }
    return EMP_OK;
}

emp_status_t emp_socket_connect (zsock_t *self, const char *endpoint)
{
    return zmq_connect (zsock_resolve (self), endpoint) == 0 ? EMP_OK : EMP_SYSTEM;
}

/* ---- over tcp ---------------------------------------------------------------------------------------------------- */

/* Half-open connections are the kernel's to find: ZMTP's own heartbeats wait behind a large frame, and end a connection that
 * is merely slow. */
#define KEEPALIVE_IDLE_S 5
#define KEEPALIVE_EACH_S 2
#define KEEPALIVES 3
#define UNACKNOWLEDGED_MS 11000
#define HANDSHAKE_MS 5000
#define CONNECT_MS                                                                                                     \
    4000 /* the kernel asks after 1, 3, 7, 15, 31 s: behind a cut of 30 s it would be silent for as long again */
#define RECONNECT_MS 100
#define RECONNECT_MAX_MS 2000

bool emp_endpoint_is_remote (const char *endpoint)
{
    return strncmp (endpoint, "tcp://", 6) == 0;
}

static bool notice_loss (void *handle)
{
    return set_int (handle, ZMQ_TCP_KEEPALIVE, 1) && set_int (handle, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S) &&
           set_int (handle, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_EACH_S) &&
           set_int (handle, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVES) && set_int (handle, ZMQ_TCP_MAXRT, UNACKNOWLEDGED_MS) &&
           set_int (handle, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
}

emp_status_t emp_socket_be_client (zsock_t *self, const emp_curve_t *curve)
{
    void *handle = zsock_resolve (self);
    bool good = notice_loss (handle) && set_int (handle, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) &&
                set_int (handle, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
                set_int (handle, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    if (good && *curve->server)
        good = zmq_setsockopt (handle, ZMQ_CURVE_SERVERKEY, curve->server, EMP_KEY_SIZE + 1) == 0 &&
               zmq_setsockopt (handle, ZMQ_CURVE_PUBLICKEY, curve->public, EMP_KEY_SIZE + 1) == 0 &&
               zmq_setsockopt (handle, ZMQ_CURVE_SECRETKEY, curve->secret, EMP_KEY_SIZE + 1) == 0;
    return good ? EMP_OK : EMP_SYSTEM;
}

emp_status_t emp_socket_be_server (zsock_t *self, const char *secret, const char *domain)
{
    void *handle = zsock_resolve (self);
    bool good = notice_loss (handle);
    if (good && *secret)
        good = set_int (handle, ZMQ_CURVE_SERVER, 1) &&
               zmq_setsockopt (handle, ZMQ_CURVE_SECRETKEY, secret, EMP_KEY_SIZE + 1) == 0 &&
               zmq_setsockopt (handle, ZMQ_ZAP_DOMAIN, domain, strlen (domain)) == 0;
    return good ? EMP_OK : EMP_SYSTEM;
}

int emp_socket_fd (zsock_t *self)
{
    int fd = -1;
    size_t size = sizeof fd;
    int rc = zmq_getsockopt (zsock_resolve (self), ZMQ_FD, &fd, &size);
    assert (rc == 0); /* fails for what is no socket only */
    (void) rc;
    return fd;
}

static int send_frame (void *handle, zmq_msg_t *frame, int flags)
{
    int rc;
    do
        rc = zmq_msg_send (frame, handle, flags);
    while (rc == -1 && errno == EINTR);
    return rc;
}

static int recv_frame (void *handle, zmq_msg_t *frame, int flags)
{
    int rc;
    do
        rc = zmq_msg_recv (frame, handle, flags);
    while (rc == -1 && errno == EINTR);
    return rc;
}

emp_status_t emp_socket_send (void *handle, const void *header, size_t size, zmq_msg_t *payload, bool wait)
{
    zmq_msg_t first, empty;
    if (zmq_msg_init_size (&first, size) != 0)
        return EMP_NOMEM;
    memcpy (zmq_msg_data (&first), header, size);
    PUBLISH ();
    if (send_frame (handle, &first, ZMQ_SNDMORE | (wait ? 0 : ZMQ_DONTWAIT)) == -1) {
        int saved = errno;
        zmq_msg_close (&first);
        errno = saved;
        return errno == EAGAIN ? EMP_FULL : EMP_SYSTEM;
    }
    if (!payload) {
        zmq_msg_init (&empty);
        payload = &empty;
    }
    /* Behind an accepted first frame libzmq takes the second without blocking, or drops the whole message with its pipe;
     * a message is never half there. */
    if (send_frame (handle, payload, wait ? 0 : ZMQ_DONTWAIT) == -1) {
        zmq_msg_close (payload);
        return EMP_SYSTEM;
    }
    return EMP_OK;
}

emp_status_t emp_socket_recv (void *handle, zmq_msg_t *header, zmq_msg_t *payload, bool wait)
{
    if (recv_frame (handle, header, wait ? 0 : ZMQ_DONTWAIT) == -1)
        return errno == EAGAIN ? EMP_TIMEOUT : EMP_SYSTEM;
    OBSERVE ();
    if (!zmq_msg_more (header))
        return EMP_MALFORMED;
    if (recv_frame (handle, payload, 0) == -1)
        return EMP_SYSTEM;
    if (!zmq_msg_more (payload))
        return EMP_OK;
    do
        if (recv_frame (handle, payload, 0) == -1)
            return EMP_SYSTEM;
    while (zmq_msg_more (payload));
    return EMP_MALFORMED;
}

emp_status_t emp_socket_send_cut (void *handle, const void *header, size_t size, zmq_msg_t *payload, size_t max)
{
    size_t left = zmq_msg_size (payload);
    if (left <= max)
        return emp_socket_send (handle, header, size, payload, true);
    const uint8_t *data = zmq_msg_data (payload);
    if (zmq_send (handle, header, size, ZMQ_SNDMORE) == -1)
        return EMP_SYSTEM;
    for (size_t part; left > 0; data += part, left -= part) {
        part = left < max ? left : max;
        zmq_msg_t frame;
        if (zmq_msg_init_size (&frame, part) != 0)
            return EMP_NOMEM; /* half a message is sent: its user gives up the session */
        memcpy (zmq_msg_data (&frame), data, part);
        PUBLISH ();
        if (send_frame (handle, &frame, part < left ? ZMQ_SNDMORE : 0) == -1) {
            zmq_msg_close (&frame);
            return EMP_SYSTEM;
        }
    }
    zmq_msg_close (payload);
    return EMP_OK;
}

emp_status_t emp_socket_send_routed (void *handle, const void *route, size_t route_size, const void *header,
                                     size_t size, zmq_msg_t *payload)
{
    PUBLISH ();
    int rc = zmq_send (handle, route, route_size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (rc != -1)
        rc = zmq_send (handle, header, size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (rc == -1)
        return errno == EAGAIN ? EMP_FULL : EMP_SYSTEM;
    return send_frame (handle, payload, ZMQ_DONTWAIT) == -1 ? EMP_SYSTEM : EMP_OK;
}

/* Takes the rest of a message away; the last frame was `frame`. */
static emp_status_t skip_rest (void *handle, zmq_msg_t *frame)
{
    while (zmq_msg_more (frame))
        if (recv_frame (handle, frame, 0) == -1)
            return EMP_SYSTEM;
    return EMP_MALFORMED;
}

/* Further frames, put behind the first in a message of their joint size. `data` grows as they come, not as they claim. */
static emp_status_t join_rest (void *handle, size_t max, zmq_msg_t *payload, size_t *frames)
{
    emp_buf_t joined;
    emp_buf_init (&joined, max);
    emp_status_t status = emp_buf_append (&joined, zmq_msg_data (payload), zmq_msg_size (payload));
    while (status == EMP_OK && zmq_msg_more (payload)) {
        if (recv_frame (handle, payload, 0) == -1)
            status = EMP_SYSTEM;
        else
            status = emp_buf_append (&joined, zmq_msg_data (payload), zmq_msg_size (payload));
        ++*frames;
    }
    if (status != EMP_OK && status != EMP_SYSTEM)
        status = skip_rest (handle, payload) == EMP_SYSTEM ? EMP_SYSTEM : status == EMP_NOMEM ? status : EMP_MALFORMED;
    if (status == EMP_OK) {
        zmq_msg_close (payload);
        status = emp_msg_of_buf (payload, &joined);
        if (status != EMP_OK)
            zmq_msg_init (payload);
    }
    emp_buf_release (&joined);
    return status;
}

emp_status_t emp_socket_recv_routed (void *handle, size_t max, zmq_msg_t *route, zmq_msg_t *header, zmq_msg_t *payload,
                                     size_t *ret_frames)
{
    *ret_frames = 0;
    if (recv_frame (handle, route, ZMQ_DONTWAIT) == -1)
        return errno == EAGAIN ? EMP_TIMEOUT : EMP_SYSTEM;
    OBSERVE ();
    if (!zmq_msg_more (route))
        return EMP_MALFORMED;
    if (recv_frame (handle, header, 0) == -1)
        return EMP_SYSTEM;
    if (!zmq_msg_more (header))
        return EMP_OK;
    if (recv_frame (handle, payload, 0) == -1)
        return EMP_SYSTEM;
    *ret_frames = 1;
    return zmq_msg_more (payload) ? join_rest (handle, max, payload, ret_frames) : EMP_OK;
}

static void free_data (void *data, void *hint)
{
    (void) hint;
    free (data);
}

emp_status_t emp_msg_of_buf (zmq_msg_t *msg, emp_buf_t *buf)
{
    /* Below this a copy is cheaper than the second allocation that a message around foreign memory needs. */
    if (buf->size <= 1024) {
        if (zmq_msg_init_size (msg, buf->size) != 0)
            return EMP_NOMEM;
        if (buf->size)
            memcpy (zmq_msg_data (msg), buf->data, buf->size);
        emp_buf_clear (buf);
        return EMP_OK;
    }
    size_t size;
    void *data = emp_buf_take (buf, &size);
    if (zmq_msg_init_data (msg, data, size, free_data, NULL) != 0) {
        free (data);
        return EMP_NOMEM;
    }
    return EMP_OK;
}

uint64_t emp_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000u;
}

uint64_t emp_random_id (void)
{
    uint64_t id = 0;
    while (id == 0)
        if (getrandom (&id, sizeof id, 0) != (ssize_t) sizeof id && errno != EINTR)
            abort (); /* no kernel we run on refuses 8 bytes */
    return id;
}
