/* SPDX-License-Identifier: BSD-3-Clause
 *
 * watch.h - whether the connection of a socket stands: libzmq dials again by itself and says nothing, but what was under way is lost.
 *
 * Made by the socket's owner before it connects; read by one other thread. Events come in order, none is lost while somebody reads.
 */
#ifndef EMP_WATCH_H
#define EMP_WATCH_H

#include <czmq.h>

typedef enum {
    EMP_WATCH_NOTHING,
    EMP_WATCH_STANDS,  /* it stands, for the first time or again; keys were taken */
    EMP_WATCH_BROKE,   /* it stood, and does no more */
    EMP_WATCH_REFUSED, /* the other end does not take our key, and this socket will never connect */
    EMP_WATCH_STRANGE  /* the other end has another key, or speaks another protocol; it dials on */
} emp_watch_event_t;

typedef struct emp_watch emp_watch_t;

/* NULL with errno. */
emp_watch_t *emp_watch_new (zsock_t *watched);
/* By the socket's owner, and before the socket is closed, which goes on for as long as it lingers: an event that nobody reads
 * stops the I/O thread of the whole process. */
void emp_watch_destroy (emp_watch_t **self);
/* As emp_socket_fd: read until nothing comes before it is waited for. */
int emp_watch_fd (const emp_watch_t *self);
emp_watch_event_t emp_watch_read (emp_watch_t *self);

#endif
