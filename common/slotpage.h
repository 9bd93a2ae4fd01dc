/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slotpage.h - one page that a supervisor and one of its slots share (a memfd): what the slot was at when it died.
 *
 * The slot writes, the supervisor reads, also after the slot is gone: so a crash blames the ticket that was running
 * and no other, and a module's exit (0) is told from an orderly end. Plain atomics; four stores a chunk.
 */
#ifndef EMP_SLOTPAGE_H
#define EMP_SLOTPAGE_H

#include <stdatomic.h>
#include <stdint.h>

typedef enum { EMP_LEFT_DONE = 1, EMP_LEFT_ASKED = 2 } emp_left_t;

typedef struct {
    _Atomic uint64_t ticket; /* handle of the chunk the module has in hand, 0: none */
    _Atomic uint64_t ended;  /* handle of the one that it gave back last; its ending may not have left the process */
    _Atomic uint64_t chunks; /* chunks handed to the module so far */
    _Atomic uint32_t joined; /* the session is up, modules are loaded */
    _Atomic uint32_t left;   /* the slot ended in good order: EMP_LEFT_DONE the module said false, or the queue stopped;
                                EMP_LEFT_ASKED it was told to (SIGTERM) */
} emp_slotpage_t;

#endif
