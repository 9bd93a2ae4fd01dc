/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_read.h - walks over the records of a journal, whatever became of its bytes.
 *
 * Invariant: what is told is a record that was written at that offset of that file; what lies between two of them is told as
 * damage; behind the last one there is a torn tail, or nothing. So a damaged record costs itself and no other. A block that cannot be
 * read (EIO) is damaged too; only where the header should be it is a failure.
 * Cost: each byte is read and summed once, damaged ones looked at every 8; 1 MiB of memory, and for a longer record its length.
 * The bytes come by a function, so it needs no disk.
 */
#ifndef EMP_JOURNAL_READ_H
#define EMP_JOURNAL_READ_H

#include <sys/types.h>

#include "journal_form.h"

typedef struct {
    /* Up to `size` bytes at `offset`, as pread (2). */
    ssize_t (*read) (void *arg, void *to, size_t size, uint64_t offset);
    void *(*grow) (void *old, size_t size);
    void *arg;
    uint64_t size; /* of the file; more is not looked at */
} emp_journal_input_t;

/* A file's, of which the descriptor is lent. */
emp_journal_input_t emp_journal_file (int *fd, void *(*grow) (void *old, size_t size), uint64_t size);

typedef struct {
    /* Anything but EMP_OK ends the walk and is its answer. `extent`: bytes of the record in the file. */
    emp_status_t (*record) (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record);
    emp_status_t (*damage) (void *arg, uint64_t offset, uint64_t size); /* may be NULL */
    void *arg;
} emp_journal_walk_t;

/* Finds the header: EMP_OK and the nonce in *ret_header; EMP_UNKNOWN: there is none; EMP_TOOBIG: of a version that is not
 * ours; EMP_NOMEM; EMP_SYSTEM: a read failed, with errno. Its texts and data mean nothing. */
emp_status_t emp_journal_find_header (const emp_journal_input_t *input, emp_journal_record_t *ret_header);
/* Tells all records from `offset` on, header included, in their order. *ret_end is where the last of them ends. EMP_OK;
 * EMP_NOMEM; EMP_SYSTEM with errno; or what a callback said. */
emp_status_t emp_journal_scan (const emp_journal_input_t *input, uint64_t nonce, uint64_t offset,
                               const emp_journal_walk_t *walk, uint64_t *ret_end);

#endif
