/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "common/how.h"

TestSuite (how, .timeout = 60);

static void expect_how (emp_how_t how, uint32_t code, const char *expected)
{
    char text[EMP_HOW_TEXT_MAX + 1];
    emp_how_text (how, code, text);
    cr_assert_str_eq (text, expected);
}

Test (how, is_a_few_words)
{
    expect_how (EMP_HOW_BYE, 0, "left");
    expect_how (EMP_HOW_EXIT, 3, "exited with 3");
    expect_how (EMP_HOW_SIGNAL, 11, "killed by signal 11 (Segmentation fault)");
    expect_how (EMP_HOW_SIGNAL, 12345, "killed by signal 12345 (unknown)");
    expect_how (EMP_HOW_SILENCE, 0, "was silent");
    expect_how (EMP_HOW_TIMEOUT, 9, "killed: had its ticket for longer than TICKET_TIMEOUT");
}

static void expect_peak (uint64_t bytes, const char *expected)
{
    char text[EMP_HOW_PEAK_MAX + 1];
    emp_how_peak (bytes, text);
    cr_assert_str_eq (text, expected);
}

Test (how, a_peak_is_in_MiB_with_a_tenth_or_not_said)
{
    expect_peak (0, "");
    expect_peak (1, ", peak memory 0.0 MiB");
    expect_peak ((12 << 20) + 320 * 1024, ", peak memory 12.3 MiB");
    expect_peak (UINT64_MAX, ", peak memory 17592186044415.9 MiB");
}

static char reason[EMP_TEXT_MAX + 1];

static const char *death (const char *lines)
{
    memset (reason, 'x', sizeof reason);
    emp_how_death (EMP_HOW_SIGNAL, 11, 12 << 20, lines, reason);
    return reason;
}

#define DIED "worker killed by signal 11 (Segmentation fault), peak memory 12.0 MiB"

Test (how, a_death_is_a_sentence_with_the_last_lines_in_one)
{
    cr_assert_str_eq (death (""), DIED);
    cr_assert_str_eq (death ("one\n"), DIED "; its last lines: one");
    cr_assert_str_eq (death ("one\ntwo\n"), DIED "; its last lines: one | two");
    cr_assert_str_eq (death ("one\n\ntwo"), DIED "; its last lines: one |  | two");
    emp_how_death (EMP_HOW_EXIT, 3, 0, "", reason);
    cr_assert_str_eq (reason, "worker exited with 3");
}

Test (how, of_lines_that_do_not_fit_the_last_are_there)
{
    char lines[8001];
    memset (lines, 'a', 8000);
    lines[8000] = 0;
    cr_assert_str_eq (death (lines), DIED, "one that does not fit is left out");
    memcpy (lines + 7990, "\nlast one\n", 10);
    cr_assert_str_eq (death (lines), DIED "; its last lines: last one");
    /* Exactly as much as there is room for, and one byte more. */
    size_t room = EMP_TEXT_MAX - strlen (DIED "; its last lines: ");
    memset (lines, 'b', 8000);
    lines[room] = 0;
    cr_assert_eq (strlen (death (lines)), EMP_TEXT_MAX);
    lines[room] = 'b';
    lines[room + 1] = 0;
    cr_assert_str_eq (death (lines), DIED);
}
