/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_spool.c - an input that is kept: what comes back is a beginning of what was given, whatever becomes of the file.
 */
#include "manager/spool.h"

#include <errno.h>

#include "scratch.h"

TestSuite (spool, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

#define SIZE 900u
#define READ 100u

static char why[EMP_JOURNAL_WHY_MAX], said[EMP_JOURNAL_WHY_MAX];
static long fail_at = -1, calls;

static ssize_t test_write (int fd, const void *data, size_t size, off_t offset)
{
    errno = ENOSPC;
    return calls++ == fail_at ? -1 : pwrite (fd, data, size, offset);
}

static int test_sync (int fd)
{
    (void) fd;
    errno = EIO;
    return calls++ == fail_at ? -1 : 0;
}

static void *test_grow (void *old, size_t size)
{
    errno = ENOMEM;
    return calls++ == fail_at ? NULL : realloc (old, size);
}

static const emp_journal_system_t system_calls = {test_write, test_sync, test_grow};

static void say (void *arg, const char *sentence)
{
    (void) arg;
    snprintf (said, sizeof said, "%s", sentence);
}

static emp_status_t open_of (uint64_t run, bool resume, emp_spool_t **ret_spool)
{
    const emp_spool_config_t config = {.journal = scratch_path ("j"),
                                       .place = 3,
                                       .run = run,
                                       .resume = resume,
                                       .durable = true,
                                       .say = say,
                                       .system = &system_calls};
    said[0] = '\0';
    *ret_spool = NULL;
    return emp_spool_open (&config, ret_spool, why);
}

static uint8_t input[SIZE];

static void make_input (void)
{
    for (size_t i = 0; i < SIZE; i++)
        input[i] = (uint8_t) (i * i % 251);
}

/* Gives the input from `from` on to the spool as reads would; stops at what is not EMP_OK. */
static emp_status_t give (emp_spool_t *spool, size_t from, size_t to, size_t *ret_new)
{
    emp_status_t status = EMP_OK;
    for (*ret_new = 0; from < to && status == EMP_OK; from += READ) {
        size_t new;
        status = emp_spool_take (spool, input + from, to - from < READ ? to - from : READ, &new);
        *ret_new += new;
    }
    return status;
}

static size_t spooled (emp_spool_t *spool)
{
    uint8_t back[SIZE + READ];
    size_t size = 0, got;
    do {
        cr_assert_eq (emp_spool_read (spool, back + size, 70, &got), EMP_OK);
        size += got;
    } while (got && size <= SIZE);
    cr_assert (size <= SIZE && memcmp (back, input, size) == 0, "other bytes come back");
    return size;
}

/* The file of an input that was read whole, or but for its end. */
static uint8_t *file_of (bool whole, size_t *ret_size)
{
    emp_spool_t *spool;
    size_t new;
    make_input ();
    fail_at = -1;
    cr_assert_eq (open_of (1, false, &spool), EMP_OK, "%s", why);
    cr_assert_eq (give (spool, 0, SIZE, &new), EMP_OK);
    cr_assert_eq (new, SIZE);
    if (whole)
        cr_assert_eq (emp_spool_end (spool), EMP_OK);
    emp_spool_destroy (&spool);
    uint8_t *data = malloc (1 << 16);
    FILE *file = fopen (scratch_path ("j.spool-3"), "r");
    *ret_size = fread (data, 1, 1 << 16, file);
    fclose (file);
    return data;
}

Test (spool, a_whole_input_is_not_needed_again)
{
    size_t size;
    free (file_of (true, &size));
    emp_spool_t *spool;
    cr_assert_eq (open_of (1, true, &spool), EMP_OK, "%s", why);
    cr_assert (emp_spool_is_complete (spool));
    cr_assert_eq (spooled (spool), SIZE);
    emp_spool_destroy (&spool);
    emp_spool_remove (scratch_path ("j"), 3);
    cr_assert (access (scratch_path ("j.spool-3"), F_OK) != 0);
}

Test (spool, only_what_is_behind_it_is_new)
{
    emp_spool_t *spool;
    size_t new;
    make_input ();
    cr_assert_eq (open_of (1, false, &spool), EMP_OK);
    cr_assert_eq (give (spool, 0, 450, &new), EMP_OK);
    emp_spool_destroy (&spool);
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    cr_assert (!emp_spool_is_complete (spool));
    cr_assert_eq (spooled (spool), 450);
    cr_assert_eq (give (spool, 0, SIZE, &new), EMP_OK);
    cr_assert_eq (new, SIZE - 450);
    cr_assert_eq (emp_spool_end (spool), EMP_OK);
    emp_spool_destroy (&spool);
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    cr_assert_eq (spooled (spool), SIZE);
    emp_spool_destroy (&spool);
}

Test (spool, another_input_is_found_at_its_first_byte_that_differs)
{
    emp_spool_t *spool;
    size_t new, size;
    free (file_of (false, &size));
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    input[333] ^= 1;
    cr_assert_eq (give (spool, 0, SIZE, &new), EMP_STALE);
    cr_assert_eq (emp_spool_differs (spool), 333);
    cr_assert_eq (new, 0);
    emp_spool_destroy (&spool);
    make_input ();
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    cr_assert_eq (give (spool, 0, 800, &new), EMP_OK);
    cr_assert_eq (emp_spool_end (spool), EMP_STALE, "it was longer");
    emp_spool_destroy (&spool);
    cr_assert_eq (open_of (2, true, &spool), EMP_INVALID, "of another run");
}

Test (spool, what_a_refused_run_has_read_is_taken_out_again)
{
    emp_spool_t *spool;
    size_t new;
    make_input ();
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    cr_assert_eq (give (spool, 0, 300, &new), EMP_OK);
    cr_assert_eq (emp_spool_end (spool), EMP_OK);
    cr_assert_null (emp_spool_take_back (spool), "nothing is in it");
    emp_spool_destroy (&spool);
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    cr_assert (!emp_spool_is_complete (spool));
    cr_assert_eq (spooled (spool), 0);
    cr_assert_eq (give (spool, 0, 450, &new), EMP_OK);
    emp_spool_destroy (&spool);
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    cr_assert_eq (give (spool, 0, SIZE, &new), EMP_OK);
    cr_assert_eq (emp_spool_end (spool), EMP_OK);
    const char *path = emp_spool_take_back (spool);
    cr_assert (path && strstr (path, "j.spool-3"), "of earlier runs something is");
    emp_spool_destroy (&spool);
    cr_assert_eq (open_of (1, true, &spool), EMP_OK);
    cr_assert_eq (spooled (spool), 450);
    emp_spool_destroy (&spool);
}

Test (spool, cut_at_every_byte_a_beginning_comes_back)
{
    size_t size, before = 0;
    uint8_t *data = file_of (true, &size);
    for (size_t cut = 0; cut <= size; cut++) {
        emp_spool_t *spool;
        scratch_write ("j.spool-3", data, cut);
        emp_status_t status = open_of (1, true, &spool);
        if (status == EMP_INVALID && cut < 200)
            continue; /* no header is whole */
        cr_assert_eq (status, EMP_OK, "%zu: %s", cut, why);
        cr_assert_eq (emp_spool_is_complete (spool), cut == size);
        size_t back = spooled (spool);
        cr_assert_geq (back, before);
        before = back;
        emp_spool_destroy (&spool);
    }
    cr_assert_eq (before, SIZE);
    free (data);
}

Test (spool, changed_at_every_byte_no_other_bytes_come_back)
{
    size_t size;
    uint8_t *data = file_of (true, &size);
    for (size_t at = 0; at < size; at++) {
        emp_spool_t *spool;
        data[at] ^= 0x10;
        scratch_write ("j.spool-3", data, size);
        data[at] ^= 0x10;
        emp_status_t status = open_of (1, true, &spool);
        cr_assert (status == EMP_OK ||
                   (status == EMP_INVALID && strstr (why, "remove it to give all of the input again")));
        if (status == EMP_OK)
            spooled (spool);
        emp_spool_destroy (&spool);
    }
    free (data);
}

Test (spool, its_own_failures_are_told_with_its_name)
{
    emp_spool_t *spool;
    size_t new;
    make_input ();
    cr_assert_eq (open_of (1, false, &spool), EMP_OK);
    cr_assert_eq (give (spool, 0, 300, &new), EMP_OK);
    cr_assert_null (emp_spool_why (spool));
    emp_status_t status = EMP_OK;
    for (long i = 0; i < 5 && status != EMP_SYSTEM; i++) { /* memory is asked for before */
        fail_at = calls + i;
        status = give (spool, 300, SIZE, &new);
    }
    cr_assert_eq (status, EMP_SYSTEM);
    cr_assert (strstr (emp_spool_why (spool), "j.spool-3: writing: "), "%s", emp_spool_why (spool));
    emp_spool_destroy (&spool);
}

Test (spool, whatever_fails_in_turn_no_byte_is_handed_on_that_is_not_kept)
{
    make_input ();
    for (long i = 0, failed = true; failed; i++) {
        emp_spool_t *spool;
        size_t new = 0;
        fail_at = i;
        calls = 0;
        failed = open_of (1, false, &spool) != EMP_OK;
        if (!failed)
            failed = give (spool, 0, SIZE, &new) != EMP_OK || emp_spool_end (spool) != EMP_OK;
        emp_spool_destroy (&spool);
        cr_assert (failed || i > 10);
        fail_at = -1;
        emp_status_t status = open_of (1, true, &spool);
        cr_assert (status == EMP_OK || new == 0);
        if (status == EMP_OK)
            cr_assert (spooled (spool) + READ >= new);
        emp_spool_destroy (&spool);
    }
}
