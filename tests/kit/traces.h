/* SPDX-License-Identifier: BSD-3-Clause
 *
 * traces.h - what a run has said, and what it has left lying about.
 */
#ifndef KIT_TRACES_H
#define KIT_TRACES_H

#include <stdbool.h>

#define TRACES_NAME 256

/* A line of the file has that in it; NULL: there is a line that is not empty. */
bool traces_says (const char *path, const char *what);
/* The folder has an entry with `mark` in its name, or any at all when that is NULL; the first one's name. */
bool traces_left (const char *folder, const char *mark, char ret_name[TRACES_NAME]);

#endif
