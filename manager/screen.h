/* SPDX-License-Identifier: BSD-3-Clause
 *
 * screen.h - the terminal, or whatever stderr is: texts whole and in order (B32), and the line of progress between them.
 *
 * A thread of its own writes, since a stderr that nobody reads (Ctrl-S, a pager) may stall for hours: neither the
 * broker's client nor a Ctrl-C may wait for it. Texts that wait are bounded by EMP_SCREEN_MAX bytes; beyond that they
 * are dropped, and how many is said when there is room again.
 */
#ifndef EMP_SCREEN_H
#define EMP_SCREEN_H

#include "progress.h"

#define EMP_SCREEN_MAX (1u << 20)

typedef struct emp_screen emp_screen_t;

/* `out` is borrowed. NULL: no memory, or no thread. */
emp_screen_t *emp_screen_new (FILE *out);
/* Writes what waits, takes the line of progress away. */
void emp_screen_destroy (emp_screen_t **self);
/* From now on progress is shown where `out` is a terminal. */
void emp_screen_enable_progress (emp_screen_t *self);
bool emp_screen_is_live (emp_screen_t *self);
/* A text on lines of its own. Never waits for the terminal. Any thread. */
void emp_screen_say (emp_screen_t *self, const char *text, size_t size);
/* The state of progress as of now. Never waits. */
void emp_screen_progress (emp_screen_t *self, const emp_progress_state_t *state);
/* Waits until all is written and the line of progress is away; before something else writes to the terminal. */
void emp_screen_flush (emp_screen_t *self);

#endif
