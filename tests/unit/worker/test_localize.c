/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "../common/bytes.h"
#include "fixture.h"
#include "worker/localize.h"

TestSuite (localize, .timeout = 60);

static char why[EMP_CONTENT_ERROR_MAX], asked[4096];

/* A hash of one digit. */
static const char *hash_of (char digit)
{
    static char texts[8][EMP_CONTENT_TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % 8];
    memset (text, digit, EMP_CONTENT_DIGITS);
    text[EMP_CONTENT_DIGITS] = '\0';
    return text;
}

static emp_status_t module_here (void *arg, const char *hash, uint64_t size, char *ret_path, char *ret_why)
{
    const emp_status_t *status = arg;
    cr_assert_eq (strlen (hash), EMP_CONTENT_DIGITS);
    snprintf (asked + strlen (asked), sizeof asked - strlen (asked), "m%c%d ", *hash, (int) size);
    snprintf (ret_path, PATH_MAX, "/cache/%.2s", hash);
    strcpy (ret_why, "the disk is full");
    return *status;
}

static emp_status_t arena_here (void *arg, const char *hash, const emp_arena_place_t *there,
                                emp_arena_place_t *ret_here, char *ret_why)
{
    const emp_status_t *status = arg;
    snprintf (asked + strlen (asked), sizeof asked - strlen (asked), "a%c%d ", *hash, (int) there->size);
    *ret_here = *there;
    ret_here->pid = 4711;
    ret_here->fd = 12;
    strcpy (ret_why, "no memory");
    return *status;
}

static emp_status_t localize (const void *data, size_t size, emp_status_t said, emp_buf_t *out)
{
    emp_localize_calls_t calls = {module_here, arena_here, &said};
    bytes_t bytes = bytes_copy (data, size);
    *asked = *why = '\0';
    emp_buf_init (out, 100000);
    emp_status_t status = emp_localize_job (bytes.data, bytes.size, &calls, out, why);
    bytes_free (&bytes);
    return status;
}

/* ---- a job, part by part ----------------------------------------------------------------------------------------- */

static emp_buf_t job;
static msgpack_packer pk;

static void begin (uint32_t keys)
{
    emp_buf_release (&job);
    emp_buf_init (&job, 100000);
    msgpack_packer_init (&pk, &job, emp_buf_write);
    msgpack_pack_map (&pk, keys);
}

static void put_modules (const char *first, const char *second)
{
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, 2);
    msgpack_pack_array (&pk, 2);
    pack_text (&pk, first);
    pack_text (&pk, "worker_entrance");
    msgpack_pack_array (&pk, 2);
    pack_text (&pk, second);
    pack_text (&pk, "watch");
}

static void put_arena (const char *name, uint32_t pid, uint32_t fd, uint64_t size)
{
    emp_arena_place_t place = {pid, fd, UINT64_C (0x200000000000), size, UINT64_MAX};
    pack_text (&pk, name);
    emp_arena_place_pack (&place, &pk);
}

static void put_arenas (uint32_t pid, uint32_t fd)
{
    pack_text (&pk, "arenas");
    msgpack_pack_map (&pk, 2);
    put_arena ("words", pid, fd, 1000);
    put_arena ("more", pid, fd, 2000);
}

static void put_pair (const char *hash, uint64_t size)
{
    msgpack_pack_array (&pk, 2);
    pack_text (&pk, hash);
    msgpack_pack_uint64 (&pk, size);
}

/* In another order than the arenas: it is a map. */
static void put_contents (void)
{
    pack_text (&pk, "contents");
    msgpack_pack_map (&pk, 2);
    pack_text (&pk, "arenas");
    msgpack_pack_map (&pk, 2);
    pack_text (&pk, "more");
    put_pair (hash_of ('d'), 2000);
    pack_text (&pk, "words");
    put_pair (hash_of ('c'), 1000);
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, 2);
    put_pair (hash_of ('a'), 100);
    put_pair (hash_of ('b'), 200);
}

static void put_rest (void)
{
    pack_text (&pk, "kwargs");
    msgpack_pack_map (&pk, 2);
    pack_text (&pk, "modules"); /* a name like another */
    pack_text (&pk, "mine");
    pack_text (&pk, "list");
    emp_buf_append (&job, "\xdd\x00\x00\x00\x02\xd0\x05\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01", 16); /* not shortest */
    msgpack_pack_int (&pk, 7); /* a key that is no text */
    msgpack_pack_nil (&pk);
}

