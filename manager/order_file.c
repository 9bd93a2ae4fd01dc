/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order_file.c - parts that wait, in a SQLite file. See order_file.h.
 */
#include "order_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diskroom.h"

#define RECORD_MAX 64u /* bytes of a part and its place in a page, besides its data */

struct emp_order_file {
    int fd; /* for room only; closed after the database, since closing it would drop SQLite's locks */
    sqlite3 *db;
    sqlite3_stmt *add, *walk, *remove;
    emp_diskroom_t room;
    bool on_row; /* of the walk, which is this feed's */
    uint32_t feed;
    emp_status_t status;
    char path[4096];
    int shown; /* bytes of the path that say something to a person: its folder */
    char why[EMP_ORDERING_WHY_MAX];
};

static emp_status_t fail (emp_order_file_t *self, emp_status_t status, const char *why)
{
    if (self->status == EMP_OK) {
        self->status = status;
        snprintf (self->why, sizeof self->why, "%.*s: %s", self->shown, self->path, why);
    }
    return self->status;
}

static emp_status_t fail_sql (emp_order_file_t *self)
{
    int code = sqlite3_errcode (self->db);
    emp_status_t status = code == SQLITE_NOMEM ? EMP_NOMEM : code == SQLITE_FULL ? EMP_FULL : EMP_SYSTEM;
    return fail (self, status, sqlite3_errmsg (self->db));
}

const char *emp_order_file_why (const emp_order_file_t *self)
{
    return self->why;
}

/* ---- birth and death --------------------------------------------------------------------------------------------------- */

