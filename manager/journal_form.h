/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_form.h - records of a journal as bytes: what each kind holds, and how a record is known to be whole.
 *
 *   0  u64 check   XXH3 of all bytes behind it, padding too
 *   8  u32 magic
 *  12  u32 kind
 *  16  u32 length  of the payload, which zeros fill up to a multiple of 8
 *  20  u32 XXH3 of the 12 bytes before it: only a length that is our own is believed
 *  24  payload: the fields of its kind, little endian, one behind the other
 *
 * Both sums are seeded with the file's nonce and the record's offset, so that a record of another file, or one that lies
 * elsewhere, is no record. Records begin at multiples of 8. Pure and bounded: decode allocates nothing and borrows texts and
 * data from the bytes; encode appends to bytes that grow by a function of the caller's, which tests let fail.
 */
#ifndef EMP_JOURNAL_FORM_H
#define EMP_JOURNAL_FORM_H

#include "../common/control.h"
#include "../common/wire.h"

#define EMP_JOURNAL_VERSION 1u
#define EMP_JOURNAL_HEAD 24u
#define EMP_JOURNAL_MARK "EJ1\n"                                              /* the magic, as bytes, */
#define EMP_JOURNAL_SECOND_AT 72u                                             /* the same of the second header */
#define EMP_JOURNAL_MARK_AT 8u                                                /* of the first record and each other */
#define EMP_JOURNAL_HEADER_SIZE (EMP_JOURNAL_SECOND_AT - EMP_JOURNAL_MARK_AT) /* of one of the two headers */
#define EMP_JOURNAL_PAYLOAD_MAX (EMP_WIRE_PAYLOAD_MAX + 4096u)
#define EMP_JOURNAL_NO_PLACE UINT32_MAX /* of a ticket that no feeder made, but a worker or the program put */
#define EMP_JOURNAL_FEEDS_MAX 1024u

/* kind, number, its fields in order.
 * Field letters: v version u32 | o nonce u64 | u run u64 | p place of the feed u32 | n ticket's number u64 | a attempt u32 |
 *                r rows u32 | f first row u32 | l rows left u32 | k earlier parts of the ticket u32 | s session u64 | h hash u64 | t wall clock in us u64 |
 *                c count u64 | w rows in all u64 | d process id u32 | e fate u32 | y how u32 | x code u32 |
 *                N name, M host (texts behind their u32 length) | D data: the rest */
/* clang-format off */
#define EMP_JOURNAL_MAP(X)                                                                                            \
    X (HEADER, 1, "vourct")      /* the file's nonce, rows_max, feeds of the job; twice, so that one may be damaged */  \
    X (FEED, 2, "prNM")          /* a feed's rows_max, label and (M) queue */                                          \
    X (RUN, 3, "uat")            /* a run begins: the first, or the a-th that resumes it */                            \
    X (WORKER, 4, "sdNM")        /* who a session is */                                                                \
    X (PUTS, 5, "pnD")           /* hashes of the chunks from number n on, 8 bytes each */                             \
    X (ANSWER, 6, "pnarflkshtD") /* rows of a ticket were answered: packed values */                                   \
    X (DEAD, 7, "pnarflkshtD")   /* the same rows will not be: one packed text, the reason */                          \
    X (ATTEMPT, 8, "pnafrseyxtD") /* an attempt that was no answer: rows from f, session, fate, how, code, reason */    \
    X (FEED_END, 9, "pcw")       /* a feed's tickets and rows in all */                                                \
    X (FOREIGN, 10, "N")         /* tickets were put on this queue by others than feeders: no run can resume this one */ \
    X (CLOSE, 11, "xt")          /* a run ended by itself; code 0: every ticket was answered */                        \
    X (SPOOL, 12, "D")           /* bytes of an input that cannot be read twice (spool files only) */                  \
    X (SPOOL_END, 13, "c")       /* and it ended after so many */
/* clang-format on */

typedef enum {
#define EMP_JOURNAL_ENUM(name, number, fields) EMP_JOURNAL_##name = number,
    EMP_JOURNAL_MAP (EMP_JOURNAL_ENUM)
#undef EMP_JOURNAL_ENUM
} emp_journal_kind_t;

typedef struct {
    uint32_t kind; /* emp_journal_kind_t */
    uint32_t version, place, attempt, rows, from, left, parts, pid, fate, how, code;
    uint64_t nonce, run, number, session, hash, when_us, count, rows_total;
    const char *name, *host; /* not NUL terminated */
    uint32_t name_size, host_size;
    const uint8_t *data;
    size_t size;
} emp_journal_record_t;

/* Bytes that grow by `grow` (as realloc (3); NULL: it failed). */
typedef struct {
    uint8_t *data;
    size_t size, room;
    void *(*grow) (void *old, size_t size);
} emp_journal_bytes_t;

/* False when out of memory; the bytes are as before. */
bool emp_journal_reserve (emp_journal_bytes_t *self, size_t more);
void emp_journal_release (emp_journal_bytes_t *self);

/* Bytes of a record with that payload, padding and all. */
static inline uint64_t emp_journal_extent (uint64_t length)
{
    return EMP_JOURNAL_HEAD + ((length + 7) & ~UINT64_C (7));
}

/* Appends a record that is not sealed yet: the sums, which depend on where it will lie, are missing. False: out of memory. */
bool emp_journal_encode (emp_journal_bytes_t *out, const emp_journal_record_t *record);
/* Appends a file's two headers, of what `like` says and that nonce. */
bool emp_journal_encode_header (emp_journal_bytes_t *out, const emp_journal_record_t *like, uint64_t nonce);
/* Bytes at the front of a file that are its header up to some byte, and no more: its mark is there, and nothing in them is another's. */
bool emp_journal_is_torn_header (const uint8_t *data, size_t size);
/* Gives every record of bytes made by encode its sums, the first of them lying at `offset`. */
void emp_journal_seal (uint8_t *data, size_t size, uint64_t nonce, uint64_t offset);
/* The payload's length out of EMP_JOURNAL_HEAD bytes that lie at `offset`; false when they are no head of a record there. */
bool emp_journal_head (const uint8_t *head, uint64_t nonce, uint64_t offset, uint32_t *ret_length);
/* A whole record of emp_journal_extent bytes: false when its sum is wrong, or its fields are not what its kind has. */
bool emp_journal_decode (const uint8_t *data, size_t size, uint64_t nonce, uint64_t offset,
                         emp_journal_record_t *ret_record);
/* The same, of one that encode made and that has not left our memory: no sum is looked at. */
bool emp_journal_fields (const uint8_t *data, size_t size, emp_journal_record_t *ret_record);
/* The extent of a record that encode made. */
size_t emp_journal_size_at (const uint8_t *head);
/* An ANSWER or DEAD as the part of RESULTS that it was. */
void emp_journal_part_of (const emp_journal_record_t *record, emp_part_t *ret_part);

#endif
