/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source.c - where rows come from: a range, lines, a CSV column, a program's output, a generator.
 *
 * Rows are packed straight into the caller's buffer. The answer that ends a source sticks in `ended`.
 */
#include "source.h"

#include <dlfcn.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/control.h"
#include "generator.h"
#include "sentence.h"
#include "source_csv.h"
#include "source_program.h"
#include "source_reader.h"

#define INTEGER_ROOM 9 /* bytes of the longest packed integer */

struct emp_source {
    emp_source_kind_t kind;
    emp_status_t ended; /* EMP_OK: not yet */
    atomic_bool cancelled;
    int wake;                         /* an eventfd, readable once cancelled */
    char name[EMP_SENTENCE_MAX + 32]; /* of the file or generator, for sentences */
    char error[EMP_TEXT_MAX + 1];
    int64_t next; /* range */
    int64_t step;
    uint64_t left;
    emp_reader_t reader; /* lines, csv, program */
    emp_spool_t *spool;  /* of what it reads, or NULL */
    uint64_t line;       /* lines, program: the one that was read last */
    emp_csv_t csv;
    char *column; /* until the header is read, else NULL */
    emp_source_program_t program;
    void *library; /* generator of a job file */
    emp_generator_t *generator;
};

static emp_status_t fail (emp_source_t *self, emp_status_t status, const char *format, ...) EMP_PRINTF (3, 4);

