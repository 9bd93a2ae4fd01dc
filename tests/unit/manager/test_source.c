/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_source.c - rows out of ranges, lines, CSV columns, programs and generators.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "common/control.h"
#include "common/value.h"
#include "manager/source.h"
#include "scratch.h"

TestSuite (source, .timeout = 60, .init = scratch_make, .fini = scratch_remove);

static emp_source_t *open_ok (const emp_source_spec_t *spec)
{
    emp_source_t *source = NULL;
    char error[EMP_TEXT_MAX + 1] = "";
    emp_status_t status = emp_source_open (spec, NULL, &source, error);
    cr_assert_eq (status, EMP_OK, "%s", error);
    return source;
}

static emp_status_t next (emp_source_t *source, emp_buf_t *row)
{
    uint32_t rows;
    emp_status_t status = emp_source_rows (source, 1, row, &rows);
    cr_assert_eq (rows, status == EMP_OK);
    return status;
}

/* Every row as Python writes it, a blank between two; how it ended in *ret_status. */
static char *rows_of (emp_source_t *source, emp_status_t *ret_status)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    emp_buf_t row;
    emp_buf_init (&row, EMP_CHUNK_BYTES_MAX);
    bool first = true;
    while ((*ret_status = next (source, &row)) == EMP_OK) {
        msgpack_unpacked unpacked;
        size_t offset = 0;
        msgpack_unpacked_init (&unpacked);
        cr_assert_eq (msgpack_unpack_next (&unpacked, (const char *) row.data, row.size, &offset),
                      MSGPACK_UNPACK_SUCCESS);
        cr_assert_eq (offset, row.size);
        if (!first)
            putc (' ', out);
        first = false;
        emp_value_repr (out, &unpacked.data);
        msgpack_unpacked_destroy (&unpacked);
        emp_buf_clear (&row);
    }
    cr_assert_eq (row.size, 0);
    cr_assert_eq (next (source, &row), *ret_status, "the last answer comes again");
    emp_buf_release (&row);
    fclose (out);
    return text;
}

static void expect_rows (emp_source_t *source, const char *expected)
{
    emp_status_t status;
    char *rows = rows_of (source, &status);
    cr_expect_str_eq (rows, expected);
    cr_expect_eq (status, EMP_STOPPED, "%s", emp_source_error (source));
    free (rows);
    emp_source_close (&source);
    cr_assert (source == NULL);
}

/* Rows, then a failure whose sentence holds `sentence`. */
static void expect_failure (emp_source_t *source, const char *expected, emp_status_t failure, const char *sentence)
{
    emp_status_t status;
    char *rows = rows_of (source, &status);
    cr_expect_str_eq (rows, expected);
    cr_expect_eq (status, failure);
    cr_expect (strstr (emp_source_error (source), sentence) != NULL, "%s", emp_source_error (source));
    free (rows);
    emp_source_close (&source);
}

static emp_source_t *lines_of (const char *text, size_t size)
{
    const char *path = scratch_write ("lines", text, size);
    return open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_LINES, .path = (char *) path});
}

/* ---- ranges ------------------------------------------------------------------------------------------------------- */

static void expect_range (int64_t start, uint64_t count, int64_t step, const char *expected)
{
    emp_source_spec_t spec = {.kind = EMP_SOURCE_RANGE, .start = start, .count = count, .step = step};
    expect_rows (open_ok (&spec), expected);
}

Test (source, a_range_counts_from_its_start_by_its_step)
{
    expect_range (1000000000000, 3, 1, "1000000000000 1000000000001 1000000000002");
    expect_range (2, 3, -2, "2 0 -2");
    expect_range (7, 2, 0, "7 7");
    expect_range (7, 0, 1, "");
}

Test (source, a_range_reaches_both_ends_of_64_bits)
{
    expect_range (INT64_MAX - 1, 2, 1, "9223372036854775806 9223372036854775807");
    expect_range (INT64_MIN + 1, 2, -1, "-9223372036854775807 -9223372036854775808");
}

Test (source, a_range_is_packed_as_msgpack_c_packs_it)
{
    for (int bit = 0; bit < 64; bit++)
        for (int near = -2; near <= 2; near++)
            for (int sign = -1; sign <= 1; sign += 2) {
                uint64_t bits = ((UINT64_C (1) << bit) + (uint64_t) (int64_t) near) * (uint64_t) (int64_t) sign;
                emp_source_spec_t spec = {.kind = EMP_SOURCE_RANGE, .start = (int64_t) bits, .count = 1, .step = 1};
                emp_source_t *source = open_ok (&spec);
                emp_buf_t row, expected;
                emp_buf_init (&row, 64);
                emp_buf_init (&expected, 64);
                msgpack_packer pk;
                msgpack_packer_init (&pk, &expected, emp_buf_write);
                msgpack_pack_int64 (&pk, (int64_t) bits);
                cr_assert_eq (next (source, &row), EMP_OK);
                cr_assert_eq (row.size, expected.size, "%ld", (long) bits);
                cr_assert_eq (memcmp (row.data, expected.data, row.size), 0, "%ld", (long) bits);
                emp_source_close (&source);
                emp_buf_release (&row);
                emp_buf_release (&expected);
            }
}

