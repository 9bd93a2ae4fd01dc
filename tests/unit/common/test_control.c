/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "bytes.h"
#include "common/content.h"
#include "common/control.h"

TestSuite (control, .timeout = 120);

static const struct {
    emp_kind_t kind;
    const char *name, *fields;
} kinds[] = {
#define KIND(name, number, fields) {EMP_MSG_##name, #name, fields},
    EMP_CONTROL_MAP (KIND)
#undef KIND
};

#define KINDS (sizeof kinds / sizeof *kinds)
#define NO_KIND ((emp_kind_t) 47)

static const uint8_t blob[] = {0x82, 0xa1, 'k', 0x01, 0xa1, 'v', 0xc3};

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

/* A message in which every field that its kind has is set. */
static emp_control_t *message_of (emp_kind_t kind)
{
    static emp_control_t message;
    memset (&message, 0, sizeof message);
    message.kind = kind;
    message.run = 0x1122334455667788;
    message.session = 0xfedcba9876543210;
    message.parent = 77;
    message.role = EMP_ROLE_WORKER;
    message.id = 4000000000u;
    message.window = 300;
    message.size = 70000;
    message.code = 11;
    message.pid = 4711;
    message.how = EMP_HOW_SIGNAL;
    message.attempt = 3;
    message.from = 21;
    message.rows = 42;
    message.ended = EMP_ATTEMPT_HALVED;
    message.status = EMP_FULL;
    strcpy (message.name, "batch_1|audio_lg");
    strcpy (message.host, "node-7.example");
    strcpy (message.endpoint, "ipc:///tmp/x/out1");
    strcpy (message.intake, "ipc:///tmp/x/in1");
    strcpy (message.text, "it said: no\nand left");
    message.blob = blob;
    message.blob_size = sizeof blob;
    return &message;
}

static bytes_t encoded (const emp_control_t *message)
{
    emp_buf_t out;
    emp_buf_init (&out, EMP_CONTROL_MAX);
    if (emp_control_encode (message, &out) != EMP_OK)
        cr_assert_fail ("kind %d is not encoded", (int) message->kind);
    bytes_t bytes = bytes_copy (out.data, out.size);
    emp_buf_release (&out);
    return bytes;
}

/* Every field is that of `expected` if the kind has it, else zero. */
static int is_same (const emp_control_t *got, const emp_control_t *expected, const char *fields)
{
#define NUMBER(letter, member) (got->member == (strchr (fields, letter) ? expected->member : 0))
#define TEXT(letter, member) (strcmp (got->member, strchr (fields, letter) ? expected->member : "") == 0)
    int same = got->kind == expected->kind && got->run == expected->run && NUMBER ('s', session) &&
               NUMBER ('p', parent) && NUMBER ('r', role) && NUMBER ('i', id) && NUMBER ('w', window) &&
               NUMBER ('z', size) && NUMBER ('x', code) && NUMBER ('d', pid) && NUMBER ('h', how) &&
               NUMBER ('o', status) && NUMBER ('y', attempt) && NUMBER ('f', from) && NUMBER ('c', rows) &&
               NUMBER ('a', ended) && TEXT ('n', name) && TEXT ('m', host) && TEXT ('e', endpoint) &&
               TEXT ('t', intake) && TEXT ('k', text);
#undef NUMBER
#undef TEXT
    if (!strchr (fields, 'b'))
        return same && got->blob_size == 0 && !got->blob;
    return same && got->blob_size == expected->blob_size && memcmp (got->blob, expected->blob, got->blob_size) == 0;
}

static const char *fields_of (emp_kind_t kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].fields;
    return "no kind";
}

static int is_zero (const emp_control_t *got)
{
    emp_control_t zero = {0};
    return is_same (got, &zero, "");
}

static emp_status_t decoded (const char *hex, emp_control_t *ret_message)
{
    bytes_t bytes = bytes_of (hex);
    memset (ret_message, 0x5a, sizeof *ret_message);
    emp_status_t status = emp_control_decode (bytes.data, bytes.size, ret_message);
    bytes_free (&bytes);
    return status;
}

