/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_journal.c - a journal that is cut at every byte, changed at every byte, whose writes, syncs and allocations fail in turn:
 * what is read back is an answer as it was, to the chunk that it was of, or it is not there.
 */
#include <errno.h>
#include <fcntl.h>

#include "manager/journal.h"
#include "manager/journal_read.h"
#include "scratch.h"

TestSuite (journal, .init = scratch_make, .fini = scratch_remove, .timeout = 120);

#define PLACES 2u
#define NUMBERS 40u
#define ROWS 4u

static const emp_journal_decl_t decls[PLACES] = {{"first", "mp_input_q", ROWS}, {"second", "blue_q_7", ROWS}};

/* ---- libc, as the tests want it ------------------------------------------------------------------------------------- */

static long fail_write = -1, fail_sync = -1, fail_grow = -1; /* which call fails; -1 none */
static long writes, syncs, grows;
static size_t short_of; /* a write that fails leaves so many bytes */

static ssize_t test_write (int fd, const void *data, size_t size, off_t offset)
{
    if (writes++ != fail_write)
        return pwrite (fd, data, size, offset);
    if (short_of && short_of < size) {
        fail_write = writes; /* the rest fails */
        return pwrite (fd, data, short_of, offset);
    }
    errno = ENOSPC;
    return -1;
}

static int test_sync (int fd)
{
    (void) fd;
    errno = EIO;
    return syncs++ == fail_sync ? -1 : 0;
}

static void *test_grow (void *old, size_t size)
{
    return grows++ == fail_grow ? NULL : realloc (old, size);
}

static const emp_journal_system_t libc = {test_write, test_sync, test_grow};

static void nothing_fails (void)
{
    fail_write = fail_sync = fail_grow = -1;
    writes = syncs = grows = 0;
    short_of = 0;
}

/* ---- a run, and what is read back -------------------------------------------------------------------------------------- */

static char said[8192];

static void say (void *arg, const char *sentence)
{
    (void) arg;
    size_t size = strlen (said);
    snprintf (said + size, sizeof said - size, "%s\n", sentence);
}

static char why[EMP_JOURNAL_WHY_MAX];

static emp_status_t open_at (const char *path, bool resume, emp_journal_t **ret_journal)
{
    const emp_journal_config_t config = {.path = path,
                                         .sync = EMP_JOURNAL_BATCH,
                                         .resume = resume,
                                         .rows_max = ROWS,
                                         .feeds = decls,
                                         .feeds_count = PLACES,
                                         .say = say,
                                         .system = &libc};
    *ret_journal = NULL;
    said[0] = why[0] = '\0';
    return emp_journal_open (&config, ret_journal, why);
}

static void begin (emp_journal_t *journal)
{
    for (uint32_t i = 0; i < PLACES; i++)
        cr_assert_eq (emp_journal_feed (journal, i, 100 + i, &decls[i], why), EMP_OK);
}

static uint64_t hash_of (uint32_t place, uint64_t number)
{
    return 1 + place * 1000003 + number * 7919;
}

/* A result of one packed number of 4 bytes, which says what it answers. */
static void result_of (uint32_t place, uint64_t number, uint32_t from, uint8_t ret_result[5])
{
    uint32_t value = place << 24 | (uint32_t) number << 8 | from;
    ret_result[0] = 0xce;
    for (int i = 0; i < 4; i++)
        ret_result[1 + i] = (uint8_t) (value >> (24 - 8 * i));
}

static bool silent; /* workers do not say what chunk they worked at */

static bool add (emp_journal_t *journal, uint32_t place, uint64_t number, uint32_t from, uint32_t rows, bool dead)
{
    uint8_t result[5];
    result_of (place, number, from, result);
    emp_part_t part = {.number = number,
                       .attempt = 1,
                       .outcome = dead ? EMP_OUTCOME_DEAD : EMP_OUTCOME_DONE,
                       .rows = rows,
                       .from = from,
                       .left = ROWS - from - rows,
                       .length = sizeof result,
                       .session = 77,
                       .hash = silent ? 0 : hash_of (place, number)};
    return emp_journal_add (journal, 100 + place, decls[place].label, &part, result);
}

/* Every seventh ticket was halved; every eleventh has a dead row. */
static void answer (emp_journal_t *journal, uint32_t place, uint64_t number)
{
    if (number % 7 == 3) {
        add (journal, place, number, 0, 1, false);
        add (journal, place, number, 1, 3, number % 2);
    } else
        add (journal, place, number, 0, ROWS, number % 11 == 10);
}

static bool is_answered (uint64_t number)
{
    return number % 7 == 3 ? number % 2 == 0 : number % 11 != 10;
}

static uint64_t answered_in_all (void)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < NUMBERS; i++)
        count += PLACES * is_answered (i);
    return count;
}

