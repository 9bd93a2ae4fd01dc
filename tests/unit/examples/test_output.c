/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_output.c - the last MiB of what a run wrote (E8).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/examples/output.h"

TestSuite (output, .timeout = 30);

static uint8_t bytes[EMP_OUTPUT_PIECE_MAX];

Test (output, pieces_come_back_as_they_were_to_every_reader)
{
    emp_output_t output = {0};
    emp_output_reader_t first = {0}, second = {0};
    unsigned stream;
    uint64_t lost;
    cr_assert_eq (emp_output_read (&output, &first, &stream, bytes, &lost), 0);
    cr_assert_eq (emp_output_add (&output, 1, "one", 3), EMP_OK);
    cr_assert_eq (emp_output_read (&output, &first, &stream, bytes, &lost), 3);
    cr_assert (stream == 1 && lost == 0 && memcmp (bytes, "one", 3) == 0);
    cr_assert_eq (emp_output_add (&output, 2, "t\0o!", 4), EMP_OK);
    cr_assert_eq (emp_output_read (&output, &first, &stream, bytes, &lost), 4);
    cr_assert (stream == 2 && lost == 0 && memcmp (bytes, "t\0o!", 4) == 0);
    cr_assert_eq (emp_output_read (&output, &first, &stream, bytes, &lost), 0);
    cr_assert_eq (emp_output_read (&output, &second, &stream, bytes, &lost), 3);
    emp_output_release (&output);
}

/* Sizes that never divide the ring, so that heads and pieces lie over its end at every place. */
Test (output, what_is_lost_and_what_is_read_are_all_that_was_written)
{
    emp_output_t output = {0};
    emp_output_reader_t steady = {0}, late = {0}, lazy = {0};
    uint64_t written = 0, lost, lost_lazy = 0, read_lazy = 0;
    unsigned stream;
    for (unsigned i = 0; i < 5000; i++) {
        size_t size = 1 + i * 7919u % EMP_OUTPUT_PIECE_MAX;
        memset (bytes, (int) i, size);
        cr_assert_eq (emp_output_add (&output, 1 + i % 2, bytes, size), EMP_OK);
        cr_assert_leq (output.end - output.begin, EMP_OUTPUT_MAX);
        written += size;
        cr_assert_eq (emp_output_read (&output, &steady, &stream, bytes, &lost), size);
        cr_assert (lost == 0 && stream == 1 + i % 2 && bytes[0] == (uint8_t) i && bytes[size - 1] == (uint8_t) i);
        if (i % 3 == 0) { /* a third of the pieces: it falls behind */
            read_lazy += emp_output_read (&output, &lazy, &stream, bytes, &lost);
            lost_lazy += lost;
        }
    }
    cr_assert_gt (lost_lazy, 0);
    for (size_t size; (size = emp_output_read (&output, &lazy, &stream, bytes, &lost)); read_lazy += size)
        lost_lazy += lost;
    cr_assert_eq (read_lazy + lost_lazy, written);
    uint64_t read = emp_output_read (&output, &late, &stream, bytes, &lost), first_lost = lost;
    for (size_t size; (size = emp_output_read (&output, &late, &stream, bytes, &lost)); read += size)
        cr_assert_eq (lost, 0);
    cr_assert_eq (read + first_lost, written);
    cr_assert_gt (read, EMP_OUTPUT_MAX - 2 * EMP_OUTPUT_PIECE_MAX);
    emp_output_release (&output);
    cr_assert_null (output.ring);
}

Test (output, a_piece_that_finds_no_memory_is_lost_and_told_with_what_was_before_it)
{
    emp_output_t output = {0};
    emp_output_reader_t steady = {0}, late = {0};
    unsigned stream;
    uint64_t lost;
    emp_output_lose (&output, 7);
    cr_assert_eq (emp_output_read (&output, &steady, &stream, bytes, &lost), 0);
    cr_assert_eq (lost, 7);
    cr_assert_eq (emp_output_read (&output, &steady, &stream, bytes, &lost), 0);
    cr_assert_eq (lost, 0);
    cr_assert_eq (emp_output_add (&output, 1, "one", 3), EMP_OK);
    cr_assert_eq (emp_output_read (&output, &steady, &stream, bytes, &lost), 3);
    cr_assert (lost == 0 && memcmp (bytes, "one", 3) == 0);
    emp_output_lose (&output, 2);
    cr_assert_eq (emp_output_read (&output, &steady, &stream, bytes, &lost), 0);
    cr_assert_eq (lost, 2);
    cr_assert_eq (emp_output_add (&output, 2, "two", 3), EMP_OK);
    cr_assert_eq (emp_output_read (&output, &late, &stream, bytes, &lost), 3);
    cr_assert (lost == 12 && stream == 2 && memcmp (bytes, "two", 3) == 0);
    emp_output_release (&output);
}
