/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_stream.c - results as lines that are written while the dictionary takes them, and what they are written to.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/net/socket.h"
#include "manager/outlet.h"
#include "manager/stream.h"
#include "scratch.h"

TestSuite (stream, .timeout = 60, .init = scratch_make, .fini = scratch_remove);

static char why[EMP_STREAM_WHY_MAX];
static emp_stream_t *stream;
static emp_results_t *results;
static int failures;

static void count_failure (void *arg)
{
    (void) arg;
    failures++;
}

static emp_status_t open_stream (const char *path, bool ordered)
{
    const emp_stream_config_t config = {.path = path, .ordered = ordered, .failed = count_failure};
    failures = 0;
    return emp_stream_open (&config, &stream, why);
}

static void begin (const char *path, bool ordered)
{
    signal (SIGPIPE, SIG_IGN);
    cr_assert_eq (open_stream (path, ordered), EMP_OK, "%s", why);
    results = emp_results_new (1 << 20, false);
    cr_assert_eq (emp_results_feed (results, 7, "a", "q"), EMP_OK);
    cr_assert_eq (emp_results_worker_feed (results, 9, "b"), EMP_OK);
    emp_stream_begin (stream, results);
}

static void end (void)
{
    emp_stream_destroy (&stream);
    emp_results_destroy (&results);
}

static emp_status_t take (uint32_t feed, const emp_part_t *part, const char *data)
{
    emp_ended_t ended;
    emp_status_t status = emp_results_end (results, feed, part, (const uint8_t *) data, &ended);
    if (status == EMP_OK)
        emp_stream_take (stream, &ended, part, (const uint8_t *) data);
    return status;
}

