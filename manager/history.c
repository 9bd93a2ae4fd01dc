/* SPDX-License-Identifier: BSD-3-Clause
 *
 * history.c - two tables that only grow: workers, in blocks, found by a hash of their session; attempts. See history.h.
 */
#include "history.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../common/how.h"
#include "../common/utf8.h"

#define BLOCK 64u /* workers */
#define BLOCKS (EMP_HISTORY_WORKERS_MAX / BLOCK + 1)

typedef struct {
    emp_try_t shown;
    char *reason; /* NULL: there is none */
} kept_t;

struct emp_history {
    pthread_mutex_t lock;
    emp_worker_t *blocks[BLOCKS]; /* worker n is the (n - 1)-th of all */
    uint32_t workers;
    uint32_t *by_session; /* numbers of workers, 0: free; open addressing, at most half full */
    uint32_t room;        /* a power of two */
    uint32_t last;        /* the worker that was asked for last */
    kept_t *attempts;
    uint64_t count, attempts_room, more;
    uint64_t text; /* bytes of reasons */
};

emp_history_t *emp_history_new (void)
{
    emp_history_t *self = calloc (1, sizeof *self);
    if (self && pthread_mutex_init (&self->lock, NULL)) {
        free (self);
        return NULL;
    }
    return self;
}

void emp_history_destroy (emp_history_t **self_p)
{
    assert (self_p);
    emp_history_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < BLOCKS; i++)
        free (self->blocks[i]);
    free (self->by_session);
    for (uint64_t i = 0; i < self->count; i++)
        free (self->attempts[i].reason);
    free (self->attempts);
    pthread_mutex_destroy (&self->lock);
    free (self);
}

/* ---- workers ------------------------------------------------------------------------------------------------------ */

static emp_worker_t *worker_at (const emp_history_t *self, uint32_t worker)
{
    return &self->blocks[(worker - 1) / BLOCK][(worker - 1) % BLOCK];
}

/* Sessions are random numbers. */
static uint32_t place_of (const emp_history_t *self, uint64_t session)
{
    uint32_t place = (uint32_t) (session ^ session >> 32) & (self->room - 1);
    while (self->by_session[place] && worker_at (self, self->by_session[place])->session != session)
        place = (place + 1) & (self->room - 1);
    return place;
}

static bool grow (emp_history_t *self)
{
    uint32_t *old = self->by_session;
    uint32_t *table = calloc (self->room ? (size_t) self->room * 2 : 64, sizeof *table);
    if (!table)
        return false;
    self->room = self->room ? self->room * 2 : 64;
    self->by_session = table;
    free (old);
    for (uint32_t worker = 1; worker <= self->workers; worker++)
        table[place_of (self, worker_at (self, worker)->session)] = worker;
    return true;
}

static uint32_t add_worker (emp_history_t *self, uint64_t session)
{
    if (self->workers == EMP_HISTORY_WORKERS_MAX || (self->workers + 1 > self->room / 2 && !grow (self)))
        return 0;
    emp_worker_t **block = &self->blocks[self->workers / BLOCK];
    if (!*block && !(*block = calloc (BLOCK, sizeof **block)))
        return 0;
    uint32_t place = place_of (self, session);
    worker_at (self, ++self->workers)->session = session;
    return self->by_session[place] = self->workers;
}

static uint32_t require_worker (emp_history_t *self, uint64_t session)
{
    if (session == 0)
        return 0;
    if (self->last && worker_at (self, self->last)->session == session)
        return self->last;
    uint32_t worker = self->room ? self->by_session[place_of (self, session)] : 0;
    if (!worker)
        worker = add_worker (self, session);
    if (worker)
        self->last = worker;
    return worker;
}

uint32_t emp_history_worker (emp_history_t *self, uint64_t session)
{
    assert (self);
    pthread_mutex_lock (&self->lock);
    uint32_t worker = require_worker (self, session);
    pthread_mutex_unlock (&self->lock);
    return worker;
}

void emp_history_joined (emp_history_t *self, uint64_t session, const char *name, const char *host, uint32_t pid)
{
    assert (self && name && host);
    pthread_mutex_lock (&self->lock);
    uint32_t number = require_worker (self, session);
    if (number) {
        emp_worker_t *worker = worker_at (self, number);
        worker->pid = pid;
        snprintf (worker->name, sizeof worker->name, "%s", name);
        snprintf (worker->host, sizeof worker->host, "%s", host);
    }
    pthread_mutex_unlock (&self->lock);
}

