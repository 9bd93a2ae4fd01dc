/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_order.c - parts that come in any order and go in that of tickets.
 */
#include <criterion/criterion.h>

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "manager/order.h"
#include "scratch.h"

TestSuite (order, .timeout = 120, .init = scratch_make, .fini = scratch_remove);

#define PLENTY (64u * 1024 * 1024)
#define EVENT_MAX 200000

/* What came out, as feed, number, from, and what the data were. */
typedef struct {
    uint32_t feed, from;
    uint64_t number;
    bool silent;
} event_t;

static emp_ordering_t *ordering;
static event_t *events;
static size_t events_count;
static long grows, fail_grow; /* which call fails; -1: none */

static void *test_grow (void *old, size_t size)
{
    return grows++ == fail_grow ? NULL : realloc (old, size);
}

static void begin (uint64_t bytes_max)
{
    grows = 0;
    fail_grow = -1;
    events_count = 0;
    if (!events)
        events = malloc (EVENT_MAX * sizeof *events);
    const emp_ordering_config_t config = {.bytes_max = bytes_max, .folder = scratch_dir, .grow = test_grow};
    ordering = emp_ordering_new (&config);
    cr_assert_not_null (ordering);
}

static uint64_t on_disk (void)
{
    uint64_t count;
    emp_ordering_waiting (ordering, &count);
    return count;
}

static uint64_t waiting (void)
{
    uint64_t count;
    return emp_ordering_waiting (ordering, &count);
}

static void end (void)
{
    emp_ordering_destroy (&ordering);
    free (events);
    events = NULL;
}

/* A part's data say whose they are, in more or fewer bytes, so that a mixed up part shows. */
static size_t write_data (uint32_t feed, uint64_t number, uint32_t from, uint8_t data[64])
{
    size_t size = (size_t) (number * 7 + from) % 40;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t) (feed * 31 + number * 17 + from * 5 + i);
    return size;
}

static void note (const emp_placed_t *part)
{
    uint8_t expected[64];
    size_t size = write_data (part->feed, part->number, part->from, expected);
    cr_assert_eq (part->size, size);
    cr_assert (size == 0 || memcmp (part->data, expected, size) == 0);
    cr_assert_lt (events_count, EVENT_MAX);
    events[events_count++] = (event_t){part->feed, part->from, part->number, part->silent};
}

static emp_status_t give (uint32_t feed, uint64_t number, uint32_t from, uint32_t rows, uint32_t total)
{
    uint8_t data[64];
    emp_placed_t part = {.feed = feed,
                         .number = number,
                         .from = from,
                         .rows = rows,
                         .total = total,
                         .silent = number % 5 == 3,
                         .data = data,
                         .size = write_data (feed, number, from, data)};
    bool now;
    emp_status_t status = emp_ordering_take (ordering, &part, &now);
    if (status != EMP_OK || !now)
        return status;
    note (&part);
    while (emp_ordering_next (ordering, feed, &part))
        note (&part);
    return EMP_OK;
}

static void give_rest (void)
{
    emp_placed_t part;
    while (emp_ordering_rest (ordering, &part))
        note (&part);
}

/* All that came out of a feed is in order; how many these are. */
static size_t expect_order (uint32_t feed)
{
    const event_t *last = NULL;
    size_t count = 0;
    for (size_t i = 0; i < events_count; i++) {
        const event_t *event = &events[i];
        if (event->feed != feed)
            continue;
        cr_assert_eq (event->silent, event->number % 5 == 3);
        if (last)
            cr_assert (last->number < event->number || (last->number == event->number && last->from < event->from));
        last = event;
        count++;
    }
    return count;
}

/* ---- small sets ------------------------------------------------------------------------------------------------------- */