/* A ticket of one row, answered with a small number. */
static void answer (uint32_t feed, uint64_t number)
{
    char data[] = {(char) (number % 100)};
    emp_part_t part = {.number = number, .outcome = EMP_OUTCOME_DONE, .rows = 1, .length = 1};
    cr_assert_eq (take (feed, &part, data), EMP_OK);
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

#define CSV "queue,ticket,value\r\n"

/* ---- what is written -------------------------------------------------------------------------------------------------- */

Test (stream, lines_come_as_they_arrive_and_are_there_with_the_flush)
{
    begin (scratch_path ("s.csv"), false);
    expect_text ("s.csv", CSV);
    answer (7, 2);
    answer (9, 0);
    expect_text ("s.csv", CSV);
    emp_stream_flush (stream);
    expect_text ("s.csv", CSV "\"a\",2,2\r\n\"b\",0,0\r\n");
    answer (7, 0);
    emp_stream_end (stream);
    expect_text ("s.csv", CSV "\"a\",2,2\r\n\"b\",0,0\r\n\"a\",0,0\r\n");
    cr_assert_eq (failures, 0);
    end ();
}

Test (stream, each_feed_has_its_order_when_that_is_wanted)
{
    begin (scratch_path ("s.csv"), true);
    answer (7, 2);
    answer (9, 1);
    answer (9, 0);
    emp_stream_flush (stream);
    expect_text ("s.csv", CSV "\"b\",0,0\r\n\"b\",1,1\r\n");
    answer (7, 0);
    answer (7, 5);
    answer (7, 4);
    emp_stream_end (stream); /* ticket 1 never came */
    expect_text ("s.csv", CSV "\"b\",0,0\r\n\"b\",1,1\r\n\"a\",0,0\r\n\"a\",2,2\r\n\"a\",4,4\r\n\"a\",5,5\r\n");
    end ();
}

/* Dead ones, results that are no msgpack, messages between workers: no line, and none behind them waits for one. Halves in order of
 * rows; what is no news to the dictionary is none here. */
Test (stream, what_has_no_line_keeps_its_place)
{
    begin (scratch_path ("s.jsonl"), true);
    emp_part_t dead = {.number = 0, .outcome = EMP_OUTCOME_DEAD, .rows = 1, .length = 3};
    emp_part_t garbage = {.number = 1, .outcome = EMP_OUTCOME_DONE, .rows = 1, .length = 1};
    emp_part_t nothing = {.number = 2, .outcome = EMP_OUTCOME_DONE, .rows = 1};
    emp_part_t behind = {.number = 3, .outcome = EMP_OUTCOME_DONE, .from = 4, .rows = 4, .left = 4, .length = 1};
    emp_part_t before = {.number = 3, .outcome = EMP_OUTCOME_DONE, .from = 0, .rows = 4, .left = 0, .length = 1};
    answer (7, 4);
    cr_assert_eq (take (7, &behind, "\x02"), EMP_OK);
    cr_assert_eq (take (7, &garbage, "\xdd"), EMP_OK);
    cr_assert_eq (take (7, &dead, "\xa2no"), EMP_OK);
    cr_assert_eq (take (7, &dead, "\xa2no"), EMP_STALE);
    cr_assert_eq (take (7, &nothing, ""), EMP_OK);
    cr_assert_eq (take (7, &before, "\x01"), EMP_OK);
    nothing.number = 0;
    cr_assert_eq (take (9, &nothing, ""), EMP_OK);
    answer (9, 1);
    emp_stream_flush (stream);
#define LINE(label, n, value)                                                                                          \
    "{\"queue\":\"" label "\",\"ticket\":" #n ",\"header\":\"" label ";_TID_" #n ";\",\"value\":" #value "}\n"
    expect_text ("s.jsonl", LINE ("a", 2, null) LINE ("a", 3, 1) LINE ("a", 3, 2) LINE ("a", 4, 4) LINE ("b", 1, 1));
    emp_stream_end (stream);
    end ();
}

Test (stream, a_ticket_of_many_values_is_written_whole)
{
    begin (scratch_path ("s.csv"), true);
    enum { VALUES = 300000 };
    char *data = malloc (VALUES);
    memset (data, 7, VALUES);
    emp_part_t part = {.number = 0, .outcome = EMP_OUTCOME_DONE, .rows = 1, .length = VALUES};
    cr_assert_eq (take (7, &part, data), EMP_OK);
    free (data);
    emp_stream_end (stream);
    struct stat stat_of;
    cr_assert_eq (stat (scratch_path ("s.csv"), &stat_of), 0);
    cr_assert_eq (stat_of.st_size, 20 + VALUES * 9);
    end ();
}

/* ---- what cannot be written ------------------------------------------------------------------------------------------- */

static void expect_refused (const char *path, const char *text)
{
    cr_assert_eq (open_stream (path, true), EMP_INVALID);
    cr_assert_null (stream);
    cr_assert (strstr (why, text), "%s", why);
}

Test (stream, a_name_that_will_not_do_is_told_before_anything_is_changed)
{
    expect_refused ("out.db", "found 'out.db', expected a name that ends in .jsonl or .csv, or - for standard output");
    expect_refused (".csv", "expected a name");
    expect_refused (scratch_path ("no/s.csv"), "No such file or directory");
    mkdir (scratch_path ("folder.csv"), 0700);
    expect_refused (scratch_path ("folder.csv"), "Is a directory");
    mkfifo (scratch_path ("fifo.csv"), 0600);
    expect_refused (scratch_path ("fifo.csv"), "No such device or address"); /* nobody reads */
    scratch_text ("s.csv", "old");
    cr_assert_eq (open_stream (scratch_path ("s.csv"), true), EMP_OK);
    emp_stream_t *first = stream;
    expect_refused (scratch_path ("s.csv"), "it is being written by another run");
    cr_assert (emp_stream_is (first, scratch_path ("s.csv")));
    cr_assert_not (emp_stream_is (first, scratch_path ("fifo.csv")));
    emp_stream_destroy (&first);
    expect_text ("s.csv", "old");
}

Test (stream, a_full_disk_leaves_whole_lines_and_is_told_once)
{
    signal (SIGXFSZ, SIG_IGN);
    begin (scratch_path ("s.csv"), false);
    answer (7, 1);
    emp_stream_flush (stream);
    struct rlimit limit = {40, RLIM_INFINITY};
    setrlimit (RLIMIT_FSIZE, &limit);
    answer (7, 2);
    answer (7, 3);
    emp_stream_flush (stream);
    answer (7, 4);
    emp_stream_end (stream);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit (RLIMIT_FSIZE, &limit);
    expect_text ("s.csv", CSV "\"a\",1,1\r\n");
    cr_assert_eq (failures, 1);
    cr_assert (strstr (emp_stream_why (stream), "s.csv': File too large"), "%s", emp_stream_why (stream));
    end ();
}

/* ---- standard output, and readers ------------------------------------------------------------------------------------- */

static int kept_stdout;

/* Standard output is that end, until give_back. */
static void become_stdout (int fd)
{
    fflush (stdout);
    kept_stdout = dup (1);
    dup2 (fd, 1);
    close (fd);
}

static void give_back (void)
{
    dup2 (kept_stdout, 1);
    close (kept_stdout);
}

/* Until nobody reads on: what a pipe or socket takes is bounded. */
static void fill (void)
{
    for (uint64_t number = 0; number < 200000 && failures == 0; number++)
        answer (7, number);
    emp_stream_end (stream);
}

static void *hurry (void *arg)
{
    (void) arg;
    emp_stream_until (stream, emp_now () + 50000);
    return NULL;
}

static void expect_no_wait (int reader, int writer)
{
    become_stdout (writer);
    begin ("-", true);
    pthread_t thread;
    pthread_create (&thread, NULL, hurry, NULL);
    fill ();
    pthread_join (thread, NULL);
    int flags = fcntl (1, F_GETFL);
    give_back ();
    cr_assert_eq (failures, 1);
    cr_assert_str_eq (emp_stream_why (stream), "standard output: not all of it was written before the run had to end");
    cr_assert_not (flags & O_NONBLOCK, "whoever else has this end has it as before");
    end ();
    close (reader);
}

Test (stream, a_reader_that_takes_nothing_holds_up_nobody_for_longer_than_is_said)
{
    int fds[2];
    cr_assert_eq (pipe (fds), 0);
    expect_no_wait (fds[0], fds[1]);
    cr_assert_eq (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), 0);
    expect_no_wait (fds[0], fds[1]);
}

