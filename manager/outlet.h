/* SPDX-License-Identifier: BSD-3-Clause
 *
 * outlet.h - where a stream of results goes: a file, or standard output; written to so that nobody waits for a slow reader longer than
 * he is told to.
 *
 * A pipe, a socket or a terminal is written to without blocking, and waited for in a poll that another thread can end. A plain file
 * is written in place from its beginning; two runs cannot write one file. One thread writes; any may say until when.
 */
#ifndef EMP_OUTLET_H
#define EMP_OUTLET_H

#include "../common/eisenmp.h"

typedef struct emp_outlet emp_outlet_t;

/* "-" is standard output. What is in a file stays until emp_outlet_begin. NULL with errno; EWOULDBLOCK: another run writes it. */
emp_outlet_t *emp_outlet_open (const char *path);
void emp_outlet_destroy (emp_outlet_t **self);
/* True when the outlet is that file. */
bool emp_outlet_is (const emp_outlet_t *self, const char *path);
/* A plain file of its own is emptied. False with errno. */
bool emp_outlet_begin (emp_outlet_t *self);
/* Writes all. EMP_TIMEOUT: it is over (emp_outlet_until), EMP_SYSTEM with errno; nothing is to be written after these, and a plain file
 * ends with what the calls before have written. */
emp_status_t emp_outlet_write (emp_outlet_t *self, const void *data, size_t size);
/* No write goes on behind that time of emp_now (), or behind an earlier one that was said before. Any thread. */
void emp_outlet_until (emp_outlet_t *self, uint64_t until);

#endif
