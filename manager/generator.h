/* SPDX-License-Identifier: BSD-3-Clause
 *
 * generator.h - what a generator function is called with, and what is made of its answers.
 */
#ifndef EMP_GENERATOR_H
#define EMP_GENERATOR_H

#include "config.h"

/* `config` (may be NULL) is borrowed. NULL: out of memory. */
emp_generator_t *emp_generator_new (emp_generator_fn *fn, void *arg, const emp_config_t *config);
/* Frees the generator's own state with the function that it gave. */
void emp_generator_destroy (emp_generator_t **self);
/* Calls it once. EMP_OK: exactly one value is in `row`; EMP_STOPPED: no more; EMP_REFUSED: it said fail;
 * EMP_MALFORMED: it packed anything but one value; EMP_TOOBIG, EMP_NOMEM: `row` is broken. */
emp_status_t emp_generator_next (emp_generator_t *self, emp_buf_t *row);
/* The sentence of EMP_REFUSED and EMP_MALFORMED. */
const char *emp_generator_error (const emp_generator_t *self);

#endif
