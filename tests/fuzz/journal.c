/* SPDX-License-Identifier: BSD-3-Clause
 *
 * journal.c - journals: any bytes; any records, whose sums are right; and what honest runs have written, spoilt and cut between
 * one run and the next. What is read back of the last is an answer as it was, to the chunk that it was of, and no row twice; of
 * a sound file it is all that was counted.
 */
#include "manager/journal.h"

#include <fcntl.h>

#include "fuzz.h"
#include "manager/journal_index.h"
#include "manager/journal_read.h"

#define PLACES 2u
#define NUMBERS 12u
#define ROWS 4u
#define ALL ((1u << ROWS) - 1)
#define LIVES 6 /* of a run: each is a file that is read and written */

static const emp_journal_decl_t decls[PLACES] = {{"first", "mp_input_q", ROWS}, {"second", "blue_q_7", ROWS}};

static ssize_t to_file (int fd, const void *data, size_t size, off_t offset)
{
    return pwrite (fd, data, size, offset);
}

static int no_sync (int fd)
{
    (void) fd;
    return 0;
}

static void hush (void *arg, const char *sentence)
{
    (void) arg, (void) sentence;
}

static emp_journal_t *open_it (const char *path)
{
    static const emp_journal_system_t system = {to_file, no_sync, realloc};
    const emp_journal_config_t config = {.path = path,
                                         .sync = EMP_JOURNAL_BATCH,
                                         .resume = true,
                                         .rows_max = ROWS,
                                         .feeds = decls,
                                         .feeds_count = PLACES,
                                         .say = hush,
                                         .system = &system};
    emp_journal_t *journal = NULL;
    char why[EMP_JOURNAL_WHY_MAX] = "";
    emp_status_t status = emp_journal_open (&config, &journal, why);
    FUZZ_MUST ((status == EMP_OK) == (journal != NULL) && (journal || *why));
    return journal;
}

static bool begin (emp_journal_t *journal)
{
    char why[EMP_JOURNAL_WHY_MAX] = "";
    for (uint32_t i = 0; i < PLACES; i++)
        if (emp_journal_feed (journal, i, 100 + i, &decls[i], why) != EMP_OK)
            return false;
    return true;
}

/* ---- bytes in memory ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *data;
    size_t size;
    uint64_t at; /* all before it was told */
    emp_journal_index_t index;
} memory_t;

static ssize_t read_memory (void *arg, void *to, size_t size, uint64_t offset)
{
    const memory_t *self = arg;
    FUZZ_MUST (offset <= self->size && size <= self->size - offset);
    memcpy (to, self->data + offset, size);
    return (ssize_t) size;
}

static emp_status_t take_record (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    memory_t *self = arg;
    FUZZ_MUST (offset == self->at && extent >= EMP_JOURNAL_HEAD && extent % 8 == 0 && extent <= self->size - offset);
    self->at += extent;
    emp_status_t status = emp_journal_index_take (&self->index, offset, extent, record);
    FUZZ_MUST (status == EMP_OK || status == EMP_MALFORMED);
    return EMP_OK;
}

static emp_status_t take_damage (void *arg, uint64_t offset, uint64_t size)
{
    memory_t *self = arg;
    FUZZ_MUST (offset == self->at && size > 0);
    self->at += size;
    return EMP_OK;
}

#define LOOK_MAX 100000u /* numbers of a feed, which may be far apart */

static void walk (const uint8_t *data, size_t size)
{
    memory_t memory = {.data = data, .size = size};
    const emp_journal_input_t input = {read_memory, realloc, &memory, size};
    const emp_journal_walk_t callbacks = {take_record, take_damage, &memory};
    emp_journal_record_t header;
    uint64_t end;
    if (emp_journal_find_header (&input, &header) != EMP_OK)
        return;
    emp_journal_index_init (&memory.index, realloc);
    FUZZ_MUST (emp_journal_scan (&input, header.nonce, 0, &callbacks, &end) == EMP_OK && end == memory.at);
    FUZZ_MUST (emp_journal_index_end (&memory.index) == EMP_OK);
    for (size_t i = 0; i < memory.index.feeds_count; i++) {
        const emp_journal_feed_t *feed = &memory.index.feeds[i];
        uint64_t count = 0;
        uint64_t look = feed->beyond < LOOK_MAX ? feed->beyond : LOOK_MAX;
        for (uint64_t number = 0; number < look; number++) {
            bool answered = false;
            emp_journal_index_look (feed, number, &answered);
            count += answered;
        }
        FUZZ_MUST (look < feed->beyond ? count <= feed->answered : count == feed->answered);
    }
    emp_journal_index_release (&memory.index);
}

