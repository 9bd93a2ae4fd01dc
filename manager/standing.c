/* SPDX-License-Identifier: BSD-3-Clause
 *
 * standing.c - figures, order and the lines for scripts; see standing.h.
 */
#include "standing_inner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../common/how.h"
#include "../common/utf8.h"
#include "json.h"

/* ---- figures --------------------------------------------------------------------------------------------------------- */

static uint64_t ended (const emp_overview_t *overview)
{
    return overview->answered + overview->dead;
}

static double seconds (uint64_t us)
{
    return (double) us / 1e6;
}

static double rate_of (double interval, uint64_t before, uint64_t now)
{
    return interval > 0 && now >= before ? (double) (now - before) / interval : -1;
}

static double interval_of (const emp_standing_t *self)
{
    return self->before && self->now->time > self->before->time ? seconds (self->now->time - self->before->time) : 0;
}

emp_standing_figures_t emp_standing_figures (const emp_standing_t *self)
{
    const emp_overview_t *now = self->now;
    emp_standing_figures_t figures = {.elapsed = seconds (now->elapsed), .interval = interval_of (self), .left = -1};
    figures.state = now->draining   ? "draining"
                    : now->finished ? "over"
                    : !now->put     ? "starting"
                    : now->feeding  ? "feeding"
                                    : "finishing";
    figures.rate = rate_of (figures.interval, self->before ? ended (self->before) : 0, ended (now));
    uint64_t done = ended (now);
    if (now->finished || (now->draining && now->held == 0))
        figures.left = 0;
    else if (done && now->elapsed)
        figures.left = figures.elapsed / (double) done * (double) (now->waiting + now->held);
    return figures;
}

/* Queues live as long as their run, and stand in the order of their slots. */
double emp_standing_queue_rate (const emp_standing_t *self, const emp_overview_queue_t *queue)
{
    const emp_overview_t *before = self->before;
    size_t at = (size_t) (queue - self->now->queues);
    if (!before || at >= before->queues_count || before->queues[at].id != queue->id)
        return -1;
    const emp_overview_queue_t *old = &before->queues[at];
    return rate_of (interval_of (self), old->answered + old->dead, queue->answered + queue->dead);
}

const char *emp_standing_queue (const emp_overview_t *overview, uint32_t id)
{
    for (size_t i = 0; i < overview->queues_count; i++)
        if (overview->queues[i].id == id)
            return overview->queues[i].name;
    return "";
}

/* ---- order ----------------------------------------------------------------------------------------------------------- */

static int by_host_and_name (const void *a, const void *b)
{
    const emp_overview_peer_t *one = *(const emp_overview_peer_t *const *) a,
                              *other = *(const emp_overview_peer_t *const *) b;
    int order = strcmp (one->host, other->host);
    if (order == 0)
        order = strverscmp (one->name, other->name); /* Process-2 before Process-10 */
    return order ? order : one->pid < other->pid ? -1 : one->pid > other->pid;
}

static void add_host (emp_standing_hosts_t *self, size_t i)
{
    const emp_overview_peer_t *peer = self->order[i];
    emp_standing_host_t *host = self->hosts_count ? &self->hosts[self->hosts_count - 1] : NULL;
    if (!host || strcmp (host->host, peer->host) != 0) {
        host = &self->hosts[self->hosts_count++];
        *host = (emp_standing_host_t){.host = peer->host, .first = i};
    }
    host->count++;
    if (peer->role != EMP_ROLE_WORKER)
        return;
    host->slots++;
    host->held += peer->held;
    host->answered += peer->answered;
}

bool emp_standing_sort (const emp_overview_t *overview, emp_standing_hosts_t *ret_hosts)
{
    size_t room = overview->peers_count ? overview->peers_count : 1;
    *ret_hosts = (emp_standing_hosts_t){.order = calloc (room, sizeof *ret_hosts->order),
                                        .hosts = calloc (room, sizeof *ret_hosts->hosts)};
    if (!ret_hosts->order || !ret_hosts->hosts) {
        emp_standing_unsort (ret_hosts);
        return false;
    }
    for (size_t i = 0; i < overview->peers_count; i++) {
        const emp_overview_peer_t *peer = &overview->peers[i];
        ret_hosts->watchers += peer->role == EMP_ROLE_WATCHER;
        /* A host without slots is one too: its supervisor is there. Who else holds tickets is shown beside the slots. */
        if (peer->role == EMP_ROLE_WORKER || peer->role == EMP_ROLE_SUPERVISOR || peer->held)
            ret_hosts->order[ret_hosts->order_count++] = peer;
    }
    qsort (ret_hosts->order, ret_hosts->order_count, sizeof *ret_hosts->order, by_host_and_name);
    for (size_t i = 0; i < ret_hosts->order_count; i++)
        add_host (ret_hosts, i);
    return true;
}

