/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All short stories, and some long random ones: after each step emp_core_check () is content, and what the effects
 * say adds up (world_t). In the end everybody dies and one healthy worker comes: then every ticket has ended.
 */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/core.h"

TestSuite (enumerate, .timeout = 120);

/* ---- what the effects have said so far --------------------------------------------------------------------------- */

#define TICKETS 1024
#define LANES 512

typedef struct {
    uint64_t handle;
    uint32_t lane; /* 0: none */
    uint32_t attempt;
    bool result, halved;
} ticket_t;

typedef struct {
    uint64_t ticket, session;
    uint32_t lane, attempt;
} push_t;

typedef struct {
    emp_core_t *core;
    emp_effects_t fx;
    emp_usec_t now;
    ticket_t tickets[TICKETS]; /* open ones, by slot */
    size_t top;                /* slots below were used */
    struct {
        uint32_t id; /* 0: closed */
        uint64_t session;
        bool told;
    } lanes[LANES];    /* by slot */
    push_t pushes[16]; /* the last ones */
    unsigned push_count;
    uint64_t serial, acked, ended, dropped;
    uint32_t feed; /* opened last */
    uint64_t credit;
    bool sink_stopped;
} world_t;

static world_t world;

static void watch_push (const emp_effect_t *fx)
{
    ticket_t *ticket = &world.tickets[fx->ticket & 0xffffffff];
    cr_assert_eq (ticket->handle, fx->ticket, "a ticket is pushed that is not open");
    cr_assert_eq (fx->attempt, ++ticket->attempt, "an attempt is not the next");
    cr_assert_eq (world.lanes[fx->lane & 0xffff].id, fx->lane, "a ticket is pushed to a lane that is closed");
    cr_assert_not (world.lanes[fx->lane & 0xffff].told, "a ticket is pushed behind the stop");
    cr_assert_not (ticket->result);
    ticket->lane = fx->lane;
    world.pushes[world.push_count++ % 16] = (push_t){fx->ticket, fx->session, fx->lane, fx->attempt};
}

static void watch (const emp_effect_t *fx)
{
    ticket_t *ticket = &world.tickets[fx->ticket & 0xffffffff & (TICKETS - 1)];
    switch (fx->kind) {
    case EMP_FX_TICKET:
        cr_assert_lt (fx->ticket & 0xffffffff, TICKETS);
        cr_assert_eq (ticket->handle, 0, "a slot is used whose ticket is open");
        *ticket = (ticket_t){.handle = fx->ticket};
        if (world.top <= (fx->ticket & 0xffffffff))
            world.top = (fx->ticket & 0xffffffff) + 1;
        break;
    case EMP_FX_PUSH: watch_push (fx); break;
    case EMP_FX_RESULT:
        cr_assert_eq (ticket->handle, fx->ticket, "a ticket ends that is not open");
        cr_assert_not (ticket->result, "a ticket has two results");
        cr_assert_eq (fx->serial, ++world.serial, "serials are not consecutive");
        cr_assert_not (world.sink_stopped, "a result behind the last");
        ticket->result = true;
        world.ended++;
        break;
    case EMP_FX_FREE:
        cr_assert_eq (ticket->handle, fx->ticket, "what is not kept is freed");
        world.dropped += !ticket->result && !ticket->halved;
        *ticket = (ticket_t){0};
        break;
    case EMP_FX_LANE:
        if (fx->status == EMP_OK) {
            cr_assert_eq (world.lanes[fx->lane & 0xffff].id, 0);
            world.lanes[fx->lane & 0xffff].id = fx->lane;
            world.lanes[fx->lane & 0xffff].session = fx->session;
            world.lanes[fx->lane & 0xffff].told = false;
        }
        break;
    case EMP_FX_LANE_CLOSED:
        cr_assert_eq (world.lanes[fx->lane & 0xffff].id, fx->lane);
        world.lanes[fx->lane & 0xffff].id = 0;
        break;
    case EMP_FX_STOPPED:
        cr_assert_eq (world.lanes[fx->lane & 0xffff].id, fx->lane);
        cr_assert_not (world.lanes[fx->lane & 0xffff].told, "a lane is told twice");
        world.lanes[fx->lane & 0xffff].told = true;
        break;
    case EMP_FX_FEED:
        world.feed = fx->status == EMP_OK ? fx->feed : world.feed;
        world.credit = fx->status == EMP_OK ? fx->credit : world.credit;
        break;
    case EMP_FX_PUT_CREDIT:
        if (fx->feed == world.feed) {
            cr_assert_geq (fx->credit, world.credit, "credit that is less than before"); /* the same: there is none */
            world.credit = fx->credit;
        }
        break;
    case EMP_FX_FEED_OVER: cr_assert_neq (fx->feed, 0); break;
    case EMP_FX_SINK_CLOSED: world.sink_stopped = false; break;
    case EMP_FX_SINK_STOPPED:
        cr_assert_not (world.sink_stopped, "the sink is told twice");
        world.sink_stopped = true;
        break;
    case EMP_FX_HALF:
        cr_assert_eq (ticket->handle, 0, "a slot is used whose ticket is open");
        *ticket = (ticket_t){.handle = fx->ticket};
        ticket->attempt = world.tickets[fx->other & (TICKETS - 1)].attempt;
        world.tickets[fx->other & (TICKETS - 1)].halved = true;
        if (world.top <= (fx->ticket & 0xffffffff))
            world.top = (fx->ticket & 0xffffffff) + 1;
        break;
    case EMP_FX_KILL: cr_assert (world.sink_stopped, "somebody is killed before the end"); break;
    case EMP_FX_ATTEMPT:
    case EMP_FX_REVOKE:
    case EMP_FX_SESSION:
    case EMP_FX_SESSION_GONE:
    case EMP_FX_SINK:
    case EMP_FX_DECLARED: break;
    }
}

