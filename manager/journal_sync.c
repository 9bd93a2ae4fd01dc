/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_sync.c - see journal_sync.h.
 */
#include "journal_sync.h"

#include <string.h>

static const char *const texts[] = {
    [EMP_JOURNAL_NONE] = "none", [EMP_JOURNAL_BATCH] = "batch", [EMP_JOURNAL_SYNC] = "sync"};

const char *emp_journal_sync_text (emp_journal_sync_t self)
{
    return texts[self];
}

bool emp_journal_sync_of (const char *text, size_t size, emp_journal_sync_t *ret_sync)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strlen (texts[i]) == size && memcmp (texts[i], text, size) == 0) {
            *ret_sync = (emp_journal_sync_t) i;
            return true;
        }
    return false;
}
