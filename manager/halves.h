/* SPDX-License-Identifier: BSD-3-Clause
 *
 * halves.h - tickets that end in several parts, since a chunk that kills its workers is halved: which of their rows have ended.
 *
 * Only tickets that have begun to end and have rows left are here; nearly always none. A part is taken when its rows are the
 * ticket's, none of them has ended before, and what it says is left is what is left.
 * Cost: O(log open tickets + log parts) to look, O(both) to add; 48 bytes a ticket and 8 a stretch of ended rows. Pure, one owner.
 */
#ifndef EMP_HALVES_H
#define EMP_HALVES_H

#include "../common/wire.h"

typedef struct {
    struct emp_half *list; /* sorted by feed, number */
    size_t count, room;
} emp_halves_t;

/* What has come of a ticket's rows so far. */
typedef struct {
    uint64_t rows, dead; /* that have ended; of these */
    uint32_t total;      /* all that the ticket has */
    bool over;           /* all of them have */
} emp_half_state_t;

void emp_halves_init (emp_halves_t *self);
void emp_halves_release (emp_halves_t *self);
/* True when a part is not all of its ticket. */
bool emp_halves_is_part (const emp_halves_t *self, uint32_t feed, const emp_part_t *part);
/* EMP_OK: the part may be added now. EMP_STALE: some of its rows have ended; EMP_MALFORMED; EMP_NOMEM. */
emp_status_t emp_halves_reserve (emp_halves_t *self, uint32_t feed, const emp_part_t *part);
/* Adds a part for which reserve said EMP_OK; a ticket that is over is forgotten. Cannot fail. */
emp_half_state_t emp_halves_add (emp_halves_t *self, uint32_t feed, const emp_part_t *part, bool dead);
/* Rows of the feed's open tickets that have ended. */
uint64_t emp_halves_rows (const emp_halves_t *self, uint32_t feed);

#endif
