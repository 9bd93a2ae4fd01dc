/* SPDX-License-Identifier: BSD-3-Clause
 *
 * consumer.h - what the consumer of a queue decides: how many chunks it asks for, which one is next, which it must not begin, and
 * whether an ending may wait for others. net/lane.c has the sockets.
 *
 * Credit follows the work. A consumer asks to hold one chunk more than it can work off in WORK_AHEAD_US, so a fast one
 * never waits for the wire and a slow one hoards nothing; from WORK_AHEAD_US on the round trip is lost in the
 * chunk's own time and it holds one chunk only. Figures: net/README.md.
 * Pure: no socket, clock, lock or allocation; the same calls give the same answers. One owner, but for the ring of what was
 * taken back, which whoever hears of it writes: its users lock it. Cost: O(1) each, a look into the ring O(its entries).
 */
#ifndef EMP_CONSUMER_H
#define EMP_CONSUMER_H

#include "wire.h"

#define EMP_CONSUMER_WINDOW_MAX 512u    /* chunks that it ever asks for */
#define EMP_CONSUMER_REVOKED_MAX 1024u  /* twice what a lane can hold, so none that matters gives way */
#define EMP_CONSUMER_KEEP_BACK_US 1500u /* a chunk slower than this reports at once */

/* ---- chunks that others have now ---------------------------------------------------------------------------------- */

typedef struct {
    uint64_t ticket; /* 0: no entry */
    uint32_t attempt;
} emp_revoked_t;

/* A ring: the oldest entry gives way. All zero is empty. */
typedef struct {
    uint32_t count; /* entries that were not found yet */
    uint32_t next;
    emp_revoked_t list[EMP_CONSUMER_REVOKED_MAX];
} emp_revokes_t;

void emp_revokes_add (emp_revokes_t *self, uint64_t ticket, uint32_t attempt);
/* True, once, when this attempt of a ticket was taken back. An attempt is never handed out twice, so an entry that came too
 * late harms nobody. */
bool emp_revokes_take (emp_revokes_t *self, uint64_t ticket, uint32_t attempt);

/* ---- the consumer -------------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t lane; /* its id */
    bool stopped;  /* its queue has */
    bool measured;
    uint64_t average_us; /* that a chunk takes */
    uint64_t window;     /* what it asks for: chunks in hand and ahead */
    uint32_t count;      /* parts of the message at hand; 0: there is none */
    uint32_t part;       /* the next of them */
    size_t offset;       /* where that begins in the payload */
} emp_consumer_t;

void emp_consumer_init (emp_consumer_t *self, uint32_t lane);

typedef enum {
    EMP_CONSUMER_LEAVES,  /* its process shall leave: nothing is begun any more */
    EMP_CONSUMER_PART,    /* the part at hand is the next chunk, if it was not taken back */
    EMP_CONSUMER_STOPPED, /* nothing comes any more */
    EMP_CONSUMER_READS    /* the next message */
} emp_consumer_next_t;
/* What a consumer does that wants a chunk. */
emp_consumer_next_t emp_consumer_next (const emp_consumer_t *self, bool leaves);
/* A message has come for the lane. EMP_OK: its parts are at hand now; EMP_STOPPED; EMP_STALE: another lane's; EMP_MALFORMED:
 * not a consumer's. It is heard only when none is at hand. */
emp_status_t emp_consumer_hear (emp_consumer_t *self, emp_wire_kind_t kind, uint32_t lane, uint32_t count);
/* Beyond the part at hand, of so many bytes, handed out or taken back. True: it was the last of its message. */
bool emp_consumer_pass (emp_consumer_t *self, uint32_t length);
/* A chunk was ended that took so long. True: the ending may be kept back for others. The window follows: it grows by one a chunk,
 * which doubles it in a round trip (TCP's slow start), and shrinks at once. */
bool emp_consumer_worked (emp_consumer_t *self, uint64_t busy_us);

#endif
