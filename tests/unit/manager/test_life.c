/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_life.c - what a journal, also a damaged one, tells of a ticket whose rows ended in some order; whole runs are in tests/system/explain.sh.
 */
#include "manager/journal.h"
#include "manager/journal_form.h"
#include "manager/life.h"
#include "scratch.h"

TestSuite (life, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

#define ROWS 10u

static const emp_journal_decl_t decl = {"first", "mp_input_q", ROWS};
static char why[EMP_JOURNAL_WHY_MAX > EMP_LIFE_WHY_MAX ? EMP_JOURNAL_WHY_MAX : EMP_LIFE_WHY_MAX];

typedef struct {
    uint32_t from, rows, left;
} ending_t;

static void no_take (void *arg, uint32_t feed, const emp_part_t *part, const uint8_t *payload)
{
    (void) arg, (void) feed, (void) part, (void) payload;
}

static void write_journal (const char *path, const ending_t *endings, size_t count)
{
    emp_journal_t *journal;
    const uint8_t result[] = {1};
    const emp_journal_config_t config = {
        .path = path, .sync = EMP_JOURNAL_NONE, .rows_max = ROWS, .feeds = &decl, .feeds_count = 1};
    cr_assert_eq (emp_journal_open (&config, &journal, why), EMP_OK, "%s", why);
    cr_assert_eq (emp_journal_feed (journal, 0, 5, &decl, why), EMP_OK);
    cr_assert_eq (emp_journal_check (journal, 0, 0, 99), EMP_JOURNAL_RUNS);
    for (size_t i = 0; i < count; i++) {
        emp_part_t part = {.attempt = 2,
                           .outcome = EMP_OUTCOME_DONE,
                           .rows = endings[i].rows,
                           .from = endings[i].from,
                           .left = endings[i].left,
                           .length = sizeof result,
                           .session = 7,
                           .hash = 99};
        cr_assert (emp_journal_add (journal, 5, decl.label, &part, result));
    }
    cr_assert_eq (emp_journal_commit (journal), EMP_OK);
    emp_journal_each (journal, no_take, NULL);
    cr_assert_eq (emp_journal_close (journal, true), EMP_OK);
    emp_journal_destroy (&journal);
}

/* The first line of what is told of ticket 0. */
static char *told (const ending_t *endings, size_t count)
{
    static char line[256];
    const char *path = scratch_path ("run.j");
    char *text;
    size_t size;
    write_journal (path, endings, count);
    const emp_ticket_name_t name = {.number = 0};
    FILE *out = open_memstream (&text, &size);
    cr_assert_eq (emp_life_of_journal (path, &name, out, why), EMP_OK, "%s", why);
    fclose (out);
    snprintf (line, sizeof line, "%.*s", (int) strcspn (text, "\n"), text);
    free (text);
    unlink (path);
    return line;
}

#define TOLD(...) told ((const ending_t[]){__VA_ARGS__}, sizeof ((const ending_t[]){__VA_ARGS__}) / sizeof (ending_t))

Test (life, is_whole_after_the_part_that_left_nothing_whichever_rows_those_were)
{
    cr_assert_str_eq (TOLD ({0, 10, 0}), "first;_TID_0: 10 rows, answered");
    cr_assert_str_eq (TOLD ({0, 5, 5}, {5, 5, 0}), "first;_TID_0: 10 rows, answered");
    cr_assert_str_eq (TOLD ({5, 5, 5}, {0, 5, 0}), "first;_TID_0: 10 rows, answered");
    cr_assert_str_eq (TOLD ({8, 2, 8}, {0, 3, 5}, {3, 5, 0}), "first;_TID_0: 10 rows, answered");
}

Test (life, is_missing_while_a_part_is)
{
    cr_assert_str_eq (TOLD ({5, 5, 5}),
                      "first;_TID_0: missing: it was put, and did not come back whole: 5 of its rows answered, 0 dead");
    cr_assert_str_eq (TOLD ({5, 5, 5}, {0, 2, 3}),
                      "first;_TID_0: missing: it was put, and did not come back whole: 7 of its rows answered, 0 dead");
}

/* ---- damage ------------------------------------------------------------------------------------------------------------ */

/* Flips a bit of the first record of that kind, or, kind 0, of the last of all. */
static void damage (const char *path, uint32_t kind)
{
    static uint8_t data[65536];
    FILE *file = fopen (path, "r+");
    cr_assert_not_null (file);
    size_t size = fread (data, 1, sizeof data, file), at = 0, next;
    while ((next = at + emp_journal_size_at (data + at)) < size && (!kind || data[at + 12] != kind))
        at = next;
    cr_assert (!kind || data[at + 12] == kind);
    data[at + EMP_JOURNAL_HEAD] ^= 1;
    rewind (file);
    cr_assert_eq (fwrite (data, 1, size, file), size);
    fclose (file);
}

/* What is told of a ticket, in a journal of which such a record is damaged and where ticket 0 is answered; what is said beside it is in
 * `why`. */
static char *told_damaged (uint32_t kind, uint64_t number, emp_status_t expected)
{
    static char text[1024];
    const char *path = scratch_path ("run.j");
    write_journal (path, &(ending_t){0, ROWS, 0}, 1);
    damage (path, kind);
    memset (text, 0, sizeof text);
    FILE *out = fmemopen (text, sizeof text, "w");
    cr_assert_eq (emp_life_of_journal (path, &(emp_ticket_name_t){.number = number}, out, why), expected, "%s", why);
    fclose (out);
    unlink (path);
    return text;
}

Test (life, a_damaged_journal_is_told_as_one)
{
    cr_assert_str_eq (TOLD ({0, 10, 0}), "first;_TID_0: 10 rows, answered");
    cr_assert_str_empty (why);
    cr_assert_str_eq (told_damaged (EMP_JOURNAL_ANSWER, 0, EMP_OK),
                      "first;_TID_0: missing: it was put, and did not come back, or what became of it stood where the "
                      "file is damaged\n");
    cr_assert (strstr (why, "run.j: ") &&
                   strstr (why, " bytes in 1 place of it are damaged: what is told may not be all"),
               "%s", why);
    cr_assert_not_null (strstr (told_damaged (EMP_JOURNAL_PUTS, 0, EMP_OK), "first;_TID_0: 10 rows, answered\n"));
    cr_assert_not_null (strstr (why, " are damaged: what is told may not be all"), "%s", why);
    cr_assert_str_empty (told_damaged (EMP_JOURNAL_ANSWER, 1, EMP_UNKNOWN));
    cr_assert (strstr (why, "run.j: no ticket _TID_1; ") && strstr (why, " bytes in 1 place of it are damaged: "), "%s",
               why);
    cr_assert_not_null (strstr (told_damaged (0, 0, EMP_OK), "first;_TID_0: 10 rows, answered\n"));
    cr_assert (strstr (why, "run.j: its last ") &&
                   strstr (why, " bytes are no whole record: what is told may not be all"),
               "%s", why);
}
