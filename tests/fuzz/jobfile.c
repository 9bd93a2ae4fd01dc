/* SPDX-License-Identifier: BSD-3-Clause
 *
 * jobfile.c - any text as a whole job file: a configuration that packs into a job's blob, or a sentence for each error.
 */
#include "manager/jobfile.h"

#include "common/scan.h"
#include "fuzz.h"

/* libfyaml 0.7.12 forgets a kilobyte after some syntax errors; the leak checker is told so. */
const char *__lsan_default_suppressions (void);

const char *__lsan_default_suppressions (void)
{
    return "leak:libfyaml";
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char path[64], *messages = NULL;
    size_t messages_size = 0, values;
    int fd = fuzz_file (data, size, path);
    FILE *out = open_memstream (&messages, &messages_size);
    emp_config_t config;
    FUZZ_MUST (out && emp_config_init (&config) == EMP_OK);
    emp_status_t status = emp_jobfile_load (&config, path, NULL, out);
    fclose (out);
    FUZZ_MUST (status == EMP_OK ? messages_size == 0 : status == EMP_NOMEM || (*config.error && messages_size));
    if (status == EMP_OK) {
        emp_buf_t blob;
        emp_buf_init (&blob, 64u << 20);
        FUZZ_MUST (emp_config_pack (&config, NULL, &blob) == EMP_OK);
        FUZZ_MUST (emp_scan (blob.data, blob.size, EMP_SCAN_OBJECTS_MAX, &values) == EMP_OK && values == 1);
        emp_buf_release (&blob);
    }
    free (messages);
    emp_config_release (&config);
    close (fd);
    return 0;
}
