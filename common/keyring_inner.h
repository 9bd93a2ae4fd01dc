/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyring_inner.h - what keyring.c, keyring_allow.c and keyring_list.c have between them.
 */
#ifndef EMP_KEYRING_INNER_H
#define EMP_KEYRING_INNER_H

#include <sys/stat.h>
#include <time.h>

#include "keyring.h"

#define EMP_KEYRING_ALLOWED "allowed"
#define EMP_KEYRING_SUFFIX ".key"

/* A file of the folder `allowed`, whatever it holds. */
typedef struct {
    emp_allowed_key_t key; /* public_key "": it is no key */
    bool again;            /* an earlier file has the same key */
    ino_t inode;
    off_t size;
    struct timespec changed;
} emp_allowed_file_t;

/* All of them in the order of their names, at most EMP_KEYS_ALLOWED_MAX. */
const emp_allowed_file_t *emp_allowed_files (const emp_allowed_t *self, size_t *ret_count);

/* Opens a folder below `at` (AT_FDCWD), which must be safe (emp_keyfile_is_safe). EMP_UNKNOWN: there is none; EMP_REFUSED, EMP_SYSTEM. The
 * sentence names it by its path: that of the ring, and what is `below` it ("" or "/allowed"). */
emp_status_t emp_keyring_open (int at, const char *path, const char *directory, const char *below, int *ret_fd,
                               char *ret_why);
/* The folders, open, and the lock that who changes anything holds; -1: not open. */
typedef struct {
    int folder, lock, allowed;
} emp_keyring_place_t;
/* With `make` folders that are missing are made; else EMP_UNKNOWN. Waits for the lock. The caller leaves, whatever the answer. */
emp_status_t emp_keyring_enter (const char *directory, bool make, emp_keyring_place_t *ret_place, char *ret_why);
void emp_keyring_leave (emp_keyring_place_t *place);
/* A sentence into ret_why; gives back `status`. */
emp_status_t emp_keyring_fail (emp_status_t status, char *ret_why, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif
