/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writer.h - stderr, written by a thread of its own, so that a reader which stands still (a terminal after Ctrl-S, a pager) holds up
 * nobody: O_NONBLOCK would be that of all who share the file, and poll tells of one free page that another may fill first.
 *
 * Texts wait in a buffer of EMP_WRITER_BYTES; one that finds no room is dropped and counted, and the count is written when there
 * is room again. Without a start, or without a thread, a write waits as ever. One per process; any thread.
 */
#ifndef EMP_WORKER_WRITER_H
#define EMP_WORKER_WRITER_H

#include <stddef.h>

#define EMP_WRITER_BYTES (256u * 1024)

/* `fd` is borrowed; usually STDERR_FILENO. */
void emp_writer_start (int fd);
/* Whole lines, all or none of them. */
void emp_writer_write (const char *text, size_t size);
/* Waits until all is written, or nobody has read any of it for so many milliseconds. What is left is lost. Not to be started again. */
void emp_writer_end (unsigned ms);

#endif
