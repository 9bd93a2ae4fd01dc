/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyring.c - see keyring.h: words, where the ring is, this host's own pair.
 */
#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "keyfile.h"
#include "keyring_inner.h"
#include "name.h"

#define SELF "self.key"

emp_status_t emp_keyring_fail (emp_status_t status, char *ret_why, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (ret_why, EMP_KEYRING_WHY_MAX, format, args);
    va_end (args);
    return status;
}

/* ---- words ------------------------------------------------------------------------------------------------------------- */

#define Z85_SIGNS ".-:+=^!/*?&<>()[]{}@%$#"

emp_status_t emp_key_check (const char *key, char *ret_why)
{
    uint8_t bytes[32], some = 0;
    size_t size = strlen (key);
    size_t good = strspn (key, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" Z85_SIGNS);
    if (good < size && size <= EMP_KEY_SIZE) {
        char piece[EMP_KEYFILE_PIECE_MAX];
        emp_keyfile_piece (key + good, 1, piece);
        return emp_keyring_fail (EMP_INVALID, ret_why,
                                 "found %s at character %zu, expected a key of %d: 0-9 a-z A-Z %s", piece, good + 1,
                                 EMP_KEY_SIZE, Z85_SIGNS);
    }
    if (size != EMP_KEY_SIZE)
        return emp_keyring_fail (EMP_INVALID, ret_why, "found %zu characters, expected a key of %d: 0-9 a-z A-Z %s",
                                 size, EMP_KEY_SIZE, Z85_SIGNS);
    if (!zmq_z85_decode (bytes, key))
        return emp_keyring_fail (EMP_INVALID, ret_why,
                                 "found five characters beyond 2^32 in Z85, expected what `eisenmp keys show` prints");
    for (size_t i = 0; i < sizeof bytes; i++)
        some |= bytes[i];
    if (!some) /* what it seals anybody can open */
        return emp_keyring_fail (EMP_INVALID, ret_why,
                                 "found a key of zeros, expected what `eisenmp keys show` prints");
    return EMP_OK;
}

emp_status_t emp_key_check_name (const char *name, char *ret_why)
{
    char piece[EMP_KEYFILE_PIECE_MAX], why[EMP_KEYRING_WHY_MAX];
    emp_keyfile_piece (name, strlen (name), piece);
    emp_status_t status = emp_name_check (name);
    if (status == EMP_TOOBIG)
        return emp_keyring_fail (status, ret_why, "found the name %s, expected at most %d bytes", piece, EMP_NAME_MAX);
    if (status != EMP_OK || strchr (name, '/') || *name == '.')
        return emp_keyring_fail (EMP_INVALID, ret_why,
                                 "found the name %s, expected printable characters without / ; | and no . at its front",
                                 piece);
    if (emp_key_check (name, why) == EMP_OK)
        return emp_keyring_fail (EMP_INVALID, ret_why, "found the name %s, which is a key, expected another name",
                                 piece);
    return EMP_OK;
}

const char *emp_key_role_text (emp_key_role_t role)
{
    return role == EMP_KEY_WORKER ? "worker" : role == EMP_KEY_MANAGER ? "manager" : "";
}

emp_key_role_t emp_key_role_of (const char *text)
{
    return strcmp (text, "worker") == 0    ? EMP_KEY_WORKER
           : strcmp (text, "manager") == 0 ? EMP_KEY_MANAGER
                                           : EMP_KEY_UNSAID;
}

void emp_key_since (int64_t since, char ret_text[EMP_SINCE_MAX])
{
    struct tm tm;
    time_t at = (time_t) since;
    if (since <= 0 || !gmtime_r (&at, &tm) || strftime (ret_text, EMP_SINCE_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        strcpy (ret_text, "-");
}

/* ---- where it is --------------------------------------------------------------------------------------------------------- */

emp_status_t emp_keyring_directory (char *ret_path, char *ret_why)
{
    const char *told = getenv ("EISENMP_KEYS"), *config = getenv ("XDG_CONFIG_HOME"), *home = getenv ("HOME");
    char path[EMP_KEYRING_PATH_MAX], here[EMP_KEYRING_PATH_MAX] = "";
    int size;
    if (told && *told) {
        if (*told != '/' && !getcwd (here, sizeof here))
            return emp_keyring_fail (EMP_SYSTEM, ret_why, "EISENMP_KEYS is relative, and this folder has no path: %s",
                                     strerror (errno));
        size = snprintf (path, sizeof path, "%s%s%s", here, *here ? "/" : "", told);
    } else if (config && *config == '/')
        size = snprintf (path, sizeof path, "%s/eisenmp", config);
    else if (home && *home == '/')
        size = snprintf (path, sizeof path, "%s/.config/eisenmp", home);
    else
        return emp_keyring_fail (
            EMP_UNKNOWN, ret_why,
            "no folder for keys: found no absolute path in HOME or XDG_CONFIG_HOME, expected one, or "
            "EISENMP_KEYS");
    if (size < 0 || (size_t) size >= sizeof path)
        return emp_keyring_fail (EMP_TOOBIG, ret_why,
                                 "the path of the folder for keys has %d bytes, expected at most %d", size,
                                 EMP_KEYRING_PATH_MAX - 1);
    memcpy (ret_path, path, sizeof path);
    return EMP_OK;
}

emp_status_t emp_keyring_open (int at, const char *path, const char *directory, const char *below, int *ret_fd,
                               char *ret_why)
{
    char why[EMP_KEYFILE_WHY_MAX];
    struct stat is;
    int fd = openat (at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return emp_keyring_fail (errno == ENOENT ? EMP_UNKNOWN : EMP_SYSTEM, ret_why, "%s%s: %s", directory, below,
                                 strerror (errno));
    emp_status_t status = EMP_OK;
    if (fstat (fd, &is) != 0)
        status = emp_keyring_fail (EMP_SYSTEM, ret_why, "%s%s: %s", directory, below, strerror (errno));
    else if (!emp_keyfile_is_safe (&is, false, why))
        status = emp_keyring_fail (EMP_REFUSED, ret_why, "%s%s: %s", directory, below, why);
    if (status == EMP_OK)
        *ret_fd = fd;
    else
        close (fd);
    return status;
}

/* ---- changes ------------------------------------------------------------------------------------------------------------- */

void emp_keyring_leave (emp_keyring_place_t *place)
{
    if (place->allowed >= 0)
        close (place->allowed);
    if (place->lock >= 0)
        close (place->lock);
    if (place->folder >= 0)
        close (place->folder);
}

static bool make_folder (const char *path)
{
    if (mkdir (path, 0700) == 0 || errno == EEXIST)
        return true;
    const char *slash = strrchr (path, '/');
    if (errno != ENOENT || !slash || slash == path)
        return false;
    char parent[EMP_KEYRING_PATH_MAX];
    snprintf (parent, sizeof parent, "%.*s", (int) (slash - path), path);
    return (mkdir (parent, 0700) == 0 || errno == EEXIST) && (mkdir (path, 0700) == 0 || errno == EEXIST);
}

static emp_status_t take_lock (const char *directory, emp_keyring_place_t *place, char *ret_why)
{
    place->lock = openat (place->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    int rc = place->lock < 0 ? -1 : 0;
    while (rc == 0 && (rc = flock (place->lock, LOCK_EX)) != 0 && errno == EINTR)
        rc = 0;
    return rc == 0
               ? EMP_OK
               : emp_keyring_fail (EMP_SYSTEM, ret_why, "%s/lock: cannot be locked: %s", directory, strerror (errno));
}

emp_status_t emp_keyring_enter (const char *directory, bool make, emp_keyring_place_t *ret_place, char *ret_why)
{
    *ret_place = (emp_keyring_place_t){-1, -1, -1};
    if (make && !make_folder (directory))
        return emp_keyring_fail (EMP_SYSTEM, ret_why, "%s: cannot be made: %s", directory, strerror (errno));
    emp_status_t status = emp_keyring_open (AT_FDCWD, directory, directory, "", &ret_place->folder, ret_why);
    if (status == EMP_OK && make && mkdirat (ret_place->folder, EMP_KEYRING_ALLOWED, 0700) != 0 && errno != EEXIST)
        status = emp_keyring_fail (EMP_SYSTEM, ret_why, "%s/" EMP_KEYRING_ALLOWED ": cannot be made: %s", directory,
                                   strerror (errno));
    if (status == EMP_OK)
        status = emp_keyring_open (ret_place->folder, EMP_KEYRING_ALLOWED, directory, "/" EMP_KEYRING_ALLOWED,
                                   &ret_place->allowed, ret_why);
    return status == EMP_OK ? take_lock (directory, ret_place, ret_why) : status;
}

/* ---- this host's own pair ------------------------------------------------------------------------------------------------ */

emp_status_t emp_keyring_load (const char *directory, emp_keypair_t *ret_pair, char *ret_why)
{
    char why[EMP_KEYFILE_WHY_MAX], public_key[EMP_KEY_SIZE + 1];
    int folder;
    emp_keyfile_t file;
    emp_status_t status = emp_keyring_open (AT_FDCWD, directory, directory, "", &folder, ret_why);
    if (status == EMP_OK) {
        status = emp_keyfile_read (folder, SELF, true, &file, NULL, why);
        close (folder);
    } else if (status != EMP_UNKNOWN)
        return status;
    if (status == EMP_UNKNOWN)
        return emp_keyring_fail (status, ret_why, "%s/" SELF ": found no key pair, `eisenmp keys new` makes one",
                                 directory);
    if (status == EMP_REFUSED)
        return emp_keyring_fail (
            status, ret_why, "%s/" SELF ": %s; mend that, or, when they have, `eisenmp keys new --force` makes another",
            directory, why);
    if (status != EMP_OK)
        return emp_keyring_fail (status, ret_why, "%s/" SELF ": %s", directory, why);
    if (zmq_curve_public (public_key, file.pair.secret_key) != 0)
        status = emp_keyring_fail (EMP_SYSTEM, ret_why, "libzmq was built without CURVE: %s", zmq_strerror (errno));
    else if (strcmp (public_key, file.pair.public_key) != 0)
        status = emp_keyring_fail (EMP_INVALID, ret_why, "%s/" SELF ": its public key is not that of its secret key",
                                   directory);
    else
        *ret_pair = file.pair;
    explicit_bzero (&file, sizeof file);
    return status;
}

static emp_status_t write_self (const char *directory, int folder, bool force, const emp_keypair_t *pair, char *ret_why)
{
    char why[EMP_KEYFILE_WHY_MAX];
    emp_keyfile_t file = {.pair = *pair};
    emp_status_t status = emp_keyfile_write (folder, SELF, &file, force, why);
    explicit_bzero (&file, sizeof file);
    if (status == EMP_EXISTS)
        return emp_keyring_fail (status, ret_why,
                                 "%s/" SELF
                                 ": a key pair is there, nothing was done; with --force another takes its place, and "
                                 "who knows its public key has to be told",
                                 directory);
    return status == EMP_OK ? status : emp_keyring_fail (status, ret_why, "%s/" SELF ": %s", directory, why);
}

emp_status_t emp_keypair_new (emp_keypair_t *ret_pair, char *ret_why)
{
    emp_keypair_t pair;
    do
        if (zmq_curve_keypair (pair.public_key, pair.secret_key) != 0)
            return emp_keyring_fail (EMP_SYSTEM, ret_why, "libzmq was built without CURVE: %s", zmq_strerror (errno));
    while (*pair.public_key == '-' || *pair.public_key == '@');
    *ret_pair = pair;
    explicit_bzero (&pair, sizeof pair);
    return EMP_OK;
}

emp_status_t emp_keyring_new (const char *directory, bool force, emp_keypair_t *ret_pair, char *ret_why)
{
    emp_keypair_t pair;
    emp_keyring_place_t place;
    emp_status_t status = emp_keypair_new (&pair, ret_why);
    if (status != EMP_OK)
        return status;
    status = emp_keyring_enter (directory, true, &place, ret_why);
    if (status == EMP_OK)
        status = write_self (directory, place.folder, force, &pair, ret_why);
    emp_keyring_leave (&place);
    if (status == EMP_OK)
        *ret_pair = pair;
    explicit_bzero (&pair, sizeof pair);
    return status;
}
