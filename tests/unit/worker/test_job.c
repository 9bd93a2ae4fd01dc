/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "../common/maker.h"
#include "fixture.h"
#include "worker/job.h"

TestSuite (job, .timeout = 60);

static void expect_refused (const emp_buf_t *blob, const char *text)
{
    char reason[EMP_JOB_REASON_MAX];
    cr_assert_null (emp_job_new (blob->data, blob->size, reason));
    cr_assert (strstr (reason, text), "\"%s\" in: %s", text, reason);
}

/* A map of which one key is what the test makes of it. */
static void begin (emp_buf_t *blob, msgpack_packer *packer, uint32_t keys)
{
    emp_buf_init (blob, 100000);
    msgpack_packer_init (packer, blob, emp_buf_write);
    msgpack_pack_map (packer, keys);
}

Test (job, modules_queues_and_attributes_are_read)
{
    emp_buf_t blob;
    fixture_job (&blob);
    char reason[EMP_JOB_REASON_MAX] = "";
    emp_job_t *job = emp_job_new (blob.data, blob.size, reason);
    cr_assert_not_null (job, "%s", reason);
    emp_buf_release (&blob); /* the job has its own copy */
    cr_assert_eq (job->modules_count, 2);
    cr_assert_str_eq (job->modules[0].path, "/m/first.so");
    cr_assert_str_eq (job->modules[0].ref, "worker_entrance");
    cr_assert_str_eq (job->modules[1].ref, "watch");
    cr_assert_eq (job->queues_count, 4);
    cr_assert_str_eq (job->queues[0], "mp_input_q");
    cr_assert_str_eq (job->queues[3], "batch_1|audio_lg");
    uint32_t i = emp_job_find (job, "sleep_time");
    cr_assert_lt (i, job->kwargs.size);
    cr_assert_eq (job->kwargs.ptr[i].val.via.u64, 45);
    cr_assert_eq (emp_job_find (job, "sleep_tim"), job->kwargs.size);
    cr_assert_eq (emp_job_find (job, "sleep_times"), job->kwargs.size);
    emp_job_destroy (&job);
    cr_assert_null (job);
    emp_job_destroy (&job);
}

static emp_start_method_t method_of (void (*pack) (msgpack_packer *packer))
{
    emp_buf_t blob;
    msgpack_packer packer;
    char reason[EMP_JOB_REASON_MAX];
    begin (&blob, &packer, 2);
    pack_text (&packer, "kwargs");
    pack (&packer);
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, 1);
    msgpack_pack_array (&packer, 2);
    pack_text (&packer, "/m.so");
    pack_text (&packer, "f");
    emp_job_t *job = emp_job_new (blob.data, blob.size, reason);
    cr_assert_not_null (job, "%s", reason);
    emp_start_method_t method = emp_job_start_method (job);
    emp_job_destroy (&job);
    emp_buf_release (&blob);
    return method;
}

static void says_forkserver (msgpack_packer *packer)
{
    msgpack_pack_map (packer, 1);
    pack_text (packer, "START_METHOD");
    pack_text (packer, "forkserver");
}

static void says_nothing (msgpack_packer *packer)
{
    msgpack_pack_map (packer, 0);
}

static void says_a_number (msgpack_packer *packer)
{
    msgpack_pack_map (packer, 1);
    pack_text (packer, "START_METHOD");
    msgpack_pack_int (packer, 1);
}

static void says_another_word (msgpack_packer *packer)
{
    msgpack_pack_map (packer, 1);
    pack_text (packer, "START_METHOD");
    pack_text (packer, "vfork");
}

Test (job, B5_what_is_no_start_method_is_spawn)
{
    cr_assert_eq (method_of (says_forkserver), EMP_START_FORKSERVER);
    cr_assert_eq (method_of (says_nothing), EMP_START_SPAWN);
    cr_assert_eq (method_of (says_a_number), EMP_START_SPAWN);
    cr_assert_eq (method_of (says_another_word), EMP_START_SPAWN);
}

static uint64_t timeout_of (msgpack_object value)
{
    msgpack_object_kv pair = {.key = {.type = MSGPACK_OBJECT_STR, .via.str = {.ptr = "TICKET_TIMEOUT", .size = 14}},
                              .val = value};
    emp_job_t job = {.kwargs = {.size = 1, .ptr = &pair}};
    return emp_job_ticket_timeout (&job);
}

