/* SPDX-License-Identifier: BSD-3-Clause
 *
 * outgoing.c - sockets by which things leave, and the gathering of small parts into messages.
 *
 * What goes to one lane in one turn goes in one message, up to EMP_WIRE_PARTS_MAX parts or EMP_WIRE_BATCH_BYTES; a part
 * larger than that goes alone, and without a copy when it came alone. Nothing is kept back beyond the turn, so an idle
 * lane's single chunk is as fast as it can be. Lanes have no HWM: the core's credit bounds what lies in them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/how.h"
#include "shell.h"

/* ---- rows of pointers -------------------------------------------------------------------------------------------- */

#define SLOT(id) ((size_t) ((id) &0xffffu)) /* the core's ids are a slot of 16 bits below a generation */

void *table_at (const table_t *self, uint32_t id)
{
    return SLOT (id) < self->room ? self->list[SLOT (id)] : NULL;
}

emp_status_t table_set (table_t *self, uint32_t id, void *item)
{
    if (SLOT (id) >= self->room) {
        size_t room = self->room ? self->room * 2 : 16;
        while (room <= SLOT (id))
            room *= 2;
        void **list = realloc (self->list, room * sizeof *list);
        if (!list)
            return EMP_NOMEM;
        memset (list + self->room, 0, (room - self->room) * sizeof *list);
        self->list = list;
        self->room = room;
    }
    self->list[SLOT (id)] = item;
    return EMP_OK;
}

/* ---- sockets ------------------------------------------------------------------------------------------------------ */

/* Binds both ways in for local clients. */
static bool bind_intake (emp_broker_t *self, intake_t *intake)
{
    snprintf (intake->inproc, sizeof intake->inproc, "inproc://eisenmp-%016llx-in%u", (unsigned long long) self->run,
              intake->queue);
    if (emp_socket_bind (intake->pull, intake->inproc, NULL) != EMP_OK)
        return false;
    if (!self->config.directory)
        return true;
    int size = snprintf (intake->ipc, sizeof intake->ipc, "ipc://%s/in%u", self->directory, intake->queue);
    return size > 0 && (size_t) size < sizeof intake->ipc &&
           emp_socket_bind (intake->pull, intake->ipc, NULL) == EMP_OK;
}

static bool list_intake (emp_broker_t *self, intake_t *intake)
{
    if (self->intake_count == self->intake_room) {
        size_t room = self->intake_room ? self->intake_room * 2 : 16;
        intake_t **list = realloc (self->intake_list, room * sizeof (intake_t *));
        if (!list)
            return false;
        self->intake_list = list;
        self->intake_room = room;
    }
    self->intake_list[self->intake_count++] = intake;
    return true;
}

intake_t *intake_require (emp_broker_t *self, uint32_t queue)
{
    intake_t *intake = table_at (&self->intakes, queue);
    if (intake)
        return intake;
    intake = calloc (1, sizeof *intake);
    if (!intake)
        return NULL;
    intake->queue = queue;
    intake->pull = emp_socket_new (ZMQ_PULL, EMP_WIRE_PAYLOAD_MAX);
    if (!intake->pull || !bind_intake (self, intake) || table_set (&self->intakes, queue, intake) != EMP_OK ||
        !list_intake (self, intake)) {
        if (table_at (&self->intakes, queue))
            table_set (&self->intakes, queue, NULL); /* its place is there, so this needs no memory */
        zsock_destroy (&intake->pull);
        free (intake);
        return NULL;
    }
    intake->handle = zsock_resolve (intake->pull);
    intake->fd = emp_socket_fd (intake->pull);
    intake->more = true; /* it was never looked at */
    return intake;
}

static bool bind_push (emp_broker_t *self, lane_t *lane, near_t near)
{
    lane->push = emp_socket_new (ZMQ_PUSH, EMP_WIRE_PAYLOAD_MAX);
    if (!lane->push)
        return false;
    lane->handle = zsock_resolve (lane->push);
    lane->fd = emp_socket_fd (lane->push);
    if (near == NEAR_INPROC)
        snprintf (lane->path, sizeof lane->path, "inproc://eisenmp-%016llx-out%u", (unsigned long long) self->run,
                  lane->id);
    else
        snprintf (lane->path, sizeof lane->path, "ipc://%s/out%u", self->directory, lane->id);
    if ((near == NEAR_INPROC || self->config.directory) && emp_socket_bind (lane->push, lane->path, NULL) == EMP_OK)
        return true;
    zsock_destroy (&lane->push);
    return false;
}

lane_t *lane_bind (emp_broker_t *self, uint32_t id, near_t near)
{
    lane_t *lane = calloc (1, sizeof *lane);
    if (lane)
        lane->batch = calloc (1, sizeof *lane->batch);
    if (lane)
        lane->id = id;
    if (!lane || !lane->batch || (near != NEAR_TCP && !bind_push (self, lane, near))) {
        if (lane)
            free (lane->batch);
        free (lane);
        return NULL;
    }
    self->unready++;
    return lane;
}

