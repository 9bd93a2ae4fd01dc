/* SPDX-License-Identifier: BSD-3-Clause
 *
 * template.c - see template.h.
 */
#include "template.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/net/socket.h"
#include "child.h"
#include "fate.h"
#include "loader.h"
#include "pass.h"

#define TAG_DIGITS 16

typedef struct {
    const emp_template_config_t *config;
    char *tag;             /* the digits of EISENMP_SLOT, where the kernel shows them too */
    _Atomic int32_t *born; /* shared with the midwife: the slot's process id, or an error number below 0 */
    emp_job_t *job;        /* NULL: each slot unpacks its own */
} template_t;

/* ---- ways out ---------------------------------------------------------------------------------------------------- */

static _Noreturn void leave_process (int code)
{
    fflush (NULL);
    _exit (code);
}

/* A constructor of a module called exit. */
static void at_exit (int code, void *arg)
{
    (void) arg;
    leave_process (code);
}

static void answer (const template_t *self, emp_template_says_t says, int32_t value)
{
    emp_template_answer_t message = {.says = says, .value = value};
    if (!emp_pass_send (self->config->socket, &message, sizeof message, NULL, 0))
        leave_process (0); /* nobody is there any more */
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static emp_job_t *receive_job (const template_t *self)
{
    emp_template_job_t message;
    char reason[EMP_JOB_REASON_MAX];
    int file;
    if (!emp_pass_receive (self->config->socket, &message, sizeof message, &file, 1))
        return NULL;
    emp_job_t *job = NULL;
    void *blob = mmap (NULL, message.size, PROT_READ, MAP_PRIVATE, file, 0);
    if (blob != MAP_FAILED) {
        job = emp_job_new (blob, message.size, reason);
        munmap (blob, message.size);
    }
    close (file);
    return job;
}

/* Last in, first out (B22). They stay, so a slot that opens them again finds them loaded. */
static bool load_modules (const emp_job_t *job)
{
    char error[EMP_LOADER_ERROR_MAX + 1];
    emp_worker_fn *function;
    for (size_t i = job->modules_count; i-- > 0;)
        if (emp_loader_open (job->modules[i].path, job->modules[i].ref, &function, error) != EMP_OK)
            return false;
    return true;
}

/* Threads of this process, as links of a folder; 0 where there is no /proc. */
static unsigned long threads (void)
{
    struct stat status;
    return stat ("/proc/self/task", &status) == 0 ? (unsigned long) status.st_nlink : 0;
}

static void load (template_t *self)
{
    unsigned long before = threads (); /* a sanitizer may have one of its own, and knows about forks */
    emp_job_t *job = receive_job (self);
    if (!job || !load_modules (job))
        leave_process (EMP_EXIT_UNFIT);
    if (threads () > before) {
        answer (self, EMP_TEMPLATE_THREADED, 0);
        leave_process (EMP_EXIT_UNFIT);
    }
    if (self->config->method == EMP_START_FORK || emp_endpoint_is_remote (self->config->endpoint))
        self->job = job; /* that of WELCOME is of another host */
    else
        emp_job_destroy (&job);
}

/* ---- forking ----------------------------------------------------------------------------------------------------- */

/* Until the template has told the supervisor of it, a slot is nobody: it waits for a byte. When the template dies before
 * that, it ends. */
static void await_go (const int go[2])
{
    char byte;
    ssize_t rc;
    close (go[1]);
    do
        rc = read (go[0], &byte, 1);
    while (rc < 0 && errno == EINTR);
    if (rc != 1)
        _exit (1);
    close (go[0]);
}

static _Noreturn void become_slot (const template_t *self, const emp_template_order_t *order, const int files[2],
                                   const int go[2])
{
    close (self->config->socket);
    dup2 (files[1], STDOUT_FILENO);
    dup2 (files[1], STDERR_FILENO);
    close (files[1]);
    setpgid (0, 0);
    await_go (go);
    emp_slot_config_t config = {.endpoint = self->config->endpoint,
                                .directory = self->config->directory,
                                .run = self->config->run,
                                .session = order->session,
                                .parent = self->config->parent,
                                .number = order->number,
                                .page_fd = files[0],
                                .parent_pid = self->config->parent_pid,
                                .job_fd = -1,
                                .job = self->job};
    emp_slot_run (&config);
}

/* The slot's process id once it is the supervisor's child, or an error number below 0. */
static int32_t bear (template_t *self, const emp_template_order_t *order, const int files[2], const int go[2])
{
    atomic_store (self->born, -ECHILD); /* what a midwife that was killed leaves */
    pid_t midwife = fork ();
    if (midwife < 0)
        return -errno;
    if (midwife == 0) {
        pid_t slot = fork ();
        if (slot == 0)
            become_slot (self, order, files, go);
        atomic_store (self->born, slot > 0 ? slot : -errno);
        _exit (0);
    }
    while (waitpid (midwife, NULL, 0) < 0 && errno == EINTR)
        ;
    return atomic_load (self->born);
}

static void carry_out (template_t *self, const emp_template_order_t *order, const int files[2])
{
    int go[2];
    if (pipe2 (go, O_CLOEXEC) != 0) {
        answer (self, EMP_TEMPLATE_FAILED, errno);
        return;
    }
    int32_t born = bear (self, order, files, go);
    if (born > 0)
        answer (self, EMP_TEMPLATE_BORN, born);
    else
        answer (self, EMP_TEMPLATE_FAILED, -born);
    (void) !write (go[1], "", 1); /* nobody reads it where none was born; our own end is open, so no signal */
    close (go[0]);
    close (go[1]);
}

static void serve (template_t *self)
{
    emp_template_order_t order;
    int files[2];
    while (emp_pass_receive (self->config->socket, &order, sizeof order, files, 2)) {
        char digits[TAG_DIGITS + 1];
        snprintf (digits, sizeof digits, "%016" PRIx64, order.session);
        memcpy (self->tag, digits, TAG_DIGITS);
        fflush (NULL); /* what constructors wrote is theirs, and not each slot's once more */
        carry_out (self, &order, files);
        close (files[0]);
        close (files[1]);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool prepare (template_t *self)
{
    void *room = mmap (NULL, sizeof *self->born, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    self->tag = getenv (EMP_TAG_SLOT);
    if (room == MAP_FAILED || !self->tag || strlen (self->tag) != TAG_DIGITS)
        return false;
    self->born = room;
    return true;
}

static void tell_joined (void)
{
    void *page = mmap (NULL, sizeof (emp_slotpage_t), PROT_READ | PROT_WRITE, MAP_SHARED, EMP_CHILD_PAGE_FD, 0);
    close (EMP_CHILD_PAGE_FD);
    if (page == MAP_FAILED)
        leave_process (EMP_EXIT_UNFIT);
    atomic_store (&((emp_slotpage_t *) page)->joined, 1);
    munmap (page, sizeof (emp_slotpage_t));
}

_Noreturn void emp_template_run (const emp_template_config_t *config)
{
    template_t self = {.config = config};
    emp_slot_tie (config->parent_pid);
    prctl (PR_SET_NAME, EMP_TEMPLATE_NAME);
    on_exit (at_exit, NULL);
    if (!prepare (&self))
        leave_process (EMP_EXIT_UNFIT);
    load (&self);
    prctl (PR_SET_CHILD_SUBREAPER, 0); /* of a module; slots would stay here */
    tell_joined ();
    answer (&self, EMP_TEMPLATE_READY, 0);
    serve (&self);
    leave_process (0);
}
