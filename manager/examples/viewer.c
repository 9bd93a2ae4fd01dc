/* SPDX-License-Identifier: BSD-3-Clause
 *
 * viewer.c - what one page is told next. See viewer.h.
 */
#include "viewer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/utf8.h"

typedef struct { /* what was told of a run */
    emp_run_state_t state;
    uint64_t number;
    unsigned asked;
    emp_output_reader_t reader;
} told_t;

struct emp_viewer {
    bool has_list;
    size_t turn, count;
    told_t told[];
};

emp_viewer_t *emp_viewer_new (size_t runs)
{
    emp_viewer_t *self = calloc (1, sizeof *self + runs * sizeof *self->told);
    if (self)
        self->count = runs;
    return self;
}

void emp_viewer_destroy (emp_viewer_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

/* ---- texts -------------------------------------------------------------------------------------------------------- */

static void add (emp_buf_t *out, const char *text)
{
    emp_buf_append (out, text, strlen (text));
}

/* A JSON string; what is no UTF-8 becomes '?'. */
static void add_string (emp_buf_t *out, const char *text)
{
    const uint8_t *at = (const uint8_t *) text, *end = at + strlen (text);
    add (out, "\"");
    while (at < end) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        char escaped[8];
        if (!step)
            add (out, "?");
        else if (code == '"' || code == '\\' || code < 0x20) {
            snprintf (escaped, sizeof escaped, "\\u%04x", (unsigned) code);
            add (out, escaped);
        } else
            emp_buf_append (out, at, step);
        at += step ? step : 1;
    }
    add (out, "\"");
}

static void add_base64 (emp_buf_t *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word =
            (uint32_t) bytes[i] << 16 | (left > 1 ? (uint32_t) bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0u);
        const char four[4] = {digits[word >> 18], digits[word >> 12 & 63], left > 1 ? digits[word >> 6 & 63] : '=',
                              left > 2 ? digits[word & 63] : '='};
        emp_buf_append (out, four, sizeof four);
    }
}

/* ---- events ------------------------------------------------------------------------------------------------------- */

static void add_list (emp_buf_t *out, const emp_catalogue_t *catalogue)
{
    add (out, "event: list\ndata: [");
    for (size_t i = 0; i < catalogue->count; i++) {
        add (out, i ? ",{\"name\":" : "{\"name\":");
        add_string (out, catalogue->at[i].name);
        add (out, ",\"title\":");
        add_string (out, catalogue->at[i].title);
        add (out, ",\"job\":");
        add_string (out, catalogue->at[i].job);
        add (out, "}");
    }
    add (out, "]\n\n");
}

static void add_run (emp_buf_t *out, size_t which, const emp_run_t *run, emp_run_state_t state)
{
    static const char *const names[] = {"idle", "running", "stopping", "over"};
    char line[128], how[EMP_RUNS_HOW_MAX + 1] = "";
    if (state == EMP_RUN_OVER)
        emp_run_how (run, how);
    snprintf (line, sizeof line,
              "event: run\ndata: {\"run\":%zu,\"number\":%llu,\"state\":\"%s\",\"asked\":%u,\"how\":", which,
              (unsigned long long) run->number, names[state], run->asked);
    add (out, line);
    add_string (out, how);
    add (out, "}\n\n");
}

static void add_output (emp_buf_t *out, size_t which, unsigned stream, const uint8_t *bytes, size_t size)
{
    char line[80];
    snprintf (line, sizeof line, "event: output\ndata: {\"run\":%zu,\"stream\":%u,\"base64\":\"", which, stream);
    add (out, line);
    add_base64 (out, bytes, size);
    add (out, "\"}\n\n");
}

static void add_lost (emp_buf_t *out, size_t which, uint64_t lost)
{
    char line[80];
    snprintf (line, sizeof line, "event: lost\ndata: {\"run\":%zu,\"bytes\":%llu}\n\n", which,
              (unsigned long long) lost);
    add (out, line);
}

/* The next of one run. That it began comes before its output, that it is over behind it, that it is asked to stop at once. */
static bool next_of (told_t *told, size_t which, const emp_run_t *run, emp_buf_t *out)
{
    if (told->number != run->number) {
        *told = (told_t){.state = EMP_RUN_RUNNING, .number = run->number};
        add_run (out, which, run, EMP_RUN_RUNNING);
        return true;
    }
    if (run->state == EMP_RUN_STOPPING && told->asked != run->asked) {
        told->state = run->state;
        told->asked = run->asked;
        add_run (out, which, run, run->state);
        return true;
    }
    uint8_t bytes[EMP_OUTPUT_PIECE_MAX];
    unsigned stream = 0;
    uint64_t lost;
    size_t size = emp_output_read (&run->output, &told->reader, &stream, bytes, &lost);
    if (lost)
        add_lost (out, which, lost);
    if (size)
        add_output (out, which, stream, bytes, size);
    else if (!lost && told->state != run->state) {
        told->state = run->state;
        add_run (out, which, run, run->state);
    } else
        return lost > 0;
    return true;
}

bool emp_viewer_next (emp_viewer_t *self, const emp_catalogue_t *catalogue, const emp_runs_t *runs, emp_buf_t *out)
{
    assert (self->count == runs->count && self->count == catalogue->count);
    if (!self->has_list) {
        self->has_list = true;
        add_list (out, catalogue);
        return true;
    }
    for (size_t i = 0; i < self->count; i++) {
        size_t which = self->turn;
        self->turn = (self->turn + 1) % self->count;
        if (next_of (&self->told[which], which, &runs->at[which], out))
            return true;
    }
    return false;
}
