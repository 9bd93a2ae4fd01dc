/* SPDX-License-Identifier: BSD-3-Clause
 *
 * session.c - see session.h.
 */
#include <signal.h>
#include <string.h>

#include "state.h"

static void set_name (core_session_t *self, const char *name)
{
    size_t length = name ? strlen (name) : 0;
    if (length > EMP_LABEL_MAX)
        length = EMP_LABEL_MAX;
    memcpy (self->name, name ? name : "", length);
    self->name[length] = 0;
}

/* When a session that was heard at `last` is silent for too long. */
static emp_usec_t due_of (const emp_core_t *self, emp_usec_t last)
{
    emp_usec_t after = self->config.dead_after;
    return after == 0 || last > UINT64_MAX - after ? UINT64_MAX : last + after;
}

static void refresh (emp_core_t *self, core_session_t *session, const emp_event_t *hello)
{
    session->parent = hello->parent;
    session->pid = hello->pid;
    session->quiet = hello->quiet;
    set_name (session, hello->name);
    core_session_heard (self, session);
    emp_usec_t due = due_of (self, session->last);
    if (!session->quiet && due < self->silence_due)
        self->silence_due = due;
}

emp_status_t core_session_join (emp_core_t *self, const emp_event_t *hello)
{
    core_session_t *session = core_session_find (self, hello->session);
    if (hello->session == 0 || (session && session->role != hello->role))
        return EMP_STALE;
    if (session) {
        refresh (self, session, hello);
        return EMP_OK;
    }
    emp_status_t status = core_pool_reserve (&self->sessions, 1);
    if (status != EMP_OK)
        return status;
    session = core_pool_take (&self->sessions);
    core_list_init (&session->lanes);
    core_list_init (&session->feeds);
    session->role = hello->role;
    core_list_add_tail (&self->all_sessions, &session->in_all);
    core_index_add (&self->by_id, &session->node, hello->session);
    self->session_count++;
    refresh (self, session, hello);
    return EMP_OK;
}

core_session_t *core_session_find (const emp_core_t *self, uint64_t id)
{
    core_node_t *node = core_index_first (&self->by_id, id);
    return node ? CORE_OF (node, core_session_t, node) : NULL;
}

void core_session_heard (emp_core_t *self, core_session_t *session)
{
    session->last = self->now;
}

