/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_report.c - the printed report (B29), whole outputs.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager/report.h"

TestSuite (report, .timeout = 60);

#define LABEL "mp_input_q (default)"

/* What is beyond bytes_max is read from a file. */
static emp_results_t *begin (uint64_t bytes_max)
{
    emp_results_t *results = emp_results_new (bytes_max, true);
    cr_assert_eq (emp_results_feed (results, 1, LABEL, "mp_input_q"), EMP_OK);
    return results;
}

static void take (emp_results_t *results, uint32_t feed, uint64_t number, emp_outcome_t outcome, uint32_t attempt,
                  const void *data, size_t size)
{
    emp_part_t part = {.number = number, .attempt = attempt, .outcome = outcome, .rows = 1, .length = (uint32_t) size};
    cr_assert_eq (emp_results_take (results, feed, &part, data), EMP_OK);
}

#define ANSWER(feed, number, bytes) take (results, feed, number, EMP_OUTCOME_DONE, 1, bytes, sizeof (bytes) - 1)

static void dead (emp_results_t *results, uint64_t number, uint32_t attempt, const char *reason)
{
    char packed[256] = {(char) 0xd9, (char) strlen (reason)};
    memcpy (packed + 2, reason, strlen (reason));
    take (results, 1, number, EMP_OUTCOME_DEAD, attempt, packed, strlen (reason) + 2);
}

static char *print (const emp_report_t *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    emp_report_print (report, out);
    fclose (out);
    return text;
}

static void expect (const emp_report_t *report, const char *expected)
{
    char *text = print (report);
    cr_assert_str_eq (text, expected);
    free (text);
}

Test (report, B29_rows_then_the_end_then_the_dictionary)
{
    emp_results_t *results = begin (1000);
    ANSWER (1, 1, "\x93\x0b\x0d\xa2hi");
    ANSWER (1, 0, "\xcb\x40\x09\x99\x99\x99\x99\x99\x9a");
    ANSWER (1, 2, "\243a'b");
    emp_results_feed_end (results, 1, 3, 3);
    emp_report_t report = {
        .label = "revised.csv, Average calculation", .rows = true, .dictionary = true, .results = results};
    expect (&report, "\n"
                     "--- Result for [revised.csv, Average calculation]---\n"
                     "11\n"
                     "13\n"
                     "hi\n"
                     "3.2\n"
                     "a'b\n"
                     "    --- END ---\n"
                     "{'mp_input_q (default)': [\n"
                     "  ('_TID_1', [11, 13, 'hi']),\n"
                     "  ('_TID_0', 3.2),\n"
                     "  ('_TID_2', 'a\\'b')]}\n");
    emp_results_destroy (&results);
}

Test (report, B29_without_a_label_the_title_is_the_names_of_the_queues)
{
    emp_results_t *results = begin (1000);
    cr_assert_eq (emp_results_feed (results, 2, "batch_1|audio_lg", "batch_1|audio_lg"), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 3, "never", "q"), EMP_OK);
    ANSWER (2, 0, "\x01");
    ANSWER (1, 0, "\x02");
    ANSWER (2, 1, "\x03");
    emp_report_t report = {.rows = true, .dictionary = true, .results = results};
    expect (&report, "\n"
                     "--- Result for [batch_1|audio_lg, mp_input_q (default)]---\n"
                     "1\n2\n3\n"
                     "    --- END ---\n"
                     "{'batch_1|audio_lg': [\n"
                     "  ('_TID_0', 1),\n"
                     "  ('_TID_1', 3)],\n"
                     " 'mp_input_q (default)': [\n"
                     "  ('_TID_0', 2)]}\n");
    emp_results_destroy (&results);
}

Test (report, B6_rows_and_dictionary_are_wanted_each_by_itself)
{
    emp_results_t *results = begin (1000);
    ANSWER (1, 0, "\x05");
    emp_report_t report = {.label = "x", .rows = true, .results = results};
    expect (&report, "\n--- Result for [x]---\n5\n    --- END ---\n");
    report.rows = false;
    report.dictionary = true;
    expect (&report, "\n--- Result for [x]---\n    --- END ---\n{'mp_input_q (default)': [\n  ('_TID_0', 5)]}\n");
    report.dictionary = false;
    expect (&report, "");
    emp_results_destroy (&results);
}