static bool no_spare_room; /* a list of effects has the room that the step itself made, and no more */

static emp_status_t step (const emp_event_t *event)
{
    if (no_spare_room)
        emp_effects_release (&world.fx);
    emp_effects_clear (&world.fx);
    emp_status_t status = emp_core_step (world.core, event, world.now, &world.fx);
    for (size_t i = 0; i < world.fx.count; i++)
        watch (&world.fx.list[i]);
    return status;
}

static void check (void)
{
    const char *broken = emp_core_check (world.core);
    cr_assert (broken == NULL, "%s", broken);
}

static void world_begin (const emp_core_config_t *config)
{
    emp_effects_t fx = world.fx;
    memset (&world, 0, sizeof world);
    world.fx = fx;
    world.core = emp_core_new (config);
    cr_assert_not_null (world.core);
}

static emp_status_t hello (uint64_t session, emp_role_t role, uint64_t parent)
{
    return step (&(emp_event_t){.kind = EMP_EV_HELLO, .session = session, .role = role, .parent = parent, .name = "x"});
}

static void ack_all (void)
{
    step (&(emp_event_t){.kind = EMP_EV_ACK, .serial = world.serial});
}

/* Opens a lane and has its consumer connect. */
static void open_lane (uint64_t session, const char *queue, uint32_t window)
{
    step (&(emp_event_t){.kind = EMP_EV_OPEN_LANE, .session = session, .name = queue, .window = window});
    uint32_t lane = world.fx.count && world.fx.list[0].status == EMP_OK ? world.fx.list[0].lane : 0;
    step (&(emp_event_t){.kind = EMP_EV_LANE_READY, .lane = lane});
}

/* One healthy worker finishes all that waits or comes. */
static void heal (const char *const *queues, size_t count)
{
    enum { HEALER = 999 };
    cr_assert_eq (hello (HEALER, EMP_ROLE_WORKER, 0), EMP_OK);
    for (size_t i = 0; i < count; i++)
        open_lane (HEALER, queues[i], 3);
    bool some = true;
    while (some) {
        some = false;
        ack_all ();
        for (size_t i = 0; i < world.top; i++) {
            ticket_t ticket = world.tickets[i];
            if (!ticket.handle || !ticket.lane || world.lanes[ticket.lane & 0xffff].id != ticket.lane)
                continue;
            if (world.lanes[ticket.lane & 0xffff].session != HEALER)
                continue;
            some = step (&(emp_event_t){.kind = EMP_EV_DONE,
                                        .session = HEALER,
                                        .lane = ticket.lane,
                                        .ticket = ticket.handle,
                                        .attempt = ticket.attempt}) == EMP_OK ||
                   some;
        }
    }
}

