/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scratch.h - for tests that need files: a folder of their own, and where the test modules and test data are.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[64]; /* "" outside of a test that made one */

static inline void scratch_make (void)
{
    strcpy (scratch_dir, "/tmp/eisenmp-test-XXXXXX");
    cr_assert (mkdtemp (scratch_dir) != NULL);
}

static inline int scratch_remove_one (const char *path, const struct stat *stat_of, int flag, struct FTW *ftw)
{
    (void) stat_of, (void) flag, (void) ftw;
    return remove (path);
}

static inline void scratch_remove (void)
{
    if (*scratch_dir)
        nftw (scratch_dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    *scratch_dir = '\0';
}

/* The path of a file in the folder; a few of them live at a time. */
static inline const char *scratch_path (const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf (path, PATH_MAX, "%s/%s", scratch_dir, name);
    return path;
}

static inline const char *scratch_write (const char *name, const void *data, size_t size)
{
    const char *path = scratch_path (name);
    FILE *file = fopen (path, "w");
    cr_assert (file != NULL);
    cr_assert_eq (fwrite (data, 1, size, file), size);
    cr_assert_eq (fclose (file), 0);
    return path;
}

static inline const char *scratch_text (const char *name, const char *text)
{
    return scratch_write (name, text, strlen (text));
}

/* lib/eisenmp-tests of the build that this program is of. */
static inline const char *test_modules (void)
{
    static char path[PATH_MAX];
    const char *given = getenv ("EMP_TEST_MODULES");
    if (given)
        return given;
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 64);
    cr_assert_gt (size, 0);
    path[size] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr (path, '/') = '\0';
    return strcat (path, "/lib/eisenmp-tests");
}

/* tests/data */
static inline const char *test_data (void)
{
    static char path[PATH_MAX];
    const char *source = getenv ("EMP_SOURCE");
    if (source)
        snprintf (path, sizeof path, "%s/tests/data", source);
    else
        snprintf (path, sizeof path, "%.*s/../../data", (int) (strrchr (__FILE__, '/') - __FILE__), __FILE__);
    return path;
}

#endif
