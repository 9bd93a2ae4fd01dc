/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loader.h - finds the function of a worker module in its shared object.
 *
 * The same object may be loaded several times (B24): it is one object in the process, called once for each time that it
 * stands in the list. Objects are never unloaded: their threads may run to the end of the process.
 */
#ifndef EMP_WORKER_LOADER_H
#define EMP_WORKER_LOADER_H

#include "../common/eisenmp.h"

#define EMP_LOADER_ERROR_MAX 4095

/* EMP_OK, or EMP_INVALID with a sentence in ret_error (EMP_LOADER_ERROR_MAX + 1 bytes): no such file, no shared
 * object, a symbol that it needs and nobody has, no function of that name in the object itself. Runs the object's
 * constructors. */
emp_status_t emp_loader_open (const char *path, const char *ref, emp_worker_fn **ret_function, char *ret_error);

#endif
