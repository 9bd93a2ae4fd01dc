/* SPDX-License-Identifier: BSD-3-Clause
 *
 * diag.c - where the errors of a text file are written.
 */
#include "diag.h"

#include <stdarg.h>
#include <string.h>

#include "../common/utf8.h"

#define SHOWN_BEFORE 70 /* characters of the line left of the caret */
#define SHOWN_AFTER 40

void emp_diag_init (emp_diag_t *self, const char *path, FILE *out)
{
    *self = (emp_diag_t){.path = path, .out = out};
}

/* Lines end with \n, \r\n or \r, as YAML has it. */
static bool ends_line (const emp_diag_t *self, size_t offset)
{
    char c = self->text[offset];
    return c == '\n' || (c == '\r' && (offset + 1 == self->size || self->text[offset + 1] != '\n'));
}

/* Bytes of the character there; a byte that is no UTF-8 counts as one. */
static size_t step_at (const emp_diag_t *self, size_t offset, uint32_t *ret_code)
{
    const uint8_t *text = (const uint8_t *) self->text;
    *ret_code = 0;
    size_t step = emp_utf8_step (text + offset, text + self->size, ret_code);
    return step > 0 ? step : 1;
}

size_t emp_diag_offset (const emp_diag_t *self, unsigned line, unsigned column)
{
    size_t offset = 0;
    uint32_t code;
    for (; line > 1 && offset < self->size; offset++)
        line -= ends_line (self, offset);
    for (; column > 1 && offset < self->size && !ends_line (self, offset); column--)
        offset += step_at (self, offset, &code);
    return offset;
}

typedef struct {
    unsigned line, column; /* from 1 */
    size_t start;          /* offset of the line */
} place_t;

static place_t place_of (const emp_diag_t *self, size_t offset)
{
    place_t place = {1, 1, 0};
    if (!self->text)
        return place;
    for (size_t i = 0; i < offset && i < self->size; i++)
        if (ends_line (self, i)) {
            place.line++;
            place.start = i + 1;
        }
    uint32_t code;
    for (size_t i = place.start; i < offset && i < self->size; place.column++)
        i += step_at (self, i, &code);
    return place;
}

unsigned emp_diag_line (const emp_diag_t *self, size_t offset)
{
    return place_of (self, offset).line;
}

/* The line around the caret. What would move the cursor or is no UTF-8 is a '?', a tab a space. */
static void show_line (const emp_diag_t *self, const place_t *place)
{
    unsigned from = place->column > SHOWN_BEFORE ? place->column - SHOWN_BEFORE : 1;
    size_t at = place->start;
    fputs (from > 1 ? "  …" : "  ", self->out);
    for (unsigned i = 1; at < self->size && !strchr ("\r\n", self->text[at]) && i < place->column + SHOWN_AFTER; i++) {
        uint32_t code;
        size_t step = step_at (self, at, &code);
        if (i >= from && emp_utf8_is_control (code))
            putc (code == '\t' ? ' ' : '?', self->out);
        else if (i >= from)
            fwrite (self->text + at, 1, step, self->out);
        at += step;
    }
    fprintf (self->out, "\n%*s^\n", (int) (place->column - from) + (from > 1 ? 3 : 2), "");
}

bool emp_diag_is_full (const emp_diag_t *self)
{
    return self->errors > EMP_DIAG_ERRORS_MAX;
}

void emp_diag_error (emp_diag_t *self, size_t offset, const char *format, ...)
{
    char sentence[1024];
    if (self->errors++ == EMP_DIAG_ERRORS_MAX)
        fprintf (self->out, "%s: more errors, not shown\n", self->path);
    if (self->errors > EMP_DIAG_ERRORS_MAX)
        return;
    va_list args;
    va_start (args, format);
    vsnprintf (sentence, sizeof sentence, format, args);
    va_end (args);
    place_t place = place_of (self, offset);
    if (self->errors == 1)
        snprintf (self->first, sizeof self->first, "%.255s:%u:%u: %.700s", self->path, place.line, place.column,
                  sentence);
    fprintf (self->out, "%s:%u:%u: error: %s\n", self->path, place.line, place.column, sentence);
    if (self->text)
        show_line (self, &place);
}
