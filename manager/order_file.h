/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order_file.h - parts that wait for their turn and have no room in memory (order.h): a SQLite file without a name.
 *
 * One table by feed, number and first row. A feed is read from its first part on; what was read is removed a thousand
 * at a time, by order.c.
 * Invariant: the disk has given the room before SQLite writes (diskroom.h). The first failure is for good.
 * Cost: a few microseconds a part, O(log parts); reading on is a step. Memory EMP_ORDER_FILE_CACHE bytes and one part.
 */
#ifndef EMP_ORDER_FILE_H
#define EMP_ORDER_FILE_H

#include "order.h"

#define EMP_ORDER_FILE_CACHE (8u * 1024 * 1024)

typedef struct emp_order_file emp_order_file_t;

/* EMP_SYSTEM, EMP_NOMEM with a sentence. */
emp_status_t emp_order_file_new (const char *folder, emp_order_file_t **ret_self, char ret_why[EMP_ORDERING_WHY_MAX]);
void emp_order_file_destroy (emp_order_file_t **self);
emp_status_t emp_order_file_add (emp_order_file_t *self, const emp_placed_t *part);
/* The first part of a feed at that place or behind it. Borrowed until the next call. False: there is none, or emp_order_file_why. */
bool emp_order_file_next (emp_order_file_t *self, uint32_t feed, uint64_t number, uint32_t from,
                          emp_placed_t *ret_part);
/* What a feed has before that place is not wanted any more. */
void emp_order_file_remove (emp_order_file_t *self, uint32_t feed, uint64_t number, uint32_t from);
const char *emp_order_file_why (const emp_order_file_t *self);

#endif
