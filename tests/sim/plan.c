/* SPDX-License-Identifier: BSD-3-Clause
 *
 * plan.c - see plan.h.
 */
#include "plan.h"

#include <stdio.h>

static const char *const fault_names[FAULT_KINDS] = {
    [FAULT_CRASH] = "crash",
    [FAULT_EXIT] = "exit",
    [FAULT_KILL] = "kill",
    [FAULT_CRASH_BEHIND_DONE] = "crash behind a done",
    [FAULT_FREEZE] = "freeze",
    [FAULT_CUT] = "cut",
    [FAULT_TWICE] = "twice",
    [FAULT_REFUSE] = "refuse",
    [FAULT_WEDGE] = "wedge",
    [FAULT_LEAVE] = "leave",
    [FAULT_HOST_DIES] = "host dies",
    [FAULT_HOST_FREEZES] = "host freezes",
    [FAULT_SINK_STANDS] = "sink stands",
    [FAULT_DRAIN] = "drain",
};

const char *fault_name (fault_kind_t kind)
{
    return fault_names[kind];
}

/* Small numbers are more often drawn than large ones. */
static uint32_t few (dice_t *dice, uint32_t max)
{
    return 1 + roll (dice, 1 + roll (dice, max));
}

static void draw_config (plan_t *self, dice_t *dice)
{
    emp_core_config_t *config = &self->config;
    *config = (emp_core_config_t){.attempts_max = 1 + few (dice, 4),
                                  .dead_after = 400000 + 100000 * roll (dice, 8),
                                  .backlog_max = roll (dice, 3) ? 1000 : few (dice, 12),
                                  .backlog_bytes_max = roll (dice, 4) ? 1 << 20 : 200,
                                  .sessions_max = 512,
                                  .queues_max = 4,
                                  .feeds_max = 256,
                                  .lanes_max = 256,
                                  .window_max = roll (dice, 3) ? 64 : few (dice, 4),
                                  .halve = roll (dice, 8) != 0,
                                  .speculate = roll (dice, 4) != 0};
}

static void draw_work (plan_t *self, dice_t *dice)
{
    static const uint64_t rows_us[] = {1, 5, 40, 300, 2000, 12000, 60000};
    uint64_t usual = rows_us[roll (dice, 7)];
    self->slots = 1 + few (dice, SLOTS_MAX - 1);
    self->puts = roll (dice, 3) ? 0 : few (dice, 3);
    if (self->puts) /* who waits with a put holds a ticket, and needs others to be handed out */
        self->config.backlog_max = 1000;
    self->impatient = roll (dice, 2);
    for (uint32_t i = 0; i < self->slots; i++) {
        self->row_us[i] = roll (dice, 4) ? usual : rows_us[roll (dice, 7)];
        self->joins[i] = roll (dice, 3) ? roll (dice, 3000) : roll (dice, 200000);
    }
    self->feeds = few (dice, FEEDS_MAX);
    for (uint32_t i = 0; i < self->feeds; i++) {
        self->feed[i].queue = self->puts && roll (dice, 4) == 0;
        self->feed[i].tickets = few (dice, usual > 1000 ? 6 : 14);
        self->feed[i].rows = roll (dice, 4) ? few (dice, 5) : few (dice, ROWS_MAX);
        self->feed[i].batch = few (dice, 8);
        self->feed[i].skips = roll (dice, 5) ? 0 : few (dice, 3);
        self->feed[i].pace = roll (dice, 3) ? roll (dice, 50) : roll (dice, 20000);
    }
    for (uint32_t q = 0; q < QUEUES; q++)
        self->maxsize[q] = roll (dice, 3) ? few (dice, 40) : few (dice, 3);
    self->bytes_max = roll (dice, 5) ? 0 : 20 + roll (dice, 500);
}

static void draw_poison (plan_t *self, dice_t *dice)
{
    self->poisons = roll (dice, 3) ? 0 : few (dice, POISON_MAX);
    for (uint32_t i = 0; i < self->poisons; i++) {
        poison_t *poison = &self->poison[i];
        poison->feed = roll (dice, self->feeds);
        poison->number = roll (dice, self->feed[poison->feed].tickets);
        poison->row = roll (dice, self->feed[poison->feed].rows);
        poison->after = roll (dice, 4) ? roll (dice, 1000) : roll (dice, 900000);
    }
}

