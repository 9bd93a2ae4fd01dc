/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyring.h - the CURVE keys of a host on disk: its own pair, and the public keys that its broker lets in.
 *
 *     <directory>/self.key             public and secret key; mode 0600
 *     <directory>/allowed/<name>.key   one public key each, with its role and since when
 *     <directory>/lock                 held by who changes anything
 *
 * The files are ZPL as czmq's zcert writes and reads it (keyfile.h). The name of an allowed key is the name of its file and stands
 * nowhere else. A key may stand in several files when somebody copies them; it counts once, under the first name.
 *
 * Every change is a whole new file that takes its name at once, on disk before the call returns; changes wait for each other. Who
 * reads takes no lock. What others may write to, or a secret that others may read, is refused, as ssh does: EMP_REFUSED.
 *
 * `ret_why` is a sentence without a line's end, of EMP_KEYRING_WHY_MAX bytes with its NUL, written unless the call gives EMP_OK.
 * It never holds a byte of a secret key. All else that is returned is untouched then.
 */
#ifndef EMP_KEYRING_H
#define EMP_KEYRING_H

#include "eisenmp.h"

#define EMP_KEY_SIZE 40 /* Z85 characters of a key: 32 bytes */
#define EMP_KEYS_ALLOWED_MAX                                                                                           \
    4096 /* allowed keys of a ring; one more is EMP_FULL, a folder that has more is EMP_TOOBIG */
#define EMP_KEYRING_PATH_MAX 3800 /* bytes of a directory's path and its NUL: a file's path is below PATH_MAX */
#define EMP_KEYRING_WHY_MAX 5120
#define EMP_SINCE_MAX 24 /* bytes of emp_key_since with its NUL */

typedef struct {
    char public_key[EMP_KEY_SIZE + 1], secret_key[EMP_KEY_SIZE + 1];
} emp_keypair_t;

typedef enum { EMP_KEY_UNSAID, EMP_KEY_WORKER, EMP_KEY_MANAGER } emp_key_role_t;

typedef struct {
    char public_key[EMP_KEY_SIZE + 1];
    char name[EMP_NAME_MAX + 1];
    emp_key_role_t role; /* never UNSAID in what is read */
    int64_t since;       /* UTC seconds since 1970; 0: not known */
} emp_allowed_key_t;

/* ---- words ---------------------------------------------------------------------------------------------------------- */

/* EMP_INVALID: not 40 characters, not Z85, or, as a public key, nobody's: all zeros. */
emp_status_t emp_key_check (const char *key, char *ret_why);
/* A name as emp_name_check has it, that can be a file's: no '/', no '.' at its front; and that is no key, so that a word is one or the
 * other. EMP_INVALID, EMP_TOOBIG. */
emp_status_t emp_key_check_name (const char *name, char *ret_why);
/* "worker", "manager"; "" for UNSAID. */
const char *emp_key_role_text (emp_key_role_t role);
/* EMP_KEY_UNSAID: no such role. */
emp_key_role_t emp_key_role_of (const char *text);
/* "2026-11-25T18:05:27Z", or "-" when it is not known. */
void emp_key_since (int64_t since, char ret_text[EMP_SINCE_MAX]);

/* ---- the ring ----------------------------------------------------------------------------------------------------------- */

/* Where it is, without a look at the disk: $EISENMP_KEYS, else $XDG_CONFIG_HOME/eisenmp, else $HOME/.config/eisenmp; the latter two
 * only when they are absolute, the first is made so. `ret_path` has EMP_KEYRING_PATH_MAX bytes. EMP_UNKNOWN: none is set;
 * EMP_TOOBIG; EMP_SYSTEM. */
emp_status_t emp_keyring_directory (char *ret_path, char *ret_why);
/* A new pair, nowhere on disk. The public key never begins with '-' or '@', which a command would take for an option or a file.
 * EMP_SYSTEM: libzmq has no CURVE. The caller of this and of the next two wipes the pair (explicit_bzero) when it has no more use for it. */
