/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_procs.c - the worker processes of a run as the broker tells of them.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/manager.h"

TestSuite (procs, .timeout = 60);

#define FIRST_ROOM 16 /* processes that the table has room for before it grows */

static emp_t *emp;

static void begin (void)
{
    emp = emp_new ();
    for (uint32_t i = 0; i < FIRST_ROOM; i++) {
        emp_control_t joined = {.kind = EMP_MSG_JOINED, .session = UINT64_MAX - i, .pid = 100 + i};
        snprintf (joined.name, sizeof joined.name, "Process-%u", i + 1);
        cr_assert_not (emp_procs_heard (&emp->procs, &joined));
    }
}

static void end (void)
{
    emp_destroy (&emp);
}

/* The table is full to its last byte, and behind a name lies the next entry. */
Test (procs, B23_a_list_is_filled_with_names_and_nothing_that_lies_behind_them, .init = begin, .fini = end)
{
    emp_proc_t list[FIRST_ROOM + 1];
    memset (list, 'x', sizeof list);
    cr_assert_eq (emp_proc_list (emp, list, FIRST_ROOM + 1), FIRST_ROOM);
    for (int i = 0; i < FIRST_ROOM; i++) {
        emp_proc_t expected = {.pid = 100 + i};
        snprintf (expected.name, sizeof expected.name, "Process-%d", i + 1);
        cr_assert_eq (list[i].pid, expected.pid);
        cr_assert_eq (memcmp (list[i].name, expected.name, sizeof expected.name), 0, "%d: more than its name", i);
    }
    cr_assert_eq (list[FIRST_ROOM].name[0], 'x');
    cr_assert_eq (emp_proc_list (emp, list, 1), FIRST_ROOM);
}
