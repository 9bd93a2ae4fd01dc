/* SPDX-License-Identifier: BSD-3-Clause
 *
 * control.h - messages of the door (ROUTER/DEALER): hello, open, credit, beat, bye. PROTOCOL.md is the law.
 *
 * A message is one frame, one msgpack list: [version, kind, run, fields…] with the fields of its kind in the order
 * of the table below. One struct holds the fields of every kind; a kind uses some of them, the others are zero.
 * Pure and bounded: decode copies texts into the struct and borrows `blob` from the frame.
 */
#ifndef EMP_CONTROL_H
#define EMP_CONTROL_H

#include "buf.h"
#include "name.h"

#define EMP_PROTOCOL_VERSION 2
#define EMP_ENDPOINT_MAX 255             /* bytes of an endpoint, "ipc:///tmp/…" */
#define EMP_TEXT_MAX 4096                /* bytes of a reason or of a stderr tail */
#define EMP_HOST_MAX 64                  /* bytes of a host's name */
#define EMP_BLOB_MAX (64u * 1024 * 1024) /* bytes of a job's configuration */
#define EMP_TICKET_NONE UINT64_MAX       /* no ticket has this handle: LOST of who had none in hand */
#define EMP_TOOLS_MAX 4096               /* objects of mp_tools_q in one run */
#define EMP_PRINT_MAX 65536              /* bytes of one PRINT */
#define EMP_FRAME_MAX                                                                                                  \
    (1024u * 1024) /* bytes of a frame that a broker takes over tcp; what is longer comes in several */
#define EMP_CONTROL_MAX (EMP_BLOB_MAX + 16384)

/* kind, number, who sends it (c client, b broker), its fields in order. 32 to 39 are for data messages (wire.h).
 * Field letters: s session u64 | p parent session u64 | r role | n name | k text | i id u32 | e endpoint |
 *                t intake endpoint | w window/credit/count u64 | z size u64 | b blob | o status | x code u32 | h how |
 *                d process id u32 | m host | y attempt u32 | f first row u32 | c rows u32 | a fate */
/* clang-format off */
#define EMP_CONTROL_MAP(X)                                                                                           \
    X (HELLO, 1, "sprnmde")    /* c: session, parent (0 none), role, name, host, pid, endpoint dialled */            \
    X (WELCOME, 2, "wzb")      /* b: beat every w ms, dead after z ms of silence, job blob */                        \
    X (REFUSED, 3, "ok")       /* b: status, reason; the session is not taken */                                     \
    X (JOB, 4, "b")            /* c manager: the job's configuration for every worker */                             \
    X (DECLARE, 5, "nwz")      /* c manager: queue, maxsize in chunks, bound in bytes */                             \
    X (DECLARED, 6, "no")      /* b: queue, status */                                                                \
    X (OPEN_LANE, 7, "nw")     /* c: queue, first credit */                                                          \
    X (LANE, 8, "noiet")       /* b: queue, status, lane id, endpoint to pull from, intake to push to */             \
    X (OPEN_FEED, 9, "nk")     /* c: queue, label for headers and dictionary */                                      \
    X (FEED, 10, "noitw")      /* b: queue, status, feed id, intake to push to, first put credit */                  \
    X (OPEN_SINK, 11, "w")     /* c manager: results wanted; window in results unacknowledged */                     \
    X (SINK, 12, "oie")        /* b: status, lane id, endpoint to pull from */                                       \
    X (CREDIT, 13, "iw")       /* c: lane, how many chunks the consumer holds at the most from now on */             \
    X (PUT_CREDIT, 14, "iw")   /* b: feed, how many tickets it may have put since its first */                       \
    X (ACK, 15, "w")           /* c manager: results up to this serial are kept */                                   \
    X (STOP, 16, "n")          /* c manager: no feed opens on this queue any more; "" is all queues */               \
    X (DRAIN, 17, "")          /* c manager: hand out nothing more; b to supervisors: the run drains */              \
    X (BEAT, 18, "")           /* both: I am alive */                                                                \
    X (BYE, 19, "k")           /* c: I leave, reason or ""; what I hold is for others */                             \
    X (LOST, 20, "sndhxwzk")   /* c supervisor, manager: session, name, pid, how, code, ticket it was at (0 not known,  \
                                  EMP_TICKET_NONE none), its peak memory in bytes (0 not known), stderr tail */                                                         \
    X (GONE, 21, "sndhxwzk")   /* b to manager: session, name, pid, how, code, tickets taken back, peak, tail */     \
    X (JOINED, 22, "snmd")     /* b to manager: a worker session, its name, host and pid */                          \
    X (PRINT, 23, "nb")        /* c: worker name, a text for the screen of at most EMP_PRINT_MAX; b to the manager */ \
    X (KILL, 24, "sw")         /* c manager, b to supervisors: kill the slot of this session, or, 0, all and leave; when a \
                                  ticket is named, only if it is at that one */                                     \
    X (REVOKE, 25, "iwx")      /* b to worker: lane, ticket, attempt: do not begin it, another has it now */ \
    X (COUNT, 26, "n")         /* c: how full is this queue? */                                                      \
    X (COUNTED, 27, "nowz")    /* b: queue, status, chunks that wait, maxsize */                                     \
    X (INFO, 28, "nw")         /* c: worker name, rows done of a chunk in hand; b to the manager */                    \
    X (WANT, 29, "i")          /* c: this feed has none left and waits for put credit */                             \
    X (TOOL, 30, "b")          /* c manager, b to workers: the place of an object of mp_tools_q; empty: no more */ \
    X (UNWANT, 41, "iw")       /* c: this feed, that has put so many, waits no longer; now, or not at all */             \
    X (FEED_OVER, 31, "i")     /* b: this feed's queue has stopped; nothing that it puts is taken any more */        \
    X (ATTACH, 42, "si")       /* c, over tcp: what this lane or sink of the session carries shall come by this connection */ \
    X (FETCH, 43, "skw")       /* c supervisor, b to manager: who asks, hash of a content in 64 hex digits, from byte w on */ \
    X (PIECE, 44, "sokwzb")    /* c manager, b to supervisor: the same, its size in all, at most EMP_CONTENT_PIECE_MAX bytes of it */ \
    X (STATUS, 45, "w")        /* c watcher, manager: how does the run stand? w: 0, or the `next` of the answer before */ \
    X (STATUS_IS, 46, "wb")    /* b: the question's w, one page (overview.h) */                                      \
    X (ATTEMPT, 40, "iwyfcsahxk") /* b to manager: what became of one attempt when it was no answer: feed, number,    \
                                  attempt, first row, rows, session, fate, how, code, reason */