/* Tickets 0 to 4 of four rows; 1 and 3 were halved. */
static const struct {
    uint64_t number;
    uint32_t from, rows;
} small[] = {{0, 0, 4}, {1, 0, 2}, {1, 2, 1}, {1, 3, 1}, {2, 0, 4}, {3, 0, 2}, {3, 2, 2}};
#define SMALL (sizeof small / sizeof *small)

/* How many of the small set may be out when these have come: those before the first that has not. */
static size_t out_of (unsigned came)
{
    size_t count = 0;
    while (count < SMALL && came & 1u << count)
        count++;
    return count;
}

static size_t permutations;

static void try_permutation (const size_t *order, uint64_t bytes_max)
{
    begin (bytes_max);
    unsigned came = 0;
    for (size_t i = 0; i < SMALL; i++) {
        cr_assert_eq (give (0, small[order[i]].number, small[order[i]].from, small[order[i]].rows, 4), EMP_OK);
        came |= 1u << order[i];
        cr_assert_eq (events_count, out_of (came), "a part goes as soon as all before it have come, and not before");
        cr_assert_eq (waiting (), i + 1 - events_count);
    }
    cr_assert_eq (expect_order (0), SMALL);
    cr_assert_eq (on_disk (), 0);
    emp_ordering_destroy (&ordering);
    permutations++;
}

static void permute (size_t *order, size_t count, uint64_t bytes_max)
{
    if (count == 1)
        try_permutation (order, bytes_max);
    for (size_t i = 0; count > 1 && i < count; i++) {
        permute (order, count - 1, bytes_max);
        size_t other = count % 2 ? 0 : i, kept = order[other];
        order[other] = order[count - 1];
        order[count - 1] = kept;
    }
}

Test (order, every_permutation_of_tickets_and_halves_comes_out_in_order)
{
    size_t order[SMALL] = {0, 1, 2, 3, 4, 5, 6};
    permutations = 0;
    permute (order, SMALL, PLENTY);
    cr_assert_eq (permutations, 5040);
    end ();
}

Test (order, every_eighth_permutation_does_from_the_disk_too)
{
    size_t orders[SMALL] = {0, 1, 2, 3, 4, 5, 6};
    for (size_t turn = 0; turn < 630; turn++) {
        for (size_t i = SMALL; i-- > 1;) {
            size_t other = (size_t) rand () % (i + 1), kept = orders[i];
            orders[i] = orders[other];
            orders[other] = kept;
        }
        try_permutation (orders, turn % 2 ? 0 : 250);
    }
    end ();
}

Test (order, a_place_that_has_passed_is_stale)
{
    begin (PLENTY);
    cr_assert_eq (give (0, 0, 0, 2, 4), EMP_OK);
    cr_assert_eq (give (0, 0, 0, 2, 4), EMP_STALE);
    cr_assert_eq (give (0, 0, 2, 2, 4), EMP_OK);
    cr_assert_eq (give (0, 0, 2, 2, 4), EMP_STALE);
    cr_assert_eq (give (0, 1, 0, 0, 0), EMP_OK, "a ticket without rows");
    cr_assert_eq (give (0, 2, 0, 1, 1), EMP_OK);
    cr_assert_eq (events_count, 4);
    end ();
}

/* ---- many, against a sorted reference --------------------------------------------------------------------------------- */

#define FEEDS 5u
#define TICKETS 4000u

typedef struct {
    uint32_t feed, from, rows;
    uint64_t number;
} given_t;

/* All parts of all feeds, shuffled within so many places; every tenth ticket is halved. */
static given_t *shuffled (size_t window, size_t *ret_count)
{
    given_t *all = malloc (FEEDS * TICKETS * 2 * sizeof *all);
    size_t count = 0;
    for (uint64_t number = 0; number < TICKETS; number++)
        for (uint32_t feed = 0; feed < FEEDS; feed++) {
            uint32_t first = number % 10 == 9 ? 3 : 8;
            all[count++] = (given_t){feed * 3, 0, first, number};
            if (first < 8)
                all[count++] = (given_t){feed * 3, first, 8 - first, number};
        }
    for (size_t i = 0; i < count; i++) {
        size_t reach = count - i < window ? count - i : window, other = i + (size_t) rand () % reach;
        given_t kept = all[i];
        all[i] = all[other];
        all[other] = kept;
    }
    *ret_count = count;
    return all;
}

