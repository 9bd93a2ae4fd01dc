/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jobfeed.c - the section `feed` of a job file.
 *
 * Everything that can be known before the run is checked here: files are there and readable, a CSV has its column, a
 * generator its function. A pipe or a device is not opened, since that could wait, or take bytes that the feeder needs.
 */
#include "jobread.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/control.h"
#include "modulefile.h"
#include "sentence.h"
#include "source.h"
#include "yamlvalue.h"

enum { QUEUE, HEADER_MSG, ROWS_MAX, RANGE, LINES, CSV, PROGRAM, GENERATOR, COLUMN, GENERATOR_REF, FIELDS };

static const char *const names[] = {"queue",   "header_msg", "rows_max", "range",         "lines", "csv",
                                    "program", "generator",  "column",   "generator_ref", NULL};

#define SOURCES "range, lines, csv, program, generator"

/* ---- sources --------------------------------------------------------------------------------------------------- */

static bool read_range (emp_jobread_t *self, const emp_yaml_node_t *node, emp_source_spec_t *source)
{
    static const char *const keys[] = {"start", "count", "step", NULL};
    const emp_yaml_node_t *fields[3];
    int64_t count, span, last;
    if (node->kind != EMP_YAML_MAP) {
        emp_jobread_wrong (self, node, "range", "a map {start: NUMBER, count: NUMBER, step: NUMBER}");
        return false;
    }
    source->kind = EMP_SOURCE_RANGE;
    source->step = 1;
    if (!emp_jobread_pick (self, node, "range", keys, fields) || !emp_jobread_need (self, node, fields[1], "count"))
        return false;
    if ((fields[0] && !emp_jobread_integer (self, fields[0], "start", INT64_MIN, INT64_MAX, &source->start)) ||
        !emp_jobread_integer (self, fields[1], "count", 0, INT64_MAX, &count) ||
        (fields[2] && !emp_jobread_integer (self, fields[2], "step", INT64_MIN, INT64_MAX, &source->step)))
        return false;
    source->count = (uint64_t) count;
    if (count > 0 && (__builtin_mul_overflow (count - 1, source->step, &span) ||
                      __builtin_add_overflow (source->start, span, &last))) {
        emp_diag_error (self->diag, fields[1]->offset,
                        "count: found a range whose last value does not fit 64 bits, expected a smaller count or step");
        return false;
    }
    return true;
}

/* The file is there, no directory, and may be read. */
static bool check_file (emp_jobread_t *self, const emp_yaml_node_t *node, const char *what, const char *path,
                        bool *ret_regular)
{
    struct stat stat_of;
    char piece[EMP_SENTENCE_MAX];
    const char *found = NULL;
    if (stat (path, &stat_of) < 0 || access (path, R_OK) < 0)
        found = errno == ENOENT ? "no such file" : strerror (errno);
    else if (S_ISDIR (stat_of.st_mode))
        found = "a directory";
    if (found) {
        emp_sentence_path (path, piece);
        emp_diag_error (self->diag, node->offset, "%s: %s: found %s, expected a file to read", what, piece, found);
        return false;
    }
    *ret_regular = S_ISREG (stat_of.st_mode);
    return true;
}

static bool read_lines (emp_jobread_t *self, const emp_yaml_node_t *node, emp_source_spec_t *source)
{
    bool regular;
    const char *path = emp_jobread_text (self, node, "lines");
    if (!path)
        return false;
    source->kind = EMP_SOURCE_LINES;
    bool input = strcmp (path, "-") == 0;
    source->path = input ? strdup (path) : emp_jobread_path (self, path);
    return source->path && (input || check_file (self, node, "lines", source->path, &regular));
}

static char *read_column (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    msgpack_object value = {.type = MSGPACK_OBJECT_NIL};
    if (node->kind == EMP_YAML_SCALAR && !emp_yaml_scalar (node, "column", self->diag, &value))
        return NULL;
    if (value.type == MSGPACK_OBJECT_STR && !memchr (node->text, '\0', node->size))
        return strdup (node->text);
    if (value.type == MSGPACK_OBJECT_POSITIVE_INTEGER && value.via.u64 > 0) {
        char number[32];
        snprintf (number, sizeof number, "%" PRIu64, value.via.u64);
        return strdup (number);
    }
    emp_jobread_wrong (self, node, "column", "the name of a column, or its number from 1");
    return NULL;
}

static bool read_csv (emp_jobread_t *self, const emp_yaml_node_t *node, const emp_yaml_node_t *column,
                      emp_source_spec_t *source)
{
    char error[EMP_TEXT_MAX + 1];
    emp_source_t *opened = NULL;
    bool regular;
    const char *path = emp_jobread_text (self, node, "csv");
    if (!path)
        return false;
    source->kind = EMP_SOURCE_CSV;
    source->path = emp_jobread_path (self, path);
    source->column = read_column (self, column);
    if (!source->path || !source->column || !check_file (self, node, "csv", source->path, &regular))
        return false;
    if (!regular)
        return true;
    emp_status_t status = emp_source_open (source, self->config, &opened, error);
    if (status)
        emp_diag_error (self->diag, status == EMP_UNKNOWN ? column->offset : node->offset, "%s: %s",
                        status == EMP_UNKNOWN ? "column" : "csv", error);
    emp_source_close (&opened);
    return !status;
}

