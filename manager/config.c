/* SPDX-License-Identifier: BSD-3-Clause
 *
 * config.c - the module configuration (B1-B8) as data.
 *
 * Invariant: `attributes` holds every known key, in the order of the key table, with the value of its field; behind
 * them the program's own keys. A setter that fails, but for want of memory, changes nothing but `error`.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../common/control.h"
#include "../common/scan.h"
#include "../common/utf8.h"
#include "attributes.h"
#include "bigdata.h"
#include "keys.h"
#include "modulefile.h"
#include "sentence.h"

#define KEY_MAX 128 /* bytes of an attribute's name */
#define MODULE_PATH_MAX 4095
#define MODULE_REF_MAX 255
#define KNOWN_MAX 64 /* names and aliases of the key table */

/* Everything but the attributes fits into what they leave of a blob: see EMP_ATTRIBUTES_BYTES_MAX. */
_Static_assert (EMP_ATTRIBUTES_BYTES_MAX + EMP_CONFIG_MODULES_MAX * (MODULE_PATH_MAX + MODULE_REF_MAX + 9) +
                        EMP_CONFIG_QUEUES_MAX * (EMP_NAME_MAX + 5) + KNOWN_MAX * (KEY_MAX + EMP_TEXT_MAX + 10) + 64 <
                    EMP_BLOB_MAX,
                "a configuration within its bounds is within the bound of a blob");

/* ---- errors ---------------------------------------------------------------------------------------------------- */

static emp_status_t fail (emp_config_t *self, emp_status_t status, const char *format, ...) EMP_PRINTF (3, 4);

static emp_status_t fail (emp_config_t *self, emp_status_t status, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (self->error, sizeof self->error, format, args);
    va_end (args);
    return status;
}

static emp_status_t out_of_memory (emp_config_t *self)
{
    return fail (self, EMP_NOMEM, "%s", emp_status_text (EMP_NOMEM));
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static emp_status_t add_queue (emp_config_t *self, const char *name, uint32_t maxsize);
static emp_status_t store_known (emp_config_t *self, const emp_key_t *key);

emp_status_t emp_config_init (emp_config_t *self)
{
    *self = (emp_config_t){0};
    self->attributes = emp_attributes_new ();
    emp_status_t status = self->attributes ? EMP_OK : EMP_NOMEM;
    const emp_key_t *key;
    for (size_t i = 0; !status && (key = emp_key_at (i)); i++) {
        emp_key_set_default (key, self);
        status = store_known (self, key);
    }
    const char *name;
    for (size_t i = 0; !status && (name = emp_name_default_at (i)); i++)
        status = add_queue (self, name, EMP_QUEUE_MAXSIZE_DEFAULT);
    if (status)
        emp_config_release (self);
    return status;
}

void emp_feed_decl_release (emp_feed_decl_t *feed)
{
    free (feed->queue);
    free (feed->header_msg);
    free (feed->source.path);
    free (feed->source.column);
    free (feed->source.ref);
    for (char **arg = feed->source.argv; arg && *arg; arg++)
        free (*arg);
    free (feed->source.argv);
    free (feed->source.directory);
    *feed = (emp_feed_decl_t){0};
}

void emp_config_release (emp_config_t *self)
{
    for (size_t i = 0; i < self->modules_count; i++) {
        free (self->modules[i].path);
        free (self->modules[i].ref);
    }
    for (size_t i = 0; i < self->queues_count; i++)
        free (self->queues[i].name);
    for (size_t i = 0; i < self->tools_count; i++)
        free (self->tools[i]);
    free (self->tools);
    for (size_t i = 0; i < self->feeds_count; i++)
        emp_feed_decl_release (&self->feeds[i]);
    free (self->modules);
    free (self->queues);
    free (self->feeds);
    free (self->result_label);
    free (self->results_file);
    free (self->results_stream);
    free (self->journal);
    free (self->listen);
    emp_attributes_destroy (&self->attributes);
    *self = (emp_config_t){0};
}

/* Room for one more element: 1, 2, 4, 8… */
static void *grown (void *list, size_t count, size_t element)
{
    if (count & (count - 1))
        return list; /* between two powers of two there is room */
    return realloc (list, (count ? count * 2 : 1) * element);
}

/* ---- attributes ------------------------------------------------------------------------------------------------ */

static const char *known_names[KNOWN_MAX + 1];

static void collect_known (void)
{
    size_t count = 0;
    const emp_key_t *key;
    for (size_t i = 0; (key = emp_key_at (i)); i++) {
        assert (count + 2 <= KNOWN_MAX);
        known_names[count++] = key->name;
        if (key->alias)
            known_names[count++] = key->alias;
    }
}

const char *const *emp_config_known (void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once (&once, collect_known);
    return known_names;
}

bool emp_config_is_known (const char *key)
{
    return emp_key_find (key) != NULL;
}

emp_status_t emp_config_check_key (emp_config_t *self, const char *key)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t size = strspn (key, letters);
    if (size > 0 && size <= KEY_MAX && !key[size] && !(*key >= '0' && *key <= '9'))
        return EMP_OK;
    char found[EMP_SENTENCE_MAX];
    emp_sentence_text (key, strnlen (key, KEY_MAX + 1), found);
    return fail (self, EMP_INVALID, "found the key %s, expected 1 to %d letters, digits and _, no digit first", found,
                 KEY_MAX);
}

