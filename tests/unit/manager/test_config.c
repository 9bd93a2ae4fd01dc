/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_config.c - the module configuration (B1-B8, B10-B12): keys, attributes, queues, feeds, modules, the blob.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <math.h>
#include <stddef.h>

#include "common/control.h"
#include "common/scan.h"
#include "common/value.h"
#include "manager/attributes.h"
#include "manager/config.h"
#include "manager/keys.h"
#include "scratch.h"

static emp_config_t config;

static void begin (void)
{
    scratch_make ();
    cr_assert_eq (emp_config_init (&config), EMP_OK);
}

static void end (void)
{
    emp_config_release (&config);
    emp_config_release (&config); /* harmless */
    scratch_remove ();
}

TestSuite (config, .timeout = 60, .init = begin, .fini = end);

/* ---- values as they are packed -------------------------------------------------------------------------------------- */

static emp_buf_t packed;
static msgpack_packer pk;

static void pack_begin (void)
{
    emp_buf_release (&packed);
    emp_buf_init (&packed, EMP_BLOB_MAX);
    msgpack_packer_init (&pk, &packed, emp_buf_write);
}

static emp_status_t set_packed (const char *key)
{
    emp_status_t status = emp_config_set (&config, key, packed.data, packed.size);
    emp_buf_release (&packed);
    return status;
}

static emp_status_t set_int (const char *key, int64_t value)
{
    pack_begin ();
    msgpack_pack_int64 (&pk, value);
    return set_packed (key);
}

static emp_status_t set_double (const char *key, double value)
{
    pack_begin ();
    msgpack_pack_double (&pk, value);
    return set_packed (key);
}

static emp_status_t set_text (const char *key, const char *value)
{
    pack_begin ();
    msgpack_pack_str (&pk, strlen (value));
    msgpack_pack_str_body (&pk, value, strlen (value));
    return set_packed (key);
}

static emp_status_t set_bool (const char *key, bool value)
{
    pack_begin ();
    if (value)
        msgpack_pack_true (&pk);
    else
        msgpack_pack_false (&pk);
    return set_packed (key);
}

static emp_status_t set_nil (const char *key)
{
    pack_begin ();
    msgpack_pack_nil (&pk);
    return set_packed (key);
}

/* Packed bytes as Python writes the value. */
static const char *repr (const void *data, size_t size)
{
    static char text[4096];
    cr_assert (data != NULL);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    cr_assert_eq (msgpack_unpack_next (&unpacked, data, size, NULL), MSGPACK_UNPACK_SUCCESS);
    FILE *out = fmemopen (text, sizeof text, "w");
    emp_value_repr (out, &unpacked.data);
    fclose (out);
    msgpack_unpacked_destroy (&unpacked);
    return text;
}

static const char *get (const char *key)
{
    size_t size = 0;
    const void *data = emp_config_get (&config, key, &size);
    return data ? repr (data, size) : "nothing";
}

#define EXPECT_REFUSED(call, status, sentence)                                                                         \
    do {                                                                                                               \
        cr_expect_eq (call, status);                                                                                   \
        cr_expect_str_eq (config.error, sentence);                                                                     \
    } while (0)

/* ---- keys -------------------------------------------------------------------------------------------------------- */

Test (config, defaults_are_those_of_the_table)
{
    cr_assert_eq (config.procs_max, 0); /* one a core (B3) */
    cr_assert_eq (config.rows_max, 1000);
    cr_assert_eq (config.start_method, EMP_START_SPAWN);
    cr_assert (config.results_store && config.results_print && !config.results_dict_print);
    cr_assert (config.result_label == NULL && config.results_file == NULL);
    cr_assert (!config.info_enable);
    cr_assert_eq (config.info_thread_max, 0);
    cr_assert_eq (config.attempts_max, 5);
    cr_assert_eq (config.beat_ms, 1000);
    cr_assert_eq (config.dead_after_ms, 5000);
    cr_assert_eq (config.stop_grace_ms, 10000);
    cr_assert_eq (config.results_bytes_max, 1u << 30);
    cr_assert_str_eq (config.error, "");
    cr_assert_eq (emp_config_check (&config), EMP_OK);
}

Test (config, B3_B4_a_key_with_two_spellings_is_one_key)
{
    cr_assert_eq (set_int ("NUM_ROWS", 42), EMP_OK);
    cr_assert_eq (config.rows_max, 42);
    cr_assert_str_eq (get ("ROWS_MAX"), "42");
    cr_assert_eq (set_int ("ROWS_MAX", 43), EMP_OK);
    cr_assert_str_eq (get ("NUM_ROWS"), "43");
    cr_assert_eq (set_int ("NUM_PROCS", 2), EMP_OK);
    cr_assert_eq (config.procs_max, 2);
    cr_assert_eq (set_nil ("PROCS_MAX"), EMP_OK);
    cr_assert_eq (config.procs_max, 0);
    cr_assert_str_eq (get ("NUM_PROCS"), "None");
}

typedef struct {
    const char *key;
    int64_t min, max;
    const char *sentence;
} range_t;

