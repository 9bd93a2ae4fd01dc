/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "broker/core/index.h"

TestSuite (index, .timeout = 10);

Test (index, a_node_is_found_by_its_key_until_it_is_removed)
{
    enum { COUNT = 1000 };
    static core_node_t nodes[COUNT];
    core_index_t index;
    cr_assert_eq (core_index_init (&index, 10), EMP_OK); /* far fewer buckets than nodes */
    for (uint64_t i = 0; i < COUNT; i++)
        core_index_add (&index, &nodes[i], i * 3);
    for (uint64_t i = 0; i < COUNT; i += 2)
        core_index_remove (&index, &nodes[i]);
    for (uint64_t i = 0; i < COUNT; i++) {
        cr_assert_eq (core_index_first (&index, i * 3), i % 2 ? &nodes[i] : NULL);
        cr_assert_null (core_index_first (&index, i * 3 + 1));
    }
    core_index_release (&index);
}

Test (index, nodes_of_one_key_are_all_found)
{
    static core_node_t nodes[3], other;
    core_index_t index;
    cr_assert_eq (core_index_init (&index, 1), EMP_OK);
    core_index_add (&index, &other, 6);
    for (int i = 0; i < 3; i++)
        core_index_add (&index, &nodes[i], 5);
    int seen = 0;
    for (core_node_t *node = core_index_first (&index, 5); node; node = core_index_next (node))
        seen += 1 << (node - nodes);
    cr_assert_eq (seen, 7);
    core_index_release (&index);
}

Test (index, keys_of_names_differ)
{
    cr_assert_neq (core_index_key ("mp_input_q"), core_index_key ("mp_output_q"));
    cr_assert_neq (core_index_key ("a|b"), core_index_key ("b|a"));
    cr_assert_eq (core_index_key ("q"), core_index_key ("q"));
}