static emp_status_t check_packed (emp_config_t *self, const char *key, const void *data, size_t size)
{
    size_t values = 0;
    emp_status_t status = emp_scan_within (data, size, EMP_ATTRIBUTE_DEPTH_MAX, &values);
    if (status == EMP_TOOBIG)
        return fail (self, EMP_TOOBIG, "%s: found a value nested deeper than %d levels, or of more than %u values", key,
                     EMP_ATTRIBUTE_DEPTH_MAX, EMP_SCAN_OBJECTS_MAX);
    if (status || values != 1)
        return fail (self, EMP_INVALID, "%s: found bytes that are not exactly one msgpack value", key);
    return EMP_OK;
}

/* Puts the field's present value among the attributes. */
static emp_status_t store_known (emp_config_t *self, const emp_key_t *key)
{
    emp_buf_t packed;
    emp_buf_init (&packed, EMP_TEXT_MAX + 16);
    msgpack_packer pk;
    msgpack_packer_init (&pk, &packed, emp_buf_write);
    emp_key_pack (key, self, &pk);
    emp_status_t status = packed.broken;
    if (!status)
        status = emp_attributes_set (self->attributes, key->name, packed.data, packed.size);
    emp_buf_release (&packed);
    return status ? fail (self, status, "%s: %s", key->name, emp_status_text (status)) : EMP_OK;
}

static emp_status_t set_known (emp_config_t *self, const emp_key_t *key, const char *name, const void *data,
                               size_t size)
{
    msgpack_zone zone;
    msgpack_object value;
    if (!msgpack_zone_init (&zone, 1024))
        return out_of_memory (self);
    emp_status_t status = EMP_NOMEM; /* the bytes were scanned, so nothing else can go wrong */
    if (msgpack_unpack (data, size, NULL, &zone, &value) == MSGPACK_UNPACK_SUCCESS)
        status = emp_key_set (key, name, &value, self);
    msgpack_zone_destroy (&zone);
    if (status == EMP_NOMEM)
        return out_of_memory (self);
    return status ? status : store_known (self, key);
}

emp_status_t emp_config_set (emp_config_t *self, const char *key, const void *data, size_t size)
{
    emp_status_t status = emp_config_check_key (self, key);
    if (!status)
        status = check_packed (self, key, data, size);
    if (status)
        return status;
    const emp_key_t *known = emp_key_find (key);
    if (known)
        return set_known (self, known, key, data, size);
    if (size > self->big_data_min)
        return emp_bigdata_set (self, key, data, size);
    status = emp_attributes_set (self->attributes, key, data, size);
    if (status == EMP_TOOBIG)
        return fail (self, status, "%s: found more than %d keys, or more than %u bytes in all of them", key,
                     EMP_ATTRIBUTES_MAX, EMP_ATTRIBUTES_BYTES_MAX);
    return status ? out_of_memory (self) : EMP_OK;
}

const void *emp_config_get (const emp_config_t *self, const char *key, size_t *ret_size)
{
    const emp_key_t *known = emp_key_find (key);
    return emp_attributes_get (self->attributes, known ? known->name : key, ret_size);
}

