/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gate.c - see gate.h.
 */
#include "gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../common/net/socket.h"

struct emp_gate {
    char listen[EMP_ENDPOINT_MAX + 1];
    emp_keypair_t pair;
    pthread_mutex_t lock; /* of the list: the thread of the keys and the broker's ask */
    emp_allowed_t *allowed;
    char failure[EMP_KEYRING_WHY_MAX]; /* that was told last */
    void (*say) (void *arg, const char *sentence);
    void *arg;
};

bool emp_gate_check (const char *listen, char ret_why[EMP_KEYRING_WHY_MAX])
{
    const char *host = listen + strlen ("tcp://");
    const char *colon = emp_endpoint_is_remote (listen) ? strrchr (host, ':') : NULL;
    char *end = NULL;
    unsigned long port = 0;
    bool good = colon && colon > host && strlen (listen) <= EMP_ENDPOINT_MAX && !strpbrk (listen, " \t\r\n;,");
    if (good && strcmp (colon + 1, "*") != 0) {
        good = colon[1] >= '0' && colon[1] <= '9';
        port = strtoul (colon + 1, &end, 10);
        good = good && !*end && port >= 1 && port <= 65535;
    }
    if (!good)
        snprintf (ret_why, EMP_KEYRING_WHY_MAX,
                  "found \"%.300s\", expected tcp://ADDRESS:PORT, for example tcp://*:7654 or tcp://[::1]:7654",
                  listen);
    return good;
}

/* ---- what the broker asks ------------------------------------------------------------------------------------------------- */

static bool allows (void *arg, const char *key, emp_role_t role)
{
    emp_gate_t *self = arg;
    emp_allowed_key_t found;
    pthread_mutex_lock (&self->lock);
    bool allowed = emp_allowed_find (self->allowed, key, &found);
    pthread_mutex_unlock (&self->lock);
    if (role == EMP_ROLE_WATCHER)
        return allowed; /* who takes part may look, too */
    return allowed && (found.role == EMP_KEY_MANAGER) == (role == EMP_ROLE_MANAGER);
}

static void tell_failure (emp_gate_t *self)
{
    const char *failure = emp_allowed_failure (self->allowed);
    if (*failure && strcmp (failure, self->failure) != 0)
        self->say (self->arg, failure);
    snprintf (self->failure, sizeof self->failure, "%s", failure);
}

static bool has_changed (void *arg)
{
    emp_gate_t *self = arg;
    pthread_mutex_lock (&self->lock);
    bool changed = emp_allowed_refresh (self->allowed);
    tell_failure (self);
    pthread_mutex_unlock (&self->lock);
    return changed;
}

static void say (void *arg, const char *sentence)
{
    emp_gate_t *self = arg;
    self->say (self->arg, sentence);
}

emp_gate_config_t emp_gate_config (emp_gate_t *self)
{
    return (emp_gate_config_t){.listen = self->listen,
                               .secret = self->pair.secret_key,
                               .allows = allows,
                               .has_changed = has_changed,
                               .say = say,
                               .arg = self};
}

const char *emp_gate_public_key (const emp_gate_t *self)
{
    return self->pair.public_key;
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

static emp_status_t read_keys (emp_gate_t *self, char *why)
{
    char directory[EMP_KEYRING_PATH_MAX];
    emp_status_t status = emp_keyring_directory (directory, why);
    if (status == EMP_OK)
        status = emp_keyring_load (directory, &self->pair, why);
    if (status == EMP_OK)
        status = emp_allowed_new (directory, &self->allowed, why);
    for (size_t i = 0; status == EMP_OK && emp_allowed_problem_at (self->allowed, i); i++)
        self->say (self->arg, emp_allowed_problem_at (self->allowed, i));
    return status;
}

emp_status_t emp_gate_new (const char *listen, bool insecure, void (*say_fn) (void *arg, const char *sentence),
                           void *arg, emp_gate_t **ret_self, char ret_why[EMP_KEYRING_WHY_MAX])
{
    if (!emp_gate_check (listen, ret_why))
        return EMP_INVALID;
    emp_gate_t *self = calloc (1, sizeof *self);
    if (!self) {
        snprintf (ret_why, EMP_KEYRING_WHY_MAX, "out of memory");
        return EMP_NOMEM;
    }
    snprintf (self->listen, sizeof self->listen, "%s", listen);
    pthread_mutex_init (&self->lock, NULL);
    self->say = say_fn;
    self->arg = arg;
    emp_status_t status = insecure ? EMP_OK : read_keys (self, ret_why);
    if (status == EMP_OK)
        *ret_self = self;
    else
        emp_gate_destroy (&self);
    return status;
}

void emp_gate_destroy (emp_gate_t **self_p)
{
    emp_gate_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    explicit_bzero (&self->pair, sizeof self->pair);
    emp_allowed_destroy (&self->allowed);
    pthread_mutex_destroy (&self->lock);
    free (self);
}
