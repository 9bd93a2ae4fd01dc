/* SPDX-License-Identifier: BSD-3-Clause
 *
 * plan.h - a schedule before it runs: who takes part, what there is to do, and what goes wrong when.
 *
 * All of it is drawn from a seed and then explicit, so that shrinking can take away one thing after the other. What is left to
 * chance while it runs (delays, sizes of puts) is drawn from the seed and the name of what it is for, not from one stream: so
 * what remains happens as before when something else was taken away.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "broker/core/core.h"

#define SLOTS_MAX 5u
#define FEEDS_MAX 3u
#define FAULTS_MAX 12u
#define POISON_MAX 3u
#define ROWS_MAX 32u
#define QUEUES 2u

/* splitmix64 of two words: the chance of `what` in the schedule `seed`. */
static inline uint64_t chance (uint64_t seed, uint64_t what)
{
    uint64_t z = seed + UINT64_C (0x9e3779b97f4a7c15) * (what + 1);
    z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
    return z ^ (z >> 31);
}

typedef struct {
    uint64_t state;
} dice_t;

/* 0 … sides - 1 */
static inline uint32_t roll (dice_t *self, uint32_t sides)
{
    self->state = chance (self->state, 0);
    return (uint32_t) ((self->state >> 16) % sides);
}

typedef enum {
    FAULT_CRASH,             /* a worker dies of a signal of its own doing */
    FAULT_EXIT,              /* it exits in the middle */
    FAULT_KILL,              /* SIGKILL from outside */
    FAULT_CRASH_BEHIND_DONE, /* it dies right after its next ending has left it */
    FAULT_FREEZE,            /* it stops for `much` and wakes up */
    FAULT_CUT,               /* nothing of it arrives any more, and nothing reaches it */
    FAULT_TWICE,             /* one of its next messages comes twice */
    FAULT_REFUSE,            /* its module cannot do the chunk in hand */
    FAULT_WEDGE,             /* its chunk takes `much` longer */
    FAULT_LEAVE,             /* it is asked to leave (SIGTERM) */
    FAULT_HOST_DIES,         /* the supervisor dies, and its workers with it */
    FAULT_HOST_FREEZES,      /* the supervisor alone stops for `much` */
    FAULT_SINK_STANDS,       /* no result is acknowledged for `much` */
    FAULT_DRAIN,             /* the run is stopped early */
    FAULT_KINDS
} fault_kind_t;

typedef struct {
    uint64_t at, much; /* µs */
    fault_kind_t kind;
    uint32_t who; /* slot */
} fault_t;

typedef struct {
    uint32_t feed, number, row;
    uint64_t after; /* it takes so long before it kills */
} poison_t;

typedef struct {
    uint64_t seed;
    emp_core_config_t config;
    uint64_t lag;            /* the usual delay of a message, at the most */
    uint64_t ticket_timeout; /* 0: none */
    uint32_t maxsize[QUEUES];
    uint64_t bytes_max;
    bool blind;      /* nobody knows at which ticket a worker has died */
    bool deaf;       /* the word that a chunk was handed over comes too late: it is begun all the same */
    bool stop_early; /* STOP is said before the feeds have ended */
    uint32_t puts;   /* what a worker puts to the second queue for each chunk of the first */
    bool impatient;  /* with a time, that is */
    uint32_t slots;  /* the first serves the first queue, the last the second when there is one, the others both */
    uint64_t row_us[SLOTS_MAX];
    uint64_t joins[SLOTS_MAX];
    uint32_t feeds;
    struct {
        uint32_t queue, tickets, rows, batch, skips;
        uint64_t pace;
    } feed[FEEDS_MAX];
    uint32_t poisons;
    poison_t poison[POISON_MAX];
    uint32_t faults;
    fault_t fault[FAULTS_MAX]; /* in order of time */
} plan_t;

void plan_draw (plan_t *self, uint64_t seed);
/* As a few lines for a person. */
void plan_print (const plan_t *self);
const char *fault_name (fault_kind_t kind);

#endif
