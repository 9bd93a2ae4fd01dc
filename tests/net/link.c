/* SPDX-License-Identifier: BSD-3-Clause
 *
 * link.c - see link.h.
 */
#include "link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 65536      /* bytes read at once */
#define TURN (4 * PIECE) /* bytes of one direction that are written in one turn, so that all get theirs */
#define SEGMENT 1448     /* bytes: less than this, or than the whole piece, is not worth a write */

/* ---- the cable --------------------------------------------------------------------------------------------------- */

/* What may go at once: 20 ms, and one segment at least. */
static double burst (const cable_t *self)
{
    double bytes = (double) self->rate / 50;
    return bytes > SEGMENT ? bytes : SEGMENT;
}

void cable_fill (cable_t *self, uint64_t now)
{
    double bytes = (double) (now - self->filled) * (double) self->rate / 1e6;
    for (int way = UP; way <= DOWN; way++) {
        self->tokens[way] += bytes;
        if (self->tokens[way] > burst (self))
            self->tokens[way] = burst (self);
    }
    self->filled = now;
}

/* How many of so many bytes may go; 0: none before *ret_due. */
static size_t allowed (const cable_t *self, int way, size_t size, uint64_t now, uint64_t *ret_due)
{
    if (self->rate == 0)
        return size;
    size_t least = size < SEGMENT ? size : SEGMENT;
    double tokens = self->tokens[way];
    if (tokens >= (double) least)
        return tokens < (double) size ? (size_t) tokens : size;
    uint64_t due = now + 1 + (uint64_t) (((double) least - tokens) * 1e6 / (double) self->rate);
    if (due < *ret_due)
        *ret_due = due;
    return 0;
}

/* ---- a connection ------------------------------------------------------------------------------------------------ */

