/* SPDX-License-Identifier: BSD-3-Clause
 *
 * control.c - messages of the door. EMP_CONTROL_MAP is the grammar; put_field and get_field know its letters.
 */
#include "control.h"

#include <assert.h>
#include <string.h>

#include "scan.h"

typedef struct {
    const char *name, *fields;
} kind_t;

static const kind_t kinds[] = {
#define KIND(name, number, fields) [number] = {#name, fields},
    EMP_CONTROL_MAP (KIND)
#undef KIND
};

#define KINDS (sizeof kinds / sizeof *kinds)
#define HEAD 3 /* version, kind, run */

static const kind_t *kind_of (uint64_t number)
{
    return number < KINDS && kinds[number].name ? &kinds[number] : NULL;
}

/* ---- encode ---------------------------------------------------------------------------------------------------- */

/* Text of at most `max` bytes; what is longer is cut. */
static void put_cut (msgpack_packer *out, const char *text, size_t max)
{
    size_t size = strnlen (text, max);
    msgpack_pack_str (out, size);
    msgpack_pack_str_body (out, text, size);
}

/* A name or an endpoint: cut, it would be another one. */
static void put_text (msgpack_packer *out, const char *text, size_t max)
{
    assert (strnlen (text, max + 1) <= max);
    put_cut (out, text, max);
}

/* Failures of the packer are the buffer's, which remembers them. */
static void put_field (msgpack_packer *out, const emp_control_t *self, char letter)
{
    switch (letter) {
    case 's': msgpack_pack_uint64 (out, self->session); break;
    case 'p': msgpack_pack_uint64 (out, self->parent); break;
    case 'r': msgpack_pack_uint64 (out, (uint64_t) self->role); break;
    case 'n': put_text (out, self->name, EMP_LABEL_MAX); break;
    case 'k': put_cut (out, self->text, EMP_TEXT_MAX); break;
    case 'i': msgpack_pack_uint32 (out, self->id); break;
    case 'e': put_text (out, self->endpoint, EMP_ENDPOINT_MAX); break;
    case 't': put_text (out, self->intake, EMP_ENDPOINT_MAX); break;
    case 'w': msgpack_pack_uint64 (out, self->window); break;
    case 'z': msgpack_pack_uint64 (out, self->size); break;
    case 'b':
        msgpack_pack_bin (out, self->blob_size);
        msgpack_pack_bin_body (out, self->blob, self->blob_size);
        break;
    case 'o': msgpack_pack_uint64 (out, (uint64_t) self->status); break;
    case 'x': msgpack_pack_uint32 (out, self->code); break;
    case 'h': msgpack_pack_uint64 (out, (uint64_t) self->how); break;
    case 'd': msgpack_pack_uint32 (out, self->pid); break;
    case 'm': put_text (out, self->host, EMP_HOST_MAX); break;
    case 'y': msgpack_pack_uint32 (out, self->attempt); break;
    case 'f': msgpack_pack_uint32 (out, self->from); break;
    case 'c': msgpack_pack_uint32 (out, self->rows); break;
    case 'a': msgpack_pack_uint64 (out, (uint64_t) self->ended); break;
    default: assert (false && "a letter of EMP_CONTROL_MAP that nobody encodes");
    }
}

emp_status_t emp_control_encode (const emp_control_t *self, emp_buf_t *out)
{
    const kind_t *kind = kind_of ((uint64_t) self->kind);
    assert (kind);
    if (self->blob_size > EMP_BLOB_MAX && strchr (kind->fields, 'b'))
        return EMP_TOOBIG;
    msgpack_packer packer;
    msgpack_packer_init (&packer, out, emp_buf_write);
    msgpack_pack_array (&packer, HEAD + strlen (kind->fields));
    msgpack_pack_uint64 (&packer, EMP_PROTOCOL_VERSION);
    msgpack_pack_uint64 (&packer, (uint64_t) self->kind);
    msgpack_pack_uint64 (&packer, self->run);
    for (const char *field = kind->fields; *field; field++)
        put_field (&packer, self, *field);
    return out->broken;
}

/* ---- decode ---------------------------------------------------------------------------------------------------- */

/* Texts are emptied by their first byte: the struct is 5 KiB, and most kinds use 20 bytes of it. */
static void clear (emp_control_t *self)
{
    memset (self, 0, offsetof (emp_control_t, name));
    self->name[0] = self->host[0] = self->endpoint[0] = self->intake[0] = self->text[0] = '\0';
    self->blob = NULL;
    self->blob_size = 0;
}

