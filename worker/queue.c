/* SPDX-License-Identifier: BSD-3-Clause
 *
 * queue.c - see queue.h.
 */
#include "queue.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_WINDOW 1 /* the lane widens it when chunks turn out to be short */

const emp_lane_calls_t emp_lane_calls = {
    .open = emp_lane_new,
    .next = emp_lane_next,
    .release = emp_lane_release,
    .done = emp_lane_done,
    .close = emp_lane_destroy,
};

/* ---- what this thread got last ----------------------------------------------------------------------------------- */

static _Thread_local struct {
    const emp_worker_t *worker;
    emp_chunk_t *chunk;
    uint64_t number;
    uint32_t refusals; /* gets in a row that gave NULL */
    char label[EMP_LABEL_MAX + 1];
    char header[EMP_HEADER_MAX + 1];
} last;

static void remember (const emp_worker_t *worker, emp_chunk_t *chunk)
{
    if (last.worker != worker)
        memset (&last, 0, sizeof last);
    last.worker = worker;
    if (!chunk) {
        last.refusals++;
        return;
    }
    last.chunk = chunk;
    last.number = chunk->number;
    last.refusals = 0;
    last.header[0] = 0;
    memcpy (last.label, chunk->label, strlen (chunk->label) + 1);
}

static void forget (const emp_chunk_t *chunk)
{
    if (last.chunk == chunk)
        last.chunk = NULL;
}

emp_chunk_t *emp_worker_last_chunk (const emp_worker_t *self)
{
    return last.worker == self ? last.chunk : NULL;
}

const char *emp_worker_last_header (const emp_worker_t *self)
{
    if (last.worker != self || !last.label[0])
        return "";
    if (!last.header[0])
        emp_name_header (last.label, last.number, last.header);
    return last.header;
}

uint32_t emp_worker_refusals (const emp_worker_t *self)
{
    return last.worker == self ? last.refusals : 0;
}

/* ---- what the process has in hand -------------------------------------------------------------------------------- */

void emp_worker_init (emp_worker_t *self, const emp_lane_calls_t *calls, emp_session_t *session, emp_slotpage_t *page,
                      const char *name)
{
    *self = (emp_worker_t){.calls = calls, .session = session, .page = page, .name = name};
    pthread_mutex_init (&self->lock, NULL);
}

void emp_worker_release (emp_worker_t *self)
{
    if (last.worker == self)
        last.worker = NULL;
    pthread_mutex_destroy (&self->lock);
}

void emp_worker_say (const emp_worker_t *self, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    fprintf (stderr, "eisenmp: %s: %s\n", self->name, text);
}

/* The page names the ticket that the module was given last and has not given back. */
static void take_in_hand (emp_worker_t *self, emp_chunk_t *chunk)
{
    pthread_mutex_lock (&self->lock);
    chunk->before = NULL;
    chunk->after = self->in_hand;
    if (chunk->after)
        chunk->after->before = chunk;
    self->in_hand = chunk;
    atomic_store (&self->page->ticket, chunk->ticket);
    atomic_fetch_add (&self->page->chunks, 1);
    pthread_mutex_unlock (&self->lock);
}

static void put_out_of_hand (emp_worker_t *self, emp_chunk_t *chunk)
{
    pthread_mutex_lock (&self->lock);
    if (chunk->before)
        chunk->before->after = chunk->after;
    else
        self->in_hand = chunk->after;
    if (chunk->after)
        chunk->after->before = chunk->before;
    atomic_store (&self->page->ticket, self->in_hand ? self->in_hand->ticket : 0);
    pthread_mutex_unlock (&self->lock);
}

/* ---- the end of a chunk; the queue's lock is held ---------------------------------------------------------------- */

static emp_status_t send_end (emp_worker_queue_t *self, emp_chunk_t *chunk, emp_outcome_t outcome)
{
    if (!self->lane)
        return EMP_STOPPED;
    return self->worker->calls->done (self->lane, chunk->ticket, chunk->attempt, outcome, &chunk->result,
                                      emp_now () - chunk->got_us);
}

static void no_longer_open (emp_worker_queue_t *self)
{
    put_out_of_hand (self->worker, self->open);
    self->open = NULL;
    pthread_cond_signal (&self->given_back);
}

/* The module asks for the next chunk and has not said a word about this one: it never will. */
static void abandon (emp_worker_queue_t *self)
{
    emp_worker_t *worker = self->worker;
    emp_chunk_t *chunk = self->open;
    if (atomic_fetch_add (&worker->abandoned, 1) == 0)
        emp_worker_say (worker,
                        "the module asks %s for the next chunk and has not given %s back "
                        "(emp_chunk_done, emp_chunk_fail): it is refused",
                        self->base.name, emp_chunk_header (chunk));
    emp_buf_t reason;
    emp_buf_init (&reason, EMP_TEXT_MAX);
    emp_chunk_set_reason (&reason, "the module asked for the next chunk and had not given this one back");
    if (self->lane)
        worker->calls->done (self->lane, chunk->ticket, chunk->attempt, EMP_OUTCOME_REFUSED, &reason,
                             emp_now () - chunk->got_us);
    emp_buf_release (&reason);
    chunk->abandoned = true;
    forget (chunk);
    no_longer_open (self);
}

emp_status_t emp_worker_queue_end (emp_chunk_t *chunk, emp_outcome_t outcome)
{
    emp_worker_queue_t *self = chunk->queue;
    emp_worker_t *worker = self->worker;
    uint64_t rows = chunk->rows.count;
    forget (chunk);
    pthread_mutex_lock (&self->lock);
    bool stale = chunk->abandoned;
    emp_status_t status = stale ? EMP_STALE : send_end (self, chunk, outcome);
    if (status == EMP_OK && outcome == EMP_OUTCOME_DONE)
        atomic_fetch_add (&worker->rows_done, rows);
    worker->calls->release (chunk->frame);
    emp_chunk_clear (chunk);
    if (!stale) {
        no_longer_open (self);
        self->spare = chunk;
    } else
        emp_chunk_destroy (&chunk);
    pthread_mutex_unlock (&self->lock);
    return status;
}

