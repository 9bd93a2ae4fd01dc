/* SPDX-License-Identifier: BSD-3-Clause
 *
 * relay.c - modules whose workers put, get and ask (B13, B14, B16, B20). What they find wrong is a refused chunk.
 */
#include <eisenmp.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

emp_worker_fn stages, both, answer, split, texts, halfway, count_down, tools, wide, stuff, heavy;

static void put_number (emp_queue_t *queue, uint64_t number)
{
    msgpack_sbuffer rows;
    msgpack_packer pk;
    msgpack_sbuffer_init (&rows);
    msgpack_packer_init (&pk, &rows, msgpack_sbuffer_write);
    msgpack_pack_uint64 (&pk, number);
    emp_queue_put (queue, rows.data, rows.size);
    msgpack_sbuffer_destroy (&rows);
}

/* Two stages: the first process gets rows of mp_input_q and puts them, one by one and doubled, to middle_q; the others get
 * them from there. One that did both could fill the queue that it alone empties. Dies by its own hand at the row
 * `die_at`, in the first attempt, behind its puts. */
bool stages (emp_toolbox_t *toolbox)
{
    emp_queue_t *middle = emp_toolbox_queue (toolbox, "middle_q");
    bool second = emp_toolbox_start_sequence_num (toolbox) > 0;
    emp_chunk_t *chunk = emp_queue_get (second ? middle : emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
        uint64_t number = emp_chunk_row (chunk, i)->via.u64;
        if (second)
            msgpack_pack_uint64 (emp_chunk_result (chunk), number);
        else
            put_number (middle, number * 2);
        if (!second && emp_chunk_attempt (chunk) == 1 && number == (uint64_t) emp_toolbox_int (toolbox, "die_at", -1))
            _exit (3);
    }
    emp_chunk_done (&chunk);
    return true;
}

/* Two queues in one loop, as the original's double example: waits on each until it has stopped. */
bool both (emp_toolbox_t *toolbox)
{
    static const char *const names[] = {"audio_lg", "video_in"};
    bool any = false;
    for (int i = 0; i < 2; i++) {
        emp_chunk_t *chunk = emp_queue_get (emp_toolbox_category_queue (toolbox, "batch_1", names[i]));
        if (!chunk)
            continue;
        any = true;
        for (size_t row = 0; row < emp_chunk_rows (chunk); row++)
            msgpack_pack_object (emp_chunk_result (chunk), *emp_chunk_row (chunk, row));
        emp_chunk_done (&chunk);
    }
    return any;
}

/* A queue of its own for each process, commands on it, answers on one that all share. */
bool answer (emp_toolbox_t *toolbox)
{
    char name[32];
    snprintf (name, sizeof name, "com_in_%u", emp_toolbox_start_sequence_num (toolbox));
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, name));
    if (!chunk)
        return false;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++)
        put_number (emp_toolbox_queue (toolbox, "com_out"),
                    emp_chunk_row (chunk, i)->via.u64 * 10 + emp_toolbox_start_sequence_num (toolbox));
    emp_chunk_done (&chunk);
    return true;
}

/* Work that makes work: n puts n-1 twice on its own queue; 0 is a result. */
bool split (emp_toolbox_t *toolbox)
{
    emp_queue_t *queue = emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE);
    emp_chunk_t *chunk = emp_queue_get (queue);
    if (!chunk)
        return false;
    uint64_t n = emp_chunk_row (chunk, 0)->via.u64;
    for (int i = 0; n && i < 2; i++)
        put_number (queue, n - 1);
    if (n == 0)
        msgpack_pack_uint64 (emp_chunk_result (chunk), 1);
    emp_chunk_done (&chunk);
    return true;
}

/* Results by mp_output_q (B27), texts by mp_print_q (B32), rows done by mp_info_q (B7). */
bool texts (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    char header[256];
    snprintf (header, sizeof header, "%s%s", emp_toolbox_output_header (toolbox), emp_toolbox_input_header (toolbox));
    for (int i = 0; i < 2; i++) {
        msgpack_sbuffer rows;
        msgpack_packer pk;
        msgpack_sbuffer_init (&rows);
        msgpack_packer_init (&pk, &rows, msgpack_sbuffer_write);
        msgpack_pack_array (&pk, 2);
        msgpack_pack_str (&pk, strlen (header));
        msgpack_pack_str_body (&pk, header, strlen (header));
        msgpack_pack_uint64 (&pk, emp_chunk_ticket (chunk) * 2 + (unsigned) i);
        emp_queue_put (emp_toolbox_queue (toolbox, "mp_output_q"), rows.data, rows.size);
        msgpack_sbuffer_destroy (&rows);
    }
    put_number (emp_toolbox_queue (toolbox, "mp_info_q"), emp_chunk_rows (chunk));
    emp_toolbox_print (toolbox, "first %d\nsecond %d\n", emp_toolbox_worker_pid (toolbox),
                       emp_toolbox_worker_pid (toolbox));
    emp_chunk_done (&chunk);
    return true;
}

