/* SPDX-License-Identifier: BSD-3-Clause
 *
 * eisenmp.h - the one public header.
 *
 * A manager cuts the output of a generator into numbered chunks (tickets), puts them on named queues, worker
 * processes pull them, and what comes back is assembled in a ticket dictionary and a printed report.
 *
 * Three readers:
 *   - who writes a worker module:     emp_toolbox_*, emp_queue_get, emp_chunk_*
 *   - who writes a manager program:   emp_new, emp_config_*, emp_queue_create, emp_start, emp_run_q_feeder, emp_wait
 *   - who writes a generator:         emp_generator_*
 *
 * Ownership: what a function named _new or a `get` returns is yours and is given back by the function that takes
 * a pointer to your pointer (emp_destroy, emp_chunk_done, emp_chunk_fail); that call sets your pointer to NULL and
 * takes NULL calmly. Everything `const` and every handle (emp_queue_t *, emp_toolbox_t *) is borrowed.
 *
 * Errors: 0 (EMP_OK) is good, everything else is an emp_status_t; emp_error () has the sentence for a person.
 * A misuse that can only be a bug of the caller is an assert.
 *
 * Threads: an emp_t may be used from any thread, one call at a time, but emp_drain (), emp_stop (), emp_proc_list () and
 * all that is done with a queue's handle, which may be called at any time from any thread, also while another is in
 * emp_wait (). A chunk belongs to the thread that got it. Two threads of a process may use two queues; on one queue
 * they take turns.
 */
#ifndef EISENMP_H
#define EISENMP_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EMP_VERSION_MAJOR 0
#define EMP_VERSION_MINOR 1
#define EMP_VERSION_PATCH 0
#define EMP_VERSION "0.1.0"

#if defined(__GNUC__)
#define EMP_API __attribute__ ((visibility ("default")))
#define EMP_PRINTF(fmt, args) __attribute__ ((format (printf, fmt, args)))
#else
#define EMP_API
#define EMP_PRINTF(fmt, args)
#endif

/* ---- status ------------------------------------------------------------------------------------------------ */

/* One table makes the enum and the texts (the idea of libuv's UV_ERRNO_MAP). */
#define EMP_STATUS_MAP(X)                                                                                              \
    X (OK, 0, "ok")                                                                                                    \
    X (INVALID, 1, "invalid value")                                                                                    \
    X (UNKNOWN, 2, "unknown name")                                                                                     \
    X (EXISTS, 3, "name exists already")                                                                               \
    X (FULL, 4, "full")                                                                                                \
    X (STOPPED, 5, "the queue has stopped")                                                                            \
    X (TIMEOUT, 6, "timed out")                                                                                        \
    X (MALFORMED, 7, "malformed message")                                                                              \
    X (TOOBIG, 8, "larger than its limit")                                                                             \
    X (NOMEM, 9, "out of memory")                                                                                      \
    X (SYSTEM, 10, "system error")                                                                                     \
    X (STATE, 11, "not possible now")                                                                                  \
    X (STALE, 12, "belongs to an earlier attempt or run")                                                              \
    X (INCOMPLETE, 13, "not every ticket was answered")                                                                \
    X (REFUSED, 14, "refused")

typedef enum {
#define EMP_STATUS_ENUM(name, number, text) EMP_##name = number,
    EMP_STATUS_MAP (EMP_STATUS_ENUM)
#undef EMP_STATUS_ENUM
} emp_status_t;

/* The text of a status, never NULL. */
EMP_API const char *emp_status_text (emp_status_t status);
/* The version of the library that is loaded, "major.minor.patch". */
EMP_API const char *emp_version (void);

/* ---- names and limits -------------------------------------------------------------------------------------- */

