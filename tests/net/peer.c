/* SPDX-License-Identifier: BSD-3-Clause
 *
 * peer.c - one end of a TCP connection for the tests of the ground:
 *
 *     peer listen ADDRESS     prints its port, takes one connection
 *     peer connect ADDRESS    makes one
 *     peer echo ADDRESS       prints its port, gives back what comes, up to 64 connections at once, until it is killed
 *
 * listen and connect copy stdin to the connection and the connection to stdout, and say on stderr how it went: "connected",
 * then "end" (the other side has said so, exit 0) or the error (exit 3: "Connection reset by peer").
 */
#include "address.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHOES_MAX 64

static int failed (const char *what)
{
    fprintf (stderr, "%s\n", what);
    return 3;
}

static bool write_all (int fd, const char *data, size_t size)
{
    for (ssize_t done; size > 0; data += done, size -= (size_t) done)
        if ((done = write (fd, data, size)) < 0)
            return false;
    return true;
}

static int await_connection (int listener)
{
    int fd;
    struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
    while ((fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        poll (&poll_fd, 1, -1);
    return fd;
}

static int relay (int fd)
{
    int on = 1;
    char data[65536];
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fprintf (stderr, "connected\n");
    for (;;) {
        poll (fds, 2, -1);
        if (fds[0].revents) {
            ssize_t size = read (fd, data, sizeof data);
            if (size <= 0)
                return size < 0 ? failed (strerror (errno)) : (fprintf (stderr, "end\n"), 0);
            if (!write_all (STDOUT_FILENO, data, (size_t) size))
                return failed ("stdout is closed");
        }
        if (fds[1].revents) {
            ssize_t size = read (STDIN_FILENO, data, sizeof data);
            if (size > 0 && !write_all (fd, data, (size_t) size))
                return failed (strerror (errno));
            if (size <= 0) {
                shutdown (fd, SHUT_WR);
                fds[1].fd = -1;
            }
        }
    }
}

/* Simple, since a test reads what it has sent: gives back at once, and waits for the one that does not read. */
static void echo (int listener)
{
    struct pollfd fds[1 + ECHOES_MAX] = {{.fd = listener, .events = POLLIN}};
    for (int i = 1; i <= ECHOES_MAX; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    for (;;) {
        char data[65536];
        poll (fds, 1 + ECHOES_MAX, -1);
        for (int i = 1; i <= ECHOES_MAX; i++) {
            if (fds[i].fd < 0 && fds[0].revents) {
                fds[i].fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
                fds[0].revents = 0;
            } else if (fds[i].fd >= 0 && fds[i].revents) {
                ssize_t size = read (fds[i].fd, data, sizeof data);
                if (size <= 0 || !write_all (fds[i].fd, data, (size_t) size)) {
                    close (fds[i].fd);
                    fds[i].fd = -1;
                }
            }
        }
    }
}

int main (int argc, char **argv)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    signal (SIGPIPE, SIG_IGN);
    if (argc != 3) {
        fprintf (stderr, "usage: peer listen|connect|echo ADDRESS\n");
        return 2;
    }
    if (strcmp (argv[1], "connect") == 0) {
        const struct addrinfo *address = address_of (argv[2]);
        int fd = socket (address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return connect (fd, address->ai_addr, address->ai_addrlen) == 0 ? relay (fd) : failed (strerror (errno));
    }
    unsigned port;
    int listener = address_listen (argv[2], &port);
    printf ("%u\n", port);
    fflush (stdout);
    if (strcmp (argv[1], "listen") == 0)
        return relay (await_connection (listener));
    echo (listener);
}