Test (source, rows_before_the_end_come_with_it)
{
    emp_source_spec_t spec = {.kind = EMP_SOURCE_RANGE, .start = 0, .count = 5, .step = 1};
    emp_source_t *source = open_ok (&spec);
    emp_buf_t chunk;
    emp_buf_init (&chunk, 64);
    uint32_t rows;
    cr_assert_eq (emp_source_rows (source, 3, &chunk, &rows), EMP_OK);
    cr_assert_eq (rows, 3);
    cr_assert_eq (emp_source_rows (source, 3, &chunk, &rows), EMP_STOPPED);
    cr_assert_eq (rows, 2);
    cr_assert_eq (chunk.size, 5);
    cr_assert_eq (emp_source_rows (source, 3, &chunk, &rows), EMP_STOPPED);
    cr_assert_eq (rows, 0);
    emp_buf_release (&chunk);
    emp_source_close (&source);
}

Test (source, a_full_row_buffer_is_an_error_that_leaves_the_rows_before)
{
    emp_source_spec_t spec = {.kind = EMP_SOURCE_RANGE, .start = 1, .count = 100, .step = 1};
    emp_source_t *source = open_ok (&spec);
    emp_buf_t row;
    emp_buf_init (&row, 12);
    size_t good = 0;
    while (next (source, &row) == EMP_OK)
        good++;
    cr_assert_eq (next (source, &row), EMP_TOOBIG);
    cr_assert_eq (row.size, good);
    cr_assert (strstr (emp_source_error (source), "lower ROWS_MAX") != NULL);
    emp_buf_release (&row);
    emp_source_close (&source);
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

Test (source, every_line_is_a_row_also_the_last_without_a_newline)
{
    expect_rows (lines_of ("one\n\ntwo\r\nthree", 15), "'one' '' 'two\\r' 'three'");
    expect_rows (lines_of ("one\n", 4), "'one'");
    expect_rows (lines_of ("\n", 1), "''");
    expect_rows (lines_of ("", 0), "");
}

Test (source, bytes_that_are_no_utf8_are_taken_as_they_are)
{
    emp_source_t *source = lines_of ("\xff\x00\x80\n", 4);
    emp_buf_t row;
    emp_buf_init (&row, 64);
    cr_assert_eq (next (source, &row), EMP_OK);
    cr_assert_eq (row.size, 4);
    cr_assert_eq (memcmp (row.data, "\xa3\xff\x00\x80", 4), 0);
    emp_buf_release (&row);
    emp_source_close (&source);
}

Test (source, lines_of_every_length_come_whole)
{
    static const size_t sizes[] = {31, 32, 255, 256, 65535, 65536, 262143, 262144, 262145, 1000000};
    FILE *file = fopen (scratch_path ("long"), "w");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k <= sizes[i]; k++)
            putc (k < sizes[i] ? 'a' + (int) (k % 26) : '\n', file);
    fclose (file);
    emp_source_t *source =
        open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_LINES, .path = (char *) scratch_path ("long")});
    emp_buf_t row;
    emp_buf_init (&row, 2000000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        emp_buf_clear (&row);
        cr_assert_eq (next (source, &row), EMP_OK);
        size_t head = sizes[i] < 32 ? 1 : sizes[i] < 256 ? 2 : sizes[i] < 65536 ? 3 : 5;
        cr_assert_eq (row.size, head + sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            cr_assert_eq (row.data[head + k], 'a' + (int) (k % 26));
        msgpack_unpacked unpacked;
        msgpack_unpacked_init (&unpacked);
        cr_assert_eq (msgpack_unpack_next (&unpacked, (char *) row.data, row.size, NULL), MSGPACK_UNPACK_SUCCESS);
        cr_assert_eq (unpacked.data.via.str.size, sizes[i]);
        msgpack_unpacked_destroy (&unpacked);
    }
    cr_assert_eq (next (source, &row), EMP_STOPPED);
    emp_buf_release (&row);
    emp_source_close (&source);
}

