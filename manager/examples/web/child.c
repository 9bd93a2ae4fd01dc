/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child.c - a process of the page. See child.h.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FAILED 127

_Noreturn static void become (const char *program, char *const *argv, pid_t parent, int out, int err)
{
    sigset_t none;
    sigemptyset (&none);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent) /* it ended before the line above */
        _exit (FAILED);
    setpgid (0, 0);
    signal (SIGPIPE, SIG_DFL);
    int nothing = open ("/dev/null", O_RDONLY);
    if (dup2 (nothing, STDIN_FILENO) < 0 || dup2 (out, STDOUT_FILENO) < 0 || dup2 (err, STDERR_FILENO) < 0)
        _exit (FAILED);
    close_range (STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    sigprocmask (SIG_SETMASK, &none, NULL);
    execv (program, argv);
    dprintf (STDERR_FILENO, "%s: %s\n", program, strerror (errno));
    _exit (FAILED);
}

emp_status_t emp_child_start (const char *program, char *const *argv, pid_t *ret_pid, int ret_outputs[2])
{
    int out[2], err[2], why;
    pid_t parent = getpid ();
    if (pipe2 (out, O_CLOEXEC) < 0)
        return EMP_SYSTEM;
    if (pipe2 (err, O_CLOEXEC) < 0)
        goto no_err;
    if (fcntl (out[0], F_SETFL, O_NONBLOCK) < 0 || fcntl (err[0], F_SETFL, O_NONBLOCK) < 0)
        goto no_child;
    pid_t pid = fork ();
    if (pid < 0)
        goto no_child;
    if (pid == 0)
        become (program, argv, parent, out[1], err[1]);
    close (out[1]);
    close (err[1]);
    *ret_pid = pid;
    ret_outputs[0] = out[0];
    ret_outputs[1] = err[0];
    return EMP_OK;

no_child:
    why = errno;
    close (err[0]);
    close (err[1]);
    errno = why;
no_err:
    why = errno;
    close (out[0]);
    close (out[1]);
    errno = why;
    return EMP_SYSTEM;
}