static void expect_all_ended (void)
{
    emp_core_stats_t stats;
    emp_core_stats (world.core, &stats);
    cr_assert_eq (stats.waiting + stats.held, 0, "%d wait, %d are held", (int) stats.waiting, (int) stats.held);
    cr_assert_eq (stats.answered + stats.dead, world.ended);
    cr_assert_geq (stats.dropped_by_drain, world.dropped);
    cr_assert_eq (stats.put + stats.halved, stats.answered + stats.dead + stats.dropped_by_drain);
    for (size_t i = 0; i < world.top; i++)
        cr_assert_eq (world.tickets[i].handle, 0, "a ticket is kept for ever");
    check ();
}

/* ---- all short stories ------------------------------------------------------------------------------------------- */

/* Sessions 2 and 3 are workers. */
static push_t last_push (uint64_t session, unsigned before)
{
    for (unsigned i = world.push_count; i > 0 && i + 16 > world.push_count; i--)
        if (world.pushes[(i - 1) % 16].session == session && before-- == 0)
            return world.pushes[(i - 1) % 16];
    return (push_t){.session = session};
}

static void done (push_t push, emp_outcome_t outcome)
{
    step (&(emp_event_t){.kind = EMP_EV_DONE,
                         .session = push.session,
                         .lane = push.lane,
                         .ticket = push.ticket,
                         .attempt = push.attempt,
                         .outcome = outcome});
}

static void come (uint64_t session)
{
    hello (session, EMP_ROLE_WORKER, 0);
    open_lane (session, "q", 1);
}

static uint64_t put_count;

static void put (bool end)
{
    static const emp_part_t part = {.length = 10, .rows = 3};
    if (step (&(emp_event_t){.kind = EMP_EV_PUT,
                             .session = 1,
                             .feed = world.feed,
                             .number = put_count,
                             .count = 1,
                             .parts = &part,
                             .end = end}) == EMP_OK)
        put_count++;
}

enum { LETTERS = 14 };

static void say (int letter)
{
    static const emp_how_t how = EMP_HOW_SIGNAL;
    push_t other = last_push (3, 0);
    switch (letter) {
    case 0: done (last_push (2, 0), EMP_OUTCOME_DONE); break;
    case 1: done (last_push (3, 0), EMP_OUTCOME_DONE); break;
    case 2: done (last_push (2, 0), EMP_OUTCOME_REFUSED); break;
    case 3: step (&(emp_event_t){.kind = EMP_EV_LOST, .session = 2, .how = how, .code = 9}); break;
    case 4:
        step (&(emp_event_t){.kind = EMP_EV_LOST, .session = 3, .how = how, .code = 9, .ticket = other.ticket});
        break;
    case 5: come (2); break;
    case 6: step (&(emp_event_t){.kind = EMP_EV_BYE, .session = 3}); break;
    case 7: come (3); break;
    case 8: done (last_push (2, 1), EMP_OUTCOME_DONE); break; /* what it had before */
    case 9: put (false); break;
    case 10:
        step (&(emp_event_t){.kind = EMP_EV_CREDIT, .session = 2, .lane = last_push (2, 0).lane, .window = 2});
        break;
    case 11: ack_all (); break;
    case 12:
        put (true);
        step (&(emp_event_t){.kind = EMP_EV_STOP, .name = ""});
        break;
    case 13: step (&(emp_event_t){.kind = EMP_EV_DRAIN}); break;
    }
}

static void begin_story (void)
{
    static const emp_core_config_t config = {.attempts_max = 2,
                                             .halve = true,
                                             .speculate = true,
                                             .backlog_max = 3,
                                             .backlog_bytes_max = 1000,
                                             .sessions_max = 8,
                                             .queues_max = 1,
                                             .feeds_max = 1,
                                             .lanes_max = 8,
                                             .window_max = 4};
    world_begin (&config);
    put_count = 0;
    hello (1, EMP_ROLE_MANAGER, 0);
    step (&(emp_event_t){.kind = EMP_EV_DECLARE, .name = "q", .maxsize = 3});
    step (&(emp_event_t){.kind = EMP_EV_OPEN_SINK, .session = 1});
    step (&(emp_event_t){.kind = EMP_EV_OPEN_FEED, .session = 1, .name = "q"});
    put (false);
    put (false);
    come (2);
    come (3);
}

