/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results_memory.h - the ticket dictionary's entries as long as they fit in memory.
 *
 * Entries of 44 bytes in blocks that double, packed values in blocks of 1 MiB, larger ones in a block of their own. Nothing is
 * reallocated and nothing moves, so no run pays for a copy of gigabytes. O(1) each. One owner.
 */
#ifndef EMP_RESULTS_MEMORY_H
#define EMP_RESULTS_MEMORY_H

#include "../common/eisenmp.h"
#include "results_record.h"

#define EMP_MEMORY_ENTRY 44u /* bytes of an entry, besides its values */

typedef struct emp_memory emp_memory_t;

/* Of at most `max` bytes, entries and values together. NULL when out of memory. */
emp_memory_t *emp_memory_new (uint64_t max);
void emp_memory_destroy (emp_memory_t **self);
/* Room for one more record with so many bytes. EMP_FULL: it is beyond the bound; EMP_NOMEM. */
emp_status_t emp_memory_reserve (emp_memory_t *self, size_t size);
/* Adds a record, its bytes copied, for which there is room. Cannot fail. */
void emp_memory_add (emp_memory_t *self, const emp_record_t *record);
uint64_t emp_memory_count (const emp_memory_t *self);
/* The i-th record in order of arrival, i < count; its data stays where it is. Its key is left as it was. */
void emp_memory_at (const emp_memory_t *self, uint64_t i, emp_record_t *ret_record);
/* Gives everything back, to the system too, and takes nothing more. */
void emp_memory_clear (emp_memory_t *self);

#endif
