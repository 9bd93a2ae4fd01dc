/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "common/arena.h"
#include "manager/attributes.h"
#include "manager/bigdata.h"
#include "manager/contents.h"
#include "scratch.h"

static emp_contents_t *contents;
static char hash[EMP_CONTENT_TEXT_MAX], why[EMP_CONTENT_ERROR_MAX];
static uint64_t size;

static void begin (void)
{
    scratch_make ();
    contents = emp_contents_new ();
    cr_assert_not_null (contents);
}

static void end (void)
{
    emp_contents_destroy (&contents);
    scratch_remove ();
}

TestSuite (contents, .timeout = 60, .init = begin, .fini = end);

static const char *add (const char *path)
{
    static char hashes[4][EMP_CONTENT_TEXT_MAX];
    static unsigned next;
    char *ret_hash = hashes[next++ % 4];
    cr_assert_eq (emp_contents_add_file (contents, path, ret_hash, &size, why), EMP_OK, "%s", why);
    return ret_hash;
}

static void expect_read (const char *of, uint64_t offset, size_t room, const char *text, uint64_t total)
{
    char buffer[64];
    size_t got = 0;
    uint64_t all = 0;
    cr_assert_leq (room, sizeof buffer);
    cr_assert_eq (emp_contents_read (contents, of, offset, buffer, room, &got, &all, why), EMP_OK, "%s", why);
    cr_assert (got == strlen (text) && memcmp (buffer, text, got) == 0, "%.*s", (int) got, buffer);
    cr_assert_eq (all, total);
}

static void expect_unread (const char *of, uint64_t offset, emp_status_t status, const char *text)
{
    char buffer[64];
    size_t got = 4711;
    uint64_t all = 0;
    cr_assert_eq (emp_contents_read (contents, of, offset, buffer, sizeof buffer, &got, &all, why), status);
    cr_assert_eq (got, 0);
    cr_assert (strstr (why, text), "\"%s\" in: %s", text, why);
}

Test (contents, a_file_is_read_in_pieces_by_its_hash)
{
    const char *of = add (scratch_text ("one", "0123456789"));
    emp_content_of_bytes ("0123456789", 10, hash);
    cr_assert_str_eq (of, hash);
    cr_assert_eq (size, 10);
    expect_read (of, 0, 4, "0123", 10);
    expect_read (of, 4, 64, "456789", 10);
    expect_read (of, 10, 64, "", 10);
    expect_unread (of, 11, EMP_INVALID, "found the offset 11, expected at most 10");
    expect_unread (of, UINT64_MAX, EMP_INVALID, "found the offset");
    hash[0] ^= 1;
    expect_unread (hash, 0, EMP_UNKNOWN, "nothing is offered that has the hash");
    expect_unread ("", 0, EMP_UNKNOWN, "nothing is offered");
}

Test (contents, a_file_that_was_written_over_is_not_served)
{
    const char *path = scratch_text ("one", "0123456789"), *of = add (path);
    scratch_text ("one", "0123456789x");
    expect_unread (of, 0, EMP_STALE, "one': found another file than when the run began");
    scratch_text ("one", "0123456789"); /* the same bytes, at another time */
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1, .tv_nsec = 2}};
    cr_assert_eq (utimensat (AT_FDCWD, path, times, 0), 0);
    expect_unread (of, 0, EMP_STALE, "expected that it stays as it was");
    of = add (path);
    cr_assert_eq (truncate (path, 5), 0);
    cr_assert_eq (utimensat (AT_FDCWD, path, times, 0), 0); /* its size alone is another */
    expect_unread (of, 0, EMP_STALE, "expected that it stays as it was");
}

Test (contents, one_that_is_offered_again_is_served_again)
{
    const char *path = scratch_text ("one", "0123456789"), *of = add (path);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1, .tv_nsec = 2}};
    cr_assert_eq (utimensat (AT_FDCWD, path, times, 0), 0);
    expect_unread (of, 0, EMP_STALE, "one'");
    cr_assert_str_eq (add (path), of);
    expect_read (of, 0, 64, "0123456789", 10);
}

Test (contents, a_file_that_another_takes_the_place_of_is_served_as_it_was)
{
    const char *of = add (scratch_text ("one", "0123456789"));
    cr_assert_eq (rename (scratch_text ("two", "another"), scratch_path ("one")), 0);
    expect_read (of, 0, 64, "0123456789", 10);
    cr_assert_eq (remove (scratch_path ("one")), 0);
    expect_read (of, 0, 64, "0123456789", 10);
}