core_session_t *core_session_hear (emp_core_t *self, uint64_t id)
{
    core_session_t *session = core_session_find (self, id);
    if (session)
        core_session_heard (self, session);
    return session;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* The ticket that the lane's holder was at, or NULL. */
static const core_ticket_t *victim_of (const emp_core_t *self, const core_lane_t *lane, const core_end_t *end)
{
    if (!end->lost)
        return NULL;
    if (end->ticket)
        return core_ticket_find (self, end->ticket);
    core_link_t *first = core_list_first (&lane->tickets);
    return first ? CORE_OF (first, core_ticket_t, link) : lane->copied;
}

/* Returns how many tickets it held. From the last to the first, so they stand at the head in their old order. */
static uint32_t end_lane (emp_core_t *self, core_lane_t *lane, const core_end_t *end, emp_effects_t *fx)
{
    core_effects_add (fx, EMP_FX_LANE_CLOSED)->lane = core_lane_id (self, lane);
    const core_ticket_t *victim = victim_of (self, lane, end);
    uint32_t count = lane->held;
    core_link_t *link;
    while ((link = core_list_last (&lane->tickets))) {
        core_ticket_t *ticket = CORE_OF (link, core_ticket_t, link);
        core_ticket_lose (self, ticket, lane, ticket == victim, end, fx);
    }
    if (lane->copied)
        core_ticket_lose (self, lane->copied, lane, lane->copied == victim, end, fx);
    core_lane_close (self, lane);
    return count;
}

static void end_one (emp_core_t *self, core_session_t *session, const core_end_t *end, emp_effects_t *fx)
{
    uint32_t count = 0;
    core_link_t *link;
    core_ticket_t *ticket = end->lost && end->ticket ? core_ticket_find (self, end->ticket) : NULL;
    if (ticket && ticket->handed_from == session->node.key && (!ticket->lane || ticket->lane->session != session) &&
        (!ticket->copy || ticket->copy->session != session))
        core_ticket_blame (self, ticket, end, fx);
    while ((link = core_list_first (&session->lanes)))
        count += end_lane (self, CORE_OF (link, core_lane_t, in_session), end, fx);
    while ((link = core_list_first (&session->feeds)))
        core_feed_end (self, CORE_OF (link, core_feed_t, in_session));
    if (self->sink == session) {
        self->sink = NULL;
        self->sink_told = false;
        core_effects_add (fx, EMP_FX_SINK_CLOSED)->session = session->node.key;
    }
    self->sessions_lost += end->lost && session->role != EMP_ROLE_WATCHER;
    emp_effect_t *effect = core_effects_add (fx, EMP_FX_SESSION_GONE);
    effect->session = session->node.key;
    effect->role = session->role;
    effect->how = end->how;
    effect->code = end->code;
    effect->count = count;
    effect->name = session->name;
    effect->pid = session->pid;
}

/* From the living to the end of the doomed. */
static void doom (emp_core_t *self, core_session_t *session)
{
    core_link_remove (&session->in_all);
    core_index_remove (&self->by_id, &session->node);
    self->session_count--;
    core_list_add_tail (&self->doomed, &session->in_all);
}

static void doom_children (emp_core_t *self, const core_session_t *session)
{
    core_link_t *next;
    for (core_link_t *link = core_list_first (&self->all_sessions); link; link = next) {
        next = core_list_next (&self->all_sessions, link);
        core_session_t *other = CORE_OF (link, core_session_t, in_all);
        if (other->parent == session->node.key)
            doom (self, other);
    }
}

/* First all who end are known, then they end in order: nothing is given to one who is about to end. */
static void end_doomed (emp_core_t *self, core_end_t end, emp_effects_t *fx)
{
    core_list_t *doomed = &self->doomed;
    core_link_t *link;
    for (link = core_list_first (doomed); link && end.lost; link = core_list_next (doomed, link)) {
        const core_session_t *session = CORE_OF (link, core_session_t, in_all);
        if (session->role == EMP_ROLE_SUPERVISOR)
            doom_children (self, session);
    }
    while ((link = core_list_first (doomed))) {
        end.session = CORE_OF (link, core_session_t, in_all)->node.key;
        end_one (self, CORE_OF (link, core_session_t, in_all), &end, fx);
        core_link_remove (link);
        core_list_add_tail (&self->gone_sessions, link);
        end.ticket = 0; /* was the first one's; children are at tickets of their own, */
        if (end.lost && end.how != EMP_HOW_SILENCE) {
            end.how = EMP_HOW_SIGNAL; /* and the kernel has killed them */
            end.code = SIGKILL;
        }
    }
}

void core_session_end (emp_core_t *self, core_session_t *session, core_end_t end, emp_effects_t *fx)
{
    doom (self, session);
    end_doomed (self, end, fx);
}

void core_session_end_silent (emp_core_t *self, emp_effects_t *fx)
{
    if (self->now < self->silence_due)
        return;
    self->silence_due = UINT64_MAX;
    core_link_t *next;
    for (core_link_t *link = core_list_first (&self->all_sessions); link; link = next) {
        next = core_list_next (&self->all_sessions, link);
        core_session_t *session = CORE_OF (link, core_session_t, in_all);
        if (session->quiet)
            continue;
        emp_usec_t due = due_of (self, session->last);
        if (due <= self->now)
            doom (self, session);
        else if (due < self->silence_due)
            self->silence_due = due;
    }
    end_doomed (self, (core_end_t){.lost = true, .how = EMP_HOW_SILENCE}, fx);
}

void core_session_reap (emp_core_t *self)
{
    core_link_t *link;
    while ((link = core_list_first (&self->gone_sessions))) {
        core_link_remove (link);
        core_pool_give (&self->sessions, CORE_OF (link, core_session_t, in_all));
    }
}
