/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fixture.h - a toolbox without a broker: a job, a page, and lanes that give what a test has put into them.
 */
#ifndef EMP_TEST_WORKER_FIXTURE_H
#define EMP_TEST_WORKER_FIXTURE_H

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "worker/toolbox.h"

static inline void pack_text (msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body (packer, text, strlen (text));
}

static inline void fixture_job (emp_buf_t *ret_blob)
{
    static const char *const queues[] = {"mp_input_q", "mp_output_q", "blue_q_7", "batch_1|audio_lg"};
    msgpack_packer packer;
    emp_buf_init (ret_blob, 100000);
    msgpack_packer_init (&packer, ret_blob, emp_buf_write);
    msgpack_pack_map (&packer, 3);
    pack_text (&packer, "kwargs");
    msgpack_pack_map (&packer, 9);
    pack_text (&packer, "sleep_time");
    msgpack_pack_int (&packer, 45);
    pack_text (&packer, "below");
    msgpack_pack_int64 (&packer, INT64_MIN);
    pack_text (&packer, "huge");
    msgpack_pack_uint64 (&packer, UINT64_MAX);
    pack_text (&packer, "ratio");
    msgpack_pack_double (&packer, 0.25);
    pack_text (&packer, "yes");
    msgpack_pack_true (&packer);
    pack_text (&packer, "nothing");
    msgpack_pack_nil (&packer);
    pack_text (&packer, "label");
    pack_text (&packer, "a text");
    pack_text (&packer, "empty");
    pack_text (&packer, "");
    pack_text (&packer, "zero inside");
    msgpack_pack_str_with_body (&packer, "a\0b", 3);
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, 2);
    msgpack_pack_array (&packer, 2);
    pack_text (&packer, "/m/first.so");
    pack_text (&packer, "worker_entrance");
    msgpack_pack_array (&packer, 2);
    pack_text (&packer, "/m/watchdog.so");
    pack_text (&packer, "watch");
    pack_text (&packer, "queues");
    msgpack_pack_array (&packer, 4);
    for (size_t i = 0; i < 4; i++)
        pack_text (&packer, queues[i]);
}

/* ---- lanes ------------------------------------------------------------------------------------------------------- */

#define FAKE_CHUNKS_MAX 200

typedef struct {
    uint64_t ticket;
    emp_outcome_t outcome;
    uint8_t bytes[5000];
    size_t size;
} fake_end_t;

/* All lanes of a test are this one. */
static struct {
    char queue[EMP_NAME_MAX + 1];
    unsigned opened, closed, frames; /* frames: given and not given back */
    uint32_t window;
    emp_status_t open_status, next_status, done_status;
    struct {
        const void *data;
        size_t size;
        uint32_t rows;
        const char *label;
    } chunks[FAKE_CHUNKS_MAX];
    unsigned count, next;
    fake_end_t ends[FAKE_CHUNKS_MAX];
    unsigned ended;
} fake = {.next_status = EMP_STOPPED};

static inline emp_status_t fake_open (emp_session_t *session, const char *queue, uint32_t window, emp_lane_t **ret_lane)
{
    (void) session;
    snprintf (fake.queue, sizeof fake.queue, "%s", queue);
    fake.opened++;
    fake.window = window;
    if (fake.open_status == EMP_OK)
        *ret_lane = (emp_lane_t *) &fake;
    return fake.open_status;
}

static inline emp_status_t fake_next (emp_lane_t *lane, uint64_t until, emp_lane_chunk_t *ret_chunk)
{
    cr_assert (lane == (emp_lane_t *) &fake);
    if (until != UINT64_MAX && fake.next == fake.count)
        return EMP_TIMEOUT;
    if (fake.next == fake.count)
        return fake.next_status;
    unsigned i = fake.next++;
    fake.frames++;
    *ret_chunk = (emp_lane_chunk_t){.ticket = 1000 + i,
                                    .number = i,
                                    .attempt = 1,
                                    .rows = fake.chunks[i].rows,
                                    .count = fake.chunks[i].rows,
                                    .label = fake.chunks[i].label,
                                    .data = fake.chunks[i].data,
                                    .size = fake.chunks[i].size,
                                    .frame = &fake};
    return EMP_OK;
}

