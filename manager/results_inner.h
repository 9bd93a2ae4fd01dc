/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results_inner.h - what results.c and results_read.c know of the dictionary; nobody else includes it.
 *
 * Invariants: a ticket is in its feed's set if and only if it was counted as answered, dead or partly; all entries are in `memory`, or
 * all in `file`. The stores belong to the one thread that takes, and to readers once it is done, so no lock is held while a
 * file is written: `lock` is for feeds, keys and counts.
 */
#ifndef EMP_RESULTS_INNER_H
#define EMP_RESULTS_INNER_H

#include <pthread.h>

#include "halves.h"
#include "results.h"
#include "results_file.h"
#include "results_memory.h"
#include "seen.h"

#define EMP_NO_ENTRY UINT64_MAX

typedef struct {
    char label[EMP_LABEL_MAX + 1];
    bool arrived;
    uint64_t first, last; /* its answered entries in memory lie between these; EMP_NO_ENTRY: it has none there */
} emp_dict_key_t;

typedef struct {
    uint32_t id;
    uint32_t key; /* place in keys */
    char queue[EMP_NAME_MAX + 1];
    bool ended;
    bool workers;           /* opened by a worker */
    uint64_t tickets, rows; /* once it has ended */
    uint32_t rows_each;     /* 0: they differ */
    uint64_t answered, dead, partly, rows_answered, rows_dead;
    emp_seen_t seen; /* numbers of the tickets that have ended */
} emp_dict_feed_t;

struct emp_results {
    pthread_mutex_t lock;
    bool store;
    size_t room;            /* of the five tables here */
    emp_dict_feed_t *feeds; /* in the order in which they began */
    uint32_t *by_id;        /* places in feeds, sorted by id */
    size_t feeds_count;
    size_t found;         /* place of the feed that was found last */
    emp_dict_key_t *keys; /* in the order in which they were first named */
    uint32_t *by_label;   /* places in keys, sorted by label */
    size_t keys_count;
    uint32_t *arrived; /* places in keys, in order of their first answer */
    size_t arrived_count;
    emp_memory_t *memory;
    emp_file_t *file;       /* NULL: all is in memory */
    char *path;             /* of the file; NULL: a scratch file */
    char *folder;           /* of the scratch file, or NULL */
    emp_halves_t halves;    /* tickets that have ended in part; by place of feed */
    emp_history_t *history; /* or NULL */
    uint64_t session;       /* that was asked for last, and its number there; the taker's */
    uint32_t worker;
    uint64_t now; /* the taker's */
    bool full;    /* nothing more is kept */
    char why[EMP_FILE_WHY_MAX];
    uint64_t *by_ticket; /* answered entries in memory in order of key, number, arrival; made when first asked for */
    uint64_t by_ticket_count;
    emp_results_counts_t counts;
};

/* Places of a feed, by its id, and of its key; UINT32_MAX each: it is not known. Under no lock: when all is taken. */
void emp_results_place (emp_results_t *self, uint32_t id, uint32_t *ret_feed, uint32_t *ret_key);
/* Moves everything to the file. When that fails it stays where it is, and nothing more is kept. */
void emp_results_move (emp_results_t *self);

#endif
