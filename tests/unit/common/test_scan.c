/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "bytes.h"
#include "common/scan.h"

TestSuite (scan, .timeout = 120);
TestSuite (cursor, .timeout = 60);

#define PLENTY 1000000

/* ---- tables: every form of a value ------------------------------------------------------------------------------- */

static const struct {
    const char *hex;
    size_t values; /* at the top */
} good[] = {
    {"", 0},
    {"00", 1},
    {"7f", 1},
    {"e0", 1},
    {"ff", 1},
    {"c0", 1},
    {"c2", 1},
    {"c3", 1},
    {"cc ff", 1},
    {"cd ff ff", 1},
    {"ce ff ff ff ff", 1},
    {"cf ff ff ff ff ff ff ff ff", 1},
    {"d0 80", 1},
    {"d1 80 00", 1},
    {"d2 80 00 00 00", 1},
    {"d3 80 00 00 00 00 00 00 00", 1},
    {"ca 3f 80 00 00", 1},
    {"cb 3f f0 00 00 00 00 00 00", 1},
    {"a0", 1},
    {"a3 61 62 63", 1},
    {"d9 00", 1},
    {"d9 02 c1 c1", 1}, /* bytes of a text are not values */
    {"da 00 01 61", 1},
    {"db 00 00 00 01 61", 1},
    {"c4 00", 1},
    {"c4 02 c1 dd", 1},
    {"c5 00 01 ff", 1},
    {"c6 00 00 00 01 ff", 1},
    {"d4 01 02", 1},
    {"d5 01 02 03", 1},
    {"d6 01 02 03 04 05", 1},
    {"d7 01 02 03 04 05 06 07 08 09", 1},
    {"d8 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11", 1},
    {"c7 00 05", 1},
    {"c7 02 05 c1 c1", 1},
    {"c8 00 01 05 c1", 1},
    {"c9 00 00 00 01 05 c1", 1},
    {"90", 1},
    {"93 01 02 03", 1},
    {"dc 00 00", 1},
    {"dc 00 02 01 02", 1},
    {"dd 00 00 00 00", 1},
    {"dd 00 00 00 02 01 02", 1},
    {"80", 1},
    {"81 a1 61 01", 1},
    {"82 01 02 03 04", 1},
    {"de 00 01 01 02", 1},
    {"df 00 00 00 01 01 02", 1},
    {"92 91 01 81 02 90", 1},
    {"01 02 03", 3},
    {"90 80 a0 c0", 4},
    {"91 01 a1 78", 2},
};

static const struct {
    const char *hex;
    emp_status_t status;
} bad[] = {
    {"c1", EMP_MALFORMED},
    {"01 c1", EMP_MALFORMED},
    {"91 c1", EMP_MALFORMED},
    {"91", EMP_MALFORMED},
    {"92 01", EMP_MALFORMED},
    {"81 01", EMP_MALFORMED},
    {"82 01 02 03", EMP_MALFORMED},
    {"a1", EMP_MALFORMED},
    {"a3 61 62", EMP_MALFORMED},
    {"d9", EMP_MALFORMED},
    {"da 01", EMP_MALFORMED},
    {"db 00 00 00", EMP_MALFORMED},
    {"cc", EMP_MALFORMED},
    {"cf 00 00 00 00 00 00 00", EMP_MALFORMED},
    {"c7 01 05", EMP_MALFORMED},
    {"d8 01", EMP_MALFORMED},
    /* bombs: a header's claim is larger than the bytes that are left */
    {"dd 04 00 00 00", EMP_MALFORMED},
    {"dd ff ff ff ff", EMP_MALFORMED},
    {"df 04 00 00 00", EMP_MALFORMED},
    {"df ff ff ff ff", EMP_MALFORMED},
    {"df 80 00 00 00", EMP_MALFORMED}, /* twice that is 0 in 32 bits */
    {"de 00 02 01 02 03", EMP_MALFORMED},
    {"dc ff ff 00 00", EMP_MALFORMED},
    {"db ff ff ff ff 61", EMP_MALFORMED},
    {"c6 ff ff ff ff 61", EMP_MALFORMED},
    {"c9 ff ff ff ff 05 61", EMP_MALFORMED}, /* and the type: 2^32 in all */
    {"91 91 91 dd 00 10 00 00 01", EMP_MALFORMED},
};

