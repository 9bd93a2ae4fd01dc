/* SPDX-License-Identifier: BSD-3-Clause
 *
 * poison.h - tickets that fail: tried again, alone, in halves, or dead. See poison.c.
 */
#ifndef EMP_CORE_POISON_H
#define EMP_CORE_POISON_H

#include "ledger.h"

/* Records that one failure may need beside those that are there. */
#define CORE_HALVES 2u

/* Its holder has died at it, or it is a part of one of which that is so: it is worked at alone. */
static inline bool core_poison_suspects (const core_ticket_t *self)
{
    return self->deaths > 0 || self->family;
}

/* It has failed as often as it may; held still, it ends when it comes back. */
bool core_poison_is_out (const emp_core_t *self, const core_ticket_t *ticket);
/* Counts a failure of a ticket. True: it is one too many. */
bool core_poison_strikes_out (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end);
/* A held ticket has failed: it waits again, or is halved, or dead. `size`: bytes of the reason. Room was reserved. */
void core_poison_fail (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, uint64_t size,
                       emp_effects_t *fx);
/* A held ticket comes back without a failure; it had failed before as often as it may when that was told while others held it. */
void core_poison_return (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, emp_effects_t *fx);
/* It has failed once too often, and waits or is held by one: halved, or dead. */
void core_poison_out (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, uint64_t size, emp_effects_t *fx);
/* The lane is closed, or gives no credit any more: it is kept free for no suspect. */
void core_poison_unreserve (emp_core_t *self, core_lane_t *lane);
/* Gives suspects to lanes that hold nothing. */
void core_poison_deal (emp_core_t *self, emp_effects_t *fx);

#endif
