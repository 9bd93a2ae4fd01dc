/* SPDX-License-Identifier: BSD-3-Clause
 *
 * localize.c - any bytes as a job for another host: it is refused with a sentence, or what comes out is one whole value, and a job
 * that comes out the same once more. What is asked for has a hash and a size that a content may have.
 */
#include "worker/localize.h"

#include "common/scan.h"
#include "fuzz.h"

static emp_status_t module_here (void *arg, const char *hash, uint64_t size, char *ret_path, char *ret_why)
{
    (void) arg;
    FUZZ_MUST (emp_content_is_hash (hash, strlen (hash)) && size <= EMP_CONTENT_BYTES_MAX);
    snprintf (ret_path, PATH_MAX, "/cache/%s", hash);
    return *hash == 'f' ? emp_content_fail (EMP_FULL, ret_why, "full") : EMP_OK;
}

static emp_status_t arena_here (void *arg, const char *hash, const emp_arena_place_t *there,
                                emp_arena_place_t *ret_here, char *ret_why)
{
    (void) arg;
    FUZZ_MUST (emp_content_is_hash (hash, strlen (hash)) && there->size <= EMP_CONTENT_BYTES_MAX);
    *ret_here = *there;
    ret_here->pid = ret_here->fd = 7;
    return *hash == 'f' ? emp_content_fail (EMP_FULL, ret_why, "full") : EMP_OK;
}

static const emp_localize_calls_t calls = {module_here, arena_here, NULL};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char why[EMP_CONTENT_ERROR_MAX] = "";
    size_t values = 0;
    emp_buf_t out, again;
    emp_buf_init (&out, 1 << 24);
    emp_buf_init (&again, 1 << 24);
    emp_status_t status = emp_localize_job (data, size, &calls, &out, why);
    FUZZ_MUST ((status == EMP_OK) == (*why == '\0'));
    if (status == EMP_OK) {
        FUZZ_MUST (emp_scan (out.data, out.size, EMP_SCAN_OBJECTS_MAX, &values) == EMP_OK && values == 1);
        FUZZ_MUST (emp_localize_job (out.data, out.size, &calls, &again, why) == EMP_OK);
        FUZZ_MUST (again.size == out.size && memcmp (again.data, out.data, out.size) == 0);
    }
    emp_buf_release (&out);
    emp_buf_release (&again);
    return 0;
}

static void put (emp_buf_t *out, const char *bytes)
{
    emp_buf_append (out, bytes, strlen (bytes));
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

void fuzz_seeds (fuzz_seed_fn *write)
{
    emp_buf_t job;
    emp_buf_init (&job, 4096);
    put (&job, "\x84\xa7modules\x91\x92\xa4/x.o\xa1"
               "f\xa6queues\x91\xaamp_input_q\xa8"
               "contents\x82\xa7modules\x91\x92\xd9\x40" HASH "\x05\xa6"
               "arenas\x81\xa1"
               "a\x92\xd9\x40" HASH "\xcd\x10");
    emp_buf_append (&job, "\0\xa6", 2);
    put (&job, "arenas\x81\xa1"
               "a\x95\x01\x02\x03\xcd\x10");
    emp_buf_append (&job, "\0\x05", 2);
    write ("job", job.data, job.size);
    emp_buf_release (&job);
    static const char local[] = "\x81\xa7modules\x91\x92\xa4/x.o\xa1"
                                "f";
    write ("local", local, sizeof local - 1);
}
