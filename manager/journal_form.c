/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_form.c - records of a journal as bytes. See journal_form.h.
 *
 * Cost: encoding and sealing an answer of a few bytes is some 60 ns.
 */
#include "journal_form.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "../common/hash.h"

#define MAGIC UINT32_C (0x0a314a45) /* EMP_JOURNAL_MARK */
#define AT_MAGIC EMP_JOURNAL_MARK_AT
#define AT_KIND 12u
#define AT_LENGTH 16u
#define AT_SUM 20u
#define FIELDS_MAX 96u /* bytes of the fixed fields of any kind */

/* ---- bytes -------------------------------------------------------------------------------------------------------- */

bool emp_journal_reserve (emp_journal_bytes_t *self, size_t more)
{
    if (more <= self->room - self->size)
        return true;
    size_t room = self->room ? self->room : 4096;
    while (room < self->size + more)
        room *= 2;
    void *data = self->grow (self->data, room);
    if (!data)
        return false;
    self->data = data;
    self->room = room;
    return true;
}

void emp_journal_release (emp_journal_bytes_t *self)
{
    free (self->data);
    self->data = NULL;
    self->size = self->room = 0;
}

static uint32_t get32 (const uint8_t *at)
{
    uint32_t value;
    memcpy (&value, at, sizeof value);
    return le32toh (value);
}

static uint64_t get64 (const uint8_t *at)
{
    uint64_t value;
    memcpy (&value, at, sizeof value);
    return le64toh (value);
}

static void put32 (uint8_t *at, uint32_t value)
{
    value = htole32 (value);
    memcpy (at, &value, sizeof value);
}

static void put64 (uint8_t *at, uint64_t value)
{
    value = htole64 (value);
    memcpy (at, &value, sizeof value);
}

/* ---- fields ------------------------------------------------------------------------------------------------------- */

static const char *fields_of (uint32_t kind)
{
    static const char *const fields[] = {
#define FIELDS(name, number, letters) [number] = letters,
        EMP_JOURNAL_MAP (FIELDS)
#undef FIELDS
    };
    return kind < sizeof fields / sizeof *fields ? fields[kind] : NULL;
}

/* Where a field of 4 bytes is kept; NULL: it is none. */
static uint32_t *narrow (emp_journal_record_t *self, char letter)
{
    switch (letter) {
    case 'v': return &self->version;
    case 'p': return &self->place;
    case 'a': return &self->attempt;
    case 'r': return &self->rows;
    case 'f': return &self->from;
    case 'l': return &self->left;
    case 'k': return &self->parts;
    case 'd': return &self->pid;
    case 'e': return &self->fate;
    case 'y': return &self->how;
    case 'x': return &self->code;
    default: return NULL;
    }
}

static uint64_t *wide (emp_journal_record_t *self, char letter)
{
    switch (letter) {
    case 'o': return &self->nonce;
    case 'u': return &self->run;
    case 'n': return &self->number;
    case 's': return &self->session;
    case 'h': return &self->hash;
    case 't': return &self->when_us;
    case 'c': return &self->count;
    case 'w': return &self->rows_total;
    default: return NULL;
    }
}

static uint8_t *put_text (uint8_t *at, const char *text, uint32_t size)
{
    put32 (at, size);
    if (size)
        memcpy (at + 4, text, size);
    return at + 4 + size;
}

static uint8_t *put_fields (uint8_t *at, emp_journal_record_t *record)
{
    for (const char *letter = fields_of (record->kind); *letter; letter++) {
        const uint32_t *small = narrow (record, *letter);
        const uint64_t *large = small ? NULL : wide (record, *letter);
        if (small) {
            put32 (at, *small);
            at += 4;
        } else if (large) {
            put64 (at, *large);
            at += 8;
        } else if (*letter == 'N')
            at = put_text (at, record->name, record->name_size);
        else if (*letter == 'M')
            at = put_text (at, record->host, record->host_size);
        else if (record->size) {
            memcpy (at, record->data, record->size);
            at += record->size;
        }
    }
    return at;
}

bool emp_journal_encode (emp_journal_bytes_t *out, const emp_journal_record_t *record)
{
    size_t room = EMP_JOURNAL_HEAD + FIELDS_MAX + record->name_size + record->host_size + record->size + 8;
    if (!emp_journal_reserve (out, room))
        return false;
    uint8_t *head = out->data + out->size;
    emp_journal_record_t copy = *record;
    uint8_t *end = put_fields (head + EMP_JOURNAL_HEAD, &copy);
    size_t length = (size_t) (end - head) - EMP_JOURNAL_HEAD;
    size_t extent = (size_t) emp_journal_extent (length);
    assert (extent <= room && length <= EMP_JOURNAL_PAYLOAD_MAX);
    memset (head, 0, AT_MAGIC);
    put32 (head + AT_MAGIC, MAGIC);
    put32 (head + AT_KIND, record->kind);
    put32 (head + AT_LENGTH, (uint32_t) length);
    put32 (head + AT_SUM, 0);
    memset (end, 0, extent - EMP_JOURNAL_HEAD - length);
    out->size += extent;
    return true;
}

bool emp_journal_encode_header (emp_journal_bytes_t *out, const emp_journal_record_t *like, uint64_t nonce)
{
    emp_journal_record_t header = *like;
    header.kind = EMP_JOURNAL_HEADER;
    header.version = EMP_JOURNAL_VERSION;
    header.nonce = nonce;
    return emp_journal_encode (out, &header) && emp_journal_encode (out, &header);
}

/* ---- sums --------------------------------------------------------------------------------------------------------- */