Test (config, numbers_are_taken_in_their_range_and_nowhere_else)
{
    static const range_t ranges[] = {
        {"PROCS_MAX", 1, 4096, "expected an integer from 1 to 4096, or null"},
        {"ROWS_MAX", 1, 16777216, "expected an integer from 1 to 16777216"},
        {"ATTEMPTS_MAX", 1, 1000, "expected an integer from 1 to 1000"},
        {"RESULTS_BYTES_MAX", 1 << 20, INT64_C (1) << 50, "expected an integer from 1048576 to 1125899906842624"},
        {"BEAT", 1, 60, "expected a number of seconds from 0.05 to 60"},
        {"DEAD_AFTER", 1, 3600, "expected a number of seconds from 0.2 to 3600"},
        {"STOP_GRACE", 1, 3600, "expected a number of seconds from 0.1 to 3600"},
    };
    for (const range_t *range = ranges; range < ranges + sizeof ranges / sizeof *ranges; range++) {
        char sentence[256];
        cr_expect_eq (set_int (range->key, range->min), EMP_OK);
        cr_expect_eq (set_int (range->key, range->max), EMP_OK);
        for (int side = 0; side < 2; side++) {
            int64_t beyond = side ? range->max + 1 : range->min - 1;
            snprintf (sentence, sizeof sentence, "%s: found %ld, %s", range->key, (long) beyond, range->sentence);
            EXPECT_REFUSED (set_int (range->key, beyond), EMP_INVALID, sentence);
        }
        cr_expect_eq (set_int (range->key, -1), EMP_INVALID);
        cr_expect_eq (set_int (range->key, INT64_MIN), EMP_INVALID);
        snprintf (sentence, sizeof sentence, "%s: found the text 'four', %s", range->key, range->sentence);
        EXPECT_REFUSED (set_text (range->key, "four"), EMP_INVALID, sentence);
    }
    cr_assert_eq (config.rows_max, 16777216, "a refused value changes nothing");
}

Test (config, seconds_may_have_a_fraction)
{
    cr_assert_eq (set_double ("BEAT", 0.05), EMP_OK);
    cr_assert_eq (config.beat_ms, 50);
    cr_assert_str_eq (get ("BEAT"), "0.05");
    cr_assert_eq (set_double ("DEAD_AFTER", 0.2), EMP_OK);
    cr_assert_eq (config.dead_after_ms, 200);
    cr_assert_eq (set_int ("STOP_GRACE", 3), EMP_OK);
    cr_assert_str_eq (get ("STOP_GRACE"), "3.0");
    EXPECT_REFUSED (set_double ("BEAT", 0.049), EMP_INVALID,
                    "BEAT: found 0.049, expected a number of seconds from 0.05 to 60");
    cr_assert_eq (set_double ("BEAT", NAN), EMP_INVALID);
    cr_assert_eq (set_double ("BEAT", INFINITY), EMP_INVALID);
    cr_assert_eq (set_double ("BEAT", -1.0), EMP_INVALID);
}

Test (config, dead_after_must_be_twice_the_beat)
{
    cr_assert_eq (set_double ("BEAT", 2.5), EMP_OK);
    cr_assert_eq (emp_config_check (&config), EMP_OK);
    cr_assert_eq (set_double ("BEAT", 2.501), EMP_OK);
    EXPECT_REFUSED (emp_config_check (&config), EMP_INVALID,
                    "DEAD_AFTER: found 5000 ms, expected at least twice BEAT, which is 2501 ms");
    EXPECT_REFUSED (emp_config_find_modules (&config, NULL, NULL), EMP_INVALID,
                    "DEAD_AFTER: found 5000 ms, expected at least twice BEAT, which is 2501 ms");
}

Test (config, a_value_of_the_wrong_type_is_told_with_what_it_is)
{
    EXPECT_REFUSED (set_int ("RESULTS_STORE", 1), EMP_INVALID, "RESULTS_STORE: found 1, expected true or false");
    EXPECT_REFUSED (set_text ("RESULTS_PRINT", "yes"), EMP_INVALID,
                    "RESULTS_PRINT: found the text 'yes', expected true or false");
    EXPECT_REFUSED (set_nil ("ROWS_MAX"), EMP_INVALID, "ROWS_MAX: found null, expected an integer from 1 to 16777216");
    EXPECT_REFUSED (set_double ("NUM_ROWS", 42.0), EMP_INVALID,
                    "NUM_ROWS: found 42.0, expected an integer from 1 to 16777216");
    EXPECT_REFUSED (set_bool ("RESULT_LABEL", true), EMP_INVALID,
                    "RESULT_LABEL: found true, expected a text of 1 to 4096 bytes, or null");
    EXPECT_REFUSED (set_text ("RESULT_LABEL", ""), EMP_INVALID,
                    "RESULT_LABEL: found the text '', expected a text of 1 to 4096 bytes, or null");
    EXPECT_REFUSED (emp_config_set (&config, "ROWS_MAX", "\x92\x01\x02", 3), EMP_INVALID,
                    "ROWS_MAX: found a list of 2, expected an integer from 1 to 16777216");
    EXPECT_REFUSED (emp_config_set (&config, "ROWS_MAX", "\x80", 1), EMP_INVALID,
                    "ROWS_MAX: found a map of 0, expected an integer from 1 to 16777216");
    EXPECT_REFUSED (emp_config_set (&config, "ROWS_MAX", "\xc4\x01x", 3), EMP_INVALID,
                    "ROWS_MAX: found a binary of 1 bytes, expected an integer from 1 to 16777216");
    EXPECT_REFUSED (emp_config_set (&config, "ROWS_MAX", "\xd4\x01x", 3), EMP_INVALID,
                    "ROWS_MAX: found an extension value, expected an integer from 1 to 16777216");
    cr_assert_eq (emp_config_set (&config, "RESULT_LABEL", "\xa3x\0y", 4), EMP_INVALID);
}

