/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keys.c - the keys of the module configuration that eisenmp knows.
 */
#include "keys.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../common/control.h"
#include "sentence.h"

#define FIELD(name) offsetof (emp_config_t, name)
#define MIB (UINT64_C (1) << 20)

/* clang-format off */
static const emp_key_t keys[] = {
    {"PROCS_MAX", "NUM_PROCS", EMP_KEY_COUNT, FIELD (procs_max), 1, EMP_PROCS_MAX_LIMIT, 0, "one a CPU core",
     "worker processes on this host"},
    {"ROWS_MAX", "NUM_ROWS", EMP_KEY_COUNT, FIELD (rows_max), 1, EMP_ROWS_MAX_LIMIT, EMP_ROWS_MAX_DEFAULT, NULL,
     "generator items a chunk; tickets = items / ROWS_MAX, rounded up"},
    {"START_METHOD", NULL, EMP_KEY_START, FIELD (start_method), 0, 0, EMP_START_SPAWN, NULL,
     "how worker processes are made: each loads the modules, or all are forked from one that has"},
    {"RESULTS_STORE", NULL, EMP_KEY_BOOL, FIELD (results_store), 0, 1, true, NULL,
     "keep results in the ticket dictionary"},
    {"RESULTS_PRINT", NULL, EMP_KEY_BOOL, FIELD (results_print), 0, 1, true, NULL,
     "print the result rows when the run is over"},
    {"RESULTS_DICT_PRINT", NULL, EMP_KEY_BOOL, FIELD (results_dict_print), 0, 1, false, NULL,
     "print the dictionary with its tickets"},
    {"RESULTS_BYTES_MAX", NULL, EMP_KEY_LARGE, FIELD (results_bytes_max), MIB, MIB << 30, MIB << 10, NULL,
     "bytes of the dictionary in memory; beyond it all of it moves to a file on disk"},
    {"RESULTS_FILE", NULL, EMP_KEY_TEXT, FIELD (results_file), 1, EMP_TEXT_MAX, 0, "none",
     "write the results to this file, by its ending: .db (SQLite), .jsonl or .csv"},
    {"RESULTS_STREAM", NULL, EMP_KEY_TEXT, FIELD (results_stream), 1, EMP_TEXT_MAX, 0, "none",
     "write the results to this file as they come, by its ending: .jsonl or .csv; - is standard output"},
    {"RESULTS_ORDER", NULL, EMP_KEY_ORDER, FIELD (results_order), 0, 0, EMP_ORDER_ARRIVAL, NULL,
     "how RESULTS_STREAM has them: as they arrive, or each feed in the order of its tickets"},
    {"JOURNAL", NULL, EMP_KEY_TEXT, FIELD (journal), 1, EMP_TEXT_MAX - 16, 0, "none",
     "keep what was answered in this file, so that a run that was killed can be resumed"},
    {"JOURNAL_SYNC", NULL, EMP_KEY_SYNC, FIELD (journal_sync), 0, 0, EMP_JOURNAL_BATCH, NULL,
     "what a ticket waits for before it counts: written (none), on the disk in groups of up to 10 ms (batch), at once (sync)"},
    {"RESUME", NULL, EMP_KEY_BOOL, FIELD (resume), 0, 1, false, NULL,
     "go on with the run that JOURNAL is of: what was answered is not done again"},
    {"RESULT_LABEL", NULL, EMP_KEY_TEXT, FIELD (result_label), 1, EMP_TEXT_MAX, 0, "the queue names",
     "title of the report"},
    {"INFO_ENABLE", NULL, EMP_KEY_BOOL, FIELD (info_enable), 0, 1, false, NULL,
     "show progress, when standard error is a terminal"},
    {"INFO_THREAD_MAX", NULL, EMP_KEY_LARGE, FIELD (info_thread_max), 0, INT64_MAX, 0, "not known",
     "rows expected in all, for percent and time left"},
    {"SERVE", NULL, EMP_KEY_BOOL, FIELD (serve), 0, 1, false, NULL,
     "workers stay when all is answered, until the run is told to end"},
    {"ATTEMPTS_MAX", NULL, EMP_KEY_COUNT, FIELD (attempts_max), 1, 1000, EMP_ATTEMPTS_MAX_DEFAULT, NULL,
     "how often a ticket is tried before it is dead"},
    {"HALVE", NULL, EMP_KEY_BOOL, FIELD (halve), 0, 1, true, NULL,
     "a chunk that has killed its worker twice goes on as two halves, until the bad row is found"},
    {"SPECULATE", NULL, EMP_KEY_BOOL, FIELD (speculate), 0, 1, true, NULL,
     "last tickets that take far too long are worked at a second time, unless workers put anything; false for work that "
     "must not run twice"},
    {"BEAT", NULL, EMP_KEY_SECONDS, FIELD (beat_ms), 50, 60000, 1000, NULL,
     "how often a process says that it is alive"},
    {"DEAD_AFTER", NULL, EMP_KEY_SECONDS, FIELD (dead_after_ms), 200, 3600000, 5000, NULL,
     "silence after which a process counts as lost; at least twice BEAT"},
    {"TICKET_TIMEOUT", NULL, EMP_KEY_SECONDS, FIELD (ticket_timeout_ms), 0, 2592000000, 0, "no limit",
     "how long a worker may have one ticket; beyond it the worker is killed, and the ticket tried again"},
    {"STOP_GRACE", NULL, EMP_KEY_SECONDS, FIELD (stop_grace_ms), 100, 3600000, 10000, NULL,
     "how long a drain, and the last stop of workers, may take"},
    {"LISTEN", NULL, EMP_KEY_TEXT, FIELD (listen), 1, EMP_ENDPOINT_MAX, 0, "none",
     "workers of other hosts may come in here: tcp://ADDRESS:PORT, or * for any of the two"},
    {"REMOTE_ONLY", NULL, EMP_KEY_BOOL, FIELD (remote_only), 0, 1, false, NULL,
     "no worker processes on this host, only those that come by LISTEN"},
    {"INSECURE", NULL, EMP_KEY_BOOL, FIELD (insecure), 0, 1, false, NULL,
     "LISTEN without keys: nothing is encrypted, and whoever reaches the port takes part"},
    {"BIG_DATA_MIN", NULL, EMP_KEY_LARGE, FIELD (big_data_min), 4096, 60 * MIB, 65536, NULL,
     "attributes of more packed bytes are kept once a host, in memory that all its workers share"},
};
/* clang-format on */

