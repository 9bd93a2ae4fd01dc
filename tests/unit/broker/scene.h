/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scene.h - a small language for tests of the broker's core: what is said, and everything that follows from it.
 *
 *     scene (s, "put a 2  => keep a0, keep a1, push a0#1 A, push a1#1 B\n"
 *               "done A a0#1 => result 1 a0#1 done, free a0");
 *
 * A line is one event and, behind "=>", all effects of it in their order; "=> ..." is whatever (for the way to where a
 * test begins). A step that does not return EMP_OK shows its status first: "=> stale". After each step
 * emp_core_check () runs, and serials are seen to be consecutive.
 *
 * Names   sessions are letters: M, N managers, S, T supervisors, all others workers. A lane has its session's letter,
 *         and ":r" behind it on another queue than q; one that is opened again has a ' more. Feeds are a, b, c… in
 *         order of opening; a3 is ticket 3 of feed a, a3#2 its second attempt.
 * Events  at 100 (time, no step) | tick | hello A [of S] [quiet] [as T] | alive A | bye A | ready A | stop [q] | drain
 *         lost A [exit 3] [signal 9] [silence 0] [at a0] | declare q 10 [bytes 100] | lane A [q] 2 | feed M [q]
 *         sink M | want b [end] [number 5] | put a 2 [bytes 100] [rows 8] [end] [number 5] [by B] | credit A 5 [by B]
 *         done A a0#1 [bytes 7] [puts 3] [by B]
 *         refuse A a0#1 | ack 3 [by N]
 */
#ifndef SCENE_H
#define SCENE_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/core.h"

#define SCENE_TEXT 65536
#define SCENE_LANES 64
#define SCENE_FEEDS 26
#define SCENE_TICKETS 4096
#define SCENE_PARTS 2048
#define SCENE_HALVES 64

typedef struct {
    emp_core_t *core;
    emp_effects_t fx;
    emp_usec_t now;
    uint64_t serial;
    struct {
        char name[16];
        uint32_t id;
    } lanes[SCENE_LANES];
    size_t lane_count;
    struct {
        uint32_t id;
        char session;
        uint64_t next;
        uint64_t tickets[SCENE_TICKETS];
    } feeds[SCENE_FEEDS];
    size_t feed_count;
    struct {
        char name[24]; /* "a3/5+2": of ticket 3 of feed a the rows 5 and 6 */
        uint64_t ticket;
    } halves[SCENE_HALVES];
    size_t half_count;
    emp_part_t parts[SCENE_PARTS];
    char shown[SCENE_TEXT];
    size_t shown_size;
} scene_t;

/* Silence of 1000 is too long, and a third failure. */
static inline emp_core_config_t scene_config (void)
{
    emp_core_config_t config = emp_core_config_default;
    config.dead_after = 1000;
    config.attempts_max = 3;
    return config;
}

static inline scene_t *scene_with (const emp_core_config_t *config)
{
    scene_t *self = calloc (1, sizeof *self);
    cr_assert_not_null (self);
    self->core = emp_core_new (config);
    cr_assert_not_null (self->core);
    return self;
}