#define EMP_DEFAULT_QUEUE "mp_input_q"           /* in headers and dictionary: "mp_input_q (default)" */
#define EMP_NAME_MAX 128                         /* bytes of a queue's full name, category and bar included */
#define EMP_ROWS_MAX_DEFAULT 1000                /* generator items a chunk */
#define EMP_ROWS_MAX_LIMIT 16777216              /* ROWS_MAX at the most */
#define EMP_PROCS_MAX_LIMIT 4096                 /* PROCS_MAX at the most */
#define EMP_QUEUE_MAXSIZE_DEFAULT 1000           /* chunks that may wait on a queue that names no maxsize */
#define EMP_QUEUE_MAXSIZE_LIMIT 16777216         /* maxsize at the most */
#define EMP_CHUNK_BYTES_MAX (256u * 1024 * 1024) /* packed rows of one chunk, or packed results of one ticket */
#define EMP_ROW_DEPTH_MAX 29                     /* lists and maps within each other in a row; in a result 30 */
#define EMP_ATTRIBUTE_DEPTH_MAX 28               /* the same in an attribute of the configuration */
#define EMP_ATTEMPTS_MAX_DEFAULT 5               /* a ticket that fails so often is dead */

typedef struct emp emp_t;                     /* a manager */
typedef struct emp_queue emp_queue_t;         /* a queue as one side sees it; lives as long as its manager or toolbox */
typedef struct emp_chunk emp_chunk_t;         /* a chunk: rows that came with a ticket, or rows to put */
typedef struct emp_toolbox emp_toolbox_t;     /* what a worker module is called with */
typedef struct emp_generator emp_generator_t; /* what a generator is called with */

/* ---- worker modules ---------------------------------------------------------------------------------------- */

/* A worker module is a shared object; worker_ref names a function of this type. The first module of the list is
 * called in a loop until it returns false; all others are called once and must return at once (start a thread). */
typedef bool (emp_worker_fn) (emp_toolbox_t *toolbox);

/* The queue of that full name, or NULL when there is none. "mp_input_q" is the default work queue. */
EMP_API emp_queue_t *emp_toolbox_queue (emp_toolbox_t *toolbox, const char *name);
/* The queue of a category: the original's toolbox.<category>['<name>']. NULL when there is none. */
EMP_API emp_queue_t *emp_toolbox_category_queue (emp_toolbox_t *toolbox, const char *category, const char *name);

/* An attribute of the module configuration (B1), or NULL. Borrowed, valid for the life of the process. Read only: a large
 * one (BIG_DATA_MIN) is in memory that all workers of the host share (B26), and a write to it is a crash. */
EMP_API const msgpack_object *emp_toolbox_get (emp_toolbox_t *toolbox, const char *key);
/* The same with a type and a default for "not there or of another type". */
EMP_API int64_t emp_toolbox_int (emp_toolbox_t *toolbox, const char *key, int64_t otherwise);
EMP_API double emp_toolbox_double (emp_toolbox_t *toolbox, const char *key, double otherwise);
EMP_API bool emp_toolbox_bool (emp_toolbox_t *toolbox, const char *key, bool otherwise);
/* NUL terminated text, borrowed, or `otherwise`. */
EMP_API const char *emp_toolbox_string (emp_toolbox_t *toolbox, const char *key, const char *otherwise);

/* Fields of the toolbox under the original's names (B25). */
EMP_API unsigned emp_toolbox_start_sequence_num (const emp_toolbox_t *toolbox); /* START_SEQUENCE_NUM, 0…n-1 */
EMP_API unsigned emp_toolbox_worker_id (const emp_toolbox_t *toolbox);          /* WORKER_ID, START_SEQUENCE_NUM + 1 */
EMP_API int emp_toolbox_worker_pid (const emp_toolbox_t *toolbox);              /* WORKER_PID */
EMP_API const char *emp_toolbox_worker_name (const emp_toolbox_t *toolbox);     /* WORKER_NAME, "Process-1"… */
/* A folder of this run on this host, for what a worker that is started anew shall find again. Plain files in it, none below
 * it, are removed when the run ends, also by kill -9; their names begin with the module's. NULL: there is none. */
