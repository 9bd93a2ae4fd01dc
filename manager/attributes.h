/* SPDX-License-Identifier: BSD-3-Clause
 *
 * attributes.h - an ordered dictionary from names to packed msgpack values, copied in.
 *
 * Invariant: a name stands once, at the place where it was set first; at most EMP_ATTRIBUTES_MAX names, together
 * (names, values and their msgpack headers) at most EMP_ATTRIBUTES_BYTES_MAX bytes.
 * Cost: set and get are O(1) on average, at () is O(1).
 */
#ifndef EMP_ATTRIBUTES_H
#define EMP_ATTRIBUTES_H

#include "../common/eisenmp.h"

#define EMP_ATTRIBUTES_MAX 10000                     /* the known ones included */
#define EMP_ATTRIBUTES_BYTES_MAX (60u * 1024 * 1024) /* leaves the job blob room for modules and queue names */

typedef struct emp_attributes emp_attributes_t;

/* NULL: out of memory. */
emp_attributes_t *emp_attributes_new (void);
void emp_attributes_destroy (emp_attributes_t **self);
/* EMP_TOOBIG: one of the two bounds; EMP_NOMEM. The old value stays then. */
emp_status_t emp_attributes_set (emp_attributes_t *self, const char *name, const void *data, size_t size);
/* Borrowed until the name is set again; NULL: not there. */
const void *emp_attributes_get (const emp_attributes_t *self, const char *name, size_t *ret_size);
size_t emp_attributes_count (const emp_attributes_t *self);
/* The i-th name in order of first setting, i < count. Borrowed. */
const char *emp_attributes_at (const emp_attributes_t *self, size_t i, const void **ret_data, size_t *ret_size);

#endif
