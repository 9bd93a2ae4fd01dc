/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fate.h - what the end of a slot's process means: is it started anew or not. Pure.
 *
 * A slot that dies is started anew, as the same Process-<n>, for as long as its lives come to anything: a life in which
 * the module got a chunk clears the count, EMP_DEATHS_MAX fruitless ones in a row end the slot. What a chunk does to
 * its worker is bounded elsewhere, by the attempts of its ticket. Who was killed since its time was up, or was given up
 * for its silence, has not died of itself: that clears the count too. A start that the system refuses counts as such a life, and is
 * tried again after 0.1 s, 0.4 s and so on: what is lacking may be there in a moment.
 */
#ifndef EMP_WORKER_FATE_H
#define EMP_WORKER_FATE_H

#include "../common/control.h"

#define EMP_DEATHS_MAX 5
#define EMP_EXIT_UNFIT 2 /* exit status of a slot that cannot connect, or cannot load a module */

/* How a process ended, and what its page said. */
typedef struct {
    emp_how_t how;
    uint32_t code;
    uint64_t peak; /* the most memory it had, in bytes; 0: not known */
    bool joined, left;
    bool overtime; /* it had a chunk for too long, or was given up, and that was its end */
    uint64_t chunks;
} emp_end_t;

typedef enum {
    EMP_FATE_ENDED,    /* in good order */
    EMP_FATE_AGAIN,    /* died; start it anew */
    EMP_FATE_DEAD,     /* died, and stays dead since the run ends */
    EMP_FATE_GIVEN_UP, /* died too often */
    EMP_FATE_UNFIT     /* no slot can work here: end all */
} emp_fate_t;

/* `ending`: slots shall leave or are being killed. `any_joined`: a slot of this supervisor has worked, so what is wrong
 * now is not the job. *deaths is the slot's count, 0 at first. */
emp_fate_t emp_fate_of (const emp_end_t *end, bool ending, bool any_joined, unsigned *deaths);

#endif
