/* SPDX-License-Identifier: BSD-3-Clause
 *
 * content.h - a file's bytes by their hash, so that a host can ask another for them and know that it got them.
 *
 * BLAKE2b of 256 bits (libsodium), written as 64 hex digits. It is a cryptographic hash, unlike that of hash.h: what was asked
 * for by it and has it may be loaded as code, whoever has brought it. Bytes are read, never mapped: a file that is cut
 * meanwhile would end a process that has it mapped with SIGBUS.
 * Pure but for these reads. Any thread.
 */
#ifndef EMP_CONTENT_H
#define EMP_CONTENT_H

#include "eisenmp.h"

#define EMP_CONTENT_DIGITS 64
#define EMP_CONTENT_TEXT_MAX (EMP_CONTENT_DIGITS + 1) /* bytes of a hash as text, its NUL included */
#define EMP_CONTENT_PIECE_MAX (256u * 1024)           /* bytes that are asked for at once */
#define EMP_CONTENT_BYTES_MAX (UINT64_C (64) << 30)   /* of one content: that of an arena */
#define EMP_CONTENT_ERROR_MAX 1024                    /* bytes of an error's sentence, its NUL included */

/* `size` bytes are 64 digits 0…9, a…f. So such a text may be a file's name. */
bool emp_content_is_hash (const char *text, size_t size);
/* Of `size` bytes in memory. */
void emp_content_of_bytes (const void *data, size_t size, char ret_hash[EMP_CONTENT_TEXT_MAX]);
/* Of all bytes of a regular file, from its beginning; its position is not used and stays. *ret_size is how many they were.
 * EMP_SYSTEM with errno: it cannot be read; EMP_TOOBIG: more than EMP_CONTENT_BYTES_MAX; EMP_NOMEM. 1 GiB takes 1 to 3 s. */
emp_status_t emp_content_of_file (int fd, char ret_hash[EMP_CONTENT_TEXT_MAX], uint64_t *ret_size);
/* Reads `size` bytes at `offset`, or as many as there are, in spite of signals and short reads. EMP_SYSTEM with errno. */
emp_status_t emp_content_read (int fd, uint64_t offset, void *buffer, size_t size, size_t *ret_got);
/* Puts a sentence into ret_why (EMP_CONTENT_ERROR_MAX bytes) and returns `status`. */
emp_status_t emp_content_fail (emp_status_t status, char *ret_why, const char *format, ...) EMP_PRINTF (3, 4);

#endif
