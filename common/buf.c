/* SPDX-License-Identifier: BSD-3-Clause
 *
 * buf.c - bytes that grow up to a maximum given at birth.
 */
#include "buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64

void emp_buf_init (emp_buf_t *self, size_t max)
{
    *self = (emp_buf_t){.max = max};
}

void emp_buf_release (emp_buf_t *self)
{
    free (self->data);
    emp_buf_init (self, 0);
}

void emp_buf_clear (emp_buf_t *self)
{
    self->size = 0;
    self->broken = EMP_OK;
}

/* The next room: twice the present one, at least what is needed, never more than max. */
static size_t room_for (const emp_buf_t *self, size_t needed)
{
    size_t room = self->room < ROOM_MIN ? ROOM_MIN : self->room;
    if (room < needed)
        room = room > self->max / 2 ? self->max : room * 2;
    if (room < needed)
        room = needed;
    return room > self->max ? self->max : room;
}

emp_status_t emp_buf_reserve (emp_buf_t *self, size_t size)
{
    assert (self->size <= self->room && self->size <= self->max);
    if (self->broken)
        return self->broken;
    if (size <= self->room - self->size)
        return EMP_OK;
    if (size > self->max - self->size)
        return self->broken = EMP_TOOBIG;
    size_t room = room_for (self, self->size + size);
    void *data = realloc (self->data, room);
    if (!data)
        return self->broken = EMP_NOMEM;
    self->data = data;
    self->room = room;
    return EMP_OK;
}

emp_status_t emp_buf_append (emp_buf_t *self, const void *data, size_t size)
{
    emp_status_t status = emp_buf_reserve (self, size);
    if (status || size == 0)
        return status;
    memcpy (self->data + self->size, data, size);
    self->size += size;
    return EMP_OK;
}

void *emp_buf_take (emp_buf_t *self, size_t *ret_size)
{
    *ret_size = self->size;
    if (self->size == 0) {
        emp_buf_clear (self);
        return NULL;
    }
    void *data = self->data;
    emp_buf_init (self, self->max);
    return data;
}

/* msgpack-c calls this for each header and number it packs: those are copied without a call. */
int emp_buf_write (void *self_v, const char *data, size_t size)
{
    emp_buf_t *self = self_v;
    if (self->broken || size > self->room - self->size)
        return emp_buf_append (self, data, size) ? -1 : 0;
    uint8_t *to = self->data + self->size;
    self->size += size;
    switch (size) {
    case 0: break;
    case 1: to[0] = (uint8_t) data[0]; break;
    case 2: memcpy (to, data, 2); break;
    case 3: memcpy (to, data, 3); break;
    case 5: memcpy (to, data, 5); break;
    case 9: memcpy (to, data, 9); break;
    default: memcpy (to, data, size);
    }
    return 0;
}
