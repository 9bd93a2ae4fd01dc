/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life_results.c - a ticket's life out of a .db of RESULTS_FILE, opened read only. The tables are those of results_file.c.
 *
 * Cost: an index finds an answered ticket; dead ones, missing ones and attempts are looked through.
 */
#include <assert.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "life.h"
#include "results_file.h"

typedef struct {
    sqlite3 *db;
    const char *path;
    char *why;
} book_t;

static emp_status_t say (book_t *self, emp_status_t status, const char *format, ...) EMP_PRINTF (3, 4);
static emp_status_t say (book_t *self, emp_status_t status, const char *format, ...)
{
    int size = snprintf (self->why, EMP_LIFE_WHY_MAX, "%.4096s: ", self->path);
    va_list args;
    va_start (args, format);
    vsnprintf (self->why + size, EMP_LIFE_WHY_MAX - (size_t) size, format, args);
    va_end (args);
    return status;
}

static emp_status_t say_sql (book_t *self)
{
    bool memory = sqlite3_errcode (self->db) == SQLITE_NOMEM;
    return say (self, memory ? EMP_NOMEM : EMP_INVALID, "%s", sqlite3_errmsg (self->db));
}

/* A statement with its integers bound, or NULL. */
static sqlite3_stmt *ask (book_t *self, const char *sql, size_t count, const uint64_t *numbers)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64 (stmt, (int) i + 1, (sqlite3_int64) numbers[i]);
    return stmt;
}

static uint64_t number_at (sqlite3_stmt *row, int column)
{
    return (uint64_t) sqlite3_column_int64 (row, column);
}

static const char *text_at (sqlite3_stmt *row, int column)
{
    const unsigned char *text = sqlite3_column_text (row, column);
    return text ? (const char *) text : "";
}

/* Is it one of ours, of this version? */
static emp_status_t check (book_t *self)
{
    sqlite3_stmt *row = ask (self, "SELECT value FROM run WHERE what = 'version'", 0, NULL);
    bool ours = row && sqlite3_step (row) == SQLITE_ROW && number_at (row, 0) == EMP_FILE_VERSION;
    int code = sqlite3_errcode (self->db);
    sqlite3_finalize (row);
    if (ours)
        return EMP_OK;
    if (code == SQLITE_NOMEM || code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_CANTOPEN)
        return say_sql (self);
    return say (self, EMP_INVALID, "a SQLite file, but not a results file of this version of eisenmp");
}

/* ---- which ticket --------------------------------------------------------------------------------------------------- */

/* Feeds that have a ticket ?2 of queue ?1. */
#define FEEDS                                                                                                          \
    "SELECT feed FROM ended WHERE NOT dead AND key = ?1 AND ticket = ?2"                                               \
    " UNION SELECT feed FROM ended WHERE dead AND key = ?1 AND ticket = ?2"                                            \
    " UNION SELECT feed FROM missing WHERE key = ?1 AND ticket = ?2"                                                   \
    " UNION SELECT feed FROM tries WHERE key = ?1 AND ticket = ?2"

static bool has_ticket (book_t *self, uint64_t key, uint64_t number)
{
    sqlite3_stmt *row = ask (self, FEEDS, 2, (uint64_t[]){key, number});
    bool there = row && sqlite3_step (row) == SQLITE_ROW;
    sqlite3_finalize (row);
    return there;
}

/* What there is instead of a ticket that there is not. */
static void find_range (book_t *self, uint64_t key, emp_life_queue_t *queue)
{
    sqlite3_stmt *row =
        ask (self,
             "SELECT min (low), max (high) FROM (SELECT min (ticket) AS low, max (ticket) AS high FROM"
             " ended WHERE key = ?1 UNION ALL SELECT min (ticket), max (ticket) FROM missing WHERE key = ?1)",
             1, &key);
    queue->ranges = row && sqlite3_step (row) == SQLITE_ROW && sqlite3_column_type (row, 0) != SQLITE_NULL;
    if (queue->ranges) {
        queue->low = number_at (row, 0);
        queue->high = number_at (row, 1);
    }
    sqlite3_finalize (row);
}

/* All queues of the file. */
typedef struct {
    emp_life_queue_t *list;
    uint64_t *keys;
    size_t count;
} queues_t;

