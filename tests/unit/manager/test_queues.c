/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_queues.c - the manager's side of the queues (B10 to B12, B15), before anything is started.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "common/scan.h"
#include "manager/manager.h"

static emp_t *emp;

static void begin (void)
{
    emp = emp_new ();
    cr_assert (emp != NULL);
}

static void end (void)
{
    emp_destroy (&emp);
}

TestSuite (queues, .timeout = 60, .init = begin, .fini = end);

/* Behind the default queues are these and no more. */
static void expect_queues (const char *const *names, size_t count)
{
    static const char *const defaults[] = {"mp_input_q", "mp_output_q", "mp_info_q",
                                           "mp_tools_q", "mp_print_q",  "mp_process_q"};
    for (size_t i = 0; i < 6 + count; i++) {
        const char *expected = i < 6 ? defaults[i] : names[i - 6];
        emp_queue_t *queue = emp_queue_at (emp, i);
        cr_assert (queue != NULL, "no queue %zu", i);
        cr_expect_str_eq (emp_queue_name (queue), expected);
        cr_expect_eq (queue, emp_queue (emp, expected), "%s has two references", expected);
    }
    cr_expect_null (emp_queue_at (emp, 6 + count));
    cr_expect_null (emp_queue_at (emp, SIZE_MAX));
}

Test (queues, B15_the_list_has_every_queue_by_its_number_the_default_ones_first)
{
    static const char *const names[] = {"blue_q", "batch_1|audio_lg", "red_q"};
    expect_queues (NULL, 0);
    emp_queue_t *first = emp_queue_at (emp, 0);
    cr_assert_eq (emp_queue_create (emp, "blue_q", 3), EMP_OK);
    cr_assert_eq (emp_category_create (emp, "batch_1", "audio_lg", 5), EMP_OK);
    cr_assert_eq (emp_queue_create (emp, "red_q", 3), EMP_OK);
    expect_queues (names, 3);
    cr_expect_eq (emp_queue_at (emp, 0), first, "a reference is good as long as its manager");
    cr_expect_eq (emp_category_queue (emp, "batch_1", "audio_lg"), emp_queue_at (emp, 7));
}

Test (queues, B12_those_before_a_name_that_exists_stay_and_those_behind_it_are_not_made)
{
    static const char *const names[] = {"a_q", "batch_1|b_q"};
    const emp_queue_spec_t specs[] = {{NULL, "a_q", 1}, {"batch_1", "b_q", 2}, {NULL, "a_q", 3}, {NULL, "c_q", 4}};
    cr_expect_eq (emp_queues_create (emp, specs, 4), EMP_EXISTS);
    cr_expect (strstr (emp_error (emp), "queue a_q exists already"), "said '%s'", emp_error (emp));
    expect_queues (names, 2);
    const emp_queue_spec_t category[] = {{"batch_1", "b_q", 1}, {NULL, "c_q", 4}};
    cr_expect_eq (emp_queues_create (emp, category, 2), EMP_EXISTS);
    cr_expect (strstr (emp_error (emp), "queue batch_1|b_q exists already"), "said '%s'", emp_error (emp));
    expect_queues (names, 2);
}

static void expect_no_chunk (emp_queue_t *queue)
{
    emp_chunk_t *chunk = NULL;
    cr_expect_eq (emp_queue_get_wait (queue, 0, &chunk), EMP_STATE);
    cr_expect_null (chunk);
    cr_expect_null (emp_queue_get (queue));
}

Test (queues, a_get_before_the_start_and_behind_one_that_failed_is_not_possible_now)
{
    cr_assert_eq (emp_queue_create (emp, "blue_q", 3), EMP_OK);
    expect_no_chunk (emp_queue (emp, "mp_input_q"));
    expect_no_chunk (emp_queue (emp, "blue_q"));
    cr_expect_eq (emp_start (emp), EMP_INVALID, "there is no module");
    expect_no_chunk (emp_queue (emp, "mp_input_q"));
    expect_no_chunk (emp_queue (emp, "blue_q"));
}

/* A feed that was opened then would never end, and the run with it. */
Test (queues, B13_a_queue_that_is_first_asked_for_when_puts_have_ended_takes_none)
{
    static const uint8_t row = 0xc0;
    cr_assert_eq (emp_queue_create (emp, "blue_q", 3), EMP_OK);
    emp_queue_t *early = emp_queue (emp, "mp_input_q");
    emp_queues_end_puts (emp);
    cr_expect_eq (emp_queue_put_wait (early, &row, 1, 0), EMP_STOPPED);
    cr_expect_eq (emp_queue_put_wait (emp_queue (emp, "blue_q"), &row, 1, 0), EMP_STOPPED);
}

/* Packed: lists within each other. */
static emp_status_t set_nested (size_t levels)
{
    uint8_t bytes[64];
    memset (bytes, 0x91, sizeof bytes);
    bytes[levels - 1] = 0x90;
    return emp_config_set_msgpack (emp, "deep", bytes, levels);
}

Test (queues, an_attribute_leaves_room_for_what_the_job_nests_it_in)
{
    emp_buf_t job;
    emp_buf_init (&job, EMP_BLOB_MAX);
    cr_expect_eq (set_nested (EMP_ATTRIBUTE_DEPTH_MAX + 1), EMP_TOOBIG);
    cr_expect_eq (set_nested (EMP_ATTRIBUTE_DEPTH_MAX), EMP_OK);
    cr_expect_eq (emp_config_pack (&emp->config, NULL, &job), EMP_OK);
    cr_expect_eq (emp_scan (job.data, job.size, EMP_SCAN_OBJECTS_MAX, NULL), EMP_OK);
    emp_buf_release (&job);
}
