/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_output.c - the file of RESULTS_FILE.
 */
#include <criterion/criterion.h>
#include <sys/stat.h>

#include "manager/output.h"
#include "scratch.h"

TestSuite (output, .timeout = 60, .init = scratch_make, .fini = scratch_remove);

static char why[EMP_OUTPUT_WHY_MAX];

/* In part beyond memory, in the folder or in `database`. */
static emp_results_t *some_results (const char *database)
{
    static const struct {
        uint32_t length;
        const char *data;
    } answers[] = {{5, "\x01\xa3yes"},      {0, ""},     {6, "\xa5 \",\r\n"},     {3, "\x92\xa0\x02"},
                   {4, "\xc4\x02\xff\x00"}, {1, "\xc0"}, {4, "\xa0\xcc\xff\xc3"}, {3, "\xa1\xff\x7f"}};
    emp_results_t *results = emp_results_new (100, true);
    cr_assert_eq (emp_results_overflow (results, scratch_dir, database), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 1, "a \"q\"", "q"), EMP_OK);
    for (uint64_t i = 0; i < 8; i++) {
        emp_part_t part = {.number = i, .outcome = EMP_OUTCOME_DONE, .rows = 1, .length = answers[i].length};
        cr_assert_eq (emp_results_take (results, 1, &part, (const uint8_t *) answers[i].data), EMP_OK);
    }
    emp_part_t part = {.number = 8, .outcome = EMP_OUTCOME_DEAD, .rows = 1, .length = 3};
    cr_assert_eq (emp_results_take (results, 1, &part, (const uint8_t *) "\xa2no"), EMP_OK);
    return results;
}

static bool is_there (const char *name)
{
    return access (scratch_path (name), F_OK) == 0;
}

static void expect_text (const char *name, const char *expected)
{
    char text[4096];
    FILE *file = fopen (scratch_path (name), "r");
    cr_assert_not_null (file, "%s", name);
    text[fread (text, 1, sizeof text - 1, file)] = 0;
    fclose (file);
    cr_assert_str_eq (text, expected);
}

static void write_all (const char *name)
{
    emp_output_t *output;
    cr_assert_eq (emp_output_open (scratch_path (name), &output, why), EMP_OK, "%s", why);
    cr_assert_str_eq (emp_output_folder (output), scratch_dir);
    emp_results_t *results = some_results (emp_output_database (output));
    cr_assert_eq (emp_output_write (output, results, why), EMP_OK, "%s", why);
    emp_results_destroy (&results);
    emp_output_destroy (&output);
}

Test (output, jsonl_is_a_line_a_result_in_order_of_arrival)
{
    write_all ("out.jsonl");
#define BEGIN(n) "{\"queue\":\"a \\\"q\\\"\",\"ticket\":" #n ",\"header\":\"a \\\"q\\\";_TID_" #n ";\",\"value\":"
    expect_text ("out.jsonl",
                 BEGIN (0) "1}\n" BEGIN (0) "\"yes\"}\n" BEGIN (1) "null}\n" BEGIN (2) "\" \\\",\\r\\n\"}\n" BEGIN (3) "[\"\",2]}\n" BEGIN (4) "{\"$bin\":\"/wA=\"}}\n" BEGIN (
                     5) "null}\n" BEGIN (6) "\"\"}\n" BEGIN (6) "255}\n" BEGIN (6) "true}\n" BEGIN (7) "{\"$str\":\"/"
                                                                                                       "w==\"}}"
                                                                                                       "\n" BEGIN (
                                                                                                           7) "127}\n");
    cr_assert_not (is_there ("out.jsonl" EMP_OUTPUT_PART));
}

Test (output, csv_is_that_of_rfc_4180)
{
    write_all ("out.csv");
#define CSV(n) "\"a \"\"q\"\"\"," #n ","
    expect_text (
        "out.csv",
        "queue,ticket,value\r\n" CSV (0) "1\r\n" CSV (0) "\"yes\"\r\n" CSV (1) "\r\n" CSV (2) "\" \"\",\r\n\"\r\n" CSV (3) "\"[\"\"\"\",2]\"\r\n" CSV (
            4) "\"{\"\"$bin\"\":\"\"/wA=\"\"}\"\r\n" CSV (5) "\r\n" CSV (6) "\"\"\r\n" CSV (6) "255\r\n" CSV (6) "true"
                                                                                                                 "\r"
                                                                                                                 "\n" CSV (
                                                                                                                     7) "\"{\"\"$str\"\":\"\"/"
                                                                                                                        "w==\"\"}\"\r\n" CSV (
                                                                                                                            7) "127\r"
                                                                                                                               "\n");
}

