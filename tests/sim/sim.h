/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim.h - what the files of the simulator share: time, wires, processes, the broker's shell and the book of what is true.
 *
 * One thread, one heap of things to come. A wire keeps the order of what goes by it; wires among each other keep none.
 */
#ifndef SIM_H
#define SIM_H

#include "common/consumer.h"
#include "common/producer.h"
#include "plan.h"

#define PROCESSES_MAX 400u
#define PARTS_MAX 64u
#define LANES_MAX 512u    /* slots of the core's lanes */
#define TICKETS_MAX 1024u /* slots of the core's tickets */
#define BOOKS_MAX 128u    /* feeds that were ever opened */
#define NUMBERS_MAX 160u  /* tickets of a feed */

typedef struct process process_t;
typedef struct world world_t;
typedef void (*happening_t) (world_t *self, void *arg);

/* ---- wires and what goes by them (wire.c) -------------------------------------------------------------------------- */

typedef enum {
    SAY_HELLO,
    SAY_WELCOME,
    SAY_OPEN_LANE,
    SAY_LANE,
    SAY_OPEN_FEED,
    SAY_FEED,
    SAY_PUT_CREDIT,
    SAY_FEED_OVER,
    SAY_WANT,
    SAY_UNWANT,
    SAY_REVOKE,
    SAY_BEAT,
    SAY_REFUSED,
    SAY_BYE,
    SAY_LOST,
    SAY_GONE,
    SAY_KILL,
    SAY_DRAIN,
    SAY_DECLARE,
    SAY_OPEN_SINK,
    SAY_ACK,
    SAY_STOP,
    SAY_PUT,
    SAY_DONE,
    SAY_CHUNKS,
    SAY_STOPPED,
    SAY_RESULTS
} say_t;

/* A part of a message, and the feed that its ticket is of. */
typedef struct {
    emp_part_t part;
    uint32_t feed;
} piece_t;

typedef struct wire wire_t;

typedef struct message {
    struct message *next; /* unread at the same consumer */
    say_t say;
    wire_t *wire;
    uint64_t index;   /* on its wire */
    uint64_t session; /* who says it, or whom it is about */
    uint32_t id;      /* lane or feed */
    uint32_t queue, code;
    emp_how_t how;
    uint64_t window, first, skipped, puts, serial, ticket;
    bool end, copy;
    uint32_t count;
    piece_t pieces[];
} message_t;

struct wire {
    const char *name;
    process_t *owner; /* the process at the other end than the broker */
    bool to_broker;
    uint64_t stream;        /* names its chances */
    uint64_t sent, arrived; /* messages */
    uint64_t last;          /* when the last one arrives */
    uint64_t limit;         /* those from here on are lost */
    bool twice;             /* the next one that may, comes twice */
};

/* ---- processes (worker.c, host.c, manager.c) ----------------------------------------------------------------------- */

typedef struct {
    piece_t pieces[PARTS_MAX];
    uint32_t count;
    uint64_t since;
    bool looked; /* somebody will look whether it is stale */
} batch_t;

/* One end of a queue, of a consumer. */
typedef struct {
    uint32_t queue;
    bool open;
    emp_consumer_t consumer;
    emp_revokes_t revokes;
    wire_t chunks, dones;
    batch_t batch;
    message_t *unread, *unread_last;
    const message_t *at_hand;
    uint64_t window_most; /* the largest that it has asked for */
    uint64_t got, ended, revoked;
} lane_t;

/* The other end, of a producer. */
typedef struct {
    uint32_t id, queue;
    bool asked, open, over, answered;
    emp_producer_t producer;
    uint64_t credit;
    wire_t puts;
    batch_t batch;
    uint32_t plan;  /* which of the plan's, a manager's */
    uint64_t first; /* number of the batch's first */
    bool end_said;
} feed_t;

typedef enum { LIVES, EXITED, DIED } life_t;

struct process {
    uint64_t session; /* its index in the world's table */
    emp_role_t role;
    uint32_t slot;
    process_t *parent;
    life_t life;
    uint64_t frozen_until;
    bool known;   /* to the broker */
    bool leaving; /* to the broker: its BYE waits for its puts */
    bool unwanted;
    bool given_up;   /* it has heard that the broker has */
    bool leaves;     /* it begins nothing more */
    wire_t up, down; /* the door */
    /* a worker */
    lane_t *lanes[QUEUES];
    uint32_t lane_count, turn;
    feed_t *feed;
    uint64_t puts; /* of its session */
    bool busy;     /* something is in hand */
    bool blocked;  /* and it waits for put credit */
    lane_t *hand_lane;
    piece_t hand;
    uint64_t hand_since;
    uint64_t works; /* number of the present stretch of work: an older timer is none of ours */
    uint32_t to_put;
    bool kills; /* a row of what is in hand does */
    bool refuses, crash_behind_done;
    emp_how_t how; /* of its end */
    uint32_t code;
    uint64_t at_ticket; /* what the slot's page says */
    /* a supervisor */
    process_t *children[SLOTS_MAX];
    bool wanted[SLOTS_MAX]; /* a child that dies is started anew */
    bool draining;
    /* the manager */
    feed_t *feeds[FEEDS_MAX];
    uint64_t sink_serial, sink_stands_until, acked;
    bool ack_planned, over, stop_said, drained;
    wire_t sink;
    uint32_t feeds_open, feeds_ended;
};

