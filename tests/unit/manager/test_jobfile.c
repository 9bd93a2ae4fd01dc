/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_jobfile.c - job files. Most cases are data: tests/data/jobs/good_*.yaml load, each bad_*.yaml says in its first
 * lines which errors it must give, and gives no others:
 *
 *     # expect: LINE:COLUMN sentence        "..." stands for any text
 */
#include <criterion/criterion.h>
#include <glob.h>

#include "common/value.h"
#include "manager/bigdata.h"
#include "manager/jobfile.h"
#include "scratch.h"

static emp_config_t config;
static char *messages;
static size_t messages_size;

static void begin (void)
{
    scratch_make ();
    unsetenv ("EISENMP_MODULE_PATH");
    cr_assert_eq (emp_config_init (&config), EMP_OK);
}

static void end (void)
{
    free (messages);
    messages = NULL;
    emp_config_release (&config);
    scratch_remove ();
}

/* libfyaml 0.7.12 forgets a kilobyte after some syntax errors; the leak checker is told so. */
const char *__lsan_default_suppressions (void);

const char *__lsan_default_suppressions (void)
{
    return "leak:libfyaml";
}

TestSuite (jobfile, .timeout = 60, .init = begin, .fini = end);

static emp_status_t load (const char *path)
{
    free (messages);
    FILE *out = open_memstream (&messages, &messages_size);
    emp_status_t status = emp_jobfile_load (&config, path, test_modules (), out);
    fclose (out);
    return status;
}

/* ---- cases that are data ------------------------------------------------------------------------------------------- */

/* `pattern` with "..." for any text, against one line. */
static bool matches (const char *line, const char *pattern)
{
    const char *dots = strstr (pattern, "...");
    if (!dots)
        return strcmp (line, pattern) == 0;
    size_t size = (size_t) (dots - pattern);
    if (strncmp (line, pattern, size) != 0)
        return false;
    for (line += size; *line; line++)
        if (matches (line, dots + 3))
            return true;
    return matches (line, dots + 3);
}

static bool has_message (const char *pattern)
{
    char *copy = strdup (messages), *rest = copy, *line;
    bool found = false;
    while ((line = strsep (&rest, "\n")))
        found = found || matches (line, pattern);
    free (copy);
    return found;
}

static size_t count_of (const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr (text, what)); text++)
        count++;
    return count;
}

static void check_file (const char *path)
{
    char line[1024], pattern[PATH_MAX + 1100];
    size_t expected = 0;
    emp_status_t status = load (path);
    FILE *file = fopen (path, "r");
    while (fgets (line, sizeof line, file) && *line == '#') {
        char *text = line + strlen ("# expect: ");
        if (strncmp (line, "# expect: ", strlen ("# expect: ")) != 0)
            continue;
        line[strcspn (line, "\n")] = '\0';
        snprintf (pattern, sizeof pattern, "%s:%.*s: error: %s", path, (int) strcspn (text, " "), text,
                  text + strcspn (text, " ") + 1);
        cr_expect (has_message (pattern), "expected\n%s\nfound\n%s", pattern, messages);
        expected++;
    }
    fclose (file);
    cr_expect_eq (status, expected ? EMP_INVALID : EMP_OK, "%s: %s", path, messages);
    cr_expect_eq (count_of (messages, ": error: "), expected, "%s", messages);
    cr_expect_eq (count_of (messages, "^\n"), expected, "a caret for each\n%s", messages);
    cr_expect_eq (*config.error != '\0', expected > 0);
}

static void check_all (const char *pattern, size_t at_least)
{
    char path[PATH_MAX + 32];
    glob_t found;
    snprintf (path, sizeof path, "%s/jobs/%s", test_data (), pattern);
    cr_assert_eq (glob (path, 0, NULL, &found), 0, "%s", path);
    cr_assert_geq (found.gl_pathc, at_least);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        emp_config_release (&config);
        cr_assert_eq (emp_config_init (&config), EMP_OK);
        check_file (found.gl_pathv[i]);
    }
    globfree (&found);
}

Test (jobfile, good_files_load_without_a_word)
{
    check_all ("good_*.yaml", 3);
}

Test (jobfile, bad_files_give_the_errors_that_they_say)
{
    check_all ("bad_*.yaml", 18);
}

/* ---- what good files come to ----------------------------------------------------------------------------------------- */

static void load_good (const char *name)
{
    char path[PATH_MAX + 64];
    snprintf (path, sizeof path, "%s/jobs/%s", test_data (), name);
    emp_status_t status = load (path);
    cr_assert_eq (status, EMP_OK, "%s", messages);
}

