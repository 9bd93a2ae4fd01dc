/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source_csv.c - one column of a CSV, row by row.
 *
 * A row without quotes is found and cut by memchr. One with quotes goes byte by byte through this machine, which finds
 * the row's end and takes the wanted cell out on the way:
 *
 *   state  | "               | ,              | other          | \n
 *   START  | QUOTED          | next cell      | PLAIN, content | the row ends
 *   PLAIN  | content         | next cell      | content        | the row ends
 *   QUOTED | QUOTE           | content        | content        | content
 *   QUOTE  | QUOTED, content | next cell      | PLAIN, content | the row ends
 */
#include "source_csv.h"

#include <stdlib.h>
#include <string.h>

#include "sentence.h"
#include "source.h"

#define COLUMNS_MAX 65536 /* header cells that are looked at */
#define COLUMNS_LISTED 12 /* named in an error */

typedef enum { START, PLAIN, QUOTED, QUOTE } state_t;
typedef enum { CONTENT, NOTHING, NEXT_CELL, ROW_END } effect_t;

static inline effect_t step (state_t *state, uint8_t byte)
{
    if (*state == QUOTED) {
        *state = byte == '"' ? QUOTE : QUOTED;
        return byte == '"' ? NOTHING : CONTENT;
    }
    if (byte == '\n')
        return ROW_END;
    if (byte == ',') {
        *state = START;
        return NEXT_CELL;
    }
    if (byte == '"' && *state != PLAIN) {
        bool doubled = *state == QUOTE;
        *state = QUOTED;
        return doubled ? CONTENT : NOTHING;
    }
    *state = PLAIN;
    return CONTENT;
}

/* A row in the reader's buffer, without its end. */
typedef struct {
    uint8_t *data;
    size_t size;
    bool quoted;      /* the cell was taken out already: */
    size_t cell_size; /* it is the first so many bytes of the row */
} row_t;

#define NO_COLUMN SIZE_MAX /* the row is left as it is */

void emp_csv_init (emp_csv_t *self, emp_reader_t *reader)
{
    *self = (emp_csv_t){.reader = reader, .next_line = 1};
}

static row_t take_row (emp_csv_t *self, size_t size, bool newline)
{
    row_t row = {.data = self->reader->data + self->reader->begin, .size = size};
    if (size > 0 && row.data[size - 1] == '\r')
        row.size--;
    self->reader->begin += size + newline;
    self->next_line++;
    return row;
}

/* The row begins at reader->begin and holds a quote; its end may be behind many a \n. The cell at `column` is decoded
 * in place: what is written is never ahead of what is read. A \r that turns out to end the row is taken back. */
static emp_status_t take_quoted_row (emp_csv_t *self, size_t column, row_t *ret_row)
{
    emp_reader_t *reader = self->reader;
    state_t state = START;
    size_t cell = 0, made = 0;
    for (size_t at = 0;; at++) {
        while (reader->begin + at == reader->end && !reader->eof) {
            emp_status_t status = emp_reader_more (reader);
            if (status)
                return status;
        }
        bool ended = reader->begin + at == reader->end;
        if (ended && state == QUOTED)
            return EMP_MALFORMED;
        uint8_t *row = reader->data + reader->begin;
        uint8_t byte = ended ? '\n' : row[at];
        effect_t effect = step (&state, byte);
        if (effect == CONTENT && cell == column)
            row[made++] = byte;
        else if (effect == NEXT_CELL)
            cell++;
        else if (effect == ROW_END) {
            bool trailing = state == PLAIN && cell == column && row[at - 1] == '\r';
            *ret_row = take_row (self, at, !ended);
            ret_row->quoted = true;
            ret_row->cell_size = made - trailing;
            return EMP_OK;
        }
        self->next_line += byte == '\n';
    }
}

static emp_status_t find_row (emp_csv_t *self, size_t column, row_t *ret_row)
{
    emp_reader_t *reader = self->reader;
    size_t looked = 0; /* bytes behind `begin` that hold no \n */
    self->line = self->next_line;
    for (;;) {
        uint8_t *row = reader->data + reader->begin;
        size_t size = reader->end - reader->begin;
        const uint8_t *newline = looked < size ? memchr (row + looked, '\n', size - looked) : NULL;
        size = newline ? (size_t) (newline - row) : size;
        if (size > EMP_SOURCE_LINE_MAX)
            return EMP_TOOBIG;
        if (!newline && !reader->eof) {
            looked = size;
            emp_status_t status = emp_reader_more (reader);
            if (status)
                return status;
        } else if (!newline && size == 0)
            return EMP_STOPPED;
        else if (memchr (row, '"', size))
            return take_quoted_row (self, column, ret_row);
        else {
            *ret_row = take_row (self, size, newline != NULL);
            return EMP_OK;
        }
    }
}