void emp_standing_unsort (emp_standing_hosts_t *self)
{
    free (self->order);
    free (self->hosts);
    *self = (emp_standing_hosts_t){0};
}

/* ---- texts ----------------------------------------------------------------------------------------------------------- */

void emp_standing_say (emp_buf_t *out, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start (args, format);
    int size = vsnprintf (text, sizeof text, format, args);
    va_end (args);
    if (size > 0)
        emp_buf_append (out, text, (size_t) size < sizeof text ? (size_t) size : sizeof text - 1);
}

size_t emp_standing_text (emp_buf_t *out, const char *text)
{
    const uint8_t *at = (const uint8_t *) text, *end = at + strlen (text);
    size_t columns = 0;
    for (size_t step; at < end; at += step, columns++) {
        uint32_t code;
        step = emp_utf8_step (at, end, &code);
        if (step && !emp_utf8_is_control (code))
            emp_buf_append (out, at, step);
        else
            emp_buf_append (out, "?", 1);
        step = step ? step : 1;
    }
    return columns;
}

/* ---- lines ----------------------------------------------------------------------------------------------------------- */

static void field (emp_buf_t *out, const char *text)
{
    emp_buf_append (out, "\t", 1);
    emp_standing_text (out, *text ? text : "-");
}

static void number (emp_buf_t *out, uint64_t value)
{
    emp_standing_say (out, "\t%" PRIu64, value);
}

static void decimal (emp_buf_t *out, double value, int digits)
{
    if (value < 0)
        emp_standing_say (out, "\t-");
    else
        emp_standing_say (out, "\t%.*f", digits, value);
}

static void lines_of_run (const emp_standing_t *self, emp_buf_t *out)
{
    const emp_overview_t *now = self->now;
    emp_standing_figures_t figures = emp_standing_figures (self);
    emp_standing_say (out, "run");
    field (out, self->info ? self->info->name : self->endpoint);
    emp_standing_say (out, self->info ? "\t%" PRId64 : "\t-", self->info ? self->info->pid : 0);
    field (out, self->info ? self->info->job : "");
    field (out, figures.state);
    decimal (out, figures.elapsed, 1);
    decimal (out, figures.left, 1);
    emp_standing_say (out, "\ntickets");
    const uint64_t numbers[] = {now->put,  now->answered, now->dead,   now->waiting,
                                now->held, now->reissued, now->copied, now->dropped};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number (out, numbers[i]);
    decimal (out, figures.rate, 2);
    emp_standing_say (out, "\n");
}

static void line_of_queue (const emp_standing_t *self, const emp_overview_queue_t *queue, emp_buf_t *out)
{
    emp_standing_say (out, "queue");
    field (out, queue->name);
    field (out, queue->stopped ? "stopped" : "open");
    const uint64_t numbers[] = {queue->waiting,  queue->held, queue->maxsize,
                                queue->answered, queue->dead, queue->reissued};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number (out, numbers[i]);
    decimal (out, emp_standing_queue_rate (self, queue), 2);
    number (out, queue->lanes);
    number (out, queue->rows_put);
    number (out, queue->rows_ended);
    emp_standing_say (out, "\n");
}

static void line_of_slot (const emp_overview_t *now, const emp_overview_peer_t *peer, emp_buf_t *out)
{
    emp_standing_say (out, "slot");
    field (out, peer->host);
    field (out, peer->name);
    number (out, peer->pid);
    number (out, peer->held);
    number (out, peer->answered);
    if (peer->queue) {
        field (out, emp_standing_queue (now, peer->queue));
        emp_standing_say (out, "\t_TID_%" PRIu64 "\t%" PRIu32, peer->number, peer->attempt);
        decimal (out, seconds (peer->in_hand), 3);
    } else
        emp_standing_say (out, "\t-\t-\t-\t-");
    decimal (out, seconds (peer->silent), 1);
    emp_standing_say (out, "\n");
}