static void expect_status (const char *hex, emp_status_t status)
{
    emp_control_t message;
    cr_assert_eq (decoded (hex, &message), status, "%s", hex);
    if (status != EMP_OK)
        cr_assert (is_zero (&message), "%s", hex);
}

/* ---- the good ---------------------------------------------------------------------------------------------------- */

Test (control, every_kind_makes_the_round_trip)
{
    for (size_t i = 0; i < KINDS; i++) {
        emp_control_t *message = message_of (kinds[i].kind), got;
        bytes_t bytes = encoded (message);
        memset (&got, 0x5a, sizeof got);
        cr_assert_eq (emp_control_decode (bytes.data, bytes.size, &got), EMP_OK, "%s", kinds[i].name);
        cr_assert (is_same (&got, message, kinds[i].fields), "%s", kinds[i].name);
        bytes_free (&bytes);
    }
}

Test (control, every_kind_makes_the_round_trip_when_all_is_zero)
{
    for (size_t i = 0; i < KINDS; i++) {
        emp_control_t message = {.kind = kinds[i].kind, .role = EMP_ROLE_MANAGER, .ended = EMP_ATTEMPT_FAILED}, got;
        bytes_t bytes = encoded (&message);
        memset (&got, 0x5a, sizeof got);
        cr_assert_eq (emp_control_decode (bytes.data, bytes.size, &got), EMP_OK, "%s", kinds[i].name);
        cr_assert_eq (got.blob_size, 0);
        got.blob = NULL; /* of an empty binary it points into the frame */
        message.role = strchr (kinds[i].fields, 'r') ? EMP_ROLE_MANAGER : 0;
        message.ended = strchr (kinds[i].fields, 'a') ? EMP_ATTEMPT_FAILED : 0;
        cr_assert (is_same (&got, &message, "ra"), "%s", kinds[i].name);
        bytes_free (&bytes);
    }
}

Test (control, the_largest_values_make_the_round_trip)
{
    for (size_t i = 0; i < KINDS; i++) {
        emp_control_t *message = message_of (kinds[i].kind), got;
        message->run = message->session = message->parent = message->window = message->size = UINT64_MAX;
        message->id = message->code = message->pid = message->attempt = UINT32_MAX;
        message->from = message->rows = EMP_ROWS_MAX_LIMIT;
        message->how = EMP_HOW_TIMEOUT;
        message->ended = EMP_ATTEMPT_LATE;
        message->status = EMP_REFUSED;
        memset (message->name, 'n', EMP_LABEL_MAX);
        memset (message->host, 'm', EMP_HOST_MAX);
        memset (message->endpoint, 'e', EMP_ENDPOINT_MAX);
        memset (message->intake, 't', EMP_ENDPOINT_MAX);
        memset (message->text, 'k', EMP_TEXT_MAX);
        bytes_t bytes = encoded (message);
        cr_assert_leq (bytes.size, EMP_CONTROL_MAX);
        cr_assert_eq (emp_control_decode (bytes.data, bytes.size, &got), EMP_OK, "%s", kinds[i].name);
        cr_assert (is_same (&got, message, kinds[i].fields), "%s", kinds[i].name);
        bytes_free (&bytes);
    }
}

