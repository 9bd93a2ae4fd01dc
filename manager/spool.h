/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spool.h - what was read of an input that cannot be read twice, kept beside the journal for a run that goes on.
 *
 * FILE.spool-<place>: a journal's records (journal_form.h), SPOOL for the bytes of each read, SPOOL_END behind the last one. Invariant:
 * bytes are in the file, durable unless JOURNAL_SYNC is none, before a row is made of them. When a run goes on they are read first;
 * what the input then gives must begin with the same bytes, and only what is behind those is new.
 * Cost: one write, and one fdatasync, a read. Memory: two records, each what one read gave. One user at a time.
 */
#ifndef EMP_SPOOL_H
#define EMP_SPOOL_H

#include "journal.h"

typedef struct emp_spool emp_spool_t;

typedef struct {
    const char *journal; /* its path */
    uint32_t place;      /* of the feed */
    uint64_t run;        /* emp_journal_id */
    bool resume, durable;
    void (*say) (void *arg, const char *sentence);
    void *arg;
    const emp_journal_system_t *system; /* NULL: libc's */
} emp_spool_config_t;

/* EMP_INVALID: it is damaged or of another run; EMP_SYSTEM, EMP_NOMEM; with a sentence. A torn tail is cut. */
emp_status_t emp_spool_open (const emp_spool_config_t *config, emp_spool_t **ret_self,
                             char ret_why[EMP_JOURNAL_WHY_MAX]);
void emp_spool_destroy (emp_spool_t **self);
/* Takes the file of a run that is done away. */
void emp_spool_remove (const char *journal, uint32_t place);
/* All of the input is in it: nobody needs to give it again. */
bool emp_spool_is_complete (const emp_spool_t *self);
/* Up to `size` bytes of what earlier runs read; *ret_size is 0 behind the last. EMP_SYSTEM with errno, EMP_NOMEM. */
emp_status_t emp_spool_read (emp_spool_t *self, void *to, size_t size, size_t *ret_size);
/* Takes what the input gave. The last *ret_new bytes of it are new, and kept. EMP_STALE: it is not what it was before, from
 * emp_spool_differs on; EMP_SYSTEM with errno, EMP_NOMEM. */
emp_status_t emp_spool_take (emp_spool_t *self, const uint8_t *data, size_t size, size_t *ret_new);
/* The input has ended. EMP_STALE: it was longer before. */
emp_status_t emp_spool_end (emp_spool_t *self);
/* How many bytes of the input were the same. */
uint64_t emp_spool_differs (const emp_spool_t *self);
/* EMP_SYSTEM was the spool's own: its path, and what it could not; else NULL. */
const char *emp_spool_why (const emp_spool_t *self);
/* The run was refused: what this run has read is taken out again, since it may be what was wrong. The path when something wrong may
 * still be in the file, of this run (it could not be cut) or of an earlier one, else NULL. Nothing is read or taken behind it. */
const char *emp_spool_take_back (emp_spool_t *self);

#endif
