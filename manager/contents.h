/* SPDX-License-Identifier: BSD-3-Clause
 *
 * contents.h - what a manager offers to hosts that have not its files: bytes of worker modules and of arenas, by their hash.
 *
 * What is offered stays open, so a module that is built anew beside a run (removed and made, or renamed onto) is served as it
 * was. One that is written over is not served any more: its size or time of change is another. (A change within the same
 * tick of the file system's clock is not seen here; who asked sees that the hash is another.)
 * Threads: any, any number at once. A read holds up other reads and the end of an add, not the hashing.
 * Bounds: EMP_CONTENTS_MAX contents, an open file each, of EMP_CONTENT_BYTES_MAX each. What is offered twice stands once.
 * On failure a sentence is in ret_why (EMP_CONTENT_ERROR_MAX bytes).
 */
#ifndef EMP_CONTENTS_H
#define EMP_CONTENTS_H

#include "../common/content.h"
#include "config.h"

#define EMP_CONTENTS_MAX 2048 /* modules and arenas of a job are fewer */

typedef struct emp_contents emp_contents_t;

/* NULL: out of memory. */
emp_contents_t *emp_contents_new (void);
void emp_contents_destroy (emp_contents_t **self);

/* Reads all of it once. EMP_INVALID: not a regular file that can be read; EMP_TOOBIG; EMP_STALE: it changed while it was
 * read; EMP_FULL: EMP_CONTENTS_MAX are offered already; EMP_SYSTEM, EMP_NOMEM. */
emp_status_t emp_contents_add_file (emp_contents_t *self, const char *path, char ret_hash[EMP_CONTENT_TEXT_MAX],
                                    uint64_t *ret_size, char *ret_why);
/* A file by its descriptor, of `size` bytes: EMP_INVALID when it has others. The descriptor is duplicated and stays the
 * caller's; `name` is for sentences. */
emp_status_t emp_contents_add_fd (emp_contents_t *self, int fd, uint64_t size, const char *name,
                                  char ret_hash[EMP_CONTENT_TEXT_MAX], char *ret_why);
/* Up to `size` bytes at `offset`, fewer only at its end; none at its end. *ret_total is the size of all. EMP_UNKNOWN: not
 * offered; EMP_STALE: it has changed; EMP_INVALID: the offset is behind its end; EMP_SYSTEM. O (contents). */
emp_status_t emp_contents_read (emp_contents_t *self, const char *hash, uint64_t offset, void *buffer, size_t size,
                                size_t *ret_got, uint64_t *ret_total, char *ret_why);

/* Offers the modules of a configuration, whose paths were found, and its arenas, and packs the value of the job's key
 * "contents", as PROTOCOL.md has it. */
emp_status_t emp_contents_pack (emp_contents_t *self, const emp_config_t *config, emp_buf_t *out, char *ret_why);

#endif
