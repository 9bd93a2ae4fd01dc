/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order.h - puts what ended in any order in the order of tickets, feed by feed (RESULTS_ORDER): each part waits until all before it
 * have passed.
 *
 * A part is all rows of a ticket, or, when that was halved, some of them (halves.h): its place in its feed is its number and first
 * row, and a ticket has passed when its last row has. Each place comes once: the ticket dictionary has seen to that.
 * What waits is in memory up to bytes_max, and beyond it in a scratch file (order_file.h), which goes when nothing is left in it.
 * Nothing is held back for what waits, so there is no bound but the disk's: when that is full the ordering is over, and says why.
 * A ticket that never comes holds up its feed until emp_ordering_rest.
 * Cost: O(1) and no copy for a part whose turn it is; O(log waiting) and a copy for any other, about 100 bytes besides its data in
 * memory. 64 bytes a feed. Pure: no socket, no clock, no thread.
 */
#ifndef EMP_ORDER_H
#define EMP_ORDER_H

#include "../common/eisenmp.h"

#define EMP_ORDERING_WHY_MAX 4400 /* a sentence with a path in it, its NUL included */

typedef struct emp_ordering emp_ordering_t;

typedef struct {
    uint64_t bytes_max;                     /* of memory */
    const char *folder;                     /* of the scratch file, copied; NULL: $TMPDIR or /var/tmp */
    void *(*grow) (void *old, size_t size); /* NULL: realloc; a test's may fail */
} emp_ordering_config_t;

typedef struct {
    uint32_t feed; /* a place in a table: 0, 1, 2… */
    uint64_t number;
    uint32_t from, rows; /* of the ticket's rows these end with it */
    uint32_t total;      /* rows of the ticket */
    bool silent;         /* it keeps its place, and there is nothing to be said of it */
    const uint8_t *data;
    size_t size;
} emp_placed_t;

/* NULL: out of memory. */
emp_ordering_t *emp_ordering_new (const emp_ordering_config_t *config);
void emp_ordering_destroy (emp_ordering_t **self);
/* *ret_now: it is this part's turn; it has passed, and nothing of it was kept: emp_ordering_next has what waited for it. Else it was
 * copied. EMP_STALE: its place has passed before; EMP_NOMEM, EMP_FULL, EMP_SYSTEM: for good, emp_ordering_why. */
emp_status_t emp_ordering_take (emp_ordering_t *self, const emp_placed_t *part, bool *ret_now);
/* The next part of that feed that waited and whose turn it is. Borrowed until the next call of any of these. False: there is none, or
 * emp_ordering_why. */
bool emp_ordering_next (emp_ordering_t *self, uint32_t feed, emp_placed_t *ret_part);
/* When no more will come: the next of what still waits, feed by feed, whatever is missing before it. The same. */
bool emp_ordering_rest (emp_ordering_t *self, emp_placed_t *ret_part);
/* The sentence of the first failure, "" when there was none. */
const char *emp_ordering_why (const emp_ordering_t *self);
/* Parts that wait, and those of them on the disk. */
uint64_t emp_ordering_waiting (const emp_ordering_t *self, uint64_t *ret_on_disk);

#endif
