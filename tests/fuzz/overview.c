/* SPDX-License-Identifier: BSD-3-Clause
 *
 * overview.c - a page of how a run stands, from a stranger: refused, or read, packed again and read as the same; and what is written
 * of it has no control character, and ends, whatever it says.
 */
#include "common/overview.h"

#include "fuzz.h"
#include "manager/standing.h"

static emp_buf_t packed (const emp_overview_t *page, uint64_t next)
{
    emp_buf_t bytes;
    emp_buf_init (&bytes, EMP_OVERVIEW_MAX);
    FUZZ_MUST (emp_overview_pack (page, next, &bytes) == EMP_OK);
    return bytes;
}

static void survives (const emp_overview_t *page, uint64_t next)
{
    emp_overview_t again = {0};
    uint64_t read;
    emp_buf_t bytes = packed (page, next);
    FUZZ_MUST (emp_overview_add (&again, bytes.data, bytes.size, &read) == EMP_OK && read == next);
    emp_buf_t twice = packed (&again, read);
    FUZZ_MUST (bytes.size == twice.size && memcmp (bytes.data, twice.data, bytes.size) == 0);
    emp_overview_release (&again);
    emp_buf_release (&bytes);
    emp_buf_release (&twice);
}

static void is_written (const emp_overview_t *page)
{
    emp_standing_t standing = {.now = page, .before = page, .endpoint = "tcp://h:1", .run = 1};
    for (emp_standing_form_t form = STANDING_TABLE; form <= STANDING_JSON; form++) {
        emp_buf_t text;
        emp_buf_init (&text, 64u << 20);
        emp_standing_write (&standing, form, form == STANDING_TABLE ? 20 : 0, 60, &text);
        FUZZ_MUST (!text.broken && text.size && text.data[text.size - 1] == '\n');
        size_t lines = 0;
        for (size_t i = 0; i < text.size; i++) {
            lines += text.data[i] == '\n';
            FUZZ_MUST (text.data[i] >= 0x20 || text.data[i] == '\n' ||
                       (form == STANDING_LINES && text.data[i] == '\t'));
        }
        FUZZ_MUST (form != STANDING_TABLE || lines <= 20);
        FUZZ_MUST (form != STANDING_JSON || lines == 1);
        emp_buf_release (&text);
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    emp_overview_t page = {0};
    uint64_t next = 0;
    emp_status_t status = emp_overview_add (&page, data, size, &next);
    FUZZ_MUST (page.queues_count <= EMP_OVERVIEW_PAGE && page.peers_count <= EMP_OVERVIEW_PAGE &&
               page.losses_count <= EMP_OVERVIEW_LOSSES);
    if (status == EMP_OK) {
        survives (&page, next);
        is_written (&page);
    }
    emp_overview_release (&page);
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static emp_overview_queue_t queues[3];
    static emp_overview_peer_t peers[4];
    emp_overview_t page = {.time = 5000000,
                           .elapsed = 4000000,
                           .feeding = true,
                           .put = 10,
                           .answered = 4,
                           .waiting = 4,
                           .held = 2,
                           .lost = 1,
                           .queues = queues,
                           .peers = peers};
    emp_buf_t bytes = packed (&page, 0);
    write ("empty", bytes.data, bytes.size);
    emp_buf_release (&bytes);
    for (uint32_t i = 0; i < 3; i++) {
        queues[i] =
            (emp_overview_queue_t){.id = i + 1, .maxsize = 1000, .waiting = 4, .held = 2, .put = 10, .answered = 4};
        snprintf (queues[i].name, sizeof queues[i].name, "category|q%u", i);
    }
    for (uint32_t i = 0; i < 4; i++) {
        peers[i] = (emp_overview_peer_t){.session = i + 1, .role = i + 1, .pid = 4711, .held = i == 2, .queue = i == 2};
        snprintf (peers[i].name, sizeof peers[i].name, "Process-%u", i);
        snprintf (peers[i].host, sizeof peers[i].host, "h%u", i / 2);
    }
    page.queues_count = 3;
    page.peers_count = 4;
    page.losses_count = 1;
    page.losses[0] = (emp_overview_loss_t){.ago = 7, .name = "\033[2J", .host = "h", .how = EMP_HOW_SIGNAL, .code = 9};
    bytes = packed (&page, 77);
    write ("page", bytes.data, bytes.size);
    emp_buf_release (&bytes);
}