/* A header has to be read before the nonce is known, and is sealed without it. */
static uint64_t seed_of (uint32_t kind, uint64_t nonce, uint64_t offset)
{
    return (kind == EMP_JOURNAL_HEADER ? 0 : nonce) ^ (offset * UINT64_C (0x9e3779b97f4a7c15));
}

static uint32_t sum_of_head (const uint8_t *head, uint64_t seed)
{
    return (uint32_t) emp_hash_seeded (head + AT_MAGIC, AT_SUM - AT_MAGIC, seed);
}

void emp_journal_seal (uint8_t *data, size_t size, uint64_t nonce, uint64_t offset)
{
    for (size_t at = 0; at < size;) {
        uint8_t *head = data + at;
        size_t extent = (size_t) emp_journal_extent (get32 (head + AT_LENGTH));
        assert (extent <= size - at);
        uint64_t seed = seed_of (get32 (head + AT_KIND), nonce, offset + at);
        put32 (head + AT_SUM, sum_of_head (head, seed));
        put64 (head, emp_hash_seeded (head + AT_MAGIC, extent - AT_MAGIC, seed));
        at += extent;
    }
}

/* The sum over the first fields is looked at when it is there. Fewer bytes than the mark may be anybody's. */
bool emp_journal_is_torn_header (const uint8_t *data, size_t size)
{
    uint8_t front[AT_SUM], version[4];
    uint32_t length;
    put32 (front + AT_MAGIC, MAGIC);
    put32 (front + AT_KIND, EMP_JOURNAL_HEADER);
    put32 (front + AT_LENGTH, EMP_JOURNAL_HEADER_SIZE - EMP_JOURNAL_HEAD);
    put32 (version, EMP_JOURNAL_VERSION);
    if (size < AT_KIND || size >= EMP_JOURNAL_HEADER_SIZE)
        return false;
    if (memcmp (data + AT_MAGIC, front + AT_MAGIC, (size < AT_SUM ? size : AT_SUM) - AT_MAGIC) != 0)
        return false;
    if (size < EMP_JOURNAL_HEAD)
        return true;
    size_t more = size - EMP_JOURNAL_HEAD;
    return emp_journal_head (data, 0, 0, &length) &&
           memcmp (data + EMP_JOURNAL_HEAD, version, more < sizeof version ? more : sizeof version) == 0;
}

bool emp_journal_head (const uint8_t *head, uint64_t nonce, uint64_t offset, uint32_t *ret_length)
{
    if (get32 (head + AT_MAGIC) != MAGIC)
        return false;
    *ret_length = get32 (head + AT_LENGTH);
    return get32 (head + AT_SUM) == sum_of_head (head, seed_of (get32 (head + AT_KIND), nonce, offset)) &&
           *ret_length <= EMP_JOURNAL_PAYLOAD_MAX;
}

static const uint8_t *get_text (const uint8_t *at, const uint8_t *end, size_t max, const char **ret_text,
                                uint32_t *ret_size)
{
    if (end - at < 4)
        return NULL;
    *ret_size = get32 (at);
    *ret_text = (const char *) at + 4;
    if (*ret_size > (size_t) (end - at - 4) || *ret_size > max || memchr (at + 4, '\0', *ret_size))
        return NULL;
    return at + 4 + *ret_size;
}

/* One field; NULL when the bytes end before it does. */
static const uint8_t *get_field (char letter, const uint8_t *at, const uint8_t *end, emp_journal_record_t *record)
{
    uint32_t *small = narrow (record, letter);
    uint64_t *large = small ? NULL : wide (record, letter);
    if (end - at < (small ? 4 : large ? 8 : 0))
        return NULL;
    if (small) {
        *small = get32 (at);
        return at + 4;
    }
    if (large) {
        *large = get64 (at);
        return at + 8;
    }
    if (letter == 'N')
        return get_text (at, end, EMP_LABEL_MAX, &record->name, &record->name_size);
    if (letter == 'M')
        return get_text (at, end, EMP_LABEL_MAX, &record->host, &record->host_size);
    record->data = at;
    record->size = (size_t) (end - at);
    return end;
}

bool emp_journal_fields (const uint8_t *data, size_t size, emp_journal_record_t *ret_record)
{
    if (size < EMP_JOURNAL_HEAD || size < emp_journal_extent (get32 (data + AT_LENGTH)))
        return false;
    *ret_record = (emp_journal_record_t){.kind = get32 (data + AT_KIND)};
    const char *letters = fields_of (get32 (data + AT_KIND));
    const uint8_t *at = data + EMP_JOURNAL_HEAD, *end = at + get32 (data + AT_LENGTH);
    for (; letters && *letters && at; letters++)
        at = get_field (*letters, at, end, ret_record);
    return letters && at == end;
}

bool emp_journal_decode (const uint8_t *data, size_t size, uint64_t nonce, uint64_t offset,
                         emp_journal_record_t *ret_record)
{
    uint64_t seed = seed_of (get32 (data + AT_KIND), nonce, offset);
    return get64 (data) == emp_hash_seeded (data + AT_MAGIC, size - AT_MAGIC, seed) &&
           emp_journal_fields (data, size, ret_record);
}

size_t emp_journal_size_at (const uint8_t *head)
{
    return (size_t) emp_journal_extent (get32 (head + AT_LENGTH));
}

void emp_journal_part_of (const emp_journal_record_t *record, emp_part_t *ret_part)
{
    *ret_part = (emp_part_t){.number = record->number,
                             .attempt = record->attempt,
                             .outcome = record->kind == EMP_JOURNAL_ANSWER ? EMP_OUTCOME_DONE : EMP_OUTCOME_DEAD,
                             .rows = record->rows,
                             .length = (uint32_t) record->size,
                             .from = record->from,
                             .left = record->left,
                             .session = record->session,
                             .hash = record->hash};
}
