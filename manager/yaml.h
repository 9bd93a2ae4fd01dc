/* SPDX-License-Identifier: BSD-3-Clause
 *
 * yaml.h - a YAML text as a tree in which every value knows its place. The only room that knows libfyaml.
 *
 * Invariant: the tree is finite and whole: an alias points to a value that was complete before it, keys of a map are
 * scalars and stand once.
 * Bounds: EMP_YAML_NODES_MAX values, EMP_YAML_DEPTH_MAX levels, EMP_YAML_ALIASES_MAX anchors, aliases, and steps
 * through aliases when the tree is walked; the text's own bound is the caller's.
 * Cost: O(n log n) in time, about 80 bytes a value, all given back at once.
 */
#ifndef EMP_YAML_H
#define EMP_YAML_H

#include "diag.h"

#define EMP_YAML_NODES_MAX 1000000
#define EMP_YAML_DEPTH_MAX 64
#define EMP_YAML_ALIASES_MAX 1000

typedef enum { EMP_YAML_SCALAR, EMP_YAML_LIST, EMP_YAML_MAP, EMP_YAML_ALIAS } emp_yaml_kind_t;

typedef struct emp_yaml_node emp_yaml_node_t;
struct emp_yaml_node {
    emp_yaml_kind_t kind;
    bool plain;       /* a scalar without quotes: may be a number, a boolean or null */
    bool open;        /* a list or map whose end was not read yet */
    uint32_t offset;  /* its place in the text */
    const char *text; /* of a scalar, NUL behind it; may hold NULs */
    size_t size;
    const char *tag;            /* "tag:yaml.org,2002:binary", "!mine", or NULL */
    const emp_yaml_node_t *key; /* of a value in a map */
    emp_yaml_node_t *first;     /* of a list or map: its first value; of an alias: its target */
    emp_yaml_node_t *next;      /* the next value of the same list or map */
};

typedef struct emp_yaml emp_yaml_t;

/* Parses the text of `diag`, one document. EMP_OK, with *ret_root NULL when it holds nothing at all; EMP_INVALID when
 * errors went to `diag`; EMP_NOMEM. */
emp_status_t emp_yaml_parse (emp_diag_t *diag, emp_yaml_t **ret_self, const emp_yaml_node_t **ret_root);
void emp_yaml_destroy (emp_yaml_t **self);
/* The value itself, or the one that an alias stands for; NULL when that was done EMP_YAML_ALIASES_MAX times. */
const emp_yaml_node_t *emp_yaml_resolve (emp_yaml_t *self, const emp_yaml_node_t *node);
bool emp_yaml_is (const emp_yaml_node_t *node, const char *text);

#endif
