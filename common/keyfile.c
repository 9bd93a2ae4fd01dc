/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyfile.c - see keyfile.h.
 *
 * czmq's own reader (zconfig) is not for files that others may have made: it prints what it finds wrong on standard output, which is
 * a run's results, and steps behind the end of its buffer when a line has more than 1024 bytes (4.2.1).
 */
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "utf8.h"
#include "value.h"

#define TEMPORARY ".eisenmp-new"
#define CUT 50 /* bytes of a text that are shown; a control character takes up to four for one */

__attribute__ ((format (printf, 2, 3))) static bool bad (char *ret_why, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (ret_why, EMP_KEYFILE_WHY_MAX, format, args);
    va_end (args);
    return false;
}

__attribute__ ((format (printf, 3, 4))) static emp_status_t fail (emp_status_t status, char *ret_why,
                                                                  const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (ret_why, EMP_KEYFILE_WHY_MAX, format, args);
    va_end (args);
    return status;
}

void emp_keyfile_piece (const char *text, size_t size, char *ret_piece)
{
    const uint8_t *start = (const uint8_t *) text;
    size_t shown = 0;
    while (shown < size && shown < CUT) {
        uint32_t code;
        size_t step = emp_utf8_step (start + shown, start + size, &code);
        shown += step > 0 ? step : 1;
    }
    char piece[EMP_KEYFILE_PIECE_MAX - 8] = "";
    FILE *out = fmemopen (piece, sizeof piece, "w");
    if (out) {
        emp_value_repr_text (out, text, shown);
        fclose (out);
    }
    snprintf (ret_piece, EMP_KEYFILE_PIECE_MAX, "%s%s", piece, shown < size ? "…" : "");
}

/* ---- text to fields --------------------------------------------------------------------------------------------------- */

/* What a line says behind its name: "" when nothing; NULL: malformed. */
static const char *value_of (char *at)
{
    at += strspn (at, " \t");
    if (*at == '\0' || *at == '#')
        return "";
    if (*at++ != '=')
        return NULL;
    at += strspn (at, " \t");
    if (*at == '"' || *at == '\'') {
        char *end = strchr (at + 1, *at);
        if (!end)
            return NULL;
        *end++ = '\0';
        end += strspn (end, " \t");
        return *end == '\0' || *end == '#' ? at + 1 : NULL;
    }
    at[strcspn (at, "#")] = '\0';
    for (size_t size = strlen (at); size && (at[size - 1] == ' ' || at[size - 1] == '\t'); size--)
        at[size - 1] = '\0';
    return at;
}

static bool take_since (const char *value, int64_t *ret_since)
{
    struct tm tm = {0};
    const char *end = strptime (value, "%Y-%m-%dT%H:%M:%SZ", &tm);
    *ret_since = end && *end == '\0' ? (int64_t) timegm (&tm) : -1;
    return *ret_since >= 0;
}

typedef struct {
    emp_keyfile_t *file;
    bool secret;
    bool in_curve, in_metadata; /* the section; neither: another one */
    unsigned seen;              /* a bit a field */
    char *why;
} reader_t;

static bool take_field (reader_t *self, int line, const char *name, const char *value)
{
    static const struct {
        bool of_curve;
        const char *name;
    } fields[] = {{true, "public-key"}, {true, "secret-key"}, {false, "role"}, {false, "since"}};
    unsigned field = 0, count = sizeof fields / sizeof *fields;
    while (field < count &&
           (!(fields[field].of_curve ? self->in_curve : self->in_metadata) || strcmp (fields[field].name, name) != 0))
        field++;
    if (field == count || (field == 1 && !self->secret))
        return true;
    if (self->seen & 1u << field)
        return bad (self->why, "line %d: found %s twice, expected it once", line, name);
    self->seen |= 1u << field;

    char piece[EMP_KEYFILE_PIECE_MAX], why[EMP_KEYRING_WHY_MAX];
    emp_keyfile_piece (value, strlen (value), piece);
    switch (field) {
    case 0:
        if (emp_key_check (value, why) != EMP_OK)
            return bad (self->why, "line %d: public-key: %.*s", line, EMP_KEYFILE_WHY_MAX - 40, why);
        memcpy (self->file->pair.public_key, value, EMP_KEY_SIZE + 1);
        return true;
    case 1:
        if (emp_key_check (value, why) != EMP_OK)
            return bad (self->why, "line %d: secret-key: expected %d characters of Z85, not all of them 0", line,
                        EMP_KEY_SIZE);
        memcpy (self->file->pair.secret_key, value, EMP_KEY_SIZE + 1);
        return true;
    case 2:
        self->file->role = emp_key_role_of (value);
        return self->file->role != EMP_KEY_UNSAID ||
               bad (self->why, "line %d: role: found %s, expected worker or manager", line, piece);
    default:
        return take_since (value, &self->file->since) ||
               bad (self->why, "line %d: since: found %s, expected a time as 2026-11-25T18:05:27Z", line, piece);
    }
}