static void expect_long_line (size_t length, emp_status_t expected)
{
    FILE *file = fopen (scratch_path ("endless"), "w");
    fputs ("first\n", file);
    for (size_t i = 0; i < length; i++)
        putc ('x', file);
    fclose (file);
    emp_source_spec_t spec = {.kind = EMP_SOURCE_LINES, .path = (char *) scratch_path ("endless")};
    emp_source_t *source = open_ok (&spec);
    emp_buf_t row;
    emp_buf_init (&row, EMP_CHUNK_BYTES_MAX);
    cr_assert_eq (next (source, &row), EMP_OK);
    cr_assert_eq (row.size, 6);
    cr_assert_eq (next (source, &row), expected, "%s", emp_source_error (source));
    if (expected == EMP_TOOBIG) {
        cr_assert_eq (row.size, 6);
        cr_assert (strstr (emp_source_error (source), "at line 2") != NULL, "%s", emp_source_error (source));
    }
    emp_buf_release (&row);
    emp_source_close (&source);
}

Test (source, a_line_may_be_16_mib_and_no_longer)
{
    expect_long_line (EMP_SOURCE_LINE_MAX, EMP_OK);
    expect_long_line (EMP_SOURCE_LINE_MAX + 1, EMP_TOOBIG);
}

Test (source, a_missing_file_is_named)
{
    emp_source_t *source = NULL;
    char error[EMP_TEXT_MAX + 1];
    emp_source_spec_t spec = {.kind = EMP_SOURCE_LINES, .path = "/nowhere/rows.txt"};
    cr_assert_eq (emp_source_open (&spec, NULL, &source, error), EMP_SYSTEM);
    cr_assert_str_eq (error, "lines '/nowhere/rows.txt': found \"No such file or directory\", expected a file to read");
    cr_assert (source == NULL);
}

Test (source, a_directory_fails_at_its_first_row)
{
    emp_source_spec_t spec = {.kind = EMP_SOURCE_LINES, .path = scratch_dir};
    expect_failure (open_ok (&spec), "", EMP_SYSTEM, "found \"Is a directory\" while reading");
}

Test (source, a_dash_is_standard_input_and_stays_open)
{
    int ends[2];
    cr_assert_eq (pipe (ends), 0);
    cr_assert_eq (write (ends[1], "a\nb\n", 4), 4);
    close (ends[1]);
    dup2 (ends[0], STDIN_FILENO);
    close (ends[0]);
    expect_rows (open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_LINES, .path = "-"}), "'a' 'b'");
    cr_assert_neq (fcntl (STDIN_FILENO, F_GETFD), -1);
}

/* ---- cancelling ---------------------------------------------------------------------------------------------------- */

typedef struct {
    emp_source_t *source;
    _Atomic pid_t thread;
    emp_status_t status;
} waiter_t;

static void *next_until_end (void *self_p)
{
    waiter_t *self = self_p;
    self->thread = gettid ();
    char *rows = rows_of (self->source, &self->status);
    free (rows);
    return NULL;
}

/* Until the thread sleeps, which it does only when it waits for input. */
static void until_it_waits (const waiter_t *self)
{
    char path[64], text[512], state = 'R';
    while (state != 'S') {
        sched_yield ();
        snprintf (path, sizeof path, "/proc/self/task/%d/stat", self->thread);
        FILE *file = self->thread ? fopen (path, "r") : NULL;
        size_t size = file ? fread (text, 1, sizeof text - 1, file) : 0;
        text[size] = '\0';
        if (file)
            fclose (file);
        const char *behind_name = strrchr (text, ')');
        state = behind_name ? behind_name[2] : 'R';
    }
}

/* Somebody waits for a row that never comes, and is told to stop. */
static void expect_cancelled (emp_source_t *source)
{
    pthread_t thread;
    waiter_t waiter = {.source = source, .status = EMP_OK};
    pthread_create (&thread, NULL, next_until_end, &waiter);
    until_it_waits (&waiter);
    emp_source_cancel (source);
    emp_source_cancel (source);
    pthread_join (thread, NULL);
    cr_expect_eq (waiter.status, EMP_STOPPED);
    cr_expect_str_eq (emp_source_error (source), "");
    emp_source_close (&source);
}

Test (source, cancel_ends_a_wait_for_input)
{
    cr_assert_eq (mkfifo (scratch_path ("fifo"), 0600), 0);
    emp_source_spec_t lines = {.kind = EMP_SOURCE_LINES, .path = (char *) scratch_path ("fifo")};
    expect_cancelled (open_ok (&lines)); /* nobody has opened the other end */
    int writer = open (scratch_path ("fifo"), O_RDWR);
    cr_assert_eq (write (writer, "half a li", 9), 9);
    expect_cancelled (open_ok (&lines));
    emp_source_spec_t csv = {.kind = EMP_SOURCE_CSV, .path = (char *) scratch_path ("fifo"), .column = "x"};
    expect_cancelled (open_ok (&csv)); /* waits for its header */
    close (writer);
    char *silent[] = {"sleep", "1000", NULL};
    expect_cancelled (open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_PROGRAM, .argv = silent}));
    char *deaf[] = {"sh", "-c", "exec sleep 1000 >&-", NULL};
    expect_cancelled (open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_PROGRAM, .argv = deaf}));
}

