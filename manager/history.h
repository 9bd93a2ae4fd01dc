/* SPDX-License-Identifier: BSD-3-Clause
 *
 * history.h - who has worked in this run, and what became of attempts that were no answers.
 *
 * Workers have a number, 1…; it is made when their session is first heard of, by JOINED or by a result, whichever comes first:
 * the two come by different sockets. At most EMP_HISTORY_WORKERS_MAX sessions: those behind them have no number, and what they
 * answer says 0, "a worker that is not known". A slot whose worker is started anew is another one.
 * Attempts: the first EMP_HISTORY_ATTEMPTS_MAX, with reasons of EMP_HISTORY_TEXT_MAX bytes together; those behind them are
 * counted. An attempt that was an answer is in the dictionary, not here.
 * Cost: O(1) a session that is the last one again, else a hash; 230 bytes a worker, 80 and its reason an attempt. A lock of its
 * own: told by the session's thread and the collector, read by any.
 */
#ifndef EMP_HISTORY_H
#define EMP_HISTORY_H

#include "../common/control.h"

#define EMP_HISTORY_WORKERS_MAX 65535u
#define EMP_HISTORY_ATTEMPTS_MAX 100000u
#define EMP_HISTORY_REASON_MAX 1000u             /* bytes of one reason */
#define EMP_HISTORY_TEXT_MAX (32u * 1024 * 1024) /* bytes of all of them; an attempt behind that has none */

typedef struct emp_history emp_history_t;

typedef struct {
    uint64_t session;
    uint32_t pid;
    char name[EMP_LABEL_MAX + 1]; /* "": it has not joined, as far as is known */
    char host[EMP_HOST_MAX + 1];
} emp_worker_t;

typedef struct {
    uint32_t feed; /* the broker's id */
    uint32_t attempt;
    uint64_t number;
    uint32_t from, rows; /* of the chunk: those that it was about */
    uint32_t worker;
    emp_attempt_end_t ended;
    emp_how_t how;
    uint32_t code;
    uint64_t at;        /* milliseconds since 1970 */
    const char *reason; /* "" when there is none. Lives as long as the history */
} emp_try_t;

emp_history_t *emp_history_new (void); /* NULL when out of memory */
void emp_history_destroy (emp_history_t **self);

/* The worker's number; 0 when the table is full, or memory is, or for session 0. */
uint32_t emp_history_worker (emp_history_t *self, uint64_t session);
void emp_history_joined (emp_history_t *self, uint64_t session, const char *name, const char *host, uint32_t pid);
/* All zero and "" for 0 and for numbers that there are not. */
void emp_history_worker_at (emp_history_t *self, uint32_t worker, emp_worker_t *ret_worker);
uint32_t emp_history_workers (emp_history_t *self);

/* An ATTEMPT, heard at that time. */
void emp_history_attempt (emp_history_t *self, const emp_control_t *message, uint64_t at);
/* The i-th in order of arrival; false behind the last that is kept. */
bool emp_history_attempt_at (emp_history_t *self, uint64_t i, emp_try_t *ret_try);
/* How many there were, and how many of them were not kept. */
uint64_t emp_history_attempts (emp_history_t *self, uint64_t *ret_more);

/* "failed", "refused"…: the word of such an end, for tables and programs; "?" when there is none. */
const char *emp_history_end_word (emp_attempt_end_t ended);

#endif
