/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lines of a ticket that has far more results than are written at a time.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/lines.h"

TestSuite (lines, .timeout = 60);

#define RESULTS 1000000u
#define PIECE 65536u

typedef struct {
    emp_buf_t out;
    size_t most, lines, pieces, pieces_max;
} reader_t;

static emp_status_t read_piece (void *arg)
{
    reader_t *self = arg;
    self->most = self->out.size > self->most ? self->out.size : self->most;
    if (self->out.size < PIECE)
        return EMP_OK;
    if (self->pieces++ == self->pieces_max)
        return EMP_FULL;
    cr_assert_eq (self->out.data[self->out.size - 1], '\n');
    for (size_t i = 0; i < self->out.size; i++)
        self->lines += self->out.data[i] == '\n';
    emp_buf_clear (&self->out);
    return EMP_OK;
}

static emp_status_t read_results (emp_lines_kind_t kind, reader_t *self)
{
    static uint8_t results[RESULTS]; /* zeros */
    emp_buf_init (&self->out, EMP_LINES_MAX);
    return emp_lines_add (kind, &self->out, "mp_input_q (default)", 7, results, sizeof results, read_piece, self);
}

Test (lines, results_of_one_ticket_are_written_piece_by_piece)
{
    for (int kind = EMP_LINES_JSONL; kind <= EMP_LINES_CSV; kind++) {
        reader_t self = {.pieces_max = SIZE_MAX};
        cr_assert_eq (read_results ((emp_lines_kind_t) kind, &self), EMP_OK);
        for (size_t i = 0; i < self.out.size; i++)
            self.lines += self.out.data[i] == '\n';
        cr_assert_eq (self.lines, RESULTS);
        cr_assert_leq (self.most, PIECE + 200);
        emp_buf_release (&self.out);
    }
}

Test (lines, a_piece_that_cannot_be_written_is_the_last)
{
    reader_t self = {.pieces_max = 2};
    cr_assert_eq (read_results (EMP_LINES_JSONL, &self), EMP_FULL);
    cr_assert_eq (self.pieces, 3);
    emp_buf_release (&self.out);
}
