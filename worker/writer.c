/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writer.c - see writer.h.
 */
#include "writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/net/socket.h"
#include "../common/thread.h"

/* Static, and never freed: the thread may stand in a write for ever. Two buffers: one is written, the other filled. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool runs, ending;
    int fd;
    char text[2][EMP_WRITER_BYTES];
    unsigned filling; /* which of them */
    size_t size;      /* of what waits there */
    bool writing;
    uint64_t written; /* bytes, and attempts that failed: a sign of life */
    uint64_t dropped; /* texts since the last word on it */
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

static void sign_of_life (size_t size)
{
    pthread_mutex_lock (&writer.lock);
    writer.written += size;
    pthread_cond_broadcast (&writer.changed);
    pthread_mutex_unlock (&writer.lock);
}

static void write_all (const char *text, size_t size, void (*tell) (size_t size))
{
    while (size > 0) {
        ssize_t rc = write (writer.fd, text, size);
        if (rc < 0 && errno != EINTR)
            return; /* nobody reads it any more */
        if (rc <= 0)
            continue;
        text += rc;
        size -= (size_t) rc;
        if (tell)
            tell ((size_t) rc);
    }
}

/* Under the lock. */
static bool append (const char *text, size_t size)
{
    if (size > EMP_WRITER_BYTES - writer.size)
        return false;
    memcpy (writer.text[writer.filling] + writer.size, text, size);
    writer.size += size;
    return true;
}

/* Under the lock. False: there is no room for it. */
static bool tell_dropped (void)
{
    char line[120];
    if (!writer.dropped)
        return true;
    int size =
        snprintf (line, sizeof line, "eisenmp: %llu lines were left out here: nobody had read those before them\n",
                  (unsigned long long) writer.dropped);
    if (!append (line, (size_t) size))
        return false;
    writer.dropped = 0;
    return true;
}

static void *writer_thread (void *arg)
{
    (void) arg;
    pthread_mutex_lock (&writer.lock);
    for (;;) {
        while (!writer.size && !writer.dropped && !writer.ending)
            pthread_cond_wait (&writer.changed, &writer.lock);
        tell_dropped ();
        if (!writer.size)
            break;
        const char *text = writer.text[writer.filling];
        size_t size = writer.size;
        writer.filling = !writer.filling;
        writer.size = 0;
        writer.writing = true;
        pthread_mutex_unlock (&writer.lock);
        write_all (text, size, sign_of_life);
        pthread_mutex_lock (&writer.lock);
        writer.writing = false;
        pthread_cond_broadcast (&writer.changed);
    }
    writer.runs = false;
    pthread_cond_broadcast (&writer.changed);
    pthread_mutex_unlock (&writer.lock);
    return NULL;
}

void emp_writer_start (int fd)
{
    pthread_t thread;
    emp_thread_cond_init (&writer.changed);
    writer.fd = fd;
    writer.runs = emp_thread_start (&thread, "emp-writer", writer_thread, NULL);
    if (writer.runs)
        pthread_detach (thread);
}

void emp_writer_write (const char *text, size_t size)
{
    pthread_mutex_lock (&writer.lock);
    bool runs = writer.runs;
    if (runs && (writer.ending || !tell_dropped () || !append (text, size)))
        writer.dropped++;
    if (runs)
        pthread_cond_broadcast (&writer.changed);
    pthread_mutex_unlock (&writer.lock);
    if (!runs)
        write_all (text, size, NULL);
}

void emp_writer_end (unsigned ms)
{
    pthread_mutex_lock (&writer.lock);
    writer.ending = true;
    if (writer.runs)
        pthread_cond_broadcast (&writer.changed);
    uint64_t before;
    do {
        before = writer.written;
        uint64_t until = emp_now () + (uint64_t) ms * 1000;
        while (writer.runs && writer.written == before && emp_thread_wait (&writer.changed, &writer.lock, until))
            ;
    } while (writer.runs && writer.written != before);
    pthread_mutex_unlock (&writer.lock);
}
