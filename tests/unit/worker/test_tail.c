/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "worker/tail.h"

TestSuite (tail, .timeout = 60);

static char shown[200000];
static size_t shown_size;

static void show (void *arg, const char *line, size_t size)
{
    (void) arg;
    cr_assert_eq (line[size - 1], '\n', "only whole lines are shown");
    cr_assert_null (memchr (line, '\n', size - 1), "one at a time");
    memcpy (shown + shown_size, line, size);
    shown_size += size;
    shown[shown_size] = 0;
}

static void feed (emp_tail_t *tail, const char *text)
{
    emp_tail_feed (tail, text, strlen (text), show, NULL);
}

Test (tail, a_line_is_shown_when_it_is_whole)
{
    static emp_tail_t tail;
    emp_tail_init (&tail);
    feed (&tail, "one");
    cr_assert_eq (shown_size, 0);
    feed (&tail, " line\ntw");
    cr_assert_str_eq (shown, "one line\n");
    feed (&tail, "o\n\nthree\n");
    cr_assert_str_eq (shown, "one line\ntwo\n\nthree\n");
    cr_assert_str_eq (tail.kept, shown);
}

Test (tail, the_same_bytes_in_any_pieces_give_the_same_lines)
{
    static const char text[] = "a\nbb\n\nccc\nthe last one has no end";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        static emp_tail_t tail;
        emp_tail_init (&tail);
        shown_size = 0;
        for (size_t at = 0; at < sizeof text - 1; at += piece)
            emp_tail_feed (&tail, text + at, at + piece < sizeof text - 1 ? piece : sizeof text - 1 - at, show, NULL);
        emp_tail_end (&tail, show, NULL);
        cr_assert_str_eq (shown, "a\nbb\n\nccc\nthe last one has no end\n", "pieces of %zu", piece);
    }
}

Test (tail, the_end_of_a_stream_without_a_rest_shows_nothing)
{
    static emp_tail_t tail;
    emp_tail_init (&tail);
    feed (&tail, "whole\n");
    emp_tail_end (&tail, show, NULL);
    cr_assert_str_eq (shown, "whole\n");
}

Test (tail, the_last_ten_lines_are_kept)
{
    static emp_tail_t tail;
    emp_tail_init (&tail);
    feed (&tail, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
    cr_assert_str_eq (tail.kept, "3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
}

Test (tail, never_more_than_its_bytes_are_kept)
{
    static emp_tail_t tail;
    static char line[1001];
    emp_tail_init (&tail);
    memset (line, 'x', 999);
    line[999] = '\n';
    for (int i = 0; i < 20; i++)
        feed (&tail, line);
    cr_assert_eq (tail.size, 4000);
    feed (&tail, "y\n");
    cr_assert_eq (tail.size, 3002);
    cr_assert_str_eq (tail.kept + 3000, "y\n");
}

Test (tail, of_a_line_longer_than_what_is_kept_the_beginning_stays)
{
    static emp_tail_t tail;
    static char line[6002];
    emp_tail_init (&tail);
    feed (&tail, "before\n");
    memset (line, 'x', 6000);
    memcpy (line, "begin", 5);
    line[6000] = '\n';
    feed (&tail, line);
    cr_assert_eq (tail.size, EMP_TAIL_KEPT_MAX);
    cr_assert_eq (strncmp (tail.kept, "begin", 5), 0);
    cr_assert_eq (tail.kept[EMP_TAIL_KEPT_MAX - 1], '\n');
    cr_assert_eq (shown_size, 7 + 6001, "the line itself was shown whole");
}

Test (tail, a_line_without_end_is_cut)
{
    static emp_tail_t tail;
    static char line[3 * EMP_TAIL_LINE_MAX];
    emp_tail_init (&tail);
    memset (line, 'x', sizeof line);
    emp_tail_feed (&tail, line, EMP_TAIL_LINE_MAX, show, NULL);
    cr_assert_eq (shown_size, 0, "it may end with the next byte");
    emp_tail_feed (&tail, "\n", 1, show, NULL);
    cr_assert_eq (shown_size, EMP_TAIL_LINE_MAX + 1, "and then it is one line");
    shown_size = 0;
    emp_tail_feed (&tail, line, sizeof line, show, NULL);
    emp_tail_end (&tail, show, NULL);
    cr_assert_eq (shown_size, 3 * (EMP_TAIL_LINE_MAX + 1));
}

Test (tail, what_is_kept_is_a_text_whatever_was_written)
{
    static emp_tail_t tail;
    emp_tail_init (&tail);
    emp_tail_feed (&tail, "a\0b\0\nc\n", 7, show, NULL);
    cr_assert_str_eq (tail.kept, "a?b?\nc\n");
    cr_assert_eq (memcmp (shown, "a\0b\0\nc\n", 7), 0, "the screen gets what was written");
}
