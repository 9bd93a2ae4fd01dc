/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - commands from standard input to the recorders, reports of all of them on standard output, as they come.
 *
 *     cc -o example-radio manager.c $(pkg-config --cflags --libs eisenmp) -lpthread
 *     example-radio [RECORDERS [FOLDER]]                  2 recorders, folder recordings
 *
 *     0 create jazz http://127.0.0.1:8000/jazz            the first word is the recorder, counted from 0; the others: radio.c
 *     0 listen
 *
 * At the end of the input every recorder is told to quit. A recorder that takes the place of one that died says "ready" like
 * the first did, and is told again what its station is and whether to listen: as reported, since a command may be refused.
 *
 * Exits 0: every command was taken; 1: some were not, the report names them; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "example-radio"
#define RECORDERS_MAX 64
#define COMMANDS_MAX 100 /* that wait for a recorder */
#define REPORTS_MAX 1000 /* that wait for us */
#define COMMAND_ROOM 2048
#define AGAIN_MS 1000 /* to put a command again; the reader of reports may not wait for ever */

typedef struct {
    emp_queue_t *queue;
    bool seen;                  /* has said ready */
    bool listening;             /* has said so last */
    bool told_to_stop;          /* or to quit, and not to listen after that */
    char created[COMMAND_ROOM]; /* the last create that it obeyed, or "" */
    char asked[COMMAND_ROOM];   /* the last create that it was given and has not refused, or "" */
} recorder_t;

typedef struct {
    emp_t *emp;
    emp_queue_t *reports;
    pthread_mutex_t lock; /* of what is remembered of the recorders */
    recorder_t recorders[RECORDERS_MAX];
    unsigned long count;
} radio_t;

/* ---- commands ------------------------------------------------------------------------------------------------ */

/* One command a ticket. */
static bool put (const recorder_t *recorder, const char *command, int timeout_ms)
{
    msgpack_sbuffer rows;
    msgpack_packer pk;
    msgpack_sbuffer_init (&rows);
    msgpack_packer_init (&pk, &rows, msgpack_sbuffer_write);
    msgpack_pack_str_with_body (&pk, command, strlen (command));
    emp_status_t status = emp_queue_put_wait (recorder->queue, rows.data, rows.size, timeout_ms);
    msgpack_sbuffer_destroy (&rows);
    if (status)
        fprintf (stderr, PROGRAM ": %s: '%s': %s\n", emp_queue_name (recorder->queue), command,
                 emp_status_text (status));
    return status == EMP_OK;
}

static bool begins_with (const char *text, const char *word)
{
    return !strncmp (text, word, strlen (word));
}

/* What was asked for last and may not have been done yet. */
static void remember_command (radio_t *self, recorder_t *recorder, const char *command)
{
    pthread_mutex_lock (&self->lock);
    if (begins_with (command, "create "))
        snprintf (recorder->asked, sizeof recorder->asked, "%s", command);
    if (!strcmp (command, "listen"))
        recorder->told_to_stop = false;
    if (!strcmp (command, "stop") || !strcmp (command, "quit"))
        recorder->told_to_stop = true;
    pthread_mutex_unlock (&self->lock);
}

/* "<n> <command>"; what it is no recorder for is told and left out. */
static void pass_on (radio_t *self, char *line)
{
    for (size_t size = strlen (line); size && strchr (" \t\r\n", line[size - 1]); size--)
        line[size - 1] = '\0';
    char *command;
    unsigned long number = strtoul (line, &command, 10);
    if (!*line)
        return;
    if (command == line || *command != ' ' || number >= self->count || strlen (command) >= COMMAND_ROOM) {
        fprintf (stderr, PROGRAM ": found '%.80s', expected a recorder, 0 to %lu, and a command\n", line,
                 self->count - 1);
        return;
    }
    command += strspn (command, " ");
    remember_command (self, &self->recorders[number], command);
    put (&self->recorders[number], command, -1);
}

static void read_commands (radio_t *self)
{
    char *line = NULL;
    size_t room = 0;
    while (getline (&line, &room, stdin) >= 0)
        pass_on (self, line);
    free (line);
    for (unsigned long i = 0; i < self->count; i++) {
        remember_command (self, &self->recorders[i], "quit");
        put (&self->recorders[i], "quit", -1);
    }
}

/* ---- reports ------------------------------------------------------------------------------------------------- */

/* What was done: all that a process which takes this one's place has to know. */
static void remember_report (radio_t *self, recorder_t *recorder, const char *what)
{
    pthread_mutex_lock (&self->lock);
    if (begins_with (what, "created ")) {
        snprintf (recorder->created, sizeof recorder->created, "create %.*s", COMMAND_ROOM - 8,
                  what + strlen ("created "));
        memcpy (recorder->asked, recorder->created, sizeof recorder->asked);
    }
    if (begins_with (what, "refused create:"))
        memcpy (recorder->asked, recorder->created, sizeof recorder->asked);
    if (begins_with (what, "listening "))
        recorder->listening = true;
    if (begins_with (what, "stopped ") || begins_with (what, "ended ") || begins_with (what, "failed "))
        recorder->listening = false;
    pthread_mutex_unlock (&self->lock);
}

