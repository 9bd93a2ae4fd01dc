/* SPDX-License-Identifier: BSD-3-Clause
 *
 * snapshot.h - how a run stands, for who asks from outside: queues, and sessions with what they hold. Changes nothing.
 *
 * It is read piece by piece, by slot, so that a piece is short and a list that changes meanwhile skips nothing: who is there
 * from the first piece to the last is in it once. Names are borrowed until the next step.
 * Cost: O(slots looked at), and O(lanes of the session) for each session.
 */
#ifndef EMP_CORE_SNAPSHOT_H
#define EMP_CORE_SNAPSHOT_H

#include "core.h"

typedef struct {
    bool feeding;       /* a feed of the manager is open, or STOP was not said of all queues: more may come */
    bool draining;      /* nothing is handed out any more */
    bool finished;      /* every queue has stopped */
    emp_usec_t elapsed; /* since the first ticket was put; 0: none was */
} emp_core_run_view_t;
void emp_core_view_run (const emp_core_t *self, emp_usec_t now, emp_core_run_view_t *ret_view);

typedef struct {
    uint32_t id;
    const char *name;
    uint32_t maxsize;
    uint32_t lanes, feeds; /* open ones */
    bool stopped;
    uint64_t waiting, held;       /* tickets */
    uint64_t put, answered, dead; /* since the start; a halved one is put once and ends as several */
    uint64_t reissued;
    uint64_t rows_put, rows_ended;
} emp_core_queue_view_t;

typedef struct {
    uint64_t session;
    emp_usec_t silent; /* since it was heard last */
    uint64_t answered; /* tickets, by this session */
    uint32_t held;     /* tickets, over all of its lanes */
    /* The one that it has had in hand for longest, when it holds any: */
    uint32_t queue, feed; /* ids; queue 0: it holds none */
    uint64_t number;
    uint32_t attempt, from, rows;
    emp_usec_t in_hand; /* for so long; what is behind it in the lane waits for it */
} emp_core_session_view_t;

/* Fills `list` with at most `room` records of the slots from *slot on; *slot is where the next piece begins, 0: there is none.
 * At most EMP_CORE_VIEW_SLOTS slots are looked at. Returns how many. */
#define EMP_CORE_VIEW_SLOTS 4096u
size_t emp_core_view_queues (const emp_core_t *self, uint32_t *slot, emp_core_queue_view_t *list, size_t room);
size_t emp_core_view_sessions (const emp_core_t *self, emp_usec_t now, uint32_t *slot, emp_core_session_view_t *list,
                               size_t room);

#endif
