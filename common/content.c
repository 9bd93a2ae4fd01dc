/* SPDX-License-Identifier: BSD-3-Clause
 *
 * content.c - see content.h.
 */
#include "content.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define HASH_BYTES (EMP_CONTENT_DIGITS / 2)
#define PIECE (UINT64_C (1) << 20) /* bytes read at once */

_Static_assert (HASH_BYTES == crypto_generichash_BYTES, "BLAKE2b of 256 bits is libsodium's own size");

emp_status_t emp_content_fail (emp_status_t status, char *ret_why, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (ret_why, EMP_CONTENT_ERROR_MAX, format, args);
    va_end (args);
    return status;
}

bool emp_content_is_hash (const char *text, size_t size)
{
    size_t i = 0;
    while (i < size && ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
        i++;
    return i == size && size == EMP_CONTENT_DIGITS;
}

/* sodium_init looks for the fastest code that this processor can run; may be called from any thread, any number of times. Where
 * it fails the hash is the same, and slower. */
static void begin (crypto_generichash_state *state)
{
    int rc = sodium_init ();
    (void) rc;
    crypto_generichash_init (state, NULL, 0, HASH_BYTES);
}

static void end (crypto_generichash_state *state, char ret_hash[EMP_CONTENT_TEXT_MAX])
{
    unsigned char bytes[HASH_BYTES];
    crypto_generichash_final (state, bytes, sizeof bytes);
    sodium_bin2hex (ret_hash, EMP_CONTENT_TEXT_MAX, bytes, sizeof bytes);
}

void emp_content_of_bytes (const void *data, size_t size, char ret_hash[EMP_CONTENT_TEXT_MAX])
{
    crypto_generichash_state state;
    begin (&state);
    crypto_generichash_update (&state, data, size);
    end (&state, ret_hash);
}

emp_status_t emp_content_read (int fd, uint64_t offset, void *buffer, size_t size, size_t *ret_got)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = pread (fd, (char *) buffer + got, size - got, (off_t) (offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return EMP_SYSTEM;
        if (n == 0)
            break;
        got += (size_t) n;
    }
    *ret_got = got;
    return EMP_OK;
}

static emp_status_t hash_all (int fd, unsigned char *piece, crypto_generichash_state *state, uint64_t *ret_size)
{
    for (uint64_t size = 0;;) {
        size_t got = 0;
        emp_status_t status = emp_content_read (fd, size, piece, PIECE, &got);
        if (status)
            return status;
        crypto_generichash_update (state, piece, got);
        size += got;
        if (size > EMP_CONTENT_BYTES_MAX)
            return EMP_TOOBIG;
        if (got < PIECE) {
            *ret_size = size;
            return EMP_OK;
        }
    }
}

emp_status_t emp_content_of_file (int fd, char ret_hash[EMP_CONTENT_TEXT_MAX], uint64_t *ret_size)
{
    crypto_generichash_state state;
    unsigned char *piece = malloc (PIECE);
    if (!piece)
        return EMP_NOMEM;
    begin (&state);
    emp_status_t status = hash_all (fd, piece, &state, ret_size);
    int why = errno;
    free (piece);
    errno = why;
    if (!status)
        end (&state, ret_hash);
    return status;
}