Test (report, nothing_came_back)
{
    emp_results_t *results = begin (1000);
    emp_report_t report = {.rows = true, .dictionary = true, .results = results};
    expect (&report, "\n--- Result for []---\n    --- END ---\n{}\n");
    emp_results_destroy (&results);
}

Test (report, answers_that_were_not_to_be_stored_leave_their_queue_in_the_dictionary)
{
    emp_results_t *results = emp_results_new (1000, false);
    cr_assert_eq (emp_results_feed (results, 1, LABEL, "mp_input_q"), EMP_OK);
    ANSWER (1, 0, "\x05");
    emp_report_t report = {.rows = true, .dictionary = true, .results = results};
    expect (&report, "\n--- Result for [mp_input_q (default)]---\n    --- END ---\n{'mp_input_q (default)': []}\n");
    emp_results_destroy (&results);
}

Test (report, B27_a_ticket_with_several_results_stands_once_for_each)
{
    emp_results_t *results = begin (1000);
    ANSWER (1, 0, "\x01\xc0\x92\x02\x91\x03");
    ANSWER (1, 1, "");
    ANSWER (1, 2, "\x90");
    emp_report_t report = {.label = "x", .rows = true, .dictionary = true, .results = results};
    expect (&report, "\n--- Result for [x]---\n"
                     "1\nNone\n2\n[3]\n"
                     "    --- END ---\n"
                     "{'mp_input_q (default)': [\n"
                     "  ('_TID_0', 1),\n"
                     "  ('_TID_0', None),\n"
                     "  ('_TID_0', [2, [3]]),\n"
                     "  ('_TID_1', None),\n"
                     "  ('_TID_2', [])]}\n");
    emp_results_destroy (&results);
}

Test (report, values_that_found_no_room_are_told)
{
    emp_results_t *results = begin (45);
    cr_assert_eq (emp_results_overflow (results, "/nowhere", NULL), EMP_OK);
    ANSWER (1, 0, "\x01");
    ANSWER (1, 1, "\x02");
    emp_report_t report = {.label = "x", .rows = true, .dictionary = true, .results = results};
    expect (&report, "\n--- Result for [x]---\n1\n    --- END ---\n"
                     "{'mp_input_q (default)': [\n"
                     "  ('_TID_0', 1)]}\n"
                     "--- Values not kept ---\n"
                     "1 ticket ended when there was no room: /nowhere: No such file or directory\n");
    dead (results, 2, 5, "why");
    report.rows = report.dictionary = false;
    expect (&report,
            "--- Tickets dead ---\nand 1 more\n--- Values not kept ---\n2 tickets ended when there was no room: "
            "/nowhere: No such file or directory\n");
    emp_results_destroy (&results);
}