/* Which rows of which ticket were taken. */
typedef struct {
    uint8_t rows[PLACES][NUMBERS];
    uint64_t whole, parts;
} taken_t;

static void take (void *arg, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    taken_t *self = arg;
    uint8_t result[5];
    cr_assert (feed >= 100 && feed < 100 + PLACES && part->number < NUMBERS);
    result_of (feed - 100, part->number, part->from, result);
    cr_assert (part->length == sizeof result && memcmp (payload, result, sizeof result) == 0, "a wrong answer");
    cr_assert (part->hash == hash_of (feed - 100, part->number) || (silent && !part->hash));
    self->parts++;
    if (part->outcome != EMP_OUTCOME_DONE)
        return;
    uint8_t rows = (uint8_t) (((1u << part->rows) - 1) << part->from);
    uint8_t *have = &self->rows[feed - 100][part->number];
    cr_assert_eq (*have & rows, 0, "rows twice");
    *have |= rows;
    self->whole += *have == (1u << ROWS) - 1;
}

/* One run over all tickets from `first` on: what is known is checked, what is not is answered. Ends early when it cannot be kept. */
static taken_t work (emp_journal_t *journal, uint64_t beyond)
{
    taken_t taken = {0};
    begin (journal);
    emp_journal_worker (journal, 77, "Process-1", "host", 4711);
    for (uint64_t number = 0; number < beyond; number++) {
        for (uint32_t place = 0; place < PLACES; place++)
            if (emp_journal_check (journal, place, number, hash_of (place, number)) == EMP_JOURNAL_RUNS)
                answer (journal, place, number);
        if (number % 5 == 4) {
            if (emp_journal_commit (journal) != EMP_OK)
                return taken;
            emp_journal_each (journal, take, &taken);
        }
    }
    for (uint32_t place = 0; place < PLACES && beyond == NUMBERS; place++)
        cr_assert (emp_journal_feed_end (journal, place, NUMBERS, NUMBERS * ROWS, &(uint64_t){0}));
    return taken;
}

static taken_t replay (emp_journal_t *journal)
{
    taken_t taken = {0};
    begin (journal);
    cr_assert_eq (emp_journal_replay (journal, 0, PLACES, &(emp_journal_hearer_t){.take = take, .arg = &taken}),
                  EMP_OK);
    cr_assert_eq (taken.whole, emp_journal_answered (journal), "what counts is told whole");
    for (uint32_t place = 0; place < PLACES; place++)
        for (uint64_t number = 0; number < NUMBERS; number++) {
            emp_journal_check_t check = emp_journal_check (journal, place, number, hash_of (place, number));
            cr_assert_eq (check == EMP_JOURNAL_SKIPS, taken.rows[place][number] == (1u << ROWS) - 1);
            cr_assert_neq (check, EMP_JOURNAL_DIFFERS);
        }
    return taken;
}

static uint8_t *slurp (const char *path, size_t *ret_size)
{
    FILE *file = fopen (path, "r");
    cr_assert (file != NULL);
    uint8_t *data = malloc (1 << 20);
    *ret_size = fread (data, 1, 1 << 20, file);
    fclose (file);
    return data;
}

/* The bytes of a run over all tickets that was killed, or ended by itself. */
static uint8_t *whole_run (bool close, size_t *ret_size)
{
    const char *path = scratch_path ("whole");
    emp_journal_t *journal;
    nothing_fails ();
    cr_assert_eq (open_at (path, false, &journal), EMP_OK, "%s", why);
    taken_t taken = work (journal, NUMBERS);
    cr_assert_eq (taken.whole, answered_in_all ());
    if (close)
        emp_journal_close (journal, true);
    emp_journal_destroy (&journal);
    uint8_t *data = slurp (path, ret_size);
    remove (path);
    return data;
}

/* ---- reading back ------------------------------------------------------------------------------------------------------ */

Test (journal, what_was_counted_is_read_back)
{
    size_t size;
    uint8_t *data = whole_run (true, &size);
    emp_journal_t *journal;
    cr_assert_eq (open_at (scratch_write ("j", data, size), true, &journal), EMP_OK, "%s", why);
    cr_assert_str_empty (said);
    taken_t taken = replay (journal);
    cr_assert_eq (taken.whole, answered_in_all ());
    emp_journal_destroy (&journal);
    free (data);
}

Test (journal, a_run_that_is_resumed_again_and_again_does_each_ticket_once)
{
    const char *path = scratch_path ("j");
    emp_journal_t *journal;
    uint64_t done = 0;
    for (uint64_t beyond = 5; beyond <= NUMBERS; beyond += 5) {
        cr_assert_eq (open_at (path, beyond > 5, &journal), EMP_OK, "%s", why);
        cr_assert_eq (replay (journal).whole, done);
        done += work (journal, beyond).whole;
        emp_journal_destroy (&journal);
    }
    cr_assert_eq (done, answered_in_all ());
}

