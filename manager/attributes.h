/* SPDX-License-Identifier: BSD-3-Clause
 *
 * attributes.h - an ordered dictionary from names to packed msgpack values, copied in, or to arenas, which it owns.
 *
 * Invariant: a name stands once, at the place where it was set first; at most EMP_ATTRIBUTES_MAX names, together
 * (names, values and their msgpack headers) at most EMP_ATTRIBUTES_BYTES_MAX bytes. Of an arena only its place counts.
 * Cost: set and get are O(1) on average, at () is O(1).
 */
#ifndef EMP_ATTRIBUTES_H
#define EMP_ATTRIBUTES_H

#include "../common/arena.h"

#define EMP_ATTRIBUTES_MAX 10000                     /* the known ones included */
#define EMP_ATTRIBUTES_BYTES_MAX (60u * 1024 * 1024) /* leaves the job blob room for modules and queue names */
#define EMP_ATTRIBUTES_ARENAS_MAX 1000               /* each is an open file of the manager */

typedef struct emp_attributes emp_attributes_t;

/* NULL: out of memory. */
emp_attributes_t *emp_attributes_new (void);
void emp_attributes_destroy (emp_attributes_t **self);
/* EMP_TOOBIG: one of the two bounds; EMP_NOMEM. The old value stays then. */
emp_status_t emp_attributes_set (emp_attributes_t *self, const char *name, const void *data, size_t size);
/* Takes the arena on EMP_OK. EMP_TOOBIG is also said of more than EMP_ATTRIBUTES_ARENAS_MAX. */
emp_status_t emp_attributes_set_arena (emp_attributes_t *self, const char *name, emp_arena_t **arena);
/* Borrowed until the name is set again; NULL: not there, or an arena. */
const void *emp_attributes_get (const emp_attributes_t *self, const char *name, size_t *ret_size);
size_t emp_attributes_count (const emp_attributes_t *self);
size_t emp_attributes_arenas (const emp_attributes_t *self);
/* NULL: not there, or packed. */
const emp_arena_t *emp_attributes_arena (const emp_attributes_t *self, const char *name);
/* The i-th name in order of first setting, i < count. Borrowed; *ret_data is NULL where the value is an arena. */
const char *emp_attributes_at (const emp_attributes_t *self, size_t i, const void **ret_data, size_t *ret_size);

#endif
