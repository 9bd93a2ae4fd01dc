/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_sync.h - what a ticket waits for before it counts as answered (JOURNAL_SYNC): that its end is written (none); that it is
 * on the disk, in groups that gather for a while (batch), or as soon as it can be (sync).
 */
#ifndef EMP_JOURNAL_SYNC_H
#define EMP_JOURNAL_SYNC_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { EMP_JOURNAL_NONE, EMP_JOURNAL_BATCH, EMP_JOURNAL_SYNC } emp_journal_sync_t;

/* "none", "batch", "sync". */
const char *emp_journal_sync_text (emp_journal_sync_t self);
/* False when the text, which need not end in NUL, is none of them. */
bool emp_journal_sync_of (const char *text, size_t size, emp_journal_sync_t *ret_sync);

#endif
