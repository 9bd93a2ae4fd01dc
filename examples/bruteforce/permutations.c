/* SPDX-License-Identifier: BSD-3-Clause
 *
 * permutations.c - a generator: every distinct order of the letters of the attribute `word`, in small letters. A row is a
 * text: for "Mama" aamm, amam, amma, maam, mama, mmaa.
 *
 *     cc -shared -fPIC -O2 -o permutations.so permutations.c $(pkg-config --cflags eisenmp)
 */
#include <eisenmp.h>
#include <stdlib.h>

#include "permute.h"

typedef struct {
    char letters[WORD_MAX];
    size_t count;
} state_t;

/* NULL, and the feed has failed, when `word` is no word. */
static state_t *begin (emp_generator_t *generator)
{
    const msgpack_object *word = emp_generator_config (generator, "word");
    state_t *state = calloc (1, sizeof *state);
    if (!state) {
        emp_generator_fail (generator, "out of memory");
        return NULL;
    }
    emp_generator_set_state (generator, state, free);
    if (word && word->type == MSGPACK_OBJECT_STR)
        state->count = sorted_letters (word->via.str.ptr, word->via.str.size, state->letters);
    if (state->count)
        return state;
    emp_generator_fail (generator, "word: expected a text of 1 to %d letters from A to Z", WORD_MAX);
    return NULL;
}

bool permutations (emp_generator_t *generator, msgpack_packer *row)
{
    state_t *state = emp_generator_state (generator);
    if (!state) {
        state = begin (generator);
        if (!state)
            return false;
    } else if (!next_permutation (state->letters, state->count))
        return false;
    msgpack_pack_str_with_body (row, state->letters, state->count);
    return true;
}
