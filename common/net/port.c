/* SPDX-License-Identifier: BSD-3-Clause
 *
 * port.c - see port.h.
 */
#include "port.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../scan.h"
#include "../thread.h"
#include "defaults.h"
#include "tools.h"

#define FIRST_WINDOW 1 /* the lane widens it when chunks turn out to be short */

const emp_lane_calls_t emp_lane_calls = {
    .open = emp_lane_new,
    .next = emp_lane_next,
    .release = emp_lane_release,
    .done = emp_lane_done,
    .close = emp_lane_destroy,
};

/* ---- the end of a chunk; the queue's lock is held ---------------------------------------------------------------- */

static emp_status_t send_end (emp_port_t *self, const emp_chunk_t *chunk, emp_outcome_t outcome, emp_buf_t *result)
{
    if (!self->lane)
        return EMP_STOPPED;
    emp_lane_end_t end = {.ticket = chunk->ticket,
                          .attempt = chunk->attempt,
                          .outcome = outcome,
                          .hash = chunk->hash,
                          .busy_us = emp_now () - chunk->got_us};
    return self->client->calls->done (self->lane, &end, result);
}

static void no_longer_open (emp_port_t *self)
{
    emp_client_put_out_of_hand (self->client, self->open);
    self->open = NULL;
    pthread_cond_signal (&self->given_back);
}

/* The module asks for the next chunk and has not said a word about this one: it never will. */
static void abandon (emp_port_t *self)
{
    emp_client_t *client = self->client;
    emp_chunk_t *chunk = self->open;
    if (atomic_fetch_add (&client->abandoned, 1) == 0)
        emp_client_say (client,
                        "the module asks %s for the next chunk and has not given %s back "
                        "(emp_chunk_done, emp_chunk_fail): it is refused",
                        self->base.name, emp_chunk_header (chunk));
    emp_buf_t reason;
    emp_buf_init (&reason, EMP_TEXT_MAX);
    emp_chunk_set_reason (&reason, "the module asked for the next chunk and had not given this one back");
    send_end (self, chunk, EMP_OUTCOME_REFUSED, &reason);
    emp_buf_release (&reason);
    chunk->abandoned = true;
    emp_client_forget (chunk);
    no_longer_open (self);
}

