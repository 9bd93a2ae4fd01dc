/* SPDX-License-Identifier: BSD-3-Clause
 *
 * control.c - messages of the door: any bytes, and messages that our encoder made, whole and spoilt. What is decoded is encoded
 * again and decoded again, to the same; and a supervisor that hears it keeps its slots.
 */
#include "common/control.h"

#include "fuzz.h"
#include "worker/orders.h"

#define BLOB_MAX 4096
#define SLOTS 3

static emp_control_t first, again;

static bool is_same (const emp_control_t *a, const emp_control_t *b)
{
    return memcmp (a, b, offsetof (emp_control_t, name)) == 0 && strcmp (a->name, b->name) == 0 &&
           strcmp (a->host, b->host) == 0 && strcmp (a->endpoint, b->endpoint) == 0 &&
           strcmp (a->intake, b->intake) == 0 && strcmp (a->text, b->text) == 0 && a->blob_size == b->blob_size &&
           (a->blob_size == 0 || memcmp (a->blob, b->blob, a->blob_size) == 0);
}

static void hear (const emp_control_t *message)
{
    static emp_orders_t orders;
    static bool begun;
    if (!begun) /* one for all inputs: it is the same after each */
        FUZZ_MUST (emp_orders_init (&orders, SLOTS));
    begun = true;
    for (size_t i = 0; i < SLOTS; i++)
        emp_orders_expect (&orders, i, i + 1);
    emp_orders_hear (&orders, message);
    for (size_t i = 0; i < SLOTS; i++) {
        emp_slot_orders_t slot = emp_orders_take (&orders, i);
        FUZZ_MUST (!slot.kill || (message->kind == EMP_MSG_KILL && message->session == i + 1));
        FUZZ_MUST (!slot.fenced || (message->kind == EMP_MSG_GONE && message->session == i + 1));
    }
    emp_orders_answer (&orders);
}

static bool comes_back (const void *frame, size_t size)
{
    if (emp_control_decode (frame, size, &first) != EMP_OK) {
        FUZZ_MUST (first.kind == 0 && first.session == 0 && !*first.name && !*first.text && !first.blob);
        return false;
    }
    FUZZ_MUST (first.blob_size == 0 ||
               ((const uint8_t *) first.blob >= (const uint8_t *) frame &&
                (const uint8_t *) first.blob + first.blob_size <= (const uint8_t *) frame + size));
    emp_buf_t out;
    emp_buf_init (&out, EMP_CONTROL_MAX);
    FUZZ_MUST (emp_control_encode (&first, &out) == EMP_OK);
    FUZZ_MUST (emp_control_decode (out.data, out.size, &again) == EMP_OK && is_same (&first, &again));
    emp_buf_release (&out);
    hear (&first);
    return true;
}

/* A message as some peer would send it. */
static void make (fuzz_input_t *input, emp_control_t *message)
{
    static const uint8_t kinds[] = {
#define KIND(name, number, fields) number,
        EMP_CONTROL_MAP (KIND)
#undef KIND
    };
    memset (message, 0, sizeof *message);
    message->kind = kinds[fuzz_byte (input) % sizeof kinds];
    message->run = fuzz_any (input);
    message->session = fuzz_any (input);
    message->parent = fuzz_any (input);
    message->role = fuzz_byte (input) % 5;
    message->id = (uint32_t) fuzz_any (input);
    message->window = fuzz_any (input);
    message->size = fuzz_any (input);
    message->code = (uint32_t) fuzz_any (input);
    message->pid = (uint32_t) fuzz_any (input);
    message->how = fuzz_byte (input) % 6;
    message->attempt = (uint32_t) fuzz_any (input);
    message->from = (uint32_t) fuzz_any (input);
    message->rows = (uint32_t) fuzz_any (input);
    message->ended = fuzz_byte (input) % 10;
    message->status = (emp_status_t) fuzz_byte (input) % 24;
    fuzz_text (input, message->name, sizeof message->name);
    fuzz_text (input, message->host, sizeof message->host);
    fuzz_text (input, message->endpoint, sizeof message->endpoint);
    fuzz_text (input, message->intake, sizeof message->intake);
    fuzz_text (input, message->text, sizeof message->text);
    message->blob = fuzz_bytes (input, fuzz_any (input) % BLOB_MAX, &message->blob_size);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_input_t input = {data, data + size};
    if (!(fuzz_byte (&input) & 1)) {
        comes_back (input.at, fuzz_left (&input));
        return 0;
    }
    static emp_control_t message;
    make (&input, &message);
    emp_buf_t out;
    emp_buf_init (&out, EMP_CONTROL_MAX);
    FUZZ_MUST (emp_control_encode (&message, &out) == EMP_OK);
    comes_back (out.data, out.size);
    fuzz_spoil (&input, out.data, out.size);
    comes_back (out.data, out.size);
    emp_buf_release (&out);
    return 0;
}

/* ---- seeds: each kind once, as a frame --------------------------------------------------------------------------------- */

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const struct {
        emp_kind_t kind;
        const char *name;
    } kinds[] = {
#define KIND(name, number, fields) {number, #name},
        EMP_CONTROL_MAP (KIND)
#undef KIND
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        emp_control_t message = {.kind = kinds[i].kind,
                                 .run = 7,
                                 .session = 1 + i % 4,
                                 .role = EMP_ROLE_WORKER,
                                 .ended = EMP_ATTEMPT_FAILED,
                                 .how = EMP_HOW_SIGNAL,
                                 .window = 300,
                                 .name = "Process-1",
                                 .host = "host7",
                                 .endpoint = "ipc:///tmp/x",
                                 .text = "a reason",
                                 .blob = "\x81\xa1k\x01",
                                 .blob_size = 4};
        emp_buf_t out;
        emp_buf_init (&out, EMP_CONTROL_MAX);
        FUZZ_MUST (emp_buf_append (&out, "", 1) == EMP_OK && emp_control_encode (&message, &out) == EMP_OK);
        write (kinds[i].name, out.data, out.size);
        emp_buf_release (&out);
    }
    uint8_t made[60] = {1, 19, 1, 2,   3, 1,   4, 5,   6,   7, 8, 2,   1,   0,   3,
                        1, 0,  1, 'q', 1, 'h', 2, 'e', 'f', 0, 3, 'a', 'b', 'c', 5};
    write ("made", made, sizeof made);
}
