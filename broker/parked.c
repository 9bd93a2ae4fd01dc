/* SPDX-License-Identifier: BSD-3-Clause
 *
 * parked.c - endings that came before the puts which they announce, and wait for these; goodbyes that wait for such endings.
 *
 * A PUT and a DONE go by different sockets and overtake each other. Taken at once, the DONE would let its worker leave, and
 * what that one had put and what is still under way would come from nobody. So the core says "too early", and the message
 * waits here until the session's puts are there, or the session ends: then its tickets are done again by others.
 * Bound: a message ends at least one ticket, and a lane is never given more at once than its window. Tickets that are held are no
 * bound: of one that two hold, or that was answered meanwhile, several endings may lie here. What is
 * beyond that is no sound peer's, and is dropped. Cost: O(parked messages) for each PUT while there are any, else one compare.
 */
#include <stdlib.h>

#include "shell.h"

void parked_keep (emp_broker_t *self, uint64_t session, uint32_t queue, zmq_msg_t *header, blob_t *blob)
{
    emp_core_stats_t stats;
    emp_core_stats (self->core, &stats);
    if (self->parked_count >= stats.lanes * self->config.core.window_max) {
        broker_drop (self);
        return;
    }
    if (self->parked_count == self->parked_room) {
        size_t room = self->parked_room ? self->parked_room * 2 : 16;
        parked_t *list = realloc (self->parked, room * sizeof *list);
        if (!list)
            broker_exhausted (); /* out of memory with an ending in hand */
        self->parked = list;
        self->parked_room = room;
    }
    parked_t *parked = &self->parked[self->parked_count++];
    parked->session = session;
    parked->queue = queue;
    parked->blob = blob;
    blob->refs++;
    zmq_msg_init (&parked->header);
    zmq_msg_move (&parked->header, header);
}

static void release (parked_t *parked)
{
    zmq_msg_close (&parked->header);
    blob_release (parked->blob);
}

/* Takes out those of a session, `again`: that are taken now; the others keep their order. An ending ends no session, so the list
 * changes here only. */
static void sift (emp_broker_t *self, uint64_t session, bool again)
{
    for (size_t i = 0; i < self->parked_count;) {
        parked_t parked = self->parked[i];
        uint64_t same;
        if (parked.session != session ||
            (again && intake_take (self, parked.queue, &parked.header, parked.blob, &same) == INTAKE_TOO_EARLY)) {
            i++;
            continue;
        }
        release (&parked);
        self->parked_count--;
        for (size_t k = i; k < self->parked_count; k++)
            self->parked[k] = self->parked[k + 1];
    }
}

bool parked_any (const emp_broker_t *self, uint64_t session)
{
    for (size_t i = 0; i < self->parked_count; i++)
        if (self->parked[i].session == session)
            return true;
    return false;
}

void parked_retry (emp_broker_t *self, uint64_t session)
{
    if (self->parked_count == 0)
        return;
    sift (self, session, true);
    const peer_t *peer = peer_of_session (self, session);
    if (peer && peer->leaving && !parked_any (self, session)) {
        emp_event_t event = {.kind = EMP_EV_BYE, .session = session};
        broker_step (self, &event);
    }
}

void parked_forget (emp_broker_t *self, uint64_t session)
{
    if (self->parked_count)
        sift (self, session, false);
}

void parked_release (emp_broker_t *self)
{
    for (size_t i = 0; i < self->parked_count; i++)
        release (&self->parked[i]);
    free (self->parked);
}