/* Roughly, how long it takes when nothing goes wrong. */
static uint64_t horizon_of (const plan_t *self)
{
    uint64_t work = 0, fastest = UINT64_MAX;
    for (uint32_t i = 0; i < self->slots; i++)
        fastest = self->row_us[i] < fastest ? self->row_us[i] : fastest;
    for (uint32_t i = 0; i < self->feeds; i++)
        work += (uint64_t) self->feed[i].tickets * self->feed[i].rows * fastest;
    return 6000 + work / self->slots + 20 * self->lag;
}

static uint64_t draw_length (dice_t *dice, uint64_t dead_after)
{
    return roll (dice, 3) ? dead_after + roll (dice, 1000000) : roll (dice, (uint32_t) dead_after);
}

static void draw_faults (plan_t *self, dice_t *dice)
{
    uint64_t horizon = horizon_of (self);
    self->faults = roll (dice, 6) ? few (dice, FAULTS_MAX) : 0;
    for (uint32_t i = 0; i < self->faults; i++) {
        fault_t *fault = &self->fault[i];
        fault->kind = (fault_kind_t) roll (dice, FAULT_KINDS);
        if (fault->kind >= FAULT_LEAVE && roll (dice, 3)) /* those that change all that follows are rarer */
            fault->kind = (fault_kind_t) roll (dice, FAULT_LEAVE);
        fault->who = roll (dice, self->slots);
        fault->at = roll (dice, (uint32_t) horizon);
        fault->much = draw_length (dice, self->config.dead_after);
    }
    for (uint32_t i = 1; i < self->faults; i++) /* by time */
        for (uint32_t k = i; k > 0 && self->fault[k].at < self->fault[k - 1].at; k--) {
            fault_t swap = self->fault[k];
            self->fault[k] = self->fault[k - 1];
            self->fault[k - 1] = swap;
        }
}

void plan_draw (plan_t *self, uint64_t seed)
{
    *self = (plan_t){.seed = seed};
    dice_t dice = {chance (seed, 77)};
    draw_config (self, &dice);
    draw_work (self, &dice);
    draw_poison (self, &dice);
    self->lag = roll (&dice, 3) ? 20 + roll (&dice, 300) : roll (&dice, 30000);
    self->ticket_timeout = roll (&dice, 3) ? 0 : 3000000;
    self->blind = roll (&dice, 6) == 0;
    self->stop_early = roll (&dice, 2);
    draw_faults (self, &dice);
    self->deaf = roll (&dice, 6) == 0; /* last: the other schedules are as before */
}

void plan_print (const plan_t *self)
{
    const emp_core_config_t *config = &self->config;
    printf ("seed %llu: attempts %u, dead after %llu, backlog %llu (%llu bytes), window %u%s%s%s%s%s\n",
            (unsigned long long) self->seed, config->attempts_max, (unsigned long long) config->dead_after,
            (unsigned long long) config->backlog_max, (unsigned long long) config->backlog_bytes_max,
            config->window_max, config->halve ? ", halves" : "", config->speculate ? ", copies" : "",
            self->blind ? ", blind" : "", self->deaf ? ", deaf" : "", self->stop_early ? ", stop is said early" : "");
    printf ("  lag %llu, ticket timeout %llu, places %u and %u, bytes %llu\n", (unsigned long long) self->lag,
            (unsigned long long) self->ticket_timeout, self->maxsize[0], self->maxsize[1],
            (unsigned long long) self->bytes_max);
    for (uint32_t i = 0; i < self->slots; i++)
        printf ("  slot %u: %llu us a row, from %llu on\n", i, (unsigned long long) self->row_us[i],
                (unsigned long long) self->joins[i]);
    if (self->puts)
        printf ("  %u puts a chunk%s\n", self->puts, self->impatient ? ", with a time" : "");
    for (uint32_t i = 0; i < self->feeds; i++)
        printf ("  feed %u on queue %u: %u tickets of %u rows, %u at once, %u passed over, every %llu us\n", i,
                self->feed[i].queue, self->feed[i].tickets, self->feed[i].rows, self->feed[i].batch,
                self->feed[i].skips, (unsigned long long) self->feed[i].pace);
    for (uint32_t i = 0; i < self->poisons; i++)
        printf ("  poison: row %u of ticket %u of feed %u, after %llu us\n", self->poison[i].row,
                self->poison[i].number, self->poison[i].feed, (unsigned long long) self->poison[i].after);
    for (uint32_t i = 0; i < self->faults; i++)
        printf ("  fault at %llu: %s, slot %u, %llu us\n", (unsigned long long) self->fault[i].at,
                fault_name (self->fault[i].kind), self->fault[i].who, (unsigned long long) self->fault[i].much);
}
