/* SPDX-License-Identifier: BSD-3-Clause
 *
 * elffile.h - is this file an ELF shared object that defines that function? Answered by reading, never by loading: a
 * manager runs no module code.
 *
 * Every number in the file is taken for a lie until it is checked against the file's size; nothing larger than the
 * bounds in elffile.c is read, and the file is read, not mapped, so one that shrinks meanwhile is an error and no
 * SIGBUS.
 * Cost: two or three small reads and the dynamic symbol table.
 */
#ifndef EMP_ELFFILE_H
#define EMP_ELFFILE_H

#include "../common/eisenmp.h"

#define EMP_ELF_ERROR_MAX 640

/* EMP_OK, EMP_INVALID (what the file is instead), EMP_UNKNOWN (no such function; the nearest that it exports),
 * EMP_SYSTEM, EMP_NOMEM; with "found …, expected …" in `ret_error` of EMP_ELF_ERROR_MAX. */
emp_status_t emp_elf_check (const char *path, const char *function, char *ret_error);

#endif
