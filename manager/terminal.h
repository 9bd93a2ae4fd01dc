/* SPDX-License-Identifier: BSD-3-Clause
 *
 * terminal.h - for `eisenmp top`: a screen that is drawn again and again, keys, and signals that end it in good order.
 *
 * Plain ANSI sequences (ECMA-48 and xterm's alternate screen), so every terminal of the last thirty years will do. Where standard
 * output is no terminal it is never begun, nothing is drawn over, and signals are taken all the same. One of it in a process, one
 * thread; other threads do not take signals (emp_thread_start, libzmq's neither).
 */
#ifndef EMP_TERMINAL_H
#define EMP_TERMINAL_H

#include <signal.h>
#include <termios.h>

#include "../common/buf.h"

typedef struct {
    bool live; /* the screen is ours */
    bool keys; /* and the keyboard */
    struct termios saved;
    sigset_t mask; /* as it was */
    int signals;   /* signalfd */
    bool quit;     /* q, Ctrl-C */
    int killed;    /* the signal that ends it, 0: none */
    bool resized;
} emp_terminal_t;

/* Takes the signals. EMP_OK, EMP_SYSTEM with errno. */
emp_status_t emp_terminal_open (emp_terminal_t *self);
/* Takes the screen, and the keyboard when standard input is one. */
void emp_terminal_begin (emp_terminal_t *self);
/* Everything as it was. A signal that ended it is raised then, by which the process may end: emp_terminal_raise. */
void emp_terminal_close (emp_terminal_t *self);
void emp_terminal_raise (const emp_terminal_t *self);
/* 0: not known. */
void emp_terminal_size (size_t *ret_lines, size_t *ret_columns);
/* Waits; false: it is to end. Less long when the window has another size, or a key was pressed. */
bool emp_terminal_wait (emp_terminal_t *self, uint32_t ms);
/* The screen is this text; what is not live gets it appended. EMP_OK, EMP_SYSTEM with errno: it could not be written. */
emp_status_t emp_terminal_draw (const emp_terminal_t *self, const emp_buf_t *text);

#endif