/* An argument is taken as it is written, so that [seq, 1, 100] needs no quotes. */
static bool add_argument (emp_jobread_t *self, const emp_yaml_node_t *given, char **argv, size_t i)
{
    const emp_yaml_node_t *node = emp_jobread_real (self, given);
    if (!node)
        return false;
    if (node->kind != EMP_YAML_SCALAR || memchr (node->text, '\0', node->size) || (i == 0 && node->size == 0)) {
        emp_jobread_wrong (self, node, "program", "texts: the program and its arguments");
        return false;
    }
    argv[i] = strdup (node->text);
    return argv[i] != NULL;
}

static bool is_program (const char *path)
{
    struct stat stat_of;
    return stat (path, &stat_of) == 0 && S_ISREG (stat_of.st_mode) && access (path, X_OK) == 0;
}

/* Where the run will look for it: with a slash relative to the job file, else along PATH. */
static bool find_program (const emp_jobread_t *self, const char *name)
{
    if (strchr (name, '/')) {
        char *path = emp_jobread_path (self, name);
        bool found = path && is_program (path);
        free (path);
        return found;
    }
    const char *folders = getenv ("PATH");
    for (const char *at = folders ? folders : "/bin:/usr/bin"; at;) {
        const char *end = strchr (at, ':');
        char path[PATH_MAX];
        int size = (int) (end ? end - at : (ptrdiff_t) strlen (at));
        int made = snprintf (path, sizeof path, "%.*s/%s", size, size ? at : ".", name);
        if (made > 0 && made < PATH_MAX && is_program (path))
            return true;
        at = end ? end + 1 : NULL;
    }
    return false;
}

static bool read_program (emp_jobread_t *self, const emp_yaml_node_t *node, emp_source_spec_t *source)
{
    size_t count = 0;
    source->kind = EMP_SOURCE_PROGRAM;
    source->directory = strdup (self->directory);
    if (node->kind == EMP_YAML_SCALAR) {
        const char *line = emp_jobread_text (self, node, "program");
        source->argv = line ? calloc (4, sizeof *source->argv) : NULL;
        return source->argv && source->directory && (source->argv[0] = strdup ("/bin/sh")) &&
               (source->argv[1] = strdup ("-c")) && (source->argv[2] = strdup (line));
    }
    if (node->kind != EMP_YAML_LIST || !node->first) {
        emp_jobread_wrong (self, node, "program", "a list of the program and its arguments, or a text for /bin/sh");
        return false;
    }
    for (const emp_yaml_node_t *item = node->first; item; item = item->next)
        count++;
    source->argv = calloc (count + 1, sizeof *source->argv);
    count = 0;
    for (const emp_yaml_node_t *item = node->first; item && source->argv; item = item->next)
        if (!add_argument (self, item, source->argv, count++))
            return false;
    if (source->argv && !find_program (self, source->argv[0])) {
        emp_jobread_wrong (self, node->first, "program", "a program that can be run, by path or along PATH");
        return false;
    }
    return source->argv && source->directory;
}

static bool read_generator (emp_jobread_t *self, const emp_yaml_node_t *node, const emp_yaml_node_t *ref_node,
                            emp_source_spec_t *source)
{
    char error[EMP_MODULEFILE_ERROR_MAX];
    const char *name = emp_jobread_text (self, node, "generator");
    const char *ref = emp_jobread_text (self, ref_node, "generator_ref");
    if (!name || !ref)
        return false;
    source->kind = EMP_SOURCE_GENERATOR;
    source->ref = strdup (ref);
    emp_status_t status = emp_modulefile_find (name, self->directory, self->modules_dir, &source->path, error);
    if (!status)
        status = emp_modulefile_check (source->path, ref, error);
    if (status == EMP_UNKNOWN)
        emp_diag_error (self->diag, ref_node->offset, "generator_ref: %s", error);
    else if (status)
        emp_diag_error (self->diag, node->offset, "generator: %s", error);
    return !status && source->ref;
}

/* Exactly one source, and the keys that belong to it. */
static bool check_source_keys (emp_jobread_t *self, const emp_yaml_node_t *node, const emp_yaml_node_t **fields)
{
    const emp_yaml_node_t *first = NULL;
    for (size_t i = RANGE; i <= GENERATOR; i++) {
        if (fields[i] && first) {
            emp_diag_error (self->diag, fields[i]->offset, "feed: found a second source, %s, expected one of " SOURCES,
                            names[i]);
            return false;
        }
        first = fields[i] ? fields[i] : first;
    }
    if (!first)
        emp_diag_error (self->diag, node->offset, "feed: found no source, expected one of " SOURCES);
    else if (fields[COLUMN] && !fields[CSV])
        emp_diag_error (self->diag, fields[COLUMN]->offset,
                        "feed: found a column without a csv, expected both or neither");
    else if (fields[GENERATOR_REF] && !fields[GENERATOR])
        emp_diag_error (self->diag, fields[GENERATOR_REF]->offset,
                        "feed: found a generator_ref without a generator, expected both or neither");
    else
        return (!fields[CSV] || emp_jobread_need (self, node, fields[COLUMN], "column")) &&
               (!fields[GENERATOR] || emp_jobread_need (self, node, fields[GENERATOR_REF], "generator_ref"));
    return false;
}