EMP_API const char *emp_toolbox_run_folder (const emp_toolbox_t *toolbox);
EMP_API emp_chunk_t *emp_toolbox_next_list (emp_toolbox_t *toolbox);   /* NEXT_LIST: the chunk got last, or NULL */
EMP_API const char *emp_toolbox_input_header (emp_toolbox_t *toolbox); /* INPUT_HEADER: of the chunk got last */
EMP_API const char *emp_toolbox_output_header (const emp_toolbox_t *toolbox); /* OUTPUT_HEADER */
EMP_API const char *emp_toolbox_stop_msg (const emp_toolbox_t *toolbox); /* STOP_MSG: a text only; STOP is a state */
EMP_API const char *emp_toolbox_perf_header_eta (const emp_toolbox_t *toolbox); /* PERF_HEADER_ETA */
EMP_API uint64_t emp_toolbox_perf_current_eta (const emp_toolbox_t *toolbox);   /* PERF_CURRENT_ETA: rows done here */
/* MULTI_TOOL: a pointer of the module's own that stays from call to call; NULL at first. */
EMP_API void *emp_toolbox_multi_tool (const emp_toolbox_t *toolbox);
EMP_API void emp_toolbox_set_multi_tool (emp_toolbox_t *toolbox, void *pointer);
/* A field of the module's own by name; stays from call to call, seen by all modules of the process. At most 1024. */
EMP_API void *emp_toolbox_field (const emp_toolbox_t *toolbox, const char *name);
EMP_API emp_status_t emp_toolbox_set_field (emp_toolbox_t *toolbox, const char *name, void *pointer);
/* Q_NAME_ID_LST, ALL_QUEUES_LIST: the i-th queue, NULL behind the last; default queues first. */
EMP_API emp_queue_t *emp_toolbox_queue_at (emp_toolbox_t *toolbox, size_t i);
/* Prints a text whole, never mixed with another process's, on the manager's stderr. At most 64 KiB. */
EMP_API void emp_toolbox_print (emp_toolbox_t *toolbox, const char *format, ...) EMP_PRINTF (2, 3);

/* ---- queues, as both sides see them ------------------------------------------------------------------------ */

/* Full name, "category|name" for a category queue. */
EMP_API const char *emp_queue_name (const emp_queue_t *queue);
/* The name in headers and in the dictionary: "mp_input_q (default)" for the default queue. */
EMP_API const char *emp_queue_label (const emp_queue_t *queue);

/* Any side gets from and puts on any queue (B14), a manager between emp_start and the end of the run. What is put is a
 * ticket, whoever put it: it waits, goes to one consumer, and goes to another when that one dies.
 *
 * Waits, without burning CPU, for the next chunk. NULL when the queue has stopped (or the manager is gone). */
EMP_API emp_chunk_t *emp_queue_get (emp_queue_t *queue);
/* The same for timeout_ms at the most; 0 does not wait, -1 waits for ever. EMP_OK and a chunk; EMP_TIMEOUT; EMP_STOPPED:
 * no chunk will come any more; EMP_STATE: not now. *ret_chunk is NULL unless EMP_OK. */
EMP_API emp_status_t emp_queue_get_wait (emp_queue_t *queue, int timeout_ms, emp_chunk_t **ret_chunk);
/* Puts one chunk: `rows` are packed msgpack values back to back, each is a row; they are copied. Waits while the queue
 * is full (B13). EMP_STOPPED: the queue takes no more; EMP_MALFORMED: the bytes are not whole values, or none;
 * EMP_TOOBIG; EMP_STATE. A worker that dies before it has given its chunk back has that done again, and its puts with it.
 * A worker puts while it has a chunk in hand: without one it may come when the queue is about to stop, and what was under
 * way then is dropped although the put said EMP_OK; the next one says EMP_STOPPED.
 * The default queues have jobs of their own (B9):
 *   mp_input_q    work, a queue like all others
 *   mp_output_q   rows become results of the chunk that this thread got last (B27); of [header, value] the value
 *   mp_print_q    texts for the screen, each whole
 *   mp_info_q     numbers of rows done, or [PERF_HEADER_ETA, number], for the progress of a chunk that takes long
 *   mp_tools_q    a manager's: each row is an object that every worker gets once, as the one row of a chunk (B26); kept
 *                 once a host however large; good for the life of the worker process, and never a ticket
 *   mp_process_q  a manager's: names of workers ("Process-1") that shall be killed and not come back; nil: all of them */
