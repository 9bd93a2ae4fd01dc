/* SPDX-License-Identifier: BSD-3-Clause
 *
 * prime.c - a worker module: which numbers of a chunk are prime? One result a ticket: the list of its primes.
 *
 *     cc -shared -fPIC -O2 -o prime.so prime.c $(pkg-config --cflags eisenmp)
 */
#include <eisenmp.h>
#include <stdlib.h>

/* Trial division. Beyond 3 all primes are of the form 6k - 1 or 6k + 1, so only those are tried. */
static bool is_prime (uint64_t number)
{
    if (number < 4)
        return number > 1;
    if (number % 2 == 0 || number % 3 == 0)
        return false;
    for (uint64_t divisor = 5; divisor <= number / divisor; divisor += 6)
        if (number % divisor == 0 || number % (divisor + 2) == 0)
            return false;
    return true;
}

/* Called again and again, until it says false. */
bool worker_entrance (emp_toolbox_t *toolbox)
{
    emp_chunk_t *chunk = emp_queue_get (emp_toolbox_queue (toolbox, EMP_DEFAULT_QUEUE));
    if (!chunk)
        return false; /* the queue has stopped */

    size_t rows = emp_chunk_rows (chunk), count = 0;
    uint64_t *primes = malloc ((rows + 1) * sizeof *primes);
    if (!primes) {
        emp_chunk_fail (&chunk, "out of memory");
        return true;
    }
    for (size_t i = 0; i < rows; i++) {
        const msgpack_object *row = emp_chunk_row (chunk, i);
        if (row->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
            emp_chunk_fail (&chunk, "row %zu is no positive integer", i);
            free (primes);
            return true;
        }
        if (is_prime (row->via.u64))
            primes[count++] = row->via.u64;
    }

    msgpack_packer *result = emp_chunk_result (chunk);
    msgpack_pack_array (result, count);
    for (size_t i = 0; i < count; i++)
        msgpack_pack_uint64 (result, primes[i]);
    emp_chunk_done (&chunk);
    free (primes);
    return true;
}
