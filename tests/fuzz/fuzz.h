/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz.h - what the fuzzers share: how they take numbers out of their bytes, how they say that something is wrong, and a
 * file that only they can see.
 *
 * A fuzzer is a file with LLVMFuzzerTestOneInput, and fuzz_seeds when its seeds are made by our own encoders. With libFuzzer it
 * looks for new inputs, with replay.c it reads those of tests/fuzz/corpus again.
 */
#ifndef EMP_FUZZ_H
#define EMP_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Writes one seed, a file of that name. */
typedef void (fuzz_seed_fn) (const char *name, const void *data, size_t size);
/* All seeds that this fuzzer makes itself. */
void fuzz_seeds (fuzz_seed_fn *write) __attribute__ ((weak));

/* Aborts, naming the place; also where NDEBUG is set. */
#define FUZZ_MUST(condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf (stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort ();                                                                                                  \
        }                                                                                                              \
    } while (0)

/* The bytes of an input, taken from the front; behind the last one there are zeros. */
typedef struct {
    const uint8_t *at, *end;
} fuzz_input_t;

static inline size_t fuzz_left (const fuzz_input_t *self)
{
    return (size_t) (self->end - self->at);
}

static inline uint8_t fuzz_byte (fuzz_input_t *self)
{
    return self->at < self->end ? *self->at++ : 0;
}

/* A number of `bytes` bytes, big endian. */
static inline uint64_t fuzz_number (fuzz_input_t *self, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes--)
        value = value << 8 | fuzz_byte (self);
    return value;
}

/* A number of any size, nearly always a small one: its first byte, or what so many bytes behind it say. */
static inline uint64_t fuzz_any (fuzz_input_t *self)
{
    uint8_t first = fuzz_byte (self);
    return first < 0xf8 ? first : fuzz_number (self, first - 0xf7u);
}

/* Up to `max` of the bytes, borrowed. */
static inline const uint8_t *fuzz_bytes (fuzz_input_t *self, size_t max, size_t *ret_size)
{
    const uint8_t *bytes = self->at;
    *ret_size = max < fuzz_left (self) ? max : fuzz_left (self);
    self->at += *ret_size;
    return bytes;
}

/* A text of up to 255 bytes without NULs, in `room` bytes. */
static inline void fuzz_text (fuzz_input_t *self, char *ret_text, size_t room)
{
    size_t size, wanted = fuzz_byte (self);
    const uint8_t *bytes = fuzz_bytes (self, wanted < room ? wanted : room - 1, &size);
    for (size_t i = 0; i < size; i++)
        ret_text[i] = bytes[i] ? (char) bytes[i] : 'x';
    ret_text[size] = '\0';
}

/* Changes bytes as the rest of the input says: where (2 bytes), by what. */
static inline unsigned fuzz_spoil (fuzz_input_t *self, uint8_t *data, size_t size)
{
    unsigned count = 0;
    while (size && fuzz_left (self) >= 3) {
        size_t at = fuzz_number (self, 2) % size;
        uint8_t by = fuzz_byte (self);
        data[at] ^= by;
        count += by != 0;
    }
    return count;
}

/* A folder of this process's own in $TMPDIR, taken away at its end; what a fuzzer leaves there it uses again. */
const char *fuzz_folder (void);
/* A file there with these bytes; the path is good until the next call with the same name. */
const char *fuzz_write (const char *name, const void *data, size_t size);
/* Its bytes, the caller's to free. */
uint8_t *fuzz_read (const char *path, size_t *ret_size);

/* A file without a name, and its path; the caller closes it. */
static inline int fuzz_file (const void *data, size_t size, char ret_path[64])
{
    int fd = memfd_create ("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    FUZZ_MUST (fd >= 0 && (size == 0 || write (fd, data, size) == (ssize_t) size));
    snprintf (ret_path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
