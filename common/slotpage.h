/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slotpage.h - one page that a supervisor and one of its slots share (a memfd): what the slot is at, and was when it died.
 *
 * The slot writes, the supervisor reads, also after the slot is gone: so a crash blames the ticket that was running
 * and no other, a chunk that takes too long is seen, and a module's exit (0) is told from an orderly end.
 *
 * With several queues a module may have several chunks in hand. A crash blames the one that it got last; the time limit
 * looks at the one that it has had for longest. That one's ticket and time are read as a pair: the writer makes the
 * time 0 before it changes the ticket, and a reader who sees the same time on both sides of the ticket has a pair.
 * Plain atomics; a few stores a chunk, none of them locked.
 */
#ifndef EMP_SLOTPAGE_H
#define EMP_SLOTPAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { EMP_LEFT_DONE = 1, EMP_LEFT_ASKED = 2, EMP_LEFT_CUT = 3 } emp_left_t;

typedef struct {
    _Atomic uint64_t ticket; /* handle of the chunk the module got last of those in hand, 0: none */
    _Atomic uint64_t ended;  /* handle of the one that it gave back last; its ending may not have left the process */
    _Atomic uint64_t chunks; /* chunks handed to the module so far */
    _Atomic uint32_t joined; /* the session is up, modules are loaded */
    _Atomic uint32_t left;   /* the slot ended in good order: EMP_LEFT_DONE the module said false, or the queue stopped;
                                EMP_LEFT_ASKED it was told to (SIGTERM); EMP_LEFT_CUT its connection broke or did not
                                come about, which is no fault of what it was at */
    _Atomic uint64_t oldest; /* handle of the chunk that it has had for longest */
    _Atomic uint64_t
        since; /* when it got that one: microseconds of CLOCK_MONOTONIC, the same in all processes of a host;
                                0: none is in hand, or it changes right now */
} emp_slotpage_t;

/* The slot: what it has had for longest, and since when; `since` 0: nothing. One writer at a time. */
static inline void emp_slotpage_set_oldest (emp_slotpage_t *self, uint64_t ticket, uint64_t since)
{
    atomic_store_explicit (&self->since, 0, memory_order_release);
    atomic_store_explicit (&self->oldest, ticket, memory_order_release);
    atomic_store_explicit (&self->since, since, memory_order_release);
}

/* Anybody: false when nothing is in hand, or it changed right now. */
static inline bool emp_slotpage_oldest (const emp_slotpage_t *self, uint64_t *ret_ticket, uint64_t *ret_since)
{
    *ret_since = atomic_load_explicit (&self->since, memory_order_acquire);
    *ret_ticket = atomic_load_explicit (&self->oldest, memory_order_acquire);
    return *ret_since != 0 && atomic_load_explicit (&self->since, memory_order_acquire) == *ret_since;
}

#endif
