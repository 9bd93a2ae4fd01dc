/* SPDX-License-Identifier: BSD-3-Clause
 *
 * procs.c - see procs.h.
 */
#include "procs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../common/net/defaults.h"
#include "../common/scan.h"
#include "manager.h"

void emp_procs_init (emp_procs_t *self)
{
    memset (self, 0, sizeof *self);
    pthread_mutex_init (&self->lock, NULL);
}

void emp_procs_release (emp_procs_t *self)
{
    pthread_mutex_destroy (&self->lock);
    free (self->list);
}

/* ---- what is heard ----------------------------------------------------------------------------------------------- */

static size_t find_session (const emp_procs_t *self, uint64_t session)
{
    size_t i = 0;
    while (i < self->count && self->list[i].session != session)
        i++;
    return i;
}

static void joined (emp_procs_t *self, const emp_control_t *message)
{
    size_t i = find_session (self, message->session);
    if (i == self->room) {
        size_t room = self->room ? self->room * 2 : 16;
        emp_known_proc_t *list = room <= 2 * EMP_PROCS_MAX_LIMIT ? realloc (self->list, room * sizeof *list) : NULL;
        if (!list)
            return; /* it works all the same, and is not in the list */
        self->list = list;
        self->room = room;
    }
    if (i == self->count)
        self->count++;
    self->list[i] = (emp_known_proc_t){.session = message->session, .pid = (int) message->pid};
    memcpy (self->list[i].name, message->name, sizeof self->list[i].name);
}

static bool gone (emp_procs_t *self, const emp_control_t *message)
{
    size_t i = find_session (self, message->session);
    if (i == self->count)
        return false;
    bool killed = self->list[i].killed;
    memmove (&self->list[i], &self->list[i + 1], (self->count - i - 1) * sizeof *self->list);
    self->count--;
    return killed;
}

bool emp_procs_heard (emp_procs_t *self, const emp_control_t *message)
{
    bool killed = false;
    pthread_mutex_lock (&self->lock);
    if (message->kind == EMP_MSG_JOINED)
        joined (self, message);
    else
        killed = gone (self, message);
    pthread_mutex_unlock (&self->lock);
    return killed;
}

/* ---- the public side --------------------------------------------------------------------------------------------- */

size_t emp_proc_list (emp_t *self, emp_proc_t *list, size_t room)
{
    emp_procs_t *procs = &self->procs;
    /* The kernel has told that the last one is gone; what the broker says of it may still be under way. */
    pthread_mutex_lock (&self->lock);
    bool gone = self->workers_gone;
    pthread_mutex_unlock (&self->lock);
    pthread_mutex_lock (&procs->lock);
    size_t count = gone ? 0 : procs->count;
    for (size_t i = 0; i < count && i < room; i++) {
        const emp_known_proc_t *known = &procs->list[i];
        list[i] = (emp_proc_t){.pid = known->pid};
        static_assert (sizeof known->name <= sizeof list[i].name, "a name fits");
        memcpy (list[i].name, known->name, sizeof known->name);
    }
    pthread_mutex_unlock (&procs->lock);
    return count;
}

/* 0: all of them. */
static emp_status_t kill_session (emp_t *self, uint64_t session)
{
    emp_control_t message = {.kind = EMP_MSG_KILL, .session = session};
    return emp_session_send (self->session, &message);
}

/* The process with that pid, or of that name when `name` is not NULL. It counts as killed by the program when it was told,
 * and before anybody can hear that it is gone. */
static emp_status_t kill_one (emp_t *self, int pid, const char *name)
{
    emp_procs_t *procs = &self->procs;
    emp_status_t status = EMP_UNKNOWN;
    pthread_mutex_lock (&procs->lock);
    for (size_t i = 0; i < procs->count && status == EMP_UNKNOWN; i++) {
        emp_known_proc_t *known = &procs->list[i];
        if (name ? strcmp (known->name, name) != 0 : known->pid != pid)
            continue;
        status = kill_session (self, known->session);
        known->killed |= status == EMP_OK;
    }
    pthread_mutex_unlock (&procs->lock);
    return status;
}

emp_status_t emp_proc_kill (emp_t *self, int pid)
{
    if (!self->session)
        return emp_fail (self, EMP_STATE, "nothing was started");
    emp_status_t status = kill_one (self, pid, NULL);
    return status != EMP_UNKNOWN ? status : emp_fail (self, status, "process %d: not one of this run's workers", pid);
}

static emp_status_t kill_all (emp_t *self)
{
    pthread_mutex_lock (&self->lock);
    emp_status_t status = kill_session (self, 0);
    self->workers_unwanted |= status == EMP_OK;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
    return status;
}

emp_status_t emp_proc_kill_all (emp_t *self)
{
    return self->session ? kill_all (self) : emp_fail (self, EMP_STATE, "nothing was started");
}

/* ---- mp_process_q ------------------------------------------------------------------------------------------------ */

/* In any thread: the manager's sentence is not ours to set. */
static emp_status_t kill_named (emp_t *self, const msgpack_object *row)
{
    if (row->type == MSGPACK_OBJECT_NIL)
        return kill_all (self);
    if (row->type != MSGPACK_OBJECT_STR || row->via.str.size > EMP_LABEL_MAX)
        return EMP_INVALID;
    char name[EMP_LABEL_MAX + 1] = {0};
    memcpy (name, row->via.str.ptr, row->via.str.size);
    return kill_one (self, 0, name);
}

static emp_status_t put_process (emp_queue_t *base, const void *rows, size_t size, uint64_t until)
{
    (void) until;
    emp_t *self = ((emp_port_t *) base)->arg;
    size_t count = 0;
    emp_status_t status = self->session ? emp_scan (rows, size, EMP_SCAN_OBJECTS_MAX, &count) : EMP_STATE;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    size_t offset = 0;
    while (status == EMP_OK && offset < size &&
           msgpack_unpack_next (&unpacked, rows, size, &offset) == MSGPACK_UNPACK_SUCCESS)
        status = kill_named (self, &unpacked.data);
    msgpack_unpacked_destroy (&unpacked);
    return status == EMP_OK && count == 0 ? EMP_MALFORMED : status;
}

static emp_queue_calls_t process_calls;

static void make_calls (void)
{
    process_calls = *emp_port_calls_of ("mp_process_q");
    process_calls.put = put_process;
}

const emp_queue_calls_t *emp_procs_calls (void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once (&once, make_calls);
    return &process_calls;
}
