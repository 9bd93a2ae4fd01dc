/* SPDX-License-Identifier: BSD-3-Clause
 *
 * standing_json.c - how a run stands, as one JSON object on one line. What is not known is null; times are seconds.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../common/how.h"
#include "json.h"
#include "standing_inner.h"

/* "key": behind whatever stands before it. */
static void key (emp_buf_t *out, const char *name)
{
    uint8_t last = out->size ? out->data[out->size - 1] : '{';
    emp_standing_say (out, "%s\"%s\":", last == '{' ? "" : ",", name);
}

static void text (emp_buf_t *out, const char *name, const char *value)
{
    key (out, name);
    emp_json_text (out, value, strlen (value));
}

static void number (emp_buf_t *out, const char *name, uint64_t value)
{
    key (out, name);
    emp_standing_say (out, "%" PRIu64, value);
}

static void truth (emp_buf_t *out, const char *name, bool value)
{
    key (out, name);
    emp_standing_say (out, value ? "true" : "false");
}

/* A decimal point whatever the locale: thousandths, as integers. */
static void decimal (emp_buf_t *out, const char *name, double value)
{
    key (out, name);
    if (!(value >= 0) || value > 1e15) {
        emp_standing_say (out, "null");
        return;
    }
    uint64_t thousandths = (uint64_t) llround (value * 1000);
    emp_standing_say (out, "%" PRIu64 ".%03u", thousandths / 1000, (unsigned) (thousandths % 1000));
}

static void next_of_list (emp_buf_t *out)
{
    emp_standing_say (out, out->size && out->data[out->size - 1] == '[' ? "{" : ",{");
}

static void run (const emp_standing_t *self, emp_buf_t *out)
{
    emp_standing_figures_t figures = emp_standing_figures (self);
    char id[17];
    snprintf (id, sizeof id, "%016" PRIx64, self->run);
    key (out, "run");
    emp_standing_say (out, "{");
    text (out, "id", id);
    text (out, "endpoint", self->endpoint);
    if (self->info) {
        text (out, "name", self->info->name);
        key (out, "pid");
        emp_standing_say (out, "%" PRId64, self->info->pid);
        text (out, "job", self->info->job);
    }
    text (out, "state", figures.state);
    decimal (out, "elapsed", figures.elapsed);
    decimal (out, "left", figures.left);
    truth (out, "left_is_least", self->now->feeding);
    decimal (out, "interval", figures.interval > 0 ? figures.interval : -1);
    emp_standing_say (out, "}");
}

static void tickets (const emp_standing_t *self, emp_buf_t *out)
{
    const emp_overview_t *now = self->now;
    key (out, "tickets");
    emp_standing_say (out, "{");
    number (out, "put", now->put);
    number (out, "answered", now->answered);
    number (out, "dead", now->dead);
    number (out, "waiting", now->waiting);
    number (out, "held", now->held);
    number (out, "dropped", now->dropped);
    number (out, "halved", now->halved);
    number (out, "reissued", now->reissued);
    number (out, "copied", now->copied);
    decimal (out, "rate", emp_standing_figures (self).rate);
    emp_standing_say (out, "}");
}

static void queue (const emp_standing_t *self, const emp_overview_queue_t *one, emp_buf_t *out)
{
    next_of_list (out);
    text (out, "name", one->name);
    text (out, "state", one->stopped ? "stopped" : "open");
    number (out, "waiting", one->waiting);
    number (out, "held", one->held);
    number (out, "maxsize", one->maxsize);
    number (out, "put", one->put);
    number (out, "answered", one->answered);
    number (out, "dead", one->dead);
    number (out, "reissued", one->reissued);
    decimal (out, "rate", emp_standing_queue_rate (self, one));
    number (out, "consumers", one->lanes);
    number (out, "producers", one->feeds);
    number (out, "rows_put", one->rows_put);
    number (out, "rows_ended", one->rows_ended);
    emp_standing_say (out, "}");
}

static void host (const emp_standing_host_t *one, emp_buf_t *out)
{
    next_of_list (out);
    text (out, "name", one->host);
    number (out, "slots", one->slots);
    number (out, "held", one->held);
    number (out, "answered", one->answered);
    emp_standing_say (out, "}");
}

static void slot (const emp_overview_t *now, const emp_overview_peer_t *one, emp_buf_t *out)
{
    next_of_list (out);
    text (out, "host", one->host);
    text (out, "name", one->name);
    number (out, "pid", one->pid);
    number (out, "held", one->held);
    number (out, "answered", one->answered);
    decimal (out, "silent", (double) one->silent / 1e6);
    key (out, "at");
    if (one->queue) {
        emp_standing_say (out, "{");
        text (out, "queue", emp_standing_queue (now, one->queue));
        text (out, "label", one->label);
        number (out, "ticket", one->number);
        number (out, "attempt", one->attempt);
        number (out, "from", one->from);
        number (out, "rows", one->rows);
        decimal (out, "for", (double) one->in_hand / 1e6);
        emp_standing_say (out, "}");
    } else
        emp_standing_say (out, "null");
    emp_standing_say (out, "}");
}

static void loss (const emp_overview_loss_t *one, emp_buf_t *out)
{
    char how[EMP_HOW_TEXT_MAX + 1];
    emp_how_text (one->how, one->code, how);
    next_of_list (out);
    text (out, "host", one->host);
    text (out, "name", one->name);
    number (out, "pid", one->pid);
    text (out, "how", how);
    number (out, "code", one->code);
    number (out, "tickets", one->tickets);
    decimal (out, "ago", (double) one->ago / 1e6);
    emp_standing_say (out, "}");
}

void emp_standing_json (const emp_standing_t *self, const emp_standing_hosts_t *hosts, emp_buf_t *out)
{
    const emp_overview_t *now = self->now;
    emp_standing_say (out, "{");
    run (self, out);
    tickets (self, out);
    key (out, "queues");
    emp_standing_say (out, "[");
    for (size_t i = 0; i < now->queues_count; i++)
        queue (self, &now->queues[i], out);
    emp_standing_say (out, "]");
    key (out, "hosts");
    emp_standing_say (out, "[");
    for (size_t i = 0; i < hosts->hosts_count; i++)
        host (&hosts->hosts[i], out);
    emp_standing_say (out, "]");
    key (out, "slots");
    emp_standing_say (out, "[");
    for (size_t i = 0; i < hosts->order_count; i++)
        if (hosts->order[i]->role != EMP_ROLE_SUPERVISOR)
            slot (now, hosts->order[i], out);
    emp_standing_say (out, "]");
    number (out, "lost", now->lost);
    key (out, "losses");
    emp_standing_say (out, "[");
    for (size_t i = 0; i < now->losses_count; i++)
        loss (&now->losses[i], out);
    emp_standing_say (out, "]");
    number (out, "watchers", hosts->watchers);
    emp_standing_say (out, "}\n");
}