#define KEYS (sizeof keys / sizeof *keys)

const emp_key_t *emp_key_at (size_t i)
{
    return i < KEYS ? &keys[i] : NULL;
}

const emp_key_t *emp_key_find (const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp (name, keys[i].name) == 0 || (keys[i].alias && strcmp (name, keys[i].alias) == 0))
            return &keys[i];
    return NULL;
}

static const char *const orders[] = {[EMP_ORDER_ARRIVAL] = "arrival", [EMP_ORDER_TICKET] = "ticket"};

/* ---- texts ----------------------------------------------------------------------------------------------------- */

/* 50 is "0.05", 60000 is "60"; no floating point, so no locale shows. */
static void seconds_text (uint64_t ms, char ret_text[32])
{
    int size = snprintf (ret_text, 32, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);
    while (ret_text[size - 1] == '0')
        ret_text[--size] = '\0';
    if (ret_text[size - 1] == '.')
        ret_text[--size] = '\0';
}

void emp_key_expected (const emp_key_t *self, char *ret_piece)
{
    const char *nil = self->nil ? ", or null" : "";
    char min[32], max[32];
    switch (self->type) {
    case EMP_KEY_BOOL: snprintf (ret_piece, EMP_SENTENCE_MAX, "true or false%s", nil); break;
    case EMP_KEY_COUNT:
    case EMP_KEY_LARGE:
        snprintf (ret_piece, EMP_SENTENCE_MAX, "an integer from %" PRIu64 " to %" PRIu64 "%s", self->min, self->max,
                  nil);
        break;
    case EMP_KEY_SECONDS:
        seconds_text (self->min, min);
        seconds_text (self->max, max);
        snprintf (ret_piece, EMP_SENTENCE_MAX, "a number of seconds from %s to %s%s", min, max, nil);
        break;
    case EMP_KEY_TEXT:
        snprintf (ret_piece, EMP_SENTENCE_MAX, "a text of %" PRIu64 " to %" PRIu64 " bytes%s", self->min, self->max,
                  nil);
        break;
    case EMP_KEY_START: snprintf (ret_piece, EMP_SENTENCE_MAX, "\"spawn\", \"fork\" or \"forkserver\""); break;
    case EMP_KEY_SYNC: snprintf (ret_piece, EMP_SENTENCE_MAX, "\"none\", \"batch\" or \"sync\""); break;
    case EMP_KEY_ORDER: snprintf (ret_piece, EMP_SENTENCE_MAX, "\"arrival\" or \"ticket\""); break;
    }
}

