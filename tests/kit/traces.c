/* SPDX-License-Identifier: BSD-3-Clause
 *
 * traces.c - see traces.h.
 */
#include "traces.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

bool traces_says (const char *path, const char *what)
{
    char line[4096];
    bool said = false;
    FILE *file = fopen (path, "re");
    while (file && !said && fgets (line, sizeof line, file))
        said = what ? strstr (line, what) != NULL : line[0] != '\n';
    if (file)
        fclose (file);
    return said;
}

bool traces_left (const char *folder, const char *mark, char ret_name[TRACES_NAME])
{
    DIR *directory = opendir (folder);
    bool found = false;
    for (struct dirent *entry; directory && !found && (entry = readdir (directory));) {
        found = strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0 &&
                (!mark || strstr (entry->d_name, mark));
        if (found)
            snprintf (ret_name, TRACES_NAME, "%s", entry->d_name);
    }
    if (directory)
        closedir (directory);
    return found;
}