static void expect_no_file (const char *path, const char *text)
{
    cr_assert_eq (emp_contents_add_file (contents, path, hash, &size, why), EMP_INVALID);
    cr_assert (strstr (why, text), "\"%s\" in: %s", text, why);
}

Test (contents, what_is_no_file_is_refused)
{
    expect_no_file (scratch_path ("nobody"), "nobody': found no such file, expected a file that can be read");
    expect_no_file (scratch_dir, "found no regular file, expected one");
    cr_assert_eq (mkfifo (scratch_path ("pipe"), 0600), 0);
    expect_no_file (scratch_path ("pipe"), "found no regular file");
}

Test (contents, a_descriptor_is_duplicated_and_has_the_size_that_is_said)
{
    int fd = memfd_create ("test", MFD_CLOEXEC);
    cr_assert_eq (write (fd, "0123456789", 10), 10);
    cr_assert_eq (emp_contents_add_fd (contents, fd, 9, "words", hash, why), EMP_INVALID);
    cr_assert_str_eq (why, "'words': found another size, expected 9 bytes");
    cr_assert_eq (emp_contents_add_fd (contents, fd, 10, "words", hash, why), EMP_OK, "%s", why);
    close (fd);
    expect_read (hash, 5, 64, "56789", 10);
    cr_assert_eq (emp_contents_add_fd (contents, fd, 10, "words", hash, why), EMP_INVALID);
}