Test (control, bytes_on_the_wire_are_those_of_the_protocol)
{
    const struct {
        emp_kind_t kind;
        const char *hex;
    } cases[] = {
        {EMP_MSG_BEAT, "93 02 12 cf 11 22 33 44 55 66 77 88"},
        {EMP_MSG_ACK, "94 02 0f cf 11 22 33 44 55 66 77 88 cd 01 2c"},
        {EMP_MSG_CREDIT, "95 02 0d cf 11 22 33 44 55 66 77 88 ce ee 6b 28 00 cd 01 2c"},
        {EMP_MSG_JOB, "94 02 04 cf 11 22 33 44 55 66 77 88 c4 07 82 a1 6b 01 a1 76 c3"},
        {EMP_MSG_STOP, "94 02 10 cf 11 22 33 44 55 66 77 88 b0 62 61 74 63 68 5f 31 7c 61 75 64 69 6f 5f 6c 67"},
        {EMP_MSG_JOINED,
         "97 02 16 cf 11 22 33 44 55 66 77 88 cf fe dc ba 98 76 54 32 10 b0 62 61 74 63 68 5f 31 7c 61 75 64 69 "
         "6f 5f 6c 67 ae 6e 6f 64 65 2d 37 2e 65 78 61 6d 70 6c 65 cd 12 67"},
        {EMP_MSG_ATTEMPT,
         "9d 02 28 cf 11 22 33 44 55 66 77 88 ce ee 6b 28 00 cd 01 2c 03 15 2a cf fe dc ba 98 76 54 32 10 06 02 "
         "0b b4 69 74 20 73 61 69 64 3a 20 6e 6f 0a 61 6e 64 20 6c 65 66 74"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes_t got = encoded (message_of (cases[i].kind)), expected = bytes_of (cases[i].hex);
        cr_assert_eq (got.size, expected.size, "%s", cases[i].hex);
        cr_assert_arr_eq (got.data, expected.data, got.size, "%s", cases[i].hex);
        bytes_free (&got);
        bytes_free (&expected);
    }
}

/* The page's text with one blank for each row of blanks and line ends; NULL when it is not known where the tree is. */
static char *page (void)
{
    const char *tree = getenv ("EMP_SOURCE");
    char path[4096];
    snprintf (path, sizeof path, "%s/common/PROTOCOL.md", tree ? tree : "");
    FILE *file = tree ? fopen (path, "re") : NULL;
    cr_assert (!tree || file, "%s", path);
    char *text = calloc (1, 1 << 20);
    size_t at = 0;
    for (int c; file && at < (1 << 20) - 1 && (c = getc (file)) != EOF;)
        if (!strchr (" \n", c) || at == 0 || text[at - 1] != ' ')
            text[at++] = (char) (c == '\n' ? ' ' : c);
    if (file)
        fclose (file);
    else
        free (text);
    return file ? text : NULL;
}

static const char hash_of_example[] = "862e0b937f41420c519877684b2eafddbae2f47b889ffabb8667299635210726";
#define HASH_OF_EXAMPLE                                                                                                \
    "38 36 32 65 30 62 39 33 37 66 34 31 34 32 30 63 35 31 39 38 37 37 36 38 34 62 32 65 61 66 64 64 "                 \
    "62 61 65 32 66 34 37 62 38 38 39 66 66 61 62 62 38 36 36 37 32 39 39 36 33 35 32 31 30 37 32 36 "

static const struct {
    const char *hex;
    emp_control_t expected;
} examples[] = {
    {"9a 02 01 00 cf a1 a2 a3 a4 a5 a6 a7 a8 00 03 a4 70 79 2d 31 a3 70 63 37 cd 12 67 "
     "ac 69 70 63 3a 2f 2f 2f 74 6d 70 2f 64",
     {.kind = EMP_MSG_HELLO,
      .session = 0xa1a2a3a4a5a6a7a8,
      .role = EMP_ROLE_WORKER,
      .name = "py-1",
      .host = "pc7",
      .pid = 4711,
      .endpoint = "ipc:///tmp/d"}},
    {"96 02 02 cf 11 22 33 44 55 66 77 88 cd 03 e8 cd 27 10 c4 01 80",
     {.kind = EMP_MSG_WELCOME,
      .run = 0x1122334455667788,
      .window = 1000,
      .size = 10000,
      .blob = "\x80",
      .blob_size = 1}},
    {"95 02 07 cf 11 22 33 44 55 66 77 88 aa 6d 70 5f 69 6e 70 75 74 5f 71 01",
     {.kind = EMP_MSG_OPEN_LANE, .run = 0x1122334455667788, .name = "mp_input_q", .window = 1}},
    {"9d 02 28 cf 11 22 33 44 55 66 77 88 07 02 01 00 03 cf a1 a2 a3 a4 a5 a6 a7 a8 01 02 0b a0",
     {.kind = EMP_MSG_ATTEMPT,
      .run = 0x1122334455667788,
      .id = 7,
      .window = 2,
      .attempt = 1,
      .rows = 3,
      .session = 0xa1a2a3a4a5a6a7a8,
      .ended = EMP_ATTEMPT_FAILED,
      .how = EMP_HOW_SIGNAL,
      .code = 11}},
    {"95 02 2a cf 11 22 33 44 55 66 77 88 cf a1 a2 a3 a4 a5 a6 a7 a8 03",
     {.kind = EMP_MSG_ATTACH, .run = 0x1122334455667788, .session = 0xa1a2a3a4a5a6a7a8, .id = 3}},
    {"96 02 2b cf 11 22 33 44 55 66 77 88 cf a1 a2 a3 a4 a5 a6 a7 a8 d9 40 " HASH_OF_EXAMPLE "00",
     {.kind = EMP_MSG_FETCH, .run = 0x1122334455667788, .session = 0xa1a2a3a4a5a6a7a8}},
    {"99 02 2c cf 11 22 33 44 55 66 77 88 cf a1 a2 a3 a4 a5 a6 a7 a8 00 d9 40 " HASH_OF_EXAMPLE
     "00 04 c4 04 93 01 02 03",
     {.kind = EMP_MSG_PIECE,
      .run = 0x1122334455667788,
      .session = 0xa1a2a3a4a5a6a7a8,
      .size = 4,
      .blob = "\x93\x01\x02\x03",
      .blob_size = 4}},
};

/* Those of PROTOCOL.md, byte for byte: what is encoded, what is decoded, and what the page has. */
Test (control, bytes_of_the_examples)
{
    char *text = page ();
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        emp_control_t expected = examples[i].expected, got;
        if (expected.kind == EMP_MSG_FETCH || expected.kind == EMP_MSG_PIECE)
            strcpy (expected.text, hash_of_example);
        bytes_t bytes = bytes_of (examples[i].hex), ours = encoded (&expected);
        cr_assert_eq (bytes.size, ours.size, "%s", examples[i].hex);
        cr_assert_arr_eq (bytes.data, ours.data, ours.size, "%s", examples[i].hex);
        cr_assert_eq (emp_control_decode (bytes.data, bytes.size, &got), EMP_OK, "%s", examples[i].hex);
        cr_assert (is_same (&got, &expected, fields_of (expected.kind)), "%s", examples[i].hex);
        cr_assert (!text || strstr (text, examples[i].hex), "the page has not: %s", examples[i].hex);
        bytes_free (&bytes);
        bytes_free (&ours);
    }
    free (text);
    char hash[EMP_CONTENT_TEXT_MAX];
    emp_content_of_bytes ("\x93\x01\x02\x03", 4, hash);
    cr_assert_str_eq (hash, hash_of_example);
}

