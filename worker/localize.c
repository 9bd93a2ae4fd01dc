/* SPDX-License-Identifier: BSD-3-Clause
 *
 * localize.c - see localize.h.
 *
 * Nothing is unpacked: what stays as it is, most of it, is copied from where it stands. emp_scan has seen all of it, so a head that
 * is read is whole.
 */
#include "localize.h"

#include <string.h>

#include "../common/scan.h"

/* One packed value, or nothing: at is NULL. */
typedef struct {
    const uint8_t *at, *end;
} value_t;

typedef struct {
    value_t modules, arenas;       /* of the job */
    value_t of_modules, of_arenas; /* of its contents */
    const emp_localize_calls_t *calls;
    emp_buf_t *out;
    char *why;
} job_t;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The value at *at_p, which moves behind it. */
static value_t next (const uint8_t **at_p, const uint8_t *end)
{
    size_t size = 0;
    value_t value = {0};
    if (*at_p == end || emp_scan_one (*at_p, (size_t) (end - *at_p), EMP_SCAN_OBJECTS_MAX, &size) != EMP_OK)
        return value;
    value = (value_t){*at_p, *at_p + size};
    *at_p += size;
    return value;
}

static bool is_map (value_t value)
{
    return value.at && ((*value.at & 0xf0) == 0x80 || *value.at >= 0xde) && *value.at <= 0xdf;
}

static bool is_array (value_t value)
{
    return value.at && ((*value.at & 0xf0) == 0x90 || *value.at == 0xdc || *value.at == 0xdd);
}

static bool is_text (value_t value)
{
    return value.at && ((*value.at & 0xe0) == 0xa0 || (*value.at >= 0xd9 && *value.at <= 0xdb));
}

/* Values in a list or map, keys included; *at_p stands at the first of them. */
static uint64_t enter (value_t value, const uint8_t **ret_at)
{
    emp_scan_head_t head = {0};
    *ret_at = value.at;
    return emp_scan_head (ret_at, value.end, &head) ? head.claim : 0;
}

/* The bytes of a text. */
static const char *text_of (value_t value, size_t *ret_size)
{
    const uint8_t *at = value.at;
    emp_scan_head_t head = {0};
    emp_scan_head (&at, value.end, &head);
    *ret_size = (size_t) head.body;
    return (const char *) at;
}

static bool is_same_text (value_t left, value_t right)
{
    size_t left_size, right_size;
    const char *left_text = text_of (left, &left_size), *right_text = text_of (right, &right_size);
    return left_size == right_size && memcmp (left_text, right_text, left_size) == 0;
}

static bool says (value_t value, const char *text)
{
    size_t size = 0;
    const char *found = is_text (value) ? text_of (value, &size) : NULL;
    return found && size == strlen (text) && memcmp (found, text, size) == 0;
}

/* The value of a key of a map, which may be none; false: it is there twice. */
static bool find (value_t map, const char *key, value_t *ret_value)
{
    const uint8_t *at;
    *ret_value = (value_t){0};
    for (uint64_t left = enter (map, &at); left > 0; left -= 2) {
        value_t name = next (&at, map.end), value = next (&at, map.end);
        if (!says (name, key))
            continue;
        if (ret_value->at)
            return false;
        *ret_value = value;
    }
    return true;
}

/* [hash, size] */
static bool read_pair (value_t pair, char *ret_hash, uint64_t *ret_size)
{
    emp_cursor_t cursor;
    if (!pair.at)
        return false;
    emp_cursor_init (&cursor, pair.at, (size_t) (pair.end - pair.at));
    uint32_t count = emp_cursor_array (&cursor);
    emp_cursor_str (&cursor, ret_hash, EMP_CONTENT_TEXT_MAX);
    *ret_size = emp_cursor_uint (&cursor, EMP_CONTENT_BYTES_MAX);
    return count == 2 && emp_cursor_end (&cursor) == EMP_OK && emp_content_is_hash (ret_hash, strlen (ret_hash));
}

