/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hash.c - see hash.h. In a file of its own, since xxhash.h is 6000 lines and each of them is inline.
 */
#include "hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t emp_hash (const void *data, size_t size)
{
    uint64_t hash = XXH3_64bits (data, size);
    return hash ? hash : 1;
}

uint64_t emp_hash_seeded (const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed (data, size, seed);
}