emp_status_t emp_config_check (emp_config_t *self)
{
    if (self->dead_after_ms >= 2 * self->beat_ms)
        return EMP_OK;
    return fail (self, EMP_INVALID,
                 "DEAD_AFTER: found %" PRIu32 " ms, expected at least twice BEAT, which is %" PRIu32 " ms",
                 self->dead_after_ms, self->beat_ms);
}

/* ---- modules --------------------------------------------------------------------------------------------------- */

static bool fits (const char *text, size_t max)
{
    return text && *text && strnlen (text, max + 1) <= max;
}

emp_status_t emp_config_module (emp_config_t *self, const char *path, const char *ref)
{
    if (!fits (path, MODULE_PATH_MAX) || !fits (ref, MODULE_REF_MAX))
        return fail (self, EMP_INVALID,
                     "worker_modules: expected a worker_path of 1 to %d bytes and a worker_ref of 1 to %d",
                     MODULE_PATH_MAX, MODULE_REF_MAX);
    if (self->modules_count == EMP_CONFIG_MODULES_MAX)
        return fail (self, EMP_TOOBIG, "worker_modules: found more than %d modules", EMP_CONFIG_MODULES_MAX);
    emp_module_t *modules = grown (self->modules, self->modules_count, sizeof *modules);
    if (!modules)
        return out_of_memory (self);
    self->modules = modules;
    emp_module_t module = {strdup (path), strdup (ref)};
    if (!module.path || !module.ref) {
        free (module.path);
        free (module.ref);
        return out_of_memory (self);
    }
    modules[self->modules_count++] = module;
    return EMP_OK;
}

emp_status_t emp_config_find_modules (emp_config_t *self, const char *directory, const char *modules_dir)
{
    emp_status_t status = emp_config_check (self);
    if (status)
        return status;
    if (self->modules_count == 0)
        return fail (self, EMP_INVALID, "worker_modules: found none, expected at least one worker_path and worker_ref");
    for (size_t i = 0; i < self->modules_count; i++) {
        emp_module_t *module = &self->modules[i];
        char error[EMP_MODULEFILE_ERROR_MAX];
        char *path = NULL;
        status = emp_modulefile_find (module->path, directory, modules_dir, &path, error);
        if (!status)
            status = emp_modulefile_check (path, module->ref, error);
        if (status) {
            free (path);
            return fail (self, EMP_INVALID, "worker_modules: %s", error);
        }
        free (module->path);
        module->path = path;
    }
    return EMP_OK;
}

/* ---- tools ----------------------------------------------------------------------------------------------------- */

emp_status_t emp_config_tool (emp_config_t *self, const char *name)
{
    size_t size;
    if (!emp_config_get (self, name, &size) && !emp_bigdata_get (self, name)) {
        char found[EMP_SENTENCE_MAX];
        emp_sentence_text (name, strlen (name), found);
        return fail (self, EMP_UNKNOWN, "tools: found %s, expected the name of an attribute of the toolbox", found);
    }
    if (self->tools_count == EMP_TOOLS_MAX)
        return fail (self, EMP_TOOBIG, "tools: found more than %d", EMP_TOOLS_MAX);
    char **tools = realloc (self->tools, (self->tools_count + 1) * sizeof (char *));
    if (tools)
        self->tools = tools;
    if (!tools || !(tools[self->tools_count] = strdup (name)))
        return out_of_memory (self);
    self->tools_count++;
    return EMP_OK;
}

/* ---- queues and feeds ------------------------------------------------------------------------------------------ */

static emp_status_t check_full_name (const char *full)
{
    const char *bar = strchr (full, '|');
    if (!bar)
        return emp_name_check (full);
    char category[EMP_NAME_MAX + 1], joined[EMP_NAME_MAX + 1];
    size_t size = (size_t) (bar - full);
    if (size > EMP_NAME_MAX)
        return EMP_TOOBIG;
    memcpy (category, full, size);
    category[size] = '\0';
    return emp_name_join (category, bar + 1, joined);
}

static const emp_queue_decl_t *find_queue (const emp_config_t *self, const char *name)
{
    for (size_t i = 0; i < self->queues_count; i++)
        if (strcmp (self->queues[i].name, name) == 0)
            return &self->queues[i];
    return NULL;
}

