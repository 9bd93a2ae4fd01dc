/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hash.h - 64 bits that tell one chunk's bytes from another's: XXH3 of the packed list of rows, never 0.
 *
 * Not against an adversary: it shows that a worker worked at what the feeder made, and that a run which is resumed reads the
 * input that it read before. Source: xxHash, header only, so nothing is linked. 378 bytes (42 integers) take 25 ns.
 */
#ifndef EMP_HASH_H
#define EMP_HASH_H

#include <stddef.h>
#include <stdint.h>

/* 0 stands for "not known" on the wire. */
uint64_t emp_hash (const void *data, size_t size);
/* The same for records of a file: another seed, another hash, so a record holds at one place only. May be 0. */
uint64_t emp_hash_seeded (const void *data, size_t size, uint64_t seed);

#endif
