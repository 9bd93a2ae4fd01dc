/* SPDX-License-Identifier: BSD-3-Clause
 *
 * localize.h - a job as slots of this host can read it, of one whose modules and large attributes are on the manager's.
 *
 * In: the blob of a job (PROTOCOL.md, "The job") that has a map "contents" beside the others. Out: the same, with this host's
 * paths in "modules" and this host's places in "arenas"; all else is byte for byte as it came, "contents" too.
 * Who brings them is asked by a callback; nothing here knows a file or a socket. O(bytes), and modules and arenas are asked for
 * once each, in the order in which they stand.
 * Bounds: EMP_LOCALIZE_MAX modules, as many arenas.
 */
#ifndef EMP_WORKER_LOCALIZE_H
#define EMP_WORKER_LOCALIZE_H

#include <limits.h>

#include "../common/arena.h"
#include "../common/buf.h"
#include "../common/content.h"

#define EMP_LOCALIZE_MAX 4096

typedef struct {
    /* The path (PATH_MAX bytes) of a file here with these bytes. On failure a sentence (EMP_CONTENT_ERROR_MAX bytes). */
    emp_status_t (*module) (void *arg, const char *hash, uint64_t size, char *ret_path, char *ret_why);
    /* Where these bytes are in shared memory here, which are `there` on the manager's host. */
    emp_status_t (*arena) (void *arg, const char *hash, const emp_arena_place_t *there, emp_arena_place_t *ret_here,
                           char *ret_why);
    void *arg;
} emp_localize_calls_t;

/* Appends the job to `out`. EMP_MALFORMED: it is no job, or its contents do not fit to its modules and arenas; EMP_UNKNOWN: it
 * has no contents at all; EMP_TOOBIG, EMP_NOMEM: of `out`; what a call said. The sentence is in ret_why (EMP_CONTENT_ERROR_MAX
 * bytes), and what was appended means nothing. */
emp_status_t emp_localize_job (const void *blob, size_t size, const emp_localize_calls_t *calls, emp_buf_t *out,
                               char *ret_why);

#endif
