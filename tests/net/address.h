/* SPDX-License-Identifier: BSD-3-Clause
 *
 * address.h - "HOST:PORT" and "[HOST]:PORT": names, IPv4 and IPv6, and the two sockets that one makes of them. What is wrong
 * is said on stderr and ends the program with exit code 2.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netdb.h>
#include <stdint.h>

/* The first address of that name; static memory, until the next call. */
const struct addrinfo *address_of (const char *text);
/* A socket that listens, not blocking; port 0: any that is free. *ret_port is the one that it has. */
int address_listen (const char *text, unsigned *ret_port);
/* A number from least to most, as it is written; `what` names it in the sentence when it is none. */
uint64_t address_number (const char *what, const char *text, uint64_t least, uint64_t most);

#endif