static void run_random (uint64_t bytes_max, size_t window, unsigned leave_out)
{
    size_t count, left_out = 0;
    given_t *all = shuffled (window, &count);
    begin (bytes_max);
    uint64_t most_on_disk = 0;
    for (size_t i = 0; i < count; i++) {
        if (leave_out && (unsigned) rand () % leave_out == 0) {
            left_out++;
            continue;
        }
        cr_assert_eq (give (all[i].feed, all[i].number, all[i].from, all[i].rows, 8), EMP_OK);
        most_on_disk = on_disk () > most_on_disk ? on_disk () : most_on_disk;
    }
    cr_assert_eq (events_count + waiting (), count - left_out);
    cr_assert (leave_out || events_count == count);
    give_rest ();
    cr_assert_eq (events_count, count - left_out);
    size_t in_order = 0;
    for (uint32_t feed = 0; feed < FEEDS * 3; feed++)
        in_order += expect_order (feed);
    cr_assert_eq (in_order, count - left_out, "each once, and of each feed in order");
    cr_assert_eq (waiting (), 0);
    cr_assert_eq (bytes_max<100000, most_on_disk> 0);
    cr_assert_str_eq (emp_ordering_why (ordering), "");
    free (all);
    end ();
}

Test (order, random_parts_come_out_sorted)
{
    run_random (PLENTY, 100, 0);
    run_random (PLENTY, FEEDS * TICKETS * 2, 0);
}

Test (order, random_parts_come_out_sorted_from_the_disk)
{
    run_random (0, 300, 0);
    run_random (2000, 300, 0);
    run_random (2000, FEEDS * TICKETS * 2, 0);
    run_random (50000, FEEDS * TICKETS * 2, 0);
}

Test (order, what_never_comes_holds_up_the_rest_until_the_end_only)
{
    run_random (PLENTY, 100, 50);
    run_random (2000, 100, 50);
}

/* ---- bounds ----------------------------------------------------------------------------------------------------------- */

static size_t files_in_scratch (void)
{
    DIR *folder = opendir (scratch_dir);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir (folder));)
        count += entry->d_name[0] != '.';
    closedir (folder);
    return count;
}

Test (order, the_scratch_file_has_no_name_and_goes_when_it_is_empty)
{
    begin (1000);
    for (int turn = 0; turn < 3; turn++) {
        for (uint64_t i = 999; i > 0; i--)
            cr_assert_eq (give (0, (uint64_t) turn * 1000 + i, 0, 1, 1), EMP_OK);
        cr_assert_gt (on_disk (), 900);
        cr_assert_eq (files_in_scratch (), 0);
        cr_assert_eq (give (0, (uint64_t) turn * 1000, 0, 1, 1), EMP_OK);
        cr_assert_eq (waiting (), 0);
        cr_assert_eq (on_disk (), 0);
    }
    cr_assert_eq (expect_order (0), 3000);
    end ();
}

Test (order, memory_that_is_free_again_is_used_again)
{
    begin (10000);
    for (uint64_t turn = 0; turn < 100; turn++) {
        for (uint64_t i = 20; i-- > 0;) {
            cr_assert_eq (give (0, turn * 20 + i, 0, 1, 1), EMP_OK);
            cr_assert_eq (on_disk (), 0);
        }
        cr_assert_eq (waiting (), 0);
    }
    end ();
}

