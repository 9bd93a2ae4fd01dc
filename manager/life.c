/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life.c - names of tickets read, and lines of a ticket's life written. See life.h.
 */
#include "life.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
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
    if (sum->missing) {
        fputs ("missing: it was put, and did not come back", out);
        if (sum->rows_answered + sum->rows_dead)
            fprintf (out, " whole: %" PRIu64 " of its rows answered, %" PRIu64 " dead", sum->rows_answered,
                     sum->rows_dead);
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
    if (event->kind == EMP_LIFE_TRY) {
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