static void end_story (void)
{
    static const char *const queues[] = {"q"};
    step (&(emp_event_t){.kind = EMP_EV_LOST, .session = 2, .how = EMP_HOW_SIGNAL});
    step (&(emp_event_t){.kind = EMP_EV_LOST, .session = 3, .how = EMP_HOW_SIGNAL});
    heal (queues, 1);
    put (true);
heal_again:
    ack_all ();
    for (size_t i = 0; i < world.top; i++) {
        ticket_t ticket = world.tickets[i];
        if (ticket.handle && ticket.lane) {
            step (&(emp_event_t){.kind = EMP_EV_DONE,
                                 .session = 999,
                                 .lane = ticket.lane,
                                 .ticket = ticket.handle,
                                 .attempt = ticket.attempt});
            goto heal_again;
        }
    }
    step (&(emp_event_t){.kind = EMP_EV_STOP, .name = ""});
    expect_all_ended ();
    cr_assert (world.sink_stopped);
    emp_core_destroy (&world.core);
}

/* All stories of `length` letters below `letters`. What two stories have in common was checked in the first. */
static unsigned long tell_all (int letters, int length)
{
    mallopt (M_MMAP_THRESHOLD, 1 << 30); /* a core is made for each story: keep its memory */
    mallopt (M_TRIM_THRESHOLD, 1 << 30);
    int story[16] = {0};
    unsigned long count = 0;
    int changed = 0;
    while (changed >= 0) {
        begin_story ();
        for (int i = 0; i < length; i++) {
            say (story[i]);
            if (i >= changed)
                check ();
        }
        end_story ();
        count++;
        changed = length - 1;
        while (changed >= 0 && ++story[changed] == letters)
            story[changed--] = 0;
    }
    emp_effects_release (&world.fx);
    return count;
}

#if defined(__SANITIZE_ADDRESS__)
#define LENGTH 3
#else
#define LENGTH 4
#endif

Test (enumerate, all_stories_with_every_letter_come_to_a_good_end)
{
    unsigned long expected = 1;
    for (int i = 0; i < LENGTH; i++)
        expected *= LETTERS;
    cr_assert_eq (tell_all (LETTERS, LENGTH), expected);
}

Test (enumerate, all_longer_stories_of_work_death_and_return_come_to_a_good_end)
{
    unsigned long expected = 1;
    for (int i = 0; i < LENGTH + 2; i++)
        expected *= 7;
    cr_assert_eq (tell_all (7, LENGTH + 2), expected);
}

/* ---- long random stories ----------------------------------------------------------------------------------------- */

static uint64_t seed;

/* xorshift64*: the same on every machine. */
static uint32_t roll (uint32_t sides)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t) ((seed * UINT64_C (2685821657736338717)) >> 33) % sides;
}

static const char *const queue_names[] = {"q", "r", "s", "t"};

typedef struct {
    uint32_t feed;
    uint64_t session, next;
} known_feed_t;

static known_feed_t feeds[8];
static unsigned feed_count;

/* Sessions 1 to 9: a manager, two supervisors, six workers. */
static emp_role_t role_of (uint64_t session)
{
    return session == 1 ? EMP_ROLE_MANAGER : session < 4 ? EMP_ROLE_SUPERVISOR : EMP_ROLE_WORKER;
}

static void random_put (bool end)
{
    emp_part_t parts[8];
    for (int i = 0; i < 8; i++)
        parts[i] = (emp_part_t){.length = roll (100), .rows = roll (9)};
    known_feed_t *feed = &feeds[roll (feed_count ? feed_count : 1)];
    uint32_t count = roll (8);
    emp_event_t event = {.kind = EMP_EV_PUT,
                         .session = roll (20) ? feed->session : roll (10),
                         .feed = feed->feed,
                         .number = feed->next + !roll (30),
                         .count = count,
                         .parts = parts,
                         .end = end};
    if (step (&event) == EMP_OK)
        feed->next += count;
}

