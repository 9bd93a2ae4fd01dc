/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/resource.h>

#include "common/arena.h"
#include "common/control.h"
#include "manager/attributes.h"
#include "manager/bigdata.h"
#include "manager/generator.h"
#include "manager/manager.h"
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
    scratch_remove ();
}

TestSuite (bigdata, .timeout = 60, .init = begin, .fini = end);

/* A packed binary that is `size` bytes long in all. */
static emp_status_t set (const char *key, size_t size)
{
    size_t body = size - 5;
    char *packed = calloc (1, size);
    memcpy (packed,
            (uint8_t[]){0xc6, (uint8_t) (body >> 24), (uint8_t) (body >> 16), (uint8_t) (body >> 8), (uint8_t) body},
            5);
    emp_status_t status = emp_config_set (&config, key, packed, size);
    free (packed);
    return status;
}

static void set_min (uint32_t min)
{
    uint8_t packed[] = {0xce, (uint8_t) (min >> 24), (uint8_t) (min >> 16), (uint8_t) (min >> 8), (uint8_t) min};
    cr_assert_eq (emp_config_set (&config, "BIG_DATA_MIN", packed, sizeof packed), EMP_OK, "%s", config.error);
}

/* Packed, and so in the blob, or in an arena, and never both. */
static bool is_big (const char *key)
{
    size_t size;
    bool packed = emp_config_get (&config, key, &size) != NULL;
    cr_assert_eq (packed, emp_bigdata_get (&config, key) == NULL);
    return !packed;
}

static size_t blob_size (void)
{
    emp_buf_t blob;
    emp_buf_init (&blob, EMP_BLOB_MAX);
    cr_assert_eq (emp_config_pack (&config, NULL, &blob), EMP_OK);
    size_t size = blob.size;
    emp_buf_release (&blob);
    return size;
}

Test (bigdata, B26_what_is_above_BIG_DATA_MIN_is_kept_beside_the_blob)
{
    size_t before = blob_size ();
    cr_assert_eq (set ("small", 65536), EMP_OK);
    cr_assert_eq (set ("big", 65537), EMP_OK);
    cr_assert (!is_big ("small") && is_big ("big"));
    const msgpack_object *value = emp_bigdata_get (&config, "big");
    cr_assert (value->type == MSGPACK_OBJECT_BIN && value->via.bin.size == 65532);
    cr_assert_lt (blob_size () - before, 65536 + 200);
}

Test (bigdata, the_last_value_of_a_key_counts_wherever_it_is)
{
    cr_assert_eq (set ("key", 70000), EMP_OK);
    cr_assert_eq (set ("key", 80000), EMP_OK);
    cr_assert_eq (emp_bigdata_get (&config, "key")->via.bin.size, 79995);
    cr_assert_eq (set ("key", 100), EMP_OK);
    cr_assert (!is_big ("key"));
    cr_assert_eq (emp_attributes_arenas (config.attributes), 0);
    cr_assert_eq (set ("key", 90000), EMP_OK);
    cr_assert_eq (emp_bigdata_get (&config, "key")->via.bin.size, 89995);
    cr_assert_eq (emp_attributes_arenas (config.attributes), 1);
}

Test (bigdata, the_start_shares_what_is_above_a_bound_that_was_set_later)
{
    cr_assert_eq (set ("one", 5000), EMP_OK);
    cr_assert_eq (set ("two", 4096), EMP_OK);
    set_min (4096);
    cr_assert (!is_big ("one"));
    cr_assert_eq (emp_bigdata_share (&config), EMP_OK);
    cr_assert (is_big ("one") && !is_big ("two"));
    cr_assert_eq (emp_bigdata_get (&config, "one")->via.bin.size, 4995);
}

Test (bigdata, the_bound_of_packed_attributes_does_not_bind_it)
{
    cr_assert_eq (set ("one", 40 << 20), EMP_OK);
    cr_assert_eq (set ("two", 40 << 20), EMP_OK);
    cr_assert_eq (set ("three", 70 << 20), EMP_OK);
    cr_assert_lt (blob_size (), 2000);
}

Test (bigdata, there_is_a_bound_of_how_many)
{
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < EMP_ATTRIBUTES_ARENAS_MAX + 100)
        return; /* this system has a lower one */
    char name[32];
    set_min (4096);
    for (int i = 0; i < EMP_ATTRIBUTES_ARENAS_MAX; i++) {
        snprintf (name, sizeof name, "key_%d", i);
        cr_assert_eq (set (name, 5000), EMP_OK, "%s", config.error);
    }
    cr_assert_eq (set ("one_more", 5000), EMP_TOOBIG);
    cr_assert_str_eq (config.error,
                      "one_more: found more than 10000 keys, more than 1000 of them above BIG_DATA_MIN, or "
                      "more than 62914560 bytes in all others");
    cr_assert_eq (set ("key_7", 6000), EMP_OK, "a key that is there may be set again");
    cr_assert_eq (set ("one_more", 4000), EMP_OK);
}