static void expect_closed (int reader, int writer)
{
    become_stdout (writer);
    begin ("-", false);
    close (reader);
    fill ();
    give_back ();
    cr_assert_eq (failures, 1);
    cr_assert_str_eq (emp_stream_why (stream), "standard output: Broken pipe");
    end ();
}

Test (stream, a_reader_that_has_gone_is_told)
{
    int fds[2];
    cr_assert_eq (pipe (fds), 0);
    expect_closed (fds[0], fds[1]);
    cr_assert_eq (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), 0);
    expect_closed (fds[0], fds[1]);
}

static size_t bytes_read;

static void *read_slowly (void *arg)
{
    int fd = *(int *) arg;
    char bytes[1000];
    for (ssize_t size; (size = read (fd, bytes, sizeof bytes)) > 0;)
        bytes_read += (size_t) size;
    return NULL;
}

Test (stream, a_slow_reader_gets_all)
{
    int fds[2];
    cr_assert_eq (pipe (fds), 0);
    become_stdout (fds[1]);
    begin ("-", true);
    bytes_read = 0;
    pthread_t thread;
    pthread_create (&thread, NULL, read_slowly, &fds[0]);
    for (uint64_t number = 0; number < 1000; number++)
        answer (7, number ^ 7);
    emp_stream_end (stream);
    cr_assert_eq (failures, 0);
    end ();
    give_back ();
    pthread_join (thread, NULL);
    close (fds[0]);
    size_t expected = 0;
    for (int number = 0; number < 1000; number++)
        expected += strlen (LINE ("a", , )) +
                    2 * (number < 10    ? 1
                         : number < 100 ? 2
                                        : 3) +
                    (number % 100 < 10 ? 1 : 2);
    cr_assert_eq (bytes_read, expected, "%zu of %zu", bytes_read, expected);
}

Test (stream, a_file_at_standard_output_goes_on_where_it_is)
{
    int fd = open (scratch_text ("s.txt", ""), O_WRONLY | O_APPEND);
    cr_assert_eq (write (fd, "before\n", 7), 7);
    become_stdout (fd);
    begin ("-", false);
    answer (7, 1);
    emp_stream_end (stream);
    give_back ();
    expect_text ("s.txt", "before\n" LINE ("a", 1, 1));
    end ();
}

Test (stream, no_standard_output_is_told)
{
    become_stdout (open ("/dev/null", O_RDONLY));
    emp_status_t status = open_stream ("-", false);
    give_back ();
    cr_assert_eq (status, EMP_INVALID);
    cr_assert_str_eq (why, "cannot write standard output: Bad file descriptor");
}
