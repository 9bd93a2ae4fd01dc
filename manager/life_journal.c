/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life_journal.c - a ticket's life out of a journal, opened read only: of a run that is on, was killed, or is over.
 *
 * A journal holds the records of all runs that went on with each other; what came of a ticket is what the last of them says that
 * tells of its end. A file that was rewritten has lost what was of no use to a run that goes on (journal.c): answers that do not
 * count, the oldest attempts, and runs that have neither.
 * Cost: the file is read twice, since workers may be told of behind what they did; memory for the records of one number.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/how.h"
#include "../common/scan.h"
#include "journal_read.h"
#include "life.h"

#define EVENTS_MAX 100000u /* of one number */

/* A record that tells of the ticket. */
typedef struct {
    uint32_t kind, place, run;
    uint64_t session, left, offset;
    emp_life_event_t event; /* its texts are `text` and of the worker */
    char *text;
    char worker[EMP_LABEL_MAX + 1], host[EMP_HOST_MAX + 1];
} note_t;

typedef struct {
    const char *path;
    char *why;
    int fd;
    emp_journal_input_t input;
    uint64_t nonce, number;
    uint32_t run; /* of the record at hand: 1, 2… */
    uint64_t resumed_at[EMP_JOURNAL_FEEDS_MAX];
    emp_life_queue_t places[EMP_JOURNAL_FEEDS_MAX]; /* label "": there is no such place */
    size_t places_count;
    note_t *notes;
    size_t notes_count, notes_room;
    uint64_t more;             /* that found no room */
    bool closed;               /* the last run has ended by itself */
    uint64_t damages, damaged; /* places between records in which none can be read, and their bytes */
    uint64_t torn;             /* bytes behind the last record */
} book_t;

static emp_status_t say (book_t *self, emp_status_t status, const char *what)
{
    snprintf (self->why, EMP_LIFE_WHY_MAX, "%.4096s: %.4096s", self->path, what);
    return status;
}

/* ---- first pass: what is told of the number --------------------------------------------------------------------------- */

/* A ticket of that place is known. */
static void know (book_t *self, uint32_t place, uint64_t low, uint64_t high)
{
    if (place >= EMP_JOURNAL_FEEDS_MAX)
        return;
    emp_life_queue_t *queue = &self->places[place];
    queue->low = queue->ranges && queue->low < low ? queue->low : low;
    queue->high = queue->ranges && queue->high > high ? queue->high : high;
    queue->ranges = true;
    queue->has |= self->number >= low && self->number <= high;
}

static void name_place (book_t *self, const emp_journal_record_t *record)
{
    if (record->place >= EMP_JOURNAL_FEEDS_MAX)
        return;
    snprintf (self->places[record->place].label, sizeof self->places->label, "%.*s", (int) record->name_size,
              record->name);
    if (self->places_count <= record->place)
        self->places_count = record->place + 1;
}

static emp_life_kind_t kind_of (uint32_t kind)
{
    return kind == EMP_JOURNAL_ANSWER ? EMP_LIFE_ANSWERED : kind == EMP_JOURNAL_DEAD ? EMP_LIFE_DEAD : EMP_LIFE_TRY;
}

/* Why an attempt failed, or a ticket is dead; NULL: out of memory. */
static char *reason_of (const emp_journal_record_t *record)
{
    char how[EMP_HOW_TEXT_MAX + 1];
    msgpack_unpacked value;
    if (record->kind == EMP_JOURNAL_ANSWER)
        return strdup ("");
    if (record->kind == EMP_JOURNAL_ATTEMPT && record->size == 0 && record->fate == EMP_ATTEMPT_FAILED) {
        emp_how_text ((emp_how_t) record->how, record->code, how);
        return strdup (how);
    }
    if (record->kind == EMP_JOURNAL_ATTEMPT)
        return strndup ((const char *) record->data, record->size);
    msgpack_unpacked_init (&value);
    bool good =
        emp_scan_one (record->data, record->size, 1, &(size_t){0}) == EMP_OK &&
        msgpack_unpack_next (&value, (const char *) record->data, record->size, NULL) == MSGPACK_UNPACK_SUCCESS &&
        value.data.type == MSGPACK_OBJECT_STR;
    char *text = good ? strndup (value.data.via.str.ptr, value.data.via.str.size) : strdup ("");
    msgpack_unpacked_destroy (&value);
    return text;
}