Test (scan, every_form_of_a_value_is_walked)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bytes_t bytes = bytes_of (good[i].hex);
        size_t values = 99;
        cr_assert_eq (emp_scan (bytes.data, bytes.size, PLENTY, &values), EMP_OK, "%s", good[i].hex);
        cr_assert_eq (values, good[i].values, "%s", good[i].hex);
        cr_assert_eq (emp_scan (bytes.data, bytes.size, PLENTY, NULL), EMP_OK);
        bytes_free (&bytes);
    }
}

Test (scan, what_is_cut_off_or_claims_too_much_is_refused)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bytes_t bytes = bytes_of (bad[i].hex);
        size_t values = 99;
        cr_assert_eq (emp_scan (bytes.data, bytes.size, PLENTY, &values), bad[i].status, "%s", bad[i].hex);
        cr_assert_eq (values, 99, "untouched");
        bytes_free (&bytes);
    }
}

Test (scan, every_truncation_of_a_value_is_malformed)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (good[i].values != 1)
            continue;
        bytes_t bytes = bytes_of (good[i].hex);
        for (size_t size = 1; size < bytes.size; size++) {
            bytes_t cut = bytes_copy (bytes.data, size);
            cr_assert_eq (emp_scan (cut.data, cut.size, PLENTY, NULL), EMP_MALFORMED, "%s to %zu", good[i].hex, size);
            bytes_free (&cut);
        }
        bytes_free (&bytes);
    }
}

