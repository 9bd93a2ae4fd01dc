/* SPDX-License-Identifier: BSD-3-Clause
 *
 * modulefile.c - finds the file of a worker module or generator.
 */
#include "modulefile.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "elffile.h"
#include "sentence.h"

/* Looked-in folders, for the sentence; what does not fit is left out. */
typedef struct {
    char text[384];
    size_t size;
} trail_t;

static void remember (trail_t *trail, const char *folder)
{
    char piece[EMP_SENTENCE_MAX];
    emp_sentence_path (folder, piece);
    int size =
        snprintf (trail->text + trail->size, sizeof trail->text - trail->size, "%s%s", trail->size ? ", " : "", piece);
    if ((size_t) size < sizeof trail->text - trail->size)
        trail->size += (size_t) size;
    else
        trail->text[trail->size] = '\0';
}

/* The absolute path of folder/name when something is there. */
static char *look (trail_t *trail, const char *folder, size_t folder_size, const char *name)
{
    char path[PATH_MAX];
    int size = snprintf (path, sizeof path, "%.*s/%s", (int) folder_size, folder, name);
    if (folder_size == 0 || folder_size >= PATH_MAX || size >= PATH_MAX)
        return NULL;
    char *found = realpath (path, NULL);
    path[folder_size] = '\0';
    if (!found)
        remember (trail, path);
    return found;
}

static char *look_in_list (trail_t *trail, const char *folders, const char *name)
{
    char *found = NULL;
    while (!found && *folders) {
        size_t size = strcspn (folders, ":");
        found = look (trail, folders, size, name);
        folders += size + (folders[size] == ':');
    }
    return found;
}

emp_status_t emp_modulefile_find (const char *name, const char *directory, const char *modules_dir, char **ret_path,
                                  char *ret_error)
{
    trail_t trail = {.size = 0};
    const char *here = directory ? directory : ".";
    char *found;
    if (*name == '/')
        found = realpath (name, NULL);
    else
        found = look (&trail, here, strlen (here), name);
    if (!found && !strchr (name, '/')) {
        const char *list = getenv ("EISENMP_MODULE_PATH");
        found = list ? look_in_list (&trail, list, name) : NULL;
        if (!found && modules_dir)
            found = look (&trail, modules_dir, strlen (modules_dir), name);
    }
    if (found) {
        *ret_path = found;
        return EMP_OK;
    }
    char piece[EMP_SENTENCE_MAX];
    emp_sentence_path (name, piece);
    snprintf (ret_error, EMP_MODULEFILE_ERROR_MAX, "found no file %s%s%s, expected an ELF shared object", piece,
              trail.size ? " in " : "", trail.text);
    return EMP_INVALID;
}

emp_status_t emp_modulefile_check (const char *path, const char *ref, char *ret_error)
{
    char error[EMP_ELF_ERROR_MAX], piece[EMP_SENTENCE_MAX];
    emp_status_t status = emp_elf_check (path, ref, error);
    if (status) {
        emp_sentence_path (path, piece);
        snprintf (ret_error, EMP_MODULEFILE_ERROR_MAX, "%s: %s", piece, error);
    }
    return status;
}
