/* SPDX-License-Identifier: BSD-3-Clause
 *
 * output.h - the file of RESULTS_FILE (`eisenmp run --results FILE`): out.db, out.jsonl or out.csv, by its ending.
 *
 *   .db     SQLite: the dictionary's own file (results_file.h), with views for people
 *   .jsonl, .csv   a line a result, as lines.h has them, in order of arrival
 * Invariant: FILE is what it was until the new one is whole. That is written under FILE.eisenmp-part, which is there from before the
 * run on, so what cannot be written is known before any work is done; a lock keeps two runs apart.
 * Streams: memory for one ticket.
 */
#ifndef EMP_OUTPUT_H
#define EMP_OUTPUT_H

#include "results.h"

#define EMP_OUTPUT_WHY_MAX 9000 /* a sentence with a path or two in it, its NUL included */
#define EMP_OUTPUT_PART ".eisenmp-part"
#define EMP_OUTPUT_EXPECTED "a name that ends in .db, .jsonl or .csv"

typedef struct emp_output emp_output_t;

/* True when the name has one of the three endings. */
bool emp_output_is_name (const char *path);
/* Makes the part. EMP_INVALID: another ending, no such folder, no plain file, not writable, another run writes it; EMP_NOMEM. The
 * sentence is in ret_why. */
emp_status_t emp_output_open (const char *path, emp_output_t **ret_self, char ret_why[EMP_OUTPUT_WHY_MAX]);
/* Removes the part, if it has not become the file. A database must be closed by then. */
void emp_output_destroy (emp_output_t **self);
/* Where a dictionary that grows beyond memory shall go: a folder, and the part's path when the file is a database. For
 * emp_results_overflow. */
const char *emp_output_folder (const emp_output_t *self);
const char *emp_output_database (const emp_output_t *self);
/* Writes what there is and replaces the file. EMP_SYSTEM, EMP_NOMEM with a sentence; the old file then stays. */
emp_status_t emp_output_write (emp_output_t *self, emp_results_t *results, char ret_why[EMP_OUTPUT_WHY_MAX]);

#endif
