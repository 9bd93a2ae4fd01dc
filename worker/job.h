/* SPDX-License-Identifier: BSD-3-Clause
 *
 * job.h - a job's configuration as it came in WELCOME, for reading: attributes, worker modules, names of queues.
 *
 * One packed map {"kwargs": {…}, "modules": [[path, ref], …], "queues": [full name, …]}; keys that it has besides are
 * for later versions and are passed over. The bytes are copied, so what is read out of it lives as long as the job.
 * Pure; never changed after birth, so any thread may read it.
 */
#ifndef EMP_WORKER_JOB_H
#define EMP_WORKER_JOB_H

#include "../common/eisenmp.h"
#include "../common/start.h"

typedef struct {
    const char *path;
    const char *ref;
} emp_job_module_t;

typedef struct {
    msgpack_zone zone;
    msgpack_object_map kwargs;
    emp_job_module_t *modules; /* 1… */
    size_t modules_count;
    const char **queues;
    size_t queues_count;
} emp_job_t;

/* NULL with a sentence in *ret_reason when it is not such a map, names no module, or memory is short. */
emp_job_t *emp_job_new (const void *blob, size_t size, const char **ret_reason);
void emp_job_destroy (emp_job_t **self);
/* Index of an attribute in kwargs, or kwargs.size. O(attributes). */
uint32_t emp_job_find (const emp_job_t *self, const char *key);
/* The attribute START_METHOD; spawn where there is none, or none that is known here. */
emp_start_method_t emp_job_start_method (const emp_job_t *self);

#endif