/* ---- the broker's shell (broker.c) --------------------------------------------------------------------------------- */

typedef struct {
    uint32_t id; /* 0: closed */
    process_t *owner;
    lane_t *lane;
    bool ready, stop, dirty;
    batch_t batch;
} outlet_t;

typedef struct {
    emp_core_t *core;
    emp_effects_t fx;
    outlet_t outlets[LANES_MAX];
    outlet_t sink;
    outlet_t *dirty[LANES_MAX]; /* with something that goes out */
    uint32_t dirty_count;
    process_t *feed_owner[LANES_MAX];
    message_t *parked[TICKETS_MAX];
    uint32_t parked_count;
    uint64_t tick_at;
    bool flush_planned;
} broker_t;

/* ---- what is true (book.c) ----------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t handle;
    uint32_t book, number, from, part;
    uint32_t attempt, strikes, crashes; /* strikes: at the most, as far as somebody outside can know */
    uint32_t certain, sure_crashes;     /* those of them that are beyond doubt */
    struct {
        uint32_t lane, attempt;
        uint64_t session;
    } holders[2];
    uint32_t holder_count;
    uint64_t handed_from;
    uint32_t halves_rows; /* rows that went on in halves */
    bool half, result, last_crash;
} record_t;

typedef struct {
    uint32_t feed, queue;
    uint64_t session;
    int plan; /* a manager's: which; else -1 */
    uint64_t accepted;
    struct {
        bool put;
        uint32_t rows, answered, dead; /* rows as bits */
        uint32_t row_count;
    } numbers[NUMBERS_MAX];
} book_t;

typedef struct {
    record_t records[TICKETS_MAX];
    book_t *books[BOOKS_MAX];
    uint32_t book_count;
    uint64_t puts_seen[PROCESSES_MAX];
    struct {
        uint32_t id, held;
        uint64_t window, window_most;
        bool suspect;
    } lanes[LANES_MAX];
    uint64_t serial, rows_put, rows_ended;
    bool draining, sink_stopped;
} books_t;

/* ---- the world ----------------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t at, order;
    happening_t happening;
    void *arg;
} entry_t;

struct world {
    const plan_t *plan;
    bool tell; /* every message and event on stdout */
    uint64_t now, order, steps, digest, said;
    entry_t *heap;
    size_t heap_count, heap_room;
    char *arena; /* of this schedule; a list of blocks */
    size_t arena_used, arena_block;
    process_t *processes[PROCESSES_MAX];
    uint32_t process_count, living;
    process_t *manager, *host; /* the present supervisor */
    broker_t broker;
    books_t books;
    const char *broken; /* the first sentence */
    char broken_text[256];
};

/* world.c. NULL, or what is broken, valid until the next call. */
const char *world_run (const plan_t *plan, bool tell, uint64_t *ret_digest);
typedef struct {
    uint64_t schedules, steps, answered, dead, dropped, halved, copied, handed, lost, late, fenced, parked, twice,
        overtaken, puts;
} tally_t;
extern tally_t tally;
void *world_alloc (world_t *self, size_t size); /* zero */
void world_at (world_t *self, uint64_t at, happening_t happening, void *arg);
void world_break (world_t *self, const char *sentence);
void world_say (world_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
process_t *process_new (world_t *self, emp_role_t role, uint32_t slot, process_t *parent);
/* Its wires are cut: of what is under way the first few arrive. */
void process_cut (world_t *self, process_t *process);
bool process_is_awake (const world_t *self, const process_t *process);

/* wire.c */
void wire_init (world_t *self, wire_t *wire, const char *name, process_t *owner, bool to_broker);
message_t *message_new (world_t *self, say_t say, uint32_t pieces);
void wire_send (world_t *self, wire_t *wire, message_t *message);
void wire_cut (world_t *self, wire_t *wire);
const char *say_name (say_t say);

/* broker.c */
void broker_begin (world_t *self);
void broker_hear (world_t *self, message_t *message);
/* The consumer's socket has connected. */
void broker_lane_connects (world_t *self, void *lane);
emp_status_t broker_step (world_t *self, const emp_event_t *event);

/* book.c: before and behind the effects of one step are done. */
void book_step (world_t *self, const emp_event_t *event, emp_status_t status);
void book_credit (world_t *self, uint32_t lane, uint64_t window);
void book_end (world_t *self);
int book_poison (const world_t *self, uint32_t feed, uint32_t number, uint32_t from, uint32_t part);

/* worker.c */
process_t *worker_start (world_t *self, process_t *host, uint32_t slot);
void worker_hear (world_t *self, process_t *process, message_t *message);
void worker_fault (world_t *self, process_t *process, const fault_t *fault);
void worker_end (world_t *self, process_t *process, emp_how_t how, uint32_t code);
void beat (world_t *self, void *process);

/* host.c */
process_t *host_start (world_t *self);
void host_hear (world_t *self, process_t *process, message_t *message);
void host_child_ended (world_t *self, process_t *child);
void host_die (world_t *self, process_t *host, uint32_t code);

/* manager.c */
void manager_start (world_t *self);
void manager_hear (world_t *self, process_t *process, message_t *message);
void manager_fault (world_t *self, const fault_t *fault);
void manager_host_ended (world_t *self, process_t *host);

#endif
