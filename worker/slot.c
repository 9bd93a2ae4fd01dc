/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slot.c - see slot.h.
 */
#include "slot.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/thread.h"
#include "../common/net/dial.h"
#include "fate.h"
#include "loader.h"
#include "toolbox.h"

#define WELCOME_MS 30000  /* hundreds of slots may knock at once */
#define REFUSALS_MAX 1000 /* gets in a row that gave NULL, and the module still says "next" */

typedef struct {
    const emp_slot_config_t *config;
    char name[EMP_SLOT_NAME_MAX];
    emp_slotpage_t *page;
    emp_session_t *session;
    const emp_job_t *job;
    emp_toolbox_t *toolbox;
    emp_worker_fn **functions; /* as in the job */
} slot_t;

void emp_slot_name (unsigned number, char *ret_name)
{
    snprintf (ret_name, EMP_SLOT_NAME_MAX, "Process-%u", number + 1);
}

/* ---- ways out ---------------------------------------------------------------------------------------------------- */

static _Noreturn void leave_process (int code)
{
    fflush (NULL);
    _exit (code);
}

static _Noreturn void unfit (const char *format, ...) EMP_PRINTF (1, 2);
static _Noreturn void unfit (const char *format, ...)
{
    char text[EMP_LOADER_ERROR_MAX + 512];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    fprintf (stderr, "eisenmp: %s\n", text);
    leave_process (EMP_EXIT_UNFIT);
}

/* A module called exit. The exit handlers of the libraries under us would wait for sockets that are still open. */
static void at_exit (int code, void *arg)
{
    (void) arg;
    leave_process (code);
}

/* ---- before the modules ------------------------------------------------------------------------------------------ */

void emp_slot_tie (int parent_pid)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent_pid)
        _exit (1); /* it was gone before it could tie us */
}

