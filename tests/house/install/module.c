/* SPDX-License-Identifier: BSD-3-Clause
 *
 * module.c - a user's worker module: the sum of a chunk's rows. */
#include <eisenmp.h>

bool worker_entrance (emp_toolbox_t *toolbox);

bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++)
        sum += emp_chunk_row (chunk, i)->via.u64;
    msgpack_pack_uint64 (emp_chunk_result (chunk), sum);
    emp_chunk_done (&chunk);
    return true;
}