/* One that some lane holds, when there is one. */
static push_t random_held (void)
{
    uint32_t from = roll ((uint32_t) world.top + 1);
    for (size_t i = 0; i < world.top; i++) {
        ticket_t ticket = world.tickets[(from + i) % world.top];
        if (ticket.handle && ticket.lane && world.lanes[ticket.lane & 0xffff].id == ticket.lane)
            return (push_t){ticket.handle, world.lanes[ticket.lane & 0xffff].session, ticket.lane, ticket.attempt};
    }
    return (push_t){0};
}

static void random_done (void)
{
    push_t push = roll (4) ? random_held () : world.pushes[roll (16)];
    emp_event_t event = {.kind = EMP_EV_DONE,
                         .session = push.session,
                         .lane = push.lane,
                         .queue = 65536 + roll (3),
                         .ticket = push.ticket,
                         .attempt = push.attempt,
                         .outcome = roll (8) ? EMP_OUTCOME_DONE : EMP_OUTCOME_REFUSED,
                         .size = roll (100)};
    switch (roll (30)) { /* sometimes a lie */
    case 0: event.session = roll (12); break;
    case 1: event.lane = world.pushes[roll (16)].lane; break;
    case 2: event.ticket ^= UINT64_C (1) << roll (40); break;
    case 3: event.attempt += roll (5) - 2; break;
    case 4: event.outcome = EMP_OUTCOME_DEAD; break;
    default: break;
    }
    step (&event);
}

static void random_opening (uint64_t session)
{
    const char *queue = queue_names[roll (4)];
    if (roll (3)) {
        open_lane (session, queue, roll (5));
        return;
    }
    emp_event_t event = {.kind = EMP_EV_OPEN_FEED, .session = session, .name = queue};
    step (&event);
    for (size_t i = 0; i < world.fx.count; i++)
        if (world.fx.list[i].kind == EMP_FX_FEED && world.fx.list[i].status == EMP_OK)
            feeds[feed_count < 8 ? feed_count++ : roll (8)] = (known_feed_t){world.fx.list[i].feed, session, 0};
}

static void random_step (unsigned drains)
{
    uint64_t session = 1 + roll (9);
    push_t push = world.pushes[roll (16)];
    world.now += roll (2000) ? roll (300) : roll (400000);
    switch (roll (100)) {
    default: random_done (); break;
    case 0 ... 24: random_put (!roll (20)); break;
    case 25 ... 29: hello (session, role_of (session), 1 + roll (4)); break;
    case 30 ... 39: random_opening (session); break;
    case 40 ... 44: step (&(emp_event_t){.kind = EMP_EV_TICK}); break;
    case 45 ... 49: step (&(emp_event_t){.kind = EMP_EV_ALIVE, .session = session}); break;
    case 50 ... 55:
        step (&(emp_event_t){.kind = EMP_EV_CREDIT, .session = push.session, .lane = push.lane, .window = roll (6)});
        break;
    case 56 ... 63:
        world.acked += roll ((uint32_t) (world.serial - world.acked) + 1);
        step (&(emp_event_t){.kind = EMP_EV_ACK, .session = 1, .serial = world.acked});
        break;
    case 64: step (&(emp_event_t){.kind = EMP_EV_ACK, .serial = world.serial + roll (3)}); break;
    case 65: step (&(emp_event_t){.kind = EMP_EV_BYE, .session = session}); break;
    case 66:
        if (roll (2)) { /* at what it holds */
            push = random_held ();
            session = push.session;
        }
        step (&(emp_event_t){.kind = EMP_EV_LOST, .session = session, .how = EMP_HOW_EXIT, .ticket = push.ticket});
        break;
    case 67:
        if (roll (2))
            step (&(emp_event_t){.kind = EMP_EV_LOST, .session = session, .how = EMP_HOW_EXIT});
        break;
    case 68: hello (session, role_of (session), 0); break;
    case 69: step (&(emp_event_t){.kind = EMP_EV_OPEN_SINK, .session = 1}); break;
    case 70:
        step (&(emp_event_t){.kind = EMP_EV_DECLARE,
                             .name = queue_names[roll (4)],
                             .maxsize = 1 + roll (40),
                             .bytes_max = roll (2) * 500});
        break;
    case 71: step (&(emp_event_t){.kind = EMP_EV_LANE_READY, .lane = push.lane ^ (roll (3) << 16)}); break;
    case 72:
        if (roll (2000) < drains)
            step (&(emp_event_t){.kind = EMP_EV_DRAIN});
        break;
    case 75 ... 77: {
        known_feed_t *feed = &feeds[roll (feed_count ? feed_count : 1)];
        step (&(emp_event_t){.kind = EMP_EV_WANT,
                             .session = feed->session,
                             .feed = feed->feed,
                             .end = feed->next % 3 == 1,
                             .number = feed->next});
        break;
    }
    case 73:
        if (roll (1000) < drains)
            step (&(emp_event_t){.kind = EMP_EV_STOP, .name = roll (4) ? queue_names[roll (4)] : ""});
        break;
    }
}

