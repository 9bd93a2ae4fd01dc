/* SPDX-License-Identifier: BSD-3-Clause
 *
 * listreduce.c - a worker module: which rows have the letters of one of the words that the attribute `searched` lists? A row
 * is a word; a result is {searched: word}, for each of the searched words that it is an anagram of. No list, since a report
 * prints a list as the rows that are in it.
 *
 *     cc -shared -fPIC -O2 -o listreduce.so listreduce.c $(pkg-config --cflags eisenmp)
 */
#include <eisenmp.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64 /* bytes of a searched word at the most */

typedef struct {
    const msgpack_object *text; /* an attribute's: good for the life of the process */
    unsigned char letters[WORD_MAX];
} searched_t;

/* Kept in the MULTI_TOOL. */
typedef struct {
    size_t count;
    searched_t words[];
} search_t;

/* The bytes of a word from the lowest to the highest, with small letters for large ones. False when it has too many. */
static bool sort_letters (const msgpack_object *word, unsigned char letters[WORD_MAX])
{
    if (word->type != MSGPACK_OBJECT_STR || word->via.str.size > WORD_MAX)
        return false;
    for (size_t count = 0; count < word->via.str.size; count++) {
        unsigned char letter = (unsigned char) word->via.str.ptr[count];
        if (letter >= 'A' && letter <= 'Z')
            letter |= 0x20;
        size_t place = count;
        for (; place > 0 && letters[place - 1] > letter; place--)
            letters[place] = letters[place - 1];
        letters[place] = letter;
    }
    return true;
}

/* NULL: there is no such attribute, one of it is no word or has too many bytes, or no memory. */
static search_t *new_search (emp_toolbox_t *toolbox)
{
    const msgpack_object *list = emp_toolbox_get (toolbox, "searched");
    if (!list || list->type != MSGPACK_OBJECT_ARRAY)
        return NULL;
    search_t *self = calloc (1, sizeof *self + list->via.array.size * sizeof (searched_t));
    for (; self && self->count < list->via.array.size; self->count++) {
        searched_t *word = &self->words[self->count];
        word->text = &list->via.array.ptr[self->count];
        if (!sort_letters (word->text, word->letters)) {
            free (self);
            return NULL;
        }
    }
    return self;
}

static void answer (const search_t *self, const msgpack_object *row, msgpack_packer *result)
{
    unsigned char letters[WORD_MAX];
    bool sorted = false;
    for (size_t i = 0; i < self->count; i++) {
        const searched_t *word = &self->words[i];
        if (row->via.str.size != word->text->via.str.size) /* most rows end here, unsorted */
            continue;
        sorted = sorted || sort_letters (row, letters);
        if (memcmp (letters, word->letters, row->via.str.size) != 0)
            continue;
        msgpack_pack_map (result, 1);
        msgpack_pack_object (result, *word->text);
        msgpack_pack_object (result, *row);
    }
}

/* Called again and again, until it says false. */
bool worker_entrance (emp_toolbox_t *toolbox)
{
    search_t *search = emp_toolbox_multi_tool (toolbox);
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk) {
        free (search);
        emp_toolbox_set_multi_tool (toolbox, NULL);
        return false; /* the queue has stopped */
    }
    if (!search) {
        search = new_search (toolbox);
        emp_toolbox_set_multi_tool (toolbox, search);
    }
    if (!search) {
        emp_chunk_fail (&chunk, "searched: expected a list of words of at most %d bytes, and memory for it", WORD_MAX);
        return true;
    }
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
        const msgpack_object *row = emp_chunk_row (chunk, i);
        if (row->type != MSGPACK_OBJECT_STR) {
            emp_chunk_fail (&chunk, "row %zu is no text", i);
            return true;
        }
        answer (search, row, emp_chunk_result (chunk));
    }
    emp_chunk_done (&chunk);
    return true;
}
