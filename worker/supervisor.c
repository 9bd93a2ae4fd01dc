/* SPDX-License-Identifier: BSD-3-Clause
 *
 * supervisor.c - see supervisor.h.
 */
#include "supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../common/directory.h"
#include "../common/how.h"
#include "../common/net/session.h"
#include "../common/thread.h"
#include "child.h"
#include "../common/net/dial.h"
#include "fate.h"
#include "job.h"
#include "limit.h"
#include "nursery.h"
#include "orders.h"
#include "slot.h"
#include "staging.h"
#include "writer.h"

#define WELCOME_MS 10000 /* of a manager's own supervisor */
#define ORPHANED_MS 2000
#define AGAIN_US 25000u /* after the first start that failed four times as much, then four times that… */
#define FDS_A_SLOT 2
#define FDS_BESIDE 64

typedef enum { RUNNING, DRAINING, KILLING } state_t;

/* Places in the poll; pidfd and pipe of each slot follow. */
enum { SIGNALS, BELL, TEMPLATE, TEMPLATE_SOCKET, TEMPLATE_PIPE, SLOTS };

typedef struct {
    unsigned number;
    char name[EMP_SLOT_NAME_MAX];
    uint64_t session;
    emp_child_t child; /* child.pid 0: it waits for a template, or has ended for good */
    emp_voice_t voice;
    unsigned deaths;       /* in a row, without a chunk; starts that failed included */
    bool waits;            /* for a template */
    uint64_t again_at;     /* it could not be started, and is tried again then; 0: it is not */
    bool unwanted;         /* it was killed by order, and is not started again */
    uint64_t fenced_until; /* the broker has given it up, and it is killed then; 0: it has not */
    bool late;             /* it was killed for having had a chunk for too long: this one */
    uint64_t late_ticket;
} slot_t;

typedef struct {
    const emp_supervisor_config_t *config;
    emp_session_t *session;
    state_t state;
    bool over;    /* the broker has said so: who is killed now is not missed */
    bool hung_up; /* the manager that started us has died */
    uint64_t grace_until;
    bool joined; /* a slot has loaded its modules, now or ever */
    bool ended;  /* a slot has ended in good order */
    int exit_code;
    int signals;
    uint64_t limit;  /* TICKET_TIMEOUT in microseconds, 0: none */
    unsigned fenced; /* slots that the broker has given up and that are still here */
    emp_orders_t orders;
    slot_t *slots;
    emp_cache_t *cache; /* of what other hosts have; NULL: the manager is here */
    emp_staging_t *staging;
    emp_buf_t job; /* as slots of this host can read it */
    emp_nursery_t nursery;
    struct pollfd *items;
} supervisor_t;

static void say (const char *format, ...) EMP_PRINTF (1, 2);
static void say (const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    char line[sizeof text + 16];
    int size = snprintf (line, sizeof line, "eisenmp: %s\n", text);
    emp_writer_write (line, (size_t) size);
}

/* ---- slots ------------------------------------------------------------------------------------------------------- */

static bool is_own (void *arg, pid_t pid)
{
    const supervisor_t *self = arg;
    for (uint32_t i = 0; i < self->config->procs; i++)
        if (self->slots[i].child.pid == pid)
            return true;
    return self->nursery.template.pid == pid;
}

static bool is_to_come (const slot_t *slot)
{
    return slot->waits || slot->again_at;
}

static bool any_slot (const supervisor_t *self)
{
    for (uint32_t i = 0; i < self->config->procs; i++)
        if (self->slots[i].child.pid || is_to_come (&self->slots[i]))
            return true;
    return false;
}

/* No more slots are started anew. */
static bool is_ending (supervisor_t *self)
{
    return self->state != RUNNING || atomic_load (&self->orders.drains);
}

/* A slot that runs, or one before it, has loaded its modules. */
static bool any_joined (supervisor_t *self)
{
    for (uint32_t i = 0; i < self->config->procs && !self->joined; i++)
        self->joined = self->slots[i].child.page && atomic_load (&self->slots[i].child.page->joined);
    return self->joined;
}