void emp_history_worker_at (emp_history_t *self, uint32_t worker, emp_worker_t *ret_worker)
{
    assert (self && ret_worker);
    pthread_mutex_lock (&self->lock);
    if (worker > 0 && worker <= self->workers)
        *ret_worker = *worker_at (self, worker);
    else
        *ret_worker = (emp_worker_t){0};
    pthread_mutex_unlock (&self->lock);
}

uint32_t emp_history_workers (emp_history_t *self)
{
    pthread_mutex_lock (&self->lock);
    uint32_t workers = self->workers;
    pthread_mutex_unlock (&self->lock);
    return workers;
}

/* ---- attempts ------------------------------------------------------------------------------------------------------ */

/* Bytes of a text that are kept: whole characters of it, without the line's end. */
static size_t kept_of (const char *text)
{
    size_t size = strlen (text);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    if (size <= EMP_HISTORY_REASON_MAX)
        return size;
    const uint8_t *at = (const uint8_t *) text, *end = at + size;
    size_t kept = 0;
    for (uint32_t code; kept < EMP_HISTORY_REASON_MAX;) {
        size_t step = emp_utf8_step (at + kept, end, &code);
        step = step ? step : 1;
        if (kept + step > EMP_HISTORY_REASON_MAX)
            break;
        kept += step;
    }
    return kept;
}

/* What the broker says, or else how its holder ended. */
static char *copy_reason (emp_history_t *self, const emp_control_t *message)
{
    char how[EMP_HOW_TEXT_MAX + 1];
    const char *text = message->text;
    if (!*text && message->ended == EMP_ATTEMPT_FAILED) {
        emp_how_text (message->how, message->code, how);
        text = how;
    }
    size_t size = kept_of (text);
    if (size == 0 || size > EMP_HISTORY_TEXT_MAX - self->text)
        return NULL;
    char *copy = strndup (text, size);
    self->text += copy ? size : 0;
    return copy;
}

static bool require_attempt (emp_history_t *self)
{
    if (self->count < self->attempts_room)
        return true;
    if (self->count == EMP_HISTORY_ATTEMPTS_MAX)
        return false;
    uint64_t room = self->attempts_room ? self->attempts_room * 2 : 64;
    room = room < EMP_HISTORY_ATTEMPTS_MAX ? room : EMP_HISTORY_ATTEMPTS_MAX;
    kept_t *attempts = realloc (self->attempts, room * sizeof *attempts);
    if (!attempts)
        return false;
    self->attempts = attempts;
    self->attempts_room = room;
    return true;
}

void emp_history_attempt (emp_history_t *self, const emp_control_t *message, uint64_t at)
{
    assert (self && message);
    pthread_mutex_lock (&self->lock);
    if (require_attempt (self)) {
        kept_t *kept = &self->attempts[self->count++];
        kept->reason = copy_reason (self, message);
        kept->shown = (emp_try_t){.feed = message->id,
                                  .attempt = message->attempt,
                                  .number = message->window,
                                  .from = message->from,
                                  .rows = message->rows,
                                  .worker = require_worker (self, message->session),
                                  .ended = message->ended,
                                  .how = message->how,
                                  .code = message->code,
                                  .at = at,
                                  .reason = kept->reason ? kept->reason : ""};
    } else
        self->more++;
    pthread_mutex_unlock (&self->lock);
}

bool emp_history_attempt_at (emp_history_t *self, uint64_t i, emp_try_t *ret_try)
{
    assert (self && ret_try);
    pthread_mutex_lock (&self->lock);
    bool there = i < self->count;
    if (there)
        *ret_try = self->attempts[i].shown;
    pthread_mutex_unlock (&self->lock);
    return there;
}

uint64_t emp_history_attempts (emp_history_t *self, uint64_t *ret_more)
{
    assert (self && ret_more);
    pthread_mutex_lock (&self->lock);
    *ret_more = self->more;
    uint64_t all = self->count + self->more;
    pthread_mutex_unlock (&self->lock);
    return all;
}

const char *emp_history_end_word (emp_attempt_end_t ended)
{
    switch (ended) {
    case EMP_ATTEMPT_FAILED: return "failed";
    case EMP_ATTEMPT_REFUSED: return "refused";
    case EMP_ATTEMPT_RETURNED: return "returned";
    case EMP_ATTEMPT_HANDED: return "handed over";
    case EMP_ATTEMPT_COPIED: return "copied";
    case EMP_ATTEMPT_HALVED: return "halved";
    case EMP_ATTEMPT_OVERTAKEN: return "overtaken";
    case EMP_ATTEMPT_LATE: return "late";
    }
    return "?";
}
