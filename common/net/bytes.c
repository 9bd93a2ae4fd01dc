/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bytes.c - questions whose answer brings bytes: a piece of a content that the manager has, a page of how a run stands.
 *
 * They are copied into the asker's room by the session's I/O thread, under its lock, as the frame that brought them is gone afterwards.
 * An answer to an older question may come now, so each names what it answers.
 */
#include <string.h>

#include "session_inner.h"

#define FETCH_TRIES 3
#define FETCH_BREAKS 60 /* of the connection, in the middle of one piece */

static void set_room (emp_session_t *self, void *buffer, size_t room)
{
    pthread_mutex_lock (&self->lock);
    self->answer_room = buffer;
    self->answer_room_size = room;
    pthread_mutex_unlock (&self->lock);
}

/* As emp_session_ask; answer->blob is `buffer`, or NULL when it was too small. */
static emp_status_t ask (emp_session_t *self, emp_control_t *question, emp_kind_t expect, void *buffer, size_t room,
                         emp_control_t *answer)
{
    set_room (self, buffer, room);
    emp_status_t status = emp_session_ask (self, question, expect, NULL, answer);
    set_room (self, NULL, 0);
    return status;
}

emp_status_t emp_session_fetch (emp_session_t *self, const char *hash, uint64_t offset, void *buffer, size_t room,
                                size_t *ret_got, uint64_t *ret_total)
{
    emp_control_t question = {.kind = EMP_MSG_FETCH, .session = self->id, .window = offset}, answer;
    snprintf (question.text, sizeof question.text, "%s", hash);
    emp_status_t status = EMP_TIMEOUT;
    for (int tries = 0, breaks = 0; tries < FETCH_TRIES && breaks < FETCH_BREAKS;) {
        status = ask (self, &question, EMP_MSG_PIECE, buffer, room, &answer);
        bool ours = status == EMP_OK && answer.window == offset && strcmp (answer.text, hash) == 0;
        if (status == EMP_OK && (!ours || (answer.status == EMP_OK && !answer.blob)))
            status = EMP_TIMEOUT;
        if (status != EMP_TIMEOUT && status != EMP_STALE)
            break;
        *(status == EMP_TIMEOUT ? &tries : &breaks) += 1;
    }
    if (status != EMP_OK || answer.status != EMP_OK)
        return status != EMP_OK ? status : answer.status;
    *ret_got = answer.blob_size;
    *ret_total = answer.size;
    return EMP_OK;
}

emp_status_t emp_session_overview (emp_session_t *self, uint64_t from, void *buffer, size_t room, size_t *ret_got)
{
    emp_control_t question = {.kind = EMP_MSG_STATUS, .window = from}, answer;
    emp_status_t status = ask (self, &question, EMP_MSG_STATUS_IS, buffer, room, &answer);
    if (status == EMP_OK && answer.window != from)
        return EMP_TIMEOUT; /* to a question that was given up */
    if (status == EMP_OK && !answer.blob)
        return EMP_TOOBIG;
    if (status == EMP_OK)
        *ret_got = answer.blob_size;
    return status;
}
