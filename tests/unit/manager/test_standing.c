/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a run stands, written: the figures, an order for people, what a stranger's names may do, and what fits.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "manager/standing.h"

TestSuite (standing, .timeout = 10);

static emp_overview_queue_t queues[] = {{.id = 1, .name = "q", .maxsize = 10, .put = 60, .answered = 20, .lanes = 2},
                                        {.id = 2, .name = "unused", .maxsize = 10}};
static emp_overview_queue_t queues_before[] = {{.id = 1, .name = "q", .answered = 15}, {.id = 2, .name = "unused"}};
static emp_overview_peer_t peers[] = {
    {.role = EMP_ROLE_WORKER,
     .name = "Process-10",
     .host = "b",
     .pid = 1,
     .held = 1,
     .queue = 1,
     .number = 7,
     .attempt = 2,
     .in_hand = 2500000,
     .answered = 4},
    {.role = EMP_ROLE_SUPERVISOR, .name = "host", .host = "b"},
    {.role = EMP_ROLE_WORKER, .name = "Process-2", .host = "b", .pid = 2, .silent = 5000000},
    {.role = EMP_ROLE_MANAGER, .name = "manager", .host = "a"},
    {.role = EMP_ROLE_WATCHER, .name = "watcher", .host = "a"},
    {.role = EMP_ROLE_SUPERVISOR, .name = "host", .host = "empty"}};
static emp_overview_t now = {
    .time = 3000000,
    .elapsed = 10000000,
    .put = 60,
    .answered = 20,
    .waiting = 38,
    .held = 2,
    .queues = queues,
    .queues_count = 2,
    .peers = peers,
    .peers_count = 6,
    .lost = 1,
    .losses =
        {{.ago = 1500000, .name = "Process-1", .host = "b", .pid = 9, .how = EMP_HOW_SIGNAL, .code = 9, .tickets = 3}},
    .losses_count = 1};
static const emp_overview_t before = {.time = 1000000, .answered = 15, .queues = queues_before, .queues_count = 2};
static const emp_run_info_t info = {.name = "eisenmp-AbCdEf", .pid = 4711, .job = "job.yaml"};

static char *written (const emp_standing_t *standing, emp_standing_form_t form, size_t lines, size_t columns)
{
    emp_buf_t out;
    emp_buf_init (&out, 1 << 20);
    emp_standing_write (standing, form, lines, columns, &out);
    cr_assert_eq (out.broken, EMP_OK);
    emp_buf_append (&out, "", 1);
    size_t size;
    return emp_buf_take (&out, &size);
}

static void expect (const emp_standing_t *standing, emp_standing_form_t form, const char *expected)
{
    char *text = written (standing, form, 0, 0);
    cr_assert_str_eq (text, expected);
    free (text);
}

static void expect_piece (const emp_standing_t *standing, emp_standing_form_t form, const char *piece)
{
    char *text = written (standing, form, 0, 0);
    cr_assert (strstr (text, piece), "\"%s\" is not in %s", piece, text);
    free (text);
}

Test (standing, lines_have_their_fields_in_order_hosts_and_names_as_people_count)
{
    emp_standing_t standing = {.now = &now, .before = &before, .info = &info, .endpoint = "ipc:///x"};
    expect (&standing, STANDING_LINES,
            "run\teisenmp-AbCdEf\t4711\tjob.yaml\tfinishing\t10.0\t20.0\n"
            "tickets\t60\t20\t0\t38\t2\t0\t0\t0\t2.50\n"
            "queue\tq\topen\t0\t0\t10\t20\t0\t0\t2.50\t2\t0\t0\n"
            "queue\tunused\topen\t0\t0\t10\t0\t0\t0\t0.00\t0\t0\t0\n"
            "host\tb\t2\t1\t4\n"
            "host\tempty\t0\t0\t0\n"
            "slot\tb\tProcess-2\t2\t0\t0\t-\t-\t-\t-\t5.0\n"
            "slot\tb\tProcess-10\t1\t1\t4\tq\t_TID_7\t2\t2.500\t0.0\n"
            "lost\t1\n"
            "loss\tb\tProcess-1\t9\tkilled by signal 9 (Killed)\t3\t1.5\n");
}

