/* SPDX-License-Identifier: BSD-3-Clause
 *
 * producer.h - what the producer of a queue decides: the numbers of its tickets, whether it has put credit, and what it says of
 * that to the broker; and when small parts that travel together leave. net/feed.c and net/batch.c have the sockets.
 *
 * Credit is a count of tickets since the first, so a message of it that is old or comes twice does no harm. Who has none says WANT and
 * waits; who waits no longer says UNWANT and hears how much there is. A manager's producer gets some ahead and says neither.
 * Pure: no socket, clock, lock or allocation. Cost: O(1) each.
 */
#ifndef EMP_PRODUCER_H
#define EMP_PRODUCER_H

#include "wire.h"

typedef struct {
    uint64_t put;     /* tickets so far */
    uint64_t skipped; /* numbers passed over */
    bool ended;       /* it puts nothing any more */
    bool fed_ahead;   /* credit comes without being asked for: the manager's */
    bool wanted;      /* some was asked for and has not come */
    bool unwanted;    /* and the broker was told that nobody waits any more */
} emp_producer_t;

static inline bool emp_producer_is_dry (const emp_producer_t *self, uint64_t credit)
{
    return self->put >= credit;
}

/* It has none: the broker has to be told, once. */
bool emp_producer_asks (const emp_producer_t *self);
void emp_producer_asked (emp_producer_t *self);
/* It waits no longer, and the broker has to be told. */
bool emp_producer_takes_back (const emp_producer_t *self);
void emp_producer_took_back (emp_producer_t *self);
/* A wait is over: there is credit, or, when nobody waits any more, the word that there is none. `answered`: a word has come since it
 * asked. */
bool emp_producer_heard (const emp_producer_t *self, uint64_t credit, bool answered);
/* Behind a wait, and before one that is not needed. */
void emp_producer_settle (emp_producer_t *self, uint64_t credit, bool answered);
/* Whether a count of credit is news, or older than what is known. */
bool emp_producer_takes (uint64_t known, uint64_t credit);
/* The number of the ticket that was put now. */
uint64_t emp_producer_put (emp_producer_t *self);
/* EMP_OK: the next number is passed over; EMP_STATE: it has ended, or its numbers are no business of an earlier run. */
emp_status_t emp_producer_skip (emp_producer_t *self);

/* ---- parts that travel together ------------------------------------------------------------------------------------ */

#define EMP_GATHER_PARTS 64u
#define EMP_GATHER_STALE_US 4000u

/* What is there must leave before a part of this size comes to it. */
bool emp_gather_is_full (uint32_t count, size_t bytes, size_t size);
/* What is there now, the first part since `since_us`, leaves; keep: the last one may wait for others. */
bool emp_gather_leaves (uint32_t count, size_t bytes, uint64_t since_us, uint64_t now, bool keep);
/* It waits for too long. */
bool emp_gather_is_stale (uint64_t since_us, uint64_t now);

#endif
