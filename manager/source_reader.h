/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source_reader.h - bytes of a file or pipe in a buffer of its own, a line at a time.
 *
 * Invariant: the bytes begin…end are read and not yet taken. Cost: one read (2) for many lines, and each byte is
 * looked at once; 256 KiB, and for a longer line twice its length, at most 2 x EMP_SOURCE_LINE_MAX.
 */
#ifndef EMP_SOURCE_READER_H
#define EMP_SOURCE_READER_H

#include "../common/eisenmp.h"

typedef struct {
    int fd;
    int wake;   /* readable: stop waiting */
    bool waits; /* no regular file: wait for its input and for `wake` together */
    bool eof;
    struct emp_spool *spool; /* or NULL; borrowed: what is read goes there first */
    bool ahead;              /* what earlier runs read comes from there */
    uint8_t *data;
    size_t begin, end, room;
} emp_reader_t;

/* Takes fd, but for standard input, which stays open; borrows wake. On failure fd is closed. */
emp_status_t emp_reader_open (emp_reader_t *self, int fd, int wake);
void emp_reader_close (emp_reader_t *self);
/* Reads more behind `end`, or sets eof; may move the bytes. EMP_STOPPED: woken; EMP_TOOBIG: EMP_SOURCE_LINE_MAX
 * bytes are there already; EMP_SYSTEM with errno; EMP_NOMEM; EMP_STALE: not what it was
 * when the spool was written. */
emp_status_t emp_reader_more (emp_reader_t *self);
/* The next line without its \n, borrowed until the next call. EMP_STOPPED at the end too (eof is set then). */
emp_status_t emp_reader_line (emp_reader_t *self, const uint8_t **ret_line, size_t *ret_size);

#endif
