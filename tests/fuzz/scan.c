/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scan.c - any bytes as msgpack: the walks agree with each other, and what they let through msgpack-c unpacks, to the same
 * length. Then the cursor, told by other bytes what to expect.
 */
#include "common/scan.h"

#include "fuzz.h"

/* Values one by one are the values all together. */
static void walks_agree (const uint8_t *data, size_t size)
{
    size_t values = 0, count = 0, at = 0, one;
    emp_status_t status = emp_scan (data, size, EMP_SCAN_OBJECTS_MAX, &values);
    emp_status_t last = EMP_OK;
    while (at < size && (last = emp_scan_one (data + at, size - at, EMP_SCAN_OBJECTS_MAX, &one)) == EMP_OK) {
        FUZZ_MUST (one > 0 && one <= size - at);
        at += one;
        count++;
    }
    FUZZ_MUST (status == (at == size ? EMP_OK : last) && (status != EMP_OK || values == count));
    for (size_t depth = 0; depth <= EMP_SCAN_DEPTH_MAX; depth += 7) {
        size_t within = 0;
        emp_status_t limited = emp_scan_within (data, size, depth, &within);
        FUZZ_MUST (limited == status || limited == EMP_TOOBIG);
        FUZZ_MUST (limited != EMP_OK || within == values);
    }
    FUZZ_MUST (status != EMP_OK || count < 2 || emp_scan (data, size, count - 1, NULL) == EMP_TOOBIG);
}

static void msgpack_agrees (const uint8_t *data, size_t size)
{
    size_t one, offset = 0;
    if (emp_scan_one (data, size, EMP_SCAN_OBJECTS_MAX, &one) != EMP_OK)
        return;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    FUZZ_MUST (msgpack_unpack_next (&unpacked, (const char *) data, size, &offset) == MSGPACK_UNPACK_SUCCESS);
    FUZZ_MUST (offset == one);
    msgpack_unpacked_destroy (&unpacked);
}

static void read_on (fuzz_input_t *wanted, const uint8_t *data, size_t size)
{
    emp_cursor_t cursor;
    emp_cursor_init (&cursor, data, size);
    while (fuzz_left (wanted)) {
        uint8_t what = fuzz_byte (wanted);
        char text[300];
        size_t blob_size, room = 1 + (what >> 3) * 9u;
        bool failed = cursor.status != EMP_OK;
        const uint8_t *before = cursor.at;
        switch (what & 7) {
        case 0: FUZZ_MUST (emp_cursor_array (&cursor) <= size); break;
        case 1:
        case 2: FUZZ_MUST (emp_cursor_uint (&cursor, what) <= what); break;
        case 3: emp_cursor_uint (&cursor, UINT64_MAX); break;
        case 4: FUZZ_MUST (!emp_cursor_bool (&cursor) || !failed); break;
        case 5: {
            const uint8_t *blob = emp_cursor_bin (&cursor, &blob_size);
            FUZZ_MUST (blob ? blob >= data && blob + blob_size <= data + size : blob_size == 0);
            break;
        }
        default: emp_cursor_str (&cursor, text, room); FUZZ_MUST (strlen (text) < room);
        }
        FUZZ_MUST (cursor.at >= before && cursor.at <= cursor.end && (!failed || cursor.status != EMP_OK));
    }
    FUZZ_MUST (emp_cursor_end (&cursor) != EMP_OK || cursor.at == cursor.end);
}

/* The first byte says how many bytes behind it are for the cursor. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size}, wanted;
    size_t count;
    wanted.at = fuzz_bytes (&input, fuzz_byte (&input) % 16, &count);
    wanted.end = wanted.at + count;
    walks_agree (input.at, fuzz_left (&input));
    msgpack_agrees (input.at, fuzz_left (&input));
    read_on (&wanted, input.at, fuzz_left (&input));
    return 0;
}

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const uint8_t flat[] =
        "\x05\x00\x03\x07\x05\x04\x95\xcd\x01\x00\xce\xff\xff\xff\xff\xa3xyz\xc4\x02\x00\x01\xc3";
    static const uint8_t deep[] =
        "\x00\x91\x92\x01\x81\xa1k\x92\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xc7\x02\x05\x01\x02\xd4\x01\x02";
    static const uint8_t large[] =
        "\x01\x00\xdd\x04\x00\x00\x00\xdf\xff\xff\xff\xff\xdb\xff\xff\xff\xff\xc6\xff\xff\xff\xff";
    write ("flat", flat, sizeof flat - 1);
    write ("deep", deep, sizeof deep - 1);
    write ("large", large, sizeof large - 1);
    uint8_t nested[40];
    memset (nested, 0x91, sizeof nested);
    nested[0] = 0;
    write ("nested", nested, sizeof nested);
    nested[31] = 0xc0;
    write ("nested_30", nested, 32);
}
