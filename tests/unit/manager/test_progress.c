/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_progress.c - the progress line (B7), and how it is written over itself.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_openpt and its kin */
#endif
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "manager/progress.h"

TestSuite (progress, .timeout = 30);

static void expect_line (emp_progress_state_t state, const char *expected)
{
    char line[EMP_PROGRESS_LINE_MAX + 1];
    emp_progress_line (&state, line);
    cr_assert_str_eq (line, expected);
}

Test (progress, B7_percent_and_time_left_follow_from_the_rows_done)
{
    expect_line (
        (emp_progress_state_t){
            .rows_done = 4200, .rows_expected = 10000, .tickets_done = 100, .tickets_made = 239, .elapsed_ms = 42000},
        " 42 % 4200 of 10000 rows, 100 of 239 tickets, 0:58 left");
    expect_line ((emp_progress_state_t){.rows_done = 1, .rows_expected = 3601, .elapsed_ms = 2000},
                 "  0 % 1 of 3601 rows, 0 tickets, 2:00:00 left");
}

Test (progress, before_the_first_row_there_is_no_forecast)
{
    expect_line ((emp_progress_state_t){.rows_expected = 10, .elapsed_ms = 5000},
                 "  0 % 0 of 10 rows, 0 tickets, 0:05");
}

Test (progress, without_a_target_there_is_no_percent)
{
    expect_line ((emp_progress_state_t){.rows_done = 4200, .tickets_done = 100, .elapsed_ms = 65000},
                 "4200 rows, 100 tickets, 1:05");
}

Test (progress, dead_tickets_are_named)
{
    expect_line ((emp_progress_state_t){.rows_done = 4, .tickets_done = 3, .tickets_dead = 2, .elapsed_ms = 499},
                 "4 rows, 3 tickets, 2 dead, 0:00");
}

Test (progress, hundred_percent_are_said_only_when_all_is_done_and_never_more)
{
    expect_line ((emp_progress_state_t){.rows_done = 999, .rows_expected = 1000, .elapsed_ms = 1000},
                 " 99 % 999 of 1000 rows, 0 tickets, 0:00 left");
    expect_line ((emp_progress_state_t){.rows_done = UINT64_MAX - 1, .rows_expected = UINT64_MAX, .elapsed_ms = 1000},
                 " 99 % 18446744073709551614 of 18446744073709551615 rows, 0 tickets, 0:00 left");
    expect_line ((emp_progress_state_t){.rows_done = 1000, .rows_expected = 1000, .elapsed_ms = 1000},
                 "100 % 1000 of 1000 rows, 0 tickets, 0:01");
    expect_line ((emp_progress_state_t){.rows_done = 3000, .rows_expected = 1000, .elapsed_ms = 1000},
                 "100 % 3000 of 1000 rows, 0 tickets, 0:01");
}

Test (progress, the_longest_line_fits)
{
    const uint64_t most = UINT64_MAX;
    expect_line ((emp_progress_state_t){most - 1, most, most, most, most, most},
                 " 99 % 18446744073709551614 of 18446744073709551615 rows, "
                 "18446744073709551615 of 18446744073709551615 tickets, 18446744073709551615 dead, 0:00 left");
    expect_line ((emp_progress_state_t){1, most, most, most, most, most},
                 "  0 % 1 of 18446744073709551615 rows, "
                 "18446744073709551615 of 18446744073709551615 tickets, 18446744073709551615 dead, over 1000 h left");
}

/* What a shell on a terminal would write, in memory. */
typedef struct {
    emp_progress_t progress;
    char *text;
    size_t size;
} screen_t;

static void open_screen (screen_t *self)
{
    self->size = 0;
    FILE *out = open_memstream (&self->text, &self->size);
    emp_progress_init (&self->progress, out, true);
    cr_assert_not (self->progress.live, "memory is no terminal");
    self->progress.live = true;
}

static void close_screen (screen_t *self)
{
    fclose (self->progress.out);
    free (self->text);
}

