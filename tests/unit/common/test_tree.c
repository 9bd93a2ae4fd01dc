/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "bytes.h"
#include "common/buf.h"
#include "common/scan.h"
#include "common/tree.h"

TestSuite (tree, .timeout = 60);

typedef struct {
    emp_tree_size_t needs;
    msgpack_object *objects; /* both exactly as large as measured, so that a sanitizer sees a byte too many */
    char *bytes;
} tree_t;

static tree_t build (const void *data, size_t size)
{
    size_t one = 0;
    cr_assert_eq (emp_scan_one (data, size, EMP_SCAN_OBJECTS_MAX, &one), EMP_OK);
    cr_assert_eq (one, size);
    tree_t tree = {.needs = emp_tree_measure (data, size)};
    tree.objects = malloc (tree.needs.objects * sizeof *tree.objects);
    tree.bytes = malloc (tree.needs.bytes + 1);
    tree.bytes[tree.needs.bytes] = '!';
    emp_tree_build (data, size, tree.objects, tree.bytes);
    cr_assert_eq (tree.bytes[tree.needs.bytes], '!');
    return tree;
}

static void release (tree_t *tree)
{
    free (tree->objects);
    free (tree->bytes);
}

/* The tree says the same as msgpack-c's own. `data` is gone by then. */
static void expect_same (const void *data, size_t size, const char *what)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    cr_assert_eq (msgpack_unpack_next (&unpacked, data, size, NULL), MSGPACK_UNPACK_SUCCESS);
    bytes_t copy = bytes_copy (data, size);
    tree_t tree = build (copy.data, copy.size);
    free (copy.data);
    cr_assert (msgpack_object_equal (tree.objects[0], unpacked.data), "%s", what);
    msgpack_unpacked_destroy (&unpacked);
    release (&tree);
}

Test (tree, every_form_of_a_value_is_what_msgpack_unpack_makes_of_it)
{
    static const char *const forms[] = {"00",
                                        "7f",
                                        "e0",
                                        "ff",
                                        "c0",
                                        "c2",
                                        "c3",
                                        "cc 00",
                                        "cc ff",
                                        "cd ff fe",
                                        "ce ff ff ff fe",
                                        "cf ff ff ff ff ff ff ff fe",
                                        "d0 80",
                                        "d0 7f",
                                        "d1 80 00",
                                        "d1 7f ff",
                                        "d2 80 00 00 00",
                                        "d2 7f ff ff ff",
                                        "d3 80 00 00 00 00 00 00 00",
                                        "d3 00 00 00 00 00 00 00 05",
                                        "ca 3f 80 00 00",
                                        "ca ff 80 00 00",
                                        "cb 3f f0 00 00 00 00 00 01",
                                        "cb 7f f0 00 00 00 00 00 00",
                                        "a0",
                                        "a3 61 62 63",
                                        "d9 00",
                                        "d9 02 c1 c1",
                                        "da 00 01 61",
                                        "db 00 00 00 01 61",
                                        "c4 00",
                                        "c4 02 c1 dd",
                                        "c5 00 01 ff",
                                        "c6 00 00 00 01 ff",
                                        "d4 01 02",
                                        "d5 ff 02 03",
                                        "d6 01 02 03 04 05",
                                        "d7 01 02 03 04 05 06 07 08 09",
                                        "d8 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11",
                                        "c7 00 05",
                                        "c7 02 05 c1 c1",
                                        "c8 00 01 05 c1",
                                        "c9 00 00 00 01 05 c1",
                                        "90",
                                        "93 01 02 03",
                                        "dc 00 00",
                                        "dc 00 02 01 02",
                                        "dd 00 00 00 00",
                                        "dd 00 00 00 01 c0",
                                        "80",
                                        "81 a1 61 01",
                                        "de 00 01 a1 61 90",
                                        "df 00 00 00 01 01 80",
                                        "de 00 00",
                                        "82 90 91 80 81 01 02 93 a1 78 c4 01 00 c0"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        bytes_t bytes = bytes_of (forms[i]);
        expect_same (bytes.data, bytes.size, forms[i]);
        free (bytes.data);
    }
}

Test (tree, the_deepest_nesting_that_a_scan_lets_through)
{
    uint8_t deep[2 * EMP_SCAN_DEPTH_MAX + 1];
    memset (deep, 0x91, EMP_SCAN_DEPTH_MAX);
    deep[EMP_SCAN_DEPTH_MAX] = 0x05;
    expect_same (deep, EMP_SCAN_DEPTH_MAX + 1, "lists");
    for (size_t i = 0; i < EMP_SCAN_DEPTH_MAX; i++)
        memcpy (deep + 2 * i, "\x81\x01", 2);
    deep[2 * EMP_SCAN_DEPTH_MAX] = 0xc0;
    expect_same (deep, 2 * EMP_SCAN_DEPTH_MAX + 1, "maps");
}

