/* SPDX-License-Identifier: BSD-3-Clause
 *
 * books.c - sums and comparisons. See books.h.
 */
#include "books.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

uint64_t emp_books_rows_missing (const emp_feed_books_t *self)
{
    if (self->missing == 0)
        return 0;
    uint64_t ended = self->rows_answered + self->rows_dead;
    uint64_t left = self->rows > ended ? self->rows - ended : 0;
    if (self->rows_each == 0)
        return left;
    uint64_t all = self->missing * self->rows_each;
    if (self->last_missing && self->tickets > 0) {
        uint64_t before = (self->tickets - 1) * self->rows_each; /* rows of all tickets but the last */
        all = all - self->rows_each + (self->rows > before ? self->rows - before : 0);
    }
    return all > self->rows_begun ? all - self->rows_begun : 0;
}

static bool tickets_agree (const emp_feed_books_t *self, char *ret_why)
{
    if (self->tickets == self->answered + self->dead + self->partly + self->missing)
        return true;
    snprintf (ret_why, EMP_BOOKS_WHY_MAX,
              "the books do not balance: %.150s put %" PRIu64 " tickets, and %" PRIu64 " were answered, %" PRIu64
              " dead, %" PRIu64 " answered in part, %" PRIu64 " missing",
              self->label, self->tickets, self->answered, self->dead, self->partly, self->missing);
    return false;
}

static bool rows_agree (const emp_feed_books_t *self, char *ret_why)
{
    uint64_t missing = emp_books_rows_missing (self);
    bool each_has_one = self->rows_each > 0 || missing >= self->missing;
    if (each_has_one && self->rows == self->rows_answered + self->rows_dead + missing)
        return true;
    snprintf (ret_why, EMP_BOOKS_WHY_MAX,
              "the books do not balance: %.150s put %" PRIu64 " rows, and %" PRIu64 " were answered, %" PRIu64
              " dead, %" PRIu64 " missing with %" PRIu64 " tickets",
              self->label, self->rows, self->rows_answered, self->rows_dead, missing, self->missing);
    return false;
}

bool emp_books_feed_agrees (const emp_feed_books_t *self, char ret_why[EMP_BOOKS_WHY_MAX])
{
    assert (self && ret_why);
    if (self->workers || !self->ended)
        return true;
    return tickets_agree (self, ret_why) && rows_agree (self, ret_why);
}

static bool agree (bool good, const char *what, uint64_t one, const char *but, uint64_t other, char *ret_why)
{
    if (!good)
        snprintf (ret_why, EMP_BOOKS_WHY_MAX, "the books do not balance: %s %" PRIu64 ", %s %" PRIu64, what, one, but,
                  other);
    return good;
}

bool emp_books_run_agrees (const emp_run_books_t *self, char ret_why[EMP_BOOKS_WHY_MAX])
{
    assert (self && ret_why);
    uint64_t put = self->put + self->before, rows_put = self->rows_put + self->rows_before;
    uint64_t sent = self->sent + self->parts_before;
    bool whole = !self->drained;
    return agree (self->fed == self->known, "tickets that feeders put:", self->fed,
                  "that the dictionary was told:", self->known, ret_why) &&
           agree (self->rows_fed == self->rows_known, "rows that feeders put:", self->rows_fed,
                  "that the dictionary was told:", self->rows_known, ret_why) &&
           agree (sent == self->parts, "results that the broker sent:", sent, "that were taken:", self->parts,
                  ret_why) &&
           agree (!whole || put >= self->fed, "tickets that feeders put:", self->fed, "that came to the broker:", put,
                  ret_why) &&
           agree (!whole || put == self->ended, "tickets that came to the broker:", put, "that ended:", self->ended,
                  ret_why) &&
           agree (!whole || rows_put == self->rows_ended, "rows that came to the broker:", rows_put,
                  "that ended:", self->rows_ended, ret_why);
}