emp_status_t emp_keypair_new (emp_keypair_t *ret_pair, char *ret_why);
/* This host's own pair. EMP_UNKNOWN: there is none; EMP_REFUSED: others may read it, or it is another's; EMP_INVALID: it is no pair;
 * EMP_SYSTEM. */
emp_status_t emp_keyring_load (const char *directory, emp_keypair_t *ret_pair, char *ret_why);
/* Makes a pair and writes it; the directory, and the one it is in, are made when they are missing. Without `force` one that is there
 * stays: EMP_EXISTS. EMP_REFUSED, EMP_SYSTEM. */
emp_status_t emp_keyring_new (const char *directory, bool force, emp_keypair_t *ret_pair, char *ret_why);

typedef enum { EMP_KEY_ADDED, EMP_KEY_UPDATED, EMP_KEY_UNCHANGED } emp_key_change_t;

/* Allows `wish->public_key`. Its name "" and role UNSAID mean: as they are; of a new key the name is "key-" and the first eight letters
 * and digits of the key, the role worker. `since` is now, for a new key. *ret_key is what stands there afterwards. EMP_INVALID,
 * EMP_TOOBIG (a name); EMP_EXISTS: the name is another key's; EMP_FULL; EMP_REFUSED, EMP_NOMEM, EMP_SYSTEM. */
emp_status_t emp_keyring_allow (const char *directory, const emp_allowed_key_t *wish, emp_allowed_key_t *ret_key,
                                emp_key_change_t *ret_change, char *ret_why);
/* Takes the key that has this name, or is this key, out of the list, with all files that hold it; also a file of this name that is
 * no key: then ret_key->public_key is "". EMP_UNKNOWN: there is none; EMP_REFUSED, EMP_NOMEM, EMP_SYSTEM. */
emp_status_t emp_keyring_revoke (const char *directory, const char *name_or_key, emp_allowed_key_t *ret_key,
                                 char *ret_why);

/* ---- the list of allowed keys -------------------------------------------------------------------------------------------- */

/* In memory, one owner, no thread of its own. Files that are no keys are passed over and told as problems: what cannot be read lets
 * nobody in. */
typedef struct emp_allowed emp_allowed_t;

/* Reads the list; no folder `allowed` is an empty one. EMP_REFUSED, EMP_TOOBIG, EMP_NOMEM, EMP_SYSTEM. The caller destroys it. */
emp_status_t emp_allowed_new (const char *directory, emp_allowed_t **ret_self, char *ret_why);
/* NULL, and a pointer to NULL, are fine. */
void emp_allowed_destroy (emp_allowed_t **self_p);
/* Is this key allowed? *ret_key (may be NULL) only when it is. Logarithmic, no system call. */
bool emp_allowed_find (const emp_allowed_t *self, const char *public_key, emp_allowed_key_t *ret_key);
/* Looks whether the folder or a file in it has changed since the last look, and only then reads it all; how often is the caller's to
 * say. True: keys, problems or the failure are others than before, so that sessions whose keys are no longer found are to be ended.
 * When it cannot be read the list stays as it was, and emp_allowed_failure tells why; a folder that is gone is an empty list. */
bool emp_allowed_refresh (emp_allowed_t *self);
/* Why the last refresh could not read the list, or "". */
const char *emp_allowed_failure (const emp_allowed_t *self);
/* Keys in the order of their names, bytewise; NULL behind the last. Good until the next refresh. */
size_t emp_allowed_count (const emp_allowed_t *self);
const emp_allowed_key_t *emp_allowed_at (const emp_allowed_t *self, size_t i);
/* How many files were passed over, and a sentence for each of the first EMP_ALLOWED_PROBLEMS; NULL behind the last. */
#define EMP_ALLOWED_PROBLEMS 16
size_t emp_allowed_problems (const emp_allowed_t *self);
const char *emp_allowed_problem_at (const emp_allowed_t *self, size_t i);

#endif