/* Who waits for a template, or to be tried again, has nothing in hand. */
static void send_waiting_away (supervisor_t *self)
{
    for (uint32_t i = 0; i < self->config->procs; i++) {
        self->slots[i].waits = false;
        self->slots[i].again_at = 0;
    }
}

static void signal_slots (supervisor_t *self, int number)
{
    send_waiting_away (self);
    for (uint32_t i = 0; i < self->config->procs; i++) {
        const emp_child_t *child = &self->slots[i].child;
        if (!child->pid)
            continue;
        emp_child_signal (child, number);
    }
}

static void start_draining (supervisor_t *self)
{
    self->state = DRAINING;
    self->grace_until = emp_now () + (uint64_t) self->config->grace_ms * 1000;
    signal_slots (self, SIGTERM);
}

static void start_killing (supervisor_t *self)
{
    if (self->state == KILLING)
        return;
    self->state = KILLING;
    if (self->exit_code == 0)
        self->exit_code = 1;
    signal_slots (self, SIGKILL);
}

static void watch (supervisor_t *self, const slot_t *slot)
{
    struct pollfd *items = &self->items[SLOTS + FDS_A_SLOT * slot->number];
    items[0].fd = slot->child.pid ? slot->child.pidfd : -1;
    items[1].fd = slot->child.pid ? slot->child.pipe : -1;
}

static void give_up (supervisor_t *self, const slot_t *slot)
{
    say ("%s died %d times in a row without a chunk in between and is not started again", slot->name, EMP_DEATHS_MAX);
    self->exit_code = 1;
}

/* What the system lacks now (processes, memory, files) it may have in a moment. */
static void could_not_start (supervisor_t *self, slot_t *slot)
{
    say ("cannot start %s: %s", slot->name, strerror (errno));
    if (++slot->deaths >= EMP_DEATHS_MAX)
        give_up (self, slot);
    else
        slot->again_at = emp_now () + ((uint64_t) AGAIN_US << (2 * slot->deaths));
}

static void start_slot (supervisor_t *self, slot_t *slot)
{
    slot->session = emp_random_id (); /* of this life */
    slot->late = false;
    emp_orders_expect (&self->orders, slot->number, slot->session);
    slot->child = (emp_child_t){.pidfd = -1, .pipe = -1};
    emp_voice_init (&slot->voice);
    emp_status_t status = emp_nursery_slot (&self->nursery, slot->number, slot->session, &slot->child);
    slot->waits = status == EMP_TIMEOUT;
    slot->again_at = 0;
    if (status != EMP_OK && !slot->waits)
        could_not_start (self, slot);
    watch (self, slot);
}

/* The nursery's state may have changed. */
static void see_to_nursery (supervisor_t *self)
{
    emp_nursery_t *nursery = &self->nursery;
    if (nursery->why[0])
        say ("%s: worker processes are spawned", nursery->why);
    nursery->why[0] = 0;
    for (uint32_t i = 0; i < self->config->procs && nursery->state != EMP_NURSERY_LOADING; i++)
        if (self->slots[i].waits)
            start_slot (self, &self->slots[i]);
    /* What the poll has said of the template before need not be true of this one. */
    self->items[TEMPLATE] = (struct pollfd){.fd = nursery->template.pidfd, .events = POLLIN};
    self->items[TEMPLATE_SOCKET] = (struct pollfd){.fd = nursery->socket, .events = POLLIN};
    self->items[TEMPLATE_PIPE] = (struct pollfd){.fd = nursery->template.pipe, .events = POLLIN};
}

static void template_ended (supervisor_t *self)
{
    bool wanted = !is_ending (self);
    emp_nursery_collect (&self->nursery, wanted, is_own, self);
    if (!wanted)
        send_waiting_away (self);
    see_to_nursery (self);
}