static void at_once (int fd)
{
    int on = 1;
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool link_open (link_t *self, int client, const struct addrinfo *target, size_t max, uint64_t now)
{
    int server = socket (target->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server < 0) {
        close (client);
        return false;
    }
    *self = (link_t){.fds = {client, server}, .connecting = true, .born = now};
    at_once (client);
    at_once (server);
    flow_init (&self->flows[UP], max);
    flow_init (&self->flows[DOWN], max);
    /* However it goes, poll tells. */
    connect (server, target->ai_addr, target->ai_addrlen);
    return true;
}

static void close_both (link_t *self)
{
    for (int way = UP; way <= DOWN; way++) {
        close (self->fds[way]);
        flow_clear (&self->flows[way]);
    }
    *self = LINK_NONE;
}

void link_reset (link_t *self, cable_t *cable)
{
    struct linger none = {.l_onoff = 1};
    for (int way = UP; way <= DOWN; way++)
        setsockopt (self->fds[way], SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close_both (self);
    cable->resets++;
}

/* Of what the first piece of a way is, so much may be written now; an end or a reset counts as one byte, and needs no room
 * in the socket. */
static size_t writable (const link_t *self, const cable_t *cable, int way, uint64_t now, uint64_t *ret_due)
{
    if (self->connecting || cable->cut[way])
        return 0;
    const flow_piece_t *piece = flow_due (&self->flows[way], now, ret_due);
    if (!piece)
        return 0;
    if (piece->kind != FLOW_BYTES) {
        *ret_due = now;
        return 1;
    }
    size_t size = allowed (cable, way, piece->size - piece->at, now, ret_due);
    if (cable->bytes > 0 && size > cable->bytes - self->moved)
        size = cable->bytes - self->moved;
    return size;
}

static bool readable (const link_t *self, int way)
{
    return !self->deaf[way] && !(way == DOWN && self->connecting) && flow_room (&self->flows[way]) > 0;
}

void link_await (const link_t *self, const cable_t *cable, uint64_t now, struct pollfd ret_fds[2], uint64_t *ret_due)
{
    for (int way = UP; way <= DOWN; way++) {
        short events = 0;
        if (readable (self, way))
            events |= POLLIN;
        if (writable (self, cable, !way, now, ret_due) > 0 || (way == DOWN && self->connecting))
            events |= POLLOUT;
        /* poll would tell of a socket that is over for ever, whatever is asked. */
        ret_fds[way] = (struct pollfd){.fd = events ? self->fds[way] : -1, .events = events};
    }
    if (cable->life > 0 && self->born + cable->life < *ret_due)
        *ret_due = self->born + cable->life;
}

/* One read; what was read is due a delay later, and so are an end and an error. */
static bool take_in (link_t *self, const cable_t *cable, int way, uint64_t now)
{
    static char data[PIECE];
    size_t room = flow_room (&self->flows[way]);
    ssize_t size = recv (self->fds[way], data, room < sizeof data ? room : sizeof data, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    self->deaf[way] = size <= 0;
    flow_kind_t kind = size > 0 ? FLOW_BYTES : size == 0 ? FLOW_END : FLOW_RESET;
    return flow_push (&self->flows[way], kind, data, size > 0 ? (size_t) size : 0, now + cable->delay);
}

/* Nobody is there to write to: the other side is told when the way back is over. */
static bool give_up (link_t *self, const cable_t *cable, int way, uint64_t now)
{
    flow_clear (&self->flows[way]);
    self->deaf[way] = true;
    self->deaf[!way] = true;
    return flow_push (&self->flows[!way], FLOW_RESET, NULL, 0, now + cable->delay);
}

/* Writes what is due. False when out of memory; the connection may be over then and afterwards. */
static bool give_out (link_t *self, cable_t *cable, int way, uint64_t now)
{
    uint64_t due = UINT64_MAX;
    size_t size, sum = 0;
    while (sum < TURN && (size = writable (self, cable, way, now, &due)) > 0) {
        const flow_piece_t *piece = self->flows[way].first;
        if (piece->kind == FLOW_RESET) {
            link_reset (self, cable);
            return true;
        }
        if (piece->kind == FLOW_END) {
            shutdown (self->fds[!way], SHUT_WR);
            self->silent[!way] = true;
            flow_take (&self->flows[way], 0);
            continue;
        }
        ssize_t done = send (self->fds[!way], piece->data + piece->at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0)
            return errno == EAGAIN || errno == EINTR || give_up (self, cable, way, now);
        flow_take (&self->flows[way], (size_t) done);
        sum += (size_t) done;
        self->moved += (size_t) done;
        cable->moved[way] += (size_t) done;
        if (cable->rate > 0)
            cable->tokens[way] -= (double) done;
    }
    return true;
}

/* Said by poll: the target has answered, or will not. */
static void see_connected (link_t *self, cable_t *cable)
{
    int error = 0;
    socklen_t size = sizeof error;
    self->connecting = false;
    if (getsockopt (self->fds[DOWN], SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error)
        link_reset (self, cable);
}

static bool is_over (const link_t *self, const cable_t *cable, uint64_t now)
{
    return (cable->life > 0 && now >= self->born + cable->life) || (cable->bytes > 0 && self->moved >= cable->bytes);
}

bool link_turn (link_t *self, cable_t *cable, const struct pollfd fds[2], uint64_t now)
{
    if (self->connecting && fds[DOWN].revents)
        see_connected (self, cable);
    for (int way = UP; way <= DOWN && self->fds[0] >= 0; way++)
        if (fds[way].revents & (POLLIN | POLLHUP | POLLERR) && readable (self, way) && !take_in (self, cable, way, now))
            return false;
    for (int way = UP; way <= DOWN && self->fds[0] >= 0; way++)
        if (!give_out (self, cable, way, now))
            return false;
    if (self->fds[0] >= 0 && is_over (self, cable, now))
        link_reset (self, cable);
    if (self->fds[0] >= 0 && self->silent[0] && self->silent[1]) {
        close_both (self);
        cable->ends++;
    }
    return true;
}
