/* SPDX-License-Identifier: BSD-3-Clause
 *
 * config.h - the module configuration (B1-B8) as data: what eisenmp knows in fields, all attributes, the program's own
 * included, as packed msgpack in the order in which they were set.
 *
 * One table (keys.c) lists the keys that eisenmp knows: name, alias, type, range, default, help. It makes the checks,
 * the "did you mean" of the job file, the section of manager/README.md and `eisenmp settings`.
 * Bounds: attributes as attributes.h says, EMP_CONFIG_MODULES_MAX modules, EMP_CONFIG_QUEUES_MAX queues,
 * EMP_CONFIG_FEEDS_MAX feeds; so the job blob is always under EMP_BLOB_MAX. What is larger than BIG_DATA_MIN is not in the
 * blob: bigdata.h.
 */
#ifndef EMP_CONFIG_H
#define EMP_CONFIG_H

#include "../common/buf.h"
#include "../common/name.h"
#include "../common/start.h"
#include "journal_sync.h"

#define EMP_CONFIG_MODULES_MAX 256
#define EMP_CONFIG_QUEUES_MAX 4096
#define EMP_CONFIG_FEEDS_MAX 1024
#define EMP_CONFIG_ERROR_MAX 1024 /* bytes of the last error's sentence, its NUL included */

typedef struct {
    char *path; /* as given, made absolute when it was found */
    char *ref;
} emp_module_t;

typedef struct {
    char *name; /* full name */
    uint32_t maxsize;
} emp_queue_decl_t;

typedef enum {
    EMP_SOURCE_RANGE,    /* start, count, step: integers */
    EMP_SOURCE_LINES,    /* path: each line a text; "-" is standard input */
    EMP_SOURCE_CSV,      /* path, column (name, or number from 1): each cell a text */
    EMP_SOURCE_PROGRAM,  /* argv: each line of its standard output a text; its exit status counts */
    EMP_SOURCE_GENERATOR /* path, ref: an emp_generator_fn in a shared object */
} emp_source_kind_t;

typedef struct {
    emp_source_kind_t kind;
    int64_t start, step;
    uint64_t count;
    char *path; /* absolute */
    char *column;
    char *ref;
    char **argv;     /* NULL terminated */
    char *directory; /* where a program runs: the job file's folder */
} emp_source_spec_t;

typedef struct {
    char *queue;       /* full name */
    char *header_msg;  /* or NULL */
    uint32_t rows_max; /* 0: ROWS_MAX */
    emp_source_spec_t source;
} emp_feed_decl_t;

typedef struct {
    /* known keys; defaults in config.c */
    uint32_t procs_max; /* 0: one a CPU core */
    uint32_t rows_max;
    emp_start_method_t start_method;
    bool results_store, results_print, results_dict_print;
    char *result_label; /* or NULL */
    bool info_enable;
    uint64_t info_thread_max; /* rows expected in all, for percent and time left; 0: not known */
    bool serve;               /* workers stay until they are told to end */
    uint32_t attempts_max;
    bool halve;                      /* HALVE: chunks that kill their workers are halved */
    bool speculate;                  /* SPECULATE: slow last tickets are copied */
    uint32_t beat_ms, dead_after_ms; /* BEAT, DEAD_AFTER: seconds in the file, may have a fraction */
    uint32_t ticket_timeout_ms;      /* TICKET_TIMEOUT: how long a worker may have one ticket; 0: no limit */
    uint32_t stop_grace_ms;          /* STOP_GRACE: how long a drain, and the last stop of workers, may take */
    uint64_t big_data_min;           /* BIG_DATA_MIN: what is packed in more bytes is an arena */
    uint64_t results_bytes_max;      /* RESULTS_BYTES_MAX: of the dictionary in memory */
    char *results_file;              /* RESULTS_FILE, or NULL */
    char *results_stream;            /* RESULTS_STREAM, or NULL */
    emp_order_t results_order;       /* RESULTS_ORDER, of the stream */
    char *journal;                   /* JOURNAL, or NULL */
    emp_journal_sync_t journal_sync; /* JOURNAL_SYNC */
    bool resume;                     /* RESUME */
    char *listen;                    /* LISTEN, or NULL */
    bool remote_only, insecure;      /* REMOTE_ONLY, INSECURE */

    emp_module_t *modules;
    size_t modules_count;
    emp_queue_decl_t *queues; /* mp_input_q first */
    size_t queues_count;
    emp_feed_decl_t *feeds;
    size_t feeds_count;
    char **tools; /* names of attributes that go by mp_tools_q */
    size_t tools_count;

    struct emp_attributes *attributes; /* every key with its value, known ones with their effective values */
    char error[EMP_CONFIG_ERROR_MAX];  /* the sentence of the last error, "" at first */
} emp_config_t;

