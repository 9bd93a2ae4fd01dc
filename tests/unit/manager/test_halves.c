/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_halves.c - tickets that end in parts.
 */
#include <criterion/criterion.h>

#include "manager/halves.h"

TestSuite (halves, .timeout = 60);

static emp_halves_t halves;

static emp_status_t reserve (uint64_t number, uint32_t from, uint32_t rows, uint32_t left)
{
    emp_part_t part = {.number = number, .from = from, .rows = rows, .left = left};
    return emp_halves_reserve (&halves, 1, &part);
}

static emp_half_state_t add (uint64_t number, uint32_t from, uint32_t rows, uint32_t left, bool dead)
{
    emp_part_t part = {.number = number, .from = from, .rows = rows, .left = left};
    cr_assert (emp_halves_is_part (&halves, 1, &part));
    cr_assert_eq (emp_halves_reserve (&halves, 1, &part), EMP_OK);
    return emp_halves_add (&halves, 1, &part, dead);
}

Test (halves, rows_end_once_in_any_order)
{
    emp_halves_init (&halves);
    emp_half_state_t state = add (7, 10, 10, 10, false);
    cr_assert_not (state.over);
    cr_assert_eq (state.rows, 10);
    cr_assert_eq (state.total, 20);
    cr_assert_eq (reserve (7, 10, 10, 0), EMP_STALE);
    cr_assert_eq (reserve (7, 19, 1, 9), EMP_STALE);
    cr_assert_eq (reserve (7, 9, 2, 8), EMP_STALE);
    cr_assert_eq (reserve (7, 0, 20, 0), EMP_STALE, "the whole ticket, part of which has ended");
    state = add (7, 0, 5, 5, false);
    state = add (7, 6, 4, 1, false);
    cr_assert_eq (reserve (7, 5, 2, 0), EMP_STALE);
    cr_assert_eq (emp_halves_rows (&halves, 1), 19);
    cr_assert_eq (emp_halves_rows (&halves, 2), 0);
    emp_part_t last = {.number = 7, .from = 5, .rows = 1};
    cr_assert (emp_halves_is_part (&halves, 1, &last));
    state = add (7, 5, 1, 0, true);
    cr_assert (state.over);
    cr_assert_eq (state.rows, 20);
    cr_assert_eq (state.dead, 1);
    cr_assert_eq (halves.count, 0);
    emp_halves_release (&halves);
}

Test (halves, the_first_rows_may_end_last)
{
    emp_halves_init (&halves);
    add (3, 1, 1, 1, true);
    emp_part_t whole = {.number = 4, .rows = 2};
    cr_assert_not (emp_halves_is_part (&halves, 1, &whole));
    cr_assert (add (3, 0, 1, 0, true).over);
    emp_halves_release (&halves);
}

Test (halves, a_part_that_its_ticket_cannot_have_is_malformed)
{
    emp_halves_init (&halves);
    cr_assert_eq (reserve (1, 0, 0, 5), EMP_MALFORMED, "no rows");
    cr_assert_eq (reserve (1, 3, 5, 2), EMP_MALFORMED, "beyond the end");
    cr_assert_eq (reserve (1, 1, 5, 0), EMP_MALFORMED, "nothing left, and no rows before it");
    cr_assert_eq (reserve (1, 0, EMP_ROWS_MAX_LIMIT, 1), EMP_MALFORMED);
    cr_assert_eq (reserve (1, UINT32_MAX, 1, 5), EMP_MALFORMED);
    cr_assert_eq (halves.count, 0);
    add (1, 0, 5, 5, false);
    cr_assert_eq (reserve (1, 5, 2, 2), EMP_MALFORMED, "3 are left");
    cr_assert_eq (reserve (1, 5, 6, 0), EMP_MALFORMED);
    cr_assert_eq (reserve (1, 3, 3, 2), EMP_STALE);
    cr_assert_eq (reserve (1, 8, 2, 3), EMP_OK);
    emp_halves_release (&halves);
}

/* Every row of many tickets, each alone, in an order that is none. */
Test (halves, many_tickets_of_many_parts)
{
    enum { TICKETS = 300, ROWS = 97 };
    emp_halves_init (&halves);
    uint32_t over = 0;
    for (uint32_t i = 0; i < TICKETS * ROWS; i++) {
        uint64_t number = (i * 7u) % TICKETS;
        uint32_t turn = i / TICKETS, from = (turn * 31u) % ROWS;
        emp_half_state_t state = add (number, from, 1, ROWS - 1 - turn, from % 10 == 0);
        cr_assert_eq (state.rows, turn + 1);
        over += state.over;
        if (state.over)
            cr_assert_eq (state.dead, 10);
    }
    cr_assert_eq (over, TICKETS);
    cr_assert_eq (halves.count, 0);
    emp_halves_release (&halves);
}
