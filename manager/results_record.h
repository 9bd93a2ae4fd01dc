/* SPDX-License-Identifier: BSD-3-Clause
 *
 * results_record.h - what is kept of a ticket that has ended, as results.c hands it to one of its two stores and gets it back.
 */
#ifndef EMP_RESULTS_RECORD_H
#define EMP_RESULTS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t number;
    uint32_t feed;       /* place in the dictionary's table of feeds */
    uint32_t key;        /* place in its table of keys; a store in memory does not keep it: the feed tells */
    uint32_t attempt;    /* up to EMP_RESULTS_ATTEMPT_MAX */
    uint32_t rows, from; /* of the ticket; the first of them */
    bool half;           /* not all of its rows */
    uint32_t worker;     /* number in the history, or 0 */
    uint64_t hash, at;   /* of the chunk; when it came, in milliseconds since 1970; 0: not known */
    bool dead;           /* data is one packed text, the reason; else packed values back to back */
    const uint8_t *data; /* never NULL once stored */
    size_t size;
} emp_record_t;

#define EMP_RESULTS_ATTEMPT_MAX 511u /* stands for more, too */

#endif
