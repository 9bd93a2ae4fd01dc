/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../manager/scratch.h"
#include "server.h"
#include "worker/cache.h"

static char why[EMP_CONTENT_ERROR_MAX], path[PATH_MAX];
static server_t server;

static void begin (void)
{
    scratch_make ();
}

static void end (void)
{
    scratch_remove ();
}

TestSuite (cache, .timeout = 60, .init = begin, .fini = end);

static emp_cache_t *open_cache (uint64_t bytes_max)
{
    emp_cache_t *cache = NULL;
    cr_assert_eq (emp_cache_open (scratch_path ("cache"), bytes_max, &cache, why), EMP_OK, "%s", why);
    return cache;
}

static void expect_no_cache (const char *folder, emp_status_t status, const char *text)
{
    emp_cache_t *cache = NULL;
    cr_assert_eq (emp_cache_open (folder, EMP_CACHE_BYTES_DEFAULT, &cache, why), status, "%s", why);
    cr_assert (strstr (why, text), "\"%s\" in: %s", text, why);
    cr_assert_null (cache);
}

static emp_status_t require (emp_cache_t *cache, const char *hash, uint64_t size)
{
    *path = *why = '\0';
    return emp_cache_require (cache, hash, size, server_fetch, &server, path, why);
}

static void expect_good (emp_cache_t *cache, const char *hash, size_t size)
{
    char found[EMP_CONTENT_TEXT_MAX];
    uint64_t length;
    cr_assert_eq (require (cache, hash, size), EMP_OK, "%s", why);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq (emp_content_of_file (fd, found, &length), EMP_OK);
    cr_assert (strcmp (found, hash) == 0 && length == size);
    close (fd);
}

/* Files in the cache that begin with that. */
static unsigned files (const char *prefix)
{
    unsigned count = 0;
    DIR *folder = opendir (scratch_path ("cache"));
    for (const struct dirent *entry; (entry = readdir (folder));)
        count += *entry->d_name != '.' && strcmp (entry->d_name, "lock") != 0 &&
                 strncmp (entry->d_name, prefix, strlen (prefix)) == 0;
    closedir (folder);
    return count;
}

static const char *entry (const char *hash)
{
    char name[128];
    snprintf (name, sizeof name, "cache/%s", hash);
    return scratch_path (name);
}

static bool has (const char *hash)
{
    return access (entry (hash), F_OK) == 0;
}

/* A content of that many bytes, all of them this one. */
static const char *content (char byte, size_t size)
{
    static char data[SERVER_CONTENTS_MAX][300000];
    cr_assert_leq (size, sizeof data[0]);
    memset (data[server.count], byte, size);
    return server_add (&server, data[server.count], size);
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

static void expect_place (const char *expected)
{
    emp_cache_t *cache = NULL;
    const char *hash = content ('p', 10);
    cr_assert_eq (emp_cache_open (NULL, EMP_CACHE_BYTES_DEFAULT, &cache, why), EMP_OK, "%s", why);
    cr_assert_eq (require (cache, hash, 10), EMP_OK, "%s", why);
    cr_assert (strncmp (path, expected, strlen (expected)) == 0 && strcmp (path + strlen (expected) + 1, hash) == 0,
               "%s, expected %s", path, expected);
    struct stat stat_;
    cr_assert_eq (stat (expected, &stat_), 0);
    cr_assert_eq (stat_.st_mode & 07777, 0700);
    cr_assert_eq (stat (path, &stat_), 0);
    cr_assert_eq (stat_.st_mode & 07777, 0400);
    emp_cache_close (&cache);
    cr_assert_null (cache);
    emp_cache_close (&cache);
}

Test (cache, three_variables_say_where_it_is)
{
    umask (0);
    setenv ("HOME", scratch_path ("home"), 1);
    setenv ("XDG_CACHE_HOME", scratch_path ("xdg/of/this"), 1);
    setenv ("EISENMP_CACHE", scratch_path ("own"), 1);
    expect_place (scratch_path ("own"));
    setenv ("EISENMP_CACHE", "", 1);
    expect_place (scratch_path ("xdg/of/this/eisenmp"));
    setenv ("XDG_CACHE_HOME", "relative", 1);
    expect_place (scratch_path ("home/.cache/eisenmp"));
    setenv ("EISENMP_CACHE", "relative", 1);
    expect_no_cache (NULL, EMP_INVALID, "EISENMP_CACHE: found 'relative', expected an absolute path");
    unsetenv ("EISENMP_CACHE");
    unsetenv ("HOME");
    expect_no_cache (NULL, EMP_INVALID, "found no usable EISENMP_CACHE, XDG_CACHE_HOME or HOME");
}

Test (cache, a_folder_that_others_may_write_to_is_refused)
{
    const char *folder = scratch_path ("cache");
    cr_assert_eq (mkdir (folder, 0700), 0);
    static const mode_t bad[] = {0777, 0720, 0702, 01777};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq (chmod (folder, bad[i]), 0);
        expect_no_cache (folder, EMP_REFUSED, "found a folder that others may write to");
    }
    cr_assert_eq (chmod (folder, 0755), 0);
    emp_cache_t *cache = open_cache (100);
    emp_cache_close (&cache);
}

