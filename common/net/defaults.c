/* SPDX-License-Identifier: BSD-3-Clause
 *
 * defaults.c - see defaults.h.
 */
#include "defaults.h"

#include <stdlib.h>
#include <string.h>

#include "../scan.h"
#include "../value.h"
#include "tools.h"

/* Calls `take` for each row until one fails. */
static emp_status_t each_row (emp_port_t *self, const void *rows, size_t size,
                              emp_status_t (*take) (emp_port_t *self, const msgpack_object *row))
{
    size_t count = 0;
    emp_status_t status = emp_scan (rows, size, EMP_SCAN_OBJECTS_MAX, &count);
    if (status != EMP_OK || count == 0)
        return status != EMP_OK ? status : EMP_MALFORMED;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    size_t offset = 0;
    while (status == EMP_OK && offset < size &&
           msgpack_unpack_next (&unpacked, rows, size, &offset) == MSGPACK_UNPACK_SUCCESS)
        status = take (self, &unpacked.data);
    msgpack_unpacked_destroy (&unpacked);
    return status;
}

/* ---- mp_output_q ------------------------------------------------------------------------------------------------- */

static bool is_header (const msgpack_object *object)
{
    size_t size = strlen (EMP_OUTPUT_HEADER);
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size >= size &&
           memcmp (object->via.str.ptr, EMP_OUTPUT_HEADER, size) == 0;
}

static emp_status_t add_result (emp_port_t *self, const msgpack_object *row)
{
    emp_chunk_t *chunk = emp_client_last_chunk (self->client);
    if (!chunk)
        return EMP_STATE;
    bool with_header = row->type == MSGPACK_OBJECT_ARRAY && row->via.array.size == 2 && is_header (row->via.array.ptr);
    msgpack_pack_object (emp_chunk_result (chunk), with_header ? row->via.array.ptr[1] : *row);
    return chunk->result.broken;
}

static emp_status_t put_output (emp_queue_t *base, const void *rows, size_t size, uint64_t until)
{
    (void) until;
    return each_row ((emp_port_t *) base, rows, size, add_result);
}

/* ---- mp_print_q -------------------------------------------------------------------------------------------------- */

static emp_status_t print_row (emp_port_t *self, const msgpack_object *row)
{
    if (row->type == MSGPACK_OBJECT_STR)
        return emp_client_print (self->client, row->via.str.ptr, row->via.str.size);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    if (!out)
        return EMP_NOMEM;
    emp_value_repr (out, row);
    fputc ('\n', out);
    emp_status_t status = fclose (out) == 0 ? emp_client_print (self->client, text, size) : EMP_NOMEM;
    free (text);
    return status;
}

static emp_status_t put_print (emp_queue_t *base, const void *rows, size_t size, uint64_t until)
{
    (void) until;
    return each_row ((emp_port_t *) base, rows, size, print_row);
}

/* ---- mp_info_q --------------------------------------------------------------------------------------------------- */

static emp_status_t tell_rows (emp_port_t *self, const msgpack_object *row)
{
    bool with_header = row->type == MSGPACK_OBJECT_ARRAY && row->via.array.size == 2;
    const msgpack_object *number = with_header ? &row->via.array.ptr[1] : row;
    if (number->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return EMP_INVALID;
    emp_client_t *client = self->client;
    emp_session_t *session = emp_client_enter (client);
    if (!session)
        return EMP_STATE;
    emp_control_t message = {.kind = EMP_MSG_INFO, .window = number->via.u64};
    snprintf (message.name, sizeof message.name, "%s", client->name);
    emp_status_t status = emp_session_send (session, &message);
    emp_client_leave (client);
    return status;
}

static emp_status_t put_info (emp_queue_t *base, const void *rows, size_t size, uint64_t until)
{
    (void) until;
    return each_row ((emp_port_t *) base, rows, size, tell_rows);
}

/* ---- what they all lack ------------------------------------------------------------------------------------------ */

static emp_status_t no_put (emp_queue_t *base, const void *rows, size_t size, uint64_t until)
{
    (void) base, (void) rows, (void) size, (void) until;
    return EMP_REFUSED;
}

static emp_status_t no_get (emp_queue_t *base, uint64_t until, emp_chunk_t **ret_chunk)
{
    (void) until, (void) ret_chunk;
    emp_client_remember (((emp_port_t *) base)->client, NULL);
    return EMP_STOPPED;
}

static emp_status_t no_count (emp_queue_t *base, uint64_t *ret_waiting, uint64_t *ret_maxsize)
{
    (void) base, (void) ret_waiting, (void) ret_maxsize;
    return EMP_OK;
}

const emp_queue_calls_t *emp_port_calls_of (const char *name)
{
    static const struct {
        const char *name;
        emp_queue_calls_t calls;
    } defaults[] = {
        {"mp_output_q", {no_get, put_output, no_count}},
        {"mp_print_q", {no_get, put_print, no_count}},
        {"mp_info_q", {no_get, put_info, no_count}},
        {"mp_process_q", {no_get, no_put, no_count}},
        {EMP_TOOLS_QUEUE, {emp_tools_get, no_put, emp_tools_count}},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp (defaults[i].name, name) == 0)
            return &defaults[i].calls;
    return &emp_port_calls;
}
