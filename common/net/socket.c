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
