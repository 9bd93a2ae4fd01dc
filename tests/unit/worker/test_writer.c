/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stderr whose reader stands still.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/writer.h"

TestSuite (writer, .timeout = 30);

#define LINES 20000u

static int ends[2];
static char *text;
static size_t text_size;

static void begin (void)
{
    cr_assert_eq (pipe (ends), 0);
    emp_writer_start (ends[1]);
}

static void write_lines (void)
{
    char line[100];
    for (unsigned i = 0; i < LINES; i++) {
        int size = snprintf (line, sizeof line, "line %u of those that a worker writes while nobody reads\n", i);
        emp_writer_write (line, (size_t) size);
    }
}

static void *reads (void *arg)
{
    (void) arg;
    ssize_t rc;
    text = calloc (1, 4u << 20);
    while ((rc = read (ends[0], text + text_size, (4u << 20) - 1 - text_size)) > 0)
        text_size += (size_t) rc;
    return NULL;
}

/* Lines in their order; one that is no line of those says how many are missing before the next. */
static unsigned check_lines (unsigned *ret_missing)
{
    unsigned seen = 0, next = 0;
    *ret_missing = 0;
    for (char *line = strtok (text, "\n"); line; line = strtok (NULL, "\n")) {
        unsigned number, missing;
        if (sscanf (line, "eisenmp: %u lines were left out here", &missing) == 1) {
            *ret_missing += missing;
            next += missing;
            continue;
        }
        cr_assert_eq (sscanf (line, "line %u of those that a worker writes while nobody reads", &number), 1, "%s",
                      line);
        cr_assert_eq (number, next, "after %u lines", seen);
        next++;
        seen++;
    }
    return seen;
}

Test (writer, what_finds_no_room_is_left_out_and_counted)
{
    pthread_t reader;
    unsigned missing;
    begin ();
    write_lines ();
    cr_assert_eq (pthread_create (&reader, NULL, reads, NULL), 0);
    emp_writer_end (5000);
    close (ends[1]);
    pthread_join (reader, NULL);
    unsigned seen = check_lines (&missing);
    cr_assert_geq (text_size, EMP_WRITER_BYTES / 2);
    cr_assert_gt (missing, 0);
    cr_assert_eq (seen + missing, LINES);
    free (text);
}

Test (writer, while_somebody_reads_nothing_is_left_out)
{
    pthread_t reader;
    unsigned missing;
    begin ();
    cr_assert_eq (pthread_create (&reader, NULL, reads, NULL), 0);
    for (unsigned i = 0; i < 100; i++) {
        char line[100];
        int size = snprintf (line, sizeof line, "line %u of those that a worker writes while nobody reads\n", i);
        emp_writer_write (line, (size_t) size);
    }
    emp_writer_end (5000);
    close (ends[1]);
    pthread_join (reader, NULL);
    cr_assert_eq (check_lines (&missing), 100);
    free (text);
}

Test (writer, an_end_waits_for_no_reader_that_stands_still)
{
    begin ();
    write_lines ();
    emp_writer_end (50);
    write_lines ();
}
