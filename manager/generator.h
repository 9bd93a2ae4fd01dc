/* SPDX-License-Identifier: BSD-3-Clause
 *
 * generator.h - what a generator function is called with, and what is made of its answers.
 */
#ifndef EMP_GENERATOR_H
#define EMP_GENERATOR_H

#include <stdatomic.h>

#include "config.h"

/* `config` (may be NULL) is borrowed. NULL: out of memory. */
emp_generator_t *emp_generator_new (emp_generator_fn *fn, void *arg, const emp_config_t *config);
/* Frees the generator's own state with the function that it gave. */
void emp_generator_destroy (emp_generator_t **self);
/* Calls it up to `max` times, while nothing is cancelled (may be NULL). *ret_rows values are in `out` behind what was there, each
 * whole. EMP_OK: all of them; else why there are fewer: EMP_STOPPED: no more, or cancelled; EMP_REFUSED: it said fail;
 * EMP_MALFORMED: it packed anything but one value; EMP_TOOBIG, EMP_NOMEM: `out` is broken. */
emp_status_t emp_generator_rows (emp_generator_t *self, uint32_t max, const atomic_bool *cancelled, emp_buf_t *out,
                                 uint32_t *ret_rows);
/* The sentence of EMP_REFUSED and EMP_MALFORMED. */
const char *emp_generator_error (const emp_generator_t *self);

#endif
