/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life.c - names of tickets read, and lines of a ticket's life written. See life.h.
 */
#include "life.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

/* ---- names ---------------------------------------------------------------------------------------------------------- */

/* Digits, and behind them the end, or what stands behind a ticket's name in headers and reports. */
static bool parse_number (const char *text, uint64_t *ret_number)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    *ret_number = strtoull (text, &end, 10);
    return errno == 0 && strchr (";: ", *end); /* the NUL, too */
}

bool emp_life_parse (const char *text, emp_ticket_name_t *ret_name)
{
    assert (text && ret_name);
    *ret_name = (emp_ticket_name_t){0};
    const char *behind = strstr (text, ";" EMP_TICKET_PREFIX);
    if (behind) {
        size_t size = (size_t) (behind - text);
        if (size == 0 || size > EMP_LABEL_MAX)
            return false;
        memcpy (ret_name->queue, text, size);
        text = behind + 1;
    }
    size_t prefix = strlen (EMP_TICKET_PREFIX);
    if (strncmp (text, EMP_TICKET_PREFIX, prefix) == 0)
        text += prefix;
    return parse_number (text, &ret_name->number);
}

/* ---- which queue ------------------------------------------------------------------------------------------------------ */

#define QUEUES_SHOWN 5 /* of those that a sentence lists */

static bool is_named (const emp_ticket_name_t *name, const emp_life_queue_t *queue)
{
    return !*name->queue || strcmp (name->queue, queue->label) == 0;
}

static void append (char *text, const char *format, ...) EMP_PRINTF (2, 3);

static void append (char *text, const char *format, ...)
{
    size_t size = strlen (text);
    va_list args;
    va_start (args, format);
    vsnprintf (text + size, EMP_LIFE_WHY_MAX - size, format, args);
    va_end (args);
}

static emp_status_t no_such_queue (const char *label, const emp_life_queue_t *queues, size_t count, char *why)
{
    const char **labels = calloc (count + 1, sizeof *labels);
    if (!labels)
        return append (why, "out of memory"), EMP_NOMEM;
    for (size_t i = 0; i < count; i++)
        labels[i] = queues[i].label;
    const char *nearest = emp_name_nearest (label, labels);
    append (why, "no queue '%s'", label);
    if (nearest)
        append (why, ", did you mean '%s'?", nearest);
    free (labels);
    return EMP_UNKNOWN;
}

/* And what there is instead. */
static emp_status_t no_such_ticket (const emp_ticket_name_t *name, const emp_life_queue_t *queues, size_t count,
                                    char *why)
{
    size_t shown = 0;
    append (why, "no ticket " EMP_TICKET_PREFIX "%" PRIu64 "; ", name->number);
    for (size_t i = 0; i < count && shown < QUEUES_SHOWN; i++)
        if (is_named (name, &queues[i]) && queues[i].ranges)
            append (why, "%s%s has " EMP_TICKET_PREFIX "%" PRIu64 " to " EMP_TICKET_PREFIX "%" PRIu64,
                    shown++ ? ", " : "", queues[i].label, queues[i].low, queues[i].high);
    if (!shown)
        append (why, "there is none at all");
    return EMP_UNKNOWN;
}

static emp_status_t several_tickets (const emp_ticket_name_t *name, const emp_life_queue_t *queues, size_t count,
                                     char *why)
{
    size_t shown = 0;
    append (why, "several queues have a ticket " EMP_TICKET_PREFIX "%" PRIu64 ": say ", name->number);
    for (size_t i = 0; i < count && shown < QUEUES_SHOWN; i++)
        if (queues[i].has)
            append (why, "%s'%s;" EMP_TICKET_PREFIX "%" PRIu64 "'", shown++ ? " or " : "", queues[i].label,
                    name->number);
    return EMP_UNKNOWN;
}

emp_status_t emp_life_pick (const emp_ticket_name_t *name, const emp_life_queue_t *queues, size_t count, size_t *ret_at,
                            char why[EMP_LIFE_WHY_MAX])
{
    size_t named = 0, found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_named (name, &queues[i]))
            continue;
        named++;
        if (queues[i].has && ++found == 1)
            *ret_at = i;
    }
    if (found == 1)
        return EMP_OK;
    if (*name->queue && named == 0)
        return no_such_queue (name->queue, queues, count, why);
    return found ? several_tickets (name, queues, count, why) : no_such_ticket (name, queues, count, why);
}

