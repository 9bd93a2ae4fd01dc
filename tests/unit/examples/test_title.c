/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_title.c - what an example says of itself (E8).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "manager/examples/title.h"

TestSuite (title, .timeout = 10);

static const char *page (const char *text)
{
    static char title[EMP_TITLE_MAX + 1];
    emp_title_of_page (text, strlen (text), title);
    return title;
}

static const char *job (const char *text)
{
    static char title[EMP_TITLE_MAX + 1];
    emp_title_of_job (text, strlen (text), title);
    return title;
}

Test (title, of_a_page_is_its_first_paragraph_of_text)
{
    cr_assert_str_eq (page ("# prime\n\nWhich of them\nare\tprime?  All.\n\nMore.\n"), "Which of them are prime? All.");
    cr_assert_str_eq (page ("\n\n    a listing\n| a | table |\n- a list\n\nText"), "Text");
    cr_assert_str_eq (page ("Text\n    with a listing's indent\n"), "Text with a listing's indent");
    cr_assert_str_eq (page ("Windows\r\nlines\r\n\r\nMore"), "Windows lines");
    cr_assert_str_eq (page ("# only a heading\n"), "");
    cr_assert_str_eq (page (""), "");
}

Test (title, of_a_job_is_the_comment_it_begins_with)
{
    cr_assert_str_eq (job ("# SPDX-License-Identifier: BSD\n#\n# Which are\n#   prime?\nROWS_MAX: 1\n# no more\n"),
                      "Which are prime?");
    cr_assert_str_eq (job ("# One.\n#\n# Another paragraph.\n"), "One.");
    cr_assert_str_eq (job ("ROWS_MAX: 1 # not this\n"), "");
    cr_assert_str_eq (job ("\n# nor this\n"), "");
    cr_assert_str_eq (job ("#"), "");
    cr_assert_str_eq (job (""), "");
}

Test (title, holds_neither_control_characters_nor_bytes_that_are_no_text)
{
    cr_assert_str_eq (page ("a\033[31mred\x07 \xc3\xa4 \xff\xc3"), "a?[31mred? \xc3\xa4 ??");
    cr_assert_str_eq (page ("\xc2\x9b"), "?");
}

Test (title, is_cut_behind_a_word)
{
    char text[2 * EMP_TITLE_MAX];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 10 == 9 ? ' ' : 'x';
    char title[EMP_TITLE_MAX + 1];
    emp_title_of_page (text, sizeof text, title);
    cr_assert_eq (strlen (title), EMP_TITLE_MAX / 10 * 10 - 1);
    memset (text, 'x', sizeof text);
    emp_title_of_page (text, sizeof text, title);
    cr_assert_str_eq (title, "");
    emp_title_of_page (text, EMP_TITLE_MAX, title);
    cr_assert_eq (strlen (title), EMP_TITLE_MAX);
}

Test (title, has_a_first_sentence)
{
    cr_assert_eq (emp_title_sentence ("One. Two."), 4);
    cr_assert_eq (emp_title_sentence ("Is it? Yes."), 6);
    cr_assert_eq (emp_title_sentence ("A list: one, two."), 6);
    cr_assert_eq (emp_title_sentence ("At 1.5 GHz and more"), 19);
    cr_assert_eq (emp_title_sentence ("End."), 4);
    cr_assert_eq (emp_title_sentence (""), 0);
}

Test (title, is_cut_to_columns_between_characters)
{
    const char *text = "\xc3\xa4\xe2\x82\xac"
                       "bc";
    cr_assert_eq (emp_title_cut (text, 7, 0), 0);
    cr_assert_eq (emp_title_cut (text, 7, 1), 2);
    cr_assert_eq (emp_title_cut (text, 7, 2), 5);
    cr_assert_eq (emp_title_cut (text, 7, 9), 7);
}
