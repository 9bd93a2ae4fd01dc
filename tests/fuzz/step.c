/* SPDX-License-Identifier: BSD-3-Clause
 *
 * step.c - any bytes as a story that is told to a broker's core: peers come, put, answer, refuse, lie, freeze and die. After each
 * step emp_core_check () is content, and what the effects say adds up. In the end everybody dies and one healthy worker comes:
 * then every ticket has ended, once.
 */
#include "broker/core/core.h"

#include "fuzz.h"

#define TICKETS 1024
#define LANES 64
#define PUSHES 16
#define FEEDS 8
#define STEPS 400
#define HEALER 99

static const char *const queues[] = {"q", "r", "s"};

typedef struct {
    uint64_t handle; /* 0: the slot is free */
    uint32_t lane;   /* it was pushed to last */
    uint32_t attempt;
    bool result, halved;
} ticket_t;

typedef struct {
    uint64_t ticket, session;
    uint32_t lane, attempt, queue;
} push_t;

typedef struct {
    uint32_t id; /* 0: closed */
    uint64_t session;
    bool told;
} lane_t;

typedef struct {
    uint32_t id;
    uint64_t session, next;
} feed_t;

typedef struct {
    emp_core_t *core;
    emp_usec_t now;
    ticket_t tickets[TICKETS]; /* by slot; those below top were used */
    size_t top;
    lane_t lanes[LANES]; /* by slot */
    push_t pushes[PUSHES];
    unsigned push_count;
    feed_t feeds[FEEDS];
    unsigned feed_count;
    uint64_t serial, ended;
    uint64_t put;
    bool sink_open, sink_stopped;
} world_t;

static world_t world;
static emp_effects_t fx;

/* ---- what the effects say ------------------------------------------------------------------------------------------------ */

static ticket_t *ticket_of (uint64_t handle)
{
    FUZZ_MUST ((handle & 0xffffffff) < TICKETS);
    return &world.tickets[handle & 0xffffffff];
}

static lane_t *lane_of (uint32_t id)
{
    FUZZ_MUST ((id & 0xffff) < LANES);
    return &world.lanes[id & 0xffff];
}

static ticket_t *keep (uint64_t handle)
{
    ticket_t *ticket = ticket_of (handle);
    FUZZ_MUST (!ticket->handle);
    *ticket = (ticket_t){.handle = handle};
    if (world.top <= (handle & 0xffffffff))
        world.top = (handle & 0xffffffff) + 1;
    return ticket;
}

static void watch_push (const emp_effect_t *effect)
{
    ticket_t *ticket = ticket_of (effect->ticket);
    const lane_t *lane = lane_of (effect->lane);
    FUZZ_MUST (ticket->handle == effect->ticket && !ticket->result && effect->attempt == ++ticket->attempt);
    FUZZ_MUST (lane->id == effect->lane && lane->session == effect->session && !lane->told);
    ticket->lane = effect->lane;
    world.pushes[world.push_count++ % PUSHES] =
        (push_t){effect->ticket, effect->session, effect->lane, effect->attempt, effect->queue};
}

static void watch (const emp_effect_t *effect)
{
    switch (effect->kind) {
    case EMP_FX_TICKET: keep (effect->ticket); break;
    case EMP_FX_PUSH: watch_push (effect); break;
    case EMP_FX_RESULT:
        FUZZ_MUST (ticket_of (effect->ticket)->handle == effect->ticket && !ticket_of (effect->ticket)->result);
        FUZZ_MUST (effect->serial == ++world.serial && !world.sink_stopped);
        ticket_of (effect->ticket)->result = true;
        world.ended++;
        break;
    case EMP_FX_FREE:
        FUZZ_MUST (ticket_of (effect->ticket)->handle == effect->ticket);
        *ticket_of (effect->ticket) = (ticket_t){0};
        break;
    case EMP_FX_HALF:
        FUZZ_MUST (ticket_of (effect->other)->handle == effect->other);
        keep (effect->ticket)->attempt = ticket_of (effect->other)->attempt;
        ticket_of (effect->other)->halved = true;
        break;
    case EMP_FX_LANE:
        if (effect->status != EMP_OK)
            break;
        FUZZ_MUST (!lane_of (effect->lane)->id);
        *lane_of (effect->lane) = (lane_t){effect->lane, effect->session, false};
        break;
    case EMP_FX_LANE_CLOSED:
        FUZZ_MUST (lane_of (effect->lane)->id == effect->lane);
        lane_of (effect->lane)->id = 0;
        break;
    case EMP_FX_STOPPED:
        FUZZ_MUST (lane_of (effect->lane)->id == effect->lane && !lane_of (effect->lane)->told);
        lane_of (effect->lane)->told = true;
        break;
    case EMP_FX_FEED:
        if (effect->status == EMP_OK)
            world.feeds[world.feed_count++ % FEEDS] = (feed_t){effect->feed, effect->session, 0};
        break;
    case EMP_FX_SINK: world.sink_open |= effect->status == EMP_OK; break;
    case EMP_FX_SINK_CLOSED: world.sink_open = world.sink_stopped = false; break;
    case EMP_FX_SINK_STOPPED:
        FUZZ_MUST (!world.sink_stopped);
        world.sink_stopped = true;
        break;
    case EMP_FX_KILL: FUZZ_MUST (world.sink_stopped || !world.sink_open); break; /* the run is over, heard or not */
    case EMP_FX_PUT_CREDIT:
    case EMP_FX_FEED_OVER: FUZZ_MUST (effect->feed); break;
    case EMP_FX_ATTEMPT:
    case EMP_FX_REVOKE:
    case EMP_FX_SESSION:
    case EMP_FX_SESSION_GONE:
    case EMP_FX_DECLARED: break;
    }
}

