/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.h - what an emp_t is inside: the rooms of a run and what is known of its course. For api.c, manager.c and the
 * commands; the world sees eisenmp.h.
 *
 * Life: CONFIGURING → (emp_start) RUNNING → (emp_wait) OVER; FAILED when the start did. The course of a run is a handful
 * of facts under `lock`, set by the threads that learn them, and one place, run_course () in course.c, that decides from
 * them what is to be done: a thread of its own from the start to the end, so that a drain, a stop or workers that are gone
 * end what the program waits for whether it is in emp_wait or not.
 */
#ifndef EMP_MANAGER_H
#define EMP_MANAGER_H

#include <pthread.h>
#include <stdatomic.h>

#include "../broker/broker.h"
#include "../common/net/session.h"
#include "../common/net/port.h"
#include "collector.h"
#include "config.h"
#include "feeder.h"
#include "history.h"
#include "journal.h"
#include "contents.h"
#include "gate.h"
#include "launcher.h"
#include "output.h"
#include "procs.h"
#include "report.h"
#include "results.h"
#include "rundir.h"
#include "runlist.h"
#include "screen.h"
#include "stream.h"

#define EMP_FEEDERS_MAX 1024
#define EMP_LOSSES_MAX 1000
#define EMP_COURSE_TEXT_MAX 256 /* its NUL included */

typedef enum { EMP_CONFIGURING, EMP_RUNNING, EMP_OVER, EMP_FAILED } emp_stage_t;

struct emp {
    emp_config_t config;
    char error[EMP_TEXT_MAX + 1];
    emp_stage_t stage;
    emp_screen_t *screen; /* stderr: workers' texts and progress */
    bool course_runs;
    pthread_t course;

    emp_client_t client;
    emp_port_t **ports; /* handles of queues, as in the configuration; NULL until asked for */
    size_t ports_room;
    emp_procs_t procs;
    struct emp_arena **tools; /* objects put on mp_tools_q */
    size_t tools_count;

    char job[EMP_RUN_JOB_MAX + 1];      /* the job file, "": a program's own configuration */
    char directory[EMP_RUNDIR_MAX + 1]; /* these two are set and emptied under the lock */
    int directory_lock;
    emp_gate_t *gate;         /* NULL: no LISTEN */
    emp_contents_t *contents; /* what other hosts may ask for; the same */
    emp_broker_t *broker;
    emp_session_t *session;
    emp_history_t *history;
    emp_results_t *results;
    emp_output_t *output; /* NULL: no RESULTS_FILE */
    bool output_failed;   /* with its sentence in output_why */
    char output_why[EMP_OUTPUT_WHY_MAX];
    emp_stream_t *stream;   /* NULL: no RESULTS_STREAM; set under the lock */
    emp_journal_t *journal; /* NULL: no JOURNAL */
    emp_collector_t *collector;
    emp_launcher_t *launcher;
    emp_feeder_t *feeders[EMP_FEEDERS_MAX]; /* more of them under the lock only */
    size_t feeder_queues[EMP_FEEDERS_MAX];  /* the queue of each, as in the configuration */
    size_t feeders_count;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* facts */
    bool waited;     /* emp_wait was called: no feeder and no put will follow */
    bool puts_ended; /* of the manager, on all queues, those included that are asked for later */
    bool torn;       /* emp_destroy was */
    bool drain_wanted, stop_wanted;
    bool workers_unwanted; /* the program has had them killed */
    bool collected;        /* the last ending is in the dictionary, or none will come any more */
    bool broker_gone;
    bool unkept;       /* the journal could not be written */
    bool unstreamed;   /* RESULTS_STREAM could not */
    bool refused;      /* the input is not what it was before the run was resumed, */
    bool too_few;      /* since it has fewer feeders */
    bool workers_gone; /* and none will be started */
    int workers_code;  /* of the last supervisor */
    emp_loss_t losses[EMP_LOSSES_MAX];
    size_t losses_count;
    uint64_t losses_more;
    /* what was done about them */
    bool over;
    bool stop_said, drain_begun, drain_said, kill_said;
    bool unsaid;           /* something of it could not be sent: to be said again soon */
    bool *queue_stop_said; /* of each queue */
    bool *queue_fed;       /* for stop_queues alone: a feeder is at work on it */
    emp_status_t verdict;  /* of a run that is over */
    uint64_t deadline_us;  /* 0: none */
    bool early;            /* the run was ended before its feeders were, or before it was known that none follows */
    bool deserted;         /* the workers left before the last ending was collected, and nobody had asked them to */

    uint64_t started_us;
    _Atomic uint64_t rows_told; /* by INFO */

    /* what was borrowed last; of emp_result_at also the entry it is of, and the number of that entry's first value */
    msgpack_zone zone;
    msgpack_object value;
    uint64_t value_entry, value_first;
    emp_worker_t worker; /* of that number */
    uint32_t worker_number;
};

/* Sets the sentence of the last error and returns `status`. */
emp_status_t emp_fail (emp_t *self, emp_status_t status, const char *format, ...) EMP_PRINTF (3, 4);
/* True when emp_destroy had to leave a thread behind that hangs in a user's generator: the process must then end by
 * _exit, since what libraries do at exit would wait for its sockets. */
bool emp_left_behind (void);
/* course.c. Its thread, from the start on; emp_course_end leaves it wherever it is. */
emp_status_t emp_course_begin (emp_t *self);
void emp_course_end (emp_t *self);
/* Its feeders are over. */
bool emp_course_fed (const emp_t *self);
/* Why the run ends when a feeder's input is not what it was before; else NULL. */
const char *emp_course_refusal (emp_t *self);
/* Pure. The sentence of a run of which not all was answered; `deserted`: of emp_t. */
void emp_course_unanswered (const emp_summary_t *sum, bool deserted, char ret_text[EMP_COURSE_TEXT_MAX]);
/* queues.c. The i-th queue of that name; config.queues_count when there is none. */
size_t emp_queues_find (const emp_t *self, const char *name);
/* No more puts of the program's own; one that waits in another thread says EMP_STOPPED. */
void emp_queues_end_puts (emp_t *self);
/* The session is used no more. Ends what waits. */
void emp_queues_close (emp_t *self);
void emp_queues_free (emp_t *self);

/* Removes the folder of sockets, once. Any thread. */
void emp_sweep (emp_t *self);
/* summary.c. False, and a sentence: the run's books do not balance. When it is over. */
bool emp_summary_agrees (emp_t *self, char ret_why[EMP_BOOKS_WHY_MAX]);
/* Kills the workers without asking, waits a second for that at the most, and removes the folder of sockets: the process
 * then ends by _exit. Any thread, whatever the others are at. */
void emp_slay (emp_t *self);
/* runfiles.c: of RESULTS_FILE, RESULTS_STREAM and JOURNAL, in this order, before anything is started. */
emp_status_t emp_start_output (emp_t *self);
emp_status_t emp_start_stream (emp_t *self);
emp_status_t emp_start_journal (emp_t *self);
void emp_journal_says (void *self, const char *sentence);

/* Writes a text whole to the screen. */
void emp_say (emp_t *self, const char *text);

#endif
