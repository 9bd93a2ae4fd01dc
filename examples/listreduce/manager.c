/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - what job.yaml says, as a program: the anagrams of several words in one run, printed word by word.
 *
 *     cc -o example-listreduce manager.c $(pkg-config --cflags --libs eisenmp)
 *     example-listreduce [WORD...]          without words: eight of them
 *
 * Exits 0: every ticket was answered; 1: some were not; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROGRAM "example-listreduce"
#define LISTS 2
#define WORD_MAX 64 /* bytes of a searched word at the most, as in listreduce.c */

/* ---- the generator ----------------------------------------------------------------------------------------- */

/* A list of words, a line each. The feeder's thread is the only one that reads it while the run goes on. */
typedef struct {
    const char *path, *name; /* name: of its tickets in headers */
    FILE *file;
    char *line;
    size_t room;
} list_t;

static bool next_word (emp_generator_t *generator, msgpack_packer *row)
{
    list_t *list = emp_generator_arg (generator);
    errno = 0;
    ssize_t size = getline (&list->line, &list->room, list->file);
    if (size < 0) {
        if (ferror (list->file))
            emp_generator_fail (generator, "%s: %s", list->path, strerror (errno));
        return false;
    }
    size -= list->line[size - 1] == '\n';
    msgpack_pack_str_with_body (row, list->line, (size_t) size);
    return true;
}

static bool open_lists (list_t lists[LISTS])
{
    for (size_t i = 0; i < LISTS; i++) {
        lists[i].file = fopen (lists[i].path, "r");
        if (!lists[i].file) {
            fprintf (stderr, PROGRAM ": %s: %s\n", lists[i].path, strerror (errno));
            return false;
        }
    }
    return true;
}

static void close_lists (list_t lists[LISTS])
{
    for (size_t i = 0; i < LISTS; i++) {
        if (lists[i].file)
            fclose (lists[i].file);
        free (lists[i].line);
    }
}

/* ---- the answers ------------------------------------------------------------------------------------------- */

typedef struct {
    char **words; /* of one searched word, each once, in the order of a dictionary */
    size_t count, room;
} answers_t;

static bool make_room (answers_t *self)
{
    if (self->count < self->room)
        return true;
    size_t room = self->room ? 2 * self->room : 8;
    char **words = realloc (self->words, room * sizeof *words);
    if (!words)
        return false;
    self->words = words;
    self->room = room;
    return true;
}

/* Keeps one spelling of each: of Mango and mango the latter, since small letters are above large ones. False: no memory. */
static bool add_answer (answers_t *self, const msgpack_object *text)
{
    char *word = strndup (text->via.str.ptr, text->via.str.size);
    size_t place = 0;
    while (word && place < self->count && strcasecmp (self->words[place], word) < 0)
        place++;
    if (place < self->count && word && strcasecmp (self->words[place], word) == 0) {
        bool better = strcmp (word, self->words[place]) > 0;
        free (better ? self->words[place] : word);
        if (better)
            self->words[place] = word;
        return true;
    }
    if (!word || !make_room (self)) {
        free (word);
        return false;
    }
    memmove (&self->words[place + 1], &self->words[place], (self->count++ - place) * sizeof *self->words);
    self->words[place] = word;
    return true;
}

/* A result is {searched: word}. False: some found no memory. */
static bool print_answers (emp_t *emp, const char *searched)
{
    answers_t answers = {.count = 0};
    bool whole = true;
    emp_walk_t walk = {.order = EMP_ORDER_ARRIVAL};
    emp_result_t result;
    while (emp_result_next (emp, &walk, &result) == EMP_OK) {
        const msgpack_object_kv *pair = result.value->via.map.ptr;
        if (pair->key.via.str.size == strlen (searched) && !memcmp (pair->key.via.str.ptr, searched, strlen (searched)))
            whole = add_answer (&answers, &pair->val) && whole;
    }
    printf ("%s:", searched);
    for (size_t i = 0; i < answers.count; i++) {
        printf (" %s", answers.words[i]);
        free (answers.words[i]);
    }
    printf (answers.count ? "\n" : " none\n");
    free (answers.words);
    if (!whole)
        fprintf (stderr, PROGRAM ": %s: out of memory: some answers are not there\n", searched);
    return whole;
}

/* ---- the run ----------------------------------------------------------------------------------------------- */

static bool set_searched (emp_t *emp, char **words, size_t count)
{
    msgpack_sbuffer packed;
    msgpack_packer list;
    msgpack_sbuffer_init (&packed);
    msgpack_packer_init (&list, &packed, msgpack_sbuffer_write);
    msgpack_pack_array (&list, count);
    for (size_t i = 0; i < count; i++)
        msgpack_pack_str_with_body (&list, words[i], strlen (words[i]));
    emp_status_t status = emp_config_set_msgpack (emp, "searched", packed.data, packed.size);
    msgpack_sbuffer_destroy (&packed);
    return status == EMP_OK;
}

static bool start (emp_t *emp, list_t lists[LISTS], char **words, size_t count)
{
    bool good = set_searched (emp, words, count) && !emp_config_set_int (emp, "ROWS_MAX", 10000) &&
                !emp_config_add_module (emp, "listreduce.so", "worker_entrance") && !emp_start (emp);
    for (size_t i = 0; good && i < LISTS; i++)
        good = !emp_run_q_feeder (emp, next_word, &lists[i], NULL, lists[i].name);
    return good;
}

/* Starts everything, waits for the end, prints what was found. */
static int run (emp_t *emp, list_t lists[LISTS], char **words, size_t count)
{
    if (!start (emp, lists, words, count)) {
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
        return 2;
    }
    emp_status_t status = emp_wait (emp);
    bool whole = true;
    for (size_t i = 0; i < count; i++)
        whole = print_answers (emp, words[i]) && whole;
    emp_summary_t summary;
    emp_summary (emp, &summary);
    if (summary.workers_lost)
        fprintf (stderr, PROGRAM ": %llu worker processes were lost\n", (unsigned long long) summary.workers_lost);
    if (status)
        fprintf (stderr, PROGRAM ": %s\n", emp_error (emp));
    return status == EMP_OK ? !whole : status == EMP_INVALID ? 2 : 1; /* invalid: the workers could not start */
}

static bool are_words (char **words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!*words[i] || strlen (words[i]) > WORD_MAX) {
            fprintf (stderr, PROGRAM ": found '%.80s', expected words of 1 to %d bytes\n", words[i], WORD_MAX);
            return false;
        }
    return true;
}

int main (int argc, char **argv)
{
    static char *eight[] = {"AMGNO",     "AACEFHKLMSS", "DIKKLOOR",    "BEEINNRST",
                            "CEEHNNRST", "EEHINORST",   "EEEFFIKORRS", "CFHHILORRS"};
    char **words = argc > 1 ? argv + 1 : eight;
    size_t count = argc > 1 ? (size_t) argc - 1 : sizeof eight / sizeof *eight;
    if (words[0][0] == '-') {
        fprintf (stderr, "usage: " PROGRAM " [WORD...]\n");
        return 2;
    }
    if (!are_words (words, count))
        return 2;
    list_t lists[LISTS] = {{.path = "/usr/share/dict/american-english-huge", .name = "english"},
                           {.path = "/usr/share/dict/ngerman", .name = "german"}};
    emp_t *emp = emp_new ();
    int code = 2;
    if (!emp)
        fprintf (stderr, PROGRAM ": out of memory\n");
    else if (open_lists (lists))
        code = run (emp, lists, words, count);
    emp_destroy (&emp); /* ends the feeders' threads; only then may the lists go */
    close_lists (lists);
    return code;
}
