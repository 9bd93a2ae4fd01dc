/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results.c - any parts of RESULTS, as a broker that lies or repeats itself would send them, for the dictionary: no row of a ticket is
 * taken twice, and what is counted is what is kept.
 */
#include "manager/results.h"

#include "fuzz.h"

#define FEEDS 3u
#define NUMBERS 8u
#define ROWS 32u

typedef struct {
    emp_results_t *results;
    uint32_t rows[FEEDS][NUMBERS]; /* taken, by bit */
    uint64_t taken;
} ledger_t;

static void take (ledger_t *self, fuzz_input_t *input)
{
    uint8_t what = fuzz_byte (input), shape = fuzz_byte (input);
    size_t size;
    emp_part_t part = {.number = what >> 2 & 7u,
                       .attempt = 1 + fuzz_byte (input) % 3u,
                       .rows = 1 + (shape & 3u),
                       .from = shape >> 2 & 7u,
                       .left = shape >> 5,
                       .session = what & 1u,
                       .hash = what};
    if (what == 0xff) { /* and any others */
        part.number = fuzz_any (input);
        part.rows = (uint32_t) fuzz_any (input);
        part.from = (uint32_t) fuzz_any (input);
        part.left = (uint32_t) fuzz_any (input);
    }
    part.outcome = fuzz_byte (input) % 3u;
    const uint8_t *payload = fuzz_bytes (input, fuzz_byte (input) & 31u, &size);
    part.length = (uint32_t) size;
    uint32_t feed = what % FEEDS;
    if (emp_results_take (self->results, 100 + feed, &part, payload) != EMP_OK)
        return;
    self->taken++;
    if (part.number >= NUMBERS || part.from + part.rows > ROWS)
        return;
    uint32_t rows = (uint32_t) (((UINT64_C (1) << part.rows) - 1) << part.from);
    FUZZ_MUST (!(self->rows[feed][part.number] & rows));
    self->rows[feed][part.number] |= rows;
}

static void all_is_there (const ledger_t *self)
{
    emp_results_counts_t counts;
    emp_entry_t entry;
    emp_results_place_t place = {0};
    const char *label;
    uint64_t entries = 0, answered = 0, dead = 0, missing = 0, cursor = 0, number;
    emp_results_counts (self->results, &counts);
    FUZZ_MUST (counts.parts == self->taken);
    for (; emp_results_at (self->results, entries, &entry); entries++)
        dead += entry.outcome == EMP_OUTCOME_DEAD;
    FUZZ_MUST (entries == emp_results_count (self->results) && entries == self->taken);
    FUZZ_MUST (dead == counts.whole_dead + counts.parts_dead);
    while (emp_results_next_ticket (self->results, &place, &entry) == EMP_OK)
        answered++;
    FUZZ_MUST (answered + dead == entries);
    while (emp_results_next_dead (self->results, &cursor, &entry))
        dead--;
    FUZZ_MUST (dead == 0);
    place = (emp_results_place_t){0};
    uint64_t expected = emp_results_missing (self->results);
    while (missing < 1000 && emp_results_next_missing (self->results, &place, &label, &number))
        missing++;
    FUZZ_MUST (missing == (expected < 1000 ? expected : 1000));
    emp_feed_books_t books;
    char why[EMP_BOOKS_WHY_MAX];
    for (size_t i = 0; emp_results_feed_at (self->results, i, &books); i++)
        FUZZ_MUST (emp_books_feed_agrees (&books, why) || *why);
    FUZZ_MUST (!*emp_results_why (self->results));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    uint8_t how = fuzz_byte (&input);
    ledger_t self = {.results = emp_results_new (how < 250 ? 1u << 20 : 200, true)};
    FUZZ_MUST (self.results && emp_results_overflow (self.results, fuzz_folder (), NULL) == EMP_OK);
    for (uint32_t i = 0; i < FEEDS; i++)
        if (i < FEEDS - (how & 1))
            FUZZ_MUST (emp_results_feed (self.results, 100 + i, i ? "second" : "first", "q") == EMP_OK);
    emp_results_feed_rows (self.results, 100, 4);
    while (fuzz_left (&input))
        take (&self, &input);
    if (how & 2)
        emp_results_feed_end (self.results, 100, NUMBERS, NUMBERS * 4);
    all_is_there (&self);
    emp_results_destroy (&self.results);
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const uint8_t whole[] = {2, 0, 3, 0, 0, 1, 5, 4, 3, 1, 0, 1, 6, 0, 3, 0, 2, 2, 0xa1, 'x'};
    static const uint8_t halves[] = {3, 0, 0x60, 0, 0, 1, 5, 0, 0x46, 1, 2, 0, 0, 0x08, 1, 0, 0, 0, 0x0c, 1, 0, 0};
    static const uint8_t spilt[] = {250, 0, 3, 0, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4, 3, 0, 0, 2, 0xa1, 'x', 8, 3};
    static const uint8_t others[] = {0, 0xff, 3, 0, 0xfb, 1, 0, 0, 0, 0xfb, 1, 0, 0, 0, 0, 0, 0, 1, 5};
    write ("whole", whole, sizeof whole);
    write ("halves", halves, sizeof halves);
    write ("spilt", spilt, sizeof spilt);
    write ("others", others, sizeof others);
}
