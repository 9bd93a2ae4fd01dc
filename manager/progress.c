/* SPDX-License-Identifier: BSD-3-Clause
 *
 * progress.c - the progress line, and the few bytes that write it over itself.
 *
 * Invariant: `width` columns of the terminal's last line are ours, and the cursor stands behind them. Spaces and \r do it
 * all, so every terminal will do.
 */
#include "progress.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- the line ---------------------------------------------------------------------------------------------- */

void emp_progress_time (double seconds, char *ret_text, size_t room)
{
    if (!(seconds < 1000.0 * 3600.0)) {
        snprintf (ret_text, room, "over 1000 h");
        return;
    }
    unsigned whole = (unsigned) (seconds + 0.5);
    if (whole < 3600)
        snprintf (ret_text, room, "%u:%02u", whole / 60, whole % 60);
    else
        snprintf (ret_text, room, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
}

static unsigned percent (uint64_t done, uint64_t expected)
{
    if (done >= expected)
        return 100;
    unsigned value = (unsigned) ((double) done / (double) expected * 100.0);
    return value < 99 ? value : 99; /* the division may round up to 1 */
}

void emp_progress_line (const emp_progress_state_t *state, char *ret_line)
{
    assert (state && ret_line);
    const uint64_t done = state->rows_done, expected = state->rows_expected;
    char rows[80], tickets[64], dead[40] = "", time[40];

    if (expected)
        snprintf (rows, sizeof rows, "%3u %% %" PRIu64 " of %" PRIu64 " rows", percent (done, expected), done,
                  expected);
    else
        snprintf (rows, sizeof rows, "%" PRIu64 " rows", done);
    if (state->tickets_made)
        snprintf (tickets, sizeof tickets, "%" PRIu64 " of %" PRIu64 " tickets", state->tickets_done,
                  state->tickets_made);
    else
        snprintf (tickets, sizeof tickets, "%" PRIu64 " tickets", state->tickets_done);
    if (state->tickets_dead)
        snprintf (dead, sizeof dead, ", %" PRIu64 " dead", state->tickets_dead);

    double elapsed = (double) state->elapsed_ms / 1000.0;
    bool forecast = done > 0 && done < expected;
    emp_progress_time (forecast ? elapsed / (double) done * (double) (expected - done) : elapsed, time, sizeof time);
    snprintf (ret_line, EMP_PROGRESS_LINE_MAX + 1, "%s, %s%s, %s%s", rows, tickets, dead, time,
              forecast ? " left" : "");
}

/* ---- the terminal ------------------------------------------------------------------------------------------ */

void emp_progress_init (emp_progress_t *self, FILE *out, bool enabled)
{
    assert (self && out);
    int fd = fileno (out);
    *self = (emp_progress_t){.out = out, .live = enabled && fd >= 0 && isatty (fd)};
}

/* Columns that a line may have: one less than the terminal, or the cursor would go to the next. */
static size_t columns (FILE *out)
{
    struct winsize size;
    int fd = fileno (out);
    if (fd < 0 || ioctl (fd, TIOCGWINSZ, &size) || size.ws_col == 0)
        return 79;
    return size.ws_col - 1u;
}

void emp_progress_show (emp_progress_t *self, const emp_progress_state_t *state, uint64_t now_ms)
{
    assert (self && state);
    if (!self->live || (self->begun && now_ms - self->last_ms < EMP_PROGRESS_EVERY_MS))
        return;
    self->begun = true;
    self->last_ms = now_ms;
    char line[EMP_PROGRESS_LINE_MAX + 1];
    emp_progress_line (state, line);
    size_t length = strlen (line), room = columns (self->out);
    if (length > room)
        line[length = room] = '\0';
    size_t cover = self->width > length ? self->width : length;
    if (cover > room) /* the terminal became narrower */
        cover = room;
    fprintf (self->out, "\r%-*s", (int) cover, line);
    fflush (self->out);
    self->width = cover;
}

void emp_progress_erase (emp_progress_t *self)
{
    assert (self);
    if (self->width == 0)
        return;
    fprintf (self->out, "\r%*s\r", (int) self->width, "");
    fflush (self->out);
    self->width = 0;
}
