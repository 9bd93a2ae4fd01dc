/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>
#include <unistd.h>

#include "fixture.h"

static fixture_t here;

static void start (void)
{
    fixture_start (&here);
}

static void stop (void)
{
    fixture_end (&here);
}

TestSuite (toolbox, .timeout = 60, .init = start, .fini = stop);

Test (toolbox, B25_has_the_fields_of_its_process)
{
    cr_assert_eq (emp_toolbox_start_sequence_num (here.toolbox), 2);
    cr_assert_eq (emp_toolbox_worker_id (here.toolbox), 3);
    cr_assert_eq (emp_toolbox_worker_pid (here.toolbox), getpid ());
    cr_assert_str_eq (emp_toolbox_worker_name (here.toolbox), "Process-3");
    cr_assert_str_eq (emp_toolbox_output_header (here.toolbox), "RESULT_HEADER;");
    cr_assert_str_eq (emp_toolbox_stop_msg (here.toolbox), "STOP");
    cr_assert_str_eq (emp_toolbox_perf_header_eta (here.toolbox), "PERF_HEADER_ETA;");
    cr_assert_eq (emp_toolbox_perf_current_eta (here.toolbox), 0);
}

Test (toolbox, B25_next_list_and_input_header_are_those_of_the_chunk_got_last)
{
    cr_assert_null (emp_toolbox_next_list (here.toolbox));
    cr_assert_str_eq (emp_toolbox_input_header (here.toolbox), "");
    fake_integers (2, 1);
    for (int i = 0; i < 2; i++) {
        emp_chunk_t *chunk = emp_queue_get (here.queue);
        cr_assert (emp_toolbox_next_list (here.toolbox) == chunk);
        cr_assert_str_eq (emp_toolbox_input_header (here.toolbox), emp_chunk_header (chunk));
        emp_chunk_done (&chunk);
        cr_assert_null (emp_toolbox_next_list (here.toolbox));
    }
    cr_assert_null (emp_queue_get (here.queue));
    cr_assert_str_eq (emp_toolbox_input_header (here.toolbox), "mp_input_q (default);_TID_1;");
}

static void *look (void *arg)
{
    cr_assert_null (emp_toolbox_next_list (arg));
    cr_assert_str_eq (emp_toolbox_input_header (arg), "");
    return NULL;
}

Test (toolbox, each_thread_has_its_own_next_list)
{
    fake_integers (1, 1);
    emp_chunk_t *chunk = emp_queue_get (here.queue);
    pthread_t thread;
    cr_assert_eq (pthread_create (&thread, NULL, look, here.toolbox), 0);
    pthread_join (thread, NULL);
    emp_chunk_done (&chunk);
}

Test (toolbox, B15_lists_every_queue_the_default_ones_first)
{
    static const char *const names[] = {"mp_input_q", "mp_output_q", "blue_q_7", "batch_1|audio_lg"};
    for (size_t i = 0; i < 4; i++) {
        emp_queue_t *queue = emp_toolbox_queue_at (here.toolbox, i);
        cr_assert_str_eq (emp_queue_name (queue), names[i]);
        cr_assert (emp_toolbox_queue (here.toolbox, names[i]) == queue, "one handle a queue");
    }
    cr_assert_null (emp_toolbox_queue_at (here.toolbox, 4));
}

Test (toolbox, B11_finds_queues_of_a_category)
{
    emp_queue_t *queue = emp_toolbox_category_queue (here.toolbox, "batch_1", "audio_lg");
    cr_assert_not_null (queue);
    cr_assert (queue == emp_toolbox_queue (here.toolbox, "batch_1|audio_lg"));
    cr_assert_null (emp_toolbox_category_queue (here.toolbox, "batch_1", "video_in"));
    cr_assert_null (emp_toolbox_category_queue (here.toolbox, "", "audio_lg"));
}

Test (toolbox, of_a_queue_that_is_not_there_gives_NULL)
{
    cr_assert_null (emp_toolbox_queue (here.toolbox, "blue_q_8"));
    cr_assert_null (emp_toolbox_queue (here.toolbox, ""));
    cr_assert_null (emp_toolbox_queue (here.toolbox, "zzz"));
    cr_assert_null (emp_toolbox_queue (here.toolbox, "mp_input_q (default)"));
}