static bool read_source (emp_jobread_t *self, const emp_yaml_node_t *node, const emp_yaml_node_t **fields,
                         emp_source_spec_t *source)
{
    if (!check_source_keys (self, node, fields))
        return false;
    if (fields[RANGE])
        return read_range (self, fields[RANGE], source);
    if (fields[LINES])
        return read_lines (self, fields[LINES], source);
    if (fields[CSV])
        return read_csv (self, fields[CSV], fields[COLUMN], source);
    if (fields[PROGRAM])
        return read_program (self, fields[PROGRAM], source);
    return read_generator (self, fields[GENERATOR], fields[GENERATOR_REF], source);
}

/* ---- feeds ----------------------------------------------------------------------------------------------------- */

/* A full name, or {category, name}. */
static bool read_queue (emp_jobread_t *self, const emp_yaml_node_t *node, char **ret_name)
{
    static const char *const keys[] = {"category", "name", NULL};
    const emp_yaml_node_t *fields[2];
    char full[EMP_NAME_MAX + 1];
    const char *name;
    if (node->kind != EMP_YAML_MAP) {
        name = emp_jobread_text (self, node, "queue");
        *ret_name = name ? strdup (name) : NULL;
        return *ret_name != NULL;
    }
    if (!emp_jobread_pick (self, node, "queue", keys, fields) ||
        !emp_jobread_need (self, node, fields[0], "category") || !emp_jobread_need (self, node, fields[1], "name"))
        return false;
    const char *category = emp_jobread_text (self, fields[0], "category");
    name = emp_jobread_text (self, fields[1], "name");
    if (!category || !name)
        return false;
    if (emp_name_join (category, name, full)) {
        emp_jobread_wrong (self, node, "queue", "a category and a name of printable UTF-8 without ; and |");
        return false;
    }
    *ret_name = strdup (full);
    return *ret_name != NULL;
}

static bool read_fields (emp_jobread_t *self, const emp_yaml_node_t *node, const emp_yaml_node_t **fields,
                         emp_feed_decl_t *feed)
{
    int64_t rows = 0;
    bool good = true;
    if (fields[QUEUE])
        good = read_queue (self, fields[QUEUE], &feed->queue);
    if (fields[HEADER_MSG]) {
        const char *text = emp_jobread_text (self, fields[HEADER_MSG], "header_msg");
        feed->header_msg = text ? strdup (text) : NULL;
        good = feed->header_msg && good;
    }
    if (fields[ROWS_MAX])
        good = emp_jobread_integer (self, fields[ROWS_MAX], "rows_max", 1, EMP_ROWS_MAX_LIMIT, &rows) && good;
    feed->rows_max = (uint32_t) rows;
    return read_source (self, node, fields, &feed->source) && good;
}

static void read_feed (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    const emp_yaml_node_t *fields[FIELDS];
    emp_feed_decl_t feed = {0};
    if (node->kind != EMP_YAML_MAP) {
        emp_jobread_wrong (self, node, "feed", "a map {queue: NAME, SOURCE: …} with one source of " SOURCES);
        return;
    }
    unsigned errors = self->diag->errors;
    bool good = emp_jobread_pick (self, node, "feed", names, fields) && read_fields (self, node, fields, &feed);
    if (good) {
        emp_status_t status = emp_config_feed (self->config, &feed);
        const emp_yaml_node_t *place = status == EMP_UNKNOWN   ? fields[QUEUE]
                                       : status == EMP_REFUSED ? fields[QUEUE]
                                       : status == EMP_INVALID ? fields[HEADER_MSG]
                                       : status == EMP_EXISTS  ? fields[LINES]
                                                               : NULL;
        if (status)
            emp_diag_error (self->diag, place ? place->offset : node->offset, "%s", self->config->error);
    } else if (self->diag->errors == errors) /* the one failure that says nothing itself */
        emp_diag_error (self->diag, node->offset, "%s", emp_status_text (EMP_NOMEM));
    emp_feed_decl_release (&feed);
}

void emp_jobread_feeds (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    if (node->kind != EMP_YAML_LIST) {
        emp_jobread_wrong (self, node, "feed", "a list of {queue: NAME, SOURCE: …}");
        return;
    }
    for (const emp_yaml_node_t *item = node->first; item && !emp_diag_is_full (self->diag); item = item->next) {
        const emp_yaml_node_t *feed = emp_jobread_real (self, item);
        if (feed)
            read_feed (self, feed);
    }
}
