/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bytes.h"
#include "common/content.h"

TestSuite (content, .timeout = 60);

static char hash[EMP_CONTENT_TEXT_MAX];

/* The two of RFC 7693's reference code, cut to 256 bits. */
Test (content, the_hash_is_BLAKE2b_of_256_bits)
{
    emp_content_of_bytes (NULL, 0, hash);
    cr_assert_str_eq (hash, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    emp_content_of_bytes ("abc", 3, hash);
    cr_assert_str_eq (hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

Test (content, a_file_has_the_hash_of_its_bytes_wherever_its_position_is)
{
    static const size_t sizes[] = {0, 1, 4095, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20) + 7};
    static uint8_t data[4 << 20];
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t) bytes_random (&state);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char of_file[EMP_CONTENT_TEXT_MAX];
        uint64_t size = 4711;
        int fd = memfd_create ("test", MFD_CLOEXEC);
        cr_assert_eq (write (fd, data, sizes[i]), (ssize_t) sizes[i]);
        cr_assert_eq (emp_content_of_file (fd, of_file, &size), EMP_OK);
        emp_content_of_bytes (data, sizes[i], hash);
        cr_assert_str_eq (of_file, hash, "%zu bytes", sizes[i]);
        cr_assert_eq (size, sizes[i]);
        cr_assert_eq (lseek (fd, 0, SEEK_CUR), (off_t) sizes[i]);
        close (fd);
    }
}

Test (content, what_cannot_be_read_says_why)
{
    uint64_t size;
    int ends[2];
    cr_assert_eq (pipe (ends), 0);
    cr_assert_eq (emp_content_of_file (ends[0], hash, &size), EMP_SYSTEM);
    cr_assert_eq (errno, ESPIPE);
    close (ends[0]);
    close (ends[1]);
}

Test (content, a_read_at_the_end_gives_what_there_is)
{
    char buffer[8];
    size_t got = 4711;
    int fd = memfd_create ("test", MFD_CLOEXEC);
    cr_assert_eq (write (fd, "0123456789", 10), 10);
    cr_assert_eq (emp_content_read (fd, 4, buffer, sizeof buffer, &got), EMP_OK);
    cr_assert (got == 6 && memcmp (buffer, "456789", 6) == 0);
    cr_assert_eq (emp_content_read (fd, 10, buffer, sizeof buffer, &got), EMP_OK);
    cr_assert_eq (got, 0);
    close (fd);
}

Test (content, a_hash_is_64_small_hex_digits)
{
    char text[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0";
    cr_assert (emp_content_is_hash (text, 64));
    cr_assert (!emp_content_is_hash (text, 63) && !emp_content_is_hash (text, 65) && !emp_content_is_hash ("", 0));
    for (size_t i = 0; i < 64; i++)
        for (const char *bad = "AFgG/. :`"; *bad; bad++) {
            char good = text[i];
            text[i] = *bad;
            cr_assert (!emp_content_is_hash (text, 64), "%s", text);
            text[i] = '\0';
            cr_assert (!emp_content_is_hash (text, 64));
            text[i] = good;
        }
}