Test (toolbox, B1_B8_attributes_have_the_type_that_they_have)
{
    emp_toolbox_t *toolbox = here.toolbox;
    cr_assert_eq (emp_toolbox_int (toolbox, "sleep_time", -1), 45);
    cr_assert_eq (emp_toolbox_int (toolbox, "below", -1), INT64_MIN);
    cr_assert_eq (emp_toolbox_int (toolbox, "huge", 5), 5, "does not fit");
    cr_assert_eq (emp_toolbox_int (toolbox, "ratio", -1), -1);
    cr_assert_eq (emp_toolbox_int (toolbox, "not there", -1), -1);
    cr_assert_eq (emp_toolbox_get (toolbox, "huge")->via.u64, UINT64_MAX);
    cr_assert_float_eq (emp_toolbox_double (toolbox, "ratio", -1), 0.25, 0);
    cr_assert_float_eq (emp_toolbox_double (toolbox, "sleep_time", -1), 45, 0);
    cr_assert_float_eq (emp_toolbox_double (toolbox, "below", -1), -0x1p63, 0);
    cr_assert_float_eq (emp_toolbox_double (toolbox, "label", -1), -1, 0);
    cr_assert (emp_toolbox_bool (toolbox, "yes", false));
    cr_assert (emp_toolbox_bool (toolbox, "nothing", true), "nothing is no boolean");
    cr_assert_eq (emp_toolbox_get (toolbox, "nothing")->type, MSGPACK_OBJECT_NIL);
    cr_assert_null (emp_toolbox_get (toolbox, "not there"));
}

Test (toolbox, texts_of_attributes_end_with_NUL_and_stay_where_they_are)
{
    emp_toolbox_t *toolbox = here.toolbox;
    const char *text = emp_toolbox_string (toolbox, "label", "-");
    cr_assert_str_eq (text, "a text");
    cr_assert (emp_toolbox_string (toolbox, "label", "-") == text);
    cr_assert_str_eq (emp_toolbox_string (toolbox, "empty", "-"), "");
    cr_assert_str_eq (emp_toolbox_string (toolbox, "zero inside", "-"), "-", "half a text is no text");
    cr_assert_str_eq (emp_toolbox_string (toolbox, "sleep_time", "-"), "-");
    cr_assert_null (emp_toolbox_string (toolbox, "not there", NULL));
}

Test (toolbox, B25_fields_that_a_module_sets_stay)
{
    int one, two;
    cr_assert_null (emp_toolbox_field (here.toolbox, "dice"));
    cr_assert_eq (emp_toolbox_set_field (here.toolbox, "dice", &one), EMP_OK);
    cr_assert_eq (emp_toolbox_set_field (here.toolbox, "coin", &two), EMP_OK);
    cr_assert (emp_toolbox_field (here.toolbox, "dice") == &one);
    cr_assert_eq (emp_toolbox_set_field (here.toolbox, "dice", &two), EMP_OK);
    cr_assert (emp_toolbox_field (here.toolbox, "dice") == &two);
    cr_assert_null (emp_toolbox_multi_tool (here.toolbox));
    emp_toolbox_set_multi_tool (here.toolbox, &one);
    cr_assert (emp_toolbox_multi_tool (here.toolbox) == &one);
}

Test (toolbox, fields_have_an_end)
{
    char name[32];
    for (int i = 0; i < EMP_FIELDS_MAX; i++) {
        snprintf (name, sizeof name, "field %d", i);
        cr_assert_eq (emp_toolbox_set_field (here.toolbox, name, &here), EMP_OK);
    }
    cr_assert_eq (emp_toolbox_set_field (here.toolbox, "one more", &here), EMP_FULL);
    cr_assert_eq (emp_toolbox_set_field (here.toolbox, "field 0", NULL), EMP_OK, "those that are there may change");
}

Test (toolbox, prints_a_text_as_it_is, .init = cr_redirect_stderr)
{
    emp_toolbox_print (here.toolbox, "%s has %d rows\n", "mp_input_q", 42);
    fflush (stderr);
    cr_assert_stderr_eq_str ("mp_input_q has 42 rows\n");
}

Test (toolbox, prints_64_KiB_at_the_most)
{
    static char text[100000];
    memset (text, 'x', sizeof text - 1);
    FILE *file = tmpfile ();
    int before = dup (2);
    fflush (stderr);
    dup2 (fileno (file), 2);
    emp_toolbox_print (here.toolbox, "%s", text);
    fflush (stderr);
    dup2 (before, 2);
    close (before);
    fseek (file, 0, SEEK_END);
    cr_assert_eq (ftell (file), 65536);
    fclose (file);
}