Test (standing, what_is_not_known_is_said_so)
{
    emp_overview_t fresh = {.time = 1};
    emp_standing_t standing = {.now = &fresh, .endpoint = "tcp://h:1", .run = 0xab};
    expect (&standing, STANDING_LINES,
            "run\ttcp://h:1\t-\t-\tstarting\t0.0\t-\ntickets\t0\t0\t0\t0\t0\t0\t0\t0\t-\nlost\t0\n");
    expect (&standing, STANDING_JSON,
            "{\"run\":{\"id\":\"00000000000000ab\",\"endpoint\":\"tcp://h:1\",\"state\":\"starting\",\"elapsed\":0.000,"
            "\"left\":null,\"left_is_least\":false,\"interval\":null},\"tickets\":{\"put\":0,\"answered\":0,\"dead\":0,"
            "\"waiting\":0,\"held\":0,\"dropped\":0,\"halved\":0,\"reissued\":0,\"copied\":0,\"rate\":null},"
            "\"queues\":[],\"hosts\":[],\"slots\":[],\"lost\":0,\"losses\":[],\"watchers\":0}\n");
}

Test (standing, the_state_says_what_is_to_come)
{
    static const struct {
        emp_overview_t overview;
        const char *state, *left;
    } cases[] = {{{.put = 4, .answered = 1, .waiting = 3, .elapsed = 1000000, .feeding = true}, "feeding", "3.0"},
                 {{.put = 4, .answered = 1, .held = 3, .elapsed = 1000000}, "finishing", "3.0"},
                 {{.put = 4, .held = 4, .elapsed = 1000000}, "finishing", "-"},
                 {{.put = 4, .dropped = 4, .elapsed = 1000000, .draining = true}, "draining", "0.0"},
                 {{.put = 4, .answered = 4, .elapsed = 1000000, .finished = true}, "over", "0.0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        emp_standing_t standing = {.now = &cases[i].overview, .endpoint = "e"};
        char line[128];
        snprintf (line, sizeof line, "run\te\t-\t-\t%s\t1.0\t%s\n", cases[i].state, cases[i].left);
        expect_piece (&standing, STANDING_LINES, line);
    }
}

Test (standing, a_table_says_it_in_words_and_leaves_out_what_nobody_uses)
{
    emp_standing_t standing = {.now = &now, .before = &before, .info = &info};
    expect_piece (&standing, STANDING_TABLE, "finishing, 0:10 since the first ticket, 0:20 left, 2.50 tickets/s\n");
    expect_piece (&standing, STANDING_TABLE, "_TID_7 of q, attempt 2\n");
    expect_piece (&standing, STANDING_TABLE, "idle, silent for 5.0 s\n");
    expect_piece (&standing, STANDING_TABLE, "(1 unused)\n");
    expect_piece (&standing, STANDING_TABLE, "1.5 s ago: Process-1 on b, pid 9, killed by signal 9 (Killed), held 3\n");
    now.feeding = true;
    expect_piece (&standing, STANDING_TABLE, "0:20 left for what was put so far");
}

Test (standing, a_table_is_cut_to_its_lines_and_columns)
{
    emp_standing_t standing = {.now = &now, .before = &before, .info = &info};
    for (size_t lines = 1; lines < 30; lines++)
        for (size_t columns = 1; columns < 100; columns += 9) {
            char *text = written (&standing, STANDING_TABLE, lines, columns);
            size_t count = 0;
            for (char *line = strtok (text, "\n"); line; line = strtok (NULL, "\n")) {
                count++;
                cr_assert (strlen (line) <= columns || strstr (line, "more lines"), "%s", line);
            }
            cr_assert (count <= lines && count >= 1);
            free (text);
        }
    char *text = written (&standing, STANDING_TABLE, 4, 0);
    cr_assert (strstr (text, "… 13 more lines\n"), "%s", text);
    free (text);
}

Test (standing, a_strangers_names_cannot_reach_the_terminal_nor_end_a_field)
{
    emp_overview_peer_t peer = {.role = EMP_ROLE_WORKER,
                                .name = "a\033[2J\tb\nc\xc2\x9b"
                                        "d\xff\xc3\xa9",
                                .host = "h",
                                .pid = 1};
    emp_overview_t overview = {.peers = &peer, .peers_count = 1};
    emp_standing_t standing = {.now = &overview, .endpoint = "e"};
    expect_piece (&standing, STANDING_LINES, "slot\th\ta?[2J?b?c?d?\xc3\xa9\t1\t0\t0\t");
    expect_piece (&standing, STANDING_TABLE, "  a?[2J?b?c?d?\xc3\xa9 ");
    strcpy (peer.name, "\"\n\033");
    expect_piece (&standing, STANDING_JSON, "\"name\":\"\\\"\\n\\u001b\"");
}
