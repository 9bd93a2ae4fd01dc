/* SPDX-License-Identifier: BSD-3-Clause
 *
 * directory.h - removes the run's folder of sockets when the manager that made it is gone and cannot.
 *
 * Careful by construction: only a folder that belongs to this user and to nobody else (0700), only plain files and sockets
 * directly in it, no link followed, nothing below.
 */
#ifndef EMP_WORKER_DIRECTORY_H
#define EMP_WORKER_DIRECTORY_H

#include "../common/eisenmp.h"

/* EMP_OK: it is gone, or was not there. EMP_REFUSED: it is no such folder. EMP_SYSTEM: something in it stays, so it stays. */
emp_status_t emp_directory_remove (const char *path);

#endif