Test (config, a_long_or_strange_text_is_shown_cut_and_harmless)
{
    char text[5000];
    memset (text, 'x', sizeof text);
    text[0] = '\x1b';
    text[sizeof text - 1] = '\0';
    cr_assert_eq (set_text ("ROWS_MAX", text), EMP_INVALID);
    cr_assert (strstr (config.error, "found the text '\\x1bxxx") != NULL);
    cr_assert (strstr (config.error, "x'…, expected an integer") != NULL);
    cr_assert_lt (strlen (config.error), 200);
    memset (text, '\x01', sizeof text - 1);
    cr_assert_eq (set_text ("ROWS_MAX", text), EMP_INVALID);
    cr_assert (strstr (config.error, "\\x01'…, expected an integer") != NULL, "%s", config.error);
}

Test (config, B5_there_are_three_start_methods)
{
    cr_assert_eq (set_text ("START_METHOD", "fork"), EMP_OK);
    cr_assert_eq (config.start_method, EMP_START_FORK);
    cr_assert_eq (set_text ("START_METHOD", "forkserver"), EMP_OK);
    cr_assert_eq (config.start_method, EMP_START_FORKSERVER);
    cr_assert_eq (set_text ("START_METHOD", "spawn"), EMP_OK);
    cr_assert_eq (config.start_method, EMP_START_SPAWN);
    EXPECT_REFUSED (set_text ("START_METHOD", "spawned"), EMP_INVALID,
                    "START_METHOD: found the text 'spawned', expected \"spawn\", \"fork\" or \"forkserver\"");
    EXPECT_REFUSED (set_text ("START_METHOD", "for"), EMP_INVALID,
                    "START_METHOD: found the text 'for', expected \"spawn\", \"fork\" or \"forkserver\"");
    EXPECT_REFUSED (set_nil ("START_METHOD"), EMP_INVALID,
                    "START_METHOD: found null, expected \"spawn\", \"fork\" or \"forkserver\"");
}

Test (config, a_journal_waits_for_the_disk_or_does_not)
{
    cr_assert_eq (config.journal_sync, EMP_JOURNAL_BATCH);
    cr_assert_eq (set_text ("JOURNAL_SYNC", "sync"), EMP_OK);
    cr_assert_eq (config.journal_sync, EMP_JOURNAL_SYNC);
    cr_assert_eq (set_text ("JOURNAL_SYNC", "none"), EMP_OK);
    cr_assert_eq (config.journal_sync, EMP_JOURNAL_NONE);
    EXPECT_REFUSED (set_text ("JOURNAL_SYNC", "always"), EMP_INVALID,
                    "JOURNAL_SYNC: found the text 'always', expected \"none\", \"batch\" or \"sync\"");
}

Test (config, a_stream_has_an_order)
{
    cr_assert_eq (config.results_order, EMP_ORDER_ARRIVAL);
    cr_assert_eq (set_text ("RESULTS_ORDER", "ticket"), EMP_OK);
    cr_assert_eq (config.results_order, EMP_ORDER_TICKET);
    cr_assert_eq (set_text ("RESULTS_ORDER", "arrival"), EMP_OK);
    cr_assert_eq (config.results_order, EMP_ORDER_ARRIVAL);
    EXPECT_REFUSED (set_text ("RESULTS_ORDER", "tickets"), EMP_INVALID,
                    "RESULTS_ORDER: found the text 'tickets', expected \"arrival\" or \"ticket\"");
    EXPECT_REFUSED (set_nil ("RESULTS_ORDER"), EMP_INVALID,
                    "RESULTS_ORDER: found null, expected \"arrival\" or \"ticket\"");
    cr_assert_eq (set_text ("RESULTS_STREAM", "-"), EMP_OK);
    cr_assert_str_eq (config.results_stream, "-");
}

Test (config, B6_a_label_is_kept_and_taken_back)
{
    cr_assert_eq (set_text ("RESULT_LABEL", "first"), EMP_OK);
    cr_assert_eq (set_text ("RESULT_LABEL", "revised.csv, Average"), EMP_OK);
    cr_assert_str_eq (config.result_label, "revised.csv, Average");
    cr_assert_eq (set_nil ("RESULT_LABEL"), EMP_OK);
    cr_assert (config.result_label == NULL);
    cr_assert_str_eq (get ("RESULT_LABEL"), "None");
}

Test (config, every_key_of_the_table_is_known_and_in_the_help)
{
    char *text = NULL;
    size_t size = 0, names = 0;
    FILE *out = open_memstream (&text, &size);
    emp_config_help (out);
    fclose (out);
    const emp_key_t *key;
    for (size_t i = 0; (key = emp_key_at (i)); i++) {
        cr_expect (emp_config_is_known (key->name));
        cr_expect (!key->alias || emp_config_is_known (key->alias));
        cr_expect (strstr (text, key->name) != NULL);
        cr_expect (strstr (text, key->help) != NULL);
        names += key->alias ? 2 : 1;
    }
    cr_expect (strstr (text, "BEAT\n    how often a process says that it is alive\n"
                             "    a number of seconds from 0.05 to 60; default 1\n") != NULL,
               "%s", text);
    cr_expect (strstr (text, "PROCS_MAX (also NUM_PROCS)\n") != NULL);
    cr_expect (strstr (text, "or null; default null: one a CPU core\n") != NULL);
    for (const char *const *known = emp_config_known (); *known; known++)
        names--;
    cr_expect_eq (names, 0);
    cr_expect (!emp_config_is_known ("rows_max"));
    free (text);
}

/* ---- attributes ---------------------------------------------------------------------------------------------------- */

