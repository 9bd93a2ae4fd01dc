/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lines.c - results as lines of a text. See lines.h.
 */
#include "lines.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../common/name.h"
#include "json.h"
#include "values.h"

static void put (emp_buf_t *line, const char *text)
{
    emp_buf_append (line, text, strlen (text));
}

static void put_number (emp_buf_t *line, uint64_t number)
{
    char text[24];
    snprintf (text, sizeof text, "%" PRIu64, number);
    put (line, text);
}

/* value NULL: the ticket was answered with nothing. */
static void write_jsonl (emp_buf_t *line, const char *label, uint64_t number, const msgpack_object *value)
{
    char header[EMP_LABEL_MAX + 40];
    int size = snprintf (header, sizeof header, "%s;" EMP_TICKET_PREFIX "%" PRIu64 ";", label, number);
    put (line, "{\"queue\":");
    emp_json_text (line, label, strlen (label));
    put (line, ",\"ticket\":");
    put_number (line, number);
    put (line, ",\"header\":");
    emp_json_text (line, header, (size_t) size);
    put (line, ",\"value\":");
    if (value)
        emp_json_value (line, value);
    else
        put (line, "null");
    put (line, "}\n");
}

/* Always in quotes: then nothing in it needs a look but quotes. */
static void put_quoted (emp_buf_t *line, const char *text, size_t size)
{
    put (line, "\"");
    for (const char *end = size > 0 ? text + size : text; text < end;) {
        const char *quote = memchr (text, '"', (size_t) (end - text));
        const char *until = quote ? quote + 1 : end;
        emp_buf_append (line, text, (size_t) (until - text));
        if (quote)
            put (line, "\"");
        text = until;
    }
    put (line, "\"");
}

/* What needs no quotes: a number that JSON can write, or a truth value. */
static bool is_bare (const msgpack_object *value)
{
    bool real = value->type == MSGPACK_OBJECT_FLOAT32 || value->type == MSGPACK_OBJECT_FLOAT64;
    return real ? isfinite (value->via.f64)
                : value->type == MSGPACK_OBJECT_POSITIVE_INTEGER || value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
                      value->type == MSGPACK_OBJECT_BOOLEAN;
}

static void write_csv (emp_buf_t *line, const char *label, uint64_t number, const msgpack_object *value)
{
    put_quoted (line, label, strlen (label));
    put (line, ",");
    put_number (line, number);
    put (line, ",");
    if (value && value->type == MSGPACK_OBJECT_STR && emp_json_is_text (value->via.str.ptr, value->via.str.size))
        put_quoted (line, value->via.str.ptr, value->via.str.size);
    else if (value && is_bare (value))
        emp_json_value (line, value);
    else if (value && value->type != MSGPACK_OBJECT_NIL) {
        emp_buf_t json;
        emp_buf_init (&json, line->max);
        emp_json_value (&json, value);
        put_quoted (line, (const char *) json.data, json.size);
        if (json.broken)
            line->broken = json.broken;
        emp_buf_release (&json);
    }
    put (line, "\r\n");
}

void emp_lines_begin (emp_lines_kind_t kind, emp_buf_t *out)
{
    if (kind == EMP_LINES_CSV)
        put (out, "queue,ticket,value\r\n");
}

emp_status_t emp_lines_add (emp_lines_kind_t kind, emp_buf_t *out, const char *label, uint64_t number, const void *data,
                            size_t size, emp_status_t (*line_end) (void *arg), void *arg)
{
    void (*write_line) (emp_buf_t *, const char *, uint64_t, const msgpack_object *) =
        kind == EMP_LINES_JSONL ? write_jsonl : write_csv;
    emp_values_t values;
    emp_values_init (&values, data, size);
    emp_status_t status = EMP_OK;
    if (size == 0) {
        write_line (out, label, number, NULL);
        status = out->broken ? out->broken : line_end (arg);
    }
    const msgpack_object *value;
    while (status == EMP_OK && (value = emp_values_next (&values))) {
        write_line (out, label, number, value);
        status = out->broken ? out->broken : line_end (arg);
    }
    if (status == EMP_OK)
        status = values.failed ? EMP_NOMEM : out->broken;
    emp_values_release (&values);
    return status;
}