/* What it was at. Who dies with nothing in hand may take the last ending along, which was kept back or is on its way: then that
 * ticket fails, so that a module which crashes behind each chunk comes to an end. If it has left, the ticket is answered, and
 * nobody fails. Who was killed for its time, and had just given that chunk back, is to blame for none. */
static uint64_t ticket_of (const slot_t *slot, const emp_end_t *end)
{
    uint64_t ticket = atomic_load (&slot->child.page->ticket), since;
    if (end->cut)
        return EMP_TICKET_NONE; /* it has done what it was at, and whether that has arrived the broker knows */
    if (end->how == EMP_HOW_TIMEOUT &&
        (!emp_slotpage_oldest (slot->child.page, &ticket, &since) || ticket != slot->late_ticket))
        return EMP_TICKET_NONE;
    if (!ticket)
        ticket = atomic_load (&slot->child.page->ended);
    return ticket ? ticket : EMP_TICKET_NONE;
}

static void report_loss (supervisor_t *self, const slot_t *slot, pid_t pid, const emp_end_t *end)
{
    emp_control_t lost = {.kind = EMP_MSG_LOST,
                          .session = slot->session,
                          .pid = (uint32_t) pid,
                          .how = end->how,
                          .code = end->code,
                          .size = end->peak,
                          .window = ticket_of (slot, end)};
    snprintf (lost.name, sizeof lost.name, "%s", slot->name);
    memcpy (lost.text, slot->voice.tail.kept, slot->voice.tail.size + 1);
    emp_session_send (self->session, &lost);
    if (self->config->child_of || self->state == KILLING || slot->unwanted || end->cut)
        return; /* the manager's report says it; who has them killed knows it, and who was cut off has said so */
    char how[EMP_HOW_TEXT_MAX + 1], peak[EMP_HOW_PEAK_MAX + 1];
    emp_how_text (end->how, end->code, how);
    emp_how_peak (end->peak, peak);
    say ("%s (process %d) %s%s", slot->name, (int) pid, how, peak);
}

static void take_fate (supervisor_t *self, slot_t *slot, emp_fate_t fate)
{
    switch (fate) {
    case EMP_FATE_ENDED: self->ended = true; break;
    case EMP_FATE_AGAIN: start_slot (self, slot); break;
    case EMP_FATE_DEAD: self->exit_code = self->exit_code || self->over ? self->exit_code : 1; break;
    case EMP_FATE_GIVEN_UP: give_up (self, slot); break;
    case EMP_FATE_UNFIT:
        self->exit_code = EMP_EXIT_UNFIT;
        start_killing (self);
        break;
    }
}

/* Its pidfd says that it has ended: everything it started dies with it, then what it wrote is read, then it is
 * judged. */
static void slot_ended (supervisor_t *self, slot_t *slot)
{
    pid_t pid = slot->child.pid;
    emp_end_t end;
    if (!emp_child_collect (&slot->child, &end))
        return;
    char tag[EMP_TAG_MAX];
    emp_tag_text (EMP_TAG_SLOT, slot->session, tag);
    emp_stray_sweep (tag, is_own, self);
    emp_voice_end (&slot->voice, &slot->child);

    bool ending = is_ending (self), fenced = slot->fenced_until != 0;
    if (slot->late && end.how == EMP_HOW_SIGNAL && end.code == SIGKILL)
        end.how = EMP_HOW_TIMEOUT;
    end.overtime = fenced || end.how == EMP_HOW_TIMEOUT;
    /* Who was asked to leave by somebody else, while there is work, is missed and started anew. */
    uint32_t left = atomic_load (&slot->child.page->left);
    end.left = left == EMP_LEFT_DONE || (left == EMP_LEFT_ASKED && ending);
    end.cut = left == EMP_LEFT_CUT;
    emp_fate_t fate = emp_fate_of (&end, ending, any_joined (self), &slot->deaths);
    if (self->state != KILLING || fate == EMP_FATE_ENDED)
        emp_voice_show (&slot->voice);
    bool unfit = fate == EMP_FATE_UNFIT || self->exit_code == EMP_EXIT_UNFIT; /* then no slot has ever had a chunk */
    if (fate != EMP_FATE_ENDED && !unfit)
        report_loss (self, slot, pid, &end);
    emp_child_release (&slot->child);
    watch (self, slot);
    slot->fenced_until = 0;
    self->fenced -= fenced;
    if (!slot->unwanted && !(fenced && fate == EMP_FATE_DEAD)) /* the run has done without the fenced one */
        take_fate (self, slot, fate);
}

