/* SPDX-License-Identifier: BSD-3-Clause
 *
 * host.c - a supervisor: it has a child in each slot, says how one died (LOST), starts it anew, and kills whom the broker has given
 * up or does not need. The rules are those of worker/README.md, but for this: a slot is never given up, and one that was asked
 * to leave by a fault comes again, so that there is always a healthy worker.
 */
#include "sim.h"

#define GRACES 3 /* of dead_after, in which one that was given up may wake up */

typedef struct {
    process_t *host, *child; /* child NULL: the slot's next */
    uint32_t slot;
} bond_t;

static bond_t *bond_new (world_t *self, process_t *host, process_t *child, uint32_t slot)
{
    bond_t *bond = world_alloc (self, sizeof *bond);
    *bond = (bond_t){host, child, slot};
    return bond;
}

static uint64_t soon (const world_t *self, uint32_t most)
{
    return self->now + 100 + chance (self->plan->seed, self->order) % most;
}

static void start_slot (world_t *self, void *arg)
{
    bond_t *bond = arg;
    process_t *host = bond->host;
    uint32_t slot = bond->slot;
    if (host->life != LIVES || host->draining || !host->wanted[slot])
        return;
    if (!process_is_awake (self, host))
        world_at (self, host->frozen_until, start_slot, bond);
    else
        host->children[slot] = worker_start (self, host, slot);
}

/* In good order: when nobody is left. */
static void leave_when_done (world_t *self, process_t *host)
{
    bool wanted = false, others = false;
    for (uint32_t i = 0; i < self->plan->slots; i++) {
        process_t *child = host->children[i];
        wanted = wanted || (host->wanted[i] && !host->draining) || (child && child->life == LIVES);
        others = others ||
                 (child && child->life == LIVES ? child->known || process_is_awake (self, child) : host->wanted[i]);
    }
    /* Those who sleep are waited for by nobody when all others have ended, or the run drains. */
    for (uint32_t i = 0; i < self->plan->slots && (!others || host->draining); i++) {
        process_t *child = host->children[i];
        if (child && child->life == LIVES && !child->known && !process_is_awake (self, child)) {
            host->wanted[i] = false;
            worker_end (self, child, EMP_HOW_SIGNAL, 9);
            return; /* it comes here again */
        }
    }
    if (wanted)
        return;
    host->life = EXITED;
    self->living--;
    message_t *message = message_new (self, SAY_BYE, 0);
    message->session = host->session;
    wire_send (self, &host->up, message);
    manager_host_ended (self, host);
}

static void child_is_collected (world_t *self, void *arg)
{
    bond_t *bond = arg;
    process_t *host = bond->host, *child = bond->child;
    if (host->life != LIVES)
        return;
    if (!process_is_awake (self, host)) {
        world_at (self, host->frozen_until, child_is_collected, bond);
        return;
    }
    if (child->life == DIED) {
        message_t *message = message_new (self, SAY_LOST, 0);
        message->session = child->session;
        message->how = child->how;
        message->code = child->code;
        message->ticket = self->plan->blind ? 0 : child->at_ticket;
        wire_send (self, &host->up, message);
    }
    bool again = host->wanted[child->slot] && (child->life == DIED || child->leaves) && !host->draining;
    host->wanted[child->slot] = again;
    if (again)
        world_at (self, soon (self, 3000), start_slot, bond);
    leave_when_done (self, host);
}

void host_child_ended (world_t *self, process_t *child)
{
    world_at (self, soon (self, 2000), child_is_collected, bond_new (self, child->parent, child, child->slot));
}

static void grace_is_over (world_t *self, void *arg)
{
    bond_t *bond = arg;
    if (bond->host->life == LIVES && bond->child->life == LIVES)
        worker_end (self, bond->child, EMP_HOW_SIGNAL, 9);
}

static void give_up (world_t *self, process_t *host, process_t *child)
{
    if (child->life != LIVES)
        return;
    world_at (self, self->now + GRACES * self->plan->config.dead_after, grace_is_over,
              bond_new (self, host, child, child->slot));
    leave_when_done (self, host);
}

void host_hear (world_t *self, process_t *host, message_t *message)
{
    world_say (self, "  supervisor %llu hears %s", (unsigned long long) host->session, say_name (message->say));
    process_t *about =
        message->session && message->session <= self->process_count ? self->processes[message->session] : NULL;
    switch (message->say) {
    case SAY_WELCOME:
        for (uint32_t i = 0; i < self->plan->slots; i++) {
            host->wanted[i] = true;
            world_at (self, self->now + (self->now < 50000 ? self->plan->joins[i] : 0), start_slot,
                      bond_new (self, host, NULL, i));
        }
        break;
    case SAY_GONE:
        if (about && about->parent == host)
            give_up (self, host, about);
        break;
    case SAY_KILL:
        if (about && about->parent == host && (!message->ticket || about->at_ticket == message->ticket)) {
            host->wanted[about->slot] = false;
            worker_end (self, about, EMP_HOW_SIGNAL, 9);
        }
        break;
    case SAY_DRAIN:
        host->draining = true;
        leave_when_done (self, host);
        break;
    case SAY_REFUSED: host_die (self, host, 3); break;
    default: break;
    }
}

void host_die (world_t *self, process_t *host, uint32_t code)
{
    if (host->life != LIVES)
        return;
    world_say (self, "supervisor %llu dies", (unsigned long long) host->session);
    host->life = DIED;
    host->code = code;
    self->living--;
    process_cut (self, host);
    for (uint32_t i = 0; i < self->plan->slots; i++)
        if (host->children[i])
            worker_end (self, host->children[i], EMP_HOW_SIGNAL, 9);
    manager_host_ended (self, host);
}

process_t *host_start (world_t *self)
{
    process_t *host = process_new (self, EMP_ROLE_SUPERVISOR, 0, self->manager);
    message_t *message = message_new (self, SAY_HELLO, 0);
    message->session = host->session;
    wire_send (self, &host->up, message);
    world_at (self, self->now + self->plan->config.dead_after / 5, beat, host);
    return host;
}