static emp_status_t keep (book_t *self, uint64_t offset, const emp_journal_record_t *record)
{
    if (self->notes_count == EVENTS_MAX)
        return self->more++, EMP_OK;
    if (self->notes_count == self->notes_room) {
        size_t room = self->notes_room ? self->notes_room * 2 : 16;
        note_t *notes = realloc (self->notes, room * sizeof *notes);
        if (!notes)
            return EMP_NOMEM;
        self->notes = notes;
        self->notes_room = room;
    }
    size_t results = 0;
    if (record->kind == EMP_JOURNAL_ANSWER)
        (void) emp_scan (record->data, record->size, SIZE_MAX, &results);
    note_t *note = &self->notes[self->notes_count];
    *note = (note_t){.kind = record->kind,
                     .place = record->place,
                     .run = self->run,
                     .session = record->session,
                     .left = record->left,
                     .offset = offset};
    note->event = (emp_life_event_t){.kind = kind_of (record->kind),
                                     .attempt = record->attempt,
                                     .from = record->from,
                                     .rows = record->rows,
                                     .end = emp_history_end_word ((emp_attempt_end_t) record->fate),
                                     .results = results,
                                     .hash = record->hash,
                                     .at = record->when_us / 1000};
    note->text = reason_of (record);
    self->notes_count += note->text != NULL;
    return note->text ? EMP_OK : EMP_NOMEM;
}

static emp_status_t take (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    (void) extent;
    book_t *self = arg;
    switch (record->kind) {
    case EMP_JOURNAL_FEED: name_place (self, record); return EMP_OK;
    case EMP_JOURNAL_CLOSE: self->closed = true; return EMP_OK;
    case EMP_JOURNAL_RUN:
        self->closed = false;
        if (self->run < EMP_JOURNAL_FEEDS_MAX)
            self->resumed_at[self->run] = record->when_us / 1000;
        self->run++;
        return EMP_OK;
    case EMP_JOURNAL_PUTS:
        if (record->size >= 8)
            know (self, record->place, record->number, record->number + record->size / 8 - 1);
        return EMP_OK;
    case EMP_JOURNAL_ANSWER:
    case EMP_JOURNAL_DEAD:
    case EMP_JOURNAL_ATTEMPT:
        know (self, record->place, record->number, record->number);
        return record->number == self->number ? keep (self, offset, record) : EMP_OK;
    default: return EMP_OK;
    }
}

static emp_status_t count_damage (void *arg, uint64_t offset, uint64_t size)
{
    (void) offset;
    book_t *self = arg;
    self->damages++;
    self->damaged += size;
    return EMP_OK;
}

/* ---- second pass: who they were ---------------------------------------------------------------------------------------- */

static emp_status_t take_worker (void *arg, uint64_t offset, uint64_t extent, const emp_journal_record_t *record)
{
    (void) offset, (void) extent;
    book_t *self = arg;
    self->run += record->kind == EMP_JOURNAL_RUN;
    if (record->kind != EMP_JOURNAL_WORKER)
        return EMP_OK;
    for (size_t i = 0; i < self->notes_count; i++) {
        note_t *note = &self->notes[i];
        if (note->session != record->session || note->run != self->run)
            continue;
        snprintf (note->worker, sizeof note->worker, "%.*s", (int) record->name_size, record->name);
        snprintf (note->host, sizeof note->host, "%.*s", (int) record->host_size, record->host);
        note->event.pid = record->pid;
    }
    return EMP_OK;
}

/* ---- what is printed ----------------------------------------------------------------------------------------------------- */