static emp_status_t fail (emp_source_t *self, emp_status_t status, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (self->error, sizeof self->error, format, args);
    va_end (args);
    return status;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static emp_status_t row_is_full (emp_source_t *self, const emp_buf_t *row)
{
    if (row->broken == EMP_NOMEM)
        return fail (self, EMP_NOMEM, "%s", emp_status_text (EMP_NOMEM));
    return fail (self, EMP_TOOBIG, "found rows of more than %zu bytes in one chunk, expected fewer: lower ROWS_MAX",
                 row->max);
}

static emp_status_t put_text (emp_source_t *self, emp_buf_t *row, const uint8_t *text, size_t size)
{
    uint8_t head[5];
    size_t head_size = 1;
    if (emp_buf_reserve (row, size + sizeof head))
        return row_is_full (self, row);
    if (size < 32)
        head[0] = (uint8_t) (0xa0 | size);
    else {
        head_size = size < 256 ? 2 : size < 65536 ? 3 : 5;
        head[0] = size < 256 ? 0xd9 : size < 65536 ? 0xda : 0xdb;
        for (size_t i = 1; i < head_size; i++)
            head[i] = (uint8_t) (size >> 8 * (head_size - 1 - i));
    }
    memcpy (row->data + row->size, head, head_size);
    memcpy (row->data + row->size + head_size, text, size);
    row->size += head_size + size;
    return EMP_OK;
}

/* As msgpack-c would, without its calls a byte: a range must never be what a run waits for. */
static size_t encode_integer (int64_t value, uint8_t *to)
{
    uint64_t bits = (uint64_t) value;
    if (value >= -32 && value < 128) {
        to[0] = (uint8_t) bits;
        return 1;
    }
    uint64_t magnitude = value < 0 ? ~bits << 1 : bits; /* what has to fit: with the sign's bit, or without */
    unsigned width = magnitude >> 32 ? 3 : magnitude >> 16 ? 2 : magnitude >> 8 ? 1 : 0;
    to[0] = (uint8_t) ((value < 0 ? 0xd0 : 0xcc) + width);
    uint64_t ordered = htobe64 (bits << (64 - (8u << width)));
    memcpy (to + 1, &ordered, 8);
    return 1 + (1u << width);
}

static emp_status_t next_of_range (emp_source_t *self, emp_buf_t *row)
{
    if (self->left == 0)
        return EMP_STOPPED;
    if (emp_buf_reserve (row, INTEGER_ROOM))
        return row_is_full (self, row);
    row->size += encode_integer (self->next, row->data + row->size);
    self->left--;
    self->next = (int64_t) ((uint64_t) self->next + (uint64_t) self->step); /* behind the last it may wrap, unseen */
    return EMP_OK;
}

/* What the reader said, as a sentence. */
static emp_status_t reader_failed (emp_source_t *self, emp_status_t status, uint64_t line)
{
    const char *spool = self->spool ? emp_spool_why (self->spool) : NULL;
    if (status == EMP_SYSTEM && spool)
        return fail (self, status, "%s: what was read of it cannot be kept: %s", self->name, spool);
    if (status == EMP_SYSTEM)
        return fail (self, status, "%s: found \"%s\" while reading, expected more", self->name, strerror (errno));
    if (status == EMP_TOOBIG)
        return fail (self, status, "%s: found a row of more than %u bytes at line %" PRIu64 ", expected fewer%s",
                     self->name, EMP_SOURCE_LINE_MAX, line, self->kind == EMP_SOURCE_CSV ? " (is a quote open?)" : "");
    if (status == EMP_MALFORMED)
        return fail (self, status,
                     "%s: found a quote that is open at the end of the file, in the row that begins at line %" PRIu64
                     ", expected it closed",
                     self->name, line);
    if (status == EMP_STALE)
        return fail (self, status, "%s: found another input, expected the one of before, from byte %" PRIu64 " on too",
                     self->name, emp_spool_differs (self->spool));
    if (status == EMP_NOMEM)
        return fail (self, status, "%s", emp_status_text (status));
    return status;
}

static emp_status_t next_of_lines (emp_source_t *self, emp_buf_t *row)
{
    const uint8_t *line;
    size_t size;
    emp_status_t status = emp_reader_line (&self->reader, &line, &size);
    self->line++;
    if (status == EMP_OK)
        return put_text (self, row, line, size);
    if (status == EMP_STOPPED && self->reader.eof && self->kind == EMP_SOURCE_PROGRAM)
        status = emp_source_program_wait (&self->program, self->wake, self->error);
    else
        return reader_failed (self, status, self->line);
    return status ? status : EMP_STOPPED;
}

static emp_status_t read_header (emp_source_t *self)
{
    char error[EMP_CSV_ERROR_MAX];
    emp_csv_init (&self->csv, &self->reader);
    emp_status_t status = emp_csv_header (&self->csv, self->column, error);
    if (status == EMP_UNKNOWN || status == EMP_INVALID)
        return fail (self, status, "%s: %s", self->name, error);
    free (self->column);
    self->column = NULL;
    return reader_failed (self, status, 1);
}

static emp_status_t next_of_csv (emp_source_t *self, emp_buf_t *row)
{
    const uint8_t *cell;
    size_t size;
    emp_status_t status = self->column ? read_header (self) : EMP_OK;
    if (status)
        return status;
    status = emp_csv_next (&self->csv, &cell, &size);
    return status ? reader_failed (self, status, self->csv.line) : put_text (self, row, cell, size);
}

static emp_status_t rows_of_generator (emp_source_t *self, uint32_t max, emp_buf_t *chunk, uint32_t *ret_rows)
{
    emp_status_t status = emp_generator_rows (self->generator, max, &self->cancelled, chunk, ret_rows);
    if (status == EMP_REFUSED || status == EMP_MALFORMED)
        return fail (self, status, "%s%s%s", self->name, *self->name ? ": " : "",
                     emp_generator_error (self->generator));
    return status == EMP_TOOBIG || status == EMP_NOMEM ? row_is_full (self, chunk) : status;
}

static emp_status_t next_of_kind (emp_source_t *self, emp_buf_t *row)
{
    switch (self->kind) {
    case EMP_SOURCE_RANGE: return next_of_range (self, row);
    case EMP_SOURCE_LINES:
    case EMP_SOURCE_PROGRAM: return next_of_lines (self, row);
    case EMP_SOURCE_CSV: return next_of_csv (self, row);
    case EMP_SOURCE_GENERATOR: break; /* many at a time */
    }
    return EMP_INVALID;
}

emp_status_t emp_source_rows (emp_source_t *self, uint32_t max, emp_buf_t *chunk, uint32_t *ret_rows)
{
    uint32_t rows = 0;
    if (self->kind == EMP_SOURCE_GENERATOR && !self->ended) {
        self->ended = rows_of_generator (self, max, chunk, ret_rows);
        return self->ended;
    }
    while (rows < max && !self->ended) {
        if (atomic_load_explicit (&self->cancelled, memory_order_relaxed)) {
            self->ended = EMP_STOPPED;
            break;
        }
        size_t before = chunk->size;
        self->ended = next_of_kind (self, chunk);
        if (self->ended)
            chunk->size = before; /* what a failed row left */
        else
            rows++;
    }
    *ret_rows = rows;
    return self->ended;
}

const char *emp_source_error (const emp_source_t *self)
{
    return self->error;
}

const char *emp_source_take_back (emp_source_t *self)
{
    return self->spool ? emp_spool_take_back (self->spool) : NULL;
}

void emp_source_cancel (emp_source_t *self)
{
    atomic_store (&self->cancelled, true);
    uint64_t one = 1;
    ssize_t written = write (self->wake, &one, sizeof one);
    (void) written; /* fails only when it is readable already */
}

/* ---- opening and closing --------------------------------------------------------------------------------------- */

static emp_source_t *new_source (emp_source_kind_t kind)
{
    emp_source_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->kind = kind;
    self->reader = (emp_reader_t){.fd = -1, .wake = -1};
    self->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->wake < 0) {
        free (self);
        return NULL;
    }
    return self;
}

