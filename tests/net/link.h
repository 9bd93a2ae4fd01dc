/* SPDX-License-Identifier: BSD-3-Clause
 *
 * link.h - one connection of the proxy: the client's socket, the one to the target, and a flow each way. What holds for
 * all connections is in the cable: it may be slow, far, cut in one direction or both.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "flow.h"

#include <netdb.h>
#include <poll.h>

enum { UP, DOWN }; /* from the client to the target, and back; also the index of the socket that is read for it */

typedef struct {
    uint64_t delay;       /* microseconds, each way */
    uint64_t rate;        /* bytes a second, each way, all connections together; 0: any */
    bool cut[2];          /* nothing arrives */
    uint64_t life, bytes; /* each connection is reset after so many microseconds, or bytes of both ways; 0: never */
    double tokens[2];     /* bytes that may go now */
    uint64_t filled;      /* when they were counted */
    uint64_t moved[2], ends, resets; /* so far */
} cable_t;

typedef struct {
    int fds[2]; /* -1: this one is free */
    bool connecting;
    bool deaf[2];   /* is not read any more: it has ended, or nobody is there to write to */
    bool silent[2]; /* its stream was ended by us */
    flow_t flows[2];
    uint64_t born, moved;
} link_t;

#define LINK_NONE ((link_t){.fds = {-1, -1}})

/* Tokens up to now. */
void cable_fill (cable_t *self, uint64_t now);

/* Takes a client that was accepted, and dials the target. False, and the client is closed, when there are no sockets. */
bool link_open (link_t *self, int client, const struct addrinfo *target, size_t max, uint64_t now);
/* Closed with RST at both ends. */
void link_reset (link_t *self, cable_t *cable);
/* What poll shall look at for it: two entries; *ret_due is made earlier where it has something to do before that. */
void link_await (const link_t *self, const cable_t *cable, uint64_t now, struct pollfd ret_fds[2], uint64_t *ret_due);
/* Reads, and writes what is due. False when out of memory. */
bool link_turn (link_t *self, cable_t *cable, const struct pollfd fds[2], uint64_t now);

#endif
