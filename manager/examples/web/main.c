/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - eisenmp-examples-web FOLDER PROGRAM PORT: the examples of FOLDER as a page, run by PROGRAM (the path of eisenmp).
 * `eisenmp examples --web` is this program, which has looked at what it is given.
 *
 * One thread and one loop: libmicrohttpd, the pipes of the runs and the signals are waited for together. So a fork has no
 * other thread to mind, and a run that is to die with its parent has one that stays.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "../../../common/thread.h"
#include "serve.h"

#define PROGRAM "eisenmp-examples-web"
#define FAREWELL_US 1000000u /* for pages to be told how the runs ended */

typedef struct {
    emp_host_t host;
    emp_serve_t *serve;
    int signals;
    uint64_t beat, farewell; /* times; 0: not yet */
} loop_t;

static uint64_t now_us (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * 1000000u + (uint64_t) time.tv_nsec / 1000u;
}

static int fail (const char *what)
{
    fprintf (stderr, PROGRAM ": %s: %s\n", what, strerror (errno));
    return 1;
}

/* Ms until the loop has something to do by itself. */
static int timeout (loop_t *self, uint64_t now)
{
    uint64_t due = emp_runs_next_due (&self->host.runs);
    if (self->farewell && self->farewell < due)
        due = self->farewell;
    int wanted = emp_serve_timeout (self->serve);
    if (due <= now || self->host.changed)
        return 0;
    return (due - now) / 1000u < (uint64_t) wanted ? (int) ((due - now) / 1000u) + 1 : wanted;
}

static void wait_for_news (loop_t *self)
{
    struct pollfd polled[EMP_HOST_POLLED_MAX + 2];
    size_t count = emp_host_polled (&self->host, polled);
    polled[count++] = (struct pollfd){.fd = self->signals, .events = POLLIN};
    polled[count++] = (struct pollfd){.fd = emp_serve_polled (self->serve), .events = POLLIN};
    poll (polled, count, timeout (self, now_us ())); /* whatever it says, a turn looks at everything */
}

static void take_signals (loop_t *self, uint64_t now)
{
    struct signalfd_siginfo info;
    while (read (self->signals, &info, sizeof info) == (ssize_t) sizeof info)
        if (info.ssi_signo != SIGCHLD) {
            if (emp_runs_on (&self->host.runs))
                fprintf (stderr, "\neisenmp examples: ending what runs%s\n", self->host.runs.ending ? ", at once" : "");
            emp_runs_end (&self->host.runs, now);
        }
}

/* False when it is all over. */
static bool turn (loop_t *self)
{
    uint64_t now = now_us ();
    take_signals (self, now);
    emp_host_turn (&self->host, now);
    bool beat = now - self->beat >= EMP_SERVE_BEAT_MS * UINT64_C (1000);
    if (beat)
        self->beat = now;
    bool news = self->host.changed || beat;
    self->host.changed = false; /* before the turn, in which somebody may start or stop a run */
    emp_serve_turn (self->serve, news);
    if (!self->host.runs.ending || emp_runs_on (&self->host.runs))
        return true;
    if (!self->farewell) {
        self->farewell = now + FAREWELL_US;
        emp_serve_end (self->serve);
    }
    return now < self->farewell && emp_serve_viewers (self->serve);
}

static int serve (loop_t *self, uint16_t port)
{
    self->serve = emp_serve_new (&self->host, port);
    if (!self->serve) {
        fprintf (stderr, PROGRAM ": 127.0.0.1:%u: %s\n", (unsigned) port, strerror (errno));
        return 1;
    }
    printf ("%s\n", emp_serve_url (self->serve));
    if (fflush (stdout) != 0) {
        emp_serve_destroy (&self->serve);
        return fail ("standard output");
    }
    if (isatty (STDERR_FILENO))
        fprintf (stderr, "Open this address in a browser of this machine. Ctrl-C ends the server and what it runs.\n");
    self->beat = now_us ();
    do
        wait_for_news (self);
    while (turn (self));
    emp_serve_destroy (&self->serve);
    return 0;
}

int main (int argc, char **argv)
{
    loop_t loop = {.signals = -1};
    emp_catalogue_t catalogue;
    sigset_t heard;
    emp_thread_reserve_streams ();
    if (argc != 4) {
        fprintf (stderr, "Usage: " PROGRAM " FOLDER PROGRAM PORT; see eisenmp examples --help\n");
        return 2;
    }
    sigemptyset (&heard);
    sigaddset (&heard, SIGINT);
    sigaddset (&heard, SIGTERM);
    sigaddset (&heard, SIGHUP);
    sigaddset (&heard, SIGCHLD);
    sigprocmask (SIG_BLOCK, &heard, NULL);
    signal (SIGPIPE, SIG_IGN);
    if ((loop.signals = signalfd (-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return fail ("signals");
    if (emp_catalogue_read (&catalogue, argv[1]) != EMP_OK)
        return fail (argv[1]);
    int code = 1;
    if (emp_host_init (&loop.host, &catalogue, argv[2]) == EMP_OK) {
        code = serve (&loop, (uint16_t) strtoul (argv[3], NULL, 10));
        emp_host_release (&loop.host);
    }
    emp_catalogue_release (&catalogue);
    close (loop.signals);
    return code;
}
