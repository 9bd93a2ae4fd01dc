/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results_file.h - the ticket dictionary's entries on disk: one SQLite file, written by one thread, then read.
 *
 * Two uses. A scratch file has no name, so nothing is left of it however the process ends. The file of `--results x.db` has JSON
 * beside the packed values, and emp_file_publish makes of it what a person can query (manager/README.md).
 * Invariant: the disk has given the room for what is written before SQLite writes it, so a full disk is met between two
 * records: those before it stay whole.
 * Cost: about a microsecond and 40 bytes a record besides its values; memory EMP_FILE_CACHE bytes and one record.
 */
#ifndef EMP_RESULTS_FILE_H
#define EMP_RESULTS_FILE_H

#include "../common/eisenmp.h"
#include "history.h"
#include "results_record.h"

#define EMP_FILE_VERSION 1u /* of the tables: in `run`, as "version" */
#define EMP_FILE_CACHE (8u * 1024 * 1024)
#define EMP_FILE_WHY_MAX 4400 /* a sentence with a path in it, its NUL included */

typedef struct emp_file emp_file_t;

/* A file without a name in `folder`; NULL: in $TMPDIR, /var/tmp when that is not set. EMP_SYSTEM, EMP_NOMEM: *ret_self is NULL,
 * the sentence is in ret_why. */
emp_status_t emp_file_scratch (const char *folder, emp_file_t **ret_self, char ret_why[EMP_FILE_WHY_MAX]);
/* The empty file at `path`, with JSON. The same errors. */
emp_status_t emp_file_open (const char *path, emp_file_t **ret_self, char ret_why[EMP_FILE_WHY_MAX]);
void emp_file_destroy (emp_file_t **self);
/* The sentence of the first failure, "" when there was none. */
const char *emp_file_why (const emp_file_t *self);

/* Adds a record. Anything but EMP_OK is for good: it says the same from then on. EMP_FULL: no room on the disk; EMP_SYSTEM,
 * EMP_NOMEM. */
emp_status_t emp_file_add (emp_file_t *self, const emp_record_t *record);
uint64_t emp_file_count (const emp_file_t *self);

/* Walks. Each goes on behind a place, wherever the last call was; going on from the last record costs a step, from elsewhere a
 * search. The record is borrowed until the next call of the same function. False: there is none behind, or emp_file_why has a
 * sentence. Arrivals count from 1. */
bool emp_file_next (emp_file_t *self, uint64_t arrival, emp_record_t *ret_record);
bool emp_file_next_dead (emp_file_t *self, uint64_t *arrival, emp_record_t *ret_record);
/* Answered ones of one key, in order of arrival. */
bool emp_file_next_of_key (emp_file_t *self, uint32_t key, uint64_t *arrival, emp_record_t *ret_record);
/* The same in order of number, then of feed, then of the first row; *place is 0 before the first of a number. The first call
 * sorts. */
bool emp_file_next_ticket (emp_file_t *self, uint32_t key, uint64_t *number, uint64_t *place, emp_record_t *ret_record);

/* Makes a file with JSON whole: names of the queues, workers, attempts, missing tickets, then publish: views and index. EMP_OK
 * or what the failure came to. */
emp_status_t emp_file_add_queue (emp_file_t *self, uint32_t key, const char *label);
emp_status_t emp_file_add_worker (emp_file_t *self, uint32_t number, const emp_worker_t *worker);
/* A fact about the whole run, for its table `run`. */
emp_status_t emp_file_add_fact (emp_file_t *self, const char *what, uint64_t value);
/* `feed` and `key` are places as in a record. */
emp_status_t emp_file_add_attempt (emp_file_t *self, uint32_t feed, uint32_t key, const emp_try_t *attempt);
emp_status_t emp_file_add_missing (emp_file_t *self, uint32_t feed, uint32_t key, uint64_t number);
emp_status_t emp_file_publish (emp_file_t *self);

#endif
