/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bruteforce.c - a worker module: which rows are words? Rows are orders of the letters of the attribute `word`; word lists come
 * by mp_tools_q, as many as the attribute `lists` says, and every worker gets each of them once. A result is a word as its
 * list writes it; where that is both Mango and mango, the latter.
 *
 *     cc -shared -fPIC -O2 -o bruteforce.so bruteforce.c $(pkg-config --cflags eisenmp)
 */
#include <eisenmp.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE "permutations_q"
#define HASH_BASIS 14695981039346656037u /* of FNV-1a, 64 bits */
#define HASH_PRIME 1099511628211u

/* The words of all lists that could be it: of the right length and no other letters. Kept in the MULTI_TOOL. */
typedef struct {
    size_t length;       /* of the word, in letters */
    bool has[256];       /* bytes that the word has, in both cases */
    const char **places; /* spellings, `length` bytes in a list; NULL: free. Found by the hash, or behind it. */
    size_t room, used;   /* room is a power of 2, at least twice `used` */
    char wrong[128];     /* what is wrong with the lists; "" nothing */
} index_t;

/* Of letters in any case. The bit 0x20 is what tells a from A. */
static size_t place_of (const index_t *self, const char *text)
{
    uint64_t hash = HASH_BASIS;
    for (size_t i = 0; i < self->length; i++)
        hash = (hash ^ (uint64_t) (text[i] | 0x20)) * HASH_PRIME;
    return (hash ^ hash >> 32) & (self->room - 1);
}

static bool same (const index_t *self, const char *a, const char *b)
{
    for (size_t i = 0; i < self->length; i++)
        if ((a[i] | 0x20) != (b[i] | 0x20))
            return false;
    return true;
}

/* Where that word is, or would be. */
static const char **find (const index_t *self, const char *text)
{
    size_t place = place_of (self, text);
    while (self->places[place] && !same (self, self->places[place], text))
        place = (place + 1) & (self->room - 1);
    return &self->places[place];
}

static bool grow (index_t *self)
{
    index_t larger = *self;
    larger.room = self->room ? self->room * 2 : 256;
    larger.places = calloc (larger.room, sizeof *larger.places);
    if (!larger.places)
        return false;
    for (size_t i = 0; i < self->room; i++)
        if (self->places[i])
            *find (&larger, self->places[i]) = self->places[i];
    free (self->places);
    *self = larger;
    return true;
}

static bool could_be_it (const index_t *self, const msgpack_object *word)
{
    if (word->type != MSGPACK_OBJECT_STR || word->via.str.size != self->length)
        return false;
    for (size_t i = 0; i < self->length; i++)
        if (!self->has[(unsigned char) word->via.str.ptr[i]])
            return false;
    return true;
}

/* Texts of a tool stay where they are for the life of the process, so a pointer is enough. */
static bool add_list (index_t *self, const msgpack_object *list)
{
    if (list->type != MSGPACK_OBJECT_ARRAY) {
        snprintf (self->wrong, sizeof self->wrong, "mp_tools_q: expected a list of words");
        return true;
    }
    for (uint32_t i = 0; i < list->via.array.size; i++) {
        const msgpack_object *word = &list->via.array.ptr[i];
        if (!could_be_it (self, word))
            continue;
        if (self->used * 2 >= self->room && !grow (self))
            return false;
        const char **place = find (self, word->via.str.ptr);
        if (!*place)
            self->used++;
        if (!*place || memcmp (word->via.str.ptr, *place, self->length) > 0) /* small letters are above large ones */
            *place = word->via.str.ptr;
    }
    return true;
}

static void destroy (index_t **self_p)
{
    if (!*self_p)
        return;
    free ((*self_p)->places);
    free (*self_p);
    *self_p = NULL;
}

/* Takes the lists from mp_tools_q; this waits until they are there. False: there is no memory. */
static bool fill (index_t *self, emp_toolbox_t *toolbox)
{
    const char *word = emp_toolbox_string (toolbox, "word", "");
    self->length = strlen (word);
    for (size_t i = 0; i < self->length; i++)
        self->has[(unsigned char) (word[i] | 0x20)] = self->has[(unsigned char) (word[i] & ~0x20)] = true;
    bool good = grow (self);
    int64_t count = emp_toolbox_int (toolbox, "lists", 1);
    for (int64_t i = 0; good && i < count; i++) {
        emp_chunk_t *tool = emp_queue_get (emp_toolbox_queue (toolbox, "mp_tools_q"));
        if (!tool) {
            snprintf (self->wrong, sizeof self->wrong, "mp_tools_q: found %lld lists, expected %lld (attribute lists)",
                      (long long) i, (long long) count);
            break;
        }
        good = add_list (self, emp_chunk_row (tool, 0));
        emp_chunk_done (&tool);
    }
    return good;
}

/* Made in the first call. NULL: there is no memory. */
static index_t *get_index (emp_toolbox_t *toolbox)
{
    index_t *self = emp_toolbox_multi_tool (toolbox);
    if (self)
        return self;
    self = calloc (1, sizeof *self);
    if (self && !fill (self, toolbox))
        destroy (&self);
    emp_toolbox_set_multi_tool (toolbox, self);
    return self;
}

/* Called again and again, until it says false. */
bool worker_entrance (emp_toolbox_t *toolbox)
{
    index_t *index = get_index (toolbox);
    emp_chunk_t *chunk = index ? emp_queue_get (emp_toolbox_queue (toolbox, QUEUE)) : NULL;
    if (!chunk) {
        destroy (&index);
        emp_toolbox_set_multi_tool (toolbox, NULL);
        return false; /* the queue has stopped */
    }
    if (*index->wrong) {
        emp_chunk_fail (&chunk, "%s", index->wrong);
        return true;
    }
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
        const msgpack_object *row = emp_chunk_row (chunk, i);
        if (row->type != MSGPACK_OBJECT_STR || row->via.str.size != index->length) {
            emp_chunk_fail (&chunk, "row %zu is no text of %zu letters", i, index->length);
            return true;
        }
        const char *spelling = *find (index, row->via.str.ptr);
        if (spelling)
            msgpack_pack_str_with_body (emp_chunk_result (chunk), spelling, index->length);
    }
    emp_chunk_done (&chunk);
    return true;
}
