/* SPDX-License-Identifier: BSD-3-Clause
 *
 * start.c - see start.h.
 */
#include "start.h"

#include <string.h>

static const char *const texts[] = {
    [EMP_START_SPAWN] = "spawn", [EMP_START_FORK] = "fork", [EMP_START_FORKSERVER] = "forkserver"};

const char *emp_start_text (emp_start_method_t self)
{
    return texts[self];
}

bool emp_start_of (const char *text, size_t size, emp_start_method_t *ret_method)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strlen (texts[i]) == size && memcmp (texts[i], text, size) == 0) {
            *ret_method = (emp_start_method_t) i;
            return true;
        }
    return false;
}
