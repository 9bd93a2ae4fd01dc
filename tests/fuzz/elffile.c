/* SPDX-License-Identifier: BSD-3-Clause
 *
 * elffile.c - any bytes as a module's file: good or refused with a sentence.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "manager/elffile.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char path[64], error[EMP_ELF_ERROR_MAX] = "";
    int fd = memfd_create ("module", MFD_CLOEXEC);
    if (fd < 0 || write (fd, data, size) != (ssize_t) size)
        abort ();
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    if (emp_elf_check (path, "worker_entrance", error) != EMP_OK && !*error)
        abort ();
    close (fd);
    return 0;
}
