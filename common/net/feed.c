/* SPDX-License-Identifier: BSD-3-Clause
 *
 * feed.c - a producer's end of a queue: chunks go by a PUSH to its intake, as many as there is put credit.
 *
 * What it decides is ../producer.c.
 * Put credit comes by the door to the I/O thread, which raises `credit`; put () looks at it without a lock and sleeps on
 * the session's condition when it is used up. One user at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "../thread.h"
#include "session_inner.h"

#define KEEP_BACK_US 20u   /* chunks that come faster than this travel together */
#define ANSWER_US 1000000u /* for the broker's word on a wait that ends */
#define RETRY_US 1000u     /* until the outbox may have room for a question again */

static bool is_over (emp_feed_t *self)
{
    const emp_session_t *session = self->session;
    return atomic_load (&self->over) || atomic_load (&session->feeds_stopped) || atomic_load (&session->down) ||
           (self->stop && atomic_load (self->stop));
}

void emp_feed_stop_by (emp_feed_t *self, const _Atomic bool *stop)
{
    self->stop = stop;
}

static bool is_dry (emp_feed_t *self)
{
    return emp_producer_is_dry (&self->producer, atomic_load (&self->credit));
}

static emp_status_t say (emp_feed_t *self, emp_kind_t kind)
{
    emp_control_t message = {.kind = kind, .id = self->id, .window = self->producer.put};
    return emp_session_send (self->session, &message);
}

static emp_status_t ask (emp_feed_t *self)
{
    if (!emp_producer_asks (&self->producer))
        return EMP_OK;
    pthread_mutex_lock (&self->session->lock);
    self->answered = false;
    pthread_mutex_unlock (&self->session->lock);
    emp_status_t status = say (self, EMP_MSG_WANT);
    if (status == EMP_OK)
        emp_producer_asked (&self->producer);
    return status;
}

/* Sleeps until there is credit, or, when the broker was told that nobody waits, until it has said that there is none. */
static void await_credit (emp_feed_t *self, uint64_t until)
{
    emp_session_t *session = self->session;
    pthread_mutex_lock (&session->lock);
    bool in_time = true;
    while (!emp_producer_heard (&self->producer, atomic_load (&self->credit), self->answered) && !is_over (self) &&
           in_time)
        in_time = emp_thread_wait (&session->changed, &session->lock, until);
    emp_producer_settle (&self->producer, atomic_load (&self->credit), self->answered);
    pthread_mutex_unlock (&session->lock);
}

/* Credit that came behind our back would be missing to others for as long as we put nothing: so who waits no longer tells the
 * broker, and hears what there is. */
static void stop_waiting (emp_feed_t *self)
{
    if (emp_producer_takes_back (&self->producer) && say (self, EMP_MSG_UNWANT) == EMP_OK)
        emp_producer_took_back (&self->producer);
    await_credit (self, emp_now () + ANSWER_US);
}

static emp_status_t wait_for_credit (emp_feed_t *self, uint64_t until)
{
    if (!is_dry (self)) {
        /* What was asked for may have come while nobody waited for it. */
        emp_producer_settle (&self->producer, atomic_load (&self->credit), false);
        return is_over (self) ? EMP_STOPPED : EMP_OK;
    }
    emp_status_t status = emp_batch_flush (&self->batch);
    if (status != EMP_OK)
        return status;
    do {
        status = ask (self);
        if (status != EMP_OK && status != EMP_FULL)
            return status;
        uint64_t again = emp_now () + RETRY_US;
        await_credit (self, status == EMP_OK || until < again ? until : again);
    } while (is_dry (self) && !is_over (self) && (until == UINT64_MAX || emp_now () < until));
    if (self->producer.wanted && !is_over (self))
        stop_waiting (self);
    self->last_us = emp_now ();
    return is_over (self) ? EMP_STOPPED : is_dry (self) ? EMP_TIMEOUT : EMP_OK;
}