/* Every kind of the table is a row of the page, with its number. */
Test (control, the_page_has_every_kind)
{
    char *text = page ();
    for (size_t i = 0; text && i < KINDS; i++) {
        char row[64];
        snprintf (row, sizeof row, "| %s | %d | ", kinds[i].name, (int) kinds[i].kind);
        cr_assert (strstr (text, row), "the page has no row: %s", row);
    }
    free (text);
}

Test (control, the_blob_is_borrowed_from_the_frame)
{
    emp_control_t got;
    bytes_t bytes = encoded (message_of (EMP_MSG_JOB));
    cr_assert_eq (emp_control_decode (bytes.data, bytes.size, &got), EMP_OK);
    cr_assert_eq ((const uint8_t *) got.blob, bytes.data + bytes.size - sizeof blob);
    bytes_free (&bytes);
}

Test (control, a_frame_is_appended_behind_what_is_there)
{
    emp_buf_t out;
    emp_control_t got;
    emp_buf_init (&out, 1000);
    emp_buf_append (&out, "before", 6);
    cr_assert_eq (emp_control_encode (message_of (EMP_MSG_BYE), &out), EMP_OK);
    cr_assert_arr_eq (out.data, "before", 6);
    cr_assert_eq (emp_control_decode (out.data + 6, out.size - 6, &got), EMP_OK);
    emp_buf_release (&out);
}

