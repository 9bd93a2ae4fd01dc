/* SPDX-License-Identifier: BSD-3-Clause
 *
 * menu.h - the examples in the terminal: as a list, or to choose from by number.
 */
#ifndef EMP_MENU_H
#define EMP_MENU_H

#include "catalogue.h"

/* A line each: the name, a tab, the path of the job file. */
void emp_menu_list (const emp_catalogue_t *catalogue, FILE *out);
/* Prints the numbered list, reads a number or a name from standard input, has `program` (the path of eisenmp) run it, and
 * so on until "q" or the end of input. Ctrl-C is the run's while there is one. Returns the exit code. */
int emp_menu_run (const emp_catalogue_t *catalogue, const char *program);
/* Says that there is no such example, and what there is; returns the exit code. */
int emp_menu_unknown (const emp_catalogue_t *catalogue, const char *name);

#endif
