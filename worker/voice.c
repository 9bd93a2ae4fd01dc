/* SPDX-License-Identifier: BSD-3-Clause
 *
 * voice.c - see voice.h.
 */
#include "voice.h"

#include <errno.h>
#include <unistd.h>

#include "writer.h"

void emp_voice_init (emp_voice_t *self)
{
    emp_tail_init (&self->tail);
    self->held_back = true;
}

void emp_voice_show (emp_voice_t *self)
{
    if (self->held_back)
        emp_writer_write (self->tail.kept, self->tail.size);
    self->held_back = false;
}

static void show_line (void *arg, const char *line, size_t size)
{
    const emp_voice_t *self = arg;
    if (!self->held_back)
        emp_writer_write (line, size);
}

void emp_voice_read (emp_voice_t *self, const emp_child_t *child, size_t max)
{
    char bytes[8192];
    if (self->held_back && atomic_load (&child->page->joined))
        emp_voice_show (self);
    for (size_t got = 0; got < max;) {
        ssize_t rc = read (child->pipe, bytes, sizeof bytes);
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            return;
        got += (size_t) rc;
        emp_tail_feed (&self->tail, bytes, (size_t) rc, show_line, self);
    }
}

void emp_voice_end (emp_voice_t *self, const emp_child_t *child)
{
    emp_voice_read (self, child, EMP_VOICE_BYTES_LAST);
    emp_tail_end (&self->tail, show_line, self);
}