/* clang-format on */

typedef enum {
#define EMP_CONTROL_ENUM(name, number, fields) EMP_MSG_##name = number,
    EMP_CONTROL_MAP (EMP_CONTROL_ENUM)
#undef EMP_CONTROL_ENUM
} emp_kind_t;

typedef enum {
    EMP_ROLE_MANAGER = 1,
    EMP_ROLE_SUPERVISOR = 2,
    EMP_ROLE_WORKER = 3,
    EMP_ROLE_WATCHER = 4 /* asks how the run stands, and takes no part in it */
} emp_role_t;

/* How a session ended; the code is the exit status or the signal's number. */
typedef enum {
    EMP_HOW_BYE = 0,
    EMP_HOW_EXIT = 1,
    EMP_HOW_SIGNAL = 2,
    EMP_HOW_SILENCE = 3,
    EMP_HOW_TIMEOUT = 4 /* it was killed, having had a ticket for longer than TICKET_TIMEOUT */
} emp_how_t;

/* What became of one attempt at a ticket that was no answer. */
typedef enum {
    EMP_ATTEMPT_FAILED = 1,    /* its holder died at it, or was given up */
    EMP_ATTEMPT_REFUSED = 2,   /* its holder could not; the reason is its */
    EMP_ATTEMPT_RETURNED = 3,  /* its holder is gone and had not begun it */
    EMP_ATTEMPT_HANDED = 4,    /* taken back from a busy holder for an idle one */
    EMP_ATTEMPT_COPIED = 5,    /* still held, and given to a second one as well */
    EMP_ATTEMPT_HALVED = 6,    /* it failed too often, and goes on as two halves */
    EMP_ATTEMPT_OVERTAKEN = 7, /* another attempt was answered first */
    EMP_ATTEMPT_LATE = 8       /* given up and answered all the same: taken, since nobody else had */
} emp_attempt_end_t;

typedef struct {
    emp_kind_t kind;
    uint64_t run;                        /* 0 in a HELLO of who does not know it yet */
    uint64_t session;                    /* s */
    uint64_t parent;                     /* p */
    emp_role_t role;                     /* r */
    uint32_t id;                         /* i */
    uint64_t window;                     /* w */
    uint64_t size;                       /* z */
    uint32_t code;                       /* x */
    uint32_t pid;                        /* d */
    emp_how_t how;                       /* h */
    uint32_t attempt;                    /* y */
    uint32_t from, rows;                 /* f, c */
    emp_attempt_end_t ended;             /* a */
    emp_status_t status;                 /* o */
    char name[EMP_LABEL_MAX + 1];        /* n: a queue's full name, or a worker's */
    char host[EMP_HOST_MAX + 1];         /* m */
    char endpoint[EMP_ENDPOINT_MAX + 1]; /* e */
    char intake[EMP_ENDPOINT_MAX + 1];   /* t */
    char text[EMP_TEXT_MAX + 1];         /* k: cut by the encoder when longer */
    const void *blob;                    /* b: borrowed from the frame by decode, from the caller by encode */
    size_t blob_size;
} emp_control_t;

/* Appends the message's frame to `out`. EMP_OK, EMP_TOOBIG for a blob over its limit (nothing is appended), or what
 * broke the buffer. Our own bug (unknown kind, name or endpoint without end) is an assert. */
emp_status_t emp_control_encode (const emp_control_t *self, emp_buf_t *out);
/* EMP_OK, or EMP_MALFORMED / EMP_TOOBIG (a text or the frame is longer than its limit) with *ret_self zeroed. Unknown
 * kinds, roles, hows and statuses, foreign versions, missing or extra fields are EMP_MALFORMED. A text is zeroed by its
 * first byte; what stands behind a text's end means nothing. */
emp_status_t emp_control_decode (const void *data, size_t size, emp_control_t *ret_self);

#endif
