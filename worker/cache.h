/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cache.h - files by their hash (common/content.h) on this host's disk, so that a module is fetched once and not in every run.
 *
 * A folder, 0700, of files that have their hash as name, 0400. Any number of processes use it at once:
 *   - a download has a name of its own, part-…, and gets that of its hash when it has been checked; so what has a hash as
 *     name was whole once, and its bytes are checked again each time that it is required;
 *   - who uses an entry has a shared lock (flock) on it, until emp_cache_close or death; who downloads has an exclusive one.
 *     What of part-… nobody has locked is of somebody who was killed, and is removed by the next one;
 *   - names come and go only under the lock of the file `lock`, which is never held while anything is fetched or hashed.
 * Bound: bytes_max, downloads under way included; the entry that was used longest ago and that nobody uses goes first.
 * One thread at a time. On failure a sentence that begins with the path is in ret_why (EMP_CONTENT_ERROR_MAX bytes).
 */
#ifndef EMP_WORKER_CACHE_H
#define EMP_WORKER_CACHE_H

#include <limits.h>

#include "fetch.h"

#define EMP_CACHE_BYTES_DEFAULT (UINT64_C (10) << 30)

typedef struct emp_cache emp_cache_t;

/* `path` NULL: $EISENMP_CACHE, else $XDG_CACHE_HOME/eisenmp, else $HOME/.cache/eisenmp; made when it is not there.
 * EMP_INVALID: none of these, or no absolute path; EMP_REFUSED: it belongs to somebody else, or others may write to it;
 * EMP_SYSTEM, EMP_NOMEM. */
emp_status_t emp_cache_open (const char *path, uint64_t bytes_max, emp_cache_t **ret_self, char *ret_why);
/* Nothing is used any more by this process. Takes NULL calmly. */
void emp_cache_close (emp_cache_t **self);

/* The path (PATH_MAX bytes) of a file with these bytes, fetched when it is not here, or damaged; in use from now on. EMP_FULL: no
 * room within bytes_max, or on the disk; EMP_TIMEOUT: another process holds the lock for 10 s; and what emp_fetch says. */
emp_status_t emp_cache_require (emp_cache_t *self, const char *hash, uint64_t size, emp_fetch_fn *fetch, void *arg,
                                char *ret_path, char *ret_why);
/* EMP_REFUSED: the file lies where the kernel loads no code from (a file system mounted noexec). */
emp_status_t emp_cache_check_loadable (const char *path, char *ret_why);

#endif