static void put_queues (void)
{
    pack_text (&pk, "queues");
    msgpack_pack_array (&pk, 1);
    pack_text (&pk, "mp_input_q");
}

static emp_buf_t out;

static void expect_malformed (const char *text)
{
    cr_assert_eq (localize (job.data, job.size, EMP_OK, &out), EMP_MALFORMED, "%s", why);
    cr_assert (strstr (why, text), "\"%s\" in: %s", text, why);
    emp_buf_release (&out);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

Test (localize, paths_and_places_are_this_host_s_and_all_else_is_as_it_came)
{
    begin (6);
    put_rest ();
    put_contents ();
    put_modules ("/manager/one.so", "/manager/two.so");
    put_queues ();
    put_arenas (1, 2);
    emp_buf_t before = job;
    emp_buf_init (&job, 0);
    cr_assert_eq (localize (before.data, before.size, EMP_OK, &out), EMP_OK, "%s", why);
    cr_assert_str_eq (asked, "ma100 mb200 ac1000 ad2000 ");
    begin (6);
    put_rest ();
    put_contents ();
    put_modules ("/cache/aa", "/cache/bb");
    put_queues ();
    put_arenas (4711, 12);
    cr_assert_eq (out.size, job.size);
    cr_assert_eq (memcmp (out.data, job.data, job.size), 0);
    emp_buf_release (&before);
    emp_buf_release (&out);
}

Test (localize, a_job_without_large_attributes_needs_no_contents_of_them)
{
    begin (2);
    put_modules ("/m/one.so", "/m/two.so");
    pack_text (&pk, "contents");
    msgpack_pack_map (&pk, 1);
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, 2);
    put_pair (hash_of ('1'), 0);
    put_pair (hash_of ('1'), EMP_CONTENT_BYTES_MAX);
    cr_assert_eq (localize (job.data, job.size, EMP_OK, &out), EMP_OK, "%s", why);
    emp_buf_release (&out);
}

Test (localize, a_job_for_one_host_only_says_so)
{
    begin (2);
    put_modules ("/m/one.so", "/m/two.so");
    put_arenas (1, 2);
    cr_assert_eq (localize (job.data, job.size, EMP_OK, &out), EMP_UNKNOWN);
    cr_assert (strstr (why, "its manager expects no other hosts"), "%s", why);
    emp_buf_release (&out);
}

Test (localize, what_a_callback_says_is_told_with_the_name)
{
    begin (3);
    put_modules ("/m/one.so", "/m/two.so");
    put_arenas (1, 2);
    put_contents ();
    cr_assert_eq (localize (job.data, job.size, EMP_FULL, &out), EMP_FULL);
    cr_assert_str_eq (why, "worker module /m/one.so: the disk is full");
    emp_buf_release (&out);
    begin (3);
    put_arenas (1, 2);
    put_modules ("/m/one.so", "/m/two.so");
    put_contents ();
    cr_assert_eq (localize (job.data, job.size, EMP_NOMEM, &out), EMP_NOMEM);
    cr_assert_str_eq (why, "attribute words: no memory");
    emp_buf_release (&out);
}

Test (localize, out_of_room_is_told)
{
    emp_status_t said = EMP_OK;
    emp_localize_calls_t calls = {module_here, arena_here, &said};
    begin (2);
    put_modules ("/m/one.so", "/m/two.so");
    put_contents ();
    emp_buf_init (&out, job.size - 40);
    cr_assert_eq (emp_localize_job (job.data, job.size, &calls, &out, why), EMP_TOOBIG);
    emp_buf_release (&out);
}

Test (localize, a_job_cut_at_any_byte_is_malformed)
{
    begin (4);
    put_modules ("/m/one.so", "/m/two.so");
    put_arenas (1, 2);
    put_contents ();
    put_queues ();
    for (size_t size = 0; size < job.size; size++) {
        cr_assert_eq (localize (job.data, size, EMP_OK, &out), EMP_MALFORMED, "%zu bytes", size);
        cr_assert (*why && !*asked);
        emp_buf_release (&out);
    }
    emp_buf_append (&job, "\xc0", 1);
    expect_malformed ("it is not one whole value");
}

