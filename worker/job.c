/* SPDX-License-Identifier: BSD-3-Clause
 *
 * job.c - see job.h.
 */
#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "../common/scan.h"

#define ZONE_BYTES 8192
#define SECONDS_MAX 1e9

static bool is_text (const msgpack_object *object, const char *text)
{
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == strlen (text) &&
           memcmp (object->via.str.ptr, text, object->via.str.size) == 0;
}

/* The value of a key, or NULL. */
static const msgpack_object *value_of (const msgpack_object *map, const char *key, msgpack_object_type type)
{
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (is_text (&map->via.map.ptr[i].key, key) && map->via.map.ptr[i].val.type == type)
            return &map->via.map.ptr[i].val;
    return NULL;
}

/* A text of 1 to `max` bytes without NUL, with a NUL behind it, in the zone; or NULL. */
static const char *text_of (emp_job_t *self, const msgpack_object *object, size_t max)
{
    if (object->type != MSGPACK_OBJECT_STR)
        return NULL;
    size_t size = object->via.str.size;
    if (size == 0 || size > max || memchr (object->via.str.ptr, 0, size))
        return NULL;
    char *text = msgpack_zone_malloc_no_align (&self->zone, size + 1);
    if (!text)
        return NULL;
    memcpy (text, object->via.str.ptr, size);
    text[size] = 0;
    return text;
}

static const char *read_modules (emp_job_t *self, const msgpack_object *list)
{
    size_t count = list ? list->via.array.size : 0;
    if (count == 0)
        return "the job names no worker module";
    self->modules = calloc (count, sizeof *self->modules);
    if (!self->modules)
        return "out of memory";
    for (; self->modules_count < count; self->modules_count++) {
        const msgpack_object *pair = &list->via.array.ptr[self->modules_count];
        if (pair->type != MSGPACK_OBJECT_ARRAY || pair->via.array.size != 2)
            return "a worker module of the job is no pair of path and name";
        emp_job_module_t *module = &self->modules[self->modules_count];
        module->path = text_of (self, &pair->via.array.ptr[0], SIZE_MAX - 1);
        module->ref = text_of (self, &pair->via.array.ptr[1], SIZE_MAX - 1);
        if (!module->path || !module->ref)
            return "a worker module of the job has an unusable path or name";
    }
    return NULL;
}

static const char *read_queues (emp_job_t *self, const msgpack_object *list)
{
    size_t count = list ? list->via.array.size : 0;
    self->queues = calloc (count + 1, sizeof *self->queues);
    if (!self->queues)
        return "out of memory";
    for (; self->queues_count < count; self->queues_count++) {
        const char *name = text_of (self, &list->via.array.ptr[self->queues_count], EMP_NAME_MAX);
        if (!name)
            return "a queue of the job has an unusable name";
        self->queues[self->queues_count] = name;
    }
    return NULL;
}

/* Maps what the manager keeps for all; its root becomes the value of one more attribute. */
static const char *map_arena (emp_job_t *self, const msgpack_object_kv *pair, char *reason)
{
    emp_arena_place_t place;
    char why[EMP_ARENA_ERROR_MAX];
    if (pair->key.type != MSGPACK_OBJECT_STR || !emp_arena_place_read (&pair->val, &place))
        return "a large attribute of the job has no usable place";
    if (emp_arena_open (&place, &self->arenas[self->arenas_count], why)) {
        int width = pair->key.via.str.size < 128 ? (int) pair->key.via.str.size : 128;
        snprintf (reason, EMP_JOB_REASON_MAX, "attribute %.*s: %s", width, pair->key.via.str.ptr, why);
        return reason;
    }
    const emp_arena_t *arena = self->arenas[self->arenas_count++];
    self->moved += emp_arena_is_moved (arena);
    self->kwargs.ptr[self->kwargs.size++] = (msgpack_object_kv){pair->key, *emp_arena_root (arena)};
    return NULL;
}