Test (journal, an_answer_that_does_not_name_its_chunk_counts_also_when_it_is_rewritten)
{
    size_t size;
    silent = true;
    uint8_t *data = whole_run (false, &size);
    uint8_t *worker = memmem (data, size, "Process-1", 9);
    const char *path = scratch_write ("j", data, size);
    emp_journal_t *journal;
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    cr_assert_eq (replay (journal).whole, answered_in_all ());
    emp_journal_destroy (&journal);
    *worker ^= 1;
    scratch_write ("j", data, size);
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why); /* without the hashes that it does not need */
    emp_journal_destroy (&journal);
    silent = false;
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    cr_assert_str_empty (said);
    cr_assert_eq (replay (journal).whole, answered_in_all ());
    emp_journal_destroy (&journal);
    free (data);
}

Test (journal, cut_at_every_byte_it_has_what_was_before)
{
    size_t size;
    uint8_t *data = whole_run (false, &size);
    uint64_t before = 0;
    for (size_t cut = 0; cut <= size; cut++) {
        emp_journal_t *journal;
        const char *path = scratch_write ("j", data, cut);
        bool anybodys = cut > 0 && cut < EMP_JOURNAL_MARK_AT + 4; /* its mark is not whole */
        cr_assert_eq (open_at (path, true, &journal), anybodys ? EMP_INVALID : EMP_OK, "%zu: %s", cut, why);
        if (anybodys)
            continue;
        cr_assert_eq (cut < EMP_JOURNAL_HEADER_SIZE, strstr (said, "starts anew") != NULL, "%zu: %s", cut, said);
        uint64_t whole = replay (journal).whole;
        cr_assert (whole >= before, "%zu", cut);
        before = whole;
        emp_journal_destroy (&journal);
    }
    cr_assert_eq (before, answered_in_all ());
    free (data);
}

Test (journal, a_torn_header_is_begun_anew_and_what_only_looks_like_one_is_left_alone)
{
    size_t size, left;
    emp_journal_t *journal;
    uint8_t *data = whole_run (false, &size);
    enum { TORN = EMP_JOURNAL_HEADER_SIZE - 1, VERSION_END = EMP_JOURNAL_HEAD + 4 };
    for (size_t at = EMP_JOURNAL_MARK_AT; at < VERSION_END; at++) {
        data[at] ^= 0x40;
        const char *path = scratch_write ("j", data, TORN);
        cr_assert_eq (open_at (path, true, &journal), EMP_INVALID, "%zu", at);
        uint8_t *there = slurp (path, &left);
        cr_assert (left == TORN && memcmp (there, data, TORN) == 0, "%zu", at);
        free (there);
        data[at] ^= 0x40;
    }
    const char *path = scratch_write ("j", data, TORN);
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    cr_assert (strstr (said, "no whole header: the run starts anew"), "%s", said);
    begin (journal);
    emp_journal_keep (journal);
    cr_assert_eq (emp_journal_commit (journal), EMP_OK);
    emp_journal_destroy (&journal);
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    cr_assert_str_empty (said);
    emp_journal_destroy (&journal);
    free (data);
}

Test (journal, changed_at_every_byte_it_loses_one_record_and_says_so)
{
    size_t size;
    uint8_t *data = whole_run (false, &size);
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (size_t at = 0; at < size; at++) {
        emp_journal_t *journal;
        uint8_t change = changes[at % 3];
        data[at] ^= change;
        cr_assert_eq (open_at (scratch_write ("j", data, size), true, &journal), EMP_OK, "%zu: %s", at, why);
        data[at] ^= change;
        cr_assert (strstr (said, "damaged bytes") || strstr (said, "torn tail"), "%zu: %s", at, said);
        taken_t taken = replay (journal);
        cr_assert_geq (taken.whole + 1, answered_in_all (), "%zu", at);
        emp_journal_destroy (&journal);
        /* The file is sound again. */
        cr_assert_eq (open_at (scratch_path ("j"), true, &journal), EMP_OK, "%zu: %s", at, why);
        cr_assert_str_empty (said);
        cr_assert_eq (replay (journal).whole, taken.whole);
        emp_journal_destroy (&journal);
    }
    free (data);
}

/* The n-th record of a kind in a sound file. */
static uint8_t *record_of (uint8_t *data, size_t size, uint32_t kind, unsigned n)
{
    size_t at = 0;
    while (at < size && (data[at + 12] != kind || n-- > 0))
        at += emp_journal_size_at (data + at);
    cr_assert_lt (at, size, "no such record");
    return data + at;
}