/* True while chunks come fast. */
static bool may_wait (emp_feed_t *self, uint64_t now)
{
    uint64_t took = now - self->last_us;
    self->last_us = now;
    self->average_us = (self->average_us * 3 + took) / 4;
    return self->average_us <= KEEP_BACK_US && took <= KEEP_BACK_US;
}

emp_status_t emp_feed_put (emp_feed_t *self, emp_buf_t *chunk, uint32_t rows, uint64_t until, uint64_t *ret_number)
{
    if (self->producer.ended)
        return EMP_STATE;
    if (chunk->size > EMP_CHUNK_BYTES_MAX)
        return EMP_TOOBIG;
    uint64_t now = emp_now ();
    bool keep = may_wait (self, now);
    emp_status_t status = wait_for_credit (self, until);
    if (status != EMP_OK)
        return status;
    emp_part_t part = {.rows = rows};
    status = emp_batch_add (&self->batch, &part, chunk, keep, now);
    if (status == EMP_OK) {
        *ret_number = emp_producer_put (&self->producer);
        /* Before the DONE of the ticket in hand, and never of what was not sent: queues wait for what is announced. */
        atomic_fetch_add (&self->session->puts, 1);
    }
    return status;
}

emp_status_t emp_feed_skip (emp_feed_t *self)
{
    emp_status_t status = emp_batch_flush (&self->batch); /* the numbers of a message follow each other */
    if (status == EMP_OK)
        status = emp_producer_skip (&self->producer);
    if (status != EMP_OK)
        return status;
    pthread_mutex_lock (&self->batch.lock);
    self->batch.wire.first++;
    self->batch.wire.skipped++;
    pthread_mutex_unlock (&self->batch.lock);
    return EMP_OK;
}

emp_status_t emp_feed_end (emp_feed_t *self)
{
    if (self->producer.ended)
        return EMP_OK;
    self->producer.ended = true;
    pthread_mutex_lock (&self->batch.lock);
    self->batch.wire.end = true;
    pthread_mutex_unlock (&self->batch.lock);
    return emp_batch_flush (&self->batch);
}

/* The broker has the feed already, and waits for its end, which can be said by no other way. */
static emp_status_t open_batch (emp_feed_t *self, const char *intake)
{
    emp_status_t status = emp_batch_init (&self->batch, self->session, EMP_WIRE_PUT, intake);
    if (status != EMP_OK)
        emp_session_break (self->session);
    return status;
}

emp_status_t emp_feed_new (emp_session_t *session, const char *queue, const char *label, emp_feed_t **ret_self)
{
    emp_feed_t *self = calloc (1, sizeof *self);
    if (!self)
        return EMP_NOMEM;
    self->session = session;
    self->producer.fed_ahead = session->role == EMP_ROLE_MANAGER;
    emp_control_t question = {.kind = EMP_MSG_OPEN_FEED};
    snprintf (question.name, sizeof question.name, "%s", queue);
    snprintf (question.text, sizeof question.text, "%s", label);
    emp_control_t answer;
    emp_status_t status = emp_session_ask (session, &question, EMP_MSG_FEED, self, &answer);
    if (status == EMP_OK)
        status = answer.status;
    if (status == EMP_OK)
        status = open_batch (self, answer.intake);
    self->batch.wire.feed = self->id;
    self->average_us = UINT32_MAX; /* slow, until it has shown to be fast */
    self->last_us = emp_now ();
    if (status == EMP_OK)
        *ret_self = self;
    else
        emp_feed_destroy (&self);
    return status;
}

static void forget (emp_feed_t *self)
{
    emp_session_t *session = self->session;
    pthread_mutex_lock (&session->lock);
    for (emp_feed_t **at = &session->feeds; *at; at = &(*at)->next)
        if (*at == self) {
            *at = self->next;
            break;
        }
    pthread_mutex_unlock (&session->lock);
}

void emp_feed_destroy (emp_feed_t **self_p)
{
    emp_feed_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->batch.push)
        emp_feed_end (self);
    self->batch.wire.end = false; /* that was said */
    emp_batch_release (&self->batch);
    forget (self);
    free (self);
}

uint32_t emp_feed_id (const emp_feed_t *self)
{
    return self->id;
}