Test (report, what_went_wrong_stands_behind_the_dictionary)
{
    emp_results_t *results = begin (1000);
    ANSWER (1, 0, "\x05");
    dead (results, 17, 5, "worker killed by signal 11 (Segmentation fault)");
    dead (results, 1, 1, "line one\nline\ttwo \x1b[31m \xff caf\xc3\xa9 at end");
    emp_results_feed_end (results, 1, 20, 20);
    emp_loss_t losses[] = {
        {.name = "Process-2",
         .pid = 4711,
         .how = EMP_HOW_SIGNAL,
         .code = 9,
         .taken_back = 2,
         .peak = (12 << 20) + 320 * 1024,
         .tail = "first\r\n\nsecond \x1b[31mred"},
        {.name = "Process-3", .pid = 4712, .how = EMP_HOW_EXIT, .code = 3, .taken_back = 1, .tail = "the end\n"},
        {.name = "Process-4", .pid = 4713, .how = EMP_HOW_SILENCE},
    };
    emp_report_t report = {.results = results, .losses = losses, .losses_count = 3, .losses_more = 7};
    expect (&report, "--- Workers lost ---\n"
                     "Process-2 (pid 4711): killed by signal 9 (Killed), peak memory 12.3 MiB, 2 tickets taken back\n"
                     "    | first\n"
                     "    | \n"
                     "    | second  [31mred\n"
                     "Process-3 (pid 4712): exited with 3, 1 ticket taken back\n"
                     "    | the end\n"
                     "Process-4 (pid 4713): was silent, 0 tickets taken back\n"
                     "and 7 more\n"
                     "--- Tickets dead ---\n"
                     "mp_input_q (default);_TID_17: 5 attempts: worker killed by signal 11 (Segmentation fault)\n"
                     "mp_input_q (default);_TID_1: 1 attempt: line one line two  [31m ? caf\xc3\xa9 at end\n"
                     "--- Tickets missing ---\n"
                     "mp_input_q (default);_TID_2\n"
                     "mp_input_q (default);_TID_3\n"
                     "mp_input_q (default);_TID_4\n"
                     "mp_input_q (default);_TID_5\n"
                     "mp_input_q (default);_TID_6\n"
                     "mp_input_q (default);_TID_7\n"
                     "mp_input_q (default);_TID_8\n"
                     "mp_input_q (default);_TID_9\n"
                     "mp_input_q (default);_TID_10\n"
                     "mp_input_q (default);_TID_11\n"
                     "mp_input_q (default);_TID_12\n"
                     "mp_input_q (default);_TID_13\n"
                     "mp_input_q (default);_TID_14\n"
                     "mp_input_q (default);_TID_15\n"
                     "mp_input_q (default);_TID_16\n"
                     "mp_input_q (default);_TID_18\n"
                     "mp_input_q (default);_TID_19\n");
    emp_results_destroy (&results);
}

