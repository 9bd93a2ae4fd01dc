/* SPDX-License-Identifier: BSD-3-Clause
 *
 * endless.c - generators for a job file: `numbers` makes `count` of them (default: without end); `fails` fails behind
 * `count`; `stuck` makes `count` and then never returns; `two` packs two values at once.
 */
#include <eisenmp.h>
#include <unistd.h>

static uint64_t wanted (emp_generator_t *generator)
{
    const msgpack_object *count = emp_generator_config (generator, "count");
    return count && count->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? count->via.u64 : UINT64_MAX;
}

static bool number (emp_generator_t *generator, msgpack_packer *row)
{
    if (emp_generator_index (generator) >= wanted (generator))
        return false;
    msgpack_pack_uint64 (row, emp_generator_index (generator));
    return true;
}

bool numbers (emp_generator_t *generator, msgpack_packer *row);
bool fails (emp_generator_t *generator, msgpack_packer *row);
bool stuck (emp_generator_t *generator, msgpack_packer *row);
bool two (emp_generator_t *generator, msgpack_packer *row);

bool numbers (emp_generator_t *generator, msgpack_packer *row)
{
    return number (generator, row);
}

bool fails (emp_generator_t *generator, msgpack_packer *row)
{
    if (number (generator, row))
        return true;
    emp_generator_fail (generator, "no more after %d", (int) emp_generator_index (generator));
    return false;
}

bool stuck (emp_generator_t *generator, msgpack_packer *row)
{
    if (number (generator, row))
        return true;
    for (;;)
        pause ();
}

bool two (emp_generator_t *generator, msgpack_packer *row)
{
    return number (generator, row) && number (generator, row);
}