static emp_status_t add_queue (emp_config_t *self, const char *name, uint32_t maxsize)
{
    emp_queue_decl_t *queues = grown (self->queues, self->queues_count, sizeof *queues);
    if (!queues)
        return out_of_memory (self);
    self->queues = queues;
    emp_queue_decl_t *queue = &queues[self->queues_count];
    *queue = (emp_queue_decl_t){strdup (name), maxsize};
    if (!queue->name)
        return out_of_memory (self);
    self->queues_count++;
    return EMP_OK;
}

emp_status_t emp_config_queue (emp_config_t *self, const char *full_name, int64_t maxsize)
{
    char name[EMP_SENTENCE_MAX];
    emp_sentence_text (full_name, strnlen (full_name, EMP_NAME_MAX + 1), name);
    if (check_full_name (full_name))
        return fail (
            self, EMP_INVALID,
            "queue: found the name %s, expected 1 to %d bytes of printable UTF-8 without ; and, but for the one "
            "behind a category, without |",
            name, EMP_NAME_MAX);
    if (maxsize < 1 || maxsize > EMP_QUEUE_MAXSIZE_LIMIT)
        return fail (self, EMP_INVALID, "queue %s: found maxsize %" PRId64 ", expected an integer from 1 to %d",
                     full_name, maxsize, EMP_QUEUE_MAXSIZE_LIMIT);
    if (find_queue (self, full_name))
        return fail (self, EMP_EXISTS, "queue %s exists already", full_name);
    if (self->queues_count == EMP_CONFIG_QUEUES_MAX)
        return fail (self, EMP_TOOBIG, "queue %s: found more than %d queues", full_name, EMP_CONFIG_QUEUES_MAX);
    return add_queue (self, full_name, (uint32_t) maxsize);
}

static emp_status_t unknown_queue (emp_config_t *self, const char *name)
{
    char found[EMP_SENTENCE_MAX], nearest[EMP_SENTENCE_MAX];
    const char **names = calloc (self->queues_count + 1, sizeof *names);
    if (!names)
        return out_of_memory (self);
    for (size_t i = 0; i < self->queues_count; i++)
        names[i] = self->queues[i].name;
    emp_sentence_text (name, strnlen (name, EMP_NAME_MAX + 1), found);
    emp_sentence_nearest (name, names, nearest);
    free (names);
    return fail (self, EMP_UNKNOWN, "queue: found %s, expected a queue of this job%s", found, nearest);
}

/* A label is a header's first field, and fields end with ';'. */
static bool is_label (const char *text)
{
    size_t size = strnlen (text, EMP_LABEL_MAX + 1);
    if (size == 0 || size > EMP_LABEL_MAX)
        return false;
    const uint8_t *at = (const uint8_t *) text, *end = at + size;
    while (at < end) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step == 0 || emp_utf8_is_control (code) || code == ';')
            return false;
        at += step;
    }
    return true;
}

static bool reads_stdin (const emp_feed_decl_t *feed)
{
    return feed->source.kind == EMP_SOURCE_LINES && feed->source.path && strcmp (feed->source.path, "-") == 0;
}

bool emp_config_has_own_job (const char *queue)
{
    return emp_name_is_default (queue) && strcmp (queue, EMP_DEFAULT_QUEUE) != 0;
}

static emp_status_t check_feed (emp_config_t *self, const emp_feed_decl_t *feed)
{
    if (feed->queue && !find_queue (self, feed->queue))
        return unknown_queue (self, feed->queue);
    if (feed->queue && emp_config_has_own_job (feed->queue))
        return fail (self, EMP_REFUSED, EMP_OWN_JOB, feed->queue);
    if (feed->header_msg && !is_label (feed->header_msg)) {
        char found[EMP_SENTENCE_MAX];
        emp_sentence_text (feed->header_msg, strnlen (feed->header_msg, EMP_LABEL_MAX + 1), found);
        return fail (self, EMP_INVALID, "header_msg: found %s, expected 1 to %d bytes of printable UTF-8 without ;",
                     found, EMP_LABEL_MAX);
    }
    if (feed->rows_max > EMP_ROWS_MAX_LIMIT)
        return fail (self, EMP_TOOBIG, "rows_max: found %" PRIu32 ", expected an integer from 1 to %d", feed->rows_max,
                     EMP_ROWS_MAX_LIMIT);
    for (size_t i = 0; i < self->feeds_count && reads_stdin (feed); i++)
        if (reads_stdin (&self->feeds[i]))
            return fail (self, EMP_EXISTS, "lines: found \"-\", but an earlier feed reads standard input already");
    if (self->feeds_count == EMP_CONFIG_FEEDS_MAX)
        return fail (self, EMP_TOOBIG, "feed: found more than %d feeds", EMP_CONFIG_FEEDS_MAX);
    return EMP_OK;
}

