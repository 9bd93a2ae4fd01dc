/* SPDX-License-Identifier: BSD-3-Clause
 *
 * programs.c - where the project's other programs, its modules and its examples are. See programs.h.
 */
#include "programs.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool try_folder (const char *folder, size_t length, const char *below, const char *name, char *ret_path)
{
    int size = snprintf (ret_path, EMP_PATH_MAX, "%.*s%s/%s", (int) length, folder, below, name);
    return size > 0 && size < EMP_PATH_MAX && access (ret_path, X_OK) == 0;
}

/* The folder of a file's path, as a length. */
static size_t folder_of (const char *path)
{
    const char *slash = strrchr (path, '/');
    return slash ? (size_t) (slash - path) : 0;
}

static bool beside_program (const char *name, char *ret_path)
{
    char self[EMP_PATH_MAX];
    ssize_t size = readlink ("/proc/self/exe", self, sizeof self - 1);
    if (size <= 0)
        return false;
    self[size] = 0;
    return try_folder (self, folder_of (self), "", name, ret_path);
}

static bool beside_library (const char *name, char *ret_path)
{
    Dl_info info;
    char real[PATH_MAX];
    if (!dladdr ((const void *) emp_version, &info) || !info.dli_fname || !realpath (info.dli_fname, real))
        return false;
    /* <prefix>/lib/libeisenmp.so, or with a folder of the machine's kind between: <prefix>/lib/x86_64-linux-gnu/… */
    return try_folder (real, folder_of (real), "/../bin", name, ret_path) ||
           try_folder (real, folder_of (real), "/../../bin", name, ret_path);
}

static bool on_path (const char *name, char *ret_path)
{
    const char *at = getenv ("PATH");
    while (at && *at) {
        size_t length = strcspn (at, ":");
        if (length && try_folder (at, length, "", name, ret_path))
            return true;
        at += length;
        at += *at == ':';
    }
    return false;
}

emp_status_t emp_programs_find (const char *name, char *ret_path)
{
    const char *told = getenv ("EISENMP_EXEC_PATH");
    if ((told && try_folder (told, strlen (told), "", name, ret_path)) || beside_program (name, ret_path) ||
        beside_library (name, ret_path) || on_path (name, ret_path))
        return EMP_OK;
    return EMP_UNKNOWN;
}

emp_status_t emp_programs_modules (char *ret_path)
{
    char worker[EMP_PATH_MAX];
    if (emp_programs_find ("eisenmp-worker", worker) != EMP_OK)
        return EMP_UNKNOWN;
    int size = snprintf (ret_path, EMP_PATH_MAX, "%.*s/../lib/eisenmp", (int) folder_of (worker), worker);
    return size > 0 && size < EMP_PATH_MAX ? EMP_OK : EMP_UNKNOWN;
}

emp_status_t emp_programs_examples (char *ret_path)
{
    const char *told = getenv ("EISENMP_EXAMPLES");
    char program[EMP_PATH_MAX], real[PATH_MAX];
    *ret_path = 0;
    int size;
    if (told && *told)
        size = snprintf (ret_path, EMP_PATH_MAX, "%s", told);
    else if (emp_programs_find ("eisenmp", program) == EMP_OK)
        size = snprintf (ret_path, EMP_PATH_MAX, "%.*s/../share/eisenmp/examples", (int) folder_of (program), program);
    else
        return EMP_UNKNOWN;
    if (size <= 0 || size >= EMP_PATH_MAX || !realpath (ret_path, real))
        return EMP_UNKNOWN;
    _Static_assert (PATH_MAX <= EMP_PATH_MAX, "what realpath gives has room");
    strcpy (ret_path, real);
    return EMP_OK;
}
