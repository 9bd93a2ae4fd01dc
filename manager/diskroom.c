/* SPDX-License-Identifier: BSD-3-Clause
 *
 * diskroom.c - room on the disk, taken ahead. See diskroom.h.
 */
#include "diskroom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define PAGE EMP_DISKROOM_PAGE
#define PIECE (UINT64_C (16) * 1024 * 1024) /* room is taken from the disk in such pieces */

const char *emp_diskroom_folder (const char *folder)
{
    const char *own = getenv ("TMPDIR");
    return folder ? folder : own && *own ? own : "/var/tmp";
}

uint64_t emp_diskroom_pages (emp_diskroom_t *self)
{
    uint64_t pages = sqlite3_step (self->pages) == SQLITE_ROW ? (uint64_t) sqlite3_column_int64 (self->pages, 0) : 0;
    sqlite3_reset (self->pages);
    return pages * PAGE;
}

/* `used` is counted too high (a page may be left half empty: twice the bytes), and put right by SQLite's own count when it has reached
 * what is there. */
int emp_diskroom_take (emp_diskroom_t *self, uint64_t size)
{
    uint64_t need = 2 * size + (size > PAGE / 8 ? 2 * PAGE : 0);
    if (self->used + need > self->room)
        self->used = emp_diskroom_pages (self) + 8 * PAGE; /* and those that are split next, up to the root */
    if (self->used + need > self->room) {
        uint64_t more = (self->used + need - self->room + PIECE - 1) / PIECE * PIECE;
        int error = posix_fallocate (self->fd, (off_t) self->room, (off_t) more);
        if (error)
            return error;
        self->room += more;
    }
    self->used += need;
    return 0;
}

emp_status_t emp_diskroom_status (int error)
{
    return error == ENOSPC || error == EFBIG || error == EDQUOT ? EMP_FULL : EMP_SYSTEM;
}
