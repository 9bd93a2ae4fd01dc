/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "broker/core/backlog.h"

TestSuite (backlog, .timeout = 10);

static uint64_t add (core_backlog_t *backlog, uint64_t size)
{
    cr_assert_eq (core_backlog_reserve (backlog, 1), EMP_OK);
    return core_backlog_add (backlog, size);
}

Test (backlog, serials_begin_with_1_and_are_consecutive)
{
    core_backlog_t backlog;
    core_backlog_init (&backlog, 10, 10);
    for (uint64_t i = 1; i <= 1000; i++) {
        cr_assert_eq (add (&backlog, 0), i);
        if (i % 7 == 0)
            core_backlog_ack (&backlog, i - 3);
    }
    core_backlog_release (&backlog);
}

Test (backlog, bytes_are_those_of_the_results_between_acked_and_serial)
{
    core_backlog_t backlog;
    core_backlog_init (&backlog, 1000000, 1000000);
    uint64_t expected = 0;
    for (uint64_t i = 1; i <= 5000; i++) { /* the ring wraps, and grows while it is wrapped */
        add (&backlog, i * i);
        expected += i * i;
        if (i % 3 == 0) {
            uint64_t serial = backlog.acked + 1 + i % 2;
            for (uint64_t s = backlog.acked + 1; s <= serial; s++)
                expected -= s * s;
            core_backlog_ack (&backlog, serial);
        }
        cr_assert_eq (backlog.bytes, expected);
    }
    core_backlog_ack (&backlog, 5000);
    cr_assert_eq (backlog.bytes, 0);
    core_backlog_release (&backlog);
}

Test (backlog, it_has_room_below_its_count_with_what_is_held_and_up_to_its_bytes)
{
    core_backlog_t backlog;
    core_backlog_init (&backlog, 3, 100);
    cr_assert (core_backlog_has_room (&backlog, 2));
    cr_assert_not (core_backlog_has_room (&backlog, 3));
    add (&backlog, 100);
    cr_assert (core_backlog_has_room (&backlog, 1));
    cr_assert_not (core_backlog_has_room (&backlog, 2));
    add (&backlog, 1);
    cr_assert_not (core_backlog_has_room (&backlog, 0));
    core_backlog_ack (&backlog, 1);
    cr_assert (core_backlog_has_room (&backlog, 0));
    core_backlog_release (&backlog);
}