emp_status_t emp_port_end_chunk (emp_chunk_t *chunk, emp_outcome_t outcome)
{
    emp_port_t *self = chunk->queue;
    emp_client_t *client = self->client;
    uint64_t rows = chunk->rows.count;
    emp_client_forget (chunk);
    if (!chunk->ticket) { /* of mp_tools_q: nobody waits for an answer */
        emp_chunk_destroy (&chunk);
        return EMP_OK;
    }
    pthread_mutex_lock (&self->lock);
    bool stale = chunk->abandoned;
    emp_status_t status = stale ? EMP_STALE : send_end (self, chunk, outcome, &chunk->result);
    if (status == EMP_OK && outcome == EMP_OUTCOME_DONE)
        atomic_fetch_add (&client->rows_done, rows);
    client->calls->release (chunk->frame);
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
static void end_queue (emp_port_t *self, emp_status_t status)
{
    self->ended = status;
    pthread_cond_broadcast (&self->given_back); /* whoever waits for a turn has none to come */
    if (status == EMP_STOPPED)
        return;
    atomic_store (&self->client->broken, true);
    if (status != EMP_SYSTEM)
        emp_client_say (self->client, "queue %s: %s", self->base.name, emp_status_text (status));
}

static bool open_lane (emp_port_t *self)
{
    emp_client_t *client = self->client;
    if (self->lane)
        return true;
    emp_status_t status = client->calls->open (client->session, self->base.name, FIRST_WINDOW, &self->lane);
    if (status != EMP_OK)
        end_queue (self, status);
    return status == EMP_OK;
}

/* A chunk that cannot be unpacked is refused with the reason, so that the ticket ends and has a name. */
static void refuse_unread (emp_port_t *self, emp_chunk_t *chunk, const emp_lane_chunk_t *from, emp_status_t status)
{
    char reason[128];
    snprintf (reason, sizeof reason, "the chunk's %zu bytes cannot be unpacked as a list of %u rows: %s", from->size,
              from->rows, emp_status_text (status));
    emp_chunk_set_reason (&chunk->result, reason);
    emp_lane_end_t end = {.ticket = from->ticket, .attempt = from->attempt, .outcome = EMP_OUTCOME_REFUSED};
    self->client->calls->done (self->lane, &end, &chunk->result);
    self->client->calls->release (from->frame);
    emp_chunk_clear (chunk);
}

/* Fills `chunk` with the next chunk that can be read. EMP_TIMEOUT; else there is none any more. */
static emp_status_t receive (emp_port_t *self, emp_chunk_t *chunk, uint64_t until)
{
    for (;;) {
        emp_lane_chunk_t from;
        emp_status_t status = self->client->calls->next (self->lane, until, &from);
        if (status == EMP_TIMEOUT)
            return status;
        if (status != EMP_OK) {
            end_queue (self, status);
            return status;
        }
        status = emp_chunk_fill (chunk, &from);
        if (status == EMP_OK)
            return EMP_OK;
        refuse_unread (self, chunk, &from, status);
    }
}

static emp_status_t next_chunk (emp_port_t *self, uint64_t until, emp_chunk_t **ret_chunk)
{
    if (self->ended == EMP_OK && atomic_load (&self->client->closing))
        return EMP_STOPPED;
    if (self->ended != EMP_OK || !open_lane (self))
        return self->ended;
    emp_chunk_t *chunk = self->spare ? self->spare : emp_chunk_new (self);
    self->spare = chunk;
    if (!chunk) {
        end_queue (self, EMP_NOMEM);
        return EMP_NOMEM;
    }
    emp_status_t status = receive (self, chunk, until);
    if (status != EMP_OK)
        return status;
    self->spare = NULL;
    self->open = chunk;
    chunk->owner = pthread_self ();
    chunk->got_us = emp_now ();
    emp_client_take_in_hand (self->client, chunk);
    *ret_chunk = chunk;
    return EMP_OK;
}

/* Waits until no other thread has this queue's chunk in hand. EMP_SYSTEM: this thread has dropped so many that it must
 * end. */
static emp_status_t wait_for_turn (emp_port_t *self, uint64_t until)
{
    emp_client_t *client = self->client;
    while (self->open && !atomic_load (&client->closing)) {
        if (pthread_equal (self->open->owner, pthread_self ()))
            abandon (self);
        else if (!emp_thread_wait (&self->given_back, &self->lock, until))
            return EMP_TIMEOUT;
    }
    if (atomic_load (&client->abandoned) < EMP_ABANDONED_MAX)
        return EMP_OK;
    if (!atomic_exchange (&client->broken, true))
        emp_client_say (client, "the module has dropped %d chunks, this process ends", EMP_ABANDONED_MAX);
    return EMP_SYSTEM;
}

static emp_status_t get (emp_queue_t *base, uint64_t until, emp_chunk_t **ret_chunk)
{
    emp_port_t *self = (emp_port_t *) base;
    emp_client_t *client = self->client; /* a manager may be gone when this thread has let go of the lock */
    if (!emp_thread_lock (&self->lock, until))
        return EMP_TIMEOUT;
    emp_status_t status = wait_for_turn (self, until);
    if (status == EMP_OK)
        status = next_chunk (self, until, ret_chunk);
    if (!self->open)
        pthread_cond_signal (&self->given_back); /* the turn that was given to this thread is another's */
    pthread_mutex_unlock (&self->lock);
    if (status != EMP_TIMEOUT)
        emp_client_remember (client, *ret_chunk);
    return status;
}

/* ---- puts; the put lock is held ---------------------------------------------------------------------------------- */

static emp_status_t open_feed (emp_port_t *self)
{
    if (atomic_load (&self->put_stop) && self->put_ended == EMP_OK)
        return EMP_STOPPED;
    if (self->feed || self->put_ended != EMP_OK)
        return self->put_ended;
    emp_client_t *client = self->client;
    if (!client->session || atomic_load (&client->closing))
        return EMP_STATE;
    emp_status_t status = emp_feed_new (client->session, self->base.name, self->base.label, &self->feed);
    if (status == EMP_OK)
        emp_feed_stop_by (self->feed, &self->put_stop);
    if (status == EMP_OK && self->opened)
        status = self->opened (self->arg, self, emp_feed_id (self->feed));
    if (status != EMP_OK) {
        emp_feed_destroy (&self->feed);
        self->put_ended = status == EMP_TIMEOUT ? EMP_OK : status;
    }
    return status;
}

static emp_status_t put_chunk (emp_port_t *self, emp_buf_t *chunk, uint32_t rows, uint64_t until)
{
    emp_status_t status = open_feed (self);
    uint64_t number;
    if (status == EMP_OK)
        status = emp_feed_put (self->feed, chunk, rows, until, &number);
    if (status != EMP_OK)
        return status == EMP_TIMEOUT ? EMP_FULL : status;
    atomic_fetch_add (&self->tickets, 1);
    atomic_fetch_add (&self->rows, rows);
    return EMP_OK;
}

/* The rows as one msgpack list, in the caller's empty buffer. */
static emp_status_t pack_chunk (const void *rows, size_t size, emp_buf_t *chunk, uint32_t *ret_count)
{
    size_t count = 0;
    if (size > EMP_CHUNK_BYTES_MAX)
        return EMP_TOOBIG;
    emp_status_t status = emp_scan (rows, size, EMP_SCAN_OBJECTS_MAX, &count);
    if (status != EMP_OK || count == 0)
        return status != EMP_OK ? status : EMP_MALFORMED;
    if (count > EMP_ROWS_MAX_LIMIT)
        return EMP_TOOBIG;
    msgpack_packer pk;
    msgpack_packer_init (&pk, chunk, emp_buf_write);
    msgpack_pack_array (&pk, count);
    *ret_count = (uint32_t) count;
    return emp_buf_append (chunk, rows, size);
}

static emp_status_t put (emp_queue_t *base, const void *rows, size_t size, uint64_t until)
{
    emp_port_t *self = (emp_port_t *) base;
    uint32_t count;
    emp_buf_t chunk;
    emp_buf_init (&chunk, EMP_CHUNK_BYTES_MAX);
    emp_status_t status = pack_chunk (rows, size, &chunk, &count);
    if (status == EMP_OK && !emp_thread_lock (&self->put_lock, until))
        status = EMP_FULL;
    else if (status == EMP_OK) {
        status = put_chunk (self, &chunk, count, until);
        pthread_mutex_unlock (&self->put_lock);
    }
    emp_buf_release (&chunk);
    return status;
}

static emp_status_t count (emp_queue_t *base, uint64_t *ret_waiting, uint64_t *ret_maxsize)
{
    emp_client_t *client = ((emp_port_t *) base)->client;
    emp_session_t *session = emp_client_enter (client);
    if (!session)
        return EMP_STATE;
    emp_status_t status = emp_session_count (session, base->name, ret_waiting, ret_maxsize);
    emp_client_leave (client);
    return status;
}

const emp_queue_calls_t emp_port_calls = {.get = get, .put = put, .count = count};

/* ---- life -------------------------------------------------------------------------------------------------------- */

emp_port_t *emp_port_new (emp_client_t *client, const char *name)
{
    emp_port_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    emp_queue_init (&self->base, name, emp_port_calls_of (name));
    self->client = client;
    pthread_mutex_init (&self->lock, NULL);
    pthread_mutex_init (&self->put_lock, NULL);
    emp_thread_cond_init (&self->given_back);
    return self;
}

uint32_t emp_port_end_puts (emp_port_t *self)
{
    if (!atomic_exchange (&self->put_stop, true) && self->client->session)
        emp_session_wake_feeds (self->client->session);
    pthread_mutex_lock (&self->put_lock);
    uint32_t feed = self->feed ? emp_feed_id (self->feed) : 0;
    emp_feed_destroy (&self->feed);
    if (self->put_ended == EMP_OK)
        self->put_ended = EMP_STOPPED;
    pthread_mutex_unlock (&self->put_lock);
    return feed;
}

void emp_port_close (emp_port_t *self)
{
    emp_port_end_puts (self);
    pthread_mutex_lock (&self->lock);
    if (self->lane)
        self->client->calls->close (&self->lane);
    self->lane = NULL;
    if (self->ended == EMP_OK)
        self->ended = EMP_STOPPED;
    pthread_cond_broadcast (&self->given_back);
    pthread_mutex_unlock (&self->lock);
}

void emp_port_destroy (emp_port_t **self_p)
{
    emp_port_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    emp_port_close (self);
    if (self->open) {
        emp_client_put_out_of_hand (self->client, self->open);
        emp_client_forget (self->open);
        self->client->calls->release (self->open->frame);
        emp_chunk_destroy (&self->open);
    }
    emp_chunk_destroy (&self->spare);
    emp_tools_release (self);
    pthread_cond_destroy (&self->given_back);
    pthread_mutex_destroy (&self->lock);
    pthread_mutex_destroy (&self->put_lock);
    free (self);
}