/* ---- values at random ----------------------------------------------------------------------------------------------- */

static uint32_t seed = 1;

static uint32_t random_below (uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void pack_text (msgpack_packer *pk, uint32_t kind)
{
    static char letters[400];
    uint32_t size = random_below (random_below (8) ? 40 : sizeof letters);
    if (kind == 0)
        msgpack_pack_str (pk, size), msgpack_pack_str_body (pk, letters, size);
    else if (kind == 1)
        msgpack_pack_bin (pk, size), msgpack_pack_bin_body (pk, letters, size);
    else
        msgpack_pack_ext (pk, size, (int8_t) random_below (256)), msgpack_pack_ext_body (pk, letters, size);
}

static void pack_some (msgpack_packer *pk, unsigned depth)
{
    uint32_t kind = random_below (depth < 6 ? 10 : 8);
    uint32_t count = random_below (6);
    switch (kind) {
    case 0: msgpack_pack_nil (pk); break;
    case 1: random_below (2) ? msgpack_pack_true (pk) : msgpack_pack_false (pk); break;
    case 2: msgpack_pack_int64 (pk, (int64_t) ((uint64_t) random_below (1u << 24) << random_below (40))); break;
    case 3: msgpack_pack_int64 (pk, -(int64_t) ((uint64_t) random_below (1u << 24) << random_below (40))); break;
    case 4: msgpack_pack_double (pk, random_below (1000) / 7.0); break;
    case 8: msgpack_pack_array (pk, count); break;
    case 9: msgpack_pack_map (pk, count); break;
    default: pack_text (pk, kind - 5);
    }
    for (uint32_t i = 0; kind >= 8 && i < (kind - 7) * count; i++)
        pack_some (pk, depth + 1);
}

Test (tree, ten_thousand_values_at_random)
{
    for (int i = 0; i < 10000; i++) {
        emp_buf_t packed;
        emp_buf_init (&packed, 1 << 24);
        msgpack_packer pk;
        msgpack_packer_init (&pk, &packed, emp_buf_write);
        char what[32];
        snprintf (what, sizeof what, "seed %u", seed);
        pack_some (&pk, 0);
        expect_same (packed.data, packed.size, what);
        emp_buf_release (&packed);
    }
}

/* ---- what is more than msgpack-c gives ------------------------------------------------------------------------------- */

Test (tree, a_nul_stands_behind_each_text_and_binary)
{
    bytes_t bytes = bytes_of ("94 a2 61 62 a0 c4 01 63 c7 02 05 64 65");
    tree_t tree = build (bytes.data, bytes.size);
    const msgpack_object *list = tree.objects[0].via.array.ptr;
    cr_assert_str_eq (list[0].via.str.ptr, "ab");
    cr_assert_str_eq (list[1].via.str.ptr, "");
    cr_assert_str_eq (list[2].via.bin.ptr, "c");
    cr_assert_str_eq (list[3].via.ext.ptr, "de");
    cr_assert_eq (tree.needs.objects, 5);
    cr_assert_eq (tree.needs.bytes, 3 + 1 + 2 + 3);
    release (&tree);
    free (bytes.data);
}

Test (tree, it_is_moved_by_one_pass_over_its_objects)
{
    bytes_t bytes =
        bytes_of ("96 a2 61 62 82 01 92 c0 a1 78 02 80 c4 01 63 c7 02 05 64 65 90 cb 3f f0 00 00 00 00 00 00");
    emp_tree_size_t needs = emp_tree_measure (bytes.data, bytes.size);
    size_t row = needs.objects * sizeof (msgpack_object), all = row + needs.bytes;
    char *first = malloc (all), *second = malloc (all);
    emp_tree_build (bytes.data, bytes.size, (msgpack_object *) (void *) first, first + row);
    memcpy (second, first, all);
    memset (first, 0xff, all);
    emp_tree_move ((msgpack_object *) (void *) second, needs.objects, second - first);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    msgpack_unpack_next (&unpacked, (const char *) bytes.data, bytes.size, NULL);
    cr_assert (msgpack_object_equal (*(msgpack_object *) (void *) second, unpacked.data));
    msgpack_unpacked_destroy (&unpacked);
    free (first);
    free (second);
    free (bytes.data);
}
