/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bench_core.c - what the broker's core costs by itself: nanoseconds for one ticket's put, push, done and ack.
 *
 * One queue is filled until `waiting` tickets wait and every lane is full; then, 64 tickets at a time, the oldest held
 * ones are done, acknowledged, and as many are put. Prints the processor time of the best of some short rounds: what
 * else the machine did is not ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "broker/core/core.h"

#define BATCH 64u
#define WINDOW 64u
#define ROUNDS 31
#define TICKETS 64000u /* a round */

typedef struct {
    uint64_t ticket, session;
    uint32_t lane, attempt;
} held_t;

typedef struct {
    emp_core_t *core;
    emp_effects_t fx;
    emp_usec_t now;
    emp_part_t parts[BATCH];
    uint32_t feed;
    uint64_t number;
    uint64_t credit;
    uint64_t serial;
    uint64_t credit_messages;
    held_t *held; /* ring, in the order of the pushes */
    size_t held_mask, held_first, held_end;
} bench_t;

static void step (bench_t *self, const emp_event_t *event)
{
    emp_effects_clear (&self->fx);
    emp_status_t status = emp_core_step (self->core, event, self->now, &self->fx);
    if (status != EMP_OK) {
        fprintf (stderr, "bench_core: event %d: %s\n", (int) event->kind, emp_status_text (status));
        exit (1);
    }
    for (size_t i = 0; i < self->fx.count; i++) {
        const emp_effect_t *effect = &self->fx.list[i];
        if (effect->kind == EMP_FX_PUSH)
            self->held[self->held_end++ & self->held_mask] =
                (held_t){effect->ticket, effect->session, effect->lane, effect->attempt};
        else if (effect->kind == EMP_FX_RESULT)
            self->serial = effect->serial;
        else if (effect->kind == EMP_FX_PUT_CREDIT || effect->kind == EMP_FX_FEED) {
            self->credit = effect->credit;
            self->feed = effect->feed;
            self->credit_messages++;
        }
    }
}

static void put (bench_t *self, uint64_t count)
{
    while (count) {
        uint64_t some = count < BATCH ? count : BATCH;
        if (some > self->credit - self->number)
            some = self->credit - self->number;
        if (!some) { /* little credit is kept back for a while */
            self->now += 20000;
            step (self, &(emp_event_t){.kind = EMP_EV_TICK});
            continue;
        }
        step (self, &(emp_event_t){.kind = EMP_EV_PUT,
                                   .session = 1,
                                   .feed = self->feed,
                                   .number = self->number,
                                   .count = (uint32_t) some,
                                   .parts = self->parts});
        self->number += some;
        count -= some;
    }
}

static void cycle (bench_t *self)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        held_t held = self->held[self->held_first++ & self->held_mask];
        step (self, &(emp_event_t){.kind = EMP_EV_DONE,
                                   .session = held.session,
                                   .lane = held.lane,
                                   .ticket = held.ticket,
                                   .attempt = held.attempt,
                                   .outcome = EMP_OUTCOME_DONE,
                                   .size = 10});
    }
    step (self, &(emp_event_t){.kind = EMP_EV_ACK, .session = 1, .serial = self->serial});
    put (self, BATCH);
}

/* Each of a session of its own, 2, 3, 4… */
static void open_lanes (bench_t *self, uint32_t lanes)
{
    for (uint32_t i = 0; i < lanes; i++) {
        uint64_t session = 2 + i;
        step (self, &(emp_event_t){.kind = EMP_EV_HELLO, .session = session, .role = EMP_ROLE_WORKER, .name = "w"});
        step (self, &(emp_event_t){.kind = EMP_EV_OPEN_LANE, .session = session, .name = "q", .window = WINDOW});
        step (self, &(emp_event_t){.kind = EMP_EV_LANE_READY, .lane = self->fx.list[0].lane});
    }
}

static double seconds (void)
{
    struct timespec now;
    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static double bench (uint32_t waiting, uint32_t lanes, double *ret_credit_messages)
{
    static bench_t self;
    self = (bench_t){.now = 1};
    emp_core_config_t config = emp_core_config_default;
    self.core = emp_core_new (&config);
    self.held_mask = 1;
    while (self.held_mask < (size_t) lanes * WINDOW + 2 * BATCH)
        self.held_mask *= 2;
    self.held = calloc (self.held_mask, sizeof *self.held);
    self.held_mask--;
    for (uint32_t i = 0; i < BATCH; i++)
        self.parts[i] = (emp_part_t){.length = 100, .rows = 42};
    step (&self, &(emp_event_t){.kind = EMP_EV_HELLO, .session = 1, .role = EMP_ROLE_MANAGER, .name = "m"});
    step (&self, &(emp_event_t){.kind = EMP_EV_DECLARE, .session = 1, .name = "q", .maxsize = waiting + 1000});
    step (&self, &(emp_event_t){.kind = EMP_EV_OPEN_FEED, .session = 1, .name = "q"});
    open_lanes (&self, lanes);
    put (&self, waiting + (uint64_t) lanes * WINDOW);
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t before = self.credit_messages;
        double start = seconds ();
        for (uint32_t i = 0; i < TICKETS / BATCH; i++)
            cycle (&self);
        double took = (seconds () - start) / TICKETS * 1e9;
        if (took < best)
            best = took;
        *ret_credit_messages = (double) (self.credit_messages - before) * 1000 / TICKETS;
    }
    emp_effects_release (&self.fx);
    emp_core_destroy (&self.core);
    free (self.held);
    return best;
}

int main (void)
{
    static const uint32_t waiting[] = {1000, 10000, 100000, 1000000};
    static const uint32_t lanes[] = {2, 16, 128, 1000};
    printf ("| waiting | lanes | ns/ticket | PUT_CREDIT per 1000 tickets |\n|---|---|---|---|\n");
    for (size_t w = 0; w < sizeof waiting / sizeof *waiting; w++)
        for (size_t l = 0; l < sizeof lanes / sizeof *lanes; l++) {
            double messages = 0;
            double nanoseconds = bench (waiting[w], lanes[l], &messages);
            printf ("| %u | %u | %.0f | %.1f |\n", waiting[w], lanes[l], nanoseconds, messages);
        }
    return 0;
}
