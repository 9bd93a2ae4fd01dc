/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../common/maker.h"
#include "../manager/scratch.h"
#include "fixture.h"
#include "server.h"
#include "worker/staging.h"

static char why[EMP_CONTENT_ERROR_MAX];
static server_t server;
static emp_cache_t *cache;
static emp_staging_t *staging;

static void begin (void)
{
    scratch_make ();
    cr_assert_eq (emp_cache_open (scratch_path ("cache"), EMP_CACHE_BYTES_DEFAULT, &cache, why), EMP_OK, "%s", why);
    staging = emp_staging_new (cache, server_fetch, &server);
    cr_assert_not_null (staging);
}

static void end (void)
{
    emp_staging_destroy (&staging);
    cr_assert_null (staging);
    emp_cache_close (&cache);
    scratch_remove ();
}

TestSuite (staging, .timeout = 60, .init = begin, .fini = end);

/* What the manager's host has of that arena, from now on in the server. */
static const char *serve (const emp_arena_place_t *place)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/%u/fd/%u", place->pid, place->fd);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    char *data = malloc (place->size);
    cr_assert_eq (read (fd, data, place->size), (ssize_t) place->size);
    close (fd);
    return server_add (&server, data, place->size);
}

static void release_served (void)
{
    for (size_t i = 0; i < server.count; i++)
        free ((void *) server.all[i].data);
    server.count = 0;
}

static void pack_pair (msgpack_packer *pk, const char *hash, uint64_t size)
{
    msgpack_pack_array (pk, 2);
    pack_text (pk, hash);
    msgpack_pack_uint64 (pk, size);
}

/* A job of one module and one large attribute. */
static void pack_job (emp_buf_t *blob, const char *module, size_t module_size, const char *arena,
                      const emp_arena_place_t *place)
{
    msgpack_packer pk;
    emp_buf_init (blob, 100000);
    msgpack_packer_init (&pk, blob, emp_buf_write);
    msgpack_pack_map (&pk, 3);
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, 1);
    msgpack_pack_array (&pk, 2);
    pack_text (&pk, "/manager/one.so");
    pack_text (&pk, "worker_entrance");
    pack_text (&pk, "arenas");
    msgpack_pack_map (&pk, 1);
    pack_text (&pk, "words");
    emp_arena_place_pack (place, &pk);
    pack_text (&pk, "contents");
    msgpack_pack_map (&pk, 2);
    pack_text (&pk, "modules");
    msgpack_pack_array (&pk, 1);
    pack_pair (&pk, module, module_size);
    pack_text (&pk, "arenas");
    msgpack_pack_map (&pk, 1);
    pack_text (&pk, "words");
    pack_pair (&pk, arena, place->size);
}

Test (staging, B26_a_job_is_read_on_a_host_that_has_nothing_of_it)
{
    emp_buf_t blob, out;
    maker_t maker = maker_start ("\x93\xa3one\xa3two\x05", 10);
    const char *arena = serve (&maker.place), *module = server_add (&server, strdup ("a module"), 8);
    pack_job (&blob, module, 8, arena, &maker.place);
    maker_end (&maker);
    emp_buf_init (&out, 100000);
    cr_assert_eq (emp_staging_job (staging, blob.data, blob.size, &out, why), EMP_OK, "%s", why);
    cr_assert_eq (server.asked, 2);
    char reason[EMP_JOB_REASON_MAX];
    emp_job_t *job = emp_job_new (out.data, out.size, reason);
    cr_assert_not_null (job, "%s", reason);
    cr_assert (strstr (job->modules[0].path, "/cache/") && strstr (job->modules[0].path, module));
    cr_assert_eq (access (job->modules[0].path, R_OK), 0);
    uint32_t i = emp_job_find (job, "words");
    cr_assert (i < job->kwargs.size && job->kwargs.ptr[i].val.via.array.size == 3);
    cr_assert_str_eq (job->kwargs.ptr[i].val.via.array.ptr[1].via.str.ptr, "two");
    cr_assert_eq (job->moved, 0);
    emp_job_destroy (&job);
    emp_buf_clear (&out);
    cr_assert_eq (emp_staging_job (staging, blob.data, blob.size, &out, why), EMP_OK, "%s", why);
    cr_assert_eq (server.asked, 2, "once is enough");
    emp_buf_release (&out);
    emp_buf_release (&blob);
    release_served ();
}

static emp_status_t bring (const emp_arena_place_t *there, const char *hash)
{
    emp_arena_place_t here;
    return emp_staging_arena (staging, hash, there, &here, why);
}

Test (staging, an_arena_that_comes_wrong_is_refused)
{
    maker_t maker = maker_start ("\x91\xa1x", 3);
    emp_arena_place_t there = maker.place;
    const char *hash = serve (&there);
    server.flips = true;
    cr_assert_eq (bring (&there, hash), EMP_MALFORMED);
    cr_assert (strstr (why, "bytes with the hash"), "%s", why);
    server.flips = false;
    there.stamp++; /* the bytes are what was asked for, and no arena that is there */
    cr_assert_eq (bring (&there, hash), EMP_INVALID);
    cr_assert (strstr (why, "no such shared memory"), "%s", why);
    there.stamp--;
    there.size++;
    cr_assert_eq (bring (&there, hash), EMP_MALFORMED);
    there.size = UINT64_MAX;
    cr_assert_eq (bring (&there, hash), EMP_INVALID);
    cr_assert (strstr (why, "expected at most"), "%s", why);
    cr_assert_eq (bring (&maker.place, hash), EMP_OK, "%s", why);
    maker_end (&maker);
    release_served ();
}

Test (staging, bytes_that_are_no_arena_are_refused_though_their_hash_is_right)
{
    static const char text[4096] = "not one of ours";
    emp_arena_place_t there = {1, 2, UINT64_C (0x200000000000), sizeof text, 0};
    memcpy (&there.stamp, text + 8, 8);
    const char *hash = server_add (&server, text, sizeof text);
    cr_assert_eq (bring (&there, hash), EMP_INVALID);
    cr_assert (strstr (why, "no such shared memory"), "%s", why);
}
