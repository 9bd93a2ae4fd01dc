/* SPDX-License-Identifier: BSD-3-Clause
 *
 * buf.h - bytes that grow up to a maximum given at birth.
 *
 * Invariant: size <= max. After a failure (full or out of memory) the buffer is `broken`: it keeps what it had,
 * takes no more, and says so once asked; so a row of appends needs one check at its end.
 * Cost: appends are amortised O(bytes). Not thread safe.
 * Source of the idea: curl's DYNBUF, every buffer is born with its maximum.
 */
#ifndef EMP_BUF_H
#define EMP_BUF_H

#include "eisenmp.h"

typedef struct {
    uint8_t *data;
    size_t size;
    size_t room;
    size_t max;
    emp_status_t broken; /* EMP_OK, EMP_TOOBIG or EMP_NOMEM */
} emp_buf_t;

/* An empty buffer of at most `max` bytes; allocates nothing. */
void emp_buf_init (emp_buf_t *self, size_t max);
/* Frees the bytes; the struct may be used again after emp_buf_init. */
void emp_buf_release (emp_buf_t *self);
/* Empty again, not broken, memory kept. */
void emp_buf_clear (emp_buf_t *self);
emp_status_t emp_buf_append (emp_buf_t *self, const void *data, size_t size);
/* Makes room for `size` more bytes without adding them. */
emp_status_t emp_buf_reserve (emp_buf_t *self, size_t size);
/* Hands out the bytes (to be freed with free ()) and leaves the buffer empty and not broken. NULL when empty. */
void *emp_buf_take (emp_buf_t *self, size_t *ret_size);
/* A msgpack_packer_write over a buffer: msgpack_packer_init (&pk, buf, emp_buf_write). 0, or -1 when it is broken. */
int emp_buf_write (void *self, const char *data, size_t size);

#endif
