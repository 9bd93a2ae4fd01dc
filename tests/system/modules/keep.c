/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keep.c - a module that finds again what its predecessor of the same number wrote into the run's folder.
 */
#include <eisenmp.h>
#include <unistd.h>

/* Adds a line to its file, dies of the first attempt, and answers with the number of lines. Then it is done, or stays. */
bool keep (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    while (!chunk && emp_toolbox_bool (toolbox, "stay", false))
        pause ();
    if (!chunk)
        return false;
    char path[300];
    snprintf (path, sizeof path, "%s/keep-%u", emp_toolbox_run_folder (toolbox),
              emp_toolbox_start_sequence_num (toolbox));
    FILE *file = fopen (path, "a+");
    if (!file) {
        emp_chunk_fail (&chunk, "cannot open %s", path);
        return true;
    }
    fprintf (file, "%d\n", emp_toolbox_worker_pid (toolbox));
    fflush (file);
    if (emp_chunk_attempt (chunk) == 1)
        _exit (3);
    rewind (file);
    unsigned lines = 0;
    for (int c; (c = fgetc (file)) != EOF;)
        lines += c == '\n';
    fclose (file);
    msgpack_pack_unsigned_int (emp_chunk_result (chunk), lines);
    emp_chunk_done (&chunk);
    return true;
}
