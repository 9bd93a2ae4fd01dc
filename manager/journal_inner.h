/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_inner.h - what the files of a journal know of it (journal_open.c, journal_rewrite.c, journal_write.c, journal_file.c,
 * journal.c), and spool.c of its tools; nobody else includes it.
 */
#ifndef EMP_JOURNAL_INNER_H
#define EMP_JOURNAL_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "journal.h"
#include "journal_index.h"
#include "journal_read.h"

/* A feed of this run. */
typedef struct {
    bool begun;
    uint32_t id;
    uint64_t first;           /* number of the first chunk whose hash waits to be written */
    emp_journal_bytes_t puts; /* these hashes */
} emp_journal_place_t;

/* A ticket that ends in parts: so many have been written. */
typedef struct {
    uint32_t place, parts;
    uint64_t number;
} emp_journal_open_t;

struct emp_journal {
    char *path;
    int fd;
    emp_journal_sync_t sync;
    emp_journal_system_t system;
    void (*say) (void *arg, const char *sentence);
    void *arg;
    uint64_t nonce, run, first_run;
    uint64_t end;  /* what is whole of the file, and durable */
    uint64_t past; /* where earlier runs' records end */
    bool fresh;    /* made by this run, and no ticket's end is in it */
    emp_journal_index_t index;

    pthread_mutex_t lock; /* pending, forgotten and places */
    emp_journal_bytes_t pending, spare;
    uint64_t forgotten; /* records of history that found no room in pending */
    emp_journal_place_t places[EMP_JOURNAL_FEEDS_MAX];
    size_t places_count;  /* beyond the highest that has begun */
    size_t found;         /* the place that was asked for last */
    _Atomic bool foreign; /* was said */

    emp_journal_bytes_t group; /* the collector's: ANSWER and DEAD records */
    emp_journal_bytes_t ids;   /* and the feed of each */
    emp_journal_bytes_t open;  /* emp_journal_open_t of tickets that were halved */
    pthread_mutex_t failing;   /* somebody is writing `why`; taken last */
    _Atomic bool failed;       /* it is written */
    char why[EMP_JOURNAL_WHY_MAX];
};

/* The path of a file beside the journal, which has up to 15 bytes more. */
#define EMP_JOURNAL_SIDE_MAX (EMP_JOURNAL_PATH_MAX + 16)

/* ---- journal_file.c */

/* Put a sentence in `why`, and answer the status: that one, EMP_NOMEM, EMP_SYSTEM with what and errno. */
emp_status_t emp_journal_refuse (char *why, emp_status_t status, const char *format, ...) EMP_PRINTF (3, 4);
emp_status_t emp_journal_no_memory (char *why);
emp_status_t emp_journal_broken (const emp_journal_t *self, char *why, const char *what);
/* Tells the user. */
void emp_journal_tell (const emp_journal_t *self, const char *format, ...) EMP_PRINTF (2, 3);
/* EMP_INVALID: another run has it; EMP_SYSTEM; with a sentence. */
emp_status_t emp_journal_lock (const emp_journal_t *self, char *why);
/* The file of that name is the one that is open: it may have been renamed, or another made in its place. */
bool emp_journal_is_named (const emp_journal_t *self, const char *path);
/* That a file has this name is durable too; false with errno. */
bool emp_journal_sync_folder (const emp_journal_system_t *system, const char *path);
/* The first `size` bytes of it, to be walked over. */
emp_journal_input_t emp_journal_input (emp_journal_t *self, uint64_t size);
/* EMP_SYSTEM, and why: somebody has removed the file, or cut it. */
emp_status_t emp_journal_look_after (emp_journal_t *self);
uint64_t emp_journal_random (void);
extern const emp_journal_system_t emp_journal_libc;

/* ---- journal_rewrite.c */

/* There is so much in a file of that size that no run will ask for that it is worth a rewrite. */
bool emp_journal_is_wasteful (const emp_journal_t *self, uint64_t size);
/* Writes what is of use to a new file, which takes the place of the old one, wherever a link leads to it, when it is whole. What
 * fails before changes nothing, and is told. EMP_OK; EMP_SYSTEM with a sentence: it is in its place, but not durably. */
emp_status_t emp_journal_rewrite (emp_journal_t *self, const emp_journal_record_t *header, char *why);

/* ---- journal_write.c */

/* Writes sealed bytes at an offset; false with errno. */
bool emp_journal_write (const emp_journal_system_t *system, int fd, const uint8_t *data, size_t size, uint64_t offset);
/* A record for the next group; any thread. */
void emp_journal_note (emp_journal_t *self, const emp_journal_record_t *record);

#endif