Test (cache, a_folder_of_somebody_else_is_refused)
{
    const char *folder = scratch_path ("cache");
    if (geteuid () == 0) {
        cr_assert_eq (mkdir (folder, 0700), 0);
        cr_assert_eq (chown (folder, 4711, (gid_t) -1), 0);
        expect_no_cache (folder, EMP_REFUSED, "found a folder of user 4711, expected one of user 0");
    } else
        expect_no_cache ("/usr", EMP_REFUSED, "found a folder of user 0, expected one of user");
}

Test (cache, what_is_no_folder_is_refused)
{
    expect_no_cache (scratch_text ("cache", "a file"), EMP_SYSTEM, "cache': cannot be opened as a folder");
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

Test (cache, a_content_is_fetched_once_by_however_many)
{
    const char *hash = content ('a', 300000);
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    expect_good (cache, hash, 300000);
    cr_assert_eq (server.asked, 2);
    expect_good (cache, hash, 300000);
    emp_cache_t *other = open_cache (EMP_CACHE_BYTES_DEFAULT);
    expect_good (other, hash, 300000);
    emp_cache_close (&cache);
    emp_cache_close (&other);
    cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    expect_good (cache, hash, 300000);
    cr_assert_eq (server.asked, 2);
    cr_assert (files ("") == 1 && files ("part-") == 0);
    emp_cache_close (&cache);
}

Test (cache, what_comes_wrong_leaves_nothing)
{
    const char *hash = content ('a', 1000);
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    server.flips = true;
    cr_assert_eq (require (cache, hash, 1000), EMP_MALFORMED);
    cr_assert (strstr (why, entry (hash)) && strstr (why, "': found 1000 bytes with the hash"), "%s", why);
    cr_assert_eq (files (""), 0);
    server.flips = false;
    server.status = EMP_TIMEOUT;
    cr_assert_eq (require (cache, hash, 1000), EMP_TIMEOUT);
    cr_assert_eq (files (""), 0);
    server.status = EMP_OK;
    cr_assert_eq (require (cache, hash, 1001), EMP_MALFORMED, "another size than the manager's");
    expect_good (cache, hash, 1000);
    emp_cache_close (&cache);
}

static void damage (const char *hash, off_t offset, off_t size)
{
    cr_assert_eq (chmod (entry (hash), 0600), 0);
    int fd = open (entry (hash), O_WRONLY | O_CLOEXEC);
    cr_assert_eq (pwrite (fd, "x", 1, offset), 1);
    cr_assert_eq (ftruncate (fd, size), 0);
    close (fd);
}

Test (cache, a_damaged_entry_is_thrown_away_and_fetched_anew)
{
    const char *hash = content ('a', 1000);
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    for (unsigned i = 1; i <= 4; i++) {
        expect_good (cache, hash, 1000);
        cr_assert_eq (server.asked, i);
        damage (hash, i == 1 ? 500 : 0, i == 2 ? 999 : i == 3 ? 1001 : 1000);
    }
    server.status = EMP_TIMEOUT;
    cr_assert_eq (require (cache, hash, 1000), EMP_TIMEOUT, "and is not used when it cannot be fetched");
    cr_assert_eq (files (""), 0);
    emp_cache_close (&cache);
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

/* Who used what last is told by times that a file system may not tell apart, so a test sets them. */
static void used_at (const char *hash, time_t seconds)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds}};
    cr_assert_eq (utimensat (AT_FDCWD, entry (hash), times, 0), 0);
}

Test (cache, what_was_used_longest_ago_goes_first)
{
    const char *a = content ('a', 1000), *b = content ('b', 1000), *c = content ('c', 1000), *d = content ('d', 1000),
               *e = content ('e', 1000);
    emp_cache_t *cache = open_cache (3000);
    expect_good (cache, a, 1000);
    expect_good (cache, b, 1000);
    expect_good (cache, c, 1000);
    emp_cache_close (&cache);
    used_at (a, 3000000);
    used_at (b, 1000000);
    used_at (c, 2000000);
    cache = open_cache (3000);
    expect_good (cache, b, 1000); /* used now, so it is c's turn, then a's */
    emp_cache_close (&cache);
    cache = open_cache (3000);
    cr_assert (has (a) && has (b) && has (c), "nothing goes without need");
    expect_good (cache, d, 1000);
    cr_assert (has (a) && has (b) && !has (c) && has (d));
    expect_good (cache, e, 1000);
    cr_assert (!has (a) && has (b) && has (d) && has (e));
    emp_cache_close (&cache);
    scratch_text ("cache/notes", "not ours");
    cache = open_cache (0);
    cr_assert_eq (files (""), 1, "a bound that became lower counts at once, for what is ours");
    emp_cache_close (&cache);
    cache = open_cache (1000);
    expect_good (cache, a, 1000); /* what is not ours does not count either */
    emp_cache_close (&cache);
}