static void name_it (emp_source_t *self, const char *what, const char *text)
{
    char piece[EMP_SENTENCE_MAX];
    emp_sentence_path (text, piece);
    snprintf (self->name, sizeof self->name, "%s %s", what, piece);
}

static emp_status_t open_reader (emp_source_t *self, int fd)
{
    if (emp_reader_open (&self->reader, fd, self->wake))
        return fail (self, EMP_NOMEM, "%s", emp_status_text (EMP_NOMEM));
    self->reader.spool = self->spool;
    self->reader.ahead = self->spool != NULL;
    return EMP_OK;
}

/* A pipe without a writer is not waited for here, but by the first read, which can be cancelled. */
static emp_status_t open_file (emp_source_t *self, const char *path, const char *what)
{
    bool input = self->kind == EMP_SOURCE_LINES && strcmp (path, "-") == 0;
    name_it (self, what, input ? "standard input" : path);
    if (self->spool && emp_spool_is_complete (self->spool))
        return open_reader (self, -1);
    int fd = input ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail (self, EMP_SYSTEM, "%s: found \"%s\", expected a file to read", self->name, strerror (errno));
    return open_reader (self, fd);
}

static emp_status_t open_csv (emp_source_t *self, const emp_source_spec_t *spec)
{
    emp_status_t status = open_file (self, spec->path, "csv");
    if (status)
        return status;
    self->column = strdup (spec->column);
    if (!self->column)
        return fail (self, EMP_NOMEM, "%s", emp_status_text (EMP_NOMEM));
    return self->reader.waits ? EMP_OK : read_header (self);
}

static emp_status_t open_program (emp_source_t *self, const emp_source_spec_t *spec)
{
    int output;
    emp_status_t status = emp_source_program_start (&self->program, spec->argv, spec->directory, &output, self->error);
    if (status)
        return status;
    snprintf (self->name, sizeof self->name, "program %s", self->program.name);
    if (emp_reader_open (&self->reader, output, self->wake))
        return fail (self, EMP_NOMEM, "%s", emp_status_text (EMP_NOMEM));
    return EMP_OK;
}

