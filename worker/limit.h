/* SPDX-License-Identifier: BSD-3-Clause
 *
 * limit.h - whether a slot has had enough time: TICKET_TIMEOUT for a chunk, and a grace for who was given up. Pure.
 *
 * Nobody tells the supervisor that a chunk was taken, so it looks, but no oftener than it must: a slot that has nothing in
 * hand now is over its limit one whole limit from now at the earliest, one that has something when that is due. So
 * a limit of a minute costs a slot a look a minute, however short its chunks are.
 */
#ifndef EMP_WORKER_LIMIT_H
#define EMP_WORKER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define EMP_LIMIT_NEVER UINT64_MAX
#define EMP_LIMIT_FENCED_TIMES 6         /* of DEAD_AFTER */
#define EMP_LIMIT_FENCED_US_MIN 30000000 /* and this at least */

typedef struct {
    uint64_t since; /* the chunk that it has had for longest is in hand since then; 0: none is */
    uint64_t limit; /* TICKET_TIMEOUT; 0: none */
} emp_limit_t;

/* True: it is to be killed. Else *ret_look is when to ask again; EMP_LIMIT_NEVER: not for this. All in microseconds. */
bool emp_limit_is_over (const emp_limit_t *self, uint64_t now, uint64_t *ret_look);

/* How long a process that was given up may take to wake up and leave by itself. */
uint64_t emp_limit_fenced (uint64_t dead_after);

#endif
