/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nursery.c - see nursery.h.
 */
#include "nursery.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/how.h"
#include "../common/net/socket.h"
#include "fate.h"
#include "pass.h"
#include "template.h"

#define ANSWER_MS 5000 /* a fork takes less than one, with gigabytes tens */
#define ARGUMENT_MAX 20

static void close_fd (int *fd)
{
    if (*fd >= 0)
        close (*fd);
    *fd = -1;
}

static void spawn_from_now_on (emp_nursery_t *self, const char *format, ...) EMP_PRINTF (2, 3);
static void spawn_from_now_on (emp_nursery_t *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (self->why, sizeof self->why, format, args);
    va_end (args);
    self->state = EMP_NURSERY_SPAWNING;
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static emp_status_t start_program (const emp_nursery_t *self, emp_child_t *ret_child, const char *const argv[],
                                   uint64_t session, int extra)
{
    char path[EMP_CHILD_PROGRAM_MAX];
    const char *program = self->config.program ? self->config.program : emp_child_program (path);
    /* posix_spawn does not write to its arguments; its prototype is older than const */
    return emp_child_start (ret_child, program, (char **) (uintptr_t) argv, session, extra);
}

/* The job as a file, or -1. */
static int make_job (const emp_nursery_t *self)
{
    int file = memfd_create ("eisenmp-job", MFD_CLOEXEC);
    for (size_t done = 0; file >= 0 && done < self->config.job_size;) {
        ssize_t rc = write (file, (const char *) self->config.job + done, self->config.job_size - done);
        if (rc < 0 && errno != EINTR)
            close_fd (&file);
        done += rc > 0 ? (size_t) rc : 0;
    }
    return file;
}

static emp_status_t spawn_slot (emp_nursery_t *self, unsigned slot, uint64_t id, emp_child_t *ret_child)
{
    char run[ARGUMENT_MAX], number[ARGUMENT_MAX], session[ARGUMENT_MAX], parent[ARGUMENT_MAX], page[ARGUMENT_MAX],
        pid[ARGUMENT_MAX], job[ARGUMENT_MAX];
    int file = self->config.hands_job ? emp_child_move_up (make_job (self)) : -1;
    if (self->config.hands_job && file < 0)
        return EMP_SYSTEM;
    snprintf (job, sizeof job, "%d", EMP_CHILD_EXTRA_FD);
    snprintf (run, sizeof run, "%" PRIx64, self->config.run);
    snprintf (number, sizeof number, "%u", slot);
    snprintf (session, sizeof session, "%" PRIx64, id);
    snprintf (parent, sizeof parent, "%" PRIx64, self->config.parent);
    snprintf (page, sizeof page, "%d", EMP_CHILD_PAGE_FD);
    snprintf (pid, sizeof pid, "%d", (int) getpid ());
    const char *argv[] = {"eisenmp-worker",
                          "--connect",
                          self->config.endpoint,
                          "--run",
                          run,
                          "--slot",
                          number,
                          "--session",
                          session,
                          "--parent",
                          parent,
                          "--page",
                          page,
                          "--child-of",
                          pid,
                          file >= 0                ? "--job"
                          : self->config.directory ? "--directory"
                                                   : NULL,
                          file >= 0 ? job : self->config.directory, /* who hands a job has no folder of the manager's */
                          NULL};
    emp_status_t status = start_program (self, ret_child, argv, id, file);
    int saved = errno;
    close_fd (&file);
    errno = saved;
    return status;
}

static emp_status_t spawn_template (emp_nursery_t *self, int socket)
{
    char run[ARGUMENT_MAX], parent[ARGUMENT_MAX], extra[ARGUMENT_MAX], pid[ARGUMENT_MAX];
    snprintf (run, sizeof run, "%" PRIx64, self->config.run);
    snprintf (parent, sizeof parent, "%" PRIx64, self->config.parent);
    snprintf (extra, sizeof extra, "%d", EMP_CHILD_EXTRA_FD);
    snprintf (pid, sizeof pid, "%d", (int) getpid ());
    const char *argv[] = {"eisenmp-worker",
                          "--connect",
                          self->config.endpoint,
                          "--run",
                          run,
                          "--template",
                          extra,
                          "--parent",
                          parent,
                          "--child-of",
                          pid,
                          "--start-method",
                          emp_start_text (self->config.method),
                          self->config.directory ? "--directory" : NULL,
                          self->config.directory,
                          NULL};
    self->session = emp_random_id ();
    return start_program (self, &self->template, argv, self->session, socket);
}

/* ---- the template ------------------------------------------------------------------------------------------------ */

/* It lies in the socket until the template takes it. */
static bool send_job (const emp_nursery_t *self)
{
    emp_template_job_t message = {.size = self->config.job_size};
    int file = make_job (self);
    bool good = file >= 0 && emp_pass_send (self->socket, &message, sizeof message, &file, 1);
    close_fd (&file);
    return good;
}

static bool start_template (emp_nursery_t *self)
{
    int ends[2];
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    self->socket = emp_child_move_up (ends[0]);
    int other = emp_child_move_up (ends[1]);
    bool good = self->socket >= 0 && other >= 0 && send_job (self) && spawn_template (self, other) == EMP_OK;
    close_fd (&other);
    if (!good)
        close_fd (&self->socket);
    return good;
}

static void load (emp_nursery_t *self)
{
    self->state = EMP_NURSERY_LOADING;
    emp_voice_init (&self->voice);
    if (!start_template (self))
        spawn_from_now_on (self, "no template process can be started: %s", strerror (errno));
}

void emp_nursery_init (emp_nursery_t *self, const emp_nursery_config_t *config)
{
    *self = (emp_nursery_t){
        .config = *config, .template = {.pidfd = -1, .pipe = -1}, .socket = -1, .state = EMP_NURSERY_SPAWNING};
    if (config->method != EMP_START_SPAWN)
        load (self);
}

void emp_nursery_hear (emp_nursery_t *self)
{
    emp_template_answer_t answer;
    if (!emp_pass_receive (self->socket, &answer, sizeof answer, NULL, 0))
        close_fd (&self->socket); /* its end follows */
    else if (answer.says == EMP_TEMPLATE_READY && self->state == EMP_NURSERY_LOADING) {
        self->state = EMP_NURSERY_READY;
        emp_voice_read (&self->voice, &self->template, EMP_VOICE_BYTES); /* it has joined: nothing is held back */
    } else if (answer.says == EMP_TEMPLATE_THREADED && self->state == EMP_NURSERY_LOADING)
        spawn_from_now_on (self, "a worker module starts a thread when it is loaded");
}

void emp_nursery_collect (emp_nursery_t *self, bool wanted, emp_stray_is_own_fn *is_own, void *arg)
{
    char tag[EMP_TAG_MAX], text[EMP_HOW_TEXT_MAX + 1];
    emp_end_t end;
    if (!emp_child_collect (&self->template, &end))
        return;
    emp_tag_text (EMP_TAG_SLOT, self->session, tag);
    emp_stray_sweep (tag, is_own, arg);
    emp_voice_end (&self->voice, &self->template);
    emp_child_release (&self->template);
    close_fd (&self->socket);
    if (self->state == EMP_NURSERY_SPAWNING)
        return;
    emp_how_text (end.how, end.code, text);
    if (!end.joined && end.how == EMP_HOW_EXIT && end.code == EMP_EXIT_UNFIT)
        self->state = EMP_NURSERY_SPAWNING; /* slots will say why */
    else if (++self->deaths >= EMP_NURSERY_DEATHS_MAX)
        spawn_from_now_on (self, "the template process has died %u times (%s)", self->deaths, text);
    else if (wanted)
        load (self);
    else
        self->state = EMP_NURSERY_LOADING;
}

void emp_nursery_close (emp_nursery_t *self)
{
    if (self->template.pid) {
        emp_child_signal (&self->template, SIGKILL);
        self->template.pid = 0;
        emp_voice_end (&self->voice, &self->template);
        emp_child_release (&self->template);
    }
    close_fd (&self->socket);
}

/* ---- orders ------------------------------------------------------------------------------------------------------ */

/* An answer, or nothing within its time. Whether the template lives is asked as well, since the other end of the socket
 * may be open in somebody that a module has left behind. */
static bool await_answer (emp_nursery_t *self, emp_template_answer_t *ret_answer)
{
    uint64_t now = emp_now (), deadline = now + ANSWER_MS * 1000u;
    while (now < deadline) {
        struct pollfd items[] = {{.fd = self->socket, .events = POLLIN},
                                 {.fd = self->template.pidfd, .events = POLLIN}};
        if (poll (items, 2, (int) ((deadline - now + 999) / 1000)) > 0)
            return items[0].revents && emp_pass_receive (self->socket, ret_answer, sizeof *ret_answer, NULL, 0);
        now = emp_now ();
    }
    return false;
}

typedef struct {
    emp_nursery_t *nursery;
    emp_template_order_t order;
} errand_t;

static int ask (void *arg, int page, int output, pid_t *ret_pid)
{
    errand_t *errand = arg;
    emp_nursery_t *self = errand->nursery;
    emp_template_answer_t answer;
    if (!emp_pass_send (self->socket, &errand->order, sizeof errand->order, (int[]){page, output}, 2) ||
        !await_answer (self, &answer)) {
        self->state = EMP_NURSERY_LOADING; /* the next one, once this one was collected */
        emp_child_signal (&self->template, SIGKILL);
        return ECONNRESET;
    }
    if (answer.says != EMP_TEMPLATE_BORN)
        return answer.value;
    self->deaths = 0;
    *ret_pid = answer.value;
    return 0;
}

emp_status_t emp_nursery_slot (emp_nursery_t *self, unsigned number, uint64_t session, emp_child_t *ret_child)
{
    if (self->state == EMP_NURSERY_SPAWNING)
        return spawn_slot (self, number, session, ret_child);
    if (self->state == EMP_NURSERY_LOADING)
        return EMP_TIMEOUT;
    errand_t errand = {.nursery = self, .order = {.session = session, .number = number}};
    emp_status_t status = emp_child_adopt (ret_child, ask, &errand);
    return self->state == EMP_NURSERY_READY ? status : EMP_TIMEOUT;
}