static bool execute (emp_order_file_t *self, const char *sql)
{
    return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare (emp_order_file_t *self, const char *sql, sqlite3_stmt **ret_stmt)
{
    return sqlite3_prepare_v3 (self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL) == SQLITE_OK;
}

/* The pragmas first: a page's size is fixed with the first table. One transaction, which is never ended: nobody else reads it. */
static bool set_up (emp_order_file_t *self)
{
    char pragmas[256];
    snprintf (pragmas, sizeof pragmas,
              "PRAGMA page_size = %u; PRAGMA cache_size = -%u; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;",
              EMP_DISKROOM_PAGE, EMP_ORDER_FILE_CACHE / 1024);
    return execute (self, pragmas) &&
           execute (self, "CREATE TABLE waiting (feed INTEGER, ticket INTEGER, from_row INTEGER, rows INTEGER NOT NULL,"
                          " total INTEGER NOT NULL, silent INTEGER NOT NULL, packed BLOB NOT NULL,"
                          " PRIMARY KEY (feed, ticket, from_row)) WITHOUT ROWID; BEGIN") &&
           prepare (self, "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?)", &self->add) &&
           prepare (self,
                    "SELECT ticket, from_row, rows, total, silent, packed FROM waiting WHERE feed = ?1 AND"
                    " (ticket, from_row) >= (?2, ?3) ORDER BY ticket, from_row",
                    &self->walk) &&
           prepare (self, "DELETE FROM waiting WHERE feed = ?1 AND (ticket, from_row) < (?2, ?3)", &self->remove) &&
           prepare (self, "PRAGMA page_count", &self->room.pages);
}

/* As soon as SQLite has the file nobody else needs its name. */
static emp_status_t begin (emp_order_file_t *self)
{
    emp_status_t status = EMP_OK;
    if (sqlite3_open_v2 (self->path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = self->db ? fail_sql (self) : fail (self, EMP_NOMEM, "out of memory");
    unlink (self->path);
    if (status == EMP_OK && !set_up (self))
        status = fail_sql (self);
    return status;
}

emp_status_t emp_order_file_new (const char *folder, emp_order_file_t **ret_self, char ret_why[EMP_ORDERING_WHY_MAX])
{
    *ret_self = NULL;
    emp_order_file_t *self = calloc (1, sizeof *self);
    snprintf (ret_why, EMP_ORDERING_WHY_MAX, "out of memory");
    if (!self)
        return EMP_NOMEM;
    folder = emp_diskroom_folder (folder);
    int size = snprintf (self->path, sizeof self->path, "%s/eisenmp-order-XXXXXX", folder);
    self->shown = (int) strnlen (folder, sizeof self->path - 1);
    errno = ENAMETOOLONG;
    bool fits = size > 0 && (size_t) size < sizeof self->path;
    self->fd = self->room.fd = fits ? mkostemp (self->path, O_CLOEXEC) : -1;
    emp_status_t status = self->fd < 0 ? fail (self, EMP_SYSTEM, strerror (errno)) : begin (self);
    if (status == EMP_OK) {
        *ret_self = self;
        return EMP_OK;
    }
    memcpy (ret_why, self->why, sizeof self->why);
    emp_order_file_destroy (&self);
    return status;
}

void emp_order_file_destroy (emp_order_file_t **self_p)
{
    emp_order_file_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    sqlite3_finalize (self->add);
    sqlite3_finalize (self->walk);
    sqlite3_finalize (self->remove);
    sqlite3_finalize (self->room.pages);
    sqlite3_close (self->db);
    if (self->fd >= 0)
        close (self->fd);
    free (self);
}

/* ---- in and out -------------------------------------------------------------------------------------------------------- */

static void leave_row (emp_order_file_t *self)
{
    sqlite3_reset (self->walk);
    self->on_row = false;
}

emp_status_t emp_order_file_add (emp_order_file_t *self, const emp_placed_t *part)
{
    assert (part->data || part->size == 0);
    if (self->status)
        return self->status;
    leave_row (self); /* it may belong before that */
    int error = emp_diskroom_take (&self->room, RECORD_MAX + part->size);
    if (error)
        return fail (self, emp_diskroom_status (error), strerror (error));
    sqlite3_stmt *add = self->add;
    sqlite3_bind_int64 (add, 1, part->feed);
    sqlite3_bind_int64 (add, 2, (sqlite3_int64) part->number);
    sqlite3_bind_int64 (add, 3, part->from);
    sqlite3_bind_int64 (add, 4, part->rows);
    sqlite3_bind_int64 (add, 5, part->total);
    sqlite3_bind_int (add, 6, part->silent);
    sqlite3_bind_blob64 (add, 7, part->size ? (const void *) part->data : "", part->size, SQLITE_STATIC);
    int code = sqlite3_step (add);
    emp_status_t status = code == SQLITE_DONE ? EMP_OK : fail_sql (self);
    sqlite3_reset (add);
    return status;
}

static void bind_place (sqlite3_stmt *stmt, uint32_t feed, uint64_t number, uint32_t from)
{
    sqlite3_bind_int64 (stmt, 1, feed);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64) number);
    sqlite3_bind_int64 (stmt, 3, from);
}

void emp_order_file_remove (emp_order_file_t *self, uint32_t feed, uint64_t number, uint32_t from)
{
    if (self->status)
        return;
    leave_row (self);
    bind_place (self->remove, feed, number, from);
    if (sqlite3_step (self->remove) != SQLITE_DONE)
        fail_sql (self);
    sqlite3_reset (self->remove);
}

/* True when the walk's row is at that place or behind it. */
static bool is_there (const emp_order_file_t *self, uint64_t number, uint32_t from)
{
    uint64_t ticket = (uint64_t) sqlite3_column_int64 (self->walk, 0);
    return ticket > number || (ticket == number && sqlite3_column_int64 (self->walk, 1) >= from);
}

/* Moves the walk to the next row. */
static void step (emp_order_file_t *self)
{
    int code = sqlite3_step (self->walk);
    self->on_row = code == SQLITE_ROW;
    if (!self->on_row && code != SQLITE_DONE)
        fail_sql (self);
}

bool emp_order_file_next (emp_order_file_t *self, uint32_t feed, uint64_t number, uint32_t from, emp_placed_t *ret_part)
{
    if (self->status)
        return false;
    if (self->feed != feed)
        leave_row (self);
    if (self->on_row && !is_there (self, number, from))
        step (self);
    if (!self->on_row) {
        leave_row (self);
        self->feed = feed;
        bind_place (self->walk, feed, number, from);
        step (self);
    }
    if (!self->on_row || self->status) {
        leave_row (self);
        return false;
    }
    *ret_part = (emp_placed_t){.feed = feed,
                               .number = (uint64_t) sqlite3_column_int64 (self->walk, 0),
                               .from = (uint32_t) sqlite3_column_int64 (self->walk, 1),
                               .rows = (uint32_t) sqlite3_column_int64 (self->walk, 2),
                               .total = (uint32_t) sqlite3_column_int64 (self->walk, 3),
                               .silent = sqlite3_column_int (self->walk, 4) != 0,
                               .size = (size_t) sqlite3_column_bytes (self->walk, 5)};
    ret_part->data = sqlite3_column_blob (self->walk, 5);
    if (!ret_part->data && ret_part->size > 0) {
        fail (self, EMP_NOMEM, "out of memory");
        return false;
    }
    return true;
}
