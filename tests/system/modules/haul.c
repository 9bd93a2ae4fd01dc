/* SPDX-License-Identifier: BSD-3-Clause
 *
 * haul.c - a worker module whose answers say the rows and nothing of who has worked, so that a run on several hosts has the dictionary of
 * a quiet one. It takes `chunk_us` microseconds a chunk. A number's answer is three times it, a text's the same text backwards. A process
 * that has its first chunk in hand leaves the file `mark`, a dot, its host's name, a dot and its START_SEQUENCE_NUM.
 */
#include <eisenmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static bool answer (msgpack_packer *pk, const msgpack_object *row)
{
    if (row->type != MSGPACK_OBJECT_STR)
        return msgpack_pack_uint64 (pk, 3 * row->via.u64) == 0;
    uint32_t size = row->via.str.size;
    char *text = malloc (size + 1);
    for (uint32_t i = 0; text && i < size; i++)
        text[i] = row->via.str.ptr[size - 1 - i];
    bool good = text && msgpack_pack_str (pk, size) == 0 && msgpack_pack_str_body (pk, text, size) == 0;
    free (text);
    return good;
}

static void leave_mark (emp_toolbox_t *toolbox)
{
    const char *mark = emp_toolbox_string (toolbox, "mark", NULL);
    char host[65] = "", path[4096];
    if (!mark || emp_toolbox_multi_tool (toolbox) || gethostname (host, sizeof host - 1) != 0)
        return;
    emp_toolbox_set_multi_tool (toolbox, toolbox);
    snprintf (path, sizeof path, "%s.%s.%u", mark, host, emp_toolbox_start_sequence_num (toolbox));
    FILE *file = fopen (path, "a");
    if (file)
        fclose (file);
}

bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    leave_mark (toolbox);
    int64_t us = emp_toolbox_int (toolbox, "chunk_us", 0);
    struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    while (us && nanosleep (&left, &left) != 0)
        ;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++)
        if (!answer (emp_chunk_result (chunk), emp_chunk_row (chunk, i))) {
            emp_chunk_fail (&chunk, "row %zu: no room for its answer", i);
            return true;
        }
    emp_chunk_done (&chunk);
    return true;
}
