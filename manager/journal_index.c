/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal_index.c - what the records of a journal come to. See journal_index.h.
 *
 * Invariant: `answered` of a feed is the number of bits set in all pieces that it ever had.
 */
#include "journal_index.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "../common/scan.h"
#include "seen.h"

#define PIECE 4096u

struct emp_journal_piece {
    uint64_t hashes[PIECE];
    uint64_t answered[PIECE / 64];
};

void emp_journal_index_init (emp_journal_index_t *self, void *(*grow) (void *old, size_t size))
{
    *self = (emp_journal_index_t){.grow = grow};
}

void emp_journal_index_release (emp_journal_index_t *self)
{
    for (size_t i = 0; i < self->feeds_count; i++) {
        for (size_t k = 0; k < self->feeds[i].pieces_count; k++)
            free (self->feeds[i].pieces[k]);
        free (self->feeds[i].pieces);
    }
    free (self->feeds);
    free (self->parts);
    free (self->useless);
    *self = (emp_journal_index_t){.grow = self->grow};
}

/* A table of at least `count` of `size` bytes each, what is new zeroed. */
static bool widen (const emp_journal_index_t *self, void **table, size_t *count_at, size_t count, size_t size)
{
    if (count <= *count_at)
        return true;
    size_t room = *count_at ? *count_at : 4;
    while (room < count)
        room *= 2;
    uint8_t *grown = self->grow (*table, room * size);
    if (!grown)
        return false;
    memset (grown + *count_at * size, 0, (room - *count_at) * size);
    *table = grown;
    *count_at = room;
    return true;
}

static emp_status_t feed_of (emp_journal_index_t *self, uint32_t place, emp_journal_feed_t **ret_feed)
{
    if (place >= EMP_JOURNAL_FEEDS_MAX)
        return EMP_MALFORMED;
    void *feeds = self->feeds;
    bool wide = widen (self, &feeds, &self->feeds_count, place + 1, sizeof *self->feeds);
    self->feeds = feeds;
    if (!wide)
        return EMP_NOMEM;
    *ret_feed = &self->feeds[place];
    return EMP_OK;
}

