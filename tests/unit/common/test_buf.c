/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

TestSuite (buf, .timeout = 60);

/* For AddressSanitizer, when it is there: a failing allocation is a thing these tests provoke, not an error. */
const char *__asan_default_options (void);
const char *__asan_default_options (void)
{
    return "allocator_may_return_null=1";
}

Test (buf, is_born_empty_and_without_memory)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 100);
    cr_assert_null (buf.data);
    cr_assert_eq (buf.size, 0);
    cr_assert_eq (buf.room, 0);
    cr_assert_eq (buf.max, 100);
    cr_assert_eq (buf.broken, EMP_OK);
    emp_buf_release (&buf);
}

Test (buf, keeps_bytes_in_order_while_it_grows)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 100000);
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t piece[10];
        memset (piece, (int) (i & 0xff), sizeof piece);
        cr_assert_eq (emp_buf_append (&buf, piece, sizeof piece), EMP_OK);
    }
    cr_assert_eq (buf.size, 100000);
    for (unsigned i = 0; i < buf.size; i++)
        if (buf.data[i] != (i / 10 & 0xff))
            cr_assert_fail ("byte %u", i);
    emp_buf_release (&buf);
}

Test (buf, takes_exactly_its_maximum_and_not_a_byte_more)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 1000);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (emp_buf_append (&buf, "x", 1), EMP_OK);
    cr_assert_leq (buf.room, 1000);
    cr_assert_eq (emp_buf_append (&buf, "y", 1), EMP_TOOBIG);
    cr_assert_eq (buf.size, 1000);
    cr_assert_eq (buf.data[999], 'x');
    emp_buf_release (&buf);
}

Test (buf, a_failure_sticks_and_keeps_what_was_there)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 8);
    cr_assert_eq (emp_buf_append (&buf, "abc", 3), EMP_OK);
    cr_assert_eq (emp_buf_append (&buf, "123456", 6), EMP_TOOBIG);
    cr_assert_eq (emp_buf_append (&buf, "d", 1), EMP_TOOBIG, "it would fit, but the row of appends is broken");
    cr_assert_eq (emp_buf_reserve (&buf, 1), EMP_TOOBIG);
    cr_assert_eq (emp_buf_write (&buf, "d", 1), -1);
    cr_assert_eq (emp_buf_append (&buf, NULL, 0), EMP_TOOBIG);
    cr_assert_eq (buf.broken, EMP_TOOBIG);
    cr_assert_eq (buf.size, 3);
    cr_assert_arr_eq (buf.data, "abc", 3);
    emp_buf_release (&buf);
}

Test (buf, clear_mends_it_and_keeps_the_memory)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 8);
    emp_buf_append (&buf, "abc", 3);
    emp_buf_append (&buf, "123456", 6);
    uint8_t *data = buf.data;
    emp_buf_clear (&buf);
    cr_assert_eq (buf.size, 0);
    cr_assert_eq (buf.broken, EMP_OK);
    cr_assert_eq (buf.data, data);
    cr_assert_eq (emp_buf_append (&buf, "12345678", 8), EMP_OK);
    emp_buf_release (&buf);
}

Test (buf, of_maximum_0_takes_nothing_but_nothing)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 0);
    cr_assert_eq (emp_buf_append (&buf, NULL, 0), EMP_OK);
    cr_assert_eq (emp_buf_append (&buf, "x", 1), EMP_TOOBIG);
    emp_buf_release (&buf);
}

Test (buf, reserve_makes_room_and_adds_nothing)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 5000);
    cr_assert_eq (emp_buf_reserve (&buf, 3000), EMP_OK);
    cr_assert_eq (buf.size, 0);
    cr_assert_geq (buf.room, 3000);
    uint8_t *data = buf.data;
    for (int i = 0; i < 3000; i++)
        emp_buf_append (&buf, "x", 1);
    cr_assert_eq (buf.data, data, "appends within the reserved room move nothing");
    emp_buf_release (&buf);
}

