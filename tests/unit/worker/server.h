/* SPDX-License-Identifier: BSD-3-Clause
 *
 * server.h - a manager's host that a test makes up: contents in memory, and ways to answer wrongly. server_fetch is an
 * emp_fetch_fn over it.
 */
#ifndef EMP_TEST_WORKER_SERVER_H
#define EMP_TEST_WORKER_SERVER_H

#include <criterion/criterion.h>
#include <string.h>

#include "worker/fetch.h"

#define SERVER_CONTENTS_MAX 8

typedef struct {
    struct {
        char hash[EMP_CONTENT_TEXT_MAX];
        const void *data;
        size_t size;
    } all[SERVER_CONTENTS_MAX];
    size_t count;
    size_t piece;        /* bytes of an answer at the most; 0: as many as are asked for */
    uint64_t total_more; /* is said of the total beyond the truth */
    size_t got_more;     /* the same of a piece */
    bool flips;          /* the last byte of all is another */
    uint64_t fails_at;   /* from this offset on `status` is the answer, when it is not EMP_OK */
    emp_status_t status;
    unsigned asked;        /* pieces */
    void (*during) (void); /* is called before each answer */
} server_t;

/* The hash of these bytes, which the server has from now on. They are borrowed. */
static inline const char *server_add (server_t *self, const void *data, size_t size)
{
    cr_assert_lt (self->count, SERVER_CONTENTS_MAX);
    self->all[self->count].data = data;
    self->all[self->count].size = size;
    emp_content_of_bytes (data, size, self->all[self->count].hash);
    return self->all[self->count++].hash;
}

static inline emp_status_t server_fetch (void *arg, const char *hash, uint64_t offset, void *buffer, size_t room,
                                         size_t *ret_got, uint64_t *ret_total)
{
    server_t *self = arg;
    self->asked++;
    if (self->during)
        self->during ();
    if (self->status && offset >= self->fails_at)
        return self->status;
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp (self->all[i].hash, hash) != 0)
            continue;
        size_t size = self->all[i].size - (size_t) offset;
        size = size < room ? size : room;
        size = self->piece && self->piece < size ? self->piece : size;
        memcpy (buffer, (const char *) self->all[i].data + offset, size);
        if (self->flips && offset + size == self->all[i].size)
            ((char *) buffer)[size - 1] ^= 1;
        *ret_got = size + self->got_more;
        *ret_total = self->all[i].size + self->total_more;
        return EMP_OK;
    }
    return EMP_UNKNOWN;
}

#endif
