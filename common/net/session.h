/* SPDX-License-Identifier: BSD-3-Clause
 *
 * session.h - a broker's client, the same for a worker, a supervisor and a manager.
 *
 * A session is one small I/O thread that owns the DEALER to the door: it says HELLO, sends beats, notices a silent
 * broker and hears what the broker says. Lanes, feeds and the sink are sockets of the thread that opened them, so a
 * chunk crosses no thread of ours on its way.
 *
 * Life: new (waits for WELCOME) → open_* → … → destroy (says BYE, waits at most a second for it to leave).
 * When the broker is silent for dead_after or refuses: the session is `down`; every wait ends with EMP_SYSTEM, once
 * and for ever; on_message is called with NULL.
 * Over tcp a connection may break while both ends live. A supervisor's session goes on when it stands again (ATTACH); a worker's
 * goes down, since chunks, credit and endings may be lost with it: its process ends, and is started anew.
 * Threads: any thread may call a session; a lane, feed or sink has one user at a time.
 */
#ifndef EMP_SESSION_H
#define EMP_SESSION_H

#include <stdatomic.h>

#include "../control.h"
#include "../wire.h"
#include "socket.h"

typedef struct emp_session emp_session_t;
typedef struct emp_lane emp_lane_t;
typedef struct emp_feed emp_feed_t;

typedef struct {
    const char *endpoint; /* of the door */
    emp_role_t role;
    const char *name;         /* "Process-1", "manager" */
    uint64_t session;         /* a random id; 0: one is made */
    uint64_t parent;          /* the supervisor's session, or 0 */
    uint64_t run;             /* 0: whichever the broker has */
    uint32_t timeout_ms;      /* for WELCOME, and each answer where the broker is on this host */
    bool patient;             /* silence is no end: somebody else watches whether the broker lives */
    const emp_curve_t *curve; /* keys for a tcp:// endpoint; NULL: none */
    bool has_job;             /* the caller knows the job already: that of WELCOME is not kept */
    /* Called in the I/O thread for messages that only some roles get (GONE, JOINED, PRINT, DRAIN, KILL), and, with
     * NULL, once when the session went down by itself. May be NULL. Must not call back into the session's waits. */
    void (*on_message) (void *arg, const emp_control_t *message);
    void *arg;
} emp_session_config_t;

/* EMP_OK, EMP_TIMEOUT (nobody answers; a reason, or ""), EMP_STOPPED (the run is over), EMP_REFUSED (reason in `ret_reason`,
 * EMP_TEXT_MAX + 1 bytes, may be NULL). */
emp_status_t emp_session_new (const emp_session_config_t *config, emp_session_t **ret_self, char *ret_reason);
/* Says BYE and goes down: every wait ends, no callback comes any more. What destroy does first; apart from it for who must
 * join threads between. Not from a callback. */
void emp_session_close (emp_session_t *self);
void emp_session_destroy (emp_session_t **self);
uint64_t emp_session_id (const emp_session_t *self);
uint64_t emp_session_run (emp_session_t *self);
/* The job's configuration out of WELCOME: one packed msgpack map (size 0 for a manager). Borrowed. */
const void *emp_session_job (const emp_session_t *self, size_t *ret_size);
bool emp_session_is_down (emp_session_t *self);
/* It is down since the broker has said that its run is over. */
bool emp_session_is_over (emp_session_t *self);
/* It is down since a connection over tcp broke, as it also does behind the end of a run. */
bool emp_session_is_cut (emp_session_t *self);
/* Why it is down, "" when it is not: EMP_TEXT_MAX + 1 bytes. */
void emp_session_reason (emp_session_t *self, char *ret_reason);
/* How long a session may be silent before the broker gives it up, in microseconds, as WELCOME said. */
uint64_t emp_session_dead_after (emp_session_t *self);
/* Makes every emp_lane_next of this session, also one that waits now, return EMP_STOPPED: the worker leaves after the
 * chunk in hand. Any thread. */
void emp_session_leave (emp_session_t *self);
/* Door and data messages that were malformed, foreign or late. */
uint64_t emp_session_dropped (emp_session_t *self);

/* Sends any message of ours; run and session are filled in. Never blocks. */
emp_status_t emp_session_send (emp_session_t *self, emp_control_t *message);
/* Declares a queue and waits for the answer. */
emp_status_t emp_session_declare (emp_session_t *self, const char *queue, uint32_t maxsize, uint64_t bytes_max);

/* How many chunks wait on a queue, and may wait. Asks the broker. */
emp_status_t emp_session_count (emp_session_t *self, const char *queue, uint64_t *ret_waiting, uint64_t *ret_maxsize);

/* Bytes of a content that the manager has, from `offset` on: at most `room`, EMP_CONTENT_PIECE_MAX is enough. *ret_total: of how many.
 * EMP_UNKNOWN: it has none of that hash; EMP_STALE: it has changed since; EMP_TIMEOUT, EMP_SYSTEM: asked in vain. A supervisor's. */
emp_status_t emp_session_fetch (emp_session_t *self, const char *hash, uint64_t offset, void *buffer, size_t room,
                                size_t *ret_got, uint64_t *ret_total);

