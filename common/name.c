/* SPDX-License-Identifier: BSD-3-Clause
 *
 * name.c - names of queues, headers and tickets, as the original writes them.
 */
#include "name.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "utf8.h"

static const char *const defaults[] = {EMP_DEFAULT_QUEUE, "mp_output_q", "mp_info_q",
                                       "mp_tools_q",      "mp_print_q",  "mp_process_q"};

#define DEFAULTS (sizeof defaults / sizeof *defaults)

/* ---- checks ------------------------------------------------------------------------------------------------ */

const char *emp_name_default_at (size_t i)
{
    return i < DEFAULTS ? defaults[i] : NULL;
}

bool emp_name_is_default (const char *name)
{
    for (size_t i = 0; i < DEFAULTS; i++)
        if (strcmp (name, defaults[i]) == 0)
            return true;
    return false;
}

emp_status_t emp_name_check (const char *name)
{
    if (!name || !*name)
        return EMP_INVALID;
    size_t size = strnlen (name, EMP_NAME_MAX + 1);
    if (size > EMP_NAME_MAX)
        return EMP_TOOBIG;
    const uint8_t *at = (const uint8_t *) name;
    const uint8_t *end = at + size;
    while (at < end) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step == 0 || emp_utf8_is_control (code) || code == ';' || code == '|')
            return EMP_INVALID;
        at += step;
    }
    return EMP_OK;
}

/* ---- texts made of names ------------------------------------------------------------------------------------- */

emp_status_t emp_name_join (const char *category, const char *name, char *ret_full)
{
    emp_status_t status = emp_name_check (category);
    if (!status)
        status = emp_name_check (name);
    if (status)
        return status;
    char full[EMP_NAME_MAX + 1];
    int size = snprintf (full, sizeof full, "%s|%s", category, name);
    if (size > EMP_NAME_MAX)
        return EMP_TOOBIG;
    memcpy (ret_full, full, (size_t) size + 1);
    return EMP_OK;
}

void emp_name_label (const char *full, char *ret_label)
{
    const char *mark = emp_name_is_default (full) ? " (default)" : "";
    snprintf (ret_label, EMP_LABEL_MAX + 1, "%s%s", full, mark);
}

void emp_name_header (const char *label, uint64_t ticket, char *ret_header)
{
    snprintf (ret_header, EMP_HEADER_MAX + 1, "%.*s;" EMP_TICKET_PREFIX "%" PRIu64 ";", EMP_LABEL_MAX, label, ticket);
}

/* ---- "did you mean" -------------------------------------------------------------------------------------------- */

/* ASCII only, whatever the locale: keys and names that anybody mistypes are ASCII. */
static char lower (char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static size_t least (size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two texts of at most EMP_NAME_MAX bytes: one byte put in, left out, changed, or two neighbours swapped.
 * Three rows of the usual table are enough; rows[r % 3][c] is the distance of the first r bytes to the first c. */
static size_t edits (const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][EMP_NAME_MAX + 1];
    assert (a_size <= EMP_NAME_MAX && b_size <= EMP_NAME_MAX);
    for (size_t c = 0; c <= b_size; c++)
        rows[0][c] = c;
    for (size_t r = 1; r <= a_size; r++) {
        size_t *now = rows[r % 3], *last = rows[(r + 2) % 3], *before = rows[(r + 1) % 3];
        now[0] = r;
        for (size_t c = 1; c <= b_size; c++) {
            char x = lower (a[r - 1]), y = lower (b[c - 1]);
            now[c] = least (last[c - 1] + (x != y), least (last[c], now[c - 1]) + 1);
            if (r > 1 && c > 1 && x == lower (b[c - 2]) && y == lower (a[r - 2]))
                now[c] = least (now[c], before[c - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

const char *emp_name_nearest (const char *word, const char *const *known)
{
    size_t size = strnlen (word, EMP_NAME_MAX + 1);
    if (size > EMP_NAME_MAX)
        return NULL;
    const char *nearest = NULL;
    size_t limit = size / 3 > 2 ? size / 3 : 2; /* the first one at most so far wins; then only nearer ones */
    for (; *known; known++) {
        size_t known_size = strnlen (*known, EMP_NAME_MAX + 1);
        if (known_size > EMP_NAME_MAX)
            continue;
        size_t distance = edits (word, size, *known, known_size);
        if (nearest ? distance < limit : distance <= limit) {
            nearest = *known;
            limit = distance;
        }
    }
    return nearest;
}
