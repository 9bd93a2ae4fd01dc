/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "common/start.h"

TestSuite (start, .timeout = 10);

Test (start, B5_every_method_is_found_by_its_own_text)
{
    for (emp_start_method_t method = EMP_START_SPAWN; method <= EMP_START_FORKSERVER; method++) {
        emp_start_method_t found = EMP_START_SPAWN;
        const char *text = emp_start_text (method);
        cr_assert (emp_start_of (text, strlen (text), &found));
        cr_assert_eq (found, method);
    }
}

Test (start, B5_the_whole_text_counts_and_no_more)
{
    emp_start_method_t found = EMP_START_FORKSERVER;
    cr_assert (emp_start_of ("forkserver", 4, &found));
    cr_assert_eq (found, EMP_START_FORK);
    found = EMP_START_SPAWN;
    cr_assert_not (emp_start_of ("forks", 5, &found));
    cr_assert_not (emp_start_of ("for", 3, &found));
    cr_assert_not (emp_start_of ("Fork", 4, &found));
    cr_assert_not (emp_start_of ("", 0, &found));
    cr_assert_eq (found, EMP_START_SPAWN, "left alone");
}
