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

#include "manager/life.h"
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

static char told[4096];

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

static size_t read_whole (const char *path, char *bytes, size_t room)
{
    FILE *file = fopen (path, "r");
    cr_assert_not_null (file);
    size_t size = fread (bytes, 1, room, file);
    fclose (file);
    cr_assert_lt (size, room);
    return size;
}

/* Whoever has copied it while the report was printed has a whole one. */
Test (results_file, B28_what_is_published_is_not_written_to_any_more)
{
    static char before[1 << 20], after[1 << 20];
    scratch_make ();
    const char *path = scratch_text ("out.db", "");
    results = emp_results_new (0, true);
    cr_assert_eq (emp_results_overflow (results, scratch_dir, path), EMP_OK);
    fill ();
    cr_assert_eq (emp_results_publish (results), EMP_OK, "%s", emp_results_why (results));
    size_t size = read_whole (path, before, sizeof before);
    expect_all ();
    cr_assert_eq (read_whole (path, after, sizeof after), size);
    cr_assert_eq (memcmp (before, after, size), 0);
    emp_results_destroy (&results);
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

/* ---- halved tickets, and who answered -------------------------------------------------------------------------------- */

static emp_history_t *history;

static void part (uint64_t number, uint32_t from, uint32_t rows, uint32_t left, const char *data, bool dead,
                  uint64_t session)
{
    emp_part_t one = {.number = number,
                      .attempt = 3,
                      .outcome = dead ? EMP_OUTCOME_DEAD : EMP_OUTCOME_DONE,
                      .rows = rows,
                      .from = from,
                      .left = left,
                      .session = session,
                      .hash = dead ? 0 : 0xfedcba9876543210 + number,
                      .length = (uint32_t) strlen (data)};
    cr_assert_eq (emp_results_take (results, 6, &one, (const uint8_t *) data), EMP_OK);
}

/* Ticket 0 whole, 1 in part, 2 all dead in two parts, 3 begun and missing, 4 in two answers. */
static void fill_halves (uint64_t bytes_max, const char *path)
{
    results = emp_results_new (bytes_max, true);
    history = emp_history_new ();
    emp_results_history (results, history);
    cr_assert_eq (emp_results_overflow (results, path ? scratch_dir : NULL, path), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 6, "q", "q"), EMP_OK);
    emp_history_joined (history, 101, "Process-1", "here", 11);
    emp_results_clock (results, UINT64_C (1700000000123));
    part (1, 12, 8, 12, "\x0c", false, 101);
    part (0, 0, 20, 0, "\x01\xa1t", false, 102);
    emp_results_clock (results, UINT64_C (1700000001000));
    part (1, 0, 11, 1, "\x03", false, 101);
    part (2, 10, 10, 10, "\xa3one", true, 102);
    part (4, 10, 10, 10, "\x91\x0a\xa1x", false, 101);
    part (3, 5, 1, 19, "\x05", false, 101);
    emp_results_clock (results, 0);
    part (1, 11, 1, 0,
          "\xa3"
          "bad",
          true, 103);
    part (4, 0, 10, 0, "\x07", false, 101);
    part (2, 0, 10, 0, "\xa3two", true, 102);
    emp_history_joined (history, 102, "Process-2", "there", 12);
    emp_results_feed_end (results, 6, 6, 120);
    emp_control_t message = {.kind = EMP_MSG_ATTEMPT, .id = 6, .window = 1, .attempt = 2, .rows = 20, .session = 102};
    message.ended = EMP_ATTEMPT_HALVED;
    emp_history_attempt (history, &message, UINT64_C (1700000000500));
    message.attempt = 1;
    message.window = 5;
    message.ended = EMP_ATTEMPT_FAILED;
    message.how = EMP_HOW_SIGNAL;
    message.code = 9;
    message.session = 104;
    emp_history_attempt (history, &message, UINT64_C (1700000000600));
    message.id = 99;
    emp_history_attempt (history, &message, UINT64_C (1700000000700));
}

static void drop_halves (void)
{
    emp_results_destroy (&results);
    emp_history_destroy (&history);
}

static void tell_part (const emp_entry_t *entry)
{
    emp_worker_t worker;
    emp_history_worker_at (history, entry->worker, &worker);
    tell ("%d[%d+%d]%s%s:%s,%x,%d ", (int) entry->number, (int) entry->from, (int) entry->rows,
          entry->half ? "half" : "", entry->outcome == EMP_OUTCOME_DEAD ? "dead" : "", worker.name,
          (unsigned) (entry->hash >> 48), (int) (entry->at % 1000));
}