/* ---- the limits of encode ------------------------------------------------------------------------------------------ */

Test (control, a_reason_without_end_is_cut)
{
    emp_control_t *message = message_of (EMP_MSG_BYE), got;
    memset (message->text, 'k', sizeof message->text);
    bytes_t bytes = encoded (message);
    cr_assert_eq (emp_control_decode (bytes.data, bytes.size, &got), EMP_OK);
    cr_assert_eq (strlen (got.text), EMP_TEXT_MAX);
    bytes_free (&bytes);
}

Test (control, a_blob_over_its_limit_is_too_big_and_nothing_is_appended)
{
    emp_buf_t out;
    emp_buf_init (&out, EMP_CONTROL_MAX);
    emp_control_t *message = message_of (EMP_MSG_JOB);
    message->blob_size = (size_t) EMP_BLOB_MAX + 1;
    cr_assert_eq (emp_control_encode (message, &out), EMP_TOOBIG);
    cr_assert_eq (out.size, 0);
    cr_assert_eq (out.broken, EMP_OK);
    message->kind = EMP_MSG_BEAT;
    cr_assert_eq (emp_control_encode (message, &out), EMP_OK, "a kind without a blob does not look at it");
    emp_buf_release (&out);
}

Test (control, the_largest_blob_makes_the_round_trip)
{
    emp_buf_t out;
    emp_control_t *message = message_of (EMP_MSG_WELCOME), got;
    void *large = calloc (1, EMP_BLOB_MAX);
    emp_buf_init (&out, EMP_CONTROL_MAX);
    message->blob = large;
    message->blob_size = EMP_BLOB_MAX;
    cr_assert_eq (emp_control_encode (message, &out), EMP_OK);
    cr_assert_eq (emp_control_decode (out.data, out.size, &got), EMP_OK);
    cr_assert_eq (got.blob_size, EMP_BLOB_MAX);
    emp_buf_release (&out);
    free (large);
}

Test (control, a_full_buffer_says_so)
{
    emp_buf_t out;
    for (size_t max = 0; max < 21; max++) {
        emp_buf_init (&out, max);
        cr_assert_eq (emp_control_encode (message_of (EMP_MSG_JOB), &out), EMP_TOOBIG, "%zu", max);
        emp_buf_release (&out);
    }
    emp_buf_init (&out, 21);
    cr_assert_eq (emp_control_encode (message_of (EMP_MSG_JOB), &out), EMP_OK);
    emp_buf_release (&out);
}

Test (control, to_encode_an_unknown_kind_is_a_bug, .signal = SIGABRT)
{
    encoded (message_of (NO_KIND));
}

Test (control, to_encode_a_name_without_end_is_a_bug, .signal = SIGABRT)
{
    emp_control_t *message = message_of (EMP_MSG_STOP);
    memset (message->name, 'n', sizeof message->name);
    encoded (message);
}

Test (control, to_encode_a_host_without_end_is_a_bug, .signal = SIGABRT)
{
    emp_control_t *message = message_of (EMP_MSG_JOINED);
    memset (message->host, 'm', sizeof message->host);
    encoded (message);
}

/* ---- the bad ----------------------------------------------------------------------------------------------------- */

Test (control, foreign_versions_are_malformed)
{
    expect_status ("93 02 12 05", EMP_OK);
    expect_status ("93 00 12 05", EMP_MALFORMED);
    expect_status ("93 01 12 05", EMP_MALFORMED);
    expect_status ("93 03 12 05", EMP_MALFORMED);
    expect_status ("93 cf ff ff ff ff ff ff ff ff 12 05", EMP_MALFORMED);
    expect_status ("93 c0 12 05", EMP_MALFORMED);
    expect_status ("93 a1 32 12 05", EMP_MALFORMED);
}

