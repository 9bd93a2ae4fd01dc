/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bytes.h"
#include "common/arena_form.h"
#include "common/buf.h"
#include "maker.h"

static char folder[] = "/tmp/eisenmp-test-XXXXXX";
static char why[EMP_ARENA_ERROR_MAX];

static void begin (void)
{
    cr_assert_not_null (mkdtemp (folder));
    cr_assert_eq (chdir (folder), 0);
}

static void end (void)
{
    static const char *const names[] = {"words", "sparse", "pipe", "folder"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove (names[i]);
    cr_assert_eq (rmdir (folder), 0);
}

TestSuite (arena, .timeout = 60, .init = begin, .fini = end);

static void write_file (const char *name, const void *data, size_t size)
{
    FILE *file = fopen (name, "w");
    cr_assert_eq (fwrite (data, 1, size, file), size);
    cr_assert_eq (fclose (file), 0);
}

static void expect_equal (const emp_arena_t *arena, const void *packed, size_t size)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    cr_assert_eq (msgpack_unpack_next (&unpacked, packed, size, NULL), MSGPACK_UNPACK_SUCCESS);
    cr_assert (msgpack_object_equal (*emp_arena_root (arena), unpacked.data));
    msgpack_unpacked_destroy (&unpacked);
}

static emp_arena_t *open_good (const emp_arena_place_t *place)
{
    emp_arena_t *arena = NULL;
    cr_assert_eq (emp_arena_open (place, &arena, why), EMP_OK, "%s", why);
    return arena;
}

/* Mappings of arenas that this process has. */
static unsigned mappings (void)
{
    char line[512];
    unsigned count = 0;
    FILE *maps = fopen ("/proc/self/maps", "r");
    while (fgets (line, sizeof line, maps))
        count += strstr (line, "memfd:eisenmp") != NULL;
    fclose (maps);
    return count;
}

/* ---- values ---------------------------------------------------------------------------------------------------------- */

Test (arena, B26_values_of_all_kinds_are_read_where_their_maker_put_them)
{
    static const char *const values[] = {"c0",
                                         "c3",
                                         "05",
                                         "d3 80 00 00 00 00 00 00 00",
                                         "cf ff ff ff ff ff ff ff ff",
                                         "cb 3f f0 00 00 00 00 00 01",
                                         "ca 3f 80 00 00",
                                         "a0",
                                         "a3 61 62 63",
                                         "c4 00",
                                         "c4 02 00 ff",
                                         "c7 02 05 c1 c1",
                                         "90",
                                         "80",
                                         "dd 00 00 00 00",
                                         "93 01 a1 61 92 c0 c4 01 00",
                                         "82 a1 61 93 01 02 03 05 81 c0 90"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bytes_t bytes = bytes_of (values[i]);
        maker_t maker = maker_start (bytes.data, bytes.size);
        emp_arena_t *arena = open_good (&maker.place);
        expect_equal (arena, bytes.data, bytes.size);
        cr_assert (!emp_arena_is_moved (arena), "%s", values[i]);
        maker_end (&maker);
        expect_equal (arena, bytes.data, bytes.size); /* who has it keeps it */
        emp_arena_destroy (&arena);
        cr_assert_null (arena);
        emp_arena_destroy (&arena);
        free (bytes.data);
    }
}

/* 100 000 texts of 1 to 6 bytes. */
static emp_buf_t many_texts (void)
{
    emp_buf_t packed;
    msgpack_packer pk;
    emp_buf_init (&packed, 1 << 24);
    msgpack_packer_init (&pk, &packed, emp_buf_write);
    msgpack_pack_array (&pk, 100000);
    for (int i = 0; i < 100000; i++) {
        char text[16];
        size_t size = (size_t) snprintf (text, sizeof text, "%d", i);
        msgpack_pack_str (&pk, size);
        msgpack_pack_str_body (&pk, text, size);
    }
    return packed;
}

Test (arena, a_hundred_thousand_texts)
{
    emp_buf_t packed = many_texts ();
    maker_t maker = maker_start (packed.data, packed.size);
    emp_arena_t *arena = open_good (&maker.place);
    expect_equal (arena, packed.data, packed.size);
    cr_assert_str_eq (emp_arena_root (arena)->via.array.ptr[99999].via.str.ptr, "99999");
    emp_arena_destroy (&arena);
    maker_end (&maker);
    emp_buf_release (&packed);
}