Test (contents, the_number_of_contents_is_bounded_and_what_stands_already_fits)
{
    for (unsigned i = 0; i < EMP_CONTENTS_MAX + 1; i++) { /* the last one stands already */
        unsigned number = i % EMP_CONTENTS_MAX;
        int one = memfd_create ("test", MFD_CLOEXEC);
        cr_assert_eq (write (one, &number, sizeof number), (ssize_t) sizeof number);
        cr_assert_eq (emp_contents_add_fd (contents, one, sizeof number, "one", hash, why), EMP_OK, "%u: %s", i, why);
        close (one);
    }
    int fd = memfd_create ("test", MFD_CLOEXEC);
    cr_assert_eq (write (fd, "more", 4), 4);
    cr_assert_eq (emp_contents_add_fd (contents, fd, 4, "words", hash, why), EMP_FULL);
    cr_assert_str_eq (why, "'words': found more than 2048 modules and large attributes to offer to hosts");
    close (fd);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static void *read_often (void *of)
{
    char buffer[64], error[EMP_CONTENT_ERROR_MAX];
    size_t got, good = 0;
    uint64_t total;
    for (int i = 0; i < 20000; i++)
        good += emp_contents_read (contents, of, 0, buffer, sizeof buffer, &got, &total, error) == EMP_OK &&
                got == 10 && memcmp (buffer, "0123456789", 10) == 0;
    return good == 20000 ? of : NULL;
}

Test (contents, one_thread_may_add_while_another_reads)
{
    pthread_t thread;
    void *result = NULL;
    char of[EMP_CONTENT_TEXT_MAX];
    memcpy (of, add (scratch_text ("one", "0123456789")), sizeof of);
    cr_assert_eq (pthread_create (&thread, NULL, read_often, of), 0);
    for (int i = 0; i < 300; i++) {
        char text[16];
        snprintf (text, sizeof text, "%d", i);
        add (scratch_text ("other", text));
        cr_assert_eq (remove (scratch_path ("other")), 0);
    }
    pthread_join (thread, &result);
    cr_assert_not_null (result);
}

/* ---- of a job ---------------------------------------------------------------------------------------------------- */

static void expect_pair (const msgpack_object *pair, const char *of, uint64_t total)
{
    cr_assert (pair->type == MSGPACK_OBJECT_ARRAY && pair->via.array.size == 2);
    const msgpack_object *text = &pair->via.array.ptr[0], *number = &pair->via.array.ptr[1];
    cr_assert (text->type == MSGPACK_OBJECT_STR && text->via.str.size == EMP_CONTENT_DIGITS);
    cr_assert_eq (memcmp (text->via.str.ptr, of, EMP_CONTENT_DIGITS), 0);
    cr_assert (number->type == MSGPACK_OBJECT_POSITIVE_INTEGER && number->via.u64 == total);
}

static bool has_key (const msgpack_object_kv *pair, const char *key)
{
    return pair->key.via.str.size == strlen (key) && memcmp (pair->key.via.str.ptr, key, strlen (key)) == 0;
}

static void set_binary (emp_config_t *config, const char *key, char byte)
{
    char data[70000];
    memset (data, byte, sizeof data);
    cr_assert_eq (emp_bigdata_bytes (config, key, MSGPACK_OBJECT_BIN, data, sizeof data), EMP_OK, "%s", config->error);
}

Test (contents, B26_a_job_names_the_contents_of_its_modules_and_large_attributes)
{
    emp_config_t config;
    emp_buf_t packed;
    cr_assert_eq (emp_config_init (&config), EMP_OK);
    const char *one = scratch_text ("one.so", "first"), *two = scratch_text ("two.so", "second!");
    cr_assert_eq (emp_config_module (&config, one, "f"), EMP_OK);
    cr_assert_eq (emp_config_module (&config, two, "f"), EMP_OK);
    cr_assert_eq (emp_config_module (&config, one, "g"), EMP_OK);
    cr_assert_eq (emp_config_set (&config, "small", "\x05", 1), EMP_OK);
    set_binary (&config, "words", 'w');
    set_binary (&config, "more", 'm');
    emp_buf_init (&packed, 10000);
    cr_assert_eq (emp_contents_pack (contents, &config, &packed, why), EMP_OK, "%s", why);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    size_t used = 0;
    cr_assert_eq (msgpack_unpack_next (&unpacked, (char *) packed.data, packed.size, &used), MSGPACK_UNPACK_SUCCESS);
    cr_assert_eq (used, packed.size);
    cr_assert (unpacked.data.type == MSGPACK_OBJECT_MAP && unpacked.data.via.map.size == 2);
    const msgpack_object_kv *pairs = unpacked.data.via.map.ptr;
    cr_assert (has_key (&pairs[0], "modules") && has_key (&pairs[1], "arenas"));
    cr_assert_eq (pairs[0].val.via.array.size, 3);
    emp_content_of_bytes ("first", 5, hash);
    expect_pair (&pairs[0].val.via.array.ptr[0], hash, 5);
    expect_pair (&pairs[0].val.via.array.ptr[2], hash, 5);
    emp_content_of_bytes ("second!", 7, hash);
    expect_pair (&pairs[0].val.via.array.ptr[1], hash, 7);
    expect_read (hash, 0, 64, "second!", 7);
    static const char *const names[] = {"words", "more"};
    cr_assert_eq (pairs[1].val.via.map.size, 2);
    for (size_t i = 0; i < 2; i++) {
        const emp_arena_t *arena = emp_attributes_arena (config.attributes, names[i]);
        const msgpack_object_kv *pair = &pairs[1].val.via.map.ptr[i];
        emp_arena_place_t place;
        uint64_t total;
        emp_arena_describe (arena, &place);
        cr_assert_eq (emp_content_of_file ((int) place.fd, hash, &total), EMP_OK);
        cr_assert (has_key (pair, names[i]) && total == place.size);
        expect_pair (&pair->val, hash, total);
    }
    msgpack_unpacked_destroy (&unpacked);
    emp_buf_release (&packed);
    emp_config_release (&config);
}

Test (contents, a_job_whose_module_is_gone_says_so)
{
    emp_config_t config;
    emp_buf_t packed;
    cr_assert_eq (emp_config_init (&config), EMP_OK);
    cr_assert_eq (emp_config_module (&config, scratch_path ("gone.so"), "f"), EMP_OK);
    emp_buf_init (&packed, 10000);
    cr_assert_eq (emp_contents_pack (contents, &config, &packed, why), EMP_INVALID);
    cr_assert (strstr (why, "gone.so': found no such file"), "%s", why);
    emp_buf_release (&packed);
    emp_buf_init (&packed, 20);
    config.modules_count = 0;
    cr_assert_eq (emp_contents_pack (contents, &config, &packed, why), EMP_OK);
    emp_buf_release (&packed);
    emp_buf_init (&packed, 10);
    cr_assert_eq (emp_contents_pack (contents, &config, &packed, why), EMP_TOOBIG);
    config.modules_count = 1;
    emp_buf_release (&packed);
    emp_config_release (&config);
}
