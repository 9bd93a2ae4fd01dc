/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wire.c - headers of data messages: any bytes, and headers that our encoder made, whole and spoilt. What is decoded is
 * encoded again and decoded again, to the same.
 */
#include "common/wire.h"

#include "fuzz.h"

static emp_wire_t first, again;

static uint64_t payload_of (const emp_wire_t *wire)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < wire->count; i++)
        sum += wire->parts[i].length;
    return sum;
}

/* Only fields that the kind has are compared: all others were zero before, and stay so. */
static bool comes_back (const void *header, size_t size, uint64_t payload)
{
    memset (&first, 0, sizeof first);
    if (emp_wire_decode (header, size, payload, &first) != EMP_OK)
        return false;
    FUZZ_MUST (first.count <= EMP_WIRE_PARTS_MAX && payload_of (&first) == payload);
    emp_buf_t out;
    emp_buf_init (&out, EMP_WIRE_HEADER_MAX);
    FUZZ_MUST (emp_wire_encode (&first, &out) == EMP_OK);
    memset (&again, 0, sizeof again);
    FUZZ_MUST (emp_wire_decode (out.data, out.size, payload, &again) == EMP_OK);
    FUZZ_MUST (memcmp (&first, &again, sizeof first) == 0);
    emp_buf_release (&out);
    return true;
}

/* A message as some peer would send it. */
static void make (fuzz_input_t *input, emp_wire_t *wire)
{
    memset (wire, 0, sizeof *wire);
    wire->kind = EMP_WIRE_PUT + fuzz_byte (input) % 5;
    wire->run = fuzz_any (input);
    wire->session = fuzz_any (input);
    wire->feed = (uint32_t) fuzz_any (input);
    wire->lane = (uint32_t) fuzz_any (input);
    wire->skipped = fuzz_any (input);
    wire->first = fuzz_any (input);
    wire->serial = fuzz_any (input);
    wire->window = fuzz_any (input);
    wire->puts = fuzz_any (input);
    wire->end = fuzz_byte (input) & 1;
    fuzz_text (input, wire->label, sizeof wire->label);
    bool may_be_empty = wire->kind == EMP_WIRE_STOPPED || (wire->kind == EMP_WIRE_PUT && wire->end);
    wire->count = wire->kind == EMP_WIRE_STOPPED ? 0 : fuzz_byte (input) % 5u + !may_be_empty;
    for (emp_part_t *part = wire->parts; part < wire->parts + wire->count; part++)
        *part = (emp_part_t){.ticket = fuzz_any (input),
                             .number = fuzz_any (input),
                             .attempt = (uint32_t) fuzz_any (input),
                             .outcome = fuzz_byte (input) % 4,
                             .rows = (uint32_t) fuzz_any (input),
                             .length = (uint32_t) fuzz_any (input),
                             .from = (uint32_t) fuzz_any (input),
                             .count = (uint32_t) fuzz_any (input),
                             .left = (uint32_t) fuzz_any (input),
                             .session = fuzz_any (input),
                             .hash = fuzz_any (input)};
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    if (!(fuzz_byte (&input) & 1)) { /* raw: the payload's size, the header */
        uint64_t payload = fuzz_any (&input);
        comes_back (input.at, fuzz_left (&input), payload);
        return 0;
    }
    static emp_wire_t wire;
    make (&input, &wire);
    uint64_t payload = payload_of (&wire);
    emp_buf_t out;
    emp_buf_init (&out, EMP_WIRE_HEADER_MAX);
    FUZZ_MUST (emp_wire_encode (&wire, &out) == EMP_OK);
    comes_back (out.data, out.size, payload);
    fuzz_spoil (&input, out.data, out.size);
    comes_back (out.data, out.size, payload);
    emp_buf_release (&out);
    return 0;
}

/* ---- seeds ------------------------------------------------------------------------------------------------------------ */

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const char *const names[] = {"put", "done", "chunks", "stopped", "results"};
    for (int i = 0; i < 5; i++) {
        emp_wire_t *wire = &first;
        memset (wire, 0, sizeof *wire);
        wire->kind = EMP_WIRE_PUT + i;
        wire->run = UINT64_C (0x1122334455667788);
        wire->session = wire->serial = wire->lane = wire->feed = 65537;
        wire->end = true;
        strcpy (wire->label, "mp_input_q (default)");
        wire->count = i == 3 ? 0 : 2;
        for (uint32_t k = 0; k < wire->count; k++)
            wire->parts[k] =
                (emp_part_t){.ticket = 1u << (k * 20), .attempt = 1, .rows = 42, .length = 50, .count = 42};
        emp_buf_t out;
        emp_buf_init (&out, EMP_WIRE_HEADER_MAX);
        const uint8_t head[2] = {0, (uint8_t) payload_of (wire)};
        FUZZ_MUST (emp_buf_append (&out, head, sizeof head) == EMP_OK && emp_wire_encode (wire, &out) == EMP_OK);
        write (names[i], out.data, out.size);
        emp_buf_release (&out);
        uint8_t made[80] = {1, (uint8_t) i, 1, 2, 3, 4, 0, 5, 1, 2, 3, 1, 2, 'q', 'r', 1};
        for (size_t k = 16; k < sizeof made; k++)
            made[k] = (uint8_t) (1 + k % 3);
        char name[32];
        snprintf (name, sizeof name, "made_%s", names[i]);
        write (name, made, sizeof made);
    }
}