static bool read_place (value_t value, emp_arena_place_t *ret_place)
{
    emp_cursor_t cursor;
    emp_cursor_init (&cursor, value.at, (size_t) (value.end - value.at));
    uint32_t count = emp_cursor_array (&cursor);
    ret_place->pid = (uint32_t) emp_cursor_uint (&cursor, INT32_MAX);
    ret_place->fd = (uint32_t) emp_cursor_uint (&cursor, INT32_MAX);
    ret_place->address = emp_cursor_uint (&cursor, UINT64_MAX);
    ret_place->size = emp_cursor_uint (&cursor, UINT64_MAX);
    ret_place->stamp = emp_cursor_uint (&cursor, UINT64_MAX);
    return count == 5 && emp_cursor_end (&cursor) == EMP_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void copy (job_t *self, const uint8_t *from, const uint8_t *to)
{
    emp_buf_append (self->out, from, (size_t) (to - from));
}

static emp_status_t fail (const job_t *self, const char *what)
{
    return emp_content_fail (EMP_MALFORMED, self->why, "the job is malformed: %s", what);
}

/* A sentence about what has that name in the job; of a long one the beginning. */
static emp_status_t fail_at (const job_t *self, emp_status_t status, const char *what, value_t name, const char *why)
{
    size_t size;
    const char *text = text_of (name, &size);
    return emp_content_fail (status, self->why, "%s %.*s: %s", what, size < 128 ? (int) size : 128, text, why);
}

static emp_status_t write_module (job_t *self, value_t pair, value_t content)
{
    const uint8_t *first = NULL, *at;
    char hash[EMP_CONTENT_TEXT_MAX], path[PATH_MAX], why[EMP_CONTENT_ERROR_MAX];
    uint64_t size = 0, count = is_array (pair) ? enter (pair, &first) : 0;
    at = first;
    value_t name = count == 2 ? next (&at, pair.end) : (value_t){0};
    if (!is_text (name))
        return fail (self, "a worker module is no pair of path and name");
    if (!read_pair (content, hash, &size))
        return fail_at (self, EMP_MALFORMED, "worker module", name, "its content is no pair of hash and size");
    emp_status_t status = self->calls->module (self->calls->arg, hash, size, path, why);
    if (status)
        return fail_at (self, status, "worker module", name, why);
    msgpack_packer pk;
    msgpack_packer_init (&pk, self->out, emp_buf_write);
    copy (self, pair.at, first);
    msgpack_pack_str_with_body (&pk, path, strlen (path));
    copy (self, at, pair.end);
    return EMP_OK;
}

static emp_status_t write_modules (job_t *self)
{
    const uint8_t *at, *content_at;
    uint64_t count = enter (self->modules, &at);
    if (enter (self->of_modules, &content_at) != count)
        return fail (self, "it has other contents than modules");
    copy (self, self->modules.at, at);
    emp_status_t status = EMP_OK;
    for (; !status && count > 0; count--) {
        value_t pair = next (&at, self->modules.end);
        status = write_module (self, pair, next (&content_at, self->of_modules.end));
    }
    return status;
}

/* The content of an attribute; none: at is NULL. */
static value_t content_of (const job_t *self, value_t name)
{
    const uint8_t *at;
    for (uint64_t left = self->of_arenas.at ? enter (self->of_arenas, &at) : 0; left > 0; left -= 2) {
        value_t key = next (&at, self->of_arenas.end), value = next (&at, self->of_arenas.end);
        if (is_text (key) && is_same_text (key, name))
            return value;
    }
    return (value_t){0};
}

static emp_status_t write_arena (job_t *self, value_t name, value_t value)
{
    char hash[EMP_CONTENT_TEXT_MAX], why[EMP_CONTENT_ERROR_MAX];
    emp_arena_place_t there, here;
    uint64_t size = 0;
    if (!is_text (name) || !is_array (value) || !read_place (value, &there))
        return fail (self, "a large attribute has no usable place");
    if (!read_pair (content_of (self, name), hash, &size) || size != there.size)
        return fail_at (self, EMP_MALFORMED, "attribute", name, "its content is no pair of hash and size");
    emp_status_t status = self->calls->arena (self->calls->arg, hash, &there, &here, why);
    if (status)
        return fail_at (self, status, "attribute", name, why);
    msgpack_packer pk;
    msgpack_packer_init (&pk, self->out, emp_buf_write);
    copy (self, name.at, name.end);
    emp_arena_place_pack (&here, &pk);
    return EMP_OK;
}

static emp_status_t write_arenas (job_t *self)
{
    const uint8_t *at;
    uint64_t left = enter (self->arenas, &at);
    copy (self, self->arenas.at, at);
    emp_status_t status = EMP_OK;
    for (; !status && left > 0; left -= 2) {
        value_t name = next (&at, self->arenas.end);
        status = write_arena (self, name, next (&at, self->arenas.end));
    }
    return status;
}

/* ---- the job ----------------------------------------------------------------------------------------------------- */

static bool is_small (value_t value, uint64_t values_each)
{
    const uint8_t *at;
    return enter (value, &at) <= EMP_LOCALIZE_MAX * values_each;
}

/* Finds the parts that change and what they change to. */
static emp_status_t find_parts (job_t *self, value_t job)
{
    value_t contents;
    if (!is_map (job))
        return fail (self, "it is no map");
    if (!find (job, "modules", &self->modules) || !find (job, "arenas", &self->arenas) ||
        !find (job, "contents", &contents))
        return fail (self, "a key stands twice");
    if (!is_array (self->modules) || (self->arenas.at && !is_map (self->arenas)))
        return fail (self, "its modules are no list or its large attributes no map");
    if (!contents.at)
        return emp_content_fail (EMP_UNKNOWN, self->why,
                                 "the job does not say how to get its modules: its manager expects no other hosts");
    if (!is_map (contents) || !find (contents, "modules", &self->of_modules) ||
        !find (contents, "arenas", &self->of_arenas) || !is_array (self->of_modules) ||
        (self->of_arenas.at && !is_map (self->of_arenas)))
        return fail (self, "its contents are no map of a list and a map");
    if (!is_small (self->modules, 1) || (self->arenas.at && !is_small (self->arenas, 2)) ||
        (self->of_arenas.at && !is_small (self->of_arenas, 2)))
        return fail (self, "it has too many modules or large attributes");
    return EMP_OK;
}

static emp_status_t write_job (job_t *self, value_t job)
{
    const uint8_t *at;
    uint64_t left = enter (job, &at);
    emp_status_t status = EMP_OK;
    copy (self, job.at, at);
    for (; !status && left > 0; left -= 2) {
        value_t key = next (&at, job.end), value = next (&at, job.end);
        copy (self, key.at, key.end);
        if (value.at == self->modules.at)
            status = write_modules (self);
        else if (value.at == self->arenas.at)
            status = write_arenas (self);
        else
            copy (self, value.at, value.end);
    }
    return status;
}

emp_status_t emp_localize_job (const void *blob, size_t size, const emp_localize_calls_t *calls, emp_buf_t *out,
                               char *ret_why)
{
    job_t self = {.calls = calls, .out = out, .why = ret_why};
    size_t values = 0;
    if (emp_scan (blob, size, EMP_SCAN_OBJECTS_MAX, &values) != EMP_OK || values != 1)
        return fail (&self, "it is not one whole value");
    value_t job = {blob, (const uint8_t *) blob + size};
    emp_status_t status = find_parts (&self, job);
    if (!status)
        status = write_job (&self, job);
    if (!status && out->broken)
        status = emp_content_fail (out->broken, ret_why, "the job: %s", emp_status_text (out->broken));
    return status;
}
