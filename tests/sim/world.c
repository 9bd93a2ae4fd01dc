/* SPDX-License-Identifier: BSD-3-Clause
 *
 * world.c - time, and who is there. One schedule runs from its plan until nothing is left to happen, and is then judged.
 *
 * Invariant: of two things at one time the one that was planned first happens first; so a schedule depends on its plan alone.
 * Bounds: STEPS_MAX things and TIME_MAX of virtual time, beyond which a schedule hangs.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 200000u
#define TIME_MAX UINT64_C (300000000) /* µs */
#define LINES_MAX 400u                /* of a schedule that is told: one that hangs would be endless */
#define ARENA_BLOCK (1u << 20)
#define ARENA_BLOCKS 512u

tally_t tally;

static char *blocks[ARENA_BLOCKS]; /* kept from one schedule to the next */

/* ---- memory -------------------------------------------------------------------------------------------------------- */

void *world_alloc (world_t *self, size_t size)
{
    size = (size + 15) & ~(size_t) 15;
    if (size > ARENA_BLOCK)
        abort ();
    if (!blocks[self->arena_block] || self->arena_used + size > ARENA_BLOCK) {
        self->arena_block += blocks[self->arena_block] != NULL;
        if (self->arena_block == ARENA_BLOCKS)
            abort (); /* a schedule of half a GiB of messages */
        if (!blocks[self->arena_block])
            blocks[self->arena_block] = malloc (ARENA_BLOCK);
        if (!blocks[self->arena_block])
            abort ();
        self->arena_used = 0;
    }
    void *memory = blocks[self->arena_block] + self->arena_used;
    self->arena_used += size;
    memset (memory, 0, size);
    return memory;
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

static bool is_before (const entry_t *a, const entry_t *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void world_at (world_t *self, uint64_t at, happening_t happening, void *arg)
{
    if (self->heap_count == self->heap_room) {
        self->heap_room = self->heap_room ? self->heap_room * 2 : 1024;
        self->heap = realloc (self->heap, self->heap_room * sizeof *self->heap);
        if (!self->heap)
            abort ();
    }
    entry_t entry = {at > self->now ? at : self->now, self->order++, happening, arg};
    size_t i = self->heap_count++;
    for (; i && is_before (&entry, &self->heap[(i - 1) / 2]); i = (i - 1) / 2)
        self->heap[i] = self->heap[(i - 1) / 2];
    self->heap[i] = entry;
}

static entry_t next (world_t *self)
{
    entry_t first = self->heap[0], last = self->heap[--self->heap_count];
    size_t i = 0;
    for (size_t child = 1; child < self->heap_count; child = 2 * i + 1) {
        child += child + 1 < self->heap_count && is_before (&self->heap[child + 1], &self->heap[child]);
        if (!is_before (&self->heap[child], &last))
            break;
        self->heap[i] = self->heap[child];
        i = child;
    }
    self->heap[i] = last;
    return first;
}

/* ---- processes ----------------------------------------------------------------------------------------------------- */

process_t *process_new (world_t *self, emp_role_t role, uint32_t slot, process_t *parent)
{
    process_t *process = world_alloc (self, sizeof *process);
    if (self->process_count + 1 >= PROCESSES_MAX) {
        world_break (self, "processes are started for ever");
        self->process_count = 0; /* the schedule ends here */
    }
    process->session = ++self->process_count;
    process->role = role;
    process->slot = slot;
    process->parent = parent;
    self->processes[process->session] = process;
    self->living++;
    wire_init (self, &process->up, "up", process, true);
    wire_init (self, &process->down, "down", process, false);
    return process;
}

bool process_is_awake (const world_t *self, const process_t *process)
{
    return process->frozen_until <= self->now;
}

void process_cut (world_t *self, process_t *process)
{
    wire_cut (self, &process->up);
    wire_cut (self, &process->down);
    for (uint32_t i = 0; i < process->lane_count; i++) {
        wire_cut (self, &process->lanes[i]->chunks);
        wire_cut (self, &process->lanes[i]->dones);
    }
    if (process->feed)
        wire_cut (self, &process->feed->puts);
}

/* ---- faults -------------------------------------------------------------------------------------------------------- */

static void fault_happens (world_t *self, void *arg)
{
    const fault_t *fault = arg;
    world_say (self, "fault: %s, slot %u", fault_name (fault->kind), fault->who);
    process_t *host = self->host;
    process_t *worker = host ? host->children[fault->who] : NULL;
    if (self->manager->over)
        return;
    if (fault->kind == FAULT_SINK_STANDS || fault->kind == FAULT_DRAIN)
        manager_fault (self, fault);
    else if (!host || host->life != LIVES)
        return;
    else if (fault->kind == FAULT_HOST_DIES)
        host_die (self, host, 9);
    else if (fault->kind == FAULT_HOST_FREEZES)
        host->frozen_until = self->now + fault->much;
    else if (worker && worker->life == LIVES)
        worker_fault (self, worker, fault);
}

/* ---- the schedule -------------------------------------------------------------------------------------------------- */

void world_break (world_t *self, const char *sentence)
{
    if (self->broken)
        return;
    snprintf (self->broken_text, sizeof self->broken_text, "%s", sentence);
    self->broken = self->broken_text;
    world_say (self, "BROKEN: %s", sentence);
}

void world_say (world_t *self, const char *format, ...)
{
    if (!self->tell || (self->said++ >= LINES_MAX && !self->broken))
        return;
    va_list args;
    va_start (args, format);
    printf ("%10.3f ms  ", (double) self->now / 1000);
    vprintf (format, args);
    putchar ('\n');
    va_end (args);
}

static void add_up (const world_t *self)
{
    emp_core_stats_t stats;
    emp_core_stats (self->broker.core, &stats);
    tally.schedules++;
    tally.steps += self->steps;
    tally.answered += stats.answered;
    tally.dead += stats.dead;
    tally.dropped += stats.dropped_by_drain;
    tally.halved += stats.halved;
    tally.copied += stats.copied;
    tally.lost += stats.sessions_lost;
    tally.late += stats.late;
    tally.fenced += stats.fenced;
    tally.overtaken += stats.overtaken;
}

static void run (world_t *self)
{
    while (self->heap_count && !self->broken) {
        entry_t entry = next (self);
        self->now = entry.at;
        if (++self->steps > STEPS_MAX || self->now > TIME_MAX) {
            world_break (self,
                         self->now > TIME_MAX ? "it hangs: five minutes have passed" : "it hangs: too many steps");
            break;
        }
        self->digest = chance (self->digest ^ entry.at, entry.order);
        entry.happening (self, entry.arg);
    }
}

const char *world_run (const plan_t *plan, bool tell, uint64_t *ret_digest)
{
    static world_t world;
    entry_t *heap = world.heap;
    size_t room = world.heap_room;
    emp_effects_t fx = world.broker.fx;
    emp_core_destroy (&world.broker.core); /* of a schedule that an assert has ended */
    memset (&world, 0, sizeof world);
    world.heap = heap;
    world.heap_room = room;
    world.broker.fx = fx;
    world.plan = plan;
    world.tell = tell;
    broker_begin (&world);
    manager_start (&world);
    for (uint32_t i = 0; i < plan->faults; i++)
        world_at (&world, plan->fault[i].at, fault_happens, (void *) &plan->fault[i]);
    run (&world);
    if (!world.broken)
        book_end (&world);
    add_up (&world);
    emp_core_destroy (&world.broker.core);
    if (ret_digest)
        *ret_digest = world.digest;
    return world.broken;
}
