/* SPDX-License-Identifier: BSD-3-Clause
 *
 * how.c - how a process ended, in words for a person. See how.h.
 */
#include "how.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BETWEEN " | "

void emp_how_text (emp_how_t how, uint32_t code, char *ret_text)
{
    const char *name;
    switch (how) {
    case EMP_HOW_BYE: snprintf (ret_text, EMP_HOW_TEXT_MAX + 1, "left"); return;
    case EMP_HOW_EXIT: snprintf (ret_text, EMP_HOW_TEXT_MAX + 1, "exited with %u", code); return;
    case EMP_HOW_SIGNAL:
        name = sigdescr_np ((int) code);
        snprintf (ret_text, EMP_HOW_TEXT_MAX + 1, "killed by signal %u (%s)", code, name ? name : "unknown");
        return;
    case EMP_HOW_SILENCE: snprintf (ret_text, EMP_HOW_TEXT_MAX + 1, "was silent"); return;
    case EMP_HOW_TIMEOUT:
        snprintf (ret_text, EMP_HOW_TEXT_MAX + 1, "killed: had its ticket for longer than TICKET_TIMEOUT");
        return;
    }
}

void emp_how_peak (uint64_t bytes, char *ret_text)
{
    uint64_t whole = bytes >> 20, tenths = ((bytes & ((1 << 20) - 1)) * 10) >> 20; /* no locale shows */
    ret_text[0] = 0;
    if (bytes)
        snprintf (ret_text, EMP_HOW_PEAK_MAX + 1, ", peak memory %" PRIu64 ".%" PRIu64 " MiB", whole, tenths);
}

/* Bytes of the lines as one, the last newline left out. */
static size_t joined_size (const char *lines)
{
    size_t size = 0;
    for (const char *at = lines; *at; at++)
        size += *at != '\n' ? 1 : at[1] ? strlen (BETWEEN) : 0;
    return size;
}

static void join (const char *lines, char *to)
{
    for (const char *at = lines; *at; at++)
        if (*at != '\n')
            *to++ = *at;
        else if (at[1])
            to = stpcpy (to, BETWEEN);
    *to = 0;
}

void emp_how_death (emp_how_t how, uint32_t code, uint64_t peak, const char *lines, char *ret_text)
{
    static const char before[] = "; its last lines: ";
    char how_text[EMP_HOW_TEXT_MAX + 1], peak_text[EMP_HOW_PEAK_MAX + 1];
    emp_how_text (how, code, how_text);
    emp_how_peak (peak, peak_text);
    size_t size = (size_t) snprintf (ret_text, EMP_TEXT_MAX + 1, "worker %s%s", how_text, peak_text);
    while (size + strlen (before) + joined_size (lines) > EMP_TEXT_MAX) {
        const char *newline = strchr (lines, '\n');
        lines = newline ? newline + 1 : "";
    }
    if (*lines)
        join (lines, stpcpy (ret_text + size, before));
}
