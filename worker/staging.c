/* SPDX-License-Identifier: BSD-3-Clause
 *
 * staging.c - see staging.h.
 */
#include "staging.h"

#include <stdlib.h>
#include <string.h>

#include "../common/thread.h"

#define FILES_BESIDE (2 * EMP_PROCS_MAX_LIMIT + 256) /* open files of a supervisor, modules in the cache included */

typedef struct {
    char hash[EMP_CONTENT_TEXT_MAX];
    emp_arena_t *arena;
} kept_t;

struct emp_staging {
    emp_cache_t *cache;
    emp_fetch_fn *fetch;
    void *arg;
    kept_t *kept;
    size_t count;
};

emp_staging_t *emp_staging_new (emp_cache_t *cache, emp_fetch_fn *fetch, void *arg)
{
    emp_staging_t *self = calloc (1, sizeof *self);
    if (self)
        *self = (emp_staging_t){.cache = cache, .fetch = fetch, .arg = arg};
    return self;
}

void emp_staging_destroy (emp_staging_t **self_p)
{
    emp_staging_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < self->count; i++)
        emp_arena_destroy (&self->kept[i].arena);
    free (self->kept);
    free (self);
}

/* ---- arenas ------------------------------------------------------------------------------------------------------ */

typedef struct {
    const emp_staging_t *staging;
    const char *hash;
    uint64_t size;
} wanted_t;

static emp_status_t fill (void *arg, int fd, char *ret_error)
{
    const wanted_t *wanted = arg;
    char why[EMP_CONTENT_ERROR_MAX];
    emp_status_t status = emp_fetch (wanted->staging->fetch, wanted->staging->arg, wanted->hash, wanted->size, fd, why);
    if (status)
        snprintf (ret_error, EMP_ARENA_ERROR_MAX, "%.*s", EMP_ARENA_ERROR_MAX - 1, why);
    return status;
}

static emp_status_t bring_arena (emp_staging_t *self, const char *hash, const emp_arena_place_t *there, char *why)
{
    char error[EMP_ARENA_ERROR_MAX];
    wanted_t wanted = {self, hash, there->size};
    emp_status_t status = emp_fetch_check (hash, there->size, why);
    if (status)
        return status;
    if (self->count == EMP_STAGING_ARENAS_MAX)
        return emp_content_fail (EMP_FULL, why, "found more than %d of them", EMP_STAGING_ARENAS_MAX);
    kept_t *kept = realloc (self->kept, (self->count + 1) * sizeof *kept);
    if (!kept)
        return emp_content_fail (EMP_NOMEM, why, "%s", emp_status_text (EMP_NOMEM));
    self->kept = kept;
    emp_thread_files (FILES_BESIDE + self->count);
    status = emp_arena_new_copy (there, fill, &wanted, &kept[self->count].arena, error);
    if (status)
        return emp_content_fail (status, why, "%s", error);
    memcpy (kept[self->count++].hash, hash, EMP_CONTENT_TEXT_MAX);
    return EMP_OK;
}

emp_status_t emp_staging_arena (emp_staging_t *self, const char *hash, const emp_arena_place_t *there,
                                emp_arena_place_t *ret_here, char *ret_why)
{
    size_t i = 0;
    while (i < self->count && strcmp (self->kept[i].hash, hash) != 0)
        i++;
    emp_status_t status = i < self->count ? EMP_OK : bring_arena (self, hash, there, ret_why);
    if (!status)
        emp_arena_describe (self->kept[i].arena, ret_here);
    return status;
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

static emp_status_t bring_module (void *arg, const char *hash, uint64_t size, char *ret_path, char *ret_why)
{
    emp_staging_t *self = arg;
    emp_status_t status = emp_cache_require (self->cache, hash, size, self->fetch, self->arg, ret_path, ret_why);
    return status ? status : emp_cache_check_loadable (ret_path, ret_why);
}

static emp_status_t bring_attribute (void *arg, const char *hash, const emp_arena_place_t *there,
                                     emp_arena_place_t *ret_here, char *ret_why)
{
    return emp_staging_arena (arg, hash, there, ret_here, ret_why);
}

emp_status_t emp_staging_job (emp_staging_t *self, const void *blob, size_t size, emp_buf_t *out, char *ret_why)
{
    emp_localize_calls_t calls = {bring_module, bring_attribute, self};
    return emp_localize_job (blob, size, &calls, out, ret_why);
}