static emp_status_t step (const emp_event_t *event)
{
    emp_effects_clear (&fx);
    emp_status_t status = emp_core_step (world.core, event, world.now, &fx);
    FUZZ_MUST (status != EMP_NOMEM);
    for (size_t i = 0; i < fx.count; i++)
        watch (&fx.list[i]);
    const char *broken = emp_core_check (world.core);
    if (broken)
        fprintf (stderr, "step: %s\n", broken);
    FUZZ_MUST (!broken);
    return status;
}

/* ---- a story ------------------------------------------------------------------------------------------------------------- */

/* One of the last pushes, or what the next bytes make of it. */
static push_t some_push (fuzz_input_t *input, uint8_t choice)
{
    push_t push = world.pushes[choice % PUSHES];
    if (choice < 0xf0)
        return push;
    uint8_t lie = fuzz_byte (input);
    push.ticket ^= (uint64_t) (lie & 3) << (lie & 4 ? 32 : 0);
    push.attempt += (lie >> 3 & 3u) - 1u;
    push.lane ^= lie >> 5 & 1u;
    push.session ^= lie >> 6;
    return push;
}

static void put (fuzz_input_t *input, uint8_t choice)
{
    emp_part_t parts[4];
    feed_t *feed = &world.feeds[choice % FEEDS];
    uint8_t how = fuzz_byte (input);
    emp_event_t event = {.kind = EMP_EV_PUT,
                         .session = feed->session + !(~how & 0x38),
                         .feed = feed->id,
                         .number = feed->next + !(~how & 0x39),
                         .skipped = how >> 6 == 3 ? fuzz_byte (input) : 0,
                         .count = how & 3u,
                         .parts = parts,
                         .end = (how & 12) == 12};
    for (uint32_t i = 0; i < event.count; i++) {
        uint8_t size = fuzz_byte (input);
        parts[i] = (emp_part_t){.length = size, .rows = size & 15u};
    }
    if (world.put + event.count > TICKETS / 32) /* each may become 31 records */
        return;
    event.number += event.skipped;
    if (step (&event) == EMP_OK) {
        feed->next += event.count;
        world.put += event.count;
    }
}

static void done (fuzz_input_t *input, uint8_t choice, emp_outcome_t outcome)
{
    push_t push = some_push (input, choice);
    step (&(emp_event_t){.kind = EMP_EV_DONE,
                         .session = push.session,
                         .lane = push.lane,
                         .queue = push.queue,
                         .ticket = push.ticket,
                         .attempt = push.attempt,
                         .outcome = outcome,
                         .size = choice,
                         .number = choice % 16 == 15 ? fuzz_byte (input) : 0});
}

static void lose (fuzz_input_t *input, uint8_t choice)
{
    push_t push = some_push (input, choice);
    uint8_t how = fuzz_byte (input);
    step (&(emp_event_t){.kind = EMP_EV_LOST,
                         .session = how & 8 ? 1u + choice % 8u : push.session,
                         .how = EMP_HOW_EXIT + how % 4,
                         .code = 9,
                         .ticket = how & 16   ? 0
                                   : how & 32 ? EMP_TICKET_NONE
                                              : push.ticket});
}

static void open_lane (uint64_t session, const char *queue, uint32_t window)
{
    step (&(emp_event_t){.kind = EMP_EV_OPEN_LANE, .session = session, .name = queue, .window = window});
    for (size_t i = 0; i < fx.count; i++)
        if (fx.list[i].kind == EMP_FX_LANE && fx.list[i].status == EMP_OK) {
            step (&(emp_event_t){.kind = EMP_EV_LANE_READY, .lane = fx.list[i].lane});
            return;
        }
}