/* ---- any records -------------------------------------------------------------------------------------------------------- */

static void touch (void *arg, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    (void) feed;
    for (uint32_t i = 0; i < part->length; i++)
        *(unsigned *) arg += payload[i];
}

/* Whatever the file says, a run goes on with it or refuses it. */
static void go_on (const uint8_t *data, size_t size)
{
    emp_journal_t *journal = open_it (fuzz_write ("j", data, size));
    if (journal && begin (journal)) {
        unsigned sum = 0;
        uint64_t tickets, rows;
        FUZZ_MUST (emp_journal_replay (journal, 0, PLACES, &(emp_journal_hearer_t){.take = touch, .arg = &sum}) ==
                   EMP_OK);
        for (uint64_t number = 0; number < NUMBERS; number++)
            emp_journal_check (journal, number % PLACES, number / PLACES, 1 + number);
        emp_journal_is_whole (journal, 0, &tickets, &rows);
        emp_journal_feed_end (journal, 1, NUMBERS, NUMBERS, &tickets);
        FUZZ_MUST (emp_journal_commit (journal) == EMP_OK);
    }
    emp_journal_destroy (&journal);
}

static void make (fuzz_input_t *input, emp_journal_record_t *record)
{
    *record = (emp_journal_record_t){.kind = 1 + fuzz_byte (input) % 13,
                                     .version = EMP_JOURNAL_VERSION,
                                     .place = (uint32_t) fuzz_any (input),
                                     .number = fuzz_any (input),
                                     .attempt = fuzz_byte (input),
                                     .rows = (uint32_t) fuzz_any (input),
                                     .from = fuzz_byte (input),
                                     .left = fuzz_byte (input),
                                     .parts = fuzz_byte (input),
                                     .hash = fuzz_any (input),
                                     .count = fuzz_any (input),
                                     .name = "queue",
                                     .name_size = 5};
    record->data = fuzz_bytes (input, fuzz_byte (input), &record->size);
}

/* A header, and records as the input says; then it is spoilt. */
static void any_records (fuzz_input_t *input)
{
    emp_journal_bytes_t bytes = {.grow = realloc};
    emp_journal_record_t record = {
        .kind = EMP_JOURNAL_HEADER, .version = EMP_JOURNAL_VERSION, .nonce = 7, .rows = ROWS, .count = PLACES};
    FUZZ_MUST (emp_journal_encode (&bytes, &record) && emp_journal_encode (&bytes, &record));
    for (unsigned count = fuzz_byte (input) % 32u; count && fuzz_left (input); count--) {
        make (input, &record);
        FUZZ_MUST (emp_journal_encode (&bytes, &record));
    }
    emp_journal_seal (bytes.data, bytes.size, 7, 0);
    walk (bytes.data, bytes.size);
    go_on (bytes.data, bytes.size);
    if (fuzz_left (input) >= 3) {
        fuzz_spoil (input, bytes.data, bytes.size);
        walk (bytes.data, bytes.size);
        go_on (bytes.data, bytes.size);
    }
    emp_journal_release (&bytes);
}

/* ---- honest runs -------------------------------------------------------------------------------------------------------- */

typedef struct {
    emp_journal_t *journal;
    uint64_t next[PLACES];          /* to be made */
    bool open[PLACES][NUMBERS];     /* made, and not ended */
    uint8_t ended[PLACES][NUMBERS]; /* rows, in this run */
    uint8_t taken[PLACES][NUMBERS]; /* rows that were answered, as commit or replay told */
    bool whole[PLACES][NUMBERS];    /* what a sound file has to give back */
} honest_t;

