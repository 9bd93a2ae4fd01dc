/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fetch.h - brings a content (common/content.h) from where it is, piece by piece, into a file, and sees that it is what was
 * asked for. How a piece is asked for is the caller's: nothing here knows a socket.
 */
#ifndef EMP_WORKER_FETCH_H
#define EMP_WORKER_FETCH_H

#include "../common/content.h"

/* Brings bytes of the content `hash` from `offset` on, at least one and at most `room` (EMP_CONTENT_PIECE_MAX); *ret_total
 * is the size of all. May wait. What it says else than EMP_OK ends the fetching. */
typedef emp_status_t emp_fetch_fn (void *arg, const char *hash, uint64_t offset, void *buffer, size_t room,
                                   size_t *ret_got, uint64_t *ret_total);

/* Writes all of it to `fd`, which is open for reading and writing too, and reads it again: only EMP_OK says that exactly
 * `size` bytes with this hash are there. Else a sentence is in ret_why (EMP_CONTENT_ERROR_MAX bytes): EMP_MALFORMED: something
 * else came; EMP_FULL: no room on the disk; EMP_SYSTEM; EMP_NOMEM; what `fetch` said. */
emp_status_t emp_fetch (emp_fetch_fn *fetch, void *arg, const char *hash, uint64_t size, int fd, char *ret_why);
/* EMP_INVALID: it is no hash, or no size that a content may have. EMP_FULL: more than this process may have in one file
 * (ulimit -f), which would otherwise be a signal. */
emp_status_t emp_fetch_check (const char *hash, uint64_t size, char *ret_why);
/* EMP_FULL where errno says that there is no room, else EMP_SYSTEM. */
emp_status_t emp_fetch_status (int error);

#endif
