/* SPDX-License-Identifier: BSD-3-Clause
 *
 * core.h - what a broker decides: one run's queues, lanes, credit, leases and tickets.
 *
 *     emp_core_step (core, event, now) → effects
 *
 * Events are facts that the shell saw; effects are what it shall do. Plain data in, plain data out: no socket, clock,
 * log, environment or randomness; the same events give the same effects, for ever. Payloads never come here: the core
 * knows tickets by handle, size and number of rows; the shell keeps the bytes beside the handle.
 *
 * Words
 *   session  a peer at the door: the manager, a supervisor, a worker process
 *   queue    a named queue; at most maxsize tickets (and bytes_max bytes) wait on it, whoever put them
 *   feed     one producer on one queue; its tickets are numbered 0, 1, 2… and it spends put credit
 *   ticket   one chunk: (feed, number). waiting → held → answered or dead; held → waiting when its lease ends badly
 *   lane     one consumer on one queue; holds at most `window` tickets, that is its credit
 *   sink     the collector: gets exactly one RESULT for each ticket that ends, in order of serial 1, 2, 3…
 *
 * What may happen to a ticket in each state, and what follows, is the table in states.def.
 * attempt counts pushes and is the fence; failures are counted apart. Fails: it waits again, or is halved, or is dead (poison.c).
 * A refusal is a failure. When a holder is LOST only the ticket that it was at fails: the one the event names, or, when that
 * is not known (0), the oldest held on each of its lanes; the others had not begun and go back as they were. When a holder
 * says BYE none fails. A ticket that was handed over meanwhile (Balance) fails where it is. So a chunk that kills its workers
 * cannot take its neighbours along. An ended ticket's record is given back at once: its handle is then unknown, so what comes
 * later for it is stale.
 *
 * Fence: a session that was given up and sends a result all the same (it was frozen) is heard only when the ticket is still
 * open, nobody else holds that attempt, and it has put nothing to other queues, since what it put was dropped.
 *
 * Poison: a ticket whose holder has died at it is a suspect. It goes alone, to a lane that holds nothing else, and one at a
 * time while others wait. When it has killed twice, its rows go on as two halves, and those again, until the row that
 * kills is alone and dead and all others are answered.
 *
 * Quiescence: after every step there is no lane with free credit on a queue with waiting tickets, unless the results
 * backlog is full or the run drains. So there is no separate act of dispatching. Among lanes with free credit tickets
 * are dealt one each in turn, oldest ticket first; a ticket that comes back goes to the head of its queue.
 *
 * Balance: while a lane is idle on a queue where nothing waits, and another lane holds several tickets and is slow, the newest of
 * these go over to the idle one (REVOKE, PUSH), at a TICK; the ticket in hand is never taken. See balance.c. When that ticket is
 * one of the last of its queue and takes far longer than others did, an idle lane gets a copy of it: the first result wins
 * (copy.c).
 *
 * End of a queue that the manager alone has fed: STOP was said, every feed of it has ended and no ticket of it is open.
 * Any other queue could still be put to by whoever works on any ticket, so it ends with the last of all tickets: STOP
 * was said of all queues, the manager's feeds have ended, and no ticket is open on any queue. Workers' feeds end with it. A
 * ticket stays held until all is here that its worker had put when it ended it: a DONE that overtook such a put waits for it
 * (EMP_STATE). So no put of a ticket that is answered is lost. (Counting messages: Mattern 1987.)
 * A queue that has stopped tells each of its lanes, and each lane that opens later, once, when its consumer has
 * connected. When every queue has stopped, the sink is told, behind the last result; a queue that is declared after
 * that is a stopped one. Workers may open feeds until their queue has stopped, the manager until STOP was said.
 * DRAIN: nothing is pushed any more and puts are no longer taken (counted as drained); waiting tickets are dropped from
 * their queues (the manager knows them as missing); held ones may still end; a held one whose holder is lost is dropped
 * too. All queues count as stopped-said and all feeds as ended.
 *
 * Ids of lanes, feeds and queues are a slot in the low 16 bits under a generation, handles of tickets one in the low
 * 32: slots are small and used again, ids are not, and never 0. A feed's id is known until it has ended, its tickets
 * have ended and their results are acknowledged.
 *
 * Bounds: the maxima in emp_core_config_t, at birth. When full: OPEN/DECLARE answer EMP_FULL; a put beyond its credit
 * is dropped and counted (a broken peer, credit forbids it); a full results backlog stops pushing until ACK.
 * Cost: every event O(1) amortised, a lost session O(its tickets), a lost supervisor and a due TICK O(sessions).
 * Not thread safe; one owner. Source of ideas: hyperqueue's reactor, libuv's timers, TaskVine's state tables.
 */
#ifndef EMP_CORE_H
#define EMP_CORE_H

#include "../../common/control.h"
#include "../../common/wire.h"

typedef struct emp_core emp_core_t;

typedef uint64_t emp_usec_t; /* microseconds of a monotonic clock */

