/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keys.h - the keys of the module configuration that eisenmp knows: the one table of their names, types, ranges,
 * defaults and meaning, and how a value gets into the field of emp_config_t and out again.
 */
#ifndef EMP_KEYS_H
#define EMP_KEYS_H

#include "config.h"

typedef enum {
    EMP_KEY_BOOL,    /* bool field */
    EMP_KEY_COUNT,   /* uint32_t field, an integer */
    EMP_KEY_LARGE,   /* uint64_t field, an integer */
    EMP_KEY_SECONDS, /* uint32_t field in milliseconds, a number in the file */
    EMP_KEY_TEXT,    /* char * field */
    EMP_KEY_START,   /* emp_start_method_t field */
    EMP_KEY_SYNC,    /* emp_journal_sync_t field */
    EMP_KEY_ORDER    /* emp_order_t field */
} emp_key_type_t;

typedef struct {
    const char *name;
    const char *alias; /* the other spelling, or NULL */
    emp_key_type_t type;
    size_t field;       /* its offset in emp_config_t */
    uint64_t min, max;  /* of a number (SECONDS: milliseconds), or bytes of a text */
    uint64_t otherwise; /* the default; of a text: none */
    const char *nil;    /* what null says, stored as 0 or NULL; NULL: null is not accepted */
    const char *help;
} emp_key_t;

/* The i-th key, NULL behind the last. */
const emp_key_t *emp_key_at (size_t i);
/* The key of that name or alias, or NULL. */
const emp_key_t *emp_key_find (const char *name);
/* "an integer from 1 to 4096, or null", into EMP_SENTENCE_MAX bytes. */
void emp_key_expected (const emp_key_t *self, char *ret_piece);
/* Checks `value` and puts it into its field. EMP_INVALID: the sentence is in config->error, named `name`, as it was
 * spelt. */
emp_status_t emp_key_set (const emp_key_t *self, const char *name, const msgpack_object *value, emp_config_t *config);
void emp_key_set_default (const emp_key_t *self, emp_config_t *config);
/* Packs the field as it is now. */
void emp_key_pack (const emp_key_t *self, const emp_config_t *config, msgpack_packer *out);

#endif