EMP_API emp_status_t emp_queue_put (emp_queue_t *queue, const void *rows, size_t size);
/* The same for timeout_ms at the most; EMP_FULL when the queue is still full then. A worker may have to ask the broker for
 * that, also with 0. */
EMP_API emp_status_t emp_queue_put_wait (emp_queue_t *queue, const void *rows, size_t size, int timeout_ms);
/* How many chunks wait on it and at most may. They were true when the broker said so: for a look, not for a decision
 * that must hold. EMP_OK, EMP_TIMEOUT, EMP_STATE, EMP_SYSTEM; 0 unless EMP_OK. */
EMP_API emp_status_t emp_queue_count (emp_queue_t *queue, uint64_t *ret_waiting, uint64_t *ret_maxsize);
EMP_API uint64_t emp_queue_size (emp_queue_t *queue);
EMP_API bool emp_queue_empty (emp_queue_t *queue);
EMP_API bool emp_queue_full (emp_queue_t *queue);

/* ---- chunks ------------------------------------------------------------------------------------------------ */

EMP_API size_t emp_chunk_rows (const emp_chunk_t *chunk);
/* The i-th row, i < emp_chunk_rows (). Texts and binaries point into the chunk. */
EMP_API const msgpack_object *emp_chunk_row (const emp_chunk_t *chunk, size_t i);
/* The chunk's header text, "<queue label>;_TID_<n>;". */
EMP_API const char *emp_chunk_header (emp_chunk_t *chunk);
/* n of _TID_n, and how often the ticket was handed out, this time included. */
EMP_API uint64_t emp_chunk_ticket (const emp_chunk_t *chunk);
EMP_API unsigned emp_chunk_attempt (const emp_chunk_t *chunk);
/* Where results are packed with msgpack-c: each value that is packed at the top is one result of the ticket. */
EMP_API msgpack_packer *emp_chunk_result (emp_chunk_t *chunk);
/* The ticket is answered with what was packed. Sets *chunk to NULL. */
EMP_API emp_status_t emp_chunk_done (emp_chunk_t **chunk);
/* The module cannot do this chunk now: the ticket is tried again, at most ATTEMPTS_MAX times in all, then it is dead
 * with the last reason. Sets *chunk to NULL. */
EMP_API emp_status_t emp_chunk_fail (emp_chunk_t **chunk, const char *format, ...) EMP_PRINTF (2, 3);

/* ---- generators -------------------------------------------------------------------------------------------- */

/* Packs exactly one msgpack value, the next row, and returns true; or returns false when there are no more rows. */
typedef bool (emp_generator_fn) (emp_generator_t *generator, msgpack_packer *row);

/* The pointer given to emp_run_q_feeder; NULL for a generator that a job file names. */
EMP_API void *emp_generator_arg (const emp_generator_t *generator);
/* Rows made so far: 0 in the first call. */
EMP_API uint64_t emp_generator_index (const emp_generator_t *generator);
/* A pointer of the generator's own that stays from call to call; NULL at first. It is passed to `free_fn` (may be
 * NULL) when the feeder is done. */
EMP_API void *emp_generator_state (const emp_generator_t *generator);
EMP_API void emp_generator_set_state (emp_generator_t *generator, void *state, void (*free_fn) (void *));
/* An attribute of the module configuration, or NULL. */
EMP_API const msgpack_object *emp_generator_config (const emp_generator_t *generator, const char *key);
/* Says why there are no more rows when that is a failure; then return false. The run ends and exits 1. */
EMP_API void emp_generator_fail (emp_generator_t *generator, const char *format, ...) EMP_PRINTF (2, 3);

/* ---- managers ---------------------------------------------------------------------------------------------- */

EMP_API emp_t *emp_new (void);
/* Kills what still runs, removes what lies about. A get or put that another thread waits in says that the queue has stopped; but no
 * thread may call anything of it later, so join those that do before. A generator that does not come back within STOP_GRACE is
 * left behind, with its thread and what that may touch; a program that has such ones ends by _exit (), since exit () may wait
 * for them. */
