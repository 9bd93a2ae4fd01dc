/* SPDX-License-Identifier: BSD-3-Clause
 *
 * values.c - the packed values of one ticket, one after the other.
 */
#include "values.h"

void emp_values_init (emp_values_t *self, const void *data, size_t size)
{
    self->data = data;
    self->size = size;
    self->at = 0;
    self->failed = false;
    msgpack_unpacked_init (&self->unpacked);
}

const msgpack_object *emp_values_next (emp_values_t *self)
{
    if (self->failed || self->at == self->size)
        return NULL;
    msgpack_unpack_return result = msgpack_unpack_next (&self->unpacked, self->data, self->size, &self->at);
    if (result == MSGPACK_UNPACK_SUCCESS || result == MSGPACK_UNPACK_EXTRA_BYTES)
        return &self->unpacked.data;
    self->failed = true;
    return NULL;
}

void emp_values_release (emp_values_t *self)
{
    msgpack_unpacked_destroy (&self->unpacked);
}
