/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bigdata.c - see bigdata.h.
 */
#include "bigdata.h"

#include "../common/arena.h"
#include "../common/thread.h"
#include "attributes.h"

#define FILES_BESIDE 64 /* open files of a program that only configures */

static emp_status_t fail (emp_config_t *config, emp_status_t status, const char *key, const char *why)
{
    snprintf (config->error, sizeof config->error, "%s: %s", key, why);
    return status;
}

static emp_status_t check_key (emp_config_t *config, const char *key)
{
    emp_status_t status = emp_config_check_key (config, key);
    if (!status && emp_config_is_known (key))
        status = fail (config, EMP_INVALID, key, "found a key of eisenmp's own, expected one of the program's");
    emp_thread_files (FILES_BESIDE + emp_attributes_arenas (config->attributes));
    return status;
}

/* What came of making an arena for `key`. */
static emp_status_t keep (emp_config_t *config, const char *key, emp_status_t status, emp_arena_t *arena,
                          const char *why)
{
    if (status)
        return fail (config, status, key, why);
    status = emp_attributes_set_arena (config->attributes, key, &arena);
    emp_arena_destroy (&arena);
    if (status == EMP_TOOBIG)
        snprintf (config->error, sizeof config->error,
                  "%s: found more than %d keys, more than %d of them above BIG_DATA_MIN, or more than %u bytes in all "
                  "others",
                  key, EMP_ATTRIBUTES_MAX, EMP_ATTRIBUTES_ARENAS_MAX, EMP_ATTRIBUTES_BYTES_MAX);
    else if (status)
        fail (config, status, key, emp_status_text (status));
    return status;
}

emp_status_t emp_bigdata_set (emp_config_t *config, const char *key, const void *data, size_t size)
{
    char why[EMP_ARENA_ERROR_MAX];
    emp_arena_t *arena = NULL;
    emp_status_t status = check_key (config, key);
    if (status)
        return status;
    status = emp_arena_new (data, size, &arena, why);
    return keep (config, key, status, arena, why);
}

emp_status_t emp_bigdata_bytes (emp_config_t *config, const char *key, msgpack_object_type type, const void *data,
                                size_t size)
{
    char why[EMP_ARENA_ERROR_MAX];
    emp_arena_t *arena = NULL;
    emp_status_t status = check_key (config, key);
    if (status)
        return status;
    status = emp_arena_new_bytes (type, data, size, &arena, why);
    return keep (config, key, status, arena, why);
}

emp_status_t emp_bigdata_file (emp_config_t *config, const char *key, const char *path)
{
    char why[EMP_ARENA_ERROR_MAX];
    emp_arena_t *arena = NULL;
    emp_status_t status = check_key (config, key);
    if (status)
        return status;
    status = emp_arena_new_file (path, &arena, why);
    return keep (config, key, status, arena, why);
}

emp_status_t emp_bigdata_lines (emp_config_t *config, const char *key, const char *path)
{
    char why[EMP_ARENA_ERROR_MAX];
    emp_arena_t *arena = NULL;
    emp_status_t status = check_key (config, key);
    if (status)
        return status;
    status = emp_arena_new_lines (path, &arena, why);
    return keep (config, key, status, arena, why);
}

emp_status_t emp_bigdata_share (emp_config_t *config)
{
    emp_status_t status = EMP_OK;
    for (size_t i = 0; !status && i < emp_attributes_count (config->attributes); i++) {
        const void *data;
        size_t size;
        const char *key = emp_attributes_at (config->attributes, i, &data, &size);
        if (data && size > config->big_data_min && !emp_config_is_known (key))
            status = emp_bigdata_set (config, key, data, size);
    }
    return status;
}

const msgpack_object *emp_bigdata_get (const emp_config_t *config, const char *key)
{
    const emp_arena_t *arena = emp_attributes_arena (config->attributes, key);
    return arena ? emp_arena_root (arena) : NULL;
}