Test (arena, one_whose_address_is_taken_is_moved)
{
    emp_buf_t packed = many_texts ();
    emp_arena_t *made = NULL, *moved;
    cr_assert_eq (emp_arena_new (packed.data, packed.size, &made, why), EMP_OK, "%s", why);
    emp_arena_place_t place;
    emp_arena_describe (made, &place);
    moved = open_good (&place);
    cr_assert (!emp_arena_is_moved (made) && emp_arena_is_moved (moved));
    emp_arena_destroy (&made); /* nothing points there any more */
    expect_equal (moved, packed.data, packed.size);
    emp_arena_destroy (&moved);
    emp_buf_release (&packed);
}

Test (arena, a_text_or_binary_of_bytes)
{
    emp_arena_t *arena;
    cr_assert_eq (emp_arena_new_bytes (MSGPACK_OBJECT_STR, "a\0b", 3, &arena, why), EMP_OK, "%s", why);
    const msgpack_object *root = emp_arena_root (arena);
    cr_assert (root->type == MSGPACK_OBJECT_STR && root->via.str.size == 3);
    cr_assert_eq (memcmp (root->via.str.ptr, "a\0b\0", 4), 0);
    emp_arena_destroy (&arena);
    cr_assert_eq (emp_arena_new_bytes (MSGPACK_OBJECT_BIN, NULL, 0, &arena, why), EMP_OK, "%s", why);
    cr_assert (emp_arena_root (arena)->type == MSGPACK_OBJECT_BIN && emp_arena_root (arena)->via.bin.size == 0);
    emp_arena_destroy (&arena);
    cr_assert_eq (mappings (), 0);
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static void expect_lines (const char *text, size_t size, const char *joined)
{
    char found[256] = "";
    emp_arena_t *arena = NULL;
    write_file ("words", text, size);
    cr_assert_eq (emp_arena_new_lines ("words", &arena, why), EMP_OK, "%s", why);
    const msgpack_object *root = emp_arena_root (arena);
    cr_assert_eq (root->type, MSGPACK_OBJECT_ARRAY);
    for (uint32_t i = 0; i < root->via.array.size; i++) {
        const msgpack_object *line = &root->via.array.ptr[i];
        cr_assert_eq (line->type, MSGPACK_OBJECT_STR);
        cr_assert_eq (line->via.str.ptr[line->via.str.size], '\0');
        strncat (found, line->via.str.ptr, line->via.str.size);
        strcat (found, "|");
    }
    cr_assert_str_eq (found, joined);
    emp_arena_destroy (&arena);
}

Test (arena, lines_are_those_of_the_lines_of_a_feed)
{
    expect_lines ("", 0, "");
    expect_lines ("\n", 1, "|");
    expect_lines ("a", 1, "a|");
    expect_lines ("a\n", 2, "a|");
    expect_lines ("a\n\nb", 4, "a||b|");
    expect_lines ("one\r\ntwo\r\n", 10, "one\r|two\r|");
    expect_lines ("\xff\xfe\nB\xc3\xa4r\n", 8, "\xff\xfe|B\xc3\xa4r|");
}

Test (arena, a_file_is_a_binary_of_its_bytes)
{
    emp_arena_t *arena = NULL;
    char data[100000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char) (i * 7);
    for (size_t size = 0; size <= sizeof data; size += sizeof data / 4) {
        write_file ("words", data, size);
        cr_assert_eq (emp_arena_new_file ("words", &arena, why), EMP_OK, "%s", why);
        const msgpack_object *root = emp_arena_root (arena);
        cr_assert (root->type == MSGPACK_OBJECT_BIN && root->via.bin.size == size);
        cr_assert_eq (memcmp (root->via.bin.ptr, data, size), 0);
        emp_arena_destroy (&arena);
    }
}

static void expect_no_file (const char *path, emp_status_t status, const char *sentence)
{
    emp_arena_t *arena = NULL;
    cr_assert_eq (emp_arena_new_lines (path, &arena, why), status);
    cr_assert_str_eq (why, sentence);
    cr_assert_eq (emp_arena_new_file (path, &arena, why), status);
    cr_assert_null (arena);
}

Test (arena, what_is_no_regular_file_is_refused_and_not_waited_for)
{
    cr_assert_eq (mkfifo ("pipe", 0600), 0);
    cr_assert_eq (mkdir ("folder", 0700), 0);
    expect_no_file ("nobody", EMP_INVALID, "'nobody': found no such file, expected a regular file");
    expect_no_file ("pipe", EMP_INVALID, "'pipe': found a pipe, expected a regular file");
    expect_no_file ("folder", EMP_INVALID, "'folder': found a directory, expected a regular file");
    expect_no_file ("/dev/zero", EMP_INVALID, "'/dev/zero': found no regular file, expected a regular file");
}

/* Nothing is written to the file, so it takes no room on the disk. */
Test (arena, what_is_too_large_is_refused_before_anything_is_read)
{
    emp_arena_t *arena = NULL;
    write_file ("sparse", "", 0);
    cr_assert_eq (truncate ("sparse", INT64_C (1) << 32), 0);
    cr_assert_eq (emp_arena_new_file ("sparse", &arena, why), EMP_TOOBIG);
    cr_assert_str_eq (why, "found 4294967296 bytes, expected fewer than 4 GiB in one text or binary");
    cr_assert_eq (truncate ("sparse", INT64_C (1) << 36), 0);
    cr_assert_eq (emp_arena_new_lines ("sparse", &arena, why), EMP_TOOBIG);
    cr_assert_str_eq (why, "found a value that takes 68719476832 bytes of shared memory, expected at most 68719476736");
    cr_assert_eq (mappings (), 0);
}

/* ---- nobody writes to it --------------------------------------------------------------------------------------------- */

Test (arena, nobody_can_write_to_it_not_even_its_maker)
{
    emp_arena_t *arena;
    cr_assert_eq (emp_arena_new ("\x91\xa1x", 3, &arena, why), EMP_OK, "%s", why);
    emp_arena_place_t place;
    emp_arena_describe (arena, &place);
    cr_assert_eq (mprotect ((void *) (uintptr_t) place.address, place.size, PROT_READ | PROT_WRITE), -1);
    char path[64];
    snprintf (path, sizeof path, "/proc/self/fd/%u", place.fd);
    int fd = open (path, O_RDWR | O_CLOEXEC);
    cr_assert_eq (ftruncate (fd, 0), -1);
    cr_assert_eq (ftruncate (fd, 1 << 20), -1);
    cr_assert_eq (write (fd, "x", 1), -1);
    cr_assert_eq (mmap (NULL, place.size, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close (fd);
    pid_t child = fork ();
    if (child == 0) {
        signal (SIGSEGV, SIG_DFL);
        *(volatile char *) (uintptr_t) place.address = 'x';
        _exit (0);
    }
    int status = 0;
    waitpid (child, &status, 0);
    cr_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGSEGV, "status %d", status);
    emp_arena_destroy (&arena);
}

Test (arena, one_that_was_moved_is_read_only_too)
{
    emp_arena_t *made, *moved;
    cr_assert_eq (emp_arena_new ("\x91\xa1x", 3, &made, why), EMP_OK, "%s", why);
    emp_arena_place_t place;
    emp_arena_describe (made, &place);
    moved = open_good (&place);
    pid_t child = fork ();
    if (child == 0) {
        signal (SIGSEGV, SIG_DFL);
        *(volatile char *) (uintptr_t) emp_arena_root (moved) = 'x';
        _exit (0);
    }
    int status = 0;
    waitpid (child, &status, 0);
    cr_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGSEGV, "status %d", status);
    emp_arena_destroy (&made);
    emp_arena_destroy (&moved);
}

/* ---- places ---------------------------------------------------------------------------------------------------------- */

static void expect_refused (emp_arena_place_t place, emp_status_t status, const char *text)
{
    emp_arena_t *arena = NULL;
    *why = '\0';
    cr_assert_eq (emp_arena_open (&place, &arena, why), status, "%s", why);
    cr_assert (strstr (why, text), "\"%s\" in: %s", text, why);
    cr_assert_null (arena);
}

Test (arena, a_place_that_means_something_else_by_now_is_refused)
{
    maker_t maker = maker_start ("\x91\xa1x", 3);
    emp_arena_place_t place = maker.place;
    place.stamp++;
    expect_refused (place, EMP_STALE, "found something else");
    place = maker.place;
    place.size++;
    expect_refused (place, EMP_STALE, "found something else");
    place.size = 8;
    expect_refused (place, EMP_STALE, "found something else");
    place = maker.place;
    place.fd = 0;
    expect_refused (place, EMP_STALE, "found something else");
    place.fd = 4711;
    expect_refused (place, EMP_SYSTEM, "/fd/4711: No such file");
    place = maker.place;
    place.address += 4096;
    expect_refused (place, EMP_INVALID, "another version");
    maker_end (&maker);
    expect_refused (maker.place, EMP_SYSTEM, "No such file");
    cr_assert_eq (mappings (), 0);
}

/* A memfd that says of itself what `head` says; sealed or not. */
static emp_status_t open_forged (emp_arena_head_t head, bool sealed)
{
    int fd = memfd_create ("eisenmp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq (ftruncate (fd, (off_t) head.size), 0);
    cr_assert_eq (pwrite (fd, &head, sizeof head, 0), (ssize_t) sizeof head);
    if (sealed)
        cr_assert_eq (fcntl (fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    emp_arena_place_t place = {(uint32_t) getpid (), (uint32_t) fd, head.address, head.size, head.stamp};
    emp_arena_t *arena = NULL;
    emp_status_t status = emp_arena_open (&place, &arena, why);
    emp_arena_destroy (&arena);
    close (fd);
    return status;
}

Test (arena, what_is_not_sealed_or_not_of_this_form_is_refused)
{
    emp_arena_head_t good = {.form = EMP_ARENA_FORM,
                             .object_size = sizeof (msgpack_object),
                             .stamp = 7,
                             .address = 0x300000000000,
                             .size = 4096,
                             .objects = sizeof good,
                             .count = 1};
    cr_assert_eq (open_forged (good, true), EMP_OK);
    cr_assert_eq (open_forged (good, false), EMP_STALE, "its maker could cut it under a reader");
    emp_arena_head_t head = good;
    head.form++;
    cr_assert_eq (open_forged (head, true), EMP_INVALID);
    head = good;
    head.object_size = 16;
    cr_assert_eq (open_forged (head, true), EMP_INVALID);
    head = good;
    head.count = 4096 / sizeof (msgpack_object);
    cr_assert_eq (open_forged (head, true), EMP_INVALID, "objects behind its end");
    head = good;
    head.objects = UINT64_MAX - 7;
    cr_assert_eq (open_forged (head, true), EMP_INVALID);
    head = good;
    head.objects = sizeof head - sizeof (uint64_t);
    cr_assert_eq (open_forged (head, true), EMP_INVALID, "objects in its head");
    head = good;
    head.address = UINT64_MAX - 4094;
    cr_assert_eq (open_forged (head, true), EMP_INVALID, "addresses behind the last one");
    head = good;
    head.count = 0;
    cr_assert_eq (open_forged (head, true), EMP_INVALID);
}

/* ---- copies ---------------------------------------------------------------------------------------------------------- */

/* What came from another host: the bytes of `from`, of which one may be another. */
typedef struct {
    int from;
    uint64_t size;
    int64_t wrong; /* offset; -1: none */
    emp_status_t status;
} bytes_from_t;

static emp_status_t fill (void *arg, int fd, char *ret_error)
{
    const bytes_from_t *given = arg;
    struct stat stat;
    cr_assert_eq (fstat (fd, &stat), 0);
    cr_assert_eq ((uint64_t) stat.st_size, given->size);
    for (uint64_t at = 0; at < given->size; at++) {
        uint8_t byte;
        cr_assert_eq (pread (given->from, &byte, 1, (off_t) at), 1);
        byte ^= (int64_t) at == given->wrong;
        cr_assert_eq (pwrite (fd, &byte, 1, (off_t) at), 1);
    }
    strcpy (ret_error, "nobody answers");
    return given->status;
}

static int open_of (const emp_arena_place_t *place)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/%u/fd/%u", place->pid, place->fd);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq (fd, 0);
    return fd;
}

Test (arena, a_copy_is_opened_as_the_original_is)
{
    bytes_t bytes = bytes_of ("93 01 a3 61 62 63 82 a1 61 c4 02 00 ff 05 90");
    maker_t maker = maker_start (bytes.data, bytes.size);
    bytes_from_t given = {open_of (&maker.place), maker.place.size, -1, EMP_OK};
    emp_arena_t *copy = NULL;
    cr_assert_eq (emp_arena_new_copy (&maker.place, fill, &given, &copy, why), EMP_OK, "%s", why);
    close (given.from);
    maker_end (&maker); /* its host is another */
    cr_assert_eq (mappings (), 0, "who only keeps it does not map it");
    emp_arena_place_t here;
    emp_arena_describe (copy, &here);
    cr_assert (here.address == maker.place.address && here.size == maker.place.size &&
               here.stamp == maker.place.stamp && here.pid == (uint32_t) getpid ());
    emp_arena_t *reader = open_good (&here);
    cr_assert (!emp_arena_is_moved (reader));
    expect_equal (reader, bytes.data, bytes.size);
    int fd = open_of (&here);
    int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    cr_assert_eq (fcntl (fd, F_GET_SEALS) & all, all);
    close (fd);
    emp_arena_destroy (&copy);
    expect_equal (reader, bytes.data, bytes.size);
    emp_arena_destroy (&reader);
    bytes_free (&bytes);
}

static void expect_no_copy (const emp_arena_place_t *there, const bytes_from_t *given, emp_status_t status,
                            const char *text)
{
    emp_arena_t *copy = NULL;
    bytes_from_t input = *given;
    int before = dup (0), after;
    close (before);
    cr_assert_eq (emp_arena_new_copy (there, fill, &input, &copy, why), status, "%s", why);
    cr_assert (strstr (why, text), "\"%s\" in: %s", text, why);
    cr_assert_null (copy);
    after = dup (0);
    close (after);
    cr_assert_eq (before, after, "a file stays open");
}

Test (arena, a_copy_that_is_not_the_arena_that_was_meant_is_refused)
{
    maker_t maker = maker_start ("\x91\xa1x", 3);
    bytes_from_t given = {open_of (&maker.place), maker.place.size, -1, EMP_OK}, wrong = given;
    /* Form, size of objects, stamp, address, size, offset of the objects; the last byte of each that is nothing's own. */
    static const int64_t offsets[] = {0, 4, 8, 16, 24, 32, 39, 47};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        wrong.wrong = offsets[i];
        expect_no_copy (&maker.place, &wrong, EMP_INVALID, "no such shared memory");
    }
    emp_arena_place_t place = maker.place;
    place.stamp++;
    expect_no_copy (&place, &given, EMP_INVALID, "no such shared memory");
    place = maker.place;
    place.address += 1 << 21;
    expect_no_copy (&place, &given, EMP_INVALID, "no such shared memory");
    place = maker.place;
    place.size = 87;
    expect_no_copy (&place, &given, EMP_INVALID, "found shared memory of 87 bytes, expected more");
    place.size = UINT64_MAX;
    expect_no_copy (&place, &given, EMP_TOOBIG, "expected at most 68719476736");
    given.status = EMP_TIMEOUT;
    expect_no_copy (&maker.place, &given, EMP_TIMEOUT, "nobody answers");
    close (given.from);
    maker_end (&maker);
}

Test (arena, a_place_travels_as_five_numbers)
{
    emp_arena_place_t place = {INT32_MAX, INT32_MAX, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 2}, again;
    emp_buf_t packed;
    msgpack_packer pk;
    emp_buf_init (&packed, 1000);
    msgpack_packer_init (&pk, &packed, emp_buf_write);
    emp_arena_place_pack (&place, &pk);
    cr_assert_leq (packed.size, EMP_ARENA_PLACE_BYTES);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    cr_assert_eq (msgpack_unpack_next (&unpacked, (char *) packed.data, packed.size, NULL), MSGPACK_UNPACK_SUCCESS);
    cr_assert (emp_arena_place_read (&unpacked.data, &again));
    cr_assert (again.pid == place.pid && again.fd == place.fd && again.address == place.address &&
               again.size == place.size && again.stamp == place.stamp);
    unpacked.data.via.array.ptr[1].via.u64 = UINT64_C (1) << 31;
    cr_assert (!emp_arena_place_read (&unpacked.data, &again));
    unpacked.data.via.array.ptr[1].type = MSGPACK_OBJECT_NEGATIVE_INTEGER;
    cr_assert (!emp_arena_place_read (&unpacked.data, &again));
    unpacked.data.via.array.size = 4;
    cr_assert (!emp_arena_place_read (&unpacked.data, &again));
    cr_assert (!emp_arena_place_read (&unpacked.data.via.array.ptr[0], &again));
    msgpack_unpacked_destroy (&unpacked);
    emp_buf_release (&packed);
}