/* Parts of two runs whose border is damaged: [0] of the first, [2] and [3] of the second, whose [0 1] is damaged too. */
Test (journal, parts_of_two_runs_are_never_put_together)
{
    const char *path = scratch_path ("j");
    emp_journal_t *journal;
    taken_t taken = {0};
    size_t size;
    for (uint32_t run = 0; run < 2; run++) {
        cr_assert_eq (open_at (path, run > 0, &journal), EMP_OK, "%s", why);
        begin (journal);
        cr_assert_eq (emp_journal_check (journal, 0, 0, hash_of (0, 0)), EMP_JOURNAL_RUNS);
        add (journal, 0, 0, 0, 1 + run, false);
        if (run) {
            add (journal, 0, 0, 2, 1, false);
            add (journal, 0, 0, 3, 1, false);
        }
        cr_assert_eq (emp_journal_commit (journal), EMP_OK);
        emp_journal_destroy (&journal);
    }
    uint8_t *data = slurp (path, &size);
    record_of (data, size, EMP_JOURNAL_RUN, 1)[30] ^= 1;
    record_of (data, size, EMP_JOURNAL_ANSWER, 1)[30] ^= 1;
    cr_assert_eq (open_at (scratch_write ("j", data, size), true, &journal), EMP_OK, "%s", why);
    begin (journal);
    cr_assert_eq (emp_journal_replay (journal, 0, PLACES, &(emp_journal_hearer_t){.take = take, .arg = &taken}),
                  EMP_OK);
    cr_assert_eq (taken.parts, 0, "a ticket with a row that nobody has answered");
    cr_assert_eq (emp_journal_check (journal, 0, 0, hash_of (0, 0)), EMP_JOURNAL_RUNS);
    emp_journal_destroy (&journal);
    free (data);
}

Test (journal, damaged_bytes_are_put_aside)
{
    size_t size, aside;
    uint8_t *data = whole_run (false, &size);
    emp_journal_t *journal;
    size_t at = size / 2 / 8 * 8;
    memset (data + at, 0x55, 8);
    cr_assert_eq (open_at (scratch_write ("j", data, size), true, &journal), EMP_OK);
    cr_assert (strstr (said, " damaged bytes at offset "), "%s", said);
    emp_journal_destroy (&journal);
    uint8_t *kept = slurp (scratch_path ("j.quarantine"), &aside);
    cr_assert (aside >= 32 && aside < 400);
    cr_assert (memmem (kept, aside, data + at, 8) != NULL);
    free (kept);
    free (data);
}

Test (journal, a_record_that_lies_elsewhere_is_none)
{
    size_t size;
    uint8_t *data = whole_run (false, &size);
    emp_journal_t *journal;
    uint8_t *twice = malloc (2 * size);
    memcpy (twice, data, size);
    memcpy (twice + size, data, size);
    cr_assert_eq (open_at (scratch_write ("j", twice, 2 * size), true, &journal), EMP_OK);
    char expected[64];
    snprintf (expected, sizeof expected, "a torn tail of %zu bytes", size);
    cr_assert (strstr (said, expected), "%s", said);
    cr_assert_eq (replay (journal).whole, answered_in_all ());
    emp_journal_destroy (&journal);
    free (twice);
    free (data);
}

/* A disk of which one block cannot be read. */
typedef struct {
    const uint8_t *data;
    size_t size, bad;
    bool shy; /* a read that comes to the block fails, and gives nothing of what is before it */
    uint64_t records, damaged;
} disk_t;

static ssize_t read_disk (void *arg, void *to, size_t size, uint64_t offset)
{
    const disk_t *self = arg;
    size_t end = (size_t) offset + size < self->size ? (size_t) offset + size : self->size;
    if (end > self->bad && offset < self->bad + 4096) {
        if (self->shy || offset >= self->bad) {
            errno = EIO;
            return -1;
        }
        end = self->bad;
    }
    memcpy (to, self->data + offset, end - offset);
    return (ssize_t) (end - offset);
}

static emp_status_t count_record (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    disk_t *self = arg;
    cr_assert (offset + extent <= self->bad || offset >= self->bad + 4096);
    self->records += record->kind != 0;
    return EMP_OK;
}

static emp_status_t count_damage (void *arg, uint64_t offset, uint64_t size)
{
    disk_t *self = arg;
    cr_assert (offset <= self->bad && offset + size >= self->bad + 4096);
    self->damaged += size;
    return EMP_OK;
}

Test (journal, a_block_that_cannot_be_read_costs_what_lies_in_it)
{
    size_t size;
    uint8_t *data = whole_run (false, &size);
    cr_assert_gt (size, 8192 + 500);
    for (int shy = 0; shy < 2; shy++) {
        disk_t disk = {.data = data, .size = size, .bad = 4096, .shy = shy};
        const emp_journal_input_t input = {.read = read_disk, .grow = realloc, .arg = &disk, .size = size};
        const emp_journal_walk_t walk = {.record = count_record, .damage = count_damage, .arg = &disk};
        emp_journal_record_t header;
        uint64_t end;
        cr_assert_eq (emp_journal_find_header (&input, &header), EMP_OK);
        cr_assert_eq (emp_journal_scan (&input, header.nonce, 0, &walk, &end), EMP_OK);
        cr_assert_eq (end, size);
        cr_assert (disk.damaged >= 4096 && disk.damaged < 4096 + 2 * 200);
        cr_assert_gt (disk.records, 30);
        disk.bad = 0;
        cr_assert_eq (emp_journal_find_header (&input, &header), EMP_SYSTEM);
    }
    free (data);
}