static uint64_t hash_of (uint32_t place, uint64_t number)
{
    return 1 + place * 1000003u + number * 7919u;
}

/* A packed number that says what it answers. */
static void result_of (uint32_t place, uint64_t number, uint32_t from, uint8_t ret_result[5])
{
    const uint8_t result[5] = {0xce, (uint8_t) place, 0, (uint8_t) number, (uint8_t) from};
    memcpy (ret_result, result, sizeof result);
}

static void take (void *arg, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    honest_t *self = arg;
    uint8_t result[5];
    uint32_t place = feed - 100;
    FUZZ_MUST (place < PLACES && part->number < NUMBERS && part->from < ROWS && part->rows <= ROWS - part->from);
    result_of (place, part->number, part->from, result);
    FUZZ_MUST (part->length == sizeof result && memcmp (payload, result, sizeof result) == 0);
    FUZZ_MUST (part->hash == hash_of (place, part->number));
    if (part->outcome != EMP_OUTCOME_DONE)
        return;
    uint8_t rows = (uint8_t) (((1u << part->rows) - 1) << part->from);
    FUZZ_MUST (!(self->taken[place][part->number] & rows)); /* rows twice */
    self->taken[place][part->number] |= rows;
    if (self->taken[place][part->number] == ALL)
        self->whole[place][part->number] = true;
}

static void answer (honest_t *self, uint32_t place, uint64_t number, uint32_t rows, bool dead)
{
    uint32_t from = (uint32_t) __builtin_popcount (self->ended[place][number]);
    rows = rows < ROWS - from ? rows : ROWS - from;
    uint8_t result[5];
    result_of (place, number, from, result);
    const emp_part_t part = {.number = number,
                             .attempt = 1,
                             .outcome = dead ? EMP_OUTCOME_DEAD : EMP_OUTCOME_DONE,
                             .rows = rows,
                             .from = from,
                             .left = ROWS - from - rows,
                             .length = sizeof result,
                             .session = 77,
                             .hash = hash_of (place, number)};
    FUZZ_MUST (emp_journal_add (self->journal, 100 + place, decls[place].label, &part, result));
    self->ended[place][number] = (uint8_t) ((1u << (from + rows)) - 1);
    self->open[place][number] = part.left > 0;
}

static void make_ticket (honest_t *self, uint32_t place)
{
    uint64_t number = self->next[place], more;
    if (number == NUMBERS) {
        FUZZ_MUST (emp_journal_feed_end (self->journal, place, NUMBERS, NUMBERS * ROWS, &more));
        return;
    }
    self->next[place]++;
    emp_journal_check_t check = emp_journal_check (self->journal, place, number, hash_of (place, number));
    FUZZ_MUST (check == (self->whole[place][number] ? EMP_JOURNAL_SKIPS : EMP_JOURNAL_RUNS));
    self->open[place][number] = check == EMP_JOURNAL_RUNS;
}

static void commit (honest_t *self)
{
    FUZZ_MUST (emp_journal_commit (self->journal) == EMP_OK);
    emp_journal_each (self->journal, take, self);
}

/* The next run. Of a sound file nothing may be missing; of a damaged one what is there is what has been before. */
static bool resume (honest_t *self, const char *path, bool sound)
{
    bool before[PLACES][NUMBERS];
    memcpy (before, self->whole, sizeof before);
    *self = (honest_t){.journal = open_it (path)};
    FUZZ_MUST (self->journal || !sound);
    if (!self->journal)
        return false;
    FUZZ_MUST (begin (self->journal));
    FUZZ_MUST (emp_journal_replay (self->journal, 0, PLACES, &(emp_journal_hearer_t){.take = take, .arg = self}) ==
               EMP_OK);
    uint64_t whole = 0;
    for (uint32_t place = 0; place < PLACES; place++)
        for (uint64_t number = 0; number < NUMBERS; number++) {
            whole += self->whole[place][number];
            FUZZ_MUST (self->whole[place][number] == (self->taken[place][number] != 0)); /* whole or not at all */
            FUZZ_MUST (sound ? self->whole[place][number] == before[place][number]
                             : !self->whole[place][number] || before[place][number]);
        }
    FUZZ_MUST (whole == emp_journal_answered (self->journal));
    return true;
}

