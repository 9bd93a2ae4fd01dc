/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rows.h - the rows of a chunk as msgpack objects, from the bytes that a lane brought.
 *
 * Rows that are numbers, texts, binaries, booleans or nothing are read here, in one pass: msgpack-c's parser keeps its
 * state in a struct, a byte at a time, and wants a scan before it that bounds what it may allocate. Of 42 integers that
 * made 0.9 us a chunk, this makes 0.1. Rows with a list or a map in them go that way.
 */
#ifndef EMP_ROWS_H
#define EMP_ROWS_H

#include "../eisenmp.h"

typedef struct {
    const msgpack_object *list;
    size_t count;
    msgpack_object *flat; /* room for flat rows, kept from chunk to chunk */
    size_t room;
    msgpack_zone zone; /* of all others */
} emp_rows_t;

/* False when out of memory. */
bool emp_rows_init (emp_rows_t *self);
void emp_rows_release (emp_rows_t *self);
/* `data` is one msgpack list of `expected` rows; texts and binaries point into it. EMP_MALFORMED: it is not; EMP_TOOBIG:
 * more objects than EMP_SCAN_OBJECTS_MAX; EMP_NOMEM. On an error there are no rows. */
emp_status_t emp_rows_unpack (emp_rows_t *self, const void *data, size_t size, size_t expected);
/* Leaves `count` of them, from the from-th on; from + count <= rows. */
void emp_rows_narrow (emp_rows_t *self, size_t from, size_t count);
/* No rows; keeps a usual amount of memory. */
void emp_rows_clear (emp_rows_t *self);

#endif
