/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dial.c - see dial.h.
 */
#include "dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONE "none"

static emp_status_t read_key (const char *path, char ret_key[EMP_KEY_SIZE + 1], char *why)
{
    char line[EMP_KEY_SIZE + 2] = "";
    FILE *file = fopen (path, "re");
    if (!file || !fgets (line, sizeof line, file)) {
        snprintf (why, EMP_KEYRING_WHY_MAX, "--broker-key: %.3000s: %s", path,
                  !file || ferror (file) ? strerror (errno) : "found nothing, expected a key");
        if (file)
            fclose (file);
        return EMP_INVALID;
    }
    fclose (file);
    line[strcspn (line, "\r\n")] = 0;
    snprintf (ret_key, EMP_KEY_SIZE + 1, "%s", line);
    return EMP_OK;
}

emp_status_t emp_dial_set (const char *text, bool insecure, char ret_why[EMP_KEYRING_WHY_MAX])
{
    char key[EMP_KEY_SIZE + 1] = "", why[EMP_KEYRING_WHY_MAX];
    if (insecure && text) {
        snprintf (ret_why, EMP_KEYRING_WHY_MAX, "found --broker-key and --insecure, expected one of them");
        return EMP_INVALID;
    }
    if (!text) {
        if (insecure)
            setenv (EMP_BROKER_KEY, NONE, 1);
        return EMP_OK;
    }
    /* A key that another program has made may begin so, too. */
    if (*text == '@' && (emp_key_check (text, why) != EMP_OK || access (text + 1, F_OK) == 0)) {
        emp_status_t status = read_key (text + 1, key, ret_why);
        if (status != EMP_OK)
            return status;
        text = key;
    }
    if (emp_key_check (text, why) != EMP_OK) {
        snprintf (ret_why, EMP_KEYRING_WHY_MAX, "--broker-key: %.4000s", why);
        return EMP_INVALID;
    }
    setenv (EMP_BROKER_KEY, text, 1);
    return EMP_OK;
}

emp_status_t emp_dial_keys (const char *endpoint, emp_curve_t *ret_curve, char ret_why[EMP_KEYRING_WHY_MAX])
{
    const char *broker = getenv (EMP_BROKER_KEY);
    char directory[EMP_KEYRING_PATH_MAX];
    emp_keypair_t pair;
    *ret_curve = (emp_curve_t){0};
    if (!emp_endpoint_is_remote (endpoint) || (broker && strcmp (broker, NONE) == 0))
        return EMP_OK;
    if (!broker || emp_key_check (broker, ret_why) != EMP_OK) {
        snprintf (ret_why, EMP_KEYRING_WHY_MAX,
                  "%s needs --broker-key KEY, what `eisenmp keys show` says on the broker's host, or --insecure",
                  endpoint);
        return EMP_INVALID;
    }
    emp_status_t status = emp_keyring_directory (directory, ret_why);
    if (status == EMP_OK)
        status = emp_keyring_load (directory, &pair, ret_why);
    if (status != EMP_OK)
        return status;
    memcpy (ret_curve->server, broker, sizeof ret_curve->server);
    memcpy (ret_curve->public, pair.public_key, sizeof ret_curve->public);
    memcpy (ret_curve->secret, pair.secret_key, sizeof ret_curve->secret);
    explicit_bzero (&pair, sizeof pair);
    return EMP_OK;
}
