/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report.c - the printed report, written straight to a stream.
 *
 * Cost: one value unpacked at a time; the dictionary walks the entries once for each of its keys.
 */
#include "report.h"

#include "../common/how.h"
#include "../common/utf8.h"
#include "../common/value.h"
#include "values.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* ---- title, rows, dictionary ------------------------------------------------------------------------------- */

static void print_title (const emp_report_t *self, FILE *out)
{
    fputs ("\n--- Result for [", out);
    if (self->label)
        fputs (self->label, out);
    else {
        const char *key;
        for (size_t i = 0; (key = emp_results_key (self->results, i)); i++)
            fprintf (out, "%s%s", i ? ", " : "", key);
    }
    fputs ("]---\n", out);
}

static void print_row (FILE *out, const msgpack_object *value)
{
    emp_value_str (out, value);
    putc ('\n', out);
}

static void print_rows_of (const emp_entry_t *entry, FILE *out)
{
    emp_values_t values;
    emp_values_init (&values, entry->data, entry->size);
    const msgpack_object *value;
    while ((value = emp_values_next (&values))) {
        if (value->type != MSGPACK_OBJECT_ARRAY)
            print_row (out, value);
        else
            for (uint32_t i = 0; i < value->via.array.size; i++)
                print_row (out, &value->via.array.ptr[i]);
    }
    emp_values_release (&values);
}

static void print_rows (emp_results_t *results, FILE *out)
{
    emp_entry_t entry;
    for (uint64_t i = 0; emp_results_at (results, i, &entry); i++)
        if (entry.outcome == EMP_OUTCOME_DONE)
            print_rows_of (&entry, out);
}

/* Begins one line of the dictionary's list, behind a comma when it is not the first. */
static void begin_pair (FILE *out, uint64_t number, bool *first)
{
    fprintf (out, "%s\n  ('" EMP_TICKET_PREFIX "%" PRIu64 "', ", *first ? "" : ",", number);
    *first = false;
}

static void print_pairs_of (const emp_entry_t *entry, FILE *out, bool *first)
{
    if (entry->size == 0) {
        begin_pair (out, entry->number, first);
        fputs ("None)", out);
        return;
    }
    emp_values_t values;
    emp_values_init (&values, entry->data, entry->size);
    const msgpack_object *value;
    while ((value = emp_values_next (&values))) {
        begin_pair (out, entry->number, first);
        emp_value_repr (out, value);
        putc (')', out);
    }
    if (values.failed) {
        begin_pair (out, entry->number, first);
        fputs ("...)", out);
    }
    emp_values_release (&values);
}

static void print_dictionary (emp_results_t *results, FILE *out)
{
    putc ('{', out);
    const char *key;
    for (size_t i = 0; (key = emp_results_key (results, i)); i++) {
        fputs (i ? ",\n " : "", out);
        emp_value_repr_text (out, key, strlen (key));
        fputs (": [", out);
        emp_entry_t entry;
        uint64_t cursor = 0;
        bool first = true;
        while (emp_results_next (results, i, &cursor, &entry))
            print_pairs_of (&entry, out, &first);
        putc (']', out);
    }
    fputs ("}\n", out);
}

/* ---- what went wrong --------------------------------------------------------------------------------------- */

void emp_report_text (const char *text, size_t size, FILE *out)
{
    const uint8_t *at = (const uint8_t *) text;
    const uint8_t *end = at + size;
    while (at < end) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step > 0 && !emp_utf8_is_control (code))
            fwrite (at, 1, step, out);
        else
            putc (step > 0 ? ' ' : '?', out);
        at += step > 0 ? step : 1;
    }
}

static void print_more (FILE *out, uint64_t more)
{
    if (more)
        fprintf (out, "and %" PRIu64 " more\n", more);
}