static void default_text (const emp_key_t *self, char *ret_piece)
{
    if (self->nil)
        snprintf (ret_piece, EMP_SENTENCE_MAX, "null: %s", self->nil);
    else if (self->type == EMP_KEY_BOOL)
        snprintf (ret_piece, EMP_SENTENCE_MAX, "%s", self->otherwise ? "true" : "false");
    else if (self->type == EMP_KEY_SECONDS)
        seconds_text (self->otherwise, ret_piece);
    else if (self->type == EMP_KEY_START)
        snprintf (ret_piece, EMP_SENTENCE_MAX, "\"%s\"", emp_start_text ((emp_start_method_t) self->otherwise));
    else if (self->type == EMP_KEY_SYNC)
        snprintf (ret_piece, EMP_SENTENCE_MAX, "\"%s\"", emp_journal_sync_text ((emp_journal_sync_t) self->otherwise));
    else if (self->type == EMP_KEY_ORDER)
        snprintf (ret_piece, EMP_SENTENCE_MAX, "\"%s\"", orders[self->otherwise]);
    else
        snprintf (ret_piece, EMP_SENTENCE_MAX, "%" PRIu64, self->otherwise);
}

void emp_config_help (FILE *out)
{
    char piece[EMP_SENTENCE_MAX];
    for (const emp_key_t *key = keys; key < keys + KEYS; key++) {
        fprintf (out, "%s%s%s%s\n    %s\n", key->name, key->alias ? " (also " : "", key->alias ? key->alias : "",
                 key->alias ? ")" : "", key->help);
        emp_key_expected (key, piece);
        fprintf (out, "    %s; ", piece);
        default_text (key, piece);
        fprintf (out, "default %s\n", piece);
    }
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* The field as what its type says it is. */
static void *field (const emp_key_t *self, emp_config_t *config)
{
    return (char *) config + self->field;
}

static const void *const_field (const emp_key_t *self, const emp_config_t *config)
{
    return (const char *) config + self->field;
}

static void put_number (const emp_key_t *self, emp_config_t *config, uint64_t number)
{
    switch (self->type) {
    case EMP_KEY_BOOL: *(bool *) field (self, config) = number != 0; break;
    case EMP_KEY_COUNT:
    case EMP_KEY_SECONDS: *(uint32_t *) field (self, config) = (uint32_t) number; break;
    case EMP_KEY_LARGE: *(uint64_t *) field (self, config) = number; break;
    case EMP_KEY_START: *(emp_start_method_t *) field (self, config) = (emp_start_method_t) number; break;
    case EMP_KEY_SYNC: *(emp_journal_sync_t *) field (self, config) = (emp_journal_sync_t) number; break;
    case EMP_KEY_ORDER: *(emp_order_t *) field (self, config) = (emp_order_t) number; break;
    case EMP_KEY_TEXT: assert (false); break;
    }
}

static emp_status_t put_text (const emp_key_t *self, emp_config_t *config, const char *text, size_t size)
{
    char *copy = text ? strndup (text, size) : NULL;
    if (text && !copy)
        return EMP_NOMEM;
    char **at = field (self, config);
    free (*at);
    *at = copy;
    return EMP_OK;
}

void emp_key_set_default (const emp_key_t *self, emp_config_t *config)
{
    if (self->type == EMP_KEY_TEXT)
        put_text (self, config, NULL, 0);
    else
        put_number (self, config, self->otherwise);
}

static bool is_integer (const emp_key_t *self, const msgpack_object *value, uint64_t *ret_number)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER || value->via.u64 < self->min || value->via.u64 > self->max)
        return false;
    *ret_number = value->via.u64;
    return true;
}

/* A NaN fails both comparisons, so it is out of range. */
static bool is_seconds (const emp_key_t *self, const msgpack_object *value, uint64_t *ret_number)
{
    double ms;
    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        ms = (double) value->via.u64 * 1e3;
    else if (value->type == MSGPACK_OBJECT_FLOAT32 || value->type == MSGPACK_OBJECT_FLOAT64)
        ms = round (value->via.f64 * 1e3);
    else
        return false;
    if (!(ms >= (double) self->min && ms <= (double) self->max))
        return false;
    if (ms == 0 && value->type != MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.f64 != 0)
        return false; /* too little is not none */
    *ret_number = (uint64_t) ms;
    return true;
}

