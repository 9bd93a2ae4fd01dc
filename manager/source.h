/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source.h - where rows come from: an integer range, the lines of a file, a CSV column, a program's output, or a
 * generator function. A chunk of rows at a time, constant memory whatever the length of the whole.
 */
#ifndef EMP_SOURCE_H
#define EMP_SOURCE_H

#include "config.h"
#include "spool.h"

typedef struct emp_source emp_source_t;

/* Opens a source; nothing is read yet but the first line of a CSV that is a regular file (of a pipe: by the first
 * next). A program is started. EMP_INVALID/EMP_SYSTEM/EMP_TOOBIG with a sentence in `ret_error` (EMP_TEXT_MAX + 1
 * bytes): path, what was found, what was expected; EMP_UNKNOWN: the column, with the nearest one. `config` (may be
 * NULL) is borrowed for emp_generator_config, until close. */
emp_status_t emp_source_open (const emp_source_spec_t *spec, const emp_config_t *config, emp_source_t **ret_self,
                              char *ret_error);
/* True when its input is none that could be read a second time: a pipe, a terminal. A program and a generator are run again. */
bool emp_source_needs_spool (const emp_source_spec_t *spec);
/* The same as open, of an input that is kept in a spool, which it takes on EMP_OK. One that is complete is read instead of the
 * input. rows may then answer EMP_STALE: the input is not what it was before. */
emp_status_t emp_source_open_spooled (const emp_source_spec_t *spec, const emp_config_t *config, emp_spool_t **spool_p,
                                      emp_source_t **ret_self, char *ret_error);
/* A source around a generator function of the manager's program. */
emp_status_t emp_source_of_generator (emp_generator_fn *fn, void *arg, const emp_config_t *config,
                                      emp_source_t **ret_self);
/* Packs up to `max` rows into `chunk` (appends) and says how many. EMP_OK; EMP_STOPPED: no more rows, or cancelled; else
 * it failed (emp_source_error): EMP_TOOBIG a line over EMP_SOURCE_LINE_MAX or a full `chunk`, EMP_SYSTEM a read error or
 * a program that exited non-zero, EMP_REFUSED a generator that said fail, EMP_MALFORMED one that packed anything but
 * exactly one value, or a CSV whose last quote is open. Rows that came before are counted and stay good; of the one that
 * failed nothing is left. The first answer that is not EMP_OK is the last: it comes again.
 *   lines: without the \n; a \r stays; a last line without \n counts. Bytes are taken as they are, not as UTF-8.
 *   csv: RFC 4180; a row with too few cells gives an empty text; an empty line gives no row, but in a file of one
 *        column, where it is an empty cell. */
emp_status_t emp_source_rows (emp_source_t *self, uint32_t max, emp_buf_t *chunk, uint32_t *ret_rows);
const char *emp_source_error (const emp_source_t *self);
/* The run was refused for its input: see emp_spool_take_back. NULL too when there is no spool. Behind the last call of rows. */
const char *emp_source_take_back (emp_source_t *self);
/* Ends early too: a program is told SIGTERM (its process group), and killed when it is still there after a second. */
void emp_source_close (emp_source_t **self);
/* From any thread: makes a next () that waits for input return EMP_STOPPED soon. */
void emp_source_cancel (emp_source_t *self);

#define EMP_SOURCE_LINE_MAX (16u * 1024 * 1024)

#endif
