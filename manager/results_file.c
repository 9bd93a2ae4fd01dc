/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results_file.c - entries in a SQLite file. See results_file.h.
 *
 * One transaction from the first record to the last: nobody else reads the file before it is whole, and after a crash nobody
 * wants it. So no journal and no fsync, and since without a journal SQLite cannot take half a write back, room is taken from
 * the disk ahead of it (diskroom.h) and an error is for good.
 */
#include "results_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diskroom.h"
#include "json.h"
#include "values.h"

#define PAGE EMP_DISKROOM_PAGE
#define RECORD_MAX 128u      /* bytes of a record and its place in a page, besides values and JSON */
#define INDEX_RECORD_MAX 32u /* the same in an index, whose pages are filled in order */

typedef enum { WALK_ALL, WALK_DEAD, WALK_KEY, WALK_TICKET, WALKS } walk_kind_t;

/* A statement on its way through the records, and the places behind which and at which its row is. */
typedef struct {
    sqlite3_stmt *stmt;
    bool on_row;
    uint32_t key;
    uint64_t behind_number, behind_place;
    uint64_t number, place; /* of a WALK_TICKET the feed and the first row (place_of), else the arrival */
} walk_t;

struct emp_file {
    int fd; /* for room only; closed after the database, since closing it would drop SQLite's locks */
    sqlite3 *db;
    sqlite3_stmt *add, *queue, *worker, *attempt, *fact, *missing;
    walk_t walks[WALKS];
    bool with_json, indexed[WALKS];
    uint64_t row_max; /* SQLite's own limit of a text and of a whole row, 1 000 000 000 as it comes */
    bool published;   /* the file is its reader's, and not written to any more */
    uint64_t count, queues;
    emp_diskroom_t room;
    emp_status_t status;
    emp_buf_t json;
    char path[4096];
    int shown; /* bytes of the path that say something to a person: of a scratch file its folder */
    char why[EMP_FILE_WHY_MAX];
};

static const char schema[] =
    "CREATE TABLE ended (arrival INTEGER PRIMARY KEY, feed INTEGER NOT NULL, key INTEGER NOT NULL,"
    " ticket INTEGER NOT NULL, attempt INTEGER NOT NULL, rows INTEGER NOT NULL, from_row INTEGER NOT NULL,"
    " half INTEGER NOT NULL, dead INTEGER NOT NULL, worker INTEGER NOT NULL, hash INTEGER NOT NULL,"
    " at INTEGER NOT NULL, packed BLOB NOT NULL, json TEXT);"
    "CREATE TABLE queues (key INTEGER PRIMARY KEY, queue TEXT NOT NULL);"
    "CREATE TABLE workers (worker INTEGER PRIMARY KEY, session INTEGER NOT NULL, name TEXT NOT NULL,"
    " host TEXT NOT NULL, pid INTEGER NOT NULL);"
    "CREATE TABLE tries (feed INTEGER NOT NULL, key INTEGER NOT NULL, ticket INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, from_row INTEGER NOT NULL, rows INTEGER NOT NULL, worker INTEGER NOT NULL,"
    " ended TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL);"
    "CREATE TABLE run (what TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE missing (feed INTEGER NOT NULL, key INTEGER NOT NULL, ticket INTEGER NOT NULL);"
    "CREATE INDEX ended_dead ON ended (arrival) WHERE dead;"
    "CREATE INDEX ended_half ON ended (feed, ticket, from_row) WHERE half;";

/* `at` and `hash` as a person reads them; NULL when they are not known. */
#define AT "iif (at, strftime ('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'), NULL)"
#define HASH "iif (hash, printf ('%016x', hash), NULL)"
#define HEADER "queue || ';_TID_' || ticket || ';' AS header"
#define WHO "nullif (name, '') AS worker, nullif (host, '') AS host"

/* What a person asks. `tickets`: one row a ticket, `parts`: one row a part (a ticket that was halved has several), `results`: one
 * row a result, its value as SQL has it, `attempts`: one row an attempt that was no answer. A cross join keeps its order, from the
 * queue by the index to its tickets; else the planner walks all of them. Of a halved ticket that has ended, `tickets` has the sum
 * of its parts, and the last of them to come says when, by whom, which chunk. */
