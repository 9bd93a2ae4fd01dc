/* SPDX-License-Identifier: BSD-3-Clause
 *
 * utf8.h - one step through UTF-8 text, for who checks names and who prints values. Pure.
 */
#ifndef EMP_UTF8_H
#define EMP_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `at` < `end`, 1 to 4, and its number in *ret_code; 0 when no UTF-8 character stands there:
 * cut off, overlong, half of a surrogate pair, beyond U+10FFFF. */
static inline size_t emp_utf8_step (const uint8_t *at, const uint8_t *end, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = *at;
    if (first < 0x80) {
        *ret_code = first;
        return 1;
    }
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || (size_t) (end - at) < size)
        return 0;
    uint32_t code = first & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return size;
}

/* A control character: it would move the cursor of a terminal, not print. */
static inline bool emp_utf8_is_control (uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

#endif
