/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source_csv.h - one column of a CSV (RFC 4180: commas, quotes doubled within quotes, line ends within quotes), row
 * by row.
 *
 * The first row is the header. A byte order mark is skipped; rows end with \n or \r\n; a quote inside a cell that
 * does not begin with one is a character like others. A row with too few cells has an empty cell there; an empty
 * line is skipped, but in a file of one column, where it is a row with an empty cell.
 * Cost: a row without quotes is passed by memchr, one with quotes byte by byte.
 */
#ifndef EMP_SOURCE_CSV_H
#define EMP_SOURCE_CSV_H

#include "source_reader.h"

typedef struct {
    emp_reader_t *reader;
    size_t column, columns; /* the wanted one, from 0; of the header, 0: not read yet */
    uint64_t line;          /* where the row that was read last begins, from 1 */
    uint64_t next_line;
} emp_csv_t;

#define EMP_CSV_ERROR_MAX 3072

/* Borrows reader. */
void emp_csv_init (emp_csv_t *self, emp_reader_t *reader);
/* Reads the header row and finds `column`: by its name, else, when it is a number, by that, from 1. EMP_UNKNOWN:
 * there is none; EMP_INVALID: no header; or what the reader said. "found …, expected …" in `ret_error` for the first
 * two. */
emp_status_t emp_csv_header (emp_csv_t *self, const char *column, char *ret_error);
/* The cell of the next row, decoded, borrowed until the next call. EMP_STOPPED at the end; EMP_MALFORMED: a quote
 * that began in the row at `line` is not closed; or what the reader said. */
emp_status_t emp_csv_next (emp_csv_t *self, const uint8_t **ret_cell, size_t *ret_size);

#endif