static size_t plain_cell (const row_t *row, size_t column, const uint8_t **ret_cell)
{
    const uint8_t *at = row->data, *end = row->data + row->size;
    for (; column > 0; column--) {
        const uint8_t *comma = at < end ? memchr (at, ',', (size_t) (end - at)) : NULL;
        at = comma ? comma + 1 : end;
        if (!comma)
            break;
    }
    const uint8_t *comma = at < end ? memchr (at, ',', (size_t) (end - at)) : NULL;
    *ret_cell = at;
    return (size_t) ((comma ? comma : end) - at);
}

/* ---- the header ------------------------------------------------------------------------------------------------ */

/* Every cell of the header as a text of its own; NULL: out of memory. */
static char **header_names (const row_t *row, size_t *ret_count)
{
    size_t count = 1;
    for (size_t i = 0; i < row->size; i++)
        count += row->data[i] == ',';
    count = count < COLUMNS_MAX ? count : COLUMNS_MAX;
    char **names = calloc (count + 1, sizeof *names);
    state_t state = START;
    size_t made = 0, size = 0;
    char *text = malloc (row->size + 1);
    for (size_t i = 0; names && text && i <= row->size && made < count; i++) {
        effect_t effect = i < row->size ? step (&state, row->data[i]) : NEXT_CELL;
        if (effect == CONTENT)
            text[size++] = (char) row->data[i];
        else if (effect == NEXT_CELL) {
            names[made] = strndup (text, size);
            if (!names[made++])
                break;
            size = 0;
        }
    }
    free (text);
    *ret_count = made;
    return names;
}

static void free_names (char **names)
{
    for (char **name = names; name && *name; name++)
        free (*name);
    free (names);
}

static bool find_column (char *const *names, size_t count, const char *column, size_t *ret_column)
{
    for (size_t i = 0; i < count; i++)
        if (names[i] && strcmp (names[i], column) == 0) {
            *ret_column = i;
            return true;
        }
    size_t number = 0;
    for (const char *at = column; *at >= '0' && *at <= '9' && number <= count; at++)
        number = number * 10 + (size_t) (*at - '0');
    if (number == 0 || number > count || column[strspn (column, "0123456789")])
        return false;
    *ret_column = number - 1;
    return true;
}

static void describe (char *const *names, size_t count, const char *column, char *ret_error)
{
    char piece[EMP_SENTENCE_MAX];
    emp_sentence_text (column, strlen (column), piece);
    int size = snprintf (ret_error, EMP_CSV_ERROR_MAX, "found no column %s, expected one of ", piece);
    for (size_t i = 0; i < count && i < COLUMNS_LISTED && names[i]; i++) {
        emp_sentence_text (names[i], strlen (names[i]), piece);
        size += snprintf (ret_error + size, EMP_CSV_ERROR_MAX - (size_t) size, "%s%s", i ? ", " : "", piece);
    }
    emp_sentence_nearest (column, (const char *const *) names, piece);
    snprintf (ret_error + size, EMP_CSV_ERROR_MAX - (size_t) size, "%s or a number from 1 to %zu%s",
              count > COLUMNS_LISTED ? ", …" : "", count, piece);
}

emp_status_t emp_csv_header (emp_csv_t *self, const char *column, char *ret_error)
{
    static const char mark[] = "\xef\xbb\xbf";
    row_t row;
    emp_status_t status = EMP_OK;
    while (!status && self->reader->end - self->reader->begin < 3 && !self->reader->eof)
        status = emp_reader_more (self->reader);
    if (status)
        return status;
    if (self->reader->end - self->reader->begin >= 3 && memcmp (self->reader->data + self->reader->begin, mark, 3) == 0)
        self->reader->begin += 3;
    status = find_row (self, NO_COLUMN, &row);
    if (status == EMP_STOPPED && self->reader->eof) {
        snprintf (ret_error, EMP_CSV_ERROR_MAX, "found an empty file, expected a header row");
        return EMP_INVALID;
    }
    if (status)
        return status;
    size_t count;
    char **names = header_names (&row, &count);
    if (!names || count == 0 || !names[count - 1])
        status = EMP_NOMEM;
    else if (!find_column (names, count, column, &self->column)) {
        describe (names, count, column, ret_error);
        status = EMP_UNKNOWN;
    } else
        self->columns = count;
    free_names (names);
    return status;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

emp_status_t emp_csv_next (emp_csv_t *self, const uint8_t **ret_cell, size_t *ret_size)
{
    row_t row;
    emp_status_t status;
    do
        status = find_row (self, self->column, &row);
    while (!status && row.size == 0 && self->columns > 1);
    if (status)
        return status;
    *ret_cell = row.data;
    *ret_size = row.quoted ? row.cell_size : plain_cell (&row, self->column, ret_cell);
    return EMP_OK;
}
