/* SPDX-License-Identifier: BSD-3-Clause
 *
 * word_numbers.c - a generator: the number of every millionth word of the list `words` that the manager has, as a text.
 */
#include <eisenmp.h>

bool every_millionth (emp_generator_t *generator, msgpack_packer *row);

bool every_millionth (emp_generator_t *generator, msgpack_packer *row)
{
    const msgpack_object *words = emp_generator_config (generator, "words");
    uint64_t i = emp_generator_index (generator) * 1000000;
    if (i >= words->via.array.size)
        return false;
    char number[32];
    size_t size = (size_t) snprintf (number, sizeof number, "%llu", (unsigned long long) i);
    msgpack_pack_str (row, size);
    msgpack_pack_str_body (row, number, size);
    return true;
}
