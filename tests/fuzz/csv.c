/* SPDX-License-Identifier: BSD-3-Clause
 *
 * csv.c - any bytes as a CSV: its first byte chooses the column, the rest is the file. Every row is one packed text.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/control.h"
#include "common/scan.h"
#include "manager/source.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char path[64], column[8], error[EMP_TEXT_MAX + 1];
    if (size == 0)
        return 0;
    int fd = memfd_create ("table", MFD_CLOEXEC);
    if (fd < 0 || write (fd, data + 1, size - 1) != (ssize_t) size - 1)
        abort ();
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    snprintf (column, sizeof column, "%d", 1 + data[0] % 4);
    emp_source_spec_t spec = {.kind = EMP_SOURCE_CSV, .path = path, .column = column};
    emp_source_t *source = NULL;
    if (emp_source_open (&spec, NULL, &source, error) == EMP_OK) {
        emp_buf_t row;
        emp_buf_init (&row, EMP_CHUNK_BYTES_MAX);
        size_t rows = 0, values;
        while (emp_source_next (source, &row) == EMP_OK)
            rows++;
        if (emp_scan (row.data, row.size, EMP_SCAN_OBJECTS_MAX, &values) != EMP_OK || values != rows || rows > size)
            abort ();
        emp_buf_release (&row);
    }
    emp_source_close (&source);
    close (fd);
    return 0;
}