/* ---- what fails -------------------------------------------------------------------------------------------------------- */

/* A run in which something fails; then what it counted is in the file, all of it. False when nothing has failed any more. */
static bool survives (void)
{
    const char *path = scratch_path ("j");
    emp_journal_t *journal;
    remove (path);
    taken_t counted = {0};
    bool failed = open_at (path, false, &journal) != EMP_OK;
    if (failed)
        cr_assert (access (path, F_OK) != 0 && *why, "a file that is not begun is not left behind");
    else {
        counted = work (journal, NUMBERS);
        failed = emp_journal_commit (journal) != EMP_OK;
        emp_journal_each (journal, take, &counted);
        cr_assert_eq (failed, *emp_journal_why (journal) != '\0');
        emp_journal_destroy (&journal);
    }
    nothing_fails ();
    if (access (path, F_OK) == 0) {
        cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
        taken_t found = replay (journal);
        for (uint32_t place = 0; place < PLACES; place++)
            for (uint64_t number = 0; number < NUMBERS; number++)
                if (counted.rows[place][number] == (1u << ROWS) - 1)
                    cr_assert_eq (found.rows[place][number], counted.rows[place][number]);
        cr_assert_eq (found.whole, counted.whole, "what was not durable does not count");
        emp_journal_destroy (&journal);
    } else
        cr_assert_eq (counted.whole, 0);
    return failed;
}

Test (journal, every_write_fails_in_turn)
{
    for (long i = 0, failed = true; failed; i++) {
        nothing_fails ();
        fail_write = i;
        failed = survives ();
        cr_assert (failed || i > 5);
    }
}

Test (journal, every_write_is_cut_in_turn)
{
    for (long i = 0, failed = true; failed; i++) {
        nothing_fails ();
        fail_write = i;
        short_of = 100;
        failed = survives ();
        cr_assert (failed || i > 5);
    }
}

Test (journal, every_sync_fails_in_turn)
{
    for (long i = 0, failed = true; failed; i++) {
        nothing_fails ();
        fail_sync = i;
        failed = survives ();
        cr_assert (failed || i > 5);
    }
}

Test (journal, every_allocation_fails_in_turn)
{
    for (long i = 0, failed = true; failed; i++) {
        nothing_fails ();
        fail_grow = i;
        failed = survives ();
        cr_assert (failed || i > 5);
    }
}

Test (journal, an_end_that_cannot_be_written_is_told)
{
    const char *path = scratch_path ("j");
    emp_journal_t *journal;
    uint64_t tickets, rows;
    nothing_fails ();
    cr_assert_eq (open_at (path, false, &journal), EMP_OK);
    work (journal, NUMBERS);
    fail_write = writes;
    cr_assert_neq (emp_journal_close (journal, true), EMP_OK);
    cr_assert_not (emp_journal_why (journal)[0] == '\0');
    emp_journal_destroy (&journal);
    nothing_fails ();
    cr_assert_eq (open_at (path, true, &journal), EMP_OK);
    cr_assert_not (emp_journal_is_whole (journal, 0, &tickets, &rows), "the input is needed");
    cr_assert_eq (replay (journal).whole, answered_in_all ());
    cr_assert_eq (emp_journal_close (journal, true), EMP_OK);
    emp_journal_destroy (&journal);
}

Test (journal, every_allocation_of_a_resume_fails_in_turn)
{
    size_t size;
    uint8_t *data = whole_run (false, &size);
    emp_status_t status = EMP_NOMEM;
    for (long i = 0; status != EMP_OK; i++) {
        const char *path = scratch_write ("j", data, size);
        emp_journal_t *journal;
        nothing_fails ();
        fail_grow = i;
        status = open_at (path, true, &journal);
        cr_assert (status == EMP_OK || status == EMP_NOMEM);
        emp_journal_destroy (&journal);
        nothing_fails ();
        cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%ld: %s", i, why);
        cr_assert_eq (replay (journal).whole, answered_in_all ());
        emp_journal_destroy (&journal);
        cr_assert (i < 1000);
    }
    free (data);
}

/* ---- another job, other input --------------------------------------------------------------------------------------------- */

