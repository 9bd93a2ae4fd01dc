/* SPDX-License-Identifier: BSD-3-Clause
 *
 * random_rows.c - a generator of `rows_count` rows of 1 to 65536 random bytes, from `rows_seed` on: the same at any time and place.
 */
#include <eisenmp.h>

#define ROW_MAX 65536u

/* Vigna's splitmix64: the n-th number of a seed without those before it. */
static uint64_t random_number (uint64_t seed, uint64_t n)
{
    uint64_t z = seed + n * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t number_of (emp_generator_t *generator, const char *key, uint64_t otherwise)
{
    const msgpack_object *value = emp_generator_config (generator, key);
    return value && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? value->via.u64 : otherwise;
}

bool random_rows (emp_generator_t *generator, msgpack_packer *row)
{
    uint64_t index = emp_generator_index (generator);
    if (index >= number_of (generator, "rows_count", 1000))
        return false;
    uint64_t seed = random_number (number_of (generator, "rows_seed", 1), index);
    uint64_t bytes[ROW_MAX / 8];
    size_t size = seed % ROW_MAX + 1;
    for (size_t i = 0; i < (size + 7) / 8; i++)
        bytes[i] = random_number (seed, i + 1);
    msgpack_pack_bin_with_body (row, bytes, size);
    return true;
}