EMP_API void emp_destroy (emp_t **self);
/* The sentence of the last error of this manager, "" when there was none. Borrowed, until the next call. */
EMP_API const char *emp_error (const emp_t *self);

/* One attribute of the module configuration, before emp_start (). Keys that eisenmp knows (PROCS_MAX, NUM_PROCS,
 * ROWS_MAX, NUM_ROWS, START_METHOD, RESULTS_STORE, RESULTS_PRINT, RESULTS_DICT_PRINT, RESULT_LABEL, INFO_ENABLE,
 * INFO_THREAD_MAX, RESULTS_FILE, ATTEMPTS_MAX, …: manager/README.md) are checked for type and range; all others are the program's
 * own and reach every worker unread.
 * RESULTS_STREAM: a file (.jsonl, .csv, or "-", standard output, which then is the stream's alone until emp_wait () is over) to which
 * results are written as they come, by a thread of the manager's; RESULTS_ORDER "ticket": each feed in the order of its tickets, else
 * "arrival". A reader that takes nothing holds up the run; that it has gone, or a full disk, drains it: emp_wait () says
 * EMP_INCOMPLETE. What cannot be opened is emp_start ()'s EMP_INVALID. */
EMP_API emp_status_t emp_config_set_nil (emp_t *self, const char *key);
EMP_API emp_status_t emp_config_set_bool (emp_t *self, const char *key, bool value);
EMP_API emp_status_t emp_config_set_int (emp_t *self, const char *key, int64_t value);
EMP_API emp_status_t emp_config_set_uint (emp_t *self, const char *key, uint64_t value);
EMP_API emp_status_t emp_config_set_double (emp_t *self, const char *key, double value);
EMP_API emp_status_t emp_config_set_string (emp_t *self, const char *key, const char *value);
EMP_API emp_status_t emp_config_set_binary (emp_t *self, const char *key, const void *data, size_t size);
/* Exactly one packed msgpack value: lists, maps and all else. */
EMP_API emp_status_t emp_config_set_msgpack (emp_t *self, const char *key, const void *data, size_t size);
/* What a regular file holds, for data too large to pack by hand: all its bytes, a binary of less than 4 GiB; or its lines,
 * a list of texts without their \n. Read at once, kept once a host (B26). The path is as open () has it. */
EMP_API emp_status_t emp_config_set_file (emp_t *self, const char *key, const char *path);
EMP_API emp_status_t emp_config_set_lines (emp_t *self, const char *key, const char *path);
/* Appends to worker_modules (B2, B22): the first is the worker, the others are its mates. */
EMP_API emp_status_t emp_config_add_module (emp_t *self, const char *worker_path, const char *worker_ref);
/* An attribute that every worker gets once by mp_tools_q, in the order of these calls: a job file's `tools`. It is
 * shared with those that ask for it by name, however large. EMP_UNKNOWN: set it before. */
EMP_API emp_status_t emp_config_add_tool (emp_t *self, const char *key);
/* Reads a job file: configuration, queues and feeds. Relative paths in it are relative to the file. */
EMP_API emp_status_t emp_config_load (emp_t *self, const char *path);

/* A named queue (B10, B11) for at most maxsize waiting chunks, before emp_start (). EMP_EXISTS names the queue. */
EMP_API emp_status_t emp_queue_create (emp_t *self, const char *name, int64_t maxsize);
EMP_API emp_status_t emp_category_create (emp_t *self, const char *category, const char *name, int64_t maxsize);
/* Several in one call, in their order: the first that fails ends it (B12). category NULL: none. */
typedef struct {
    const char *category, *name;
    int64_t maxsize;
} emp_queue_spec_t;
EMP_API emp_status_t emp_queues_create (emp_t *self, const emp_queue_spec_t *list, size_t count);
/* The queue of that full name, or NULL; every manager has EMP_DEFAULT_QUEUE. Handles are good as long as their manager. */
EMP_API emp_queue_t *emp_queue (emp_t *self, const char *name);
EMP_API emp_queue_t *emp_category_queue (emp_t *self, const char *category, const char *name);
/* q_name_id_lst (B15): the i-th queue, NULL behind the last; default queues first. */
EMP_API emp_queue_t *emp_queue_at (emp_t *self, size_t i);

