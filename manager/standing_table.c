/* SPDX-License-Identifier: BSD-3-Clause
 *
 * standing_table.c - how a run stands, for a person at a terminal: whole, then cut to its lines and columns.
 */
#include <inttypes.h>
#include <string.h>

#include "../common/how.h"
#include "../common/utf8.h"
#include "progress.h"
#include "standing_inner.h"

#define TABLE_MAX (64u * 1024 * 1024)
#define SILENT_US 3000000u /* a peer that says nothing for so long is told of */
#define NAME_WIDTH 24

/* A text, and spaces up to a width. */
static void cell (emp_buf_t *out, const char *text, size_t width)
{
    size_t columns = emp_standing_text (out, text);
    emp_standing_say (out, "%*s", columns < width ? (int) (width - columns) : 0, "");
}

static void head (const emp_standing_t *self, emp_buf_t *out)
{
    const emp_overview_t *now = self->now;
    emp_standing_figures_t figures = emp_standing_figures (self);
    char elapsed[40], left[40];
    emp_progress_time (figures.elapsed, elapsed, sizeof elapsed);
    if (self->info) {
        emp_standing_say (out, "%s  pid %" PRId64 "  ", self->info->name, self->info->pid);
        emp_standing_text (out, self->info->job);
    } else
        emp_standing_text (out, self->endpoint);
    emp_standing_say (out, "\n%s, %s since the first ticket", figures.state, elapsed);
    if (figures.left >= 0 && !now->finished) {
        emp_progress_time (figures.left, left, sizeof left);
        emp_standing_say (out, ", %s left%s", left, now->feeding ? " for what was put so far" : "");
    }
    if (figures.rate >= 0)
        emp_standing_say (out, ", %.2f tickets/s", figures.rate);
    emp_standing_say (out,
                      "\n%" PRIu64 " tickets put, %" PRIu64 " answered, %" PRIu64 " dead, %" PRIu64 " waiting, %" PRIu64
                      " held, %" PRIu64 " issued again",
                      now->put, now->answered, now->dead, now->waiting, now->held, now->reissued);
    if (now->copied)
        emp_standing_say (out, ", %" PRIu64 " copied", now->copied);
    if (now->dropped)
        emp_standing_say (out, ", %" PRIu64 " dropped", now->dropped);
    emp_standing_say (out, "\n");
}

static void queues (const emp_standing_t *self, emp_buf_t *out)
{
    const emp_overview_t *now = self->now;
    emp_standing_say (out, "\n%-*s %9s %7s %9s %10s %7s %9s %9s\n", NAME_WIDTH, "QUEUE", "WAITING", "HELD", "MAX",
                      "ANSWERED", "DEAD", "RATE/S", "CONSUMERS");
    size_t unused = 0;
    for (size_t i = 0; i < now->queues_count; i++) {
        const emp_overview_queue_t *queue = &now->queues[i];
        if (queue->put == 0 && queue->lanes == 0 && queue->feeds == 0) {
            unused++; /* every job has some that it did not ask for */
            continue;
        }
        double rate = emp_standing_queue_rate (self, queue);
        cell (out, queue->name, NAME_WIDTH);
        emp_standing_say (out, " %9" PRIu64 " %7" PRIu64 " %9" PRIu32 " %10" PRIu64 " %7" PRIu64, queue->waiting,
                          queue->held, queue->maxsize, queue->answered, queue->dead);
        if (rate >= 0)
            emp_standing_say (out, " %9.2f", rate);
        else
            emp_standing_say (out, " %9s", "-");
        emp_standing_say (out, " %9" PRIu32 "%s\n", queue->lanes, queue->stopped ? "  stopped" : "");
    }
    if (unused)
        emp_standing_say (out, "(%zu unused)\n", unused);
}

