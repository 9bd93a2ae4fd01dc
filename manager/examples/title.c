/* SPDX-License-Identifier: BSD-3-Clause
 *
 * title.c - what an example says of itself. See title.h.
 */
#include "title.h"

#include <stdbool.h>
#include <string.h>

#include "../../common/utf8.h"

typedef struct {
    const char *at, *end;
} line_t;

/* The next line without its end; false behind the last. */
static bool next_line (const char **rest, const char *end, line_t *ret_line)
{
    if (*rest == end)
        return false;
    const char *stop = memchr (*rest, '\n', (size_t) (end - *rest));
    *ret_line = (line_t){.at = *rest, .end = stop ? stop : end};
    *rest = stop ? stop + 1 : end;
    return true;
}

static bool is_blank (line_t line)
{
    while (line.at < line.end && strchr (" \t\r", *line.at))
        line.at++;
    return line.at == line.end;
}

/* Appends a word; false when it has no room. What is no UTF-8, and control characters, become '?'. */
static bool add_word (char *title, size_t *size, const char *word, size_t length)
{
    char piece[EMP_TITLE_MAX];
    if (*size + (*size > 0) + length > EMP_TITLE_MAX)
        return false;
    const uint8_t *at = (const uint8_t *) word, *end = at + length;
    size_t made = 0;
    while (at < end) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step && !emp_utf8_is_control (code))
            memcpy (piece + made, at, step), made += step;
        else
            piece[made++] = '?';
        at += step ? step : 1;
    }
    if (*size)
        title[(*size)++] = ' ';
    memcpy (title + *size, piece, made);
    *size += made;
    title[*size] = 0;
    return true;
}

static bool add_words (char *title, size_t *size, line_t line)
{
    while (line.at < line.end) {
        const char *word = line.at;
        while (line.at < line.end && !strchr (" \t\r", *line.at))
            line.at++;
        if (line.at > word && !add_word (title, size, word, (size_t) (line.at - word)))
            return false;
        line.at += line.at < line.end;
    }
    return true;
}

/* A line of Markdown that a paragraph of text does not begin with. */
static bool is_layout (line_t line)
{
    size_t size = (size_t) (line.end - line.at);
    return is_blank (line) || strchr ("#|`>-*=<[!", *line.at) || (size > 4 && memcmp (line.at, "    ", 4) == 0);
}

void emp_title_of_page (const char *text, size_t size, char ret_title[EMP_TITLE_MAX + 1])
{
    const char *end = text + size;
    line_t line;
    size_t made = 0;
    *ret_title = 0;
    while (next_line (&text, end, &line)) {
        if (made ? is_blank (line) : is_layout (line)) {
            if (made)
                return;
        } else if (!add_words (ret_title, &made, line))
            return;
    }
}

void emp_title_of_job (const char *text, size_t size, char ret_title[EMP_TITLE_MAX + 1])
{
    const char *end = text + size;
    line_t line;
    size_t made = 0;
    *ret_title = 0;
    while (next_line (&text, end, &line)) {
        if (line.at == line.end || *line.at != '#')
            return;
        while (line.at < line.end && strchr ("# \t", *line.at))
            line.at++;
        if (line.end - line.at >= 5 && memcmp (line.at, "SPDX-", 5) == 0)
            continue;
        if (line.at == line.end) {
            if (made)
                return;
        } else if (!add_words (ret_title, &made, line))
            return;
    }
}

size_t emp_title_sentence (const char *title)
{
    for (const char *at = title; *at; at++)
        if (strchr (".?!:", *at) && (at[1] == ' ' || at[1] == 0))
            return (size_t) (at - title) + (*at != ':');
    return strlen (title);
}

size_t emp_title_cut (const char *title, size_t size, size_t columns)
{
    const uint8_t *begin = (const uint8_t *) title, *at = begin, *end = begin + size;
    uint32_t code;
    for (; at < end && columns; columns--) {
        size_t step = emp_utf8_step (at, end, &code);
        at += step ? step : 1;
    }
    return (size_t) (at - begin);
}
