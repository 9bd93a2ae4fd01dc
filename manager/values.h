/* SPDX-License-Identifier: BSD-3-Clause
 *
 * values.h - the packed values of one ticket, one after the other.
 *
 * They were scanned when they came, so only memory can fail. One value is unpacked at a time.
 */
#ifndef EMP_VALUES_H
#define EMP_VALUES_H

#include "../common/eisenmp.h"

typedef struct {
    const char *data;
    size_t size, at;
    bool failed; /* out of memory: the values from here on were not shown */
    msgpack_unpacked unpacked;
} emp_values_t;

/* The bytes are borrowed. */
void emp_values_init (emp_values_t *self, const void *data, size_t size);
/* NULL behind the last. Borrowed until the next call. */
const msgpack_object *emp_values_next (emp_values_t *self);
void emp_values_release (emp_values_t *self);

#endif
