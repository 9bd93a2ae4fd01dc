/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stream.c - results written as they come. See stream.h.
 */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "order.h"
#include "outlet.h"

#define TEXT_KEPT (1024u * 1024) /* of the buffer's memory, behind a large ticket */
#define NO_PLACE UINT32_MAX

struct emp_stream {
    emp_stream_config_t config;
    emp_lines_kind_t kind;
    emp_outlet_t *outlet;
    emp_ordering_t *ordering; /* NULL: as they arrive */
    emp_results_t *results;
    emp_buf_t text;
    uint32_t place; /* of the feed whose label is here, or NO_PLACE */
    char label[EMP_LABEL_MAX + 1];
    bool failed;
    char name[4100]; /* for a person */
    char why[EMP_STREAM_WHY_MAX];
};

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

static bool ends_in (const char *path, const char *ending)
{
    size_t size = strlen (path), length = strlen (ending);
    return size > length && path[size - length - 1] != '/' && strcmp (path + size - length, ending) == 0;
}

bool emp_stream_is_name (const char *path)
{
    return strcmp (path, "-") == 0 || ends_in (path, ".jsonl") || ends_in (path, ".csv");
}

/* What waits needs its room where the file does; standard output says nothing of that. */
static bool make_ordering (emp_stream_t *self, const char *path)
{
    char *copy = strcmp (path, "-") ? strdup (path) : NULL;
    const emp_ordering_config_t config = {.bytes_max = EMP_STREAM_WAITING, .folder = copy ? dirname (copy) : NULL};
    self->ordering = emp_ordering_new (&config);
    free (copy);
    return self->ordering;
}

emp_status_t emp_stream_open (const emp_stream_config_t *config, emp_stream_t **ret_self,
                              char ret_why[EMP_STREAM_WHY_MAX])
{
    *ret_self = NULL;
    if (!emp_stream_is_name (config->path)) {
        snprintf (ret_why, EMP_STREAM_WHY_MAX, "found '%.4096s', expected " EMP_STREAM_EXPECTED, config->path);
        return EMP_INVALID;
    }
    emp_stream_t *self = calloc (1, sizeof *self);
    bool good = self && (!config->ordered || make_ordering (self, config->path));
    if (good) {
        self->config = *config;
        self->kind = ends_in (config->path, ".csv") ? EMP_LINES_CSV : EMP_LINES_JSONL;
        self->place = NO_PLACE;
        emp_buf_init (&self->text, EMP_LINES_MAX);
        bool is_stdout = strcmp (config->path, "-") == 0;
        snprintf (self->name, sizeof self->name, is_stdout ? "standard output" : "'%.4096s'", config->path);
        self->config.path = NULL;
        self->outlet = emp_outlet_open (config->path);
    }
    if (good && self->outlet) {
        *ret_self = self;
        return EMP_OK;
    }
    snprintf (ret_why, EMP_STREAM_WHY_MAX, good ? "cannot write %s: %s" : "out of memory", self ? self->name : "",
              errno == EWOULDBLOCK ? "it is being written by another run" : strerror (errno));
    emp_stream_destroy (&self);
    return good ? EMP_INVALID : EMP_NOMEM;
}

void emp_stream_destroy (emp_stream_t **self_p)
{
    emp_stream_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    emp_outlet_destroy (&self->outlet);
    emp_ordering_destroy (&self->ordering);
    emp_buf_release (&self->text);
    free (self);
}

bool emp_stream_is (const emp_stream_t *self, const char *path)
{
    return emp_outlet_is (self->outlet, path);
}

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

static void fail (emp_stream_t *self, const char *what, const char *why)
{
    if (self->failed)
        return;
    self->failed = true;
    snprintf (self->why, sizeof self->why, "%s: %s%s", self->name, what, why);
    self->config.failed (self->config.arg);
}

void emp_stream_flush (emp_stream_t *self)
{
    if (self->failed || self->text.size == 0)
        return;
    emp_status_t status = emp_outlet_write (self->outlet, self->text.data, self->text.size);
    if (status == EMP_TIMEOUT)
        fail (self, "", "not all of it was written before the run had to end");
    else if (status != EMP_OK)
        fail (self, "", strerror (errno));
    emp_buf_clear (&self->text);
    if (self->text.room > TEXT_KEPT) {
        emp_buf_release (&self->text);
        emp_buf_init (&self->text, EMP_LINES_MAX);
    }
}

static emp_status_t line_end (void *arg)
{
    emp_stream_t *self = arg;
    if (self->text.size >= EMP_LINES_PIECE)
        emp_stream_flush (self);
    return self->failed ? EMP_SYSTEM : EMP_OK;
}

static void write_part (emp_stream_t *self, const emp_placed_t *part)
{
    if (part->silent)
        return;
    if (part->feed != self->place) {
        emp_results_label_at (self->results, part->feed, self->label);
        self->place = part->feed;
    }
    emp_status_t status =
        emp_lines_add (self->kind, &self->text, self->label, part->number, part->data, part->size, line_end, self);
    if (status != EMP_OK)
        fail (self, "", emp_status_text (status)); /* unless it has */
}

static void look_at_ordering (emp_stream_t *self)
{
    const char *why = emp_ordering_why (self->ordering);
    if (*why)
        fail (self, "what came out of order finds no room: ", why);
}

void emp_stream_begin (emp_stream_t *self, emp_results_t *results)
{
    self->results = results;
    if (!emp_outlet_begin (self->outlet))
        fail (self, "", strerror (errno));
    emp_lines_begin (self->kind, &self->text);
    emp_stream_flush (self);
}

void emp_stream_take (emp_stream_t *self, const emp_ended_t *ended, const emp_part_t *part, const uint8_t *payload)
{
    if (self->failed)
        return;
    emp_placed_t placed = {.feed = ended->place,
                           .number = part->number,
                           .from = part->from,
                           .rows = part->rows,
                           .total = ended->total,
                           .silent = ended->silent,
                           .data = ended->silent ? NULL : payload,
                           .size = ended->silent ? 0 : part->length};
    if (!self->ordering) {
        write_part (self, &placed);
        return;
    }
    bool now;
    emp_status_t status = emp_ordering_take (self->ordering, &placed, &now);
    assert (status != EMP_STALE); /* the dictionary takes a place once */
    if (status == EMP_OK && now) {
        write_part (self, &placed);
        while (!self->failed && emp_ordering_next (self->ordering, ended->place, &placed))
            write_part (self, &placed);
    }
    look_at_ordering (self);
}

void emp_stream_end (emp_stream_t *self)
{
    emp_placed_t placed;
    while (self->ordering && !self->failed && emp_ordering_rest (self->ordering, &placed))
        write_part (self, &placed);
    if (self->ordering)
        look_at_ordering (self);
    emp_stream_flush (self);
}

void emp_stream_until (emp_stream_t *self, uint64_t until)
{
    emp_outlet_until (self->outlet, until);
}

const char *emp_stream_why (const emp_stream_t *self)
{
    return self->why;
}
