/* SPDX-License-Identifier: BSD-3-Clause
 *
 * clock.h - the core's clock, in microseconds. It stands still while this process is stopped (Ctrl-Z, a machine that sleeps):
 * who did not listen cannot know of a silence, and what its peers said meanwhile is read only after the next turns.
 *
 * One reading a turn makes it: a second one, behind the first, would be taken back when a stop is skipped that began between
 * the two. Invariant: it never goes backwards.
 */
#ifndef EMP_BROKER_CLOCK_H
#define EMP_BROKER_CLOCK_H

#include <stdint.h>

typedef struct {
    uint64_t turned;  /* when the last poll returned, or the first began */
    uint64_t skipped; /* that it is behind */
} broker_clock_t;

/* A poll has returned at `now`, which was to take `meant` at the most, UINT64_MAX: any time; a beat more shows a stop. Returns the
 * core's time, until the next turn. */
static inline uint64_t broker_clock_turn (broker_clock_t *self, uint64_t now, uint64_t meant, uint64_t beat)
{
    uint64_t took = now - self->turned;
    if (took > beat && took - beat > meant)
        self->skipped += took; /* nobody knows how much of it was listened to */
    self->turned = now;
    return now - self->skipped;
}

#endif
