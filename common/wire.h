/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wire.h - data messages of PUSH/PULL: chunks on their way out, results on their way back. PROTOCOL.md is the law.
 *
 * A data message is two frames: a header, one flat msgpack list, and a payload, the packed parts back to back. One
 * message carries the parts of 1 to EMP_WIRE_PARTS_MAX tickets: many when a lane is busy, one when it is idle. The
 * payload is never read by the broker.
 *   PUT     c→b intake   [version, 32, run, session, feed, first, skipped, end, n, (length, rows)…]
 *   DONE    c→b intake   [version, 33, run, session, lane, window, puts, n, (ticket, attempt, outcome, length, hash)…]
 *   CHUNKS  b→c lane     [version, 34, run, lane, label, n, (ticket, attempt, number, length, rows, from, count)…]
 *   STOPPED b→c lane     [version, 35, run, lane, drained]
 *   RESULTS b→c sink     [version, 36, run, feed, label, serial, n,
 *                         (number, attempt, outcome, rows, length, from, left, session, hash)…]
 * The payload of PUT and CHUNKS is n chunks, each packed as one msgpack list of rows; that of DONE and RESULTS is n
 * results, each packed as zero or more msgpack values back to back, of outcome EMP_OUTCOME_DONE, or as one text, the
 * reason, of the other outcomes; that of STOPPED is empty.
 * Pure and bounded. The header struct is large and meant to be reused, not to be made per message.
 */
#ifndef EMP_WIRE_H
#define EMP_WIRE_H

#include "buf.h"
#include "control.h"

#define EMP_WIRE_PARTS_MAX 256
#define EMP_WIRE_HEADER_MAX 32768                               /* bytes of a header frame */
#define EMP_WIRE_PAYLOAD_MAX (EMP_CHUNK_BYTES_MAX + 64u * 1024) /* bytes of a payload frame */
#define EMP_WIRE_BATCH_BYTES 65536                              /* a message of several parts stays under this */

typedef enum {
    EMP_WIRE_PUT = 32,
    EMP_WIRE_DONE = 33,
    EMP_WIRE_CHUNKS = 34,
    EMP_WIRE_STOPPED = 35,
    EMP_WIRE_RESULTS = 36
} emp_wire_kind_t;

typedef enum {
    EMP_OUTCOME_DONE = 0,    /* answered; the payload is its results */
    EMP_OUTCOME_REFUSED = 1, /* DONE only: the module could not; the payload is the reason */
    EMP_OUTCOME_DEAD = 2     /* RESULTS only: no more attempts; the payload is the last reason */
} emp_outcome_t;

typedef struct {
    uint64_t ticket;  /* DONE, CHUNKS: the broker's handle of the ticket, opaque to consumers */
    uint64_t number;  /* CHUNKS, RESULTS: n of _TID_n; PUT: first + index, filled by decode */
    uint32_t attempt; /* DONE, CHUNKS, RESULTS: 1… */
    uint32_t outcome; /* DONE, RESULTS: emp_outcome_t */
    uint32_t rows;    /* PUT, CHUNKS: of the chunk; RESULTS: that end with this, all of them unless it was halved */
    uint32_t length;  /* bytes of its part of the payload */
    uint32_t from;    /* CHUNKS: the first row to be worked at; RESULTS: of those that ended. 0 unless it was halved */
    uint32_t count;   /* CHUNKS: how many are to be worked at, all of them unless it was halved */
    uint32_t left;    /* RESULTS: rows of the ticket that have not ended yet; 0: it has */
    uint64_t session; /* RESULTS: who worked at it last */
    uint64_t hash;    /* DONE, RESULTS: emp_hash of the whole chunk as it was worked at; 0 when nobody says */
} emp_part_t;

typedef struct {
    emp_wire_kind_t kind;
    uint64_t run;
    uint64_t session;              /* PUT, DONE: who sends */
    uint32_t feed;                 /* PUT, RESULTS: feed id */
    uint32_t lane;                 /* DONE, CHUNKS, STOPPED: lane id */
    uint64_t first;                /* PUT: number of its first ticket, so many were put or skipped before */
    uint64_t skipped;              /* PUT: numbers below `first` passed over: they ended in an earlier run */
    uint64_t serial;               /* RESULTS: of its first part, 1… */
    uint64_t window;               /* DONE: the consumer's credit from now on */
    uint64_t puts;                 /* DONE: tickets that the session has put by now, over all its feeds */
    bool end;                      /* PUT: the feed ends with this message, n may be 0; STOPPED: the run was drained */
    char label[EMP_LABEL_MAX + 1]; /* CHUNKS, RESULTS */
    uint32_t count;
    emp_part_t parts[EMP_WIRE_PARTS_MAX];
} emp_wire_t;

/* Appends the header frame to `out`, whole or not at all. EMP_OK or what broke the buffer. A count out of range, or of
 * 0 where there must be a part, is our own bug: an assert. */
emp_status_t emp_wire_encode (const emp_wire_t *self, emp_buf_t *out);
/* Reads a header and checks it against the payload's size: the lengths add up to it exactly. Fields that the kind
 * does not use, and parts behind `count`, are left as they were. EMP_TOOBIG: a frame or the label is longer than its
 * limit. EMP_MALFORMED: all else. Then `count` is 0 and the other fields mean nothing. */
emp_status_t emp_wire_decode (const void *header, size_t size, size_t payload_size, emp_wire_t *ret_self);

#endif