Test (results_file, halved_tickets_are_the_same_from_memory_and_from_a_file)
{
    for (uint64_t bytes_max = 0; bytes_max <= 9 * EMP_MEMORY_ENTRY + 30; bytes_max += EMP_MEMORY_ENTRY) {
        fill_halves (bytes_max, NULL);
        emp_entry_t entry;
        told[0] = 0;
        for (uint64_t i = 0; emp_results_at (results, i, &entry); i++)
            tell_part (&entry);
        cr_assert_str_eq (told,
                          "1[12+8]half:Process-1,fedc,123 0[0+20]:Process-2,fedc,123 1[0+11]half:Process-1,fedc,0 "
                          "2[10+10]halfdead:Process-2,0,0 4[10+10]half:Process-1,fedc,0 "
                          "3[5+1]half:Process-1,fedc,0 1[11+1]halfdead:,0,0 4[0+10]half:Process-1,fedc,0 "
                          "2[0+10]halfdead:Process-2,0,0 ");
        told[0] = 0;
        for (emp_results_place_t place = {0}; emp_results_next_ticket (results, &place, &entry) == EMP_OK;)
            tell ("%d[%d] ", (int) entry.number, (int) entry.from);
        cr_assert_str_eq (told, "0[0] 1[0] 1[12] 3[5] 4[0] 4[10] ");
        told[0] = 0;
        for (uint64_t cursor = 0; emp_results_next_dead (results, &cursor, &entry);)
            tell ("%d[%d] ", (int) entry.number, (int) entry.from);
        cr_assert_str_eq (told, "2[10] 1[11] 2[0] ");
        cr_assert_str_eq (missing (), "q;3 q;5 ");
        emp_results_counts_t counts;
        emp_results_counts (results, &counts);
        cr_assert_eq (counts.answered, 2);
        cr_assert_eq (counts.dead, 1);
        cr_assert_eq (counts.partly, 1);
        cr_assert_eq (counts.parts, 9);
        cr_assert_eq (counts.whole_dead, 0);
        cr_assert_eq (counts.parts_dead, 3);
        cr_assert_eq (counts.rows_answered, 20 + 19 + 20 + 1);
        cr_assert_eq (counts.rows_dead, 21);
        emp_feed_books_t books;
        char why[EMP_BOOKS_WHY_MAX];
        cr_assert (emp_results_feed_at (results, 0, &books));
        cr_assert (emp_books_feed_agrees (&books, why), "%s", why);
        drop_halves ();
    }
}

static void expect_life (const char *path, const char *ticket, emp_status_t status, const char *expected)
{
    char why[EMP_LIFE_WHY_MAX] = "", *text = NULL;
    size_t size = 0;
    emp_ticket_name_t name;
    cr_assert (emp_life_parse (ticket, &name));
    FILE *out = open_memstream (&text, &size);
    cr_assert_eq (emp_life_of_results (path, &name, out, why), status, "%s: %s", ticket, why);
    fclose (out);
    if (status == EMP_OK)
        cr_assert_str_eq (text, expected);
    else
        cr_assert_str_eq (why + strlen (path) + 2, expected);
    free (text);
}

