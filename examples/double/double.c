/* SPDX-License-Identifier: BSD-3-Clause
 *
 * double.c - a worker module that reads two queues in one loop: the audio and the video of a batch.
 *
 * Processes with an even START_SEQUENCE_NUM begin with batch_1, those with an odd one with batch_7; whose batch is over
 * helps with the other, so that one process is enough. The production is a fake: the rows of a ticket, joined to a text,
 * after as many seconds as the attribute `production_time` says (0 when nothing is said). It depends on nothing but its
 * own ticket, so a ticket that is worked on again has the same result.
 *
 *     cc -shared -fPIC -O2 -o double.so double.c $(pkg-config --cflags eisenmp)
 */
#include <eisenmp.h>
#include <errno.h>
#include <time.h>

#define TEXT_ROOM 4096
#define PRODUCTION_TIME_MOST 3600.0

static const char *const batches[] = {"batch_1", "batch_7"};
static const char *const names[] = {"audio_lg", "video_in"};

static void take_time (emp_toolbox_t *toolbox)
{
    double seconds = emp_toolbox_double (toolbox, "production_time", 0.0);
    if (!(seconds > 0.0 && seconds <= PRODUCTION_TIME_MOST))
        return;
    struct timespec time = {.tv_sec = (time_t) seconds};
    time.tv_nsec = (long) ((seconds - (double) time.tv_sec) * 1e9);
    while (nanosleep (&time, &time) && errno == EINTR)
        ;
}

/* Appends a row, a number or a text; false when it is another thing, or there is no room. */
static bool append (char *text, size_t *size, const msgpack_object *row)
{
    size_t room = TEXT_ROOM - *size;
    int length = -1;
    if (row->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        length = snprintf (text + *size, room, "%llu", (unsigned long long) row->via.u64);
    else if (row->type == MSGPACK_OBJECT_STR && row->via.str.size < room)
        length = snprintf (text + *size, room, "%.*s", (int) row->via.str.size, row->via.str.ptr);
    if (length < 0 || (size_t) length >= room)
        return false;
    *size += (size_t) length;
    return true;
}

/* One result a ticket: "batch_1 audio_lg: 1, 2, 3". */
static void produce (emp_chunk_t **chunk, const char *batch, const char *name)
{
    char text[TEXT_ROOM];
    size_t size = (size_t) snprintf (text, sizeof text, "%s %s: ", batch, name);
    for (size_t i = 0; i < emp_chunk_rows (*chunk); i++) {
        if (i && size + 2 < sizeof text)
            size += (size_t) snprintf (text + size, sizeof text - size, ", ");
        if (!append (text, &size, emp_chunk_row (*chunk, i))) {
            emp_chunk_fail (chunk, "row %zu is no number and no text, or the text is longer than %d bytes", i,
                            TEXT_ROOM);
            return;
        }
    }
    msgpack_pack_str_with_body (emp_chunk_result (*chunk), text, size);
    emp_chunk_done (chunk);
}

/* A chunk of each queue; a queue that has stopped is passed by, the other one goes on. False when both have. */
static bool work_on (emp_toolbox_t *toolbox, const char *batch)
{
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        emp_chunk_t *chunk = emp_queue_get (emp_toolbox_category_queue (toolbox, batch, names[i]));
        if (!chunk)
            continue;
        any = true;
        take_time (toolbox);
        produce (&chunk, batch, names[i]);
    }
    return any;
}

/* Called again and again, until it says false. */
bool worker_entrance (emp_toolbox_t *toolbox)
{
    unsigned own = emp_toolbox_start_sequence_num (toolbox) % 2;
    return work_on (toolbox, batches[own]) || work_on (toolbox, batches[!own]);
}
