/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a run stands, packed and read: nothing is lost on the way, and nothing that a stranger sends is believed.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/overview.h"

TestSuite (overview, .timeout = 20);

static emp_overview_queue_t queue_of (uint32_t i)
{
    emp_overview_queue_t queue = {.id = i + 1,
                                  .stopped = i % 2,
                                  .maxsize = UINT32_MAX - i,
                                  .lanes = i + 2,
                                  .feeds = i + 3,
                                  .waiting = UINT64_MAX - i,
                                  .held = i + 5,
                                  .put = i + 6,
                                  .answered = i + 7,
                                  .dead = i + 8,
                                  .reissued = i + 9,
                                  .rows_put = i + 10,
                                  .rows_ended = i + 11};
    snprintf (queue.name, sizeof queue.name, "category|queue %u", i);
    return queue;
}

static emp_overview_peer_t peer_of (uint32_t i)
{
    emp_overview_peer_t peer = {.session = UINT64_MAX - i,
                                .parent = i,
                                .role = EMP_ROLE_MANAGER + i % 4,
                                .pid = i + 1,
                                .silent = i + 2,
                                .answered = i + 3,
                                .held = i + 4,
                                .queue = i + 5,
                                .number = i + 6,
                                .attempt = i + 7,
                                .from = i + 8,
                                .rows = i + 9,
                                .in_hand = i + 10};
    snprintf (peer.name, sizeof peer.name, "Process-%u", i);
    memset (peer.host, 'h', EMP_HOST_MAX);
    memset (peer.label, 'l', EMP_LABEL_MAX);
    return peer;
}

static emp_overview_t page_of (size_t queues, size_t peers, size_t losses)
{
    emp_overview_t page = {.time = 1,
                           .elapsed = 2,
                           .draining = true,
                           .put = 3,
                           .halved = 4,
                           .answered = 5,
                           .dead = 6,
                           .dropped = 7,
                           .waiting = 8,
                           .held = 9,
                           .reissued = 10,
                           .copied = 11,
                           .lost = 12,
                           .queues_count = queues,
                           .peers_count = peers,
                           .losses_count = losses};
    page.queues = calloc (queues + 1, sizeof *page.queues);
    page.peers = calloc (peers + 1, sizeof *page.peers);
    for (uint32_t i = 0; i < queues; i++)
        page.queues[i] = queue_of (i);
    for (uint32_t i = 0; i < peers; i++)
        page.peers[i] = peer_of (i);
    for (uint32_t i = 0; i < losses; i++) {
        page.losses[i] = (emp_overview_loss_t){.ago = i,
                                               .pid = i + 1,
                                               .how = EMP_HOW_SIGNAL,
                                               .code = 9,
                                               .tickets = i + 2,
                                               .name = "Process-1",
                                               .host = "h"};
    }
    return page;
}

static emp_buf_t packed (const emp_overview_t *page, uint64_t next)
{
    emp_buf_t bytes;
    emp_buf_init (&bytes, EMP_OVERVIEW_MAX);
    cr_assert_eq (emp_overview_pack (page, next, &bytes), EMP_OK);
    return bytes;
}

/* Packed again, the `nth` page of what was read is the same bytes. */
static void expect_same (const emp_overview_t *page, const emp_overview_t *read, size_t nth)
{
    emp_overview_t part = *read;
    part.queues += nth * page->queues_count;
    part.queues_count = page->queues_count;
    part.peers += nth * page->peers_count;
    part.peers_count = page->peers_count;
    emp_buf_t a = packed (page, 0), b = packed (&part, 0);
    cr_assert (a.size == b.size && memcmp (a.data, b.data, a.size) == 0, "page %zu", nth);
    emp_buf_release (&a);
    emp_buf_release (&b);
}

static void release_page (emp_overview_t *page)
{
    free (page->queues);
    free (page->peers);
}

Test (overview, what_was_packed_is_read_page_behind_page)
{
    emp_overview_t page = page_of (3, 2, EMP_OVERVIEW_LOSSES), read = {0};
    emp_buf_t bytes = packed (&page, 4711);
    uint64_t next;
    for (size_t pages = 0; pages < 2; pages++) {
        cr_assert_eq (emp_overview_add (&read, bytes.data, bytes.size, &next), EMP_OK);
        cr_assert_eq (next, 4711);
    }
    cr_assert (read.queues_count == 6 && read.peers_count == 4);
    expect_same (&page, &read, 0);
    expect_same (&page, &read, 1);
    emp_overview_release (&read);
    cr_assert (!read.queues && !read.peers);
    release_page (&page);
    emp_buf_release (&bytes);
}