static const char *read_arenas (emp_job_t *self, const msgpack_object *map, char *reason)
{
    size_t count = map ? map->via.map.size : 0;
    if (count == 0)
        return NULL;
    self->arenas = calloc (count, sizeof (emp_arena_t *));
    msgpack_object_kv *all =
        msgpack_zone_malloc (&self->zone, (self->kwargs.size + count) * sizeof (msgpack_object_kv));
    if (!self->arenas || !all)
        return "out of memory";
    if (self->kwargs.size)
        memcpy (all, self->kwargs.ptr, self->kwargs.size * sizeof *all);
    self->kwargs.ptr = all;
    const char *failed = NULL;
    for (size_t i = 0; i < count && !failed; i++)
        failed = map_arena (self, &map->via.map.ptr[i], reason);
    return failed;
}

static const char *read_map (emp_job_t *self, const void *blob, size_t size, char *reason)
{
    size_t used = 0;
    if (size == 0)
        return "the broker has no job";
    if (emp_scan (blob, size, EMP_SCAN_OBJECTS_MAX, NULL) != EMP_OK)
        return "the job is malformed";
    char *copy = msgpack_zone_malloc_no_align (&self->zone, size);
    if (!copy)
        return "out of memory";
    memcpy (copy, blob, size);
    msgpack_object map;
    if (msgpack_unpack (copy, size, &used, &self->zone, &map) != MSGPACK_UNPACK_SUCCESS ||
        map.type != MSGPACK_OBJECT_MAP)
        return "the job is no map";
    const msgpack_object *kwargs = value_of (&map, "kwargs", MSGPACK_OBJECT_MAP);
    if (kwargs)
        self->kwargs = kwargs->via.map;
    const char *failed = read_modules (self, value_of (&map, "modules", MSGPACK_OBJECT_ARRAY));
    if (!failed)
        failed = read_queues (self, value_of (&map, "queues", MSGPACK_OBJECT_ARRAY));
    return failed ? failed : read_arenas (self, value_of (&map, "arenas", MSGPACK_OBJECT_MAP), reason);
}

emp_job_t *emp_job_new (const void *blob, size_t size, char *ret_reason)
{
    emp_job_t *self = calloc (1, sizeof *self);
    if (!self || !msgpack_zone_init (&self->zone, ZONE_BYTES)) {
        free (self);
        snprintf (ret_reason, EMP_JOB_REASON_MAX, "out of memory");
        return NULL;
    }
    const char *failed = read_map (self, blob, size, ret_reason);
    if (failed) {
        emp_job_destroy (&self);
        if (failed != ret_reason)
            snprintf (ret_reason, EMP_JOB_REASON_MAX, "%s", failed);
    }
    return self;
}

void emp_job_destroy (emp_job_t **self_p)
{
    emp_job_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    msgpack_zone_destroy (&self->zone);
    free (self->modules);
    free (self->queues);
    for (size_t i = 0; i < self->arenas_count; i++)
        emp_arena_destroy (&self->arenas[i]);
    free (self->arenas);
    free (self);
}

bool emp_job_is_shared (const emp_job_t *self, uint32_t i)
{
    return i < self->kwargs.size && i >= self->kwargs.size - self->arenas_count;
}

uint32_t emp_job_find (const emp_job_t *self, const char *key)
{
    uint32_t i = 0;
    while (i < self->kwargs.size && !is_text (&self->kwargs.ptr[i].key, key))
        i++;
    return i;
}

emp_start_method_t emp_job_start_method (const emp_job_t *self)
{
    emp_start_method_t method = EMP_START_SPAWN;
    uint32_t i = emp_job_find (self, "START_METHOD");
    if (i < self->kwargs.size && self->kwargs.ptr[i].val.type == MSGPACK_OBJECT_STR)
        emp_start_of (self->kwargs.ptr[i].val.via.str.ptr, self->kwargs.ptr[i].val.via.str.size, &method);
    return method;
}

uint64_t emp_job_ticket_timeout (const emp_job_t *self)
{
    uint32_t i = emp_job_find (self, "TICKET_TIMEOUT");
    if (i == self->kwargs.size)
        return 0;
    const msgpack_object *value = &self->kwargs.ptr[i].val;
    double seconds = 0;
    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        seconds = (double) value->via.u64;
    else if (value->type == MSGPACK_OBJECT_FLOAT32 || value->type == MSGPACK_OBJECT_FLOAT64)
        seconds = value->via.f64;
    return seconds > 0 && seconds <= SECONDS_MAX ? (uint64_t) (seconds * 1e6) : 0;
}