Test (control, unknown_kinds_are_malformed)
{
    expect_status ("93 02 00 05", EMP_MALFORMED);
    expect_status ("93 02 19 05", EMP_MALFORMED);
    for (unsigned kind = 0x20; kind < 0x28; kind++) { /* PUT is no message of the door, nor any other from 32 to 39 */
        for (unsigned count = 3; count < 16; count++) {
            char hex[64];
            snprintf (hex, sizeof hex, "%02x 02 %02x 05 00 00 00 00 00 00 00 00 00 00 00 00", 0x90 + count, kind);
            hex[3 * (count + 1) - 1] = '\0';
            expect_status (hex, EMP_MALFORMED);
        }
    }
    expect_status ("93 02 2d 05", EMP_MALFORMED); /* behind the last */
    expect_status ("93 02 cd 01 12 05", EMP_MALFORMED);
    expect_status ("93 02 cf 00 00 00 01 00 00 00 12 05", EMP_MALFORMED);
    expect_status ("93 02 ff 05", EMP_MALFORMED);
}

Test (control, missing_and_extra_fields_are_malformed)
{
    expect_status ("95 02 0d 05 01 02", EMP_OK); /* CREDIT */
    expect_status ("94 02 0d 05 01", EMP_MALFORMED);
    expect_status ("96 02 0d 05 01 02 03", EMP_MALFORMED);
    expect_status ("95 02 0d 05 01 02 03", EMP_MALFORMED); /* bytes behind the list */
    expect_status ("96 02 0d 05 01 02", EMP_MALFORMED);
    expect_status ("94 02 0d 05 01 02", EMP_MALFORMED);
    expect_status ("92 02 12", EMP_MALFORMED);
    expect_status ("91 02", EMP_MALFORMED);
    expect_status ("90", EMP_MALFORMED);
    expect_status ("", EMP_MALFORMED);
    expect_status ("01", EMP_MALFORMED);
    expect_status ("83 01 12 05 01 02 03", EMP_MALFORMED);
}

Test (control, roles_hows_statuses_and_fates_that_nobody_knows_are_malformed)
{
    const char *hello = "9a 02 01 00 05 00 %02x a1 78 a0 07 a0", *gone = "9b 02 15 05 06 a1 78 07 %02x 00 00 00 a0";
    const char *lost = "9b 02 14 05 06 a1 78 07 %02x 00 00 00 a0", *refused = "95 02 03 05 %02x a0";
    const char *how = "9d 02 28 05 07 08 03 00 2a 06 01 %02x 00 a0",
               *fate = "9d 02 28 05 07 08 03 00 2a 06 %02x 00 00 a0";
    for (unsigned number = 0; number < 0x80; number++) {
        char hex[128];
        snprintf (hex, sizeof hex, hello, number);
        expect_status (hex, number >= EMP_ROLE_MANAGER && number <= EMP_ROLE_WATCHER ? EMP_OK : EMP_MALFORMED);
        for (int i = 0; i < 3; i++) {
            snprintf (hex, sizeof hex, (const char *[]){gone, lost, how}[i], number);
            expect_status (hex, number <= EMP_HOW_TIMEOUT ? EMP_OK : EMP_MALFORMED);
        }
        snprintf (hex, sizeof hex, fate, number);
        expect_status (hex, number >= EMP_ATTEMPT_FAILED && number <= EMP_ATTEMPT_LATE ? EMP_OK : EMP_MALFORMED);
        snprintf (hex, sizeof hex, refused, number);
        expect_status (hex, number <= EMP_REFUSED ? EMP_OK : EMP_MALFORMED);
    }
    expect_status ("9d 02 28 05 07 08 03 00 2a 06 cf 00 00 00 01 00 00 00 01 00 00 a0",
                   EMP_MALFORMED);                                              /* 2^32 + 1 is no fate */
    expect_status ("95 02 03 05 cf 00 00 00 01 00 00 00 00 a0", EMP_MALFORMED); /* 2^32 is no "ok" */
    expect_status ("95 02 03 05 ff a0", EMP_MALFORMED);
}

