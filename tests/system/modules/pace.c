/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pace.c - a worker module that takes a given time a chunk: `chunk_us` microseconds, ten times as long in the process with
 * START_SEQUENCE_NUM `slow` (none when it is absent), no time for chunks whose first number is below `from`. It sleeps, so
 * that four of them fit on two cores. A chunk that is done is told in the file `mark`, where there is such an attribute.
 */
#include <eisenmp.h>
#include <stdio.h>
#include <time.h>

static void leave_mark (const char *path)
{
    FILE *file = path ? fopen (path, "a") : NULL;
    if (!file)
        return;
    fputs ("done\n", file);
    fclose (file);
}

bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    int64_t us = emp_toolbox_int (toolbox, "chunk_us", 0);
    if (emp_toolbox_int (toolbox, "slow", -1) == (int64_t) emp_toolbox_start_sequence_num (toolbox))
        us *= 10;
    if (emp_chunk_row (chunk, 0)->via.i64 < emp_toolbox_int (toolbox, "from", 0))
        us = 0;
    struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    while (us && nanosleep (&left, &left) != 0)
        ;
    msgpack_pack_uint64 (emp_chunk_result (chunk), emp_toolbox_start_sequence_num (toolbox));
    emp_chunk_done (&chunk);
    leave_mark (emp_toolbox_string (toolbox, "mark", NULL));
    return true;
}