Test (config, B8_a_custom_attribute_of_any_type_comes_back)
{
    cr_assert_eq (set_nil ("nothing"), EMP_OK);
    cr_assert_eq (set_bool ("flag", true), EMP_OK);
    cr_assert_eq (set_int ("number", -5), EMP_OK);
    cr_assert_eq (set_double ("real", 0.1), EMP_OK);
    cr_assert_eq (emp_config_set (&config, "binary", "\xc4\x02\x00\xff", 4), EMP_OK);
    cr_assert_eq (emp_config_set (&config, "nested", "\x81\xa1k\x92\x01\xa1x", 7), EMP_OK);
    cr_assert_str_eq (get ("nothing"), "None");
    cr_assert_str_eq (get ("flag"), "True");
    cr_assert_str_eq (get ("number"), "-5");
    cr_assert_str_eq (get ("real"), "0.1");
    cr_assert_str_eq (get ("binary"), "b'\\x00\\xff'");
    cr_assert_str_eq (get ("nested"), "{'k': [1, 'x']}");
    cr_assert_str_eq (get ("nobodys"), "nothing");
    cr_assert_eq (set_text ("number", "other"), EMP_OK);
    cr_assert_str_eq (get ("number"), "'other'", "the last value counts");
}

Test (config, a_key_is_a_name)
{
    char name[130];
    memset (name, 'k', sizeof name);
    name[128] = '\0';
    cr_assert_eq (set_int (name, 1), EMP_OK);
    name[128] = 'k';
    name[129] = '\0';
    cr_assert_eq (set_int (name, 1), EMP_INVALID);
    cr_assert_eq (set_int ("_", 1), EMP_OK);
    cr_assert_eq (set_int ("Sleep_time9", 1), EMP_OK);
    EXPECT_REFUSED (set_int ("9lives", 1), EMP_INVALID,
                    "found the key '9lives', expected 1 to 128 letters, digits and _, no digit first");
    cr_assert_eq (set_int ("", 1), EMP_INVALID);
    cr_assert_eq (set_int ("a-b", 1), EMP_INVALID);
    cr_assert_eq (set_int ("größe", 1), EMP_INVALID);
}

Test (config, a_value_is_exactly_one_packed_value)
{
    EXPECT_REFUSED (emp_config_set (&config, "x", "", 0), EMP_INVALID,
                    "x: found bytes that are not exactly one msgpack value");
    cr_assert_eq (emp_config_set (&config, "x", "\x01\x02", 2), EMP_INVALID);
    cr_assert_eq (emp_config_set (&config, "x", "\x92\x01", 2), EMP_INVALID);
    cr_assert_eq (emp_config_set (&config, "x", "\xdd\x10\0\0\0", 5), EMP_INVALID);
    cr_assert_eq (emp_config_set (&config, "x", "\xc1", 1), EMP_INVALID);
    cr_assert_eq (emp_config_set (&config, "ROWS_MAX", "\x01\x02", 2), EMP_INVALID);
    char deep[EMP_ATTRIBUTE_DEPTH_MAX + 2];
    memset (deep, '\x91', sizeof deep);
    deep[EMP_ATTRIBUTE_DEPTH_MAX + 1] = '\x01';
    cr_assert_eq (emp_config_set (&config, "x", deep, sizeof deep), EMP_TOOBIG);
    cr_assert_eq (emp_config_set (&config, "x", deep + 1, sizeof deep - 1), EMP_OK);
}

Test (config, there_is_a_bound_of_keys_and_one_of_bytes)
{
    char name[32];
    size_t known = emp_attributes_count (config.attributes);
    for (size_t i = known; i < EMP_ATTRIBUTES_MAX; i++) {
        snprintf (name, sizeof name, "key_%zu", i);
        cr_assert_eq (set_int (name, (int64_t) i), EMP_OK);
    }
    EXPECT_REFUSED (set_int ("one_more", 1), EMP_TOOBIG,
                    "one_more: found more than 10000 keys, or more than 62914560 bytes in all of them");
    cr_assert_eq (set_int ("key_5000", 7), EMP_OK, "a key that is there may be set again");
    cr_assert_str_eq (get ("key_5000"), "7");
    cr_assert_str_eq (get ("key_9999"), "9999");
    cr_assert_eq (set_int ("ROWS_MAX", 7), EMP_OK);
    emp_config_release (&config);

    cr_assert_eq (emp_config_init (&config), EMP_OK);
    cr_assert_eq (set_int ("BIG_DATA_MIN", EMP_ATTRIBUTES_BYTES_MAX), EMP_OK); /* so that none is kept beside */
    size_t half = EMP_ATTRIBUTES_BYTES_MAX / 2;
    char *large = calloc (1, half);
    uint32_t size = (uint32_t) half - 5;
    memcpy (large,
            (uint8_t[]){0xc6, (uint8_t) (size >> 24), (uint8_t) (size >> 16), (uint8_t) (size >> 8), (uint8_t) size},
            5);
    cr_assert_eq (emp_config_set (&config, "one", large, half), EMP_OK);
    cr_assert_eq (emp_config_set (&config, "two", large, half), EMP_TOOBIG);
    cr_assert_eq (emp_config_set (&config, "one", large, half), EMP_OK, "the old value does not count");
    emp_buf_t blob;
    emp_buf_init (&blob, EMP_BLOB_MAX);
    cr_assert_eq (emp_config_pack (&config, NULL, &blob), EMP_OK);
    emp_buf_release (&blob);
    free (large);
}

/* ---- queues and feeds ---------------------------------------------------------------------------------------------- */

Test (config, B9_tools_have_a_bound)
{
    cr_assert_eq (emp_config_set (&config, "words", "\x01", 1), EMP_OK);
    for (int i = 0; i < EMP_TOOLS_MAX; i++)
        cr_assert_eq (emp_config_tool (&config, "words"), EMP_OK);
    EXPECT_REFUSED (emp_config_tool (&config, "words"), EMP_TOOBIG, "tools: found more than 4096");
}