Test (scan, nothing_at_all_is_a_row_of_no_values)
{
    size_t values = 99;
    cr_assert_eq (emp_scan (NULL, 0, 0, &values), EMP_OK);
    cr_assert_eq (values, 0);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

/* `levels` lists (or maps with key 0) within each other, the innermost empty. */
static bytes_t nested (size_t levels, int map)
{
    size_t step = map ? 2 : 1;
    bytes_t bytes = {.data = calloc (levels, step), .size = (levels - 1) * step + 1};
    for (size_t i = 0; i < levels; i++)
        bytes.data[i * step] = (uint8_t) ((map ? 0x80 : 0x90) + (i + 1 < levels ? 1 : 0));
    return bytes;
}

Test (scan, nesting_ends_at_its_limit_for_lists_and_maps)
{
    for (int map = 0; map < 2; map++)
        for (size_t levels = 1; levels < 2 * EMP_SCAN_DEPTH_MAX; levels++) {
            bytes_t bytes = nested (levels, map);
            emp_status_t expected = levels <= EMP_SCAN_DEPTH_MAX ? EMP_OK : EMP_TOOBIG;
            cr_assert_eq (emp_scan (bytes.data, bytes.size, PLENTY, NULL), expected, "%zu levels", levels);
            bytes_free (&bytes);
        }
}

Test (scan, a_million_levels_are_refused_at_once)
{
    bytes_t bytes = nested (PLENTY, 0);
    cr_assert_eq (emp_scan (bytes.data, bytes.size, SIZE_MAX, NULL), EMP_TOOBIG);
    bytes_free (&bytes);
}

Test (scan, depth_counts_what_is_open_and_not_what_was)
{
    emp_status_t status;
    bytes_t level = nested (EMP_SCAN_DEPTH_MAX - 1, 0);
    bytes_t bytes = {.data = malloc (1 + 15 * level.size), .size = 1 + 15 * level.size};
    bytes.data[0] = 0x9f; /* fifteen deep ones beside each other */
    for (size_t i = 0; i < 15; i++)
        memcpy (bytes.data + 1 + i * level.size, level.data, level.size);
    status = emp_scan (bytes.data, bytes.size, PLENTY, NULL);
    bytes_free (&level);
    bytes_free (&bytes);
    cr_assert_eq (status, EMP_OK);
}

Test (scan, objects_are_counted_with_containers_and_keys)
{
    const struct {
        const char *hex;
        size_t objects;
    } cases[] = {
        {"", 0},           {"01", 1}, {"01 02", 2}, {"93 01 02 03", 4}, {"82 01 02 03 04", 5}, {"92 90 81 01 02", 5},
        {"a3 61 62 63", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes = bytes_of (cases[i].hex);
        cr_assert_eq (emp_scan (bytes.data, bytes.size, cases[i].objects, NULL), EMP_OK, "%s", cases[i].hex);
        if (cases[i].objects > 0)
            cr_assert_eq (emp_scan (bytes.data, bytes.size, cases[i].objects - 1, NULL), EMP_TOOBIG, "%s",
                          cases[i].hex);
        bytes_free (&bytes);
    }
}

/* ---- one value --------------------------------------------------------------------------------------------------- */

Test (scan, one_value_is_skipped_whatever_stands_behind_it)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (good[i].values != 1)
            continue;
        bytes_t bytes = bytes_of (good[i].hex);
        bytes_t longer = {.data = malloc (bytes.size + 1), .size = bytes.size + 1};
        memcpy (longer.data, bytes.data, bytes.size);
        longer.data[bytes.size] = 0xc1;
        size_t size = 0;
        cr_assert_eq (emp_scan_one (bytes.data, bytes.size, PLENTY, &size), EMP_OK, "%s", good[i].hex);
        cr_assert_eq (size, bytes.size);
        size = 0;
        cr_assert_eq (emp_scan_one (longer.data, longer.size, PLENTY, &size), EMP_OK, "%s", good[i].hex);
        cr_assert_eq (size, bytes.size);
        bytes_free (&bytes);
        bytes_free (&longer);
    }
}

Test (scan, one_value_of_bad_bytes_or_of_none_is_refused)
{
    size_t size = 99;
    cr_assert_eq (emp_scan_one (NULL, 0, PLENTY, &size), EMP_MALFORMED);
    cr_assert_eq (emp_scan_one ("\x92\x01", 2, PLENTY, &size), EMP_MALFORMED);
    cr_assert_eq (emp_scan_one ("\xdd\x04\x00\x00\x00", 5, PLENTY, &size), EMP_MALFORMED);
    cr_assert_eq (emp_scan_one ("\x92\x01\x02", 3, 2, &size), EMP_TOOBIG);
    cr_assert_eq (size, 99);
}

/* ---- against msgpack-c ------------------------------------------------------------------------------------------- */

/* How many values msgpack-c reads, or -1 when it does not read all bytes. */
static long unpacked (const bytes_t *bytes)
{
    size_t offset = 0;
    long values = 0;
    while (offset < bytes->size) {
        msgpack_unpacked result;
        msgpack_unpacked_init (&result);
        msgpack_unpack_return rc = msgpack_unpack_next (&result, (const char *) bytes->data, bytes->size, &offset);
        msgpack_unpacked_destroy (&result);
        if (rc != MSGPACK_UNPACK_SUCCESS && rc != MSGPACK_UNPACK_EXTRA_BYTES)
            return -1;
        values++;
    }
    return values;
}

/* Random bytes that are often good: mostly small values and small containers. */
static bytes_t noise (uint64_t *state)
{
    static const uint8_t likely[] = {0x01, 0x90, 0x91, 0x92, 0x93, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xc0, 0xc2,
                                     0xc4, 0xc7, 0xcc, 0xcd, 0xca, 0xd0, 0xd4, 0xd9, 0xdc, 0xde, 0x00, 0x00, 0x02};
    uint8_t room[24];
    size_t size = 1 + bytes_random (state) % sizeof room;
    for (size_t i = 0; i < size; i++)
        room[i] =
            bytes_random (state) % 8 ? likely[bytes_random (state) % sizeof likely] : (uint8_t) bytes_random (state);
    return bytes_copy (room, size);
}

