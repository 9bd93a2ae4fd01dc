/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jobread.h - what the sections of a job file share: the reading under way, and how a field is taken out of a map
 * with its type checked. For jobfile.c and jobfeed.c only.
 *
 * A helper that returns false or NULL has written its error; the reading goes on with the next value.
 */
#ifndef EMP_JOBREAD_H
#define EMP_JOBREAD_H

#include "config.h"
#include "yaml.h"

#define EMP_JOBREAD_FIELDS_MAX 12

typedef struct {
    emp_config_t *config;
    emp_yaml_t *tree;
    emp_diag_t *diag;
    const char *directory; /* the job file's, absolute */
    const char *modules_dir;
} emp_jobread_t;

/* The value, or what an alias stands for; NULL: too many aliases. */
const emp_yaml_node_t *emp_jobread_real (emp_jobread_t *self, const emp_yaml_node_t *node);
/* "what: found X, expected Y" at `node`. */
void emp_jobread_wrong (emp_jobread_t *self, const emp_yaml_node_t *node, const char *what, const char *expected);
/* Picks the fields of a map by name into ret_fields, in the order of `names` (NULL terminated, at most
 * EMP_JOBREAD_FIELDS_MAX); NULL for one that is not there. An unknown key is an error that names the nearest. */
bool emp_jobread_pick (emp_jobread_t *self, const emp_yaml_node_t *map, const char *what, const char *const *names,
                       const emp_yaml_node_t **ret_fields);
/* The field is there: else the error stands at the map. */
bool emp_jobread_need (emp_jobread_t *self, const emp_yaml_node_t *map, const emp_yaml_node_t *field, const char *what);
/* A text of one byte or more without NULs; borrowed. */
const char *emp_jobread_text (emp_jobread_t *self, const emp_yaml_node_t *node, const char *what);
bool emp_jobread_integer (emp_jobread_t *self, const emp_yaml_node_t *node, const char *what, int64_t min, int64_t max,
                          int64_t *ret_value);
/* The file or folder at a path relative to the job file; the caller's. */
char *emp_jobread_path (const emp_jobread_t *self, const char *path);

/* The section `feed`. */
void emp_jobread_feeds (emp_jobread_t *self, const emp_yaml_node_t *node);

#endif
