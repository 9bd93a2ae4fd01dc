/* SPDX-License-Identifier: BSD-3-Clause
 *
 * directory.h - removes a run's folder of sockets: at its end the manager, or the supervisor when the manager is gone and
 * cannot, or a later run that finds it left behind.
 *
 * Careful by construction: only a folder that belongs to this user and to nobody else (0700), only plain files and sockets
 * directly in it, no link followed, nothing below.
 */
#ifndef EMP_DIRECTORY_H
#define EMP_DIRECTORY_H

#include "eisenmp.h"

#define EMP_DIRECTORY_MAX 80 /* bytes of its path: an ipc socket's has 107 at the most, its file name included */

/* EMP_OK: it is gone, or was not there. EMP_REFUSED: it is no such folder. EMP_SYSTEM: something in it stays, so it stays. */
emp_status_t emp_directory_remove (const char *path);

#endif