Test (cache, what_is_in_use_is_not_removed_whoever_uses_it)
{
    const char *a = content ('a', 1000), *b = content ('b', 1000), *c = content ('c', 1500);
    emp_cache_t *cache = open_cache (2500), *other = open_cache (2500);
    expect_good (cache, a, 1000);
    expect_good (other, b, 1000);
    used_at (a, 1000000);
    used_at (b, 2000000);
    cr_assert_eq (require (cache, c, 1500), EMP_FULL);
    cr_assert (strstr (why, "found 2000 bytes in use, expected at most 1000 beside a file of 1500"), "%s", why);
    cr_assert (has (a) && has (b) && files ("") == 2);
    emp_cache_close (&other);
    expect_good (cache, c, 1500); /* b goes, though a was used longer ago */
    cr_assert (has (a) && !has (b) && has (c));
    cr_assert_eq (require (cache, content ('e', 2501), 2501), EMP_FULL);
    cr_assert (strstr (why, "found a file of 2501 bytes, expected at most 2500 in all"), "%s", why);
    emp_cache_close (&cache);
}

Test (cache, a_full_disk_is_a_sentence_and_leaves_nothing)
{
    const char *hash = content ('a', 100000);
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    struct rlimit limit = {99999, RLIM_INFINITY};
    cr_assert_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq (require (cache, hash, 100000), EMP_FULL);
    cr_assert (strstr (why, "found a limit (ulimit -f) of 99999 bytes a file"), "%s", why);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit (RLIMIT_FSIZE, &limit);
    cr_assert_eq (files (""), 0);
    expect_good (cache, hash, 100000);
    emp_cache_close (&cache);
}

