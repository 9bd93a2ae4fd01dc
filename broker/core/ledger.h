/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ledger.h - tickets: where each stands, and every way in which that may change.
 *
 * A ticket waits on its queue, or is held by a lane; so it is in exactly one list, and its state is whether it has a
 * lane. When it ends, its record is given back at once: a handle that finds nothing is that of an ended ticket.
 * Invariant: put == waiting + held + answered + dead + dropped; each ticket ends once.
 * Cost: O(1) each; 64 bytes a ticket.
 */
#ifndef EMP_CORE_LEDGER_H
#define EMP_CORE_LEDGER_H

#include "feed.h"
#include "lane.h"
#include "session.h"

struct core_ticket {
    core_slot_t slot;
    uint32_t attempt;     /* pushes so far */
    uint64_t handed_from; /* session that it was handed over from last, 0: none */
    uint32_t failures;
    core_link_t link;  /* in its queue's, or in its lane's, tickets */
    core_lane_t *lane; /* NULL: it waits */
    core_feed_t *feed;
    uint64_t number;
    uint32_t size;
    uint32_t rows;
};

typedef struct {
    uint64_t put, waiting, held, answered, dead, dropped, rows_put, reissued;
} core_counts_t;

core_ticket_t *core_ticket_find (const emp_core_t *self, uint64_t ticket);
uint64_t core_ticket_handle (const emp_core_t *self, const core_ticket_t *ticket);
/* A new one at the end of the feed's queue. Room was reserved. */
core_ticket_t *core_ticket_put (emp_core_t *self, core_feed_t *feed, uint64_t number, const emp_part_t *part);
/* waiting → held */
void core_ticket_push (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, emp_effects_t *fx);
/* It killed a consumer that has it no more, since it was handed over: a failure all the same. It stays where it is, or is
 * dead. */
void core_ticket_blame (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, emp_effects_t *fx);
/* A held ticket is taken back from its lane, without a failure, and pushed to another that has free credit. */
void core_ticket_hand_over (emp_core_t *self, core_ticket_t *ticket, core_lane_t *to, emp_effects_t *fx);
/* A lane says done, or refused. EMP_STALE: nothing was changed. */
emp_status_t core_ticket_done (emp_core_t *self, core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt,
                               uint64_t size, emp_effects_t *fx);
emp_status_t core_ticket_refused (emp_core_t *self, core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt,
                                  uint64_t size, emp_effects_t *fx);
/* Its holder is gone; `failed`: it was at this one, and lost. */
void core_ticket_lose (emp_core_t *self, core_ticket_t *ticket, bool failed, const core_end_t *end, emp_effects_t *fx);
/* The run drains: a waiting one ends without a result. */
void core_ticket_drop (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx);

#endif