Test (journal, other_input_is_found_at_the_first_ticket_that_differs)
{
    size_t size;
    uint8_t *data = whole_run (true, &size);
    emp_journal_t *journal;
    uint64_t number;
    cr_assert_eq (open_at (scratch_write ("j", data, size), true, &journal), EMP_OK);
    begin (journal);
    cr_assert_eq (emp_journal_check (journal, 0, 0, hash_of (0, 0)), EMP_JOURNAL_SKIPS);
    cr_assert_eq (emp_journal_check (journal, 0, 1, hash_of (0, 2)), EMP_JOURNAL_DIFFERS);
    cr_assert_eq (emp_journal_check (journal, 0, 21, hash_of (0, 21)), EMP_JOURNAL_RUNS, "a dead one");
    cr_assert_eq (emp_journal_check (journal, 0, 21, hash_of (0, 11)), EMP_JOURNAL_DIFFERS,
                  "its chunk is known all the same");
    cr_assert_eq (emp_journal_check (journal, 0, NUMBERS, 5), EMP_JOURNAL_DIFFERS, "the input had ended there");
    cr_assert (!emp_journal_feed_end (journal, 1, NUMBERS - 1, 1, &number) && number == NUMBERS - 1);
    cr_assert (emp_journal_feed_end (journal, 1, NUMBERS, 1, &number));
    emp_journal_destroy (&journal);
    free (data);
}

static void refused (const char *path, const emp_journal_config_t *like, const char *expected)
{
    emp_journal_config_t config = *like;
    size_t before, after;
    uint8_t *was = slurp (path, &before);
    emp_journal_t *journal = NULL;
    config.path = path;
    config.sync = EMP_JOURNAL_BATCH;
    config.say = say;
    cr_assert_eq (emp_journal_open (&config, &journal, why), EMP_INVALID);
    cr_assert (strstr (why, expected), "%s", why);
    uint8_t *is = slurp (path, &after);
    cr_assert (before == after && memcmp (was, is, before) == 0, "the file was changed");
    free (was);
    free (is);
}

Test (journal, another_job_is_refused)
{
    size_t size;
    uint8_t *data = whole_run (false, &size);
    const char *path = scratch_write ("j", data, size);
    const emp_journal_decl_t labels[] = {decls[0], {"third", "blue_q_7", ROWS}};
    const emp_journal_decl_t queues[] = {{"first", "orange_q", ROWS}, decls[1]};
    const emp_journal_decl_t rows[] = {decls[0], {"second", "blue_q_7", 5}};
    refused (path, &(emp_journal_config_t){.resume = true, .rows_max = ROWS, .feeds = decls, .feeds_count = 1},
             "found 1 feeds in the job, expected 2 as before");
    refused (path, &(emp_journal_config_t){.resume = true, .rows_max = 5, .feeds = decls, .feeds_count = 2},
             "found ROWS_MAX 5, expected 4 as before");
    refused (path, &(emp_journal_config_t){.resume = true, .rows_max = ROWS, .feeds = labels, .feeds_count = 2},
             "feed 1: found the label \"third\", expected \"second\" as before");
    refused (path, &(emp_journal_config_t){.resume = true, .rows_max = ROWS, .feeds = queues, .feeds_count = 2},
             "feed 0: found the queue \"orange_q\", expected \"mp_input_q\" as before");
    refused (path, &(emp_journal_config_t){.resume = true, .rows_max = ROWS, .feeds = rows, .feeds_count = 2},
             "feed 1 (second): found ROWS_MAX 5, expected 4 as before");
    refused (path, &(emp_journal_config_t){.rows_max = ROWS, .feeds = decls, .feeds_count = 2}, "found " /* path */);
    cr_assert (strstr (why, "--resume goes on"), "%s", why);
    refused (scratch_text ("text", "this is not a journal\n"),
             &(emp_journal_config_t){.resume = true, .rows_max = ROWS, .feeds = decls, .feeds_count = 2},
             "found no journal of eisenmp in ");
    free (data);
}

Test (journal, a_second_run_on_it_is_refused)
{
    emp_journal_t *first, *second;
    const char *path = scratch_path ("j");
    cr_assert_eq (open_at (path, true, &first), EMP_OK);
    cr_assert (strstr (said, "there is none: the run starts anew"), "%s", said);
    cr_assert_eq (open_at (path, true, &second), EMP_INVALID);
    cr_assert (strstr (why, "another run is at work on it"), "%s", why);
    emp_journal_destroy (&first);
    cr_assert (access (path, F_OK) != 0, "nothing was answered: it is not in the way of the next run");
}

