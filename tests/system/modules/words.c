/* SPDX-License-Identifier: BSD-3-Clause
 *
 * words.c - looks words up in a large list, the attribute `words`. A row is the number of a word, as a text; its result is
 * the word. Before its first row a process reads every word, and says so.
 */
#include <eisenmp.h>
#include <stdlib.h>
#include <string.h>

bool worker_entrance (emp_toolbox_t *toolbox);

static uint64_t read_all (const msgpack_object *words)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < words->via.array.size; i++)
        bytes += strlen (words->via.array.ptr[i].via.str.ptr) + 1;
    return bytes;
}

bool worker_entrance (emp_toolbox_t *toolbox)
{
    const msgpack_object *words = emp_toolbox_get (toolbox, "words");
    if (!emp_toolbox_multi_tool (toolbox)) {
        emp_toolbox_set_multi_tool (toolbox, toolbox);
        emp_toolbox_print (toolbox, "read %llu bytes", (unsigned long long) read_all (words));
    }
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
        char number[32] = "";
        const msgpack_object *row = emp_chunk_row (chunk, i);
        memcpy (number, row->via.str.ptr, row->via.str.size < 31 ? row->via.str.size : 31);
        msgpack_pack_object (emp_chunk_result (chunk), words->via.array.ptr[strtoul (number, NULL, 10)]);
    }
    emp_chunk_done (&chunk);
    return true;
}
