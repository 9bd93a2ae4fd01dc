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

static void expect (emp_slot_order_kind_t kind, uint64_t session)
{
    emp_slot_order_t order;
    cr_assert (emp_orders_take (&orders, &order));
    cr_assert_eq (order.kind, kind);
    cr_assert_eq (order.session, session);
}

Test (orders, come_in_the_order_in_which_they_were_given_and_ring)
{
    emp_slot_order_t order;
    cr_assert (!rings ());
    cr_assert (!emp_orders_take (&orders, &order));
    say (EMP_MSG_KILL, 5);
    say (EMP_MSG_GONE, 6);
    cr_assert (rings ());
    emp_orders_answer (&orders);
    cr_assert (!rings ());
    expect (EMP_SLOT_KILL, 5);
    expect (EMP_SLOT_FENCED, 6);
    cr_assert (!emp_orders_take (&orders, &order));
    cr_assert (!orders.kill_all && !orders.drains && !orders.down);
}

Test (orders, beyond_their_room_are_not_heard_and_there_is_room_again)
{
    emp_slot_order_t order;
    for (uint64_t session = 1; session <= 5; session++)
        say (EMP_MSG_KILL, session);
    for (uint64_t session = 1; session <= 3; session++)
        expect (EMP_SLOT_KILL, session);
    cr_assert (!emp_orders_take (&orders, &order));
    say (EMP_MSG_KILL, 9);
    expect (EMP_SLOT_KILL, 9);
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