static const char *const views[] = {
    "CREATE VIEW parts AS"
    " SELECT queue, ticket, " HEADER ", attempt, from_row, rows, iif (dead, 'dead', 'done') AS outcome,"
    "  iif (dead, NULL, json) AS value, packed, iif (dead, json, NULL) AS reason, arrival,"
    "  " WHO ", pid, " HASH " AS hash, " AT " AS ended_at, feed, half"
    " FROM ended JOIN queues USING (key) LEFT JOIN workers USING (worker)",

    /* Halved tickets that have ended; `missing` has the others. */
    "CREATE VIEW half_tickets AS"
    " SELECT queue, ticket, header, attempt, sum (rows) AS rows,"
    "  CASE sum (outcome = 'dead') WHEN 0 THEN 'done' WHEN count (*) THEN 'dead' ELSE 'partly' END AS outcome,"
    "  group_concat ('row' || iif (rows > 1, 's ', ' ') || from_row ||"
    "   iif (rows > 1, ' to ' || (from_row + rows - 1), '') || ': ' || reason, char (10)) AS reason,"
    "  max (arrival) AS arrival, worker, host, hash, ended_at, feed"
    " FROM parts WHERE half AND (feed, ticket) NOT IN (SELECT feed, ticket FROM missing) GROUP BY feed, ticket",

    "CREATE VIEW tickets AS"
    " SELECT queue, ticket, header, attempt, rows, outcome, value, packed, reason, arrival, worker, host, hash,"
    "  ended_at FROM parts WHERE NOT half"
    " UNION ALL SELECT queue, ticket, header, attempt, rows, outcome, iif (outcome = 'dead', NULL,"
    "   '[' || coalesce ((SELECT group_concat (inside) FROM (SELECT substr (json, 2, length (json) - 2) AS inside"
    "    FROM ended AS e WHERE e.half AND NOT e.dead AND e.feed = h.feed AND e.ticket = h.ticket AND json <> '[]'"
    "    ORDER BY from_row)), '') || ']'),"
    "  NULL, reason, arrival, worker, host, hash, ended_at FROM half_tickets AS h"
    " UNION ALL SELECT queue, ticket, " HEADER ", 0, NULL, 'missing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
    "  FROM missing JOIN queues USING (key)",

    "CREATE VIEW results AS"
    " SELECT queue, ticket, " HEADER ", each.value AS value, arrival"
    " FROM queues CROSS JOIN ended USING (key) LEFT JOIN json_each (ended.json) AS each WHERE NOT dead",

    "CREATE VIEW attempts AS"
    " SELECT queue, ticket, " HEADER ", attempt, from_row, rows, " WHO ", pid, ended AS \"end\","
    "  nullif (reason, '') AS reason, " AT " AS at"
    " FROM tries LEFT JOIN queues USING (key) LEFT JOIN workers USING (worker)",
};

static const char by_key[] = "CREATE INDEX ended_key ON ended (key) WHERE NOT dead";
static const char by_ticket[] = "CREATE INDEX ended_ticket ON ended (key, ticket, feed, from_row) WHERE NOT dead";

/* ---- failing ----------------------------------------------------------------------------------------------------------- */

static emp_status_t fail (emp_file_t *self, emp_status_t status, const char *why)
{
    if (self->status == EMP_OK) {
        self->status = status;
        snprintf (self->why, sizeof self->why, "%.*s: %s", self->shown, self->path, why);
    }
    return status;
}

static emp_status_t fail_sql (emp_file_t *self)
{
    int code = sqlite3_errcode (self->db);
    emp_status_t status = code == SQLITE_NOMEM ? EMP_NOMEM : code == SQLITE_FULL ? EMP_FULL : EMP_SYSTEM;
    return fail (self, status, sqlite3_errmsg (self->db));
}

const char *emp_file_why (const emp_file_t *self)
{
    return self->why;
}

/* ---- birth and death --------------------------------------------------------------------------------------------------- */