/* A process has come. The second one of a number knows nothing of what the first has done. What the first has not given back
 * is done before what is put here: so no recording that it was told to stop, and no station but the one asked for last. */
static void welcome (radio_t *self, recorder_t *recorder)
{
    char create[COMMAND_ROOM];
    pthread_mutex_lock (&self->lock);
    bool listening = recorder->listening && !recorder->told_to_stop;
    memcpy (create, listening ? recorder->created : recorder->asked, sizeof create);
    bool again = recorder->seen && create[0];
    recorder->seen = true;
    pthread_mutex_unlock (&self->lock);
    if (again && put (recorder, create, AGAIN_MS) && listening)
        put (recorder, "listen", AGAIN_MS);
}

/* "<n> <what happened>" */
static void look_at (radio_t *self, const char *text)
{
    char *rest;
    unsigned long number = strtoul (text, &rest, 10);
    if (number >= self->count || *rest != ' ')
        return;
    if (begins_with (rest, " ready,"))
        welcome (self, &self->recorders[number]);
    else
        remember_report (self, &self->recorders[number], rest + 1);
}

/* Prints until no report will come any more, which is so when every command was given back and every report was read. */
static void *read_reports (void *arg)
{
    radio_t *self = arg;
    emp_chunk_t *chunk;
    while ((chunk = emp_queue_get (self->reports))) {
        for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
            const msgpack_object *row = emp_chunk_row (chunk, i);
            char text[2 * COMMAND_ROOM];
            if (row->type != MSGPACK_OBJECT_STR)
                continue;
            snprintf (text, sizeof text, "%.*s", (int) row->via.str.size, row->via.str.ptr);
            printf ("%s\n", text);
            fflush (stdout);
            look_at (self, text);
        }
        emp_chunk_done (&chunk);
    }
    return NULL;
}

/* ---- the run ------------------------------------------------------------------------------------------------- */

static bool make_queues (radio_t *self)
{
    int wrong = emp_queue_create (self->emp, "com_out", REPORTS_MAX);
    for (unsigned long i = 0; i < self->count && !wrong; i++) {
        char name[32];
        snprintf (name, sizeof name, "com_in_%lu", i);
        wrong = emp_queue_create (self->emp, name, COMMANDS_MAX);
        self->recorders[i].queue = emp_queue (self->emp, name);
    }
    self->reports = emp_queue (self->emp, "com_out");
    return !wrong;
}

static bool configure (radio_t *self, const char *folder)
{
    int wrong = 0;
    wrong |= emp_config_set_string (self->emp, "RESULT_LABEL", "radio");
    wrong |= emp_config_set_int (self->emp, "PROCS_MAX", (int64_t) self->count);
    wrong |= emp_config_set_bool (self->emp, "RESULTS_STORE", false); /* they were reports before */
    wrong |= emp_config_set_bool (self->emp, "RESULTS_PRINT", false);
    wrong |= emp_config_set_string (self->emp, "folder", folder); /* no key of eisenmp: the recorders read it */
    wrong |= emp_config_add_module (self->emp, "radio.so", "worker_entrance");
    return !wrong && make_queues (self);
}

/* Starts everything, hands commands to and fro, and waits for the end. */
static int run (radio_t *self, const char *folder)
{
    pthread_t reader;
    if (!configure (self, folder) || emp_start (self->emp)) {
        fprintf (stderr, PROGRAM ": %s\n", emp_error (self->emp));
        return 2;
    }
    if (pthread_create (&reader, NULL, read_reports, self)) {
        fprintf (stderr, PROGRAM ": no thread can be started\n");
        return 2;
    }
    read_commands (self);
    emp_status_t status = emp_wait (self->emp);
    pthread_join (reader, NULL);
    if (status) {
        emp_report (self->emp, stderr);
        fprintf (stderr, PROGRAM ": %s\n", emp_error (self->emp));
    }
    return status == EMP_OK ? 0 : status == EMP_INVALID ? 2 : 1; /* invalid: the workers could not start */
}

int main (int argc, char **argv)
{
    static radio_t radio = {.lock = PTHREAD_MUTEX_INITIALIZER, .count = 2};
    char *end = "";
    if (argc > 1)
        radio.count = strtoul (argv[1], &end, 10);
    if (argc > 3 || *end || radio.count < 1 || radio.count > RECORDERS_MAX || (argc > 2 && !argv[2][0])) {
        fprintf (stderr, "usage: " PROGRAM " [RECORDERS [FOLDER]] <COMMANDS\n");
        return 2;
    }
    radio.emp = emp_new ();
    if (!radio.emp) {
        fprintf (stderr, PROGRAM ": out of memory\n");
        return 2;
    }
    int code = run (&radio, argc > 2 ? argv[2] : "recordings");
    emp_destroy (&radio.emp);
    return code;
}