static emp_status_t hello (uint64_t session)
{
    emp_role_t role = session == 1 ? EMP_ROLE_MANAGER : session == 2 ? EMP_ROLE_SUPERVISOR : EMP_ROLE_WORKER;
    return step (&(emp_event_t){.kind = EMP_EV_HELLO,
                                .session = session,
                                .role = role,
                                .parent = session % 2 && session > 2 ? 2 : 0,
                                .name = "x",
                                .quiet = session == 1});
}

/* The rarer events. */
static void other (fuzz_input_t *input, uint8_t choice)
{
    uint64_t session = 1 + choice % 8;
    push_t push = world.pushes[choice % PUSHES];
    const feed_t *feed = &world.feeds[choice % FEEDS];
    const char *queue = queues[choice % 3];
    switch (fuzz_byte (input) % 14) {
    case 0: step (&(emp_event_t){.kind = EMP_EV_ALIVE, .session = session}); break;
    case 1: step (&(emp_event_t){.kind = EMP_EV_BYE, .session = session}); break;
    case 2: step (&(emp_event_t){.kind = EMP_EV_OPEN_SINK, .session = session}); break;
    case 3: step (&(emp_event_t){.kind = EMP_EV_OPEN_FEED, .session = session, .name = queue}); break;
    case 4:
        step (&(emp_event_t){
            .kind = EMP_EV_DECLARE, .name = queue, .maxsize = 1 + choice / 8u, .bytes_max = choice & 1 ? 300 : 0});
        break;
    case 5:
        step (&(emp_event_t){
            .kind = EMP_EV_CREDIT, .session = push.session, .lane = push.lane, .window = choice / 16u % 6});
        break;
    case 6:
        step (&(emp_event_t){.kind = EMP_EV_WANT,
                             .session = feed->session,
                             .feed = feed->id,
                             .end = choice & 128,
                             .number = feed->next});
        break;
    case 7:
        step (&(emp_event_t){.kind = EMP_EV_ACK, .serial = world.serial > choice ? world.serial - choice : choice});
        break;
    case 8: step (&(emp_event_t){.kind = EMP_EV_STOP, .name = choice < 64 ? "" : queue}); break;
    case 9:
        if (choice == 77)
            step (&(emp_event_t){.kind = EMP_EV_DRAIN});
        break;
    case 10: step (&(emp_event_t){.kind = EMP_EV_LANE_READY, .lane = push.lane ^ (choice & 7u) << 16}); break;
    case 11: step (&(emp_event_t){.kind = EMP_EV_OPEN_LANE, .session = session, .name = queue, .window = 2}); break;
    case 12: step (&(emp_event_t){.kind = EMP_EV_DONE, .session = session, .outcome = choice % 3}); break;
    default: step (&(emp_event_t){.kind = EMP_EV_PUT, .session = session, .end = choice & 1}); break;
    }
}

static void tell (fuzz_input_t *input)
{
    uint8_t what = fuzz_byte (input), choice = fuzz_byte (input);
    world.now += what >> 4 == 15 ? 300000 : (what >> 4) * 200u;
    switch (what & 15) {
    case 0:
    case 1:
    case 2: done (input, choice, EMP_OUTCOME_DONE); break;
    case 3: done (input, choice, choice & 64 ? EMP_OUTCOME_REFUSED : EMP_OUTCOME_DONE); break;
    case 4: done (input, choice, EMP_OUTCOME_REFUSED); break;
    case 5:
    case 6:
    case 7: put (input, choice); break;
    case 8:
    case 9: lose (input, choice); break;
    case 10: hello (1 + choice % 8); break;
    case 11: open_lane (1 + choice % 8, queues[choice / 8 % 3], choice / 64); break;
    case 12: step (&(emp_event_t){.kind = EMP_EV_TICK}); break;
    case 13: step (&(emp_event_t){.kind = EMP_EV_ACK, .serial = world.serial}); break;
    default: other (input, choice); break;
    }
}

/* ---- its end ------------------------------------------------------------------------------------------------------------- */

/* One healthy worker finishes all that waits or comes. */
static void heal (void)
{
    FUZZ_MUST (hello (HEALER) == EMP_OK);
    for (size_t i = 0; i < 3; i++)
        open_lane (HEALER, queues[i], 3);
    for (bool some = true; some;) {
        some = false;
        step (&(emp_event_t){.kind = EMP_EV_ACK, .serial = world.serial});
        for (size_t i = 0; i < world.top; i++) {
            ticket_t ticket = world.tickets[i];
            const lane_t *lane = ticket.handle && ticket.lane ? lane_of (ticket.lane) : NULL;
            if (lane && lane->id == ticket.lane && lane->session == HEALER)
                some |= step (&(emp_event_t){.kind = EMP_EV_DONE,
                                             .session = HEALER,
                                             .lane = ticket.lane,
                                             .ticket = ticket.handle,
                                             .attempt = ticket.attempt}) == EMP_OK;
        }
    }
}

