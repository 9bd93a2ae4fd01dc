/* SPDX-License-Identifier: BSD-3-Clause
 *
 * seen.c - a set of ticket numbers: a table of pieces, each 32768 bits, made when the first of them is set and given
 * back when the last one is.
 *
 * Invariant: count is the number of bits set in all pieces; the bits of a full piece count as set.
 */
#include "seen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_NUMBERS 32768u
#define PIECE_WORDS (PIECE_NUMBERS / 64)

typedef struct emp_seen_piece {
    uint32_t count;
    uint64_t words[PIECE_WORDS];
} piece_t;

/* Stands for every piece whose numbers are all in the set; never written. */
static piece_t full;

void emp_seen_init (emp_seen_t *self)
{
    assert (self);
    *self = (emp_seen_t){0};
}

void emp_seen_release (emp_seen_t *self)
{
    assert (self);
    for (size_t i = 0; i < self->pieces_count; i++)
        if (self->pieces[i] != &full)
            free (self->pieces[i]);
    free (self->pieces);
    *self = (emp_seen_t){0};
}

/* Lets the table have a place `place`. */
static bool grow (emp_seen_t *self, size_t place)
{
    size_t count = self->pieces_count ? self->pieces_count : 1;
    while (count <= place)
        count *= 2;
    piece_t **pieces = realloc (self->pieces, count * sizeof *pieces);
    if (!pieces)
        return false;
    memset (pieces + self->pieces_count, 0, (count - self->pieces_count) * sizeof *pieces);
    self->pieces = pieces;
    self->pieces_count = count;
    return true;
}

static bool has (const piece_t *piece, uint64_t number)
{
    uint64_t bit = number % PIECE_NUMBERS;
    return piece == &full || (piece->words[bit / 64] >> (bit % 64) & 1);
}

emp_status_t emp_seen_reserve (emp_seen_t *self, uint64_t number)
{
    assert (self);
    if (number >= EMP_SEEN_NUMBER_MAX || number > self->count + EMP_SEEN_AHEAD_MAX)
        return EMP_MALFORMED;
    size_t place = (size_t) (number / PIECE_NUMBERS);
    if (place >= self->pieces_count && !grow (self, place))
        return EMP_NOMEM;
    piece_t *piece = self->pieces[place];
    if (piece)
        return has (piece, number) ? EMP_STALE : EMP_OK;
    self->pieces[place] = piece = calloc (1, sizeof *piece);
    return piece ? EMP_OK : EMP_NOMEM;
}

void emp_seen_add (emp_seen_t *self, uint64_t number)
{
    assert (self && number / PIECE_NUMBERS < self->pieces_count);
    piece_t **place = &self->pieces[number / PIECE_NUMBERS];
    piece_t *piece = *place;
    assert (piece && !has (piece, number));
    uint64_t bit = number % PIECE_NUMBERS;
    piece->words[bit / 64] |= UINT64_C (1) << (bit % 64);
    self->count++;
    if (self->beyond <= number)
        self->beyond = number + 1;
    if (++piece->count == PIECE_NUMBERS) {
        *place = &full;
        free (piece);
    }
}

/* The bits of the 64 numbers from 64 * word on that are below `end` and not in the set. */
static uint64_t absent (const emp_seen_t *self, uint64_t word, uint64_t end)
{
    size_t place = (size_t) (word / PIECE_WORDS);
    const piece_t *piece = place < self->pieces_count ? self->pieces[place] : NULL;
    if (piece == &full)
        return 0;
    uint64_t bits = piece ? ~piece->words[word % PIECE_WORDS] : UINT64_MAX;
    uint64_t left = end - word * 64;
    return left < 64 ? bits & ((UINT64_C (1) << left) - 1) : bits;
}

uint64_t emp_seen_missing (const emp_seen_t *self, uint64_t end)
{
    assert (self && end <= EMP_SEEN_NUMBER_MAX);
    uint64_t total = 0;
    for (uint64_t word = 0; word * 64 < end; word++)
        total += (uint64_t) __builtin_popcountll (absent (self, word, end));
    return total;
}

uint64_t emp_seen_next (const emp_seen_t *self, uint64_t number, uint64_t end)
{
    assert (self && end <= EMP_SEEN_NUMBER_MAX);
    for (uint64_t word = number / 64; word * 64 < end; word++) {
        uint64_t bits = absent (self, word, end);
        if (word == number / 64)
            bits &= UINT64_MAX << (number % 64);
        if (bits)
            return word * 64 + (uint64_t) __builtin_ctzll (bits);
    }
    return end;
}
