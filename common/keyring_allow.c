/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyring_allow.c - see keyring.h: changes to the list of allowed keys.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyfile.h"
#include "keyring_inner.h"
#include "name.h"

#define FILE_NAME_MAX (EMP_NAME_MAX + sizeof EMP_KEYRING_SUFFIX)

static void default_name (const char *key, char *ret_name)
{
    size_t size = (size_t) sprintf (ret_name, "key-");
    for (size_t taken = 0; *key && taken < 8; key++)
        if ((*key >= '0' && *key <= '9') || (*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z'))
            ret_name[size++] = *key, taken++;
    ret_name[size] = '\0';
}

static emp_status_t write_allowed (const char *directory, const emp_keyring_place_t *place,
                                   const emp_allowed_key_t *key, bool replace, char *ret_why)
{
    char name[FILE_NAME_MAX], why[EMP_KEYFILE_WHY_MAX];
    emp_keyfile_t file = {.role = key->role, .since = key->since};
    strcpy (file.pair.public_key, key->public_key);
    snprintf (name, sizeof name, "%s" EMP_KEYRING_SUFFIX, key->name);
    emp_status_t status = emp_keyfile_write (place->allowed, name, &file, replace, why);
    if (status == EMP_EXISTS)
        return emp_keyring_fail (status, ret_why,
                                 "%s/" EMP_KEYRING_ALLOWED
                                 "/%s: is there and is no key; `eisenmp keys revoke %s` removes it, or "
                                 "take another name",
                                 directory, name, key->name);
    return status == EMP_OK
               ? status
               : emp_keyring_fail (status, ret_why, "%s/" EMP_KEYRING_ALLOWED "/%s: %s", directory, name, why);
}

/* Removes the files that hold this key (unless it is "") or have this name, but for one. */
static emp_status_t remove_files (const char *directory, const emp_keyring_place_t *place, const emp_allowed_t *list,
                                  const char *key, const char *name, const char *but, char *ret_why)
{
    size_t count;
    const emp_allowed_file_t *files = emp_allowed_files (list, &count);
    for (size_t i = 0; i < count; i++) {
        bool meant = (*key && strcmp (files[i].key.public_key, key) == 0) || strcmp (files[i].key.name, name) == 0;
        char file[FILE_NAME_MAX];
        snprintf (file, sizeof file, "%s" EMP_KEYRING_SUFFIX, files[i].key.name);
        if (meant && strcmp (files[i].key.name, but) != 0 && unlinkat (place->allowed, file, 0) != 0 && errno != ENOENT)
            return emp_keyring_fail (EMP_SYSTEM, ret_why, "%s/" EMP_KEYRING_ALLOWED "/%s: cannot be removed: %s",
                                     directory, file, strerror (errno));
    }
    if (fsync (place->allowed) != 0)
        return emp_keyring_fail (EMP_SYSTEM, ret_why, "%s/" EMP_KEYRING_ALLOWED ": %s", directory, strerror (errno));
    return EMP_OK;
}

static const emp_allowed_key_t *named (const emp_allowed_t *list, const char *name)
{
    for (size_t i = 0; i < emp_allowed_count (list); i++)
        if (strcmp (emp_allowed_at (list, i)->name, name) == 0)
            return emp_allowed_at (list, i);
    return NULL;
}

/* How many files hold this key, and whether the one of this name does. */
static size_t copies (const emp_allowed_t *list, const emp_allowed_key_t *key, bool *ret_named)
{
    size_t count, found = 0;
    const emp_allowed_file_t *files = emp_allowed_files (list, &count);
    *ret_named = false;
    for (size_t i = 0; i < count; i++)
        if (strcmp (files[i].key.public_key, key->public_key) == 0) {
            *ret_named = *ret_named || strcmp (files[i].key.name, key->name) == 0;
            found++;
        }
    return found;
}

static emp_status_t allow (const char *directory, const emp_keyring_place_t *place, const emp_allowed_t *list,
                           const emp_allowed_key_t *wish, emp_allowed_key_t *ret_key, emp_key_change_t *ret_change,
                           char *ret_why)
{
    emp_allowed_key_t old = {0}, key = *wish;
    size_t count;
    bool is_new = !emp_allowed_find (list, wish->public_key, &old);
    emp_allowed_files (list, &count);
    if (is_new && count >= EMP_KEYS_ALLOWED_MAX)
        return emp_keyring_fail (EMP_FULL, ret_why, "%s/" EMP_KEYRING_ALLOWED ": has %d keys, as many as may be",
                                 directory, EMP_KEYS_ALLOWED_MAX);
    if (!is_new)
        key.since = old.since;
    if (key.role == EMP_KEY_UNSAID)
        key.role = is_new ? EMP_KEY_WORKER : old.role;
    if (!*key.name && is_new)
        default_name (key.public_key, key.name);
    else if (!*key.name)
        strcpy (key.name, old.name);
    const emp_allowed_key_t *other = named (list, key.name);
    if (other && strcmp (other->public_key, key.public_key) != 0)
        return emp_keyring_fail (
            EMP_EXISTS, ret_why,
            "the name %s is that of the key %s, expected another name (--name), or revoke that key first", key.name,
            other->public_key);
    bool named_so, same = !is_new && strcmp (key.name, old.name) == 0 && key.role == old.role;
    size_t others = copies (list, &key, &named_so) - named_so;
    emp_status_t status = EMP_OK;
    if (!same) /* the new file first: at no moment is the key in none */
        status = write_allowed (directory, place, &key, named_so, ret_why);
    if (status == EMP_OK && others)
        status = remove_files (directory, place, list, key.public_key, "", key.name, ret_why);
    if (status != EMP_OK)
        return status;
    *ret_key = key;
    *ret_change = is_new ? EMP_KEY_ADDED : same && !others ? EMP_KEY_UNCHANGED : EMP_KEY_UPDATED;
    return EMP_OK;
}

emp_status_t emp_keyring_allow (const char *directory, const emp_allowed_key_t *wish, emp_allowed_key_t *ret_key,
                                emp_key_change_t *ret_change, char *ret_why)
{
    emp_status_t status = emp_key_check (wish->public_key, ret_why);
    if (status == EMP_OK && *wish->name)
        status = emp_key_check_name (wish->name, ret_why);
    if (status != EMP_OK)
        return status;
    emp_keyring_place_t place;
    emp_allowed_t *list = NULL;
    status = emp_keyring_enter (directory, true, &place, ret_why);
    if (status == EMP_OK)
        status = emp_allowed_new (directory, &list, ret_why);
    if (status == EMP_OK)
        status = allow (directory, &place, list, wish, ret_key, ret_change, ret_why);
    emp_allowed_destroy (&list);
    emp_keyring_leave (&place);
    return status;
}

static emp_status_t unknown (const emp_allowed_t *list, const char *word, char *ret_why)
{
    char piece[EMP_KEYFILE_PIECE_MAX];
    emp_keyfile_piece (word, strlen (word), piece);
    size_t count = list ? emp_allowed_count (list) : 0;
    const char **names = calloc (count + 1, sizeof *names), *nearest = NULL;
    for (size_t i = 0; names && i < count; i++)
        names[i] = emp_allowed_at (list, i)->name;
    if (names && strlen (word) <= EMP_NAME_MAX)
        nearest = emp_name_nearest (word, names);
    free (names);
    return emp_keyring_fail (EMP_UNKNOWN, ret_why, "found %s, expected the name of an allowed key, or the key%s%s%s",
                             piece, nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static emp_status_t take_out (const char *directory, const emp_keyring_place_t *place, const emp_allowed_t *list,
                              const char *word, emp_allowed_key_t *ret_key, char *ret_why)
{
    size_t count, i = 0;
    const emp_allowed_file_t *files = emp_allowed_files (list, &count);
    while (i < count && strcmp (files[i].key.name, word) != 0 && strcmp (files[i].key.public_key, word) != 0)
        i++;
    if (i == count || !*word)
        return unknown (list, word, ret_why);
    emp_status_t status =
        remove_files (directory, place, list, files[i].key.public_key, files[i].key.name, "", ret_why);
    if (status == EMP_OK)
        *ret_key = files[i].key;
    return status;
}

emp_status_t emp_keyring_revoke (const char *directory, const char *name_or_key, emp_allowed_key_t *ret_key,
                                 char *ret_why)
{
    emp_keyring_place_t place;
    emp_allowed_t *list = NULL;
    emp_status_t status = emp_keyring_enter (directory, false, &place, ret_why);
    if (status == EMP_UNKNOWN)
        status = unknown (NULL, name_or_key, ret_why);
    else if (status == EMP_OK)
        status = emp_allowed_new (directory, &list, ret_why);
    if (list)
        status = take_out (directory, &place, list, name_or_key, ret_key, ret_why);
    emp_allowed_destroy (&list);
    emp_keyring_leave (&place);
    return status;
}