static void lines_of_losses (const emp_overview_t *now, emp_buf_t *out)
{
    emp_standing_say (out, "lost\t%" PRIu64 "\n", now->lost);
    for (size_t i = 0; i < now->losses_count; i++) {
        const emp_overview_loss_t *loss = &now->losses[i];
        char how[EMP_HOW_TEXT_MAX + 1];
        emp_how_text (loss->how, loss->code, how);
        emp_standing_say (out, "loss");
        field (out, loss->host);
        field (out, loss->name);
        number (out, loss->pid);
        field (out, how);
        number (out, loss->tickets);
        decimal (out, seconds (loss->ago), 1);
        emp_standing_say (out, "\n");
    }
}

void emp_standing_lines (const emp_standing_t *self, const emp_standing_hosts_t *hosts, emp_buf_t *out)
{
    lines_of_run (self, out);
    for (size_t i = 0; i < self->now->queues_count; i++)
        line_of_queue (self, &self->now->queues[i], out);
    for (size_t i = 0; i < hosts->hosts_count; i++) {
        const emp_standing_host_t *host = &hosts->hosts[i];
        emp_standing_say (out, "host");
        field (out, host->host);
        number (out, host->slots);
        number (out, host->held);
        number (out, host->answered);
        emp_standing_say (out, "\n");
    }
    for (size_t i = 0; i < hosts->order_count; i++)
        if (hosts->order[i]->role != EMP_ROLE_SUPERVISOR)
            line_of_slot (self->now, hosts->order[i], out);
    lines_of_losses (self->now, out);
}

void emp_standing_write (const emp_standing_t *self, emp_standing_form_t form, size_t lines, size_t columns,
                         emp_buf_t *out)
{
    emp_standing_hosts_t hosts;
    if (!emp_standing_sort (self->now, &hosts)) {
        out->broken = EMP_NOMEM;
        return;
    }
    switch (form) {
    case STANDING_TABLE: emp_standing_table (self, &hosts, lines, columns, out); break;
    case STANDING_LINES: emp_standing_lines (self, &hosts, out); break;
    case STANDING_JSON: emp_standing_json (self, &hosts, out); break;
    }
    emp_standing_unsort (&hosts);
}

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

static void run_as_json (const emp_run_info_t *run, bool first, emp_buf_t *out)
{
    emp_standing_say (out, "%s{\"name\":", first ? "" : ",");
    emp_json_text (out, run->name, strlen (run->name));
    emp_standing_say (out, ",\"pid\":%" PRId64 ",\"started\":%" PRId64 ",\"folder\":", run->pid, run->started);
    emp_json_text (out, run->path, strlen (run->path));
    emp_standing_say (out, ",\"job\":");
    emp_json_text (out, run->job, strlen (run->job));
    emp_standing_say (out, "}");
}

void emp_standing_runs (const emp_run_info_t *runs, size_t count, int64_t now_s, emp_standing_form_t form,
                        emp_buf_t *out)
{
    if (form == STANDING_JSON)
        emp_standing_say (out, "{\"runs\":[");
    if (form == STANDING_TABLE)
        emp_standing_say (out, "%-14s  %8s  %8s  %s\n", "RUN", "PID", "SINCE", "JOB");
    for (size_t i = 0; i < count; i++) {
        int64_t since = now_s > runs[i].started ? now_s - runs[i].started : 0;
        if (form == STANDING_JSON)
            run_as_json (&runs[i], i == 0, out);
        else
            emp_standing_say (out,
                              form == STANDING_TABLE ? "%-14s  %8" PRId64 "  %6" PRId64 " s  "
                                                     : "found\t%s\t%" PRId64 "\t%" PRId64 "\t",
                              runs[i].name, runs[i].pid, since);
        if (form != STANDING_JSON) {
            emp_standing_text (out, runs[i].job);
            emp_buf_append (out, "\n", 1);
        }
    }
    if (form == STANDING_JSON)
        emp_standing_say (out, "]}\n");
}