static bool kill_and_resume (honest_t *self, fuzz_input_t *input, const char *path)
{
    size_t size;
    emp_journal_destroy (&self->journal);
    uint8_t how = fuzz_byte (input);
    uint8_t *data = fuzz_read (path, &size);
    bool sound = true;
    for (unsigned i = how & 3u; i > 0; i--) {
        size_t at = fuzz_number (input, 2) % size;
        uint8_t by = fuzz_byte (input);
        sound = sound && by == 0;
        data[at] ^= by;
    }
    size_t cut = how & 4 ? fuzz_number (input, 2) % (size + 1) : size;
    sound = sound && cut == size;
    fuzz_write ("h", data, cut);
    free (data);
    return cut > 0 && resume (self, path, sound);
}

static void honest_runs (fuzz_input_t *input)
{
    honest_t self = {0};
    char path[4096];
    snprintf (path, sizeof path, "%s", fuzz_write ("h", "", 0));
    unsigned lives = 1;
    bool on = resume (&self, path, true);
    while (on && fuzz_left (input)) {
        uint8_t what = fuzz_byte (input);
        uint32_t place = what & 1u;
        uint64_t number = (what >> 4) % NUMBERS;
        bool open = self.open[place][number];
        switch (what >> 1 & 7) {
        case 0:
        case 1: make_ticket (&self, place); break;
        case 2: open ? answer (&self, place, number, ROWS, false) : make_ticket (&self, place); break;
        case 3: open ? answer (&self, place, number, 2, false) : make_ticket (&self, place); break;
        case 4: open ? answer (&self, place, number, 1, false) : make_ticket (&self, place); break;
        case 5: open ? answer (&self, place, number, 1 + number % ROWS, true) : make_ticket (&self, place); break;
        case 6: commit (&self); break;
        default: on = lives++ < LIVES && kill_and_resume (&self, input, path); break;
        }
    }
    emp_journal_destroy (&self.journal);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    switch (fuzz_byte (&input) % 4) {
    case 0:
        walk (input.at, fuzz_left (&input));
        go_on (input.at, fuzz_left (&input));
        break;
    case 1: any_records (&input); break;
    default: honest_runs (&input); break;
    }
    return 0;
}

/* ---- seeds -------------------------------------------------------------------------------------------------------------- */

void fuzz_seeds (fuzz_seed_fn *write)
{
    /* tickets 0 and 1 of both places, answered whole, in parts, in part dead; committed; killed; again */
    static const uint8_t honest[] = {2, 0, 1, 0, 1, 4, 0x15, 8, 8, 8, 8, 0x1a, 12, 14, 0, 0, 1, 0, 1, 0x14, 12, 14, 0};
    static const uint8_t spoilt[] = {2, 0, 0, 4, 0x14, 12, 14, 1, 1, 0, 0x80, 0, 0, 4, 12, 14, 4, 1, 0x90, 0, 4, 12};
    static const uint8_t records[] = {1, 4, 4, 0, 0, 1, 4, 0, 0, 0, 9, 0, 8, 9,    0, 0, 0, 0, 0,
                                      0, 0, 5, 0, 0, 1, 4, 0, 0, 0, 9, 0, 1, 0xc0, 8, 0, 0, 0, 4,
                                      0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0};
    write ("honest", honest, sizeof honest);
    write ("spoilt", spoilt, sizeof spoilt);
    write ("records", records, sizeof records);
    honest_t self = {0};
    char path[4096];
    snprintf (path, sizeof path, "%s", fuzz_write ("s", "", 0));
    FUZZ_MUST (resume (&self, path, true));
    make_ticket (&self, 0);
    answer (&self, 0, 0, ROWS, false);
    commit (&self);
    emp_journal_destroy (&self.journal);
    size_t size;
    uint8_t *data = fuzz_read (path, &size), *raw = calloc (1, size + 1);
    FUZZ_MUST (raw);
    memcpy (raw + 1, data, size);
    write ("raw", raw, size + 1);
    free (raw);
    free (data);
}
