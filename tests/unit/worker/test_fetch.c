/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

TestSuite (fetch, .timeout = 60);

#define SIZE (3 * EMP_CONTENT_PIECE_MAX + 1000)

static char why[EMP_CONTENT_ERROR_MAX];
static uint8_t data[SIZE];
static server_t server;

static const char *begin (void)
{
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t) (i * 31 + i / 4096);
    return server_add (&server, data, SIZE);
}

static emp_status_t fetch (const char *hash, uint64_t size, int *ret_fd)
{
    *ret_fd = memfd_create ("test", MFD_CLOEXEC);
    *why = '\0';
    return emp_fetch (server_fetch, &server, hash, size, *ret_fd, why);
}

static void expect_failure (const char *hash, uint64_t size, emp_status_t status, const char *text)
{
    int fd;
    cr_assert_eq (fetch (hash, size, &fd), status, "%s", why);
    cr_assert (strstr (why, text), "\"%s\" in: %s", text, why);
    close (fd);
}

static void expect_all (const char *hash)
{
    static uint8_t found[SIZE];
    int fd;
    struct stat stat;
    cr_assert_eq (fetch (hash, SIZE, &fd), EMP_OK, "%s", why);
    cr_assert_eq (fstat (fd, &stat), 0);
    cr_assert_eq (stat.st_size, SIZE);
    cr_assert_eq (pread (fd, found, SIZE, 0), SIZE);
    cr_assert_eq (memcmp (found, data, SIZE), 0);
    close (fd);
}

Test (fetch, all_pieces_are_brought_also_short_ones)
{
    const char *hash = begin ();
    expect_all (hash);
    cr_assert_eq (server.asked, 4);
    server.piece = 12345;
    expect_all (hash);
    cr_assert_eq (server.asked, 4 + (SIZE + 12344) / 12345);
}

Test (fetch, nothing_at_all_is_not_asked_for)
{
    int fd;
    const char *hash = server_add (&server, "", 0);
    cr_assert_eq (fetch (hash, 0, &fd), EMP_OK, "%s", why);
    cr_assert_eq (server.asked, 0);
    close (fd);
    begin ();
    expect_failure (server.all[1].hash, 0, EMP_MALFORMED, "found 0 bytes with the hash");
}

Test (fetch, what_has_another_hash_is_refused)
{
    const char *hash = begin ();
    server.flips = true;
    expect_failure (hash, SIZE, EMP_MALFORMED, "found 787432 bytes with the hash");
    server.flips = false;
    expect_all (hash);
}

Test (fetch, a_server_that_says_another_size_is_refused_at_once)
{
    const char *hash = begin ();
    server.total_more = 1;
    expect_failure (hash, SIZE, EMP_MALFORMED, "found 787433 bytes at the manager's host, expected 787432");
    cr_assert_eq (server.asked, 1);
    server.total_more = 0;
    expect_failure (hash, SIZE + 1, EMP_MALFORMED, "found 787432 bytes at the manager's host, expected 787433");
}

Test (fetch, a_piece_that_does_not_fit_is_refused_before_it_is_written)
{
    const char *hash = begin ();
    server.got_more = 1;
    expect_failure (hash, SIZE, EMP_MALFORMED,
                    "found a piece of 262145 bytes at byte 0 of 787432, expected 1 to 262144");
    server.got_more = (size_t) 0 - 100; /* a piece of none */
    server.piece = 100;
    expect_failure (hash, SIZE, EMP_MALFORMED, "found a piece of 0 bytes at byte 0");
    server.got_more = (size_t) 0 - 101;
    expect_failure (hash, SIZE, EMP_MALFORMED, "bytes at byte 0");
}

Test (fetch, what_the_other_side_says_is_told_with_the_place)
{
    const char *hash = begin ();
    server.status = EMP_STALE;
    server.fails_at = EMP_CONTENT_PIECE_MAX;
    expect_failure (hash, SIZE, EMP_STALE,
                    "cannot be fetched from the manager's host (byte 262144 of 787432): the file there has changed");
    server.status = EMP_TIMEOUT;
    expect_failure (hash, SIZE, EMP_TIMEOUT, "(byte 262144 of 787432): timed out");
    server.status = EMP_OK;
    server.count = 0;
    expect_failure (hash, SIZE, EMP_UNKNOWN, "(byte 0 of 787432): the manager does not offer it");
}

Test (fetch, what_is_no_hash_or_too_large_is_not_asked_for)
{
    expect_failure ("../../../etc/passwd", 1, EMP_INVALID, "found a hash that is none");
    const char *hash = begin ();
    expect_failure (hash, EMP_CONTENT_BYTES_MAX + 1, EMP_INVALID, "found 68719476737 bytes, expected at most");
    cr_assert_eq (server.asked, 0);
}

Test (fetch, a_limit_of_a_file_is_a_sentence_and_no_signal)
{
    const char *hash = begin ();
    struct rlimit limit = {SIZE - 1, RLIM_INFINITY};
    signal (SIGXFSZ, SIG_DFL);
    cr_assert_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
    expect_failure (hash, SIZE, EMP_FULL, "found a limit (ulimit -f) of 787431 bytes a file, expected 787432");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit (RLIMIT_FSIZE, &limit);
}

/* Every write to it fails as on a disk that is full. */
Test (fetch, a_full_disk_is_a_sentence)
{
    const char *hash = begin ();
    int fd = open ("/dev/full", O_RDWR | O_CLOEXEC);
    cr_assert_geq (fd, 0);
    cr_assert_eq (emp_fetch (server_fetch, &server, hash, SIZE, fd, why), EMP_FULL);
    cr_assert_str_eq (why, "cannot be written at byte 0: No space left on device");
    close (fd);
}