static void release_batch (batch_t *batch)
{
    for (uint32_t i = 0; i < batch->wire.count; i++)
        slice_release (&batch->slices[i]);
    batch->wire.count = 0;
    batch->bytes = 0;
}

void lane_close (emp_broker_t *self, lane_t *lane)
{
    if (!lane->ready)
        self->unready--;
    for (size_t i = 0; i < self->dirty_count; i++)
        if (self->dirty[i] == lane) {
            self->dirty[i] = self->dirty[--self->dirty_count];
            break;
        }
    release_batch (lane->batch);
    if (lane->push)
        zsock_set_linger (lane->push, 0); /* its reader is gone; what lies in it is for nobody */
    zsock_destroy (&lane->push);
    if (strncmp (lane->path, "ipc://", 6) == 0)
        unlink (lane->path + 6);
    free (lane->batch);
    free (lane);
}

/* ---- gathering ---------------------------------------------------------------------------------------------------- */

static void mark_dirty (emp_broker_t *self, lane_t *lane)
{
    if (lane->dirty)
        return;
    if (self->dirty_count == self->dirty_room) {
        size_t room = self->dirty_room ? self->dirty_room * 2 : 16;
        lane_t **list = realloc (self->dirty, room * sizeof (lane_t *));
        if (!list)
            broker_exhausted (); /* out of memory for a list of pointers: nothing can go on */
        self->dirty = list;
        self->dirty_room = room;
    }
    self->dirty[self->dirty_count++] = lane;
    lane->dirty = true;
}

static emp_status_t send_by_gate (emp_broker_t *self, const lane_t *lane, const emp_buf_t *header, zmq_msg_t *payload)
{
    zmq_msg_t empty;
    zmq_msg_init (&empty);
    self->gate_more = true; /* a send looks as well: emp_socket_fd */
    return emp_socket_send_routed (lane->handle, lane->route.bytes, lane->route.size, header->data, header->size,
                                   payload ? payload : &empty);
}

static void send_header (emp_broker_t *self, lane_t *lane, const emp_wire_t *wire, zmq_msg_t *payload)
{
    static _Thread_local uint8_t room[EMP_WIRE_HEADER_MAX];
    emp_buf_t header = {.data = room, .room = sizeof room, .max = sizeof room};
    emp_status_t status = emp_wire_encode (wire, &header);
    if (status == EMP_OK)
        status = lane->push ? emp_socket_send (lane->handle, header.data, header.size, payload, false)
                            : send_by_gate (self, lane, &header, payload);
    if (status == EMP_NOMEM)
        broker_exhausted (); /* the peer is there, and would wait for it */
    if (status != EMP_OK) {
        /* The peer's connection broke; its session's end gives the tickets back. */
        if (payload)
            zmq_msg_close (payload);
        broker_drop (self);
    }
}

static void flush_batch (emp_broker_t *self, lane_t *lane)
{
    batch_t *batch = lane->batch;
    if (batch->wire.count == 0)
        return;
    batch->wire.run = self->run;
    batch->wire.lane = lane->id;
    zmq_msg_t payload;
    if (slices_join (batch->slices, batch->wire.count, &payload) == EMP_OK)
        send_header (self, lane, &batch->wire, &payload);
    else
        broker_exhausted (); /* out of memory with a ticket in hand */
    release_batch (batch);
}

/* Adds a part; sends what is there first when this one does not go with it. */
static void gather (emp_broker_t *self, lane_t *lane, emp_wire_kind_t kind, uint32_t feed, const char *label,
                    const emp_part_t *part, slice_t slice)
{
    batch_t *batch = lane->batch;
    if (batch->wire.count && (batch->wire.count == EMP_WIRE_PARTS_MAX ||
                              batch->bytes + slice.length > EMP_WIRE_BATCH_BYTES || batch->wire.feed != feed))
        flush_batch (self, lane);
    if (batch->wire.count == 0) {
        batch->wire.kind = kind;
        batch->wire.feed = feed;
        snprintf (batch->wire.label, sizeof batch->wire.label, "%s", label);
    }
    batch->wire.parts[batch->wire.count] = *part;
    batch->wire.parts[batch->wire.count].length = slice.length;
    batch->slices[batch->wire.count++] = slice;
    batch->bytes += slice.length;
    mark_dirty (self, lane);
}

static const char *label_of (emp_broker_t *self, uint32_t feed_id)
{
    feed_t *feed = table_at (&self->feeds, feed_id);
    return feed && feed->id == feed_id ? feed->label : "";
}

