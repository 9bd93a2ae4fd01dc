/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fetch.c - see fetch.h.
 */
#include "fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef unsigned long long number_t;

emp_status_t emp_fetch_status (int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? EMP_FULL : EMP_SYSTEM;
}

emp_status_t emp_fetch_check (const char *hash, uint64_t size, char *ret_why)
{
    struct rlimit limit;
    if (!emp_content_is_hash (hash, strlen (hash)))
        return emp_content_fail (EMP_INVALID, ret_why, "found a hash that is none, expected %d digits 0 to 9, a to f",
                                 EMP_CONTENT_DIGITS);
    if (size > EMP_CONTENT_BYTES_MAX)
        return emp_content_fail (EMP_INVALID, ret_why, "found %llu bytes, expected at most %llu", (number_t) size,
                                 (number_t) EMP_CONTENT_BYTES_MAX);
    if (getrlimit (RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
        return emp_content_fail (EMP_FULL, ret_why, "found a limit (ulimit -f) of %llu bytes a file, expected %llu",
                                 (number_t) limit.rlim_cur, (number_t) size);
    return EMP_OK;
}

static emp_status_t put (int fd, uint64_t offset, const char *data, size_t size, char *why)
{
    while (size > 0) {
        ssize_t n = pwrite (fd, data, size, (off_t) offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return emp_content_fail (emp_fetch_status (errno), why, "cannot be written at byte %llu: %s",
                                     (number_t) offset, strerror (errno));
        data += n;
        offset += (uint64_t) n;
        size -= (size_t) n;
    }
    return EMP_OK;
}

static emp_status_t fail_fetch (emp_status_t status, uint64_t offset, uint64_t size, char *why)
{
    const char *text = emp_status_text (status);
    if (status == EMP_STALE)
        text = "the file there has changed since the run began";
    else if (status == EMP_UNKNOWN)
        text = "the manager does not offer it";
    return emp_content_fail (status, why, "cannot be fetched from the manager's host (byte %llu of %llu): %s",
                             (number_t) offset, (number_t) size, text);
}

/* What a piece says of itself fits to what was asked. */
static emp_status_t check_piece (uint64_t offset, size_t got, uint64_t total, uint64_t size, size_t room, char *why)
{
    if (total != size)
        return emp_content_fail (EMP_MALFORMED, why, "found %llu bytes at the manager's host, expected %llu",
                                 (number_t) total, (number_t) size);
    if (got == 0 || got > room || got > size - offset)
        return emp_content_fail (EMP_MALFORMED, why,
                                 "found a piece of %zu bytes at byte %llu of %llu, expected 1 to %zu", got,
                                 (number_t) offset, (number_t) size, room);
    return EMP_OK;
}

static emp_status_t bring (emp_fetch_fn *fetch, void *arg, const char *hash, uint64_t size, int fd, char *why)
{
    char *piece = malloc (EMP_CONTENT_PIECE_MAX);
    emp_status_t status = EMP_OK;
    if (!piece)
        return emp_content_fail (EMP_NOMEM, why, "%s", emp_status_text (EMP_NOMEM));
    for (uint64_t offset = 0; !status && offset < size;) {
        uint64_t left = size - offset, total = 0;
        size_t room = left < EMP_CONTENT_PIECE_MAX ? (size_t) left : EMP_CONTENT_PIECE_MAX, got = 0;
        status = fetch (arg, hash, offset, piece, room, &got, &total);
        if (status)
            fail_fetch (status, offset, size, why);
        else
            status = check_piece (offset, got, total, size, room, why);
        if (!status)
            status = put (fd, offset, piece, got, why);
        offset += got;
    }
    free (piece);
    return status;
}

emp_status_t emp_fetch (emp_fetch_fn *fetch, void *arg, const char *hash, uint64_t size, int fd, char *ret_why)
{
    char found[EMP_CONTENT_TEXT_MAX];
    uint64_t length = 0;
    emp_status_t status = emp_fetch_check (hash, size, ret_why);
    if (!status)
        status = bring (fetch, arg, hash, size, fd, ret_why);
    if (status)
        return status;
    status = emp_content_of_file (fd, found, &length);
    if (status)
        return emp_content_fail (status, ret_why, "cannot be read again: %s",
                                 status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status));
    if (length != size || strcmp (found, hash) != 0)
        return emp_content_fail (EMP_MALFORMED, ret_why, "found %llu bytes with the hash %s, expected %llu with %s",
                                 (number_t) length, found, (number_t) size, hash);
    return EMP_OK;
}
