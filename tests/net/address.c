/* SPDX-License-Identifier: BSD-3-Clause
 *
 * address.c - see address.h.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

const struct addrinfo *address_of (const char *text)
{
    static struct addrinfo *found;
    char host[256];
    const char *colon = strrchr (text, ':');
    size_t size = colon ? (size_t) (colon - text) : 0;
    if (size == 0 || size >= sizeof host) {
        fprintf (stderr, "'%s' is no address: expected HOST:PORT or [HOST]:PORT\n", text);
        exit (2);
    }
    memcpy (host, text, size);
    host[size] = 0;
    char *bare = host;
    if (host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = 0;
        bare = host + 1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (found)
        freeaddrinfo (found);
    found = NULL;
    int code = getaddrinfo (bare, colon + 1, &hints, &found);
    if (code != 0) {
        fprintf (stderr, "'%s' is no address: %s\n", text, gai_strerror (code));
        exit (2);
    }
    return found;
}

int address_listen (const char *text, unsigned *ret_port)
{
    const struct addrinfo *address = address_of (text);
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    int on = 1;
    int fd = socket (address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind (fd, address->ai_addr, address->ai_addrlen) != 0 || listen (fd, 128) != 0 ||
        getsockname (fd, (struct sockaddr *) &own, &size) != 0) {
        fprintf (stderr, "cannot listen at %s: %s\n", text, strerror (errno));
        exit (2);
    }
    *ret_port = ntohs (own.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &own)->sin6_port
                                                 : ((struct sockaddr_in *) &own)->sin_port);
    return fd;
}

uint64_t address_number (const char *what, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull (text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number < least || number > most) {
        fprintf (stderr, "%s: '%s' is not a number from %llu to %llu\n", what, text, (unsigned long long) least,
                 (unsigned long long) most);
        exit (2);
    }
    return number;
}