Test (config, B9_the_default_queues_are_there_from_the_start)
{
    cr_assert_eq (config.queues_count, 6);
    cr_assert_str_eq (config.queues[0].name, "mp_input_q");
    cr_assert_str_eq (config.queues[5].name, "mp_process_q");
    cr_assert_eq (config.queues[0].maxsize, EMP_QUEUE_MAXSIZE_DEFAULT);
}

Test (config, B10_B11_queues_are_kept_in_order)
{
    cr_assert_eq (emp_config_queue (&config, "blue_q_7", 3), EMP_OK);
    cr_assert_eq (emp_config_queue (&config, "batch_1|audio_lg", 5), EMP_OK);
    cr_assert_eq (emp_config_queue (&config, "batch_7|audio_lg", 16777216), EMP_OK);
    cr_assert_eq (config.queues_count, 9);
    cr_assert_str_eq (config.queues[7].name, "batch_1|audio_lg");
    cr_assert_eq (config.queues[7].maxsize, 5);
}

Test (config, B12_a_name_that_exists_is_an_error_that_names_it)
{
    cr_assert_eq (emp_config_queue (&config, "blue_q_7", 3), EMP_OK);
    EXPECT_REFUSED (emp_config_queue (&config, "blue_q_7", 4), EMP_EXISTS, "queue blue_q_7 exists already");
    EXPECT_REFUSED (emp_config_queue (&config, "mp_input_q", 4), EMP_EXISTS, "queue mp_input_q exists already");
    cr_assert_eq (config.queues_count, 7);
    cr_assert_eq (config.queues[6].maxsize, 3);
}