Test (overview, the_largest_page_has_room)
{
    emp_overview_t page = page_of (EMP_OVERVIEW_PAGE, EMP_OVERVIEW_PAGE, EMP_OVERVIEW_LOSSES), read = {0};
    for (size_t i = 0; i < EMP_OVERVIEW_PAGE; i++) {
        memset (page.queues[i].name, 'n', EMP_NAME_MAX);
        memset (&page.queues[i].waiting, 0xff, sizeof (uint64_t) * 8);
        memset (page.peers[i].name, 'n', EMP_LABEL_MAX);
        page.peers[i].silent = page.peers[i].answered = page.peers[i].number = page.peers[i].in_hand = UINT64_MAX;
        page.peers[i].parent = UINT64_MAX;
    }
    emp_buf_t bytes = packed (&page, UINT64_MAX);
    uint64_t next;
    cr_assert_eq (emp_overview_add (&read, bytes.data, bytes.size, &next), EMP_OK);
    cr_assert_eq (read.peers_count, EMP_OVERVIEW_PAGE);
    /* And it ends, however many pages somebody sends. */
    emp_status_t status = EMP_OK;
    for (size_t i = 1; i <= EMP_OVERVIEW_RECORDS_MAX / EMP_OVERVIEW_PAGE && status == EMP_OK; i++)
        status = emp_overview_add (&read, bytes.data, bytes.size, &next);
    cr_assert_eq (status, EMP_TOOBIG);
    cr_assert_leq (read.peers_count, EMP_OVERVIEW_RECORDS_MAX);
    emp_overview_release (&read);
    release_page (&page);
    emp_buf_release (&bytes);
}

Test (overview, bytes_cut_off_or_changed_are_refused_or_read_and_nothing_worse)
{
    emp_overview_t page = page_of (2, 2, 1);
    emp_buf_t bytes = packed (&page, 0);
    uint64_t next;
    for (size_t size = 0; size < bytes.size; size++) {
        emp_overview_t read = {0};
        cr_assert_eq (emp_overview_add (&read, bytes.data, size, &next), EMP_MALFORMED, "%zu bytes", size);
        emp_overview_release (&read);
    }
    for (size_t at = 0; at < bytes.size; at++)
        for (unsigned change = 1; change < 256; change++) {
            emp_overview_t read = {0};
            bytes.data[at] ^= (uint8_t) change;
            emp_overview_add (&read, bytes.data, bytes.size, &next);
            cr_assert (read.queues_count <= 2 && read.peers_count <= 2);
            emp_overview_release (&read);
            bytes.data[at] ^= (uint8_t) change;
        }
    release_page (&page);
    emp_buf_release (&bytes);
}

/* {key: value} of a page whose other keys are good. */
static emp_status_t with (const char *key, const char *value, size_t size)
{
    emp_overview_t page = {0}, read = {0};
    emp_buf_t bytes = packed (&page, 0), changed;
    emp_buf_init (&changed, EMP_OVERVIEW_MAX);
    msgpack_packer packer;
    msgpack_packer_init (&packer, &changed, emp_buf_write);
    msgpack_pack_map (&packer, 9);
    msgpack_pack_str (&packer, strlen (key));
    msgpack_pack_str_body (&packer, key, strlen (key));
    emp_buf_append (&changed, value, size);
    emp_buf_append (&changed, bytes.data + 1, bytes.size - 1); /* a map's head of up to 15 is one byte */
    uint64_t next;
    emp_status_t status = emp_overview_add (&read, changed.data, changed.size, &next);
    emp_overview_release (&read);
    emp_buf_release (&bytes);
    emp_buf_release (&changed);
    return status;
}

Test (overview, other_types_are_malformed_and_what_a_later_version_adds_is_skipped)
{
    static const char *const keys[] = {"time", "run", "tickets", "lost", "queues", "peers", "losses", "next"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        cr_assert_eq (with (keys[i], "\xc0", 1), EMP_MALFORMED, "%s", keys[i]);
    cr_assert_eq (with ("weather", "\x81\xa1x\x93\x01\x02\x03", 7), EMP_OK);
    cr_assert_eq (with ("run", "\x95\x01\xc2\xc2\xc2\xa1y", 7), EMP_OK, "one value more");
    cr_assert_eq (with ("run", "\x93\x01\xc2\xc2", 4), EMP_MALFORMED, "one less");
    cr_assert_eq (with ("queues", "\x91\x90", 2), EMP_MALFORMED, "a queue of nothing");
    cr_assert_eq (with ("peers", "\xdd\x04\x00\x00\x00", 5), EMP_MALFORMED, "it would be 67108864 of them");
}
