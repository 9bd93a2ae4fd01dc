/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bytes.h - bytes for tests of what reads bytes: written as hex, and copied so that a read behind their end is caught.
 */
#ifndef EMP_TEST_BYTES_H
#define EMP_TEST_BYTES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t *data; /* on the heap, exactly `size` long: AddressSanitizer and valgrind know its end */
    size_t size;
} bytes_t;

static inline bytes_t bytes_copy (const void *data, size_t size)
{
    bytes_t bytes = {.data = malloc (size > 0 ? size : 1), .size = size};
    if (!bytes.data)
        abort ();
    if (size > 0)
        memcpy (bytes.data, data, size);
    return bytes;
}

/* "93 01 a1 78" */
static inline bytes_t bytes_of (const char *hex)
{
    uint8_t room[4096];
    size_t size = 0;
    unsigned byte;
    int step;
    while (size < sizeof room && sscanf (hex, " %2x%n", &byte, &step) == 1) {
        room[size++] = (uint8_t) byte;
        hex += step;
    }
    if (*hex != '\0')
        abort (); /* a slip of the test's writer */
    return bytes_copy (room, size);
}

static inline void bytes_free (bytes_t *bytes)
{
    free (bytes->data);
    bytes->data = NULL;
}

/* The same numbers on every machine and in every run. */
static inline uint32_t bytes_random (uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t) (*state >> 33);
}

#endif
