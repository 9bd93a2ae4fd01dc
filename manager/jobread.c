/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jobread.c - how a field is taken out of a map of a job file with its type checked.
 */
#include "jobread.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sentence.h"
#include "yamlvalue.h"

const emp_yaml_node_t *emp_jobread_real (emp_jobread_t *self, const emp_yaml_node_t *node)
{
    const emp_yaml_node_t *real = emp_yaml_resolve (self->tree, node);
    if (!real)
        emp_diag_error (self->diag, node->offset, "found aliases that are followed more than %d times, expected fewer",
                        EMP_YAML_ALIASES_MAX);
    return real;
}

void emp_jobread_wrong (emp_jobread_t *self, const emp_yaml_node_t *node, const char *what, const char *expected)
{
    char found[EMP_SENTENCE_MAX];
    emp_yaml_found (node, found);
    emp_diag_error (self->diag, node->offset, "%s: found %s, expected %s", what, found, expected);
}

static bool take_field (emp_jobread_t *self, const emp_yaml_node_t *value, const char *what, const char *const *names,
                        const emp_yaml_node_t **fields)
{
    for (size_t i = 0; names[i]; i++)
        if (emp_yaml_is (value->key, names[i])) {
            fields[i] = value;
            return true;
        }
    char found[EMP_SENTENCE_MAX], nearest[EMP_SENTENCE_MAX], expected[EMP_SENTENCE_MAX] = "";
    size_t size = 0;
    for (size_t i = 0; names[i] && size < sizeof expected - 64; i++)
        size += (size_t) snprintf (expected + size, sizeof expected - size, "%s%s", i ? ", " : "", names[i]);
    emp_sentence_text (value->key->text, value->key->size, found);
    emp_sentence_nearest (value->key->text, names, nearest);
    emp_diag_error (self->diag, value->key->offset, "%s: found the unknown key %s, expected %s%s", what, found,
                    expected, nearest);
    return false;
}

bool emp_jobread_pick (emp_jobread_t *self, const emp_yaml_node_t *map, const char *what, const char *const *names,
                       const emp_yaml_node_t **ret_fields)
{
    const emp_yaml_node_t *fields[EMP_JOBREAD_FIELDS_MAX] = {NULL};
    bool good = true;
    for (const emp_yaml_node_t *value = map->first; value && !emp_diag_is_full (self->diag); value = value->next)
        good = take_field (self, value, what, names, fields) && good;
    for (size_t i = 0; names[i]; i++) {
        assert (i < EMP_JOBREAD_FIELDS_MAX);
        ret_fields[i] = fields[i] ? emp_jobread_real (self, fields[i]) : NULL;
        good = good && (!fields[i] || ret_fields[i]);
    }
    return good;
}

bool emp_jobread_need (emp_jobread_t *self, const emp_yaml_node_t *map, const emp_yaml_node_t *field, const char *what)
{
    if (!field)
        emp_diag_error (self->diag, map->offset, "found no %s, expected one", what);
    return field != NULL;
}

const char *emp_jobread_text (emp_jobread_t *self, const emp_yaml_node_t *node, const char *what)
{
    msgpack_object value;
    if (node->kind != EMP_YAML_SCALAR) {
        emp_jobread_wrong (self, node, what, "a text");
        return NULL;
    }
    if (!emp_yaml_scalar (node, what, self->diag, &value))
        return NULL;
    if (value.type == MSGPACK_OBJECT_STR && node->size > 0 && !memchr (node->text, '\0', node->size))
        return node->text;
    emp_jobread_wrong (self, node, what,
                       value.type == MSGPACK_OBJECT_STR ? "a text of one byte or more without NUL bytes"
                                                        : "a text (in quotes where it looks like a number)");
    return NULL;
}

bool emp_jobread_integer (emp_jobread_t *self, const emp_yaml_node_t *node, const char *what, int64_t min, int64_t max,
                          int64_t *ret_value)
{
    char expected[EMP_SENTENCE_MAX];
    msgpack_object value = {.type = MSGPACK_OBJECT_NIL};
    if (node->kind == EMP_YAML_SCALAR && !emp_yaml_scalar (node, what, self->diag, &value))
        return false;
    int64_t number = value.via.i64; /* the same bits for either sign */
    bool fits = (value.type == MSGPACK_OBJECT_POSITIVE_INTEGER && value.via.u64 <= INT64_MAX) ||
                value.type == MSGPACK_OBJECT_NEGATIVE_INTEGER;
    if (fits && number >= min && number <= max) {
        *ret_value = number;
        return true;
    }
    snprintf (expected, sizeof expected, "an integer from %" PRId64 " to %" PRId64, min, max);
    emp_jobread_wrong (self, node, what, expected);
    return false;
}

char *emp_jobread_path (const emp_jobread_t *self, const char *path)
{
    char *joined = NULL;
    if (*path == '/')
        return strdup (path);
    return asprintf (&joined, "%s/%s", self->directory, path) < 0 ? NULL : joined;
}
