/* SPDX-License-Identifier: BSD-3-Clause
 *
 * template.h - the process that slots are forked from: it has loaded the worker modules, and with START_METHOD fork it
 * holds the job unpacked as well. It has one thread and never a session.
 *
 *   supervisor                 template                     midwife          slot
 *   job, as a file         →   loads the modules
 *                          ←   READY, or THREADED
 *   order, page, output    →   fork ──────────────────────→ fork ──────────→ waits
 *                              waits for the midwife      ← exit
 *                          ←   BORN
 *                              go ───────────────────────────────────────────→ runs
 *
 * A slot's parent exits at once, so the slot goes to the next subreaper, which is the supervisor: for the supervisor it is
 * a child as any other, that is tied to it and not to the template. It does nothing before BORN is said, and ends when
 * the template does not live so long: no slot runs that the supervisor does not know.
 */
#ifndef EMP_WORKER_TEMPLATE_H
#define EMP_WORKER_TEMPLATE_H

#include "../common/start.h"
#include "slot.h"

#define EMP_TEMPLATE_NAME "emp-template" /* as ps and top show it */

/* One file: the job as it came in WELCOME. */
typedef struct {
    uint64_t size;
} emp_template_job_t;

/* Two files: the slot's page, and what it shall write to. */
typedef struct {
    uint64_t session;
    uint32_t number;
} emp_template_order_t;

typedef enum {
    EMP_TEMPLATE_READY = 1,
    EMP_TEMPLATE_THREADED, /* a module has started a thread, which no fork would have; it ends */
    EMP_TEMPLATE_BORN,     /* value: process id */
    EMP_TEMPLATE_FAILED    /* value: error number */
} emp_template_says_t;

typedef struct {
    uint32_t says; /* emp_template_says_t */
    int32_t value;
} emp_template_answer_t;

typedef struct {
    const char *endpoint;
    const char *directory; /* of the run, or NULL */
    uint64_t run;
    uint64_t parent; /* the supervisor's session */
    int parent_pid;
    int socket;
    emp_start_method_t method; /* not spawn */
} emp_template_config_t;

/* Runs to the end of the process. Exit status EMP_EXIT_UNFIT: a slot that loads the modules by itself will say what is
 * wrong. 0: the supervisor has closed its end. */
_Noreturn void emp_template_run (const emp_template_config_t *config);

#endif
