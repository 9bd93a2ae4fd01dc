/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bigdata.h - attributes that are kept once a host, in an arena, and not in the job blob (B26).
 *
 * emp_config_set puts there what is packed in more than BIG_DATA_MIN bytes when it is set; emp_bigdata_share, at the start,
 * what is by then, since BIG_DATA_MIN itself may have been set later. So the bound of all packed attributes does not bind
 * large values; theirs are those of arena.h, and EMP_ATTRIBUTES_ARENAS_MAX of them.
 * On failure the sentence, beginning with the key, is in config->error.
 */
#ifndef EMP_BIGDATA_H
#define EMP_BIGDATA_H

#include "config.h"

/* Of one packed value, which was scanned. EMP_TOOBIG, EMP_SYSTEM, EMP_NOMEM. */
emp_status_t emp_bigdata_set (emp_config_t *config, const char *key, const void *data, size_t size);
/* A text or a binary of these bytes. EMP_INVALID: the key is unusable, or one that eisenmp knows; so of the next two. */
emp_status_t emp_bigdata_bytes (emp_config_t *config, const char *key, msgpack_object_type type, const void *data,
                                size_t size);
/* A binary of the file's bytes; a list of its lines. EMP_INVALID: there is no such regular file. */
emp_status_t emp_bigdata_file (emp_config_t *config, const char *key, const char *path);
emp_status_t emp_bigdata_lines (emp_config_t *config, const char *key, const char *path);
emp_status_t emp_bigdata_share (emp_config_t *config);
/* The value of an attribute that is kept so, or NULL. Borrowed until the key is set again. */
const msgpack_object *emp_bigdata_get (const emp_config_t *config, const char *key);

#endif
