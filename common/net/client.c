/* SPDX-License-Identifier: BSD-3-Clause
 *
 * client.c - see client.h.
 */
#include "client.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- what this thread got last ----------------------------------------------------------------------------------- */

static _Thread_local struct {
    const emp_client_t *client;
    emp_chunk_t *chunk;
    uint64_t number, ticket;
    uint32_t refusals; /* gets in a row that gave NULL */
    char label[EMP_LABEL_MAX + 1];
    char header[EMP_HEADER_MAX + 1];
} last;

void emp_client_remember (const emp_client_t *self, emp_chunk_t *chunk)
{
    if (last.client != self)
        memset (&last, 0, sizeof last);
    last.client = self;
    if (!chunk) {
        last.refusals++;
        return;
    }
    last.chunk = chunk;
    last.number = chunk->number;
    last.ticket = chunk->ticket;
    last.refusals = 0;
    last.header[0] = 0;
    memcpy (last.label, chunk->label, strlen (chunk->label) + 1);
}

void emp_client_forget (const emp_chunk_t *chunk)
{
    if (last.chunk == chunk)
        last.chunk = NULL;
}

/* Another thread may have ended it, and it may hold the next ticket by now. */
emp_chunk_t *emp_client_last_chunk (emp_client_t *self)
{
    if (last.client != self || !last.chunk)
        return NULL;
    pthread_mutex_lock (&self->lock);
    emp_chunk_t *chunk = self->in_hand;
    while (chunk && chunk != last.chunk)
        chunk = chunk->after;
    bool same = chunk && chunk->ticket == last.ticket;
    pthread_mutex_unlock (&self->lock);
    return same ? chunk : NULL;
}

const char *emp_client_last_header (const emp_client_t *self)
{
    if (last.client != self || !last.label[0])
        return "";
    if (!last.header[0])
        emp_name_header (last.label, last.number, last.header);
    return last.header;
}

uint32_t emp_client_refusals (const emp_client_t *self)
{
    return last.client == self ? last.refusals : 0;
}

/* ---- what the process has in hand -------------------------------------------------------------------------------- */

void emp_client_init (emp_client_t *self, const emp_lane_calls_t *calls, emp_session_t *session, emp_slotpage_t *page,
                      const char *name)
{
    *self = (emp_client_t){.calls = calls, .session = session, .page = page ? page : &self->own_page, .name = name};
    pthread_mutex_init (&self->lock, NULL);
    pthread_cond_init (&self->left, NULL);
}

void emp_client_release (emp_client_t *self)
{
    if (last.client == self)
        last.client = NULL;
    pthread_cond_destroy (&self->left);
    pthread_mutex_destroy (&self->lock);
}

emp_session_t *emp_client_enter (emp_client_t *self)
{
    pthread_mutex_lock (&self->lock);
    emp_session_t *session = atomic_load (&self->closing) ? NULL : self->session;
    self->users += session != NULL;
    pthread_mutex_unlock (&self->lock);
    return session;
}

void emp_client_leave (emp_client_t *self)
{
    pthread_mutex_lock (&self->lock);
    if (--self->users == 0)
        pthread_cond_broadcast (&self->left);
    pthread_mutex_unlock (&self->lock);
}

void emp_client_wait (emp_client_t *self)
{
    pthread_mutex_lock (&self->lock);
    while (self->users)
        pthread_cond_wait (&self->left, &self->lock);
    pthread_mutex_unlock (&self->lock);
}

void emp_client_say (const emp_client_t *self, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    fprintf (stderr, "eisenmp: %s: %s\n", self->name, text);
}

/* The lock is held. */
static void tell_oldest (emp_client_t *self)
{
    const emp_chunk_t *chunk = self->oldest;
    emp_slotpage_set_oldest (self->page, chunk ? chunk->ticket : 0, chunk ? chunk->got_us : 0);
}

void emp_client_take_in_hand (emp_client_t *self, emp_chunk_t *chunk)
{
    pthread_mutex_lock (&self->lock);
    chunk->before = NULL;
    chunk->after = self->in_hand;
    if (chunk->after)
        chunk->after->before = chunk;
    self->in_hand = chunk;
    if (!chunk->after) {
        self->oldest = chunk;
        tell_oldest (self);
    }
    atomic_store (&self->page->ticket, chunk->ticket);
    atomic_fetch_add (&self->page->chunks, 1);
    pthread_mutex_unlock (&self->lock);
}

void emp_client_put_out_of_hand (emp_client_t *self, emp_chunk_t *chunk)
{
    pthread_mutex_lock (&self->lock);
    if (chunk->before)
        chunk->before->after = chunk->after;
    else
        self->in_hand = chunk->after;
    if (chunk->after)
        chunk->after->before = chunk->before;
    atomic_store (&self->page->ended, chunk->ticket);
    if (self->oldest == chunk) {
        self->oldest = chunk->before;
        tell_oldest (self);
    }
    atomic_store (&self->page->ticket, self->in_hand ? self->in_hand->ticket : 0);
    pthread_mutex_unlock (&self->lock);
}

const emp_chunk_t *emp_client_held (emp_client_t *self)
{
    pthread_mutex_lock (&self->lock);
    const emp_chunk_t *chunk = self->in_hand;
    while (chunk && !pthread_equal (chunk->owner, pthread_self ()))
        chunk = chunk->after;
    pthread_mutex_unlock (&self->lock);
    return chunk;
}

/* ---- the screen -------------------------------------------------------------------------------------------------- */

emp_status_t emp_client_print (emp_client_t *self, const char *text, size_t size)
{
    size = size < EMP_PRINT_MAX ? size : EMP_PRINT_MAX;
    if (!self->session)
        return fwrite (text, 1, size, stderr) == size ? EMP_OK : EMP_SYSTEM;
    emp_session_t *session = emp_client_enter (self);
    if (!session)
        return EMP_STOPPED;
    emp_control_t message = {.kind = EMP_MSG_PRINT, .blob = text, .blob_size = size};
    snprintf (message.name, sizeof message.name, "%s", self->name);
    emp_status_t status = emp_session_send (session, &message);
    emp_client_leave (self);
    return status;
}
