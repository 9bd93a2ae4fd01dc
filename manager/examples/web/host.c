/* SPDX-License-Identifier: BSD-3-Clause
 *
 * host.c - the processes of the runs. See host.h.
 */
#include "host.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define PIECES_A_TURN 16 /* of one stream, so that one that never pauses lets the others have theirs */
#define PIECES_AT_END 64 /* a pipe holds no more; whoever still writes then is not the run */

emp_status_t emp_host_init (emp_host_t *self, const emp_catalogue_t *catalogue, char *program)
{
    *self = (emp_host_t){.catalogue = catalogue, .program = program};
    self->outputs = calloc (catalogue->count + 1, sizeof *self->outputs);
    if (!self->outputs || emp_runs_init (&self->runs, catalogue->count) != EMP_OK) {
        free (self->outputs);
        return EMP_NOMEM;
    }
    for (size_t i = 0; i < catalogue->count; i++)
        self->outputs[i][0] = self->outputs[i][1] = -1;
    return EMP_OK;
}

void emp_host_release (emp_host_t *self)
{
    assert (emp_runs_on (&self->runs) == 0);
    emp_runs_release (&self->runs);
    free (self->outputs);
}

emp_status_t emp_host_start (emp_host_t *self, size_t which)
{
    emp_status_t status = emp_runs_may_start (&self->runs, which);
    if (status != EMP_OK)
        return status;
    char first[] = "eisenmp", second[] = "run";
    char *argv[] = {first, second, self->catalogue->at[which].job, NULL};
    pid_t pid;
    status = emp_child_start (self->program, argv, &pid, self->outputs[which]);
    if (status != EMP_OK)
        return status;
    emp_runs_started (&self->runs, which, pid);
    self->changed = true;
    return EMP_OK;
}

emp_status_t emp_host_stop (emp_host_t *self, size_t which)
{
    int number = emp_runs_stop (&self->runs, which);
    if (!number)
        return EMP_STATE;
    kill (self->runs.at[which].pid, number); /* it was not waited for, so the number is still its own */
    self->changed = true;
    return EMP_OK;
}

size_t emp_host_polled (const emp_host_t *self, struct pollfd ret_polled[EMP_HOST_POLLED_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < self->runs.count; i++)
        for (int stream = 0; stream < 2 && emp_run_is_on (&self->runs.at[i]); stream++)
            if (self->outputs[i][stream] >= 0)
                ret_polled[count++] = (struct pollfd){.fd = self->outputs[i][stream], .events = POLLIN};
    return count;
}

/* ---- a turn ------------------------------------------------------------------------------------------------------- */

static void close_stream (emp_host_t *self, size_t which, int stream)
{
    if (self->outputs[which][stream] >= 0)
        close (self->outputs[which][stream]);
    self->outputs[which][stream] = -1;
}

static void keep (emp_output_t *output, unsigned stream, const uint8_t *bytes, size_t size)
{
    if (emp_output_add (output, stream, bytes, size) != EMP_OK)
        emp_output_lose (output, size);
}

static void read_stream (emp_host_t *self, size_t which, int stream, int pieces)
{
    uint8_t bytes[EMP_OUTPUT_PIECE_MAX];
    for (int i = 0; i < pieces && self->outputs[which][stream] >= 0; i++) {
        ssize_t size = read (self->outputs[which][stream], bytes, sizeof bytes);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size > 0)
            keep (&self->runs.at[which].output, stream ? 2 : 1, bytes, (size_t) size);
        else if (size == 0 || errno != EINTR)
            close_stream (self, which, stream);
        self->changed = true;
    }
}

static void look_after (emp_host_t *self, size_t which, uint64_t now)
{
    int number = emp_runs_due (&self->runs, which, now), status;
    if (number) {
        kill (self->runs.at[which].pid, number);
        self->changed = true;
    }
    pid_t ended = waitpid (self->runs.at[which].pid, &status, WNOHANG); /* first, so that nothing it wrote is missed */
    for (int stream = 0; stream < 2; stream++)
        read_stream (self, which, stream, ended > 0 ? PIECES_AT_END : PIECES_A_TURN);
    if (ended <= 0)
        return;
    for (int stream = 0; stream < 2; stream++)
        close_stream (self, which, stream);
    emp_runs_over (&self->runs, which, status);
    self->changed = true;
}

void emp_host_turn (emp_host_t *self, uint64_t now)
{
    for (size_t i = 0; i < self->runs.count; i++)
        if (emp_run_is_on (&self->runs.at[i]))
            look_after (self, i, now);
}