Test (journal, tickets_of_others_than_feeders_cannot_be_made_again)
{
    emp_journal_t *journal;
    const char *path = scratch_path ("j");
    cr_assert_eq (open_at (path, false, &journal), EMP_OK);
    begin (journal);
    const emp_part_t part = {.outcome = EMP_OUTCOME_DONE, .hash = 1};
    cr_assert (emp_journal_add (journal, 5, "relay_q", &part, NULL));
    cr_assert (strstr (said, "come to relay_q from"), "%s", said);
    cr_assert_eq (emp_journal_commit (journal), EMP_OK);
    emp_journal_destroy (&journal);
    cr_assert_eq (open_at (path, true, &journal), EMP_INVALID);
    cr_assert (strstr (why, "came to relay_q from"), "%s", why);
}

/* ---- its size ------------------------------------------------------------------------------------------------------------- */

/* A journal of which nearly all is of no use, and is left out when it is opened to go on. */
static off_t make_wasteful (const char *path)
{
    emp_journal_t *journal;
    struct stat file;
    enum { SIZE = 200000 };
    static uint8_t text[SIZE] = {0xc6, 0, 3, 0x0d, 0x3b}; /* a packed binary of 199 995 bytes */
    cr_assert_eq (open_at (path, false, &journal), EMP_OK, "%s", why);
    begin (journal);
    cr_assert_eq (emp_journal_check (journal, 0, 0, 9), EMP_JOURNAL_RUNS);
    for (uint32_t i = 0; i < 20; i++) { /* one ticket that was answered twenty times, as no run does */
        const emp_part_t part = {.outcome = EMP_OUTCOME_DONE, .hash = 9, .rows = ROWS, .length = SIZE};
        cr_assert (emp_journal_add (journal, 100, "first", &part, text));
    }
    cr_assert_eq (emp_journal_commit (journal), EMP_OK);
    emp_journal_destroy (&journal);
    cr_assert_eq (stat (path, &file), 0);
    cr_assert_gt (file.st_size, 20 * SIZE);
    return file.st_size;
}

/* Opened to go on, and still what it was; its size. */
static off_t gone_on (const char *path)
{
    emp_journal_t *journal;
    struct stat file;
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    cr_assert_eq (emp_journal_answered (journal), 1);
    emp_journal_destroy (&journal);
    cr_assert_eq (stat (path, &file), 0);
    return file.st_size;
}

Test (journal, what_is_of_no_use_is_left_out_when_it_is_rewritten)
{
    const char *path = scratch_path ("j");
    off_t size = make_wasteful (path);
    cr_assert_lt (gone_on (path), size / 10);
    cr_assert_lt (gone_on (path), size / 10);
    cr_assert (access (scratch_path ("j.eisenmp-tmp"), F_OK) != 0);
}

Test (journal, it_is_rewritten_where_it_lies_and_as_it_was)
{
    struct stat file;
    char path[PATH_MAX], link[PATH_MAX];
    strcpy (path, scratch_path ("j"));
    strcpy (link, scratch_path ("link"));
    off_t size = make_wasteful (path);
    cr_assert_eq (chmod (path, 0640), 0);
    cr_assert_eq (symlink ("j", link), 0);
    scratch_text ("j.tmp", "somebody's");
    scratch_text ("link.tmp", "somebody's");
    cr_assert_lt (gone_on (link), size / 10);
    cr_assert (lstat (link, &file) == 0 && S_ISLNK (file.st_mode));
    cr_assert (stat (path, &file) == 0 && file.st_size < size / 10 && (file.st_mode & 07777) == 0640);
    cr_assert (stat (scratch_path ("j.tmp"), &file) == 0 && file.st_size == 10);
    cr_assert (stat (scratch_path ("link.tmp"), &file) == 0 && file.st_size == 10);
}

Test (journal, what_a_killed_rewrite_has_left_is_taken_away_and_nothing_else)
{
    size_t front;
    struct stat file;
    char path[PATH_MAX], left[PATH_MAX];
    strcpy (path, scratch_path ("j"));
    strcpy (left, scratch_path ("j.eisenmp-tmp"));
    off_t size = make_wasteful (path);
    scratch_text ("j.eisenmp-tmp", "somebody's");
    cr_assert_geq (gone_on (path), size, "it is not rewritten");
    cr_assert (strstr (said, "could not be rewritten") && strstr (said, ".eisenmp-tmp"), "%s", said);
    cr_assert (stat (left, &file) == 0 && file.st_size == 10);
    uint8_t *data = slurp (path, &front);
    scratch_write ("j.eisenmp-tmp", data, 5000); /* a beginning of this very journal */
    cr_assert_lt (gone_on (path), size / 10);
    cr_assert (access (left, F_OK) != 0);
    free (data);
}

Test (journal, another_runs_file_of_the_same_name_is_left_alone)
{
    emp_journal_t *first, *second;
    const char *path = scratch_path ("j");
    cr_assert_eq (open_at (path, false, &first), EMP_OK);
    cr_assert_eq (remove (path), 0);
    cr_assert_eq (open_at (path, false, &second), EMP_OK);
    emp_journal_destroy (&first);
    cr_assert_eq (access (path, F_OK), 0);
    emp_journal_destroy (&second);
    cr_assert_neq (access (path, F_OK), 0);
}

