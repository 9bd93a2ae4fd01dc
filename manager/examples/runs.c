/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runs.c - one run for each example. See runs.h.
 */
#include "runs.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../common/how.h"

_Static_assert (EMP_RUNS_HOW_MAX >= EMP_HOW_TEXT_MAX, "how a process ended has room");

emp_status_t emp_runs_init (emp_runs_t *self, size_t count)
{
    *self = (emp_runs_t){.at = calloc (count ? count : 1, sizeof *self->at), .count = count};
    return self->at ? EMP_OK : EMP_NOMEM;
}

void emp_runs_release (emp_runs_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        emp_output_release (&self->at[i].output);
    free (self->at);
    *self = (emp_runs_t){0};
}

bool emp_run_is_on (const emp_run_t *self)
{
    return self->state == EMP_RUN_RUNNING || self->state == EMP_RUN_STOPPING;
}

size_t emp_runs_on (const emp_runs_t *self)
{
    size_t on = 0;
    for (size_t i = 0; i < self->count; i++)
        on += emp_run_is_on (&self->at[i]);
    return on;
}

emp_status_t emp_runs_may_start (const emp_runs_t *self, size_t which)
{
    assert (which < self->count);
    if (self->ending)
        return EMP_STATE;
    if (emp_run_is_on (&self->at[which]))
        return EMP_EXISTS;
    return emp_runs_on (self) < EMP_RUNS_MAX ? EMP_OK : EMP_FULL;
}

void emp_runs_started (emp_runs_t *self, size_t which, pid_t pid)
{
    assert (emp_runs_may_start (self, which) == EMP_OK);
    emp_run_t *run = &self->at[which];
    emp_output_release (&run->output);
    *run = (emp_run_t){.state = EMP_RUN_RUNNING, .number = run->number + 1, .pid = pid};
}

int emp_runs_stop (emp_runs_t *self, size_t which)
{
    assert (which < self->count);
    emp_run_t *run = &self->at[which];
    if (!emp_run_is_on (run))
        return 0;
    run->state = EMP_RUN_STOPPING;
    run->asked++;
    return run->asked <= 2 ? SIGINT : SIGKILL;
}

void emp_runs_over (emp_runs_t *self, size_t which, int status)
{
    assert (which < self->count && emp_run_is_on (&self->at[which]));
    emp_run_t *run = &self->at[which];
    run->state = EMP_RUN_OVER;
    run->status = status;
    run->pid = 0;
    run->due = 0;
}

void emp_runs_end (emp_runs_t *self, uint64_t now)
{
    self->ending = true;
    for (size_t i = 0; i < self->count; i++)
        if (emp_run_is_on (&self->at[i]))
            self->at[i].due = now ? now : 1;
}

int emp_runs_due (emp_runs_t *self, size_t which, uint64_t now)
{
    assert (which < self->count);
    emp_run_t *run = &self->at[which];
    if (!emp_run_is_on (run) || run->due == 0 || now < run->due)
        return 0;
    int number = emp_runs_stop (self, which);
    run->due = now + (run->asked == 1 ? EMP_RUNS_DRAIN_US : EMP_RUNS_STOP_US);
    return number;
}

uint64_t emp_runs_next_due (const emp_runs_t *self)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < self->count; i++)
        if (emp_run_is_on (&self->at[i]) && self->at[i].due && self->at[i].due < next)
            next = self->at[i].due;
    return next;
}

void emp_run_how (const emp_run_t *self, char ret_text[EMP_RUNS_HOW_MAX + 1])
{
    *ret_text = 0;
    if (self->state != EMP_RUN_OVER)
        return;
    if (WIFSIGNALED (self->status))
        emp_how_text (EMP_HOW_SIGNAL, (uint32_t) WTERMSIG (self->status), ret_text);
    else
        snprintf (ret_text, EMP_RUNS_HOW_MAX + 1, "exit %d", WEXITSTATUS (self->status));
}