static bool take_line (reader_t *self, int line, char *text)
{
    size_t indent = strspn (text, " ");
    char *name = text + indent;
    size_t length = strlen (name);
    while (length && strchr (" \t\r", name[length - 1]))
        name[--length] = '\0';
    if (*name == '\0' || *name == '#')
        return true;
    size_t size = strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$-_@.&+/");
    char *rest = name + size, at_rest = *rest;
    const char *value = size && indent % 4 == 0 ? value_of (rest) : NULL;
    if (!value) /* a piece of it is not shown: it may be a secret key */
        return bad (self->why, "line %d: found no ZPL, expected name = \"value\" behind four spaces a level", line);
    *rest = '\0';
    if (indent == 0) {
        self->in_curve = at_rest != '=' && strcmp (name, "curve") == 0;
        self->in_metadata = at_rest != '=' && strcmp (name, "metadata") == 0;
        return true;
    }
    return indent != 4 || take_field (self, line, name, value);
}

bool emp_keyfile_parse (const char *text, size_t size, bool secret, emp_keyfile_t *ret_file, char *ret_why)
{
    char copy[EMP_KEYFILE_MAX + 1];
    if (size > EMP_KEYFILE_MAX)
        return bad (ret_why, "found more than %d bytes, expected a file of one key", EMP_KEYFILE_MAX);
    if (memchr (text, 0, size))
        return bad (ret_why, "found a zero byte, expected text");
    memcpy (copy, text, size);
    copy[size] = '\0';
    emp_keyfile_t file = {0};
    reader_t reader = {.file = &file, .secret = secret, .why = ret_why};
    char *rest = copy;
    bool good = true;
    for (int line = 1; good && rest; line++)
        good = take_line (&reader, line, strsep (&rest, "\n"));
    if (good && !*file.pair.public_key)
        good = bad (ret_why, "found no public-key below curve, expected one");
    if (good && secret && !*file.pair.secret_key)
        good = bad (ret_why, "found no secret-key below curve, expected one");
    if (good)
        *ret_file = file;
    explicit_bzero (copy, sizeof copy);
    explicit_bzero (&file, sizeof file);
    return good;
}