static inline void fake_release (void *frame)
{
    cr_assert (frame == &fake);
    fake.frames--;
}

static inline emp_status_t fake_done (emp_lane_t *lane, const emp_lane_end_t *said, emp_buf_t *result)
{
    cr_assert (lane == (emp_lane_t *) &fake && said->attempt == 1);
    fake_end_t *end = &fake.ends[fake.ended++];
    end->ticket = said->ticket;
    end->outcome = said->outcome;
    end->size = result->size < sizeof end->bytes ? result->size : sizeof end->bytes;
    if (end->size)
        memcpy (end->bytes, result->data, end->size);
    emp_buf_clear (result);
    return fake.done_status;
}

static inline void fake_close (emp_lane_t **lane)
{
    *lane = NULL;
    fake.closed++;
}

static const emp_lane_calls_t fake_calls = {fake_open, fake_next, fake_release, fake_done, fake_close};

static inline void fake_bytes (const void *data, size_t size, uint32_t rows)
{
    fake.chunks[fake.count].data = data;
    fake.chunks[fake.count].size = size;
    fake.chunks[fake.count].rows = rows;
    fake.chunks[fake.count].label = "mp_input_q (default)";
    fake.count++;
}

/* Chunks of `rows` integers, 10, 11, 12… */
static inline void fake_integers (unsigned count, uint32_t rows)
{
    static emp_buf_t buf;
    msgpack_packer packer;
    emp_buf_init (&buf, 1000000);
    msgpack_packer_init (&packer, &buf, emp_buf_write);
    msgpack_pack_array (&packer, rows);
    for (uint32_t i = 0; i < rows; i++)
        msgpack_pack_uint32 (&packer, 10 + i);
    while (count-- > 0)
        fake_bytes (buf.data, buf.size, rows);
}

/* The reason that a ticket was refused with. */
static inline const char *fake_reason (unsigned i)
{
    static char text[sizeof fake.ends[0].bytes];
    cr_assert_lt (i, fake.ended);
    cr_assert_eq (fake.ends[i].outcome, EMP_OUTCOME_REFUSED);
    msgpack_zone zone;
    msgpack_object object;
    size_t used = 0;
    msgpack_zone_init (&zone, 2048);
    cr_assert_eq (msgpack_unpack ((char *) fake.ends[i].bytes, fake.ends[i].size, &used, &zone, &object),
                  MSGPACK_UNPACK_SUCCESS);
    cr_assert_eq (object.type, MSGPACK_OBJECT_STR);
    cr_assert_eq (used, fake.ends[i].size);
    snprintf (text, sizeof text, "%.*s", (int) object.via.str.size, object.via.str.ptr);
    msgpack_zone_destroy (&zone);
    return text;
}

/* ---- a toolbox --------------------------------------------------------------------------------------------------- */

typedef struct {
    emp_job_t *job;
    emp_slotpage_t page;
    emp_toolbox_t *toolbox;
    emp_queue_t *queue; /* mp_input_q */
} fixture_t;

static inline void fixture_start (fixture_t *self)
{
    emp_buf_t blob;
    char reason[EMP_JOB_REASON_MAX];
    memset (self, 0, sizeof *self);
    fixture_job (&blob);
    self->job = emp_job_new (blob.data, blob.size, reason);
    emp_buf_release (&blob);
    cr_assert_not_null (self->job);
    emp_toolbox_config_t config = {
        .job = self->job, .calls = &fake_calls, .page = &self->page, .start_sequence_num = 2, .name = "Process-3"};
    self->toolbox = emp_toolbox_new (&config);
    cr_assert_not_null (self->toolbox);
    self->queue = emp_toolbox_queue (self->toolbox, "mp_input_q");
    cr_assert_not_null (self->queue);
}

static inline void fixture_end (fixture_t *self)
{
    emp_toolbox_destroy (&self->toolbox);
    emp_job_destroy (&self->job);
}

#endif