Test (config, a_queue_needs_a_name_and_a_size)
{
    static const char *const names[] = {"", "a;b", "a|b|c", "|b", "a|", "a\nb", "\xff"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_eq (emp_config_queue (&config, names[i], 1), EMP_INVALID, "%s", names[i]);
    char longest[EMP_NAME_MAX + 2];
    memset (longest, 'q', sizeof longest);
    longest[EMP_NAME_MAX + 1] = '\0';
    cr_expect_eq (emp_config_queue (&config, longest, 1), EMP_INVALID);
    longest[5] = '|';
    cr_expect_eq (emp_config_queue (&config, longest, 1), EMP_INVALID);
    longest[EMP_NAME_MAX] = '\0';
    cr_expect_eq (emp_config_queue (&config, longest, 1), EMP_OK);
    EXPECT_REFUSED (emp_config_queue (&config, "q", 0), EMP_INVALID,
                    "queue q: found maxsize 0, expected an integer from 1 to 16777216");
    EXPECT_REFUSED (emp_config_queue (&config, "q", -1), EMP_INVALID,
                    "queue q: found maxsize -1, expected an integer from 1 to 16777216");
    EXPECT_REFUSED (emp_config_queue (&config, "q", 16777217), EMP_INVALID,
                    "queue q: found maxsize 16777217, expected an integer from 1 to 16777216");
}

Test (config, there_is_a_bound_of_queues)
{
    char name[32];
    for (size_t i = config.queues_count; i < EMP_CONFIG_QUEUES_MAX; i++) {
        snprintf (name, sizeof name, "q%zu", i);
        cr_assert_eq (emp_config_queue (&config, name, 1), EMP_OK);
    }
    cr_assert_eq (emp_config_queue (&config, "last", 1), EMP_TOOBIG);
}

static emp_feed_decl_t feed_of (const char *queue, const char *header_msg)
{
    emp_feed_decl_t feed = {.queue = queue ? strdup (queue) : NULL,
                            .header_msg = header_msg ? strdup (header_msg) : NULL};
    feed.source.kind = EMP_SOURCE_RANGE;
    return feed;
}

static emp_status_t add_feed (const char *queue, const char *header_msg)
{
    emp_feed_decl_t feed = feed_of (queue, header_msg);
    emp_status_t status = emp_config_feed (&config, &feed);
    cr_expect_eq (feed.queue == NULL, status == EMP_OK || !queue, "taken on success, left alone on failure");
    emp_feed_decl_release (&feed);
    return status;
}

Test (config, B17_a_feed_goes_to_a_queue_that_is_there)
{
    cr_assert_eq (emp_config_queue (&config, "batch_1|audio_lg", 5), EMP_OK);
    cr_assert_eq (add_feed ("batch_1|audio_lg", "AUDIO"), EMP_OK);
    cr_assert_eq (add_feed (NULL, NULL), EMP_OK);
    cr_assert_eq (config.feeds_count, 2);
    cr_assert_str_eq (config.feeds[0].header_msg, "AUDIO");
    cr_assert_str_eq (config.feeds[1].queue, "mp_input_q");
    EXPECT_REFUSED (add_feed ("batch_1|audio_lq", NULL), EMP_UNKNOWN,
                    "queue: found 'batch_1|audio_lq', expected a queue of this job, did you mean 'batch_1|audio_lg'?");
    EXPECT_REFUSED (add_feed ("zzzzzzzzzz", NULL), EMP_UNKNOWN,
                    "queue: found 'zzzzzzzzzz', expected a queue of this job");
}

Test (config, B17_a_header_is_a_label)
{
    char label[EMP_LABEL_MAX + 2];
    memset (label, 'l', sizeof label);
    label[EMP_LABEL_MAX + 1] = '\0';
    cr_assert_eq (add_feed (NULL, label), EMP_INVALID);
    label[EMP_LABEL_MAX] = '\0';
    cr_assert_eq (add_feed (NULL, label), EMP_OK);
    cr_assert_eq (add_feed (NULL, "two;fields"), EMP_INVALID);
    cr_assert_eq (add_feed (NULL, ""), EMP_INVALID);
    cr_assert_eq (add_feed (NULL, "line\n"), EMP_INVALID);
    cr_assert_eq (add_feed (NULL, "\xc3"), EMP_INVALID);
}

Test (config, standard_input_is_read_by_one_feed)
{
    emp_feed_decl_t first = feed_of (NULL, NULL), second = feed_of (NULL, NULL);
    first.source.kind = second.source.kind = EMP_SOURCE_LINES;
    first.source.path = strdup ("-");
    second.source.path = strdup ("-");
    cr_assert_eq (emp_config_feed (&config, &first), EMP_OK);
    EXPECT_REFUSED (emp_config_feed (&config, &second), EMP_EXISTS,
                    "lines: found \"-\", but an earlier feed reads standard input already");
    emp_feed_decl_release (&second);
}

/* ---- modules ------------------------------------------------------------------------------------------------------- */

static void expect_module (const char *path, const char *ref, const char *directory, const char *modules_dir,
                           const char *found)
{
    emp_config_release (&config);
    cr_assert_eq (emp_config_init (&config), EMP_OK);
    cr_assert_eq (emp_config_module (&config, path, ref), EMP_OK);
    emp_status_t status = emp_config_find_modules (&config, directory, modules_dir);
    cr_expect_eq (status, EMP_OK, "%s", config.error);
    char *real = realpath (found, NULL);
    cr_expect_str_eq (config.modules[0].path, real);
    free (real);
}

static void expect_no_module (const char *path, const char *ref, const char *sentence)
{
    emp_config_release (&config);
    cr_assert_eq (emp_config_init (&config), EMP_OK);
    cr_assert_eq (emp_config_module (&config, path, ref), EMP_OK);
    cr_expect_eq (emp_config_find_modules (&config, scratch_dir, NULL), EMP_INVALID);
    cr_expect (strstr (config.error, sentence) != NULL, "%s", config.error);
}

/* A copy of a good module in a folder of the scratch folder. */
static void put_module (const char *folder)
{
    char command[3 * PATH_MAX];
    snprintf (command, sizeof command, "mkdir -p %s/%s && cp %s/loader_good.so %s/%s/mod.so", scratch_dir, folder,
              test_modules (), scratch_dir, folder);
    cr_assert_eq (system (command), 0);
}

Test (config, B21_a_module_is_found_in_the_job_s_folder_then_the_path_then_the_programs_folder)
{
    char path[256];
    unsetenv ("EISENMP_MODULE_PATH");
    put_module ("programs");
    expect_module ("mod.so", "count_me", scratch_dir, scratch_path ("programs"), scratch_path ("programs/mod.so"));
    put_module ("second");
    snprintf (path, sizeof path, "/nowhere:%s", scratch_path ("second"));
    setenv ("EISENMP_MODULE_PATH", path, 1);
    expect_module ("mod.so", "count_me", scratch_dir, scratch_path ("programs"), scratch_path ("second/mod.so"));
    put_module (".");
    expect_module ("mod.so", "count_me", scratch_dir, scratch_path ("programs"), scratch_path ("mod.so"));
    expect_module ("./second/../mod.so", "count_me", scratch_dir, NULL, scratch_path ("mod.so"));
    expect_module (scratch_path ("second/mod.so"), "count_me", "/nowhere", NULL, scratch_path ("second/mod.so"));
    cr_assert_eq (chdir (scratch_dir), 0);
    expect_module ("mod.so", "count_me", NULL, NULL, scratch_path ("mod.so"));
    expect_module ("second/mod.so", "count_me", NULL, NULL, scratch_path ("second/mod.so"));
}

Test (config, B24_the_same_module_may_stand_in_the_list_several_times)
{
    put_module (".");
    for (int i = 0; i < 6; i++)
        cr_assert_eq (emp_config_module (&config, "mod.so", "count_me"), EMP_OK);
    cr_assert_eq (emp_config_find_modules (&config, scratch_dir, NULL), EMP_OK, "%s", config.error);
    cr_assert_eq (config.modules_count, 6);
}

Test (config, a_module_that_is_nowhere_is_told_with_the_folders)
{
    setenv ("EISENMP_MODULE_PATH", "/first:/second", 1);
    char sentence[256];
    snprintf (sentence, sizeof sentence,
              "worker_modules: found no file 'mod.so' in '%s', '/first', '/second', expected an ELF shared object",
              scratch_dir);
    expect_no_module ("mod.so", "f", sentence);
    expect_no_module ("/nowhere/mod.so", "f", "found no file '/nowhere/mod.so', expected an ELF shared object");
}

Test (config, a_module_that_is_no_shared_object_is_told_with_what_it_is)
{
    expect_no_module (scratch_text ("text.so", "#include <eisenmp.h>\n"), "f",
                      "text.so': found a text file, expected an ELF");
    expect_no_module (scratch_text ("empty.so", ""), "f", "found an empty file, expected an ELF shared object");
    expect_no_module (scratch_text ("lib.a", "!<arch>\nmember"), "f", "found a static library");
    expect_no_module (scratch_write ("junk.so", "\x01\x02\x03\x00", 4), "f", "found a file of another format");
    expect_no_module (scratch_text ("stub.so", "\177ELF\2\1\1"), "f",
                      "found an ELF file that is damaged in its header");
    expect_no_module (scratch_dir, "f", "found a directory, expected an ELF shared object");
    expect_no_module ("/proc/self/exe", "main", "found a program, expected an ELF shared object (linked with -shared)");
    expect_no_module ("/dev/null", "f", "found no regular file");
}

Test (config, a_module_without_the_function_is_told_with_the_nearest)
{
    put_module (".");
    expect_no_module ("mod.so", "count_mee",
                      "mod.so': found no function 'count_mee' among the 1 it exports, expected that "
                      "one, did you mean 'count_me'?");
    expect_no_module ("mod.so", "stay_hidden", "found no function 'stay_hidden'");
    expect_no_module ("mod.so", "some_data", "found 'some_data' only as a variable, expected a function");
    expect_no_module ("mod.so", "emp_toolbox_field",
                      "found 'emp_toolbox_field' only used, not defined, expected a function");
}

Test (config, an_object_file_is_not_linked_yet)
{
    uint8_t header[64] = "\177ELF\2\1\1";
    FILE *file = fopen ("/proc/self/exe", "r");
    cr_assert_eq (fread (header, 1, sizeof header, file), sizeof header);
    fclose (file);
    header[16] = 1; /* ET_REL */
    expect_no_module (scratch_write ("module.o", header, sizeof header), "f", "found an object file");
    header[16] = 2; /* ET_EXEC */
    expect_no_module (scratch_write ("program", header, sizeof header), "f", "found a program");
    header[16] = 4; /* ET_CORE */
    expect_no_module (scratch_write ("core", header, sizeof header), "f", "found an ELF file of another kind");
    header[16] = 3;
    expect_no_module (scratch_write ("headless.so", header, sizeof header), "f", "damaged in its program headers");
    header[18] ^= 0x40; /* the machine */
    expect_no_module (scratch_write ("other.so", header, sizeof header), "f", "found an ELF file for another machine");
    header[18] ^= 0x40;
    header[4] = 1; /* 32 bits */
    expect_no_module (scratch_write ("narrow.so", header, sizeof header), "f", "found an ELF file for another machine");
}

/* The smallest shared object there can be: one segment, a dynamic section, two symbols, and the table of their names by
 * the old hash, which says how many there are. */
typedef struct {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    Elf64_Dyn dynamic[5];
    Elf64_Sym symbols[3];
    uint32_t hash[6];
    char strings[16];
} small_t;

static small_t small_object (void)
{
    small_t object = {.strings = "\0first\0second"};
    FILE *file = fopen ("/proc/self/exe", "r");
    cr_assert_eq (fread (&object.header, sizeof object.header, 1, file), 1);
    fclose (file);
    object.header.e_type = ET_DYN;
    object.header.e_phoff = offsetof (small_t, segments);
    object.header.e_phnum = 2;
    object.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = 0x10000, .p_filesz = sizeof object};
    object.segments[1] =
        (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = offsetof (small_t, dynamic), .p_filesz = sizeof object.dynamic};
    Elf64_Dyn dynamic[] = {{DT_SYMTAB, {0x10000 + offsetof (small_t, symbols)}},
                           {DT_STRTAB, {0x10000 + offsetof (small_t, strings)}},
                           {DT_STRSZ, {sizeof object.strings}},
                           {DT_HASH, {0x10000 + offsetof (small_t, hash)}},
                           {DT_NULL, {0}}};
    memcpy (object.dynamic, dynamic, sizeof dynamic);
    object.symbols[1] = (Elf64_Sym){.st_name = 1, .st_info = ELF64_ST_INFO (STB_GLOBAL, STT_FUNC), .st_shndx = 1};
    object.symbols[2] = (Elf64_Sym){.st_name = 7, .st_info = ELF64_ST_INFO (STB_WEAK, STT_FUNC), .st_shndx = 1};
    object.hash[0] = 1;
    object.hash[1] = 3;
    return object;
}