/* ---- time is up -------------------------------------------------------------------------------------------------- */

static bool anybody_works (const supervisor_t *self)
{
    for (uint32_t i = 0; i < self->config->procs; i++)
        if ((self->slots[i].child.pid && !self->slots[i].fenced_until) || is_to_come (&self->slots[i]))
            return true;
    return false;
}

/* While others work, one that was given up has time to wake up and leave. Without any, nothing goes on before it is replaced. */
static void hurry_fenced (supervisor_t *self)
{
    uint64_t soon = emp_now () + emp_session_dead_after (self->session);
    for (uint32_t i = 0; i < self->config->procs; i++)
        if (self->slots[i].fenced_until > soon &&
            self->slots[i].fenced_until != EMP_LIMIT_NEVER) /* that one is killed */
            self->slots[i].fenced_until = soon;
}

/* The broker has given it up. It may be frozen only, so it has time to wake up, send what it has and leave. */
static void fence (supervisor_t *self, slot_t *slot)
{
    if (slot->fenced_until)
        return;
    uint64_t grace = self->config->fenced_ms ? (uint64_t) self->config->fenced_ms * 1000
                                             : emp_limit_fenced (emp_session_dead_after (self->session));
    slot->fenced_until = emp_now () + grace;
    self->fenced++;
    if (!anybody_works (self))
        hurry_fenced (self);
    if (!self->config->child_of)
        say ("%s (process %d) is silent, and was given up", slot->name, (int) slot->child.pid);
}

/* Nobody works any more but those that were given up, and at least one slot knew that it had worked enough. */
static bool only_fenced_are_left (const supervisor_t *self)
{
    return self->ended && !anybody_works (self);
}

/* Kills a slot whose time is up; returns when to look at it again. */
static uint64_t judge (const supervisor_t *self, slot_t *slot, uint64_t now, bool fenced_go)
{
    uint64_t ticket = 0, look;
    emp_limit_t limit = {.limit = self->limit};
    if (slot->late || !emp_slotpage_oldest (slot->child.page, &ticket, &limit.since))
        limit.since = 0;
    bool over = emp_limit_is_over (&limit, now, &look);
    if (slot->fenced_until) {
        if (now < slot->fenced_until && !fenced_go && !over)
            return look < slot->fenced_until ? look : slot->fenced_until;
        slot->fenced_until = EMP_LIMIT_NEVER;
        emp_child_signal (&slot->child, SIGKILL);
        return EMP_LIMIT_NEVER;
    }
    if (!over)
        return look;
    slot->late = true;
    slot->late_ticket = ticket;
    emp_child_signal (&slot->child, SIGKILL);
    return EMP_LIMIT_NEVER;
}

static uint64_t judge_slots (supervisor_t *self)
{
    uint64_t next = EMP_LIMIT_NEVER;
    if (!self->limit && !self->fenced)
        return next;
    uint64_t now = emp_now ();
    /* A slot that is started anew when all is done learns so at once, and where it is not done after all it is missed. */
    bool fenced_go = self->fenced && (is_ending (self) || only_fenced_are_left (self));
    for (uint32_t i = 0; i < self->config->procs; i++) {
        uint64_t look = self->slots[i].child.pid ? judge (self, &self->slots[i], now, fenced_go) : EMP_LIMIT_NEVER;
        next = look < next ? look : next;
    }
    return next;
}