/* A line is counted for each error that is written, so all of them would take the square of the lines. */
static void expect_few (const char *head, const char *line)
{
    char *text;
    size_t size;
    FILE *file = open_memstream (&text, &size);
    fputs (head, file);
    for (int i = 0; i < 200000; i++)
        fputs (line, file);
    fclose (file);
    cr_assert_eq (load (scratch_text ("many.yaml", text)), EMP_INVALID);
    cr_assert_eq (count_of (messages, ": error: "), 20, "%s", messages);
    cr_assert_eq (count_of (messages, ": more errors, not shown\n"), 1);
    free (text);
}

Test (jobfile, many_errors_cost_no_more_than_those_that_are_told, .timeout = 40)
{
    expect_few ("", "a: 1\n");
    expect_few ("queues:\n", "  - {name: a}\n");
    expect_few ("feed:\n", "  - {queue: a}\n");
}

Test (jobfile, B1_to_B8_every_key_reaches_the_configuration)
{
    load_good ("good_all.yaml");
    cr_assert_str_eq (config.result_label, "revised.csv, Average calculation");
    cr_assert_eq (config.procs_max, 5);
    cr_assert_eq (config.rows_max, 50000);
    cr_assert (config.results_store && !config.results_print && config.results_dict_print && config.info_enable);
    cr_assert_eq (config.results_bytes_max, 0x100000);
    char file[PATH_MAX + 64];
    snprintf (file, sizeof file, "%s/jobs/out.jsonl", test_data ());
    cr_assert_str_eq (config.results_file, file, "relative to the job file");
    snprintf (file, sizeof file, "%s/jobs/stream.csv", test_data ());
    cr_assert_str_eq (config.results_stream, file, "the same");
    cr_assert_eq (config.results_order, EMP_ORDER_TICKET);
    cr_assert_eq (config.info_thread_max, 10000);
    cr_assert_eq (config.attempts_max, 3);
    cr_assert_eq (config.beat_ms, 500);
    cr_assert_eq (config.dead_after_ms, 2000);
    cr_assert_eq (config.stop_grace_ms, 1500);
    static const char *const expected[][2] = {{"sleep_time", "45"},
                                              {"words", "['alpha', 'beta']"},
                                              {"table", "{1: 'one', 'two': 2.5}"},
                                              {"key", "b'hello'"},
                                              {"nothing", "None"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char text[256];
        size_t size;
        const void *data = emp_config_get (&config, expected[i][0], &size);
        cr_assert (data != NULL);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init (&unpacked);
        cr_assert_eq (msgpack_unpack_next (&unpacked, data, size, NULL), MSGPACK_UNPACK_SUCCESS);
        FILE *out = fmemopen (text, sizeof text, "w");
        emp_value_repr (out, &unpacked.data);
        fclose (out);
        msgpack_unpacked_destroy (&unpacked);
        cr_assert_str_eq (text, expected[i][1]);
    }
}

Test (jobfile, B26_attributes_may_be_files)
{
    load_good ("good_big_data.yaml");
    cr_assert_eq (config.big_data_min, 4096);
    char path[PATH_MAX + 64], text[4096];
    snprintf (path, sizeof path, "%s/jobs/words.txt", test_data ());
    FILE *file = fopen (path, "r");
    size_t size = fread (text, 1, sizeof text, file);
    fclose (file);
    const msgpack_object *words = emp_bigdata_get (&config, "words");
    cr_assert (words->type == MSGPACK_OBJECT_ARRAY && words->via.array.size > 0);
    const msgpack_object *first = &words->via.array.ptr[0];
    cr_assert (first->type == MSGPACK_OBJECT_STR && memcmp (first->via.str.ptr, text, first->via.str.size) == 0);
    static const char *const files[] = {"same", "again"};
    for (size_t i = 0; i < 2; i++) {
        const msgpack_object *bytes = emp_bigdata_get (&config, files[i]);
        cr_assert (bytes->type == MSGPACK_OBJECT_BIN && bytes->via.bin.size == size);
        cr_assert_eq (memcmp (bytes->via.bin.ptr, text, size), 0);
    }
    cr_assert_null (emp_bigdata_get (&config, "colour"));
}

Test (jobfile, B2_modules_are_found_and_absolute_in_either_spelling)
{
    load_good ("good_all.yaml");
    cr_assert_eq (config.modules_count, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq (*config.modules[i].path, '/');
        cr_assert_str_eq (strrchr (config.modules[i].path, '/'), "/loader_good.so");
        cr_assert_str_eq (config.modules[i].ref, "count_me");
    }
}

static void expect_queue (size_t i, const char *name, uint32_t maxsize)
{
    cr_assert_lt (i, config.queues_count);
    cr_expect_str_eq (config.queues[i].name, name);
    cr_expect_eq (config.queues[i].maxsize, maxsize);
}

Test (jobfile, B10_B11_queues_are_a_list_or_a_map)
{
    load_good ("good_all.yaml");
    cr_assert_eq (config.queues_count, 9);
    expect_queue (0, "mp_input_q", EMP_QUEUE_MAXSIZE_DEFAULT);
    expect_queue (6, "blue_q_7", 3);
    expect_queue (7, "batch_1|audio_lg", 5);
    expect_queue (8, "batch_7|video_in", EMP_QUEUE_MAXSIZE_DEFAULT);
    emp_config_release (&config);
    cr_assert_eq (emp_config_init (&config), EMP_OK);
    load_good ("good_queues_as_a_map.yaml");
    cr_assert_eq (config.queues_count, 10);
    expect_queue (6, "blue_q_7", 3);
    expect_queue (7, "orange_q_2", EMP_QUEUE_MAXSIZE_DEFAULT);
    expect_queue (8, "batch_1|audio_lg", 5);
    expect_queue (9, "batch_7|audio_lg", 6);
}

Test (jobfile, B17_feeds_come_in_the_order_of_the_file)
{
    load_good ("good_all.yaml");
    cr_assert_eq (config.feeds_count, 8);
    const emp_feed_decl_t *feed = config.feeds;
    cr_assert_str_eq (feed[0].queue, "batch_1|audio_lg");
    cr_assert_str_eq (feed[0].header_msg, "AUDIO");
    cr_assert_eq (feed[0].rows_max, 7);
    cr_assert_eq (feed[0].source.kind, EMP_SOURCE_RANGE);
    cr_assert_eq (feed[0].source.start, -5);
    cr_assert_eq (feed[0].source.count, 1000);
    cr_assert_eq (feed[0].source.step, 2);
    cr_assert_str_eq (feed[1].queue, "batch_7|video_in");
    cr_assert_eq (feed[1].source.kind, EMP_SOURCE_LINES);
    cr_assert_eq (*feed[1].source.path, '/');
    cr_assert_eq (feed[1].rows_max, 0);
    cr_assert (feed[1].header_msg == NULL);
    cr_assert_str_eq (feed[2].queue, "mp_input_q");
    cr_assert_eq (feed[2].source.kind, EMP_SOURCE_CSV);
    cr_assert_str_eq (feed[2].source.column, "value");
    cr_assert_str_eq (feed[3].source.column, "1");
    cr_assert_eq (feed[4].source.kind, EMP_SOURCE_PROGRAM);
    cr_assert_str_eq (feed[4].source.argv[2], "100");
    cr_assert (feed[4].source.argv[3] == NULL);
    cr_assert_eq (*feed[4].source.directory, '/');
    cr_assert_str_eq (feed[5].source.argv[0], "/bin/sh");
    cr_assert_str_eq (feed[5].source.argv[1], "-c");
    cr_assert_str_eq (feed[5].source.argv[2], "seq 3 | sort -r");
    cr_assert_str_eq (feed[6].source.path, "-");
    cr_assert_eq (feed[7].source.kind, EMP_SOURCE_GENERATOR);
    cr_assert_str_eq (feed[7].source.ref, "numbers");
    cr_assert_str_eq (feed[7].queue, "blue_q_7");
}

Test (jobfile, a_file_is_set_over_what_is_there)
{
    cr_assert_eq (emp_config_set (&config, "ROWS_MAX", "\x05", 1), EMP_OK);
    cr_assert_eq (emp_config_set (&config, "ATTEMPTS_MAX", "\x07", 1), EMP_OK);
    cr_assert_eq (emp_config_queue (&config, "orange_q_2", 9), EMP_OK);
    char path[PATH_MAX + 64];
    snprintf (path, sizeof path, "%s/jobs/good_queues_as_a_map.yaml", test_data ());
    cr_assert_eq (load (path), EMP_INVALID);
    cr_assert (has_message ("...:5:3: error: queue orange_q_2 exists already, expected another name"), "%s", messages);
    cr_assert_eq (config.rows_max, 5);
    cr_assert_eq (config.attempts_max, 7);
}

/* ---- files that are no job ------------------------------------------------------------------------------------------- */

static void expect_error (const char *path, const char *sentence)
{
    char pattern[PATH_MAX + 256];
    snprintf (pattern, sizeof pattern, "%s:%s", path, sentence);
    cr_expect_eq (load (path), EMP_INVALID);
    cr_expect (has_message (pattern), "expected\n%s\nfound\n%s", pattern, messages);
    cr_expect_eq (count_of (messages, ": error: "), 1, "%s", messages);
}

#define EXPECTED "expected a job file (YAML, at most 16 MiB)"

Test (jobfile, a_file_that_cannot_be_a_job_is_told_with_what_it_is)
{
    expect_error ("/nowhere/job.yaml", "1:1: error: found no such file, " EXPECTED);
    expect_error (scratch_dir, "1:1: error: found a directory, " EXPECTED);
    expect_error (scratch_text ("empty.yaml", ""), "1:1: error: found an empty file, " EXPECTED);
    expect_error (scratch_text ("mark.yaml", "\xef\xbb\xbf"), "1:1: error: found an empty file, " EXPECTED);
    expect_error ("/proc/self/exe", "1:1: error: found a binary file, " EXPECTED);
    expect_error (scratch_write ("nul.yaml", "a: 1\nb: \0", 9), "1:1: error: found a binary file, " EXPECTED);
    expect_error (scratch_text ("latin.yaml", "# caf\xe9\n"),
                  "1:6: error: found text that is not UTF-8 (byte 0xe9), expected YAML in UTF-8");
    expect_error (scratch_text ("bell.yaml", "a: \a\n"),
                  "1:4: error: found a control character (byte 0x07), expected YAML in UTF-8");
    expect_error (scratch_text ("bare.yaml", "{}"),
                  "1:1: error: found no worker_modules, expected a list of {worker_path: "
                  "FILE.so, worker_ref: FUNCTION}");
}

Test (jobfile, a_file_may_be_16_mib_and_no_longer)
{
    size_t limit = 16u * 1024 * 1024;
    char *text = malloc (limit + 1);
    memset (text, '#', limit + 1);
    expect_error (scratch_write ("large.yaml", text, limit + 1), "1:1: error: found a larger file, " EXPECTED);
    expect_error (scratch_write ("just.yaml", text, limit),
                  "1:1: error: found nothing, expected a map of keys: worker_modules "
                  "and others");
    free (text);
}

Test (jobfile, a_job_may_come_out_of_a_pipe)
{
    char path[64];
    int ends[2];
    cr_assert_eq (pipe (ends), 0);
    static const char text[] = "worker_modules: [{worker_path: loader_good.so, worker_ref: count_me}]\n";
    cr_assert_eq (write (ends[1], text, sizeof text - 1), (ssize_t) sizeof text - 1);
    close (ends[1]);
    snprintf (path, sizeof path, "/dev/fd/%d", ends[0]);
    cr_assert_eq (load (path), EMP_OK, "%s", messages);
    close (ends[0]);
}

Test (jobfile, a_pipe_in_a_feed_is_not_touched_before_the_run)
{
    cr_assert_eq (mkfifo (scratch_path ("fifo"), 0600), 0);
    char text[4 * PATH_MAX];
    snprintf (text, sizeof text,
              "worker_modules: [{worker_path: %s/loader_good.so, worker_ref: count_me}]\n"
              "feed: [{csv: fifo, column: a}, {lines: %s}]\n",
              test_modules (), scratch_path ("fifo"));
    cr_assert_eq (load (scratch_text ("job.yaml", text)), EMP_OK, "%s", messages);
    cr_assert_eq (config.feeds_count, 2);
    cr_assert_str_eq (config.feeds[1].source.path, scratch_path ("fifo"));
}

Test (jobfile, aliases_that_are_followed_too_often_are_refused)
{
    size_t room = 200000;
    char *text = malloc (room);
    snprintf (text, room, "worker_modules: []\nx: &m {a: 1}\ntoolbox:\n  list: &l [");
    for (int i = 0; i < 500; i++)
        strcat (text, "*m, ");
    strcat (text, "]\n  twice: *l\n  thrice: *l\n");
    cr_assert_eq (load (scratch_text ("job.yaml", text)), EMP_INVALID);
    cr_assert (strstr (messages, "found aliases that are followed more than 1000 times, expected fewer") != NULL, "%s",
               messages);
    free (text);
}

/* ---- how errors look ------------------------------------------------------------------------------------------------- */

Test (jobfile, an_error_shows_its_line_and_a_caret)
{
    const char *path = scratch_text ("job.yaml", "worker_modules: []\nROWS_MAX:\t\xc3\xa4\xc3\xb6 # why not\n");
    char expected[PATH_MAX + 512];
    cr_assert_eq (load (path), EMP_INVALID);
    snprintf (expected, sizeof expected,
              "%s:1:17: error: worker_modules: found a list, expected a list of one or more {worker_path: FILE.so, "
              "worker_ref: "
              "FUNCTION}\n"
              "  worker_modules: []\n"
              "                  ^\n"
              "%s:2:11: error: ROWS_MAX: found the text 'äö', expected an integer from 1 to 16777216\n"
              "  ROWS_MAX: äö # why not\n"
              "            ^\n",
              path, path);
    cr_assert_str_eq (messages, expected);
    snprintf (expected, sizeof expected, "%s:1:17: worker_modules: found a list, ", path);
    cr_assert_eq (strncmp (config.error, expected, strlen (expected)), 0, "%s", config.error);
}

Test (jobfile, a_long_line_is_shown_around_the_caret)
{
    char text[3000] = "worker_modules: []\nRESULT_LABEL: ";
    memset (text + strlen (text), ' ', 1000);
    strcat (text, "7 ");
    memset (text + strlen (text), '#', 1500);
    cr_assert_eq (load (scratch_text ("job.yaml", text)), EMP_INVALID);
    char *line = strstr (messages, "  …");
    cr_assert (line != NULL, "%s", messages);
    cr_assert_lt (strcspn (line, "\n"), 130);
    char *caret_line = line + strcspn (line, "\n") + 1;
    size_t caret = strcspn (caret_line, "^");
    cr_assert_eq (line[caret + strlen ("…") - 1], '7', "%s", messages);
}

Test (jobfile, no_more_than_20_errors_are_written)
{
    char text[4096] = "worker_modules: []\n";
    for (int i = 0; i < 30; i++)
        snprintf (text + strlen (text), 32, "unknown_%d: 1\n", i);
    const char *path = scratch_text ("job.yaml", text);
    cr_assert_eq (load (path), EMP_INVALID);
    cr_assert_eq (count_of (messages, ": error: "), 20);
    char last[PATH_MAX + 64];
    snprintf (last, sizeof last, "%s: more errors, not shown", path);
    cr_assert (has_message (last), "%s", messages);
}

static void expect_harmless (const char *text, size_t errors)
{
    cr_expect_eq (load (scratch_text ("job.yaml", text)), EMP_INVALID);
    cr_expect_eq (count_of (messages, ": error: "), errors, "%s", messages);
    for (const char *at = messages; *at; at++) {
        cr_assert (*at == '\n' || (unsigned char) *at >= 0x20, "%s", messages);
        cr_assert (*at != '\xc2' || (unsigned char) at[1] >= 0xa0, "%s", messages);
    }
}

Test (jobfile, nothing_in_a_file_reaches_the_terminal_as_a_control_sequence)
{
    expect_harmless ("\"\\e[31m\\x9b2J\": 1\nROWS_MAX: \"\\e[2J\"\nworker_modules: [{\"\\e[K\": 1}]\n", 3);
    expect_harmless ("ROWS_MAX: \xc2\x9b 2J\n", 1);
    expect_harmless ("ROWS_MAX: \x1b[2J\n", 1);
}

/* A damaged job is an error or a job, never a crash. */
Test (jobfile, a_damaged_job_never_crashes)
{
    char path[PATH_MAX + 64], text[8192], copy[8192];
    snprintf (path, sizeof path, "%s/jobs/good_all.yaml", test_data ());
    FILE *file = fopen (path, "r");
    size_t size = fread (text, 1, sizeof text, file);
    fclose (file);
    uint32_t seed = 1;
    for (int i = 0; i < 1500; i++) {
        memcpy (copy, text, size);
        for (int k = 0; k < 1 + i % 3; k++) {
            static const char marks[] = "{}[]&*!|>%'\"\\#-?:,. \n\t0a~";
            seed = seed * 1664525u + 1013904223u;
            copy[seed % size] = marks[(seed >> 16) % (sizeof marks - 1)];
        }
        emp_config_release (&config);
        cr_assert_eq (emp_config_init (&config), EMP_OK);
        if (load (scratch_write ("job.yaml", copy, size)))
            cr_assert_neq (*config.error, '\0');
    }
}