static void release_queues (queues_t *self)
{
    free (self->list);
    free (self->keys);
}

static bool add_queue (queues_t *self, uint64_t key, const char *label)
{
    emp_life_queue_t *list = realloc (self->list, (self->count + 1) * sizeof *list);
    self->list = list ? list : self->list;
    uint64_t *keys = realloc (self->keys, (self->count + 1) * sizeof *keys);
    self->keys = keys ? keys : self->keys;
    if (!list || !keys)
        return false;
    keys[self->count] = key;
    list[self->count] = (emp_life_queue_t){0};
    snprintf (list[self->count++].label, sizeof list->label, "%s", label);
    return true;
}

static emp_status_t read_queues (book_t *self, queues_t *ret_queues)
{
    sqlite3_stmt *row = ask (self, "SELECT key, queue FROM queues ORDER BY key", 0, NULL);
    int code = SQLITE_ERROR;
    bool room = true;
    while (row && room && (code = sqlite3_step (row)) == SQLITE_ROW)
        room = add_queue (ret_queues, number_at (row, 0), text_at (row, 1));
    sqlite3_finalize (row);
    if (!room)
        return say (self, EMP_NOMEM, "out of memory");
    return code == SQLITE_DONE ? EMP_OK : say_sql (self);
}

/* The place of the ticket's queue among all. */
static emp_status_t find_queue (book_t *self, queues_t *queues, const emp_ticket_name_t *name, size_t *ret_at)
{
    char why[EMP_LIFE_WHY_MAX] = "";
    for (size_t i = 0; i < queues->count; i++)
        queues->list[i].has = has_ticket (self, queues->keys[i], name->number);
    emp_status_t status = emp_life_pick (name, queues->list, queues->count, ret_at, why);
    if (status == EMP_OK)
        return EMP_OK;
    for (size_t i = 0; i < queues->count; i++)
        find_range (self, queues->keys[i], &queues->list[i]);
    *why = 0;
    status = emp_life_pick (name, queues->list, queues->count, ret_at, why);
    return say (self, status, "%.*s", EMP_LIFE_WHY_MAX, why);
}

/* ---- its life ------------------------------------------------------------------------------------------------------- */

/* Attempts as they were heard, then its ends by row. ?1 key, ?2 ticket, ?3 feed. */
static const char events[] =
    "SELECT * FROM (SELECT 0 AS kind, attempt, from_row, tries.rows AS rows, ended, reason, at, 0 AS hash, 0 AS "
    "results, 1 AS half,"
    " tries.rowid AS place, name, host, pid FROM tries LEFT JOIN workers USING (worker)"
    "  WHERE feed = ?3 AND ticket = ?2 AND key = ?1"
    " UNION ALL SELECT 1, attempt, from_row, ended.rows, '', '', at, hash, json_array_length (json), half, from_row,"
    " name, host, pid FROM ended LEFT JOIN workers USING (worker)"
    "  WHERE NOT dead AND key = ?1 AND ticket = ?2 AND feed = ?3"
    " UNION ALL SELECT 2, attempt, from_row, ended.rows, '', json, at, hash, 0, half, from_row, name, host, pid"
    " FROM ended LEFT JOIN workers USING (worker) WHERE dead AND key = ?1 AND ticket = ?2 AND feed = ?3"
    ") ORDER BY kind > 0, place";

static const char sums[] =
    "SELECT coalesce (sum (iif (dead, 0, rows)), 0), coalesce (sum (iif (dead, rows, 0)), 0),"
    " EXISTS (SELECT 1 FROM missing WHERE feed = ?3 AND ticket = ?2), count (*) FROM"
    " (SELECT dead, rows FROM ended WHERE NOT dead AND key = ?1 AND ticket = ?2 AND feed = ?3"
    "  UNION ALL SELECT dead, rows FROM ended WHERE dead AND key = ?1 AND ticket = ?2 AND feed = ?3)";

