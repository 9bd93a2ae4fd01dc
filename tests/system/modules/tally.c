/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tally.c - a worker module that sums its numbers (of a text: its bytes) and leaves a line in the file `tally` for each chunk that it
 * worked at, so that a test can count what was done twice. `chunk_us`: it takes that long.
 */
#include <eisenmp.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static uint64_t value_of (const msgpack_object *row)
{
    if (row->type != MSGPACK_OBJECT_STR)
        return row->via.u64;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < row->via.str.size; i++)
        sum = sum * 31 + (uint8_t) row->via.str.ptr[i];
    return sum % 1000003;
}

static void leave_line (emp_toolbox_t *toolbox, uint64_t sum)
{
    static int file = -1;
    const char *path = emp_toolbox_string (toolbox, "tally", NULL);
    if (file < 0 && path)
        file = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char line[32];
    int size = snprintf (line, sizeof line, "%llu\n", (unsigned long long) sum);
    if (file >= 0)
        (void) !write (file, line, (size_t) size);
}

bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++)
        sum += value_of (emp_chunk_row (chunk, i));
    leave_line (toolbox, sum);
    struct timespec left = {.tv_nsec = emp_toolbox_int (toolbox, "chunk_us", 0) * 1000};
    while (left.tv_nsec && nanosleep (&left, &left) != 0)
        ;
    msgpack_pack_uint64 (emp_chunk_result (chunk), sum);
    emp_chunk_done (&chunk);
    return true;
}