static void walk (uint64_t from, unsigned steps, unsigned drains)
{
    static const emp_core_config_t config = {.attempts_max = 3,
                                             .halve = true,
                                             .speculate = true,
                                             .dead_after = 20000,
                                             .backlog_max = 9,
                                             .backlog_bytes_max = 300,
                                             .sessions_max = 8,
                                             .queues_max = 3,
                                             .feeds_max = 6,
                                             .lanes_max = 9,
                                             .window_max = 4};
    world_begin (&config);
    memset (feeds, 0, sizeof feeds);
    feed_count = 0;
    seed = from;
    for (unsigned i = 0; i < steps; i++) {
        random_step (drains);
        check ();
    }
    for (uint64_t session = 1; session <= 9; session++)
        step (&(emp_event_t){.kind = EMP_EV_LOST, .session = session, .how = EMP_HOW_SIGNAL});
    heal (queue_names, 4);
    expect_all_ended ();
    step (&(emp_event_t){.kind = EMP_EV_STOP, .name = ""});
    hello (1, EMP_ROLE_MANAGER, 0);
    step (&(emp_event_t){.kind = EMP_EV_OPEN_SINK, .session = 1});
    cr_assert (world.sink_stopped);
    emp_core_destroy (&world.core);
    emp_effects_release (&world.fx);
}

Test (enumerate, a_random_walk_of_100000_steps_comes_to_a_good_end)
{
    walk (1, 100000, 0);
}

Test (enumerate, random_walks_with_stops_and_drains_come_to_a_good_end)
{
    for (uint64_t from = 1; from <= 40; from++)
        walk (from * 1000003, 1500, 1000);
}

Test (enumerate, a_step_makes_room_for_all_that_follows_from_it)
{
    no_spare_room = true; /* else an assert of the core fails */
    for (uint64_t from = 1; from <= 20; from++)
        walk (from * 7919, 2000, 1000);
}

/* The seeds must lead somewhere: to every kind of end and of refusal. */
Test (enumerate, the_random_walk_is_not_idle)
{
    static const emp_core_config_t config = {.attempts_max = 3,
                                             .halve = true,
                                             .speculate = true,
                                             .dead_after = 20000,
                                             .backlog_max = 9,
                                             .backlog_bytes_max = 300,
                                             .sessions_max = 8,
                                             .queues_max = 3,
                                             .feeds_max = 6,
                                             .lanes_max = 9,
                                             .window_max = 4};
    world_begin (&config);
    seed = 1;
    for (int i = 0; i < 100000; i++)
        random_step (0);
    emp_core_stats_t stats;
    emp_core_stats (world.core, &stats);
    cr_assert_gt (stats.answered, 1000);
    cr_assert_gt (stats.dead, 3);
    cr_assert_gt (stats.halved, 0);
    cr_assert_gt (stats.overtaken, 10);
    cr_assert_gt (stats.late, 3);
    cr_assert_gt (stats.fenced, 10);
    cr_assert_gt (stats.reissued, 100);
    cr_assert_gt (stats.sessions_lost, 100);
    cr_assert_gt (stats.stale, 1000);
    cr_assert_gt (stats.refused_puts, 100);
    emp_core_destroy (&world.core);
    emp_effects_release (&world.fx);
}