static const char *plural (uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_tail (const char *tail, FILE *out)
{
    for (const char *line = tail; *line;) {
        size_t size = strcspn (line, "\n");
        fputs ("    | ", out);
        emp_report_text (line, size > 0 && line[size - 1] == '\r' ? size - 1 : size, out);
        putc ('\n', out);
        line += size;
        line += *line == '\n';
    }
}

static void print_losses (const emp_report_t *self, FILE *out)
{
    if (self->losses_count == 0)
        return;
    fputs ("--- Workers lost ---\n", out);
    size_t count = self->losses_count < EMP_REPORT_LINES_MAX ? self->losses_count : EMP_REPORT_LINES_MAX;
    for (size_t i = 0; i < count; i++) {
        const emp_loss_t *loss = &self->losses[i];
        char how[EMP_HOW_TEXT_MAX + 1], peak[EMP_HOW_PEAK_MAX + 1];
        emp_how_text (loss->how, loss->code, how);
        emp_how_peak (loss->peak, peak);
        emp_report_text (loss->name, strlen (loss->name), out);
        fprintf (out, " (pid %" PRIu32 "): %s%s, %" PRIu64 " ticket%s taken back\n", loss->pid, how, peak,
                 loss->taken_back, plural (loss->taken_back));
        if (loss->tail)
            print_tail (loss->tail, out);
    }
    print_more (out, self->losses_more + (self->losses_count - count));
}

static void print_ticket (FILE *out, const char *label, uint64_t number)
{
    emp_report_text (label, strlen (label), out);
    fprintf (out, ";" EMP_TICKET_PREFIX "%" PRIu64, number);
}

static void print_dead_ticket (const emp_entry_t *entry, FILE *out)
{
    print_ticket (out, entry->label, entry->number);
    if (entry->half && entry->rows == 1)
        fprintf (out, " row %" PRIu32, entry->from);
    else if (entry->half)
        fprintf (out, " rows %" PRIu32 " to %" PRIu32, entry->from, entry->from + entry->rows - 1);
    fprintf (out, ": %" PRIu32 " attempt%s: ", entry->attempt, plural (entry->attempt));
    emp_values_t values;
    emp_values_init (&values, entry->data, entry->size);
    const msgpack_object *reason = emp_values_next (&values);
    if (reason && reason->type == MSGPACK_OBJECT_STR)
        emp_report_text (reason->via.str.ptr, reason->via.str.size, out);
    else
        fputs ("out of memory", out);
    putc ('\n', out);
    emp_values_release (&values);
}

/* Whole tickets, or parts of halved ones; so many there are. */
static void print_dead (emp_results_t *results, const char *title, uint64_t dead, bool half, FILE *out)
{
    if (dead == 0)
        return;
    fprintf (out, "--- %s ---\n", title);
    emp_entry_t entry;
    uint64_t cursor = 0, listed = 0;
    while (listed < EMP_REPORT_LINES_MAX && listed < dead && emp_results_next_dead (results, &cursor, &entry))
        if (entry.half == half) {
            print_dead_ticket (&entry, out);
            listed++;
        }
    print_more (out, dead - listed);
}

static void print_missing (emp_results_t *results, FILE *out)
{
    uint64_t count = emp_results_missing (results), listed = 0;
    if (count > 0)
        fputs ("--- Tickets missing ---\n", out);
    emp_results_place_t place = {0};
    const char *label;
    uint64_t number;
    for (; listed < EMP_REPORT_LINES_MAX && emp_results_next_missing (results, &place, &label, &number); listed++) {
        print_ticket (out, label, number);
        putc ('\n', out);
    }
    print_more (out, count - listed);
}

static void print_troubles (const emp_report_t *self, FILE *out)
{
    emp_results_counts_t counts;
    emp_results_counts (self->results, &counts);
    print_losses (self, out);
    print_dead (self->results, "Tickets dead", counts.whole_dead, false, out);
    print_dead (self->results, counts.partly ? "Tickets answered in part, their dead rows" : "Rows dead",
                counts.parts_dead, true, out);
    print_missing (self->results, out);
    const char *why = emp_results_why (self->results);
    if (!*why)
        return;
    if (counts.not_kept)
        fprintf (out, "--- Values not kept ---\n%" PRIu64 " ticket%s ended when there was no room: ", counts.not_kept,
                 plural (counts.not_kept));
    else
        fputs ("--- Results not whole ---\n", out);
    emp_report_text (why, strlen (why), out);
    putc ('\n', out);
}

void emp_report_print (const emp_report_t *self, FILE *out)
{
    assert (self && self->results && out && (self->losses || self->losses_count == 0));
    if (self->rows || self->dictionary) {
        print_title (self, out);
        if (self->rows)
            print_rows (self->results, out);
        fputs ("    --- END ---\n", out);
    }
    if (self->dictionary)
        print_dictionary (self->results, out);
    print_troubles (self, out);
}