Test (source, cancel_ends_what_never_waits)
{
    emp_source_spec_t spec = {.kind = EMP_SOURCE_RANGE, .count = UINT64_MAX, .step = 1};
    emp_source_t *source = open_ok (&spec);
    emp_buf_t row;
    emp_buf_init (&row, 64);
    cr_assert_eq (next (source, &row), EMP_OK);
    emp_source_cancel (source);
    cr_assert_eq (next (source, &row), EMP_STOPPED);
    emp_buf_release (&row);
    emp_source_close (&source);
}

/* ---- CSV ----------------------------------------------------------------------------------------------------------- */

static emp_source_t *csv_of (const char *text, const char *column)
{
    const char *path = scratch_text ("table.csv", text);
    return open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_CSV, .path = (char *) path, .column = (char *) column});
}

Test (source, a_csv_column_is_named_or_numbered_from_1)
{
    const char *text = "date,value\n2022-01-01,3.5\n2022-01-02,4\n";
    expect_rows (csv_of (text, "value"), "'3.5' '4'");
    expect_rows (csv_of (text, "2"), "'3.5' '4'");
    expect_rows (csv_of (text, "date"), "'2022-01-01' '2022-01-02'");
    expect_rows (csv_of ("3,2,1\na,b,c\n", "2"), "'b'");
    expect_rows (csv_of ("2,1\na,b\n", "2"), "'a'"); /* a name goes before a number */
    expect_rows (csv_of (",x\na,b\n", ""), "'a'");
}

Test (source, csv_quotes_are_those_of_rfc_4180)
{
    expect_rows (csv_of ("a,b\n\"x\",1\n", "a"), "'x'");
    expect_rows (csv_of ("a,b\n\"x,y\",1\n", "b"), "'1'");
    expect_rows (csv_of ("a,b\n\"say \"\"hi\"\"\",1\n", "a"), "'say \"hi\"'");
    expect_rows (csv_of ("a,b\n\"two\nlines\",1\nz,2\n", "a"), "'two\\nlines' 'z'");
    expect_rows (csv_of ("a,b\n\"two\nlines\",1\nz,2\n", "b"), "'1' '2'");
    expect_rows (csv_of ("a,b\n\"\",1\n", "a"), "''");
    expect_rows (csv_of ("\"a,b\",\"c \"\"d\"\"\"\n1,2\n", "c \"d\""), "'2'");
    expect_rows (csv_of ("a,b\n5\" disk,1\n", "a"), "'5\" disk'"); /* inside a plain cell it is a character */
    expect_rows (csv_of ("a,b\n\"x\"y,1\n", "a"), "'xy'");
    expect_rows (csv_of ("a,b\n1,\"end\"", "b"), "'end'");
}

Test (source, csv_rows_end_with_a_newline_and_perhaps_a_return_before_it)
{
    expect_rows (csv_of ("a,b\r\n1,2\r\n3,4\r\n", "b"), "'2' '4'");
    expect_rows (csv_of ("a,b\r\n1,\"2\"\r\n3,\"4\r\n\"\r\n", "b"), "'2' '4\\r\\n'");
    expect_rows (csv_of ("a,b\n1,\"q\"\n\"q\",2\r\n", "b"), "'q' '2'");
    expect_rows (csv_of ("a\n1\n2", "a"), "'1' '2'");
}

Test (source, missing_csv_cells_are_empty)
{
    expect_rows (csv_of ("a,b,c\n1\n1,2\n1,2,3\n1,2,3,4\n", "c"), "'' '' '3' '3'");
    expect_rows (csv_of ("a,b,c\n\"1\"\n", "c"), "''");
    expect_rows (csv_of ("a,b\n,\n", "a"), "''");
}

Test (source, an_empty_csv_line_is_a_row_only_where_there_is_one_column)
{
    expect_rows (csv_of ("a,b\n\n1,2\n\r\n\n3,4\n\n", "b"), "'2' '4'");
    expect_rows (csv_of ("a\n\n1\n\n", "a"), "'' '1' ''");
    expect_rows (csv_of ("a,b\n", "a"), "");
}

Test (source, a_byte_order_mark_is_no_part_of_the_first_column)
{
    expect_rows (csv_of ("\xef\xbb\xbfvalue\n7\n", "value"), "'7'");
    expect_rows (csv_of ("\xef\xbb\xbf\"value\"\n7\n", "value"), "'7'");
}