/* Defaults and the default queues. EMP_NOMEM leaves an empty configuration that takes nothing. */
emp_status_t emp_config_init (emp_config_t *self);
void emp_config_release (emp_config_t *self);

/* Sets one attribute from exactly one packed msgpack value. A known key (either spelling of a key that has two) is
 * checked for type and range: EMP_INVALID with config->error = "ROWS_MAX: found 0, expected an integer from 1 to …". A
 * key may be set again; the last value counts. EMP_TOOBIG: nested deeper than EMP_ATTRIBUTE_DEPTH_MAX, or past the
 * bounds. */
emp_status_t emp_config_set (emp_config_t *self, const char *key, const void *data, size_t size);
/* What emp_config_set says of a key's name alone: EMP_INVALID unless it is 1 to 128 letters, digits and _, no digit
 * first. */
emp_status_t emp_config_check_key (emp_config_t *self, const char *key);
/* The packed value of an attribute, or NULL: not there, or kept as an arena (emp_bigdata_get); a known key (either spelling) that was never set has its default. Borrowed
 * until the next set. */
const void *emp_config_get (const emp_config_t *self, const char *key, size_t *ret_size);
emp_status_t emp_config_module (emp_config_t *self, const char *path, const char *ref);
/* EMP_EXISTS "queue blue_q_7 exists already"; EMP_INVALID for a bad name or a maxsize outside 1…limit. */
emp_status_t emp_config_queue (emp_config_t *self, const char *full_name, int64_t maxsize);
/* Takes what `feed` points to (and leaves it empty) on EMP_OK. A queue of NULL is the default queue. EMP_UNKNOWN: no
 * such queue, with the nearest; EMP_REFUSED: a queue with a job of its own; EMP_INVALID: a header_msg that is no label;
 * EMP_EXISTS: standard input is fed twice; EMP_TOOBIG: rows_max, or more than EMP_CONFIG_FEEDS_MAX feeds. */
emp_status_t emp_config_feed (emp_config_t *self, emp_feed_decl_t *feed);
/* A default queue but mp_input_q: nobody would ever get a ticket of it. */
bool emp_config_has_own_job (const char *queue);
#define EMP_NOT_STORED "RESULTS_FILE: found RESULTS_STORE: false, expected true: there is nothing to write"
#define EMP_OWN_JOB "queue: found %s, which has a job of its own, expected mp_input_q or a queue of your own"
void emp_feed_decl_release (emp_feed_decl_t *feed);
/* An attribute that every worker shall get by mp_tools_q. EMP_UNKNOWN: there is none of that name (yet); EMP_TOOBIG: more
 * than EMP_TOOLS_MAX. */
emp_status_t emp_config_tool (emp_config_t *self, const char *name);
/* NULL terminated names of all known keys, for "did you mean" and help. */
const char *const *emp_config_known (void);
bool emp_config_is_known (const char *key);
/* Prints the table of known keys for a person. */
void emp_config_help (FILE *out);

/* What only holds between keys: DEAD_AFTER is at least twice BEAT. */
emp_status_t emp_config_check (emp_config_t *self);

/* The last checks before a start: emp_config_check, at least one module, and each module is found: a path with '/'
 * as it is (relative to `directory`, NULL: the working directory), a bare name in `directory`, then in each folder
 * of $EISENMP_MODULE_PATH, then in the modules folder beside the programs (`modules_dir`, may be NULL). Checks that
 * it is a readable ELF shared object and (dlopen RTLD_LAZY | RTLD_LOCAL is not done here: a manager runs no module
 * code) that its dynamic symbol table defines the ref. Paths become absolute. EMP_INVALID with a sentence that names
 * path, what was found and what was expected. */
emp_status_t emp_config_find_modules (emp_config_t *self, const char *directory, const char *modules_dir);

/* The job's blob for workers, one msgpack map:
 *   "kwargs": {every attribute: value}, known ones first, with their effective values (defaults filled in) and under
 *             both spellings where there are two; PROCS_MAX nil is one a CPU core of the worker's host,
 *   "modules": [[path, ref], …], "queues": [full name, …] with the default queues first,
 *   "contents": what emp_contents_pack made for other hosts; NULL: not there. */
emp_status_t emp_config_pack (const emp_config_t *self, const emp_buf_t *contents, emp_buf_t *out);

#endif