static bool is_text (const emp_key_t *self, const msgpack_object *value)
{
    return value->type == MSGPACK_OBJECT_STR && value->via.str.size >= self->min && value->via.str.size <= self->max &&
           !memchr (value->via.str.ptr, '\0', value->via.str.size);
}

static bool is_start (const msgpack_object *value, uint64_t *ret_number)
{
    emp_start_method_t method;
    if (value->type != MSGPACK_OBJECT_STR || !emp_start_of (value->via.str.ptr, value->via.str.size, &method))
        return false;
    *ret_number = method;
    return true;
}

static bool is_sync (const msgpack_object *value, uint64_t *ret_number)
{
    emp_journal_sync_t sync;
    if (value->type != MSGPACK_OBJECT_STR || !emp_journal_sync_of (value->via.str.ptr, value->via.str.size, &sync))
        return false;
    *ret_number = sync;
    return true;
}

static bool is_order (const msgpack_object *value, uint64_t *ret_number)
{
    for (size_t i = 0; value->type == MSGPACK_OBJECT_STR && i < sizeof orders / sizeof *orders; i++)
        if (strlen (orders[i]) == value->via.str.size &&
            memcmp (orders[i], value->via.str.ptr, value->via.str.size) == 0) {
            *ret_number = i;
            return true;
        }
    return false;
}

static emp_status_t wrong (const emp_key_t *self, const char *name, const msgpack_object *value, emp_config_t *config)
{
    char found[EMP_SENTENCE_MAX], expected[EMP_SENTENCE_MAX];
    emp_sentence_value (value, found);
    emp_key_expected (self, expected);
    snprintf (config->error, sizeof config->error, "%s: found %s, expected %s", name, found, expected);
    return EMP_INVALID;
}

emp_status_t emp_key_set (const emp_key_t *self, const char *name, const msgpack_object *value, emp_config_t *config)
{
    uint64_t number = 0;
    bool good = false;
    if (value->type == MSGPACK_OBJECT_NIL && self->nil) {
        emp_key_set_default (self, config);
        return EMP_OK;
    }
    switch (self->type) {
    case EMP_KEY_BOOL:
        good = value->type == MSGPACK_OBJECT_BOOLEAN;
        number = good && value->via.boolean;
        break;
    case EMP_KEY_COUNT:
    case EMP_KEY_LARGE: good = is_integer (self, value, &number); break;
    case EMP_KEY_SECONDS: good = is_seconds (self, value, &number); break;
    case EMP_KEY_START: good = is_start (value, &number); break;
    case EMP_KEY_SYNC: good = is_sync (value, &number); break;
    case EMP_KEY_ORDER: good = is_order (value, &number); break;
    case EMP_KEY_TEXT:
        if (is_text (self, value))
            return put_text (self, config, value->via.str.ptr, value->via.str.size);
        break;
    }
    if (!good)
        return wrong (self, name, value, config);
    put_number (self, config, number);
    return EMP_OK;
}

void emp_key_pack (const emp_key_t *self, const emp_config_t *config, msgpack_packer *out)
{
    const void *at = const_field (self, config);
    const char *text = NULL;
    uint64_t number = 0;
    switch (self->type) {
    case EMP_KEY_BOOL:
        if (*(const bool *) at)
            msgpack_pack_true (out);
        else
            msgpack_pack_false (out);
        return;
    case EMP_KEY_SECONDS:
        if (self->nil && *(const uint32_t *) at == 0)
            break;
        msgpack_pack_double (out, *(const uint32_t *) at / 1000.0);
        return;
    case EMP_KEY_COUNT: number = *(const uint32_t *) at; break;
    case EMP_KEY_LARGE: number = *(const uint64_t *) at; break;
    case EMP_KEY_TEXT: text = *(char *const *) at; break;
    case EMP_KEY_START: text = emp_start_text (*(const emp_start_method_t *) at); break;
    case EMP_KEY_ORDER: text = orders[*(const emp_order_t *) at]; break;
    case EMP_KEY_SYNC: text = emp_journal_sync_text (*(const emp_journal_sync_t *) at); break;
    }
    if (text) {
        msgpack_pack_str (out, strlen (text));
        msgpack_pack_str_body (out, text, strlen (text));
    } else if (number || !self->nil)
        msgpack_pack_uint64 (out, number);
    else
        msgpack_pack_nil (out);
}