/* Starts queues, then worker processes, then the collector, then the feeders of a job file (B21). */
EMP_API emp_status_t emp_start (emp_t *self);
/* Starts a feeder: a thread that calls the generator and cuts what it makes into chunks of ROWS_MAX rows. queue NULL is
 * the default queue; header_msg NULL is the queue's label. */
EMP_API emp_status_t emp_run_q_feeder (emp_t *self, emp_generator_fn *generator, void *arg, emp_queue_t *queue,
                                       const char *header_msg);
/* Waits until the feeders are done, every ticket is answered or dead and every worker has confirmed its stop.
 * No feeder may be started after this. RESULTS_FILE is then written. EMP_OK, or EMP_INCOMPLETE when a ticket is dead,
 * missing or answered only in part, what came back does not add up to what was put, a feeder failed, results found no room or
 * could not be written, or the run was ended before its feeders were done or this was called. EMP_INVALID: a run that is resumed
 * has other input than before, or fewer feeders. */
EMP_API emp_status_t emp_wait (emp_t *self);
/* The same for timeout_ms at the most: EMP_TIMEOUT when the run is not over yet. It goes on; ask again. */
EMP_API emp_status_t emp_wait_for (emp_t *self, int timeout_ms);
/* True when the run is over and its results are complete (B30). Does not wait; the first call says, as emp_wait, that
 * no feeder will be started any more. */
EMP_API bool emp_begin_proc_shutdown (emp_t *self);

/* proc_list: the worker processes that are there now. */
typedef struct {
    int pid;
    char name[160]; /* WORKER_NAME */
} emp_proc_t;
/* Fills `list` with at most `room` of them; returns how many there are. */
EMP_API size_t emp_proc_list (emp_t *self, emp_proc_t *list, size_t room);
/* Kills one, which is not started again, or all of them. What they had in hand goes to others, if there are any. A run
 * whose first module never returns is ended so (B23): it is complete when every ticket was answered. */
EMP_API emp_status_t emp_proc_kill (emp_t *self, int pid);
EMP_API emp_status_t emp_proc_kill_all (emp_t *self);
/* Begin to end early: no more chunks are made or handed out, what is being worked on is finished. Any thread. */
EMP_API void emp_drain (emp_t *self);
/* End now: worker processes are killed. Any thread. */
EMP_API void emp_stop (emp_t *self);

/* What a run has come to; complete after emp_wait (), and so far before it. Then these hold, else emp_wait () has said
 * EMP_INCOMPLETE and emp_error () that the books do not balance:
 *     tickets = answered + dead + partly + missing        rows_in = rows_answered + rows_dead + rows_missing */
typedef struct {
    uint64_t tickets;       /* made by feeders, and put by the program and by workers */
    uint64_t answered;      /* with a result in the dictionary, for all of their rows */
    uint64_t dead;          /* failed ATTEMPTS_MAX times */
    uint64_t partly;        /* halved, since their chunk killed workers: some rows are answered, the others dead */
    uint64_t missing;       /* none of these, or put by a worker and dropped by a drain; 0 before emp_wait () is over */
    uint64_t rows_in;       /* rows of all tickets */
    uint64_t rows_answered; /* also of tickets that are answered in part, or began to be */
    uint64_t rows_dead;
    uint64_t rows_missing; /* 0 before emp_wait () is over */
    uint64_t results;      /* values; a ticket may have several */
    uint64_t workers_lost; /* worker processes that died of something */
    uint64_t reissued;     /* tickets handed out again */
    uint64_t fenced;       /* results of workers that had been given up, come when their ticket had ended: dropped */
    uint64_t attempts;     /* that were no answers (emp_history_next) */
    uint64_t dropped;      /* messages that were late, foreign or malformed */
} emp_summary_t;
EMP_API void emp_summary (emp_t *self, emp_summary_t *ret_summary);

