/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "common/name.h"

TestSuite (name, .timeout = 60);

static char *text_of (char c, size_t size)
{
    static char text[1024];
    memset (text, c, size);
    text[size] = '\0';
    return text;
}

/* ---- default queues ---------------------------------------------------------------------------------------------- */

Test (name, B9_default_queues_stand_in_their_order)
{
    const char *order[] = {"mp_input_q", "mp_output_q", "mp_info_q", "mp_tools_q", "mp_print_q", "mp_process_q"};
    for (size_t i = 0; i < 6; i++)
        cr_assert_str_eq (emp_name_default_at (i), order[i]);
    cr_assert_null (emp_name_default_at (6));
    cr_assert_null (emp_name_default_at (SIZE_MAX));
}

Test (name, only_the_default_queues_are_default)
{
    for (size_t i = 0; emp_name_default_at (i); i++)
        cr_assert (emp_name_is_default (emp_name_default_at (i)));
    cr_assert_not (emp_name_is_default ("mp_input"));
    cr_assert_not (emp_name_is_default ("mp_input_q2"));
    cr_assert_not (emp_name_is_default ("MP_INPUT_Q"));
    cr_assert_not (emp_name_is_default ("batch|mp_input_q"));
    cr_assert_not (emp_name_is_default (""));
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

Test (name, good_names_pass)
{
    const char *good[] = {"a",     "mp_input_q", "blue_q_7",    "com_in_0",        "two words",
                          "naïve", "音声",       "q-1.2:3/4,5", "\xf0\x9f\x94\xa5"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_eq (emp_name_check (good[i]), EMP_OK, "%s", good[i]);
    cr_assert_eq (emp_name_check (text_of ('x', EMP_NAME_MAX)), EMP_OK);
}

Test (name, names_that_would_break_a_header_or_a_terminal_are_invalid)
{
    /* clang-format off */
    const char *bad[] = {
        "", "a;b", ";", "a|b", "|", "a\nb", "\t", "\x1b[2J", "a\x7f",
        "\xc2\x9b",                                         /* a control character of two bytes */
        "\x80", "\xff", "\xc3", "\xc3(", "\xe2\x82",        /* no UTF-8: alone, cut off */
        "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",     /* overlong */
        "\xed\xa0\x80", "\xf4\x90\x80\x80",                 /* half a surrogate pair, beyond Unicode */
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq (emp_name_check (bad[i]), EMP_INVALID, "number %zu", i);
    cr_assert_eq (emp_name_check (NULL), EMP_INVALID);
}

Test (name, a_name_over_its_limit_is_too_big)
{
    cr_assert_eq (emp_name_check (text_of ('x', EMP_NAME_MAX + 1)), EMP_TOOBIG);
    cr_assert_eq (emp_name_check (text_of ('x', 1000)), EMP_TOOBIG);
}

/* ---- texts made of names ----------------------------------------------------------------------------------------- */

Test (name, B11_a_category_and_a_name_are_joined_by_a_bar)
{
    char full[EMP_NAME_MAX + 1];
    cr_assert_eq (emp_name_join ("batch_1", "audio_lg", full), EMP_OK);
    cr_assert_str_eq (full, "batch_1|audio_lg");
}

Test (name, a_join_of_bad_parts_fails_and_touches_nothing)
{
    char full[EMP_NAME_MAX + 1] = "before";
    cr_assert_eq (emp_name_join ("", "q", full), EMP_INVALID);
    cr_assert_eq (emp_name_join ("c", "", full), EMP_INVALID);
    cr_assert_eq (emp_name_join ("a|b", "q", full), EMP_INVALID);
    cr_assert_eq (emp_name_join ("a", "b;c", full), EMP_INVALID);
    cr_assert_eq (emp_name_join (NULL, "q", full), EMP_INVALID);
    cr_assert_eq (emp_name_join ("c", NULL, full), EMP_INVALID);
    cr_assert_eq (emp_name_join ("c", text_of ('x', EMP_NAME_MAX + 1), full), EMP_TOOBIG);
    cr_assert_eq (emp_name_join ("c", text_of ('x', EMP_NAME_MAX - 1), full), EMP_TOOBIG);
    cr_assert_str_eq (full, "before");
}

Test (name, the_longest_join_fits)
{
    char full[EMP_NAME_MAX + 1];
    cr_assert_eq (emp_name_join ("c", text_of ('x', EMP_NAME_MAX - 2), full), EMP_OK);
    cr_assert_eq (strlen (full), EMP_NAME_MAX);
}

Test (name, B18_a_label_marks_the_default_queues)
{
    char label[EMP_LABEL_MAX + 1];
    emp_name_label ("mp_input_q", label);
    cr_assert_str_eq (label, "mp_input_q (default)");
    emp_name_label ("blue_q_7", label);
    cr_assert_str_eq (label, "blue_q_7");
    emp_name_label ("batch_1|audio_lg", label);
    cr_assert_str_eq (label, "batch_1|audio_lg");
}

Test (name, B17_a_header_names_label_and_ticket)
{
    char header[EMP_HEADER_MAX + 1];
    emp_name_header ("mp_input_q (default)", 0, header);
    cr_assert_str_eq (header, "mp_input_q (default);_TID_0;");
    emp_name_header ("x", UINT64_MAX, header);
    cr_assert_str_eq (header, "x;_TID_18446744073709551615;");
}

Test (name, texts_of_too_long_names_are_cut_to_their_room)
{
    char label[EMP_LABEL_MAX + 2], header[EMP_HEADER_MAX + 2];
    label[EMP_LABEL_MAX + 1] = header[EMP_HEADER_MAX + 1] = '!';
    emp_name_label (text_of ('x', 1000), label);
    cr_assert_eq (strlen (label), EMP_LABEL_MAX);
    emp_name_header (text_of ('x', 1000), UINT64_MAX, header);
    cr_assert_eq (strlen (header), EMP_LABEL_MAX + strlen (";_TID_18446744073709551615;"));
    cr_assert_eq (label[EMP_LABEL_MAX + 1], '!');
    cr_assert_eq (header[EMP_HEADER_MAX + 1], '!');
}

/* ---- "did you mean" ---------------------------------------------------------------------------------------------- */

static const char *const known[] = {"ROWS_MAX",  "PROCS_MAX",      "RESULTS_STORE", "RESULTS_PRINT", "INFO_ENABLE",
                                    "NUM_PROCS", "worker_modules", "START_METHOD",  "toolbox",       NULL};

Test (name, the_nearest_known_word_is_found)
{
    const struct {
        const char *word, *nearest;
    } cases[] = {
        {"ROWS_MAX", "ROWS_MAX"},
        {"ROW_MAX", "ROWS_MAX"},
        {"ROWSS_MAX", "ROWS_MAX"},
        {"RWOS_MXA", "ROWS_MAX"},
        /* two swaps */ {"rows_max", "ROWS_MAX"},
        {"PROC_MAX", "PROCS_MAX"},
        {"RESULT_STORE", "RESULTS_STORE"},
        {"resultsprint", "RESULTS_PRINT"},
        {"worker_module", "worker_modules"},
        {"WORKER_MODULS", "worker_modules"},
        {"tolbox", "toolbox"},
        {"startmethods", "START_METHOD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = emp_name_nearest (cases[i].word, known);
        cr_assert_not_null (nearest, "%s", cases[i].word);
        cr_assert_str_eq (nearest, cases[i].nearest, "%s", cases[i].word);
    }
}

Test (name, nothing_near_is_null)
{
    const char *const none[] = {NULL};
    cr_assert_null (emp_name_nearest ("banana", known));
    cr_assert_null (emp_name_nearest ("", known));
    cr_assert_null (emp_name_nearest ("ROWS_MAX", none));
    cr_assert_null (emp_name_nearest (text_of ('x', 1000), known));
}

Test (name, near_is_two_edits_or_a_third_of_the_word)
{
    const char *const one[] = {"abcdefghijkl", NULL};
    cr_assert_not_null (emp_name_nearest ("abcdefgh1234", one), "four of twelve");
    cr_assert_null (emp_name_nearest ("abcdefg12345", one), "five of twelve");
    const char *const two[] = {"abcd", NULL};
    cr_assert_not_null (emp_name_nearest ("ab12", two));
    cr_assert_null (emp_name_nearest ("a123", two));
}

Test (name, of_equally_near_words_the_first_wins)
{
    const char *const words[] = {"aac", "aab", "aad", NULL};
    cr_assert_str_eq (emp_name_nearest ("aax", words), "aac");
    cr_assert_str_eq (emp_name_nearest ("aad", words), "aad");
}

Test (name, a_known_word_without_end_is_passed_over)
{
    const char *words[] = {text_of ('x', 1000), "short", NULL};
    cr_assert_str_eq (emp_name_nearest ("shart", words), "short");
}