typedef struct {
    uint32_t attempts_max;      /* 1… */
    emp_usec_t dead_after;      /* a session that is silent so long is lost; 0: never */
    uint64_t backlog_max;       /* results not acknowledged plus tickets held, at the most; 1… */
    uint64_t backlog_bytes_max; /* bytes of results not acknowledged, above which nothing is pushed */
    uint32_t sessions_max, queues_max, feeds_max, lanes_max;
    uint32_t window_max; /* a lane's credit is cut to this */
    bool halve;          /* chunks that kill their workers are halved */
    bool speculate;      /* the last running tickets may be copied to idle lanes */
} emp_core_config_t;
/* Sensible figures for one run. */
extern const emp_core_config_t emp_core_config_default;

/* ---- events ------------------------------------------------------------------------------------------------------ */

typedef enum {
    EMP_EV_TICK,       /* time has passed */
    EMP_EV_HELLO,      /* session, parent, role, quiet, name, pid: a session is new, or comes again */
    EMP_EV_ALIVE,      /* session: any traffic of it */
    EMP_EV_BYE,        /* session */
    EMP_EV_LOST,       /* session, how, code, ticket (it was at; 0 not known): its supervisor, or the manager, knows
                             that it died. A lost supervisor's children are lost with it */
    EMP_EV_DECLARE,    /* name, maxsize, bytes_max (0: no bound in bytes) */
    EMP_EV_OPEN_LANE,  /* session, name, window */
    EMP_EV_LANE_READY, /* lane: its consumer has connected; nothing is pushed before */
    EMP_EV_OPEN_FEED,  /* session, name */
    EMP_EV_OPEN_SINK,  /* session */
    EMP_EV_PUT,        /* session, feed, number (first), skipped, count, parts (length, rows), end */
    EMP_EV_WANT,   /* session, feed: it waits for put credit. A worker's feed gets none unasked. With `end`: it waits no
                             longer, and has put `number`; it is told what it has now, if only that it has no more */
    EMP_EV_CREDIT, /* session, lane, window */
    EMP_EV_DONE,   /* session, lane, queue (that it came by), ticket, attempt, outcome (done, refused), size (bytes of
                             results), number (of tickets that the session has put by now, here or under way) */
    EMP_EV_ACK,    /* serial: results up to this one are kept by the manager */
    EMP_EV_STOP,   /* name, "" is all queues, those declared later included */
    EMP_EV_DRAIN
} emp_event_kind_t;

typedef struct {
    emp_event_kind_t kind;
    uint64_t session, parent;
    emp_role_t role;
    bool quiet; /* HELLO: of the shell's own process, never lost by silence */
    bool end;   /* PUT: the feed ends with this put; WANT: its wait ends */
    emp_how_t how;
    uint32_t code;
    int pid;
    const char *name; /* queue's full name, or the session's; borrowed for the step */
    uint32_t maxsize;
    uint64_t bytes_max;
    uint32_t window;
    uint32_t lane, feed, queue;
    uint64_t number;
    uint64_t skipped; /* PUT: numbers below it that were never put; its feed only raises it */
    uint32_t count;
    const emp_part_t *parts; /* borrowed for the step */
    uint64_t ticket;
    uint32_t attempt;
    emp_outcome_t outcome;
    uint64_t size;
    uint64_t serial;
} emp_event_t;

/* ---- effects ----------------------------------------------------------------------------------------------------- */

typedef enum {
    EMP_FX_SESSION,      /* session: taken (answer WELCOME) */
    EMP_FX_SESSION_GONE, /* session, role, how, code, count (tickets it held), name, pid: forget it, tell the manager */
    EMP_FX_LANE,         /* session, queue, lane, status: answer to OPEN_LANE; with EMP_OK bind its socket */
    EMP_FX_LANE_CLOSED,  /* lane: close its socket */
    EMP_FX_FEED,         /* session, queue, feed, status, credit: answer to OPEN_FEED */
    EMP_FX_SINK,         /* session, status */
    EMP_FX_SINK_CLOSED,  /* its session is gone */
    EMP_FX_DECLARED,     /* queue, status: answer to DECLARE */
    EMP_FX_TICKET,       /* ticket, index: the put's part `index` is this ticket now; keep its bytes */
    EMP_FX_PUSH,         /* ticket, lane, attempt, feed, number, rows (of the chunk), from, part */
    EMP_FX_RESULT,       /* serial, ticket, feed, number, rows, from, left, attempt, session (who worked at it last),
                             outcome (done, dead): pass to the sink. For done
                             the bytes are the event's; for dead the reason is the shell's to word (how, code, or the
                             refusal's text when how is EMP_HOW_BYE) */
    EMP_FX_FREE,         /* ticket: its chunk's bytes are needed no more */
    EMP_FX_PUT_CREDIT,   /* feed, credit: tickets it may have put since its first */
    EMP_FX_FEED_OVER,    /* session, feed: its queue has stopped, nothing that it puts is taken any more */
    EMP_FX_STOPPED,      /* lane, drained: tell its consumer, behind all that was pushed to it */
    EMP_FX_SINK_STOPPED, /* behind the last result */
    EMP_FX_REVOKE,       /* session, lane, ticket, attempt: its consumer shall not begin it, another has it now */
    EMP_FX_HALF,    /* ticket, other, feed, number, from, part: the first is a part of the second, and has its bytes */
    EMP_FX_ATTEMPT, /* feed, number, attempt, from, part, session, ended, how, code: tell the manager */
    EMP_FX_KILL /* session, ticket: all is answered, and it may be at this one still, which others have: then kill it */
} emp_effect_kind_t;

