/* SPDX-License-Identifier: BSD-3-Clause
 *
 * catalogue.h - the examples that are there: every job file FOLDER/STEM.yaml of the examples folder.
 *
 * Its name is FOLDER when the stem is "job" or there is no other in the folder, else FOLDER/STEM. Folders and stems are of
 * letters, digits, '-', '_' and '.', not first; others are no examples. Order: by name, a folder's job.yaml first.
 * Not thread safe.
 */
#ifndef EMP_CATALOGUE_H
#define EMP_CATALOGUE_H

#include "../../common/eisenmp.h"

#define EMP_CATALOGUE_MAX 256         /* examples; what is beyond is not there */
#define EMP_CATALOGUE_NAME_MAX 127    /* bytes of a name */
#define EMP_CATALOGUE_READ_MAX 16384u /* bytes of a file that are read for its title */

typedef struct {
    char name[EMP_CATALOGUE_NAME_MAX + 1];
    char *job;     /* the path of its job file, as the folder was given */
    char *title;   /* title.h: of the README for a folder's main job, else of the job file; "" when neither has one */
    size_t folder; /* bytes of the name that are the folder's */
    char stem[EMP_CATALOGUE_NAME_MAX + 1];
} emp_example_t;

typedef struct {
    emp_example_t *at;
    size_t count;
} emp_catalogue_t;

/* Reads the folder. On success to be released with emp_catalogue_release; EMP_SYSTEM with errno: it cannot be read. */
emp_status_t emp_catalogue_read (emp_catalogue_t *ret_self, const char *folder);
void emp_catalogue_release (emp_catalogue_t *self);
/* By its name, or FOLDER/STEM in full; NULL when there is none. Borrowed. */
const emp_example_t *emp_catalogue_find (const emp_catalogue_t *self, const char *name);
/* The name nearest to a word, NULL when none is near. Borrowed. */
const char *emp_catalogue_nearest (const emp_catalogue_t *self, const char *word);

#endif