Test (output, csv_quotes_a_number_that_json_has_no_word_for)
{
    static const uint8_t doubles[] = "\xcb\x7f\xf0\0\0\0\0\0\0\xcb\x3f\xf8\0\0\0\0\0\0\xca\x7f\xc0\0\0";
    emp_output_t *output;
    cr_assert_eq (emp_output_open (scratch_path ("out.csv"), &output, why), EMP_OK, "%s", why);
    emp_results_t *results = emp_results_new (1000, true);
    cr_assert_eq (emp_results_feed (results, 1, "a", "a"), EMP_OK);
    emp_part_t part = {.outcome = EMP_OUTCOME_DONE, .rows = 1, .length = sizeof doubles - 1};
    cr_assert_eq (emp_results_take (results, 1, &part, doubles), EMP_OK);
    cr_assert_eq (emp_output_write (output, results, why), EMP_OK, "%s", why);
    emp_results_destroy (&results);
    emp_output_destroy (&output);
    expect_text ("out.csv", "queue,ticket,value\r\n\"a\",0,\"{\"\"$double\"\":\"\"inf\"\"}\"\r\n\"a\",0,1.5\r\n"
                            "\"a\",0,\"{\"\"$double\"\":\"\"nan\"\"}\"\r\n");
}

Test (output, the_old_file_stays_until_the_new_one_is_whole_and_keeps_its_mode)
{
    const char *path = scratch_text ("out.csv", "old");
    cr_assert_eq (chmod (path, 0640), 0);
    emp_output_t *output;
    cr_assert_eq (emp_output_open (path, &output, why), EMP_OK);
    expect_text ("out.csv", "old");
    cr_assert (is_there ("out.csv" EMP_OUTPUT_PART));
    emp_output_destroy (&output);
    cr_assert_not (is_there ("out.csv" EMP_OUTPUT_PART));
    expect_text ("out.csv", "old");
    write_all ("out.csv");
    struct stat stat_buf;
    cr_assert_eq (stat (path, &stat_buf), 0);
    cr_assert_eq (stat_buf.st_mode & 0777, 0640);
    cr_assert_gt (stat_buf.st_size, 100);
}

Test (output, a_link_leads_to_the_file_that_is_replaced)
{
    scratch_text ("real.csv", "old");
    cr_assert_eq (symlink ("real.csv", scratch_path ("out.csv")), 0);
    write_all ("out.csv");
    struct stat stat_buf;
    cr_assert_eq (lstat (scratch_path ("out.csv"), &stat_buf), 0);
    cr_assert (S_ISLNK (stat_buf.st_mode));
    cr_assert_eq (stat (scratch_path ("real.csv"), &stat_buf), 0);
    cr_assert_gt (stat_buf.st_size, 100);
}

static void expect_refused (const char *path, const char *reason)
{
    emp_output_t *output = NULL;
    cr_expect_eq (emp_output_open (path, &output, why), EMP_INVALID, "%s", path);
    cr_expect_not_null (strstr (why, reason), "%s", why);
    cr_expect_null (output);
}

Test (output, what_cannot_be_written_is_known_before)
{
    expect_refused ("out.txt", "found 'out.txt', expected a name that ends in .db, .jsonl or .csv");
    expect_refused ("out", "expected a name that");
    expect_refused (".db", "expected a name that");
    expect_refused ("x/.db", "expected a name that");
    expect_refused (scratch_path ("nowhere/out.db"), "No such file or directory");
    cr_assert_eq (mkdir (scratch_path ("folder.db"), 0700), 0);
    expect_refused (scratch_path ("folder.db"), "a folder");
    cr_assert_eq (mkfifo (scratch_path ("pipe.csv"), 0600), 0);
    expect_refused (scratch_path ("pipe.csv"), "no plain file");
    cr_assert_eq (mkdir (scratch_path ("part.db" EMP_OUTPUT_PART), 0700), 0);
    expect_refused (scratch_path ("part.db"), "Is a directory");
}

Test (output, two_runs_do_not_write_one_file)
{
    emp_output_t *output;
    const char *path = scratch_path ("out.db");
    cr_assert_eq (emp_output_open (path, &output, why), EMP_OK);
    expect_refused (path, "it is being written by another run");
    cr_assert (is_there ("out.db" EMP_OUTPUT_PART), "which is left alone");
    emp_output_destroy (&output);
    scratch_text ("out.db" EMP_OUTPUT_PART, "of a run that was killed");
    write_all ("out.db");
}

Test (output, what_is_not_whole_replaces_nothing)
{
    scratch_text ("out.csv", "old");
    emp_results_t *results = emp_results_new (45, true);
    cr_assert_eq (emp_results_overflow (results, "/nowhere", NULL), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 1, "q", "q"), EMP_OK);
    for (uint64_t i = 0; i < 2; i++) {
        emp_part_t part = {.number = i, .outcome = EMP_OUTCOME_DONE, .rows = 1, .length = 1};
        cr_assert_eq (emp_results_take (results, 1, &part, (const uint8_t *) "\x01"), EMP_OK);
    }
    emp_output_t *output;
    cr_assert_eq (emp_output_open (scratch_path ("out.csv"), &output, why), EMP_OK);
    cr_assert_eq (emp_output_write (output, results, why), EMP_SYSTEM);
    cr_assert_not_null (strstr (why, "/nowhere: "), "%s", why);
    emp_results_destroy (&results);
    emp_output_destroy (&output);
    expect_text ("out.csv", "old");
}