/* ---- lines ---------------------------------------------------------------------------------------------------------- */

static void print_count (uint64_t count, const char *what, FILE *out)
{
    fprintf (out, "%" PRIu64 " %s%s", count, what, count == 1 ? "" : "s");
}

static void print_text (const char *text, FILE *out)
{
    emp_report_text (text, strlen (text), out);
}

void emp_life_print_sum (const emp_life_sum_t *sum, FILE *out)
{
    print_text (sum->queue, out);
    fprintf (out, ";" EMP_TICKET_PREFIX "%" PRIu64 ": ", sum->number);
    if (sum->unkept)
        fputs ("what became of it is not kept", out);
    else if (sum->missing) {
        fputs (sum->open ? "it was put, and has not come back yet" : "missing: it was put, and did not come back", out);
        if (sum->rows_answered + sum->rows_dead)
            fprintf (out, " whole: %" PRIu64 " of its rows answered, %" PRIu64 " dead", sum->rows_answered,
                     sum->rows_dead);
        if (sum->damaged)
            fputs (", or what became of it stood where the file is damaged", out);
    } else {
        print_count (sum->rows_answered + sum->rows_dead, "row", out);
        if (sum->rows_dead == 0)
            fputs (", answered", out);
        else if (sum->rows_answered == 0)
            fputs (", dead", out);
        else
            fprintf (out, ", answered in part: %" PRIu64 " answered, %" PRIu64 " dead", sum->rows_answered,
                     sum->rows_dead);
    }
    putc ('\n', out);
}

static void print_rows (const emp_life_event_t *event, FILE *out)
{
    if (event->rows == 1)
        fprintf (out, "row %" PRIu64, event->from);
    else
        fprintf (out, "rows %" PRIu64 " to %" PRIu64, event->from, event->from + event->rows - 1);
}

static void print_worker (const emp_life_event_t *event, FILE *out)
{
    if (!*event->worker) {
        fputs ("a worker that is not known", out);
        return;
    }
    print_text (event->worker, out);
    fprintf (out, " (pid %" PRIu64 ")", event->pid);
    if (*event->host) {
        fputs (" on ", out);
        print_text (event->host, out);
    }
}

/* Behind a comma, as all that is not always known. */
static void print_time (uint64_t at, FILE *out)
{
    time_t seconds = (time_t) (at / 1000);
    struct tm local;
    char text[64];
    if (at && localtime_r (&seconds, &local) && strftime (text, sizeof text, "%Y-%m-%d %H:%M:%S", &local))
        fprintf (out, ", %s.%03u", text, (unsigned) (at % 1000));
}

static void print_reason (const emp_life_event_t *event, FILE *out)
{
    if (event->reason_size == 0)
        return;
    fputs (": ", out);
    emp_report_text (event->reason, event->reason_size, out);
}

static void print_end (const emp_life_event_t *event, FILE *out)
{
    if (event->half) {
        print_rows (event, out);
        fputs (": ", out);
    }
    if (event->kind == EMP_LIFE_ANSWERED) {
        fputs ("answered by ", out);
        print_worker (event, out);
        fprintf (out, ", attempt %" PRIu64 ", ", event->attempt);
        print_count (event->results, "result", out);
    } else {
        fputs ("dead after ", out);
        print_count (event->attempt, "attempt", out);
        fputs (", the last by ", out);
        print_worker (event, out);
    }
    if (event->hash)
        fprintf (out, ", chunk %016" PRIx64, event->hash);
    print_reason (event, out);
}

void emp_life_print_event (const emp_life_event_t *event, FILE *out)
{
    fputs ("  ", out);
    if (event->kind == EMP_LIFE_RESUMED) {
        fputs ("here the run was resumed", out);
    } else if (event->kind == EMP_LIFE_TRY) {
        fprintf (out, "attempt %" PRIu64, event->attempt);
        if (event->half) {
            fputs (", ", out);
            print_rows (event, out);
        }
        fputs (": ", out);
        print_worker (event, out);
        fprintf (out, ": %s", event->end);
        print_reason (event, out);
    } else
        print_end (event, out);
    print_time (event->at, out);
    putc ('\n', out);
}
