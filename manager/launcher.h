/* SPDX-License-Identifier: BSD-3-Clause
 *
 * launcher.h - this host's workers: starts `eisenmp-worker`, watches it by pidfd, starts it anew when it was killed.
 *
 * One that the broker has given up for its silence is killed, and what it had started too: its slots were given up with it.
 * What a supervisor that was killed leaves behind is found by its tag (common/tag.h).
 * A thread of its own starts the process and stays until it has ended, since the kernel binds a child's "die with your
 * parent" to the thread that made it. The supervisor it starts looks after its slots by itself (worker/README.md).
 */
#ifndef EMP_LAUNCHER_H
#define EMP_LAUNCHER_H

#include <sys/types.h>

#include "../common/control.h"

typedef struct emp_launcher emp_launcher_t;

typedef struct {
    const char *program;   /* full path of eisenmp-worker */
    const char *endpoint;  /* of the door */
    const char *directory; /* removed by the supervisor when its manager is gone */
    uint64_t run;
    uint32_t procs;
    uint32_t grace_ms;
    /* In the launcher's thread. `lost`: a supervisor died; its session and how. `ended`: no more are started; code is
     * the last one's exit status (0 all slots ended well), or -1 when it was killed or could not be started. */
    void (*lost) (void *arg, uint64_t session, pid_t pid, emp_how_t how, uint32_t code);
    void (*ended) (void *arg, int code);
    void *arg;
} emp_launcher_config_t;

/* EMP_OK once the first process is started; EMP_SYSTEM with errno. */
emp_status_t emp_launcher_new (const emp_launcher_config_t *config, emp_launcher_t **ret_self);
/* From now on nothing is started anew. Any thread. */
void emp_launcher_drain (emp_launcher_t *self);
/* The broker has given up a session. False: it is not the supervisor that runs now. Any thread. */
bool emp_launcher_given_up (emp_launcher_t *self, uint64_t session);
/* Kills the workers: SIGQUIT to the supervisor, which kills its slots; SIGKILL when it is still there after a second.
 * Any thread. */
void emp_launcher_kill (emp_launcher_t *self);
/* Kills the workers without asking: SIGKILL to the supervisor, with which its slots die; what they had started is swept up.
 * `ended` is called when that is done, a second later at the most. Any thread. */
void emp_launcher_slay (emp_launcher_t *self);
/* Kills what still runs, waits for it. */
void emp_launcher_destroy (emp_launcher_t **self);

#endif