Test (progress, the_line_is_written_at_most_five_times_a_second)
{
    screen_t screen;
    open_screen (&screen);
    emp_progress_state_t state = {.rows_done = 0};
    size_t written = 0;
    for (uint64_t now = 5000; now < 6000; now++) {
        state.rows_done++;
        size_t before = screen.size;
        emp_progress_show (&screen.progress, &state, now);
        written += screen.size > before;
    }
    cr_assert_eq (written, 5);
    close_screen (&screen);
}

Test (progress, a_shorter_line_covers_a_longer_one_and_erase_leaves_nothing)
{
    screen_t screen;
    open_screen (&screen);
    emp_progress_show (&screen.progress, &(emp_progress_state_t){.rows_done = 12345}, 0);
    emp_progress_show (&screen.progress, &(emp_progress_state_t){.rows_done = 1}, 200);
    emp_progress_erase (&screen.progress);
    emp_progress_erase (&screen.progress);
    cr_assert_str_eq (screen.text, "\r12345 rows, 0 tickets, 0:00"
                                   "\r1 rows, 0 tickets, 0:00    "
                                   "\r                           \r");
    emp_progress_show (&screen.progress, &(emp_progress_state_t){.rows_done = 1}, 300);
    cr_assert_eq (screen.size, 3 * 28 + 1, "not yet time");
    emp_progress_show (&screen.progress, &(emp_progress_state_t){.rows_done = 1}, 400);
    cr_assert_str_eq (screen.text + 3 * 28 + 1, "\r1 rows, 0 tickets, 0:00");
    close_screen (&screen);
}

static void show_and_erase (FILE *out)
{
    emp_progress_t progress;
    emp_progress_init (&progress, out, true);
    emp_progress_show (&progress, &(emp_progress_state_t){.rows_done = 1}, 1000);
    emp_progress_erase (&progress);
}

Test (progress, nothing_is_written_where_there_is_no_terminal)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream (&text, &size);
    show_and_erase (memory);
    fclose (memory);
    cr_assert_eq (size, 0);
    free (text);

    FILE *file = tmpfile ();
    cr_assert_not_null (file);
    show_and_erase (file);
    cr_assert_eq (ftell (file), 0);
    fclose (file);
}

/* Both ends of a pseudo terminal of so many columns. */
static FILE *open_terminal (unsigned short columns, int *ret_master)
{
    int master = posix_openpt (O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt (master) || unlockpt (master))
        cr_skip_test ("no pseudo terminal here");
    struct winsize window = {.ws_col = columns, .ws_row = 24};
    cr_assert_eq (ioctl (master, TIOCSWINSZ, &window), 0);
    FILE *out = fopen (ptsname (master), "w");
    cr_assert_not_null (out);
    *ret_master = master;
    return out;
}

Test (progress, on_a_terminal_the_line_is_cut_to_its_width)
{
    int master;
    FILE *out = open_terminal (11, &master);
    emp_progress_t progress;
    emp_progress_init (&progress, out, true);
    emp_progress_show (&progress, &(emp_progress_state_t){.rows_done = 1234567}, 1000);
    char text[64] = "";
    ssize_t size = read (master, text, sizeof text - 1);
    cr_assert_eq (size, 11);
    cr_assert_str_eq (text, "\r1234567 ro");
    fclose (out);
    close (master);
}

Test (progress, B7_INFO_ENABLE_false_writes_nothing)
{
    int master;
    FILE *out = open_terminal (80, &master);
    emp_progress_t progress;
    emp_progress_init (&progress, out, false);
    emp_progress_show (&progress, &(emp_progress_state_t){.rows_done = 1}, 1000);
    fputs ("x", out);
    fflush (out);
    char text[8] = "";
    cr_assert_eq (read (master, text, sizeof text - 1), 1);
    cr_assert_str_eq (text, "x");
    fclose (out);
    close (master);
}
