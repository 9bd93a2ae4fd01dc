/* SPDX-License-Identifier: BSD-3-Clause
 *
 * overview.h - how a run stands, as its broker tells it: the blob of STATUS_IS, packed and read. PROTOCOL.md, "Status", is the law.
 *
 * A page has at most EMP_OVERVIEW_PAGE queues and as many peers; the numbers of the run are in each, those of the last page
 * count. Times are microseconds. Pure; what is read is a stranger's: walked first, bounded, and values that a later version
 * adds are skipped.
 */
#ifndef EMP_OVERVIEW_H
#define EMP_OVERVIEW_H

#include "buf.h"
#include "control.h"

#define EMP_OVERVIEW_PAGE 512u          /* queues, and peers, of a page at the most */
#define EMP_OVERVIEW_LOSSES 16u         /* lost workers that are told one by one: the last ones */
#define EMP_OVERVIEW_MAX (512u * 1024)  /* bytes of a page */
#define EMP_OVERVIEW_RECORDS_MAX 65536u /* queues, and peers, that are read in all */

typedef struct {
    uint32_t id;
    char name[EMP_NAME_MAX + 1];
    bool stopped;
    uint32_t maxsize, lanes, feeds;
    uint64_t waiting, held;                 /* tickets, as of now */
    uint64_t put, answered, dead, reissued; /* tickets, since the start */
    uint64_t rows_put, rows_ended;
} emp_overview_queue_t;

/* A session: a manager, supervisor, worker or watcher. */
typedef struct {
    uint64_t session, parent;
    emp_role_t role;
    char name[EMP_LABEL_MAX + 1], host[EMP_HOST_MAX + 1];
    uint32_t pid;
    uint64_t silent;   /* since it was heard last */
    uint64_t answered; /* tickets, by this session */
    uint32_t held;
    /* What it has in hand for longest; queue 0: nothing. */
    uint32_t queue;
    char label[EMP_LABEL_MAX + 1]; /* of the ticket's feed */
    uint64_t number;
    uint32_t attempt, from, rows;
    uint64_t in_hand;
} emp_overview_peer_t;

/* A worker that was lost. */
typedef struct {
    uint64_t ago;
    char name[EMP_LABEL_MAX + 1], host[EMP_HOST_MAX + 1];
    uint32_t pid;
    emp_how_t how;
    uint32_t code;
    uint64_t tickets; /* taken back from it */
} emp_overview_loss_t;

typedef struct {
    uint64_t time;    /* of the broker's own clock; only differences mean something */
    uint64_t elapsed; /* since the first ticket was put */
    bool feeding, draining, finished;
    /* tickets, and halves of them: put + halved == answered + dead + dropped + waiting + held */
    uint64_t put, halved, answered, dead, dropped, waiting, held, reissued, copied;
    uint64_t lost; /* workers, since the start */
    emp_overview_queue_t *queues;
    size_t queues_count;
    emp_overview_peer_t *peers;
    size_t peers_count;
    emp_overview_loss_t losses[EMP_OVERVIEW_LOSSES]; /* the last first */
    size_t losses_count;
} emp_overview_t;

/* Appends a page. `next`: where the next one begins, 0: there is none. EMP_OK, or what broke the buffer. */
emp_status_t emp_overview_pack (const emp_overview_t *page, uint64_t next, emp_buf_t *out);
/* Adds a page to *self, which begins as zero. EMP_OK; EMP_MALFORMED, EMP_TOOBIG (more than EMP_OVERVIEW_RECORDS_MAX), EMP_NOMEM:
 * then *self is to be released. */
emp_status_t emp_overview_add (emp_overview_t *self, const void *data, size_t size, uint64_t *ret_next);
/* Frees what was added, and makes it zero. */
void emp_overview_release (emp_overview_t *self);

#endif