Test (scan, agrees_with_msgpack_c_on_random_bytes)
{
    uint64_t state = 1;
    int agreed_good = 0, agreed_bad = 0;
    for (int i = 0; i < 20000; i++) {
        bytes_t bytes = noise (&state);
        size_t values = 0;
        emp_status_t status = emp_scan (bytes.data, bytes.size, PLENTY, &values);
        /* A claim of megabytes would be believed by msgpack-c: that case is the table's. */
        int large = memchr (bytes.data, 0xdd, bytes.size) || memchr (bytes.data, 0xdf, bytes.size);
        if (status == EMP_OK && unpacked (&bytes) != (long) values)
            cr_assert_fail ("number %d is read otherwise by msgpack-c", i);
        if (status != EMP_OK && !large && unpacked (&bytes) >= 0)
            cr_assert_fail ("number %d is read by msgpack-c alone", i);
        agreed_good += status == EMP_OK;
        agreed_bad += status != EMP_OK;
        bytes_free (&bytes);
    }
    cr_assert_gt (agreed_good, 1000, "the noise is no test of good bytes any more");
    cr_assert_gt (agreed_bad, 1000, "the noise is no test of bad bytes any more");
}

Test (scan, what_it_lets_through_at_full_depth_msgpack_c_unpacks)
{
    for (int map = 0; map < 2; map++) {
        bytes_t bytes = nested (EMP_SCAN_DEPTH_MAX, map);
        cr_assert_eq (emp_scan (bytes.data, bytes.size, PLENTY, NULL), EMP_OK);
        cr_assert_eq (unpacked (&bytes), 1);
        bytes_free (&bytes);
    }
}

/* ---- the cursor -------------------------------------------------------------------------------------------------- */

static emp_cursor_t cursor_of (bytes_t *bytes, const char *hex)
{
    emp_cursor_t cursor;
    *bytes = bytes_of (hex);
    emp_cursor_init (&cursor, bytes->data, bytes->size);
    return cursor;
}

Test (cursor, reads_a_flat_list_value_by_value)
{
    bytes_t bytes;
    emp_cursor_t in = cursor_of (&bytes, "96 05 c3 a2 68 69 c4 02 00 ff c2 cd 01 00");
    char text[8];
    size_t size = 0;
    cr_assert_eq (emp_cursor_array (&in), 6);
    cr_assert_eq (emp_cursor_uint (&in, 10), 5);
    cr_assert (emp_cursor_bool (&in));
    emp_cursor_str (&in, text, sizeof text);
    cr_assert_str_eq (text, "hi");
    const uint8_t *data = emp_cursor_bin (&in, &size);
    cr_assert_eq (size, 2);
    cr_assert_eq (data, bytes.data + 8, "borrowed");
    cr_assert_not (emp_cursor_bool (&in));
    cr_assert_eq (emp_cursor_end (&in), EMP_MALFORMED, "a value is left");
    cr_assert_eq (emp_cursor_uint (&in, 256), 256);
    cr_assert_eq (emp_cursor_end (&in), EMP_OK);
    bytes_free (&bytes);
}