static uint64_t timeout_of_double (double seconds)
{
    return timeout_of ((msgpack_object){.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = seconds});
}

Test (job, what_is_no_ticket_timeout_is_none)
{
    emp_job_t job = {.kwargs = {.size = 0}};
    cr_assert_eq (emp_job_ticket_timeout (&job), 0);
    cr_assert_eq (timeout_of_double (2.5), 2500000);
    cr_assert_eq (timeout_of ((msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 3}), 3000000);
    cr_assert_eq (timeout_of ((msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = UINT64_MAX}), 0);
    cr_assert_eq (timeout_of ((msgpack_object){.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = -3}), 0);
    cr_assert_eq (timeout_of ((msgpack_object){.type = MSGPACK_OBJECT_NIL}), 0);
    cr_assert_eq (timeout_of ((msgpack_object){.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = true}), 0);
    cr_assert_eq (timeout_of_double (-1), 0);
    cr_assert_eq (timeout_of_double (__builtin_nan ("")), 0);
    cr_assert_eq (timeout_of_double (__builtin_inf ()), 0);
}

Test (job, a_broker_without_one_says_so)
{
    emp_buf_t blob;
    emp_buf_init (&blob, 1);
    expect_refused (&blob, "no job");
}

Test (job, bytes_that_are_cut_off_are_refused_wherever_that_is)
{
    emp_buf_t blob;
    fixture_job (&blob);
    char reason[EMP_JOB_REASON_MAX];
    for (size_t size = 1; size < blob.size; size++)
        cr_assert_null (emp_job_new (blob.data, size, reason), "%zu of %zu bytes", size, blob.size);
    emp_buf_release (&blob);
}

Test (job, a_claim_that_would_take_gigabytes_is_refused)
{
    uint8_t bomb[] = {0x81, 0xa6, 'k', 'w', 'a', 'r', 'g', 's', 0xdd, 0x04, 0, 0, 0};
    emp_buf_t blob = {.data = bomb, .size = sizeof bomb};
    expect_refused (&blob, "malformed");
}

Test (job, what_is_no_map_is_refused)
{
    uint8_t list[] = {0x90};
    emp_buf_t blob = {.data = list, .size = sizeof list};
    expect_refused (&blob, "no map");
}

Test (job, without_a_worker_module_there_is_nothing_to_do)
{
    emp_buf_t blob;
    msgpack_packer packer;
    begin (&blob, &packer, 1);
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, 0);
    expect_refused (&blob, "no worker module");
    emp_buf_release (&blob);
    begin (&blob, &packer, 1);
    pack_text (&packer, "modules");
    msgpack_pack_int (&packer, 3);
    expect_refused (&blob, "no worker module");
    emp_buf_release (&blob);
}

Test (job, a_module_is_a_pair_of_texts)
{
    emp_buf_t blob;
    msgpack_packer packer;
    begin (&blob, &packer, 1);
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, 1);
    pack_text (&packer, "/m/first.so");
    expect_refused (&blob, "no pair");
    emp_buf_release (&blob);
    begin (&blob, &packer, 1);
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, 1);
    msgpack_pack_array (&packer, 2);
    pack_text (&packer, "/m/first.so");
    msgpack_pack_str (&packer, 3);
    msgpack_pack_str_body (&packer, "a\0b", 3);
    expect_refused (&blob, "unusable");
    emp_buf_release (&blob);
}

Test (job, a_queue_has_a_name_that_fits)
{
    char name[EMP_NAME_MAX + 2];
    memset (name, 'q', sizeof name);
    for (size_t size = EMP_NAME_MAX; size <= EMP_NAME_MAX + 1; size++) {
        emp_buf_t blob;
        msgpack_packer packer;
        begin (&blob, &packer, 2);
        pack_text (&packer, "modules");
        msgpack_pack_array (&packer, 1);
        msgpack_pack_array (&packer, 2);
        pack_text (&packer, "/m/first.so");
        pack_text (&packer, "worker_entrance");
        pack_text (&packer, "queues");
        msgpack_pack_array (&packer, 1);
        msgpack_pack_str (&packer, size);
        msgpack_pack_str_body (&packer, name, size);
        char reason[EMP_JOB_REASON_MAX];
        emp_job_t *job = emp_job_new (blob.data, blob.size, reason);
        if (size <= EMP_NAME_MAX)
            cr_assert_not_null (job);
        else
            cr_assert_null (job);
        emp_job_destroy (&job);
        emp_buf_release (&blob);
    }
}

