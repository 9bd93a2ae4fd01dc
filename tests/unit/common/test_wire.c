/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "bytes.h"
#include "common/hash.h"
#include "common/wire.h"

TestSuite (wire, .timeout = 120);

static const emp_wire_kind_t kinds[] = {EMP_WIRE_PUT, EMP_WIRE_DONE, EMP_WIRE_CHUNKS, EMP_WIRE_STOPPED,
                                        EMP_WIRE_RESULTS};

#define KINDS (sizeof kinds / sizeof *kinds)

static emp_wire_t sent, got, again;

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

/* A message of a kind, with values of every width; only what the kind sends is set. */
static emp_wire_t *message_of (emp_wire_kind_t kind, uint32_t count)
{
    uint64_t state = count;
    sent = (emp_wire_t){.kind = kind, .run = 0x1122334455667788};
    memset (sent.parts, 0, sizeof sent.parts); /* they are compared as bytes, the gaps between their fields too */
    if (kind == EMP_WIRE_STOPPED) {
        sent.lane = 7;
        sent.end = true;
        return &sent;
    }
    int put = kind == EMP_WIRE_PUT, done = kind == EMP_WIRE_DONE, chunks = kind == EMP_WIRE_CHUNKS;
    int results = kind == EMP_WIRE_RESULTS;
    sent.session = put || done ? 0xfedcba9876543210 : 0;
    sent.feed = put || results ? 70000 : 0;
    sent.lane = done || chunks ? 4000000000u : 0;
    sent.first = put ? 1000000 : 0;
    sent.skipped = put ? 999999 - count : 0;
    sent.serial = results ? 99999999999 : 0;
    sent.window = done ? 300 : 0;
    sent.puts = done ? 70000 : 0;
    sent.end = put && count == 0;
    if (chunks || results)
        strcpy (sent.label, "mp_input_q (default)");
    sent.count = count;
    for (uint32_t i = 0; i < count; i++) {
        emp_part_t *part = &sent.parts[i];
        unsigned shift = bytes_random (&state) % 60;
        part->ticket = done || chunks ? 1 + (UINT64_MAX >> shift) / 2 : 0;
        part->number = put ? sent.first + i : done ? 0 : UINT64_MAX >> (59 - shift);
        part->attempt = put ? 0 : 1 + i % 5;
        part->outcome = done ? i % 2 : results ? i % 2 * 2 : 0;
        part->rows = done ? 0 : bytes_random (&state) % (EMP_ROWS_MAX_LIMIT + 1);
        part->length = bytes_random (&state) % (1u << (1 + shift / 4));
        part->from = chunks    ? bytes_random (&state) % (part->rows + 1)
                     : results ? bytes_random (&state) % (EMP_ROWS_MAX_LIMIT + 1)
                               : 0;
        part->count = chunks ? bytes_random (&state) % (part->rows - part->from + 1) : 0;
        part->left = results ? bytes_random (&state) % (EMP_ROWS_MAX_LIMIT + 1) : 0;
        part->session = results ? UINT64_MAX >> shift : 0;
        part->hash = (done || results) && i % 7 ? UINT64_MAX >> (59 - shift) : 0;
    }
    return &sent;
}

static size_t payload_of (const emp_wire_t *message)
{
    size_t size = 0;
    for (uint32_t i = 0; i < message->count; i++)
        size += message->parts[i].length;
    return size;
}

static bytes_t encoded (const emp_wire_t *message)
{
    emp_buf_t out;
    emp_buf_init (&out, EMP_WIRE_HEADER_MAX);
    if (emp_wire_encode (message, &out) != EMP_OK)
        cr_assert_fail ("kind %d is not encoded", message->kind);
    bytes_t bytes = bytes_copy (out.data, out.size);
    emp_buf_release (&out);
    return bytes;
}

static int is_same (const emp_wire_t *a, const emp_wire_t *b)
{
    return a->kind == b->kind && a->run == b->run && a->session == b->session && a->feed == b->feed &&
           a->lane == b->lane && a->first == b->first && a->skipped == b->skipped && a->serial == b->serial &&
           a->window == b->window && a->puts == b->puts && a->end == b->end && strcmp (a->label, b->label) == 0 &&
           a->count == b->count && memcmp (a->parts, b->parts, a->count * sizeof *a->parts) == 0;
}

static emp_status_t decoded (const char *hex, size_t payload_size)
{
    bytes_t bytes = bytes_of (hex);
    memset (&got, 0, sizeof got);
    got.count = 99;
    emp_status_t status = emp_wire_decode (bytes.data, bytes.size, payload_size, &got);
    bytes_free (&bytes);
    return status;
}

