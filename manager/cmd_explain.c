/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cmd_explain.c - `eisenmp explain TICKET FILE`: the life of a ticket.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "journal_form.h"
#include "life.h"

typedef struct {
    const char *ticket, *file;
} options_t;

static error_t take_option (int key, char *arg, struct argp_state *state)
{
    options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (!options->ticket)
            options->ticket = arg;
        else if (!options->file)
            options->file = arg;
        else
            argp_error (state, "one ticket of one file at a time; found \"%s\" behind \"%s\"", arg, options->file);
        return 0;
    case ARGP_KEY_END:
        if (!options->file)
            argp_error (state, options->ticket ? "the file of a run is needed behind the ticket"
                                               : "a ticket and the file of a run are needed");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* Kinds of files that have lives of tickets, by what they have at the front. */
static const struct {
    size_t at;
    const char *mark;
    size_t size;
    emp_life_read_fn *read;
} readers[] = {
    {0, "SQLite format 3", 16, emp_life_of_results},
    {EMP_JOURNAL_MARK_AT, EMP_JOURNAL_MARK, sizeof EMP_JOURNAL_MARK - 1, emp_life_of_journal},
    {EMP_JOURNAL_SECOND_AT, EMP_JOURNAL_MARK, sizeof EMP_JOURNAL_MARK - 1,
     emp_life_of_journal}, /* the first is damaged */
};
#define READERS (sizeof readers / sizeof *readers)

/* The reader of a file; NULL: a sentence was said. */
static emp_life_read_fn *find_reader (const char *path)
{
    char head[128];
    struct stat is;
    errno = 0;
    if (stat (path, &is) == 0 && !S_ISREG (is.st_mode) && !S_ISDIR (is.st_mode)) {
        fprintf (stderr, "eisenmp: %s: not a regular file\n", path); /* a pipe would be waited for */
        return NULL;
    }
    FILE *file = fopen (path, "re");
    size_t size = file ? fread (head, 1, sizeof head, file) : 0;
    int why = !file || ferror (file) ? (errno ? errno : EIO) : 0;
    if (file)
        fclose (file);
    for (size_t i = 0; i < READERS && !why; i++)
        if (size >= readers[i].at + readers[i].size &&
            memcmp (head + readers[i].at, readers[i].mark, readers[i].size) == 0)
            return readers[i].read;
    fprintf (
        stderr, "eisenmp: %s: %s\n", path,
        why ? strerror (why)
            : "neither a results file nor a journal; `eisenmp run --results FILE.db` or `--journal FILE` writes one");
    return NULL;
}

int emp_cmd_explain (int argc, char **argv)
{
    options_t options = {0};
    const struct argp argp = {
        NULL,
        take_option,
        "TICKET FILE",
        "Tells the life of a ticket: every attempt at it, by whom, how it ended, and what came "
        "of it.\v"
        "TICKET is what a header or the report calls it, in quotes: 'mp_input_q (default);_TID_7'; or _TID_7 or 7, "
        "when "
        "one queue only has such a ticket. FILE is what `eisenmp run --results FILE.db` has written, or `--journal "
        "FILE`, also while the run is on or when it was killed. Times are the "
        "manager's clock, rows are counted from 0.\nExit status: 0 it was told, 2 no such file or ticket.",
        NULL,
        NULL,
        NULL};
    argp_parse (&argp, argc, argv, 0, NULL, &options);
    emp_ticket_name_t name;
    if (!emp_life_parse (options.ticket, &name)) {
        fprintf (stderr,
                 "eisenmp: found \"%s\", expected a ticket, as \"mp_input_q (default);_TID_7\", \"_TID_7\" or \"7\"\n",
                 options.ticket);
        return 2;
    }
    emp_life_read_fn *read = find_reader (options.file);
    if (!read)
        return 2;
    char why[EMP_LIFE_WHY_MAX];
    emp_status_t status = read (options.file, &name, stdout, why);
    if (*why)
        fprintf (stderr, "eisenmp: %s\n", why);
    return status == EMP_OK ? 0 : 2;
}
