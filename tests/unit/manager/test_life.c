/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_life.c - what a journal tells of a ticket whose rows ended in some order; whole runs are in tests/system/explain.sh.
 */
#include "manager/journal.h"
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