static void expect_status (const char *hex, size_t payload_size, emp_status_t status)
{
    cr_assert_eq (decoded (hex, payload_size), status, "%s", hex);
    if (status != EMP_OK)
        cr_assert_eq (got.count, 0, "%s", hex);
}

/* ---- the good ---------------------------------------------------------------------------------------------------- */

Test (wire, every_kind_makes_the_round_trip_with_any_number_of_parts)
{
    for (size_t i = 0; i < KINDS; i++)
        for (uint32_t count = kinds[i] == EMP_WIRE_PUT ? 0 : 1; count <= EMP_WIRE_PARTS_MAX; count++) {
            emp_wire_t *message = message_of (kinds[i], count);
            bytes_t bytes = encoded (message);
            memset (&got, 0, sizeof got);
            emp_status_t status = emp_wire_decode (bytes.data, bytes.size, payload_of (message), &got);
            if (status != EMP_OK || !is_same (message, &got))
                cr_assert_fail ("kind %d with %u parts: %s", kinds[i], count, emp_status_text (status));
            bytes_free (&bytes);
        }
}

Test (wire, bytes_on_the_wire_are_those_of_the_protocol)
{
    const struct {
        const char *hex;
        size_t payload;
    } cases[] = {
        {"dc 00 0d 02 20 05 06 07 09 04 c2 02 03 01 04 02", 7},
        {"dc 00 09 02 20 05 06 07 09 00 c3 00", 0},
        {"dc 00 12 02 21 05 06 07 08 09 02 0b 01 00 03 00 0c 02 01 04 cc ff", 7},
        {"dc 00 14 02 22 05 07 d9 01 71 02 0b 01 00 03 2a 00 2a 0c 02 01 04 2a 15 0a", 7},
        {"dc 00 05 02 23 05 07 c2", 0},
        {"dc 00 19 02 24 05 07 d9 01 71 08 02 00 01 00 2a 03 00 00 06 cc ff 01 05 02 15 04 15 0a 07 00", 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq (decoded (cases[i].hex, cases[i].payload), EMP_OK, "%s", cases[i].hex);
        bytes_t expected = bytes_of (cases[i].hex), bytes = encoded (&got);
        cr_assert_eq (bytes.size, expected.size, "%s", cases[i].hex);
        cr_assert_arr_eq (bytes.data, expected.data, bytes.size, "%s", cases[i].hex);
        bytes_free (&expected);
        bytes_free (&bytes);
    }
}

/* Those of PROTOCOL.md. */
Test (wire, bytes_of_the_examples)
{
    cr_assert_eq (
        decoded ("dc 00 0b 02 20 cf 11 22 33 44 55 66 77 88 cf a1 a2 a3 a4 a5 a6 a7 a8 07 02 02 c2 01 04 03", 4),
        EMP_OK);
    cr_assert (got.kind == EMP_WIRE_PUT && got.first == 2 && got.skipped == 2 && got.parts[0].number == 2);
    cr_assert_eq (
        decoded ("dc 00 0d 02 22 cf 11 22 33 44 55 66 77 88 03 d9 08 62 6c 75 65 5f 71 5f 37 01 05 01 02 04 03 00 03",
                 4),
        EMP_OK);
    cr_assert (got.kind == EMP_WIRE_CHUNKS && got.parts[0].rows == 3 && got.parts[0].from == 0 &&
               got.parts[0].count == 3);
    uint64_t hash = emp_hash ("\x93\x01\x02\x03", 4);
    cr_assert_eq (
        decoded ("dc 00 0d 02 21 cf 11 22 33 44 55 66 77 88 cf a1 a2 a3 a4 a5 a6 a7 a8 03 02 00 01 05 01 00 01 "
                 "cf df a5 51 be a1 ab 1e de",
                 1),
        EMP_OK);
    cr_assert (got.kind == EMP_WIRE_DONE && got.window == 2 && got.parts[0].hash == hash);
    cr_assert_eq (
        decoded (
            "dc 00 10 02 24 cf 11 22 33 44 55 66 77 88 07 d9 08 62 6c 75 65 5f 71 5f 37 01 01 02 01 00 03 01 00 00 "
            "cf a1 a2 a3 a4 a5 a6 a7 a8 cf df a5 51 be a1 ab 1e de",
            1),
        EMP_OK);
    cr_assert (got.kind == EMP_WIRE_RESULTS && got.serial == 1 && got.parts[0].number == 2 && got.parts[0].rows == 3);
    cr_assert (got.parts[0].session == 0xa1a2a3a4a5a6a7a8 && got.parts[0].hash == hash && got.parts[0].left == 0);
    cr_assert_eq (decoded ("dc 00 05 02 23 cf 11 22 33 44 55 66 77 88 03 c2", 0), EMP_OK);
}

Test (wire, fields_are_read_into_their_places)
{
    cr_assert_eq (decoded ("dc 00 0d 02 20 05 06 07 09 04 c3 02 03 01 04 02", 7), EMP_OK); /* PUT */
    cr_assert (got.kind == EMP_WIRE_PUT && got.run == 5 && got.session == 6 && got.feed == 7 && got.first == 9);
    cr_assert_eq (got.skipped, 4);
    cr_assert (got.end && got.count == 2);
    cr_assert (got.parts[0].number == 9 && got.parts[0].length == 3 && got.parts[0].rows == 1);
    cr_assert (got.parts[1].number == 10 && got.parts[1].length == 4 && got.parts[1].rows == 2);

    cr_assert_eq (decoded ("9d 02 21 05 06 07 08 09 01 0b 03 01 04 0d", 4), EMP_OK); /* DONE */
    cr_assert (got.kind == EMP_WIRE_DONE && got.session == 6 && got.lane == 7 && got.window == 8 && got.puts == 9);
    cr_assert (got.parts[0].ticket == 11 && got.parts[0].attempt == 3 && got.parts[0].length == 4);
    cr_assert (got.parts[0].outcome == EMP_OUTCOME_REFUSED && got.parts[0].hash == 13);

    cr_assert_eq (decoded ("9d 02 22 05 07 a1 71 01 0b 03 0c 04 2a 0e 0f", 4), EMP_OK); /* CHUNKS */
    cr_assert (got.kind == EMP_WIRE_CHUNKS && got.lane == 7 && strcmp (got.label, "q") == 0);
    cr_assert (got.parts[0].ticket == 11 && got.parts[0].attempt == 3 && got.parts[0].number == 12);
    cr_assert (got.parts[0].length == 4 && got.parts[0].rows == 42);
    cr_assert (got.parts[0].from == 14 && got.parts[0].count == 15);

    cr_assert_eq (decoded ("95 02 23 05 07 c3", 0), EMP_OK); /* STOPPED */
    cr_assert (got.kind == EMP_WIRE_STOPPED && got.lane == 7 && got.end && got.count == 0);

    cr_assert_eq (decoded ("dc 00 10 02 24 05 07 a1 71 08 01 0c 03 02 2a 04 0e 0f 10 11", 4), EMP_OK); /* RESULTS */
    cr_assert (got.kind == EMP_WIRE_RESULTS && got.feed == 7 && got.serial == 8 && strcmp (got.label, "q") == 0);
    cr_assert (got.parts[0].number == 12 && got.parts[0].attempt == 3 && got.parts[0].rows == 42);
    cr_assert (got.parts[0].outcome == EMP_OUTCOME_DEAD && got.parts[0].length == 4);
    cr_assert (got.parts[0].from == 14 && got.parts[0].left == 15);
    cr_assert (got.parts[0].session == 16 && got.parts[0].hash == 17);
}

Test (wire, what_a_kind_does_not_use_stays_as_it_was)
{
    memset (&got, 0x5a, sizeof got);
    bytes_t bytes = bytes_of ("9d 02 21 05 06 07 08 09 01 0b 03 01 04 0d");
    cr_assert_eq (emp_wire_decode (bytes.data, bytes.size, 4, &got), EMP_OK);
    cr_assert_eq (got.serial, 0x5a5a5a5a5a5a5a5a);
    cr_assert_eq (got.skipped, 0x5a5a5a5a5a5a5a5a);
    cr_assert_eq (got.label[0], 0x5a);
    cr_assert_eq (got.parts[0].number, 0x5a5a5a5a5a5a5a5a);
    cr_assert (got.parts[0].from == 0x5a5a5a5a && got.parts[0].count == 0x5a5a5a5a && got.parts[0].left == 0x5a5a5a5a);
    cr_assert_eq (got.parts[0].session, 0x5a5a5a5a5a5a5a5a);
    cr_assert_eq (got.parts[1].ticket, 0x5a5a5a5a5a5a5a5a);
    bytes_free (&bytes);
}

Test (wire, the_longest_header_fits_its_limit)
{
    for (size_t i = 0; i < KINDS; i++) {
        emp_wire_t *message = message_of (kinds[i], EMP_WIRE_PARTS_MAX);
        memset (message->label, 'x', EMP_LABEL_MAX);
        message->run = message->session = message->window = message->puts = UINT64_MAX;
        message->lane = message->feed = UINT32_MAX;
        message->first = message->skipped = message->serial = UINT64_MAX - EMP_WIRE_PARTS_MAX;
        for (uint32_t k = 0; k < message->count; k++) {
            emp_part_t *part = &message->parts[k];
            part->ticket = part->number = UINT64_MAX;
            part->attempt = UINT32_MAX;
            part->session = part->hash = UINT64_MAX;
            part->rows = part->from = part->left = EMP_ROWS_MAX_LIMIT;
            part->count = 0; /* beside such a `from` there is no other */
            part->length = 1u << 20;
        }
        bytes_t bytes = encoded (message);
        cr_assert_leq (bytes.size, EMP_WIRE_HEADER_MAX);
        cr_assert_eq (emp_wire_decode (bytes.data, bytes.size, payload_of (message), &got), EMP_OK);
        bytes_free (&bytes);
    }
}

Test (wire, a_header_is_appended_whole_or_not_at_all)
{
    emp_wire_t *message = message_of (EMP_WIRE_CHUNKS, 10);
    bytes_t bytes = encoded (message);
    emp_buf_t out;
    emp_buf_init (&out, bytes.size + 2);
    emp_buf_append (&out, "abc", 3);
    cr_assert_eq (emp_wire_encode (message, &out), EMP_TOOBIG);
    cr_assert_eq (out.size, 3);
    emp_buf_clear (&out);
    emp_buf_append (&out, "ab", 2);
    cr_assert_eq (emp_wire_encode (message, &out), EMP_OK);
    cr_assert_arr_eq (out.data + 2, bytes.data, bytes.size);
    emp_buf_release (&out);
    bytes_free (&bytes);
}

/* ---- our own bugs -------------------------------------------------------------------------------------------------- */

Test (wire, to_encode_a_done_without_parts_is_a_bug, .signal = SIGABRT)
{
    encoded (message_of (EMP_WIRE_DONE, 0));
}

Test (wire, to_encode_more_parts_than_may_be_is_a_bug, .signal = SIGABRT)
{
    emp_wire_t *message = message_of (EMP_WIRE_PUT, EMP_WIRE_PARTS_MAX);
    message->count++;
    encoded (message);
}

Test (wire, to_encode_an_unknown_kind_is_a_bug, .signal = SIGABRT)
{
    encoded (message_of ((emp_wire_kind_t) 37, 1));
}

/* ---- the bad ----------------------------------------------------------------------------------------------------- */

Test (wire, foreign_versions_and_unknown_kinds_are_malformed)
{
    expect_status ("95 02 23 05 07 c2", 0, EMP_OK);
    expect_status ("95 00 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("95 01 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("95 03 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("95 c0 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("95 02 1f 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("95 02 25 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("95 02 12 05 07 c2", 0, EMP_MALFORMED);                         /* a BEAT belongs to the door */
    expect_status ("9d 02 28 05 07 02 01 00 03 06 01 02 0b a0", 0, EMP_MALFORMED); /* and so does an ATTEMPT */
    expect_status ("95 02 cd 01 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("", 0, EMP_MALFORMED);
    expect_status ("01", 0, EMP_MALFORMED);
}

Test (wire, missing_and_extra_values_are_malformed)
{
    expect_status ("94 02 23 05 07", 0, EMP_MALFORMED);
    expect_status ("94 02 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("96 02 23 05 07 c2 00", 0, EMP_MALFORMED);
    expect_status ("95 02 23 05 07 c2 00", 0, EMP_MALFORMED);
    expect_status ("9d 02 22 05 07 a1 71 01 0b 03 0c 04 2a 00 2a", 4, EMP_OK);
    expect_status ("9d 02 22 05 07 a1 71 02 0b 03 0c 04 2a 00 2a", 4, EMP_MALFORMED);
    expect_status ("9c 02 22 05 07 a1 71 01 0b 03 0c 04 2a 00", 4, EMP_MALFORMED);
    expect_status ("9d 02 22 05 07 a1 71 01 0b 03 0c 04 2a 00 2a 01", 4, EMP_MALFORMED);
    expect_status ("9e 02 22 05 07 a1 71 01 0b 03 0c 04 2a 00 2a 01", 4, EMP_MALFORMED);
}

Test (wire, a_part_with_the_fields_of_version_1_is_malformed)
{
    expect_status ("9a 02 20 05 06 07 09 c2 01 04 02", 4, EMP_MALFORMED);
    expect_status ("9c 02 21 05 06 07 08 09 01 0b 03 01 04", 4, EMP_MALFORMED);
    expect_status ("9b 02 22 05 07 a1 71 01 0b 03 0c 04 2a", 4, EMP_MALFORMED);
    expect_status ("9c 02 24 05 07 a1 71 08 01 0c 03 02 2a 04", 4, EMP_MALFORMED);
}

Test (wire, a_message_without_parts_is_only_the_end_of_a_feed)
{
    expect_status ("99 02 20 05 06 07 09 00 c3 00", 0, EMP_OK);
    expect_status ("99 02 20 05 06 07 09 00 c2 00", 0, EMP_MALFORMED);
    expect_status ("98 02 21 05 06 07 08 09 00", 0, EMP_MALFORMED);
    expect_status ("96 02 22 05 07 a1 71 00", 0, EMP_MALFORMED);
    expect_status ("97 02 24 05 07 a1 71 08 00", 0, EMP_MALFORMED);
}

Test (wire, more_parts_than_may_be_are_malformed)
{
    uint8_t frame[EMP_WIRE_HEADER_MAX] = {0xdc, 0, 0, 0x02, 0x20, 5, 6, 7, 9, 0, 0xc2, 0xcd};
    for (uint32_t count = EMP_WIRE_PARTS_MAX; count <= EMP_WIRE_PARTS_MAX + 1; count++) {
        frame[1] = (uint8_t) ((9 + 2 * count) >> 8);
        frame[2] = (uint8_t) (9 + 2 * count);
        frame[12] = (uint8_t) (count >> 8);
        frame[13] = (uint8_t) count;
        bytes_t bytes = bytes_copy (frame, 14 + 2 * count);
        emp_status_t expected = count <= EMP_WIRE_PARTS_MAX ? EMP_OK : EMP_MALFORMED;
        cr_assert_eq (emp_wire_decode (bytes.data, bytes.size, 0, &got), expected, "%u", count);
        bytes_free (&bytes);
    }
    expect_status ("99 02 20 05 06 07 09 00 c3 ce ff ff ff ff", 0, EMP_MALFORMED);
}

Test (wire, lengths_add_up_to_the_payload_exactly)
{
    const char *hex = "dc 00 0d 02 20 05 06 07 09 00 c2 02 03 01 04 02";
    expect_status (hex, 7, EMP_OK);
    expect_status (hex, 6, EMP_MALFORMED);
    expect_status (hex, 8, EMP_MALFORMED);
    expect_status (hex, 0, EMP_MALFORMED);
    expect_status ("95 02 23 05 07 c2", 1, EMP_MALFORMED);
    expect_status ("99 02 20 05 06 07 09 00 c3 00", 1, EMP_MALFORMED);
}

/* A PUT of `count` chunks of `length` bytes. */
static emp_status_t put_of (uint32_t count, uint64_t length, size_t payload_size)
{
    emp_buf_t out;
    msgpack_packer pk;
    emp_buf_init (&out, EMP_WIRE_HEADER_MAX);
    msgpack_packer_init (&pk, &out, emp_buf_write);
    msgpack_pack_array (&pk, 9 + 2 * count);
    const uint64_t head[] = {EMP_PROTOCOL_VERSION, EMP_WIRE_PUT, 5, 6, 7, 9, 0};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        msgpack_pack_uint64 (&pk, head[i]);
    msgpack_pack_false (&pk);
    msgpack_pack_uint64 (&pk, count);
    for (uint32_t i = 0; i < count; i++) {
        msgpack_pack_uint64 (&pk, length);
        msgpack_pack_uint64 (&pk, 1);
    }
    emp_status_t status = emp_wire_decode (out.data, out.size, payload_size, &got);
    emp_buf_release (&out);
    return status;
}

Test (wire, the_sum_of_lengths_does_not_wrap)
{
    cr_assert_eq (put_of (1, EMP_CHUNK_BYTES_MAX, EMP_CHUNK_BYTES_MAX), EMP_OK);
    cr_assert_eq (put_of (1, EMP_CHUNK_BYTES_MAX + 1u, EMP_CHUNK_BYTES_MAX + 1u), EMP_MALFORMED);
    cr_assert_eq (put_of (1, UINT32_MAX, UINT32_MAX), EMP_TOOBIG);
    cr_assert_eq (put_of (1, UINT64_MAX, 0), EMP_MALFORMED);
    cr_assert_eq (put_of (16, EMP_CHUNK_BYTES_MAX, 0), EMP_MALFORMED, "2^32 is not 0");
    cr_assert_eq (put_of (256, EMP_CHUNK_BYTES_MAX, 0), EMP_MALFORMED);
    cr_assert_eq (put_of (2, 1u << 31, 0), EMP_MALFORMED);
    cr_assert_eq (put_of (2, 1ull << 63, 0), EMP_MALFORMED);
}

Test (wire, frames_over_their_limits_are_too_big_before_they_are_read)
{
    uint8_t byte = 0x95; /* no more than this may be read */
    cr_assert_eq (emp_wire_decode (&byte, EMP_WIRE_HEADER_MAX + 1, 0, &got), EMP_TOOBIG);
    bytes_t bytes = bytes_of ("95 02 23 05 07 c2");
    cr_assert_eq (emp_wire_decode (bytes.data, bytes.size, (size_t) EMP_WIRE_PAYLOAD_MAX + 1, &got), EMP_TOOBIG);
    bytes_free (&bytes);
}

Test (wire, outcomes_belong_to_their_messages)
{
    for (unsigned outcome = 0; outcome < 0x80; outcome++) {
        char hex[128];
        int done = outcome == EMP_OUTCOME_DONE;
        snprintf (hex, sizeof hex, "9d 02 21 05 06 07 08 09 01 0b 03 %02x 04 0d", outcome);
        expect_status (hex, 4, done || outcome == EMP_OUTCOME_REFUSED ? EMP_OK : EMP_MALFORMED);
        snprintf (hex, sizeof hex, "dc 00 10 02 24 05 07 a1 71 08 01 0c 03 %02x 2a 04 00 00 06 0d", outcome);
        expect_status (hex, 4, done || outcome == EMP_OUTCOME_DEAD ? EMP_OK : EMP_MALFORMED);
    }
}

Test (wire, what_counts_from_1_is_never_0)
{
    expect_status ("9d 02 21 05 06 07 08 09 01 0b 00 00 04 0d", 4, EMP_MALFORMED); /* attempt */
    expect_status ("9d 02 22 05 07 a1 71 01 0b 00 0c 04 2a 00 2a", 4, EMP_MALFORMED);
    expect_status ("dc 00 10 02 24 05 07 a1 71 08 01 0c 00 00 2a 04 00 00 06 0d", 4, EMP_MALFORMED);
    expect_status ("dc 00 10 02 24 05 07 a1 71 00 01 0c 03 00 2a 04 00 00 06 0d", 4, EMP_MALFORMED); /* serial */
    expect_status ("9d 02 21 05 06 07 08 09 01 0b 01 00 04 00", 4, EMP_OK); /* a hash may be: not known */
    expect_status ("dc 00 10 02 24 05 07 a1 71 08 01 0c 03 00 2a 04 00 00 00 00", 4, EMP_OK);
}

Test (wire, numbers_are_bounded_by_their_fields_types)
{
    expect_status ("95 02 23 cf ff ff ff ff ff ff ff ff ce ff ff ff ff c2", 0, EMP_OK);
    expect_status ("95 02 23 05 cf 00 00 00 01 00 00 00 00 c2", 0, EMP_MALFORMED); /* lane */
    expect_status ("95 02 23 05 ff c2", 0, EMP_MALFORMED);
    expect_status ("95 02 23 05 07 01", 0, EMP_MALFORMED); /* 1 is no "true" */
    expect_status ("9b 02 20 05 06 07 09 00 c2 01 00 ce 01 00 00 00", 0, EMP_OK);
    expect_status ("9b 02 20 05 06 07 09 00 c2 01 00 ce 01 00 00 01", 0, EMP_MALFORMED); /* rows */
    expect_status ("9b 02 20 05 06 07 cf ff ff ff ff ff ff fe ff 00 c2 01 00 01", 0, EMP_OK);
    expect_status ("9b 02 20 05 06 07 cf ff ff ff ff ff ff ff 00 00 c2 01 00 01", 0, EMP_MALFORMED); /* first + index */
    expect_status ("9d 02 21 05 06 07 08 09 01 0b cf 00 00 00 01 00 00 00 00 00 00 0d", 0, EMP_MALFORMED);
    expect_status ("9d 02 21 05 06 07 08 09 01 0b 03 00 00 cf ff ff ff ff ff ff ff ff", 0, EMP_OK); /* hash */
    expect_status ("9d 02 21 05 06 07 08 09 01 0b 03 00 00 ff", 0, EMP_MALFORMED);
    expect_status ("9d 02 21 05 06 07 08 09 01 0b 03 00 00 c0", 0, EMP_MALFORMED);
}

/* A PUT of one empty chunk. */
static emp_status_t skipping (uint64_t first, uint64_t skipped)
{
    emp_wire_t *message = message_of (EMP_WIRE_PUT, 1);
    message->first = first;
    message->skipped = skipped;
    message->parts[0].length = 0;
    bytes_t bytes = encoded (message);
    emp_status_t status = emp_wire_decode (bytes.data, bytes.size, 0, &got);
    bytes_free (&bytes);
    return status;
}

Test (wire, no_more_numbers_are_skipped_than_there_are_before_the_first)
{
    const uint64_t most = UINT64_MAX - EMP_WIRE_PARTS_MAX;
    cr_assert_eq (skipping (0, 0), EMP_OK);
    cr_assert_eq (skipping (0, 1), EMP_MALFORMED);
    cr_assert_eq (skipping (9, 9), EMP_OK);
    cr_assert (got.first == 9 && got.skipped == 9 && got.parts[0].number == 9);
    cr_assert_eq (skipping (9, 10), EMP_MALFORMED);
    cr_assert_eq (skipping (9, UINT64_MAX), EMP_MALFORMED);
    cr_assert_eq (skipping (most, most), EMP_OK);
    cr_assert_eq (skipping (most, most + 1), EMP_MALFORMED);
}

/* A CHUNKS of one part. */
static emp_status_t part_of (uint32_t rows, uint32_t from, uint32_t count)
{
    emp_wire_t *message = message_of (EMP_WIRE_CHUNKS, 1);
    emp_part_t *part = &message->parts[0];
    part->rows = rows;
    part->from = from;
    part->count = count;
    part->length = 0;
    bytes_t bytes = encoded (message);
    emp_status_t status = emp_wire_decode (bytes.data, bytes.size, 0, &got);
    bytes_free (&bytes);
    return status;
}

Test (wire, rows_to_be_worked_at_are_rows_of_the_chunk)
{
    for (uint32_t rows = 0; rows < 12; rows++)
        for (uint32_t from = 0; from < 14; from++)
            for (uint32_t count = 0; count < 14; count++) {
                bool good = from + count <= rows;
                if (part_of (rows, from, count) != (good ? EMP_OK : EMP_MALFORMED))
                    cr_assert_fail ("%u from %u of %u", count, from, rows);
                if (good && (got.parts[0].from != from || got.parts[0].count != count || got.parts[0].rows != rows))
                    cr_assert_fail ("%u from %u of %u", count, from, rows);
            }
    cr_assert_eq (part_of (EMP_ROWS_MAX_LIMIT, 0, EMP_ROWS_MAX_LIMIT), EMP_OK);
    cr_assert_eq (part_of (EMP_ROWS_MAX_LIMIT, EMP_ROWS_MAX_LIMIT, 0), EMP_OK);
    cr_assert_eq (part_of (EMP_ROWS_MAX_LIMIT + 1, 0, 1), EMP_MALFORMED);
    cr_assert_eq (part_of (10, 5, UINT32_MAX), EMP_MALFORMED, "a sum that wraps is not within");
    cr_assert_eq (part_of (10, UINT32_MAX, 11), EMP_MALFORMED);
    cr_assert_eq (part_of (10, UINT32_MAX - 4, 5), EMP_MALFORMED);
}

Test (wire, rows_that_ended_and_rows_that_are_left_are_bounded)
{
    const char *most = "dc 00 10 02 24 05 07 a1 71 08 01 0c 03 00 ce 01 00 00 00 00 ce 01 00 00 00 ce 01 00 00 00 "
                       "cf ff ff ff ff ff ff ff ff cf ff ff ff ff ff ff ff ff";
    expect_status (most, 0, EMP_OK);
    cr_assert (got.parts[0].rows == EMP_ROWS_MAX_LIMIT && got.parts[0].from == EMP_ROWS_MAX_LIMIT);
    cr_assert (got.parts[0].left == EMP_ROWS_MAX_LIMIT);
    cr_assert (got.parts[0].session == UINT64_MAX && got.parts[0].hash == UINT64_MAX);
    expect_status ("dc 00 10 02 24 05 07 a1 71 08 01 0c 03 00 ce 01 00 00 01 00 00 00 06 0d", 0,
                   EMP_MALFORMED); /* rows */
    expect_status ("dc 00 10 02 24 05 07 a1 71 08 01 0c 03 00 2a 00 ce 01 00 00 01 00 06 0d", 0,
                   EMP_MALFORMED); /* from */
    expect_status ("dc 00 10 02 24 05 07 a1 71 08 01 0c 03 00 2a 00 00 ce 01 00 00 01 06 0d", 0,
                   EMP_MALFORMED);                                                                   /* left */
    expect_status ("dc 00 10 02 24 05 07 a1 71 08 01 0c 03 00 2a 00 00 00 ff 0d", 0, EMP_MALFORMED); /* session */
    expect_status ("dc 00 10 02 24 05 07 a1 71 08 01 0c 03 00 2a 00 00 00 06 ff", 0, EMP_MALFORMED); /* hash */
}

/* A CHUNKS of one part whose label has `size` bytes. */
static emp_status_t label_of (size_t size)
{
    uint8_t frame[512] = {0x9d, 0x02, 0x22, 5, 7, 0xda, (uint8_t) (size >> 8), (uint8_t) size};
    static const uint8_t rest[] = {1, 0x0b, 3, 0x0c, 0, 0x2a, 0, 0x2a};
    memset (frame + 8, 'q', size);
    memcpy (frame + 8 + size, rest, sizeof rest);
    bytes_t bytes = bytes_copy (frame, 8 + size + sizeof rest);
    emp_status_t status = emp_wire_decode (bytes.data, bytes.size, 0, &got);
    bytes_free (&bytes);
    return status;
}

Test (wire, a_label_over_its_limit_is_too_big)
{
    cr_assert_eq (label_of (EMP_LABEL_MAX), EMP_OK);
    cr_assert_eq (strlen (got.label), EMP_LABEL_MAX);
    cr_assert_eq (label_of (EMP_LABEL_MAX + 1), EMP_TOOBIG);
    expect_status ("9d 02 22 05 07 a2 71 00 01 0b 03 0c 04 2a 00 2a", 4, EMP_MALFORMED); /* with a NUL in it */
    expect_status ("9d 02 22 05 07 c4 01 71 01 0b 03 0c 04 2a 00 2a", 4, EMP_MALFORMED);
}

Test (wire, bombs_are_refused)
{
    expect_status ("dd 04 00 00 00", 0, EMP_MALFORMED);
    expect_status ("dd ff ff ff ff 02 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("df 04 00 00 00 02 23 05 07 c2", 0, EMP_MALFORMED);
    expect_status ("91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91", 0, EMP_MALFORMED);
    expect_status ("9d 02 22 05 07 db ff ff ff ff 01 0b 03 0c 04 2a 00 2a", 4, EMP_MALFORMED);
}

Test (wire, every_truncation_of_every_kind_is_malformed)
{
    for (size_t i = 0; i < KINDS; i++) {
        emp_wire_t *message = message_of (kinds[i], 20);
        bytes_t bytes = encoded (message);
        for (size_t size = 0; size < bytes.size; size++) {
            bytes_t cut = bytes_copy (bytes.data, size);
            if (emp_wire_decode (cut.data, cut.size, payload_of (message), &got) != EMP_MALFORMED || got.count != 0)
                cr_assert_fail ("kind %d cut to %zu", kinds[i], size);
            bytes_free (&cut);
        }
        bytes_free (&bytes);
    }
}

Test (wire, every_changed_byte_is_refused_or_gives_another_whole_message)
{
    int accepted = 0, refused = 0;
    for (size_t i = 0; i < KINDS; i++) {
        emp_wire_t *message = message_of (kinds[i], 12);
        size_t payload_size = payload_of (message);
        bytes_t bytes = encoded (message);
        memset (&got, 0, sizeof got);
        memset (&again, 0, sizeof again);
        for (size_t at = 0; at < bytes.size * 255; at++) {
            uint8_t before = bytes.data[at / 255];
            bytes.data[at / 255] = (uint8_t) (before + 1 + at % 255);
            memset (got.parts, 0, sizeof got.parts[0] * 20);
            memset (again.parts, 0, sizeof again.parts[0] * 20);
            emp_status_t status = emp_wire_decode (bytes.data, bytes.size, payload_size, &got);
            if (status == EMP_OK) { /* then it is one that could have been sent */
                bytes_t copy = encoded (&got);
                status = emp_wire_decode (copy.data, copy.size, payload_size, &again);
                if (status != EMP_OK || got.kind != again.kind || got.count != again.count ||
                    memcmp (got.parts, again.parts, got.count * sizeof *got.parts) != 0 ||
                    payload_of (&got) != payload_size)
                    cr_assert_fail ("kind %d, number %zu", kinds[i], at);
                bytes_free (&copy);
                accepted++;
            } else {
                if (got.count != 0)
                    cr_assert_fail ("kind %d, number %zu", kinds[i], at);
                refused++;
            }
            bytes.data[at / 255] = before;
        }
        bytes_free (&bytes);
    }
    cr_assert_gt (accepted, 1000);
    cr_assert_gt (refused, 1000);
}
