/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_results_file.c - the ticket dictionary on disk: the same answers from memory and from the file, and what a full disk
 * leaves.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "manager/results.h"
#include "manager/results_memory.h"
#include "scratch.h"

TestSuite (results_file, .timeout = 60, .fini = scratch_remove);

static emp_results_t *results;

static emp_status_t take (uint32_t feed, uint64_t number, uint32_t outcome, const void *data, size_t size)
{
    emp_part_t part = {.number = number, .attempt = 2, .outcome = outcome, .rows = 3, .length = (uint32_t) size};
    return emp_results_take (results, feed, &part, data);
}

#define ANSWER(feed, number, bytes)                                                                                    \
    cr_assert_eq (take (feed, number, EMP_OUTCOME_DONE, bytes, sizeof (bytes) - 1), EMP_OK)
#define DEAD(feed, number, bytes)                                                                                      \
    cr_assert_eq (take (feed, number, EMP_OUTCOME_DEAD, bytes, sizeof (bytes) - 1), EMP_OK)

/* Two feeds of key "b", one of "a", one silent; tickets out of order, dead, missing, with none and several values. */
static void fill (void)
{
    cr_assert_eq (emp_results_feed (results, 7, "b", "bq"), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 3, "a", "aq"), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 9, "b", "bq"), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 4, "silent", "q"), EMP_OK);
    ANSWER (9, 4, "\x09\x08");
    DEAD (3, 0, "\xa4no 1");
    ANSWER (3, 2, "\xa3two");
    ANSWER (7, 4, "\x07");
    ANSWER (3, 1, "");
    DEAD (7, 0, "\xa4no 2");
    ANSWER (7, 1, "\x92\x01\x02");
    ANSWER (3, 5, "\xc4\x02\xff\x00");
    emp_results_feed_end (results, 3, 6, 18);
    emp_results_feed_end (results, 7, 5, 15);
    emp_results_feed_end (results, 9, 5, 15);
    emp_results_feed_end (results, 4, 1, 3);
}

static char told[2048];

static void tell (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    size_t size = strlen (told);
    vsnprintf (told + size, sizeof told - size, format, args);
    va_end (args);
}

static void tell_entry (const emp_entry_t *entry)
{
    cr_assert_eq (entry->attempt, 2);
    cr_assert_eq (entry->rows, 3);
    tell ("%s/%s;%d%s:", entry->label, entry->queue, (int) entry->number,
          entry->outcome == EMP_OUTCOME_DEAD ? " dead" : "");
    for (size_t i = 0; i < entry->size; i++)
        tell ("%02x", entry->data[i]);
    tell (" ");
}

static const char *arrivals (void)
{
    emp_entry_t entry;
    told[0] = 0;
    for (uint64_t i = 0; emp_results_at (results, i, &entry); i++)
        tell_entry (&entry);
    return told;
}

static const char *keys (void)
{
    emp_entry_t entry;
    told[0] = 0;
    for (size_t key = 0; emp_results_key (results, key); key++) {
        tell ("[%s] ", emp_results_key (results, key));
        for (uint64_t cursor = 0; emp_results_next (results, key, &cursor, &entry);)
            tell ("%d:%02x ", (int) entry.number, entry.size ? entry.data[0] : 0);
    }
    return told;
}

static const char *tickets (void)
{
    emp_results_place_t place = {0};
    emp_entry_t entry;
    told[0] = 0;
    while (emp_results_next_ticket (results, &place, &entry) == EMP_OK)
        tell_entry (&entry);
    cr_assert_eq (emp_results_next_ticket (results, &place, &entry), EMP_STOPPED);
    return told;
}

static const char *dead (void)
{
    uint64_t cursor = 0;
    emp_entry_t entry;
    told[0] = 0;
    while (emp_results_next_dead (results, &cursor, &entry))
        tell_entry (&entry);
    return told;
}

static const char *missing (void)
{
    emp_results_place_t place = {0};
    const char *label;
    uint64_t number;
    told[0] = 0;
    while (emp_results_next_missing (results, &place, &label, &number))
        tell ("%s;%d ", label, (int) number);
    return told;
}

static void expect_all (void)
{
    cr_assert_str_eq (arrivals (), "b/bq;4:0908 a/aq;0 dead:a46e6f2031 a/aq;2:a374776f b/bq;4:07 a/aq;1: "
                                   "b/bq;0 dead:a46e6f2032 b/bq;1:920102 a/aq;5:c402ff00 ");
    cr_assert_str_eq (keys (), "[b] 4:09 4:07 1:92 [a] 2:a3 1:00 5:c4 ");
    cr_assert_str_eq (tickets (), "b/bq;1:920102 b/bq;4:07 b/bq;4:0908 a/aq;1: a/aq;2:a374776f a/aq;5:c402ff00 ");
    cr_assert_str_eq (dead (), "a/aq;0 dead:a46e6f2031 b/bq;0 dead:a46e6f2032 ");
    cr_assert_str_eq (missing (), "b;2 b;3 a;3 a;4 b;0 b;1 b;2 b;3 silent;0 ");
    cr_assert_eq (emp_results_missing (results), 9);
    cr_assert_str_eq (emp_results_why (results), "");
    emp_results_counts_t counts;
    emp_results_counts (results, &counts);
    cr_assert_eq (counts.answered, 6);
    cr_assert_eq (counts.values, 6);
    cr_assert_eq (counts.dead, 2);
    cr_assert_eq (counts.not_kept, 0);
}