/* The size of the scratch file. */
static long scratch_size (void)
{
    char path[64];
    long most = 0;
    DIR *folder = opendir ("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir (folder));) {
        char target[256] = "";
        struct stat stat_of;
        snprintf (path, sizeof path, "/proc/self/fd/%.20s", entry->d_name);
        if (readlink (path, target, sizeof target - 1) > 0 && strstr (target, "eisenmp-order-") &&
            stat (path, &stat_of) == 0)
            most = stat_of.st_size > most ? stat_of.st_size : most;
    }
    closedir (folder);
    return most;
}

/* By the disk, and back. */
static void take_pair (uint32_t feed, uint64_t number)
{
    static const uint8_t data[2000];
    emp_placed_t part = {.feed = feed, .number = number + 1, .rows = 1, .total = 1, .data = data, .size = sizeof data};
    bool now;
    cr_assert_eq (emp_ordering_take (ordering, &part, &now), EMP_OK);
    part.number = number;
    cr_assert_eq (emp_ordering_take (ordering, &part, &now), EMP_OK);
    cr_assert (now);
    cr_assert (emp_ordering_next (ordering, feed, &part));
    cr_assert_eq (part.number, number + 1);
    cr_assert_not (emp_ordering_next (ordering, feed, &part));
}

static void read_by_turns (uint32_t feeds)
{
    begin (0);
    cr_assert_eq (give (feeds, 1, 0, 1, 1), EMP_OK); /* for ever */
    for (uint64_t i = 0; i < 60000; i += 2)
        take_pair ((uint32_t) (i / 2) % feeds, i / 2 / feeds * 2);
    cr_assert_eq (on_disk (), 1);
    cr_assert_leq (scratch_size (), 32 * 1024 * 1024, "%ld", scratch_size ());
    cr_assert_gt (scratch_size (), 0);
    end ();
}

Test (order, what_was_read_makes_room_on_the_disk_though_something_stays_there)
{
    read_by_turns (1);
}

Test (order, what_was_read_makes_room_on_the_disk_whichever_feed_it_is_of)
{
    read_by_turns (2);
    read_by_turns (1000);
}

Test (order, no_folder_for_the_scratch_file_is_told)
{
    fail_grow = -1;
    const emp_ordering_config_t config = {.bytes_max = 0, .folder = "/nowhere/at all", .grow = test_grow};
    ordering = emp_ordering_new (&config);
    cr_assert_eq (give (0, 5, 0, 1, 1), EMP_SYSTEM);
    cr_assert_str_eq (emp_ordering_why (ordering), "/nowhere/at all: No such file or directory");
    cr_assert_eq (give (0, 6, 0, 1, 1), EMP_SYSTEM, "for good");
    end ();
}

Test (order, a_full_disk_is_told)
{
    begin (0);
    signal (SIGXFSZ, SIG_IGN);
    struct rlimit limit = {8 * 1024 * 1024, RLIM_INFINITY};
    setrlimit (RLIMIT_FSIZE, &limit);
    emp_status_t status = give (0, 1, 0, 1, 1);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit (RLIMIT_FSIZE, &limit);
    cr_assert_eq (status, EMP_FULL);
    cr_assert (strstr (emp_ordering_why (ordering), "File too large"), "%s", emp_ordering_why (ordering));
    end ();
}

/* Without memory what waits goes to the disk; only a feed needs some. */
Test (order, any_allocation_may_fail)
{
    long calls = 0;
    for (long i = -1; i < calls; i++) { /* -1: none does, and says how many there are */
        begin (PLENTY);
        fail_grow = i;
        emp_status_t status = EMP_OK;
        for (uint64_t number = 60; number-- > 0 && status == EMP_OK;)
            status = give (0, number, 0, 1, 1);
        if (status == EMP_OK)
            cr_assert_eq (expect_order (0), 60);
        else
            cr_assert_eq (status, EMP_NOMEM);
        cr_assert_eq (status == EMP_OK, i != 0, "the first is the table of feeds");
        calls = grows > calls ? grows : calls;
        emp_ordering_destroy (&ordering);
    }
    cr_assert_gt (calls, 60);
    end ();
}