static void expect_no_csv (const char *text, const char *column, emp_status_t expected, const char *sentence)
{
    emp_source_t *source = NULL;
    char error[EMP_TEXT_MAX + 1];
    const char *path = scratch_text ("table.csv", text);
    emp_source_spec_t spec = {.kind = EMP_SOURCE_CSV, .path = (char *) path, .column = (char *) column};
    cr_expect_eq (emp_source_open (&spec, NULL, &source, error), expected);
    cr_expect (strstr (error, sentence) != NULL, "%s", error);
    cr_expect (source == NULL);
}

Test (source, an_unknown_column_is_told_with_the_nearest_one)
{
    expect_no_csv (
        "date,value\n1,2\n", "valeu", EMP_UNKNOWN,
        "found no column 'valeu', expected one of 'date', 'value' or a number from 1 to 2, did you mean 'value'?");
    expect_no_csv ("date,value\n1,2\n", "3", EMP_UNKNOWN, "found no column '3'");
    expect_no_csv ("date,value\n1,2\n", "0", EMP_UNKNOWN, "found no column '0'");
    expect_no_csv ("date,value\n1,2\n", "99999999999999999999999", EMP_UNKNOWN, "found no column");
    expect_no_csv ("a\x1b[31m\n", "z", EMP_UNKNOWN, "'a\\x1b[31m'");
}

Test (source, a_csv_without_a_header_is_refused)
{
    expect_no_csv ("", "value", EMP_INVALID, "found an empty file, expected a header row");
    expect_no_csv ("\xef\xbb\xbf", "value", EMP_INVALID, "found an empty file, expected a header row");
    expect_no_csv ("\"a", "a", EMP_MALFORMED, "found a quote that is open at the end of the file");
}

Test (source, an_open_csv_quote_is_a_failure_that_names_its_line)
{
    expect_failure (csv_of ("a,b\n1,2\n\"x\ny\",5\n\"z,3\n4,5\n", "b"), "'2' '5'", EMP_MALFORMED,
                    "in the row that begins at line 5");
}

Test (source, a_csv_from_a_pipe_is_opened_without_a_byte_of_it)
{
    cr_assert_eq (mkfifo (scratch_path ("fifo"), 0600), 0);
    emp_source_spec_t spec = {.kind = EMP_SOURCE_CSV, .path = (char *) scratch_path ("fifo"), .column = "b"};
    emp_source_t *source = open_ok (&spec);
    int writer = open (scratch_path ("fifo"), O_WRONLY);
    cr_assert_eq (write (writer, "a,b\n1,2\n", 8), 8);
    close (writer);
    expect_rows (source, "'2'");
    source = open_ok (&spec);
    writer = open (scratch_path ("fifo"), O_WRONLY);
    cr_assert_eq (write (writer, "a,c\n1,2\n", 8), 8);
    close (writer);
    expect_failure (source, "", EMP_UNKNOWN, "found no column 'b'");
}

/* A cell that needs quotes or not, from a number. */
static void make_cell (unsigned number, char *cell)
{
    static const char *const shapes[] = {"", "x", "12.5", "a,b", "\"", "line\nbreak", "\r", "\"\",\n", "long"};
    strcpy (cell, shapes[number % 9]);
    for (unsigned i = 0; number % 9 == 8 && i < number % 700; i++)
        strcat (cell, i % 50 == 49 ? "\"" : "y");
}

static void write_cell (FILE *out, const char *cell)
{
    if (!strpbrk (cell, "\",\r\n")) {
        fputs (cell, out);
        return;
    }
    putc ('"', out);
    for (; *cell; cell++) {
        if (*cell == '"')
            putc ('"', out);
        putc (*cell, out);
    }
    putc ('"', out);
}

/* Rows of all shapes at all places of the buffer, read back. */
Test (source, a_csv_that_was_written_well_is_read_as_it_was_meant)
{
    enum { ROWS = 20000 };
    char cell[1000];
    FILE *out = fopen (scratch_path ("shapes.csv"), "w");
    fputs ("first,second,third\n", out);
    for (unsigned i = 0; i < ROWS; i++)
        for (unsigned column = 0; column < 3; column++) {
            make_cell (i * 7919 + column * 104729, cell);
            write_cell (out, cell);
            fputs (column < 2 ? "," : i % 2 ? "\r\n" : "\n", out);
        }
    fclose (out);
    for (unsigned column = 0; column < 3; column++) {
        char number[4];
        snprintf (number, sizeof number, "%u", column + 1);
        emp_source_spec_t spec = {
            .kind = EMP_SOURCE_CSV, .path = (char *) scratch_path ("shapes.csv"), .column = number};
        emp_source_t *source = open_ok (&spec);
        emp_buf_t row;
        emp_buf_init (&row, 10000);
        for (unsigned i = 0; i < ROWS; i++) {
            emp_buf_clear (&row);
            cr_assert_eq (next (source, &row), EMP_OK);
            make_cell (i * 7919 + column * 104729, cell);
            size_t head = strlen (cell) < 32 ? 1 : strlen (cell) < 256 ? 2 : 3;
            cr_assert_eq (row.size, head + strlen (cell), "row %u column %u", i, column);
            cr_assert_eq (memcmp (row.data + head, cell, strlen (cell)), 0, "row %u column %u", i, column);
        }
        cr_assert_eq (next (source, &row), EMP_STOPPED);
        emp_buf_release (&row);
        emp_source_close (&source);
    }
}

