/* SPDX-License-Identifier: BSD-3-Clause
 *
 * terminal.c - see terminal.h.
 */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* the alternate screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define END_OF_LINE "\033[K\r\n"
#define END_OF_SCREEN "\033[J"
#define SCREEN_MAX (4u * 1024 * 1024)

static emp_status_t write_all (const void *data, size_t size)
{
    for (const char *at = data; size;) {
        ssize_t written = write (STDOUT_FILENO, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            poll (&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (written < 0)
            return EMP_SYSTEM;
        at += written;
        size -= (size_t) written;
    }
    return EMP_OK;
}

/* Keys one by one, unseen; Ctrl-C stays a signal. */
static void enter (emp_terminal_t *self)
{
    self->keys = tcgetattr (STDIN_FILENO, &self->saved) == 0;
    if (self->keys) {
        struct termios raw = self->saved;
        raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        self->keys = tcsetattr (STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    write_all (ENTER, strlen (ENTER));
}

static void leave (const emp_terminal_t *self)
{
    write_all (LEAVE, strlen (LEAVE));
    if (self->keys)
        tcsetattr (STDIN_FILENO, TCSADRAIN, &self->saved);
}

emp_status_t emp_terminal_open (emp_terminal_t *self)
{
    *self = (emp_terminal_t){0};
    static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    sigset_t set;
    sigemptyset (&set);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct sigaction action;
        bool ignored = sigaction (taken[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN;
        if (!ignored)
            sigaddset (&set, taken[i]);
    }
    pthread_sigmask (SIG_BLOCK, &set, &self->mask);
    self->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self->signals < 0) {
        pthread_sigmask (SIG_SETMASK, &self->mask, NULL);
        return EMP_SYSTEM;
    }
    return EMP_OK;
}

void emp_terminal_begin (emp_terminal_t *self)
{
    self->live = true;
    enter (self);
}

void emp_terminal_close (emp_terminal_t *self)
{
    if (self->live)
        leave (self);
    self->live = false;
    if (self->signals >= 0)
        close (self->signals);
    self->signals = -1;
}

void emp_terminal_raise (const emp_terminal_t *self)
{
    pthread_sigmask (SIG_SETMASK, &self->mask, NULL);
    if (self->killed)
        raise (self->killed);
}

void emp_terminal_size (size_t *ret_lines, size_t *ret_columns)
{
    struct winsize size;
    bool known = ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    *ret_lines = known ? size.ws_row : 0;
    *ret_columns = known ? size.ws_col : 0;
}

/* Ctrl-Z: the shell has its terminal as it was, and we have ours when we come back. */
static void stop (emp_terminal_t *self)
{
    if (self->live)
        leave (self);
    kill (getpid (), SIGSTOP);
    if (self->live)
        enter (self);
    self->resized = self->live;
}

static void take_signals (emp_terminal_t *self)
{
    struct signalfd_siginfo info;
    while (read (self->signals, &info, sizeof info) == (ssize_t) sizeof info)
        switch (info.ssi_signo) {
        case SIGWINCH: self->resized = self->live; break;
        case SIGTSTP: stop (self); break;
        case SIGINT: self->quit = true; break;
        default: self->killed = (int) info.ssi_signo; break;
        }
}

static bool take_keys (emp_terminal_t *self)
{
    char keys[64];
    ssize_t size = read (STDIN_FILENO, keys, sizeof keys);
    if (size <= 0)
        self->keys = size < 0 && (errno == EINTR || errno == EAGAIN); /* it hung up: not asked again */
    for (ssize_t i = 0; i < size; i++)
        self->quit |= keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 3;
    return size > 0;
}

bool emp_terminal_wait (emp_terminal_t *self, uint32_t ms)
{
    struct pollfd items[] = {{.fd = self->signals, .events = POLLIN},
                             {.fd = self->live && self->keys ? STDIN_FILENO : -1, .events = POLLIN}};
    if (poll (items, 2, (int) ms) > 0) {
        if (items[0].revents)
            take_signals (self);
        if (items[1].revents)
            take_keys (self);
    }
    return !self->quit && !self->killed;
}

static void draw_over (const emp_buf_t *text, emp_buf_t *out)
{
    emp_buf_append (out, HOME, strlen (HOME));
    for (size_t at = 0; at < text->size;) {
        const uint8_t *line = text->data + at, *end = memchr (line, '\n', text->size - at);
        size_t size = end ? (size_t) (end - line) : text->size - at;
        emp_buf_append (out, line, size);
        at += size + 1;
        /* The last line has no end, or the screen would move by one. */
        if (at < text->size)
            emp_buf_append (out, END_OF_LINE, strlen (END_OF_LINE));
        else
            emp_buf_append (out, "\033[K", 3);
    }
    emp_buf_append (out, END_OF_SCREEN, strlen (END_OF_SCREEN));
}

emp_status_t emp_terminal_draw (const emp_terminal_t *self, const emp_buf_t *text)
{
    if (!self->live)
        return write_all (text->data, text->size);
    emp_buf_t out;
    emp_buf_init (&out, SCREEN_MAX);
    draw_over (text, &out);
    emp_status_t status = out.broken ? EMP_NOMEM : write_all (out.data, out.size);
    emp_buf_release (&out);
    return status;
}