/* A namespace of mounts of the test's own; false: not allowed here. */
static bool own_mounts (void)
{
    return unshare (CLONE_NEWNS) == 0 && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

Test (cache, a_file_system_that_is_full_is_a_sentence)
{
    const char *hash = content ('a', 200000), *small = content ('b', 1000), *folder = scratch_path ("cache");
    if (!own_mounts () || mkdir (folder, 0700) != 0 || mount ("none", folder, "tmpfs", 0, "size=128k,mode=0700") != 0) {
        cr_log_info ("no mount here");
        return;
    }
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    cr_assert_eq (require (cache, hash, 200000), EMP_FULL);
    cr_assert (strstr (why, "cache': no room for a file of 200000 bytes: No space left on device"), "%s", why);
    cr_assert_eq (server.asked, 0, "it is known before anything is fetched");
    cr_assert_eq (files (""), 0);
    expect_good (cache, small, 1000);
    emp_cache_close (&cache);
    cr_assert_eq (umount (folder), 0);
}

Test (cache, a_file_system_without_code_is_seen_before_a_module_is_loaded)
{
    const char *hash = content ('a', 1000), *folder = scratch_path ("cache");
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    expect_good (cache, hash, 1000);
    cr_assert_eq (emp_cache_check_loadable (path, why), EMP_OK, "%s", why);
    emp_cache_close (&cache);
    if (!own_mounts () || mount ("none", folder, "tmpfs", MS_NOEXEC, "mode=0700") != 0) {
        cr_log_info ("no mount here");
        return;
    }
    cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    expect_good (cache, hash, 1000);
    cr_assert_eq (emp_cache_check_loadable (path, why), EMP_REFUSED);
    cr_assert (strstr (why, "found a file system from which no code is loaded (mounted noexec?)"), "%s", why);
    emp_cache_close (&cache);
    cr_assert_eq (umount (folder), 0);
}

/* ---- several processes ------------------------------------------------------------------------------------------- */

static int to_child[2], to_parent[2];

/* In a child: says that it is here, and goes on when the parent says so, or has ended. */
static void meet (void)
{
    char byte = 'x';
    if (write (to_parent[1], &byte, 1) == 1 && read (to_child[0], &byte, 1) == 1)
        return;
    _exit (9);
}

static void meet_once (void)
{
    if (server.asked == 2)
        meet ();
}

static pid_t start (const char *hash, size_t size)
{
    pid_t child = fork ();
    if (child != 0)
        return child;
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    close (to_child[1]);
    server.during = meet_once;
    emp_cache_t *cache = NULL;
    emp_status_t status = emp_cache_open (scratch_path ("cache"), EMP_CACHE_BYTES_DEFAULT, &cache, why);
    if (!status)
        status = require (cache, hash, size);
    _exit (status ? 1 : server.asked == 2 ? 0 : 2);
}

static void wait_for (unsigned children)
{
    char bytes[8];
    for (unsigned got = 0; got < children;) {
        ssize_t n = read (to_parent[0], bytes, children - got);
        cr_assert_gt (n, 0);
        got += (unsigned) n;
    }
}

static int end_of (pid_t child)
{
    int status = 0;
    waitpid (child, &status, 0);
    return status;
}

Test (cache, two_that_fetch_the_same_at_once_both_have_it_whole)
{
    const char *hash = content ('a', 300000);
    cr_assert (pipe (to_child) == 0 && pipe (to_parent) == 0);
    pid_t children[2] = {start (hash, 300000), start (hash, 300000)};
    wait_for (2); /* both have half of it */
    cr_assert (files ("part-") == 2 && !has (hash));
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    cr_assert_eq (files ("part-"), 2, "of those that live nothing is swept");
    expect_good (cache, hash, 300000); /* and a third is faster */
    struct stat before, after;
    cr_assert_eq (stat (path, &before), 0);
    cr_assert_eq (write (to_child[1], "xx", 2), 2);
    cr_assert (end_of (children[0]) == 0 && end_of (children[1]) == 0);
    cr_assert (files ("part-") == 0 && files ("") == 1 && has (hash));
    cr_assert_eq (stat (path, &after), 0);
    cr_assert_eq (after.st_ino, before.st_ino, "nobody took the place of what is in use");
    server.asked = 0;
    expect_good (cache, hash, 300000);
    cr_assert_eq (server.asked, 0);
    emp_cache_close (&cache);
}

Test (cache, what_a_killed_fetcher_leaves_is_swept_by_the_next)
{
    const char *hash = content ('a', 300000);
    cr_assert (pipe (to_child) == 0 && pipe (to_parent) == 0);
    pid_t child = start (hash, 300000);
    wait_for (1);
    kill (child, SIGKILL);
    cr_assert (WIFSIGNALED (end_of (child)));
    cr_assert (files ("part-") == 1 && !has (hash));
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    cr_assert_eq (files (""), 0);
    expect_good (cache, hash, 300000);
    emp_cache_close (&cache);
}

Test (cache, what_a_killed_process_used_may_go)
{
    const char *a = content ('a', 300000), *b = content ('b', 300000);
    cr_assert (pipe (to_child) == 0 && pipe (to_parent) == 0);
    pid_t child = start (a, 300000);
    wait_for (1);
    cr_assert_eq (write (to_child[1], "x", 1), 1);
    cr_assert_eq (end_of (child), 0);
    cr_assert (has (a));
    emp_cache_t *cache = open_cache (500000);
    expect_good (cache, b, 300000);
    cr_assert (!has (a) && has (b));
    emp_cache_close (&cache);
}

/* ---- modules ----------------------------------------------------------------------------------------------------- */

static const char *module (const char *name, size_t *ret_size)
{
    char file[PATH_MAX];
    snprintf (file, sizeof file, "%s/%s", test_modules (), name);
    int fd = open (file, O_RDONLY | O_CLOEXEC);
    cr_assert_geq (fd, 0, "%s", file);
    *ret_size = (size_t) lseek (fd, 0, SEEK_END);
    const void *data = mmap (NULL, *ret_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close (fd);
    return server_add (&server, data, *ret_size);
}

Test (cache, modules_of_other_contents_are_loaded_beside_each_other)
{
    static const char *const names[] = {"echo.so", "loader_good.so"}, *const refs[] = {"echo_q", "count_me"};
    void *objects[2];
    emp_cache_t *cache = open_cache (EMP_CACHE_BYTES_DEFAULT);
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        const char *hash = module (names[i], &size);
        expect_good (cache, hash, size);
        cr_assert_eq (emp_cache_check_loadable (path, why), EMP_OK, "%s", why);
        objects[i] = dlopen (path, RTLD_NOW | RTLD_LOCAL);
        cr_assert_not_null (objects[i], "%s", dlerror ());
    }
    for (size_t i = 0; i < 2; i++) {
        cr_assert_not_null (dlsym (objects[i], refs[i]));
        cr_assert_null (dlsym (objects[i], refs[1 - i]));
    }
    emp_cache_close (&cache);
}
