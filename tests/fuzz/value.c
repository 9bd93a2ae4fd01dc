/* SPDX-License-Identifier: BSD-3-Clause
 *
 * value.c - any packed value: the tree that we build of it, and the rows that a worker reads, say what msgpack-c unpacks; so do
 * their texts, as Python writes them and as JSON. The same bytes as the place of an arena, and as a worker's job.
 */
#include "common/value.h"

#include "common/arena.h"
#include "common/net/rows.h"
#include "common/scan.h"
#include "common/tree.h"
#include "fuzz.h"
#include "manager/json.h"
#include "worker/job.h"

typedef struct {
    char *text;
    size_t size;
} text_t;

/* NaN differs from itself; its text does not. */
static text_t text_of (const msgpack_object *value)
{
    text_t self = {0};
    FILE *out = open_memstream (&self.text, &self.size);
    FUZZ_MUST (out);
    emp_value_repr (out, value);
    emp_value_str (out, value);
    fclose (out);
    return self;
}

static void is_text (const msgpack_object *value, const text_t *expected)
{
    text_t text = text_of (value);
    FUZZ_MUST (text.size == expected->size && memcmp (text.text, expected->text, text.size) == 0);
    free (text.text);
}

static void tree_agrees (const uint8_t *data, size_t size, const text_t *expected)
{
    emp_tree_size_t needs = emp_tree_measure (data, size);
    FUZZ_MUST (needs.objects >= 1 && needs.objects <= size && needs.bytes <= 2 * size);
    msgpack_object *objects = malloc (needs.objects * sizeof *objects);
    char *bytes = malloc (needs.bytes ? needs.bytes : 1);
    FUZZ_MUST (objects && bytes);
    emp_tree_build (data, size, objects, bytes);
    is_text (objects, expected);
    emp_tree_move (objects, needs.objects, 4096);
    emp_tree_move (objects, needs.objects, -4096);
    is_text (objects, expected);
    free (objects);
    free (bytes);
}

static void rows_agree (const uint8_t *data, size_t size, const msgpack_object *value)
{
    static emp_rows_t rows;
    static bool begun;
    if (!begun)
        FUZZ_MUST (emp_rows_init (&rows));
    begun = true;
    size_t count = value && value->type == MSGPACK_OBJECT_ARRAY ? value->via.array.size : 1;
    emp_status_t status = emp_rows_unpack (&rows, data, size, count);
    FUZZ_MUST ((status == EMP_OK) == (value && value->type == MSGPACK_OBJECT_ARRAY));
    FUZZ_MUST (status == EMP_OK ? rows.count == count : rows.count == 0);
    for (size_t i = 0; i < rows.count; i++) {
        text_t expected = text_of (&value->via.array.ptr[i]);
        is_text (&rows.list[i], &expected);
        free (expected.text);
    }
    if (rows.count)
        emp_rows_narrow (&rows, rows.count / 2, rows.count - rows.count / 2);
    emp_rows_clear (&rows);
}

static void job_is_read (const uint8_t *data, size_t size)
{
    char reason[EMP_JOB_REASON_MAX] = "";
    emp_job_t *job = emp_job_new (data, size, reason);
    FUZZ_MUST (job || *reason);
    if (job) {
        FUZZ_MUST (job->modules_count > 0 && emp_job_ticket_timeout (job) <= UINT64_C (1000000000000000));
        emp_job_start_method (job);
        emp_job_destroy (&job);
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    size_t one, offset = 0;
    job_is_read (data, size);
    if (emp_scan_one (data, size, EMP_SCAN_OBJECTS_MAX, &one) != EMP_OK || one != size) {
        rows_agree (data, size, NULL);
        return 0;
    }
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    FUZZ_MUST (msgpack_unpack_next (&unpacked, (const char *) data, size, &offset) == MSGPACK_UNPACK_SUCCESS);
    text_t text = text_of (&unpacked.data);
    tree_agrees (data, size, &text);
    rows_agree (data, size, &unpacked.data);
    free (text.text);
    emp_buf_t json;
    emp_buf_init (&json, 1 << 24);
    emp_json_value (&json, &unpacked.data);
    FUZZ_MUST (json.broken || (json.size && emp_json_is_text ((const char *) json.data, json.size)));
    emp_buf_release (&json);
    emp_arena_place_t place;
    emp_arena_place_read (&unpacked.data, &place);
    msgpack_unpacked_destroy (&unpacked);
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const char job[] = "\x84\xa6kwargs\x82\xacSTART_METHOD\xa4"
                              "fork\xaeTICKET_TIMEOUT\xcb\x3f\xf8\0\0\0\0\0\0"
                              "\xa6"
                              "arenas\x81\xa1"
                              "a\x95\x01\x02\xcf\0\0\x10\0\0\0\0\0\xcd\x10\0\x05"
                              "\xa7modules\x91\x92\xa4/x.o\xa1"
                              "f\xa6queues\x92\xaamp_input_q\xa8"
                              "blue_q_7";
    static const char rows[] = "\x97\x01\xff\xcd\x01\x00\xa3xyz\xc4\x02\x00\x01\xc3\xcb\x7f\xf8\0\0\0\0\0\0";
    static const char mixed[] = "\x93\x82\xa1k\x92\x01\xd9\x02\xc3\xa9\x05\xc0\xc7\x02\x05\x01\x02\xca\x3f\xc0\0\0";
    static const char place[] = "\x95\x01\x02\xcf\0\0\x10\0\0\0\0\0\xcd\x10\0\x05";
    write ("job", job, sizeof job - 1);
    write ("rows", rows, sizeof rows - 1);
    write ("mixed", mixed, sizeof mixed - 1);
    write ("place", place, sizeof place - 1);
}
