/* SPDX-License-Identifier: BSD-3-Clause
 *
 * manager.c - the anagrams of several words: a run for each word, all of them at once in this one program. Each has its own
 * generator and workers; the two lists are in memory once a run, and each worker gets them by mp_tools_q.
 *
 *     cc -o example-bruteforce manager.c $(pkg-config --cflags --libs eisenmp)
 *     example-bruteforce [WORD...]          without words: eight of them
 *
 * Exits 0: every ticket was answered; 1: some were not; 2: something is wrong with what was asked.
 */
#include <eisenmp.h>
#include <stdlib.h>
#include <string.h>

#include "permute.h"

#define PROGRAM "example-bruteforce"
#define QUEUE "permutations_q"
#define LISTS 2

static const struct {
    const char *key, *path;
} lists[LISTS] = {{"words", "/usr/share/dict/american-english-huge"}, {"woerter", "/usr/share/dict/ngerman"}};

/* ---- a run ------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *word;
    emp_t *emp;
    char letters[WORD_MAX]; /* the order that comes next; the generator's thread's */
    size_t count;
} search_t;

static bool permutations (emp_generator_t *generator, msgpack_packer *row)
{
    search_t *self = emp_generator_arg (generator);
    if (emp_generator_index (generator) > 0 && !next_permutation (self->letters, self->count))
        return false;
    msgpack_pack_str_with_body (row, self->letters, self->count);
    return true;
}

static bool configure (const search_t *self)
{
    int wrong = 0;
    wrong |= emp_config_set_string (self->emp, "word", self->word);
    wrong |= emp_config_set_int (self->emp, "lists", LISTS);
    wrong |= emp_config_set_int (self->emp, "PROCS_MAX", 2);
    wrong |= emp_config_set_int (self->emp, "ROWS_MAX", 20000);
    wrong |= emp_queue_create (self->emp, QUEUE, 16);
    wrong |= emp_config_add_module (self->emp, "bruteforce.so", "worker_entrance");
    for (size_t i = 0; i < LISTS && !wrong; i++)
        wrong |= emp_config_set_lines (self->emp, lists[i].key, lists[i].path) ||
                 emp_config_add_tool (self->emp, lists[i].key);
    return !wrong;
}

static bool start (search_t *self)
{
    self->count = sorted_letters (self->word, strlen (self->word), self->letters);
    if (!self->count) {
        fprintf (stderr, PROGRAM ": found '%s', expected words of 1 to %d letters from A to Z\n", self->word, WORD_MAX);
        return false;
    }
    self->emp = emp_new ();
    if (!self->emp) {
        fprintf (stderr, PROGRAM ": out of memory\n");
        return false;
    }
    if (configure (self) && !emp_start (self->emp) &&
        !emp_run_q_feeder (self->emp, permutations, self, emp_queue (self->emp, QUEUE), NULL))
        return true;
    fprintf (stderr, PROGRAM ": %s: %s\n", self->word, emp_error (self->emp));
    return false;
}

/* Prints the word and its anagrams, in the order in which they were tried. Returns an exit code. */
static int finish (search_t *self)
{
    emp_status_t status = emp_wait (self->emp);
    printf ("%s:", self->word);
    emp_walk_t walk = {.order = EMP_ORDER_TICKET};
    emp_result_t result;
    size_t found = 0;
    for (; emp_result_next (self->emp, &walk, &result) == EMP_OK; found++)
        printf (" %.*s", (int) result.value->via.str.size, result.value->via.str.ptr);
    printf (found ? "\n" : " none\n");
    emp_summary_t summary;
    emp_summary (self->emp, &summary);
    if (summary.workers_lost)
        fprintf (stderr, PROGRAM ": %s: %llu worker processes were lost\n", self->word,
                 (unsigned long long) summary.workers_lost);
    if (status)
        fprintf (stderr, PROGRAM ": %s: %s\n", self->word, emp_error (self->emp));
    return status == EMP_OK ? 0 : status == EMP_INVALID ? 2 : 1; /* invalid: the workers could not start */
}

/* All are started before the first is waited for. */
static int search_all (search_t *searches, size_t count)
{
    bool started = true;
    for (size_t i = 0; started && i < count; i++)
        started = start (&searches[i]);
    int worst = started ? 0 : 2;
    for (size_t i = 0; started && i < count; i++) {
        int code = finish (&searches[i]);
        worst = code > worst ? code : worst;
    }
    for (size_t i = 0; i < count; i++)
        emp_destroy (&searches[i].emp);
    return worst;
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
    search_t *searches = calloc (count, sizeof *searches);
    if (!searches) {
        fprintf (stderr, PROGRAM ": out of memory\n");
        return 2;
    }
    for (size_t i = 0; i < count; i++)
        searches[i].word = words[i];
    int code = search_all (searches, count);
    free (searches);
    return code;
}