Test (control, numbers_are_bounded_by_their_fields_types)
{
    expect_status ("95 02 0d 05 ce ff ff ff ff cf ff ff ff ff ff ff ff ff", EMP_OK);
    expect_status ("95 02 0d 05 cf 00 00 00 01 00 00 00 00 01", EMP_MALFORMED);
    expect_status ("95 02 0d 05 ff 01", EMP_MALFORMED);
    expect_status ("95 02 0d ff 01 01", EMP_MALFORMED);
    expect_status ("95 02 0d 05 cb 3f f0 00 00 00 00 00 00 01", EMP_MALFORMED);
    expect_status ("9a 02 01 00 05 00 03 a1 78 a0 ce ff ff ff ff a0", EMP_OK);
    expect_status ("9a 02 01 00 05 00 03 a1 78 a0 cf 00 00 00 01 00 00 00 00 a0", EMP_MALFORMED);    /* pid */
    expect_status ("9b 02 15 05 06 a1 78 07 01 cf 00 00 00 01 00 00 00 00 00 00 a0", EMP_MALFORMED); /* code */
    expect_status ("9b 02 14 05 06 a1 78 07 01 00 00 cf ff ff ff ff ff ff ff ff a0", EMP_OK);        /* peak */
    expect_status ("9b 02 14 05 06 a1 78 07 01 00 00 ff a0", EMP_MALFORMED);
}

Test (control, attempts_and_rows_are_bounded)
{
    const char *good = "9d 02 28 05 07 08 ce ff ff ff ff ce 01 00 00 00 ce 01 00 00 00 06 01 00 00 a0";
    expect_status (good, EMP_OK);
    expect_status ("9d 02 28 05 07 08 cf 00 00 00 01 00 00 00 00 00 2a 06 01 00 00 a0", EMP_MALFORMED); /* attempt */
    expect_status ("9d 02 28 05 07 08 03 ce 01 00 00 01 2a 06 01 00 00 a0", EMP_MALFORMED);             /* from */
    expect_status ("9d 02 28 05 07 08 03 00 ce 01 00 00 01 06 01 00 00 a0", EMP_MALFORMED);             /* rows */
}

/* A STOP whose name has `size` bytes. */
static emp_status_t stop_of (size_t size)
{
    uint8_t frame[512] = {0x94, 0x02, 0x10, 0x05, 0xda, (uint8_t) (size >> 8), (uint8_t) size};
    emp_control_t message;
    memset (frame + 7, 'q', size);
    bytes_t bytes = bytes_copy (frame, 7 + size);
    emp_status_t status = emp_control_decode (bytes.data, bytes.size, &message);
    if (status == EMP_OK && strlen (message.name) != size)
        status = EMP_INVALID;
    bytes_free (&bytes);
    return status;
}

/* A JOINED whose host has `size` bytes. */
static emp_status_t joined_of (size_t size)
{
    uint8_t frame[256] = {0x97, 0x02, 0x16, 0x05, 0x06, 0xa1, 0x78, 0xd9, (uint8_t) size};
    emp_control_t message;
    memset (frame + 9, 'm', size);
    frame[9 + size] = 0x07;
    bytes_t bytes = bytes_copy (frame, 10 + size);
    emp_status_t status = emp_control_decode (bytes.data, bytes.size, &message);
    if (status == EMP_OK && (strlen (message.host) != size || message.pid != 7))
        status = EMP_INVALID;
    bytes_free (&bytes);
    return status;
}

Test (control, texts_over_their_limits_are_too_big)
{
    cr_assert_eq (joined_of (0), EMP_OK);
    cr_assert_eq (joined_of (EMP_HOST_MAX), EMP_OK);
    cr_assert_eq (joined_of (EMP_HOST_MAX + 1), EMP_TOOBIG);
    cr_assert_eq (stop_of (0), EMP_OK);
    cr_assert_eq (stop_of (EMP_LABEL_MAX), EMP_OK);
    cr_assert_eq (stop_of (EMP_LABEL_MAX + 1), EMP_TOOBIG);
}