static void expect_small (const small_t *object, const char *sentence)
{
    scratch_write ("small.so", object, sizeof *object);
    if (sentence)
        expect_no_module ("small.so", "second", sentence);
    else
        expect_module ("small.so", "second", scratch_dir, NULL, scratch_path ("small.so"));
}

Test (config, a_module_with_the_old_hash_table_and_no_sections_is_read_too)
{
    small_t object = small_object ();
    expect_small (&object, NULL);
    object.symbols[2].st_other = STV_HIDDEN;
    expect_small (&object, "found 'second' only used, not defined");
    object = small_object ();
    object.dynamic[3].d_tag = DT_GNU_HASH;
    object.hash[1] = 2; /* the first symbol of the table, and the last */
    object.hash[4] = 2; /* where the one bucket begins */
    object.hash[5] = 1; /* the end of its chain */
    expect_small (&object, NULL);
}

Test (config, a_module_whose_numbers_lie_is_damaged)
{
    small_t object = small_object ();
    object.hash[1] = UINT32_MAX;
    expect_small (&object, "damaged in its hash table");
    object = small_object ();
    object.dynamic[0].d_un.d_ptr = UINT64_MAX - 8;
    expect_small (&object, "damaged in its symbol table");
    object = small_object ();
    object.dynamic[2].d_un.d_val = UINT64_MAX;
    expect_small (&object, "damaged in its symbol table");
    object = small_object ();
    object.symbols[2].st_name = UINT32_MAX;
    expect_small (&object, "found no function 'second' among the 2 it exports");
    object = small_object ();
    object.segments[0].p_offset = UINT64_MAX - 100;
    expect_small (&object, "damaged in its hash table");
    object = small_object ();
    object.segments[1].p_offset = UINT64_MAX - 4;
    expect_small (&object, "damaged in its dynamic section");
    object = small_object ();
    object.header.e_phoff = UINT64_MAX - 4;
    expect_small (&object, "damaged in its program headers");
    object = small_object ();
    object.header.e_phnum = 60000;
    expect_small (&object, "damaged in its program headers");
    object = small_object ();
    object.dynamic[3].d_tag = DT_GNU_HASH;
    object.hash[0] = UINT32_MAX;
    expect_small (&object, "damaged in its hash table");
    object.hash[0] = 1; /* one bucket, which begins at symbol 0 < 3: empty */
    object.hash[2] = 0;
    expect_small (&object, "found no function 'second' among the 0 it exports");
    object = small_object ();
    object.dynamic[3].d_tag = DT_DEBUG; /* no table at all */
    expect_small (&object, "found no function 'second' among the 0 it exports");
}