static inline void scene_end (scene_t *self)
{
    emp_core_destroy (&self->core);
    emp_effects_release (&self->fx);
    free (self);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static inline emp_role_t scene_role (char session)
{
    if (session == 'M' || session == 'N')
        return EMP_ROLE_MANAGER;
    return session == 'S' || session == 'T' ? EMP_ROLE_SUPERVISOR : EMP_ROLE_WORKER;
}

static inline const char *scene_lane_name (const scene_t *self, uint32_t id)
{
    for (size_t i = 0; i < self->lane_count; i++)
        if (self->lanes[i].id == id)
            return self->lanes[i].name;
    return "?";
}

static inline uint32_t scene_lane (const scene_t *self, const char *name)
{
    for (size_t i = 0; i < self->lane_count; i++)
        if (strcmp (self->lanes[i].name, name) == 0)
            return self->lanes[i].id;
    return 0xdead0001u; /* nobody's */
}

static inline void scene_add_lane (scene_t *self, uint32_t id, char session, const char *queue)
{
    if (strcmp (scene_lane_name (self, id), "?") != 0)
        return;
    cr_assert_lt (self->lane_count, SCENE_LANES);
    char name[16];
    int length =
        strcmp (queue, "q") == 0 ? snprintf (name, 8, "%c", session) : snprintf (name, 8, "%c:%s", session, queue);
    while (scene_lane (self, name) != 0xdead0001u) {
        name[length++] = '\'';
        name[length] = 0;
    }
    snprintf (self->lanes[self->lane_count].name, sizeof name, "%s", name);
    self->lanes[self->lane_count++].id = id;
}

static inline char scene_feed_name (const scene_t *self, uint32_t id)
{
    for (size_t i = self->feed_count; i-- > 0;)
        if (self->feeds[i].id == id)
            return (char) ('a' + i);
    return '?';
}

/* NULL: it is none. */
static inline const char *scene_half (const scene_t *self, uint64_t ticket)
{
    for (size_t i = 0; i < self->half_count; i++)
        if (self->halves[i].ticket == ticket)
            return self->halves[i].name;
    return NULL;
}

/* ---- effects as text --------------------------------------------------------------------------------------------- */

static inline void scene_show (scene_t *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    const char *comma = self->shown_size ? ", " : "";
    self->shown_size += (size_t) snprintf (self->shown + self->shown_size, SCENE_TEXT - self->shown_size, "%s", comma);
    self->shown_size +=
        (size_t) vsnprintf (self->shown + self->shown_size, SCENE_TEXT - self->shown_size, format, args);
    va_end (args);
    cr_assert_lt (self->shown_size, SCENE_TEXT);
}

static inline const char *scene_status (emp_status_t status)
{
    switch (status) {
    case EMP_OK: return "ok";
    case EMP_INVALID: return "invalid";
    case EMP_UNKNOWN: return "unknown";
    case EMP_EXISTS: return "exists";
    case EMP_FULL: return "full";
    case EMP_STOPPED: return "stopped";
    case EMP_NOMEM: return "nomem";
    case EMP_STALE: return "stale";
    case EMP_STATE: return "too early";
    default: return "another status";
    }
}

static inline const char *scene_how (emp_how_t how)
{
    static const char *const names[] = {"bye", "exit", "signal", "silence"};
    return names[how];
}

static inline void scene_show_effect (scene_t *self, const emp_effect_t *fx)
{
    char session = (char) fx->session;
    const char *lane = scene_lane_name (self, fx->lane);
    char feed = scene_feed_name (self, fx->feed);
    unsigned long long number = fx->number;
    char ticket[32];
    const char *half = scene_half (self, fx->ticket);
    snprintf (ticket, sizeof ticket, "%c%llu", feed, number);
    if (half)
        snprintf (ticket, sizeof ticket, "%s", half);
    const char *queue = emp_core_queue_name (self->core, fx->queue);
    switch (fx->kind) {
    case EMP_FX_SESSION: scene_show (self, "welcome %c", session); break;
    case EMP_FX_SESSION_GONE:
        cr_assert_eq (fx->role, scene_role (session));
        cr_assert_eq (fx->name[0], session);
        cr_assert_eq (fx->pid, 1000 + session);
        scene_show (self, "gone %c %s %u took %u", session, scene_how (fx->how), fx->code, fx->count);
        break;
    case EMP_FX_LANE: scene_show (self, "lane %s %s", fx->lane ? lane : "none", scene_status (fx->status)); break;
    case EMP_FX_LANE_CLOSED: scene_show (self, "closed %s", lane); break;
    case EMP_FX_FEED:
        if (fx->status == EMP_OK)
            scene_show (self, "feed %c %llu", feed, (unsigned long long) fx->credit);
        else
            scene_show (self, "feed none %s", scene_status (fx->status));
        break;
    case EMP_FX_SINK: scene_show (self, "sink %c %s", session, scene_status (fx->status)); break;
    case EMP_FX_SINK_CLOSED: scene_show (self, "sink closed"); break;
    case EMP_FX_DECLARED: scene_show (self, "queue %s %s", queue ? queue : "none", scene_status (fx->status)); break;
    case EMP_FX_TICKET: scene_show (self, "keep %c%llu", feed, number); break;
    case EMP_FX_PUSH: scene_show (self, "push %s#%u %s", ticket, fx->attempt, lane); break;
    case EMP_FX_RESULT:
        cr_assert_eq (fx->serial, ++self->serial, "serials are consecutive");
        if (fx->outcome == EMP_OUTCOME_DONE)
            scene_show (self, "result %llu %s#%u done", (unsigned long long) fx->serial, ticket, fx->attempt);
        else
            scene_show (self, "result %llu %s#%u dead %s %u", (unsigned long long) fx->serial, ticket, fx->attempt,
                        scene_how (fx->how), fx->code);
        if (fx->left)
            scene_show (self, "left %u", fx->left);
        break;
    case EMP_FX_FREE:
        if (half) {
            scene_show (self, "free %s", half);
            break;
        }
        for (size_t f = 0; f < self->feed_count; f++)
            for (size_t t = 0; t < SCENE_TICKETS; t++)
                if (self->feeds[f].tickets[t] == fx->ticket) {
                    scene_show (self, "free %c%zu", (char) ('a' + f), t);
                    return;
                }
        scene_show (self, "free ?");
        break;
    case EMP_FX_PUT_CREDIT: scene_show (self, "credit %c %llu", feed, (unsigned long long) fx->credit); break;
    case EMP_FX_FEED_OVER: scene_show (self, "over %c", feed); break;
    case EMP_FX_STOPPED: scene_show (self, "%s %s", fx->drained ? "drained" : "stopped", lane); break;
    case EMP_FX_SINK_STOPPED: scene_show (self, "sink stopped"); break;
    case EMP_FX_HALF: scene_show (self, "half %s", scene_half (self, fx->ticket)); break;
    case EMP_FX_ATTEMPT: break; /* told in scenes of its own */
    case EMP_FX_KILL: scene_show (self, "kill %c", session); break;
    case EMP_FX_REVOKE: scene_show (self, "revoke %s#%u %s", ticket, fx->attempt, lane); break;
    }
}

/* What the names in later lines mean. */
static inline void scene_learn (scene_t *self, const emp_effect_t *fx)
{
    if (fx->kind == EMP_FX_LANE && fx->status == EMP_OK)
        scene_add_lane (self, fx->lane, (char) fx->session, emp_core_queue_name (self->core, fx->queue));
    if (fx->kind == EMP_FX_FEED && fx->status == EMP_OK) {
        cr_assert_lt (self->feed_count, SCENE_FEEDS);
        self->feeds[self->feed_count].id = fx->feed;
        self->feeds[self->feed_count++].session = (char) fx->session;
    }
    if (fx->kind == EMP_FX_HALF) {
        cr_assert_lt (self->half_count, SCENE_HALVES);
        snprintf (self->halves[self->half_count].name, sizeof self->halves[0].name, "%c%llu/%u+%u",
                  scene_feed_name (self, fx->feed), (unsigned long long) fx->number, fx->from, fx->part);
        self->halves[self->half_count++].ticket = fx->ticket;
    }
    if (fx->kind == EMP_FX_TICKET) {
        char feed = scene_feed_name (self, fx->feed);
        cr_assert_lt (fx->number, SCENE_TICKETS);
        self->feeds[feed - 'a'].tickets[fx->number] = fx->ticket;
    }
}

/* Steps, checks and leaves the effects as text in `shown`. */
static inline emp_status_t scene_step (scene_t *self, const emp_event_t *event)
{
    emp_effects_release (&self->fx); /* so a step has no more room for effects than it makes itself */
    emp_status_t status = emp_core_step (self->core, event, self->now, &self->fx);
    self->shown_size = 0;
    self->shown[0] = 0;
    if (status != EMP_OK)
        scene_show (self, "%s", scene_status (status));
    for (size_t i = 0; i < self->fx.count; i++) {
        scene_learn (self, &self->fx.list[i]);
        scene_show_effect (self, &self->fx.list[i]);
    }
    const char *broken = emp_core_check (self->core);
    cr_assert (broken == NULL, "%s, after: %s", broken, self->shown);
    return status;
}

/* ---- events as text ---------------------------------------------------------------------------------------------- */

/* The next word of a line, or "" at its end. */
static inline const char *scene_word (char **line)
{
    while (**line == ' ')
        (*line)++;
    char *word = *line;
    while (**line && **line != ' ')
        (*line)++;
    if (**line)
        *(*line)++ = 0;
    return word;
}

static inline bool scene_is_number (const char *word)
{
    return *word >= '0' && *word <= '9';
}

/* "a3#2" */
static inline void scene_ticket (const scene_t *self, const char *word, emp_event_t *event)
{
    char *end;
    size_t feed = (size_t) (word[0] - 'a');
    uint64_t number = strtoull (word + 1, &end, 10);
    cr_assert (feed < self->feed_count && number < SCENE_TICKETS, "no such ticket: %s", word);
    event->ticket = self->feeds[feed].tickets[number];
    size_t name = strcspn (word, "#");
    for (size_t i = 0; i < self->half_count && *end == '/'; i++)
        if (strlen (self->halves[i].name) == name && strncmp (self->halves[i].name, word, name) == 0)
            event->ticket = self->halves[i].ticket;
    end = strchr (word, '#') ? strchr (word, '#') : end;
    event->attempt = *end == '#' ? (uint32_t) strtoul (end + 1, NULL, 10) : 0;
}

/* What may stand at the end of many events. */
static inline void scene_options (scene_t *self, char *line, emp_event_t *event, uint32_t *length)
{
    const char *word;
    while (*(word = scene_word (&line))) {
        if (strcmp (word, "end") == 0)
            event->end = true;
        else if (strcmp (word, "quiet") == 0)
            event->quiet = true;
        else {
            const char *value = scene_word (&line);
            if (strcmp (word, "of") == 0)
                event->parent = (uint64_t) value[0];
            else if (strcmp (word, "as") == 0)
                event->role = scene_role (value[0]);
            else if (strcmp (word, "by") == 0)
                event->session = (uint64_t) value[0];
            else if (strcmp (word, "at") == 0)
                scene_ticket (self, value, event);
            else if (strcmp (word, "number") == 0 || strcmp (word, "puts") == 0)
                event->number = strtoull (value, NULL, 10);
            else if (strcmp (word, "rows") == 0)
                event->serial = strtoull (value, NULL, 10);
            else if (strcmp (word, "bytes") == 0) {
                event->bytes_max = event->size = strtoull (value, NULL, 10);
                *length = (uint32_t) event->size;
            } else {
                static const emp_how_t hows[] = {EMP_HOW_EXIT, EMP_HOW_SIGNAL, EMP_HOW_SILENCE};
                size_t i = 0;
                while (i < 3 && strcmp (word, scene_how (hows[i])) != 0)
                    i++;
                cr_assert (i < 3, "no such option: %s", word);
                event->how = hows[i];
                event->code = (uint32_t) strtoul (value, NULL, 10);
            }
        }
    }
}

/* The queue's name, which may be left out before a number and at the end. */
static inline const char *scene_queue (char **line)
{
    while (**line == ' ')
        (*line)++;
    return !**line || scene_is_number (*line) ? "q" : scene_word (line);
}

static inline void scene_put (scene_t *self, const char *name, char *line, emp_event_t *event)
{
    size_t feed = (size_t) (name[0] - 'a');
    uint32_t length = 10, rows = 1;
    event->count = (uint32_t) strtoul (scene_word (&line), NULL, 10);
    cr_assert_leq (event->count, SCENE_PARTS);
    if (feed < self->feed_count) {
        event->feed = self->feeds[feed].id;
        event->session = (uint64_t) self->feeds[feed].session;
        event->number = self->feeds[feed].next;
    } else
        event->feed = 0xdead0001u;
    scene_options (self, line, event, &length);
    if (event->serial)
        rows = (uint32_t) event->serial;
    for (uint32_t i = 0; i < event->count; i++)
        self->parts[i] = (emp_part_t){.length = length, .rows = rows};
    event->parts = self->parts;
    if (scene_step (self, event) == EMP_OK && feed < self->feed_count)
        self->feeds[feed].next += event->count;
}

/* Says what the line says. */
static inline void scene_say (scene_t *self, char *line)
{
    static const char *const words[] = {"tick", "hello", "alive", "bye",    "lost", "declare", "lane", "ready", "feed",
                                        "sink", "put",   "want",  "credit", "done", "ack",     "stop", "drain"};
    const char *verb = scene_word (&line);
    emp_event_t event = {.role = EMP_ROLE_WORKER};
    bool refuse = strcmp (verb, "refuse") == 0;
    if (refuse)
        verb = "done";
    event.outcome = refuse ? EMP_OUTCOME_REFUSED : EMP_OUTCOME_DONE;
    size_t kind = 0;
    while (kind < 17 && strcmp (verb, words[kind]) != 0)
        kind++;
    cr_assert (kind < 17, "no such event: %s", verb);
    event.kind = (emp_event_kind_t) kind;
    uint32_t length = 0;
    char name[2] = {0};
    switch (event.kind) {
    case EMP_EV_TICK:
    case EMP_EV_DRAIN: break;
    case EMP_EV_HELLO:
    case EMP_EV_ALIVE:
    case EMP_EV_BYE:
    case EMP_EV_LOST:
    case EMP_EV_OPEN_SINK:
        name[0] = scene_word (&line)[0];
        event.session = (uint64_t) name[0];
        event.role = scene_role (name[0]);
        event.name = name;
        event.pid = 1000 + name[0];
        scene_options (self, line, &event, &length);
        break;
    case EMP_EV_DECLARE:
        event.session = 'M';
        event.name = scene_queue (&line);
        event.maxsize = (uint32_t) strtoul (scene_word (&line), NULL, 10);
        scene_options (self, line, &event, &length);
        break;
    case EMP_EV_OPEN_LANE:
    case EMP_EV_OPEN_FEED:
        event.session = (uint64_t) scene_word (&line)[0];
        event.name = scene_queue (&line);
        event.window = (uint32_t) strtoul (scene_word (&line), NULL, 10);
        break;
    case EMP_EV_LANE_READY: event.lane = scene_lane (self, scene_word (&line)); break;
    case EMP_EV_PUT: {
        const char *feed = scene_word (&line);
        scene_put (self, feed, line, &event);
        return;
    }
    case EMP_EV_CREDIT:
    case EMP_EV_DONE: {
        const char *lane = scene_word (&line);
        event.session = (uint64_t) lane[0];
        event.lane = scene_lane (self, lane);
        event.queue = 65536; /* q: the first queue of a run */
        if (event.kind == EMP_EV_CREDIT)
            event.window = (uint32_t) strtoul (scene_word (&line), NULL, 10);
        else
            scene_ticket (self, scene_word (&line), &event);
        scene_options (self, line, &event, &length);
        break;
    }
    case EMP_EV_WANT:
        name[0] = scene_word (&line)[0];
        event.feed = self->feeds[name[0] - 'a'].id;
        event.session = (uint64_t) self->feeds[name[0] - 'a'].session;
        event.number = self->feeds[name[0] - 'a'].next;
        scene_options (self, line, &event, &length);
        break;
    case EMP_EV_ACK:
        event.serial = strtoull (scene_word (&line), NULL, 10);
        scene_options (self, line, &event, &length);
        break;
    case EMP_EV_STOP: event.name = scene_word (&line); break;
    }
    scene_step (self, &event);
}

static inline void scene_line (scene_t *self, const char *text)
{
    char line[4096];
    snprintf (line, sizeof line, "%s", text);
    char *expected = strstr (line, "=>");
    if (expected) {
        *expected = 0;
        expected += 2;
        while (*expected == ' ')
            expected++;
    }
    char *said = line;
    while (*said == ' ')
        said++;
    if (strncmp (said, "at ", 3) == 0) {
        self->now = strtoull (said + 3, NULL, 10);
        return;
    }
    scene_say (self, said);
    if (!expected)
        expected = line + strlen (line);
    if (strcmp (expected, "...") != 0)
        cr_assert_str_eq (self->shown, expected, "%s\n  followed by: %s", text, self->shown);
}

/* Plays the lines. */
static inline void scene (scene_t *self, const char *lines)
{
    char line[4096];
    while (*lines) {
        size_t length = strcspn (lines, "\n");
        cr_assert_lt (length, sizeof line);
        memcpy (line, lines, length);
        line[length] = 0;
        if (length)
            scene_line (self, line);
        lines += length + (lines[length] == '\n');
    }
}

/* A manager M with its sink and a queue q for 1000 tickets. Ticket 0 of feed a is done by a worker that has left, so
 * the feed has all the credit it wants, and what tests put next is a1. */
static inline scene_t *scene_of_one_queue (const emp_core_config_t *config)
{
    scene_t *self = scene_with (config);
    scene (self, "hello M quiet => welcome M\n"
                 "declare q 1000 => queue q ok\n"
                 "sink M => sink M ok\n"
                 "feed M => feed a 16\n"
                 "hello W => welcome W\n"
                 "lane W 1 => lane W ok\n"
                 "ready W =>\n"
                 "put a 1 => keep a0, push a0#1 W, credit a 939\n"
                 "done W a0#1 => result 1 a0#1 done, free a0\n"
                 "ack 1 =>\n"
                 "bye W => closed W, gone W bye 0 took 0");
    return self;
}

/* The same with workers A and B, whose lanes on q take so many tickets. */
static inline scene_t *scene_of_two_workers (const emp_core_config_t *config, unsigned window)
{
    scene_t *self = scene_of_one_queue (config);
    char lines[200];
    snprintf (lines, sizeof lines,
              "hello A => welcome A\nhello B => welcome B\n"
              "lane A %u => lane A ok\nlane B %u => lane B ok\nready A =>\nready B =>",
              window, window);
    scene (self, lines);
    return self;
}

#endif
