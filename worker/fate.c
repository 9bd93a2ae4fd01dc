/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fate.c - see fate.h.
 */
#include "fate.h"

emp_fate_t emp_fate_of (const emp_end_t *end, bool ending, bool any_joined, unsigned *deaths)
{
    if (end->left && end->how == EMP_HOW_EXIT && end->code == 0)
        return EMP_FATE_ENDED;
    if (ending)
        return EMP_FATE_DEAD;
    if (!any_joined && !end->joined && !end->cut && end->how == EMP_HOW_EXIT && end->code == EMP_EXIT_UNFIT)
        return EMP_FATE_UNFIT;
    if (end->overtime || end->cut)
        *deaths = 0;
    else
        *deaths = end->chunks > 0 ? 1 : *deaths + 1;
    return *deaths < EMP_DEATHS_MAX ? EMP_FATE_AGAIN : EMP_FATE_GIVEN_UP;
}