static bool execute (emp_file_t *self, const char *sql)
{
    return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare (emp_file_t *self, const char *sql, sqlite3_stmt **ret_stmt)
{
    return sqlite3_prepare_v3 (self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL) == SQLITE_OK;
}

/* The pragmas first: a page's size is fixed with the first table. */
static bool set_up (emp_file_t *self)
{
    char pragmas[256];
    snprintf (pragmas, sizeof pragmas,
              "PRAGMA page_size = %u; PRAGMA cache_size = -%u; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;",
              PAGE, EMP_FILE_CACHE / 1024);
    return execute (self, pragmas) && execute (self, schema) && execute (self, "BEGIN") &&
           prepare (self, "INSERT INTO ended VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &self->add) &&
           prepare (self, "INSERT INTO queues VALUES (?, ?)", &self->queue) &&
           prepare (self, "INSERT INTO workers VALUES (?, ?, ?, ?, ?)", &self->worker) &&
           prepare (self, "INSERT INTO tries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &self->attempt) &&
           prepare (self, "INSERT INTO run VALUES (?, ?)", &self->fact) &&
           prepare (self, "INSERT INTO missing VALUES (?, ?, ?)", &self->missing) &&
           prepare (self, "PRAGMA page_count", &self->room.pages);
}

/* Everything but the file itself, whose descriptor is taken. `unlinked`: as soon as SQLite has it, nobody else needs its name. */
static emp_status_t begin (emp_file_t *self, bool unlinked)
{
    emp_status_t status = EMP_OK;
    /* One thread at a time uses it. */
    if (sqlite3_open_v2 (self->path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = self->db ? fail_sql (self) : fail (self, EMP_NOMEM, "out of memory");
    if (unlinked)
        unlink (self->path);
    self->row_max = self->db ? (uint64_t) sqlite3_limit (self->db, SQLITE_LIMIT_LENGTH, -1) : 0;
    emp_buf_init (&self->json, self->row_max);
    if (status == EMP_OK && !set_up (self))
        status = fail_sql (self);
    return status;
}

static emp_status_t start (const char *path, bool scratch, emp_file_t **ret_self, char *ret_why)
{
    emp_file_t *self = calloc (1, sizeof *self);
    *ret_self = NULL;
    snprintf (ret_why, EMP_FILE_WHY_MAX, "out of memory");
    if (!self)
        return EMP_NOMEM;
    self->with_json = !scratch;
    int size = snprintf (self->path, sizeof self->path, "%s%s", path, scratch ? "/eisenmp-results-XXXXXX" : "");
    self->shown = (int) strnlen (path, sizeof self->path - 1);
    if (size < 0 || (size_t) size >= sizeof self->path) {
        self->fd = -1;
        errno = ENAMETOOLONG;
    } else
        self->fd = scratch ? mkostemp (self->path, O_CLOEXEC) : open (self->path, O_RDWR | O_CLOEXEC);
    self->room.fd = self->fd;
    emp_status_t status = self->fd < 0 ? fail (self, EMP_SYSTEM, strerror (errno)) : begin (self, scratch);
    if (status == EMP_OK) {
        *ret_self = self;
        return EMP_OK;
    }
    memcpy (ret_why, self->why, sizeof self->why);
    emp_file_destroy (&self);
    return status;
}

emp_status_t emp_file_scratch (const char *folder, emp_file_t **ret_self, char ret_why[EMP_FILE_WHY_MAX])
{
    return start (emp_diskroom_folder (folder), true, ret_self, ret_why);
}

emp_status_t emp_file_open (const char *path, emp_file_t **ret_self, char ret_why[EMP_FILE_WHY_MAX])
{
    return start (path, false, ret_self, ret_why);
}

void emp_file_destroy (emp_file_t **self_p)
{
    emp_file_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    sqlite3_finalize (self->add);
    sqlite3_finalize (self->room.pages);
    sqlite3_finalize (self->queue);
    sqlite3_finalize (self->worker);
    sqlite3_finalize (self->attempt);
    sqlite3_finalize (self->fact);
    sqlite3_finalize (self->missing);
    for (size_t i = 0; i < WALKS; i++)
        sqlite3_finalize (self->walks[i].stmt);
    sqlite3_close (self->db);
    if (self->fd >= 0)
        close (self->fd);
    emp_buf_release (&self->json);
    free (self);
}

/* ---- room -------------------------------------------------------------------------------------------------------------- */

static emp_status_t require_room (emp_file_t *self, uint64_t size)
{
    int error = emp_diskroom_take (&self->room, size);
    return error ? fail (self, emp_diskroom_status (error), strerror (error)) : EMP_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

static emp_status_t run (emp_file_t *self, sqlite3_stmt *stmt)
{
    int code = sqlite3_step (stmt);
    emp_status_t status = code == SQLITE_DONE ? EMP_OK : fail_sql (self);
    sqlite3_reset (stmt);
    return status;
}

/* The list of the results, or the reason itself. */
static void write_json (emp_file_t *self, const emp_record_t *record)
{
    emp_buf_clear (&self->json);
    emp_values_t values;
    emp_values_init (&values, record->data, record->size);
    const msgpack_object *value;
    if (record->dead) {
        value = emp_values_next (&values);
        if (value && value->type == MSGPACK_OBJECT_STR)
            emp_buf_append (&self->json, value->via.str.ptr, value->via.str.size);
    } else {
        emp_buf_append (&self->json, "[", 1);
        for (size_t i = 0; (value = emp_values_next (&values)); i++) {
            if (i > 0)
                emp_buf_append (&self->json, ",", 1);
            emp_json_value (&self->json, value);
        }
        emp_buf_append (&self->json, "]", 1);
    }
    emp_values_release (&values);
}

static emp_status_t insert (emp_file_t *self, const emp_record_t *record)
{
    sqlite3_stmt *add = self->add;
    sqlite3_bind_int64 (add, 1, (sqlite3_int64) self->count + 1);
    sqlite3_bind_int64 (add, 2, record->feed);
    sqlite3_bind_int64 (add, 3, record->key);
    sqlite3_bind_int64 (add, 4, (sqlite3_int64) record->number);
    sqlite3_bind_int64 (add, 5, record->attempt);
    sqlite3_bind_int64 (add, 6, record->rows);
    sqlite3_bind_int64 (add, 7, record->from);
    sqlite3_bind_int (add, 8, record->half);
    sqlite3_bind_int (add, 9, record->dead);
    sqlite3_bind_int64 (add, 10, record->worker);
    sqlite3_bind_int64 (add, 11, (sqlite3_int64) record->hash);
    sqlite3_bind_int64 (add, 12, (sqlite3_int64) record->at);
    sqlite3_bind_blob64 (add, 13, record->size ? (const void *) record->data : "", record->size, SQLITE_STATIC);
    if (self->json.size)
        sqlite3_bind_text64 (add, 14, (const char *) self->json.data, self->json.size, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null (add, 14);
    return run (self, add);
}

emp_status_t emp_file_add (emp_file_t *self, const emp_record_t *record)
{
    assert (self && record && (record->data || record->size == 0));
    if (self->status)
        return self->status;
    if (self->with_json)
        write_json (self, record);
    /* What is too long for a row beside the packed bytes, or for memory, is NULL. */
    if (self->json.broken || RECORD_MAX + record->size + self->json.size > self->row_max)
        emp_buf_clear (&self->json);
    emp_status_t status = require_room (self, RECORD_MAX + record->size + self->json.size);
    if (status == EMP_OK)
        status = insert (self, record);
    self->count += status == EMP_OK;
    return status;
}

uint64_t emp_file_count (const emp_file_t *self)
{
    return self->count;
}

/* ---- walks ------------------------------------------------------------------------------------------------------------- */

#define COLUMNS                                                                                                        \
    "SELECT arrival, feed, key, ticket, attempt, rows, from_row, half, dead, worker, hash, at, packed FROM ended "

static const char *const walk_texts[WALKS] = {
    [WALK_ALL] = COLUMNS "WHERE arrival > ?3 ORDER BY arrival",
    [WALK_DEAD] = COLUMNS "WHERE dead AND arrival > ?3 ORDER BY arrival",
    [WALK_KEY] = COLUMNS "WHERE NOT dead AND key = ?1 AND arrival > ?3 ORDER BY arrival",
    [WALK_TICKET] = COLUMNS "WHERE NOT dead AND key = ?1 AND (ticket, feed, from_row) > (?2, ?3, ?4) "
                            "ORDER BY ticket, feed, from_row",
};

static bool stands_behind (const walk_t *walk, uint32_t key, uint64_t number, uint64_t place)
{
    return walk->on_row && walk->key == key && walk->behind_number == number && walk->behind_place == place;
}

/* Where a record is among those of its number: never 0. */
static uint64_t place_of (const emp_record_t *record)
{
    return (uint64_t) record->feed << 32 | (record->from + 1);
}

/* Every text has ?3, so all three bind. */
static void bind_place (const walk_t *walk, bool by_ticket_too, uint32_t key, uint64_t number, uint64_t place)
{
    sqlite3_reset (walk->stmt);
    sqlite3_bind_int64 (walk->stmt, 1, key);
    sqlite3_bind_int64 (walk->stmt, 2, (sqlite3_int64) number);
    sqlite3_bind_int64 (walk->stmt, 3, (sqlite3_int64) (by_ticket_too ? place >> 32 : place));
    if (by_ticket_too)
        sqlite3_bind_int64 (walk->stmt, 4, (sqlite3_int64) (place & UINT32_MAX) - 1);
}

/* Moves a walk's statement to the record behind the given place; it may be there already. */
static bool move (emp_file_t *self, walk_t *walk, uint32_t key, uint64_t number, uint64_t place)
{
    if (stands_behind (walk, key, number, place))
        return true;
    bool goes_on = walk->on_row && walk->key == key && walk->number == number && walk->place == place;
    if (!goes_on)
        bind_place (walk, walk == &self->walks[WALK_TICKET], key, number, place);
    int code = sqlite3_step (walk->stmt);
    walk->on_row = code == SQLITE_ROW;
    if (!walk->on_row) {
        if (code != SQLITE_DONE)
            fail_sql (self);
        sqlite3_reset (walk->stmt);
        return false;
    }
    walk->key = key;
    walk->behind_number = number;
    walk->behind_place = place;
    return true;
}

static void show (sqlite3_stmt *row, emp_record_t *ret_record)
{
    const void *packed = sqlite3_column_blob (row, 12);
    *ret_record = (emp_record_t){
        .number = (uint64_t) sqlite3_column_int64 (row, 3),
        .feed = (uint32_t) sqlite3_column_int64 (row, 1),
        .key = (uint32_t) sqlite3_column_int64 (row, 2),
        .attempt = (uint32_t) sqlite3_column_int64 (row, 4),
        .rows = (uint32_t) sqlite3_column_int64 (row, 5),
        .from = (uint32_t) sqlite3_column_int64 (row, 6),
        .half = sqlite3_column_int (row, 7) != 0,
        .dead = sqlite3_column_int (row, 8) != 0,
        .worker = (uint32_t) sqlite3_column_int64 (row, 9),
        .hash = (uint64_t) sqlite3_column_int64 (row, 10),
        .at = (uint64_t) sqlite3_column_int64 (row, 11),
        .data = packed ? packed : (const uint8_t *) "",
        .size = packed ? (size_t) sqlite3_column_bytes (row, 12) : 0,
    };
}

/* The record behind the place, which is then the new one. */
static bool next (emp_file_t *self, walk_kind_t kind, uint32_t key, uint64_t *number, uint64_t *place,
                  emp_record_t *ret_record)
{
    walk_t *walk = &self->walks[kind];
    if (!walk->stmt && !prepare (self, walk_texts[kind], &walk->stmt)) {
        fail_sql (self);
        return false;
    }
    if (!move (self, walk, key, *number, *place))
        return false;
    show (walk->stmt, ret_record);
    *place = kind == WALK_TICKET ? place_of (ret_record) : (uint64_t) sqlite3_column_int64 (walk->stmt, 0);
    walk->place = *place;
    walk->number = *number = kind == WALK_TICKET ? ret_record->number : 0;
    return true;
}

/* Makes an index, once, if there is room for it: its walk does without, slower. */
static void require_index (emp_file_t *self, walk_kind_t kind, const char *sql)
{
    if (self->indexed[kind] || self->status || self->published)
        return;
    self->indexed[kind] = true;
    for (size_t i = 0; i < WALKS; i++) { /* no statement may be under way while the tables change */
        sqlite3_reset (self->walks[i].stmt);
        self->walks[i].on_row = false;
    }
    if (emp_diskroom_take (&self->room, self->count * INDEX_RECORD_MAX / 2) == 0 && !execute (self, sql))
        fail_sql (self);
}

bool emp_file_next (emp_file_t *self, uint64_t arrival, emp_record_t *ret_record)
{
    uint64_t number = 0;
    return next (self, WALK_ALL, 0, &number, &arrival, ret_record);
}

bool emp_file_next_dead (emp_file_t *self, uint64_t *arrival, emp_record_t *ret_record)
{
    uint64_t number = 0;
    return next (self, WALK_DEAD, 0, &number, arrival, ret_record);
}

bool emp_file_next_of_key (emp_file_t *self, uint32_t key, uint64_t *arrival, emp_record_t *ret_record)
{
    uint64_t number = 0;
    if (key > 0) /* the one key of most runs needs no index, every answer is its */
        require_index (self, WALK_KEY, by_key);
    return next (self, WALK_KEY, key, &number, arrival, ret_record);
}

bool emp_file_next_ticket (emp_file_t *self, uint32_t key, uint64_t *number, uint64_t *place, emp_record_t *ret_record)
{
    require_index (self, WALK_TICKET, by_ticket);
    return next (self, WALK_TICKET, key, number, place, ret_record);
}

/* ---- publishing -------------------------------------------------------------------------------------------------------- */

emp_status_t emp_file_add_queue (emp_file_t *self, uint32_t key, const char *label)
{
    if (self->status || require_room (self, RECORD_MAX + strlen (label)))
        return self->status;
    sqlite3_bind_int64 (self->queue, 1, key);
    sqlite3_bind_text (self->queue, 2, label, -1, SQLITE_STATIC);
    self->queues++;
    return run (self, self->queue);
}

emp_status_t emp_file_add_worker (emp_file_t *self, uint32_t number, const emp_worker_t *worker)
{
    if (self->status || require_room (self, RECORD_MAX + sizeof *worker))
        return self->status;
    sqlite3_bind_int64 (self->worker, 1, number);
    sqlite3_bind_int64 (self->worker, 2, (sqlite3_int64) worker->session);
    sqlite3_bind_text (self->worker, 3, worker->name, -1, SQLITE_STATIC);
    sqlite3_bind_text (self->worker, 4, worker->host, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (self->worker, 5, worker->pid);
    return run (self, self->worker);
}

emp_status_t emp_file_add_fact (emp_file_t *self, const char *what, uint64_t value)
{
    if (self->status || require_room (self, RECORD_MAX + strlen (what)))
        return self->status;
    sqlite3_bind_text (self->fact, 1, what, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (self->fact, 2, (sqlite3_int64) value);
    return run (self, self->fact);
}

emp_status_t emp_file_add_attempt (emp_file_t *self, uint32_t feed, uint32_t key, const emp_try_t *attempt)
{
    if (self->status || require_room (self, RECORD_MAX + strlen (attempt->reason)))
        return self->status;
    sqlite3_bind_int64 (self->attempt, 1, feed);
    sqlite3_bind_int64 (self->attempt, 2, key);
    sqlite3_bind_int64 (self->attempt, 3, (sqlite3_int64) attempt->number);
    sqlite3_bind_int64 (self->attempt, 4, attempt->attempt);
    sqlite3_bind_int64 (self->attempt, 5, attempt->from);
    sqlite3_bind_int64 (self->attempt, 6, attempt->rows);
    sqlite3_bind_int64 (self->attempt, 7, attempt->worker);
    sqlite3_bind_text (self->attempt, 8, emp_history_end_word (attempt->ended), -1, SQLITE_STATIC);
    sqlite3_bind_text (self->attempt, 9, attempt->reason, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (self->attempt, 10, (sqlite3_int64) attempt->at);
    return run (self, self->attempt);
}

emp_status_t emp_file_add_missing (emp_file_t *self, uint32_t feed, uint32_t key, uint64_t number)
{
    if (self->status || require_room (self, RECORD_MAX))
        return self->status;
    sqlite3_bind_int64 (self->missing, 1, feed);
    sqlite3_bind_int64 (self->missing, 2, key);
    sqlite3_bind_int64 (self->missing, 3, (sqlite3_int64) number);
    return run (self, self->missing);
}

emp_status_t emp_file_publish (emp_file_t *self)
{
    require_index (self, WALK_TICKET, by_ticket);
    if (self->queues > 1)
        require_index (self, WALK_KEY, by_key); /* the report will want it */
    if (self->status || require_room (self, PAGE))
        return self->status;
    bool good = true;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        good = good && execute (self, views[i]);
    if (!good || !execute (self, "COMMIT"))
        return fail_sql (self);
    self->published = true;
    uint64_t size = emp_diskroom_pages (&self->room);
    return ftruncate (self->fd, (off_t) size) == 0 ? EMP_OK : fail (self, EMP_SYSTEM, strerror (errno));
}