static size_t lines_of (const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

Test (report, long_lists_are_cut_at_1000_lines)
{
    emp_results_t *results = begin (100000);
    for (uint64_t number = 0; number < 1000; number++)
        dead (results, number, 2, "x");
    emp_results_feed_end (results, 1, 2000, 2000);
    emp_report_t report = {.results = results};
    char *text = print (&report);
    cr_assert_eq (lines_of (text), 1 + 1000 + 1 + 1000);
    cr_assert_null (strstr (text, "more"));
    free (text);
    emp_results_destroy (&results);

    results = begin (100000);
    for (uint64_t number = 0; number < 1003; number++)
        dead (results, number, 2, "x");
    emp_results_feed_end (results, 1, 10000, 10000);
    report.results = results;
    text = print (&report);
    cr_assert_eq (lines_of (text), 1 + 1000 + 1 + 1 + 1000 + 1);
    cr_assert_not_null (strstr (text, "_TID_999: 2 attempts: x\nand 3 more\n--- Tickets missing ---\n"));
    cr_assert_not_null (strstr (text, "_TID_2002\nand 7997 more\n"));
    free (text);
    emp_results_destroy (&results);
}

/* What python3 makes of a text: the ASCII form of the literal. */
static void read_back (const char *text, char *ret_form, size_t room)
{
    char path[] = "/tmp/eisenmp-test-XXXXXX", command[256];
    int fd = mkstemp (path);
    cr_assert_geq (fd, 0);
    cr_assert_eq (write (fd, text, strlen (text)), (ssize_t) strlen (text));
    close (fd);
    snprintf (command, sizeof command,
              "PYTHONUTF8=1 python3 -c 'import ast, sys; print(ascii(ast.literal_eval(sys.stdin.read())))' < %s", path);
    FILE *python = popen (command, "r");
    cr_assert_not_null (python);
    ret_form[fread (ret_form, 1, room - 1, python)] = '\0';
    int status = pclose (python);
    unlink (path);
    cr_assert_eq (status, 0);
}

/* Only where a python3 is installed; nothing else here needs one. */
Test (report, B28_python_reads_the_dictionary_back)
{
    if (system ("command -v python3 > /dev/null 2>&1"))
        cr_skip_test ("no python3");
    emp_results_t *results = begin (1000);
    ANSWER (1, 3, "\x93\x01\xff\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    ANSWER (1, 0, "\xa9'\\\n\x01\x7f\xc3\xa9\xc3\xc2");
    ANSWER (1, 1, "\xc4\004a'\x00\xff\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    ANSWER (1, 2, "");
    ANSWER (1, 4, "\x82\xa1k\x92\xc2\xc3\x05\x80");
    cr_assert_eq (emp_results_feed (results, 2, "a 'quoted' key", "q"), EMP_OK);
    ANSWER (2, 0, "\xc0");
    emp_report_t report = {.label = "x", .dictionary = true, .results = results};
    char *text = print (&report);
    static const char title[] = "\n--- Result for [x]---\n    --- END ---\n";
    cr_assert_eq (strncmp (text, title, strlen (title)), 0);
    char form[1024];
    read_back (text + strlen (title), form, sizeof form);
    cr_assert_str_eq (form, "{'mp_input_q (default)': [('_TID_3', [1, -1, 18446744073709551615]), "
                            "('_TID_0', \"'\\\\\\n\\x01\\x7f\\xe9\\xc3\\xc2\"), "
                            "('_TID_1', b\"a'\\x00\\xff\"), ('_TID_1', 0.1), ('_TID_2', None), "
                            "('_TID_4', {'k': [False, True], 5: {}})], \"a 'quoted' key\": [('_TID_0', None)]}\n");
    free (text);
    emp_results_destroy (&results);
}

static void part (emp_results_t *results, uint64_t number, uint32_t from, uint32_t rows, uint32_t left,
                  const char *data, emp_outcome_t outcome)
{
    emp_part_t one = {.number = number, .attempt = 2, .outcome = outcome, .rows = rows, .from = from, .left = left};
    one.length = (uint32_t) strlen (data);
    cr_assert_eq (emp_results_take (results, 1, &one, (const uint8_t *) data), EMP_OK);
}

Test (report, dead_rows_of_tickets_that_are_answered_in_part_are_named)
{
    for (uint64_t bytes_max = 0; bytes_max <= 10000; bytes_max += 10000) {
        emp_results_t *results = begin (bytes_max);
        emp_report_t report = {.results = results};
        dead (results, 9, 5, "whole");
        part (results, 4, 0, 2, 2, "\xa1x", EMP_OUTCOME_DEAD);
        part (results, 4, 2, 2, 0, "\xa1y", EMP_OUTCOME_DEAD);
        expect (&report, "--- Tickets dead ---\n"
                         "mp_input_q (default);_TID_9: 5 attempts: whole\n"
                         "--- Rows dead ---\n"
                         "mp_input_q (default);_TID_4 rows 0 to 1: 2 attempts: x\n"
                         "mp_input_q (default);_TID_4 rows 2 to 3: 2 attempts: y\n"
                         "--- Tickets missing ---\n"
                         "mp_input_q (default);_TID_0\n"
                         "mp_input_q (default);_TID_1\n"
                         "mp_input_q (default);_TID_2\n"
                         "mp_input_q (default);_TID_3\n"
                         "mp_input_q (default);_TID_5\n"
                         "mp_input_q (default);_TID_6\n"
                         "mp_input_q (default);_TID_7\n"
                         "mp_input_q (default);_TID_8\n");
        emp_results_destroy (&results);
        results = begin (bytes_max);
        report.results = results;
        part (results, 0, 0, 17, 3, "\x01", EMP_OUTCOME_DONE);
        part (results, 0, 18, 2, 1, "\x02", EMP_OUTCOME_DONE);
        part (results, 0, 17, 1, 0,
              "\xa4"
              "boom",
              EMP_OUTCOME_DEAD);
        emp_results_feed_end (results, 1, 1, 20);
        report.dictionary = true;
        report.label = "x";
        expect (&report, "\n--- Result for [x]---\n    --- END ---\n"
                         "{'mp_input_q (default)': [\n  ('_TID_0', 1),\n  ('_TID_0', 2)]}\n"
                         "--- Tickets answered in part, their dead rows ---\n"
                         "mp_input_q (default);_TID_0 row 17: 2 attempts: boom\n");
        emp_results_destroy (&results);
    }
}
