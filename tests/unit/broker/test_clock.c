/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The clock that the broker's shell gives its core.
 */
#include <criterion/criterion.h>

#include "broker/clock.h"

TestSuite (clock, .timeout = 10);

#define BEAT 1000u

Test (clock, it_goes_on_while_polls_return_in_time)
{
    broker_clock_t clock = {.turned = 5000};
    cr_assert_eq (broker_clock_turn (&clock, 5100, 100, BEAT), 5100);
    cr_assert_eq (broker_clock_turn (&clock, 7000, 900, BEAT), 7000, "a beat late is no stop");
    cr_assert_eq (broker_clock_turn (&clock, 999999, UINT64_MAX, BEAT), 999999, "nothing was due");
}

Test (clock, it_stands_still_while_the_process_is_stopped)
{
    broker_clock_t clock = {.turned = 5000};
    cr_assert_eq (broker_clock_turn (&clock, 5100, 100, BEAT), 5100);
    cr_assert_eq (broker_clock_turn (&clock, 905100, 100, BEAT), 5100);
    cr_assert_eq (broker_clock_turn (&clock, 905200, 100, BEAT), 5200);
}

Test (clock, it_never_goes_backwards)
{
    broker_clock_t clock = {.turned = 1};
    uint64_t now = 1, last = 0;
    for (unsigned i = 0; i < 10000; i++) {
        now += i * 7919 % (3 * BEAT); /* now and then a stop */
        uint64_t time = broker_clock_turn (&clock, now, i % 500, BEAT);
        cr_assert_geq (time, last);
        last = time;
    }
    cr_assert_gt (clock.skipped, 0);
}
