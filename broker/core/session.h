/* SPDX-License-Identifier: BSD-3-Clause
 *
 * session.h - a peer at the door, and what ends when it ends.
 *
 * Invariant: `last` is when it was heard last; a session that is not quiet and silent for dead_after is lost at the
 * next TICK. The core's silence_due is never later than the first time at which that may be.
 * Cost: hearing it O(1); its end O(tickets it holds), and O(sessions) more for a lost supervisor.
 */
#ifndef EMP_CORE_SESSION_H
#define EMP_CORE_SESSION_H

#include "lane.h"

typedef struct core_session {
    core_slot_t slot;
    core_link_t in_all; /* in order of joining; then in the list of those that are gone, until the next step */
    core_node_t node;   /* its key is the session's id */
    core_list_t lanes;
    core_list_t feeds;
    uint64_t parent;
    uint64_t ended; /* tickets that it has answered */
    uint64_t seen;  /* tickets that it has put and that are here, taken or not */
    emp_usec_t last;
    emp_role_t role;
    int pid;
    bool quiet;
    char name[EMP_LABEL_MAX + 1];
} core_session_t;

/* Why sessions end. */
typedef struct {
    bool lost; /* else: it said BYE */
    emp_how_t how;
    uint32_t code;
    uint64_t ticket; /* it was at, 0: not known */
    uint64_t session;
    uint32_t attempt; /* of an answer */
} core_end_t;

/* A new one, or the one that is there, refreshed. EMP_STALE (of another role, or without an id), EMP_FULL, EMP_NOMEM */
emp_status_t core_session_join (emp_core_t *self, const emp_event_t *hello);
core_session_t *core_session_find (const emp_core_t *self, uint64_t id);
/* The session by its id, which was heard right now; NULL when there is none. */
core_session_t *core_session_hear (emp_core_t *self, uint64_t id);
void core_session_heard (emp_core_t *self, core_session_t *session);
/* Ends it, and, when it is a lost supervisor, its children. */
void core_session_end (emp_core_t *self, core_session_t *session, core_end_t end, emp_effects_t *fx);
/* Ends all that are silent for too long. */
void core_session_end_silent (emp_core_t *self, emp_effects_t *fx);
/* Forgets those that are gone. */
void core_session_reap (emp_core_t *self);

#endif
