/* SPDX-License-Identifier: BSD-3-Clause
 *
 * arena_form.h - what the bytes of an arena are, for arena.c, which reads them, and arena_make.c, which writes them. Change
 * EMP_ARENA_FORM with it; PROTOCOL.md has it too.
 */
#ifndef EMP_ARENA_FORM_H
#define EMP_ARENA_FORM_H

#include "arena.h"

#define EMP_ARENA_FORM 0x31414d45u /* "EMA1" */

typedef struct {
    uint32_t form;
    uint32_t object_size; /* sizeof (msgpack_object) */
    uint64_t stamp;
    uint64_t address; /* where the pointers hold */
    uint64_t size;    /* of all, this head included */
    uint64_t objects; /* offset of the row of objects; the first is the root */
    uint64_t count;   /* of them */
    uint64_t spare[2];
} emp_arena_head_t;

_Static_assert (sizeof (emp_arena_head_t) == 64, "what stands behind the head begins a cache line");

/* A memfd of `size` bytes, all of whose memory it has. EMP_TOOBIG, EMP_SYSTEM. */
emp_status_t emp_arena_memory (uint64_t size, int *ret_fd, char *ret_error);
/* Takes a memfd, whatever comes of it, seals it and maps it as emp_arena_open does. */
emp_status_t emp_arena_take (int fd, const emp_arena_head_t *head, emp_arena_t **ret_self, char *ret_error);
/* Puts the sentence into ret_error and returns `status`. */
emp_status_t emp_arena_fail (emp_status_t status, char *ret_error, const char *format, ...) EMP_PRINTF (3, 4);

#endif