Test (bigdata, files_are_values_whatever_their_size)
{
    const char *path = scratch_text ("words.txt", "alpha\nbeta\n");
    cr_assert_eq (emp_bigdata_lines (&config, "words", path), EMP_OK, "%s", config.error);
    const msgpack_object *words = emp_bigdata_get (&config, "words");
    cr_assert (words->type == MSGPACK_OBJECT_ARRAY && words->via.array.size == 2);
    cr_assert_str_eq (words->via.array.ptr[1].via.str.ptr, "beta");
    cr_assert_eq (emp_bigdata_file (&config, "words", path), EMP_OK);
    cr_assert_str_eq (emp_bigdata_get (&config, "words")->via.bin.ptr, "alpha\nbeta\n");
    cr_assert_eq (emp_bigdata_bytes (&config, "words", MSGPACK_OBJECT_STR, "gamma", 5), EMP_OK);
    cr_assert_str_eq (emp_bigdata_get (&config, "words")->via.str.ptr, "gamma");
}

Test (bigdata, what_cannot_be_kept_says_why_and_changes_nothing)
{
    cr_assert_eq (set ("words", 70000), EMP_OK);
    cr_assert_eq (emp_bigdata_lines (&config, "words", "/nowhere/words.txt"), EMP_INVALID);
    cr_assert_str_eq (config.error, "words: '/nowhere/words.txt': found no such file, expected a regular file");
    cr_assert_eq (emp_bigdata_get (&config, "words")->via.bin.size, 69995);
    cr_assert_eq (emp_bigdata_file (&config, "NUM_ROWS", "/dev/null"), EMP_INVALID);
    cr_assert_str_eq (config.error, "NUM_ROWS: found a key of eisenmp's own, expected one of the program's");
    cr_assert_eq (emp_bigdata_bytes (&config, "1st", MSGPACK_OBJECT_BIN, "x", 1), EMP_INVALID);
    cr_assert_str_eq (config.error, "found the key '1st', expected 1 to 128 letters, digits and _, no digit first");
}

Test (bigdata, a_program_sets_what_is_larger_than_a_job_can_carry)
{
    emp_t *manager = emp_new ();
    size_t size = EMP_BLOB_MAX + 1;
    char *text = malloc (size + 1);
    memset (text, 'x', size);
    text[size] = '\0';
    cr_assert_eq (emp_config_set_binary (manager, "binary", text, size), EMP_OK, "%s", emp_error (manager));
    cr_assert_eq (emp_config_set_string (manager, "text", text), EMP_OK, "%s", emp_error (manager));
    free (text);
    const msgpack_object *value = emp_bigdata_get (&manager->config, "binary");
    cr_assert (value->type == MSGPACK_OBJECT_BIN && value->via.bin.size == size);
    value = emp_bigdata_get (&manager->config, "text");
    cr_assert (value->type == MSGPACK_OBJECT_STR && value->via.str.size == size);
    const char *path = scratch_text ("words.txt", "one\ntwo\n");
    cr_assert_eq (emp_config_set_lines (manager, "lines", path), EMP_OK);
    cr_assert_eq (emp_bigdata_get (&manager->config, "lines")->via.array.size, 2);
    cr_assert_eq (emp_config_set_file (manager, "file", path), EMP_OK);
    cr_assert_eq (emp_bigdata_get (&manager->config, "file")->via.bin.size, 8);
    cr_assert_eq (emp_config_set_file (manager, "file", "/nowhere"), EMP_INVALID);
    cr_assert_str_eq (emp_error (manager), "file: '/nowhere': found no such file, expected a regular file");
    cr_assert_eq (emp_config_set_string (manager, "RESULT_LABEL", "short"), EMP_OK);
    emp_destroy (&manager);
}

/* ---- generators ------------------------------------------------------------------------------------------------------ */

static bool words_of_config (emp_generator_t *generator, msgpack_packer *row)
{
    const msgpack_object *words = emp_generator_config (generator, "words");
    uint64_t i = emp_generator_index (generator);
    if (words != emp_bigdata_get (&config, "words") || i == words->via.array.size)
        return false;
    msgpack_pack_object (row, words->via.array.ptr[i]);
    return true;
}

Test (bigdata, a_generator_sees_the_same_value_and_no_copy)
{
    cr_assert_eq (emp_bigdata_lines (&config, "words", scratch_text ("words.txt", "a\nb\n")), EMP_OK);
    emp_generator_t *generator = emp_generator_new (words_of_config, NULL, &config);
    emp_buf_t row;
    emp_buf_init (&row, 1000);
    uint32_t rows;
    cr_assert_eq (emp_generator_rows (generator, 1, NULL, &row, &rows), EMP_OK);
    cr_assert_eq (emp_generator_rows (generator, 9, NULL, &row, &rows), EMP_STOPPED);
    cr_assert_eq (rows, 1);
    cr_assert (row.size == 4 && memcmp (row.data,
                                        "\xa1"
                                        "a\xa1"
                                        "b",
                                        4) == 0);
    emp_buf_release (&row);
    emp_generator_destroy (&generator);
}