static void all_have_ended (void)
{
    emp_core_stats_t stats;
    emp_core_stats (world.core, &stats);
    FUZZ_MUST (stats.waiting + stats.held == 0);
    FUZZ_MUST (stats.answered + stats.dead == world.ended);
    FUZZ_MUST (stats.put + stats.halved == stats.answered + stats.dead + stats.dropped_by_drain);
    for (size_t i = 0; i < world.top; i++)
        FUZZ_MUST (!world.tickets[i].handle);
}

static void end (void)
{
    for (uint64_t session = 1; session <= 12; session++)
        step (&(emp_event_t){.kind = EMP_EV_LOST, .session = session, .how = EMP_HOW_SIGNAL});
    heal ();
    all_have_ended ();
    step (&(emp_event_t){.kind = EMP_EV_STOP, .name = ""});
    hello (1);
    step (&(emp_event_t){.kind = EMP_EV_OPEN_SINK, .session = 1});
    FUZZ_MUST (world.sink_stopped);
    emp_core_destroy (&world.core);
}

static void begin (fuzz_input_t *input)
{
    uint8_t how = fuzz_byte (input);
    const emp_core_config_t config = {.attempts_max = 1 + (how & 3),
                                      .halve = how & 4,
                                      .speculate = how & 8,
                                      .dead_after = how & 16 ? 2000 : 0,
                                      .backlog_max = 1 + (how >> 5 & 3) * 4,
                                      .backlog_bytes_max = how & 128 ? 300 : 1u << 20,
                                      .sessions_max = 7,
                                      .queues_max = 2,
                                      .feeds_max = 4,
                                      .lanes_max = 9,
                                      .window_max = 4};
    memset (&world, 0, sizeof world);
    world.core = emp_core_new (&config);
    FUZZ_MUST (world.core);
    if (fuzz_byte (input) & 1) /* nobody is there yet */
        return;
    hello (1);
    step (&(emp_event_t){.kind = EMP_EV_DECLARE, .name = "q", .maxsize = 5});
    step (&(emp_event_t){.kind = EMP_EV_OPEN_SINK, .session = 1});
    step (&(emp_event_t){.kind = EMP_EV_OPEN_FEED, .session = 1, .name = "q"});
    for (uint64_t session = 3; session <= 4; session++) {
        hello (session);
        open_lane (session, "q", 2);
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    begin (&input);
    for (int i = 0; i < STEPS && fuzz_left (&input); i++)
        tell (&input);
    end ();
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const uint8_t good[] = {0x6d, 0, 5, 0,    3, 16, 17, 18, 0, 0,  0, 1, 0,
                                   2,    5, 0, 0x0d, 9, 0,  3,  13, 0, 14, 0, 8};
    static const uint8_t poison[] = {0x6d, 0, 5,  0, 1,  15, 8, 0, 1, 10, 2, 11, 2, 8,
                                     1,    1, 10, 3, 11, 3,  0, 2, 0, 3,  8, 3,  1};
    static const uint8_t copies[] = {0x6d, 0, 5, 0, 0x0d, 16, 14, 0, 8, 0xfc, 0, 0xfc, 0, 0xfc, 0, 0xfc, 0, 0, 1, 0, 0};
    static const uint8_t fenced[] = {0x7d, 0, 5, 0, 2, 16, 16, 0xfc, 0, 0xfc, 0, 0, 0, 0, 1, 10, 2, 11, 2, 0, 2};
    static const uint8_t lies[] = {0x65, 0, 5, 0, 3, 9, 9, 9, 0, 0xf0, 1, 0, 0xf1, 9, 4, 0xf2, 0x40, 3, 0xf0, 0x20};
    static const uint8_t feeds[] = {0x05, 1, 10, 0, 14, 0x10, 4,  10, 2, 14, 0,    3, 14,
                                    2,    3, 5,  0, 1,  9,    14, 0,  6, 14, 0x80, 6};
    static const uint8_t drained[] = {0x65, 0, 5, 0, 3, 9, 9, 9, 14, 77, 9, 0, 0, 0, 1};
    write ("good", good, sizeof good);
    write ("poison", poison, sizeof poison);
    write ("copies", copies, sizeof copies);
    write ("fenced", fenced, sizeof fenced);
    write ("lies", lies, sizeof lies);
    write ("feeds", feeds, sizeof feeds);
    write ("drained", drained, sizeof drained);
}