size_t emp_keyfile_print (const emp_keyfile_t *self, char *ret_text)
{
    char since[EMP_SINCE_MAX], *at = ret_text, *end = ret_text + EMP_KEYFILE_MAX;
    bool secret = *self->pair.secret_key;
    at += snprintf (at, (size_t) (end - at), "#   ZeroMQ CURVE %s certificate%s\n", secret ? "**secret**" : "public",
                    secret ? ": for its owner's eyes only" : "");
    if (self->role || self->since > 0)
        at += snprintf (at, (size_t) (end - at), "metadata\n");
    if (self->role)
        at += snprintf (at, (size_t) (end - at), "    role = \"%s\"\n", emp_key_role_text (self->role));
    emp_key_since (self->since, since);
    if (self->since > 0)
        at += snprintf (at, (size_t) (end - at), "    since = \"%s\"\n", since);
    at += snprintf (at, (size_t) (end - at), "curve\n    public-key = \"%s\"\n", self->pair.public_key);
    if (secret)
        at += snprintf (at, (size_t) (end - at), "    secret-key = \"%s\"\n", self->pair.secret_key);
    return (size_t) (at - ret_text);
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

bool emp_keyfile_is_safe (const struct stat *is, bool secret, char *ret_why)
{
    if (is->st_uid != geteuid () && (secret || is->st_uid != 0))
        return bad (ret_why, "is owned by user %u, expected user %u%s", (unsigned) is->st_uid, (unsigned) geteuid (),
                    secret ? "" : " or root");
    unsigned forbidden = secret ? 077 : 022, mode = (unsigned) is->st_mode & 07777;
    if (mode & forbidden)
        return bad (ret_why, "has mode %04o, expected %04o: others may %s it", mode, mode & ~forbidden,
                    secret ? "read or change" : "write to");
    return true;
}

/* One byte more than may be is read, so that too much is seen. -1: errno. */
static ssize_t read_all (int fd, char *text, size_t room)
{
    size_t size = 0;
    while (size < room) {
        ssize_t n = read (fd, text + size, room - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        size += (size_t) n;
    }
    return (ssize_t) size;
}

static emp_status_t read_open (int fd, bool secret, emp_keyfile_t *ret_file, struct stat *ret_is, char *ret_why)
{
    struct stat is;
    if (fstat (fd, &is) != 0)
        return fail (EMP_SYSTEM, ret_why, "%s", strerror (errno));
    if (ret_is)
        *ret_is = is;
    if (!S_ISREG (is.st_mode))
        return fail (EMP_INVALID, ret_why, "found %s, expected a regular file",
                     S_ISDIR (is.st_mode) ? "a directory" : "a device, pipe or socket");
    if (!emp_keyfile_is_safe (&is, secret, ret_why))
        return EMP_REFUSED;
    char text[EMP_KEYFILE_MAX + 1];
    ssize_t size = read_all (fd, text, sizeof text);
    emp_status_t status = EMP_OK;
    if (size < 0)
        status = fail (EMP_SYSTEM, ret_why, "%s", strerror (errno));
    else if (!emp_keyfile_parse (text, (size_t) size, secret, ret_file, ret_why))
        status = EMP_INVALID;
    explicit_bzero (text, sizeof text);
    return status;
}

emp_status_t emp_keyfile_read (int folder, const char *name, bool secret, emp_keyfile_t *ret_file, struct stat *ret_is,
                               char *ret_why)
{
    if (ret_is)
        memset (ret_is, 0, sizeof *ret_is);
    int fd = openat (folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe is not waited for */
    if (fd < 0) {
        emp_status_t status = EMP_SYSTEM;
        if (errno == ENOENT)
            status = EMP_UNKNOWN;
        else if (errno == ELOOP || errno == ENXIO) /* a circle of links, a socket */
            status = EMP_INVALID;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
            status = EMP_NOMEM;
        return fail (status, ret_why, "%s", strerror (errno));
    }
    emp_status_t status = read_open (fd, secret, ret_file, ret_is, ret_why);
    close (fd);
    return status;
}

static bool write_all (int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t n = write (fd, text, size);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            text += n, size -= (size_t) n;
    }
    return fsync (fd) == 0;
}

/* The file under its temporary name; false: errno. One that a killed writer has left is no longer anybody's: we have the lock. */
static bool write_temporary (int folder, const emp_keyfile_t *self)
{
    char text[EMP_KEYFILE_MAX];
    unlinkat (folder, TEMPORARY, 0);
    int fd = openat (folder, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    size_t size = emp_keyfile_print (self, text);
    bool good = write_all (fd, text, size);
    explicit_bzero (text, sizeof text);
    int saved = errno;
    if (close (fd) != 0 && good)
        saved = errno, good = false;
    if (!good)
        unlinkat (folder, TEMPORARY, 0);
    errno = saved;
    return good;
}

emp_status_t emp_keyfile_write (int folder, const char *name, const emp_keyfile_t *self, bool replace, char *ret_why)
{
    if (!write_temporary (folder, self))
        return fail (EMP_SYSTEM, ret_why, "cannot be written: %s", strerror (errno));
    /* linkat, unlike renameat, never takes the place of a file that is there. */
    bool good =
        replace ? renameat (folder, TEMPORARY, folder, name) == 0 : linkat (folder, TEMPORARY, folder, name, 0) == 0;
    int saved = errno;
    if (!good || !replace)
        unlinkat (folder, TEMPORARY, 0);
    if (good && fsync (folder) == 0)
        return EMP_OK;
    saved = good ? errno : saved;
    return fail (saved == EEXIST ? EMP_EXISTS : EMP_SYSTEM, ret_why, "cannot be written: %s", strerror (saved));
}
