/* SPDX-License-Identifier: BSD-3-Clause
 *
 * overview.c - see overview.h.
 */
#include "overview.h"

#include <stdlib.h>
#include <string.h>

#include "scan.h"

#define OBJECTS_MAX 65536u /* of a page: two times 512 records of at most 20 values, and some */

/* ---- packing --------------------------------------------------------------------------------------------------------- */

static void put_text (msgpack_packer *out, const char *text)
{
    size_t size = strlen (text);
    msgpack_pack_str (out, size);
    msgpack_pack_str_body (out, text, size);
}

static void put_bool (msgpack_packer *out, bool value)
{
    if (value)
        msgpack_pack_true (out);
    else
        msgpack_pack_false (out);
}

static void put_numbers (msgpack_packer *out, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        msgpack_pack_uint64 (out, numbers[i]);
}
#define PUT_NUMBERS(out, ...)                                                                                          \
    put_numbers (out, (const uint64_t[]){__VA_ARGS__}, sizeof (const uint64_t[]){__VA_ARGS__} / sizeof (uint64_t))

static void put_queue (msgpack_packer *out, const emp_overview_queue_t *queue)
{
    msgpack_pack_array (out, 14);
    msgpack_pack_uint32 (out, queue->id);
    put_text (out, queue->name);
    put_bool (out, queue->stopped);
    PUT_NUMBERS (out, queue->maxsize, queue->lanes, queue->feeds, queue->waiting, queue->held, queue->put,
                 queue->answered, queue->dead, queue->reissued, queue->rows_put, queue->rows_ended);
}

static void put_peer (msgpack_packer *out, const emp_overview_peer_t *peer)
{
    msgpack_pack_array (out, 16);
    PUT_NUMBERS (out, peer->session, peer->parent, (uint64_t) peer->role);
    put_text (out, peer->name);
    put_text (out, peer->host);
    PUT_NUMBERS (out, peer->pid, peer->silent, peer->answered, peer->held, peer->queue);
    put_text (out, peer->label);
    PUT_NUMBERS (out, peer->number, peer->attempt, peer->from, peer->rows, peer->in_hand);
}

static void put_loss (msgpack_packer *out, const emp_overview_loss_t *loss)
{
    msgpack_pack_array (out, 7);
    msgpack_pack_uint64 (out, loss->ago);
    put_text (out, loss->name);
    put_text (out, loss->host);
    PUT_NUMBERS (out, loss->pid, (uint64_t) loss->how, loss->code, loss->tickets);
}

