/* SPDX-License-Identifier: BSD-3-Clause
 *
 * answers.c - see answers.h.
 */
#include "answers.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char query[] =
    "SELECT queue || ' ' || printf ('%09d', ticket) || ' ' || outcome || ' ' || coalesce (value, '')"
    " FROM tickets ORDER BY queue, ticket, value";

static void add (answers_t *self, const char *line)
{
    if (self->count == self->size) {
        self->size = self->size ? 2 * self->size : 1024;
        self->lines = realloc (self->lines, self->size * sizeof *self->lines);
    }
    char *copy = self->lines ? strdup (line) : NULL;
    if (!copy) {
        perror ("answers");
        exit (2);
    }
    self->lines[self->count++] = copy;
}

bool answers_read (const char *path, answers_t *ret_answers)
{
    *ret_answers = (answers_t){0};
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2 (db, query, -1, &rows, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step (rows)) == SQLITE_ROW) {
        add (ret_answers, (const char *) sqlite3_column_text (rows, 0));
        code = SQLITE_OK;
    }
    bool good = code == SQLITE_DONE;
    if (!good) {
        printf ("%s: %s\n", path, sqlite3_errmsg (db));
        answers_free (ret_answers);
    }
    sqlite3_finalize (rows);
    sqlite3_close (db);
    return good;
}

void answers_free (answers_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->lines[i]);
    free (self->lines);
    *self = (answers_t){0};
}

bool answers_equal (const answers_t *self, const answers_t *other)
{
    bool equal = self->count == other->count;
    for (size_t i = 0; equal && i < self->count; i++)
        equal = strcmp (self->lines[i], other->lines[i]) == 0;
    return equal;
}

/* "queue ticket": all before the outcome. Labels have spaces, numbers have nine digits. */
static size_t name_size (const char *line)
{
    const char *at = line;
    while ((at = strchr (at, ' ')) && !(strspn (at + 1, "0123456789") >= 9 && at[10] == ' '))
        at++;
    return at ? (size_t) (at + 10 - line) : strlen (line);
}

static int order (const char *line, const char *other)
{
    size_t size = name_size (line), size2 = name_size (other), least = size < size2 ? size : size2;
    int sign = memcmp (line, other, least);
    return sign ? sign : (size > size2) - (size < size2);
}

/* A ticket that was answered; missing and dead ones have lines, too. */
static bool is_answer (const char *line)
{
    return strncmp (line + name_size (line), " done ", 6) == 0;
}

answers_difference_t answers_compare (const answers_t *expected, const answers_t *found)
{
    answers_difference_t sum = {0};
    size_t j = 0;
    for (size_t i = 0; i < expected->count; i++) {
        size_t here = 0;
        for (; j < found->count && order (found->lines[j], expected->lines[i]) < 0; j++)
            sum.wrong++;
        for (; j < found->count && order (found->lines[j], expected->lines[i]) == 0; j++) {
            bool answer = is_answer (found->lines[j]);
            here += answer;
            sum.wrong += answer && strcmp (found->lines[j], expected->lines[i]) != 0;
        }
        sum.missing += here == 0;
        sum.doubled += here > 1;
    }
    sum.wrong += found->count - j;
    return sum;
}
