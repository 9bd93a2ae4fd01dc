/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jobfile.c - a job file (YAML) into a configuration: the file itself, its top level, modules and queues.
 *
 * The feeds come last, so that they find the queues wherever in the file these stand.
 */
#include "jobfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/control.h"
#include "attributes.h"
#include "bigdata.h"
#include "jobread.h"
#include "keys.h"
#include "modulefile.h"
#include "output.h"
#include "stream.h"
#include "sentence.h"
#include "yamlvalue.h"

#define FILE_MAX (16u * 1024 * 1024)
#define READ_BYTES 65536
#define MARK "\xef\xbb\xbf"
#define EXPECTED_FILE "a job file (YAML, at most 16 MiB)"

static const char *const sections[] = {"worker_modules", "queues", "feed", "toolbox", "tools"};

/* ---- the file -------------------------------------------------------------------------------------------------- */

static emp_status_t unreadable (emp_diag_t *diag, const char *found)
{
    emp_diag_error (diag, 0, "found %s, expected " EXPECTED_FILE, found);
    return EMP_INVALID;
}

/* There is room for FILE_MAX bytes and one more READ_BYTES: what is larger runs out of room before its end is seen. */
static emp_status_t read_all (emp_diag_t *diag, int fd, emp_buf_t *text)
{
    for (;;) {
        if (emp_buf_reserve (text, READ_BYTES))
            return text->broken == EMP_NOMEM ? EMP_NOMEM : unreadable (diag, "a larger file");
        ssize_t got = read (fd, text->data + text->size, text->room - text->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return unreadable (diag, strerror (errno));
        if (got == 0)
            return EMP_OK;
        text->size += (size_t) got;
    }
}

static emp_status_t read_file (emp_diag_t *diag, emp_buf_t *text)
{
    int fd = open (diag->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return unreadable (diag, errno == ENOENT ? "no such file" : strerror (errno));
    struct stat stat;
    emp_status_t status;
    if (fstat (fd, &stat) == 0 && S_ISDIR (stat.st_mode))
        status = unreadable (diag, "a directory");
    else
        status = read_all (diag, fd, text);
    close (fd);
    return status;
}

/* A byte order mark is skipped. What is no text at all is told so, rather than by its first odd byte. */
static emp_status_t check_text (emp_diag_t *diag, const emp_buf_t *file)
{
    size_t skip = file->size >= 3 && memcmp (file->data, MARK, 3) == 0 ? 3 : 0;
    if (file->size == skip)
        return unreadable (diag, "an empty file");
    if (memchr (file->data, '\0', file->size) || (file->size >= 4 && memcmp (file->data, "\177ELF", 4) == 0))
        return unreadable (diag, "a binary file");
    diag->text = (const char *) file->data + skip;
    diag->size = file->size - skip;
    return EMP_OK;
}

/* ---- attributes ------------------------------------------------------------------------------------------------ */

static void set_value (emp_jobread_t *self, const emp_yaml_node_t *node, const char *name)
{
    emp_buf_t packed;
    emp_buf_init (&packed, EMP_ATTRIBUTES_BYTES_MAX);
    if (emp_yaml_pack (self->tree, node, name, self->diag, &packed) &&
        emp_config_set (self->config, name, packed.data, packed.size))
        emp_diag_error (self->diag, node->offset, "%s", self->config->error);
    emp_buf_release (&packed);
}

/* words: !lines words.txt, or !file: what the file holds, relative to the job file. False: it is neither. */
static bool set_file (emp_jobread_t *self, const emp_yaml_node_t *given, const char *name)
{
    const emp_yaml_node_t *node = emp_yaml_resolve (self->tree, given);
    bool lines = node && node->tag && strcmp (node->tag, "!lines") == 0;
    if (!node || node->kind != EMP_YAML_SCALAR || !node->tag || (!lines && strcmp (node->tag, "!file") != 0))
        return false;
    if (node->size == 0 || strlen (node->text) != node->size) {
        emp_jobread_wrong (self, node, name, "the path of a file");
        return true;
    }
    char *path = emp_jobread_path (self, node->text);
    emp_status_t status = EMP_NOMEM;
    if (path)
        status = lines ? emp_bigdata_lines (self->config, name, path) : emp_bigdata_file (self->config, name, path);
    if (status)
        emp_diag_error (self->diag, node->offset, "%s", path ? self->config->error : emp_status_text (status));
    free (path);
    return true;
}

/* True when the folder of a file that shall be written is there; else errno says why not. */
static bool has_folder (const char *path)
{
    char *folder = strdup (path), *inside = NULL;
    bool there = folder && asprintf (&inside, "%s/.", dirname (folder)) >= 0 && access (inside, F_OK) == 0;
    int why = errno;
    free (inside);
    free (folder);
    errno = why;
    return there;
}

/* A file as it was just set: where it is seen from the job file, as all paths in one. */
static void place_file (emp_jobread_t *self, const emp_yaml_node_t *node, const char *key, const char *path)
{
    if (!path || self->diag->errors)
        return;
    char *placed = emp_jobread_path (self, path);
    emp_buf_t packed;
    emp_buf_init (&packed, EMP_ATTRIBUTES_BYTES_MAX);
    msgpack_packer packer;
    msgpack_packer_init (&packer, &packed, emp_buf_write);
    if (placed && !msgpack_pack_str (&packer, strlen (placed)))
        msgpack_pack_str_body (&packer, placed, strlen (placed));
    if (!placed || packed.broken)
        emp_diag_error (self->diag, node->offset, "%s", emp_status_text (EMP_NOMEM));
    else if (emp_config_set (self->config, key, packed.data, packed.size))
        emp_diag_error (self->diag, node->offset, "%s", self->config->error);
    else if (!has_folder (placed))
        emp_diag_error (self->diag, node->offset, "%s: cannot write '%s': %s", key, placed, strerror (errno));
    emp_buf_release (&packed);
    free (placed);
}

/* RESULTS_FILE also by its ending. */
static void place_results_file (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    const char *path = self->config->results_file;
    if (path && !self->diag->errors && !emp_output_is_name (path))
        emp_jobread_wrong (self, node, "RESULTS_FILE", EMP_OUTPUT_EXPECTED);
    else
        place_file (self, node, "RESULTS_FILE", path);
}

/* The same of RESULTS_STREAM, which may be standard output. */
static void place_results_stream (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    const char *path = self->config->results_stream;
    if (path && !self->diag->errors && !emp_stream_is_name (path))
        emp_jobread_wrong (self, node, "RESULTS_STREAM", EMP_STREAM_EXPECTED);
    else if (path && strcmp (path, "-") != 0)
        place_file (self, node, "RESULTS_STREAM", path);
}

/* ROWS_MAX and NUM_ROWS are one key: a file that has both contradicts itself. */
static bool is_set_twice (emp_jobread_t *self, const emp_yaml_node_t *root, const emp_yaml_node_t *value)
{
    const emp_key_t *key = emp_key_find (value->key->text);
    for (const emp_yaml_node_t *other = root->first; other != value; other = other->next)
        if (emp_key_find (other->key->text) == key) {
            emp_diag_error (self->diag, value->key->offset, "found %s, but %s at line %u is the same key",
                            value->key->text, other->key->text, emp_diag_line (self->diag, other->key->offset));
            return true;
        }
    return false;
}

static void read_toolbox (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    if (node->kind != EMP_YAML_MAP) {
        emp_jobread_wrong (self, node, "toolbox", "a map of attributes");
        return;
    }
    for (const emp_yaml_node_t *value = node->first; value && !emp_diag_is_full (self->diag); value = value->next) {
        const char *name = value->key->text;
        if (emp_config_is_known (name))
            emp_diag_error (self->diag, value->key->offset,
                            "toolbox: found %s, expected it at the top level of the file: it is one of eisenmp's own",
                            name);
        else if (strlen (name) != value->key->size)
            emp_jobread_wrong (self, value->key, "toolbox", "a key without NUL bytes");
        else if (emp_config_check_key (self->config, name))
            emp_diag_error (self->diag, value->key->offset, "toolbox: %s", self->config->error);
        else if (!set_file (self, value, name))
            set_value (self, value, name);
    }
}

/* ---- modules --------------------------------------------------------------------------------------------------- */

/* Either spelling of a key, not both (B2). */
static const emp_yaml_node_t *either (emp_jobread_t *self, const emp_yaml_node_t *map, const emp_yaml_node_t *lower,
                                      const emp_yaml_node_t *upper, const char *what)
{
    if (lower && upper)
        emp_diag_error (self->diag, upper->offset, "worker_modules: found %s in both spellings, expected one", what);
    const emp_yaml_node_t *field = lower ? lower : upper;
    return emp_jobread_need (self, map, field, what) ? field : NULL;
}

static void read_module (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    static const char *const names[] = {"worker_path", "worker_ref", "WORKER_PATH", "WORKER_REF", NULL};
    const emp_yaml_node_t *fields[4];
    if (node->kind != EMP_YAML_MAP) {
        emp_jobread_wrong (self, node, "worker_modules", "a map {worker_path: FILE.so, worker_ref: FUNCTION}");
        return;
    }
    if (!emp_jobread_pick (self, node, "worker_modules", names, fields))
        return;
    const emp_yaml_node_t *path_node = either (self, node, fields[0], fields[2], "worker_path");
    const emp_yaml_node_t *ref_node = either (self, node, fields[1], fields[3], "worker_ref");
    const char *name = path_node ? emp_jobread_text (self, path_node, "worker_path") : NULL;
    const char *ref = ref_node ? emp_jobread_text (self, ref_node, "worker_ref") : NULL;
    if (!name || !ref)
        return;
    char error[EMP_MODULEFILE_ERROR_MAX];
    char *path = NULL;
    emp_status_t status = emp_modulefile_find (name, self->directory, self->modules_dir, &path, error);
    if (!status)
        status = emp_modulefile_check (path, ref, error);
    if (status == EMP_UNKNOWN)
        emp_diag_error (self->diag, ref_node->offset, "worker_ref: %s", error);
    else if (status)
        emp_diag_error (self->diag, path_node->offset, "worker_path: %s", error);
    else if (emp_config_module (self->config, path, ref))
        emp_diag_error (self->diag, node->offset, "%s", self->config->error);
    free (path);
}

static void read_modules (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    if (node->kind != EMP_YAML_LIST || !node->first) {
        emp_jobread_wrong (self, node, "worker_modules",
                           "a list of one or more {worker_path: FILE.so, worker_ref: FUNCTION}");
        return;
    }
    for (const emp_yaml_node_t *item = node->first; item && !emp_diag_is_full (self->diag); item = item->next) {
        const emp_yaml_node_t *module = emp_jobread_real (self, item);
        if (module)
            read_module (self, module);
    }
}

/* ---- queues ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const emp_yaml_node_t *category, *name, *maxsize; /* category, maxsize: or NULL */
    const char *text;                                 /* the name */
} queue_node_t;

/* Where the file has declared the queue before: the offset of its name, kept in the order of config->queues. */
typedef struct {
    size_t *offsets;
    size_t before; /* queues that were there before the file */
} declared_t;

static void report_queue (emp_jobread_t *self, const queue_node_t *queue, const char *full, const declared_t *declared)
{
    for (size_t i = 0; i < self->config->queues_count; i++) {
        if (strcmp (self->config->queues[i].name, full) != 0)
            continue;
        if (i >= declared->before)
            emp_diag_error (self->diag, queue->name->offset,
                            "queue %s exists already: first at line %u, expected another name", full,
                            emp_diag_line (self->diag, declared->offsets[i - declared->before]));
        else
            emp_diag_error (self->diag, queue->name->offset, "queue %s exists already%s, expected another name", full,
                            emp_name_is_default (full) ? ": it is a default queue" : "");
        return;
    }
    emp_diag_error (self->diag, queue->name->offset, "%s", self->config->error);
}

static void declare_queue (emp_jobread_t *self, const queue_node_t *queue, declared_t *declared)
{
    const char *category = NULL;
    int64_t maxsize = EMP_QUEUE_MAXSIZE_DEFAULT;
    if (queue->category && !(category = emp_jobread_text (self, queue->category, "category")))
        return;
    if (queue->maxsize && !emp_jobread_integer (self, queue->maxsize, "maxsize", 1, EMP_QUEUE_MAXSIZE_LIMIT, &maxsize))
        return;
    char *full = NULL;
    if (asprintf (&full, "%s%s%s", category ? category : "", category ? "|" : "", queue->text) < 0) {
        emp_diag_error (self->diag, queue->name->offset, "%s", emp_status_text (EMP_NOMEM));
        return;
    }
    if (emp_config_queue (self->config, full, maxsize))
        report_queue (self, queue, full, declared);
    else
        declared->offsets[self->config->queues_count - 1 - declared->before] = queue->name->offset;
    free (full);
}

/* - {name: blue_q_7, maxsize: 3} */
static void read_listed_queue (emp_jobread_t *self, const emp_yaml_node_t *node, declared_t *declared)
{
    static const char *const names[] = {"category", "name", "maxsize", NULL};
    const emp_yaml_node_t *fields[3];
    if (node->kind != EMP_YAML_MAP) {
        emp_jobread_wrong (self, node, "queues",
                           "a map {name: NAME, maxsize: NUMBER}, with a category where it has one");
        return;
    }
    if (!emp_jobread_pick (self, node, "queues", names, fields) || !emp_jobread_need (self, node, fields[1], "name"))
        return;
    queue_node_t queue = {.category = fields[0], .name = fields[1], .maxsize = fields[2]};
    queue.text = emp_jobread_text (self, fields[1], "name");
    if (queue.text)
        declare_queue (self, &queue, declared);
}

/* blue_q_7: {maxsize: 3} */
static void read_mapped_queue (emp_jobread_t *self, const emp_yaml_node_t *given, declared_t *declared)
{
    static const char *const names[] = {"category", "maxsize", NULL};
    const emp_yaml_node_t *fields[2] = {NULL, NULL};
    const emp_yaml_node_t *node = emp_jobread_real (self, given);
    if (!node)
        return;
    msgpack_object value = {.type = MSGPACK_OBJECT_ARRAY};
    bool bare = node->kind == EMP_YAML_SCALAR && emp_yaml_scalar (node, "queues", self->diag, &value) &&
                value.type == MSGPACK_OBJECT_NIL;
    if (!bare && node->kind != EMP_YAML_MAP) {
        emp_jobread_wrong (self, node, "queues", "a map {maxsize: NUMBER}, with a category where it has one");
        return;
    }
    if (!bare && !emp_jobread_pick (self, node, "queues", names, fields))
        return;
    queue_node_t queue = {.category = fields[0], .name = given->key, .maxsize = fields[1]};
    queue.text = emp_jobread_text (self, given->key, "name");
    if (queue.text)
        declare_queue (self, &queue, declared);
}

static void read_queues (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    declared_t declared = {calloc (EMP_CONFIG_QUEUES_MAX, sizeof *declared.offsets), self->config->queues_count};
    if (!declared.offsets || node->kind == EMP_YAML_SCALAR)
        emp_jobread_wrong (self, node, "queues",
                           "a list of {name: NAME, maxsize: NUMBER}, or a map NAME: {maxsize: NUMBER}");
    else
        for (const emp_yaml_node_t *item = node->first; item && !emp_diag_is_full (self->diag); item = item->next) {
            const emp_yaml_node_t *queue = node->kind == EMP_YAML_LIST ? emp_jobread_real (self, item) : NULL;
            if (queue)
                read_listed_queue (self, queue, &declared);
            else if (node->kind == EMP_YAML_MAP)
                read_mapped_queue (self, item, &declared);
        }
    free (declared.offsets);
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static void report_unknown_key (emp_jobread_t *self, const emp_yaml_node_t *key)
{
    char found[EMP_SENTENCE_MAX], nearest[EMP_SENTENCE_MAX];
    const char *names[128] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        names[count++] = sections[i];
    for (const char *const *known = emp_config_known (); *known && count < 127; known++)
        names[count++] = *known;
    emp_sentence_text (key->text, key->size, found);
    emp_sentence_nearest (key->text, names, nearest);
    emp_diag_error (self->diag, key->offset,
                    "found the unknown key %s, expected one of eisenmp's (your own go under toolbox:)%s", found,
                    nearest);
}

typedef struct {
    const emp_yaml_node_t *modules, *feed, *tools, *dead_after, *results_file; /* NULL: not there */
} seen_t;

static void read_key (emp_jobread_t *self, const emp_yaml_node_t *root, const emp_yaml_node_t *value, seen_t *seen)
{
    const emp_yaml_node_t *real = emp_jobread_real (self, value);
    if (!real)
        return;
    if (emp_yaml_is (value->key, "worker_modules")) {
        seen->modules = real;
        read_modules (self, real);
    } else if (emp_yaml_is (value->key, "queues"))
        read_queues (self, real);
    else if (emp_yaml_is (value->key, "feed"))
        seen->feed = real;
    else if (emp_yaml_is (value->key, "tools"))
        seen->tools = real;
    else if (emp_yaml_is (value->key, "toolbox"))
        read_toolbox (self, real);
    else if (strlen (value->key->text) != value->key->size || !emp_config_is_known (value->key->text))
        report_unknown_key (self, value->key);
    else if (!is_set_twice (self, root, value))
        set_value (self, real, value->key->text);
    if (emp_yaml_is (value->key, "RESULTS_FILE"))
        place_results_file (self, seen->results_file = real);
    if (emp_yaml_is (value->key, "RESULTS_STREAM"))
        place_results_stream (self, real);
    if (emp_yaml_is (value->key, "JOURNAL"))
        place_file (self, real, "JOURNAL", self->config->journal);
    if (emp_yaml_is (value->key, "DEAD_AFTER") || (emp_yaml_is (value->key, "BEAT") && !seen->dead_after))
        seen->dead_after = real;
}

/* Behind the toolbox, whose attributes it names. */
static void read_tools (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    if (node->kind != EMP_YAML_LIST) {
        emp_jobread_wrong (self, node, "tools", "a list of names of attributes of the toolbox");
        return;
    }
    for (const emp_yaml_node_t *item = node->first; item && !emp_diag_is_full (self->diag); item = item->next) {
        const emp_yaml_node_t *real = emp_jobread_real (self, item);
        const char *name = real ? emp_jobread_text (self, real, "tools") : NULL;
        if (name && emp_config_tool (self->config, name))
            emp_diag_error (self->diag, real->offset, "%s", self->config->error);
    }
}

static void read_root (emp_jobread_t *self, const emp_yaml_node_t *root)
{
    seen_t seen = {0};
    if (!root || root->kind != EMP_YAML_MAP) {
        char found[EMP_SENTENCE_MAX] = "nothing";
        if (root)
            emp_yaml_found (root, found);
        emp_diag_error (self->diag, root ? root->offset : 0,
                        "found %s, expected a map of keys: worker_modules and others", found);
        return;
    }
    for (const emp_yaml_node_t *value = root->first; value && !emp_diag_is_full (self->diag); value = value->next)
        read_key (self, root, value, &seen);
    if (!seen.modules)
        emp_diag_error (self->diag, root->offset,
                        "found no worker_modules, expected a list of {worker_path: FILE.so, worker_ref: FUNCTION}");
    if (seen.tools)
        read_tools (self, seen.tools);
    if (seen.feed)
        emp_jobread_feeds (self, seen.feed);
    if (seen.dead_after && emp_config_check (self->config))
        emp_diag_error (self->diag, seen.dead_after->offset, "%s", self->config->error);
    if (seen.results_file && self->config->results_file && !self->config->results_store)
        emp_diag_error (self->diag, seen.results_file->offset, EMP_NOT_STORED);
}

static char *directory_of (const char *path)
{
    char *copy = strdup (path);
    char *directory = copy ? realpath (dirname (copy), NULL) : NULL;
    free (copy);
    return directory;
}

static emp_status_t load (emp_config_t *config, emp_diag_t *diag, const char *modules_dir)
{
    emp_buf_t file;
    emp_buf_init (&file, FILE_MAX + READ_BYTES);
    emp_yaml_t *tree = NULL;
    const emp_yaml_node_t *root = NULL;
    emp_status_t status = read_file (diag, &file);
    char *directory = status ? NULL : directory_of (diag->path);
    if (!status)
        status = check_text (diag, &file);
    if (!status)
        status = directory ? emp_yaml_parse (diag, &tree, &root) : EMP_NOMEM;
    if (!status) {
        emp_jobread_t self = {config, tree, diag, directory, modules_dir};
        read_root (&self, root);
        status = diag->errors ? EMP_INVALID : EMP_OK;
    }
    if (status == EMP_NOMEM && diag->errors == 0) /* while its text is there: an error shows a line of it */
        emp_diag_error (diag, 0, "%s", emp_status_text (EMP_NOMEM));
    emp_yaml_destroy (&tree);
    emp_buf_release (&file);
    free (directory);
    return status;
}

emp_status_t emp_jobfile_load (emp_config_t *config, const char *path, const char *modules_dir, FILE *messages)
{
    emp_diag_t diag;
    emp_diag_init (&diag, path, messages);
    emp_status_t status = load (config, &diag, modules_dir);
    if (status)
        snprintf (config->error, sizeof config->error, "%s", diag.first);
    return status;
}
