/* SPDX-License-Identifier: BSD-3-Clause
 *
 * how.c - how a process ended, in words for a person. See how.h.
 */
#include "how.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
