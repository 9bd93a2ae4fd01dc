/* SPDX-License-Identifier: BSD-3-Clause
 *
 * staging.h - brings to this host what a job has on the manager's: modules into the cache, large attributes into shared memory.
 *
 * A supervisor has one for as long as it has slots: they open the arenas as /proc/<its pid>/fd/<n>, and the modules that it has in
 * use stay in the cache. Arenas do not go through the cache: their stamp and address are random, so the same attribute has
 * another hash in every run, and would only push out modules.
 * One thread at a time. Bounds: those of the cache, and EMP_STAGING_ARENAS_MAX arenas, an open file each.
 */
#ifndef EMP_WORKER_STAGING_H
#define EMP_WORKER_STAGING_H

#include "cache.h"
#include "localize.h"

#define EMP_STAGING_ARENAS_MAX 8192 /* large attributes and objects of mp_tools_q */

typedef struct emp_staging emp_staging_t;

/* The cache is borrowed, `fetch` is called with `arg` for whatever is not here. NULL: out of memory. */
emp_staging_t *emp_staging_new (emp_cache_t *cache, emp_fetch_fn *fetch, void *arg);
/* Who has an arena mapped keeps it. */
void emp_staging_destroy (emp_staging_t **self);

/* emp_localize_job with what is brought; the sentence as there. The same job once more brings no arena again. Blocks as long
 * as `fetch` does. */
emp_status_t emp_staging_job (emp_staging_t *self, const void *blob, size_t size, emp_buf_t *out, char *ret_why);
/* One arena. EMP_FULL: more than EMP_STAGING_ARENAS_MAX; what emp_fetch and emp_arena_new_copy say. */
emp_status_t emp_staging_arena (emp_staging_t *self, const char *hash, const emp_arena_place_t *there,
                                emp_arena_place_t *ret_here, char *ret_why);

#endif
