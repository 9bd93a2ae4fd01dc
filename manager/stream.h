/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stream.h - results written as they come (RESULTS_STREAM, RESULTS_ORDER): lines (lines.h) to an outlet (outlet.h), as they arrive or, by
 * order.h, each feed in the order of its tickets.
 *
 * What is in the dictionary's count has its lines here; dead tickets and messages between workers have none, as in RESULTS_FILE. Lines
 * are kept back until a flush, or 64 KiB of them.
 * Invariant: what was written is a beginning of what a run without trouble writes, in whole lines, but for the tickets that ended
 * dead or never, and but for what comes behind the first of those. The first failure ends the stream, and the run is told once.
 * Memory: the lines of 64 KiB or of one ticket; of the order EMP_STREAM_WAITING.
 * One thread at a time; until is for any.
 */
#ifndef EMP_STREAM_H
#define EMP_STREAM_H

#include "results.h"

#define EMP_STREAM_WHY_MAX 9000 /* a sentence with a path or two in it, its NUL included */
#define EMP_STREAM_EXPECTED "a name that ends in .jsonl or .csv, or - for standard output"
#define EMP_STREAM_WAITING (64u * 1024 * 1024) /* bytes of what waits for its turn; beyond them it is on the disk */

typedef struct emp_stream emp_stream_t;

typedef struct {
    const char *path; /* "-" is standard output, as jsonl */
    bool ordered;
    void (*failed) (void *arg); /* once, in the thread that writes */
    void *arg;
} emp_stream_config_t;

bool emp_stream_is_name (const char *path);
/* Leaves the file as it is. EMP_INVALID: another ending, it cannot be written, another run writes it; EMP_NOMEM. The sentence is in
 * ret_why. */
emp_status_t emp_stream_open (const emp_stream_config_t *config, emp_stream_t **ret_self,
                              char ret_why[EMP_STREAM_WHY_MAX]);
void emp_stream_destroy (emp_stream_t **self);
/* True when it is written to that file. */
bool emp_stream_is (const emp_stream_t *self, const char *path);
/* Empties the file and writes what stands before the first line. The dictionary knows the labels. */
void emp_stream_begin (emp_stream_t *self, emp_results_t *results);
/* A part that the dictionary has taken, and what it said of it. */
void emp_stream_take (emp_stream_t *self, const emp_ended_t *ended, const emp_part_t *part, const uint8_t *payload);
/* No more has come for now. */
void emp_stream_flush (emp_stream_t *self);
/* No more will come: what still waits for its turn is written. */
void emp_stream_end (emp_stream_t *self);
/* It does not write behind that time of emp_now (); 0: not any more. Any thread. */
void emp_stream_until (emp_stream_t *self, uint64_t until);
/* Why not all is written; "" when it is. */
const char *emp_stream_why (const emp_stream_t *self);

#endif
