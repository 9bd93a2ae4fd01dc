/* SPDX-License-Identifier: BSD-3-Clause
 *
 * voice.h - what a child writes: shown line by line on our stderr, the last lines kept. What it writes before it has
 * joined is held back, since what is wrong then is wrong for each of its kind and shall be read once.
 */
#ifndef EMP_WORKER_VOICE_H
#define EMP_WORKER_VOICE_H

#include <stdbool.h>

#include "child.h"
#include "tail.h"

#define EMP_VOICE_BYTES 65536           /* of a pipe at a time, so that a talkative one does not hold up the others */
#define EMP_VOICE_BYTES_LAST (1u << 20) /* of the pipe of one that has died */

typedef struct {
    emp_tail_t tail;
    bool held_back;
} emp_voice_t;

void emp_voice_init (emp_voice_t *self);
/* Reads the child's pipe until it is empty, or so many bytes were read. */
void emp_voice_read (emp_voice_t *self, const emp_child_t *child, size_t max);
/* From now on nothing is held back. */
void emp_voice_show (emp_voice_t *self);
/* The child has ended: reads what is left. */
void emp_voice_end (emp_voice_t *self, const emp_child_t *child);

#endif