Test (cursor, a_number_of_any_width_is_read_and_bounded)
{
    const struct {
        const char *hex;
        uint64_t value;
    } cases[] = {
        {"00", 0},
        {"7f", 127},
        {"cc 00", 0},
        {"cc ff", 255},
        {"cd 01 02", 0x102},
        {"ce 01 02 03 04", 0x1020304},
        {"cf 01 02 03 04 05 06 07 08", 0x102030405060708},
        {"cf ff ff ff ff ff ff ff ff", UINT64_MAX},
        {"d0 7f", 127},
        {"d1 7f ff", 0x7fff},
        {"d2 7f ff ff ff", 0x7fffffff},
        {"d3 7f ff ff ff ff ff ff ff", INT64_MAX},
        {"d3 00 00 00 00 00 00 00 00", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes;
        emp_cursor_t in = cursor_of (&bytes, cases[i].hex);
        cr_assert_eq (emp_cursor_uint (&in, cases[i].value), cases[i].value, "%s", cases[i].hex);
        cr_assert_eq (emp_cursor_end (&in), EMP_OK, "%s", cases[i].hex);
        if (cases[i].value > 0) {
            emp_cursor_init (&in, bytes.data, bytes.size);
            cr_assert_eq (emp_cursor_uint (&in, cases[i].value - 1), 0, "%s", cases[i].hex);
            cr_assert_eq (emp_cursor_end (&in), EMP_MALFORMED, "%s", cases[i].hex);
        }
        for (size_t size = 0; size < bytes.size; size++) {
            bytes_t cut = bytes_copy (bytes.data, size);
            emp_cursor_init (&in, cut.data, cut.size);
            cr_assert_eq (emp_cursor_uint (&in, UINT64_MAX), 0);
            cr_assert_eq (in.status, EMP_MALFORMED, "%s to %zu", cases[i].hex, size);
            bytes_free (&cut);
        }
        bytes_free (&bytes);
    }
}

Test (cursor, what_is_no_unsigned_number_is_malformed)
{
    const char *cases[] = {"ff",       "e0", "d0 80", "d1 80 00", "d2 ff ff ff ff", "d3 80 00 00 00 00 00 00 00",
                           "c0",       "c3", "a1 31", "90",       "ca 3f 80 00 00", "cb 3f f0 00 00 00 00 00 00",
                           "d4 00 00", "c1"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes;
        emp_cursor_t in = cursor_of (&bytes, cases[i]);
        cr_assert_eq (emp_cursor_uint (&in, UINT64_MAX), 0, "%s", cases[i]);
        cr_assert_eq (in.status, EMP_MALFORMED, "%s", cases[i]);
        bytes_free (&bytes);
    }
}

Test (cursor, a_lists_claim_is_checked)
{
    const struct {
        const char *hex;
        uint32_t count;
        emp_status_t status;
    } cases[] = {
        {"90", 0, EMP_OK},
        {"92 01 02", 2, EMP_OK},
        {"dc 00 01 01", 1, EMP_OK},
        {"dd 00 00 00 01 01", 1, EMP_OK},
        {"92 01", 0, EMP_MALFORMED},
        {"dc 00", 0, EMP_MALFORMED},
        {"dd 04 00 00 00", 0, EMP_MALFORMED},
        {"dd ff ff ff ff 01", 0, EMP_MALFORMED},
        {"81 01 02", 0, EMP_MALFORMED},
        {"02", 0, EMP_MALFORMED},
        {"", 0, EMP_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes;
        emp_cursor_t in = cursor_of (&bytes, cases[i].hex);
        cr_assert_eq (emp_cursor_array (&in), cases[i].count, "%s", cases[i].hex);
        cr_assert_eq (in.status, cases[i].status, "%s", cases[i].hex);
        bytes_free (&bytes);
    }
}

Test (cursor, a_text_fits_its_room_with_the_nul_or_not_at_all)
{
    bytes_t bytes;
    char text[5] = "....";
    emp_cursor_t in = cursor_of (&bytes, "a3 61 62 63");
    emp_cursor_str (&in, text, 4);
    cr_assert_str_eq (text, "abc");
    cr_assert_eq (emp_cursor_end (&in), EMP_OK);
    emp_cursor_init (&in, bytes.data, bytes.size);
    text[3] = '!';
    emp_cursor_str (&in, text, 3);
    cr_assert_str_eq (text, "");
    cr_assert_eq (text[3], '!');
    cr_assert_eq (emp_cursor_end (&in), EMP_TOOBIG);
    bytes_free (&bytes);
}

Test (cursor, a_text_of_every_width_is_read)
{
    const char *cases[] = {"a1 78", "d9 01 78", "da 00 01 78", "db 00 00 00 01 78"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes;
        char text[2];
        emp_cursor_t in = cursor_of (&bytes, cases[i]);
        emp_cursor_str (&in, text, sizeof text);
        cr_assert_str_eq (text, "x", "%s", cases[i]);
        cr_assert_eq (emp_cursor_end (&in), EMP_OK, "%s", cases[i]);
        bytes_free (&bytes);
    }
}

Test (cursor, what_is_no_text_is_malformed)
{
    const char *cases[] = {"a3 61 00 63", "a1 00", "a2 61", "c4 01 61", "01", "91 a1 61", "db ff ff ff ff", "d9", ""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes;
        char text[16] = "before";
        emp_cursor_t in = cursor_of (&bytes, cases[i]);
        emp_cursor_str (&in, text, sizeof text);
        cr_assert_str_eq (text, "", "%s", cases[i]);
        cr_assert_eq (in.status, EMP_MALFORMED, "%s", cases[i]);
        bytes_free (&bytes);
    }
}

Test (cursor, a_binary_of_every_width_is_borrowed)
{
    const char *cases[] = {"c4 02 00 01", "c5 00 02 00 01", "c6 00 00 00 02 00 01"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes;
        size_t size = 0;
        emp_cursor_t in = cursor_of (&bytes, cases[i]);
        cr_assert_eq (emp_cursor_bin (&in, &size), bytes.data + bytes.size - 2, "%s", cases[i]);
        cr_assert_eq (size, 2);
        cr_assert_eq (emp_cursor_end (&in), EMP_OK);
        bytes_free (&bytes);
    }
}

Test (cursor, what_is_no_binary_is_malformed)
{
    const char *cases[] = {"a1 61", "c4", "c4 02 00", "c6 ff ff ff ff 00", "c7 01 05 00", "c0", ""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t bytes;
        size_t size = 99;
        emp_cursor_t in = cursor_of (&bytes, cases[i]);
        cr_assert_null (emp_cursor_bin (&in, &size), "%s", cases[i]);
        cr_assert_eq (size, 0);
        cr_assert_eq (in.status, EMP_MALFORMED, "%s", cases[i]);
        bytes_free (&bytes);
    }
}

Test (cursor, the_first_failure_sticks_and_later_reads_are_empty)
{
    bytes_t bytes;
    emp_cursor_t in = cursor_of (&bytes, "a3 61 62 63 05 c3 a1 78 c4 01 00 91 01");
    char text[8] = "before";
    size_t size = 99;
    emp_cursor_str (&in, text, 2);
    cr_assert_eq (in.status, EMP_TOOBIG);
    const uint8_t *at = in.at;
    cr_assert_eq (emp_cursor_uint (&in, 100), 0);
    cr_assert_not (emp_cursor_bool (&in));
    emp_cursor_str (&in, text, sizeof text);
    cr_assert_str_eq (text, "");
    cr_assert_null (emp_cursor_bin (&in, &size));
    cr_assert_eq (size, 0);
    cr_assert_eq (emp_cursor_array (&in), 0);
    cr_assert_eq (in.at, at);
    cr_assert_eq (emp_cursor_end (&in), EMP_TOOBIG, "and not what failed behind it");
    bytes_free (&bytes);
}

Test (cursor, of_no_bytes_ends_well_and_reads_nothing)
{
    emp_cursor_t in;
    emp_cursor_init (&in, NULL, 0);
    cr_assert_eq (emp_cursor_end (&in), EMP_OK);
    cr_assert_not (emp_cursor_bool (&in));
    cr_assert_eq (emp_cursor_end (&in), EMP_MALFORMED);
}
