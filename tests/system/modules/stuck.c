/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stuck.c - a worker module that sits on its chunk until somebody writes to the pipe `gate`, which nobody does: it ends by a signal.
 */
#include <eisenmp.h>
#include <fcntl.h>
#include <unistd.h>

bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    int fd = open (emp_toolbox_string (toolbox, "gate", ""), O_RDONLY | O_CLOEXEC);
    char byte;
    if (fd >= 0) {
        (void) !read (fd, &byte, 1);
        close (fd);
    }
    msgpack_pack_nil (emp_chunk_result (chunk));
    emp_chunk_done (&chunk);
    return true;
}