static bool is_end (const note_t *note)
{
    return note->kind != EMP_JOURNAL_ATTEMPT;
}

/* What the last run says that tells of the ticket's end; its parts may have ended in any order, and after one of them
 * nothing was left. Returns all its rows, 0: not known. */
static uint64_t sum_up (const book_t *self, uint32_t place, emp_life_sum_t *sum)
{
    uint32_t run = 0;
    for (size_t i = 0; i < self->notes_count; i++) {
        const note_t *note = &self->notes[i];
        if (note->place != place || !is_end (note))
            continue;
        if (note->run != run) {
            sum->rows_answered = sum->rows_dead = 0;
            sum->missing = true;
        }
        run = note->run;
        *(note->kind == EMP_JOURNAL_DEAD ? &sum->rows_dead : &sum->rows_answered) += note->event.rows;
        sum->missing &= note->left > 0;
    }
    return sum->missing ? 0 : sum->rows_answered + sum->rows_dead;
}

/* Run by run: attempts as they were heard, then ends by row. */
static int compare (const void *left, const void *right)
{
    const note_t *a = left, *b = right;
    if (a->run != b->run)
        return a->run < b->run ? -1 : 1;
    if (is_end (a) != is_end (b))
        return is_end (a) ? 1 : -1;
    uint64_t of_a = is_end (a) ? a->event.from : a->offset, of_b = is_end (b) ? b->event.from : b->offset;
    return of_a < of_b ? -1 : of_a > of_b;
}

static void print_life (book_t *self, uint32_t place, FILE *out)
{
    emp_life_sum_t sum = {.queue = self->places[place].label,
                          .number = self->number,
                          .missing = true,
                          .open = !self->closed,
                          .damaged = self->damages > 0};
    uint64_t rows = sum_up (self, place, &sum);
    emp_life_print_sum (&sum, out);
    uint32_t run = 1;
    for (size_t i = 0; i < self->notes_count; i++) {
        note_t *note = &self->notes[i];
        if (note->place != place)
            continue;
        for (; run < note->run; run++)
            emp_life_print_event (&(emp_life_event_t){.kind = EMP_LIFE_RESUMED,
                                                      .at = run < EMP_JOURNAL_FEEDS_MAX ? self->resumed_at[run] : 0},
                                  out);
        emp_life_event_t event = note->event;
        event.worker = note->worker;
        event.host = note->host;
        event.reason = note->text;
        event.reason_size = strlen (note->text);
        event.half = event.rows > 0 && event.rows != rows;
        emp_life_print_event (&event, out);
    }
    if (self->more)
        fprintf (out, "  (%" PRIu64 " more records of this number were too many to be told)\n", self->more);
}

/* Places of one label are one queue to whoever asks. Returns how many labels there are. */
static size_t merge_labels (const book_t *self, emp_life_queue_t *labels)
{
    size_t count = 0;
    for (size_t i = 0; i < self->places_count; i++) {
        const emp_life_queue_t *place = &self->places[i];
        emp_life_queue_t *label = labels;
        while (label < labels + count && strcmp (label->label, place->label) != 0)
            label++;
        if (!*place->label)
            continue;
        if (label == labels + count)
            labels[count++] = *place;
        label->has |= place->has;
        if (place->ranges) {
            label->low = label->ranges && label->low < place->low ? label->low : place->low;
            label->high = label->ranges && label->high > place->high ? label->high : place->high;
            label->ranges = true;
        }
    }
    return count;
}

static emp_status_t print_lives (book_t *self, const emp_ticket_name_t *name, FILE *out)
{
    emp_life_queue_t *labels = calloc (self->places_count + 1, sizeof *labels);
    if (!labels)
        return say (self, EMP_NOMEM, "out of memory");
    size_t at = 0;
    char why[EMP_LIFE_WHY_MAX] = "";
    emp_status_t status = emp_life_pick (name, labels, merge_labels (self, labels), &at, why);
    if (status != EMP_OK)
        say (self, status, why);
    if (self->notes_count)
        qsort (self->notes, self->notes_count, sizeof *self->notes, compare);
    for (size_t i = 0; status == EMP_OK && i < self->places_count; i++)
        if (self->places[i].has && strcmp (self->places[i].label, labels[at].label) == 0)
            print_life (self, (uint32_t) i, out);
    free (labels);
    return status;
}