emp_status_t emp_overview_pack (const emp_overview_t *page, uint64_t next, emp_buf_t *out)
{
    msgpack_packer packer;
    msgpack_packer_init (&packer, out, emp_buf_write);
    msgpack_pack_map (&packer, 8);
    put_text (&packer, "time");
    msgpack_pack_uint64 (&packer, page->time);
    put_text (&packer, "run");
    msgpack_pack_array (&packer, 4);
    msgpack_pack_uint64 (&packer, page->elapsed);
    put_bool (&packer, page->feeding);
    put_bool (&packer, page->draining);
    put_bool (&packer, page->finished);
    put_text (&packer, "tickets");
    msgpack_pack_array (&packer, 9);
    PUT_NUMBERS (&packer, page->put, page->halved, page->answered, page->dead, page->dropped, page->waiting, page->held,
                 page->reissued, page->copied);
    put_text (&packer, "lost");
    msgpack_pack_uint64 (&packer, page->lost);
    put_text (&packer, "queues");
    msgpack_pack_array (&packer, page->queues_count);
    for (size_t i = 0; i < page->queues_count; i++)
        put_queue (&packer, &page->queues[i]);
    put_text (&packer, "peers");
    msgpack_pack_array (&packer, page->peers_count);
    for (size_t i = 0; i < page->peers_count; i++)
        put_peer (&packer, &page->peers[i]);
    put_text (&packer, "losses");
    msgpack_pack_array (&packer, page->losses_count);
    for (size_t i = 0; i < page->losses_count; i++)
        put_loss (&packer, &page->losses[i]);
    put_text (&packer, "next");
    msgpack_pack_uint64 (&packer, next);
    return out->broken;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

/* The values of one list, in their order; the first that is wrong sticks, and those behind the ones we know are not read. */
typedef struct {
    const msgpack_object *at;
    size_t left;
    bool wrong;
} row_t;

static row_t row_of (const msgpack_object *value)
{
    if (!value || value->type != MSGPACK_OBJECT_ARRAY)
        return (row_t){.wrong = true};
    return (row_t){.at = value->via.array.ptr, .left = value->via.array.size};
}

static const msgpack_object *take (row_t *row, msgpack_object_type type)
{
    row->wrong = row->wrong || row->left == 0 || row->at->type != type;
    if (row->wrong)
        return NULL;
    row->left--;
    return row->at++;
}

static uint64_t take_number (row_t *row, uint64_t max)
{
    const msgpack_object *value = take (row, MSGPACK_OBJECT_POSITIVE_INTEGER);
    row->wrong |= value && value->via.u64 > max;
    return value && !row->wrong ? value->via.u64 : 0;
}

static uint32_t take_u32 (row_t *row)
{
    return (uint32_t) take_number (row, UINT32_MAX);
}

static uint64_t take_u64 (row_t *row)
{
    return take_number (row, UINT64_MAX);
}

static bool take_bool (row_t *row)
{
    const msgpack_object *value = take (row, MSGPACK_OBJECT_BOOLEAN);
    return value && value->via.boolean;
}

static void take_text (row_t *row, char *ret_text, size_t room)
{
    const msgpack_object *value = take (row, MSGPACK_OBJECT_STR);
    ret_text[0] = 0;
    row->wrong |= value && (value->via.str.size >= room || memchr (value->via.str.ptr, 0, value->via.str.size));
    if (!value || row->wrong)
        return;
    memcpy (ret_text, value->via.str.ptr, value->via.str.size);
    ret_text[value->via.str.size] = 0;
}

static const msgpack_object *find (const msgpack_object *map, const char *key)
{
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];
        if (pair->key.type == MSGPACK_OBJECT_STR && pair->key.via.str.size == strlen (key) &&
            memcmp (pair->key.via.str.ptr, key, pair->key.via.str.size) == 0)
            return &pair->val;
    }
    return NULL;
}

/* Room for `more` records behind those that are there. */
static emp_status_t grow (void **list_p, size_t count, size_t more, size_t size)
{
    if (more > EMP_OVERVIEW_PAGE || count + more > EMP_OVERVIEW_RECORDS_MAX)
        return EMP_TOOBIG;
    void *list = more ? realloc (*list_p, (count + more) * size) : *list_p;
    if (more && !list)
        return EMP_NOMEM;
    *list_p = list;
    return EMP_OK;
}

static bool take_queue (const msgpack_object *value, emp_overview_queue_t *queue)
{
    row_t row = row_of (value);
    queue->id = take_u32 (&row);
    take_text (&row, queue->name, sizeof queue->name);
    queue->stopped = take_bool (&row);
    queue->maxsize = take_u32 (&row);
    queue->lanes = take_u32 (&row);
    queue->feeds = take_u32 (&row);
    queue->waiting = take_u64 (&row);
    queue->held = take_u64 (&row);
    queue->put = take_u64 (&row);
    queue->answered = take_u64 (&row);
    queue->dead = take_u64 (&row);
    queue->reissued = take_u64 (&row);
    queue->rows_put = take_u64 (&row);
    queue->rows_ended = take_u64 (&row);
    return !row.wrong;
}

static bool take_peer (const msgpack_object *value, emp_overview_peer_t *peer)
{
    row_t row = row_of (value);
    peer->session = take_u64 (&row);
    peer->parent = take_u64 (&row);
    peer->role = (emp_role_t) take_number (&row, EMP_ROLE_WATCHER);
    take_text (&row, peer->name, sizeof peer->name);
    take_text (&row, peer->host, sizeof peer->host);
    peer->pid = take_u32 (&row);
    peer->silent = take_u64 (&row);
    peer->answered = take_u64 (&row);
    peer->held = take_u32 (&row);
    peer->queue = take_u32 (&row);
    take_text (&row, peer->label, sizeof peer->label);
    peer->number = take_u64 (&row);
    peer->attempt = take_u32 (&row);
    peer->from = take_u32 (&row);
    peer->rows = take_u32 (&row);
    peer->in_hand = take_u64 (&row);
    return !row.wrong;
}

