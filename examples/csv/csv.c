/* SPDX-License-Identifier: BSD-3-Clause
 *
 * csv.c - a worker module: the average of a chunk's cells. One result a ticket: a double.
 *
 * Empty cells and nan do not count; a chunk that has nothing else gives 0.0. A cell that is no number at all is an error
 * in the data: the ticket ends dead and the report says which cell it was.
 *
 *     cc -shared -fPIC -O2 -o csv.so csv.c $(pkg-config --cflags eisenmp)
 */
#include <eisenmp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 127

/* The number in a cell, nan when it is empty; false when it is something else. */
static bool read_cell (const msgpack_object *cell, double *ret_number)
{
    char text[CELL_MAX + 1];
    if (cell->type != MSGPACK_OBJECT_STR || cell->via.str.size > CELL_MAX)
        return false;
    memcpy (text, cell->via.str.ptr, cell->via.str.size); /* a text of msgpack has no NUL at its end */
    text[cell->via.str.size] = '\0';
    char *end;
    double number = strtod (text, &end);
    bool empty = end == text;
    end += strspn (end, " \t\r");
    if (*end)
        return false;
    *ret_number = empty ? NAN : number;
    return true;
}

/* Called again and again, until it says false. */
bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false; /* the queue has stopped */

    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < emp_chunk_rows (chunk); i++) {
        const msgpack_object *cell = emp_chunk_row (chunk, i);
        double number;
        if (!read_cell (cell, &number)) {
            bool text = cell->type == MSGPACK_OBJECT_STR;
            int shown = !text ? 0 : cell->via.str.size < CELL_MAX ? (int) cell->via.str.size : CELL_MAX;
            emp_chunk_fail (&chunk, "row %zu of the chunk: '%.*s' is no number", i, shown,
                            text ? cell->via.str.ptr : "");
            return true;
        }
        if (isnan (number))
            continue;
        sum += number;
        count++;
    }
    msgpack_pack_double (emp_chunk_result (chunk), count ? sum / (double) count : 0.0);
    emp_chunk_done (&chunk);
    return true;
}