/* No damage may crash the check; with the sanitizers on, none may read out of bounds. */
Test (config, a_damaged_module_is_refused_or_good_but_never_a_crash)
{
    put_module (".");
    FILE *file = fopen (scratch_path ("mod.so"), "r");
    static uint8_t whole[1 << 20], copy[1 << 20];
    size_t size = fread (whole, 1, sizeof whole, file);
    fclose (file);
    cr_assert (size > 4096 && size < sizeof whole);
    size_t refused = 0;
    for (unsigned i = 0; i < 600; i++) {
        unsigned seed = i * 2654435761u;
        size_t length = i % 3 == 0 ? (size_t) i * size / 600 : size;
        memcpy (copy, whole, size);
        for (unsigned k = 0; k < i % 3 * 4; k++) {
            seed = seed * 1664525u + 1013904223u;
            copy[seed % (k % 2 ? 1024 : size)] = (uint8_t) (seed >> 24);
        }
        scratch_write ("bad.so", copy, length);
        emp_config_release (&config);
        cr_assert_eq (emp_config_init (&config), EMP_OK);
        cr_assert_eq (emp_config_module (&config, "bad.so", "count_me"), EMP_OK);
        refused += emp_config_find_modules (&config, scratch_dir, NULL) != EMP_OK;
    }
    cr_assert_gt (refused, 100); /* how many depends on how much of the file is debugging information */
}

Test (config, a_run_without_a_module_is_refused)
{
    EXPECT_REFUSED (emp_config_find_modules (&config, NULL, NULL), EMP_INVALID,
                    "worker_modules: found none, expected at least one worker_path and worker_ref");
    cr_assert_eq (emp_config_module (&config, "", "f"), EMP_INVALID);
    cr_assert_eq (emp_config_module (&config, "m.so", ""), EMP_INVALID);
    cr_assert_eq (emp_config_module (&config, "m.so", NULL), EMP_INVALID);
    for (int i = 0; i < EMP_CONFIG_MODULES_MAX; i++)
        cr_assert_eq (emp_config_module (&config, "m.so", "f"), EMP_OK);
    cr_assert_eq (emp_config_module (&config, "m.so", "f"), EMP_TOOBIG);
}

/* ---- the blob ------------------------------------------------------------------------------------------------------ */

Test (config, B1_the_blob_holds_everything_a_worker_may_ask_for)
{
    cr_assert_eq (set_int ("NUM_ROWS", 42), EMP_OK);
    cr_assert_eq (set_int ("sleep_time", 20), EMP_OK);
    cr_assert_eq (set_text ("city", "Köln"), EMP_OK);
    cr_assert_eq (set_text ("START_METHOD", "forkserver"), EMP_OK);
    cr_assert_eq (emp_config_module (&config, "/m.so", "f"), EMP_OK);
    cr_assert_eq (emp_config_queue (&config, "batch_1|audio_lg", 5), EMP_OK);
    emp_buf_t blob;
    emp_buf_init (&blob, EMP_BLOB_MAX);
    cr_assert_eq (emp_config_pack (&config, NULL, &blob), EMP_OK);
    cr_assert_str_eq (
        repr (blob.data, blob.size),
        "{'kwargs': {'PROCS_MAX': None, 'NUM_PROCS': None, 'ROWS_MAX': 42, 'NUM_ROWS': 42, 'START_METHOD': "
        "'forkserver', "
        "'RESULTS_STORE': True, 'RESULTS_PRINT': True, 'RESULTS_DICT_PRINT': False, 'RESULTS_BYTES_MAX': 1073741824, "
        "'RESULTS_FILE': None, 'RESULTS_STREAM': None, 'RESULTS_ORDER': 'arrival', 'JOURNAL': None, 'JOURNAL_SYNC': "
        "'batch', 'RESUME': False, 'RESULT_LABEL': None, "
        "'INFO_ENABLE': False, 'INFO_THREAD_MAX': None, 'SERVE': False, "
        "'ATTEMPTS_MAX': 5, 'HALVE': True, 'SPECULATE': True, 'BEAT': 1.0, "
        "'DEAD_AFTER': 5.0, 'TICKET_TIMEOUT': None, 'STOP_GRACE': 10.0, 'LISTEN': None, 'REMOTE_ONLY': False, "
        "'INSECURE': False, 'BIG_DATA_MIN': 65536, 'sleep_time': 20, "
        "'city': 'Köln'}, 'modules': "
        "[['/m.so', 'f']], "
        "'queues': ['mp_input_q', 'mp_output_q', 'mp_info_q', 'mp_tools_q', 'mp_print_q', 'mp_process_q', "
        "'batch_1|audio_lg']}");
    emp_buf_release (&blob);
    emp_buf_init (&blob, 100);
    cr_assert_eq (emp_config_pack (&config, NULL, &blob), EMP_TOOBIG);
    emp_buf_release (&blob);
}
