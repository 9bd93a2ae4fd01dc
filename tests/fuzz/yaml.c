/* SPDX-License-Identifier: BSD-3-Clause
 *
 * yaml.c - any text as YAML: a tree and its value, or errors, within the bounds.
 */
#include "common/scan.h"
#include "fuzz.h"
#include "manager/yamlvalue.h"

/* libfyaml 0.7.12 forgets a kilobyte after some syntax errors; the leak checker is told so. */
const char *__lsan_default_suppressions (void);

const char *__lsan_default_suppressions (void)
{
    return "leak:libfyaml";
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *messages = NULL;
    size_t messages_size = 0, values;
    FILE *out = open_memstream (&messages, &messages_size);
    emp_diag_t diag;
    emp_diag_init (&diag, "fuzz", out);
    diag.text = (const char *) data;
    diag.size = size;
    emp_yaml_t *tree = NULL;
    const emp_yaml_node_t *root = NULL;
    emp_buf_t packed;
    emp_buf_init (&packed, 1 << 20);
    if (emp_yaml_parse (&diag, &tree, &root) == EMP_OK && root && emp_yaml_pack (tree, root, "x", &diag, &packed))
        FUZZ_MUST (emp_scan (packed.data, packed.size, EMP_SCAN_OBJECTS_MAX, &values) == EMP_OK && values == 1);
    else
        FUZZ_MUST (!root || diag.errors); /* a failure says why */
    emp_buf_release (&packed);
    emp_yaml_destroy (&tree);
    fclose (out);
    free (messages);
    return 0;
}
