/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/directory.h"

static char folder[64];

static const char *in (const char *name)
{
    static char path[128];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_file (const char *name)
{
    int fd = open (in (name), O_CREAT | O_WRONLY, 0600);
    cr_assert_geq (fd, 0);
    close (fd);
}

static void make_folder (void)
{
    strcpy (folder, "/tmp/emp-unit-XXXXXX");
    cr_assert_not_null (mkdtemp (folder));
}

static void remove_folder (void)
{
    unlink (in ("sub/deep"));
    unlink (in ("link"));
    unlink (in ("file"));
    rmdir (in ("sub"));
    rmdir (folder);
}

TestSuite (directory, .timeout = 60, .init = make_folder, .fini = remove_folder);

static bool exists (const char *path)
{
    return faccessat (AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Test (directory, goes_with_its_files_and_sockets)
{
    make_file ("file");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf (address.sun_path, sizeof address.sun_path, "%s/door", folder);
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq (bind (fd, (struct sockaddr *) &address, sizeof address), 0);
    close (fd);
    cr_assert_eq (emp_directory_remove (folder), EMP_OK);
    cr_assert (!exists (folder));
}

Test (directory, that_is_not_there_is_fine)
{
    cr_assert_eq (emp_directory_remove (in ("nowhere")), EMP_OK);
}

Test (directory, that_others_may_enter_is_left_alone)
{
    make_file ("file");
    cr_assert_eq (chmod (folder, 0755), 0);
    cr_assert_eq (emp_directory_remove (folder), EMP_REFUSED);
    cr_assert (exists (in ("file")));
}

Test (directory, that_is_a_link_or_a_file_is_left_alone)
{
    make_file ("file");
    cr_assert_eq (emp_directory_remove (in ("file")), EMP_REFUSED);
    cr_assert (exists (in ("file")));
    cr_assert_eq (mkdir (in ("sub"), 0700), 0);
    cr_assert_eq (symlink ("sub", in ("link")), 0);
    cr_assert_eq (emp_directory_remove (in ("link")), EMP_REFUSED);
    cr_assert (exists (in ("sub")));
}

Test (directory, nothing_below_it_and_behind_a_link_is_touched)
{
    cr_assert_eq (mkdir (in ("sub"), 0700), 0);
    make_file ("sub/deep");
    cr_assert_eq (symlink ("sub/deep", in ("link")), 0);
    cr_assert_eq (emp_directory_remove (folder), EMP_SYSTEM);
    cr_assert (exists (in ("sub/deep")));
    cr_assert (exists (in ("link")));
}
