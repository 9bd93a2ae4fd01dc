/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wire.c - what is under way. A message takes a while, never overtakes another of its wire, and is lost only with the wire:
 * then the first few of those under way arrive and the others do not.
 */
#include "sim.h"

#define NAME(say) [SAY_##say] = #say
static const char *const names[] = {
    NAME (HELLO),      NAME (WELCOME),   NAME (OPEN_LANE), NAME (LANE),   NAME (OPEN_FEED), NAME (FEED),
    NAME (PUT_CREDIT), NAME (FEED_OVER), NAME (WANT),      NAME (UNWANT), NAME (REVOKE),    NAME (BEAT),
    NAME (REFUSED),    NAME (BYE),       NAME (LOST),      NAME (GONE),   NAME (KILL),      NAME (DRAIN),
    NAME (DECLARE),    NAME (OPEN_SINK), NAME (ACK),       NAME (STOP),   NAME (PUT),       NAME (DONE),
    NAME (CHUNKS),     NAME (STOPPED),   NAME (RESULTS)};

const char *say_name (say_t say)
{
    return names[say];
}

void wire_init (world_t *self, wire_t *wire, const char *name, process_t *owner, bool to_broker)
{
    uint64_t what = chance (owner->session, (uint64_t) name[0] << 8 | (uint64_t) name[1]);
    *wire = (wire_t){.name = name, .owner = owner, .to_broker = to_broker, .limit = UINT64_MAX};
    wire->stream = chance (self->plan->seed, what);
}

message_t *message_new (world_t *self, say_t say, uint32_t pieces)
{
    message_t *message = world_alloc (self, sizeof *message + pieces * sizeof (piece_t));
    message->say = say;
    return message;
}

/* Most are quick, some are not, a few are slow as if their reader was busy elsewhere. */
static uint64_t delay_of (const world_t *self, const wire_t *wire)
{
    uint64_t lag = self->plan->lag + 1, draw = chance (wire->stream, wire->sent);
    uint64_t delay = 5 + draw % lag / 4;
    if ((draw >> 40) % 8 == 0)
        delay = 5 + draw % lag;
    return (draw >> 50) % 200 == 0 ? delay + draw % 60000 : delay;
}

static void arrive (world_t *self, void *arg)
{
    message_t *message = arg;
    wire_t *wire = message->wire;
    process_t *process = wire->owner;
    if (!wire->to_broker && process->life == LIVES && !process_is_awake (self, process)) {
        world_at (self, process->frozen_until, arrive, message); /* it lies in its socket */
        return;
    }
    if (!message->copy)
        wire->arrived++;
    if (message->index >= wire->limit)
        return;
    if (wire->to_broker)
        broker_hear (self, message);
    else if (process->life != LIVES)
        return;
    else if (process->role == EMP_ROLE_WORKER)
        worker_hear (self, process, message);
    else if (process->role == EMP_ROLE_SUPERVISOR)
        host_hear (self, process, message);
    else
        manager_hear (self, process, message);
}

/* What the protocol must bear twice. Answers to questions are not among it: a question is asked once. */
static bool may_come_twice (say_t say)
{
    return say == SAY_DONE || say == SAY_PUT || say == SAY_BEAT || say == SAY_ACK || say == SAY_LOST ||
           say == SAY_PUT_CREDIT;
}

void wire_send (world_t *self, wire_t *wire, message_t *message)
{
    message->wire = wire;
    message->index = wire->sent;
    if (message->index >= wire->limit)
        return;
    uint64_t at = self->now + delay_of (self, wire);
    wire->last = at > wire->last ? at : wire->last;
    wire->sent++;
    world_at (self, wire->last, arrive, message);
    if (!wire->twice || !may_come_twice (message->say))
        return;
    wire->twice = false;
    tally.twice++;
    message_t *copy = message_new (self, message->say, message->count);
    uint64_t later = chance (wire->stream, ~wire->sent);
    for (size_t i = 0; i < sizeof *copy + message->count * sizeof (piece_t); i++)
        ((char *) copy)[i] = ((const char *) message)[i];
    copy->copy = true;
    world_at (self, wire->last + later % 20000, arrive, copy);
}

void wire_cut (world_t *self, wire_t *wire)
{
    if (!wire->owner || wire->limit != UINT64_MAX)
        return;
    uint64_t under_way = wire->sent - wire->arrived;
    wire->limit = wire->arrived + chance (wire->stream, UINT64_C (1) << 40) % (under_way + 1);
    (void) self;
}
