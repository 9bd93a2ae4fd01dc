/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyfile.h - one file of the key ring (keyring.h): its text, and how it is read and written.
 *
 *     #   ZeroMQ CURVE public certificate
 *     metadata
 *         role = "worker"
 *         since = "2026-11-25T18:05:27Z"
 *     curve
 *         public-key = "…"
 *         secret-key = "…"             only in self.key
 *
 * This is what czmq's zcert writes and reads: ZPL (https://rfc.zeromq.org/spec/4/), four spaces a level, '#' begins a comment. Fields
 * that are not named here, as others' metadata, are passed over; role and since may be missing. A secret key in a file that is to have
 * none is passed over too.
 *
 * `ret_why` has EMP_KEYFILE_WHY_MAX bytes and does not name the file; no byte of a secret key is in it.
 */
#ifndef EMP_KEYFILE_H
#define EMP_KEYFILE_H

#include <sys/stat.h>

#include "keyring.h"

#define EMP_KEYFILE_MAX 4096 /* bytes of a file */
#define EMP_KEYFILE_WHY_MAX 640

typedef struct {
    emp_keypair_t pair;  /* secret_key "": none */
    emp_key_role_t role; /* UNSAID: not said */
    int64_t since;       /* 0: not said */
} emp_keyfile_t;

/* Pure. False: it is malformed, has no public key, or not the secret key that it is to have. */
bool emp_keyfile_parse (const char *text, size_t size, bool secret, emp_keyfile_t *ret_file, char *ret_why);
/* ret_text has EMP_KEYFILE_MAX bytes; returns the size of the text. Pure. */
size_t emp_keyfile_print (const emp_keyfile_t *self, char *ret_text);

/* A text in quotes for a sentence, its control characters escaped, cut after 50 bytes; ret_piece has EMP_KEYFILE_PIECE_MAX bytes. */
#define EMP_KEYFILE_PIECE_MAX 256
void emp_keyfile_piece (const char *text, size_t size, char *ret_piece);

/* Reads a file of a folder. EMP_UNKNOWN: there is none; EMP_REFUSED: of another owner, or others may write to it (of a secret one:
 * do anything with it); EMP_INVALID: it is no regular file, too large or malformed; EMP_NOMEM: this process, or the system, has
 * no room for one more open file; EMP_SYSTEM: it cannot be read. *ret_is (may be NULL) is what fstat says of it, zeros when it was not
 * opened. */
emp_status_t emp_keyfile_read (int folder, const char *name, bool secret, emp_keyfile_t *ret_file, struct stat *ret_is,
                               char *ret_why);
/* Writes one, mode 0600, whole and on disk or not at all; the caller holds the ring's lock. EMP_EXISTS: `replace` is false and the name
 * is taken, whatever by; EMP_SYSTEM. */
emp_status_t emp_keyfile_write (int folder, const char *name, const emp_keyfile_t *self, bool replace, char *ret_why);
/* May this be believed? Its owner is this user, or root for what is no secret, and nobody else may write to it. */
bool emp_keyfile_is_safe (const struct stat *is, bool secret, char *ret_why);

#endif
