/* SPDX-License-Identifier: BSD-3-Clause
 *
 * seen.h - which tickets of one feed have ended: a set of numbers that fills from the low end.
 *
 * A bit a number, in pieces of 32768; a piece whose numbers are all in the set is given back. So an endless feed costs
 * eight bytes per 32768 tickets, and a map of its newest tickets.
 * Bound: a number may be at most EMP_SEEN_AHEAD_MAX beyond the count of those in the set, so a foolish peer can make it
 * take 8 MiB and no more.
 * Cost: O(1) each; missing is O(the highest number / 64). Pure, one owner.
 */
#ifndef EMP_SEEN_H
#define EMP_SEEN_H

#include "../common/eisenmp.h"

#define EMP_SEEN_NUMBER_MAX (UINT64_C (1) << 40) /* numbers are below this */
#define EMP_SEEN_AHEAD_MAX (UINT64_C (1) << 26)

typedef struct {
    uint64_t count;  /* numbers in the set */
    uint64_t beyond; /* the highest of them, plus 1 */
    struct emp_seen_piece **pieces;
    size_t pieces_count;
} emp_seen_t;

void emp_seen_init (emp_seen_t *self);
void emp_seen_release (emp_seen_t *self);
/* EMP_OK: the number may be added now. EMP_STALE: it is in the set. EMP_MALFORMED: too large, or too far ahead.
 * EMP_NOMEM. The set is the same after it. */
emp_status_t emp_seen_reserve (emp_seen_t *self, uint64_t number);
/* Adds a number for which reserve said EMP_OK. Cannot fail. */
void emp_seen_add (emp_seen_t *self, uint64_t number);
/* How many numbers below `end` are not in the set. */
uint64_t emp_seen_missing (const emp_seen_t *self, uint64_t end);
/* The first of them from `number` on; `end` when there is none. */
uint64_t emp_seen_next (const emp_seen_t *self, uint64_t number, uint64_t end);

#endif