typedef struct {
    emp_effect_kind_t kind;
    emp_status_t status;
    uint64_t session;
    uint32_t queue, lane, feed;
    uint32_t index, attempt, rows, count, code;
    uint32_t from, part, left; /* PUSH: rows of the chunk to work at. RESULT: `rows` from here; rows still open */
    emp_outcome_t outcome;
    emp_role_t role;
    emp_how_t how;
    emp_attempt_end_t ended;
    int pid;
    bool drained;
    uint64_t ticket, other, number, serial, credit;
    const char *name; /* SESSION_GONE: valid until the next step */
} emp_effect_t;

/* A list that the caller owns and reuses. */
typedef struct {
    emp_effect_t *list;
    size_t count, room;
} emp_effects_t;
void emp_effects_clear (emp_effects_t *self);   /* empty, memory kept */
void emp_effects_release (emp_effects_t *self); /* memory freed */

/* ---- the core ---------------------------------------------------------------------------------------------------- */

/* NULL when out of memory. */
emp_core_t *emp_core_new (const emp_core_config_t *config);
void emp_core_destroy (emp_core_t **self);

/* Appends effects to *fx in the order in which they shall be done. EMP_OK; EMP_NOMEM: nothing was changed;
 * EMP_STATE: a DONE before its puts; nothing was changed or counted, say it again behind the session's next PUT.
 * EMP_STALE / EMP_UNKNOWN / EMP_FULL: a peer's event that does not apply (unknown session, lane, feed, queue or ticket,
 * old attempt, another's lane, a number out of turn, no credit, no room for one more session): nothing was changed, it
 * was counted. A known session's DECLARE or OPEN is always EMP_OK, its effect has the answer's status (DECLARE:
 * EMP_EXISTS, EMP_INVALID, EMP_FULL; OPEN_LANE: EMP_UNKNOWN, EMP_EXISTS, EMP_FULL; OPEN_FEED: EMP_UNKNOWN, EMP_STOPPED,
 * EMP_FULL; OPEN_SINK: EMP_EXISTS).
 * A DONE that is stale still sets nothing; credit comes by its own event. Any event of a known session, also one that
 * does not apply, counts as ALIVE. */
emp_status_t emp_core_step (emp_core_t *self, const emp_event_t *event, emp_usec_t now, emp_effects_t *fx);
/* When TICK must come at the latest, as a time; UINT64_MAX: never. For silence, and for little put credit that is kept
 * back for a moment (feed.h). */
emp_usec_t emp_core_next_due (const emp_core_t *self);

typedef struct {
    /* tickets and halves of them: put + halved = the sum of the others, always */
    uint64_t put, halved, waiting, held, answered, dead, dropped_by_drain;
    uint64_t copied;      /* second copies of running tickets */
    uint64_t overtaken;   /* results of tickets that another attempt had answered */
    uint64_t fenced;      /* the same, of sessions that were given up */
    uint64_t late;        /* results of such sessions that were taken */
    uint64_t workers_put; /* tickets, of feeds that are not the manager's */
    uint64_t rows_put, reissued, stale, refused_puts, sessions, sessions_lost, lanes, feeds, queues;
    uint64_t serial, acked, backlog_bytes;
} emp_core_stats_t;
void emp_core_stats (const emp_core_t *self, emp_core_stats_t *ret_stats);
/* Tickets that wait on a queue, and may wait; false when there is no such queue. */
bool emp_core_queue_count (const emp_core_t *self, const char *name, uint64_t *ret_waiting, uint32_t *ret_maxsize);
/* Name of a queue by its id, or NULL. */
const char *emp_core_queue_name (const emp_core_t *self, uint32_t queue);
/* The queue, and the session, a lane or feed belongs to; false when there is no such lane or feed. */
bool emp_core_lane (const emp_core_t *self, uint32_t lane, uint32_t *ret_queue, uint64_t *ret_session);
bool emp_core_feed (const emp_core_t *self, uint32_t feed, uint32_t *ret_queue, uint64_t *ret_session);

/* Walks everything and says in one sentence which invariant is broken; NULL when none. For tests, the simulator and the
 * fuzzer; O(everything). Checked at least: counts add up; each open ticket is in exactly one list (waiting of its
 * queue, or held of one lane of that queue); a lane holds no more than the largest window it ever granted; waiting and
 * put credit given out together exceed maxsize by no more than what came back; no lane with free credit beside a
 * waiting ticket (quiescence); serial - acked + held <= backlog_max, but for results of tickets that waited; each
 * cross-reference goes both ways; handles agree with their slots. */
const char *emp_core_check (const emp_core_t *self);

#endif
