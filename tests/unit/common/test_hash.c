/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_hash.c - the hash is the one that PROTOCOL.md names, whichever library was there at the build.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"

TestSuite (hash, .timeout = 60);

Test (hash, it_is_xxh3_of_64_bits_without_a_seed)
{
    cr_assert_eq (emp_hash ("", 0), 0x2d06800538d394c2);
    cr_assert_eq (emp_hash ("a", 1), 0xe6c632b61e964e1f);
    cr_assert_eq (emp_hash ("abc", 3), 0x78af5f94892f3950);
    cr_assert_eq (emp_hash ("\x93\x01\x02\x03", 4), 0xdfa551bea1ab1ede, "PROTOCOL.md's example");
}

/* It has a way of its own for each of these lengths' neighbourhoods. */
Test (hash, every_length_is_as_it_was)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } cases[] = {{1, 0x4c5cca45d0f4811f},    {3, 0x15f7093b173d005c},      {4, 0xdca012f95811b6b9},
                 {8, 0xdec6a9a43575982e},    {9, 0xcbe393399f17ffbd},      {16, 0x7e484c18d74895d0},
                 {17, 0x208bde5ee2bed407},   {128, 0xf92b70eaa21a6288},    {129, 0xf8f76713f2bb60fa},
                 {240, 0xccc7375172c41f03},  {241, 0x0b3b630948ce4a00},    {378, 0xf24354ba8500ba91},
                 {1024, 0x23bc880ebf0d29c6}, {1048576, 0x269eb834f6c110a9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *bytes = malloc (cases[i].size); /* exactly: a read behind the end is seen */
        for (size_t k = 0; k < cases[i].size; k++)
            bytes[k] = (uint8_t) (k * 31 + 7);
        cr_assert_eq (emp_hash (bytes, cases[i].size), cases[i].hash, "%zu", cases[i].size);
        free (bytes);
    }
}

Test (hash, one_bit_makes_another)
{
    uint8_t bytes[378] = {0};
    uint64_t hash = emp_hash (bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
        cr_assert_neq (emp_hash (bytes, sizeof bytes), hash, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
    }
    cr_assert_neq (emp_hash (bytes, sizeof bytes - 1), hash, "zeros that are missing");
}

/* Found by going backwards through what XXH3 does with 8 bytes, each step of which can be undone. */
Test (hash, it_is_never_0)
{
    cr_assert_eq (emp_hash ("\x42\xd5\x68\xe1\x38\xd7\x27\xff", 8), 1, "XXH3 of these is 0, which says: not known");
}
