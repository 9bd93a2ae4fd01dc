/* SPDX-License-Identifier: BSD-3-Clause
 *
 * output.c - results as a file. See output.h.
 */
#include "output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines.h"

typedef enum { DATABASE, JSONL, CSV } kind_t;

struct emp_output {
    kind_t kind;
    int fd;       /* of the part; holds the lock */
    char *path;   /* absolute */
    char *part;   /* the same with EMP_OUTPUT_PART; NULL once it is the file */
    char *folder; /* of both */
    emp_buf_t line;
};

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static bool find_kind (const char *path, kind_t *ret_kind)
{
    static const char *const endings[] = {[DATABASE] = ".db", [JSONL] = ".jsonl", [CSV] = ".csv"};
    size_t size = strlen (path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen (endings[i]);
        bool named = size > length && path[size - length - 1] != '/';
        if (named && strcmp (path + size - length, endings[i]) == 0) {
            *ret_kind = (kind_t) i;
            return true;
        }
    }
    return false;
}

bool emp_output_is_name (const char *path)
{
    kind_t kind;
    return find_kind (path, &kind);
}

/* Where a file is or will be, links followed: the caller's, or NULL with errno. */
static char *resolve (const char *path)
{
    char *there = realpath (path, NULL);
    if (there || errno != ENOENT)
        return there;
    char *copy = strdup (path);
    char *folder = copy ? realpath (dirname (copy), NULL) : NULL;
    const char *slash = strrchr (path, '/');
    char *name = NULL;
    if (folder && asprintf (&name, "%s/%s", strcmp (folder, "/") ? folder : "", slash ? slash + 1 : path) < 0)
        name = NULL;
    free (copy);
    free (folder);
    return name;
}

static bool name_all (emp_output_t *self, const char *path)
{
    self->path = resolve (path);
    if (!self->path)
        return false;
    char *copy = strdup (self->path);
    self->folder = copy ? strdup (dirname (copy)) : NULL;
    free (copy);
    if (asprintf (&self->part, "%s" EMP_OUTPUT_PART, self->path) < 0)
        self->part = NULL;
    return self->folder && self->part;
}

/* ---- the part ---------------------------------------------------------------------------------------------------------- */

/* What speaks against the file as it is now, or NULL. It may be not there. */
static const char *find_fault (const emp_output_t *self, mode_t *ret_mode)
{
    struct stat stat_buf;
    if (stat (self->path, &stat_buf) != 0)
        return errno == ENOENT ? NULL : strerror (errno);
    if (S_ISDIR (stat_buf.st_mode))
        return "a folder";
    if (!S_ISREG (stat_buf.st_mode))
        return "no plain file";
    *ret_mode = stat_buf.st_mode & 0777;
    return access (self->path, W_OK) == 0 ? NULL : strerror (errno);
}

static bool is_still_there (const emp_output_t *self)
{
    struct stat by_fd, by_name;
    return fstat (self->fd, &by_fd) == 0 && stat (self->part, &by_name) == 0 && by_fd.st_ino == by_name.st_ino &&
           by_fd.st_dev == by_name.st_dev;
}

/* The part may lie there from a run that was killed: whoever holds its lock may use it. NULL or what is wrong. */
static const char *take_part (emp_output_t *self, mode_t mode)
{
    assert (self->part);
    self->fd = open (self->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (self->fd < 0)
        return strerror (errno);
    if (flock (self->fd, LOCK_EX | LOCK_NB) != 0 || !is_still_there (self)) {
        close (self->fd);
        self->fd = -1;
        return "it is being written by another run";
    }
    if (ftruncate (self->fd, 0) != 0 || (mode && fchmod (self->fd, mode) != 0))
        return strerror (errno);
    return NULL;
}

emp_status_t emp_output_open (const char *path, emp_output_t **ret_self, char ret_why[EMP_OUTPUT_WHY_MAX])
{
    assert (path && ret_self);
    kind_t kind;
    if (!find_kind (path, &kind)) {
        snprintf (ret_why, EMP_OUTPUT_WHY_MAX, "found '%.4096s', expected " EMP_OUTPUT_EXPECTED, path);
        return EMP_INVALID;
    }
    emp_output_t *self = calloc (1, sizeof *self);
    if (!self) {
        snprintf (ret_why, EMP_OUTPUT_WHY_MAX, "out of memory");
        return EMP_NOMEM;
    }
    self->kind = kind;
    self->fd = -1;
    emp_buf_init (&self->line, EMP_LINES_MAX);
    mode_t mode = 0;
    const char *fault = name_all (self, path) ? find_fault (self, &mode) : strerror (errno);
    if (!fault)
        fault = take_part (self, mode);
    if (!fault) {
        *ret_self = self;
        return EMP_OK;
    }
    snprintf (ret_why, EMP_OUTPUT_WHY_MAX, "cannot write '%.4096s': %s", path, fault);
    emp_output_destroy (&self);
    return EMP_INVALID;
}

void emp_output_destroy (emp_output_t **self_p)
{
    emp_output_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->fd >= 0) {
        if (self->part)
            unlink (self->part);
        close (self->fd);
    }
    free (self->path);
    free (self->part);
    free (self->folder);
    emp_buf_release (&self->line);
    free (self);
}