static bool take_loss (const msgpack_object *value, emp_overview_loss_t *loss)
{
    row_t row = row_of (value);
    loss->ago = take_u64 (&row);
    take_text (&row, loss->name, sizeof loss->name);
    take_text (&row, loss->host, sizeof loss->host);
    loss->pid = take_u32 (&row);
    loss->how = (emp_how_t) take_number (&row, EMP_HOW_TIMEOUT);
    loss->code = take_u32 (&row);
    loss->tickets = take_u64 (&row);
    return !row.wrong;
}

static bool take_run (emp_overview_t *self, const msgpack_object *run, const msgpack_object *tickets)
{
    row_t row = row_of (run);
    self->elapsed = take_u64 (&row);
    self->feeding = take_bool (&row);
    self->draining = take_bool (&row);
    self->finished = take_bool (&row);
    if (row.wrong)
        return false;
    row = row_of (tickets);
    uint64_t *const numbers[] = {&self->put,     &self->halved, &self->answered, &self->dead,  &self->dropped,
                                 &self->waiting, &self->held,   &self->reissued, &self->copied};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = take_u64 (&row);
    return !row.wrong;
}

static emp_status_t take_queues (emp_overview_t *self, row_t row)
{
    emp_status_t status = grow ((void **) &self->queues, self->queues_count, row.left, sizeof *self->queues);
    bool good = true;
    for (; status == EMP_OK && good && row.left; row.at++, row.left--)
        good = take_queue (row.at, &self->queues[self->queues_count++]);
    return status != EMP_OK ? status : good ? EMP_OK : EMP_MALFORMED;
}

static emp_status_t take_peers (emp_overview_t *self, row_t row)
{
    emp_status_t status = grow ((void **) &self->peers, self->peers_count, row.left, sizeof *self->peers);
    bool good = true;
    for (; status == EMP_OK && good && row.left; row.at++, row.left--)
        good = take_peer (row.at, &self->peers[self->peers_count++]);
    return status != EMP_OK ? status : good ? EMP_OK : EMP_MALFORMED;
}

static emp_status_t take_losses (emp_overview_t *self, row_t row)
{
    self->losses_count = 0;
    for (; row.left && self->losses_count < EMP_OVERVIEW_LOSSES; row.at++, row.left--)
        if (!take_loss (row.at, &self->losses[self->losses_count++]))
            return EMP_MALFORMED;
    return EMP_OK;
}

static emp_status_t take_page (emp_overview_t *self, const msgpack_object *map, uint64_t *ret_next)
{
    if (map->type != MSGPACK_OBJECT_MAP)
        return EMP_MALFORMED;
    static const char *const numbers[] = {"time", "lost", "next"};
    uint64_t *const fields[] = {&self->time, &self->lost, ret_next};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const msgpack_object *value = find (map, numbers[i]);
        if (!value || value->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return EMP_MALFORMED;
        *fields[i] = value->via.u64;
    }
    row_t queues = row_of (find (map, "queues")), peers = row_of (find (map, "peers")),
          losses = row_of (find (map, "losses"));
    if (!take_run (self, find (map, "run"), find (map, "tickets")) || queues.wrong || peers.wrong || losses.wrong)
        return EMP_MALFORMED;
    emp_status_t status = take_queues (self, queues);
    if (status == EMP_OK)
        status = take_peers (self, peers);
    return status == EMP_OK ? take_losses (self, losses) : status;
}

emp_status_t emp_overview_add (emp_overview_t *self, const void *data, size_t size, uint64_t *ret_next)
{
    size_t values;
    if (size > EMP_OVERVIEW_MAX)
        return EMP_TOOBIG;
    emp_status_t status = emp_scan (data, size, OBJECTS_MAX, &values);
    if (status != EMP_OK || values != 1)
        return status != EMP_OK ? status : EMP_MALFORMED;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    size_t offset = 0;
    status = msgpack_unpack_next (&unpacked, data, size, &offset) == MSGPACK_UNPACK_SUCCESS
                 ? take_page (self, &unpacked.data, ret_next)
                 : EMP_NOMEM; /* it was walked */
    msgpack_unpacked_destroy (&unpacked);
    return status;
}

void emp_overview_release (emp_overview_t *self)
{
    free (self->queues);
    free (self->peers);
    *self = (emp_overview_t){0};
}
