/* SPDX-License-Identifier: BSD-3-Clause
 *
 * yamlvalue.h - a value of a YAML tree as a msgpack value.
 *
 * Plain scalars are what the core schema of YAML 1.2 says (null, true, 17, 0x11, 0o21, 1.5e3, .inf, .nan, else texts),
 * with one thing more: 50_000 is an integer, as users of the original write it. Quoted ones are texts, !!binary is
 * base64, and !!str, !!int, !!float, !!bool, !!null, !!seq and !!map say themselves; any other tag is an error here
 * (!file and !lines, of an attribute as a whole, are the job file's).
 */
#ifndef EMP_YAMLVALUE_H
#define EMP_YAMLVALUE_H

#include "../common/buf.h"
#include "yaml.h"

/* A scalar; a text borrows the node's bytes, a !!binary is the text that it is written as. False: the error, named
 * `what`, went to `diag`; so it does for lists and maps. */
bool emp_yaml_scalar (const emp_yaml_node_t *node, const char *what, emp_diag_t *diag, msgpack_object *ret_value);
/* Packs any value, aliases followed. False: the error, named `what`, went to `diag`. */
bool emp_yaml_pack (emp_yaml_t *tree, const emp_yaml_node_t *node, const char *what, emp_diag_t *diag, emp_buf_t *out);
/* What a node is, for an error: "0", "the text 'x'", "a list", "a map", into EMP_SENTENCE_MAX bytes. */
void emp_yaml_found (const emp_yaml_node_t *node, char *ret_piece);

#endif
