/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bytes.c - a worker module that answers each row of bytes with a hash of it. One result a row, so a chunk that is halved has the same
 * answers. Rows are those of random_rows.c.
 */
#include <eisenmp.h>

/* FNV-1a. */
static uint64_t hash_of (const msgpack_object_bin *bytes)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (uint32_t i = 0; i < bytes->size; i++)
        hash = (hash ^ (uint8_t) bytes->ptr[i]) * 0x100000001b3u;
    return hash;
}

bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
        const msgpack_object *row = emp_chunk_row (chunk, i);
        if (row->type != MSGPACK_OBJECT_BIN) {
            emp_chunk_fail (&chunk, "row %zu is no bytes", i);
            return true;
        }
        msgpack_pack_uint64 (emp_chunk_result (chunk), hash_of (&row->via.bin));
    }
    emp_chunk_done (&chunk);
    return true;
}
