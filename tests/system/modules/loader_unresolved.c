/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loader_unresolved.c - for the tests of the loader: it needs a function that nobody has.
 */
#include <eisenmp.h>

bool nobody_has_this_function (void);
bool worker_entrance (emp_toolbox_t *toolbox);

bool worker_entrance (emp_toolbox_t *toolbox)
{
    (void) toolbox;
    return nobody_has_this_function ();
}