Test (control, texts_of_another_type_or_with_a_nul_are_malformed)
{
    expect_status ("94 02 10 05 a1 71", EMP_OK);
    expect_status ("94 02 10 05 c4 01 71", EMP_MALFORMED);
    expect_status ("94 02 10 05 05", EMP_MALFORMED);
    expect_status ("94 02 10 05 c0", EMP_MALFORMED);
    expect_status ("94 02 10 05 a3 71 00 71", EMP_MALFORMED);
}

Test (control, blobs_of_another_type_or_size_are_refused)
{
    expect_status ("94 02 04 05 c4 00", EMP_OK);
    expect_status ("94 02 04 05 a1 71", EMP_MALFORMED);
    expect_status ("94 02 04 05 80", EMP_MALFORMED);
    expect_status ("94 02 04 05 c6 ff ff ff ff 00", EMP_MALFORMED);
    size_t size = (size_t) EMP_BLOB_MAX + 1;
    bytes_t bytes = {.data = calloc (1, size + 9), .size = size + 9};
    memcpy (bytes.data, "\x94\x02\x04\x05\xc6", 5);
    for (int i = 0; i < 4; i++)
        bytes.data[5 + i] = (uint8_t) (size >> (24 - 8 * i));
    emp_control_t message;
    cr_assert_eq (emp_control_decode (bytes.data, bytes.size, &message), EMP_TOOBIG);
    cr_assert (is_zero (&message));
    bytes_free (&bytes);
}

Test (control, a_frame_over_its_limit_is_too_big_before_it_is_read)
{
    emp_control_t message;
    uint8_t byte = 0x93; /* no more than this may be read */
    cr_assert_eq (emp_control_decode (&byte, (size_t) EMP_CONTROL_MAX + 1, &message), EMP_TOOBIG);
    cr_assert (is_zero (&message));
}

Test (control, bombs_are_refused)
{
    expect_status ("dd 04 00 00 00", EMP_MALFORMED);
    expect_status ("dd ff ff ff ff 02 12 05", EMP_MALFORMED);
    expect_status ("91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91", EMP_MALFORMED);
    expect_status ("94 02 10 05 db ff ff ff ff 71", EMP_MALFORMED);
    expect_status ("df 04 00 00 00 02", EMP_MALFORMED);
}

Test (control, every_truncation_of_every_kind_is_malformed)
{
    for (size_t i = 0; i < KINDS; i++) {
        bytes_t bytes = encoded (message_of (kinds[i].kind));
        for (size_t size = 0; size < bytes.size; size++) {
            bytes_t cut = bytes_copy (bytes.data, size);
            emp_control_t message;
            if (emp_control_decode (cut.data, cut.size, &message) != EMP_MALFORMED || !is_zero (&message))
                cr_assert_fail ("%s cut to %zu", kinds[i].name, size);
            bytes_free (&cut);
        }
        bytes_free (&bytes);
    }
}

Test (control, every_changed_byte_is_refused_or_gives_another_whole_message)
{
    int accepted = 0, refused = 0;
    for (size_t i = 0; i < KINDS; i++) {
        bytes_t bytes = encoded (message_of (kinds[i].kind));
        for (size_t at = 0; at < bytes.size * 255; at++) {
            emp_control_t message, again;
            uint8_t before = bytes.data[at / 255];
            bytes.data[at / 255] = (uint8_t) (before + 1 + at % 255);
            emp_status_t status = emp_control_decode (bytes.data, bytes.size, &message);
            if (status == EMP_OK) { /* then it is one that could have been sent */
                bytes_t copy = encoded (&message);
                status = emp_control_decode (copy.data, copy.size, &again);
                if (status != EMP_OK || !is_same (&again, &message, fields_of (message.kind)))
                    cr_assert_fail ("%s, number %zu", kinds[i].name, at);
                bytes_free (&copy);
                accepted++;
            } else {
                if (!is_zero (&message))
                    cr_assert_fail ("%s, number %zu", kinds[i].name, at);
                refused++;
            }
            bytes.data[at / 255] = before;
        }
        bytes_free (&bytes);
    }
    cr_assert_gt (accepted, 1000);
    cr_assert_gt (refused, 1000);
}
