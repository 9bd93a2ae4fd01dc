/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nursery.h - makes the processes of slots, by START_METHOD: starts this program for each, or has a template fork them.
 *
 *   state \ event | READY | no template can be had | the template died, for the 1st to 2nd time | for the 3rd
 *   loading       | ready | spawning               | loading                                    | spawning
 *   ready         | -     | -                      | loading                                    | spawning
 * Spawning is the first and last state with START_METHOD spawn. It is never wrong: what is wrong with a module is then said
 * by the slots, in the same words and with the same end, whatever the start method. The deaths are those in a row
 * without a slot in between.
 */
#ifndef EMP_WORKER_NURSERY_H
#define EMP_WORKER_NURSERY_H

#include "../common/start.h"
#include "stray.h"
#include "voice.h"

#define EMP_NURSERY_DEATHS_MAX 3
#define EMP_NURSERY_WHY_MAX 160 /* bytes, the NUL included */

typedef struct {
    const char *program;   /* eisenmp-worker; NULL: this very program */
    const char *endpoint;  /* of the broker */
    const char *directory; /* of the run, or NULL */
    uint64_t run;
    uint64_t parent; /* the supervisor's session */
    const void *job; /* borrowed; as it came in WELCOME, or as slots of this host can read it */
    size_t job_size;
    bool hands_job; /* slots are given this one, and do not take that of their own WELCOME */
    emp_start_method_t method;
} emp_nursery_config_t;

typedef enum { EMP_NURSERY_SPAWNING, EMP_NURSERY_LOADING, EMP_NURSERY_READY } emp_nursery_state_t;

typedef struct {
    emp_nursery_config_t config;
    emp_nursery_state_t state;
    char why[EMP_NURSERY_WHY_MAX]; /* why it came to spawn though it should not; empty: slots will say it */
    emp_child_t template;          /* pid 0: none */
    emp_voice_t voice;
    int socket;       /* -1: none */
    uint64_t session; /* of the template, for its tag */
    unsigned deaths;
} emp_nursery_t;

/* Starts a template, if there shall be one. */
void emp_nursery_init (emp_nursery_t *self, const emp_nursery_config_t *config);
/* EMP_OK. EMP_SYSTEM with errno: the system refuses. EMP_TIMEOUT: there is no template now, ask again when the state is
 * no longer LOADING; before that never. */
emp_status_t emp_nursery_slot (emp_nursery_t *self, unsigned number, uint64_t session, emp_child_t *ret_child);
/* The socket has something to read. */
void emp_nursery_hear (emp_nursery_t *self);
/* When the template has ended: collects it and what it left behind, starts another if `wanted`. */
void emp_nursery_collect (emp_nursery_t *self, bool wanted, emp_stray_is_own_fn *is_own, void *arg);
/* Kills the template, which is a stray from now on. */
void emp_nursery_close (emp_nursery_t *self);

#endif
