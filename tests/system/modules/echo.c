/* SPDX-License-Identifier: BSD-3-Clause
 *
 * echo.c - rows of queue q are results, with the attribute `add` added (B31).
 */
#include <eisenmp.h>

bool echo_q (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, "q"));
    if (!chunk)
        return false;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++)
        msgpack_pack_uint64 (emp_chunk_result (chunk),
                             emp_chunk_row (chunk, i)->via.u64 + (uint64_t) emp_toolbox_int (toolbox, "add", 0));
    emp_chunk_done (&chunk);
    return true;
}