Test (job, keys_of_a_later_version_are_passed_over)
{
    emp_buf_t blob;
    msgpack_packer packer;
    begin (&blob, &packer, 2);
    pack_text (&packer, "colour");
    pack_text (&packer, "blue");
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, 1);
    msgpack_pack_array (&packer, 2);
    pack_text (&packer, "/m/first.so");
    pack_text (&packer, "worker_entrance");
    char reason[EMP_JOB_REASON_MAX];
    emp_job_t *job = emp_job_new (blob.data, blob.size, reason);
    cr_assert_not_null (job);
    cr_assert_eq (job->queues_count, 0);
    emp_job_destroy (&job);
    emp_buf_release (&blob);
}

/* ---- large attributes ------------------------------------------------------------------------------------------------ */

/* A job with the attributes colour and words; of these, `place` is where the value of words is. */
static void begin_shared (emp_buf_t *blob, const emp_arena_place_t *place)
{
    msgpack_packer packer;
    begin (blob, &packer, 3);
    pack_text (&packer, "kwargs");
    msgpack_pack_map (&packer, 1);
    pack_text (&packer, "colour");
    pack_text (&packer, "blue");
    pack_text (&packer, "arenas");
    msgpack_pack_map (&packer, 1);
    pack_text (&packer, "words");
    if (place)
        emp_arena_place_pack (place, &packer);
    else
        msgpack_pack_nil (&packer);
    pack_text (&packer, "modules");
    msgpack_pack_array (&packer, 1);
    msgpack_pack_array (&packer, 2);
    pack_text (&packer, "/m/first.so");
    pack_text (&packer, "worker_entrance");
}

Test (job, B26_a_large_attribute_is_read_where_the_manager_has_it)
{
    maker_t maker = maker_start ("\xa5kappa", 6);
    emp_buf_t blob;
    char reason[EMP_JOB_REASON_MAX] = "";
    begin_shared (&blob, &maker.place);
    emp_job_t *job = emp_job_new (blob.data, blob.size, reason);
    cr_assert_not_null (job, "%s", reason);
    emp_buf_release (&blob);
    cr_assert_eq (job->kwargs.size, 2);
    cr_assert_eq (job->moved, 0);
    uint32_t words = emp_job_find (job, "words"), colour = emp_job_find (job, "colour");
    cr_assert (emp_job_is_shared (job, words) && !emp_job_is_shared (job, colour) && !emp_job_is_shared (job, 2));
    const char *text = job->kwargs.ptr[words].val.via.str.ptr;
    cr_assert_eq ((uintptr_t) text - maker.place.address < maker.place.size, 1);

    emp_slotpage_t page = {0};
    emp_toolbox_config_t config = {.job = job, .calls = &fake_calls, .page = &page, .name = "Process-1"};
    emp_toolbox_t *toolbox = emp_toolbox_new (&config);
    cr_assert_str_eq (emp_toolbox_string (toolbox, "words", ""), "kappa");
    cr_assert_eq (emp_toolbox_string (toolbox, "words", ""), text, "no copy");
    cr_assert_eq (emp_toolbox_get (toolbox, "words")->via.str.ptr, text);
    cr_assert_str_eq (emp_toolbox_string (toolbox, "colour", ""), "blue");
    emp_toolbox_destroy (&toolbox);
    emp_job_destroy (&job);
    maker_end (&maker);
}

Test (job, a_large_attribute_that_cannot_be_read_is_named)
{
    maker_t maker = maker_start ("\xa5kappa", 6);
    emp_buf_t blob;
    begin_shared (&blob, NULL);
    expect_refused (&blob, "a large attribute of the job has no usable place");
    emp_buf_release (&blob);
    maker.place.stamp++;
    begin_shared (&blob, &maker.place);
    expect_refused (&blob, "attribute words: /proc/");
    expect_refused (&blob, "found something else, expected the shared memory of this run");
    maker_end (&maker);
    expect_refused (&blob, "No such file or directory (shared memory is for the manager's own host and user)");
    emp_buf_release (&blob);
}
