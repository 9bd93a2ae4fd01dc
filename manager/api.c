/* SPDX-License-Identifier: BSD-3-Clause
 *
 * api.c - the manager's side of eisenmp.h that only sets and asks: configuration and queues.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../common/programs.h"
#include "../common/scan.h"
#include "bigdata.h"
#include "jobfile.h"
#include "manager.h"

emp_status_t emp_fail (emp_t *self, emp_status_t status, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    char text[sizeof self->error]; /* an argument may be the old sentence */
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    memcpy (self->error, text, sizeof text);
    return status;
}

const char *emp_error (const emp_t *self)
{
    return self->error;
}

/* ---- configuration -------------------------------------------------------------------------------------------------- */

typedef struct {
    emp_buf_t bytes;
    msgpack_packer pk;
} packed_t;

static void pack_begin (packed_t *self)
{
    emp_buf_init (&self->bytes, EMP_BLOB_MAX);
    msgpack_packer_init (&self->pk, &self->bytes, emp_buf_write);
}

static emp_status_t set_packed (emp_t *self, const char *key, packed_t *value)
{
    emp_status_t status = value->bytes.broken;
    if (status != EMP_OK)
        emp_fail (self, status, "%s: %s", key, emp_status_text (status));
    else
        status = emp_config_set_msgpack (self, key, value->bytes.data, value->bytes.size);
    emp_buf_release (&value->bytes);
    return status;
}

emp_status_t emp_config_set_msgpack (emp_t *self, const char *key, const void *data, size_t size)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "%s: the configuration is fixed once the run has started", key);
    emp_status_t status = emp_config_set (&self->config, key, data, size);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "%s", self->config.error);
}

/* Large bytes go to where they stay without being packed first. */
static bool is_big (const emp_t *self, const char *key, size_t size)
{
    return size > self->config.big_data_min && !emp_config_is_known (key);
}

static emp_status_t big (emp_t *self, emp_status_t status)
{
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "%s", self->config.error);
}

static emp_status_t set_bytes (emp_t *self, const char *key, msgpack_object_type type, const void *data, size_t size)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "%s: the configuration is fixed once the run has started", key);
    return big (self, emp_bigdata_bytes (&self->config, key, type, data, size));
}

emp_status_t emp_config_set_file (emp_t *self, const char *key, const char *path)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "%s: the configuration is fixed once the run has started", key);
    return big (self, emp_bigdata_file (&self->config, key, path));
}

emp_status_t emp_config_set_lines (emp_t *self, const char *key, const char *path)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "%s: the configuration is fixed once the run has started", key);
    return big (self, emp_bigdata_lines (&self->config, key, path));
}

emp_status_t emp_config_set_nil (emp_t *self, const char *key)
{
    packed_t value;
    pack_begin (&value);
    msgpack_pack_nil (&value.pk);
    return set_packed (self, key, &value);
}

emp_status_t emp_config_set_bool (emp_t *self, const char *key, bool boolean)
{
    packed_t value;
    pack_begin (&value);
    if (boolean)
        msgpack_pack_true (&value.pk);
    else
        msgpack_pack_false (&value.pk);
    return set_packed (self, key, &value);
}

emp_status_t emp_config_set_int (emp_t *self, const char *key, int64_t number)
{
    packed_t value;
    pack_begin (&value);
    msgpack_pack_int64 (&value.pk, number);
    return set_packed (self, key, &value);
}

emp_status_t emp_config_set_uint (emp_t *self, const char *key, uint64_t number)
{
    packed_t value;
    pack_begin (&value);
    msgpack_pack_uint64 (&value.pk, number);
    return set_packed (self, key, &value);
}

emp_status_t emp_config_set_double (emp_t *self, const char *key, double number)
{
    packed_t value;
    pack_begin (&value);
    msgpack_pack_double (&value.pk, number);
    return set_packed (self, key, &value);
}

emp_status_t emp_config_set_string (emp_t *self, const char *key, const char *text)
{
    if (is_big (self, key, strlen (text)))
        return set_bytes (self, key, MSGPACK_OBJECT_STR, text, strlen (text));
    packed_t value;
    pack_begin (&value);
    msgpack_pack_str (&value.pk, strlen (text));
    msgpack_pack_str_body (&value.pk, text, strlen (text));
    return set_packed (self, key, &value);
}

emp_status_t emp_config_set_binary (emp_t *self, const char *key, const void *data, size_t size)
{
    if (is_big (self, key, size))
        return set_bytes (self, key, MSGPACK_OBJECT_BIN, data, size);
    packed_t value;
    pack_begin (&value);
    msgpack_pack_bin (&value.pk, size);
    msgpack_pack_bin_body (&value.pk, data, size);
    return set_packed (self, key, &value);
}

emp_status_t emp_config_add_module (emp_t *self, const char *worker_path, const char *worker_ref)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "worker_modules: fixed once the run has started");
    emp_status_t status = emp_config_module (&self->config, worker_path, worker_ref);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "%s", self->config.error);
}

emp_status_t emp_config_add_tool (emp_t *self, const char *key)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "tools: fixed once the run has started; put on mp_tools_q");
    emp_status_t status = emp_config_tool (&self->config, key);
    return status == EMP_OK ? EMP_OK : emp_fail (self, status, "%s", self->config.error);
}

emp_status_t emp_config_load (emp_t *self, const char *path)
{
    if (self->stage != EMP_CONFIGURING)
        return emp_fail (self, EMP_STATE, "%s: the configuration is fixed once the run has started", path);
    char modules[EMP_PATH_MAX];
    const char *folder = emp_programs_modules (modules) == EMP_OK ? modules : NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *messages = open_memstream (&text, &size);
    if (!messages)
        return emp_fail (self, EMP_NOMEM, "out of memory");
    emp_status_t status = emp_jobfile_load (&self->config, path, folder, messages);
    fclose (messages);
    if (status != EMP_OK) {
        while (size && text[size - 1] == '\n')
            text[--size] = 0;
        emp_fail (self, status, "%s", size ? text : self->config.error);
    }
    free (text);
    size_t length = strlen (path);
    if (status == EMP_OK)
        snprintf (self->job, sizeof self->job, "%s", path + (length > EMP_RUN_JOB_MAX ? length - EMP_RUN_JOB_MAX : 0));
    return status;
}
