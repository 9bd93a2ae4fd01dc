/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tools.c - see tools.h.
 */
#include "tools.h"

#include <stdlib.h>
#include <string.h>

#include "../common/arena.h"
#include "../common/net/defaults.h"
#include "../common/scan.h"
#include "attributes.h"

static emp_status_t tell (emp_t *self, const emp_arena_t *arena)
{
    emp_arena_place_t place;
    emp_arena_describe (arena, &place);
    emp_buf_t packed;
    emp_buf_init (&packed, EMP_ARENA_PLACE_BYTES);
    msgpack_packer pk;
    msgpack_packer_init (&pk, &packed, emp_buf_write);
    emp_arena_place_pack (&place, &pk);
    emp_control_t message = {.kind = EMP_MSG_TOOL, .blob = packed.data, .blob_size = packed.size};
    emp_status_t status = packed.broken ? packed.broken : emp_session_send (self->session, &message);
    emp_buf_release (&packed);
    return status;
}

/* One packed value becomes an arena, and known to all. Under the port's put lock: in any thread, so the manager's sentence
 * is not ours to set. */
static emp_status_t put_object (emp_t *self, const void *packed, size_t size, char why[EMP_ARENA_ERROR_MAX])
{
    snprintf (why, EMP_ARENA_ERROR_MAX, "at most %d objects in one run", EMP_TOOLS_MAX);
    if (self->tools_count == EMP_TOOLS_MAX)
        return EMP_FULL;
    emp_arena_t **tools = realloc (self->tools, (self->tools_count + 1) * sizeof (emp_arena_t *));
    snprintf (why, EMP_ARENA_ERROR_MAX, "out of memory");
    if (!tools)
        return EMP_NOMEM;
    self->tools = tools;
    emp_status_t status = emp_arena_new (packed, size, &tools[self->tools_count], why);
    return status == EMP_OK ? tell (self, tools[self->tools_count++]) : status;
}

static emp_status_t put (emp_queue_t *base, const void *rows, size_t size, uint64_t until)
{
    (void) until;
    emp_port_t *port = (emp_port_t *) base;
    emp_t *self = port->arg;
    if (!self->session)
        return EMP_STATE;
    char why[EMP_ARENA_ERROR_MAX];
    emp_status_t status = size ? emp_scan (rows, size, EMP_SCAN_OBJECTS_MAX, NULL) : EMP_MALFORMED;
    pthread_mutex_lock (&port->put_lock);
    if (status == EMP_OK)
        status = port->put_ended;
    for (size_t at = 0, one; status == EMP_OK && at < size; at += one) {
        emp_scan_one ((const uint8_t *) rows + at, size - at, EMP_SCAN_OBJECTS_MAX, &one);
        status = put_object (self, (const uint8_t *) rows + at, one, why);
    }
    pthread_mutex_unlock (&port->put_lock);
    return status;
}

static emp_queue_calls_t calls;

static void make_calls (void)
{
    calls = *emp_port_calls_of ("mp_process_q"); /* a get says that nothing comes */
    calls.put = put;
}

const emp_queue_calls_t *emp_tools_calls (void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once (&once, make_calls);
    return &calls;
}

emp_status_t emp_tools_start (emp_t *self)
{
    for (size_t i = 0; i < self->config.tools_count; i++) {
        const char *name = self->config.tools[i];
        const emp_arena_t *arena = emp_attributes_arena (self->config.attributes, name);
        size_t size = 0;
        const void *packed = arena ? NULL : emp_config_get (&self->config, name, &size);
        if (!arena && !packed)
            return emp_fail (self, EMP_UNKNOWN, "tools: there is no attribute %s", name);
        char why[EMP_ARENA_ERROR_MAX];
        emp_status_t status = arena ? tell (self, arena) : put_object (self, packed, size, why);
        if (status != EMP_OK)
            return emp_fail (self, status, "mp_tools_q: %s", arena ? emp_status_text (status) : why);
    }
    return EMP_OK;
}

void emp_tools_end (emp_t *self)
{
    emp_control_t message = {.kind = EMP_MSG_TOOL};
    emp_session_send (self->session, &message);
}

void emp_tools_free (emp_t *self)
{
    for (size_t i = 0; i < self->tools_count; i++)
        emp_arena_destroy (&self->tools[i]);
    free (self->tools);
}