emp_status_t emp_config_feed (emp_config_t *self, emp_feed_decl_t *feed)
{
    emp_status_t status = check_feed (self, feed);
    if (status)
        return status;
    emp_feed_decl_t *feeds = grown (self->feeds, self->feeds_count, sizeof *feeds);
    if (!feeds)
        return out_of_memory (self);
    self->feeds = feeds;
    if (!feed->queue)
        feed->queue = strdup (EMP_DEFAULT_QUEUE);
    if (!feed->queue)
        return out_of_memory (self);
    feeds[self->feeds_count++] = *feed;
    *feed = (emp_feed_decl_t){0};
    return EMP_OK;
}

/* ---- the blob -------------------------------------------------------------------------------------------------- */

static void pack_text (msgpack_packer *pk, const char *text)
{
    size_t size = strlen (text);
    msgpack_pack_str (pk, size);
    msgpack_pack_str_body (pk, text, size);
}

static void pack_kwargs (const emp_config_t *self, msgpack_packer *pk, emp_buf_t *out)
{
    size_t count = emp_attributes_count (self->attributes);
    size_t aliases = 0;
    const emp_key_t *key;
    for (size_t i = 0; (key = emp_key_at (i)); i++)
        aliases += key->alias != NULL;
    msgpack_pack_map (pk, count - emp_attributes_arenas (self->attributes) + aliases);
    for (size_t i = 0; i < count; i++) {
        const void *data;
        size_t size;
        const char *name = emp_attributes_at (self->attributes, i, &data, &size);
        if (!data)
            continue;
        pack_text (pk, name);
        emp_buf_append (out, data, size);
        key = emp_key_find (name);
        if (key && key->alias) {
            pack_text (pk, key->alias);
            emp_buf_append (out, data, size);
        }
    }
}

static void pack_arenas (const emp_config_t *self, msgpack_packer *pk)
{
    if (emp_attributes_arenas (self->attributes) == 0)
        return;
    pack_text (pk, "arenas");
    msgpack_pack_map (pk, emp_attributes_arenas (self->attributes));
    for (size_t i = 0; i < emp_attributes_count (self->attributes); i++) {
        const void *data;
        size_t size;
        emp_arena_place_t place;
        const char *name = emp_attributes_at (self->attributes, i, &data, &size);
        if (data)
            continue;
        emp_arena_describe (emp_attributes_arena (self->attributes, name), &place);
        pack_text (pk, name);
        emp_arena_place_pack (&place, pk);
    }
}

emp_status_t emp_config_pack (const emp_config_t *self, const emp_buf_t *contents, emp_buf_t *out)
{
    msgpack_packer pk;
    msgpack_packer_init (&pk, out, emp_buf_write);
    msgpack_pack_map (&pk, 3u + (emp_attributes_arenas (self->attributes) > 0) + (contents != NULL));
    pack_text (&pk, "kwargs");
    pack_kwargs (self, &pk, out);
    pack_arenas (self, &pk);
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, self->modules_count);
    for (size_t i = 0; i < self->modules_count; i++) {
        msgpack_pack_array (&pk, 2);
        pack_text (&pk, self->modules[i].path);
        pack_text (&pk, self->modules[i].ref);
    }
    pack_text (&pk, "queues");
    msgpack_pack_array (&pk, self->queues_count);
    for (size_t i = 0; i < self->queues_count; i++)
        pack_text (&pk, self->queues[i].name);
    if (contents) {
        pack_text (&pk, "contents");
        emp_buf_append (out, contents->data, contents->size);
    }
    return out->broken;
}
