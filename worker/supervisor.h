/* SPDX-License-Identifier: BSD-3-Clause
 *
 * supervisor.h - one a host: starts the slots, watches them, tells the broker of those that died, leaves nothing behind.
 *
 * One thread and one poll over pidfds, pipes, signals and a bell that the session's thread rings.
 *
 *   state \ event | slot ended well | slot died          | SIGINT, SIGTERM | SIGQUIT, KILL, broker gone | grace over
 *   running       | it stays away   | LOST, started anew | draining        | killing                    | -
 *   draining      | it stays away   | LOST               | killing         | killing                    | killing
 *   killing       | it stays away   | LOST               | -               | -                          | -
 * Beside that a slot is killed and started anew when its time is up (limit.h): it has had a chunk for longer than
 * TICKET_TIMEOUT, or the broker has given it up and it has not left since; that one at once when the run ends.
 * It ends when no slot is left that runs or waits for a template (nursery.h). A slot that dies EMP_DEATHS_MAX times in a row without a chunk is given up; when no
 * slot can load the modules, all ends at once, with the message of one and no LOST. SIGHUP is the death of the manager
 * that started it, and is taken as SIGQUIT; where a person did, as SIGTERM.
 */
#ifndef EMP_WORKER_SUPERVISOR_H
#define EMP_WORKER_SUPERVISOR_H

#include "../common/control.h"

typedef struct {
    const char *endpoint;
    uint32_t procs;        /* 1… */
    uint64_t run;          /* 0: whichever the broker has */
    uint64_t session;      /* 0: one is made */
    uint32_t grace_ms;     /* how long draining may take */
    int child_of;          /* process id of the manager that started it, or 0: a person did */
    uint32_t wait_ms;      /* for a broker to answer */
    uint64_t cache_bytes;  /* for modules of other hosts */
    uint32_t fenced_ms;    /* how long a slot that was given up may take to leave; 0: by DEAD_AFTER, limit.h */
    const char *directory; /* removed when the manager is gone; or NULL */
} emp_supervisor_config_t;

/* Exit status: 0 every slot ended in good order; 1 one did not, or all were killed; 2 cannot connect or cannot load;
 * EMP_WORKER_GIVEN_UP: the broker is gone, or has given up the supervisor itself, which was frozen, and all were killed; for the
 * manager that started it, which starts another, or, of a person's, to dial once more. */
int emp_supervisor_run (const emp_supervisor_config_t *config);

#endif