static emp_status_t print_sum (book_t *self, const char *label, const uint64_t *which, FILE *out, uint64_t *ret_rows)
{
    sqlite3_stmt *row = ask (self, sums, 3, which);
    bool there = row && sqlite3_step (row) == SQLITE_ROW;
    if (there) {
        emp_life_sum_t sum = {.queue = label,
                              .number = which[1],
                              .rows_answered = number_at (row, 0),
                              .rows_dead = number_at (row, 1),
                              .missing = number_at (row, 2) != 0};
        sum.unkept = !sum.missing && number_at (row, 3) == 0;
        *ret_rows = sum.missing ? 0 : sum.rows_answered + sum.rows_dead;
        emp_life_print_sum (&sum, out);
    }
    emp_status_t status = there ? EMP_OK : say_sql (self);
    sqlite3_finalize (row);
    return status;
}

static emp_life_event_t event_of (sqlite3_stmt *row, uint64_t rows)
{
    emp_life_event_t event = {
        .kind = (emp_life_kind_t) sqlite3_column_int (row, 0),
        .attempt = number_at (row, 1),
        .from = number_at (row, 2),
        .rows = number_at (row, 3),
        .end = text_at (row, 4),
        .reason = text_at (row, 5),
        .reason_size = (size_t) sqlite3_column_bytes (row, 5),
        .at = number_at (row, 6),
        .hash = number_at (row, 7),
        .results = number_at (row, 8),
        .worker = text_at (row, 11),
        .host = text_at (row, 12),
        .pid = number_at (row, 13),
    };
    /* An attempt at all of the rows needs no word about them. */
    event.half = number_at (row, 9) != 0 && event.rows > 0 && event.rows != rows;
    return event;
}

static emp_status_t print_life (book_t *self, const char *label, uint64_t key, uint64_t number, uint64_t feed,
                                FILE *out)
{
    uint64_t rows = 0, which[] = {key, number, feed};
    emp_status_t status = print_sum (self, label, which, out, &rows);
    if (status)
        return status;
    sqlite3_stmt *row = ask (self, events, 3, which);
    int code = row ? SQLITE_ROW : SQLITE_ERROR;
    while (row && (code = sqlite3_step (row)) == SQLITE_ROW) {
        emp_life_event_t event = event_of (row, rows);
        emp_life_print_event (&event, out);
    }
    status = code == SQLITE_DONE ? EMP_OK : say_sql (self);
    sqlite3_finalize (row);
    return status;
}

static void print_not_kept (book_t *self, FILE *out)
{
    sqlite3_stmt *row = ask (self, "SELECT value FROM run WHERE what = 'attempts_not_kept'", 0, NULL);
    if (row && sqlite3_step (row) == SQLITE_ROW && number_at (row, 0) > 0)
        fprintf (out, "  (%" PRIu64 " attempts of this run were too many to be kept; some may be of this ticket)\n",
                 number_at (row, 0));
    sqlite3_finalize (row);
}

static emp_status_t print_lives (book_t *self, const emp_ticket_name_t *name, FILE *out)
{
    queues_t queues = {0};
    size_t at = 0;
    emp_status_t status = read_queues (self, &queues);
    if (status == EMP_OK)
        status = find_queue (self, &queues, name, &at);
    if (status == EMP_OK) {
        const char *label = queues.list[at].label;
        uint64_t key = queues.keys[at];
        sqlite3_stmt *feed = ask (self, FEEDS " ORDER BY feed", 2, (uint64_t[]){key, name->number});
        while (feed && status == EMP_OK && sqlite3_step (feed) == SQLITE_ROW)
            status = print_life (self, label, key, name->number, number_at (feed, 0), out);
        sqlite3_finalize (feed);
        print_not_kept (self, out);
    }
    release_queues (&queues);
    return status;
}

emp_status_t emp_life_of_results (const char *path, const emp_ticket_name_t *name, FILE *out,
                                  char ret_why[EMP_LIFE_WHY_MAX])
{
    assert (path && name && out && ret_why);
    book_t book = {.path = path, .why = ret_why};
    *ret_why = '\0';
    emp_status_t status = EMP_OK;
    if (name->number > INT64_MAX)
        status = say (&book, EMP_UNKNOWN, "no ticket " EMP_TICKET_PREFIX "%" PRIu64, name->number);
    else if (sqlite3_open_v2 (path, &book.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = book.db ? say_sql (&book) : say (&book, EMP_NOMEM, "out of memory");
    if (status == EMP_OK)
        status = check (&book);
    if (status == EMP_OK)
        status = print_lives (&book, name, out);
    sqlite3_close (book.db);
    return status;
}
