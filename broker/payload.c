/* SPDX-License-Identifier: BSD-3-Clause
 *
 * payload.c - bytes that pass through unread: one counted reference a frame, slices of it for the tickets in it.
 *
 * Invariant: a blob lives as long as one of its slices. Cost: O(1), and one copy of small parts when they are dealt to
 * other messages than they came in; a message that is passed on whole is never copied. The broker's thread only.
 */
#include <stdlib.h>
#include <string.h>

#include "shell.h"

blob_t *blob_new (zmq_msg_t *msg)
{
    blob_t *blob = malloc (sizeof *blob);
    if (!blob)
        return NULL;
    blob->refs = 1;
    zmq_msg_init (&blob->msg);
    zmq_msg_move (&blob->msg, msg);
    return blob;
}

void blob_release (blob_t *blob)
{
    if (!blob || --blob->refs)
        return;
    zmq_msg_close (&blob->msg);
    free (blob);
}

slice_t slice_of (blob_t *blob, size_t offset, size_t length)
{
    blob->refs++;
    return (slice_t){.blob = blob, .offset = (uint32_t) offset, .length = (uint32_t) length};
}

void slice_release (slice_t *slice)
{
    blob_release (slice->blob);
    *slice = (slice_t){0};
}

static bool is_one_whole_blob (const slice_t *slices, size_t count, size_t total)
{
    blob_t *blob = slices[0].blob;
    if (!blob || zmq_msg_size (&blob->msg) != total)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].blob != blob || slices[i].offset != at)
            return false;
        at += slices[i].length;
    }
    return true;
}

emp_status_t slices_join (const slice_t *slices, size_t count, zmq_msg_t *ret_msg)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += slices[i].length;
    if (count && is_one_whole_blob (slices, count, total)) {
        zmq_msg_init (ret_msg);
        return zmq_msg_copy (ret_msg, &slices[0].blob->msg) == 0 ? EMP_OK : EMP_NOMEM;
    }
    if (zmq_msg_init_size (ret_msg, total) != 0)
        return EMP_NOMEM;
    uint8_t *to = zmq_msg_data (ret_msg);
    for (size_t i = 0; i < count; i++) {
        if (slices[i].length)
            memcpy (to, (const uint8_t *) zmq_msg_data (&slices[i].blob->msg) + slices[i].offset, slices[i].length);
        to += slices[i].length;
    }
    return EMP_OK;
}