/* A number that one of an enum's names has. A role has no 0, which is "not there". */
static uint64_t get_named (emp_cursor_t *in, bool (*is_named) (uint64_t number))
{
    uint64_t number = emp_cursor_uint (in, INT32_MAX);
    if (in->status == EMP_OK && !is_named (number))
        in->status = EMP_MALFORMED;
    return in->status == EMP_OK ? number : 0;
}

static bool is_role (uint64_t number)
{
    return number >= EMP_ROLE_MANAGER && number <= EMP_ROLE_WATCHER;
}

static bool is_how (uint64_t number)
{
    return number <= EMP_HOW_TIMEOUT;
}

static bool is_attempt_end (uint64_t number)
{
    return number >= EMP_ATTEMPT_FAILED && number <= EMP_ATTEMPT_LATE;
}

static bool is_status (uint64_t number)
{
    switch (number) {
#define STATUS_CASE(name, value, text) case value:
        EMP_STATUS_MAP (STATUS_CASE)
#undef STATUS_CASE
        return true;
    default: return false;
    }
}

static void get_blob (emp_cursor_t *in, emp_control_t *self)
{
    self->blob = emp_cursor_bin (in, &self->blob_size);
    if (in->status == EMP_OK && self->blob_size > EMP_BLOB_MAX)
        in->status = EMP_TOOBIG;
}

static void get_field (emp_cursor_t *in, emp_control_t *self, char letter)
{
    switch (letter) {
    case 's': self->session = emp_cursor_uint (in, UINT64_MAX); break;
    case 'p': self->parent = emp_cursor_uint (in, UINT64_MAX); break;
    case 'r': self->role = (emp_role_t) get_named (in, is_role); break;
    case 'n': emp_cursor_str (in, self->name, sizeof self->name); break;
    case 'k': emp_cursor_str (in, self->text, sizeof self->text); break;
    case 'i': self->id = (uint32_t) emp_cursor_uint (in, UINT32_MAX); break;
    case 'e': emp_cursor_str (in, self->endpoint, sizeof self->endpoint); break;
    case 't': emp_cursor_str (in, self->intake, sizeof self->intake); break;
    case 'w': self->window = emp_cursor_uint (in, UINT64_MAX); break;
    case 'z': self->size = emp_cursor_uint (in, UINT64_MAX); break;
    case 'b': get_blob (in, self); break;
    case 'o': self->status = (emp_status_t) get_named (in, is_status); break;
    case 'x': self->code = (uint32_t) emp_cursor_uint (in, UINT32_MAX); break;
    case 'h': self->how = (emp_how_t) get_named (in, is_how); break;
    case 'd': self->pid = (uint32_t) emp_cursor_uint (in, UINT32_MAX); break;
    case 'm': emp_cursor_str (in, self->host, sizeof self->host); break;
    case 'y': self->attempt = (uint32_t) emp_cursor_uint (in, UINT32_MAX); break;
    case 'f': self->from = (uint32_t) emp_cursor_uint (in, EMP_ROWS_MAX_LIMIT); break;
    case 'c': self->rows = (uint32_t) emp_cursor_uint (in, EMP_ROWS_MAX_LIMIT); break;
    case 'a': self->ended = (emp_attempt_end_t) get_named (in, is_attempt_end); break;
    default: assert (false && "a letter of EMP_CONTROL_MAP that nobody decodes");
    }
}

/* Reads it all; the cursor remembers the first thing that is wrong. */
static void get_message (emp_cursor_t *in, emp_control_t *self)
{
    uint32_t count = emp_cursor_array (in);
    uint64_t version = emp_cursor_uint (in, EMP_PROTOCOL_VERSION);
    uint64_t number = emp_cursor_uint (in, UINT32_MAX);
    const kind_t *kind = kind_of (number);
    if (version != EMP_PROTOCOL_VERSION || !kind || count != HEAD + strlen (kind->fields)) {
        in->status = EMP_MALFORMED;
        return;
    }
    self->kind = (emp_kind_t) number;
    self->run = emp_cursor_uint (in, UINT64_MAX);
    for (const char *field = kind->fields; *field; field++)
        get_field (in, self, *field);
}

emp_status_t emp_control_decode (const void *data, size_t size, emp_control_t *ret_self)
{
    clear (ret_self);
    if (size > EMP_CONTROL_MAX)
        return EMP_TOOBIG;
    emp_cursor_t in;
    emp_cursor_init (&in, data, size);
    get_message (&in, ret_self);
    emp_status_t status = emp_cursor_end (&in);
    if (status)
        clear (ret_self);
    return status;
}