Test (results_file, B28_the_answers_are_the_same_from_memory_and_from_a_file_moved_to_at_any_ticket)
{
    for (uint64_t bytes_max = 0; bytes_max <= 8 * EMP_MEMORY_ENTRY + 30; bytes_max += EMP_MEMORY_ENTRY) {
        results = emp_results_new (bytes_max, true);
        fill ();
        expect_all ();
        expect_all (); /* and again, from the beginning */
        emp_results_destroy (&results);
    }
}

Test (results_file, walks_may_be_under_way_in_turns)
{
    for (uint64_t bytes_max = 0; bytes_max <= 1000; bytes_max += 1000) {
        results = emp_results_new (bytes_max, true);
        fill ();
        emp_results_place_t one = {0}, two = {0};
        emp_entry_t entry;
        cr_assert_eq (emp_results_next_ticket (results, &one, &entry), EMP_OK);
        cr_assert_eq (emp_results_next_ticket (results, &one, &entry), EMP_OK);
        cr_assert_eq (entry.data[0], 0x07);
        cr_assert_eq (emp_results_next_ticket (results, &two, &entry), EMP_OK);
        cr_assert_eq (entry.data[0], 0x92);
        emp_results_place_t again = one;
        cr_assert_eq (emp_results_next_ticket (results, &one, &entry), EMP_OK);
        cr_assert_eq (entry.data[0], 0x09);
        cr_assert_eq (emp_results_next_ticket (results, &again, &entry), EMP_OK);
        cr_assert_eq (entry.data[0], 0x09, "the same place gives the same entry");
        cr_assert (emp_results_at (results, 7, &entry));
        cr_assert_eq (entry.number, 5);
        cr_assert (emp_results_at (results, 0, &entry));
        cr_assert_eq (entry.number, 4);
        emp_results_destroy (&results);
    }
}

Test (results_file, only_dead_tickets_are_moved_when_nothing_is_to_be_stored)
{
    results = emp_results_new (EMP_MEMORY_ENTRY + 6, false);
    fill ();
    cr_assert_eq (emp_results_count (results), 2);
    cr_assert_str_eq (dead (), "a/aq;0 dead:a46e6f2031 b/bq;0 dead:a46e6f2032 ");
    cr_assert_str_eq (keys (), "[b] [a] ");
    cr_assert_str_eq (tickets (), "");
    emp_results_destroy (&results);
}

Test (results_file, many_tickets_and_large_values_come_back_whole)
{
    static uint8_t large[3 * 1024 * 1024];
    results = emp_results_new (1 << 20, true);
    cr_assert_eq (emp_results_feed (results, 1, "q", "q"), EMP_OK);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t value[5] = {0xce, (uint8_t) (i >> 24), (uint8_t) (i >> 16), (uint8_t) (i >> 8), (uint8_t) i};
        cr_assert_eq (take (1, i ^ 3u, EMP_OUTCOME_DONE, value, 5), EMP_OK);
        if (i % 20000 == 5) {
            memset (large, (int) (i / 20000), sizeof large);
            cr_assert_eq (take (1, 200000 + i, EMP_OUTCOME_DONE, large, sizeof large - i), EMP_OK);
        }
    }
    emp_entry_t entry;
    uint32_t small = 0;
    for (uint64_t i = 0; emp_results_at (results, i, &entry); i++) {
        uint32_t number = (uint32_t) entry.number;
        if (number >= 200000) {
            cr_assert_eq (entry.size, sizeof large - (number - 200000));
            cr_assert_eq (entry.data[entry.size - 1], (number - 200000) / 20000);
            continue;
        }
        cr_assert_eq (number, small ^ 3u);
        cr_assert_eq ((uint32_t) entry.data[1] << 24 | entry.data[2] << 16 | entry.data[3] << 8 | entry.data[4], small);
        small++;
    }
    cr_assert_eq (small, 100000);
    emp_results_place_t place = {0};
    for (uint32_t i = 0; i < 100000; i++) {
        cr_assert_eq (emp_results_next_ticket (results, &place, &entry), EMP_OK);
        cr_assert_eq (entry.number, i);
    }
    emp_results_destroy (&results);
}

