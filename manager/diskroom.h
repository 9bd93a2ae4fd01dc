/* SPDX-License-Identifier: BSD-3-Clause
 *
 * diskroom.h - room on the disk for a SQLite file without a journal, taken ahead of its writes, and where such scratch files lie.
 *
 * Without a journal SQLite cannot take half a write back, so a full disk must be met before the write.
 */
#ifndef EMP_DISKROOM_H
#define EMP_DISKROOM_H

#include <sqlite3.h>
#include <stdint.h>

#include "../common/eisenmp.h"

#define EMP_DISKROOM_PAGE 16384u /* of such a file: a quarter less of a record's cost than with 4096 */

typedef struct {
    int fd;              /* of the file, not owned */
    sqlite3_stmt *pages; /* "PRAGMA page_count" of it, not owned */
    uint64_t room;       /* bytes that the disk has given */
    uint64_t used;       /* of them, at the most */
} emp_diskroom_t;

/* `folder`, or where scratch files lie when that is NULL: $TMPDIR, /var/tmp when that is not set. */
const char *emp_diskroom_folder (const char *folder);
/* Room for a write of at most `size` bytes, all in pages that are not there yet: 0 or an errno. */
int emp_diskroom_take (emp_diskroom_t *self, uint64_t size);
/* What such an errno comes to: EMP_FULL or EMP_SYSTEM. */
emp_status_t emp_diskroom_status (int error);
/* Bytes in the file's pages. */
uint64_t emp_diskroom_pages (emp_diskroom_t *self);

#endif
