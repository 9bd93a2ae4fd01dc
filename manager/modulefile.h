/* SPDX-License-Identifier: BSD-3-Clause
 *
 * modulefile.h - finds the file of a worker module or generator, and says what it is without running any of it.
 */
#ifndef EMP_MODULEFILE_H
#define EMP_MODULEFILE_H

#include "../common/eisenmp.h"

#define EMP_MODULEFILE_ERROR_MAX 960

/* A name with '/' as it is (relative to `directory`; NULL: the working directory); a bare name in `directory`, then
 * in each folder of $EISENMP_MODULE_PATH (colons between them), then in `modules_dir` (may be NULL). *ret_path is
 * absolute, without symbolic links, and the caller's. EMP_INVALID: nowhere; the sentence is in `ret_error`, of
 * EMP_MODULEFILE_ERROR_MAX. */
emp_status_t emp_modulefile_find (const char *name, const char *directory, const char *modules_dir, char **ret_path,
                                  char *ret_error);
/* EMP_OK: an ELF shared object for this machine that defines a function `ref` and would be loaded. EMP_INVALID: no such
 * file; EMP_UNKNOWN: no such function, with the nearest one. */
emp_status_t emp_modulefile_check (const char *path, const char *ref, char *ret_error);

#endif