/* Says by mp_info_q (B7), in both ways, that 60 rows of its chunk are done, and goes on when a byte comes by the file `gate`. */
bool halfway (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    msgpack_sbuffer rows;
    msgpack_packer pk;
    msgpack_sbuffer_init (&rows);
    msgpack_packer_init (&pk, &rows, msgpack_sbuffer_write);
    msgpack_pack_array (&pk, 2);
    msgpack_pack_str_with_body (&pk, emp_toolbox_perf_header_eta (toolbox),
                                strlen (emp_toolbox_perf_header_eta (toolbox)));
    msgpack_pack_uint64 (&pk, 20);
    emp_queue_put (emp_toolbox_queue (toolbox, "mp_info_q"), rows.data, rows.size);
    msgpack_sbuffer_destroy (&rows);
    put_number (emp_toolbox_queue (toolbox, "mp_info_q"), 40);
    int gate = open (emp_toolbox_string (toolbox, "gate", "gate"), O_RDONLY | O_CLOEXEC);
    char byte;
    if (read (gate, &byte, 1) == 1)
        msgpack_pack_uint64 (emp_chunk_result (chunk), 1);
    close (gate);
    emp_chunk_done (&chunk);
    return true;
}

/* Does nothing with what it gets, and is never done by itself. */
bool count_down (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (chunk) {
        msgpack_pack_int (emp_chunk_result (chunk), emp_toolbox_worker_pid (toolbox));
        emp_chunk_done (&chunk);
        return true;
    }
    emp_toolbox_print (toolbox, "serving\n");
    for (;;)
        pause (); /* a server (B23) */
}

/* Counts the rows that are words of the list that came by mp_tools_q (B9, B26), which it gets once. */
bool tools (emp_toolbox_t *toolbox)
{
    const msgpack_object *words = emp_toolbox_multi_tool (toolbox);
    if (!words) {
        emp_chunk_t *tool = emp_queue_get (emp_toolbox_queue (toolbox, "mp_tools_q"));
        if (!tool)
            return false;
        words = emp_chunk_row (tool, 0); /* good for the life of the process */
        emp_toolbox_set_multi_tool (toolbox, (void *) (uintptr_t) words);
        emp_chunk_done (&tool);
    }
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    uint64_t found = 0;
    for (size_t row = 0; row < emp_chunk_rows (chunk); row++)
        for (uint32_t i = 0; i < words->via.array.size; i++)
            found += msgpack_object_equal (*emp_chunk_row (chunk, row), words->via.array.ptr[i]);
    msgpack_pack_uint64 (emp_chunk_result (chunk), found);
    emp_chunk_done (&chunk);
    return true;
}

/* Every third queue of the list (B15) in turn, one chunk at a time, until all have stopped. */
bool wide (emp_toolbox_t *toolbox)
{
    bool any = false;
    emp_queue_t *queue;
    size_t step = (size_t) emp_toolbox_int (toolbox, "PROCS_MAX", 1);
    for (size_t i = emp_toolbox_start_sequence_num (toolbox); (queue = emp_toolbox_queue_at (toolbox, i)); i += step) {
        if (strncmp (emp_queue_name (queue), "wide", 4) != 0)
            continue;
        emp_chunk_t *chunk = emp_queue_get (queue);
        if (!chunk)
            continue;
        any = true;
        for (size_t row = 0; row < emp_chunk_rows (chunk); row++)
            msgpack_pack_object (emp_chunk_result (chunk), *emp_chunk_row (chunk, row));
        emp_chunk_done (&chunk);
    }
    return any;
}

/* Puts on q, which nobody gets from, until it is told that q takes no more. */
bool stuff (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    emp_queue_t *queue = emp_toolbox_queue (toolbox, "q");
    emp_status_t status;
    while (emp_queue_put_wait (queue, "\x01", 1, 50) == EMP_OK)
        ;
    emp_toolbox_print (toolbox, "full\n");
    do
        status = emp_queue_put (queue, "\x01", 1);
    while (status == EMP_OK);
    msgpack_pack_int (emp_chunk_result (chunk), status);
    emp_chunk_done (&chunk);
    return true;
}

/* Process-1 puts a binary of 5 MB on q for each chunk and leaves at once; the others answer with its length. */
bool heavy (emp_toolbox_t *toolbox)
{
    bool reads = emp_toolbox_start_sequence_num (toolbox) > 0;
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, reads ? "q" : EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false;
    if (reads)
        msgpack_pack_uint64 (emp_chunk_result (chunk), emp_chunk_row (chunk, 0)->via.bin.size);
    else {
        static char bytes[5000000];
        msgpack_sbuffer row;
        msgpack_sbuffer_init (&row);
        msgpack_packer pk;
        msgpack_packer_init (&pk, &row, msgpack_sbuffer_write);
        msgpack_pack_bin (&pk, sizeof bytes);
        msgpack_pack_bin_body (&pk, bytes, sizeof bytes);
        emp_queue_put (emp_toolbox_queue (toolbox, "q"), row.data, row.size);
        msgpack_sbuffer_destroy (&row);
    }
    emp_chunk_done (&chunk);
    return true;
}
