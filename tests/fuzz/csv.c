/* SPDX-License-Identifier: BSD-3-Clause
 *
 * csv.c - any bytes as a CSV: its first byte chooses the column and how many rows are taken at a time, the rest is the file.
 * Every row is one packed text.
 */
#include "common/control.h"
#include "common/scan.h"
#include "fuzz.h"
#include "manager/source.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char path[64], column[8], error[EMP_TEXT_MAX + 1] = "";
    if (size == 0)
        return 0;
    int fd = fuzz_file (data + 1, size - 1, path);
    snprintf (column, sizeof column, "%d", 1 + data[0] % 4);
    emp_source_spec_t spec = {.kind = EMP_SOURCE_CSV, .path = path, .column = column};
    emp_source_t *source = NULL;
    emp_status_t status = emp_source_open (&spec, NULL, &source, error);
    FUZZ_MUST (status == EMP_OK || *error);
    if (status == EMP_OK) {
        emp_buf_t chunk;
        emp_buf_init (&chunk, EMP_CHUNK_BYTES_MAX);
        size_t rows = 0, values;
        uint32_t count = 0;
        while ((status = emp_source_rows (source, 1 + data[0] / 4u, &chunk, &count)) == EMP_OK)
            rows += count;
        rows += count;
        FUZZ_MUST (status == EMP_STOPPED || *emp_source_error (source));
        FUZZ_MUST (emp_scan (chunk.data, chunk.size, EMP_SCAN_OBJECTS_MAX, &values) == EMP_OK);
        FUZZ_MUST (values == rows && rows <= size);
        emp_buf_release (&chunk);
    }
    emp_source_close (&source);
    close (fd);
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const char plain[] = "\x05"
                                "a,b,c\n1,2,3\r\n4,5\n\n,,\n";
    static const char quoted[] = "\x80\xef\xbb\xbf\"a\",b\n\"1,\n\"\"x\"\"\",2\n\"open";
    static const char one[] = "\x00"
                              "a\n\nx\n";
    write ("plain", plain, sizeof plain - 1);
    write ("quoted", quoted, sizeof quoted - 1);
    write ("one_column", one, sizeof one - 1);
}
