/* SPDX-License-Identifier: BSD-3-Clause
 *
 * overview.c - STATUS: how the run stands, a page at a time: what the core knows beside what the door knows of its peers.
 *
 * Where a page begins is a slot of the queues, or, with FROM_PEERS, of the sessions. A page is bounded by its records, so is
 * the time for which the broker does nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "../common/overview.h"
#include "core/snapshot.h"
#include "shell.h"

#define FROM_PEERS (UINT64_C (1) << 32)

/* One page and what it is made of. */
typedef struct {
    emp_overview_t page;
    emp_core_queue_view_t queue_views[EMP_OVERVIEW_PAGE];
    emp_core_session_view_t session_views[EMP_OVERVIEW_PAGE];
    emp_overview_queue_t queues[EMP_OVERVIEW_PAGE];
    emp_overview_peer_t peers[EMP_OVERVIEW_PAGE];
} sheet_t;

static void fill_run (const emp_broker_t *self, emp_overview_t *page)
{
    emp_core_stats_t stats;
    emp_core_run_view_t run;
    emp_core_stats (self->core, &stats);
    emp_core_view_run (self->core, self->now, &run);
    page->time = emp_now (); /* also while the core's clock stands still: rates are of real time */
    page->elapsed = run.elapsed;
    page->feeding = run.feeding;
    page->draining = run.draining;
    page->finished = run.finished;
    page->put = stats.put;
    page->halved = stats.halved;
    page->answered = stats.answered;
    page->dead = stats.dead;
    page->dropped = stats.dropped_by_drain;
    page->waiting = stats.waiting;
    page->held = stats.held;
    page->reissued = stats.reissued;
    page->copied = stats.copied;
}

static void fill_losses (const emp_broker_t *self, emp_overview_t *page)
{
    page->lost = self->losses;
    for (uint64_t i = 0; i < self->losses && i < EMP_OVERVIEW_LOSSES; i++) {
        emp_overview_loss_t *loss = &page->losses[page->losses_count++];
        *loss = self->last_losses[(self->losses - 1 - i) % EMP_OVERVIEW_LOSSES];
        loss->ago = self->now > loss->ago ? self->now - loss->ago : 0; /* kept as when it was */
    }
}

static void fill_queue (const emp_core_queue_view_t *view, emp_overview_queue_t *queue)
{
    queue->id = view->id;
    snprintf (queue->name, sizeof queue->name, "%s", view->name);
    queue->stopped = view->stopped;
    queue->maxsize = view->maxsize;
    queue->lanes = view->lanes;
    queue->feeds = view->feeds;
    queue->waiting = view->waiting;
    queue->held = view->held;
    queue->put = view->put;
    queue->answered = view->answered;
    queue->dead = view->dead;
    queue->reissued = view->reissued;
    queue->rows_put = view->rows_put;
    queue->rows_ended = view->rows_ended;
}

static void fill_peer (emp_broker_t *self, const emp_core_session_view_t *view, emp_overview_peer_t *peer)
{
    const peer_t *known = peer_of_session (self, view->session);
    peer->session = view->session;
    if (known) {
        peer->parent = known->parent;
        peer->role = known->role;
        memcpy (peer->name, known->name, sizeof peer->name);
        memcpy (peer->host, known->host, sizeof peer->host);
        peer->pid = known->pid;
    }
    peer->silent = view->silent;
    peer->answered = view->answered;
    peer->held = view->held;
    peer->queue = view->queue;
    const feed_t *feed = view->queue ? table_at (&self->feeds, view->feed) : NULL;
    snprintf (peer->label, sizeof peer->label, "%s", feed && feed->id == view->feed ? feed->label : "");
    peer->number = view->number;
    peer->attempt = view->attempt;
    peer->from = view->from;
    peer->rows = view->rows;
    peer->in_hand = view->in_hand;
}

/* Fills the page that begins at `from`; returns where the next one does, 0: nowhere. */
static uint64_t fill (emp_broker_t *self, uint64_t from, sheet_t *sheet)
{
    emp_overview_t *page = &sheet->page;
    uint32_t slot = (uint32_t) from;
    fill_run (self, page);
    fill_losses (self, page);
    page->queues = sheet->queues;
    page->peers = sheet->peers;
    if (!(from & FROM_PEERS)) {
        page->queues_count = emp_core_view_queues (self->core, &slot, sheet->queue_views, EMP_OVERVIEW_PAGE);
        for (size_t i = 0; i < page->queues_count; i++)
            fill_queue (&sheet->queue_views[i], &page->queues[i]);
        if (slot || page->queues_count > EMP_OVERVIEW_PAGE / 2)
            return slot ? slot : FROM_PEERS;
    }
    size_t room = EMP_OVERVIEW_PAGE - page->queues_count;
    page->peers_count = emp_core_view_sessions (self->core, self->now, &slot, sheet->session_views, room);
    for (size_t i = 0; i < page->peers_count; i++)
        fill_peer (self, &sheet->session_views[i], &page->peers[i]);
    return slot ? FROM_PEERS | slot : 0;
}

void overview_answer (emp_broker_t *self, const emp_control_t *question)
{
    sheet_t *sheet = calloc (1, sizeof *sheet);
    emp_buf_t bytes;
    emp_buf_init (&bytes, EMP_OVERVIEW_MAX);
    bool known = !(question->window & ~(FROM_PEERS | UINT32_MAX));
    uint64_t next = sheet && known ? fill (self, question->window, sheet) : 0;
    if (sheet && known && emp_overview_pack (&sheet->page, next, &bytes) == EMP_OK) {
        emp_control_t answer = {
            .kind = EMP_MSG_STATUS_IS, .window = question->window, .blob = bytes.data, .blob_size = bytes.size};
        peer_send (self, self->peer, &answer);
    } else
        broker_drop (
            self); /* out of memory, or a page that none has begun: who asks waits in vain, and the run goes on */
    emp_buf_release (&bytes);
    free (sheet);
}

void overview_lost (emp_broker_t *self, const emp_control_t *gone, const char *host)
{
    emp_overview_loss_t *loss = &self->last_losses[self->losses++ % EMP_OVERVIEW_LOSSES];
    *loss = (emp_overview_loss_t){
        .ago = self->now, .pid = gone->pid, .how = gone->how, .code = gone->code, .tickets = gone->window};
    memcpy (loss->name, gone->name, sizeof loss->name);
    snprintf (loss->host, sizeof loss->host, "%s", host);
}
