/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loader_unresolved.c - for the tests of the loader: it needs a function that nobody has.
 */
#include <eisenmp.h>

bool nobody_has_this_function (void);
emp_worker_fn worker_entrance, start_one, start_and_stay;

bool worker_entrance (emp_toolbox_t *toolbox)
{
    (void) toolbox;
    return nobody_has_this_function ();
}

/* As the servers example calls them. */
bool start_one (emp_toolbox_t *toolbox)
{
    return worker_entrance (toolbox);
}

bool start_and_stay (emp_toolbox_t *toolbox)
{
    return worker_entrance (toolbox);
}
