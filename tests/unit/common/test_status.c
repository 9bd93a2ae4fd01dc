/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/eisenmp.h"

TestSuite (status, .timeout = 60);

static const emp_status_t all[] = {
#define STATUS(name, number, text) EMP_##name,
    EMP_STATUS_MAP (STATUS)
#undef STATUS
};

#define ALL (sizeof all / sizeof *all)

Test (status, every_status_has_a_text_of_its_own)
{
    for (size_t i = 0; i < ALL; i++) {
        cr_assert_neq (emp_status_text (all[i])[0], '\0');
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq (emp_status_text (all[i]), emp_status_text (all[k]));
    }
}

Test (status, numbers_are_part_of_the_protocol_and_have_no_gap)
{
    for (size_t i = 0; i < ALL; i++)
        cr_assert_eq ((size_t) all[i], i);
    cr_assert_eq (EMP_OK, 0);
    cr_assert_eq (EMP_UNKNOWN, 2);
    cr_assert_eq (EMP_EXISTS, 3);
    cr_assert_eq (EMP_FULL, 4);
    cr_assert_eq (EMP_MALFORMED, 7);
    cr_assert_eq (EMP_STALE, 12);
    cr_assert_eq (EMP_REFUSED, 14);
}

Test (status, texts_are_those_of_the_table)
{
    cr_assert_str_eq (emp_status_text (EMP_OK), "ok");
    cr_assert_str_eq (emp_status_text (EMP_MALFORMED), "malformed message");
    cr_assert_str_eq (emp_status_text (EMP_REFUSED), "refused");
}

Test (status, a_number_that_is_no_status_has_a_text_too)
{
    cr_assert_str_eq (emp_status_text ((emp_status_t) 99), "unknown status");
    cr_assert_str_eq (emp_status_text ((emp_status_t) -1), "unknown status");
}

Test (status, the_version_is_the_one_of_the_header)
{
    char version[32];
    snprintf (version, sizeof version, "%d.%d.%d", EMP_VERSION_MAJOR, EMP_VERSION_MINOR, EMP_VERSION_PATCH);
    cr_assert_str_eq (emp_version (), version);
    cr_assert_str_eq (emp_version (), EMP_VERSION);
}
