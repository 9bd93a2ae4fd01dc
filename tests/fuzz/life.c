/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life.c - a results file that somebody has spoilt, or any bytes, for `eisenmp explain`: it tells lives of tickets, or why it cannot.
 */
#include "manager/life.h"

#include "fuzz.h"
#include "manager/results.h"

static uint8_t *sound;
static size_t sound_size;

/* A file with two feeds, a ticket in parts, a dead one, a missing one. */
static void make_sound (void)
{
    char path[4096];
    snprintf (path, sizeof path, "%s", fuzz_write ("sound.db", "", 0));
    emp_history_t *history = emp_history_new ();
    emp_results_t *results = emp_results_new (1 << 20, true);
    FUZZ_MUST (history && results && emp_results_overflow (results, NULL, path) == EMP_OK);
    emp_results_history (results, history);
    emp_history_joined (history, 9, "Process-1", "host7", 4711);
    for (uint32_t i = 0; i < 2; i++) {
        FUZZ_MUST (emp_results_feed (results, 100 + i, i ? "blue" : "first", "q") == EMP_OK);
        emp_part_t part = {.number = 0, .attempt = 1, .rows = 4, .length = 1, .session = 9, .hash = 5};
        FUZZ_MUST (emp_results_take (results, 100 + i, &part, (const uint8_t *) "\x07") == EMP_OK);
        part = (emp_part_t){.number = 1, .attempt = 3, .rows = 1, .left = 3, .length = 2, .outcome = EMP_OUTCOME_DEAD};
        FUZZ_MUST (emp_results_take (results, 100 + i, &part, (const uint8_t *) "\xa1x") == EMP_OK);
        part = (emp_part_t){.number = 1, .attempt = 4, .rows = 3, .from = 1, .length = 1, .session = 9};
        FUZZ_MUST (emp_results_take (results, 100 + i, &part, (const uint8_t *) "\x08") == EMP_OK);
        emp_results_feed_end (results, 100 + i, 3, 12);
        emp_control_t attempt = {
            .kind = EMP_MSG_ATTEMPT, .id = 100 + i, .window = 1, .attempt = 1, .rows = 4, .session = 9};
        attempt.ended = EMP_ATTEMPT_FAILED;
        emp_history_attempt (history, &attempt, 1000);
    }
    FUZZ_MUST (emp_results_publish (results) == EMP_OK);
    emp_results_destroy (&results);
    emp_history_destroy (&history);
    sound = fuzz_read (path, &sound_size);
}

static void explain (const uint8_t *data, size_t size, bool is_sound)
{
    static const char *const names[] = {"1", "_TID_0", "first;_TID_1;", "blue;_TID_2", "none;_TID_7"};
    const char *path = fuzz_write ("x.db", data, size);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = NULL, why[EMP_LIFE_WHY_MAX] = "";
        size_t text_size = 0;
        emp_ticket_name_t name;
        FUZZ_MUST (emp_life_parse (names[i], &name));
        FILE *out = open_memstream (&text, &text_size);
        emp_status_t status = emp_life_of_results (path, &name, out, why);
        fclose (out);
        FUZZ_MUST (status == EMP_OK ? text_size > 0 : *why);
        FUZZ_MUST (!is_sound || (status == EMP_OK) == (i == 2 || i == 3));
        free (text);
    }
}

/* The first byte: 0 what is behind it is the file; else it spoils a sound one, where the two bytes behind it say: from there on,
 * byte by byte, or, above 127, in places all over it. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    if (!sound)
        make_sound ();
    uint8_t how = fuzz_byte (&input);
    if (how == 0) {
        explain (input.at, fuzz_left (&input), false);
        return 0;
    }
    uint8_t *copy = malloc (sound_size);
    FUZZ_MUST (copy);
    memcpy (copy, sound, sound_size);
    bool changed = false;
    if (how < 128)
        for (size_t at = fuzz_number (&input, 2); fuzz_left (&input); at++) {
            copy[at % sound_size] ^= *input.at;
            changed |= fuzz_byte (&input) != 0;
        }
    else
        changed = fuzz_spoil (&input, copy, sound_size) > 0;
    explain (copy, sound_size, !changed);
    free (copy);
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const uint8_t good[] = {1, 0, 0, 0};
    static const uint8_t page[] = {1, 0, 16, 0x10};
    static const uint8_t places[] = {128, 0, 110, 1, 16, 5, 2, 32, 9, 0xff};
    static const uint8_t raw[] = "\0SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20";
    write ("good", good, sizeof good);
    write ("page", page, sizeof page);
    write ("places", places, sizeof places);
    write ("raw", raw, sizeof raw);
}
