/* SPDX-License-Identifier: BSD-3-Clause
 *
 * module.c - the workers' part of ours.c and latency.c, as a user would write it: one chunk, one result, a call.
 *
 * A chunk of nothing (nil) comes before the clock starts: it says, once a process, that this worker's lane is open.
 */
#include <fcntl.h>
#include <unistd.h>

#include "common.h"
#include "eisenmp.h"

emp_worker_fn bench_sum, bench_length, bench_primes;

static void say_ready (emp_toolbox_t *toolbox)
{
    static bool said;
    const char *path = emp_toolbox_string (toolbox, "bench_ready", NULL);
    uint8_t worker = (uint8_t) emp_toolbox_start_sequence_num (toolbox);
    int fd = said || !path ? -1 : open (path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    said = write (fd, &worker, 1) == 1;
    close (fd);
}

static bool turn (emp_toolbox_t *toolbox, bench_work_t work)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, BENCH_QUEUE));
    if (!chunk)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++)
        sum += bench_row_value (work, emp_chunk_row (chunk, i));
    if (emp_chunk_rows (chunk) && emp_chunk_row (chunk, 0)->type == MSGPACK_OBJECT_NIL)
        say_ready (toolbox);
    msgpack_pack_uint64 (emp_chunk_result (chunk), sum);
    emp_chunk_done (&chunk);
    return true;
}

bool bench_sum (emp_toolbox_t *toolbox)
{
    return turn (toolbox, BENCH_SUM);
}

bool bench_length (emp_toolbox_t *toolbox)
{
    return turn (toolbox, BENCH_LENGTH);
}

bool bench_primes (emp_toolbox_t *toolbox)
{
    return turn (toolbox, BENCH_PRIMES);
}
