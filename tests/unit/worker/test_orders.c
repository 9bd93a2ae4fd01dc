/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <poll.h>

#include "worker/orders.h"

static emp_orders_t orders;

static void start (void)
{
    cr_assert (emp_orders_init (&orders, 3));
}

static void stop (void)
{
    emp_orders_release (&orders);
}

TestSuite (orders, .timeout = 60, .init = start, .fini = stop);

static bool rings (void)
{
    struct pollfd item = {.fd = orders.bell, .events = POLLIN};
    return poll (&item, 1, 0) == 1;
}

static void say (emp_kind_t kind, uint64_t session)
{
    static emp_control_t message;
    message = (emp_control_t){.kind = kind, .session = session};
    emp_orders_hear (&orders, &message);
}

static void expect (size_t slot, bool kill, bool fenced)
{
    emp_slot_orders_t what = emp_orders_take (&orders, slot);
    cr_assert_eq (what.kill, kill);
    cr_assert_eq (what.fenced, fenced);
}

Test (orders, are_of_the_slot_with_that_session_once_and_ring)
{
    emp_orders_expect (&orders, 0, 5);
    emp_orders_expect (&orders, 2, 6);
    cr_assert (!rings ());
    say (EMP_MSG_KILL, 5);
    say (EMP_MSG_GONE, 6);
    cr_assert (rings ());
    emp_orders_answer (&orders);
    cr_assert (!rings ());
    expect (0, true, false);
    expect (1, false, false);
    expect (2, false, true);
    expect (0, false, false);
    expect (2, false, false);
    cr_assert (!orders.kill_all && !orders.drains && !orders.down);
}

Test (orders, of_one_slot_may_be_two)
{
    emp_orders_expect (&orders, 1, 5);
    say (EMP_MSG_GONE, 5);
    say (EMP_MSG_KILL, 5);
    expect (1, true, true);
}

Test (orders, on_a_session_that_is_none_of_ours_or_was_are_void)
{
    emp_orders_expect (&orders, 1, 5);
    say (EMP_MSG_KILL, 77);
    say (EMP_MSG_GONE, 0);
    for (size_t i = 0; i < 3; i++)
        expect (i, false, false);
    say (EMP_MSG_KILL, 5);
    emp_orders_expect (&orders, 1, 6);
    expect (1, false, false);
    say (EMP_MSG_KILL, 5);
    expect (1, false, false);
}

Test (orders, on_all_slots_are_facts)
{
    say (EMP_MSG_DRAIN, 0);
    cr_assert (orders.drains && !orders.kill_all && !orders.down);
    say (EMP_MSG_KILL, 0);
    cr_assert (orders.kill_all && !orders.down);
    emp_orders_hear (&orders, NULL);
    cr_assert (orders.down);
    cr_assert (rings ());
}
