/* SPDX-License-Identifier: BSD-3-Clause
 *
 * job.h - a job's configuration as it came in WELCOME, for reading: attributes, worker modules, names of queues.
 *
 * One packed map {"kwargs": {…}, "arenas": {name: place}, "modules": [[path, ref], …], "queues": [full name, …]}; keys that
 * it has besides are for later versions and are passed over. The bytes are copied, and large values are mapped where the
 * manager has them (common/arena.h), so what is read out of it lives as long as the job.
 * Pure but for these mappings; never changed after birth, so any thread may read it.
 */
#ifndef EMP_WORKER_JOB_H
#define EMP_WORKER_JOB_H

#include "../common/arena.h"
#include "../common/start.h"

#define EMP_JOB_REASON_MAX (EMP_ARENA_ERROR_MAX + 256)

typedef struct {
    const char *path;
    const char *ref;
} emp_job_module_t;

typedef struct {
    msgpack_zone zone;
    msgpack_object_map kwargs; /* those of the arenas behind the others */
    emp_arena_t **arenas;
    size_t arenas_count;
    size_t moved;              /* arenas that have objects of their own: their address was taken */
    emp_job_module_t *modules; /* 1… */
    size_t modules_count;
    const char **queues;
    size_t queues_count;
} emp_job_t;

/* NULL with a sentence in ret_reason (EMP_JOB_REASON_MAX bytes) when it is not such a map, names no module, an arena cannot be
 * mapped, or memory is short. */
emp_job_t *emp_job_new (const void *blob, size_t size, char *ret_reason);
void emp_job_destroy (emp_job_t **self);
/* The i-th attribute is in an arena: a NUL stands behind it when it is a text. */
bool emp_job_is_shared (const emp_job_t *self, uint32_t i);
/* Index of an attribute in kwargs, or kwargs.size. O(attributes). */
uint32_t emp_job_find (const emp_job_t *self, const char *key);
/* The attribute START_METHOD; spawn where there is none, or none that is known here. */
emp_start_method_t emp_job_start_method (const emp_job_t *self);
/* The attribute TICKET_TIMEOUT in microseconds; 0, no limit, where there is none. */
uint64_t emp_job_ticket_timeout (const emp_job_t *self);

#endif
