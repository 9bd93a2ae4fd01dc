/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_rows.c - rows of a chunk: the fast way reads what msgpack-c reads, and refuses what it refuses.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/scan.h"
#include "common/net/rows.h"

#define ROUNDS 20000

/* A generator of numbers of its own: the same on every machine (Marsaglia, Xorshift RNGs, 2003). */
static uint64_t state = 88172645463325252u;

static uint64_t any (uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void pack_any (msgpack_packer *pk, unsigned kinds)
{
    static const char text[70000];
    uint64_t bits = any (2) ? UINT64_C (1) << any (64) : any (UINT64_MAX);
    size_t size = any (8) ? any (40) : any (sizeof text);
    switch (any (kinds)) {
    case 0: msgpack_pack_uint64 (pk, bits - any (2)); break;
    case 1: msgpack_pack_int64 (pk, (int64_t) (bits - any (2)) >> any (64)); break;
    case 2: msgpack_pack_double (pk, (double) bits / 3); break;
    case 3: msgpack_pack_float (pk, (float) bits / 3); break;
    case 4: msgpack_pack_nil (pk); break;
    case 5: any (2) ? msgpack_pack_true (pk) : msgpack_pack_false (pk); break;
    case 6:
        msgpack_pack_str (pk, size);
        msgpack_pack_str_body (pk, text, size);
        break;
    case 7:
        msgpack_pack_bin (pk, size);
        msgpack_pack_bin_body (pk, text, size);
        break;
    case 8: /* sizes wider than needed are msgpack too; msgpack-c itself never packs them */
        emp_buf_append (pk->data, (const uint8_t[]){0xd3, 0, 0, 0, 0, 0, 0, 0, 7}, 9);
        break;
    case 9:
        msgpack_pack_array (pk, 2);
        msgpack_pack_uint64 (pk, bits);
        msgpack_pack_nil (pk);
        break;
    default:
        msgpack_pack_map (pk, 1);
        msgpack_pack_nil (pk);
        msgpack_pack_double (pk, 0.5);
        break;
    }
}

/* What msgpack-c says of the same bytes; false: no list of rows. */
static bool reference (msgpack_unpacked *ret_unpacked, const emp_buf_t *bytes, size_t expected)
{
    size_t offset = 0;
    msgpack_unpacked_init (ret_unpacked);
    return msgpack_unpack_next (ret_unpacked, (const char *) bytes->data, bytes->size, &offset) ==
               MSGPACK_UNPACK_SUCCESS &&
           offset == bytes->size && ret_unpacked->data.type == MSGPACK_OBJECT_ARRAY &&
           ret_unpacked->data.via.array.size == expected;
}

static void expect_same (emp_rows_t *rows, const emp_buf_t *bytes, size_t count)
{
    msgpack_unpacked unpacked;
    bool good = reference (&unpacked, bytes, count);
    void *copy = malloc (bytes->size); /* so that a read behind the end is seen */
    memcpy (copy, bytes->data, bytes->size);
    emp_status_t status = emp_rows_unpack (rows, copy, bytes->size, count);
    cr_assert_eq (status == EMP_OK, good, "%d", status);
    cr_assert_eq (rows->count, good ? count : 0);
    for (size_t i = 0; i < rows->count; i++) {
        const msgpack_object *is = &rows->list[i], *should = &unpacked.data.via.array.ptr[i];
        cr_assert_eq (is->type, should->type);
        cr_assert (msgpack_object_equal (*is, *should), "row %zu", i);
    }
    msgpack_unpacked_destroy (&unpacked);
    emp_rows_clear (rows);
    free (copy);
}

static void rounds (unsigned kinds, bool spoil)
{
    emp_rows_t rows;
    cr_assert (emp_rows_init (&rows));
    emp_buf_t bytes;
    emp_buf_init (&bytes, 64 * 1024 * 1024);
    msgpack_packer pk;
    msgpack_packer_init (&pk, &bytes, emp_buf_write);
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = any (20);
        emp_buf_clear (&bytes);
        msgpack_pack_array (&pk, count);
        for (size_t i = 0; i < count; i++)
            pack_any (&pk, kinds);
        if (spoil && any (2))
            bytes.size -= any (bytes.size < 12 ? bytes.size : 12); /* cut short */
        else if (spoil)
            bytes.data[any (bytes.size)] ^= (uint8_t) (1 << any (8));
        if (spoil && emp_scan (bytes.data, bytes.size, EMP_SCAN_OBJECTS_MAX, NULL) != EMP_OK) {
            cr_assert_neq (emp_rows_unpack (&rows, bytes.data, bytes.size, count), EMP_OK);
            continue; /* msgpack-c would not be asked either */
        }
        expect_same (&rows, &bytes, count);
    }
    emp_buf_release (&bytes);
    emp_rows_release (&rows);
}

