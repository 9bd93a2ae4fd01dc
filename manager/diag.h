/* SPDX-License-Identifier: BSD-3-Clause
 *
 * diag.h - where the errors of a text file are written:
 *
 *     job.yaml:3:11: error: ROWS_MAX: found 0, expected an integer from 1 to 16777216
 *       ROWS_MAX: 0
 *                 ^
 *
 * A place is a byte offset; lines and columns are counted from it only when something is written, from 1, columns in
 * characters. The line shown is cut to the neighbourhood of the caret and holds no control characters. At most
 * EMP_DIAG_ERRORS_MAX errors are written; the first one's sentence is kept.
 */
#ifndef EMP_DIAG_H
#define EMP_DIAG_H

#include "../common/eisenmp.h"

#define EMP_DIAG_ERRORS_MAX 20

typedef struct {
    const char *path;
    const char *text; /* of the file; NULL: there is none, so every place is 1:1 and no line is shown */
    size_t size;
    FILE *out;
    unsigned errors;  /* found, also those that were not written */
    char first[1024]; /* "job.yaml:3:11: ROWS_MAX: found 0, …", "" at first */
} emp_diag_t;

/* Borrows path and out. */
void emp_diag_init (emp_diag_t *self, const char *path, FILE *out);
void emp_diag_error (emp_diag_t *self, size_t offset, const char *format, ...) EMP_PRINTF (3, 4);
/* Nothing more would be written: who looks for errors may stop. */
bool emp_diag_is_full (const emp_diag_t *self);
/* The line of an offset, for "first at line 12". */
unsigned emp_diag_line (const emp_diag_t *self, size_t offset);
/* The offset of a line and column (from 1); what is behind the end is the end. */
size_t emp_diag_offset (const emp_diag_t *self, unsigned line, unsigned column);

#endif
