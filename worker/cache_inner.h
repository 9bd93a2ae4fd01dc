/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cache_inner.h - what cache.c (entries) and cache_room.c (room for them) share.
 */
#ifndef EMP_WORKER_CACHE_INNER_H
#define EMP_WORKER_CACHE_INNER_H

#include "cache.h"

#define EMP_CACHE_PART "part-"
#define EMP_CACHE_PART_MAX (sizeof EMP_CACHE_PART + 16) /* 16 digits behind it, its NUL included */

typedef struct {
    char hash[EMP_CONTENT_TEXT_MAX];
    int fd; /* has the shared lock */
} emp_cache_use_t;

struct emp_cache {
    char path[PATH_MAX - EMP_CONTENT_TEXT_MAX]; /* so that those of entries have room */
    int folder;
    int lock; /* the file `lock` */
    uint64_t bytes_max;
    emp_cache_use_t *uses;
    size_t uses_count;
};

/* Under the lock: removes what killed processes have left, and entries that nobody uses, the one that was used longest ago
 * first, until `size` more bytes are within the bound. EMP_FULL: they are not. */
emp_status_t emp_cache_make_room (emp_cache_t *self, uint64_t size, char *why);

#endif