Test (buf, a_size_near_the_end_of_size_t_does_not_wrap)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 1000);
    emp_buf_append (&buf, "abc", 3);
    cr_assert_eq (emp_buf_reserve (&buf, SIZE_MAX), EMP_TOOBIG);
    emp_buf_clear (&buf);
    emp_buf_append (&buf, "abc", 3);
    cr_assert_eq (emp_buf_reserve (&buf, SIZE_MAX - 2), EMP_TOOBIG);
    emp_buf_release (&buf);
}

Test (buf, no_memory_is_a_status_and_loses_nothing)
{
    emp_buf_t buf;
    emp_buf_init (&buf, SIZE_MAX / 2);
    emp_buf_append (&buf, "abc", 3);
    cr_assert_eq (emp_buf_reserve (&buf, SIZE_MAX / 2 - 3), EMP_NOMEM);
    cr_assert_eq (emp_buf_append (&buf, "d", 1), EMP_NOMEM);
    cr_assert_eq (buf.size, 3);
    cr_assert_arr_eq (buf.data, "abc", 3);
    emp_buf_release (&buf);
}

Test (buf, growth_is_geometric)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 10u << 20);
    int moves = 0;
    size_t room = 0;
    for (int i = 0; i < 1 << 20; i++) {
        emp_buf_append (&buf, "x", 1);
        moves += buf.room != room;
        room = buf.room;
    }
    cr_assert_lt (moves, 20);
    cr_assert_leq (buf.room, 2u << 20);
    emp_buf_release (&buf);
}

Test (buf, take_hands_out_the_bytes_and_leaves_it_empty)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 8);
    emp_buf_append (&buf, "abc", 3);
    size_t size = 99;
    uint8_t *data = emp_buf_take (&buf, &size);
    cr_assert_eq (size, 3);
    cr_assert_arr_eq (data, "abc", 3);
    cr_assert_null (buf.data);
    cr_assert_eq (buf.size, 0);
    cr_assert_eq (emp_buf_append (&buf, "12345678", 8), EMP_OK, "it is used again, with the same maximum");
    cr_assert_eq (emp_buf_append (&buf, "9", 1), EMP_TOOBIG);
    cr_assert_arr_eq (data, "abc", 3);
    free (data);
    emp_buf_release (&buf);
}

Test (buf, take_of_an_empty_one_is_null)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 8);
    size_t size = 99;
    cr_assert_null (emp_buf_take (&buf, &size));
    cr_assert_eq (size, 0);
    emp_buf_reserve (&buf, 8);
    cr_assert_null (emp_buf_take (&buf, &size));
    emp_buf_release (&buf);
}

Test (buf, take_mends_it)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 4);
    emp_buf_append (&buf, "abc", 3);
    emp_buf_append (&buf, "12", 2);
    size_t size = 0;
    free (emp_buf_take (&buf, &size));
    cr_assert_eq (buf.broken, EMP_OK);
    emp_buf_append (&buf, "12345", 5);
    cr_assert_eq (buf.broken, EMP_TOOBIG);
    cr_assert_null (emp_buf_take (&buf, &size));
    cr_assert_eq (buf.broken, EMP_OK);
    emp_buf_release (&buf);
}

Test (buf, a_packer_packs_into_it_until_it_is_full)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 8);
    msgpack_packer pk;
    msgpack_packer_init (&pk, &buf, emp_buf_write);
    cr_assert_eq (msgpack_pack_array (&pk, 2), 0);
    cr_assert_eq (msgpack_pack_int (&pk, -1), 0);
    cr_assert_eq (msgpack_pack_uint64 (&pk, 300), 0);
    cr_assert_eq (buf.size, 5);
    cr_assert_arr_eq (buf.data, "\x92\xff\xcd\x01\x2c", 5);
    cr_assert_neq (msgpack_pack_double (&pk, 0.5), 0);
    cr_assert_eq (buf.broken, EMP_TOOBIG);
    emp_buf_release (&buf);
}

Test (buf, release_may_come_twice)
{
    emp_buf_t buf;
    emp_buf_init (&buf, 8);
    emp_buf_append (&buf, "abc", 3);
    emp_buf_release (&buf);
    emp_buf_release (&buf);
    cr_assert_null (buf.data);
}
