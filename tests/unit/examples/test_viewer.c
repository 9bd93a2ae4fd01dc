/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_viewer.c - what a page is told, and in which order (E8).
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "manager/examples/viewer.h"

TestSuite (viewer, .timeout = 10);

static char job[] = "/x/job.yaml", title[] = "say \"a\\b\"\n\xff\xc3\xa4", none[] = "";
static emp_example_t examples[] = {{.name = "a", .job = job, .title = title}, {.name = "b", .job = job, .title = none}};
static const emp_catalogue_t catalogue = {examples, 2};
static emp_runs_t runs;
static emp_viewer_t *viewer;
static emp_buf_t out;

static const char *next (void)
{
    emp_buf_clear (&out);
    bool more = emp_viewer_next (viewer, &catalogue, &runs, &out);
    cr_assert_eq (more, out.size > 0);
    cr_assert_eq (emp_buf_append (&out, "", 1), EMP_OK);
    return (const char *) out.data;
}

static void make (void)
{
    emp_buf_init (&out, EMP_VIEWER_EVENT_MAX);
    cr_assert_eq (emp_runs_init (&runs, 2), EMP_OK);
    viewer = emp_viewer_new (2);
    cr_assert_not_null (viewer);
}

static void drop (void)
{
    emp_viewer_destroy (&viewer);
    emp_runs_release (&runs);
    emp_buf_release (&out);
}

static void write_text (size_t which, unsigned stream, const char *text)
{
    cr_assert_eq (emp_output_add (&runs.at[which].output, stream, text, strlen (text)), EMP_OK);
}

#define RUN(number, state, asked, how)                                                                                 \
    "event: run\ndata: {\"run\":0,\"number\":" number ",\"state\":\"" state "\",\"asked\":" asked ",\"how\":\"" how    \
    "\"}\n\n"

Test (viewer, the_list_comes_first_and_once_and_is_json, .init = make, .fini = drop)
{
    cr_assert_str_eq (next (),
                      "event: list\ndata: [{\"name\":\"a\",\"title\":\"say \\u0022a\\u005cb\\u0022\\u000a?\xc3\xa4\","
                      "\"job\":\"/x/job.yaml\"},{\"name\":\"b\",\"title\":\"\",\"job\":\"/x/job.yaml\"}]\n\n");
    cr_assert_str_eq (next (), "");
}

Test (viewer, a_run_is_told_from_its_begin_to_its_end, .init = make, .fini = drop)
{
    next ();
    emp_runs_started (&runs, 0, 100);
    cr_assert_str_eq (next (), RUN ("1", "running", "0", ""));
    cr_assert_str_eq (next (), "");
    write_text (0, 1, "abc");
    write_text (0, 2, "de");
    emp_runs_over (&runs, 0, 0);
    cr_assert_str_eq (next (), "event: output\ndata: {\"run\":0,\"stream\":1,\"base64\":\"YWJj\"}\n\n");
    cr_assert_str_eq (next (), "event: output\ndata: {\"run\":0,\"stream\":2,\"base64\":\"ZGU=\"}\n\n");
    cr_assert_str_eq (next (), RUN ("1", "over", "0", "exit 0"));
    cr_assert_str_eq (next (), "");
}

Test (viewer, one_that_comes_late_hears_the_same, .init = make, .fini = drop)
{
    emp_runs_started (&runs, 0, 100);
    write_text (0, 2, "f");
    emp_runs_over (&runs, 0, SIGKILL);
    next ();
    cr_assert_str_eq (next (), RUN ("1", "running", "0", ""));
    cr_assert_str_eq (next (), "event: output\ndata: {\"run\":0,\"stream\":2,\"base64\":\"Zg==\"}\n\n");
    cr_assert_str_eq (next (), RUN ("1", "over", "0", "killed by signal 9 (Killed)"));
}

Test (viewer, that_a_run_is_asked_to_stop_is_told_before_its_output, .init = make, .fini = drop)
{
    next ();
    emp_runs_started (&runs, 0, 100);
    next ();
    write_text (0, 1, "abc");
    emp_runs_stop (&runs, 0);
    cr_assert_str_eq (next (), RUN ("1", "stopping", "1", ""));
    emp_runs_stop (&runs, 0);
    cr_assert_str_eq (next (), RUN ("1", "stopping", "2", ""));
    cr_assert (strstr (next (), "YWJj"));
}

Test (viewer, a_new_run_is_told_also_when_nobody_heard_the_end_of_the_last, .init = make, .fini = drop)
{
    next ();
    emp_runs_started (&runs, 0, 100);
    write_text (0, 1, "abc");
    next ();
    next ();
    emp_runs_over (&runs, 0, 0);
    emp_runs_started (&runs, 0, 101);
    write_text (0, 1, "de");
    cr_assert_str_eq (next (), RUN ("2", "running", "0", ""));
    cr_assert (strstr (next (), "ZGU="));
    cr_assert_str_eq (next (), "");
}

Test (viewer, what_was_dropped_is_told_as_a_number, .init = make, .fini = drop)
{
    static char piece[EMP_OUTPUT_PIECE_MAX];
    next ();
    emp_runs_started (&runs, 0, 100);
    next ();
    for (size_t i = 0; i < EMP_OUTPUT_MAX / EMP_OUTPUT_PIECE_MAX; i++) /* heads count: one too many */
        cr_assert_eq (emp_output_add (&runs.at[0].output, 1, piece, sizeof piece), EMP_OK);
    const char *event = next ();
    cr_assert (strstr (event, "event: lost\ndata: {\"run\":0,\"bytes\":4096}\n\nevent: output\n") == event);
}

Test (viewer, runs_take_turns, .init = make, .fini = drop)
{
    next ();
    for (size_t i = 0; i < 2; i++) {
        emp_runs_started (&runs, i, 100);
        for (int j = 0; j < 3; j++)
            write_text (i, 1, "abc");
    }
    for (int j = 0; j < 4; j++) {
        cr_assert (strstr (next (), "\"run\":0"));
        cr_assert (strstr (next (), "\"run\":1"));
    }
    cr_assert_str_eq (next (), "");
}

Test (viewer, output_that_found_no_memory_is_told_before_the_end, .init = make, .fini = drop)
{
    next ();
    emp_runs_started (&runs, 0, 100);
    next ();
    emp_output_lose (&runs.at[0].output, 5);
    emp_runs_over (&runs, 0, 0);
    cr_assert_str_eq (next (), "event: lost\ndata: {\"run\":0,\"bytes\":5}\n\n");
    cr_assert_str_eq (next (), RUN ("1", "over", "0", "exit 0"));
    cr_assert_str_eq (next (), "");
}