Test (results_file, a_life_is_told_from_what_was_published)
{
    scratch_make ();
    setenv ("TZ", "UTC", 1);
    for (uint64_t bytes_max = 0; bytes_max <= 1000; bytes_max += 1000) {
        const char *path = scratch_text ("out.db", "");
        fill_halves (bytes_max, path);
        cr_assert_eq (emp_results_feed (results, 7, "other", "o"), EMP_OK);
        emp_results_feed_end (results, 7, 1, 1);
        cr_assert_eq (emp_results_publish (results), EMP_OK, "%s", emp_results_why (results));
        expect_life (
            path, "q;_TID_1;", EMP_OK,
            "q;_TID_1: 20 rows, answered in part: 19 answered, 1 dead\n"
            "  attempt 2: Process-2 (pid 12) on there: halved, 2023-11-14 22:13:20.500\n"
            "  rows 0 to 10: answered by Process-1 (pid 11) on here, attempt 3, 1 result, chunk fedcba9876543211, "
            "2023-11-14 22:13:21.000\n"
            "  row 11: dead after 3 attempts, the last by a worker that is not known: bad\n"
            "  rows 12 to 19: answered by Process-1 (pid 11) on here, attempt 3, 1 result, chunk fedcba9876543211, "
            "2023-11-14 22:13:20.123\n");
        expect_life (path, "2", EMP_OK,
                     "q;_TID_2: 20 rows, dead\n"
                     "  rows 0 to 9: dead after 3 attempts, the last by Process-2 (pid 12) on there: two\n"
                     "  rows 10 to 19: dead after 3 attempts, the last by Process-2 (pid 12) on there: one, "
                     "2023-11-14 22:13:21.000\n");
        expect_life (path, "_TID_3", EMP_OK,
                     "q;_TID_3: missing: it was put, and did not come back whole: 1 of its rows answered, 0 dead\n"
                     "  row 5: answered by Process-1 (pid 11) on here, attempt 3, 1 result, chunk fedcba9876543213, "
                     "2023-11-14 22:13:21.000\n");
        expect_life (path, "5", EMP_OK,
                     "q;_TID_5: missing: it was put, and did not come back\n"
                     "  attempt 1, rows 0 to 19: a worker that is not known: failed: killed by signal 9 (Killed), "
                     "2023-11-14 22:13:20.600\n");
        expect_life (path, "q;_TID_0: 5 attempts: copied from a report", EMP_OK,
                     "q;_TID_0: 20 rows, answered\n"
                     "  answered by Process-2 (pid 12) on there, attempt 3, 2 results, chunk fedcba9876543210, "
                     "2023-11-14 22:13:20.123\n");
        expect_life (path, "0", EMP_UNKNOWN, "several queues have a ticket _TID_0: say 'q;_TID_0' or 'other;_TID_0'");
        expect_life (path, "6", EMP_UNKNOWN, "no ticket _TID_6; q has _TID_0 to _TID_5, other has _TID_0 to _TID_0");
        expect_life (path, "q;_TID_6", EMP_UNKNOWN, "no ticket _TID_6; q has _TID_0 to _TID_5");
        expect_life (path, "othr;_TID_0", EMP_UNKNOWN, "no queue 'othr', did you mean 'other'?");
        sqlite3 *db;
        cr_assert_eq (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        expect_query (db, "PRAGMA integrity_check", "ok\n");
        expect_query (db,
                      "SELECT ticket, rows, outcome, value, reason, worker, host, hash, ended_at FROM tickets "
                      "ORDER BY queue DESC, ticket",
                      "0|20|done|[1,\"t\"]|NULL|Process-2|there|fedcba9876543210|2023-11-14T22:13:20.123Z\n"
                      "1|20|partly|[3,12]|row 11: bad|NULL|NULL|NULL|NULL\n"
                      "2|20|dead|NULL|rows 0 to 9: two\nrows 10 to 19: one|Process-2|there|NULL|NULL\n"
                      "3|NULL|missing|NULL|NULL|NULL|NULL|NULL|NULL\n"
                      "4|20|done|[7,[10],\"x\"]|NULL|Process-1|here|fedcba9876543214|NULL\n"
                      "5|NULL|missing|NULL|NULL|NULL|NULL|NULL|NULL\n"
                      "0|NULL|missing|NULL|NULL|NULL|NULL|NULL|NULL\n");
        expect_query (db, "SELECT from_row, rows, outcome, value, pid FROM parts WHERE ticket = 1 ORDER BY from_row",
                      "0|11|done|[3]|11\n11|1|dead|NULL|0\n12|8|done|[12]|11\n");
        expect_query (db,
                      "SELECT queue, ticket, attempt, from_row, rows, worker, host, \"end\", reason, at FROM attempts",
                      "q|1|2|0|20|Process-2|there|halved|NULL|2023-11-14T22:13:20.500Z\n"
                      "q|5|1|0|20|NULL|NULL|failed|killed by signal 9 (Killed)|2023-11-14T22:13:20.600Z\n"
                      "NULL|5|1|0|20|NULL|NULL|failed|killed by signal 9 (Killed)|2023-11-14T22:13:20.700Z\n");
        expect_query (db, "SELECT value FROM run WHERE what = 'attempts_not_kept'", "0\n");
        sqlite3_close (db);
        drop_halves ();
    }
}

/* Put by a worker, and dropped by a drain behind an attempt that failed: nobody knows that it is missing. */
Test (results_file, of_a_ticket_that_was_tried_alone_nothing_is_said_that_is_not_known)
{
    scratch_make ();
    setenv ("TZ", "UTC", 1);
    const char *path = scratch_text ("out.db", "");
    fill_halves (0, path);
    emp_control_t message = {.kind = EMP_MSG_ATTEMPT, .id = 6, .window = 17, .attempt = 1, .rows = 20, .session = 102};
    message.ended = EMP_ATTEMPT_FAILED;
    emp_history_attempt (history, &message, UINT64_C (1700000000700));
    cr_assert_eq (emp_results_publish (results), EMP_OK, "%s", emp_results_why (results));
    expect_life (path, "q;_TID_17", EMP_OK,
                 "q;_TID_17: what became of it is not kept\n"
                 "  attempt 1, rows 0 to 19: Process-2 (pid 12) on there: failed: left, 2023-11-14 22:13:20.700\n");
    drop_halves ();
}

Test (results_file, a_file_that_is_no_results_file_has_no_lives)
{
    scratch_make ();
    const char *path = scratch_text ("other.db", "");
    sqlite3 *db;
    cr_assert_eq (sqlite3_open (path, &db), SQLITE_OK);
    cr_assert_eq (sqlite3_exec (db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close (db);
    expect_life (path, "0", EMP_INVALID, "a SQLite file, but not a results file of this version of eisenmp");
    path = scratch_text ("cut.db", "SQLite format 3");
    expect_life (path, "0", EMP_INVALID, "file is not a database");
}

Test (results_file, a_ticket_is_named_as_headers_and_reports_name_it)
{
    static const struct {
        const char *text, *queue;
        uint64_t number;
    } good[] = {{"7", "", 7},
                {"_TID_7", "", 7},
                {"_TID_7;", "", 7},
                {"mp_input_q (default);_TID_12;", "mp_input_q (default)", 12},
                {"a;_TID_1 row 17: 2 attempts", "a", 1},
                {"18446744073709551615", "", UINT64_MAX}};
    emp_ticket_name_t name;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert (emp_life_parse (good[i].text, &name), "%s", good[i].text);
        cr_assert_str_eq (name.queue, good[i].queue);
        cr_assert_eq (name.number, good[i].number);
    }
    static const char *const bad[] = {"",       "x",       "-1",  "+1", "_TID_",
                                      "_TID_x", ";_TID_1", "a;7", "7x", "18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not (emp_life_parse (bad[i], &name), "%s", bad[i]);
}

/* ---- what is too large for a row --------------------------------------------------------------------------------- */

#define ROW_MAX 20000 /* instead of SQLite's 1 000 000 000 */

static int limit_rows (sqlite3 *db, const char **error, const struct sqlite3_api_routines *api)
{
    (void) error, (void) api;
    sqlite3_limit (db, SQLITE_LIMIT_LENGTH, ROW_MAX);
    return SQLITE_OK;
}

/* Packed bytes and JSON stand in one row, so both count. */
Test (results_file, results_whose_row_would_be_too_large_are_kept_without_their_json)
{
    static uint8_t values[8000]; /* zeros: "[0,0,…]" has twice as many bytes and one more */
    scratch_make ();
    cr_assert_eq (sqlite3_auto_extension ((void (*) (void)) limit_rows), SQLITE_OK);
    results = emp_results_new (0, true);
    cr_assert_eq (emp_results_overflow (results, scratch_dir, scratch_text ("out.db", "")), EMP_OK);
    cr_assert_eq (emp_results_feed (results, 3, "a", "a"), EMP_OK);
    cr_assert_eq (take (3, 0, EMP_OUTCOME_DONE, values, 5000), EMP_OK);
    cr_assert_eq (take (3, 1, EMP_OUTCOME_DONE, values, sizeof values), EMP_OK);
    emp_results_feed_end (results, 3, 2, 6);
    cr_assert_eq (emp_results_publish (results), EMP_OK, "%s", emp_results_why (results));
    emp_results_counts_t counts;
    emp_results_counts (results, &counts);
    cr_assert_eq (counts.not_kept, 0, "%s", emp_results_why (results));
    sqlite3 *db;
    cr_assert_eq (sqlite3_open_v2 (scratch_path ("out.db"), &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    expect_query (db, "SELECT ticket, length (packed), length (json) FROM ended", "0|5000|10001\n1|8000|NULL\n");
    sqlite3_close (db);
    emp_results_destroy (&results);
}
