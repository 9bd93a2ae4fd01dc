/* SPDX-License-Identifier: BSD-3-Clause
 *
 * status.c - the texts of EMP_STATUS_MAP, and the version.
 */
#include "eisenmp.h"

const char *emp_status_text (emp_status_t status)
{
    switch (status) {
#define STATUS_TEXT(name, number, text)                                                                                \
    case EMP_##name: return text;
        EMP_STATUS_MAP (STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status"; /* a number that a newer library may give */
}

const char *emp_version (void)
{
    return EMP_VERSION;
}