/* ---- the file -------------------------------------------------------------------------------------------------------------- */

static emp_status_t find_header (book_t *self)
{
    struct stat file;
    emp_journal_record_t header = {0};
    self->fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (self->fd < 0 || fstat (self->fd, &file) != 0)
        return say (self, EMP_INVALID, strerror (errno));
    self->input = emp_journal_file (&self->fd, realloc, (uint64_t) file.st_size);
    emp_status_t status = emp_journal_find_header (&self->input, &header);
    self->nonce = header.nonce;
    return status == EMP_OK       ? EMP_OK
           : status == EMP_TOOBIG ? say (self, EMP_INVALID, "a journal of another version of eisenmp")
           : status == EMP_NOMEM  ? say (self, status, "out of memory")
           : status == EMP_SYSTEM ? say (self, EMP_INVALID, strerror (errno))
                                  : say (self, EMP_INVALID, "it begins like a journal, and is none");
}

static emp_status_t read_file_twice (book_t *self)
{
    uint64_t end;
    const emp_journal_walk_t first = {.record = take, .damage = count_damage, .arg = self},
                             second = {.record = take_worker, .arg = self};
    emp_status_t status = emp_journal_scan (&self->input, self->nonce, 0, &first, &end);
    self->torn = self->input.size - end;
    self->run = 0;
    if (status == EMP_OK)
        status = emp_journal_scan (&self->input, self->nonce, 0, &second, &end);
    return status == EMP_OK      ? EMP_OK
           : status == EMP_NOMEM ? say (self, status, "out of memory")
                                 : say (self, EMP_INVALID, strerror (errno));
}

/* Behind what `why` says already, or alone. */
static void say_damage (book_t *self)
{
    char damaged[128] = "", torn[128] = "";
    if (self->damages)
        snprintf (damaged, sizeof damaged, "%" PRIu64 " bytes in %" PRIu64 " place%s of it are damaged", self->damaged,
                  self->damages, self->damages == 1 ? "" : "s");
    if (self->torn)
        snprintf (torn, sizeof torn, "%sits last %" PRIu64 " bytes are no whole record", *damaged ? ", " : "",
                  self->torn);
    if (!*damaged && !*torn)
        return;
    char what[sizeof damaged + sizeof torn + 64];
    snprintf (what, sizeof what, "%s%s: what is told may not be all", damaged, torn);
    size_t size = strlen (self->why);
    if (size)
        snprintf (self->why + size, EMP_LIFE_WHY_MAX - size, "; %s", what);
    else
        say (self, EMP_OK, what);
}

emp_status_t emp_life_of_journal (const char *path, const emp_ticket_name_t *name, FILE *out,
                                  char ret_why[EMP_LIFE_WHY_MAX])
{
    assert (path && name && out && ret_why);
    book_t *self = calloc (1, sizeof *self); /* half a MiB: a label for each place */
    if (!self) {
        snprintf (ret_why, EMP_LIFE_WHY_MAX, "out of memory");
        return EMP_NOMEM;
    }
    self->path = path;
    self->why = ret_why;
    *ret_why = '\0';
    self->number = name->number;
    emp_status_t status = find_header (self);
    if (status == EMP_OK)
        status = read_file_twice (self);
    if (status == EMP_OK) {
        status = print_lives (self, name, out);
        say_damage (self);
    }
    for (size_t i = 0; i < self->notes_count; i++)
        free (self->notes[i].text);
    free (self->notes);
    if (self->fd >= 0)
        close (self->fd);
    free (self);
    return status;
}
