/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ledger.h - tickets: where each stands, and every way in which that may change.
 *
 * A ticket waits on its queue, or is held by a lane, or by two (copy.c); so its state is which of these it has. When it ends,
 * its record is given back at once: a handle that finds nothing is that of an ended ticket.
 * Invariant: put + halved == waiting + held + answered + dead + dropped; each record ends once. The rows of a ticket are those
 * of all records with its number that are open, and of those that have ended: none in two.
 * Cost: O(1) each; 120 bytes a ticket.
 */
#ifndef EMP_CORE_LEDGER_H
#define EMP_CORE_LEDGER_H

#include "feed.h"
#include "lane.h"
#include "session.h"

/* What the parts of one halved ticket share. */
typedef struct {
    core_slot_t slot;
    uint32_t rows_left; /* that have not ended */
    uint32_t parts;     /* records that know of it */
} core_family_t;

struct core_ticket {
    core_slot_t slot;
    uint32_t attempt;      /* pushes so far */
    uint32_t held_attempt; /* the one that `lane` has; `copy` has the last one */
    core_link_t link;      /* in its queue's tickets or suspects, or in its lane's tickets */
    core_lane_t *lane;     /* NULL: it waits */
    core_lane_t *copy;     /* a second holder, or NULL */
    core_feed_t *feed;
    core_family_t *family; /* NULL: it was never halved */
    uint64_t number;
    uint64_t handed_from;    /* session that it was handed over from last, 0: none */
    uint32_t handed_attempt; /* the one that this one had */
    uint32_t size;
    uint32_t rows;               /* of the chunk */
    uint32_t from, part;         /* of these: the rows of this record */
    uint16_t failures;           /* those before it was a half included */
    uint16_t strikes;            /* failures of this record */
    uint8_t deaths;              /* of these: holders that died of their own doing; 255 stands for more */
    bool suspect;                /* it waits, or is held, alone: poison.h */
    uint8_t last_how, last_code; /* the last failure: emp_how_t, a signal or the low byte of an exit status */
    uint64_t last_session;       /* and whose it was */
};

typedef struct {
    uint64_t put, halved, waiting, held, answered, dead, dropped, rows_put, workers_put, reissued, copied, overtaken,
        fenced, late;
} core_counts_t;

core_ticket_t *core_ticket_find (const emp_core_t *self, uint64_t ticket);
uint64_t core_ticket_handle (const emp_core_t *self, const core_ticket_t *ticket);
/* A new one at the end of the feed's queue. Room was reserved. */
core_ticket_t *core_ticket_put (emp_core_t *self, core_feed_t *feed, uint64_t number, const emp_part_t *part);
/* waiting → held */
void core_ticket_push (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, emp_effects_t *fx);
/* held → shared */
void core_ticket_copy (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, emp_effects_t *fx);
/* It killed a consumer that has it no more, since it was handed over: a failure all the same. It stays where it is, or is
 * dead. */
void core_ticket_blame (emp_core_t *self, core_ticket_t *ticket, const core_end_t *end, emp_effects_t *fx);
/* A held ticket is taken back from its lane, without a failure, and pushed to another that has free credit. */
void core_ticket_hand_over (emp_core_t *self, core_ticket_t *ticket, core_lane_t *to, emp_effects_t *fx);
/* A lane says done, or refused. EMP_STALE: nothing was changed. */
emp_status_t core_ticket_done (emp_core_t *self, core_ticket_t *ticket, const core_lane_t *lane, uint32_t attempt,
                               uint64_t size, emp_effects_t *fx);
emp_status_t core_ticket_refused (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, uint32_t attempt,
                                  uint64_t size, emp_effects_t *fx);
/* Somebody who was given up says done. EMP_STALE: nothing was changed. */
emp_status_t core_ticket_late (emp_core_t *self, core_ticket_t *ticket, const emp_event_t *event, emp_effects_t *fx);
/* The lane's consumer is gone; `failed`: it was at this one, and lost. */
void core_ticket_lose (emp_core_t *self, core_ticket_t *ticket, core_lane_t *lane, bool failed, const core_end_t *end,
                       emp_effects_t *fx);
/* The run drains: a waiting one ends without a result. */
void core_ticket_drop (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx);

/* ---- for poison.c ------------------------------------------------------------------------------------------------ */

/* Ends a record: with a result, its rows being answered or dead; or without one, its rows going on in others. */
void core_ticket_end (emp_core_t *self, core_ticket_t *ticket, emp_outcome_t outcome, const core_end_t *end,
                      uint64_t size, emp_effects_t *fx);
void core_ticket_replace (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx);
/* held, by one → waiting, at the head; when nothing is handed out any more, it ends without a result. */
void core_ticket_come_back (emp_core_t *self, core_ticket_t *ticket, emp_effects_t *fx);
/* What became of an attempt, for the manager. */
void core_ticket_tell (const emp_core_t *self, const core_ticket_t *ticket, uint32_t attempt, emp_attempt_end_t ended,
                       const core_end_t *end, emp_effects_t *fx);

#endif
