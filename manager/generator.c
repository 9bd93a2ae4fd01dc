/* SPDX-License-Identifier: BSD-3-Clause
 *
 * generator.c - what a generator function is called with, and what is made of its answers.
 *
 * A row is packed straight into the chunk's buffer and scanned there, so that no worker ever unpacks what is not whole.
 */
#include "generator.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../common/control.h"
#include "../common/scan.h"
#include "bigdata.h"

/* An attribute that was asked for, unpacked once. */
typedef struct attribute {
    struct attribute *next;
    msgpack_object value;
    char key[];
} attribute_t;

struct emp_generator {
    emp_generator_fn *fn;
    void *arg;
    const emp_config_t *config;
    void *state;
    void (*free_fn) (void *);
    uint64_t index;
    bool failed;
    char error[EMP_TEXT_MAX + 1];
    attribute_t *attributes;
    msgpack_zone zone; /* of their values */
};

emp_generator_t *emp_generator_new (emp_generator_fn *fn, void *arg, const emp_config_t *config)
{
    emp_generator_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    if (!msgpack_zone_init (&self->zone, 4096)) {
        free (self);
        return NULL;
    }
    self->fn = fn;
    self->arg = arg;
    self->config = config;
    return self;
}

void emp_generator_destroy (emp_generator_t **self_p)
{
    emp_generator_t *self = *self_p;
    if (!self)
        return;
    emp_generator_set_state (self, NULL, NULL);
    while (self->attributes) {
        attribute_t *attribute = self->attributes;
        self->attributes = attribute->next;
        free (attribute);
    }
    msgpack_zone_destroy (&self->zone);
    free (self);
    *self_p = NULL;
}

/* EMP_TOOBIG: one too deep for the list that a chunk is. */
static emp_status_t check_row (const uint8_t *row, size_t size)
{
    size_t values = 0;
    if (size > 0 && emp_scan_fixed (*row) == size)
        return EMP_OK;
    emp_status_t status = emp_scan_within (row, size, EMP_ROW_DEPTH_MAX, &values);
    return status == EMP_OK && values != 1 ? EMP_MALFORMED : status;
}

static void say_wrong (emp_generator_t *self, emp_status_t status, size_t made)
{
    int size = snprintf (self->error, sizeof self->error, "generator: row %" PRIu64 ": found ", self->index);
    char *rest = self->error + size;
    size_t room = sizeof self->error - (size_t) size;
    if (status == EMP_TOOBIG)
        snprintf (rest, room, "a value nested deeper than %d levels, or of more than %u values", EMP_ROW_DEPTH_MAX,
                  EMP_SCAN_OBJECTS_MAX);
    else
        snprintf (rest, room, "%zu bytes that are not one msgpack value, expected exactly one", made);
}

/* What a call has come to. */
static emp_status_t judge (emp_generator_t *self, bool more, const emp_buf_t *out, size_t before)
{
    if (self->failed || !more)
        return self->failed ? EMP_REFUSED : EMP_STOPPED;
    if (out->broken)
        return out->broken;
    emp_status_t status = check_row (out->data + before, out->size - before);
    if (status == EMP_OK)
        return EMP_OK;
    say_wrong (self, status, out->size - before);
    return EMP_MALFORMED;
}

emp_status_t emp_generator_rows (emp_generator_t *self, uint32_t max, const atomic_bool *cancelled, emp_buf_t *out,
                                 uint32_t *ret_rows)
{
    emp_status_t status = EMP_OK;
    uint32_t rows = 0;
    msgpack_packer pk;
    msgpack_packer_init (&pk, out, emp_buf_write);
    while (rows < max && status == EMP_OK) {
        if (cancelled && atomic_load_explicit (cancelled, memory_order_relaxed)) {
            status = EMP_STOPPED;
            break;
        }
        size_t before = out->size;
        bool more = self->fn (self, &pk);
        status = judge (self, more, out, before);
        if (status == EMP_OK) {
            rows++;
            self->index++;
        } else
            out->size = before;
    }
    *ret_rows = rows;
    return status;
}

const char *emp_generator_error (const emp_generator_t *self)
{
    return self->error;
}

/* ---- the public side ------------------------------------------------------------------------------------------- */

void *emp_generator_arg (const emp_generator_t *self)
{
    return self->arg;
}

uint64_t emp_generator_index (const emp_generator_t *self)
{
    return self->index;
}

void *emp_generator_state (const emp_generator_t *self)
{
    return self->state;
}

void emp_generator_set_state (emp_generator_t *self, void *state, void (*free_fn) (void *))
{
    if (self->state && self->free_fn && self->state != state)
        self->free_fn (self->state);
    self->state = state;
    self->free_fn = free_fn;
}

const msgpack_object *emp_generator_config (const emp_generator_t *const_self, const char *key)
{
    /* Unpacking is remembered, which changes nothing that a caller could see; generators are made by calloc. */
    emp_generator_t *self = (emp_generator_t *) (uintptr_t) const_self;
    for (attribute_t *attribute = self->attributes; attribute; attribute = attribute->next)
        if (strcmp (attribute->key, key) == 0)
            return &attribute->value;
    const msgpack_object *big = self->config ? emp_bigdata_get (self->config, key) : NULL;
    if (big)
        return big;
    size_t size = 0;
    const void *data = self->config ? emp_config_get (self->config, key, &size) : NULL;
    attribute_t *attribute = data ? malloc (sizeof *attribute + strlen (key) + 1) : NULL;
    if (!attribute)
        return NULL;
    if (msgpack_unpack (data, size, NULL, &self->zone, &attribute->value) != MSGPACK_UNPACK_SUCCESS) {
        free (attribute);
        return NULL;
    }
    strcpy (attribute->key, key);
    attribute->next = self->attributes;
    self->attributes = attribute;
    return &attribute->value;
}

void emp_generator_fail (emp_generator_t *self, const char *format, ...)
{
    int size = snprintf (self->error, sizeof self->error, "generator: row %" PRIu64 ": ", self->index);
    va_list args;
    va_start (args, format);
    vsnprintf (self->error + size, sizeof self->error - (size_t) size, format, args);
    va_end (args);
    self->failed = true;
}
