/* SPDX-License-Identifier: BSD-3-Clause
 *
 * permute.h - the letters of a word in every distinct order, in the order of a dictionary. For the two generators of
 * this folder.
 */
#ifndef PERMUTE_H
#define PERMUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WORD_MAX 20 /* letters; 20! is the last factorial that a row's number has room for */

/* The letters of a word, a to z whatever their case, from the first to the last of the alphabet. Returns how many they are,
 * 0 when this is no word of 1 to WORD_MAX such letters. */
static inline size_t sorted_letters (const char *word, size_t size, char letters[WORD_MAX])
{
    if (size > WORD_MAX)
        return 0;
    for (size_t count = 0; count < size; count++) {
        char letter = (char) (word[count] | 0x20);
        if (letter < 'a' || letter > 'z')
            return 0;
        size_t place = count;
        for (; place > 0 && letters[place - 1] > letter; place--)
            letters[place] = letters[place - 1];
        letters[place] = letter;
    }
    return size;
}

static inline void swap_letters (char *a, char *b)
{
    char letter = *a;
    *a = *b;
    *b = letter;
}

/* The next order, false when this was the last one. Equal letters are never exchanged, so no order comes twice
 * (Narayana's method): the longest falling tail is as high as it gets, so the letter before it goes up by the least that
 * the tail has to offer, and the tail begins anew. */
static inline bool next_permutation (char *letters, size_t count)
{
    size_t tail = count;
    do {
        if (tail < 2)
            return false;
        tail--;
    } while (letters[tail - 1] >= letters[tail]);
    size_t higher = count - 1;
    while (letters[higher] <= letters[tail - 1])
        higher--;
    swap_letters (&letters[tail - 1], &letters[higher]);
    for (size_t last = count - 1; tail < last; tail++, last--)
        swap_letters (&letters[tail], &letters[last]);
    return true;
}

#endif