static void slot (const emp_overview_t *now, const emp_overview_peer_t *peer, emp_buf_t *out)
{
    emp_standing_say (out, "  ");
    cell (out, peer->name, NAME_WIDTH - 2);
    emp_standing_say (out, " %9" PRIu32 " %7" PRIu32 " %10" PRIu64, peer->pid, peer->held, peer->answered);
    if (peer->queue) {
        emp_standing_say (out, " %9.1f  _TID_%" PRIu64 " of ", (double) peer->in_hand / 1e6, peer->number);
        emp_standing_text (out, emp_standing_queue (now, peer->queue));
        if (peer->attempt > 1)
            emp_standing_say (out, ", attempt %" PRIu32, peer->attempt);
    } else
        emp_standing_say (out, " %9s  idle", "-");
    if (peer->silent >= SILENT_US)
        emp_standing_say (out, ", silent for %.1f s", (double) peer->silent / 1e6);
    emp_standing_say (out, "\n");
}

static void hosts_and_slots (const emp_overview_t *now, const emp_standing_hosts_t *hosts, emp_buf_t *out)
{
    emp_standing_say (out, "\n%-*s %9s %7s %10s %9s  %s\n", NAME_WIDTH, "HOST, SLOTS", "PID", "HELD", "ANSWERED",
                      "SECONDS", "AT");
    for (size_t i = 0; i < hosts->hosts_count; i++) {
        const emp_standing_host_t *host = &hosts->hosts[i];
        cell (out, *host->host ? host->host : "?", NAME_WIDTH);
        emp_standing_say (out, " %9s %7" PRIu64 " %10" PRIu64 " %9s  %zu slots\n", "", host->held, host->answered, "",
                          host->slots);
        for (size_t k = host->first; k < host->first + host->count; k++)
            if (hosts->order[k]->role != EMP_ROLE_SUPERVISOR)
                slot (now, hosts->order[k], out);
    }
}

static void losses (const emp_overview_t *now, emp_buf_t *out)
{
    if (now->lost == 0)
        return;
    emp_standing_say (out, "\n%" PRIu64 " worker%s lost\n", now->lost, now->lost == 1 ? "" : "s");
    for (size_t i = 0; i < now->losses_count; i++) {
        const emp_overview_loss_t *loss = &now->losses[i];
        char how[EMP_HOW_TEXT_MAX + 1];
        emp_how_text (loss->how, loss->code, how);
        emp_standing_say (out, "  %.1f s ago: ", (double) loss->ago / 1e6);
        emp_standing_text (out, loss->name);
        emp_standing_say (out, " on ");
        emp_standing_text (out, loss->host);
        emp_standing_say (out, ", pid %" PRIu32 ", %s, held %" PRIu64 "\n", loss->pid, how, loss->tickets);
    }
}

/* ---- cutting --------------------------------------------------------------------------------------------------------- */

/* Bytes of a line that fit into so many columns; its text has been cleaned. */
static size_t fitting (const uint8_t *line, size_t size, size_t columns)
{
    size_t at = 0;
    for (size_t column = 0; at < size && column < columns; column++) {
        uint32_t code;
        size_t step = emp_utf8_step (line + at, line + size, &code);
        at += step ? step : 1;
    }
    return at;
}

static void cut (const emp_buf_t *whole, size_t lines, size_t columns, emp_buf_t *out)
{
    size_t total = 0, shown = 0;
    for (size_t i = 0; i < whole->size; i++)
        total += whole->data[i] == '\n';
    size_t room = lines && total > lines ? lines - 1 : total;
    for (const uint8_t *at = whole->data; shown < room; shown++) {
        const uint8_t *end = memchr (at, '\n', whole->size - (size_t) (at - whole->data));
        size_t size = (size_t) (end - at);
        emp_buf_append (out, at, columns ? fitting (at, size, columns) : size);
        emp_buf_append (out, "\n", 1);
        at = end + 1;
    }
    if (room < total)
        emp_standing_say (out, "… %zu more lines\n", total - room);
}

void emp_standing_table (const emp_standing_t *self, const emp_standing_hosts_t *hosts, size_t lines, size_t columns,
                         emp_buf_t *out)
{
    emp_buf_t whole;
    emp_buf_init (&whole, TABLE_MAX);
    head (self, &whole);
    queues (self, &whole);
    hosts_and_slots (self->now, hosts, &whole);
    losses (self->now, &whole);
    if (whole.broken)
        out->broken = whole.broken;
    else
        cut (&whole, lines, columns, out);
    emp_buf_release (&whole);
}