static emp_slotpage_t *map_page (int fd)
{
    struct stat status;
    if (fstat (fd, &status) != 0 || status.st_size < (off_t) sizeof (emp_slotpage_t))
        unfit ("descriptor %d is no page of a slot", fd);
    void *page = mmap (NULL, sizeof (emp_slotpage_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        unfit ("cannot map the slot's page: %s", strerror (errno));
    close (fd);
    return page;
}

/* In the session's thread. This process was frozen and has been given up, or its connection broke. The result of what it is at may still be
 * wanted, so it leaves after that; how long that may take the supervisor says, which has been told as well. */
static void on_message (void *arg, const emp_control_t *message)
{
    const slot_t *self = arg;
    if (message || !atomic_load (&self->page->joined))
        return; /* before it has joined, the question that waits for its answer says what is wrong */
    if (!emp_session_is_over (self->session))
        fprintf (stderr, "eisenmp: %s: %s, and leaves\n", self->name,
                 emp_session_is_cut (self->session) ? "its connection to the broker broke" : "was given up");
    emp_toolbox_leave (self->toolbox);
}

static void open_session (slot_t *self)
{
    const emp_slot_config_t *config = self->config;
    char reason[EMP_TEXT_MAX + 1], why[EMP_KEYRING_WHY_MAX];
    emp_curve_t curve;
    if (emp_dial_keys (config->endpoint, &curve, why) != EMP_OK)
        unfit ("%s: %s", self->name, why);
    emp_session_config_t session = {.endpoint = config->endpoint,
                                    .role = EMP_ROLE_WORKER,
                                    .name = self->name,
                                    .session = config->session,
                                    .parent = config->parent,
                                    .run = config->run,
                                    .timeout_ms = WELCOME_MS,
                                    .patient = true,
                                    .curve = &curve,
                                    .has_job = config->job || config->job_fd >= 0,
                                    .on_message = on_message,
                                    .arg = self};
    emp_status_t status = emp_session_new (&session, &self->session, reason);
    explicit_bzero (&curve, sizeof curve);
    if (status == EMP_STOPPED) { /* it came too late */
        atomic_store (&self->page->left, EMP_LEFT_DONE);
        _exit (0);
    }
    if (status == EMP_REFUSED)
        unfit ("%s: %s refuses: %s", self->name, config->endpoint, reason);
    if (status == EMP_TIMEOUT && emp_endpoint_is_remote (config->endpoint))
        atomic_store (&self->page->left,
                      EMP_LEFT_CUT); /* the supervisor had its answer, and sees to a broker that is gone */
    if (status != EMP_OK)
        unfit ("%s: cannot connect to %s: %s", self->name, config->endpoint, emp_status_text (status));
}

/* Says BYE, so that the broker does not take the exit for a loss. */
static _Noreturn void unfit_for_job (slot_t *self, const char *reason)
{
    emp_session_destroy (&self->session);
    zsys_shutdown ();
    unfit ("%s", reason);
}

/* Last in, first out (B22). What a template has loaded is there already, and is only looked up. */
static void load_modules (slot_t *self)
{
    char error[EMP_LOADER_ERROR_MAX + 1];
    size_t count = self->job->modules_count;
    self->functions = calloc (count, sizeof *self->functions);
    if (!self->functions)
        unfit_for_job (self, "out of memory");
    for (size_t i = count; i-- > 0;) {
        const emp_job_module_t *module = &self->job->modules[i];
        if (emp_loader_open (module->path, module->ref, &self->functions[i], error) != EMP_OK)
            unfit_for_job (self, error);
    }
}

/* The job that the supervisor has made for this host; NULL when it cannot be read. */
static emp_job_t *job_of_host (int fd, char *reason)
{
    struct stat status;
    snprintf (reason, EMP_JOB_REASON_MAX, "descriptor %d is no job", fd);
    if (fstat (fd, &status) != 0 || status.st_size <= 0)
        return NULL;
    void *blob = mmap (NULL, (size_t) status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close (fd);
    if (blob == MAP_FAILED)
        return NULL;
    emp_job_t *job = emp_job_new (blob, (size_t) status.st_size, reason);
    munmap (blob, (size_t) status.st_size);
    return job;
}

static void unpack_job (slot_t *self)
{
    char reason[EMP_JOB_REASON_MAX];
    size_t size;
    const void *blob = emp_session_job (self->session, &size);
    if (self->config->job)
        self->job = self->config->job;
    else if (self->config->job_fd >= 0)
        self->job = job_of_host (self->config->job_fd, reason);
    else
        self->job = emp_job_new (blob, size, reason);
    if (!self->job)
        unfit_for_job (self, reason);
    if (self->job->moved)
        fprintf (stderr, "eisenmp: %s: large attributes that are not shared whole, their addresses being taken: %zu\n",
                 self->name, self->job->moved);
}

static void prepare (slot_t *self)
{
    unpack_job (self);
    on_exit (at_exit, NULL); /* behind czmq's own, so called before it; constructors of modules may exit already */
    load_modules (self);
    emp_toolbox_config_t toolbox = {.job = self->job,
                                    .session = self->session,
                                    .calls = &emp_lane_calls,
                                    .page = self->page,
                                    .start_sequence_num = self->config->number,
                                    .name = self->name,
                                    .directory = self->config->directory};
    self->toolbox = emp_toolbox_new (&toolbox);
    if (!self->toolbox)
        unfit_for_job (self, "out of memory");
}

/* ---- the modules ------------------------------------------------------------------------------------------------- */

static void *await_sigterm (void *arg)
{
    emp_toolbox_t *toolbox = arg;
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    for (int number; sigwait (&set, &number) == 0;)
        emp_toolbox_leave (toolbox);
    return NULL;
}

static void start_signal_thread (slot_t *self)
{
    pthread_t thread;
    if (!emp_thread_start (&thread, "emp-signal", await_sigterm, self->toolbox))
        unfit_for_job (self, "cannot start a thread");
    pthread_detach (thread);
}

/* The mates are called once; the first module of the list until it says false. */
static void run_modules (slot_t *self)
{
    emp_toolbox_t *toolbox = self->toolbox;
    for (size_t i = self->job->modules_count - 1; i > 0; i--)
        self->functions[i](toolbox);
    while (!emp_toolbox_is_leaving (toolbox) && self->functions[0](toolbox)) {
        if (emp_toolbox_is_broken (toolbox))
            break;
        if (emp_toolbox_refusals (toolbox) > REFUSALS_MAX) {
            fprintf (stderr,
                     "eisenmp: %s: the module says \"next\", and its queues gave it nothing %d times in a row: "
                     "it is done\n",
                     self->name, REFUSALS_MAX);
            break;
        }
    }
}

static _Noreturn void end (slot_t *self)
{
    bool asked = emp_toolbox_is_leaving (self->toolbox);
    bool cut = emp_session_is_cut (self->session);
    /* The broker of a run that is over says so, or hangs up, and that the queues have stopped was heard before. */
    bool over = emp_session_is_over (self->session) || (cut && !asked && !emp_toolbox_is_broken (self->toolbox));
    bool good = over || (!emp_toolbox_is_broken (self->toolbox) && !emp_session_is_down (self->session));
    emp_toolbox_close (self->toolbox);
    emp_session_destroy (&self->session);
    zsys_shutdown (); /* waits, bounded by their linger, until the last results and the BYE have left */
    if (good)
        atomic_store (&self->page->left, asked && !over ? EMP_LEFT_ASKED : EMP_LEFT_DONE);
    else if (cut)
        atomic_store (&self->page->left, EMP_LEFT_CUT);
    leave_process (good ? 0 : 1);
}

_Noreturn void emp_slot_run (const emp_slot_config_t *config)
{
    slot_t self = {.config = config};
    emp_slot_tie (config->parent_pid);
    emp_slot_name (config->number, self.name);
    prctl (PR_SET_NAME, self.name);
    self.page = map_page (config->page_fd);
    open_session (&self);
    prepare (&self);
    start_signal_thread (&self);
    atomic_store (&self.page->joined, 1);
    run_modules (&self);
    end (&self);
}