/* One entry of the ticket dictionary. */
typedef struct {
    const char *queue;           /* the header's first field: queue label, or the feeder's header_msg */
    uint64_t ticket;             /* n of _TID_n */
    const msgpack_object *value; /* the result */
    /* Where it comes from. A ticket that was halved, since its chunk killed workers, has results of several parts: each of
     * `rows` rows of the chunk from first_row on, counted from 0. Of all other tickets these are all rows. */
    uint64_t first_row, rows;
    unsigned attempt;    /* that was the answer; 511 stands for more, too */
    const char *worker;  /* WORKER_NAME, "" when it is not known: beyond 65535 workers of one run */
    const char *host;    /* its host's name */
    int pid;             /* its process there */
    uint64_t chunk_hash; /* XXH3, 64 bits, of the packed list of rows that it worked at; 0: not known */
    uint64_t at;         /* when it came: milliseconds since 1970, by this host's clock */
} emp_result_t;
/* The i-th result in order of arrival; false behind the last. After emp_wait (). What this function and those below return
 * is borrowed until the next call of any of them. Counting up from 0 is one walk; a jump back begins it anew. */
EMP_API bool emp_result_at (emp_t *self, uint64_t i, emp_result_t *ret_result);

typedef enum {
    EMP_ORDER_ARRIVAL, /* as the tickets came back */
    EMP_ORDER_TICKET   /* queue by queue in order of their first arrival, in it from _TID_0 upward */
} emp_order_t;

/* A place in the dictionary. Any number of walks may be under way, in turns. Begin with
 *     emp_walk_t walk = {.order = EMP_ORDER_TICKET};
 * and leave it to the one function that you walk with. */
typedef struct {
    emp_order_t order;
    uint64_t place[4]; /* ours: 0 at the beginning */
} emp_walk_t;

/* The next result; several results of a ticket come in the order in which they were packed. EMP_OK; EMP_STOPPED behind the
 * last; EMP_STATE before emp_wait () is over; EMP_SYSTEM, EMP_NOMEM: the dictionary cannot be read. */
EMP_API emp_status_t emp_result_next (emp_t *self, emp_walk_t *walk, emp_result_t *ret_result);

/* A ticket without a result, or dead rows of one that was halved. */
typedef struct {
    const char *queue;
    uint64_t ticket;
    unsigned attempts;        /* that failed; 0 of a missing one */
    const char *reason;       /* of the last failure, NUL terminated; NULL of a missing one */
    uint64_t first_row, rows; /* dead: of its chunk, counted from 0; 0, 0 of a missing one */
    bool part;                /* its other rows have ended apart: answered, or dead with an entry of their own */
} emp_unanswered_t;
/* The next dead ticket, or dead rows, in order of arrival whatever the walk's order; as emp_result_next. */
EMP_API emp_status_t emp_dead_next (emp_t *self, emp_walk_t *walk, emp_unanswered_t *ret_ticket);
/* The next ticket that was made and never came back, feeder by feeder, in each from _TID_0 upward; the same. */
EMP_API emp_status_t emp_missing_next (emp_t *self, emp_walk_t *walk, emp_unanswered_t *ret_ticket);

/* An attempt at a ticket that was no answer. */
typedef struct {
    const char *queue; /* NULL: a worker's feed of which nothing came back */
    uint64_t ticket;
    unsigned attempt;
    uint64_t first_row, rows; /* of the chunk: those that it was about */
    const char *worker, *host;
    int pid;
    /* "failed" (its holder died at it, or was given up), "refused", "returned" (not begun), "handed over" (to an idle worker),
     * "copied" (a second worker got it as well), "halved", "overtaken" (another was answered first), "late" (given up,
     * and answered all the same) */
    const char *end;
    const char *reason; /* "" when there is none */
    uint64_t at;        /* when that was heard: milliseconds since 1970 */
} emp_attempt_t;
/* The next of them, in order of time whatever the walk's order; as emp_result_next. The first 100 000 of a run are kept; the
 * summary has how many there were. */
EMP_API emp_status_t emp_history_next (emp_t *self, emp_walk_t *walk, emp_attempt_t *ret_attempt);

/* Prints the report (B29) as the configuration says: rows, dictionary, what was lost. After emp_wait (). Of a run whose stream is
 * standard output only what was lost. */
EMP_API void emp_report (emp_t *self, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
