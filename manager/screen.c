/* SPDX-License-Identifier: BSD-3-Clause
 *
 * screen.c - the terminal and the thread that writes to it. See screen.h.
 */
#include "screen.h"

#include <pthread.h>
#include <stdlib.h>

#include "../common/buf.h"
#include "../common/net/socket.h"
#include "../common/thread.h"

struct emp_screen {
    FILE *out;
    pthread_t thread;
    emp_progress_t progress; /* the thread's alone, but `live` at the start */
    pthread_mutex_t lock;    /* everything below */
    pthread_cond_t work, rest;
    emp_buf_t texts;
    uint64_t dropped;
    emp_progress_state_t state;
    bool state_is_new, erase, live, busy, end;
};

static void write_texts (emp_screen_t *self, const emp_buf_t *texts, uint64_t dropped)
{
    if (texts->size == 0 && !dropped)
        return;
    emp_progress_erase (&self->progress);
    if (texts->size)
        fwrite (texts->data, 1, texts->size, self->out);
    if (dropped)
        fprintf (self->out, "eisenmp: %llu texts were dropped: they came faster than they could be written\n",
                 (unsigned long long) dropped);
    fflush (self->out);
}

static bool has_work (const emp_screen_t *self)
{
    return self->texts.size || self->dropped || self->state_is_new || self->erase;
}

/* One round, called and left under the lock, which is not held while it writes. */
static void write_round (emp_screen_t *self)
{
    emp_buf_t texts = self->texts;
    uint64_t dropped = self->dropped;
    emp_progress_state_t state = self->state;
    bool show = self->state_is_new && self->live && !self->erase, erase = self->erase;
    emp_buf_init (&self->texts, EMP_SCREEN_MAX);
    self->dropped = 0;
    self->state_is_new = self->erase = false;
    self->busy = true;
    pthread_mutex_unlock (&self->lock);
    write_texts (self, &texts, dropped);
    emp_buf_release (&texts);
    if (show)
        emp_progress_show (&self->progress, &state, emp_now () / 1000);
    if (erase)
        emp_progress_erase (&self->progress);
    pthread_mutex_lock (&self->lock);
    self->busy = false;
    pthread_cond_broadcast (&self->rest);
}

static void *screen_thread (void *arg)
{
    emp_screen_t *self = arg;
    pthread_mutex_lock (&self->lock);
    while (has_work (self) || !self->end) {
        while (!has_work (self) && !self->end)
            pthread_cond_wait (&self->work, &self->lock);
        if (has_work (self))
            write_round (self);
    }
    pthread_mutex_unlock (&self->lock);
    return NULL;
}

emp_screen_t *emp_screen_new (FILE *out)
{
    emp_screen_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->out = out;
    emp_buf_init (&self->texts, EMP_SCREEN_MAX);
    pthread_mutex_init (&self->lock, NULL);
    pthread_cond_init (&self->work, NULL);
    pthread_cond_init (&self->rest, NULL);
    emp_progress_init (&self->progress, out, false);
    if (emp_thread_start (&self->thread, "emp-screen", screen_thread, self))
        return self;
    pthread_cond_destroy (&self->rest);
    pthread_cond_destroy (&self->work);
    pthread_mutex_destroy (&self->lock);
    free (self);
    return NULL;
}

void emp_screen_destroy (emp_screen_t **self_p)
{
    emp_screen_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&self->lock);
    self->end = self->erase = true;
    pthread_cond_signal (&self->work);
    pthread_mutex_unlock (&self->lock);
    pthread_join (self->thread, NULL);
    emp_buf_release (&self->texts);
    pthread_cond_destroy (&self->rest);
    pthread_cond_destroy (&self->work);
    pthread_mutex_destroy (&self->lock);
    free (self);
}

void emp_screen_enable_progress (emp_screen_t *self)
{
    pthread_mutex_lock (&self->lock);
    emp_progress_init (&self->progress, self->out, true); /* before the first state there is nothing to show */
    self->live = self->progress.live;
    pthread_mutex_unlock (&self->lock);
}

bool emp_screen_is_live (emp_screen_t *self)
{
    pthread_mutex_lock (&self->lock);
    bool live = self->live;
    pthread_mutex_unlock (&self->lock);
    return live;
}

void emp_screen_say (emp_screen_t *self, const char *text, size_t size)
{
    bool open = size == 0 || text[size - 1] != '\n';
    pthread_mutex_lock (&self->lock);
    if (size + open > EMP_SCREEN_MAX - self->texts.size || emp_buf_reserve (&self->texts, size + open) != EMP_OK)
        self->dropped++;
    else {
        emp_buf_append (&self->texts, text, size);
        emp_buf_append (&self->texts, "\n", open);
    }
    pthread_cond_signal (&self->work);
    pthread_mutex_unlock (&self->lock);
}

void emp_screen_progress (emp_screen_t *self, const emp_progress_state_t *state)
{
    pthread_mutex_lock (&self->lock);
    self->state = *state;
    self->state_is_new = true;
    pthread_cond_signal (&self->work);
    pthread_mutex_unlock (&self->lock);
}

void emp_screen_flush (emp_screen_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->erase = true;
    pthread_cond_signal (&self->work);
    while (has_work (self) || self->busy)
        pthread_cond_wait (&self->rest, &self->lock);
    pthread_mutex_unlock (&self->lock);
}