/* ---- programs ------------------------------------------------------------------------------------------------------ */

static emp_source_t *shell (const char *line)
{
    char *argv[] = {"/bin/sh", "-c", (char *) line, NULL};
    return open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_PROGRAM, .argv = argv, .directory = scratch_dir});
}

Test (source, each_line_that_a_program_prints_is_a_row)
{
    char *argv[] = {"seq", "3", NULL};
    expect_rows (open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_PROGRAM, .argv = argv}), "'1' '2' '3'");
    expect_rows (shell ("printf 'no newline'"), "'no newline'");
    expect_rows (shell ("true"), "");
}

Test (source, a_program_runs_in_the_folder_of_its_job_file)
{
    scratch_text ("here.txt", "I am here\n");
    expect_rows (shell ("cat here.txt"), "'I am here'");
}

Test (source, a_program_has_nothing_on_its_standard_input)
{
    expect_rows (shell ("cat"), "");
}

Test (source, a_program_starts_with_the_signals_of_a_fresh_shell)
{
    sigset_t all;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, NULL);
    signal (SIGPIPE, SIG_IGN);
    signal (SIGINT, SIG_IGN);
    /* The last 28 signals: above are two that the C library keeps for its threads. */
    char *argv[] = {"sed", "-nE", "s/^Sig(Blk|Ign):.*(.{7})$/\\1 \\2/p", "/proc/self/status", NULL};
    expect_rows (open_ok (&(emp_source_spec_t){.kind = EMP_SOURCE_PROGRAM, .argv = argv}),
                 "'Blk 0000000' 'Ign 0000000'");
}

Test (source, a_program_that_fails_is_a_failure_behind_its_rows)
{
    expect_failure (shell ("echo row; exit 3"), "'row'", EMP_SYSTEM,
                    "program '/bin/sh' exited with 3, expected exit status 0");
    expect_failure (shell ("echo row; kill -KILL $$"), "'row'", EMP_SYSTEM, "killed by signal 9 (Killed)");
}

static void expect_no_program (const char *name, const char *directory, const char *sentence)
{
    emp_source_t *source = NULL;
    char error[EMP_TEXT_MAX + 1];
    char *argv[] = {(char *) name, NULL};
    emp_source_spec_t spec = {.kind = EMP_SOURCE_PROGRAM, .argv = argv, .directory = (char *) directory};
    cr_expect_eq (emp_source_open (&spec, NULL, &source, error), EMP_SYSTEM);
    cr_expect (strstr (error, sentence) != NULL, "%s", error);
}

Test (source, a_program_that_cannot_be_started_is_named)
{
    const char *sanitize = getenv ("EMP_SANITIZE");
    if (sanitize && strcmp (sanitize, "valgrind") == 0)
        cr_skip_test ("under valgrind posix_spawn does not learn that exec has failed");
    expect_no_program ("no-such-program", NULL, "program 'no-such-program': found \"No such file or directory\"");
    scratch_text ("plain", "not executable");
    expect_no_program ("./plain", scratch_dir, "found \"Permission denied\"");
    expect_no_program ("true", "/nowhere", "found \"No such file or directory\"");
}

/* Reads the number that the program printed and closes the source while the program runs. */
static pid_t close_running (emp_source_t *source)
{
    emp_buf_t row;
    emp_buf_init (&row, 64);
    cr_assert_eq (next (source, &row), EMP_OK);
    cr_assert_eq (emp_buf_append (&row, "", 1), EMP_OK);
    pid_t pid = (pid_t) atol ((const char *) row.data + 1);
    cr_assert_gt (pid, 1);
    emp_buf_release (&row);
    emp_source_close (&source);
    return pid;
}

