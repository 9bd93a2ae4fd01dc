/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trouble.c - a worker module that sums its numbers, and does on one of them what a bad module does. The attributes
 * `trouble` (what) and `at` (on which number) say what and when:
 *   segv, abort, exit0, exit3    the process ends so
 *   garbage                      the result is no msgpack
 *   nothing                      the chunk is answered without a result
 *   several                      three results for the ticket
 *   refuse                       emp_chunk_fail
 *   wedge                        never returns
 *   stop                         the process is stopped (SIGSTOP)
 *   once                         dies of signal 9 the first time the number is seen (marks it in the file `mark`)
 *   grandchild                   leaves a child behind that sleeps in a session of its own
 *   family                       the same, and never returns
 *   quit                         the module says false: no more work
 *   behind                       the process ends right behind emp_chunk_done
 */
#include <eisenmp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die_once (emp_toolbox_t *toolbox)
{
    int mark = open (emp_toolbox_string (toolbox, "mark", "mark"), O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (mark >= 0)
        raise (SIGKILL);
}

static void leave_grandchild (void)
{
    if (fork () != 0)
        return;
    setsid ();
    pause ();
    _exit (0);
}

/* Returns false when the chunk is done with already. It writes through NULL on purpose. */
__attribute__ ((no_sanitize ("undefined"))) static bool make_trouble (emp_toolbox_t *toolbox, const char *what,
                                                                      emp_chunk_t **chunk)
{
    volatile int *nowhere = NULL;
    if (strcmp (what, "segv") == 0)
        *nowhere = 1;
    if (strcmp (what, "abort") == 0)
        abort ();
    if (strcmp (what, "exit0") == 0)
        exit (0);
    if (strcmp (what, "exit3") == 0) {
        fprintf (stderr, "about to exit with 3\n");
        exit (3);
    }
    if (strcmp (what, "grandchild") == 0 || strcmp (what, "family") == 0)
        leave_grandchild ();
    if (strcmp (what, "wedge") == 0 || strcmp (what, "family") == 0)
        for (;;)
            pause ();
    if (strcmp (what, "stop") == 0)
        raise (SIGSTOP);
    if (strcmp (what, "once") == 0)
        die_once (toolbox);
    if (strcmp (what, "refuse") == 0) {
        emp_chunk_fail (chunk, "number %d is not liked", (int) emp_toolbox_int (toolbox, "at", -1));
        return false;
    }
    if (strcmp (what, "garbage") == 0) {
        msgpack_packer *pk = emp_chunk_result (*chunk);
        pk->callback (pk->data, "\xdd\xff\xff\xff\xff", 5);
    }
    if (strcmp (what, "garbage") == 0 || strcmp (what, "nothing") == 0) {
        emp_chunk_done (chunk);
        return false;
    }
    return true;
}

bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    const char *what = emp_toolbox_string (toolbox, "trouble", "none");
    int64_t at = emp_toolbox_int (toolbox, "at", -1), sum = 0;
    bool found = false;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
        int64_t row = emp_chunk_row (chunk, i)->via.i64;
        found = found || row == at;
        sum += row;
    }
    if (found && !make_trouble (toolbox, what, &chunk))
        return true;
    int copies = found && strcmp (what, "several") == 0 ? 3 : 1;
    for (int i = 0; i < copies; i++)
        msgpack_pack_int64 (emp_chunk_result (chunk), sum);
    emp_chunk_done (&chunk);
    if (found && strcmp (what, "behind") == 0)
        abort ();
    return !(found && strcmp (what, "quit") == 0);
}