Test (journal, damage_that_is_not_put_aside_durably_stays_in_the_file)
{
    size_t size;
    emp_journal_t *journal;
    uint8_t *data = whole_run (false, &size);
    memset (data + size / 2 / 8 * 8, 0x55, 8);
    const char *path = scratch_write ("j", data, size);
    for (int i = 0; i < 2; i++) {
        nothing_fails ();
        fail_sync = 0;
        cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
        cr_assert (strstr (said, " damaged bytes at offset "), "%s", said);
        emp_journal_destroy (&journal);
    }
    nothing_fails ();
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    emp_journal_destroy (&journal);
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    cr_assert_str_empty (said);
    emp_journal_destroy (&journal);
    free (data);
}

Test (journal, a_file_that_is_damaged_in_too_many_places_stays_as_it_is)
{
    enum { PLACES_DAMAGED = 4100, EXTENT = 24 + 56 }; /* of a worker's record */
    size_t begun, size, aside_once = 0;
    emp_journal_t *journal;
    char path[PATH_MAX];
    strcpy (path, scratch_path ("j"));
    cr_assert_eq (open_at (path, false, &journal), EMP_OK);
    begin (journal);
    emp_journal_keep (journal);
    cr_assert_eq (emp_journal_commit (journal), EMP_OK);
    free (slurp (path, &begun));
    for (uint64_t i = 0; i < 2 * PLACES_DAMAGED; i++)
        emp_journal_worker (journal, i, "Process-0000000001", "host-00000001", 1);
    cr_assert_eq (emp_journal_commit (journal), EMP_OK);
    emp_journal_destroy (&journal);
    uint8_t *data = slurp (path, &size);
    cr_assert_eq (size, begun + 2 * PLACES_DAMAGED * EXTENT);
    for (size_t at = begun; at < size; at += 2 * EXTENT)
        data[at + 30] ^= 1;
    scratch_write ("j", data, size);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
        emp_journal_keep (journal);
        emp_journal_destroy (&journal);
        size_t now, aside;
        free (slurp (path, &now));
        cr_assert_geq (now, size);
        free (slurp (scratch_path ("j.quarantine"), &aside));
        if (i == 0)
            aside_once = aside;
        cr_assert_eq (aside, aside_once, "the same bytes are put aside once");
    }
    cr_assert_gt (aside_once, 0);
    free (data);
}

/* A run in which so many workers come, and nothing else is told. */
static void idle_run (const char *path, uint64_t workers)
{
    emp_journal_t *journal;
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    begin (journal);
    for (uint64_t i = 0; i < workers; i++)
        emp_journal_worker (journal, 70 + i, "Nobody", "a.host.that.is.far.away", (uint32_t) i);
    cr_assert_eq (emp_journal_close (journal, false), EMP_OK);
    emp_journal_destroy (&journal);
}

static bool has (const char *path, const char *text)
{
    size_t size;
    uint8_t *data = slurp (path, &size);
    bool found = memmem (data, size, text, strlen (text)) != NULL;
    free (data);
    return found;
}

Test (journal, workers_and_runs_of_which_nothing_is_kept_are_left_out)
{
    size_t size;
    uint8_t *data = whole_run (false, &size);
    struct stat file;
    char path[PATH_MAX];
    strcpy (path, scratch_write ("j", data, size));
    idle_run (path, 10); /* one of them has the session of who answered in the run before */
    cr_assert (has (path, "Nobody"));
    idle_run (path, 20000);
    cr_assert (stat (path, &file) == 0 && file.st_size > 1 << 20);
    emp_journal_t *journal;
    cr_assert_eq (open_at (path, true, &journal), EMP_OK, "%s", why);
    cr_assert_eq (replay (journal).whole, answered_in_all ());
    emp_journal_destroy (&journal);
    cr_assert (stat (path, &file) == 0 && file.st_size < 2 * (off_t) size);
    cr_assert (has (path, "Process-1") && !has (path, "Nobody"));
    free (data);
}

Test (journal, history_that_no_group_takes_is_bounded_and_counted)
{
    emp_journal_t *journal;
    struct stat file;
    const char *path = scratch_path ("j");
    cr_assert_eq (open_at (path, false, &journal), EMP_OK, "%s", why);
    emp_journal_keep (journal);
    for (uint64_t i = 0; i < 300000; i++)
        emp_journal_worker (journal, i, "Nobody", "a.host.that.is.far.away", 1);
    cr_assert_eq (emp_journal_commit (journal), EMP_OK);
    cr_assert (strstr (said, "found no room while no ticket ended"), "%s", said);
    emp_journal_destroy (&journal);
    cr_assert (stat (path, &file) == 0 && file.st_size > 16 << 20 && file.st_size < 17 << 20);
}
