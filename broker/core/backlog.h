/* SPDX-License-Identifier: BSD-3-Clause
 *
 * backlog.h - results that the manager has not acknowledged: their serials 1, 2, 3… and their bytes.
 *
 * Held tickets count as results that are still to come, so nothing is pushed that could not be passed on.
 * Invariant: acked <= serial; unacknowledged + held <= max + over, where `over` counts results of tickets that were
 * answered late, while they waited: these nobody could have held back. It falls to 0 as soon as there is room again.
 * Cost: O(1) amortised; memory 8 bytes for each unacknowledged result.
 */
#ifndef EMP_CORE_BACKLOG_H
#define EMP_CORE_BACKLOG_H

#include "../../common/eisenmp.h"

typedef struct {
    uint64_t max;
    uint64_t bytes_max;
    uint64_t serial;
    uint64_t acked;
    uint64_t bytes;
    uint64_t over;
    uint64_t *sizes; /* of serial s at s % room */
    uint64_t room;   /* 0 or a power of two */
} core_backlog_t;

void core_backlog_init (core_backlog_t *self, uint64_t max, uint64_t bytes_max);
void core_backlog_release (core_backlog_t *self);
/* Makes sure that `count` more results can be added. EMP_OK or EMP_NOMEM. */
emp_status_t core_backlog_reserve (core_backlog_t *self, uint64_t count);
/* The serial of a new result. Room was reserved. */
uint64_t core_backlog_add (core_backlog_t *self, uint64_t size);
/* All up to `serial`, acked <= serial <= self->serial. */
void core_backlog_ack (core_backlog_t *self, uint64_t serial);

static inline uint64_t core_backlog_count (const core_backlog_t *self)
{
    return self->serial - self->acked;
}

/* Whether one more ticket may be pushed when so many are held. */
static inline bool core_backlog_has_room (const core_backlog_t *self, uint64_t held)
{
    return core_backlog_count (self) + held < self->max && self->bytes <= self->bytes_max;
}

#endif