const char *emp_output_folder (const emp_output_t *self)
{
    return self->folder;
}

const char *emp_output_database (const emp_output_t *self)
{
    return self->kind == DATABASE ? self->part : NULL;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

static emp_lines_kind_t lines_of (const emp_output_t *self)
{
    return self->kind == CSV ? EMP_LINES_CSV : EMP_LINES_JSONL;
}

/* Lines on their way to the file. */
typedef struct {
    emp_output_t *output;
    FILE *out;
} lines_t;

static emp_status_t write_out (const lines_t *self)
{
    emp_buf_t *line = &self->output->line;
    bool good = fwrite (line->data, 1, line->size, self->out) == line->size;
    emp_buf_clear (line);
    return good ? EMP_OK : EMP_SYSTEM;
}

static emp_status_t line_end (void *arg)
{
    const lines_t *self = arg;
    return self->output->line.size < EMP_LINES_PIECE ? EMP_OK : write_out (self);
}

static emp_status_t write_entry (emp_output_t *self, const emp_entry_t *entry, FILE *out)
{
    lines_t lines = {self, out};
    emp_buf_clear (&self->line);
    emp_status_t status = emp_lines_add (lines_of (self), &self->line, entry->label, entry->number, entry->data,
                                         entry->size, line_end, &lines);
    if (status == EMP_OK && self->line.size)
        status = write_out (&lines);
    return status == EMP_OK || status == EMP_SYSTEM ? status : EMP_NOMEM;
}

static emp_status_t write_entries (emp_output_t *self, emp_results_t *results, FILE *out)
{
    emp_buf_clear (&self->line);
    emp_lines_begin (lines_of (self), &self->line);
    if (self->line.broken)
        return EMP_NOMEM;
    if (self->line.size && fwrite (self->line.data, 1, self->line.size, out) != self->line.size)
        return EMP_SYSTEM;
    emp_entry_t entry;
    emp_status_t status = EMP_OK;
    for (uint64_t i = 0; status == EMP_OK && emp_results_at (results, i, &entry); i++)
        if (entry.outcome == EMP_OUTCOME_DONE)
            status = write_entry (self, &entry, out);
    return status;
}

/* ---- the file ---------------------------------------------------------------------------------------------------------- */

static emp_status_t write_lines (emp_output_t *self, emp_results_t *results)
{
    int fd = fcntl (self->fd, F_DUPFD_CLOEXEC, 0);
    FILE *out = fd >= 0 ? fdopen (fd, "w") : NULL;
    if (!out) {
        int why = errno;
        if (fd >= 0)
            close (fd);
        errno = why;
        return EMP_SYSTEM;
    }
    emp_status_t status = write_entries (self, results, out);
    int why = errno;
    if (fclose (out) != 0 && status == EMP_OK)
        return EMP_SYSTEM;
    errno = why;
    return status;
}

/* On the disk before it has the name: else a power cut between the two would leave neither the old file nor the new one. */
static emp_status_t replace (emp_output_t *self)
{
    if (fsync (self->fd) != 0 || rename (self->part, self->path) != 0)
        return EMP_SYSTEM;
    free (self->part);
    self->part = NULL;
    return EMP_OK;
}

emp_status_t emp_output_write (emp_output_t *self, emp_results_t *results, char ret_why[EMP_OUTPUT_WHY_MAX])
{
    assert (self && self->part && results);
    emp_status_t status = self->kind == DATABASE ? emp_results_publish (results) : write_lines (self, results);
    int error = errno;
    const char *why = emp_results_why (results);
    if (status == EMP_OK && *why)
        status = EMP_SYSTEM; /* what found no room is not in it */
    if (status == EMP_OK) {
        status = replace (self);
        error = errno;
    }
    if (status != EMP_OK)
        snprintf (ret_why, EMP_OUTPUT_WHY_MAX, "cannot write '%.4096s': %.4300s", self->path,
                  *why                   ? why
                  : status == EMP_SYSTEM ? strerror (error)
                                         : emp_status_text (status));
    return status;
}