static bool is_gone (pid_t pid)
{
    char path[64], text[256] = "";
    snprintf (path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen (path, "r");
    if (!file)
        return true;
    size_t size = fread (text, 1, sizeof text - 1, file);
    fclose (file);
    const char *state = size ? strrchr (text, ')') : NULL;
    return !state || state[2] == 'Z' || state[2] == 'X'; /* what nobody waits for here is init's */
}

Test (source, closing_early_ends_the_program)
{
    pid_t pid = close_running (shell ("echo $$; exec sleep 1000"));
    cr_assert_eq (kill (pid, 0), -1);
    cr_assert_eq (errno, ESRCH);
}

Test (source, closing_early_lets_the_program_put_things_in_order)
{
    close_running (shell ("trap 'echo bye >bye.txt; exit' TERM; echo $$; while :; do sleep 0.01; done"));
    cr_assert_eq (access (scratch_path ("bye.txt"), F_OK), 0);
}

Test (source, closing_early_ends_a_program_that_ignores_sigterm_after_a_second)
{
    struct timespec before, after;
    clock_gettime (CLOCK_MONOTONIC, &before);
    pid_t pid = close_running (shell ("trap '' TERM; echo $$; while :; do sleep 1000; done"));
    clock_gettime (CLOCK_MONOTONIC, &after);
    cr_assert_eq (kill (pid, 0), -1);
    cr_assert_geq ((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, 990);
}

Test (source, closing_early_ends_what_the_program_has_started)
{
    pid_t pid = close_running (shell ("(trap '' TERM; exec sleep 1000) & echo $!; wait"));
    while (!is_gone (pid)) /* SIGKILL was sent before close returned; the suite's timeout bounds the wait */
        sched_yield ();
}

/* ---- generators ---------------------------------------------------------------------------------------------------- */

static emp_source_t *generated (emp_generator_fn *fn, void *arg, const emp_config_t *config)
{
    emp_source_t *source = NULL;
    cr_assert_eq (emp_source_of_generator (fn, arg, config, &source), EMP_OK);
    return source;
}

static bool squares (emp_generator_t *generator, msgpack_packer *row)
{
    uint64_t i = emp_generator_index (generator);
    if (i == *(const uint64_t *) emp_generator_arg (generator))
        return false;
    msgpack_pack_array (row, 2);
    msgpack_pack_uint64 (row, i);
    msgpack_pack_uint64 (row, i * i);
    return true;
}

Test (source, a_generator_packs_a_row_a_call)
{
    uint64_t count = 3;
    expect_rows (generated (squares, &count, NULL), "[0, 0] [1, 1] [2, 4]");
}

static int freed;

static void free_count (void *state)
{
    freed++;
    free (state);
}

static bool counts_in_state (emp_generator_t *generator, msgpack_packer *row)
{
    int *count = emp_generator_state (generator);
    if (!count) {
        count = calloc (1, sizeof *count);
        emp_generator_set_state (generator, count, free_count);
    }
    emp_generator_set_state (generator, count, free_count); /* the same once more: not freed */
    msgpack_pack_int (row, ++*count);
    return *count <= 2;
}

Test (source, a_generators_state_stays_and_is_freed_once)
{
    freed = 0;
    expect_rows (generated (counts_in_state, NULL, NULL), "1 2");
    cr_assert_eq (freed, 1);
}

static bool fails_at_2 (emp_generator_t *generator, msgpack_packer *row)
{
    if (emp_generator_index (generator) == 2) {
        msgpack_pack_nil (row);
        emp_generator_fail (generator, "disk %d is full", 7);
        return false;
    }
    msgpack_pack_true (row);
    return true;
}

Test (source, a_generator_that_says_fail_is_a_failure_behind_its_rows)
{
    expect_failure (generated (fails_at_2, NULL, NULL), "True True", EMP_REFUSED, "generator: row 2: disk 7 is full");
}

static bool packs (emp_generator_t *generator, msgpack_packer *row)
{
    const char *what = emp_generator_arg (generator);
    if (emp_generator_index (generator) == 0) {
        msgpack_pack_int (row, 1);
        return true;
    }
    if (strcmp (what, "two") == 0) {
        msgpack_pack_int (row, 2);
        msgpack_pack_int (row, 3);
    } else if (strcmp (what, "half") == 0) {
        msgpack_pack_array (row, 2);
        msgpack_pack_int (row, 2);
    } else if (strcmp (what, "deep") == 0)
        for (int i = 0; i < 40; i++)
            msgpack_pack_array (row, 1);
    return true;
}

/* Lists within each other, as many as the argument is long. */
static bool packs_deep (emp_generator_t *generator, msgpack_packer *row)
{
    size_t levels = strlen (emp_generator_arg (generator));
    for (size_t i = 1; i <= levels; i++)
        msgpack_pack_array (row, i < levels);
    return emp_generator_index (generator) == 0;
}

Test (source, a_row_leaves_room_for_the_list_that_a_chunk_is)
{
    expect_rows (generated (packs_deep, "29 levels, of which each is 1", NULL),
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    expect_failure (generated (packs_deep, "30 levels, of which each is 1.", NULL), "", EMP_MALFORMED,
                    "generator: row 0: found a value nested deeper than 29 levels");
}

Test (source, a_generator_must_pack_exactly_one_value)
{
    static const char *const wrongs[] = {"nothing", "two", "half", "deep"};
    for (size_t i = 0; i < 4; i++)
        expect_failure (generated (packs, (void *) wrongs[i], NULL), "1", EMP_MALFORMED, "generator: row 1: found ");
}

static bool packs_much (emp_generator_t *generator, msgpack_packer *row)
{
    static char text[1000];
    (void) generator;
    msgpack_pack_str (row, sizeof text);
    msgpack_pack_str_body (row, text, sizeof text);
    return true;
}

Test (source, a_row_that_does_not_fit_is_cut_away_whole)
{
    emp_source_t *source = generated (packs_much, NULL, NULL);
    emp_buf_t row;
    emp_buf_init (&row, 1500);
    cr_assert_eq (next (source, &row), EMP_OK);
    cr_assert_eq (row.size, 1003);
    cr_assert_eq (next (source, &row), EMP_TOOBIG);
    cr_assert_eq (row.size, 1003);
    emp_buf_release (&row);
    emp_source_close (&source);
}

static bool asks_config (emp_generator_t *generator, msgpack_packer *row)
{
    static const char *const keys[] = {"mine", "ROWS_MAX", "NUM_ROWS", "mine", "nobodys"};
    uint64_t i = emp_generator_index (generator);
    if (i == 5)
        return false;
    const msgpack_object *value = emp_generator_config (generator, keys[i]);
    if (value)
        msgpack_pack_object (row, *value);
    else
        msgpack_pack_nil (row);
    return true;
}

Test (source, a_generator_sees_the_configuration)
{
    emp_config_t config;
    cr_assert_eq (emp_config_init (&config), EMP_OK);
    cr_assert_eq (emp_config_set (&config, "mine", "\x92\xa1x\x07", 4), EMP_OK);
    expect_rows (generated (asks_config, NULL, &config), "['x', 7] 1000 1000 ['x', 7] None");
    expect_rows (generated (asks_config, NULL, NULL), "None None None None None");
    emp_config_release (&config);
}

Test (source, a_generator_may_be_a_function_of_a_shared_object)
{
    char path[PATH_MAX + 32], error[EMP_TEXT_MAX + 1];
    snprintf (path, sizeof path, "%s/endless.so", test_modules ());
    emp_config_t config;
    cr_assert_eq (emp_config_init (&config), EMP_OK);
    cr_assert_eq (emp_config_set (&config, "count", "\x03", 1), EMP_OK);
    emp_source_spec_t spec = {.kind = EMP_SOURCE_GENERATOR, .path = path, .ref = "numbers"};
    emp_source_t *source = NULL;
    emp_status_t status = emp_source_open (&spec, &config, &source, error);
    cr_assert_eq (status, EMP_OK, "%s", error);
    expect_rows (source, "0 1 2");
    spec.ref = "fails";
    cr_assert_eq (emp_source_open (&spec, &config, &source, error), EMP_OK);
    expect_failure (source, "0 1 2", EMP_REFUSED, "endless.so': generator: row 3: no more after 3");
    emp_config_release (&config);
}

Test (source, a_shared_object_that_cannot_be_loaded_is_named)
{
    emp_source_t *source = NULL;
    char error[EMP_TEXT_MAX + 1];
    emp_source_spec_t spec = {
        .kind = EMP_SOURCE_GENERATOR, .path = (char *) scratch_text ("text.so", "no ELF"), .ref = "f"};
    cr_assert_eq (emp_source_open (&spec, NULL, &source, error), EMP_INVALID);
    cr_assert (strstr (error, "text.so") != NULL, "%s", error);
    cr_assert (strstr (error, "expected a shared object with the function f") != NULL, "%s", error);
}

static bool ten_million (emp_generator_t *generator, msgpack_packer *row)
{
    msgpack_pack_uint64 (row, emp_generator_index (generator));
    return emp_generator_index (generator) < 10000000;
}

Test (source, a_long_generator_needs_no_more_memory_than_a_short_one)
{
    emp_source_t *source = generated (ten_million, NULL, NULL);
    struct rusage before, after;
    emp_buf_t row;
    emp_buf_init (&row, 65536);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (next (source, &row), EMP_OK);
    getrusage (RUSAGE_SELF, &before);
    uint64_t rows = 1000;
    for (; next (source, &row) == EMP_OK; rows++)
        if (rows % 1000 == 0)
            emp_buf_clear (&row);
    getrusage (RUSAGE_SELF, &after);
    cr_assert_eq (rows, 10000000);
    cr_assert_lt (after.ru_maxrss - before.ru_maxrss, 1024);
    emp_buf_release (&row);
    emp_source_close (&source);
}