static size_t files_in (const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir (folder);
    while (readdir (dir))
        count++;
    closedir (dir);
    return count - 2;
}

Test (results_file, a_scratch_file_has_no_name)
{
    scratch_make ();
    results = emp_results_new (0, true);
    cr_assert_eq (emp_results_overflow (results, scratch_dir, NULL), EMP_OK);
    fill ();
    cr_assert_eq (files_in (scratch_dir), 0);
    expect_all ();
    emp_results_destroy (&results);
}

/* A limit of the file's size is met as a full disk is. */
Test (results_file, B6_a_full_disk_is_met_between_two_tickets_and_said)
{
    signal (SIGXFSZ, SIG_IGN);
    struct rlimit limit = {40 << 20, 40 << 20};
    cr_assert_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
    static uint8_t value[100000] = {0xc6, 0, 1, 0x86, 0x9b}; /* binary of 99995 bytes */
    results = emp_results_new (1 << 20, true);
    cr_assert_eq (emp_results_feed (results, 1, "q", "q"), EMP_OK);
    for (uint64_t i = 0; i < 1000; i++) {
        value[5] = (uint8_t) i;
        cr_assert_eq (take (1, i, EMP_OUTCOME_DONE, value, sizeof value), EMP_OK);
    }
    emp_results_counts_t counts;
    emp_results_counts (results, &counts);
    uint64_t kept = emp_results_count (results);
    cr_assert_eq (counts.answered, 1000);
    cr_assert_eq (counts.not_kept, 1000 - kept);
    cr_assert (kept > 200 && kept < 400, "%d of 1000 kept", (int) kept);
    cr_assert_not_null (strstr (emp_results_why (results), "File too large"));
    emp_entry_t entry;
    for (uint64_t i = 0; i < kept; i++) {
        cr_assert (emp_results_at (results, i, &entry));
        cr_assert_eq (entry.number, i);
        cr_assert_eq (entry.size, sizeof value);
        cr_assert_eq (entry.data[5], (uint8_t) i);
    }
    cr_assert_not (emp_results_at (results, kept, &entry));
    emp_results_destroy (&results);
}

static void expect_query (sqlite3 *db, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt;
    cr_assert_eq (sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg (db));
    told[0] = 0;
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count (stmt); i++) {
            const unsigned char *text = sqlite3_column_text (stmt, i);
            tell ("%s%s", i ? "|" : "", text ? (const char *) text : "NULL");
        }
        tell ("\n");
    }
    sqlite3_finalize (stmt);
    cr_assert_str_eq (told, expected, "%s\n%s", sql, told);
}

Test (results_file, B28_what_is_published_can_be_queried)
{
    scratch_make ();
    for (uint64_t bytes_max = 0; bytes_max <= 1000; bytes_max += 1000) {
        const char *path = scratch_text ("out.db", "");
        results = emp_results_new (bytes_max, true);
        cr_assert_eq (emp_results_overflow (results, scratch_dir, path), EMP_OK);
        fill ();
        cr_assert_eq (emp_results_publish (results), EMP_OK, "%s", emp_results_why (results));
        expect_all ();
        sqlite3 *db;
        cr_assert_eq (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        expect_query (db, "PRAGMA integrity_check", "ok\n");
        expect_query (db, "SELECT queue, ticket, header, value FROM results ORDER BY arrival",
                      "b|4|b;_TID_4;|9\nb|4|b;_TID_4;|8\na|2|a;_TID_2;|two\nb|4|b;_TID_4;|7\na|1|a;_TID_1;|NULL\n"
                      "b|1|b;_TID_1;|[1,2]\na|5|a;_TID_5;|{\"$bin\":\"/wA=\"}\n");
        expect_query (db, "SELECT value FROM results WHERE queue = 'b' AND ticket = 4 ORDER BY arrival", "9\n8\n7\n");
        expect_query (db, "SELECT sum (value) FROM results WHERE ticket = 4", "24\n");
        expect_query (db,
                      "SELECT queue, ticket, attempt, rows, outcome, value, hex (packed), reason FROM tickets "
                      "WHERE outcome <> 'missing' ORDER BY arrival LIMIT 3",
                      "b|4|2|3|done|[9,8]|0908|NULL\na|0|2|3|dead|NULL|A46E6F2031|no 1\n"
                      "a|2|2|3|done|[\"two\"]|A374776F|NULL\n");
        expect_query (db, "SELECT header FROM tickets WHERE outcome = 'missing' AND queue = 'a'",
                      "a;_TID_3;\na;_TID_4;\n");
        expect_query (db, "SELECT outcome, count (*) FROM tickets GROUP BY outcome ORDER BY outcome",
                      "dead|2\ndone|6\nmissing|9\n");
        sqlite3_close (db);
        emp_results_destroy (&results);
    }
}
