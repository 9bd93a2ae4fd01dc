/* SPDX-License-Identifier: BSD-3-Clause
 *
 * asker.c - see asker.h.
 */
#include "asker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "runlist.h"

/* An answer that comes behind its step is taken for the next question's, so a step is longer than the way. */
#define STEP_MS 100u
#define STEP_REMOTE_MS 1000u
#define AFTERWARDS_MS 300u
#define AFTERWARDS_STEP_MS 10

struct emp_asker {
    emp_asker_config_t config;
    emp_session_t *session;
    uint8_t page[EMP_OVERVIEW_MAX];
};

static bool is_over (const emp_asker_t *self)
{
    return (self->session && emp_session_is_over (self->session)) ||
           (self->config.folder && !emp_runlist_is_on (self->config.folder));
}

/* What the broker said last, that the run is over, may be read behind the end of its connection: a moment is waited for that. */
static bool was_over (const emp_asker_t *self)
{
    for (uint32_t ms = 0; ms < AFTERWARDS_MS && emp_session_is_cut (self->session); ms += AFTERWARDS_STEP_MS) {
        if (is_over (self))
            return true;
        poll (NULL, 0, AFTERWARDS_STEP_MS);
    }
    return is_over (self);
}

/* A broker that is there and says nothing: stopped, or far too busy. */
static emp_status_t tell_silence (const emp_asker_t *self, char *ret_why)
{
    snprintf (ret_why, EMP_ASKER_WHY_MAX, "the broker at %s does not answer within %.3g s", self->config.endpoint,
              self->config.patience_ms / 1000.0);
    return EMP_TIMEOUT;
}

static emp_status_t tell_over (char *ret_why)
{
    snprintf (ret_why, EMP_ASKER_WHY_MAX, "the run is over");
    return EMP_STOPPED;
}

static emp_status_t tell_refusal (const emp_asker_t *self, emp_status_t status, const char *reason, char *ret_why)
{
    if (status == EMP_SYSTEM && errno == EINVAL) {
        snprintf (ret_why, EMP_ASKER_WHY_MAX, "found \"%s\", expected tcp://HOST:PORT or ipc://PATH",
                  self->config.endpoint);
        return EMP_INVALID;
    }
    const char *why = *reason ? reason : status == EMP_SYSTEM ? strerror (errno) : emp_status_text (status);
    snprintf (ret_why, EMP_ASKER_WHY_MAX, "cannot connect to %s: %s", self->config.endpoint, why);
    return status;
}

/* The session is down though the run is not known to be over. */
static emp_status_t tell_end (emp_asker_t *self, emp_status_t status, char *ret_why)
{
    char reason[EMP_TEXT_MAX + 1];
    emp_session_reason (self->session, reason);
    bool cut = emp_session_is_cut (self->session), refused = status == EMP_SYSTEM && !cut && *reason;
    snprintf (ret_why, EMP_ASKER_WHY_MAX, "%s: %s", self->config.endpoint,
              cut       ? "the connection broke; the run may be over"
              : *reason ? reason
                        : emp_status_text (status));
    return refused ? EMP_REFUSED : status;
}

emp_status_t emp_asker_new (const emp_asker_config_t *config, emp_asker_t **ret_self, char *ret_why)
{
    emp_asker_t *self = calloc (1, sizeof *self);
    if (!self) {
        snprintf (ret_why, EMP_ASKER_WHY_MAX, "out of memory");
        return EMP_NOMEM;
    }
    self->config = *config;
    emp_session_config_t session = {.endpoint = config->endpoint,
                                    .role = EMP_ROLE_WATCHER,
                                    .name = "watcher",
                                    .timeout_ms = config->patience_ms,
                                    .curve = config->curve,
                                    .patient = true, /* how long is waited is said here */
                                    .has_job = true};
    char reason[EMP_TEXT_MAX + 1] = "";
    emp_status_t status = emp_session_new (&session, &self->session, reason);
    if (status == EMP_OK) {
        emp_session_set_timeout (self->session, config->folder ? STEP_MS : STEP_REMOTE_MS);
        *ret_self = self;
        return EMP_OK;
    }
    if (is_over (self))
        status = tell_over (ret_why);
    else if (status == EMP_TIMEOUT && !*reason)
        status = tell_silence (self, ret_why);
    else
        status = tell_refusal (self, status, reason, ret_why);
    free (self);
    return status;
}

void emp_asker_destroy (emp_asker_t **self_p)
{
    if (!*self_p)
        return;
    emp_session_destroy (&(*self_p)->session);
    free (*self_p);
    *self_p = NULL;
}

uint64_t emp_asker_run (emp_asker_t *self)
{
    return emp_session_run (self->session);
}

/* One page, asked for again until the patience ends; an answer to the question before will do as well. */
static emp_status_t ask_page (emp_asker_t *self, uint64_t from, uint64_t until, size_t *ret_size, char *ret_why)
{
    for (;;) {
        emp_status_t status = emp_session_overview (self->session, from, self->page, sizeof self->page, ret_size);
        if (status == EMP_OK)
            return EMP_OK;
        if (was_over (self))
            return tell_over (ret_why);
        if (status == EMP_TIMEOUT && self->config.gives_up && self->config.gives_up (self->config.arg))
            return EMP_STATE;
        if (status == EMP_TIMEOUT && emp_now () < until)
            continue;
        if (status == EMP_TIMEOUT)
            return tell_silence (self, ret_why);
        return tell_end (self, status, ret_why);
    }
}

emp_status_t emp_asker_ask (emp_asker_t *self, emp_overview_t *ret_overview, char *ret_why)
{
    emp_overview_t overview = {0};
    uint64_t from = 0, until = emp_now () + (uint64_t) self->config.patience_ms * 1000;
    emp_status_t status;
    do {
        size_t size;
        status = ask_page (self, from, until, &size, ret_why);
        if (status == EMP_OK && (status = emp_overview_add (&overview, self->page, size, &from)) != EMP_OK)
            snprintf (ret_why, EMP_ASKER_WHY_MAX, "%s: its answer: %s", self->config.endpoint,
                      emp_status_text (status));
    } while (status == EMP_OK && from);
    if (status == EMP_OK)
        *ret_overview = overview;
    else
        emp_overview_release (&overview);
    return status;
}