/* ---- the next chunk; the queue's lock is held -------------------------------------------------------------------- */

/* No chunk will come any more. A queue that stopped, and a session that is down, need no words: all know. */
static void end_queue (emp_worker_queue_t *self, emp_status_t status)
{
    self->ended = status;
    pthread_cond_broadcast (&self->given_back); /* whoever waits for a turn has none to come */
    if (status == EMP_STOPPED)
        return;
    atomic_store (&self->worker->broken, true);
    if (status != EMP_SYSTEM)
        emp_worker_say (self->worker, "queue %s: %s", self->base.name, emp_status_text (status));
}

static bool open_lane (emp_worker_queue_t *self)
{
    emp_worker_t *worker = self->worker;
    if (self->lane)
        return true;
    emp_status_t status = worker->calls->open (worker->session, self->base.name, FIRST_WINDOW, &self->lane);
    if (status != EMP_OK)
        end_queue (self, status);
    return status == EMP_OK;
}

/* A chunk that cannot be unpacked is refused with the reason, so that the ticket ends and has a name. */
static void refuse_unread (emp_worker_queue_t *self, emp_chunk_t *chunk, const emp_lane_chunk_t *from,
                           emp_status_t status)
{
    char reason[128];
    snprintf (reason, sizeof reason, "the chunk's %zu bytes cannot be unpacked as a list of %u rows: %s", from->size,
              from->rows, emp_status_text (status));
    emp_chunk_set_reason (&chunk->result, reason);
    self->worker->calls->done (self->lane, from->ticket, from->attempt, EMP_OUTCOME_REFUSED, &chunk->result, 0);
    self->worker->calls->release (from->frame);
    emp_chunk_clear (chunk);
}

/* Fills `chunk` with the next chunk that can be read, however long that takes. False: there is none any more. */
static bool receive (emp_worker_queue_t *self, emp_chunk_t *chunk)
{
    for (;;) {
        emp_lane_chunk_t from;
        emp_status_t status = self->worker->calls->next (self->lane, true, &from);
        if (status != EMP_OK) {
            end_queue (self, status);
            return false;
        }
        status = emp_chunk_fill (chunk, &from);
        if (status == EMP_OK)
            return true;
        refuse_unread (self, chunk, &from, status);
    }
}

static emp_chunk_t *next_chunk (emp_worker_queue_t *self)
{
    if (self->ended != EMP_OK || atomic_load (&self->worker->closing) || !open_lane (self))
        return NULL;
    emp_chunk_t *chunk = self->spare ? self->spare : emp_chunk_new (self);
    self->spare = chunk;
    if (!chunk) {
        end_queue (self, EMP_NOMEM);
        return NULL;
    }
    if (!receive (self, chunk))
        return NULL;
    self->spare = NULL;
    self->open = chunk;
    chunk->owner = pthread_self ();
    chunk->got_us = emp_now ();
    take_in_hand (self->worker, chunk);
    return chunk;
}

/* Waits until no other thread has this queue's chunk in hand. False: this thread has dropped so many that it must
 * end. */
static bool wait_for_turn (emp_worker_queue_t *self)
{
    emp_worker_t *worker = self->worker;
    while (self->open && !atomic_load (&worker->closing)) {
        if (pthread_equal (self->open->owner, pthread_self ()))
            abandon (self);
        else
            pthread_cond_wait (&self->given_back, &self->lock);
    }
    if (atomic_load (&worker->abandoned) < EMP_ABANDONED_MAX)
        return true;
    if (!atomic_exchange (&worker->broken, true))
        emp_worker_say (worker, "the module has dropped %d chunks, this process ends", EMP_ABANDONED_MAX);
    return false;
}

static emp_chunk_t *get (emp_queue_t *base)
{
    emp_worker_queue_t *self = (emp_worker_queue_t *) base;
    pthread_mutex_lock (&self->lock);
    emp_chunk_t *chunk = wait_for_turn (self) ? next_chunk (self) : NULL;
    pthread_mutex_unlock (&self->lock);
    remember (self->worker, chunk);
    return chunk;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

emp_worker_queue_t *emp_worker_queue_new (emp_worker_t *worker, const char *name)
{
    emp_worker_queue_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    emp_queue_init (&self->base, name, get);
    self->worker = worker;
    pthread_mutex_init (&self->lock, NULL);
    pthread_cond_init (&self->given_back, NULL);
    return self;
}

void emp_worker_queue_close (emp_worker_queue_t *self)
{
    pthread_mutex_lock (&self->lock);
    if (self->lane)
        self->worker->calls->close (&self->lane);
    self->lane = NULL;
    if (self->ended == EMP_OK)
        self->ended = EMP_STOPPED;
    pthread_cond_broadcast (&self->given_back);
    pthread_mutex_unlock (&self->lock);
}

void emp_worker_queue_destroy (emp_worker_queue_t **self_p)
{
    emp_worker_queue_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    emp_worker_queue_close (self);
    if (self->open) {
        put_out_of_hand (self->worker, self->open);
        forget (self->open);
        self->worker->calls->release (self->open->frame);
        emp_chunk_destroy (&self->open);
    }
    emp_chunk_destroy (&self->spare);
    pthread_cond_destroy (&self->given_back);
    pthread_mutex_destroy (&self->lock);
    free (self);
}
