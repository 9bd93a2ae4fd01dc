/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loader_good.c - for the tests of the loader: functions to find, and data that is none.
 */
#include <eisenmp.h>

bool count_me (emp_toolbox_t *toolbox);
bool stay_hidden (emp_toolbox_t *toolbox);
int some_data = 42;

/* Counts its calls in a field of the toolbox. */
bool count_me (emp_toolbox_t *toolbox)
{
    size_t calls = (size_t) emp_toolbox_field (toolbox, "calls") + 1;
    emp_toolbox_set_field (toolbox, "calls", (void *) calls);
    printf ("%zu\n", calls); /* so that the object needs libc's printf */
    return calls < 3;
}

__attribute__ ((visibility ("hidden"))) bool stay_hidden (emp_toolbox_t *toolbox)
{
    (void) toolbox;
    return false;
}