/* How long each question from now on waits for its answer, instead of config.timeout_ms. By the one thread that asks. */
void emp_session_set_timeout (emp_session_t *self, uint32_t timeout_ms);
/* A page of how the run stands, for emp_overview_add, from 0 or from the `next` of the page before; EMP_OVERVIEW_MAX bytes are
 * enough. A watcher's or a manager's. EMP_TIMEOUT; EMP_SYSTEM: the session is down; EMP_TOOBIG. */
emp_status_t emp_session_overview (emp_session_t *self, uint64_t from, void *buffer, size_t room, size_t *ret_got);

/* ---- a lane: chunks come, results go -------------------------------------------------------------------------- */

/* EMP_STATE: there is no session yet. */
emp_status_t emp_lane_new (emp_session_t *session, const char *queue, uint32_t window, emp_lane_t **ret_self);
void emp_lane_destroy (emp_lane_t **self);

/* One chunk as it lies in the message that brought it. */
typedef struct {
    uint64_t ticket, number;
    uint32_t attempt, rows;
    uint32_t from, count; /* of the rows: those to work at */
    const char *label;    /* borrowed until the next emp_lane_next */
    const void *data;     /* packed list of rows; borrowed until emp_lane_release (chunk.frame) */
    size_t size;
    void *frame; /* counted reference to the message; give back with emp_lane_release */
} emp_lane_chunk_t;

/* The next chunk; waits until a time of emp_now () (0: not at all, UINT64_MAX: for ever), then EMP_TIMEOUT. EMP_STOPPED: the queue has stopped, and will say so again.
 * EMP_SYSTEM: the session is down. Results kept back are sent before it blocks. */
emp_status_t emp_lane_next (emp_lane_t *self, uint64_t until, emp_lane_chunk_t *ret_chunk);
void emp_lane_release (void *frame);
/* How one ticket ends. */
typedef struct {
    uint64_t ticket;
    uint32_t attempt;
    emp_outcome_t outcome;
    uint64_t hash;    /* emp_hash of the chunk's bytes, 0: not known */
    uint64_t busy_us; /* between the chunk's handing out and now */
} emp_lane_end_t;
/* Ends it. `result` is emptied (memory may be taken). Tells the broker the lane's credit, which follows the time that chunks
 * take. Small results of fast chunks are kept back and sent together, never longer than the next call of emp_lane_next that
 * would block. */
emp_status_t emp_lane_done (emp_lane_t *self, const emp_lane_end_t *end, emp_buf_t *result);

/* ---- a feed: chunks go ----------------------------------------------------------------------------------------- */

emp_status_t emp_feed_new (emp_session_t *session, const char *queue, const char *label, emp_feed_t **ret_self);
/* Says END when that was not said, and closes. */
void emp_feed_destroy (emp_feed_t **self);
uint32_t emp_feed_id (const emp_feed_t *self);
/* Puts the next ticket; waits for credit until a time of emp_now (), as emp_lane_next, then EMP_TIMEOUT. Takes the bytes
 * of `chunk`. EMP_STOPPED when the run drains, the queue has stopped or the session is down; EMP_STATE behind emp_feed_end;
 * EMP_TOOBIG; EMP_NOMEM, EMP_SYSTEM: it could not be sent. Unless EMP_OK nothing was put. *ret_number is the ticket's number. */
emp_status_t emp_feed_put (emp_feed_t *self, emp_buf_t *chunk, uint32_t rows, uint64_t until, uint64_t *ret_number);
/* The next number is passed over: its ticket has ended in an earlier run. A manager's feeds only. */
emp_status_t emp_feed_skip (emp_feed_t *self);
/* A put says EMP_STOPPED, also one that waits, once *stop is true and emp_session_wake_feeds () was called behind that. */
void emp_feed_stop_by (emp_feed_t *self, const _Atomic bool *stop);
void emp_session_wake_feeds (emp_session_t *self);
/* No more puts. */
emp_status_t emp_feed_end (emp_feed_t *self);

/* ---- the sink: results come -------------------------------------------------------------------------------------- */

typedef struct emp_sink emp_sink_t;
emp_status_t emp_sink_new (emp_session_t *session, emp_sink_t **ret_self);
void emp_sink_destroy (emp_sink_t **self);
/* The next message of results: *ret_wire and *ret_payload are borrowed until the next call. EMP_STOPPED behind the last
 * one; EMP_SYSTEM when the session is down. Acknowledges what earlier calls brought. */
emp_status_t emp_sink_next (emp_sink_t *self, const emp_wire_t **ret_wire, const uint8_t **ret_payload);
/* The same, but it acknowledges nothing, and waits until a time of emp_now () only (0: not at all), then EMP_TIMEOUT: for who
 * keeps several messages at once, and has what they brought acknowledged by emp_sink_next once it is kept. */
emp_status_t emp_sink_more (emp_sink_t *self, uint64_t until, const emp_wire_t **ret_wire, const uint8_t **ret_payload);

/* Ends every wait of feeds with EMP_STOPPED, now and later; for a manager that drains. */
void emp_session_stop_feeds (emp_session_t *self);

#endif