/* Whatever stands there, it is an answer with a sentence and no byte is read behind the end (bytes_copy). */
Test (localize, a_job_with_any_byte_changed_is_answered)
{
    begin (4);
    put_modules ("/m/one.so", "/m/two.so");
    put_arenas (1, 2);
    put_contents ();
    put_queues ();
    for (size_t at = 0; at < job.size; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t good = job.data[at];
            job.data[at] = (uint8_t) byte;
            emp_status_t status = localize (job.data, job.size, EMP_OK, &out);
            cr_assert ((status == EMP_OK) == (*why == '\0'), "byte %zu: %u", at, byte);
            emp_buf_release (&out);
            job.data[at] = good;
        }
}

Test (localize, what_is_no_such_map_is_malformed)
{
    begin (0);
    expect_malformed ("its modules are no list");
    job.data[0] = 0x90;
    expect_malformed ("it is no map");
    begin (2);
    put_modules ("/m/one.so", "/m/two.so");
    put_modules ("/m/one.so", "/m/two.so");
    expect_malformed ("a key stands twice");
    begin (2);
    put_modules ("/m/one.so", "/m/two.so");
    pack_text (&pk, "contents");
    msgpack_pack_map (&pk, 1);
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, 1);
    put_pair (hash_of ('a'), 100);
    expect_malformed ("it has other contents than modules");
    begin (2);
    put_modules ("/m/one.so", "/m/two.so");
    pack_text (&pk, "contents");
    msgpack_pack_array (&pk, 0);
    expect_malformed ("its contents are no map of a list and a map");
}

static void expect_bad_pair (const char *hash, uint64_t size)
{
    begin (2);
    put_modules ("/m/one.so", "/m/two.so");
    pack_text (&pk, "contents");
    msgpack_pack_map (&pk, 1);
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, 2);
    put_pair (hash, size);
    put_pair (hash_of ('a'), 1);
    expect_malformed ("worker module /m/one.so: its content is no pair of hash and size");
    cr_assert_str_eq (asked, "");
}

Test (localize, only_a_hash_and_a_size_in_range_are_asked_for)
{
    char hash[EMP_CONTENT_TEXT_MAX + 1];
    strcpy (hash, hash_of ('a'));
    expect_bad_pair (hash, EMP_CONTENT_BYTES_MAX + 1);
    hash[3] = '/';
    expect_bad_pair (hash, 1);
    hash[3] = 'A';
    expect_bad_pair (hash, 1);
    hash[63] = '\0';
    hash[3] = 'a';
    expect_bad_pair (hash, 1);
    memcpy (hash + 63, "aa", 3);
    expect_bad_pair (hash, 1);
}

Test (localize, an_attribute_needs_a_content_of_its_size)
{
    begin (3);
    put_modules ("/m/one.so", "/m/two.so");
    put_contents ();
    pack_text (&pk, "arenas");
    msgpack_pack_map (&pk, 1);
    put_arena ("words", 1, 2, 1001);
    expect_malformed ("attribute words: its content is no pair of hash and size");
    begin (3);
    put_modules ("/m/one.so", "/m/two.so");
    put_contents ();
    pack_text (&pk, "arenas");
    msgpack_pack_map (&pk, 1);
    put_arena ("word", 1, 2, 1000);
    expect_malformed ("attribute word: its content is no pair of hash and size");
    begin (3);
    put_modules ("/m/one.so", "/m/two.so");
    put_contents ();
    pack_text (&pk, "arenas");
    msgpack_pack_map (&pk, 1);
    pack_text (&pk, "words");
    msgpack_pack_array (&pk, 0);
    expect_malformed ("a large attribute has no usable place");
}

static void put_many (const char *key, unsigned count)
{
    pack_text (&pk, key);
    msgpack_pack_array (&pk, count);
    for (unsigned i = 0; i < count; i++)
        msgpack_pack_array (&pk, 0);
}

Test (localize, the_number_of_modules_is_bounded)
{
    begin (2);
    put_many ("modules", EMP_LOCALIZE_MAX + 1);
    pack_text (&pk, "contents");
    msgpack_pack_map (&pk, 1);
    put_many ("modules", EMP_LOCALIZE_MAX + 1);
    expect_malformed ("it has too many modules");
    begin (2);
    put_many ("modules", EMP_LOCALIZE_MAX);
    pack_text (&pk, "contents");
    msgpack_pack_map (&pk, 1);
    put_many ("modules", EMP_LOCALIZE_MAX);
    expect_malformed ("a worker module is no pair of path and name");
}