/* Starts those that could not be started, when it is time; returns when to look again. */
static uint64_t try_again (supervisor_t *self)
{
    uint64_t next = EMP_LIMIT_NEVER, now = emp_now ();
    for (uint32_t i = 0; i < self->config->procs; i++) {
        slot_t *slot = &self->slots[i];
        if (slot->again_at && is_ending (self))
            slot->again_at = 0; /* the run has done without it */
        else if (slot->again_at && slot->again_at <= now)
            start_slot (self, slot);
        next = slot->again_at && slot->again_at < next ? slot->again_at : next;
    }
    return next;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void carry_out (supervisor_t *self)
{
    for (uint32_t i = 0; i < self->config->procs; i++) {
        slot_t *slot = &self->slots[i];
        emp_slot_orders_t orders = slot->child.pid ? emp_orders_take (&self->orders, i) : (emp_slot_orders_t){0};
        if (orders.fenced)
            fence (self, slot);
        uint64_t ticket, since;
        bool at_it =
            orders.kill_at && emp_slotpage_oldest (slot->child.page, &ticket, &since) && ticket == orders.kill_at;
        if (!orders.kill && !at_it)
            continue;
        slot->unwanted = true;
        emp_child_signal (&slot->child, SIGKILL);
    }
}

static void hear_bell (supervisor_t *self)
{
    emp_orders_answer (&self->orders);
    carry_out (self);
    bool down = atomic_load (&self->orders.down);
    if (down && emp_session_is_over (self->session)) {
        self->over = true;
        self->state = KILLING;
        signal_slots (self, SIGKILL);
        return;
    }
    if (down && self->state != KILLING) {
        say ("the broker at %s is gone", self->config->endpoint);
        /* A manager's broker is there for as long as the manager; to another host the way may be cut. */
        self->exit_code = EMP_WORKER_GIVEN_UP;
    }
    if (down || atomic_load (&self->orders.kill_all))
        start_killing (self);
}

static void children_ended (supervisor_t *self)
{
    for (uint32_t i = 0; i < self->config->procs; i++)
        if (self->slots[i].child.pid && self->slots[i].child.pidfd < 0)
            slot_ended (self, &self->slots[i]);
    if (self->nursery.template.pid && self->nursery.template.pidfd < 0)
        template_ended (self);
    emp_stray_collect (is_own, self);
}

static void hear_signals (supervisor_t *self)
{
    struct signalfd_siginfo info;
    while (read (self->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            children_ended (self);
        else if (info.ssi_signo == SIGHUP && self->config->child_of) {
            self->hung_up = true;
            start_killing (self);
        } else if (info.ssi_signo == SIGQUIT || self->state != RUNNING)
            start_killing (self);
        else
            start_draining (self);
    }
}

/* For poll: until that time, or the end of the grace. */
static int milliseconds_until (const supervisor_t *self, uint64_t time)
{
    if (self->state == DRAINING && self->grace_until < time)
        time = self->grace_until;
    if (time == EMP_LIMIT_NEVER)
        return -1;
    uint64_t now = emp_now (), left = now < time ? (time - now + 999) / 1000 : 0;
    return left < INT_MAX ? (int) left : INT_MAX;
}

static void look_after_template (supervisor_t *self)
{
    emp_nursery_t *nursery = &self->nursery;
    struct pollfd *items = self->items;
    if (!nursery->template.pid)
        return;
    if (items[TEMPLATE_PIPE].revents & POLLIN)
        emp_voice_read (&nursery->voice, &nursery->template, EMP_VOICE_BYTES);
    else if (items[TEMPLATE_PIPE].revents)
        items[TEMPLATE_PIPE].fd = -1;
    if (items[TEMPLATE_SOCKET].revents) {
        emp_nursery_hear (nursery);
        see_to_nursery (self);
    }
    if (items[TEMPLATE].revents)
        template_ended (self);
}

static void turn (supervisor_t *self)
{
    uint64_t judged = judge_slots (self), again = try_again (self);
    if (!any_slot (self))
        return;
    int rc = poll (self->items, SLOTS + FDS_A_SLOT * (nfds_t) self->config->procs,
                   milliseconds_until (self, judged < again ? judged : again));
    if (self->state == DRAINING && emp_now () >= self->grace_until) {
        if (!self->config->child_of)
            say ("not every worker process has left within %.3g s: they are killed", self->config->grace_ms / 1000.0);
        start_killing (self);
    }
    if (rc <= 0)
        return;
    if (self->items[SIGNALS].revents)
        hear_signals (self);
    if (self->items[BELL].revents)
        hear_bell (self);
    look_after_template (self);
    for (uint32_t i = 0; i < self->config->procs; i++) {
        slot_t *slot = &self->slots[i];
        struct pollfd *items = &self->items[SLOTS + FDS_A_SLOT * i];
        if (!slot->child.pid)
            continue;
        if (items[1].revents & POLLIN)
            emp_voice_read (&slot->voice, &slot->child, EMP_VOICE_BYTES);
        else if (items[1].revents)
            items[1].fd = -1; /* it has closed its outputs; that is no reason to spin */
        if (items[0].revents)
            slot_ended (self, slot);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void heard_signals (sigset_t *ret_set)
{
    static const int heard[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
    sigemptyset (ret_set);
    for (size_t i = 0; i < sizeof heard / sizeof heard[0]; i++)
        sigaddset (ret_set, heard[i]);
}

static void block_signals (supervisor_t *self)
{
    sigset_t set;
    heard_signals (&set);
    pthread_sigmask (SIG_BLOCK, &set, NULL);
    self->signals = signalfd (self->signals, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* It will be dialled again, which a person may interrupt. */
static void unblock_signals (void)
{
    sigset_t set;
    heard_signals (&set);
    pthread_sigmask (SIG_UNBLOCK, &set, NULL);
}

/* Two descriptors a slot: more than the usual soft limit when slots are many. */
static bool raise_limits (uint32_t procs)
{
    uint64_t needed = FDS_A_SLOT * (uint64_t) procs + FDS_BESIDE, limit = emp_thread_files (needed);
    if (limit >= needed)
        return true;
    say ("%u slots need %ju open files, the limit is %ju", procs, (uintmax_t) needed, (uintmax_t) limit);
    return false;
}

static bool connect_broker (supervisor_t *self)
{
    /* Before there is anybody to ring. */
    if (!emp_orders_init (&self->orders, self->config->procs)) {
        say ("cannot start: %s", strerror (errno));
        return false;
    }
    const emp_supervisor_config_t *config = self->config;
    char reason[EMP_TEXT_MAX + 1], why[EMP_KEYRING_WHY_MAX];
    emp_curve_t curve;
    if (emp_dial_keys (config->endpoint, &curve, why) != EMP_OK) {
        say ("%s", why);
        return false;
    }
    emp_session_config_t session = {.endpoint = config->endpoint,
                                    .role = EMP_ROLE_SUPERVISOR,
                                    .name = "supervisor",
                                    .session = config->session,
                                    .run = config->run,
                                    .timeout_ms = config->child_of ? WELCOME_MS : config->wait_ms,
                                    .curve = &curve,
                                    .patient = config->child_of != 0,
                                    .on_message = emp_orders_hear,
                                    .arg = &self->orders};
    emp_status_t status = emp_session_new (&session, &self->session, reason);
    explicit_bzero (&curve, sizeof curve);
    self->over = status == EMP_STOPPED;
    if (self->over)
        say ("the run at %s is over", config->endpoint);
    else if (status == EMP_REFUSED)
        say ("%s refuses: %s", config->endpoint, reason);
    else if (status == EMP_TIMEOUT)
        say ("nobody answers at %s%s%s", config->endpoint, reason[0] ? ": " : "", reason);
    else if (status != EMP_OK)
        say ("cannot connect to %s: %s", config->endpoint, strerror (errno));
    return status == EMP_OK;
}

typedef struct {
    pid_t manager;
    int pidfd, end;
    const char *directory;
} watch_t;

/* The manager may die before its broker has answered, and nobody reads the signal of it yet. Nothing was started, so
 * there is nothing to end. */
static void *watch_manager (void *arg)
{
    const watch_t *self = arg;
    struct pollfd items[] = {{.fd = self->pidfd, .events = POLLIN}, {.fd = self->end, .events = POLLIN}};
    while (poll (items, 2, -1) < 0 && errno == EINTR)
        ;
    if (items[1].revents || !items[0].revents)
        return NULL;
    emp_tag_sweep_feeds (self->manager); /* nobody else knows of them */
    if (self->directory)
        emp_directory_remove (self->directory);
    _exit (1);
}

static bool connect_watched (supervisor_t *self)
{
    pid_t manager = self->config->child_of;
    watch_t watch = {.manager = manager,
                     .pidfd = manager ? (int) syscall (SYS_pidfd_open, manager, 0) : -1,
                     .end = eventfd (0, EFD_CLOEXEC),
                     .directory = self->config->directory};
    pthread_t thread;
    bool watched = watch.pidfd >= 0 && watch.end >= 0 && getppid () == manager &&
                   emp_thread_start (&thread, "emp-watch", watch_manager, &watch);
    bool good = connect_broker (self);
    if (watched) {
        eventfd_write (watch.end, 1);
        pthread_join (thread, NULL);
    }
    if (watch.pidfd >= 0)
        close (watch.pidfd);
    if (watch.end >= 0)
        close (watch.end);
    return good;
}


static bool make_tables (supervisor_t *self)
{
    uint32_t procs = self->config->procs;
    self->slots = calloc (procs, sizeof *self->slots);
    self->items = calloc (SLOTS + FDS_A_SLOT * (size_t) procs, sizeof *self->items);
    if (self->signals < 0 || !self->slots || !self->items) {
        say ("cannot start: %s", strerror (errno));
        return false;
    }
    for (uint32_t i = 0; i < SLOTS + FDS_A_SLOT * procs; i++)
        self->items[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    self->items[SIGNALS].fd = self->signals;
    self->items[BELL].fd = self->orders.bell;
    for (uint32_t i = 0; i < procs; i++) {
        slot_t *slot = &self->slots[i];
        slot->number = i;
        slot->child = (emp_child_t){.pidfd = -1, .pipe = -1};
        emp_slot_name (i, slot->name);
    }
    return true;
}

static emp_status_t fetch (void *arg, const char *hash, uint64_t offset, void *buffer, size_t room, size_t *ret_got,
                           uint64_t *ret_total)
{
    return emp_session_fetch (arg, hash, offset, buffer, room, ret_got, ret_total);
}

/* What the job names is on the manager's host: it is brought here, and the job says then where it is. */
static bool stage_job (supervisor_t *self, const void *blob, size_t size)
{
    char why[EMP_CONTENT_ERROR_MAX];
    emp_buf_init (&self->job, EMP_BLOB_MAX);
    emp_status_t status = emp_cache_open (NULL, self->config->cache_bytes, &self->cache, why);
    if (status == EMP_OK && !(self->staging = emp_staging_new (self->cache, fetch, self->session))) {
        status = EMP_NOMEM;
        snprintf (why, sizeof why, "out of memory");
    }
    if (status == EMP_OK)
        status = emp_staging_job (self->staging, blob, size, &self->job, why);
    if (status == EMP_OK)
        return true;
    say ("the job cannot be brought to this host: %s", why);
    return false;
}

/* The job says how slots are made, and how long a chunk may take, so that the workers of every host do the same. A job that
 * is none is left to the slots. */
static bool init_nursery (supervisor_t *self)
{
    char reason[EMP_JOB_REASON_MAX];
    emp_nursery_config_t config = {.endpoint = self->config->endpoint,
                                   .directory = self->config->directory,
                                   .run = emp_session_run (self->session),
                                   .parent = emp_session_id (self->session)};
    config.job = emp_session_job (self->session, &config.job_size);
    config.hands_job = emp_endpoint_is_remote (self->config->endpoint);
    if (config.hands_job) {
        if (!stage_job (self, config.job, config.job_size))
            return false;
        config.job = self->job.data;
        config.job_size = self->job.size;
    }
    emp_job_t *job = emp_job_new (config.job, config.job_size, reason);
    if (job) {
        config.method = emp_job_start_method (job);
        self->limit = emp_job_ticket_timeout (job);
    }
    emp_job_destroy (&job);
    emp_nursery_init (&self->nursery, &config);
    return true;
}

static void run_slots (supervisor_t *self)
{
    if (!init_nursery (self)) {
        bool over = emp_session_is_over (self->session), down = emp_session_is_down (self->session);
        self->exit_code = over ? 0 : down ? EMP_WORKER_GIVEN_UP : EMP_EXIT_UNFIT;
        return;
    }
    for (uint32_t i = 0; i < self->config->procs; i++)
        start_slot (self, &self->slots[i]);
    see_to_nursery (self);
    while (any_slot (self))
        turn (self);
    emp_nursery_close (&self->nursery);
    emp_stray_sweep (NULL, is_own, self);
}

static void set_ties (supervisor_t *self)
{
    prctl (PR_SET_CHILD_SUBREAPER, 1);
    signal (SIGPIPE, SIG_IGN); /* a stderr that nobody reads is no reason to leave slots behind */
    if (!self->config->child_of)
        return;
    setpgid (0, 0); /* a Ctrl-C at the terminal is the manager's to hear */
    block_signals (self);
    prctl (PR_SET_PDEATHSIG, SIGHUP);
}

/* Its sockets close, or the signal comes, when the manager begins to die; a little later it is nobody's parent any more. */
static void see_manager_off (const supervisor_t *self)
{
    bool alone = !self->session || atomic_load (&self->orders.down); /* one that lives has a broker that answers */
    bool dies = self->hung_up || (self->config->child_of && alone);
    int pidfd = dies ? (int) syscall (SYS_pidfd_open, self->config->child_of, 0) : -1;
    if (pidfd < 0)
        return;
    struct pollfd item = {.fd = pidfd, .events = POLLIN};
    poll (&item, 1, ORPHANED_MS);
    close (pidfd);
}

static bool is_orphan (const emp_supervisor_config_t *config)
{
    return config->child_of && getppid () != config->child_of;
}

int emp_supervisor_run (const emp_supervisor_config_t *config)
{
    supervisor_t self = {.config = config, .signals = -1, .orders.bell = -1, .exit_code = EMP_EXIT_UNFIT};
    set_ties (&self);
    if (is_orphan (config))
        self.exit_code = 1;
    else if (raise_limits (config->procs) && connect_watched (&self)) {
        /* A person may interrupt the wait for a broker; nothing was started until here. */
        block_signals (&self);
        if (make_tables (&self)) {
            self.exit_code = 0;
            run_slots (&self);
        }
    }
    if (self.over && self.exit_code == EMP_EXIT_UNFIT)
        self.exit_code = 0; /* it came too late */
    see_manager_off (&self);
    emp_staging_destroy (&self.staging);
    emp_cache_close (&self.cache);
    emp_buf_release (&self.job);
    emp_session_destroy (&self.session);
    emp_orders_release (&self.orders);
    free (self.slots);
    free (self.items);
    if (is_orphan (config))
        emp_tag_sweep_feeds (config->child_of);
    if (config->directory && is_orphan (config))
        emp_directory_remove (config->directory);
    if (self.signals >= 0)
        close (self.signals);
    if (self.exit_code == EMP_WORKER_GIVEN_UP && !config->child_of)
        unblock_signals ();
    return self.exit_code;
}