static emp_status_t open_generator (emp_source_t *self, const emp_source_spec_t *spec, const emp_config_t *config)
{
    name_it (self, "generator", spec->path);
    self->library = dlopen (spec->path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = self->library ? dlsym (self->library, spec->ref) : NULL;
    if (!symbol) {
        const char *why = dlerror (); /* NULL: a name that stands for the address 0 */
        return fail (self, EMP_INVALID, "%s: found \"%.1000s\", expected a shared object with the function %.200s",
                     self->name, why ? why : "no address", spec->ref);
    }
    emp_generator_fn *fn;
    memcpy (&fn, &symbol, sizeof fn); /* POSIX lets a function's address be kept so; C alone does not */
    self->generator = emp_generator_new (fn, NULL, config);
    return self->generator ? EMP_OK : fail (self, EMP_NOMEM, "%s", emp_status_text (EMP_NOMEM));
}

static emp_status_t open_kind (emp_source_t *self, const emp_source_spec_t *spec, const emp_config_t *config)
{
    switch (spec->kind) {
    case EMP_SOURCE_RANGE:
        self->next = spec->start;
        self->step = spec->step;
        self->left = spec->count;
        return EMP_OK;
    case EMP_SOURCE_LINES: return open_file (self, spec->path, "lines");
    case EMP_SOURCE_CSV: return open_csv (self, spec);
    case EMP_SOURCE_PROGRAM: return open_program (self, spec);
    case EMP_SOURCE_GENERATOR: return open_generator (self, spec, config);
    }
    return EMP_INVALID;
}

bool emp_source_needs_spool (const emp_source_spec_t *spec)
{
    struct stat info;
    if (spec->kind != EMP_SOURCE_LINES && spec->kind != EMP_SOURCE_CSV)
        return false;
    bool input = spec->kind == EMP_SOURCE_LINES && strcmp (spec->path, "-") == 0;
    return (input ? fstat (STDIN_FILENO, &info) : stat (spec->path, &info)) == 0 && !S_ISREG (info.st_mode);
}

emp_status_t emp_source_open (const emp_source_spec_t *spec, const emp_config_t *config, emp_source_t **ret_self,
                              char *ret_error)
{
    emp_spool_t *none = NULL;
    return emp_source_open_spooled (spec, config, &none, ret_self, ret_error);
}

emp_status_t emp_source_open_spooled (const emp_source_spec_t *spec, const emp_config_t *config, emp_spool_t **spool_p,
                                      emp_source_t **ret_self, char *ret_error)
{
    emp_source_t *self = new_source (spec->kind);
    if (!self) {
        snprintf (ret_error, EMP_TEXT_MAX + 1, "%s", strerror (errno));
        return EMP_SYSTEM;
    }
    self->spool = *spool_p;
    emp_status_t status = open_kind (self, spec, config);
    if (status) {
        self->spool = NULL;
        memcpy (ret_error, self->error, sizeof self->error);
        emp_source_close (&self);
    } else {
        *spool_p = NULL;
        *ret_self = self;
    }
    return status;
}

emp_status_t emp_source_of_generator (emp_generator_fn *fn, void *arg, const emp_config_t *config,
                                      emp_source_t **ret_self)
{
    emp_source_t *self = new_source (EMP_SOURCE_GENERATOR);
    if (!self)
        return EMP_SYSTEM;
    self->generator = emp_generator_new (fn, arg, config);
    if (!self->generator) {
        emp_source_close (&self);
        return EMP_NOMEM;
    }
    *ret_self = self;
    return EMP_OK;
}

void emp_source_close (emp_source_t **self_p)
{
    emp_source_t *self = *self_p;
    if (!self)
        return;
    emp_reader_close (&self->reader);
    emp_spool_destroy (&self->spool);
    if (self->kind == EMP_SOURCE_PROGRAM)
        emp_source_program_end (&self->program);
    emp_generator_destroy (&self->generator);
    if (self->library)
        dlclose (self->library); /* behind destroy: the state's free_fn may live in it */
    free (self->column);
    close (self->wake);
    free (self);
    *self_p = NULL;
}