Test (rows, flat_ones_are_read_as_msgpack_c_reads_them)
{
    rounds (9, false);
}

Test (rows, lists_and_maps_among_them_are_read_too)
{
    rounds (11, false);
}

Test (rows, what_is_cut_or_flipped_is_read_as_msgpack_c_reads_it_or_not_at_all)
{
    rounds (11, true);
}

Test (rows, a_count_that_is_not_the_header_s_is_refused)
{
    static const uint8_t three[] = {0x93, 1, 2, 3};
    emp_rows_t rows;
    cr_assert (emp_rows_init (&rows));
    cr_assert_eq (emp_rows_unpack (&rows, three, sizeof three, 3), EMP_OK);
    cr_assert_eq (rows.list[2].via.u64, 3);
    cr_assert_eq (emp_rows_unpack (&rows, three, sizeof three, 2), EMP_MALFORMED);
    cr_assert_eq (rows.count, 0);
    cr_assert_eq (emp_rows_unpack (&rows, "\x07", 1, 1), EMP_MALFORMED, "a number is no list");
    static const uint8_t claims[] = {0xdd, 0x7f, 0xff, 0xff, 0xff, 1};
    cr_assert_eq (emp_rows_unpack (&rows, claims, sizeof claims, 0x7fffffff), EMP_MALFORMED);
    cr_assert_eq (rows.room < 1000, true, "a short message asks for no memory");
    emp_rows_release (&rows);
}

/* `narrow` leaves the rows that a list without the others has. */
static void expect_narrowed (const uint8_t *list, size_t size, size_t count)
{
    emp_rows_t rows;
    cr_assert (emp_rows_init (&rows));
    for (size_t from = 0; from <= count; from++)
        for (size_t left = 0; left <= count - from; left++) {
            cr_assert_eq (emp_rows_unpack (&rows, list, size, count), EMP_OK);
            const msgpack_object *all = rows.list;
            emp_rows_narrow (&rows, from, left);
            cr_assert (rows.count == left && rows.list == all + from, "%zu from %zu", left, from);
            emp_rows_clear (&rows);
            cr_assert_eq (rows.count, 0);
        }
    emp_rows_release (&rows);
}

Test (rows, some_of_them_are_left_when_it_is_narrowed)
{
    static const uint8_t flat[] = {0x94, 1, 0xa1, 'x', 0xc0, 4}, nested[] = {0x93, 0x91, 1, 2, 0x81, 3, 4};
    expect_narrowed (flat, sizeof flat, 4);
    expect_narrowed (nested, sizeof nested, 3);
    emp_rows_t rows;
    cr_assert (emp_rows_init (&rows));
    cr_assert_eq (emp_rows_unpack (&rows, flat, sizeof flat, 4), EMP_OK);
    emp_rows_narrow (&rows, 1, 2);
    cr_assert (rows.list[0].type == MSGPACK_OBJECT_STR && rows.list[0].via.str.ptr == (const char *) flat + 3);
    cr_assert_eq (rows.list[1].type, MSGPACK_OBJECT_NIL);
    emp_rows_narrow (&rows, 1, 1);
    cr_assert_eq (rows.list[0].type, MSGPACK_OBJECT_NIL, "what is left can be narrowed again");
    cr_assert_eq (emp_rows_unpack (&rows, flat, sizeof flat, 4), EMP_OK, "and all of them be unpacked again");
    cr_assert_eq (rows.list[3].via.u64, 4);
    emp_rows_release (&rows);
}

Test (rows, to_narrow_to_more_than_there_are_is_a_bug, .signal = SIGABRT)
{
    static const uint8_t flat[] = {0x93, 1, 2, 3};
    emp_rows_t rows;
    cr_assert (emp_rows_init (&rows));
    cr_assert_eq (emp_rows_unpack (&rows, flat, sizeof flat, 3), EMP_OK);
    emp_rows_narrow (&rows, 2, 2);
}
