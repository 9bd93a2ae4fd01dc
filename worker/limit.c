/* SPDX-License-Identifier: BSD-3-Clause
 *
 * limit.c - see limit.h.
 */
#include "limit.h"

static uint64_t later (uint64_t time, uint64_t by)
{
    return time > EMP_LIMIT_NEVER - by ? EMP_LIMIT_NEVER : time + by;
}

bool emp_limit_is_over (const emp_limit_t *self, uint64_t now, uint64_t *ret_look)
{
    *ret_look = EMP_LIMIT_NEVER;
    if (!self->limit)
        return false;
    *ret_look = later (self->since ? self->since : now, self->limit);
    return self->since && now >= *ret_look;
}

uint64_t emp_limit_fenced (uint64_t dead_after)
{
    uint64_t grace =
        dead_after > EMP_LIMIT_NEVER / EMP_LIMIT_FENCED_TIMES ? EMP_LIMIT_NEVER : dead_after * EMP_LIMIT_FENCED_TIMES;
    return grace > EMP_LIMIT_FENCED_US_MIN ? grace : EMP_LIMIT_FENCED_US_MIN;
}
