/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal.h - what was answered, kept in a file, so that a run that was killed goes on where it was (JOURNAL, RESUME).
 *
 * An append-only file of records with sums (journal_form.h). Invariant: what emp_journal_commit said EMP_OK of is in the file, in
 * the sense of JOURNAL_SYNC, together with the hash of every chunk that was made before; so whatever is read back later either
 * is an answer to the very chunk that is made again, or its ticket runs again.
 * Cost: some 80 bytes and the result a ticket; one write and one fdatasync a group. Memory: a group, and when a run is resumed
 * 8 bytes a ticket that was made (journal_index.h). While no ticket ends, history waits in up to 16 MiB; more is counted and said.
 * Threads: open, replay, close by one at a time while no other is at work; add, commit, each by the collector; check and
 * end by each feeder for its own place; the others by any.
 */
#ifndef EMP_JOURNAL_H
#define EMP_JOURNAL_H

#include <sys/types.h>

#include "journal_form.h"
#include "journal_sync.h"

#define EMP_JOURNAL_WHY_MAX 2048
#define EMP_JOURNAL_PATH_MAX                                                                                           \
    4080 /* bytes of its name; that of the files beside it is longer, and the kernel takes 4095 */

typedef struct emp_journal emp_journal_t;

/* What may fail, as libc has it; tests put their own there. */
typedef struct {
    ssize_t (*write) (int fd, const void *data, size_t size, off_t offset);
    int (*sync) (int fd);
    void *(*grow) (void *old, size_t size);
} emp_journal_system_t;

typedef struct {
    const char *label, *queue;
    uint32_t rows_max;
} emp_journal_decl_t;

typedef struct {
    const char *path;
    emp_journal_sync_t sync;
    bool resume;
    uint32_t rows_max;
    const emp_journal_decl_t *feeds; /* of the job file; a program's own come later, each by emp_journal_feed */
    size_t feeds_count;
    void (*say) (void *arg, const char *sentence); /* for the user: what was cut, what was damaged */
    void *arg;
    const emp_journal_system_t *system; /* NULL: libc's */
} emp_journal_config_t;

/* Makes the file, or, when the run is resumed, reads it, cuts a torn tail, puts damaged records aside. EMP_INVALID: the file is not
 * what this run can go on with (or is there, and the run is none that is resumed), EMP_SYSTEM, EMP_NOMEM; with a sentence. */
emp_status_t emp_journal_open (const emp_journal_config_t *config, emp_journal_t **ret_self,
                               char ret_why[EMP_JOURNAL_WHY_MAX]);
/* A feed begins, whose id at the broker is this. EMP_INVALID: the journal's feed of that place is another; with a sentence. */
emp_status_t emp_journal_feed (emp_journal_t *self, uint32_t place, uint32_t id, const emp_journal_decl_t *feed,
                               char ret_why[EMP_JOURNAL_WHY_MAX]);
/* True when each ticket of the feed has been answered and its end was seen: its input need not be read. */
bool emp_journal_is_whole (const emp_journal_t *self, uint32_t place, uint64_t *ret_tickets, uint64_t *ret_rows);
/* How many chunks of the feed earlier runs have made: input that has made as many again is the input of before. */
uint64_t emp_journal_known (const emp_journal_t *self, uint32_t place);
/* Tickets and rows that a feed has at the least, as earlier runs made it: all of them when its end was seen, else chunks of ROWS_MAX. */
void emp_journal_made (const emp_journal_t *self, uint32_t place, uint64_t *ret_tickets, uint64_t *ret_rows);

/* What is to be done with a chunk that was made: it runs, its ticket was answered, or it is not the one that was made before. */
typedef enum { EMP_JOURNAL_RUNS, EMP_JOURNAL_SKIPS, EMP_JOURNAL_DIFFERS } emp_journal_check_t;
emp_journal_check_t emp_journal_check (emp_journal_t *self, uint32_t place, uint64_t number, uint64_t hash);
/* The feed's input has ended. False: there were more tickets before, *ret_number is the first of those. */
bool emp_journal_feed_end (emp_journal_t *self, uint32_t place, uint64_t tickets, uint64_t rows, uint64_t *ret_number);

/* For the history; it goes with the next group. */
void emp_journal_worker (emp_journal_t *self, uint64_t session, const char *name, const char *host, uint32_t pid);
void emp_journal_attempt (emp_journal_t *self, const emp_control_t *attempt);

/* Others than feeders put on that queue, or will: no run can make their tickets again, so none can go on with this one. It is in
 * the file with the next group, before any answer to a ticket that may have brought them about. Any thread; said once. */
void emp_journal_foreign (emp_journal_t *self, const char *queue);

/* Adds the ending of some rows to the group. False: no more is taken, commit will say why. */
bool emp_journal_add (emp_journal_t *self, uint32_t feed, const char *label, const emp_part_t *part,
                      const uint8_t *payload);
size_t emp_journal_group (const emp_journal_t *self, size_t *ret_bytes);
/* Writes the group, durable as the mode says. Anything but EMP_OK: nothing of it counts, nor will anything later. */
emp_status_t emp_journal_commit (emp_journal_t *self);
typedef void (emp_journal_take_fn) (void *arg, uint32_t feed, const emp_part_t *part, const uint8_t *payload);
/* Gives back what commit has made durable, and empties the group. */
void emp_journal_each (emp_journal_t *self, emp_journal_take_fn *take, void *arg);
/* Why commit failed; "" when it did not. */
const char *emp_journal_why (const emp_journal_t *self);

/* What earlier runs tell of tickets of the feeds first … beyond - 1, which have begun: answers that count, with the time at which
 * each came; attempts that were no answers; and of all who worked, each some time. In the order of the file. Any but `take` may be NULL.
 * EMP_SYSTEM, EMP_NOMEM. */
typedef struct {
    emp_journal_take_fn *take;
    void (*clock) (void *arg, uint64_t ms); /* before each */
    void (*worker) (void *arg, const emp_control_t *joined);
    void (*attempt) (void *arg, const emp_control_t *attempt, uint64_t ms);
    void *arg;
} emp_journal_hearer_t;
emp_status_t emp_journal_replay (emp_journal_t *self, uint32_t first, uint32_t beyond,
                                 const emp_journal_hearer_t *hearer);
/* Feeds that earlier runs had. */
uint32_t emp_journal_feeds (const emp_journal_t *self);
/* Tickets that were answered in earlier runs. */
uint64_t emp_journal_answered (const emp_journal_t *self);

/* The run has ended by itself; whole: every ticket was answered. As commit: only EMP_OK says that the file tells of it. */
emp_status_t emp_journal_close (emp_journal_t *self, bool whole);
/* The same for all runs that go on with each other. */
uint64_t emp_journal_id (const emp_journal_t *self);
/* The file stays, whatever is in it. */
void emp_journal_keep (emp_journal_t *self);
/* Takes the file away again when no ticket's end was recorded in it. */
void emp_journal_destroy (emp_journal_t **self);

#endif
