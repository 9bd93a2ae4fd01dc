/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pass.h - one message with open files over a pair of SOCK_SEQPACKET sockets.
 */
#ifndef EMP_WORKER_PASS_H
#define EMP_WORKER_PASS_H

#include <stdbool.h>
#include <stddef.h>

#define EMP_PASS_FILES_MAX 2

/* False with errno. The files stay the caller's. Does not raise SIGPIPE. */
bool emp_pass_send (int socket, const void *data, size_t size, const int *files, size_t count);
/* Waits for a message of exactly `size` bytes and `count` files, which are the caller's then, closed at an exec. False:
 * the other side is gone, or sent anything else; nothing is to be closed. */
bool emp_pass_receive (int socket, void *data, size_t size, int *ret_files, size_t count);

#endif