void outgoing_chunk (emp_broker_t *self, const emp_effect_t *fx)
{
    lane_t *lane = table_at (&self->lanes, fx->lane);
    assert (lane && lane->id == fx->lane);
    slice_t *chunk = &self->chunks[fx->ticket & 0xffffffffu];
    emp_part_t part = {.ticket = fx->ticket,
                       .number = fx->number,
                       .attempt = fx->attempt,
                       .rows = fx->rows,
                       .from = fx->from,
                       .count = fx->part};
    slice_t slice = *chunk;
    if (slice.blob)
        slice.blob->refs++;
    gather (self, lane, EMP_WIRE_CHUNKS, fx->feed, label_of (self, fx->feed), &part, slice);
}

void outgoing_stop (emp_broker_t *self, lane_t *lane, bool drained)
{
    lane->stop = true;
    lane->drained = drained;
    mark_dirty (self, lane);
}

/* ---- results ------------------------------------------------------------------------------------------------------- */

/* The reason of a death that no worker could word: one packed text. Who watched the process has said more of it, when that
 * is the message that is being stepped. */
static slice_t death_text (const emp_broker_t *self, const emp_effect_t *fx)
{
    const emp_control_t *lost = self->control;
    bool told = lost && lost->kind == EMP_MSG_LOST && lost->session == fx->session;
    char sentence[EMP_TEXT_MAX + 1];
    emp_how_death (fx->how, fx->code, told ? lost->size : 0, told ? lost->text : "", sentence);
    size_t size = strlen (sentence);
    emp_buf_t packed;
    emp_buf_init (&packed, sizeof sentence + 8);
    msgpack_packer pk;
    msgpack_packer_init (&pk, &packed, emp_buf_write);
    msgpack_pack_str (&pk, size);
    msgpack_pack_str_body (&pk, sentence, size);
    zmq_msg_t msg;
    slice_t slice = {0};
    if (emp_msg_of_buf (&msg, &packed) == EMP_OK) {
        blob_t *blob = blob_new (&msg);
        if (blob) {
            slice = slice_of (blob, 0, zmq_msg_size (&blob->msg));
            blob_release (blob);
        }
    }
    emp_buf_release (&packed);
    return slice;
}

static void keep (emp_broker_t *self, const kept_t *result)
{
    if (self->kept_count == self->kept_room) {
        size_t room = self->kept_room ? self->kept_room * 2 : 64;
        kept_t *list = realloc (self->kept, room * sizeof *list);
        if (!list)
            broker_exhausted (); /* out of memory with a result in hand; bounded by the core's backlog */
        self->kept = list;
        self->kept_room = room;
    }
    self->kept[self->kept_count++] = *result;
}

static void gather_result (emp_broker_t *self, const kept_t *result)
{
    batch_t *batch = self->sink->batch;
    gather (self, self->sink, EMP_WIRE_RESULTS, result->feed, label_of (self, result->feed), &result->part,
            result->slice);
    batch->wire.serial = result->serial - (batch->wire.count - 1);
}

void outgoing_result (emp_broker_t *self, const emp_effect_t *fx)
{
    kept_t result = {.feed = fx->feed, .serial = fx->serial};
    result.part = (emp_part_t){.number = fx->number,
                               .attempt = fx->attempt,
                               .rows = fx->rows,
                               .from = fx->from,
                               .left = fx->left,
                               .session = fx->session,
                               .outcome = (uint32_t) fx->outcome};
    if (self->wire && (fx->outcome == EMP_OUTCOME_DONE || fx->how == EMP_HOW_BYE)) {
        const emp_part_t *said = &self->wire->parts[self->part];
        result.part.hash = said->hash;
        result.slice = slice_of (self->blob, self->part_offset, said->length);
    } else
        result.slice = death_text (self, fx);
    if (self->sink && self->sink->ready)
        gather_result (self, &result);
    else
        keep (self, &result);
}

void outgoing_sink_ready (emp_broker_t *self)
{
    for (size_t i = 0; i < self->kept_count; i++)
        gather_result (self, &self->kept[i]);
    self->kept_count = 0;
    if (self->sink->stop)
        mark_dirty (self, self->sink);
}

/* ---- end of a turn --------------------------------------------------------------------------------------------------- */

void outgoing_flush (emp_broker_t *self)
{
    for (size_t i = 0; i < self->dirty_count; i++) {
        lane_t *lane = self->dirty[i];
        lane->dirty = false;
        flush_batch (self, lane);
        if (lane->stop && lane->ready) {
            emp_wire_t *wire = &lane->batch->wire;
            wire->kind = EMP_WIRE_STOPPED;
            wire->run = self->run;
            wire->lane = lane->id;
            wire->end = lane->drained;
            send_header (self, lane, wire, NULL);
            lane->stop = false;
        }
    }
    self->dirty_count = 0;
}