/* The piece of a number, made when there is none. A number may not be so far ahead that only a lie can be. */
static emp_status_t piece_of (emp_journal_index_t *self, emp_journal_feed_t *feed, uint64_t number,
                              struct emp_journal_piece **ret_piece)
{
    if (number >= EMP_SEEN_NUMBER_MAX || number > feed->beyond + EMP_SEEN_AHEAD_MAX)
        return EMP_MALFORMED;
    void *pieces = feed->pieces;
    size_t place = (size_t) (number / PIECE);
    bool wide = widen (self, &pieces, &feed->pieces_count, place + 1, sizeof *feed->pieces);
    feed->pieces = pieces;
    if (!wide)
        return EMP_NOMEM;
    if (!feed->pieces[place]) {
        feed->pieces[place] = self->grow (NULL, sizeof **feed->pieces);
        if (!feed->pieces[place])
            return EMP_NOMEM;
        memset (feed->pieces[place], 0, sizeof **feed->pieces);
    }
    if (feed->beyond <= number)
        feed->beyond = number + 1;
    *ret_piece = feed->pieces[place];
    return EMP_OK;
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static void copy_text (char *to, const char *text, uint32_t size, size_t max)
{
    size = size < max ? size : (uint32_t) max;
    if (size)
        memcpy (to, text, size);
    to[size] = '\0';
}

static emp_status_t take_feed (emp_journal_index_t *self, const emp_journal_record_t *record)
{
    emp_journal_feed_t *feed;
    emp_status_t status = feed_of (self, record->place, &feed);
    if (status || feed->named)
        return status;
    feed->named = true;
    feed->rows_max = record->rows;
    copy_text (feed->label, record->name, record->name_size, EMP_LABEL_MAX);
    copy_text (feed->queue, record->host, record->host_size, EMP_NAME_MAX);
    return EMP_OK;
}

static emp_status_t take_end (emp_journal_index_t *self, const emp_journal_record_t *record)
{
    emp_journal_feed_t *feed;
    if (record->count > EMP_SEEN_NUMBER_MAX)
        return EMP_MALFORMED;
    emp_status_t status = feed_of (self, record->place, &feed);
    if (status)
        return status;
    feed->ended = true;
    feed->tickets = record->count;
    feed->rows = record->rows_total;
    return EMP_OK;
}

static emp_status_t take_puts (emp_journal_index_t *self, const emp_journal_record_t *record)
{
    emp_journal_feed_t *feed;
    if (record->size % 8)
        return EMP_MALFORMED;
    emp_status_t status = feed_of (self, record->place, &feed);
    for (uint64_t i = 0; i < record->size / 8 && status == EMP_OK; i++) {
        struct emp_journal_piece *piece;
        uint64_t hash, number = record->number + i;
        status = piece_of (self, feed, number, &piece);
        memcpy (&hash, record->data + 8 * i, sizeof hash);
        if (status == EMP_OK && !piece->hashes[number % PIECE])
            piece->hashes[number % PIECE] = le64toh (hash);
    }
    return status;
}

static emp_status_t add_useless (emp_journal_index_t *self, uint64_t offset, uint64_t extent)
{
    void *useless = self->useless;
    bool wide = widen (self, &useless, &self->useless_room, self->useless_count + 1, sizeof *self->useless);
    self->useless = useless;
    if (!wide)
        return EMP_NOMEM;
    self->useless[self->useless_count++] = offset;
    self->useless_bytes += extent;
    return EMP_OK;
}

static emp_status_t add_part (emp_journal_index_t *self, const emp_journal_part_t *part)
{
    void *parts = self->parts;
    bool wide = widen (self, &parts, &self->parts_room, self->parts_count + 1, sizeof *self->parts);
    self->parts = parts;
    if (!wide)
        return EMP_NOMEM;
    self->parts[self->parts_count++] = *part;
    return EMP_OK;
}

/* Of a ticket: its parts that are kept, their rows, the rows that it had before the first of them, and whether one is spoilt. */
typedef struct {
    uint64_t parts, rows, total;
    bool spoilt;
} sum_t;

/* A part is spoilt that has rows of another: it is of another run, whose begin is damaged. */
static sum_t sum_up (const emp_journal_index_t *self, const emp_journal_part_t *like)
{
    sum_t sum = {.rows = like->rows, .total = (uint64_t) like->rows + like->left, .spoilt = like->spoilt};
    for (size_t i = 0; i < self->parts_count; i++) {
        const emp_journal_part_t *part = &self->parts[i];
        if (part->place != like->place || part->number != like->number)
            continue;
        uint64_t total = (uint64_t) part->rows + part->left;
        bool apart =
            (uint64_t) part->from + part->rows <= like->from || (uint64_t) like->from + like->rows <= part->from;
        sum.parts++;
        sum.rows += part->rows;
        sum.total = total > sum.total ? total : sum.total;
        sum.spoilt |= part->spoilt || !apart;
    }
    return sum;
}

/* The ticket has ended; its parts count, or they do not. NULL: those of all tickets, since the run has ended. */
static emp_status_t end_parts (emp_journal_index_t *self, const emp_journal_part_t *like, bool useless)
{
    emp_status_t status = EMP_OK;
    size_t kept = 0;
    for (size_t i = 0; i < self->parts_count; i++) {
        const emp_journal_part_t *part = &self->parts[i];
        if (like && (part->place != like->place || part->number != like->number))
            self->parts[kept++] = *part;
        else if (useless && status == EMP_OK)
            status = add_useless (self, part->offset, part->extent);
    }
    self->parts_count = kept;
    return status;
}

/* `hash`: of the chunk that was made, 0 when it is not known. A worker need not say which it was worked at. */
static bool is_answer (const emp_journal_record_t *record, uint64_t hash)
{
    size_t values;
    return record->kind == EMP_JOURNAL_ANSWER && (record->hash || hash) &&
           (!hash || !record->hash || hash == record->hash) &&
           emp_scan (record->data, record->size, EMP_SCAN_OBJECTS_MAX, &values) == EMP_OK;
}

/* The last rows of a ticket came with this record. */
static emp_status_t end_ticket (emp_journal_index_t *self, emp_journal_feed_t *feed, const emp_journal_part_t *last,
                                uint32_t parts)
{
    sum_t sum = sum_up (self, last);
    if (sum.parts != parts || sum.rows != sum.total || sum.spoilt) {
        emp_status_t status = end_parts (self, last, true);
        return status ? status : add_useless (self, last->offset, last->extent);
    }
    size_t bit = last->number % PIECE;
    feed->pieces[last->number / PIECE]->answered[bit / 64] |= UINT64_C (1) << (bit % 64);
    feed->answered++;
    return end_parts (self, last, false);
}

static emp_status_t take_answer (emp_journal_index_t *self, uint64_t offset, uint64_t extent,
                                 const emp_journal_record_t *record)
{
    emp_journal_feed_t *feed;
    struct emp_journal_piece *piece;
    if (record->place == EMP_JOURNAL_NO_PLACE)
        return add_useless (self, offset, extent);
    emp_status_t status = feed_of (self, record->place, &feed);
    if (status == EMP_OK)
        status = piece_of (self, feed, record->number, &piece);
    if (status)
        return status;
    size_t place = record->number % PIECE;
    if (piece->answered[place / 64] >> (place % 64) & 1)
        return add_useless (self, offset, extent);
    if (record->kind == EMP_JOURNAL_DEAD)
        extent = 0; /* is history, and kept as such */
    emp_journal_part_t part = {.place = record->place,
                               .spoilt = !is_answer (record, piece->hashes[place]),
                               .from = record->from,
                               .rows = record->rows,
                               .left = record->left,
                               .number = record->number,
                               .offset = offset,
                               .extent = extent};
    if (!part.spoilt && record->hash)
        piece->hashes[place] = record->hash;
    if (record->left == 0)
        return end_ticket (self, feed, &part, record->parts);
    part.spoilt = sum_up (self, &part).spoilt;
    return add_part (self, &part);
}

/* Another run begins, or none does: what the one before tells of itself is of no use when it did nothing. */
static emp_status_t end_run (emp_journal_index_t *self)
{
    self->useless_bytes += self->idle ? self->run_bytes : 0;
    self->idle = false;
    self->run_bytes = 0;
    return end_parts (self, NULL, true);
}

static emp_status_t take_run (emp_journal_index_t *self, uint64_t extent, const emp_journal_record_t *record)
{
    emp_status_t status = end_run (self);
    self->runs = (record->attempt > self->runs ? record->attempt : self->runs) + 1; /* some may be left out */
    self->idle = true;
    self->run_bytes = extent;
    return status;
}

emp_status_t emp_journal_index_take (emp_journal_index_t *self, uint64_t offset, uint64_t extent,
                                     const emp_journal_record_t *record)
{
    bool history = record->kind == EMP_JOURNAL_DEAD || record->kind == EMP_JOURNAL_ATTEMPT;
    self->history += history;
    self->idle = self->idle && !history && record->kind != EMP_JOURNAL_ANSWER;
    switch (record->kind) {
    case EMP_JOURNAL_ANSWER:
    case EMP_JOURNAL_DEAD: return take_answer (self, offset, extent, record);
    case EMP_JOURNAL_PUTS: return take_puts (self, record);
    case EMP_JOURNAL_FEED: return take_feed (self, record);
    case EMP_JOURNAL_FEED_END: return take_end (self, record);
    case EMP_JOURNAL_FOREIGN: copy_text (self->foreign, record->name, record->name_size, EMP_LABEL_MAX); return EMP_OK;
    case EMP_JOURNAL_RUN: return take_run (self, extent, record);
    case EMP_JOURNAL_WORKER:
    case EMP_JOURNAL_CLOSE: self->run_bytes += extent; return EMP_OK;
    default: return EMP_OK;
    }
}

static int by_offset (const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

emp_status_t emp_journal_index_end (emp_journal_index_t *self)
{
    emp_status_t status = end_run (self);
    if (self->useless_count)
        qsort (self->useless, self->useless_count, sizeof *self->useless, by_offset);
    return status;
}

bool emp_journal_index_counts (const emp_journal_index_t *self, uint64_t offset)
{
    return !self->useless_count ||
           !bsearch (&offset, self->useless, self->useless_count, sizeof *self->useless, by_offset);
}

/* ---- asking ------------------------------------------------------------------------------------------------------- */

static const struct emp_journal_piece *find_piece (const emp_journal_feed_t *self, uint64_t number)
{
    return number / PIECE < self->pieces_count ? self->pieces[number / PIECE] : NULL;
}

uint64_t emp_journal_index_look (const emp_journal_feed_t *self, uint64_t number, bool *ret_answered)
{
    const struct emp_journal_piece *piece = find_piece (self, number);
    size_t place = number % PIECE;
    *ret_answered = piece && (piece->answered[place / 64] >> (place % 64) & 1);
    return piece ? piece->hashes[place] : 0;
}

void emp_journal_index_pass (emp_journal_feed_t *self, uint64_t number)
{
    if (number % PIECE || number == 0 || number / PIECE > self->pieces_count)
        return;
    free (self->pieces[number / PIECE - 1]);
    self->pieces[number / PIECE - 1] = NULL;
}
